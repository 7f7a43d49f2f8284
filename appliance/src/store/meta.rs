//! Single values: who the box is, how far the feed was read, the newest signed documents.

use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};

/// Names of the values.
pub mod key {
    /// Enrolment with the centre, JSON.
    pub const ENROLMENT: &str = "enrolment";
    /// Name of the hall.
    pub const HALL: &str = "hall";
    /// Next position of the feed, decimal.
    pub const FEED: &str = "feed";
    /// Newest hot position seen, decimal.
    pub const HOT: &str = "hot";
    /// The centre's epoch, decimal.
    pub const EPOCH: &str = "epoch";
    /// The newest freshness token, signed bytes.
    pub const TOKEN: &str = "token";
    /// The newest status list, signed bytes.
    pub const STATUS_LIST: &str = "status-list";
    /// The newest trust bundle, sealed.
    pub const TRUST: &str = "trust";
    /// What is known of the clocks, JSON.
    pub const CLOCK: &str = "clock";
    /// 公告 on the evaluators.
    pub const NOTICE: &str = "notice";
    /// How often it was changed, decimal.
    pub const NOTICE_REV: &str = "notice-rev";
    /// Counter of local use codes, decimal.
    pub const USE_CODE: &str = "use-code";
}

/// A value as bytes.
pub fn get(db: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

/// A value as a number; 0 when it was never written.
pub fn number(db: &Connection, key: &str) -> rusqlite::Result<u64> {
    let bytes = get(db, key)?.unwrap_or_default();
    Ok(std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// Writes a value.
pub fn put(tx: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    )?
    .execute(params![key, value])?;
    Ok(())
}

/// Writes a number.
pub fn put_number(tx: &Connection, key: &str, value: u64) -> rusqlite::Result<()> {
    put(tx, key, value.to_string().as_bytes())
}

/// A document of the centre is out in this version.
pub fn announce_document(tx: &Connection, kind: &str, version: u32) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO document (kind, announced) VALUES (?1, ?2)
         ON CONFLICT (kind) DO UPDATE SET announced = max(announced, ?2)",
        params![kind, version],
    )?;
    Ok(())
}

/// Keeps a newer version of a document; false when the held one is as new.
pub fn put_document(tx: &Connection, kind: &str, version: u32, bytes: &[u8]) -> rusqlite::Result<bool> {
    let changed = tx.execute(
        "INSERT INTO document (kind, announced, held, bytes) VALUES (?1, ?2, ?2, ?3)
         ON CONFLICT (kind) DO UPDATE SET announced = max(announced, ?2), held = ?2, bytes = ?3 WHERE held < ?2",
        params![kind, version, bytes],
    )?;
    Ok(changed > 0)
}

/// Announced and held version and the held bytes of a document.
pub fn document(db: &Connection, kind: &str) -> rusqlite::Result<Option<(u32, u32, Vec<u8>)>> {
    db.prepare_cached("SELECT announced, held, bytes FROM document WHERE kind = ?1")?
        .query_row([kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
}

/// Whether a document is missing, or out in a newer version than is held.
pub fn document_due(db: &Connection, kind: &str) -> rusqlite::Result<bool> {
    let (announced, held, _) = document(db, kind)?.unwrap_or_default();
    Ok(announced > held || held == 0)
}

/// The folder that the database lies in; none for one in memory.
pub fn folder(db: &Connection) -> Option<PathBuf> {
    Path::new(db.path()?).parent().map(Path::to_owned)
}
