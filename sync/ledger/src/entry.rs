//! One entry of a ledger: a signed header that commits to a body, and the body that travels beside it.
//!
//! The header is a CBOR map with integer keys inside a COSE_Sign1 (purpose [`DOMAIN`]). The body is any
//! bytes, by custom [`crate::cbor::encode`] of a serde type. The header holds only
//! `commit = SHA-256(salt || body)`, so a body can be erased without breaking the tree.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use hall_domain::Timestamp;
use minicbor::{Decode, Encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cbor::{self, CborError};
use crate::cose::{CoseError, Sign1};
use crate::hash::{Hash, Salt, fixed_bytes};
use crate::log::LogId;
use crate::merkle;

mod kind;
pub use kind::{EntryKind, UnknownKind};

/// Domain-separation text of entry signatures.
pub const DOMAIN: &str = "hallbox/entry/1";
/// The header schema that this version writes.
pub const SCHEMA: u16 = 1;
/// Largest body in bytes. Attachments are blobs, never bodies.
pub const MAX_BODY: usize = 256 * 1024;
/// Largest signed header in bytes.
pub const MAX_COSE: usize = 4096;

/// Made by the window for one intent, so that a repeated request finds the entry that it already caused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

fixed_bytes!(RequestId, 16);

/// How good the clock was when the entry was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
pub struct ClockReading {
    /// Identifies one run of the machine (Linux boot id).
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub boot: [u8; 16],
    /// Milliseconds since boot, never stepping back.
    #[n(1)]
    pub monotonic_ms: u64,
    /// Milliseconds since the last time token of the centre; `None` before the first.
    #[n(2)]
    pub token_age_ms: Option<u64>,
    /// Bound of the error of `wall` in milliseconds, as far as the box can tell.
    #[n(3)]
    pub error_ms: u64,
}

/// What the box knew when the entry was made; later judgement needs nothing else from it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
pub struct Known {
    /// The feed that the box follows, for example `hall:990001`.
    #[n(0)]
    pub scope: String,
    /// Last feed item applied; 0 before the first.
    #[n(1)]
    pub feed: u64,
    /// Last hot-list item applied; 0 before the first.
    #[n(2)]
    pub hot: u64,
    /// When the newest freshness token was issued.
    #[n(3)]
    #[cbor(with = "crate::cbor::millis_option", has_nil)]
    pub token_at: Option<Timestamp>,
    /// Version of the policy and catalogue in force.
    #[n(4)]
    pub policy: u32,
    /// Version of the pinned key set.
    #[n(5)]
    pub keys: u32,
}

/// The signed part of an entry, schema 1.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Header {
    /// [`SCHEMA`].
    #[n(0)]
    pub schema: u16,
    /// What happened.
    #[n(1)]
    pub kind: EntryKind,
    /// The ledger.
    #[n(2)]
    pub log: LogId,
    /// Position in the ledger, from 0.
    #[n(3)]
    pub seq: u64,
    /// Leaf of entry `seq - 1`; [`Hash::ZERO`] for the first.
    #[n(4)]
    pub prev: Hash,
    /// Wall clock of the box.
    #[n(5)]
    #[cbor(with = "crate::cbor::millis")]
    pub wall: Timestamp,
    /// How good that clock was.
    #[n(6)]
    pub clock: ClockReading,
    /// What the box knew.
    #[n(7)]
    pub known: Known,
    /// The intent that caused the entry.
    #[n(8)]
    pub request: RequestId,
    /// [`commit`] over the body.
    #[n(9)]
    pub commit: Hash,
}

/// The part of a header that no schema will ever change; enough to keep custody of entries from boxes
/// that are newer than their centre.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Frame {
    /// Header schema.
    #[n(0)]
    pub schema: u16,
    /// What happened.
    #[n(1)]
    pub kind: EntryKind,
    /// The ledger.
    #[n(2)]
    pub log: LogId,
    /// Position in the ledger, from 0.
    #[n(3)]
    pub seq: u64,
    /// Leaf of entry `seq - 1`; [`Hash::ZERO`] for the first.
    #[n(4)]
    pub prev: Hash,
    /// [`commit`] over the body.
    #[n(9)]
    pub commit: Hash,
}

/// A body and the salt of its commitment. Debug shows sizes only.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Body {
    /// The salt.
    #[n(0)]
    pub salt: Salt,
    /// The bytes.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

/// An entry as it is stored and forwarded; nothing about it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// The exact COSE_Sign1 bytes.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub cose: Vec<u8>,
    /// The body; `None` once erased.
    #[n(1)]
    pub body: Option<Body>,
}

