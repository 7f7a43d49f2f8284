//! Messages of the scanner (扫码器): a code that was read, signed like an answer, though nothing asked for it.

use std::fmt;

use hall_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::acceptance::{DeviceRecord, Earlier, Rejection, Stale, Verdict, Verified, verify_as};
use crate::ids::{DeviceId, MessageId};
use crate::jws::{Jws, SCAN_TYPE};
use crate::wire_time;

/// Longest text of a scan, in characters.
pub const MAX_SCAN: usize = 4_500;

/// 扫码 (`up/scan`, inside a JWS with type `hw-scan+1`): one code. Sent again with the same bytes until a receipt comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The scan.
    pub id: MessageId,
    /// Who signs.
    pub dev: DeviceId,
    /// The binding that the device knew.
    pub bind_epoch: u32,
    /// Grows with each scan of the device; written to its store before the scan is sent.
    pub counter: u64,
    /// What the code says.
    pub text: ScanText,
    /// The driver's clock: evidence only.
    #[serde(with = "wire_time")]
    pub at: Timestamp,
}

/// What a code says: 1 to 4,500 characters, none of them a control character. Personal; `Debug` tells its length alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScanText(String);

/// A text that is no scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanTextError {
    /// Nothing but white space and control characters.
    #[error("scan is empty")]
    Empty,
    /// More than 4,500 characters.
    #[error("scan is longer than 4500 characters")]
    TooLong,
    /// A control character, which drivers leave out.
    #[error("scan holds a control character")]
    Control,
}

impl ScanText {
    /// What a scanner has said, without the control characters and the white space around it.
    ///
    /// # Errors
    /// When nothing is left, or too much.
    pub fn from_line(line: &str) -> Result<Self, ScanTextError> {
        let text: String = line.chars().filter(|character| !character.is_control()).collect();
        text.trim().to_owned().try_into()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ScanText {
    type Error = ScanTextError;

    fn try_from(text: String) -> Result<Self, ScanTextError> {
        if text.chars().count() > MAX_SCAN {
            Err(ScanTextError::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(ScanTextError::Control)
        } else if text.trim().is_empty() {
            Err(ScanTextError::Empty)
        } else {
            Ok(Self(text))
        }
    }
}

impl From<ScanText> for String {
    fn from(text: ScanText) -> Self {
        text.0
    }
}

impl fmt::Debug for ScanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScanText({} bytes)", self.0.len())
    }
}

/// How a scanner stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannerStatus {
    /// Port that it is plugged into.
    pub port: String,
    /// Whether a real scanner is behind it, or a program.
    #[serde(rename = "virtual", default)]
    pub simulated: bool,
    /// Whether it is there.
    pub state: ScannerCondition,
}

/// Whether a scanner is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScannerCondition {
    /// Its port is open.
    Ready,
    /// Its port is not there.
    Unplugged,
}

/// First half: is this the scanner's own word? As for an answer.
///
/// # Errors
/// With the first test that fails.
pub fn verify(jws: &Jws, topic: &DeviceId, device: &DeviceRecord) -> Result<Verified<Scan>, Rejection> {
    verify_as(jws, topic, device, SCAN_TYPE, |scan: &Scan| &scan.dev)
}

