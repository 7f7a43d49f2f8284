//! Readers behind the system's smart card service (pcscd): a thread that watches which reader is there and whether a card lies on it,
//! and for each read a fresh thread with a context of its own, because a call to a mute card never returns.

mod channel;
mod driver;
mod gate;
mod monitor;
mod name;
mod worker;

pub use driver::{PcscReader, Settings, Timing};
pub use name::{NamePattern, NamePatternError, names_a_virtual_reader, readers};
