//! Whose signatures count, when, and for what: the centre's public keys as the trust bundle in force names them.
//!
//! [`CentreKeys`] answers for one signature. [`TrustBundle`] is what the province's root signs, and [`Trust`] what a
//! box believes now and how it goes on to the next bundle.

use ed25519_dalek::VerifyingKey;
use hall_domain::Timestamp;
use minicbor::{Decode, Encode};

use crate::cose::KeyId;
use crate::hash::HexError;

mod bundle;
mod state;
#[cfg(test)]
mod tests;

pub use bundle::{
    BundleKey, DocumentInForce, MAX_CODE_KEYS, MAX_KEYS, MAX_ROOTS, SUITE, SignedBundle, Suite, TrustBundle,
};
pub use state::{ALARM_DAYS, LIFE_DAYS, Trust, TrustAge, TrustRefusal};

/// What a key may sign. A set, in bytes one number with a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Roles(#[n(0)] u8);

impl Roles {
    /// Receipts, tokens, feed pages, dispositions, and what phones carry.
    pub const STATEMENTS: Self = Self(1);
    /// Licence envelopes.
    pub const ENVELOPES: Self = Self(2);
    /// Status lists.
    pub const STATUS_LISTS: Self = Self(4);
    /// Documents.
    pub const DOCUMENTS: Self = Self(8);
    /// Everything that a centre signs.
    pub const ALL: Self = Self(15);

    /// Whether every role of `other` is among these.
    pub fn cover(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// For what a signature is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It came just now, and something is to follow from it.
    New,
    /// It was believed when it came and is looked at again, or lies inside something that was signed anew: stored
    /// receipts, cached envelopes, evidence. Keys that were retired since then still count.
    Kept,
}

/// 中心公钥: one key of the centre and how far it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CentreKey {
    id: KeyId,
    key: VerifyingKey,
    roles: Roles,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    retired: bool,
}

impl CentreKey {
    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// What it signs from this time on; none for keys pinned at enrolment.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// What it signs after this time does not count; none while no next key is announced.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }

    /// Whether it signs nothing new any more.
    pub fn retired(&self) -> bool {
        self.retired
    }

    fn counts(&self, role: Roles, stated_at: Option<Timestamp>, for_use: Use) -> bool {
        let in_time = stated_at.is_none_or(|at| {
            self.not_before.is_none_or(|from| from <= at) && self.not_after.is_none_or(|end| at <= end)
        });
        in_time && self.roles.cover(role) && (for_use == Use::Kept || !self.retired)
    }
}

/// 省级中心 public keys: pinned at enrolment, then as the trust bundle names them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CentreKeys {
    keys: Vec<CentreKey>,
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
    /// Pins `keys`, for everything and at all times.
    ///
    /// # Errors
    /// When there is none, or one is of small order (its signatures would prove nothing).
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, TrustError> {
        Self::of(keys.into_iter().map(|key| CentreKey {
            id: KeyId::of(&key),
            key,
            roles: Roles::ALL,
            not_before: None,
            not_after: None,
            retired: false,
        }))
    }

    fn of(keys: impl IntoIterator<Item = CentreKey>) -> Result<Self, TrustError> {
        let mut pinned: Vec<CentreKey> = Vec::new();
        for key in keys {
            if key.key.is_weak() {
                return Err(TrustError::Key);
            }
            if !pinned.iter().any(|known| known.id == key.id) {
                pinned.push(key);
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
        self.keys.iter().map(|key| hex::encode(key.key.as_bytes())).collect()
    }

    /// All keys, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &CentreKey> {
        self.keys.iter()
    }

    /// The key of this name, whatever it is trusted for.
    pub fn find(&self, kid: KeyId) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.id == kid).map(|key| &key.key)
    }

    /// The key of this name, if what it signed for `role` at `stated_at` counts. `stated_at` is the time that stands
    /// in the signed statement itself.
    pub fn signer(
        &self,
        kid: KeyId,
        role: Roles,
        stated_at: Option<Timestamp>,
        for_use: Use,
    ) -> Option<&VerifyingKey> {
        let key = self.keys.iter().find(|key| key.id == kid)?;
        key.counts(role, stated_at, for_use).then_some(&key.key)
    }

    /// The key that signs at `now`.
    pub fn current(&self, now: Timestamp) -> Option<&CentreKey> {
        self.keys.iter().rev().find(|key| key.counts(Roles::STATEMENTS, Some(now), Use::New))
    }

    /// The key that is announced to follow.
    pub fn next(&self, now: Timestamp) -> Option<&CentreKey> {
        self.keys.iter().find(|key| !key.retired && key.not_before.is_some_and(|from| now < from))
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
