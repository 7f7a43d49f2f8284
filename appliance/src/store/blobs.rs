//! Attachments and packages by content address: sealed chunk files in a folder, an index in the
//! database. A file is whole on disk before any row names it.

use super::accounts::parsed;
use crate::keys::{random_hex, sync_dir};
use crate::vault::Vault;
use hall_domain::Timestamp;
use hall_domain::case::CaseId;
use hall_ledger::blob::{BlobId, CHUNK, Manifest};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

const SEALED: &str = "chunk";
/// Ending of a file that is not whole yet.
const HALF: &str = "new";

/// A blob that cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The folder.
    #[error("blob folder")]
    Io(#[from] io::Error),
    /// A chunk that does not open: damage.
    #[error("chunk is damaged")]
    Damaged,
    /// The content has no manifest.
    #[error("content cannot be kept: {0}")]
    Content(String),
}

/// The folder of sealed chunks.
#[derive(Clone)]
pub struct BlobFolder {
    dir: PathBuf,
    vault: Vault,
    hands: Hands,
}

/// A blob that lies in the folder, not yet named by any row. It is not deleted while this is held.
#[derive(Debug)]
pub struct Kept {
    /// Content address.
    pub id: BlobId,
    _held: Held,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// Size in bytes.
    pub size: u64,
    /// Number of chunks.
    pub chunks: u32,
}

impl BlobFolder {
    /// The folder at `dir`, made if missing. Only one process may have it open: what is half-written is swept.
    pub fn open(dir: &Path, vault: Vault) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        sweep(dir)?;
        Ok(Self { dir: dir.to_owned(), vault, hands: Hands::default() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Keeps content: every chunk is sealed, written and fsynced before this returns.
    pub fn keep(&self, content: &[u8]) -> Result<Kept, BlobError> {
        let manifest = Manifest::of(content).map_err(|error| BlobError::Content(error.to_string()))?;
        let id = manifest.id();
        let held = self.hands.hold(id);
        let dir = self.dir_of(&id);
        fs::create_dir_all(&dir)?;
        let mut chunks = 0u32;
        for (index, chunk) in content.chunks(CHUNK).enumerate() {
            let path = dir.join(index.to_string());
            if !path.exists() {
                self.write_chunk(&path, chunk)?;
            }
            chunks += 1;
        }
        // Each folder's name is in the one above; an unchanged folder costs next to nothing.
        for folder in dir.ancestors().take_while(|folder| folder.starts_with(&self.dir)) {
            sync_dir(folder)?;
        }
        Ok(Kept { id, _held: held, manifest: manifest.to_bytes(), size: content.len() as u64, chunks })
    }

    /// One chunk.
    pub fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, BlobError> {
        let sealed = fs::read(self.dir_of(id).join(index.to_string()))?;
        self.vault.open(SEALED, &sealed).map_err(|_| BlobError::Damaged)
    }

    /// The whole content, checked against its address.
    pub fn content(&self, id: &BlobId, chunks: u32) -> Result<Vec<u8>, BlobError> {
        let mut content = Vec::new();
        for index in 0..chunks {
            content.extend(self.chunk(id, index)?);
        }
        let manifest = Manifest::of(&content).map_err(|_| BlobError::Damaged)?;
        if manifest.id() == *id { Ok(content) } else { Err(BlobError::Damaged) }
    }

    /// Every content that has a folder of its own, named by a row or not.
    pub fn all(&self) -> io::Result<Vec<BlobId>> {
        let mut found = Vec::new();
        for first in folders(&self.dir)? {
            let names = folders(&first)?.into_iter();
            found.extend(names.filter_map(|blob| blob.file_name()?.to_str()?.parse::<BlobId>().ok()));
        }
        Ok(found)
    }

    /// Deletes those of these contents that `unneeded` picks. Who keeps one of them again meanwhile waits until that is
    /// done and writes it anew; what is in somebody's hands is left out.
    pub fn delete<E: From<io::Error>>(
        &self,
        ids: impl IntoIterator<Item = BlobId>,
        unneeded: impl FnOnce(Vec<BlobId>) -> Result<Vec<BlobId>, E>,
    ) -> Result<usize, E> {
        let doomed = self.hands.doom(ids);
        let ids = unneeded(doomed.ids.clone())?;
        for id in &ids {
            let dir = self.dir_of(id);
            match fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(ids.len())
    }

    fn write_chunk(&self, path: &Path, chunk: &[u8]) -> io::Result<()> {
        let temporary = path.with_extension(format!("{}.{HALF}", random_hex(4)));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(&self.vault.seal(SEALED, chunk))?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        })();
        if written.is_err() {
            // Nothing half-written may stay behind on a full disk.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn dir_of(&self, id: &BlobId) -> PathBuf {
        let text = id.to_string();
        let first = text.get(..2).unwrap_or("00");
        self.dir.join(first).join(&text)
    }
}

/// What is being written, and what is being deleted.
#[derive(Clone, Default)]
struct Hands(Arc<(Mutex<Grip>, Condvar)>);

#[derive(Default)]
struct Grip {
    held: BTreeMap<BlobId, usize>,
    doomed: BTreeSet<BlobId>,
}

/// A content in somebody's hands.
struct Held {
    hands: Hands,
    id: BlobId,
}

/// Contents that are being deleted.
struct Doomed {
    hands: Hands,
    ids: Vec<BlobId>,
}

impl Hands {
    fn hold(&self, id: BlobId) -> Held {
        let mut grip = self.grip();
        while grip.doomed.contains(&id) {
            grip = self.0.1.wait(grip).unwrap_or_else(PoisonError::into_inner);
        }
        *grip.held.entry(id).or_default() += 1;
        Held { hands: self.clone(), id }
    }

    fn doom(&self, ids: impl IntoIterator<Item = BlobId>) -> Doomed {
        let mut grip = self.grip();
        let ids: Vec<BlobId> = ids.into_iter().filter(|id| !grip.held.contains_key(id)).collect();
        grip.doomed.extend(&ids);
        Doomed { hands: self.clone(), ids }
    }

    fn grip(&self) -> MutexGuard<'_, Grip> {
        // Each change leaves it whole.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut grip = self.hands.grip();
        if let Some(count) = grip.held.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                grip.held.remove(&self.id);
            }
        }
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let mut grip = self.hands.grip();
        for id in &self.ids {
            grip.doomed.remove(id);
        }
        drop(grip);
        self.hands.0.1.notify_all();
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Held").field(&self.id).finish()
    }
}

