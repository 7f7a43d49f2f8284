//! What the sync agent reads from and writes to the box's database.

use crate::book::{Book, Fault};
use crate::live::{Change, Live};
use crate::store::findings::{self, NewFinding, Severity};
use crate::store::ledger::{self, KeptReceipt};
use crate::store::meta::{self, key};
use crate::store::{blobs, cases, licences};
use crate::trust;
use crate::vault::Vault;
use hall_domain::{Catalogue, Organisation, Timestamp};
use hall_ledger::blob::{BlobId, Manifest};
use hall_ledger::checkpoint::Checkpoint;
use hall_ledger::cose::Signed;
use hall_ledger::disposition::Disposition;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::entry::Entry;
use hall_ledger::hash::Hash;
use hall_ledger::merkle::Frontier;
use hall_ledger::receipt::{Custody, Receipt};
use hall_ledger::status::{StatusClaims, VerifiedStatusList};
use hall_ledger::token::FreshnessToken;
use hall_ledger::trust::{SignedBundle, Trust};
use hall_sync::plan::Receipted;
use hall_sync::{BlobFailure, Position, Store, StoreError, VerifiedChange, VerifiedItem, VerifiedPage};
use rusqlite::Connection;
use std::path::PathBuf;

/// Blobs that one pass sends.
const BLOBS: u32 = 256;

/// The agent's view of the box.
#[derive(Clone)]
pub struct SyncStore {
    book: Book,
    live: Live,
    blobs: blobs::BlobFolder,
    dir: PathBuf,
}

impl SyncStore {
    /// A view on this book; `dir` is on the disk whose free space counts.
    pub fn new(book: Book, live: Live, blobs: blobs::BlobFolder, dir: PathBuf) -> Self {
        Self { book, live, blobs, dir }
    }

    /// Brings what the box knows from its database into memory, at the start.
    pub async fn recall(&self) -> Result<(), Fault> {
        let (feed, hot, token, list, catalogue) = self
            .book
            .db
            .read(|db| {
                Ok((
                    meta::number(db, key::FEED)?,
                    meta::number(db, key::HOT)?,
                    meta::get(db, key::TOKEN)?,
                    meta::get(db, key::STATUS_LIST)?,
                    meta::document(db, word(DocumentKind::Catalogue))?,
                ))
            })
            .await?;
        let knowledge = &self.book.knowledge;
        knowledge.set_position(feed, hot);
        let trust = knowledge.trust();
        let token = token
            .and_then(|bytes| Signed::<FreshnessToken>::from_bytes(bytes).verify_kept(trust.keys()).ok());
        if let Some(token) = token {
            knowledge.set_token(token);
        }
        let list = list.and_then(|bytes| StatusClaims::verify_kept(&bytes, trust.keys()).ok());
        if let Some(list) = list {
            knowledge.set_list(list);
        }
        let catalogue = catalogue.and_then(|(_, _, bytes)| {
            Signed::<Document>::from_bytes(bytes)
                .verify_kept(trust.keys())
                .ok()?
                .read(DocumentKind::Catalogue)
                .ok()
        });
        if let Some(catalogue) = catalogue {
            knowledge.set_catalogue(catalogue);
        }
        Ok(())
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.book.db.write(move |tx| change(tx)).await.map_err(|error| StoreError::new(Fault::from(error)))
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.book.db.read_with(look).await.map_err(StoreError::new)
    }
}

