//! Reads identity cards and codes at a hall's windows: the SAM_V frame protocol, the card's text block, and one task per port that
//! finds, selects and reads; readers behind PC/SC with a profile for each kind of card; and scanners that send lines of text.
//!
//! Deliberately does not know: cases, windows, MQTT, the box, or what a card read is used for. Nothing of a
//! card's content reaches a log, an error text or `Debug`.

pub mod apdu;
mod error;
pub mod pcsc;
pub mod profiles;
pub mod samv;
pub mod scanner;
mod state;

pub use error::ReadError;
pub use state::ReaderState;
