//! The digest of what was shown.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// 摘要: SHA-256, written `sha-256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

/// A digest that cannot be computed or read.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// Not `sha-256:` and 64 lower-case hexadecimal digits.
    #[error("digest is not sha-256: and 64 lower-case hexadecimal digits")]
    Text,
    /// The value has no canonical JSON form.
    #[error("value has no canonical JSON form")]
    Canonical(#[source] serde_json::Error),
}

const PREFIX: &str = "sha-256:";

impl Digest {
    /// SHA-256 of bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// SHA-256 over the RFC 8785 (JCS) form of a value: the same on every device, whatever order it writes fields in.
    pub fn of_json<T: Serialize>(value: &T) -> Result<Self, DigestError> {
        canonical_json(value).map(|bytes| Self::of_bytes(&bytes))
    }
}

/// RFC 8785 bytes of a value.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<Vec<u8>, DigestError> {
    serde_json_canonicalizer::to_vec(value).map_err(DigestError::Canonical)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.strip_prefix(PREFIX).ok_or(DigestError::Text)?.as_bytes();
        if digits.len() != 64 {
            return Err(DigestError::Text);
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, DigestError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(DigestError::Text),
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_digest_of_known_bytes_is_known() {
        let empty = "sha-256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of_bytes(b"").to_string(), empty);
        assert!(empty.to_ascii_uppercase().parse::<Digest>().is_err());
        assert!(empty[..70].parse::<Digest>().is_err());
    }

    #[test]
    fn canonical_form_follows_rfc_8785() {
        let value = json!({"\u{20ac}": 1, "\r": 2, "1": {"b": [1.0, 4.5e-7], "a": "王\u{1}\"\\"}, "\u{1f600}": null, "\u{fb33}": true});
        let text = String::from_utf8(canonical_json(&value).unwrap()).unwrap();
        let expected = "{\"\\r\":2,\"1\":{\"a\":\"王\\u0001\\\"\\\\\",\"b\":[1,4.5e-7]},\"\u{20ac}\":1,\"\u{1f600}\":null,\"\u{fb33}\":true}";
        assert_eq!(text, expected);
    }

    proptest! {
        #[test]
        fn a_digest_reads_back_as_written(bytes: [u8; 32]) {
            prop_assert_eq!(Digest(bytes).to_string().parse::<Digest>().unwrap(), Digest(bytes));
        }
    }
}
