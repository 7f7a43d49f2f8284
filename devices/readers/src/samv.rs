//! SAM_V: the licensed module in every reader that can open a second-generation card (GA/T 467).
//!
//! [`codec`] and [`text`] are pure; [`dialogue`] decides what to send next; [`driver`] owns the port.

pub mod codec;
pub mod dialogue;
pub mod driver;
mod link;
pub mod port;
pub mod text;

pub use driver::{ReaderState, SamvReader, Timing};
pub use port::{BytePort, PortOpener, SerialPath};
