//! What is no longer needed here, table by table. Ages are in milliseconds before `now`.

use crate::reception::decide;
use hall_domain::Timestamp;
use rusqlite::{Connection, params};

const DAY_MS: i64 = 86_400_000;
/// Scans that no case took are kept for so long.
const UNUSED_MS: i64 = DAY_MS;
/// What the centre has and has judged is kept here for so long.
const SENT_MS: i64 = 180 * DAY_MS;
/// What a device did that is not in order is remembered for so long, and only the last so many times.
const SECURITY_MS: i64 = 180 * DAY_MS;
const SECURITY_ROWS: i64 = 10_000;

/// A case does not need its scans any more: given up a while ago, or submitted with a package in which they are not.
const DONE_WITH: &str =
    "(c.step = 'abandoned' AND c.updated_at < ?2) OR (c.step = 'submitted' AND c.sealed = 1)";
/// The centre will not come back to the case.
const JUDGED: &str = "c.step = 'submitted'
     AND c.disposition IN ('ratified', 'passed-revoked-later', 'returned-revoked', 'returned-duplicate', 'returned-mandate')";

/// Scans that no case needs: of cases given up, and those taken away before submission.
pub fn unused(db: &Connection, now: Timestamp, most: u32) -> rusqlite::Result<Vec<String>> {
    unused_of(db, None, now, most)
}

/// Forgets a scan that is no longer needed; false if it is needed by now.
pub fn forget_unused(tx: &Connection, id: &str, now: Timestamp) -> rusqlite::Result<bool> {
    if unused_of(tx, Some(id), now, 1)?.is_empty() {
        return Ok(false);
    }
    tx.execute("DELETE FROM blob WHERE id = ?1", [id])?;
    tx.execute("DELETE FROM blob_case WHERE blob = ?1", [id])?;
    Ok(true)
}

/// Contents that the centre has, of cases that it has judged, long ago.
pub fn settled(db: &Connection, now: Timestamp, most: u32) -> rusqlite::Result<Vec<String>> {
    settled_of(db, None, now, most)
}

/// Notes that a content is no longer here; false if it is needed by now.
pub fn let_go(tx: &Connection, id: &str, now: Timestamp) -> rusqlite::Result<bool> {
    if settled_of(tx, Some(id), now, 1)?.is_empty() {
        return Ok(false);
    }
    tx.execute("UPDATE blob SET state = 'gone' WHERE id = ?1", [id])?;
    Ok(true)
}

fn unused_of(db: &Connection, id: Option<&str>, now: Timestamp, most: u32) -> rusqlite::Result<Vec<String>> {
    let abandoned = now.plus_ms(-decide::REOPEN_MS);
    db.prepare_cached(&format!(
        "SELECT id FROM blob b WHERE state = 'kept' AND made_at < ?1 AND (?3 IS NULL OR id = ?3) AND {} LIMIT ?4",
        only(DONE_WITH)
    ))?
    .query_map(params![now.plus_ms(-UNUSED_MS).0, abandoned.0, id, most], |row| row.get(0))?
    .collect()
}

fn settled_of(db: &Connection, id: Option<&str>, now: Timestamp, most: u32) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(&format!(
        "SELECT id FROM blob b WHERE state = 'sent' AND made_at < ?1 AND (?2 IS NULL OR id = ?2) AND {} LIMIT ?3",
        only(JUDGED)
    ))?
    .query_map(params![now.plus_ms(-SENT_MS).0, id, most], |row| row.get(0))?
    .collect()
}

/// The content belongs to some case, and this holds for each that it belongs to.
fn only(condition: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM blob_case WHERE blob = b.id)
         AND NOT EXISTS (SELECT 1 FROM blob_case o LEFT JOIN cases c ON c.id = o.case_id
             WHERE o.blob = b.id AND NOT coalesce({condition}, FALSE))"
    )
}

/// Whether a content is to be in the folder.
pub fn is_here(tx: &Connection, id: &str) -> rusqlite::Result<bool> {
    let mut here = tx.prepare_cached("SELECT 1 FROM blob WHERE id = ?1 AND state <> 'gone'")?;
    here.exists([id])
}

/// Forgets what devices did wrong long ago, at most so many at a time. Returns how many.
pub fn forget_security(tx: &Connection, now: Timestamp, most: u32) -> rusqlite::Result<usize> {
    tx.execute(
        "DELETE FROM security_event WHERE id IN (SELECT id FROM security_event
             WHERE at < ?1 OR id <= (SELECT max(id) FROM security_event) - ?2 LIMIT ?3)",
        params![now.plus_ms(-SECURITY_MS).0, SECURITY_ROWS, most],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::licences::UNTOUCHED_MS;
    use hall_domain::consent::record::RETENTION;

    const DOCUMENT: &str = include_str!("../../../docs/operator/retention.md");

    #[test]
    fn what_citizens_read_of_deletion_is_what_is_done() {
        let (given_up, untouched) = (decide::REOPEN_MS / DAY_MS, UNTOUCHED_MS / DAY_MS);
        assert!(RETENTION.contains(&format!("终止办理满{given_up}天后，一体机删除扫描件和为本件查询的证照")));
        assert!(RETENTION.contains(&format!("一直没有办完的，证照满{untouched}天删除")));
        assert!(DOCUMENT.contains(&format!("放弃满 {given_up} 天；")));
        assert!(DOCUMENT.contains(&format!("{untouched} 天无人办理")));
        assert!(DOCUMENT.contains(RETENTION), "the document quotes what citizens read");
    }
}
