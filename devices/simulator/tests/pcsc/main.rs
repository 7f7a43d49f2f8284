//! The driver's side of PC/SC against stock pcscd with virtual readers, with everything that goes wrong in a hall.
//!
//! Needs the `pcscd` program and a mount namespace (root, or user namespaces). Each test runs in a process of its own, because a
//! process finds its pcscd once and for all through its environment; so threads and descriptors can be counted, too.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up should stop there")]

mod alone;
mod bench;
mod cards;
mod driver;
#[path = "../window/hall.rs"]
#[allow(dead_code, reason = "the tests of the window use the rest")]
mod hall;
mod many;
mod others;
mod pulled;
mod service;
mod silent;
