//! Which ledger an entry belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::fixed_bytes;

/// The identity that the centre gave a box at enrolment; text form: 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoxId(pub [u8; 16]);

fixed_bytes!(BoxId, 16);

/// One ledger: a box and its incarnation. The centre raises the incarnation at re-enrolment, restore and
/// replacement, so that two histories of one box never share a name. Text form: `<box id>.<incarnation>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode)]
pub struct LogId {
    /// The box.
    #[n(0)]
    pub box_id: BoxId,
    /// Counts from 1.
    #[n(1)]
    pub incarnation: u32,
}

impl LogId {
    /// The log of this incarnation of this box.
    pub fn new(box_id: BoxId, incarnation: u32) -> Self {
        Self { box_id, incarnation }
    }
}

/// Text that is not `<32 hexadecimal digits>.<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("log id is not <32 hexadecimal digits>.<incarnation>")]
pub struct LogIdError;

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.box_id, self.incarnation)
    }
}

impl FromStr for LogId {
    type Err = LogIdError;

    fn from_str(text: &str) -> Result<Self, LogIdError> {
        let (box_id, incarnation) = text.split_once('.').ok_or(LogIdError)?;
        let log = Self {
            box_id: box_id.parse().map_err(|_| LogIdError)?,
            incarnation: incarnation.parse().map_err(|_| LogIdError)?,
        };
        // One spelling per log: "+1" and "01" would otherwise be second names.
        if log.to_string() == text { Ok(log) } else { Err(LogIdError) }
    }
}

impl Serialize for LogId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_one_name() {
        let log = LogId::new(BoxId([7; 16]), 3);
        assert_eq!(log.to_string().parse(), Ok(log));
        let name = log.to_string();
        assert!(name.replace(".3", ".03").parse::<LogId>().is_err());
        assert!(name.replace(".3", ".+3").parse::<LogId>().is_err());
        assert!(name.replace(".3", "").parse::<LogId>().is_err());
    }
}
