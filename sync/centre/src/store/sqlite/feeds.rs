//! Halls, their feeds, and published documents.

use super::super::{FeedHead, Hall};
use super::{Fail, int, parsed, uint};
use hall_domain::Timestamp;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::feed::{Change, DocumentVersion, FeedItem, Lane};
use hall_ledger::{Signed, cbor};
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn halls(db: &Connection) -> Result<Vec<Hall>, Fail> {
    let mut query = db.prepare_cached("SELECT code, name FROM hall ORDER BY code")?;
    let rows = query.query_map([], |row| Ok(Hall { code: row.get(0)?, name: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn head(db: &Connection, hall: &str) -> Result<FeedHead, Fail> {
    let head = db
        .query_row("SELECT feed, hot FROM hall WHERE code = ?1", [hall], |row| {
            Ok(FeedHead { feed: uint(row.get(0)?), hot: uint(row.get(1)?) })
        })
        .optional()?;
    Ok(head.unwrap_or_default())
}

/// An item to be put at the end of a hall's feed. A status change also gets a place in the hot list.
pub(crate) struct Addition {
    pub hall: String,
    pub at: Timestamp,
    pub change: Change,
}

/// Puts an item at the end and returns its place in the hot list; 0 if it is not hot.
pub(crate) fn add(tx: &Connection, addition: &Addition) -> Result<u64, Fail> {
    let is_hot = matches!(
        addition.change,
        Change::LicenceStatus(_) | Change::ConsentWithdrawn(_) | Change::PlaceStatus(_)
    );
    let (feed, hot): (i64, i64) = tx.query_row(
        "UPDATE hall SET feed = feed + 1, hot = hot + ?2 WHERE code = ?1 RETURNING feed, hot",
        params![addition.hall, is_hot],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let hot = if is_hot { hot } else { 0 };
    tx.execute(
        "INSERT INTO feed (hall, seq, hot, at, change) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![addition.hall, feed, hot, addition.at.0, cbor::pack(&addition.change)],
    )?;
    Ok(uint(hot))
}

/// Puts one change at the end of every hall's feed.
pub(crate) fn add_everywhere(
    tx: &Connection,
    at: Timestamp,
    change: &Change,
) -> Result<Vec<(String, u64)>, Fail> {
    halls(tx)?
        .into_iter()
        .map(|hall| {
            let addition = Addition { hall: hall.code.clone(), at, change: change.clone() };
            Ok((hall.code, add(tx, &addition)?))
        })
        .collect()
}

pub(crate) fn items(
    db: &Connection,
    hall: &str,
    lane: Lane,
    after: u64,
    limit: u32,
) -> Result<Vec<FeedItem>, Fail> {
    let mut query = db.prepare_cached(match lane {
        Lane::Main => {
            "SELECT seq, hot, at, change FROM feed WHERE hall = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
        }
        Lane::Hot => {
            "SELECT seq, hot, at, change FROM feed WHERE hall = ?1 AND hot > ?2 AND hot > 0 ORDER BY hot LIMIT ?3"
        }
    })?;
    let mut rows = query.query(params![hall, int(after), limit])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let hot: i64 = row.get(1)?;
        items.push(FeedItem {
            seq: uint(row.get(0)?),
            at: Timestamp(row.get(2)?),
            hot: (hot > 0).then_some(uint(hot)),
            change: parsed("feed item", cbor::unpack(&row.get::<_, Vec<u8>>(3)?))?,
        });
    }
    Ok(items)
}

pub(crate) fn publish(tx: &Connection, document: &Document, signed: &Signed<Document>) -> Result<(), Fail> {
    let added = tx.execute(
        "INSERT INTO document (kind, version, signed) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![name(document.kind), document.version, signed.as_bytes()],
    )?;
    if added > 0 {
        let version =
            DocumentVersion { kind: document.kind, version: document.version, sha256: signed.digest() };
        add_everywhere(tx, document.issued_at, &Change::Document(version))?;
    }
    Ok(())
}

pub(crate) fn announce(tx: &Connection, version: DocumentVersion, at: Timestamp) -> Result<(), Fail> {
    add_everywhere(tx, at, &Change::Document(version)).map(drop)
}

pub(crate) fn document(db: &Connection, kind: DocumentKind) -> Result<Option<(u32, Signed<Document>)>, Fail> {
    let row = db
        .query_row(
            "SELECT version, signed FROM document WHERE kind = ?1 ORDER BY version DESC LIMIT 1",
            [name(kind)],
            |row| Ok((row.get(0)?, Signed::from_bytes(row.get(1)?))),
        )
        .optional()?;
    Ok(row)
}

fn name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Catalogue => "catalogue",
        DocumentKind::Organisations => "organisations",
        DocumentKind::Policy => "policy",
        DocumentKind::Organisation => "organisation",
        DocumentKind::Trust => "trust",
    }
}
