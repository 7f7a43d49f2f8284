//! The claims set that all these messages share: registered claims by their numbers, everything of our own
//! in one private claim.

use hall_domain::Timestamp;
use minicbor::bytes::ByteArray;
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use ed25519_dalek::VerifyingKey;

const EXP: i64 = 4;
const IAT: i64 = 6;
const CNF: i64 = 8;
const NONCE: i64 = 10;
/// The first of the private-use claims (RFC 8392 §9.1).
const OWN: i64 = -65537;

/// CWT claims (RFC 8392), with `cnf` (RFC 8747) and the nonce of EAT (RFC 9711). Times in whole seconds.
pub(super) struct Claims<B> {
    pub(super) expires: Option<Timestamp>,
    pub(super) issued: Option<Timestamp>,
    pub(super) key: Option<VerifyingKey>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) own: B,
}

impl<B: Encode<()>> Encode<()> for Claims<B> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let present =
            [self.expires.is_some(), self.issued.is_some(), self.key.is_some(), self.nonce.is_some(), true];
        e.map(present.into_iter().filter(|there| *there).count() as u64)?;
        // In the order of their encoding: small numbers first, the negative one last.
        for (claim, at) in [(EXP, self.expires), (IAT, self.issued)] {
            if let Some(at) = at {
                e.i64(claim)?.i64(at.0.div_euclid(1000))?;
            }
        }
        if let Some(key) = &self.key {
            // {1: COSE_Key}, the key being {1: OKP, -1: Ed25519, -2: x}.
            e.i64(CNF)?.map(1)?.u8(1)?.map(3)?.u8(1)?.u8(1)?.i8(-1)?.u8(6)?.i8(-2)?.bytes(key.as_bytes())?;
        }
        if let Some(nonce) = &self.nonce {
            e.i64(NONCE)?.bytes(nonce)?;
        }
        self.own.encode(e.i64(OWN)?, ctx)
    }
}

impl<'b, B: Decode<'b, ()>> Decode<'b, ()> for Claims<B> {
    /// Order and repetition need no care: what is read is written again and compared.
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let (mut expires, mut issued, mut key, mut nonce, mut own) = (None, None, None, None, None);
        let count = d.map()?.ok_or_else(|| wrong("indefinite length"))?;
        for _ in 0..count {
            match d.i64()? {
                EXP => expires = Some(seconds(d)?),
                IAT => issued = Some(seconds(d)?),
                CNF => key = Some(confirmation(d)?),
                NONCE => nonce = Some(d.bytes()?.to_vec()),
                OWN => own = Some(B::decode(d, ctx)?),
                _ => return Err(wrong("claim that is not used here")),
            }
        }
        let own = own.ok_or_else(|| wrong("claim of our own is missing"))?;
        Ok(Self { expires, issued, key, nonce, own })
    }
}

/// An error without a word of what was read: it may be personal data.
pub(super) fn wrong(what: &'static str) -> decode::Error {
    decode::Error::message(what)
}

/// A claim that this message must have.
pub(super) fn needed<T>(value: Option<T>) -> Result<T, decode::Error> {
    value.ok_or_else(|| wrong("claim is missing"))
}

/// A claim that this message must not have.
pub(super) fn absent<T>(value: Option<T>) -> Result<(), decode::Error> {
    if value.is_none() { Ok(()) } else { Err(wrong("claim that is not used here")) }
}

pub(super) fn seconds(d: &mut Decoder<'_>) -> Result<Timestamp, decode::Error> {
    let at = d.i64()?.checked_mul(1000).ok_or_else(|| wrong("time out of range"))?;
    Ok(Timestamp(at))
}

fn confirmation(d: &mut Decoder<'_>) -> Result<VerifyingKey, decode::Error> {
    let shape = || wrong("not an Ed25519 key");
    let expect = |right: bool| if right { Ok(()) } else { Err(shape()) };
    expect(d.map()? == Some(1) && d.u8()? == 1)?;
    expect(d.map()? == Some(3) && d.u8()? == 1 && d.u8()? == 1)?;
    expect(d.i8()? == -1 && d.u8()? == 6 && d.i8()? == -2)?;
    let bytes: [u8; 32] = ByteArray::<32>::decode(d, &mut ())?.into();
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| shape())?;
    if key.is_weak() { Err(shape()) } else { Ok(key) }
}
