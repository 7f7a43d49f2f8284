//! The register: organisations, licences, and what became of each licence.

use super::super::{Change, Due, NewLicence, Registered, Renewed};
use super::{Fail, feeds, from_json, parsed, scopes, to_json, uint};
use hall_domain::{
    HolderId, LegalRepresentative, Licence, LicenceId, LicenceStatus, Organisation, Timestamp, Uscc,
};
use hall_ledger::feed::{Change as FeedChange, PlaceStatus, StatusChange};
use hall_ledger::ratify::{LicenceHistory, RecordedChange};
use rusqlite::{Connection, OptionalExtension, Row, params};

const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) fn put_organisation(
    tx: &Connection,
    organisation: &Organisation,
    at: Timestamp,
) -> Result<Change, Fail> {
    let body = to_json("organisation", organisation)?;
    let uscc = organisation.uscc.to_string();
    let before: Option<String> = tx
        .query_row("SELECT body FROM organisation WHERE uscc = ?1", [&uscc], |row| row.get(0))
        .optional()?;
    if before.as_ref() == Some(&body) {
        return Ok(Change::Same);
    }
    if let Some(before) = &before {
        let before: Organisation = from_json("organisation", before)?;
        let old = &before.legal_representative;
        if !organisation.is_represented_by(&old.document, &old.name) {
            note_representative(tx, &uscc, old, at)?;
        }
    }
    let now = &organisation.legal_representative;
    tx.execute(
        "DELETE FROM representative_before WHERE uscc = ?1 AND document = ?2",
        params![uscc, HolderId::Person(now.document.clone()).key()],
    )?;
    tx.execute(
        "INSERT INTO organisation (uscc, representative, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (uscc) DO UPDATE SET representative = excluded.representative, body = excluded.body",
        params![uscc, HolderId::Person(now.document.clone()).key(), body],
    )?;
    Ok(if before.is_some() { Change::Changed } else { Change::Added })
}

/// Keeps until when somebody was an organisation's legal representative.
fn note_representative(
    tx: &Connection,
    uscc: &str,
    old: &LegalRepresentative,
    at: Timestamp,
) -> Result<(), Fail> {
    tx.execute(
        "INSERT INTO representative_before (uscc, document, until) VALUES (?1, ?2, ?3)
         ON CONFLICT (uscc, document) DO UPDATE SET until = excluded.until",
        params![uscc, HolderId::Person(old.document.clone()).key(), at.0],
    )?;
    Ok(())
}

/// Organisations whose entry names this document as the legal representative's.
pub(crate) fn represented(db: &Connection, document: &str) -> Result<Vec<Organisation>, Fail> {
    let mut query =
        db.prepare_cached("SELECT body FROM organisation WHERE representative = ?1 ORDER BY uscc")?;
    let rows = query.query_map([document], |row| row.get::<_, String>(0))?;
    rows.map(|body| from_json("organisation", &body?)).collect()
}

/// Until when somebody was a legal representative who is not any more.
pub(crate) fn represented_until(
    db: &Connection,
    uscc: &str,
    document: &str,
) -> Result<Option<Timestamp>, Fail> {
    let until = db
        .query_row(
            "SELECT until FROM representative_before WHERE uscc = ?1 AND document = ?2",
            [uscc, document],
            |row| row.get(0).map(Timestamp),
        )
        .optional()?;
    Ok(until)
}

pub(crate) fn organisation(db: &Connection, uscc: &Uscc) -> Result<Option<Organisation>, Fail> {
    let body: Option<String> = db
        .query_row("SELECT body FROM organisation WHERE uscc = ?1", [uscc.to_string()], |row| row.get(0))
        .optional()?;
    body.map(|body| from_json("organisation", &body)).transpose()
}

pub(crate) fn organisations(db: &Connection) -> Result<Vec<Organisation>, Fail> {
    let mut query = db.prepare_cached("SELECT body FROM organisation ORDER BY uscc")?;
    let rows = query.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|body| from_json("organisation", &body?)).collect()
}

/// All versions of one licence share this: the identifier without version and check character.
fn stem(id: &LicenceId) -> String {
    format!("{}.{}.{}", id.kind(), id.issuer(), id.serial())
}

pub(crate) fn place(tx: &Connection, id: &LicenceId) -> Result<u32, Fail> {
    place_of(tx, id.as_str())
}

