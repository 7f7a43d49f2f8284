//! Who may act for whom: grants, mandates, plain codes; and what somebody has claimed.

use super::super::citizens::PlainCode;
use super::people::{document, key};
use super::{Fail, consents, from_json, licences, parsed, to_json};
use crate::citizen::grant::Grant;
use crate::citizen::id::Id;
use crate::citizen::mandate::{Mandate, MandateState};
use crate::citizen::notice::Notice;
use hall_domain::{HolderId, IdentityDocument, LicenceKindCode, LicenceStatus, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, params};
use serde::de::DeserializeOwned;

/// Bodies of a query, in its order.
fn bodies<T: DeserializeOwned>(
    db: &Connection,
    what: &'static str,
    sql: &str,
    params: impl Params,
) -> Result<Vec<T>, Fail> {
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map(params, |row| row.get::<_, String>(0))?;
    rows.map(|body| from_json(what, &body?)).collect()
}

pub(crate) fn claim(
    tx: &Connection,
    document: &IdentityDocument,
    holder: &HolderId,
    kind: &LicenceKindCode,
) -> Result<(), Fail> {
    tx.execute(
        "INSERT INTO claim (document, holder, kind) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![key(document), holder.key(), kind.as_str()],
    )?;
    Ok(())
}

pub(crate) fn unclaim(
    tx: &Connection,
    document: &IdentityDocument,
    holder: &HolderId,
    kind: &LicenceKindCode,
) -> Result<(), Fail> {
    tx.execute(
        "DELETE FROM claim WHERE document = ?1 AND holder = ?2 AND kind = ?3",
        params![key(document), holder.key(), kind.as_str()],
    )?;
    Ok(())
}

pub(crate) fn claims(
    db: &Connection,
    document: &IdentityDocument,
    holder: &HolderId,
) -> Result<Vec<LicenceKindCode>, Fail> {
    let mut query = db.prepare_cached("SELECT kind FROM claim WHERE document = ?1 AND holder = ?2")?;
    let rows = query.query_map([key(document), holder.key()], |row| row.get::<_, String>(0))?;
    rows.map(|kind| parsed("licence kind", kind?.parse())).collect()
}

