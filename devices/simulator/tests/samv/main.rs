//! The real driver against the virtual reader over a real pseudo-terminal, with everything that goes wrong in a hall.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up should stop there")]

mod cards;
mod desk;
mod line;
mod plug;
