//! What the box and the devices at a window say to each other over MQTT: topics, payloads, signatures, pairing, and the rule by
//! which a device's answer is accepted.
//!
//! It deliberately does not know a broker, a socket, a database or a clock: callers hand in bytes, stored records and the time,
//! and carry out what comes back. `docs/protocol/devices.md` is the same thing for device makers.

pub mod acceptance;
pub mod digest;
pub mod evaluator;
pub mod ids;
pub mod jws;
pub mod key;
pub mod messages;
pub mod pairing;
pub mod payload;
pub mod reader;
pub mod scanner;
pub mod topics;
pub mod wire_time;

pub use digest::Digest;
pub use evaluator::{Answer, Outcome, Page, PageKind, Show};
pub use ids::{DeviceId, DeviceKind, MessageId};
pub use jws::Jws;
pub use key::DeviceKey;
pub use messages::{
    Ack, AckStatus, Birth, Config, Control, DeviceState, HallState, Heartbeat, Receipt, ReceiptResult,
};
pub use pairing::PairingCode;
pub use payload::{PayloadError, UpMessage, decode, encode};
pub use reader::{Read, ReadFailure, ReadOutcome, ReaderAnswer, Stop};
pub use scanner::{Scan, ScanText, ScannerStatus};
pub use topics::{Down, Topic, Up};
