//! Which licences a hall may hold, and which it was told.

use super::{Fail, feeds, parsed};
use crate::scope::{Grant, GrantReason, HallScope, Telling};
use crate::store::Hall;
use hall_domain::{HolderId, Licence, LicenceId, LicenceStatus, Timestamp};
use hall_ledger::feed::{Change, StatusChange};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

/// Halls with a granted scope stand in this table; all others have their district.
pub(crate) fn scope(db: &Connection, hall: &str) -> Result<HallScope, Fail> {
    let granted = db.prepare_cached("SELECT 1 FROM hall_granted WHERE hall = ?1")?.exists([hall])?;
    Ok(if granted { HallScope::Granted } else { HallScope::District })
}

pub(crate) fn set(tx: &Connection, hall: &str, scope: HallScope, told: &[LicenceId]) -> Result<(), Fail> {
    tx.execute("DELETE FROM hall_licence WHERE hall = ?1", [hall])?;
    match scope {
        HallScope::District => tx.execute("DELETE FROM hall_granted WHERE hall = ?1", [hall])?,
        HallScope::Granted => {
            tx.execute("INSERT INTO hall_granted (hall) VALUES (?1) ON CONFLICT DO NOTHING", [hall])?
        }
    };
    told.iter().try_for_each(|licence| note_told(tx, hall, licence))
}

/// Notes that a hall was sent a licence, if its scope is a granted one.
pub(crate) fn note_told(tx: &Connection, hall: &str, licence: &LicenceId) -> Result<(), Fail> {
    tx.prepare_cached(
        "INSERT INTO hall_licence (hall, licence) SELECT hall, ?2 FROM hall_granted WHERE hall = ?1
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![hall, licence.as_str()])?;
    Ok(())
}

/// Notes that every hall was told to forget a licence.
pub(crate) fn note_forgotten(tx: &Connection, licence: &LicenceId) -> Result<(), Fail> {
    tx.prepare_cached("DELETE FROM hall_licence WHERE licence = ?1")?.execute([licence.as_str()])?;
    Ok(())
}

pub(crate) fn told(db: &Connection, hall: &str) -> Result<BTreeSet<LicenceId>, Fail> {
    let mut query = db.prepare_cached("SELECT licence FROM hall_licence WHERE hall = ?1")?;
    let rows = query.query_map([hall], |row| row.get::<_, String>(0))?;
    rows.map(|id| parsed("licence id", id?.parse())).collect()
}

pub(crate) fn add_scope_grant(tx: &Connection, grant: &Grant) -> Result<(), Fail> {
    let any = [String::new()];
    let kinds: Vec<String> = match grant.kinds.is_empty() {
        true => any.to_vec(),
        false => grant.kinds.iter().map(ToString::to_string).collect(),
    };
    for kind in kinds {
        tx.execute(
            "INSERT INTO scope_grant (hall, holder, kind, reason, until) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (hall, holder, kind, reason) DO UPDATE SET until = max(until, excluded.until)",
            params![grant.hall, grant.holder.key(), kind, grant.reason.word(), grant.until.0],
        )?;
    }
    Ok(())
}

pub(crate) fn end_standing(tx: &Connection, hall: &str, holder: &HolderId) -> Result<(), Fail> {
    tx.execute(
        "DELETE FROM scope_grant WHERE hall = ?1 AND holder = ?2 AND reason = ?3",
        params![hall, holder.key(), GrantReason::StandingConsent.word()],
    )?;
    Ok(())
}

/// Grants in force. Kinds with the same holder, reason and end are one grant.
pub(crate) fn scope_grants(db: &Connection, hall: &str, now: Timestamp) -> Result<Vec<Grant>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT holder, kind, reason, until FROM scope_grant WHERE hall = ?1 AND until > ?2",
    )?;
    let mut rows = query.query(params![hall, now.0])?;
    let mut grants: BTreeMap<(HolderId, GrantReason, Timestamp), Grant> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        // The holder is a person's number: a damaged one is not to be quoted.
        let holder: Option<HolderId> = row.get::<_, String>(0)?.parse().ok();
        let holder = super::present("holder of a grant", holder)?;
        let reason = match row.get::<_, String>(2)?.as_str() {
            "standing" => GrantReason::StandingConsent,
            _ => GrantReason::Appointment,
        };
        let until = Timestamp(row.get(3)?);
        let grant = grants.entry((holder.clone(), reason, until)).or_insert_with(|| Grant {
            hall: hall.to_owned(),
            holder,
            kinds: BTreeSet::new(),
            reason,
            until,
        });
        let kind: String = row.get(1)?;
        if !kind.is_empty() {
            grant.kinds.insert(parsed("licence kind", kind.parse())?);
        }
    }
    Ok(grants.into_values().collect())
}

/// Halls that may hold this licence.
pub(crate) fn halls_of(db: &Connection, licence: &Licence, now: Timestamp) -> Result<Vec<Hall>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT code, name FROM hall
         WHERE NOT EXISTS (SELECT 1 FROM hall_granted WHERE hall = code)
            OR EXISTS (SELECT 1 FROM scope_grant g WHERE g.hall = code
                AND (g.holder = ?1 OR EXISTS (SELECT 1 FROM holder_alias a
                    WHERE a.other = ?1 AND a.holder = g.holder AND a.withdrawn_at = 0))
                AND g.kind IN ('', ?2) AND g.until > ?3)
         ORDER BY code",
    )?;
    let rows = query.query_map(params![licence.holder.key(), licence.kind.to_string(), now.0], |row| {
        Ok(Hall { code: row.get(0)?, name: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts what a hall gets and is to forget into its feed, and notes it.
pub(crate) fn tell(tx: &Connection, telling: Telling) -> Result<(), Fail> {
    let Telling { hall, at, sent, withdrawn } = telling;
    let add = |change| feeds::add(tx, &feeds::Addition { hall: hall.clone(), at, change });
    for (known, issued) in sent {
        let (licence, status) = (known.licence.id, known.status);
        add(Change::LicenceUpsert(issued))?;
        note_told(tx, &hall, &licence)?;
        if status != LicenceStatus::Valid {
            add(Change::LicenceStatus(StatusChange { licence, status, at }))?;
        }
    }
    for licence in withdrawn {
        tx.execute("DELETE FROM hall_licence WHERE hall = ?1 AND licence = ?2", [&hall, licence.as_str()])?;
        add(Change::LicenceForget(licence))?;
    }
    Ok(())
}
