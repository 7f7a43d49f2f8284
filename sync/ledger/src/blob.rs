//! Attachments by content: a manifest of 1 MiB chunks, named by the SHA-256 of the manifest. Chunks may
//! arrive in any order, repeatedly, in parallel; a bitmap says which are still missing.

use minicbor::decode::{Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use crate::cbor::{self, CborError};
use crate::hash::{Hash, fixed_bytes};

/// Bytes of every chunk but the last.
pub const CHUNK: usize = 1 << 20;
/// Most chunks of one blob: 1 GiB.
pub const MAX_CHUNKS: usize = 1024;

/// Names a blob: SHA-256 of its encoded manifest; text form: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

fixed_bytes!(BlobId, 32);

/// The length and chunk digests of a blob. Always consistent: the number of chunks fits the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    length: u64,
    chunks: Vec<Hash>,
}

/// Why a manifest or a chunk is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Not a manifest.
    #[error("blob manifest")]
    Manifest(#[from] CborError),
    /// The manifest has another name.
    #[error("blob manifest does not have the name {0}")]
    Name(BlobId),
    /// More than [`MAX_CHUNKS`].
    #[error("blob is larger than blobs may be")]
    TooLarge,
    /// There is no such chunk.
    #[error("blob has no chunk {0}")]
    NoSuchChunk(usize),
    /// Bytes of another length or content than the manifest names.
    #[error("chunk {0} is not the one that the manifest names")]
    Chunk(usize),
}

/// Reads a blob piece by piece and makes its manifest.
#[derive(Debug, Clone, Default)]
pub struct ManifestBuilder {
    length: u64,
    chunks: Vec<Hash>,
    pending: Vec<u8>,
}

impl ManifestBuilder {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, in pieces of any size.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while self.pending.len() + bytes.len() >= CHUNK {
            let (now, rest) = bytes.split_at(CHUNK - self.pending.len());
            self.chunks.push(Hash::of_parts(&[&self.pending, now]));
            self.pending.clear();
            bytes = rest;
        }
        self.pending.extend_from_slice(bytes);
    }

    /// The manifest of everything taken.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`].
    pub fn finish(mut self) -> Result<Manifest, BlobError> {
        if !self.pending.is_empty() {
            self.chunks.push(Hash::of(&self.pending));
        }
        if self.chunks.len() > MAX_CHUNKS {
            return Err(BlobError::TooLarge);
        }
        Ok(Manifest { length: self.length, chunks: self.chunks })
    }
}

impl Manifest {
    /// The manifest of bytes in memory.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`].
    pub fn of(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut builder = ManifestBuilder::new();
        builder.update(bytes);
        builder.finish()
    }

    /// Reads an encoded manifest and checks that it is the one named `id`.
    ///
    /// # Errors
    /// See [`BlobError`].
    pub fn read(bytes: &[u8], id: BlobId) -> Result<Self, BlobError> {
        if BlobId(Hash::of(bytes).0) != id {
            return Err(BlobError::Name(id));
        }
        Ok(cbor::unpack(bytes)?)
    }

    /// The exact encoded form.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::pack(self)
    }

    /// The name of the blob.
    pub fn id(&self) -> BlobId {
        BlobId(Hash::of(&self.to_bytes()).0)
    }

    /// Bytes of the blob.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Number of chunks; 0 for an empty blob.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// The digest of chunk `n`.
    pub fn chunk(&self, n: usize) -> Option<Hash> {
        self.chunks.get(n).copied()
    }

    /// Bytes of chunk `n`; `None` when there is no such chunk.
    pub fn chunk_length(&self, n: usize) -> Option<usize> {
        let start = (n as u64).checked_mul(CHUNK as u64)?;
        let rest = self.length.checked_sub(start).filter(|rest| *rest > 0)?;
        Some(rest.min(CHUNK as u64) as usize)
    }

    /// Checks that `bytes` are chunk `n`.
    ///
    /// # Errors
    /// See [`BlobError`].
    pub fn check_chunk(&self, n: usize, bytes: &[u8]) -> Result<(), BlobError> {
        let (digest, length) = self.chunk(n).zip(self.chunk_length(n)).ok_or(BlobError::NoSuchChunk(n))?;
        if bytes.len() == length && Hash::of(bytes) == digest { Ok(()) } else { Err(BlobError::Chunk(n)) }
    }
}

impl<C> Encode<C> for Manifest {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.map(2)?.u8(0)?.u64(self.length)?.u8(1)?;
        self.chunks.encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for Manifest {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        let shape = || minicbor::decode::Error::message("not a blob manifest");
        if d.map()? != Some(2) || d.u8()? != 0 {
            return Err(shape());
        }
        let length = d.u64()?;
        if d.u8()? != 1 {
            return Err(shape());
        }
        let count = d.array()?.filter(|count| *count <= MAX_CHUNKS as u64).ok_or_else(shape)?;
        if count != length.div_ceil(CHUNK as u64) {
            return Err(shape());
        }
        let chunks = (0..count).map(|_| Hash::decode(d, ctx)).collect::<Result<_, _>>()?;
        Ok(Self { length, chunks })
    }
}

/// Which chunks of a blob are at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    count: usize,
    bits: Vec<u8>,
}

impl Bitmap {
    /// No chunk of `count` at hand.
    pub fn empty(count: usize) -> Self {
        Self { count, bits: vec![0; count.div_ceil(8)] }
    }

    /// A stored bitmap (chunk n = bit n mod 8, from the low end, of byte n div 8); `None` when it does not
    /// fit `count` or has bits beyond it.
    pub fn from_bytes(count: usize, bits: Vec<u8>) -> Option<Self> {
        let spare = bits.len() * 8 - count.min(bits.len() * 8);
        let fits = bits.len() == count.div_ceil(8);
        let clean = bits.last().is_none_or(|last| u32::from(*last).leading_zeros() >= 24 + spare as u32);
        (fits && clean).then_some(Self { count, bits })
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bits
    }

    /// Marks chunk `n` as at hand; without effect beyond the end.
    pub fn set(&mut self, n: usize) {
        if n < self.count {
            self.bits[n / 8] |= 1 << (n % 8);
        }
    }

    /// Whether chunk `n` is at hand.
    pub fn has(&self, n: usize) -> bool {
        n < self.count && self.bits[n / 8] >> (n % 8) & 1 == 1
    }

    /// Whether all are.
    pub fn is_full(&self) -> bool {
        self.missing().next().is_none()
    }

    /// The chunks that are not, in order.
    pub fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count).filter(|n| !self.has(*n))
    }
}
