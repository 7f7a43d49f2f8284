//! Public keys of devices.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// 设备公钥: Ed25519, or P-256 on a web view that has no Ed25519. In JSON `{"alg":"EdDSA","x":…}` or `{"alg":"ES256","x":…,"y":…}`,
/// coordinates base64url without padding.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "KeyText", into = "KeyText")]
pub enum DeviceKey {
    /// EdDSA over Curve25519.
    Ed25519(VerifyingKey),
    /// ECDSA over P-256 with SHA-256; x and y, big-endian.
    P256 {
        /// First coordinate.
        x: [u8; 32],
        /// Second coordinate.
        y: [u8; 32],
    },
}

/// A key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A coordinate is not 32 bytes in base64url.
    #[error("key coordinate is not 32 bytes in base64url without padding")]
    Coordinate,
    /// The bytes are no point of the curve, or one that signs anything.
    #[error("key is not a usable point of its curve")]
    Point,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "alg")]
enum KeyText {
    #[serde(rename = "EdDSA")]
    EdDsa { x: String },
    #[serde(rename = "ES256")]
    Es256 { x: String, y: String },
}

impl DeviceKey {
    /// The `alg` value of JWS headers made with this key.
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256 { .. } => "ES256",
        }
    }

    /// Whether `signature` over `message` is this key's. Ed25519 by the strict rule, which leaves one signature per message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::P256 { x, y } => {
                let mut point = [4u8; 65];
                point[1..33].copy_from_slice(x);
                point[33..].copy_from_slice(y);
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
        }
    }

    /// RFC 7638 thumbprint: the key's name before the device has one.
    pub fn thumbprint(&self) -> Digest {
        let text = match self {
            Self::Ed25519(key) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(key.as_bytes()))
            }
            Self::P256 { x, y } => format!(
                r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
                URL_SAFE_NO_PAD.encode(x),
                URL_SAFE_NO_PAD.encode(y)
            ),
        };
        Digest::of_bytes(text.as_bytes())
    }

    /// 指纹: the first eight hexadecimal digits of the thumbprint, "1A2B-3C4D". Device and technician's screen show it side by side.
    pub fn fingerprint(&self) -> String {
        let [a, b, c, d, ..] = self.thumbprint().0;
        format!("{a:02X}{b:02X}-{c:02X}{d:02X}")
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({} {})", self.algorithm(), self.fingerprint())
    }
}

impl From<VerifyingKey> for DeviceKey {
    fn from(key: VerifyingKey) -> Self {
        Self::Ed25519(key)
    }
}

impl TryFrom<KeyText> for DeviceKey {
    type Error = KeyError;

    fn try_from(text: KeyText) -> Result<Self, KeyError> {
        match text {
            KeyText::EdDsa { x } => {
                let key = VerifyingKey::from_bytes(&coordinate(&x)?).map_err(|_| KeyError::Point)?;
                if key.is_weak() { Err(KeyError::Point) } else { Ok(Self::Ed25519(key)) }
            }
            KeyText::Es256 { x, y } => Ok(Self::P256 { x: coordinate(&x)?, y: coordinate(&y)? }),
        }
    }
}

impl From<DeviceKey> for KeyText {
    fn from(key: DeviceKey) -> Self {
        match key {
            DeviceKey::Ed25519(key) => Self::EdDsa { x: URL_SAFE_NO_PAD.encode(key.as_bytes()) },
            DeviceKey::P256 { x, y } => {
                Self::Es256 { x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
            }
        }
    }
}

fn coordinate(text: &str) -> Result<[u8; 32], KeyError> {
    URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(KeyError::Coordinate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        let key: DeviceKey =
            serde_json::from_str(r#"{"alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)
                .unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(key.thumbprint().0), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.fingerprint(), "90FA-CAFE");
    }

    #[test]
    fn a_key_reads_back_as_written() {
        for text in [
            r#"{"alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        ] {
            let key: DeviceKey = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&key).unwrap(), text);
        }
    }

    #[test]
    fn keys_that_would_sign_anything_are_refused() {
        let weak = format!(r#"{{"alg":"EdDSA","x":"{}"}}"#, URL_SAFE_NO_PAD.encode([0u8; 32]));
        assert!(serde_json::from_str::<DeviceKey>(&weak).is_err());
        for bad in [
            r#"{"alg":"none","x":""}"#,
            r#"{"alg":"EdDSA","x":"AAAA"}"#,
            r#"{"alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#,
        ] {
            assert!(serde_json::from_str::<DeviceKey>(bad).is_err(), "{bad}");
        }
    }
}
