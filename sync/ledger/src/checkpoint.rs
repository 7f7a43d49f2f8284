//! What a box says about its whole ledger at one size.

use hall_domain::Timestamp;
use minicbor::{Decode, Encode};

use crate::cose::Statement;
use crate::hash::Hash;
use crate::log::LogId;

/// The box's statement "my ledger had this size and this root", signed with its ledger key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Checkpoint {
    /// The ledger.
    #[n(0)]
    pub log: LogId,
    /// Number of entries.
    #[n(1)]
    pub size: u64,
    /// Root of the tree over them.
    #[n(2)]
    pub root: Hash,
    /// The centre's epoch that the box last saw; 0 before the first hello.
    #[n(3)]
    pub epoch: u64,
    /// Wall clock of the box.
    #[n(4)]
    #[cbor(with = "crate::cbor::millis")]
    pub wall: Timestamp,
}

impl Statement for Checkpoint {
    const DOMAIN: &'static str = "hallbox/checkpoint/1";
}
