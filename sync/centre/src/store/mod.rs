//! What the centre remembers, behind one trait. Each method is one transaction: what it says
//! happens as a whole or not at all, and is durable when it answers.
//!
//! The only engine so far is SQLite ([`sqlite::SqliteStore`]); SQL lives nowhere else.

use crate::authority::Fingerprint;
use crate::casefile::{CaseEntry, CaseFile};
use crate::scope::{Grant, HallScope, Telling};
use hall_domain::case::CaseNo;
use hall_domain::{
    AliasId, HolderAlias, HolderId, Licence, LicenceId, LicenceStatus, Organisation, Timestamp, Uscc,
};
use hall_ledger::disposition::Disposition;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::envelope::IssuedEnvelope;
use hall_ledger::feed::{Change as FeedChange, DocumentVersion, FeedItem, Lane};
use hall_ledger::ratify::LicenceHistory;
use hall_ledger::{BoxId, Entry, Hash, LedgerHead, LogId, Signed, VerifyingKey};
use serde::Serialize;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

pub mod citizens;
pub mod sqlite;

/// What every store method returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too much waits to be written; trying again later helps.
    #[error("the store is busy")]
    Busy,
    /// The engine failed: disk full, file damaged.
    #[error("the store failed: {0}")]
    Engine(String),
    /// A row that cannot be read back: written by a newer version, or damaged.
    #[error("stored {what} cannot be read: {reason}")]
    Damaged {
        /// What kind of row.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// 大厅: one hall, the scope of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hall {
    /// Its code, also in the feed scope `hall:<code>`.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// Where the two numberings of a hall's feed stand; 0 before the first item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FeedHead {
    /// Last item.
    pub feed: u64,
    /// Last hot item.
    pub hot: u64,
}

/// A ledger that the centre keeps.
#[derive(Debug, Clone)]
pub struct Log {
    /// Its name.
    pub id: LogId,
    /// Whose hall.
    pub hall: Hall,
    /// Verifies its entries.
    pub ledger_key: VerifyingKey,
    /// The client certificate in force.
    pub certificate: Fingerprint,
    /// When the box was enrolled under this name.
    pub enrolled_at: Timestamp,
    /// Whether a later incarnation has replaced it.
    pub superseded: bool,
    /// Branches in quarantine.
    pub forks: u32,
    /// Entries that this version cannot read.
    pub unread: u64,
    /// Its end.
    pub head: LedgerHead,
    /// When the last of its entries became durable; the time of enrolment while it is empty.
    pub received_at: Timestamp,
    /// When the box last said hello.
    pub last_contact: Option<Timestamp>,
}

/// An enrolment as an operator prepared it.
#[derive(Debug, Clone)]
pub struct NewEnrolment {
    /// SHA-256 of the one-time code.
    pub code: Hash,
    /// The hall.
    pub hall: Hall,
    /// The box that enrols again (next incarnation); none for a new box.
    pub box_id: Option<BoxId>,
    /// When it was prepared.
    pub made_at: Timestamp,
    /// After that it is void.
    pub expires_at: Timestamp,
}

/// What a one-time code stands for.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The hall.
    pub hall: Hall,
    /// The log that the code makes, or made.
    pub log: LogId,
    /// The key that used the code already: only the same box may ask again.
    pub used_by: Option<VerifyingKey>,
}

/// A box to be registered.
#[derive(Debug, Clone)]
pub struct NewLog {
    /// SHA-256 of the one-time code, which is used up.
    pub code: Hash,
    /// Its log.
    pub id: LogId,
    /// Verifies its entries.
    pub ledger_key: VerifyingKey,
    /// Its client certificate.
    pub certificate: Fingerprint,
    /// Now.
    pub at: Timestamp,
    /// What the feed of its hall starts with, if the hall is new.
    pub first_items: Vec<FeedChange>,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// The box has its log.
    Done,
    /// The code is unknown, void, or another box has used it meanwhile.
    WrongCode,
    /// Another code for the same box was used first: its log has another key, and stays as it is.
    Overtaken,
}

