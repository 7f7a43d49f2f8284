//! Whose signatures count: the centre's public keys that a box has pinned.

use ed25519_dalek::VerifyingKey;

use crate::cose::KeyId;
use crate::hash::HexError;

/// 省级中心 public keys pinned at enrolment: usually the current and the next one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CentreKeys {
    keys: Vec<(KeyId, VerifyingKey)>,
}

/// Why a list of keys cannot be pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Not 64 hexadecimal digits.
    #[error("public key is not readable")]
    Hex(#[from] HexError),
    /// 32 bytes that are not a usable Ed25519 key.
    #[error("public key is not a usable Ed25519 key")]
    Key,
    /// A centre without keys could not be believed in anything.
    #[error("no centre key given")]
    Empty,
}

impl CentreKeys {
    /// Pins `keys`.
    ///
    /// # Errors
    /// When there is none, or one is of small order (its signatures would prove nothing).
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, TrustError> {
        let mut pinned = Vec::new();
        for key in keys {
            if key.is_weak() {
                return Err(TrustError::Key);
            }
            let id = KeyId::of(&key);
            if !pinned.iter().any(|(known, _)| *known == id) {
                pinned.push((id, key));
            }
        }
        if pinned.is_empty() { Err(TrustError::Empty) } else { Ok(Self { keys: pinned }) }
    }

    /// Reads keys from their hexadecimal form, as the enrolment answer carries them.
    ///
    /// # Errors
    /// When one is not a usable key.
    pub fn from_hex<S: AsRef<str>>(keys: &[S]) -> Result<Self, TrustError> {
        let keys: Result<Vec<_>, _> = keys.iter().map(|key| verifying_key(key.as_ref())).collect();
        Self::new(keys?)
    }

    /// The hexadecimal form, in the order given.
    pub fn to_hex(&self) -> Vec<String> {
        self.keys.iter().map(|(_, key)| hex::encode(key.as_bytes())).collect()
    }

    /// The key of this name, if it is pinned.
    pub fn find(&self, kid: KeyId) -> Option<&VerifyingKey> {
        self.keys.iter().find(|(id, _)| *id == kid).map(|(_, key)| key)
    }
}

/// Reads one Ed25519 public key from 64 lower-case hexadecimal digits.
///
/// # Errors
/// When it is not one.
pub fn verifying_key(hex: &str) -> Result<VerifyingKey, TrustError> {
    let bytes = crate::hash::fixed_hex::<32>(hex)?;
    VerifyingKey::from_bytes(&bytes).map_err(|_| TrustError::Key)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    #[test]
    fn pinned_keys_come_back_from_text_and_are_found_by_name() {
        let (a, b) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let keys = CentreKeys::new([a.verifying_key(), b.verifying_key(), a.verifying_key()]).unwrap();
        assert_eq!(keys.to_hex().len(), 2);
        assert_eq!(CentreKeys::from_hex(&keys.to_hex()).unwrap(), keys);
        assert_eq!(keys.find(KeyId::of(&b.verifying_key())), Some(&b.verifying_key()));
        let stranger = SigningKey::from_bytes(&[3; 32]);
        assert_eq!(keys.find(KeyId::of(&stranger.verifying_key())), None);
    }

    #[test]
    fn an_empty_or_worthless_list_is_refused() {
        assert_eq!(CentreKeys::from_hex::<&str>(&[]), Err(TrustError::Empty));
        let neutral = "0100000000000000000000000000000000000000000000000000000000000000";
        assert_eq!(CentreKeys::from_hex(&[neutral]), Err(TrustError::Key));
        assert!(matches!(CentreKeys::from_hex(&["zz"]), Err(TrustError::Hex(_))));
    }
}
