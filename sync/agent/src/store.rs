//! What the agent needs from the box's storage. Each method is one transaction, durable when it
//! answers; nothing here is told twice with two results.

use crate::plan::Receipted;
use hall_domain::{AliasId, HolderAlias, LicenceId, Timestamp};
use hall_ledger::blob::Manifest;
use hall_ledger::checkpoint::Checkpoint;
use hall_ledger::disposition::Disposition;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::envelope::{Filing, IssuedEnvelope};
use hall_ledger::feed::{ConsentWithdrawn, DocumentVersion, Lane, PlaceStatus, StatusChange};
use hall_ledger::receipt::{Custody, Receipt};
use hall_ledger::status::{StatusClaims, VerifiedStatusList};
use hall_ledger::token::FreshnessToken;
use hall_ledger::trust::{SignedBundle, Trust};
use hall_ledger::{BlobId, Entry, Hash, Signed};
use std::future::Future;

/// The box's storage failed. Trying again can help.
#[derive(Debug, thiserror::Error)]
#[error("the box's storage")]
pub struct StoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// Wraps the engine's error.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// Where the box stands, read in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Entries in the ledger.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// What the newest believed receipt covers.
    pub receipted: Option<Receipted>,
    /// Highest centre epoch ever seen; 0 before the first hello.
    pub epoch: u64,
    /// Last feed item applied; 0 before the first.
    pub feed: u64,
    /// Last hot item applied; 0 before the first.
    pub hot: u64,
    /// Catalogue version held; 0 for none.
    pub catalogue: u32,
    /// Documents that the feed announced in a newer version than is held.
    pub documents_due: Vec<DocumentKind>,
    /// When the held status list was made, and its `ttl` in seconds.
    pub status_list: Option<(Timestamp, u32)>,
    /// The newest freshness token that dates the cache.
    pub token: Option<FreshnessToken>,
    /// Blobs that the centre does not hold whole yet.
    pub pending_blobs: u64,
    /// Bytes of those blobs.
    pub blob_bytes: u64,
    /// Free bytes on the data disk.
    pub free_disk: u64,
}

/// One feed item of a page whose signature holds, and whose judgements carry good signatures of their own.
#[derive(Debug, Clone)]
pub struct VerifiedItem {
    /// Position in the feed.
    pub seq: u64,
    /// When the centre decided it.
    pub at: Timestamp,
    /// Position in the hot list, for hot items.
    pub hot: Option<u64>,
    /// What happened.
    pub change: VerifiedChange,
}

/// What happened at the centre, verified.
#[derive(Debug, Clone)]
pub enum VerifiedChange {
    /// A licence was issued or has a new version.
    LicenceUpsert {
        /// By what it is filed. The envelope's own signature is computed before the licence is listed or opened.
        filing: Box<Filing>,
        /// The exact bytes and what lies beside them, to be sealed to the holder.
        issued: Box<IssuedEnvelope>,
    },
    /// A licence was revoked, suspended, restored, or is being changed.
    LicenceStatus(StatusChange),
    /// 复核结果. The exact bytes are evidence.
    Disposition {
        /// Readable.
        disposition: Box<Disposition>,
        /// Exact signed bytes.
        signed: Signed<Disposition>,
    },
    /// A new version of a document is out.
    Document(DocumentVersion),
    /// A licence leaves the scope of this hall.
    LicenceForget(LicenceId),
    /// 撤回授权: the citizen withdrew the consent of a case at the centre.
    ConsentWithdrawn(ConsentWithdrawn),
    /// A grant, a mandate or a person has another status in the status list.
    PlaceStatus(PlaceStatus),
    /// 曾用证件号: the centre holds a fact about an earlier identifier, or does not any longer.
    HolderAlias {
        /// 关联标识.
        id: AliasId,
        /// When the centre said so.
        at: Timestamp,
        /// The fact; none when it does not stand.
        fact: Option<Box<HolderAlias>>,
    },
    /// Of a newer centre: keeps its place in the numbering, does nothing.
    Unknown {
        /// Its number.
        code: u16,
    },
}

