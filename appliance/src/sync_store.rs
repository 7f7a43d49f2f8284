//! What the sync agent reads from and writes to the box's database.

mod notes;
#[cfg(test)]
mod tests;

pub use notes::{BLOB_REFUSED, BLOB_UNREADABLE, CONSENT_WITHDRAWN, LIST_OVERDUE, RECHECK, blob_finding};

use crate::book::{Book, Fault};
use crate::cache::{install, purge};
use crate::live::{Change, Live};
use crate::store::findings;
use crate::store::ledger::{self, KeptReceipt};
use crate::store::meta::{self, key};
use crate::store::{aliases, blobs, cases, codes, licences};
use crate::trust;
use hall_domain::policy::Policy;
use hall_domain::{Catalogue, Organisation};
use hall_ledger::blob::{BlobId, Manifest};
use hall_ledger::checkpoint::Checkpoint;
use hall_ledger::cose::Signed;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::entry::{Entry, EntryKind};
use hall_ledger::envelope::{Filing, IssuedEnvelope};
use hall_ledger::hash::Hash;
use hall_ledger::merkle::Frontier;
use hall_ledger::receipt::{Custody, Receipt};
use hall_ledger::status::{StatusClaims, VerifiedStatusList};
use hall_ledger::token::FreshnessToken;
use hall_ledger::trust::{SignedBundle, Trust};
use hall_sync::plan::Receipted;
use hall_sync::{BlobFailure, Position, Store, StoreError, VerifiedChange, VerifiedItem, VerifiedPage};
use notes::{LIST_OLD, note_disposition, note_old_list, note_unsent, note_withdrawal};
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
        let (feed, hot, token, list, catalogue, policy) = self
            .book
            .db
            .read(|db| {
                Ok((
                    meta::number(db, key::FEED)?,
                    meta::number(db, key::HOT)?,
                    meta::get(db, key::TOKEN)?,
                    meta::get(db, key::STATUS_LIST)?,
                    meta::document(db, word(DocumentKind::Catalogue))?,
                    meta::document(db, word(DocumentKind::Policy))?,
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
        let kept = |bytes: Vec<u8>| Signed::<Document>::from_bytes(bytes).verify_kept(trust.keys()).ok();
        let catalogue = catalogue.and_then(|(_, _, bytes)| kept(bytes)?.read(DocumentKind::Catalogue).ok());
        if let Some(catalogue) = catalogue {
            knowledge.set_catalogue(catalogue);
        }
        let policy = policy.and_then(|(_, _, bytes)| kept(bytes)?.read(DocumentKind::Policy).ok());
        if let Some(policy) = policy {
            knowledge.set_policy(policy);
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
            for kind in DOCUMENTS {
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
        // Sealing takes longest, and nobody who records waits for it here.
        let (page, sealed) = {
            let vault = book.vault.clone();
            let seal = move || {
                let upserts: Vec<_> = page.items.iter().filter_map(upsert).collect();
                let sealed = install::seal(&vault, &upserts);
                (page, sealed)
            };
            tokio::task::spawn_blocking(seal).await.map_err(StoreError::new)?
        };
        let changed = self
            .write(move |tx| {
                let (mut told, mut forgotten) = (Vec::new(), Vec::new());
                let mut sealed = sealed.into_iter();
                for run in page.items.chunk_by(|one, next| upsert(one).is_some() == upsert(next).is_some()) {
                    if upsert(&run[0]).is_some() {
                        licences::put_all(tx, sealed.by_ref().take(run.len()).collect())?;
                    } else {
                        for item in run {
                            apply_item(tx, &book, item, &mut told, &mut forgotten)?;
                        }
                    }
                }
                purge::record(tx, &book, purge::Reason::LeftScope, forgotten, book.clock.now())?;
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
        let overdue = self.book.knowledge.list_overdue(&token);
        let at = token.issued_at;
        self.write(move |tx| {
            meta::put(tx, key::TOKEN, &bytes)?;
            overdue.map_or(Ok(()), |since| note_old_list(tx, since, at))
        })
        .await?;
        self.book.knowledge.set_token(token);
        if overdue.is_some() {
            self.live.tell(Change::Findings);
        }
        Ok(())
    }

    async fn save_status_list(
        &self,
        list: VerifiedStatusList,
        signed: Signed<StatusClaims>,
    ) -> Result<(), StoreError> {
        let held = self.book.knowledge.lists().get(&list.list()).cloned();
        if held.as_ref().is_some_and(|held| !list.supersedes(held)) {
            return Ok(());
        }
        let (bytes, vault, at) = (signed.into_bytes(), self.book.vault.clone(), list.issued_at());
        let renewed = held.is_some_and(|held| held.issued_at() < at);
        self.write(move |tx| {
            meta::put(tx, key::STATUS_LIST, &bytes)?;
            // The same list once more is no news.
            if renewed {
                findings::settle(tx, &vault, LIST_OLD, "已收到新的状态列表", at)?;
            }
            Ok(())
        })
        .await?;
        self.book.knowledge.set_list(list);
        if renewed {
            self.live.tell(Change::Findings);
        }
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
            DocumentKind::Policy => {
                let policy: Policy = document.read(DocumentKind::Policy).map_err(StoreError::new)?;
                policy.check().map_err(StoreError::new)?;
                let (book, now, bytes) = (self.book.clone(), self.book.clock.now(), signed.into_bytes());
                let newer = self
                    .write(move |tx| {
                        let newer = meta::put_document(tx, word(document.kind), document.version, &bytes)?;
                        if newer {
                            let seen = serde_json::json!({ "policy": document.version, "at": now });
                            book.append(tx, EntryKind::PolicySeen, &seen, now)?;
                        }
                        Ok(newer)
                    })
                    .await?;
                if newer {
                    self.book.knowledge.set_policy(policy);
                }
                Ok(())
            }
            DocumentKind::Organisation | DocumentKind::Trust => Ok(()),
        }
    }

    async fn save_trust(&self, trust: Trust, signed: SignedBundle) -> Result<(), StoreError> {
        let (vault, version, now) = (self.book.vault.clone(), trust.version(), self.book.clock.now());
        self.write(move |tx| {
            meta::put_document(tx, word(DocumentKind::Trust), version, b"")?;
            Ok(trust::keep(tx, &vault, &signed, now)?)
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
        let (vault, now) = (self.book.vault.clone(), self.book.clock.now());
        self.write(move |tx| {
            blobs::set_sent(tx, &id.to_string())?;
            Ok(findings::resolve(tx, &vault, &blob_finding(&id), "已送达省级中心，无需再处理", now)?)
        })
        .await?;
        self.live.tell(Change::Line);
        Ok(())
    }
}

/// The licence that an item brings, and by what it is filed.
fn upsert(item: &VerifiedItem) -> Option<(&IssuedEnvelope, &Filing)> {
    match &item.change {
        VerifiedChange::LicenceUpsert { filing, issued } => Some((issued, filing)),
        _ => None,
    }
}

/// Applies any item but a licence.
fn apply_item(
    tx: &Connection,
    book: &Book,
    item: &VerifiedItem,
    told: &mut Vec<Change>,
    forgotten: &mut Vec<licences::Index>,
) -> Result<(), Fault> {
    match &item.change {
        VerifiedChange::LicenceUpsert { .. } => {}
        VerifiedChange::LicenceStatus(change) => {
            licences::set_status(tx, &book.vault, &change.licence, change.status, change.at)?;
        }
        VerifiedChange::LicenceForget(licence) => {
            forgotten.extend(licences::forget(tx, &book.vault, licence)?);
        }
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
        VerifiedChange::ConsentWithdrawn(withdrawn) => {
            if let Some(case) = note_withdrawal(tx, book, withdrawn, item.at)? {
                told.push(Change::Findings);
                told.push(Change::Case(case));
            }
        }
        VerifiedChange::PlaceStatus(change) => {
            codes::set_place(tx, change.list, change.place, change.status, change.at)?;
        }
        VerifiedChange::HolderAlias { id, at, fact } => match fact {
            Some(fact) => aliases::put(tx, &book.vault, fact, *at)?,
            None => aliases::forget(tx, *id, *at)?,
        },
        VerifiedChange::Unknown { code } => {
            tracing::info!(feed.kind = code, "a newer kind of feed item was passed over")
        }
    }
    Ok(())
}

/// The documents that a box holds, in the order in which it fetches them.
const DOCUMENTS: [DocumentKind; 3] =
    [DocumentKind::Catalogue, DocumentKind::Policy, DocumentKind::Organisations];

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
