//! The process at the window: carries read requests of the box to a card reader on a serial line or behind PC/SC, and signed answers back; or a scanner's codes to
//! the box.
//!
//! Deliberately does not know: cases, citizens, what a read is for, or whether an answer is accepted. A card, or a code, lives
//! only in this process's memory; nothing of it is written to the terminal's disk or log.

mod clock;
pub mod connection;
mod link;
pub mod pairing;
mod reader;
pub mod reads;
mod run;
mod scanning;
pub mod scans;
pub mod store;
mod tls;

pub use reader::Readers;
pub use run::{Ended, run};
pub use store::DataDir;
