//! `hallbox verify`: 核对账本. Reads the whole ledger again and says whether every signature, place and
//! commitment holds, whether the centre's last receipt is for this very history, and whether every case
//! is what its entries amount to. Changes nothing, and looks at one moment while the box goes on.

use crate::book::{Book, Fault};
use crate::cache::purge::Purged;
use crate::store::cases::{self, Filter};
use crate::store::ledger;
use crate::vault::Vault;
use ed25519_dalek::VerifyingKey;
use hall_domain::case::{Case, CaseId, CaseRecord};
use hall_ledger::LedgerHead;
use hall_ledger::cose::Signed;
use hall_ledger::entry::{Entry, EntryKind};
use hall_ledger::hash::Hash;
use hall_ledger::receipt::Receipt;
use rusqlite::Connection;
use serde::Serialize;
use std::sync::Arc;

/// Entries read at once.
const PAGE: u64 = 500;
/// Damages that are named; more are only counted.
const NAMED: usize = 20;

/// What was read and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Entries whose signature, place and commitment hold.
    pub entries: u64,
    /// Entries that the centre's last receipt covers.
    pub receipted: u64,
    /// Cases that are what their entries amount to.
    pub cases: u64,
    /// 清理证明: cached licences whose deletion an entry proves.
    pub purged: u64,
    /// What does not hold, in Chinese, the first of them.
    pub damages: Vec<String>,
    /// How much does not hold.
    pub damaged: u64,
}

impl Report {
    /// One sentence or several for the technician.
    pub fn text(&self) -> String {
        let Self { entries, receipted, cases, purged, .. } = self;
        if self.damaged == 0 {
            return format!(
                "账本 {entries} 条，签名、次序、摘要都相符；省级中心已签收 {receipted} 条。{cases} 件办件与账本一致。\
                 缓存证照已按规定清理 {purged} 份，每次都有账本条目为证。"
            );
        }
        let named = self.damages.join("\n");
        format!(
            "发现 {} 处不符，请停用本机并联系省级运维，不要删除任何文件。\n{named}\n相符的：账本 {entries} 条，办件 {cases} 件。",
            self.damaged
        )
    }

    fn damage(&mut self, what: String) {
        self.damaged += 1;
        if self.damages.len() < NAMED {
            self.damages.push(what);
        }
    }
}

/// Reads everything. Takes as long as it takes: about 20,000 entries a second.
pub async fn verify(book: &Book) -> Result<Report, Fault> {
    let (vault, key) = (book.vault.clone(), book.key().verifying_key());
    let knowledge = Arc::clone(&book.knowledge);
    book.db
        .read_with(move |db| {
            let mut report = Report::default();
            let receipt = ledger::last_receipt(db)?.and_then(|kept| {
                let read = Signed::<Receipt>::from_bytes(kept.bytes).verify_kept(knowledge.trust().keys());
                read.inspect_err(|_| report.damage("省级中心的回执签名不符".to_owned())).ok()
            });
            walk(db, &vault, &key, receipt.as_ref(), &mut report)?;
            fold(db, &vault, &mut report)?;
            Ok::<_, Fault>(report)
        })
        .await
}

/// Every entry in its order, up to the first that does not follow.
fn walk(
    db: &Connection,
    vault: &Vault,
    key: &VerifyingKey,
    receipt: Option<&Receipt>,
    report: &mut Report,
) -> Result<(), Fault> {
    let Some(stored) = ledger::head(db)? else { return Ok(()) };
    let mut head = LedgerHead::new(stored.log());
    loop {
        let page = match ledger::entries(db, vault, head.size(), PAGE) {
            Ok(page) if page.is_empty() => break,
            Ok(page) => page,
            Err(ledger::LedgerError::Damaged(seq)) => {
                report.damage(format!("第 {seq} 条无法解封"));
                return Ok(());
            }
            Err(other) => return Err(other.into()),
        };
        for entry in page {
            match follow(&mut head, entry, key) {
                Ok(purged) => report.purged += purged,
                Err(reason) => {
                    report.damage(format!("第 {} 条：{reason}", head.size()));
                    return Ok(());
                }
            }
            report.entries += 1;
            if let Some(receipt) = receipt
                && receipt.size == head.size()
            {
                report.receipted = receipt.size;
                if receipt.root != head.root() {
                    report.damage(format!("省级中心签收的前 {} 条不是本机的这一段历史", receipt.size));
                }
            }
        }
    }
    if stored.size() != head.size() || stored.root() != head.root() {
        report.damage(format!("账本应有 {} 条，读到 {} 条", stored.size(), head.size()));
    }
    if leaves(db, head.size())? != Some(head.root()) {
        report.damage("叶子摘要与条目不符".to_owned());
    }
    if receipt.is_some_and(|receipt| receipt.size > head.size()) {
        report.damage("省级中心签收的比本机有的多：本机可能是从旧备份恢复的".to_owned());
    }
    Ok(())
}

/// Puts an entry on the head. Gives how many cached licences it says were deleted.
fn follow(head: &mut LedgerHead, entry: Entry, key: &VerifyingKey) -> Result<u64, String> {
    let entry = entry.verify(key).map_err(|error| error.to_string())?;
    head.accept(&entry).map_err(|error| error.to_string())?;
    match entry.kind() {
        EntryKind::CachePurged => Ok(entry.body::<Purged>().map_err(|error| error.to_string())?.count),
        _ => Ok(0),
    }
}

/// The root over the leaves as they are kept for proofs.
fn leaves(db: &Connection, size: u64) -> Result<Option<Hash>, Fault> {
    match ledger::leaves(db, size) {
        Ok(leaves) => Ok(Some(hall_ledger::merkle::root(&leaves))),
        Err(ledger::LedgerError::Damaged(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Every case, put together anew from its entries and compared with the row that the screens show.
fn fold(db: &Connection, vault: &Vault, report: &mut Report) -> Result<(), Fault> {
    let recorded = ledger::cases(db)?;
    for id in &recorded {
        match folded(db, vault, id)? {
            Some((case, rev)) => match cases::find(db, vault, id) {
                Ok(Some(stored)) if *stored.case == case && stored.rev == rev => report.cases += 1,
                Ok(None) => report.damage(format!("办件 {} 只在账本里", case.no.as_str())),
                Ok(Some(_)) | Err(_) => report.damage(format!("办件 {} 与账本不一致", case.no.as_str())),
            },
            None => report.damage(format!("办件 {} 的记录读不出", id.as_str())),
        }
    }
    let rows = u64::from(cases::count(db, vault, &Filter::default())?);
    if rows > recorded.len() as u64 {
        report.damage(format!("有 {} 件办件不在账本里", rows - recorded.len() as u64));
    }
    Ok(())
}

/// A case as its entries tell it, with the number of them; none when they do not.
fn folded(db: &Connection, vault: &Vault, id: &CaseId) -> Result<Option<(Case, u64)>, Fault> {
    let entries = match ledger::entries_of_case(db, vault, id) {
        Ok(entries) => entries,
        Err(ledger::LedgerError::Damaged(_)) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let mut case: Option<Case> = None;
    let mut rev = 0;
    for (_, _, entry) in entries {
        let Some(body) = entry.body else { return Ok(None) };
        let Ok(record) = hall_ledger::cbor::decode::<CaseRecord>(&body.bytes) else { return Ok(None) };
        match &mut case {
            None => case = Case::opened(&record),
            Some(case) => case.apply(record),
        }
        rev += 1;
    }
    Ok(case.map(|case| (case, rev)))
}