/// The place of whatever has this name: the one it has, or a new one.
pub(crate) fn place_of(tx: &Connection, name: &str) -> Result<u32, Fail> {
    let place = tx
        .query_row("SELECT place FROM status_place WHERE name = ?1", [name], |row| row.get(0))
        .optional()?;
    if let Some(place) = place {
        return Ok(place);
    }
    let place: u32 = tx.query_row(
        "UPDATE centre SET status_places = status_places + 1 RETURNING status_places - 1",
        [],
        |row| row.get(0),
    )?;
    tx.execute("INSERT INTO status_place (name, place) VALUES (?1, ?2)", params![name, place])?;
    Ok(place)
}

/// Changes the status of something that is not a licence, and puts the hot item into every hall's feed.
pub(crate) fn set_place(
    tx: &Connection,
    name: &str,
    status: LicenceStatus,
    at: Timestamp,
) -> Result<(), Fail> {
    let place = place_of(tx, name)?;
    let changed = tx.execute(
        "UPDATE status_place SET status = ?2 WHERE name = ?1 AND status <> ?2",
        params![name, status.bits()],
    )?;
    if changed > 0 {
        let change = PlaceStatus { list: crate::status::LIST, place, status, at };
        feeds::add_everywhere(tx, at, &FeedChange::PlaceStatus(change))?;
    }
    Ok(())
}

pub(crate) fn put(tx: &Connection, new: NewLicence) -> Result<Change, Fail> {
    let NewLicence { licence, status_index, at, envelopes } = new;
    let (id, stem) = (licence.id.to_string(), stem(&licence.id));
    let body = to_json("licence", &licence)?;
    let before: Option<String> =
        tx.query_row("SELECT body FROM licence WHERE id = ?1", [&id], |row| row.get(0)).optional()?;
    if before.as_ref() == Some(&body) {
        return Ok(Change::Same);
    }
    let older = older_versions(tx, &stem, &id)?;
    tx.execute("UPDATE licence SET current = 0 WHERE stem = ?1", [&stem])?;
    tx.execute(
        "INSERT INTO licence (id, stem, version, holder, kind, place, status, current, since, issued_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 1, ?7, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, current = 1,
             issued_at = excluded.issued_at, body = excluded.body",
        params![
            id,
            stem,
            licence.version,
            licence.holder.key(),
            licence.kind.to_string(),
            status_index,
            at.0,
            body
        ],
    )?;
    for old in older.iter() {
        feeds::add_everywhere(tx, at, &FeedChange::LicenceForget(old.clone()))?;
        scopes::note_forgotten(tx, old)?;
    }
    for (hall, issued) in envelopes {
        scopes::note_told(tx, &hall, &licence.id)?;
        feeds::add(tx, &feeds::Addition { hall, at, change: FeedChange::LicenceUpsert(issued) })?;
    }
    Ok(if before.is_some() || !older.is_empty() { Change::Changed } else { Change::Added })
}

/// Current licences whose envelopes are due, the oldest first.
pub(crate) fn due(db: &Connection, due: Due) -> Result<Vec<Registered>, Fail> {
    let mut query = db.prepare_cached(&format!(
        "{REGISTERED} WHERE current = 1 AND issued_at <= ?1 AND issued_at + (place % ?2) * ?3 <= ?1
         ORDER BY issued_at LIMIT ?4"
    ))?;
    let oldest = due.now.0 - due.after_days * DAY_MS;
    collect(query.query(params![oldest, due.spread_days, DAY_MS, due.limit])?)
}

/// Tells the halls a licence's new envelopes. The register keeps only that it did.
pub(crate) fn renew(tx: &Connection, renewed: Renewed) -> Result<(), Fail> {
    let Renewed { licence, at, envelopes } = renewed;
    tx.execute("UPDATE licence SET issued_at = ?2 WHERE id = ?1", params![licence.to_string(), at.0])?;
    for (hall, issued) in envelopes {
        scopes::note_told(tx, &hall, &licence)?;
        feeds::add(tx, &feeds::Addition { hall, at, change: FeedChange::LicenceUpsert(issued) })?;
    }
    Ok(())
}

fn older_versions(tx: &Connection, stem: &str, id: &str) -> Result<Vec<LicenceId>, Fail> {
    let mut query =
        tx.prepare_cached("SELECT id FROM licence WHERE stem = ?1 AND id <> ?2 AND current = 1")?;
    let rows = query.query_map([stem, id], |row| row.get::<_, String>(0))?;
    rows.map(|id| parsed("licence id", id?.parse())).collect()
}

const REGISTERED: &str = "SELECT body, place, status FROM licence";

