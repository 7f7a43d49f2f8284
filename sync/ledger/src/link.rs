//! The messages of the link between box and centre: HTTPS with mutual TLS, bodies `application/cbor` by
//! [`crate::cbor::pack`] and [`crate::cbor::unpack`]. Which message answers which path and status is told
//! at each type; `docs/protocol/ledger.md` has the bytes.

use std::fmt;

use hall_domain::{HolderId, ItemCode, LicenceKindCode, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::alias::StatedAlias;
use crate::blob::BlobId;
use crate::cose::{Signed, Statement};
use crate::document::Document;
use crate::envelope::IssuedEnvelope;
use crate::feed::StatusChange;
use crate::hash::Hash;
use crate::log::{BoxId, LogId};
use crate::phone::Sealed;
use crate::receipt::Receipt;
use crate::token::FreshnessToken;

/// Media type of all messages here but enrolment.
pub const MEDIA_TYPE: &str = "application/cbor";
/// Largest body of any message that is not an upload or a chunk.
pub const MAX_MESSAGE: usize = 16 << 20;

/// `POST /v1/enrol`, JSON, without a client certificate: a box introduces itself with a one-time code.
/// Debug does not show the code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The code that the centre's operator gave to the technician.
    pub code: String,
    /// Certificate request for the link, PEM.
    pub csr_pem: String,
    /// Ed25519 public key of the ledger, 64 hexadecimal digits.
    pub ledger_key_hex: String,
}

impl fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolRequest").field("ledger_key_hex", &self.ledger_key_hex).finish_non_exhaustive()
    }
}

/// The hall as the centre names it (大厅).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallName {
    /// Code, also in the feed scope.
    pub code: String,
    /// Name.
    pub name: String,
}

/// Answer to [`EnrolRequest`], JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolAnswer {
    /// The box.
    pub box_id: BoxId,
    /// Its incarnation; with the box id the name of its ledger.
    pub incarnation: u32,
    /// The hall.
    pub hall: HallName,
    /// Client certificate for the link.
    pub certificate_pem: String,
    /// The CA of the link.
    pub ca_pem: String,
    /// Keys to pin, for [`crate::CentreKeys::from_hex`].
    pub centre_keys: Vec<String>,
    /// The root to pin, 64 hexadecimal digits: it signs every trust bundle. Absent only from centres without bundles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_key: Option<String>,
}

impl EnrolAnswer {
    /// The ledger that the box is to write.
    pub fn log(&self) -> LogId {
        LogId::new(self.box_id, self.incarnation)
    }
}

/// `POST /v1/link/hello`: first call after every reconnect.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The box's ledger.
    #[n(0)]
    pub log: LogId,
    /// Its size.
    #[n(1)]
    pub size: u64,
    /// Its root.
    #[n(2)]
    pub root: Hash,
    /// Size of the newest receipt that the box holds; 0 without one.
    #[n(3)]
    pub receipted: u64,
    /// The epoch of that receipt; 0 without one.
    #[n(4)]
    pub epoch: u64,
    /// Bytes of blobs waiting.
    #[n(5)]
    pub blob_backlog: u64,
    /// Newest header schema that the box writes.
    #[n(6)]
    pub schema: u16,
    /// Wall clock of the box.
    #[n(7)]
    #[cbor(with = "crate::cbor::millis")]
    pub wall: Timestamp,
    /// Free bytes on the data disk.
    #[n(8)]
    pub free_disk: u64,
    /// Software version of the box.
    #[n(9)]
    pub software: String,
}

/// 200 answer to [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HelloAnswer {
    /// The centre's epoch.
    #[n(0)]
    pub epoch: u64,
    /// What the centre holds of this ledger.
    #[n(1)]
    pub head: HeadIs,
    /// Largest size that is contained in a backup whose restore was verified: the box may prune below.
    #[n(2)]
    pub anchor: u64,
    /// Time and state of the feed.
    #[n(3)]
    pub token: Signed<FreshnessToken>,
    /// Oldest header schema that the centre still takes.
    #[n(4)]
    pub min_schema: u16,
    /// Newest catalogue version.
    #[n(5)]
    pub catalogue: u32,
    /// Newest version of the trust bundle. Only says that there is something to fetch: the token above may be signed by
    /// a key that the bundle is about to name.
    #[n(6)]
    pub trust: u32,
}

/// 409 answer to an upload that does not start where the centre stands; also part of [`HelloAnswer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HeadIs {
    /// Number of entries in custody.
    #[n(0)]
    pub size: u64,
    /// Root over them. The box compares it with its own root at that size.
    #[n(1)]
    pub root: Hash,
}

