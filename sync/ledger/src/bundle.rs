//! How entries travel up: runs of at most 256, aligned at multiples of 256, with the checkpoint that
//! covers them, compressed with zstd.

use std::io::Read;

use minicbor::{Decode, Encode};

use crate::cbor::{self, CborError};
use crate::checkpoint::Checkpoint;
use crate::cose::Signed;
use crate::entry::{Entry, MAX_BODY, MAX_COSE};

/// Most entries of one bundle, and the alignment of bundles.
pub const BUNDLE: u64 = 256;
/// Most bundles of one upload.
pub const MAX_BUNDLES: usize = 16;
/// Most bytes of one upload after decompression.
pub const MAX_UPLOAD: usize = 16 << 20;
/// Most bytes of one upload as it travels.
pub const MAX_COMPRESSED: usize = 8 << 20;
/// How many bytes of entries a box puts into one upload at most. Scans' hashes and sealed values do not get smaller by
/// compression, so this is below the limit of what travels, leaving room for the frame.
const FILL: usize = MAX_COMPRESSED - (1 << 20);

/// A run of entries that does not cross a multiple of [`BUNDLE`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Bundle {
    /// Position of the first entry.
    #[n(0)]
    pub from: u64,
    /// The entries, one after another.
    #[n(1)]
    pub entries: Vec<Entry>,
}

/// One upload: bundles one after another, and the newest checkpoint. When the checkpoint is larger than
/// what the bundles reach, more uploads follow (answer 202), else the answer is a receipt (200).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Upload {
    /// The bundles.
    #[n(0)]
    pub bundles: Vec<Bundle>,
    /// The box's checkpoint.
    #[n(1)]
    pub checkpoint: Signed<Checkpoint>,
}

/// Why an upload is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not zstd, or damaged.
    #[error("upload cannot be decompressed")]
    Compression,
    /// Larger than [`MAX_UPLOAD`], [`MAX_COMPRESSED`], [`MAX_BUNDLES`], or an entry larger than entries
    /// may be.
    #[error("upload is larger than uploads may be")]
    TooLarge,
    /// Not an upload.
    #[error("upload")]
    Shape(#[from] CborError),
    /// A bundle is empty, crosses an alignment, or does not follow the one before.
    #[error("bundle at position {0} is not a run within one alignment")]
    Alignment(u64),
}

impl Upload {
    /// Cuts `entries`, the first of which has position `from`, into bundles. Takes as many as fit into one
    /// upload, at least one; [`Upload::next`] tells how far it came.
    pub fn collect(
        from: u64,
        entries: impl IntoIterator<Item = Entry>,
        checkpoint: Signed<Checkpoint>,
    ) -> Self {
        let mut bundles: Vec<Bundle> = Vec::new();
        let mut bytes = 0;
        for (seq, entry) in (from..).zip(entries) {
            bytes += size(&entry);
            let starts = bundles.is_empty() || seq.is_multiple_of(BUNDLE);
            if !bundles.is_empty() && (bytes > FILL || starts && bundles.len() == MAX_BUNDLES) {
                break;
            }
            if starts {
                bundles.push(Bundle { from: seq, entries: Vec::new() });
            }
            if let Some(bundle) = bundles.last_mut() {
                bundle.entries.push(entry);
            }
        }
        Self { bundles, checkpoint }
    }

    /// Position after the last entry; `None` without entries.
    pub fn next(&self) -> Option<u64> {
        self.bundles.last().map(Bundle::end)
    }

    /// Position of the first entry; `None` without entries.
    pub fn from(&self) -> Option<u64> {
        self.bundles.first().map(|bundle| bundle.from)
    }

    /// The form that travels. `level` is the zstd level, 1 to 3 for a box.
    ///
    /// # Errors
    /// When the limits are passed, which [`Upload::collect`] never does.
    pub fn encode(&self, level: i32) -> Result<Vec<u8>, BundleError> {
        self.check()?;
        let plain = cbor::pack(self);
        if plain.len() > MAX_UPLOAD {
            return Err(BundleError::TooLarge);
        }
        let compressed = zstd::bulk::compress(&plain, level).map_err(|_| BundleError::Compression)?;
        if compressed.len() > MAX_COMPRESSED { Err(BundleError::TooLarge) } else { Ok(compressed) }
    }

    /// Reads what [`Upload::encode`] wrote. Never unpacks more than [`MAX_UPLOAD`] bytes.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn decode(compressed: &[u8]) -> Result<Self, BundleError> {
        if compressed.len() > MAX_COMPRESSED {
            return Err(BundleError::TooLarge);
        }
        let mut decoder =
            zstd::stream::read::Decoder::new(compressed).map_err(|_| BundleError::Compression)?;
        // A frame may ask for more memory than it will ever fill.
        decoder.window_log_max(MAX_UPLOAD.ilog2()).map_err(|_| BundleError::Compression)?;
        let mut plain = Vec::new();
        let mut limited = decoder.take(MAX_UPLOAD as u64 + 1);
        limited.read_to_end(&mut plain).map_err(|_| BundleError::Compression)?;
        if plain.len() > MAX_UPLOAD {
            return Err(BundleError::TooLarge);
        }
        let upload: Self = cbor::unpack(&plain)?;
        upload.check()?;
        Ok(upload)
    }

    fn check(&self) -> Result<(), BundleError> {
        if self.bundles.len() > MAX_BUNDLES {
            return Err(BundleError::TooLarge);
        }
        let mut follows: Option<u64> = None;
        for bundle in &self.bundles {
            let misplaced = follows.is_some_and(|end| end != bundle.from);
            if misplaced || !bundle.is_aligned() {
                return Err(BundleError::Alignment(bundle.from));
            }
            let too_large = |entry: &Entry| {
                let body = entry.body.as_ref().map_or(0, |body| body.bytes.len());
                entry.cose.len() > MAX_COSE || body > MAX_BODY
            };
            if bundle.entries.iter().any(too_large) {
                return Err(BundleError::TooLarge);
            }
            follows = Some(bundle.end());
        }
        Ok(())
    }
}

impl Bundle {
    /// Position after the last entry.
    pub fn end(&self) -> u64 {
        self.from.saturating_add(self.entries.len() as u64)
    }

    fn is_aligned(&self) -> bool {
        let room = BUNDLE - self.from % BUNDLE;
        let count = self.entries.len() as u64;
        count > 0 && count <= room && self.from.checked_add(count).is_some()
    }
}

fn size(entry: &Entry) -> usize {
    entry.cose.len() + entry.body.as_ref().map_or(0, |body| body.bytes.len()) + 40
}
