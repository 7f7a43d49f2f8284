//! 分段: a message that is too large for one QR code goes through several, in any order.
//!
//! A part is deterministic CBOR, `[number, of, name, bytes]`, and travels as `HB1:` and Base45 like a message, which it
//! cannot be taken for: a message begins with the tag of COSE_Sign1. Nothing is believed of a part. Only the whole
//! is a message, and only its signature says whose.

use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::claims::wrong;
use super::{CodeError, MAX_BYTES, to_qr};
use crate::cbor;
use crate::hash::Hash;

/// The largest message that goes through one QR code: version 20 at level M, which a scanner reads from a phone.
pub const WHOLE_BYTES: usize = 640;
/// How many bytes of the message a part carries, but for the last one, which may carry fewer.
pub const PART_BYTES: usize = 600;
/// Most parts of one message.
pub const MAX_PARTS: u8 = MAX_BYTES.div_ceil(PART_BYTES) as u8;

/// The first 8 bytes of the SHA-256 of the whole message: tells parts of different messages apart.
type Name = [u8; 8];

/// 一段: one of several QR codes. `Debug` shows none of its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    number: u8,
    of: u8,
    name: Name,
    bytes: Vec<u8>,
}

/// The texts of the QR codes that carry a message: one, or several in the order of their numbers.
pub fn to_qrs(message: &[u8]) -> Vec<String> {
    if message.len() <= WHOLE_BYTES {
        return vec![to_qr(message)];
    }
    let name = name_of(message);
    let of = u8::try_from(message.len().div_ceil(PART_BYTES)).unwrap_or(u8::MAX);
    let chunks = (1..=of).zip(message.chunks(PART_BYTES));
    chunks
        .map(|(number, chunk)| to_qr(&cbor::pack(&Part { number, of, name, bytes: chunk.to_vec() })))
        .collect()
}

impl Part {
    /// Whether bytes claim to be a part; a message never does.
    pub fn claims(bytes: &[u8]) -> bool {
        bytes.first() == Some(&0x84)
    }

    /// Reads a part.
    ///
    /// # Errors
    /// [`CodeError::NotACode`] when it is none, is one of more than [`MAX_PARTS`], or has a second spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodeError> {
        cbor::unpack(bytes).map_err(|_| CodeError::NotACode)
    }
}

/// What came of taking a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gathered {
    /// Others are still missing.
    Waiting(Progress),
    /// The message, of which nothing is known yet.
    Whole(Vec<u8>),
    /// All parts came, and they are not those of one message; everything was forgotten.
    Damaged,
}

/// How many parts have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Different ones that came.
    pub have: u8,
    /// All there are.
    pub of: u8,
}

/// 收段: the parts of one message as they come.
#[derive(Debug, Clone, Default)]
pub struct Gathering {
    parts: Vec<Part>,
}

impl Gathering {
    /// Takes a part, in any order, any number of times. A part of another message begins anew: the phone shows
    /// something else now.
    pub fn take(&mut self, part: Part) -> Gathered {
        self.parts.retain(|known| (known.name, known.of) == (part.name, part.of));
        let (name, of) = (part.name, part.of);
        if let Err(at) = self.parts.binary_search_by_key(&part.number, |known| known.number) {
            self.parts.insert(at, part);
        }
        if self.parts.len() < usize::from(of) {
            return Gathered::Waiting(Progress { have: self.parts.len() as u8, of });
        }
        let whole: Vec<u8> =
            std::mem::take(&mut self.parts).into_iter().flat_map(|part| part.bytes).collect();
        if whole.len() <= MAX_BYTES && name_of(&whole) == name {
            Gathered::Whole(whole)
        } else {
            Gathered::Damaged
        }
    }

    /// How far it is; none before the first part.
    pub fn progress(&self) -> Option<Progress> {
        let of = self.parts.first()?.of;
        Some(Progress { have: self.parts.len() as u8, of })
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} of {}, {} bytes)", self.number, self.of, self.bytes.len())
    }
}

impl Encode<()> for Part {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut ()) -> Result<(), encode::Error<W::Error>> {
        e.array(4)?.u8(self.number)?.u8(self.of)?.bytes(&self.name)?.bytes(&self.bytes)?.ok()
    }
}

impl<'b> Decode<'b, ()> for Part {
    fn decode(d: &mut Decoder<'b>, _: &mut ()) -> Result<Self, decode::Error> {
        if d.array()? != Some(4) {
            return Err(wrong("not a part of a message"));
        }
        let (number, of) = (d.u8()?, d.u8()?);
        let name = d.bytes()?.try_into().map_err(|_| wrong("name of another length"))?;
        let bytes = d.bytes()?.to_vec();
        let full = bytes.len() == PART_BYTES || number == of && (1..PART_BYTES).contains(&bytes.len());
        if !(2..=MAX_PARTS).contains(&of) || !(1..=of).contains(&number) || !full {
            return Err(wrong("not a part of a message"));
        }
        Ok(Self { number, of, name, bytes })
    }
}

fn name_of(message: &[u8]) -> Name {
    let digest = Hash::of(message).0;
    std::array::from_fn(|at| digest[at])
}
