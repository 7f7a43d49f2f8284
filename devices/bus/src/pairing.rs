//! Pairing: how a device without a name gets one. HTTPS, JSON.
//!
//! `POST /pair/v1/begin` with a signed [`Begin`] → [`Begun`]; the device shows the code; the technician types it and picks a window;
//! `GET /pair/v1/{pair}` with `Authorization: Bearer {poll}` → [`Progress`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, DeviceKind, IdError, MessageId};
use crate::jws::{Jws, JwsError, PAIRING_TYPE};
use crate::key::DeviceKey;
use crate::payload::{PayloadError, decode};

/// How long a code lives, in seconds.
pub const CODE_LIFE_S: u32 = 600;
/// How many wrong codes a technician may type before waiting.
pub const CODE_TRIES: u32 = 5;

/// 配对请求: what a device says of itself, signed with the key it shows. Sent as a flattened JWS with type `hw-pair+1` whose `kid` is
/// the key's thumbprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Evaluator or card reader.
    pub kind: DeviceKind,
    /// The device's public key.
    #[serde(rename = "pub")]
    pub key: DeviceKey,
    /// Model, in the maker's words.
    #[serde(default)]
    pub model: String,
    /// Serial number, in the maker's words.
    #[serde(default)]
    pub serial: String,
    /// Version of the device's program.
    pub sw: String,
    /// At least 16 random bytes in base64url: two pairings never look alike.
    pub nonce: String,
}

/// Why a pairing request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Not of the form.
    #[error("pairing request cannot be read")]
    Payload(#[from] PayloadError),
    /// Not signed by the key it names.
    #[error("pairing request is not signed by the key it names")]
    Signature(#[from] JwsError),
    /// A text is longer than 200 characters, or the nonce shorter than 16 bytes.
    #[error("pairing request holds a text of bad length")]
    Length,
}

impl Begin {
    /// Reads a request and checks that its sender has the key.
    ///
    /// # Errors
    /// When it is not of the form, or the signature is not that of the key inside.
    pub fn verify(body: &[u8]) -> Result<Self, BeginError> {
        let jws = Jws::parse(body)?;
        let begin: Self = decode(jws.unverified_payload())?;
        jws.verify(&begin.key, PAIRING_TYPE, &begin.key.thumbprint().to_string())?;
        let texts = [&begin.model, &begin.serial, &begin.sw, &begin.nonce];
        if texts.iter().any(|text| text.chars().count() > 200) || begin.nonce.len() < 22 {
            return Err(BeginError::Length);
        }
        Ok(begin)
    }
}

/// Answer to a pairing request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The pairing.
    pub pair: MessageId,
    /// What the device shows.
    pub code: PairingCode,
    /// Seconds until the code dies.
    pub expires_in: u32,
    /// Secret to ask with.
    pub poll: String,
    /// Seconds between questions.
    pub interval: u32,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("pair", &self.pair).finish_non_exhaustive()
    }
}

/// How a pairing stands. A dead or unknown one is HTTP 404.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Progress {
    /// Nobody has typed the code yet.
    Waiting {
        /// Seconds until the code dies.
        expires_in: u32,
    },
    /// 已绑定. Given again on each question until the device has connected once, or the code dies.
    Bound(Box<Grant>),
}

/// What a paired device gets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its name: MQTT client id and user name.
    pub device: DeviceId,
    /// Generation of its key; `kid` of its answers is `{device}#{key_gen}`.
    pub key_gen: u32,
    /// Where and how to connect.
    pub mqtt: MqttGrant,
    /// CA of the box in PEM, for drivers. A browser has its own list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl Grant {
    /// `kid` of the device's answers.
    pub fn kid(&self) -> String {
        answer_kid(&self.device, self.key_gen)
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("device", &self.device)
            .field("key_gen", &self.key_gen)
            .finish_non_exhaustive()
    }
}

/// Where and how to connect.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MqttGrant {
    /// `mqtts://host:port` for drivers. The evaluator page always goes back to the host that it was loaded from.
    pub url: String,
    /// MQTT password: 256 random bits, base64url.
    pub secret: String,
}

impl fmt::Debug for MqttGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttGrant").field("url", &self.url).finish_non_exhaustive()
    }
}

/// `kid` of the answers of a device.
pub fn answer_kid(device: &DeviceId, key_gen: u32) -> String {
    format!("{device}#{key_gen}")
}

/// 配对码: six characters of Crockford's alphabet (30 bits), written "7K4-M29". Read with or without the dash, in either case, O for
/// 0, I and L for 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PairingCode(u32);

/// A text that is no pairing code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("pairing code is not six letters or digits")]
pub struct CodeError;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl PairingCode {
    /// The code of the lower 30 bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & 0x3fff_ffff)
    }

    /// A fresh code.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate() -> Result<Self, IdError> {
        getrandom::u32().map(Self::from_bits).map_err(|_| IdError::Randomness)
    }
}

