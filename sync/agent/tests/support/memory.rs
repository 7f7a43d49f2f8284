//! A box's storage in memory: a real ledger with real signatures, and everything the agent gave it.

use hall_domain::Timestamp;
use hall_ledger::blob::{CHUNK, Manifest};
use hall_ledger::checkpoint::Checkpoint;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::entry::{ClockReading, Known, RequestId};
use hall_ledger::feed::Lane;
use hall_ledger::head::Draft;
use hall_ledger::receipt::{Custody, Receipt};
use hall_ledger::status::{StatusClaims, VerifiedStatusList};
use hall_ledger::token::FreshnessToken;
use hall_ledger::trust::{SignedBundle, Trust};
use hall_ledger::{BlobId, Entry, EntryKind, Hash, LedgerHead, LogId, Salt, Signed, SigningKey, merkle};
use hall_sync::plan::Receipted;
use hall_sync::{BlobFailure, Position, Store, StoreError, VerifiedChange, VerifiedItem, VerifiedPage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a box holds.
pub struct Held {
    pub head: LedgerHead,
    pub entries: Vec<Entry>,
    pub leaves: Vec<Hash>,
    pub receipts: Vec<Receipt>,
    pub receipted: Option<Receipted>,
    pub epoch: u64,
    pub feed: u64,
    pub hot: u64,
    /// Items of the main lane, in the order in which they were applied.
    pub items: Vec<VerifiedItem>,
    /// Positions of the main lane after each time that something was applied.
    pub applied: Vec<u64>,
    /// Hot items that came through the hot lane.
    pub hot_items: Vec<VerifiedItem>,
    pub tokens: Vec<FreshnessToken>,
    /// Bundles that were believed, oldest first.
    pub trusts: Vec<Trust>,
    pub status_list: Option<VerifiedStatusList>,
    pub documents: BTreeMap<DocumentKind, Document>,
    pub due: BTreeMap<DocumentKind, u32>,
    pub blobs: BTreeMap<BlobId, (Manifest, Vec<u8>)>,
    pub pending: Vec<BlobId>,
    /// Blobs of which nothing can be read past the manifest.
    pub damaged: BTreeSet<BlobId>,
    /// Blobs that were not sent, each time.
    pub failed: Vec<(BlobId, BlobFailure)>,
}

/// A box's storage. Clones are one box.
#[derive(Clone)]
pub struct Memory {
    log: LogId,
    key: SigningKey,
    held: Arc<Mutex<Held>>,
}

impl Memory {
    pub fn new(log: LogId, key: SigningKey) -> Self {
        let held = Held {
            head: LedgerHead::new(log),
            entries: Vec::new(),
            leaves: Vec::new(),
            receipts: Vec::new(),
            receipted: None,
            epoch: 0,
            feed: 0,
            hot: 0,
            items: Vec::new(),
            applied: Vec::new(),
            hot_items: Vec::new(),
            tokens: Vec::new(),
            trusts: Vec::new(),
            status_list: None,
            documents: BTreeMap::new(),
            due: BTreeMap::new(),
            blobs: BTreeMap::new(),
            pending: Vec::new(),
            damaged: BTreeSet::new(),
            failed: Vec::new(),
        };
        Self { log, key, held: Arc::new(Mutex::new(held)) }
    }

    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    /// A disk image of this box as it is now, started elsewhere: the same keys, its own future.
    pub fn clone_disk(&self) -> Self {
        let held = self.held();
        let copy = Self::new(self.log, self.key.clone());
        {
            let mut to = copy.held();
            to.head = held.head.clone();
            to.entries = held.entries.clone();
            to.leaves = held.leaves.clone();
            to.receipted = held.receipted;
            to.epoch = held.epoch;
        }
        copy
    }

    /// Records one entry, as a desk does.
    pub fn record(&self, kind: EntryKind, wall: Timestamp, body: Vec<u8>) -> u64 {
        let mut held = self.held();
        let known = Known {
            scope: "hall:990001".into(),
            feed: held.feed,
            hot: held.hot,
            token_at: held.tokens.last().map(|token| token.issued_at),
            policy: 1,
            keys: 1,
        };
        let clock = ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: Some(1), error_ms: 20 };
        let mut request = [0; 16];
        getrandom::fill(&mut request).unwrap();
        let salt = Salt::random().unwrap();
        let draft = Draft { kind, wall, clock, known, request: RequestId(request), body, salt };
        let sealed = held.head.seal(&self.key, draft).unwrap();
        held.leaves.push(sealed.leaf);
        held.entries.push(sealed.clone().into_entry());
        sealed.seq
    }

    /// Records `count` entries that the centre keeps without reading.
    pub fn record_noise(&self, count: usize) {
        for n in 0..count {
            let body = hall_ledger::cbor::encode(&format!("动作 {n} {}", "长".repeat(n % 90))).unwrap();
            self.record(EntryKind::ClerkAction, Timestamp(1_790_000_000_000 + n as i64), body);
        }
    }

    /// Puts a scan into the outbox.
    pub fn attach(&self, bytes: Vec<u8>) -> BlobId {
        let manifest = Manifest::of(&bytes).unwrap();
        let id = manifest.id();
        let mut held = self.held();
        held.blobs.insert(id, (manifest, bytes));
        held.pending.push(id);
        id
    }

    pub fn size(&self) -> u64 {
        self.held().head.size()
    }
}

