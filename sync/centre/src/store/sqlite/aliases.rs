//! Earlier identifiers of people, as the authority established them.

use super::super::Change;
use super::{Fail, feeds, from_json, parsed, present, to_json};
use hall_domain::{AliasId, HolderAlias, HolderId, LicenceId, Timestamp};
use hall_ledger::LogId;
use hall_ledger::alias::StatedAlias;
use hall_ledger::feed::Change as FeedChange;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

/// Keeps a fact, under the name that the same two identifiers have already, and tells every hall.
pub(crate) fn put(tx: &Connection, alias: &HolderAlias, at: Timestamp) -> Result<(AliasId, Change), Fail> {
    let known: Option<(Vec<u8>, String, i64)> = tx
        .query_row(
            "SELECT id, body, withdrawn_at FROM holder_alias WHERE holder = ?1 AND other = ?2",
            params![alias.holder().key(), alias.other().key()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let (id, change) = match known {
        None => (alias.id(), Change::Added),
        Some((id, body, withdrawn_at)) => {
            let id = named(id)?;
            let before: HolderAlias = from_json("alias", &body)?;
            let same = (before.kind(), before.since(), before.source())
                == (alias.kind(), alias.since(), alias.source());
            if same && withdrawn_at == 0 {
                return Ok((id, Change::Same));
            }
            (id, Change::Changed)
        }
    };
    let fact = HolderAlias::new(
        id,
        alias.holder().clone(),
        alias.other().clone(),
        alias.kind(),
        alias.since(),
        alias.source(),
    );
    let fact = parsed("alias", fact)?;
    tx.execute(
        "INSERT INTO holder_alias (id, holder, other, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, withdrawn_at = 0, body = excluded.body",
        params![id.0, fact.holder().key(), fact.other().key(), at.0, to_json("alias", &fact)?],
    )?;
    tell(tx, id, at)?;
    Ok((id, change))
}

/// Ends a fact, and tells every hall.
pub(crate) fn withdraw(tx: &Connection, id: AliasId, at: Timestamp) -> Result<bool, Fail> {
    let ended = tx.execute(
        "UPDATE holder_alias SET withdrawn_at = ?2 WHERE id = ?1 AND withdrawn_at = 0",
        params![id.0, at.0],
    )?;
    if ended > 0 {
        tell(tx, id, at)?;
    }
    Ok(ended > 0)
}

/// The item names the fact; what stands of it is said when a page is made.
fn tell(tx: &Connection, id: AliasId, at: Timestamp) -> Result<(), Fail> {
    feeds::add_everywhere(tx, at, &FeedChange::HolderAlias(StatedAlias::withdrawn(id, at))).map(drop)
}

/// A fact that stands.
pub(crate) fn find(db: &Connection, id: AliasId) -> Result<Option<HolderAlias>, Fail> {
    let body: Option<String> = db
        .query_row("SELECT body FROM holder_alias WHERE id = ?1 AND withdrawn_at = 0", [id.0], |row| {
            row.get(0)
        })
        .optional()?;
    body.map(|body| from_json("alias", &body)).transpose()
}

/// What stands about a person's earlier identifiers, by when it was taken in.
pub(crate) fn of_holder(db: &Connection, holder: &HolderId) -> Result<Vec<HolderAlias>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT body FROM holder_alias WHERE holder = ?1 AND withdrawn_at = 0 ORDER BY at, id",
    )?;
    let rows = query.query_map([holder.key()], |row| row.get::<_, String>(0))?;
    rows.map(|body| from_json("alias", &body?)).collect()
}

/// The names of all facts that stand.
pub(crate) fn all(db: &Connection) -> Result<Vec<AliasId>, Fail> {
    let mut query =
        db.prepare_cached("SELECT id FROM holder_alias WHERE withdrawn_at = 0 ORDER BY at, id")?;
    let rows = query.query_map([], |row| row.get(0))?;
    rows.map(|id| named(id?)).collect()
}

/// Of the claims of a case those that stand: the fact is about who stood at the window, and the licence was issued
/// under its earlier identifier.
pub(crate) fn standing(
    db: &Connection,
    log: LogId,
    case_no: &str,
    claims: BTreeSet<(AliasId, LicenceId)>,
) -> Result<BTreeSet<(AliasId, LicenceId)>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT 1 FROM holder_alias AS alias
         JOIN licence ON licence.holder = alias.other
         JOIN case_party ON case_party.person = alias.holder
         WHERE alias.id = ?1 AND alias.withdrawn_at = 0 AND licence.id = ?2
           AND case_party.log = ?3 AND case_party.case_no = ?4",
    )?;
    let mut stands = BTreeSet::new();
    for (id, licence) in claims {
        if query.exists(params![id.0, licence.as_str(), log.to_string(), case_no])? {
            stands.insert((id, licence));
        }
    }
    Ok(stands)
}

fn named(id: Vec<u8>) -> Result<AliasId, Fail> {
    Ok(AliasId(present("alias", id.try_into().ok())?))
}