/// 202 answer to an upload that does not yet reach its checkpoint: everything before `next` is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Progress {
    /// Position from which to go on.
    #[n(0)]
    pub next: u64,
}

/// 422 answer to an upload: the centre knows another history of this ledger.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Fork {
    /// First position at which the histories differ, as far as the centre can tell.
    #[n(0)]
    pub at: u64,
    /// What the centre follows.
    #[n(1)]
    pub head: HeadIs,
    /// Custody of the other branch, once it is in quarantine.
    #[n(2)]
    pub quarantine: Option<Signed<Receipt>>,
}

/// `POST /v1/link/lookup`: the newest envelopes of one holder, for one case.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Lookup {
    /// 持证主体.
    #[n(0)]
    #[cbor(with = "crate::cbor::holder")]
    pub holder: HolderId,
    /// 证照类型 that the item is registered to ask for.
    #[n(1)]
    #[cbor(with = "crate::cbor::text_list")]
    pub kinds: Vec<LicenceKindCode>,
    /// 用证事由, at most 200 characters.
    #[n(2)]
    pub use_cause: String,
    /// 事项.
    #[n(3)]
    #[cbor(with = "crate::cbor::text")]
    pub item: ItemCode,
    /// 办件编号.
    #[n(4)]
    pub case_no: String,
}

/// 200 answer to [`Lookup`]. A kind that is not there is a kind that the holder does not have.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LookupAnswer {
    /// The licences, with everything that lies beside them.
    #[n(0)]
    pub envelopes: Vec<IssuedEnvelope>,
    /// For an organisation: its entry in the register (法人库), a document of kind `Organisation`.
    #[n(1)]
    pub organisation: Option<Signed<Document>>,
    /// When the centre answered.
    #[n(2)]
    pub token: Signed<FreshnessToken>,
    /// 证照状态 of each licence above, as of this answer. One without a status is not to be used.
    #[n(3)]
    pub statuses: Vec<StatusChange>,
    /// 曾用证件号: what the holder has under earlier identifiers; absent without any. Candidates, never the holder's own.
    #[n(4)]
    pub aliased: Option<Vec<AliasedLicences>>,
}

/// The licences of one earlier identifier.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AliasedLicences {
    /// That it is the holder's, and which it is.
    #[n(0)]
    pub alias: Signed<StatedAlias>,
    /// The licences, with everything that lies beside them.
    #[n(1)]
    pub envelopes: Vec<IssuedEnvelope>,
    /// 证照状态 of each.
    #[n(2)]
    pub statuses: Vec<StatusChange>,
}

/// `POST /v1/link/resolve`: who stands behind a plain code (政务码, 粤商码). Debug does not show the code.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Resolve {
    /// The text as it was scanned.
    #[n(0)]
    pub code: String,
}

impl fmt::Debug for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolve").finish_non_exhaustive()
    }
}

/// 200 answer to [`Resolve`]: whom the code stood for in this moment, sealed as in what phones carry.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Resolved {
    /// SHA-256 of the text that was asked about.
    #[n(0)]
    pub code: Hash,
    /// The feed scope of the hall that asked.
    #[n(1)]
    pub scope: String,
    /// Opens with [`crate::phone::open_subject`] at `at`.
    #[n(2)]
    pub subject: Sealed,
    /// Where the person's own status stands in the province's status list.
    #[n(3)]
    pub place: Option<u32>,
    /// When the centre answered.
    #[n(4)]
    #[cbor(with = "crate::cbor::millis")]
    pub at: Timestamp,
}

impl Statement for Resolved {
    const DOMAIN: &'static str = "hallbox/resolved/1";

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.at)
    }
}

/// Answer to `PUT /v1/link/blobs/{id}` (the manifest) and `GET …/missing`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BlobState {
    /// Which blob.
    #[n(0)]
    pub id: BlobId,
    /// Number of chunks.
    #[n(1)]
    pub chunks: u32,
    /// Bit set = chunk is at hand ([`crate::blob::Bitmap`]).
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub have: Vec<u8>,
    /// The blob is complete, verified and durable.
    #[n(3)]
    pub sealed: bool,
}

/// Any other answer than 2xx, 409 and 422: what went wrong, for logs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Problem {
    /// Stable word for programs, for example `unknown-log`.
    #[n(0)]
    pub code: String,
    /// English sentence for the log, without personal data.
    #[n(1)]
    pub message: String,
}
