//! Devices at the windows: the broker and its front door, pairing, and the hub that speaks to them.

pub mod broker;
pub mod check;
pub mod door;
pub mod hub;
pub mod notice;
pub mod pairing;
pub mod scans;

#[cfg(test)]
mod fixture;
