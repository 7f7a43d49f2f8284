//! 清理证照缓存: licences that the box may not keep any longer are deleted, each step together with the ledger entry
//! that proves it. The entry names nobody and no licence.

use crate::book::{Book, Fault};
use crate::store::licences::{self, Index};
use hall_domain::Timestamp;
use hall_ledger::entry::EntryKind;
use hall_ledger::hash::Hash;
use hall_sqlite::WriteError;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

/// Licences of one step; recording waits no longer than for this.
const STEP: u32 = 256;

/// Why licences were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// 到期: past the day until which a cache may use them.
    Expired,
    /// 办件结束: they were here for cases alone, which have ended.
    CasesEnded,
    /// 移出范围: the centre said that they are in no scope of this hall any more, or were replaced.
    LeftScope,
}

/// 清理证明: the body of a `cache.purged` entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: u64,
    /// SHA-256 over the blind indexes of the licences, sorted, 16 bytes each. The box can show with its key which
    /// licences they were; nobody else can read that out of it.
    pub digest: String,
}

impl Purged {
    /// The proof for these licences.
    pub fn new(reason: Reason, mut licences: Vec<Index>) -> Self {
        licences.sort_unstable();
        let digest = Hash::of(&licences.concat()).to_string();
        Self { reason, count: licences.len() as u64, digest }
    }
}

/// Records that licences were deleted, in the transaction that deletes them. None were: nothing is recorded.
pub fn record(
    tx: &Connection,
    book: &Book,
    reason: Reason,
    licences: Vec<Index>,
    now: Timestamp,
) -> Result<(), Fault> {
    if !licences.is_empty() {
        book.append(tx, EntryKind::CachePurged, &Purged::new(reason, licences), now)?;
    }
    Ok(())
}

/// Deletes what has expired and what no case needs any more, in steps. `at` is the time by which ages are counted.
/// Returns how many were deleted. Blocks.
///
/// # Errors
/// What went wrong in the storage; what was deleted until then is deleted, and recorded.
pub fn purge(book: &Book, at: Timestamp) -> Result<usize, Fault> {
    Ok(each(book, Reason::Expired, move |tx| licences::expired(tx, at, STEP))?
        + each(book, Reason::CasesEnded, move |tx| licences::of_ended_cases(tx, at, STEP))?)
}

fn each(
    book: &Book,
    reason: Reason,
    find: impl Fn(&Connection) -> rusqlite::Result<Vec<Index>> + Copy + Send + 'static,
) -> Result<usize, Fault> {
    let mut all = 0;
    loop {
        let recorder = book.clone();
        let step = move |tx: &Connection| {
            let found = find(tx)?;
            for licence in &found {
                licences::delete(tx, licence)?;
            }
            let count = found.len();
            record(tx, &recorder, reason, found, recorder.clock.now())?;
            Ok::<_, Fault>(count)
        };
        match book
            .db
            .write_blocking(move |tx| step(tx))
            .map_err(|error: WriteError<Fault>| Fault::from(error))?
        {
            0 => return Ok(all),
            count => all += count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_does_not_depend_on_the_order_and_holds_no_index() {
        let (a, b) = ([1; 16], [2; 16]);
        let proof = Purged::new(Reason::Expired, vec![b, a]);
        assert_eq!(proof, Purged::new(Reason::Expired, vec![a, b]));
        assert_ne!(proof.digest, Purged::new(Reason::Expired, vec![a]).digest);
        let json = serde_json::to_string(&proof).unwrap();
        assert!(!json.contains(&hex::encode(a)) && json.contains("\"expired\""), "{json}");
    }
}
