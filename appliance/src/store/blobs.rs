//! Attachments and packages by content address: sealed chunk files in a folder, an index in the
//! database. A file is whole on disk before any row names it.

use crate::keys::{random_hex, sync_dir};
use crate::vault::Vault;
use hall_domain::Timestamp;
use hall_ledger::blob::{BlobId, CHUNK, Manifest};
use rusqlite::{Connection, OptionalExtension, params};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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
}

/// A blob that lies in the folder, not yet named by any row.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Content address.
    pub id: BlobId,
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
        Ok(Self { dir: dir.to_owned(), vault })
    }

    /// Keeps content: every chunk is sealed, written and fsynced before this returns.
    pub fn keep(&self, content: &[u8]) -> Result<Kept, BlobError> {
        let manifest = Manifest::of(content).map_err(|error| BlobError::Content(error.to_string()))?;
        let id = manifest.id();
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
        Ok(Kept { id, manifest: manifest.to_bytes(), size: content.len() as u64, chunks })
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

/// Names a kept blob. `sending` says that it goes to the centre.
pub fn put(tx: &Connection, kept: &Kept, sending: bool, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO blob (id, size, chunks, manifest, state, made_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET state = CASE WHEN state = 'kept' THEN ?5 ELSE state END",
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

/// Sends a kept blob to the centre.
pub fn set_sending(tx: &Connection, id: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE blob SET state = 'sending' WHERE id = ?1 AND state = 'kept'", [id])?;
    Ok(())
}

/// The centre has it.
pub fn set_sent(tx: &Connection, id: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE blob SET state = 'sent' WHERE id = ?1", [id])?;
    Ok(())
}

/// Blobs on their way to the centre, oldest first: address and manifest.
pub fn sending(db: &Connection, most: u32) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    db.prepare_cached("SELECT id, manifest FROM blob WHERE state = 'sending' ORDER BY made_at LIMIT ?1")?
        .query_map([most], |row| Ok((row.get(0)?, row.get(1)?)))?
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
}

/// Blobs on their way to the centre, oldest first.
pub fn in_transit(db: &Connection, most: u32) -> rusqlite::Result<Vec<InTransit>> {
    db.prepare_cached("SELECT id, size, chunks FROM blob WHERE state = 'sending' ORDER BY made_at LIMIT ?1")?
        .query_map([most], |row| {
            Ok(InTransit { id: row.get(0)?, size: row.get::<_, i64>(1)?.unsigned_abs(), chunks: row.get(2)? })
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
    db.query_row("SELECT chunks FROM blob WHERE id = ?1", [id], |row| row.get(0)).optional()
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