/// Verified entries that continue a log.
#[derive(Debug)]
pub struct Batch {
    /// Head that they were verified against. If the log has moved on, nothing is stored.
    pub expected_size: u64,
    /// Head after them.
    pub head: LedgerHead,
    /// The entries with their kinds, leaves and exact bytes, in order.
    pub entries: Vec<NewEntry>,
    /// Those of them that are case events.
    pub cases: Vec<CaseEntry>,
    /// When they arrived.
    pub received_at: Timestamp,
}

/// One entry to be stored.
#[derive(Debug)]
pub struct NewEntry {
    /// Position.
    pub seq: u64,
    /// Kind, as text.
    pub kind: String,
    /// Leaf.
    pub leaf: Hash,
    /// Exact bytes and body.
    pub entry: Entry,
    /// Whether this version could read it. If not, it waits for people.
    pub read: bool,
}

/// One entry as stored.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    /// Position.
    pub seq: u64,
    /// Kind, as text.
    pub kind: String,
    /// Leaf.
    pub leaf: Hash,
    /// Exact bytes and body.
    pub entry: Entry,
    /// When the centre took custody.
    pub received_at: Timestamp,
    /// Whether this version could read it.
    pub read: bool,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored. The number is the receipt's place in the centre's order.
    Stored {
        /// For the receipt.
        receipt_index: u64,
    },
    /// Another request was quicker; read the head again.
    Moved,
}

/// A branch that contradicts its log.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The log.
    pub log: LogId,
    /// Size that the box claims.
    pub size: u64,
    /// Root that the box claims.
    pub root: Hash,
    /// The signed checkpoint, exact bytes.
    pub checkpoint: Vec<u8>,
    /// The upload as it came, for people to look at.
    pub upload: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

/// A branch in an operator's list.
#[derive(Debug, Clone, Serialize)]
pub struct BranchRow {
    /// Size that the box claimed.
    pub size: u64,
    /// Root that the box claimed.
    pub root: Hash,
    /// When it first came.
    pub at: Timestamp,
}

/// A licence as the register holds it.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The licence.
    pub licence: Licence,
    /// Its bit pair in the status list.
    pub status_index: u32,
    /// 证照状态 now.
    pub status: LicenceStatus,
}

/// A licence for the register.
#[derive(Debug, Clone)]
pub struct NewLicence {
    /// The licence.
    pub licence: Licence,
    /// Its place in the status list, from [`Store::status_place`].
    pub status_index: u32,
    /// When it came.
    pub at: Timestamp,
    /// Its envelope for each hall.
    pub envelopes: Vec<(String, IssuedEnvelope)>,
}

/// Which envelopes are to be renewed.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// Now.
    pub now: Timestamp,
    /// Issued at least so many days ago,
    pub after_days: i64,
    /// and a number of days below this more, which each licence has for itself, so that not all are due at once.
    pub spread_days: u32,
    /// At most so many.
    pub limit: u32,
}

/// Envelopes that take the place of older ones of the same licence.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// The licence.
    pub licence: LicenceId,
    /// When they were issued.
    pub at: Timestamp,
    /// One for each hall.
    pub envelopes: Vec<(String, IssuedEnvelope)>,
}

/// How a licence came into the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    Added,
    /// It is another version or has other content.
    Changed,
    /// It is there already, word for word.
    Same,
}

/// A case that awaits a disposition.
#[derive(Debug)]
pub struct Awaiting {
    /// Its row.
    pub row: u64,
    /// The case, if it can be read.
    pub case: Result<CaseFile, StoreError>,
}

/// Counts for an operator.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Counts {
    /// Halls.
    pub halls: u64,
    /// Logs.
    pub logs: u64,
    /// Entries in custody.
    pub entries: u64,
    /// Entries that this version cannot read.
    pub unread: u64,
    /// Cases.
    pub cases: u64,
    /// Cases that await a disposition.
    pub awaiting: u64,
    /// Licences in the register.
    pub licences: u64,
}

/// What the centre remembers.
pub trait Store: citizens::Citizens {
    /// 纪元: raised when the centre is restored from a backup.
    fn epoch(&self) -> Answer<'_, u64>;
    /// Raises the epoch by one, and returns it.
    fn raise_epoch(&self) -> Answer<'_, u64>;