impl Store for SyncStore {
    async fn position(&self) -> Result<Position, StoreError> {
        let trust = self.book.knowledge.trust();
        let free_disk = free_bytes(&self.dir);
        self.read(move |db| {
            let head = ledger::head(db)?.ok_or_else(|| Fault::Storage("not enrolled".to_owned()))?;
            let (pending_blobs, blob_bytes) = blobs::backlog(db)?;
            let list = meta::get(db, key::STATUS_LIST)?
                .and_then(|bytes| StatusClaims::verify_kept(&bytes, trust.keys()).ok());
            let token = meta::get(db, key::TOKEN)?
                .and_then(|bytes| Signed::<FreshnessToken>::from_bytes(bytes).verify_kept(trust.keys()).ok());
            let mut documents_due = Vec::new();
            let mut catalogue = 0;
            for kind in [DocumentKind::Catalogue, DocumentKind::Organisations] {
                if meta::document_due(db, word(kind))? {
                    documents_due.push(kind);
                }
                if kind == DocumentKind::Catalogue {
                    catalogue = meta::document(db, word(kind))?.map_or(0, |(_, held, _)| held);
                }
            }
            if trust.rooted() && meta::document_due(db, word(DocumentKind::Trust))? {
                documents_due.push(DocumentKind::Trust);
            }
            Ok(Position {
                size: head.size(),
                root: head.root(),
                receipted: ledger::last_receipt(db)?
                    .map(|receipt| Receipted { size: receipt.size, epoch: receipt.epoch }),
                epoch: meta::number(db, key::EPOCH)?,
                feed: meta::number(db, key::FEED)?,
                hot: meta::number(db, key::HOT)?,
                catalogue,
                documents_due,
                status_list: list.map(|list| (list.issued_at(), list.ttl_s())),
                token,
                pending_blobs,
                blob_bytes,
                free_disk,
            })
        })
        .await
    }

    async fn root_at(&self, size: u64) -> Result<Option<Hash>, StoreError> {
        self.read(move |db| {
            let Some(head) = ledger::head(db)?.filter(|head| head.size() >= size) else { return Ok(None) };
            if head.size() == size {
                return Ok(Some(head.root()));
            }
            let mut frontier = Frontier::new();
            for leaf in ledger::leaves(db, size)? {
                frontier.push(leaf);
            }
            Ok(Some(frontier.root()))
        })
        .await
    }

    async fn offer(
        &self,
        from: u64,
        count: usize,
        bytes: usize,
        epoch: u64,
    ) -> Result<(Vec<Entry>, Signed<Checkpoint>), StoreError> {
        let vault = self.book.vault.clone();
        let wall = self.book.clock.now();
        let (entries, head) = self
            .read(move |db| {
                let mut room = bytes;
                let mut entries = ledger::entries(db, &vault, from, count as u64)?;
                let mut fits = 0;
                for entry in &entries {
                    let size = entry.cose.len() + entry.body.as_ref().map_or(0, |body| body.bytes.len());
                    if fits > 0 && size > room {
                        break;
                    }
                    room = room.saturating_sub(size);
                    fits += 1;
                }
                entries.truncate(fits);
                Ok((entries, ledger::head(db)?))
            })
            .await?;
        let head = head.ok_or_else(|| StoreError::new("not enrolled"))?;
        Ok((entries, Signed::sign(&head.checkpoint(epoch, wall), self.book.key())))
    }

    async fn save_epoch(&self, epoch: u64) -> Result<(), StoreError> {
        self.write(move |tx| {
            let known = meta::number(tx, key::EPOCH)?;
            Ok(meta::put_number(tx, key::EPOCH, known.max(epoch))?)
        })
        .await
    }

    async fn save_receipt(&self, custody: Custody, signed: Signed<Receipt>) -> Result<(), StoreError> {
        let (receipt, quarantine) = match custody {
            Custody::Main(receipt) => (receipt, false),
            Custody::Quarantine(receipt) => (receipt, true),
        };
        let kept = KeptReceipt {
            size: receipt.size,
            epoch: receipt.epoch,
            received_at: receipt.received_at,
            bytes: signed.into_bytes(),
        };
        self.write(move |tx| Ok(ledger::note_receipt(tx, &kept, quarantine)?)).await?;
        self.live.tell(Change::Line);
        Ok(())
    }

    async fn apply(&self, page: VerifiedPage) -> Result<(), StoreError> {
        use hall_ledger::feed::Lane;
        let book = self.book.clone();
        let main = page.lane == Lane::Main;
        let changed = self
            .write(move |tx| {
                let mut told = Vec::new();
                for item in &page.items {
                    apply_item(tx, &book, item, &mut told)?;
                }
                let feed = if main { page.last } else { 0 };
                let feed = meta::number(tx, key::FEED)?.max(feed);
                let hot = meta::number(tx, key::HOT)?.max(page.hot.unwrap_or_default());
                meta::put_number(tx, key::FEED, feed)?;
                meta::put_number(tx, key::HOT, hot)?;
                Ok((told, feed, hot))
            })
            .await?;
        let (told, feed, hot) = changed;
        self.book.knowledge.set_position(feed, hot);
        for change in told {
            self.live.tell(change);
        }
        self.live.tell(Change::Line);
        Ok(())
    }