pub(crate) fn licence(db: &Connection, id: &LicenceId) -> Result<Option<Registered>, Fail> {
    let mut query = db.prepare_cached(&format!("{REGISTERED} WHERE id = ?1"))?;
    let mut rows = query.query([id.to_string()])?;
    rows.next()?.map(read).transpose()
}

pub(crate) fn of_holder(db: &Connection, holder: &HolderId) -> Result<Vec<Registered>, Fail> {
    let mut query =
        db.prepare_cached(&format!("{REGISTERED} WHERE holder = ?1 AND current = 1 ORDER BY kind, id"))?;
    collect(query.query([holder.key()])?)
}

pub(crate) fn all(db: &Connection) -> Result<Vec<Registered>, Fail> {
    let mut query = db.prepare_cached(&format!("{REGISTERED} WHERE current = 1 ORDER BY place"))?;
    collect(query.query([])?)
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Registered>, Fail> {
    let mut licences = Vec::new();
    while let Some(row) = rows.next()? {
        licences.push(read(row)?);
    }
    Ok(licences)
}

fn read(row: &Row<'_>) -> Result<Registered, Fail> {
    let body: String = row.get(0)?;
    let licence: Licence = from_json("licence", &body)?;
    Ok(Registered { licence, status_index: row.get(1)?, status: LicenceStatus::from_bits(row.get(2)?) })
}

pub(crate) fn statuses(db: &Connection) -> Result<Vec<LicenceStatus>, Fail> {
    let places: u32 = db.query_row("SELECT status_places FROM centre", [], |row| row.get(0))?;
    let mut statuses = vec![LicenceStatus::Valid; places as usize];
    let mut query = db.prepare_cached(
        "SELECT place, status FROM licence WHERE status <> 0
         UNION ALL SELECT place, status FROM status_place WHERE status <> 0",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(status) = statuses.get_mut(row.get::<_, u32>(0)? as usize) {
            *status = LicenceStatus::from_bits(row.get(1)?);
        }
    }
    Ok(statuses)
}

pub(crate) fn set_status(
    tx: &Connection,
    id: &LicenceId,
    status: LicenceStatus,
    at: Timestamp,
) -> Result<Option<bool>, Fail> {
    let name = id.to_string();
    let before: Option<u8> =
        tx.query_row("SELECT status FROM licence WHERE id = ?1", [&name], |row| row.get(0)).optional()?;
    let Some(before) = before else { return Ok(None) };
    if LicenceStatus::from_bits(before) == status {
        return Ok(Some(false));
    }
    tx.execute("UPDATE licence SET status = ?2 WHERE id = ?1", params![name, status.bits()])?;
    let change: i64 = tx.query_row(
        "INSERT INTO status_change (licence, at, status) VALUES (?1, ?2, ?3) RETURNING no",
        params![name, at.0, status.bits()],
        |row| row.get(0),
    )?;
    let told = feeds::add_everywhere(
        tx,
        at,
        &FeedChange::LicenceStatus(StatusChange { licence: id.clone(), status, at }),
    )?;
    for (hall, hot) in told {
        tx.execute(
            "INSERT INTO status_told (change, hall, hot) VALUES (?1, ?2, ?3)",
            params![change, hall, super::int(hot)],
        )?;
    }
    Ok(Some(true))
}

pub(crate) fn history(
    db: &Connection,
    id: &LicenceId,
    hall: &str,
) -> Result<Option<(String, LicenceHistory)>, Fail> {
    let Some(registered) = licence(db, id)? else { return Ok(None) };
    let mut query = db.prepare_cached(
        "SELECT status, at, COALESCE(hot, 0) FROM status_change
         LEFT JOIN status_told ON status_told.change = status_change.no AND status_told.hall = ?2
         WHERE licence = ?1 ORDER BY at, status_change.no",
    )?;
    let changes = query.query_map(params![id.to_string(), hall], |row| {
        let hot: i64 = row.get(2)?;
        Ok(RecordedChange {
            status: LicenceStatus::from_bits(row.get(0)?),
            at: Timestamp(row.get(1)?),
            hot: (hot > 0).then_some(uint(hot)),
        })
    })?;
    let changes = changes.collect::<Result<_, _>>()?;
    let mut query =
        db.prepare_cached("SELECT version, since FROM licence WHERE stem = ?1 ORDER BY version")?;
    let versions = query.query_map([stem(id)], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
    let versions = versions.collect::<Result<_, _>>()?;
    Ok(Some((registered.licence.name, LicenceHistory { changes, versions })))
}
