//! The standard shape: what a stranger's COSE or CWT library signs and verifies without knowing anything of us.
//!
//! Protected header `{1: -8, 16: typ}`, unprotected header `{4: kid}` or empty, no external data.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::bytes::ByteArray;
use minicbor::decode::{self, Decode, Decoder};

use super::{CoseError, KeyId, bytes_head, to_be_signed};
use crate::cbor;

/// The protected header up to the text: map of two, algorithm -8, key 16.
const PROTECTED: [u8; 4] = [0xa2, 0x01, 0x27, 0x10];

/// A parsed, not yet verified COSE_Sign1 with a `typ`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedSign1<'b> {
    typ: &'b str,
    kid: Option<KeyId>,
    payload: &'b [u8],
    signature: [u8; 64],
}

/// Signs `payload` as a message of type `typ`, naming the key by `kid` or not at all.
pub fn sign(key: &SigningKey, typ: &str, kid: Option<KeyId>, payload: &[u8]) -> Vec<u8> {
    let signature = key.sign(&to_be_signed(&protected(typ), b"", payload));
    TypedSign1 { typ, kid, payload, signature: signature.to_bytes() }.to_bytes()
}

impl<'b> TypedSign1<'b> {
    /// Reads the one accepted shape.
    ///
    /// # Errors
    /// [`CoseError::Shape`] for every other.
    pub fn parse(bytes: &'b [u8]) -> Result<Self, CoseError> {
        let message = Self::read(&mut Decoder::new(bytes)).map_err(|_| CoseError::Shape)?;
        // Whatever has a second form, or something behind it, is not what these fields would be written as.
        if message.to_bytes() == bytes { Ok(message) } else { Err(CoseError::Shape) }
    }

    /// The kind of message that it claims to be.
    pub fn typ(&self) -> &'b str {
        self.typ
    }

    /// The key that claims to have signed. Outside the signature; only good for choosing a key.
    pub fn kid(&self) -> Option<KeyId> {
        self.kid
    }

    /// The payload, before anything is known about it.
    pub fn unverified_payload(&self) -> &'b [u8] {
        self.payload
    }

    /// The payload, if `key` signed it as a `typ`.
    ///
    /// # Errors
    /// When it is of another type, the `kid` names another key, or the signature does not verify strictly.
    pub fn verify(&self, key: &VerifyingKey, typ: &str) -> Result<&'b [u8], CoseError> {
        if self.typ != typ {
            return Err(CoseError::Purpose);
        }
        if let Some(kid) = self.kid
            && kid != KeyId::of(key)
        {
            return Err(CoseError::UnknownKey(kid));
        }
        let signature = Signature::from_bytes(&self.signature);
        key.verify_strict(&to_be_signed(&protected(typ), b"", self.payload), &signature)
            .map_err(|_| CoseError::Signature)?;
        Ok(self.payload)
    }

    fn read(d: &mut Decoder<'b>) -> Result<Self, decode::Error> {
        d.tag()?;
        d.array()?;
        let protected = d.bytes()?;
        let typ = Decoder::new(protected.get(PROTECTED.len()..).unwrap_or_default()).str()?;
        let kid = match d.map()? {
            Some(0) => None,
            _ => {
                d.u8()?;
                Some(KeyId::decode(d, &mut ())?)
            }
        };
        let payload = d.bytes()?;
        let signature = ByteArray::<64>::decode(d, &mut ())?.into();
        Ok(Self { typ, kid, payload, signature })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let protected = protected(self.typ);
        let mut out = Vec::with_capacity(protected.len() + self.payload.len() + 96);
        out.extend_from_slice(&[0xd2, 0x84]);
        bytes_head(protected.len(), &mut out);
        out.extend_from_slice(&protected);
        match self.kid {
            Some(kid) => {
                out.extend_from_slice(&[0xa1, 0x04]);
                cbor::write_bytes(&kid.0, &mut out);
            }
            None => out.push(0xa0),
        }
        cbor::write_bytes(self.payload, &mut out);
        cbor::write_bytes(&self.signature, &mut out);
        out
    }
}

fn protected(typ: &str) -> Vec<u8> {
    let mut out = PROTECTED.to_vec();
    cbor::write_text(typ, &mut out);
    out
}