    async fn save_token(
        &self,
        token: FreshnessToken,
        signed: Signed<FreshnessToken>,
    ) -> Result<(), StoreError> {
        let bytes = signed.into_bytes();
        self.write(move |tx| Ok(meta::put(tx, key::TOKEN, &bytes)?)).await?;
        self.book.knowledge.set_token(token);
        Ok(())
    }

    async fn save_status_list(
        &self,
        list: VerifiedStatusList,
        signed: Signed<StatusClaims>,
    ) -> Result<(), StoreError> {
        let bytes = signed.into_bytes();
        self.write(move |tx| Ok(meta::put(tx, key::STATUS_LIST, &bytes)?)).await?;
        self.book.knowledge.set_list(list);
        Ok(())
    }

    async fn save_document(&self, document: Document, signed: Signed<Document>) -> Result<(), StoreError> {
        match document.kind {
            DocumentKind::Catalogue => {
                let catalogue: Catalogue = document.read(DocumentKind::Catalogue).map_err(StoreError::new)?;
                let bytes = signed.into_bytes();
                let newer = self
                    .write(move |tx| {
                        Ok(meta::put_document(tx, word(document.kind), document.version, &bytes)?)
                    })
                    .await?;
                if newer {
                    self.book.knowledge.set_catalogue(catalogue);
                }
                Ok(())
            }
            DocumentKind::Organisations => {
                let organisations: Vec<Organisation> =
                    document.read(DocumentKind::Organisations).map_err(StoreError::new)?;
                let book = self.book.clone();
                self.write(move |tx| {
                    // The list itself would be a list of people; only its version is kept.
                    if meta::put_document(tx, word(document.kind), document.version, b"")? {
                        licences::put_register(tx, &book.vault, &organisations, document.issued_at)?;
                    }
                    Ok(())
                })
                .await
            }
            DocumentKind::Policy | DocumentKind::Organisation | DocumentKind::Trust => Ok(()),
        }
    }

    async fn save_trust(&self, trust: Trust, signed: SignedBundle) -> Result<(), StoreError> {
        let (vault, version) = (self.book.vault.clone(), trust.version());
        self.write(move |tx| {
            meta::put_document(tx, word(DocumentKind::Trust), version, b"")?;
            Ok(trust::keep(tx, &vault, &signed)?)
        })
        .await?;
        self.book.knowledge.set_trust(trust);
        self.live.tell(Change::Line);
        Ok(())
    }

    async fn pending_blobs(&self) -> Result<Vec<BlobId>, StoreError> {
        let rows = self.read(|db| Ok(blobs::sending(db, BLOBS)?)).await?;
        Ok(rows.into_iter().filter_map(|id| id.parse().ok()).collect())
    }

    async fn blob_manifest(&self, id: BlobId) -> Result<Manifest, StoreError> {
        let text = id.to_string();
        let bytes = self.read(move |db| Ok(blobs::manifest(db, &text)?)).await?;
        let bytes = bytes.ok_or_else(|| StoreError::new("no such blob"))?;
        Manifest::read(&bytes, id).map_err(StoreError::new)
    }

    async fn blob_chunk(&self, id: BlobId, n: usize) -> Result<Vec<u8>, StoreError> {
        let folder = self.blobs.clone();
        let n = u32::try_from(n).map_err(StoreError::new)?;
        tokio::task::spawn_blocking(move || folder.chunk(&id, n))
            .await
            .map_err(StoreError::new)?
            .map_err(StoreError::new)
    }

    async fn blob_failed(&self, id: BlobId, why: BlobFailure) -> Result<(), StoreError> {
        let now = self.book.clock.now();
        self.write(move |tx| {
            blobs::set_failed(tx, &id.to_string(), now)?;
            note_unsent(tx, &id, why, now)
        })
        .await?;
        self.live.tell(Change::Findings);
        Ok(())
    }

    async fn blob_sealed(&self, id: BlobId) -> Result<(), StoreError> {
        self.write(move |tx| {
            blobs::set_sent(tx, &id.to_string())?;
            Ok(findings::withdraw(tx, &blob_finding(&id))?)
        })
        .await?;
        self.live.tell(Change::Line);
        Ok(())
    }
}