/// Names a kept blob. `sending` says that it goes to the centre.
pub fn put(tx: &Connection, kept: &Kept, sending: bool, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO blob (id, size, chunks, manifest, state, made_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET state = CASE WHEN state IN ('kept', 'gone') THEN ?5 ELSE state END,
             made_at = CASE WHEN state = 'gone' THEN ?6 ELSE made_at END",
        params![
            kept.id.to_string(),
            i64::try_from(kept.size).unwrap_or(i64::MAX),
            kept.chunks,
            kept.manifest,
            if sending { "sending" } else { "kept" },
            now.0
        ],
    )?;
    Ok(())
}

/// Says which case a content belongs to. What belongs to no case stays.
pub fn belongs(tx: &Connection, id: &str, case: &CaseId) -> rusqlite::Result<()> {
    tx.execute("INSERT OR IGNORE INTO blob_case (blob, case_id) VALUES (?1, ?2)", [id, case.as_str()])?;
    Ok(())
}

/// A case that a content belongs to, and its number.
pub fn case_of(db: &Connection, id: &str) -> rusqlite::Result<Option<(CaseId, String)>> {
    db.query_row(
        "SELECT c.id, c.no FROM blob_case b JOIN cases c ON c.id = b.case_id WHERE b.blob = ?1 LIMIT 1",
        [id],
        |row| Ok((parsed(row, 0)?, row.get(1)?)),
    )
    .optional()
}

