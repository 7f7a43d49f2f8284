//! COSE_Sign1 (RFC 9052 §4.2) in the two shapes that are used here, and typed signed statements.
//!
//! Both: tag 18, EdDSA with Ed25519, payload inside, a `kid` of eight bytes, and a text that keeps a signature
//! made for one purpose from being valid for another. Between box and centre ([`Form::External`]) that text is
//! the `external_aad` and stands nowhere in the message. Where strangers read with their own libraries
//! ([`Form::Typed`], [`typed`]) it is the `typ` of RFC 9596. Exact bytes are stored and forwarded.

use std::fmt;
use std::marker::PhantomData;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hall_domain::Timestamp;
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cbor::{self, CborError};
use crate::hash::{Hash, fixed_bytes};
use crate::trust::{CentreKeys, Roles, Use};

pub mod typed;

use typed::TypedSign1;

/// Protected header: the encoding of `{1: -8}`.
const PROTECTED: [u8; 3] = [0xa1, 0x01, 0x27];
/// Everything before the `kid`: tag 18, array of four, protected header, map of one, key 4, eight bytes.
const PREFIX: [u8; 9] = [0xd2, 0x84, 0x43, 0xa1, 0x01, 0x27, 0xa1, 0x04, 0x48];

/// Names a public key: the first eight bytes of the SHA-256 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

fixed_bytes!(KeyId, 8);

impl KeyId {
    /// The name of `key`.
    pub fn of(key: &VerifyingKey) -> Self {
        let digest = crate::hash::Hash::of(key.as_bytes()).0;
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self(id)
    }
}

/// Why a signed message is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// Not the one COSE_Sign1 shape that is used here.
    #[error("not a COSE_Sign1 of the expected shape")]
    Shape,
    /// Names a key that is not trusted (here, or any more).
    #[error("signed with key {0}, which is not trusted for this")]
    UnknownKey(KeyId),
    /// Signed for another purpose than it is shown for.
    #[error("signed for another purpose")]
    Purpose,
    /// The signature does not fit the bytes, the key, or the purpose.
    #[error("signature does not verify")]
    Signature,
    /// The signature is good, the signed bytes are not what they should be.
    #[error("signed payload is not what was expected")]
    Payload(#[from] CborError),
}

/// Signs `payload` for the purpose `domain`.
pub fn sign(key: &SigningKey, domain: &str, payload: &[u8]) -> Vec<u8> {
    let signature = key.sign(&to_be_signed(&PROTECTED, domain.as_bytes(), payload));
    let mut out = Vec::with_capacity(PREFIX.len() + payload.len() + 80);
    out.extend_from_slice(&PREFIX);
    out.extend_from_slice(&KeyId::of(&key.verifying_key()).0);
    bytes_head(payload.len(), &mut out);
    out.extend_from_slice(payload);
    bytes_head(64, &mut out);
    out.extend_from_slice(&signature.to_bytes());
    out
}

/// A parsed, not yet verified COSE_Sign1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign1<'b> {
    kid: KeyId,
    payload: &'b [u8],
    signature: [u8; 64],
}

impl<'b> Sign1<'b> {
    /// Reads the one accepted shape.
    ///
    /// # Errors
    /// [`CoseError::Shape`] for every other.
    pub fn parse(bytes: &'b [u8]) -> Result<Self, CoseError> {
        let rest = bytes.strip_prefix(&PREFIX).ok_or(CoseError::Shape)?;
        let (kid, rest) = rest.split_first_chunk::<8>().ok_or(CoseError::Shape)?;
        let mut decoder = Decoder::new(rest);
        let payload = decoder.bytes().map_err(|_| CoseError::Shape)?;
        let signature = ByteArray::<64>::decode(&mut decoder, &mut ()).map_err(|_| CoseError::Shape)?;
        let mut shortest = Vec::with_capacity(9);
        bytes_head(payload.len(), &mut shortest);
        let expected = shortest.len() + payload.len() + 2 + 64;
        if decoder.position() != rest.len() || rest.len() != expected {
            return Err(CoseError::Shape);
        }
        Ok(Self { kid: KeyId(*kid), payload, signature: signature.into() })
    }

    /// The key that claims to have signed. Outside the signature; only good for choosing a key.
    pub fn kid(&self) -> KeyId {
        self.kid
    }

    /// The payload, before anything is known about it.
    pub fn unverified_payload(&self) -> &'b [u8] {
        self.payload
    }

    /// The payload, if `key` signed it for `domain`.
    ///
    /// # Errors
    /// When the `kid` names another key or the signature does not verify strictly.
    pub fn verify(&self, key: &VerifyingKey, domain: &str) -> Result<&'b [u8], CoseError> {
        if self.kid != KeyId::of(key) {
            return Err(CoseError::UnknownKey(self.kid));
        }
        let signature = Signature::from_bytes(&self.signature);
        key.verify_strict(&to_be_signed(&PROTECTED, domain.as_bytes(), self.payload), &signature)
            .map_err(|_| CoseError::Signature)?;
        Ok(self.payload)
    }
}

/// Where the purpose of a statement stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In the `external_aad`; the message names the key.
    External,
    /// In the `typ` header; the message names the key.
    Typed,
    /// In the `typ` header; the key is the one that the payload leads to.
    TypedWithoutKid,
}

/// Something that is signed as a whole, for one purpose.
pub trait Statement: Encode<()> + for<'b> Decode<'b, ()> {
    /// The text that names the purpose, for example `hallbox/receipt/1`.
    const DOMAIN: &'static str;
    /// Where that text stands.
    const FORM: Form = Form::External;
    /// What a centre's key must be trusted for to sign it.
    const ROLE: Roles = Roles::STATEMENTS;

