//! Times on the bus: RFC 3339 with milliseconds, written in +08:00, read with any offset. Use as `#[serde(with = "wire_time")]`.

use hall_domain::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Writes `2026-11-21T09:30:00.120+08:00`.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339())
}

/// Reads RFC 3339 of any offset; finer than a millisecond is dropped.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    from_text(&text).ok_or_else(|| de::Error::custom("time is not RFC 3339"))
}

fn from_text(text: &str) -> Option<Timestamp> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_written_in_the_halls_offset() {
        assert_eq!(Timestamp(1_795_224_600_120).to_rfc3339(), "2026-11-21T09:30:00.120+08:00");
        assert_eq!(from_text("2026-11-21T01:30:00.1209Z"), Some(Timestamp(1_795_224_600_120)));
        assert_eq!(from_text("yesterday"), None);
    }

    proptest! {
        #[test]
        fn a_time_reads_back_as_written(ms in -62_000_000_000_000i64..250_000_000_000_000i64) {
            prop_assert_eq!(from_text(&Timestamp(ms).to_rfc3339()), Some(Timestamp(ms)));
        }
    }
}
