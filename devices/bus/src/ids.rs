//! Identifiers of devices and messages.

use std::fmt;
use std::str::FromStr;

use hall_domain::Timestamp;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// 设备类型: what stands at the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// 评价器: the screen that faces the citizen.
    Evaluator,
    /// 读卡器: reads identity cards, behind a driver.
    CardReader,
    /// 扫码器 on a serial port.
    Scanner,
}

impl DeviceKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Evaluator, Self::CardReader, Self::Scanner];

    /// The first two letters of the device's identifier.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Evaluator => "ev",
            Self::CardReader => "rd",
            Self::Scanner => "sc",
        }
    }
}

/// 设备标识: `ev-`, `rd-` or `sc-` and a ULID in lower case. It is client id, MQTT user name and the middle of every topic of the device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId {
    kind: DeviceKind,
    text: String,
}

/// A text that is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Neither `ev-` nor `rd-` and a ULID in lower case.
    #[error("device identifier is not ev-, rd- or sc- followed by a lower-case ULID")]
    Device,
    /// Not a ULID in upper case.
    #[error("message identifier is not an upper-case ULID")]
    Message,
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system")]
    Randomness,
}

impl DeviceId {
    /// Builds the identifier of a new device.
    pub fn new(kind: DeviceKind, ulid: Ulid) -> Self {
        Self { kind, text: format!("{}-{}", kind.prefix(), ulid.to_string().to_ascii_lowercase()) }
    }

    /// A fresh identifier for a device paired at `now`.
    pub fn generate(kind: DeviceKind, now: Timestamp) -> Result<Self, IdError> {
        Ok(Self::new(kind, fresh_ulid(now)?))
    }

    /// Evaluator or card reader.
    pub fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// The text form, as in topics.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for DeviceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (prefix, rest) = text.split_once('-').ok_or(IdError::Device)?;
        let kind = match prefix {
            "ev" => DeviceKind::Evaluator,
            "rd" => DeviceKind::CardReader,
            "sc" => DeviceKind::Scanner,
            _ => return Err(IdError::Device),
        };
        let ulid = Ulid::from_string(rest).map_err(|_| IdError::Device)?;
        let id = Self::new(kind, ulid);
        if id.text == text { Ok(id) } else { Err(IdError::Device) }
    }
}

impl TryFrom<String> for DeviceId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.text
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// 消息标识: the ULID of one command, answer, boot or pairing. The same id means the same message, however often it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(Ulid);

impl MessageId {
    /// The identifier with this time and these random bits.
    pub fn from_parts(now: Timestamp, random: u128) -> Self {
        Self(Ulid::from_parts(now.0.max(0).unsigned_abs(), random))
    }

    /// A fresh identifier made at `now`.
    pub fn generate(now: Timestamp) -> Result<Self, IdError> {
        fresh_ulid(now).map(Self)
    }
}

impl FromStr for MessageId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let ulid = Ulid::from_string(text).map_err(|_| IdError::Message)?;
        if ulid.to_string() == text { Ok(Self(ulid)) } else { Err(IdError::Message) }
    }
}

impl TryFrom<String> for MessageId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.0.to_string()
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

fn fresh_ulid(now: Timestamp) -> Result<Ulid, IdError> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|_| IdError::Randomness)?;
    Ok(Ulid::from_parts(now.0.max(0).unsigned_abs(), u128::from_be_bytes(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_identifier_reads_back_as_written() {
        for kind in DeviceKind::ALL {
            let id = DeviceId::generate(kind, Timestamp(1_795_000_000_000)).unwrap();
            assert_eq!(id.to_string().parse(), Ok(id.clone()));
            assert_eq!(id.kind(), kind);
            assert!(id.as_str().starts_with(kind.prefix()));
        }
    }

    #[test]
    fn other_spellings_of_an_identifier_are_refused() {
        let good = DeviceId::new(DeviceKind::Evaluator, Ulid::from_parts(1, 2)).to_string();
        assert!(good.parse::<DeviceId>().is_ok());
        let upper = good.to_ascii_uppercase();
        for bad in
            ["", "ev", "ev-", "xx-01arz3ndektsv4rrffq69g5fav", "ev-01arz3ndektsv4rrffq69g5fa", "ev-#", &upper]
        {
            assert_eq!(bad.parse::<DeviceId>(), Err(IdError::Device), "{bad}");
        }
        let message = MessageId::from_parts(Timestamp(1), 2).to_string();
        assert!(message.parse::<MessageId>().is_ok());
        assert_eq!(
            message.to_ascii_lowercase().parse::<MessageId>().is_ok(),
            message == message.to_ascii_lowercase()
        );
        assert_eq!("01J".parse::<MessageId>(), Err(IdError::Message));
    }

    #[test]
    fn a_clock_before_1970_still_gives_an_identifier() {
        assert!(MessageId::generate(Timestamp(-5)).is_ok());
    }
}