/// Sends a kept blob to the centre.
pub fn set_sending(tx: &Connection, id: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE blob SET state = 'sending' WHERE id = ?1 AND state = 'kept'", [id])?;
    Ok(())
}

/// The centre has it.
pub fn set_sent(tx: &Connection, id: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE blob SET state = 'sent', failed_at = 0 WHERE id = ?1", [id])?;
    Ok(())
}

/// It could not be sent: it goes behind all others.
pub fn set_failed(tx: &Connection, id: &str, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute("UPDATE blob SET failed_at = max(failed_at, ?2) WHERE id = ?1", params![id, now.0])?;
    Ok(())
}

/// Addresses of blobs on their way to the centre, small before large; those that could not be sent come last, the one
/// that was tried longest ago before the others.
pub fn sending(db: &Connection, most: u32) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT id FROM blob WHERE state = 'sending' ORDER BY failed_at, size LIMIT ?1")?
        .query_map([most], |row| row.get(0))?
        .collect()
}

/// A blob on its way to the centre.
#[derive(Debug, Clone)]
pub struct InTransit {
    /// Content address.
    pub id: String,
    /// Size in bytes.
    pub size: u64,
    /// Number of chunks.
    pub chunks: u32,
    /// Whether it could not be sent when it was tried last.
    pub failed: bool,
}

/// Puts what could not be sent in front again, for a person who does not want to wait; how many there were.
pub fn retry(tx: &Connection) -> rusqlite::Result<usize> {
    tx.execute("UPDATE blob SET failed_at = 0 WHERE state = 'sending' AND failed_at > 0", [])
}

/// Blobs on their way to the centre, in the order in which they are sent.
pub fn in_transit(db: &Connection, most: u32) -> rusqlite::Result<Vec<InTransit>> {
    db.prepare_cached(
        "SELECT id, size, chunks, failed_at > 0 FROM blob WHERE state = 'sending' ORDER BY failed_at, size LIMIT ?1",
    )?
    .query_map([most], |row| {
        Ok(InTransit { id: row.get(0)?, size: row.get::<_, i64>(1)?.unsigned_abs(), chunks: row.get(2)?, failed: row.get(3)? })
    })?
    .collect()
}

/// The manifest of a blob.
pub fn manifest(db: &Connection, id: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    db.query_row("SELECT manifest FROM blob WHERE id = ?1", [id], |row| row.get(0)).optional()
}

/// How many blobs are on their way, and their bytes.
pub fn backlog(db: &Connection) -> rusqlite::Result<(u64, u64)> {
    db.query_row("SELECT count(*), coalesce(sum(size), 0) FROM blob WHERE state = 'sending'", [], |row| {
        Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
    })
}

/// Number of chunks of a blob.
pub fn chunks(db: &Connection, id: &str) -> rusqlite::Result<Option<u32>> {
    db.query_row("SELECT chunks FROM blob WHERE id = ?1 AND state <> 'gone'", [id], |row| row.get(0))
        .optional()
}

/// Takes away what a crash left half-written in the folders of chunks.
fn sweep(dir: &Path) -> io::Result<()> {
    for first in folders(dir)? {
        for blob in folders(&first)? {
            for file in fs::read_dir(&blob)? {
                let path = file?.path();
                if path.extension().is_some_and(|extension| extension == HALF) {
                    fs::remove_file(&path)?;
                }
            }
        }
    }
    Ok(())
}

fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[test]
    fn opening_sweeps_what_a_crash_left_and_keeps_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let open = || BlobFolder::open(dir.path(), Vault::new(Zeroizing::new([7; 32]))).unwrap();
        let folder = open();
        let kept = folder.keep(b"scan").unwrap();
        let half = folder.dir_of(&kept.id).join("0.01020304.new");
        fs::write(&half, b"half").unwrap();
        let folder = open();
        assert!(!half.exists());
        assert_eq!(folder.content(&kept.id, kept.chunks).unwrap(), b"scan");
    }
}