/// Second half: does it count? Nothing asked for it, so there is no command to compare it with.
pub fn judge(verified: &Verified<Scan>, device: &DeviceRecord, earlier: Option<Earlier>) -> Verdict {
    let scan = verified.answer();
    match earlier {
        Some(earlier) if earlier.digest == verified.digest() => Verdict::Duplicate(earlier.result),
        Some(_) => Verdict::Rejected(Rejection::IdReused),
        None if scan.counter <= device.counter => Verdict::Rejected(Rejection::Replay),
        // It was read at another window.
        None if scan.bind_epoch != device.bind_epoch => Verdict::Stale { why: Stale::Rebound, decides: true },
        None => Verdict::Accepted,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::acceptance::Standing;
    use crate::ids::DeviceKind;
    use crate::jws::ANSWER_TYPE;
    use crate::messages::ReceiptResult;
    use crate::payload::{decode, encode};

    const NOW: Timestamp = Timestamp(1_795_224_600_000);

    fn device_id(number: u128) -> DeviceId {
        DeviceId::new(DeviceKind::Scanner, ulid::Ulid::from_parts(1, number))
    }

    fn signer() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn device() -> DeviceRecord {
        DeviceRecord {
            id: device_id(1),
            standing: Standing::Active,
            keys: BTreeMap::from([(1, signer().verifying_key().into())]),
            counter: 10,
            bind_epoch: 4,
        }
    }

    fn scan() -> Scan {
        Scan {
            id: MessageId::from_parts(NOW, 1),
            dev: device_id(1),
            bind_epoch: 4,
            counter: 11,
            text: ScanText::from_line("HB1:6BF+70790T9WT\r").unwrap(),
            at: NOW,
        }
    }

    fn signed_as(scan: &Scan, typ: &str) -> Jws {
        Jws::sign(&signer(), &format!("{}#1", device_id(1)), typ, &encode(scan).unwrap())
    }

    fn decide(scan: &Scan, earlier: Option<Earlier>) -> Verdict {
        judge(&verify(&signed_as(scan, SCAN_TYPE), &device_id(1), &device()).unwrap(), &device(), earlier)
    }

    #[test]
    fn a_scan_is_written_as_documented() {
        let documented = json!({
            "v": 1, "id": "01KAJ8ZQ3R0000000000000009", "dev": "sc-01arz3ndektsv4rrffq69g5fav", "bind_epoch": 4, "counter": 12,
            "text": "HB1:6BF+70790T9WT", "at": "2026-11-21T09:30:00.120+08:00"
        });
        let scan: Scan = decode(documented.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&encode(&scan).unwrap()).unwrap(), documented);
    }

    #[test]
    fn a_scan_counts_once_under_the_binding_it_was_read_in() {
        assert_eq!(decide(&scan(), None), Verdict::Accepted);
        let verified = verify(&signed_as(&scan(), SCAN_TYPE), &device_id(1), &device()).unwrap();
        let same = Earlier { digest: verified.digest(), result: ReceiptResult::Accepted };
        assert_eq!(decide(&scan(), Some(same)).result(), ReceiptResult::Duplicate);
        let other = Scan { text: ScanText::from_line("other").unwrap(), ..scan() };
        assert_eq!(decide(&other, Some(same)), Verdict::Rejected(Rejection::IdReused));
        let old = Scan { counter: 10, ..scan() };
        assert_eq!(decide(&old, None), Verdict::Rejected(Rejection::Replay));
        let elsewhere = Scan { bind_epoch: 3, ..scan() };
        assert_eq!(decide(&elsewhere, None).result(), ReceiptResult::Stale);
    }

    #[test]
    fn an_answer_is_no_scan_and_a_scanner_speaks_for_itself_alone() {
        let as_answer = verify(&signed_as(&scan(), ANSWER_TYPE), &device_id(1), &device());
        assert!(matches!(as_answer, Err(Rejection::Jws(_))));
        let of_another = Scan { dev: device_id(2), ..scan() };
        assert_eq!(
            verify(&signed_as(&of_another, SCAN_TYPE), &device_id(1), &device()),
            Err(Rejection::OtherDevice)
        );
        let put_aside = DeviceRecord { standing: Standing::Quarantined, ..device() };
        assert_eq!(
            verify(&signed_as(&scan(), SCAN_TYPE), &device_id(1), &put_aside),
            Err(Rejection::Standing)
        );
    }

    #[test]
    fn only_a_plain_text_of_bounded_length_is_a_scan() {
        assert_eq!(ScanText::from_line(" a\u{1}b\u{1d}c \r\n").unwrap().as_str(), "abc");
        assert_eq!(ScanText::from_line("\u{0}\r\n "), Err(ScanTextError::Empty));
        assert!(ScanText::from_line(&"码".repeat(MAX_SCAN)).is_ok());
        assert_eq!(ScanText::from_line(&"A".repeat(MAX_SCAN + 1)), Err(ScanTextError::TooLong));
        for bad in ["", " ", "a\u{7f}", "a\nb"] {
            assert!(serde_json::from_value::<ScanText>(json!(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_scanned_is_not_in_debug_texts() {
        assert!(!format!("{:?}", scan()).contains("HB1"));
    }

    proptest! {
        #[test]
        fn whatever_a_scanner_says_becomes_a_text_that_the_box_takes(line in ".{0,64}") {
            if let Ok(text) = ScanText::from_line(&line) {
                let json = serde_json::to_value(&text).unwrap();
                prop_assert_eq!(serde_json::from_value::<ScanText>(json).unwrap(), text);
            }
        }
    }
}
