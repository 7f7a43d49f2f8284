//! The hall box: reception at the windows, licence cache, ledger, devices and the clerk's web UI
//! in one process, the only one that opens the box's databases.
//!
//! It deliberately does not know how the centre works inside, nor any simulator.

pub mod admin;
pub mod book;
pub mod cache;
pub mod clock;
pub mod devices;
pub mod disk;
pub mod enrol;
pub mod export;
pub mod keys;
pub mod knowledge;
pub mod line;
pub mod live;
pub mod reception;
pub mod retention;
pub mod run;
pub mod setup;
pub mod signin;
pub mod store;
pub mod sync_store;
pub mod tls;
pub mod trust;
pub mod vault;
pub mod verify;
pub mod web;
