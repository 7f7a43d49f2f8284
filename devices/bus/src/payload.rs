//! From bytes to messages and back: JSON, UTF-8, at most 64 KiB, unknown fields ignored, a minor version `v` in each.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ids::DeviceId;
use crate::jws::{Jws, JwsError};
use crate::messages::{Ack, DeviceState, Heartbeat, LogLine};
use crate::topics::{Topic, Up};

/// Largest payload in bytes.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// Minor version that this crate writes.
pub const VERSION: u16 = 1;

/// A payload that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// More than 64 KiB.
    #[error("payload is larger than 64 KiB")]
    TooLarge,
    /// Not the JSON of this message. What stood there is not repeated: it may be personal.
    #[error("payload is not a {message} (line {line}, column {column})")]
    Json {
        /// Which message was expected.
        message: &'static str,
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// `v` is missing or 0.
    #[error("payload has no version")]
    Version,
    /// A signed message of bad form.
    #[error("payload is not a signed message")]
    Jws(#[from] JwsError),
    /// A value that JSON cannot hold.
    #[error("message cannot be written")]
    Write(#[source] serde_json::Error),
    /// A topic on which devices do not speak.
    #[error("topic is not one that devices speak on")]
    Topic,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u16,
    #[serde(flatten)]
    message: &'a T,
}

#[derive(Deserialize)]
struct OnlyVersion {
    v: Option<u16>,
}

/// The bytes of a message, with `v`.
///
/// # Errors
/// When it holds a value that JSON cannot, or grows over 64 KiB.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, PayloadError> {
    let bytes = serde_json::to_vec(&Versioned { v: VERSION, message }).map_err(PayloadError::Write)?;
    if bytes.len() > MAX_PAYLOAD { Err(PayloadError::TooLarge) } else { Ok(bytes) }
}

/// Reads a message.
///
/// # Errors
/// When it is too large, has no version, or is not a `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    if bytes.len() > MAX_PAYLOAD {
        return Err(PayloadError::TooLarge);
    }
    let failed = |error: serde_json::Error| PayloadError::Json {
        message: short_name::<T>(),
        line: error.line(),
        column: error.column(),
    };
    let OnlyVersion { v } = serde_json::from_slice(bytes).map_err(failed)?;
    if v.is_none_or(|v| v == 0) {
        return Err(PayloadError::Version);
    }
    serde_json::from_slice(bytes).map_err(failed)
}

fn short_name<T>() -> &'static str {
    std::any::type_name::<T>().rsplit("::").next().unwrap_or("message")
}

/// Anything that a device says, parsed. An answer stays sealed until its signature is checked (`acceptance`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpMessage {
    /// Birth or will.
    State(DeviceState),
    /// Word about a command.
    Ack(Ack),
    /// A signed outcome.
    Answer(Box<Jws>),
    /// A signed scan.
    Scan(Box<Jws>),
    /// Health.
    Heartbeat(Heartbeat),
    /// Diagnostics.
    Log(LogLine),
}

impl UpMessage {
    /// Reads what arrived on a topic of `hw/1/d/+/up/#`. The device is the one of the topic, which the broker guards.
    ///
    /// # Errors
    /// When the topic is not one that devices speak on, or the payload is not that message.
    pub fn parse(topic: &str, payload: &[u8]) -> Result<(DeviceId, Self), PayloadError> {
        let Ok(Topic::Up(device, up)) = topic.parse() else { return Err(PayloadError::Topic) };
        if !up.spoken_by(device.kind()) {
            return Err(PayloadError::Topic);
        }
        let message = match up {
            Up::State => Self::State(decode(payload)?),
            Up::Ack => Self::Ack(decode(payload)?),
            Up::Answer => Self::Answer(Box::new(Jws::parse(payload)?)),
            Up::Scan => Self::Scan(Box::new(Jws::parse(payload)?)),
            Up::Heartbeat => Self::Heartbeat(decode(payload)?),
            Up::Log => Self::Log(decode(payload)?),
        };
        Ok((device, message))
    }
}

#[cfg(test)]
mod tests {
    use hall_domain::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{DeviceKind, MessageId};
    use crate::messages::HallState;

    #[test]
    fn a_message_carries_its_version_and_reads_back() {
        let state = HallState::offline(MessageId::from_parts(Timestamp(5), 6));
        let bytes = encode(&state).unwrap();
        assert!(bytes.starts_with(br#"{"v":1,"#));
        assert_eq!(decode::<HallState>(&bytes).unwrap(), state);
    }

    #[test]
    fn a_message_without_version_or_too_large_is_refused() {
        assert!(matches!(decode::<HallState>(b"{}"), Err(PayloadError::Version)));
        assert!(matches!(decode::<HallState>(br#"{"v":0}"#), Err(PayloadError::Version)));
        assert!(matches!(decode::<HallState>(&vec![b' '; MAX_PAYLOAD + 1]), Err(PayloadError::TooLarge)));
    }

    #[test]
    fn an_error_does_not_repeat_what_was_in_the_payload() {
        let error = decode::<HallState>(br#"{"v":1,"online":"519900199003070011"}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("5199"));
        assert_eq!(error.to_string().split(" (").next(), Some("payload is not a HallState"));
    }

    #[test]
    fn what_the_box_itself_says_is_not_taken_from_a_device() {
        let device = DeviceId::generate(DeviceKind::Evaluator, Timestamp(1)).unwrap();
        for topic in
            [format!("hw/1/d/{device}/down/receipt"), "hw/1/hall/state".to_owned(), "窗口/1".to_owned()]
        {
            assert!(matches!(UpMessage::parse(&topic, b"{}"), Err(PayloadError::Topic)));
        }
    }

    #[test]
    fn nothing_but_a_scanner_scans_and_a_scanner_answers_nothing() {
        for (kind, word) in [
            (DeviceKind::Evaluator, "scan"),
            (DeviceKind::CardReader, "scan"),
            (DeviceKind::Scanner, "answer"),
            (DeviceKind::Scanner, "ack"),
        ] {
            let device = DeviceId::generate(kind, Timestamp(1)).unwrap();
            let topic = format!("hw/1/d/{device}/up/{word}");
            assert!(matches!(UpMessage::parse(&topic, b"{}"), Err(PayloadError::Topic)), "{topic}");
        }
    }

    proptest! {
        #[test]
        fn no_payload_makes_reading_panic(word in "(state|ack|answer|scan|hb|log)", bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            for kind in ["ev", "sc"] {
                let topic = format!("hw/1/d/{kind}-01arz3ndektsv4rrffq69g5fav/up/{word}");
                let _ = UpMessage::parse(&topic, &bytes);
            }
        }
    }
}
