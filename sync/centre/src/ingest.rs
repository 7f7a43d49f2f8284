//! Whether an upload continues a ledger. Pure: the caller reads the ledger's end, asks here, and stores.

use crate::casefile::{CaseEntry, Reading};
use crate::store::{Batch, NewEntry};
use hall_domain::Timestamp;
use hall_ledger::bundle::Upload;
use hall_ledger::cose::CoseError;
use hall_ledger::entry::EntryError;
use hall_ledger::head::ChainError;
use hall_ledger::{EntryKind, Hash, LedgerHead, VerifiedEntry, VerifyingKey};

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
    let mut cases = Vec::new();
    let entries = entries.into_iter().map(|entry| {
        let mut read = !matches!(entry.kind(), EntryKind::Other(_));
        match CaseEntry::read(&entry, received_at) {
            Reading::Case(case) => cases.push(*case),
            Reading::Other => {}
            Reading::Unread => read = false,
        }
        new_entry(entry, read)
    });
    let entries = entries.collect();
    Ok(Verdict::Continues { batch: Batch { expected_size, head, entries, cases, received_at }, complete })
}

fn new_entry(entry: VerifiedEntry, read: bool) -> NewEntry {
    NewEntry {
        seq: entry.seq(),
        kind: entry.kind().to_string(),
        leaf: entry.leaf(),
        read,
        entry: entry.into_entry(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hall_ledger::entry::{ClockReading, Known, RequestId};
    use hall_ledger::head::Draft;
    use hall_ledger::{BoxId, Entry, LogId, Salt, Signed, SigningKey};
    use std::collections::BTreeMap;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    /// A box's ledger, and what the centre has of it.
    struct Desk {
        key: SigningKey,
        head: LedgerHead,
        entries: Vec<Entry>,
    }

    impl Desk {
        fn new() -> Self {
            let head = LedgerHead::new(LogId::new(BoxId([1; 16]), 1));
            Self { key: SigningKey::from_bytes(&[3; 32]), head, entries: Vec::new() }
        }

        fn record(&mut self, kind: EntryKind, body: &(impl serde::Serialize + ?Sized)) {
            let draft = Draft {
                kind,
                wall: NOW,
                clock: ClockReading { boot: [0; 16], monotonic_ms: 0, token_age_ms: None, error_ms: 0 },
                known: Known { scope: String::new(), feed: 0, hot: 0, token_at: None, policy: 0, keys: 0 },
                request: RequestId([0; 16]),
                body: hall_ledger::cbor::encode(body).unwrap(),
                salt: Salt([9; 16]),
            };
            self.entries.push(self.head.seal(&self.key, draft).unwrap().into_entry());
        }

        fn with(bodies: &[&str]) -> Self {
            let mut desk = Self::new();
            bodies.iter().for_each(|body| desk.record(EntryKind::ClerkAction, *body));
            desk
        }

        fn upload(&self, from: u64, count: usize) -> Upload {
            let checkpoint = Signed::sign(&self.head.checkpoint(1, NOW), &self.key);
            let entries = self.entries.iter().skip(from as usize).take(count).cloned();
            Upload::collect(from, entries, checkpoint)
        }

        /// The centre, after it has taken the first `size` entries.
        fn ours(&self, size: usize, from: u64) -> Ours {
            let leaves: Vec<Hash> = self.entries[..size].iter().map(Entry::leaf).collect();
            let head = LedgerHead::from_leaves(self.head.log(), leaves.clone());
            Ours { head, overlap: leaves.into_iter().skip(from as usize).collect() }
        }

        fn judge(&self, ours: &Ours, from: u64, upload: Upload) -> Result<Verdict, Refusal> {
            judge(ours, &self.key.verifying_key(), from, upload, NOW)
        }
    }

    #[test]
    fn what_continues_the_ledger_is_taken_and_complete_only_at_its_checkpoint() {
        let desk = Desk::with(&["a", "b", "c", "d"]);
        for (from, count, complete) in [(0, 4, true), (0, 2, false), (2, 2, true), (4, 0, true)] {
            let verdict =
                desk.judge(&desk.ours(from as usize, from), from, desk.upload(from, count)).unwrap();
            let Verdict::Continues { batch, complete: is_complete } = verdict else { panic!("{verdict:?}") };
            assert_eq!((batch.entries.len(), is_complete), (count, complete));
            assert_eq!((batch.expected_size, batch.head.size()), (from, from + count as u64));
        }
    }

    #[test]
    fn what_is_here_already_or_leaves_a_gap_is_elsewhere() {
        let desk = Desk::with(&["a", "b", "c", "d"]);
        for from in [0, 1, 3] {
            let verdict = desk.judge(&desk.ours(2, from), from, desk.upload(from, 1)).unwrap();
            assert!(matches!(verdict, Verdict::Elsewhere), "{from}: {verdict:?}");
        }
    }

    #[test]
    fn another_history_is_a_fork_wherever_it_starts() {
        let (original, clone) = (Desk::with(&["a", "b", "c"]), Desk::with(&["a", "B", "c", "d"]));
        for (from, at) in [(0, 1), (1, 1), (3, 2)] {
            let verdict = clone.judge(&original.ours(3, from), from, clone.upload(from, 9)).unwrap();
            let Verdict::Fork(found) = verdict else { panic!("{from}: {verdict:?}") };
            assert_eq!((found.at, found.size, found.root), (at, 4, clone.head.root()), "from {from}");
        }
        // The same length, nothing to send, but another root.
        let clone = Desk::with(&["a", "B", "c"]);
        let verdict = clone.judge(&original.ours(3, 3), 3, clone.upload(3, 0)).unwrap();
        assert!(matches!(verdict, Verdict::Fork(_)), "{verdict:?}");
    }

    #[test]
    fn entries_that_nobody_here_can_read_are_kept_all_the_same() {
        let mut desk = Desk::new();
        desk.record(EntryKind::Other(999), "from next year");
        desk.record(EntryKind::CaseSubmitted, "not a case at all");
        desk.record(EntryKind::ClerkAction, "somebody signed in");
        desk.record(
            EntryKind::ClerkAction,
            &BTreeMap::from([("case", "000001"), ("event", "from next year")]),
        );
        desk.record(EntryKind::ClockEvent, "stepped");
        let verdict = desk.judge(&desk.ours(0, 0), 0, desk.upload(0, 5)).unwrap();
        let Verdict::Continues { batch, .. } = verdict else { panic!("{verdict:?}") };
        let read: Vec<bool> = batch.entries.iter().map(|entry| entry.read).collect();
        assert_eq!(read, [false, false, true, false, true]);
        assert!(batch.cases.is_empty());
        assert_eq!(batch.entries[0].kind, "kind.999");
    }

    #[test]
    fn broken_uploads_are_refused() {
        let desk = Desk::with(&["a", "b", "c"]);
        let ours = desk.ours(0, 0);
        let other = Desk { key: SigningKey::from_bytes(&[4; 32]), ..Desk::with(&["a", "b", "c"]) };
        assert!(matches!(desk.judge(&ours, 0, other.upload(0, 3)), Err(Refusal::Checkpoint(_))));
        assert!(matches!(desk.judge(&ours, 1, desk.upload(0, 3)), Err(Refusal::Start)));

        let mut bent = desk.upload(0, 3);
        bent.bundles[0].entries[1].body.as_mut().unwrap().bytes[0] ^= 1;
        assert!(matches!(desk.judge(&ours, 0, bent), Err(Refusal::Entry { seq: 1, .. })));

        let mut swapped = desk.upload(0, 3);
        swapped.bundles[0].entries.swap(1, 2);
        assert!(matches!(desk.judge(&ours, 0, swapped), Err(Refusal::Chain(_))));

        let mut early = desk.upload(0, 3);
        early.checkpoint = Desk::with(&["a"]).upload(0, 1).checkpoint;
        assert!(matches!(desk.judge(&ours, 0, early), Err(Refusal::Mismatch)));
    }
}
