//! The shared language of box and centre: signed entries in a Merkle-hashed ledger, what travels up and
//! down the link, and how each piece is verified. It deliberately does not know disks, networks, clocks
//! or databases: every function here is a function of its arguments.
//!
//! Byte formats are described for strangers in `docs/protocol/ledger.md`. Reading order:
//! [`cbor`] and [`cose`] (encoding and signatures), [`entry`] and [`head`] (the ledger itself),
//! [`merkle`], [`checkpoint`], [`receipt`] and [`proof`] (why it can be believed), [`bundle`] and [`link`]
//! (the way up), [`feed`], [`envelope`], [`status`], [`token`], [`document`], [`alias`], [`disposition`] (the way
//! down), [`blob`] (attachments), [`phone`] (what citizens carry in their phones), [`trust`] (whose signatures
//! count).

pub mod alias;
pub mod blob;
pub mod bundle;
pub mod cbor;
pub mod checkpoint;
pub mod cose;
pub mod disposition;
pub mod document;
pub mod entry;
pub mod envelope;
pub mod feed;
pub mod hash;
pub mod head;
pub mod link;
pub mod log;
pub mod merkle;
pub mod phone;
pub mod proof;
pub mod ratify;
pub mod receipt;
pub mod status;
pub mod token;
pub mod trust;

pub use blob::BlobId;
pub use cose::{KeyId, Signed, Statement};
pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use entry::{Entry, EntryKind, SealedEntry, VerifiedEntry};
pub use hash::{Hash, Salt};
pub use head::LedgerHead;
pub use log::{BoxId, LogId};
pub use trust::{CentreKeys, Trust};
