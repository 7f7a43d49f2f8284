//! The centre's receipt: custody of a ledger up to a size. Never acceptance of what the entries say; that
//! is a [`crate::disposition::Disposition`].

use ed25519_dalek::VerifyingKey;
use hall_domain::Timestamp;
use minicbor::{Decode, Encode};

use crate::cose::{CoseError, Signed, Statement};
use crate::hash::Hash;
use crate::log::LogId;
use crate::trust::CentreKeys;

/// The centre's statement "entries 0 to size-1 of this ledger, with this root, are durable here".
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// The ledger.
    #[n(0)]
    pub log: LogId,
    /// Number of entries in custody.
    #[n(1)]
    pub size: u64,
    /// Root over them, in the history that the centre follows.
    #[n(2)]
    pub root: Hash,
    /// Raised each time the centre is restored from a backup; older receipts then wait for renewal.
    #[n(3)]
    pub epoch: u64,
    /// When the last of them became durable.
    #[n(4)]
    #[cbor(with = "crate::cbor::millis")]
    pub received_at: Timestamp,
    /// Number of this receipt in the centre's own order.
    #[n(5)]
    pub index: u64,
    /// The Ed25519 public key that the centre registered for this ledger: with the centre's key alone a
    /// stranger can verify an entry.
    #[n(6)]
    #[cbor(with = "minicbor::bytes")]
    pub ledger_key: [u8; 32],
    /// For entries in quarantine after a fork: the root of exactly the branch that is kept.
    #[n(7)]
    pub branch: Option<Hash>,
}

impl Statement for Receipt {
    const DOMAIN: &'static str = "hallbox/receipt/1";
    // Says when entries came, not when it was signed: a receipt that was lost is given again by the key of that day.
}

/// What the box compares a receipt with.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'k> {
    /// The box's own ledger.
    pub log: LogId,
    /// The epoch of the centre's last hello.
    pub epoch: u64,
    /// The box's own public ledger key.
    pub ledger_key: &'k VerifyingKey,
}

/// What a believed receipt means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Custody {
    /// Part of the history that the centre follows.
    Main(Receipt),
    /// Kept apart because the centre knows another history of this ledger.
    Quarantine(Receipt),
}

/// Why a receipt is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Signature or shape.
    #[error("receipt signature")]
    Cose(#[from] CoseError),
    /// A receipt for another ledger or key.
    #[error("receipt is for another ledger")]
    OtherLog,
    /// From before the centre was restored, or from an epoch that no hello announced.
    #[error("receipt is of epoch {found}, the centre is in epoch {expected}")]
    Epoch {
        /// Of the last hello.
        expected: u64,
        /// Of the receipt.
        found: u64,
    },
    /// The box has no root of that size.
    #[error("receipt covers {0} entries, which this ledger never had")]
    Size(u64),
    /// The centre holds something else than the box.
    #[error("receipt over {0} entries has another root than this ledger")]
    Root(u64),
}

/// Decides whether the box may believe `receipt`. `root_at` gives the box's own root at a size, `None`
/// when the ledger is shorter.
///
/// # Errors
/// See [`ReceiptError`].
pub fn accept(
    receipt: &Signed<Receipt>,
    keys: &CentreKeys,
    expected: Expected<'_>,
    root_at: impl FnOnce(u64) -> Option<Hash>,
) -> Result<Custody, ReceiptError> {
    let receipt = receipt.verify_by(keys)?;
    if receipt.log != expected.log || receipt.ledger_key != *expected.ledger_key.as_bytes() {
        return Err(ReceiptError::OtherLog);
    }
    if receipt.epoch != expected.epoch {
        return Err(ReceiptError::Epoch { expected: expected.epoch, found: receipt.epoch });
    }
    let own = root_at(receipt.size).ok_or(ReceiptError::Size(receipt.size))?;
    match receipt.branch {
        None if receipt.root == own => Ok(Custody::Main(receipt)),
        Some(branch) if branch == own => Ok(Custody::Quarantine(receipt)),
        _ => Err(ReceiptError::Root(receipt.size)),
    }
}
