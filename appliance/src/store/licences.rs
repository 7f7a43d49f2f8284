//! Cached licences and register entries: found by blind index, sealed to their holders.

use super::StoreError;
use crate::vault::Vault;
use hall_domain::{HolderId, LicenceId, LicenceStatus, Organisation, Timestamp, Uscc};
use hall_ledger::envelope::{Envelope, IssuedEnvelope};
use rusqlite::{Connection, OptionalExtension, params};

/// A licence as it lies in the cache.
#[derive(Debug, Clone)]
pub struct Cached {
    /// Envelope and what lies beside it.
    pub issued: IssuedEnvelope,
    /// Status by the last change that the feed brought, or the envelope's own time.
    pub status: LicenceStatus,
    /// When that status came into force.
    pub status_at: Timestamp,
}

/// Puts a licence into the cache. An older version than the cached one changes nothing.
pub fn put(
    tx: &Connection,
    vault: &Vault,
    issued: &IssuedEnvelope,
    envelope: &Envelope,
    status: Option<(LicenceStatus, Timestamp)>,
) -> rusqlite::Result<()> {
    let sealed = vault.seal_to(&issued.holder, &hall_ledger::cbor::pack(issued));
    // A new version says nothing about the status: what is known of it stays.
    let told = status.is_some();
    let (status, status_at) = status.unwrap_or((LicenceStatus::Valid, envelope.checked_at));
    tx.prepare_cached(
        "INSERT INTO licence (licence, holder, version, status, status_at, list, list_index, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (licence) DO UPDATE SET holder = ?2, version = ?3, list = ?6, list_index = ?7, sealed = ?8,
             status = CASE WHEN ?9 AND ?5 >= status_at THEN ?4 ELSE status END,
             status_at = CASE WHEN ?9 THEN max(status_at, ?5) ELSE status_at END
         WHERE version <= ?3",
    )?
    .execute(params![
        licence_index(vault, &envelope.licence),
        vault.index("holder", &issued.holder.key()),
        envelope.version,
        status.bits(),
        status_at.0,
        envelope.status.list.to_string(),
        envelope.status.index,
        sealed,
        told
    ])?;
    Ok(())
}

/// Notes a change of status. A change older than the known one is history.
pub fn set_status(
    tx: &Connection,
    vault: &Vault,
    licence: &LicenceId,
    status: LicenceStatus,
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE licence SET status = ?2, status_at = ?3 WHERE licence = ?1 AND status_at <= ?3",
    )?
    .execute(params![licence_index(vault, licence), status.bits(), at.0])?;
    Ok(())
}

/// Takes a licence out of the cache.
pub fn forget(tx: &Connection, vault: &Vault, licence: &LicenceId) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM licence WHERE licence = ?1", [licence_index(vault, licence)])?;
    Ok(())
}

/// Every cached licence of a holder.
pub fn of_holder(db: &Connection, vault: &Vault, holder: &HolderId) -> Result<Vec<Cached>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT sealed, status, status_at FROM licence WHERE holder = ?1")?;
    let mut rows = statement.query([vault.index("holder", &holder.key())])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let sealed: Vec<u8> = row.get(0)?;
        let bytes = vault.open_of(holder, &sealed)?;
        let issued = hall_ledger::cbor::unpack(&bytes).map_err(|_| crate::vault::Unsealable)?;
        let status = LicenceStatus::from_bits(row.get(1)?);
        found.push(Cached { issued, status, status_at: Timestamp(row.get(2)?) });
    }
    Ok(found)
}

/// How many licences are cached.
pub fn count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT count(*) FROM licence", [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// Puts the answer of a look-up into the cache: one register entry.
pub fn put_organisation(
    tx: &Connection,
    vault: &Vault,
    organisation: &Organisation,
    checked_at: Timestamp,
) -> Result<(), StoreError> {
    let holder = HolderId::Organisation(organisation.uscc.clone());
    tx.prepare_cached(
        "INSERT INTO organisation (uscc, checked_at, listed, sealed) VALUES (?1, ?2, 0, ?3)
         ON CONFLICT (uscc) DO UPDATE SET checked_at = ?2, sealed = ?3 WHERE checked_at <= ?2",
    )?
    .execute(params![
        vault.index("holder", &holder.key()),
        checked_at.0,
        vault.seal_to(&holder, &serde_json::to_vec(organisation)?)
    ])?;
    Ok(())
}

/// Puts a whole register document into the cache. What it no longer names keeps the age of its last confirmation.
pub fn put_register(
    tx: &Connection,
    vault: &Vault,
    organisations: &[Organisation],
    issued_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("UPDATE organisation SET listed = 0", [])?;
    for organisation in organisations {
        put_organisation(tx, vault, organisation, issued_at)?;
        let holder = HolderId::Organisation(organisation.uscc.clone());
        tx.prepare_cached("UPDATE organisation SET listed = 1 WHERE uscc = ?1")?
            .execute([vault.index("holder", &holder.key())])?;
    }
    Ok(())
}

/// A register entry as it is cached.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The entry.
    pub organisation: Organisation,
    /// When the centre last confirmed it by itself.
    pub checked_at: Timestamp,
    /// Whether the newest register document names it: it is then as fresh as everything that a token covers.
    pub listed: bool,
}

/// The register entry of an organisation.
pub fn organisation(db: &Connection, vault: &Vault, uscc: &Uscc) -> Result<Option<Registered>, StoreError> {
    let holder = HolderId::Organisation(uscc.clone());
    let row: Option<(Vec<u8>, i64, bool)> = db
        .prepare_cached("SELECT sealed, checked_at, listed FROM organisation WHERE uscc = ?1")?
        .query_row([vault.index("holder", &holder.key())], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((sealed, checked_at, listed)) = row else { return Ok(None) };
    let organisation = serde_json::from_slice(&vault.open_of(&holder, &sealed)?)?;
    Ok(Some(Registered { organisation, checked_at: Timestamp(checked_at), listed }))
}

fn licence_index(vault: &Vault, licence: &LicenceId) -> Vec<u8> {
    vault.index("licence", licence.as_str())
}
