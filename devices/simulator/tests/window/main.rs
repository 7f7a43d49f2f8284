//! The driver at a window, with a virtual reader and a real broker behind TLS; the test is the box.
//!
//! Needs the `mosquitto` program, which every box needs anyway.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up should stop there")]

mod hall;
mod pair;
mod reads;
mod scans;
mod terminal;