impl fmt::Display for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..6u32 {
            if place == 3 {
                f.write_str("-")?;
            }
            let digit = self.0 >> (25 - 5 * place) & 31;
            write!(f, "{}", char::from(ALPHABET[digit as usize]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingCode(…)")
    }
}

impl FromStr for PairingCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut bits = 0u32;
        let mut digits = 0;
        for character in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let folded = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = (0u32..).zip(ALPHABET).find(|(_, a)| char::from(**a) == folded).ok_or(CodeError)?.0;
            digits += 1;
            if digits > 6 {
                return Err(CodeError);
            }
            bits = bits << 5 | value;
        }
        if digits == 6 { Ok(Self(bits)) } else { Err(CodeError) }
    }
}

impl TryFrom<String> for PairingCode {
    type Error = CodeError;

    fn try_from(text: String) -> Result<Self, CodeError> {
        text.parse()
    }
}

impl From<PairingCode> for String {
    fn from(code: PairingCode) -> Self {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use hall_domain::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::payload::encode;

    fn begin(key: &SigningKey) -> Begin {
        Begin {
            kind: DeviceKind::Evaluator,
            key: key.verifying_key().into(),
            model: "P10".to_owned(),
            serial: String::new(),
            sw: "0.1.0".to_owned(),
            nonce: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        }
    }

    fn signed(begin: &Begin, with: &SigningKey) -> Vec<u8> {
        Jws::sign(with, &begin.key.thumbprint().to_string(), PAIRING_TYPE, &encode(begin).unwrap()).to_bytes()
    }

    #[test]
    fn a_request_is_taken_only_from_the_owner_of_the_key() {
        let (owner, thief) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let request = begin(&owner);
        assert_eq!(Begin::verify(&signed(&request, &owner)).unwrap(), request);
        assert!(matches!(
            Begin::verify(&signed(&request, &thief)),
            Err(BeginError::Signature(JwsError::Signature))
        ));
        let short = Begin { nonce: "short".to_owned(), ..request.clone() };
        assert!(matches!(Begin::verify(&signed(&short, &owner)), Err(BeginError::Length)));
        assert!(matches!(Begin::verify(b"{}"), Err(BeginError::Signature(JwsError::Form))));
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code: PairingCode = "7K4-M29".parse().unwrap();
        assert_eq!(code.to_string(), "7K4-M29");
        for typed in ["7k4m29", " 7K4 M29 ", "7k4-m29"] {
            assert_eq!(typed.parse(), Ok(code));
        }
        assert_eq!("OIL-000".parse::<PairingCode>().unwrap().to_string(), "011-000");
        for bad in ["", "7K4-M2", "7K4-M299", "7K4-M2U", "七K4-M29"] {
            assert_eq!(bad.parse::<PairingCode>(), Err(CodeError), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_in_debug_texts() {
        let begun = Begun {
            pair: MessageId::from_parts(Timestamp(1), 1),
            code: PairingCode::from_bits(77),
            expires_in: CODE_LIFE_S,
            poll: "poll-secret".to_owned(),
            interval: 2,
        };
        let grant = Grant {
            device: DeviceId::generate(DeviceKind::CardReader, Timestamp(1)).unwrap(),
            key_gen: 1,
            mqtt: MqttGrant { url: "mqtts://box".to_owned(), secret: "mqtt-secret".to_owned() },
            ca: None,
        };
        let texts = format!("{begun:?} {grant:?} {:?}", Progress::Bound(Box::new(grant.clone())));
        assert!(!texts.contains("-secret") && !texts.contains(&begun.code.to_string()));
    }

    #[test]
    fn progress_is_written_as_documented() {
        assert_eq!(
            serde_json::to_string(&Progress::Waiting { expires_in: 9 }).unwrap(),
            r#"{"status":"waiting","expires_in":9}"#
        );
        let grant = Grant {
            device: "ev-01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
            key_gen: 1,
            mqtt: MqttGrant { url: "wss://box/mqtt".to_owned(), secret: "s".to_owned() },
            ca: None,
        };
        assert_eq!(grant.kid(), "ev-01arz3ndektsv4rrffq69g5fav#1");
        assert_eq!(
            serde_json::to_string(&Progress::Bound(Box::new(grant))).unwrap(),
            r#"{"status":"bound","device":"ev-01arz3ndektsv4rrffq69g5fav","key_gen":1,"mqtt":{"url":"wss://box/mqtt","secret":"s"}}"#
        );
    }

    proptest! {
        #[test]
        fn every_code_reads_back_as_written(bits: u32) {
            let code = PairingCode::from_bits(bits);
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".{0,16}") {
            let _ = text.parse::<PairingCode>();
        }
    }
}