type Done<T> = Result<T, StoreError>;

impl Store for Memory {
    async fn position(&self) -> Done<Position> {
        let held = self.held();
        let bytes = |id: &BlobId| held.blobs.get(id).map_or(0, |(manifest, _)| manifest.length());
        Ok(Position {
            size: held.head.size(),
            root: held.head.root(),
            receipted: held.receipted,
            epoch: held.epoch,
            feed: held.feed,
            hot: held.hot,
            catalogue: held.documents.get(&DocumentKind::Catalogue).map_or(0, |document| document.version),
            documents_due: held.due.keys().copied().collect(),
            status_list: held.status_list.as_ref().map(|list| (list.issued_at(), list.ttl_s())),
            token: held.tokens.last().cloned(),
            pending_blobs: held.pending.len() as u64,
            blob_bytes: held.pending.iter().map(bytes).sum(),
            free_disk: 1 << 40,
        })
    }

    async fn root_at(&self, size: u64) -> Done<Option<Hash>> {
        let held = self.held();
        Ok(held.leaves.get(..size as usize).map(merkle::root))
    }

    async fn offer(
        &self,
        from: u64,
        count: usize,
        bytes: usize,
        epoch: u64,
    ) -> Done<(Vec<Entry>, Signed<Checkpoint>)> {
        let held = self.held();
        let mut room = bytes;
        let mut entries = Vec::new();
        for entry in held.entries.iter().skip(from as usize).take(count) {
            let size = entry.cose.len() + entry.body.as_ref().map_or(0, |body| body.bytes.len());
            if size > room && !entries.is_empty() {
                break;
            }
            room = room.saturating_sub(size);
            entries.push(entry.clone());
        }
        let checkpoint = held.head.checkpoint(epoch, Timestamp(1_790_000_000_000));
        Ok((entries, Signed::sign(&checkpoint, &self.key)))
    }

    async fn save_epoch(&self, epoch: u64) -> Done<()> {
        let mut held = self.held();
        held.epoch = held.epoch.max(epoch);
        Ok(())
    }

    async fn save_receipt(&self, custody: Custody, _: Signed<Receipt>) -> Done<()> {
        let mut held = self.held();
        if let Custody::Main(receipt) = custody {
            held.receipted = Some(Receipted { size: receipt.size, epoch: receipt.epoch });
            held.receipts.push(receipt);
        }
        Ok(())
    }

    async fn apply(&self, page: VerifiedPage) -> Done<()> {
        let mut held = self.held();
        held.hot = held.hot.max(page.hot.unwrap_or(0));
        if page.lane == Lane::Hot {
            held.hot_items.extend(page.items);
            return Ok(());
        }
        assert_eq!(held.feed, page.after, "a page must follow what was applied");
        for item in page.items {
            assert_eq!(item.seq, held.feed + 1, "no gap and nothing twice");
            held.feed = item.seq;
            if let VerifiedChange::Document(version) = &item.change {
                let known = held.documents.get(&version.kind).map_or(0, |document| document.version);
                if version.version > known {
                    held.due.insert(version.kind, version.version);
                }
            }
            held.items.push(item);
        }
        let feed = held.feed;
        held.applied.push(feed);
        Ok(())
    }

    async fn save_token(&self, token: FreshnessToken, _: Signed<FreshnessToken>) -> Done<()> {
        let mut held = self.held();
        assert!(token.covers(held.feed, held.hot), "a token must not date what is older");
        held.tokens.push(token);
        Ok(())
    }

    async fn save_status_list(&self, list: VerifiedStatusList, _: Signed<StatusClaims>) -> Done<()> {
        self.held().status_list = Some(list);
        Ok(())
    }

    async fn save_document(&self, document: Document, _: Signed<Document>) -> Done<()> {
        let mut held = self.held();
        held.due.remove(&document.kind);
        held.documents.insert(document.kind, document);
        Ok(())
    }

    async fn save_trust(&self, trust: Trust, _: SignedBundle) -> Done<()> {
        let mut held = self.held();
        held.due.remove(&DocumentKind::Trust);
        held.trusts.push(trust);
        Ok(())
    }

    async fn pending_blobs(&self) -> Done<Vec<BlobId>> {
        Ok(self.held().pending.clone())
    }

    async fn blob_manifest(&self, id: BlobId) -> Done<Manifest> {
        let held = self.held();
        held.blobs
            .get(&id)
            .map(|(manifest, _)| manifest.clone())
            .ok_or_else(|| StoreError::new("no such blob"))
    }

    async fn blob_chunk(&self, id: BlobId, n: usize) -> Done<Vec<u8>> {
        let held = self.held();
        if held.damaged.contains(&id) {
            return Err(StoreError::new("chunk is damaged"));
        }
        Ok(held.blobs[&id].1.chunks(CHUNK).nth(n).unwrap().to_vec())
    }

    async fn blob_failed(&self, id: BlobId, why: BlobFailure) -> Done<()> {
        let mut held = self.held();
        held.failed.push((id, why));
        held.pending.sort_by_key(|pending| *pending == id);
        Ok(())
    }

    async fn blob_sealed(&self, id: BlobId) -> Done<()> {
        self.held().pending.retain(|pending| *pending != id);
        Ok(())
    }
}
