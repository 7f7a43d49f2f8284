//! The growing end of a ledger: on the box it seals drafts, at the centre it accepts entries. Small
//! enough to be one row, written in the same transaction as the entries.

use ed25519_dalek::SigningKey;
use hall_domain::Timestamp;
use minicbor::{Decode, Encode};

use crate::cbor::{self, CborError};
use crate::checkpoint::Checkpoint;
use crate::cose;
use crate::entry::{
    ClockReading, DOMAIN, EntryKind, Header, Known, MAX_BODY, MAX_COSE, RequestId, SCHEMA, SealedEntry,
    VerifiedEntry, commit,
};
use crate::hash::{Hash, Salt};
use crate::log::LogId;
use crate::merkle::{self, Frontier};

/// What is to be recorded, before it has a place in the ledger.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What happened.
    pub kind: EntryKind,
    /// Wall clock of the box.
    pub wall: Timestamp,
    /// How good that clock is.
    pub clock: ClockReading,
    /// What the box knows.
    pub known: Known,
    /// The intent that causes the entry.
    pub request: RequestId,
    /// Encoded body, at most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
    /// Fresh salt ([`Salt::random`]).
    pub salt: Salt,
}

/// The end of one ledger: how long it is, its last leaf, and the right edge of its Merkle tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerHead {
    log: LogId,
    prev: Hash,
    frontier: Frontier,
}

/// Why a draft cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Attachments are blobs, not bodies.
    #[error("entry body of {0} bytes is larger than bodies may be")]
    BodyTooLarge(usize),
    /// The feed scope is absurdly long.
    #[error("entry header of {0} bytes is larger than headers may be")]
    HeaderTooLarge(usize),
}

/// Why a verified entry is not the next one of this ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// An entry of another ledger.
    #[error("entry belongs to another ledger")]
    OtherLog,
    /// Not the next position.
    #[error("entry has position {found}, next is {expected}")]
    Position {
        /// The next free position.
        expected: u64,
        /// The position of the entry.
        found: u64,
    },
    /// Right position, but it continues another history: a fork.
    #[error("entry at position {0} continues another history")]
    Fork(u64),
}

impl LedgerHead {
    /// The head of an empty ledger.
    pub fn new(log: LogId) -> Self {
        Self { log, prev: Hash::ZERO, frontier: Frontier::new() }
    }

    /// Which ledger.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// Number of entries; also the next position.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Root of the tree over all entries.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The right edge of the tree.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Signs `draft` as the next entry and moves on. The caller stores entry and head in one transaction;
    /// when that fails, this head must be thrown away and read again.
    ///
    /// # Errors
    /// When the draft is too large; the head is then unchanged.
    pub fn seal(&mut self, key: &SigningKey, draft: Draft) -> Result<SealedEntry, SealError> {
        if draft.body.len() > MAX_BODY {
            return Err(SealError::BodyTooLarge(draft.body.len()));
        }
        let seq = self.size();
        let header = Header {
            schema: SCHEMA,
            kind: draft.kind,
            log: self.log,
            seq,
            prev: self.prev,
            wall: draft.wall,
            clock: draft.clock,
            known: draft.known,
            request: draft.request,
            commit: commit(&draft.salt, &draft.body),
        };
        let cose = cose::sign(key, DOMAIN, &cbor::pack(&header));
        if cose.len() > MAX_COSE {
            return Err(SealError::HeaderTooLarge(cose.len()));
        }
        let leaf = merkle::leaf_hash(&cose);
        self.append(leaf);
        Ok(SealedEntry { seq, leaf, cose, body: draft.body, salt: draft.salt })
    }

    /// Takes `entry` as the next one of this ledger.
    ///
    /// # Errors
    /// When it is not; the head is then unchanged.
    pub fn accept(&mut self, entry: &VerifiedEntry) -> Result<(), ChainError> {
        let frame = entry.frame();
        if frame.log != self.log {
            return Err(ChainError::OtherLog);
        }
        if frame.seq != self.size() {
            return Err(ChainError::Position { expected: self.size(), found: frame.seq });
        }
        if frame.prev != self.prev {
            return Err(ChainError::Fork(frame.seq));
        }
        self.append(entry.leaf());
        Ok(())
    }

    /// The checkpoint of the ledger as it stands, to be signed with [`crate::Signed::sign`].
    pub fn checkpoint(&self, epoch: u64, wall: Timestamp) -> Checkpoint {
        Checkpoint { log: self.log, size: self.size(), root: self.root(), epoch, wall }
    }

    /// Rebuilds a head from the leaves of all entries, in order: for repair and audit.
    pub fn from_leaves(log: LogId, leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut head = Self::new(log);
        leaves.into_iter().for_each(|leaf| head.append(leaf));
        head
    }

    /// The compact form for one row, about 100 to 2200 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::pack(&Row {
            log: self.log,
            size: self.size(),
            prev: self.prev,
            hashes: self.frontier.hashes().to_vec(),
        })
    }

    /// Reads what [`LedgerHead::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CborError> {
        let row: Row = cbor::unpack(bytes)?;
        let frontier = Frontier::from_parts(row.size, row.hashes)
            .ok_or_else(|| CborError::Shape("number of hashes does not fit the size".into()))?;
        Ok(Self { log: row.log, prev: row.prev, frontier })
    }

    fn append(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
        self.prev = leaf;
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Row {
    #[n(0)]
    log: LogId,
    #[n(1)]
    size: u64,
    #[n(2)]
    prev: Hash,
    #[n(3)]
    hashes: Vec<Hash>,
}