fn apply_item(
    tx: &Connection,
    book: &Book,
    item: &VerifiedItem,
    told: &mut Vec<Change>,
) -> Result<(), Fault> {
    match &item.change {
        VerifiedChange::LicenceUpsert { facts, issued } => {
            licences::put(tx, &book.vault, issued, facts.facts(), None)?;
        }
        VerifiedChange::LicenceStatus(change) => {
            licences::set_status(tx, &book.vault, &change.licence, change.status, change.at)?;
        }
        VerifiedChange::LicenceForget(licence) => licences::forget(tx, &book.vault, licence)?,
        VerifiedChange::Document(version) => {
            meta::announce_document(tx, word(version.kind), version.version)?
        }
        VerifiedChange::Disposition { disposition, .. } => {
            note_disposition(tx, &book.vault, disposition, item.at)?;
            told.push(Change::Findings);
            if let Some(case) = cases::id_of(tx, &disposition.case_no)? {
                told.push(Change::Case(case));
            }
        }
        VerifiedChange::Unknown { code } => {
            tracing::info!(feed.kind = code, "a newer kind of feed item was passed over")
        }
    }
    Ok(())
}

fn note_disposition(
    tx: &Connection,
    vault: &Vault,
    disposition: &Disposition,
    at: Timestamp,
) -> Result<(), Fault> {
    let outcome = disposition.outcome.word();
    cases::set_disposition(tx, &disposition.case_no, disposition.outcome)?;
    // A later judgement about the same entry replaces the earlier one.
    let keys = format!("disposition:{}:{}:", disposition.log, disposition.seq);
    if !disposition.outcome.needs_action() {
        return Ok(findings::settle(tx, vault, &keys, "省级中心已复核通过", at)?);
    }
    let case = cases::id_of(tx, &disposition.case_no)?;
    let severity = if disposition.outcome.is_returned() { Severity::Harm } else { Severity::Attention };
    findings::add(
        tx,
        &NewFinding {
            key: &format!("{keys}{outcome}"),
            at,
            kind: outcome,
            case_no: &disposition.case_no,
            case_id: case.as_ref().map(|id| id.as_str()).unwrap_or_default(),
            what: &disposition.sentence(),
            todo: &disposition.what_to_do(),
            severity,
        },
    )?;
    Ok(())
}

fn blob_finding(id: &BlobId) -> String {
    format!("blob:{id}")
}

/// A content that does not go up by itself, for a person to look at.
fn note_unsent(tx: &Connection, id: &BlobId, why: BlobFailure, at: Timestamp) -> Result<(), Fault> {
    let short: String = id.to_string().chars().take(8).collect();
    let (kind, what, todo) = match why {
        BlobFailure::Line => return Ok(()),
        BlobFailure::Refused { status } => (
            BLOB_REFUSED,
            format!("省级中心没有接收这个办件的一份材料（编号 {short}，代码 {status}），其他材料照常上传。"),
            "请把办件编号和材料编号告诉省级中心；中心处理后本机会自动再传。",
        ),
        BlobFailure::Unreadable => (
            BLOB_UNREADABLE,
            format!("本机读不出这个办件的一份材料（编号 {short}），不能上传，其他材料照常上传。"),
            "请打开办件查看是哪份材料，请办事人补交，并请运维人员检查磁盘。",
        ),
    };
    let case = blobs::case_of(tx, &id.to_string())?;
    let (case_id, case_no) = case.map(|(id, no)| (id.to_string(), no)).unwrap_or_default();
    findings::add(
        tx,
        &NewFinding {
            key: &blob_finding(id),
            at,
            kind,
            case_no: &case_no,
            case_id: &case_id,
            what: &what,
            todo,
            severity: Severity::Attention,
        },
    )?;
    Ok(())
}

/// Kind of a finding: the centre will not have a content.
pub const BLOB_REFUSED: &str = "blob-refused";
/// Kind of a finding: a content cannot be read here.
pub const BLOB_UNREADABLE: &str = "blob-unreadable";

fn word(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Catalogue => "catalogue",
        DocumentKind::Organisations => "organisations",
        DocumentKind::Policy => "policy",
        DocumentKind::Organisation => "organisation",
        DocumentKind::Trust => "trust",
    }
}

fn free_bytes(dir: &std::path::Path) -> u64 {
    nix::sys::statvfs::statvfs(dir)
        .map(|stat| stat.blocks_available() * stat.fragment_size())
        .unwrap_or_default()
}
