//! Whether an upload continues a ledger. Pure: the caller reads the ledger's end, asks here, and stores.

use crate::casefile::CaseEntry;
use crate::store::{Batch, NewEntry};
use hall_domain::Timestamp;
use hall_ledger::bundle::Upload;
use hall_ledger::cose::CoseError;
use hall_ledger::entry::EntryError;
use hall_ledger::head::ChainError;
use hall_ledger::{Hash, LedgerHead, VerifiedEntry, VerifyingKey};

/// What the centre has of a ledger, as far as an upload from `from` on is concerned.
#[derive(Debug, Clone)]
pub struct Ours {
    /// The ledger's end.
    pub head: LedgerHead,
    /// Leaves from the upload's first position up to the end; empty unless the upload starts before the end.
    pub overlap: Vec<Hash>,
}

/// What an upload is.
#[derive(Debug)]
pub enum Verdict {
    /// It continues the ledger. `complete` if it reaches its checkpoint.
    Continues {
        /// To be stored.
        batch: Batch,
        /// Whether a receipt is due (and not only the next position).
        complete: bool,
    },
    /// It starts elsewhere than the centre stands, or everything in it is here already.
    Elsewhere,
    /// It contradicts the ledger.
    Fork(Contradiction),
}

/// Where an upload contradicts the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contradiction {
    /// First position at which the histories differ, as far as can be told.
    pub at: u64,
    /// Size that the box's checkpoint claims.
    pub size: u64,
    /// Root that it claims.
    pub root: Hash,
}

/// Why custody is refused. None of these can happen to an honest box.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The checkpoint.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CoseError),
    /// Another ledger's checkpoint, or one that does not reach its own entries.
    #[error("checkpoint does not belong to these entries")]
    Mismatch,
    /// The upload does not start where the request says.
    #[error("upload does not start at the position that was asked for")]
    Start,
    /// An entry.
    #[error("entry {seq}: {error}")]
    Entry {
        /// Its position by counting.
        seq: u64,
        /// What is wrong.
        error: EntryError,
    },
    /// An entry of another ledger, or with another position than its place.
    #[error("entry: {0}")]
    Chain(ChainError),
}

/// Judges an upload. `received_at` dates what is stored.
///
/// # Errors
/// See [`Refusal`].
pub fn judge(
    ours: &Ours,
    key: &VerifyingKey,
    from: u64,
    upload: Upload,
    received_at: Timestamp,
) -> Result<Verdict, Refusal> {
    let checkpoint = upload.checkpoint.verify(key)?;
    if checkpoint.log != ours.head.log() || upload.next().is_some_and(|next| next > checkpoint.size) {
        return Err(Refusal::Mismatch);
    }
    if upload.from().is_some_and(|first| first != from) {
        return Err(Refusal::Start);
    }
    let contradiction = |at| Contradiction { at, size: checkpoint.size, root: checkpoint.root };
    let entries = upload.bundles.into_iter().flat_map(|bundle| bundle.entries);
    let entries: Vec<VerifiedEntry> = (from..)
        .zip(entries)
        .map(|(seq, entry)| entry.verify(key).map_err(|error| Refusal::Entry { seq, error }))
        .collect::<Result<_, _>>()?;
    let expected_size = ours.head.size();
    if from != expected_size {
        let leaves = (from..).zip(&ours.overlap).zip(&entries);
        let differs =
            leaves.filter(|((_, leaf), entry)| entry.leaf() != **leaf).map(|((seq, _), _)| seq).next();
        return Ok(differs.map_or(Verdict::Elsewhere, |at| Verdict::Fork(contradiction(at))));
    }
    let mut head = ours.head.clone();
    for entry in &entries {
        match head.accept(entry) {
            Ok(()) => {}
            Err(ChainError::Fork(seq)) => return Ok(Verdict::Fork(contradiction(seq.saturating_sub(1)))),
            Err(error) => return Err(Refusal::Chain(error)),
        }
    }
    let complete = checkpoint.size == head.size();
    if complete && checkpoint.root != head.root() {
        return Ok(Verdict::Fork(contradiction(expected_size.saturating_sub(1))));
    }
    if checkpoint.size < head.size() {
        return Err(Refusal::Mismatch);
    }
    let cases = entries.iter().filter_map(|entry| CaseEntry::read(entry, received_at)).collect();
    let entries = entries.into_iter().map(new_entry).collect();
    Ok(Verdict::Continues { batch: Batch { expected_size, head, entries, cases, received_at }, complete })
}

fn new_entry(entry: VerifiedEntry) -> NewEntry {
    NewEntry {
        seq: entry.seq(),
        kind: entry.kind().to_string(),
        leaf: entry.leaf(),
        read: entry.header().is_some() && !matches!(entry.kind(), hall_ledger::EntryKind::Other(_)),
        entry: entry.into_entry(),
    }
}