    /// Stores a one-time code.
    fn add_enrolment(&self, new: NewEnrolment) -> Answer<'_, ()>;
    /// What a code stands for; none if unknown or void at `now`.
    fn enrolment(&self, code: Hash, now: Timestamp) -> Answer<'_, Option<Enrolment>>;
    /// Uses a code up and registers the log, and with it a hall that was not known; earlier incarnations are
    /// superseded. For the same box again: only the certificate changes.
    fn register_log(&self, new: NewLog) -> Answer<'_, Registration>;

    /// One log.
    fn log(&self, id: LogId) -> Answer<'_, Option<Log>>;
    /// All logs.
    fn logs(&self) -> Answer<'_, Vec<Log>>;
    /// Takes away a log's client certificate, and with it the codes that would give it another. `false` if there is
    /// no such log. Its box comes back as a new incarnation.
    fn revoke(&self, id: LogId) -> Answer<'_, bool>;
    /// Notes a hello.
    fn touch(&self, id: LogId, at: Timestamp) -> Answer<'_, ()>;
    /// Leaves `from..to` of a log, as far as they are there.
    fn leaves(&self, id: LogId, from: u64, to: u64) -> Answer<'_, Vec<Hash>>;
    /// Stores entries, head and what the entries change in cases, if the log still has the expected size.
    fn append(&self, id: LogId, batch: Batch) -> Answer<'_, Appended>;
    /// The next number for a receipt that renews an old one.
    fn receipt_index(&self) -> Answer<'_, u64>;
    /// Puts a branch into quarantine. The same branch again changes nothing, unless only a hello told of it so far.
    fn add_branch(&self, branch: Branch) -> Answer<'_, ()>;
    /// One branch of a log, whole.
    fn branch(&self, id: LogId, size: u64, root: Hash) -> Answer<'_, Option<Branch>>;
    /// Branches of a log.
    fn branches(&self, id: LogId) -> Answer<'_, Vec<BranchRow>>;
    /// Entries from `from` on, at most `limit`.
    fn entries(&self, id: LogId, from: u64, limit: u32) -> Answer<'_, Vec<StoredEntry>>;

    /// All halls.
    fn halls(&self) -> Answer<'_, Vec<Hall>>;
    /// End of a hall's feed.
    fn feed_head(&self, hall: &str) -> Answer<'_, FeedHead>;
    /// Items of a lane of a hall's feed after `after`, at most `limit`.
    fn feed(&self, hall: &str, lane: Lane, after: u64, limit: u32) -> Answer<'_, Vec<FeedItem>>;

    /// Publishes a document: stores it and tells every hall. A version that is there already changes nothing.
    fn publish(&self, document: Document, signed: Signed<Document>) -> Answer<'_, ()>;
    /// Tells every hall that something new is to be fetched.
    fn announce(&self, version: DocumentVersion, at: Timestamp) -> Answer<'_, ()>;
    /// The newest version of a document.
    fn document(&self, kind: DocumentKind) -> Answer<'_, Option<(u32, Signed<Document>)>>;

    /// Adds or replaces an organisation's register entry.
    fn put_organisation(&self, organisation: Organisation, at: Timestamp) -> Answer<'_, Change>;
    /// One organisation.
    fn organisation(&self, uscc: &Uscc) -> Answer<'_, Option<Organisation>>;
    /// All organisations, by code.
    fn organisations(&self) -> Answer<'_, Vec<Organisation>>;

