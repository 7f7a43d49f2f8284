//! Personal data in messages that anybody may photograph: encrypted with a key that only boxes and centre have.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hall_domain::{Date, Timestamp};
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};
use serde::{Deserialize, Serialize};

use super::CodeError;
use crate::hash::{NoRandomness, fixed_hex};

/// 码密钥: one numbered key, in use from its first to its last day. `Debug` shows everything but the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub struct CodeKey {
    /// Its number; never used again.
    #[n(0)]
    pub number: u32,
    /// 32 bytes, in text 64 lower-case hexadecimal digits.
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// First day, in the hall's time.
    #[n(2)]
    #[cbor(with = "crate::cbor::text")]
    pub first: Date,
    /// Last day.
    #[n(3)]
    #[cbor(with = "crate::cbor::text")]
    pub last: Date,
}

/// The code keys that a box has: at least a current one and the next. The trust bundle brings them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<CodeKey>", into = "Vec<CodeKey>")]
pub struct CodeKeys(Vec<CodeKey>);

/// Why a list of code keys is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeKeysError {
    /// Two keys of one number.
    #[error("code key {0} is given twice")]
    Twice(u32),
    /// The last day lies before the first.
    #[error("code key {0} ends before it begins")]
    Days(u32),
}

/// The 12 bytes that are new for each sealing with one key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealNonce(pub [u8; 12]);

/// 密封内容: `[key number, nonce, ciphertext]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    key: u32,
    nonce: [u8; 12],
    ciphertext: Vec<u8>,
}

impl CodeKeys {
    /// A set of keys.
    ///
    /// # Errors
    /// When a number occurs twice, or a key ends before it begins.
    pub fn new(keys: impl IntoIterator<Item = CodeKey>) -> Result<Self, CodeKeysError> {
        let mut set: Vec<CodeKey> = Vec::new();
        for key in keys {
            if key.last < key.first {
                return Err(CodeKeysError::Days(key.number));
            }
            if set.iter().any(|other| other.number == key.number) {
                return Err(CodeKeysError::Twice(key.number));
            }
            set.push(key);
        }
        Ok(Self(set))
    }

    /// The keys, in the order given.
    pub fn keys(&self) -> &[CodeKey] {
        &self.0
    }

    /// The key of this number.
    pub fn find(&self, number: u32) -> Option<&CodeKey> {
        self.0.iter().find(|key| key.number == number)
    }

    /// The key to seal with now. While two are in use it is the older one, which more boxes have.
    pub fn current(&self, now: Timestamp) -> Option<&CodeKey> {
        let today = now.local_date();
        self.0.iter().filter(|key| key.covers(today)).min_by_key(|key| (key.first, key.number))
    }

    /// What was sealed at `sealed_at` for the purpose `domain`.
    pub(crate) fn open(
        &self,
        sealed: &Sealed,
        domain: &str,
        sealed_at: Timestamp,
    ) -> Result<Vec<u8>, CodeError> {
        // The day counts on which it was sealed: what a key sealed on its last day still lives into the next.
        let key = self.find(sealed.key).filter(|key| key.covers(sealed_at.local_date()));
        let key = key.ok_or(CodeError::UnknownCodeKey(sealed.key))?;
        let payload = Payload { msg: &sealed.ciphertext, aad: domain.as_bytes() };
        key.cipher().decrypt(&Nonce::from(sealed.nonce), payload).map_err(|_| CodeError::Sealed)
    }
}

impl CodeKey {
    /// Whether it is in use on this day.
    pub fn covers(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }

    pub(crate) fn seal(&self, plain: &[u8], domain: &str, nonce: SealNonce) -> Sealed {
        let ciphertext = self
            .cipher()
            .encrypt(&Nonce::from(nonce.0), Payload { msg: plain, aad: domain.as_bytes() })
            .expect("only inputs of 256 GB fail");
        Sealed { key: self.number, nonce: nonce.0, ciphertext }
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(self.key))
    }
}

impl SealNonce {
    /// Fresh from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give; trying again can help.
    pub fn random() -> Result<Self, NoRandomness> {
        super::random().map(Self)
    }
}

impl Sealed {
    /// Number of the code key that opens it.
    pub fn key_number(&self) -> u32 {
        self.key
    }
}

impl TryFrom<Vec<CodeKey>> for CodeKeys {
    type Error = CodeKeysError;

    fn try_from(keys: Vec<CodeKey>) -> Result<Self, CodeKeysError> {
        Self::new(keys)
    }
}

impl From<CodeKeys> for Vec<CodeKey> {
    fn from(keys: CodeKeys) -> Self {
        keys.0
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeKey({}, {:?} to {:?})", self.number, self.first, self.last)
    }
}

impl fmt::Debug for SealNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealNonce({})", hex::encode(self.0))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes, key {})", self.ciphertext.len(), self.key)
    }
}

impl<C> Encode<C> for CodeKeys {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        self.0.encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for CodeKeys {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        let keys = Vec::<CodeKey>::decode(d, ctx)?;
        Self::new(keys).map_err(|_| super::claims::wrong("not a set of code keys"))
    }
}

impl<C> Encode<C> for Sealed {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(3)?.u32(self.key)?.bytes(&self.nonce)?.bytes(&self.ciphertext)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Sealed {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        if d.array()? != Some(3) {
            return Err(super::claims::wrong("not sealed content"));
        }
        let key = d.u32()?;
        let nonce = ByteArray::<12>::decode(d, ctx)?.into();
        let ciphertext = ByteVec::decode(d, ctx)?.into();
        Ok(Self { key, nonce, ciphertext })
    }
}

fn write_key<S: serde::Serializer>(key: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(key))
}

fn read_key<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    fixed_hex(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