pub(crate) fn plain_code(tx: &Connection, new: PlainCode, fresh: Timestamp) -> Result<PlainCode, Fail> {
    let standing: Option<(String, i64)> = tx
        .query_row(
            "SELECT code, expires_at FROM plain_code
             WHERE document = ?1 AND capacity = ?2 AND expires_at > ?3 ORDER BY expires_at DESC LIMIT 1",
            params![key(&new.document), new.capacity.to_string(), fresh.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((code, expires_at)) = standing {
        return Ok(PlainCode { code, expires_at: Timestamp(expires_at), ..new });
    }
    tx.execute("DELETE FROM plain_code WHERE expires_at < ?1", [fresh.plus_hours(-1).0])?;
    tx.execute(
        "INSERT INTO plain_code (code, document, capacity, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![new.code, key(&new.document), new.capacity.to_string(), new.expires_at.0],
    )?;
    Ok(new)
}

pub(crate) fn resolve_plain(db: &Connection, code: &str, now: Timestamp) -> Result<Option<PlainCode>, Fail> {
    let found: Option<(String, String, i64)> = db
        .query_row(
            "SELECT document, capacity, expires_at FROM plain_code WHERE code = ?1 AND expires_at > ?2",
            params![code, now.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((owner, capacity, expires_at)) = found else { return Ok(None) };
    Ok(Some(PlainCode {
        code: code.to_owned(),
        document: document(&owner)?,
        capacity: parsed("capacity", capacity.parse())?,
        expires_at: Timestamp(expires_at),
    }))
}

pub(crate) fn add_grant(
    tx: &Connection,
    mut grant: Grant,
    notice: &Notice,
    now: Timestamp,
) -> Result<Option<Grant>, Fail> {
    let open: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM agent_grant
         WHERE uscc = ?1 AND document = ?2 AND revoked_at = 0 AND until > ?3)",
        params![grant.uscc.as_str(), key(&grant.document), now.0],
        |row| row.get(0),
    )?;
    if open {
        return Ok(None);
    }
    grant.place = licences::place_of(tx, &grant_place(grant.id))?;
    tx.execute(
        "INSERT INTO agent_grant (id, uscc, document, until, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            grant.id.to_string(),
            grant.uscc.as_str(),
            key(&grant.document),
            grant.until.0,
            to_json("grant", &grant)?
        ],
    )?;
    consents::notify(tx, &grant.document, notice)?;
    Ok(Some(grant))
}

fn grant_place(id: Id) -> String {
    format!("grant:{id}")
}

pub(crate) fn grants_of(db: &Connection, uscc: &str) -> Result<Vec<Grant>, Fail> {
    bodies(db, "grant", "SELECT body FROM agent_grant WHERE uscc = ?1 ORDER BY rowid DESC", [uscc])
}

pub(crate) fn grants_to(db: &Connection, document: &IdentityDocument) -> Result<Vec<Grant>, Fail> {
    let sql = "SELECT body FROM agent_grant WHERE document = ?1 ORDER BY rowid DESC";
    bodies(db, "grant", sql, [key(document)])
}

pub(crate) fn grants(db: &Connection) -> Result<Vec<Grant>, Fail> {
    bodies(db, "grant", "SELECT body FROM agent_grant WHERE revoked_at = 0 ORDER BY rowid", [])
}

pub(crate) fn revoke_grant(
    tx: &Connection,
    uscc: &str,
    id: Id,
    notice: &Notice,
    at: Timestamp,
) -> Result<Option<Grant>, Fail> {
    let sql = "SELECT body FROM agent_grant WHERE uscc = ?1 AND id = ?2";
    let found = bodies::<Grant>(tx, "grant", sql, [uscc, &id.to_string()])?.pop();
    let Some(mut grant) = found else { return Ok(None) };
    if grant.revoked_at.is_some() {
        return Ok(Some(grant));
    }
    grant.revoked_at = Some(at);
    tx.execute(
        "UPDATE agent_grant SET revoked_at = ?2, body = ?3 WHERE id = ?1",
        params![id.to_string(), at.0, to_json("grant", &grant)?],
    )?;
    licences::set_place(tx, &grant_place(id), LicenceStatus::Revoked, at)?;
    consents::notify(tx, &grant.document, notice)?;
    Ok(Some(grant))
}

fn mandate_place(id: Id) -> String {
    format!("mandate:{id}")
}

pub(crate) fn add_mandate(tx: &Connection, mut mandate: Mandate, notice: &Notice) -> Result<Mandate, Fail> {
    mandate.place = licences::place_of(tx, &mandate_place(mandate.id))?;
    tx.execute(
        "INSERT INTO mandate (id, principal, agent, accept, created_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            mandate.id.to_string(),
            mandate.principal.key(),
            key(&mandate.agent),
            mandate.accept.to_string(),
            mandate.created_at.0,
            to_json("mandate", &mandate)?
        ],
    )?;
    consents::notify(tx, &mandate.agent, notice)?;
    Ok(mandate)
}

pub(crate) fn mandate(db: &Connection, id: Id) -> Result<Option<Mandate>, Fail> {
    Ok(bodies(db, "mandate", "SELECT body FROM mandate WHERE id = ?1", [id.to_string()])?.pop())
}

pub(crate) fn mandate_by_code(db: &Connection, accept: Id) -> Result<Option<Mandate>, Fail> {
    Ok(bodies(db, "mandate", "SELECT body FROM mandate WHERE accept = ?1", [accept.to_string()])?.pop())
}

pub(crate) fn mandates_by(db: &Connection, principal: &HolderId) -> Result<Vec<Mandate>, Fail> {
    let sql = "SELECT body FROM mandate WHERE principal = ?1 ORDER BY created_at DESC, rowid DESC";
    bodies(db, "mandate", sql, [principal.key()])
}

pub(crate) fn mandates_to(db: &Connection, agent: &IdentityDocument) -> Result<Vec<Mandate>, Fail> {
    let sql = "SELECT body FROM mandate WHERE agent = ?1 ORDER BY created_at DESC, rowid DESC";
    bodies(db, "mandate", sql, [key(agent)])
}

pub(crate) fn move_mandate(
    tx: &Connection,
    id: Id,
    from: &[MandateState],
    to: MandateState,
    told: &(IdentityDocument, Notice),
    at: Timestamp,
) -> Result<bool, Fail> {
    let Some(mut mandate) = mandate(tx, id)?.filter(|mandate| from.contains(&mandate.state)) else {
        return Ok(false);
    };
    mandate.state = to;
    if !matches!(to, MandateState::Pending | MandateState::InForce) {
        mandate.ended_at = Some(at);
        licences::set_place(tx, &mandate_place(id), LicenceStatus::Revoked, at)?;
    }
    tx.execute(
        "UPDATE mandate SET body = ?2 WHERE id = ?1",
        params![id.to_string(), to_json("mandate", &mandate)?],
    )?;
    consents::notify(tx, &told.0, &told.1)?;
    Ok(true)
}
