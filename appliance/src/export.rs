//! `hallbox export`: one consent as three files that a stranger can check without us: the entry,
//! its inclusion proof, and the centre's receipt. `docs/protocol/ledger.md` says how.

use crate::book::Book;
use crate::store::{cases, ledger};
use anyhow::{Context, Result, anyhow, bail};
use hall_ledger::cose::Signed;
use hall_ledger::entry::EntryKind;
use hall_ledger::proof::InclusionProof;
use hall_ledger::receipt::Receipt;
use std::fs;
use std::path::Path;

/// Writes the evidence of a case's consent; returns the names of the files.
pub async fn consent(book: &Book, case_no: &str, out: &Path) -> Result<Vec<String>> {
    let (vault, no) = (book.vault.clone(), case_no.to_owned());
    let found = book
        .db
        .read_with(move |db| {
            let Some(id) = cases::id_of(db, &no)? else { return Ok(None) };
            let consent = ledger::entries_of_case(db, &vault, &id)?
                .into_iter()
                .find(|(_, kind, _)| *kind == EntryKind::ConsentGiven);
            let Some((seq, _, entry)) = consent else { return Ok(None) };
            let receipt = ledger::receipt_covering(db, seq)?;
            let leaves = match &receipt {
                Some(receipt) => ledger::leaves(db, receipt.size)?,
                None => Vec::new(),
            };
            Ok::<_, crate::book::Fault>(Some((seq, entry, receipt, leaves)))
        })
        .await?;
    let (seq, entry, receipt, leaves) =
        found.ok_or_else(|| anyhow!("没有这个办件编号，或该办件没有用证授权。"))?;
    let Some(receipt) = receipt else {
        bail!("省级中心还没有签收这条记录，请在线路恢复并同步后再导出。");
    };
    let signed =
        Signed::<Receipt>::from_bytes(receipt.bytes.clone()).verify_kept(book.knowledge.trust().keys())?;
    let proof = InclusionProof::make(signed.log, &leaves, seq).context("inclusion proof")?;
    fs::create_dir_all(out)?;
    let files = [
        ("entry.cbor", hall_ledger::cbor::pack(&entry)),
        ("proof.cbor", hall_ledger::cbor::pack(&proof)),
        ("receipt.cbor", receipt.bytes),
    ];
    for (name, bytes) in &files {
        fs::write(out.join(name), bytes).with_context(|| format!("write {name}"))?;
    }
    let keys = book.knowledge.trust().keys().to_hex().join("\n");
    fs::write(out.join("centre-key.hex"), keys)?;
    Ok(files.iter().map(|(name, _)| (*name).to_owned()).chain(["centre-key.hex".to_owned()]).collect())
}
