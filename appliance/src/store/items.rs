//! 事项 as they were when cases were opened. A case keeps to its item, whatever becomes of the catalogue.

use super::StoreError;
use hall_domain::{ItemCode, ServiceItem};
use rusqlite::{Connection, OptionalExtension, params};

/// Keeps an item, once for each version.
pub fn keep(tx: &Connection, item: &ServiceItem) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO item (code, version, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![item.code.as_str(), item.version, serde_json::to_string(item)?])?;
    Ok(())
}

/// The item in that version, if a case was opened for it.
pub fn find(db: &Connection, code: &ItemCode, version: u32) -> Result<Option<ServiceItem>, StoreError> {
    let body: Option<String> = db
        .prepare_cached("SELECT body FROM item WHERE code = ?1 AND version = ?2")?
        .query_row(params![code.as_str(), version], |row| row.get(0))
        .optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}
