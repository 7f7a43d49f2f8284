//! The reference provincial centre: takes ledgers into custody, publishes licences, statuses and judgements to halls,
//! and lets a province's operators look. It deliberately does not know what a box's screen shows, how a case is
//! decided at a window, or how a box stores anything.
//!
//! A request comes in through `api`, is verified by a pure function (`ingest`, `hall_ledger::ratify`), and what follows
//! from it is one transaction of the [`store::Store`]. Wire and rules: `docs/protocol/link.md`.

mod alias;
mod api;
mod app;
mod authority;
mod blobs;
mod casefile;
mod catalogue;
mod centre;
mod citizen;
mod code;
mod code_keys;
mod custody;
mod feeds;
mod files;
mod ingest;
mod keys;
mod policy;
mod ratifier;
mod register;
mod renewal;
mod scope;
mod status;
pub mod store;
#[cfg(test)]
mod testing;
mod trust;

pub use app::Clock;
pub use authority::Fingerprint;
pub use casefile::{CaseEntry, CaseFile, Package, Submission, Use};
pub use catalogue::{catalogue, register as read_register};
pub use centre::{Centre, InitOptions, Made, RunOptions, init, restored};
pub use status::LIST as STATUS_LIST;
pub use trust::{ANNOUNCE_DAYS, Switch, rotate, rotate_root};
