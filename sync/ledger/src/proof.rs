//! Proof for a third party that an entry is in a ledger that the centre has receipted. With the entry and
//! the receipt these are three files that verify offline; see `docs/protocol/ledger.md`.

use ed25519_dalek::VerifyingKey;
use minicbor::{Decode, Encode};

use crate::cose::{CoseError, Signed};
use crate::entry::{Entry, EntryError, VerifiedEntry};
use crate::hash::Hash;
use crate::log::LogId;
use crate::merkle::{self, ProofError};
use crate::receipt::Receipt;
use crate::trust::CentreKeys;

/// The path from one entry to the root at the size of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InclusionProof {
    /// The ledger.
    #[n(0)]
    pub log: LogId,
    /// Position of the entry.
    #[n(1)]
    pub seq: u64,
    /// Size of the tree.
    #[n(2)]
    pub size: u64,
    /// Siblings from the leaf upwards.
    #[n(3)]
    pub path: Vec<Hash>,
}

/// Why three files do not prove anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The receipt.
    #[error("receipt")]
    Receipt(#[source] CoseError),
    /// The receipt names a key that cannot be one.
    #[error("receipt names an unusable ledger key")]
    LedgerKey,
    /// The entry.
    #[error("entry")]
    Entry(#[from] EntryError),
    /// Entry, proof and receipt do not speak of one ledger and size.
    #[error("entry, proof and receipt do not belong together")]
    Mismatch,
    /// The path.
    #[error("inclusion proof")]
    Proof(#[from] ProofError),
}

impl InclusionProof {
    /// Makes the proof for entry `seq` from the leaves `0..size` of its ledger.
    ///
    /// # Errors
    /// When there is no such entry among them.
    pub fn make(log: LogId, leaves: &[Hash], seq: u64) -> Result<Self, ProofError> {
        let path = merkle::inclusion_proof(leaves, seq)?;
        Ok(Self { log, seq, size: leaves.len() as u64, path })
    }
}

/// Verifies an entry with nothing but the centre's keys: the receipt names the ledger's key and root, the
/// key verifies the entry, the path leads from the entry to the root.
///
/// # Errors
/// See [`EvidenceError`].
pub fn verify(
    entry: Entry,
    proof: &InclusionProof,
    receipt: &Signed<Receipt>,
    keys: &CentreKeys,
) -> Result<VerifiedEntry, EvidenceError> {
    let receipt = receipt.verify_kept(keys).map_err(EvidenceError::Receipt)?;
    let key = VerifyingKey::from_bytes(&receipt.ledger_key).map_err(|_| EvidenceError::LedgerKey)?;
    let entry = entry.verify(&key)?;
    let frame = entry.frame();
    let same_log = frame.log == receipt.log && proof.log == receipt.log;
    if !same_log || frame.seq != proof.seq || proof.size != receipt.size {
        return Err(EvidenceError::Mismatch);
    }
    let root = receipt.branch.as_ref().unwrap_or(&receipt.root);
    merkle::verify_inclusion(&entry.leaf(), proof.seq, proof.size, &proof.path, root)?;
    Ok(entry)
}