    /// When it was made, as it says itself: the key must have been the centre's at that time.
    fn stated_at(&self) -> Option<Timestamp> {
        None
    }
}

/// Signed bytes of a `T`: can be stored and forwarded, but says nothing until it is verified.
pub struct Signed<T> {
    bytes: Vec<u8>,
    statement: PhantomData<fn() -> T>,
}

impl<T: Statement> Signed<T> {
    /// Signs `statement`.
    pub fn sign(statement: &T, key: &SigningKey) -> Self {
        let payload = cbor::pack(statement);
        let kid = KeyId::of(&key.verifying_key());
        Self::from_bytes(match T::FORM {
            Form::External => sign(key, T::DOMAIN, &payload),
            Form::Typed => typed::sign(key, T::DOMAIN, Some(kid), &payload),
            Form::TypedWithoutKid => typed::sign(key, T::DOMAIN, None, &payload),
        })
    }

    /// The statement, if `key` signed it.
    ///
    /// # Errors
    /// See [`CoseError`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<T, CoseError> {
        self.verify_with(|_| Some(key))
    }

    /// The statement, if it came just now and one of the centre's keys of that time signed it.
    ///
    /// # Errors
    /// See [`CoseError`].
    pub fn verify_by(&self, keys: &CentreKeys) -> Result<T, CoseError> {
        self.verify_for(keys, Use::New)
    }

    /// The statement, if it is evidence that one of the centre's keys signed in its time; the key may be retired
    /// since.
    ///
    /// # Errors
    /// See [`CoseError`].
    pub fn verify_kept(&self, keys: &CentreKeys) -> Result<T, CoseError> {
        self.verify_for(keys, Use::Kept)
    }

    fn verify_for(&self, keys: &CentreKeys, for_use: Use) -> Result<T, CoseError> {
        let mut named = None;
        let statement = self.verify_with(|kid| {
            named = kid;
            kid.and_then(|kid| keys.find(kid))
        })?;
        // Only what is signed says when it was made; the signature comes first.
        let kid = named.ok_or(CoseError::Shape)?;
        keys.signer(kid, T::ROLE, statement.stated_at(), for_use).ok_or(CoseError::UnknownKey(kid))?;
        Ok(statement)
    }

    /// The statement without any check of the signature: for display and for finding the right key only.
    ///
    /// # Errors
    /// When the bytes are not a signed `T` by their shape.
    pub fn peek(&self) -> Result<T, CoseError> {
        let payload = match T::FORM {
            Form::External => Sign1::parse(&self.bytes)?.unverified_payload(),
            Form::Typed | Form::TypedWithoutKid => self.typed()?.unverified_payload(),
        };
        Ok(cbor::unpack(payload)?)
    }

    fn verify_with<'k>(
        &self,
        find: impl FnOnce(Option<KeyId>) -> Option<&'k VerifyingKey>,
    ) -> Result<T, CoseError> {
        let payload = match T::FORM {
            Form::External => {
                let message = Sign1::parse(&self.bytes)?;
                let key = find(Some(message.kid())).ok_or(CoseError::UnknownKey(message.kid()))?;
                message.verify(key, T::DOMAIN)?
            }
            Form::Typed | Form::TypedWithoutKid => {
                let message = self.typed()?;
                let unknown = message.kid().map_or(CoseError::Shape, CoseError::UnknownKey);
                message.verify(find(message.kid()).ok_or(unknown)?, T::DOMAIN)?
            }
        };
        Ok(cbor::unpack(payload)?)
    }

    fn typed(&self) -> Result<TypedSign1<'_>, CoseError> {
        let message = TypedSign1::parse(&self.bytes)?;
        if message.typ() != T::DOMAIN {
            return Err(CoseError::Purpose);
        }
        let named = T::FORM == Form::Typed;
        if message.kid().is_some() == named { Ok(message) } else { Err(CoseError::Shape) }
    }
}

impl<T> Signed<T> {
    /// Wraps stored or received bytes; nothing is checked.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, statement: PhantomData }
    }

    /// The exact signed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The exact signed bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of the exact signed bytes.
    pub fn digest(&self) -> Hash {
        Hash::of(&self.bytes)
    }
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.bytes.clone())
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Signed<T> {}

impl<T> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        write!(f, "Signed<{name}>({} bytes)", self.bytes.len())
    }
}

impl<C, T> Encode<C> for Signed<T> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.bytes)?.ok()
    }
}

impl<'b, C, T> Decode<'b, C> for Signed<T> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        ByteVec::decode(d, ctx).map(|bytes| Self::from_bytes(bytes.into()))
    }
}

impl<T> Serialize for Signed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.bytes))
    }
}

impl<'de, T> Deserialize<'de> for Signed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)?;
        Ok(Self::from_bytes(bytes))
    }
}

/// `Sig_structure` of RFC 9052 §4.4: `["Signature1", protected, external_aad, payload]`.
fn to_be_signed(protected: &[u8], external: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(protected.len() + external.len() + payload.len() + 32);
    out.push(0x84);
    out.push(0x6a);
    out.extend_from_slice(b"Signature1");
    for part in [protected, external, payload] {
        bytes_head(part.len(), &mut out);
        out.extend_from_slice(part);
    }
    out
}

fn bytes_head(count: usize, out: &mut Vec<u8>) {
    cbor::write_head(2, count as u64, out);
}