    /// The place of a licence in the status list: the one it has, or a new one that is then kept for it.
    fn status_place(&self, id: &LicenceId) -> Answer<'_, u32>;
    /// Adds or replaces a licence and tells the halls, with the envelope issued for each. A new version of
    /// a licence (the same identifier but for version and check character) takes the older one's place.
    fn put_licence(&self, new: NewLicence) -> Answer<'_, Change>;
    /// Current licences whose envelopes are to be renewed, the oldest first.
    fn licences_due(&self, due: Due) -> Answer<'_, Vec<Registered>>;
    /// Tells the halls a licence's new envelopes, and keeps when they were issued.
    fn renew_licence(&self, renewed: Renewed) -> Answer<'_, ()>;
    /// One licence.
    fn licence(&self, id: &LicenceId) -> Answer<'_, Option<Registered>>;
    /// Licences of a holder.
    fn licences_of(&self, holder: &HolderId) -> Answer<'_, Vec<Registered>>;
    /// All current licences, by place in the status list.
    fn licences(&self) -> Answer<'_, Vec<Registered>>;
    /// The status of every licence, by place in the list.
    fn statuses(&self) -> Answer<'_, Vec<LicenceStatus>>;
    /// Changes a status and puts the hot item into every hall's feed. `None` if there is no such
    /// licence; `Some(false)` if it has that status already.
    fn set_status(&self, id: &LicenceId, status: LicenceStatus, at: Timestamp) -> Answer<'_, Option<bool>>;
    /// How the scope of a hall is drawn.
    fn hall_scope(&self, hall: &str) -> Answer<'_, HallScope>;
    /// Draws the scope of a hall. `told` is what a hall that gets a granted scope was sent before.
    fn set_hall_scope(&self, hall: &str, scope: HallScope, told: Vec<LicenceId>) -> Answer<'_, ()>;
    /// Lets a hall hold something. The same again changes nothing; a later end takes the place of an earlier one.
    fn add_scope_grant(&self, grant: Grant) -> Answer<'_, ()>;
    /// Ends a standing consent.
    fn end_standing(&self, hall: &str, holder: &HolderId) -> Answer<'_, ()>;
    /// What a hall is granted at `now`.
    fn scope_grants(&self, hall: &str, now: Timestamp) -> Answer<'_, Vec<Grant>>;
    /// What a hall with a granted scope was sent, and not told to forget.
    fn told(&self, hall: &str) -> Answer<'_, BTreeSet<LicenceId>>;
    /// Tells a hall what it gets and what it is to forget.
    fn tell(&self, telling: Telling) -> Answer<'_, ()>;
    /// Halls that may hold a licence.
    fn halls_of(&self, licence: &Licence, now: Timestamp) -> Answer<'_, Vec<Hall>>;
    /// Keeps a fact about an earlier identifier and tells every hall; gives the name that it has.
    fn put_alias(&self, alias: HolderAlias, at: Timestamp) -> Answer<'_, (AliasId, Change)>;
    /// Ends a fact and tells every hall. `false` if none of this name stands.
    fn withdraw_alias(&self, id: AliasId, at: Timestamp) -> Answer<'_, bool>;
    /// A fact that stands.
    fn alias(&self, id: AliasId) -> Answer<'_, Option<HolderAlias>>;
    /// What stands about a person's earlier identifiers.
    fn aliases_of(&self, holder: &HolderId) -> Answer<'_, Vec<HolderAlias>>;
    /// The names of all facts that stand.
    fn aliases(&self) -> Answer<'_, Vec<AliasId>>;
    /// Of the claims of a case those that stand: the fact is about who stood at the window, and the licence was issued
    /// under its earlier identifier.
    fn standing_aliases(
        &self,
        log: LogId,
        case_no: &str,
        claims: BTreeSet<(AliasId, LicenceId)>,
    ) -> Answer<'_, BTreeSet<(AliasId, LicenceId)>>;
    /// What is known about a licence for judging a case of this hall; none if there is no such licence.
    fn history(&self, id: &LicenceId, hall: &str) -> Answer<'_, Option<(String, LicenceHistory)>>;

    /// Cases that await a disposition, oldest first, at most `limit`, after the given row. One that cannot be read
    /// does not hide the others.
    fn awaiting(&self, after: u64, limit: u32) -> Answer<'_, Vec<Awaiting>>;
    /// Records a disposition and puts it into the hall's feed, once. `false` if there is one already.
    fn judge(&self, disposition: Disposition, signed: Signed<Disposition>) -> Answer<'_, bool>;
    /// Newest cases first.
    fn cases(&self, limit: u32) -> Answer<'_, Vec<CaseFile>>;
    /// One case by its number.
    fn case(&self, no: &CaseNo) -> Answer<'_, Option<CaseFile>>;
    /// Counts for an operator.
    fn counts(&self) -> Answer<'_, Counts>;
}
