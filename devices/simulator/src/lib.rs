//! What is not ours in the field, for tests and the demo: card readers with virtual cards, on pseudo-terminals and behind pcscd, scanners, and faults, and
//! the citizens' phones with their mobile network.
//!
//! Deliberately does not know: the driver, MQTT, the box, the centre's inside. It speaks only what the real thing speaks, so that the
//! very code that will meet real readers is what meets these. Nothing that ships depends on it.

pub mod pcsc;
pub mod phone;
pub mod samv;
pub mod scanner;

pub use samv::{Emulator, EmulatorHandle, Fault, Pace};
pub use scanner::{ScanFault, Scanner};
