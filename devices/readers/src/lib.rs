//! Reads identity cards and codes at a hall's windows: the SAM_V frame protocol, the card's text block, and one task per port that
//! finds, selects and reads; and scanners that send lines of text.
//!
//! Deliberately does not know: cases, windows, MQTT, the box, or what a card read is used for. Nothing of a
//! card's content reaches a log, an error text or `Debug`.

mod error;
pub mod samv;
pub mod scanner;

pub use error::ReadError;
