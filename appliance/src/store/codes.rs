//! 办事码 that were shown lately, and how grants, mandates and people stand.

use hall_domain::{LicenceStatus, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

/// Remembers a nonce until then. False when it is remembered already: the code was shown before in this hall.
pub fn take(tx: &Connection, nonce: &[u8], now: Timestamp, until: Timestamp) -> rusqlite::Result<bool> {
    tx.prepare_cached("DELETE FROM seen_code WHERE until < ?1")?.execute([now.0])?;
    let taken = tx
        .prepare_cached("INSERT INTO seen_code (nonce, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![nonce, until.0])?;
    Ok(taken == 1)
}

/// Notes a status that came ahead of the list. Older news changes nothing.
pub fn set_place(
    tx: &Connection,
    list: u32,
    place: u32,
    status: LicenceStatus,
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO place (list, place, status, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (list, place) DO UPDATE SET status = ?3, at = ?4 WHERE at <= ?4",
    )?
    .execute(params![list, place, status.bits(), at.0])?;
    Ok(())
}

/// What was noted of a place, and since when.
pub fn place(db: &Connection, list: u32, place: u32) -> rusqlite::Result<Option<(LicenceStatus, Timestamp)>> {
    db.prepare_cached("SELECT status, at FROM place WHERE list = ?1 AND place = ?2")?
        .query_row(params![list, place], |row| {
            Ok((LicenceStatus::from_bits(row.get(0)?), Timestamp(row.get(1)?)))
        })
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        db
    }

    #[test]
    fn a_code_is_taken_once_and_remembered_for_its_time() {
        let db = database();
        let (nonce, until) = ([7u8; 8], Timestamp(600_000));
        assert!(take(&db, &nonce, Timestamp(0), until).unwrap());
        assert!(!take(&db, &nonce, Timestamp(600_000), until).unwrap());
        assert!(take(&db, &[8u8; 8], Timestamp(600_000), until).unwrap());
        assert!(
            take(&db, &nonce, Timestamp(600_001), until).unwrap(),
            "what is that old is refused by its age"
        );
    }

    #[test]
    fn the_newest_word_on_a_place_counts() {
        let db = database();
        set_place(&db, 1, 7, LicenceStatus::Revoked, Timestamp(20)).unwrap();
        set_place(&db, 1, 7, LicenceStatus::Valid, Timestamp(10)).unwrap();
        assert_eq!(place(&db, 1, 7).unwrap(), Some((LicenceStatus::Revoked, Timestamp(20))));
        assert_eq!(place(&db, 1, 8).unwrap(), None);
    }
}