/// A page of the feed, or several that follow one another, verified and without gaps.
#[derive(Debug, Clone)]
pub struct VerifiedPage {
    /// Which numbering.
    pub lane: Lane,
    /// The items come directly after this position of the lane.
    pub after: u64,
    /// Position of the lane after applying.
    pub last: u64,
    /// Items in order.
    pub items: Vec<VerifiedItem>,
    /// Highest hot position that is applied once this page is; none if the page has no hot item.
    pub hot: Option<u64>,
}

/// Why a blob was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobFailure {
    /// It is missing or damaged on the box.
    Unreadable,
    /// The centre will not have it.
    Refused {
        /// HTTP status, 400 to 499.
        status: u16,
    },
    /// The exchange with the centre did not work: the blob may not be the reason.
    Line,
}

/// What the agent needs from the box's storage.
pub trait Store: Send + Sync + 'static {
    /// Where the box stands.
    fn position(&self) -> impl Future<Output = Result<Position, StoreError>> + Send;

    /// Root over the first `size` entries; none if there are fewer.
    fn root_at(&self, size: u64) -> impl Future<Output = Result<Option<Hash>, StoreError>> + Send;

    /// Entries from `from` on with their bodies, at most `count`, stopping before `bytes` is passed but never
    /// before the first; and the checkpoint of the whole ledger, signed with the ledger key. Both are of one
    /// moment: a checkpoint that knows of an entry recorded in between would promise what is not offered.
    fn offer(
        &self,
        from: u64,
        count: usize,
        bytes: usize,
        epoch: u64,
    ) -> impl Future<Output = Result<(Vec<Entry>, Signed<Checkpoint>), StoreError>> + Send;

    /// Notes the epoch of a centre. Never lowers it.
    fn save_epoch(&self, epoch: u64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps a believed receipt. A receipt of an earlier epoch than one held is kept as evidence only.
    fn save_receipt(
        &self,
        custody: Custody,
        signed: Signed<Receipt>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Applies all items of a page and moves the cursor, in one transaction. For [`Lane::Main`] the feed
    /// cursor is `page.after` before and `page.last` after. The hot cursor is raised to `page.hot`, never
    /// lowered. Items may have been applied before (through the other lane): applying them again changes nothing.
    fn apply(&self, page: VerifiedPage) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps the token that dates the cache. It is given only once the cache is as new as the token says.
    fn save_token(
        &self,
        token: FreshnessToken,
        signed: Signed<FreshnessToken>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps a newer status list.
    fn save_status_list(
        &self,
        list: VerifiedStatusList,
        signed: Signed<StatusClaims>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps a newer document.
    fn save_document(
        &self,
        document: Document,
        signed: Signed<Document>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps the trust of a newer bundle, and its exact bytes. They hold secrets: they are kept sealed.
    fn save_trust(
        &self,
        trust: Trust,
        signed: SignedBundle,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Blobs that the centre does not hold whole yet: small before large, and those that failed behind all others,
    /// so that none keeps another from its turn.
    fn pending_blobs(&self) -> impl Future<Output = Result<Vec<BlobId>, StoreError>> + Send;

    /// The manifest of a blob.
    fn blob_manifest(&self, id: BlobId) -> impl Future<Output = Result<Manifest, StoreError>> + Send;

    /// The bytes of one chunk.
    fn blob_chunk(&self, id: BlobId, n: usize) -> impl Future<Output = Result<Vec<u8>, StoreError>> + Send;

    /// The blob was not sent. It is tried again after all others.
    fn blob_failed(
        &self,
        id: BlobId,
        why: BlobFailure,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The centre holds the blob whole.
    fn blob_sealed(&self, id: BlobId) -> impl Future<Output = Result<(), StoreError>> + Send;
}
