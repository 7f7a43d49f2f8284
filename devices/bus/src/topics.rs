//! The topic tree. Every topic is built and read here and nowhere else.

use std::fmt;
use std::str::FromStr;

use crate::ids::{DeviceId, DeviceKind};

/// Root of the tree with the major version of the protocol.
pub const ROOT: &str = "hw/1";
/// What the box listens to: everything that any device says.
pub const ALL_UP: &str = "hw/1/d/+/up/#";
/// 大厅状态: retained word of the box about itself.
pub const HALL_STATE: &str = "hw/1/hall/state";

/// 主题: one topic of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The box's own state, for all devices.
    HallState,
    /// A device speaks.
    Up(DeviceId, Up),
    /// The box speaks to one device.
    Down(DeviceId, Down),
}

/// What a device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Up {
    /// Birth, or the will that says it was lost. Retained.
    State,
    /// A command was received, shown, refused; or more time is asked for.
    Ack,
    /// The signed outcome of a command, sent again until a receipt comes.
    Answer,
    /// 扫码: a code that was read, signed.
    Scan,
    /// Health and a sample of the device's clock.
    Heartbeat,
    /// Diagnostics without personal data.
    Log,
}

/// What the box says to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Down {
    /// Show a page (evaluator).
    Show,
    /// Read a card (card reader).
    Read,
    /// Stop reading (card reader).
    Stop,
    /// What became of an answer.
    Receipt,
    /// Configuration and binding. Retained.
    Config,
    /// Control: identify, reload, extend and so on.
    Control,
}

/// How a topic is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// MQTT quality of service, 0 or 1; 2 is never used.
    pub qos: u8,
    /// Whether the broker keeps the last one for newcomers. Never true for anything personal.
    pub retain: bool,
}

/// A topic that is not in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("topic is not part of the device protocol")]
pub struct UnknownTopic;

impl Up {
    /// All of them, for tests and documents.
    pub const ALL: [Self; 6] = [Self::State, Self::Ack, Self::Answer, Self::Scan, Self::Heartbeat, Self::Log];

    /// Whether devices of a kind speak on it.
    pub const fn spoken_by(self, kind: DeviceKind) -> bool {
        match self {
            Self::State | Self::Heartbeat | Self::Log => true,
            Self::Ack | Self::Answer => !matches!(kind, DeviceKind::Scanner),
            Self::Scan => matches!(kind, DeviceKind::Scanner),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Ack => "ack",
            Self::Answer => "answer",
            Self::Scan => "scan",
            Self::Heartbeat => "hb",
            Self::Log => "log",
        }
    }
}

impl Down {
    /// All of them, for tests and documents.
    pub const ALL: [Self; 6] =
        [Self::Show, Self::Read, Self::Stop, Self::Receipt, Self::Config, Self::Control];

    const fn word(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Read => "read",
            Self::Stop => "stop",
            Self::Receipt => "receipt",
            Self::Config => "config",
            Self::Control => "ctl",
        }
    }

    /// MQTT message expiry in seconds where it is the same for every message; show and read expire with their own `ttl_ms`.
    pub const fn expiry_seconds(self) -> Option<u32> {
        match self {
            Self::Receipt | Self::Control | Self::Stop => Some(60),
            Self::Show | Self::Read | Self::Config => None,
        }
    }
}

impl Topic {
    /// Quality of service and retention that the protocol lays down for this topic.
    pub const fn delivery(&self) -> Delivery {
        match self {
            Self::HallState | Self::Up(_, Up::State) | Self::Down(_, Down::Config) => {
                Delivery { qos: 1, retain: true }
            }
            Self::Up(_, Up::Heartbeat | Up::Log) => Delivery { qos: 0, retain: false },
            Self::Up(_, Up::Ack | Up::Answer | Up::Scan) | Self::Down(..) => {
                Delivery { qos: 1, retain: false }
            }
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HallState => f.write_str(HALL_STATE),
            Self::Up(device, up) => write!(f, "{ROOT}/d/{device}/up/{}", up.word()),
            Self::Down(device, down) => write!(f, "{ROOT}/d/{device}/down/{}", down.word()),
        }
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        if text == HALL_STATE {
            return Ok(Self::HallState);
        }
        let rest = text.strip_prefix("hw/1/d/").ok_or(UnknownTopic)?;
        let mut parts = rest.split('/');
        let (Some(device), Some(direction), Some(word), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(UnknownTopic);
        };
        let device: DeviceId = device.parse().map_err(|_| UnknownTopic)?;
        match direction {
            "up" => Up::ALL.into_iter().find(|up| up.word() == word).map(|up| Self::Up(device, up)),
            "down" => {
                Down::ALL.into_iter().find(|down| down.word() == word).map(|down| Self::Down(device, down))
            }
            _ => None,
        }
        .ok_or(UnknownTopic)
    }
}

/// What a device may subscribe to.
pub fn device_may_read(device: &DeviceId) -> [String; 2] {
    [format!("{ROOT}/d/{device}/down/#"), HALL_STATE.to_owned()]
}

#[cfg(test)]
mod tests {
    use hall_domain::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn every_topic(device: &DeviceId) -> Vec<Topic> {
        let mut all = vec![Topic::HallState];
        all.extend(Up::ALL.map(|up| Topic::Up(device.clone(), up)));
        all.extend(Down::ALL.map(|down| Topic::Down(device.clone(), down)));
        all
    }

    #[test]
    fn every_topic_reads_back_as_built() {
        for kind in DeviceKind::ALL {
            let device = DeviceId::generate(kind, Timestamp(1)).unwrap();
            for topic in every_topic(&device) {
                assert_eq!(topic.to_string().parse(), Ok(topic));
            }
        }
    }

    #[test]
    fn only_state_and_configuration_are_retained() {
        let device = DeviceId::generate(DeviceKind::Evaluator, Timestamp(1)).unwrap();
        let retained: Vec<_> = every_topic(&device)
            .into_iter()
            .filter(|topic| topic.delivery().retain)
            .map(|topic| topic.to_string())
            .collect();
        assert_eq!(
            retained,
            [
                HALL_STATE.to_owned(),
                format!("hw/1/d/{device}/up/state"),
                format!("hw/1/d/{device}/down/config")
            ]
        );
    }

    #[test]
    fn a_device_reads_its_own_topics_and_the_halls_state() {
        let device = DeviceId::generate(DeviceKind::Evaluator, Timestamp(1)).unwrap();
        assert_eq!(device_may_read(&device), [format!("hw/1/d/{device}/down/#"), HALL_STATE.to_owned()]);
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same_way(text in "(hw/1/)?(d/)?(ev|rd|sc|x)?-?[0-9a-z]{0,26}/(up|down)/[a-z]{0,8}(/x)?") {
            if let Ok(topic) = text.parse::<Topic>() {
                prop_assert_eq!(topic.to_string(), text);
            }
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".{0,64}") {
            let _ = text.parse::<Topic>();
        }
    }
}