/// What sealing returns: the entry with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    /// Position in the ledger.
    pub seq: u64,
    /// Leaf of the Merkle tree.
    pub leaf: Hash,
    /// The exact COSE_Sign1 bytes.
    pub cose: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// The salt of its commitment.
    pub salt: Salt,
}

/// An entry whose signature and body commitment hold. Its place in the ledger is checked by
/// [`crate::LedgerHead::accept`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEntry {
    frame: Frame,
    header: Option<Header>,
    leaf: Hash,
    entry: Entry,
}

/// Why an entry is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Larger than [`MAX_COSE`] or [`MAX_BODY`].
    #[error("entry is larger than entries may be")]
    TooLarge,
    /// Signature or shape.
    #[error("entry signature")]
    Cose(#[from] CoseError),
    /// The signed bytes are not a header.
    #[error("entry header")]
    Header(#[source] CborError),
    /// The body is not the one that was committed to.
    #[error("entry body is not the one that its header commits to")]
    Commit,
    /// The body was erased and cannot be read.
    #[error("entry body was erased")]
    Erased,
    /// The body is not what this kind of entry holds.
    #[error("entry body")]
    Body(#[source] CborError),
}

/// `SHA-256(salt || body)`.
pub fn commit(salt: &Salt, body: &[u8]) -> Hash {
    Hash::of_parts(&[&salt.0, body])
}

impl SealedEntry {
    /// The form that is stored and forwarded.
    pub fn into_entry(self) -> Entry {
        Entry { cose: self.cose, body: Some(Body { salt: self.salt, bytes: self.body }) }
    }
}

impl Entry {
    /// The leaf of this entry.
    pub fn leaf(&self) -> Hash {
        merkle::leaf_hash(&self.cose)
    }

    /// Where the entry claims to stand, before anything is verified.
    ///
    /// # Errors
    /// When it does not even have the shape of an entry.
    pub fn peek(&self) -> Result<Frame, EntryError> {
        let payload = Sign1::parse(&self.cose)?.unverified_payload();
        Ok(read_header(payload)?.0)
    }

    /// Checks size, signature, header and body commitment. An erased body is accepted: what remains is
    /// still signed and in the tree.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub fn verify(self, key: &VerifyingKey) -> Result<VerifiedEntry, EntryError> {
        let too_large = self.body.as_ref().is_some_and(|body| body.bytes.len() > MAX_BODY);
        if self.cose.len() > MAX_COSE || too_large {
            return Err(EntryError::TooLarge);
        }
        let payload = Sign1::parse(&self.cose)?.verify(key, DOMAIN)?;
        let (frame, header) = read_header(payload)?;
        if let Some(body) = &self.body
            && commit(&body.salt, &body.bytes) != frame.commit
        {
            return Err(EntryError::Commit);
        }
        Ok(VerifiedEntry { frame, header, leaf: self.leaf(), entry: self })
    }
}

impl VerifiedEntry {
    /// The part that all schemas share.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The header; `None` when a newer box wrote a schema that this version does not know.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// What happened.
    pub fn kind(&self) -> EntryKind {
        self.frame.kind
    }

    /// Position in the ledger.
    pub fn seq(&self) -> u64 {
        self.frame.seq
    }

    /// The leaf of the Merkle tree.
    pub fn leaf(&self) -> Hash {
        self.leaf
    }

    /// The exact bytes.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The exact bytes.
    pub fn into_entry(self) -> Entry {
        self.entry
    }

    /// Reads the body as a `T`.
    ///
    /// # Errors
    /// [`EntryError::Erased`], or [`EntryError::Body`] when it is not a `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, EntryError> {
        let body = self.entry.body.as_ref().ok_or(EntryError::Erased)?;
        cbor::decode(&body.bytes).map_err(EntryError::Body)
    }
}

fn read_header(payload: &[u8]) -> Result<(Frame, Option<Header>), EntryError> {
    cbor::check_deterministic(payload).map_err(EntryError::Header)?;
    let frame: Frame = minicbor::decode(payload).map_err(|e| EntryError::Header(cbor::shape(e)))?;
    if frame.schema < SCHEMA {
        let reason = "there was no schema before the first".into();
        return Err(EntryError::Header(CborError::Shape(reason)));
    }
    let header = match frame.schema {
        SCHEMA => Some(cbor::unpack(payload).map_err(EntryError::Header)?),
        _ => None,
    };
    Ok((frame, header))
}
