//! Cached licences and register entries: found by blind index, sealed to their holders.

use super::StoreError;
use crate::reception::decide;
use crate::vault::{Unsealable, Vault};
use hall_domain::case::CaseId;
use hall_domain::{HolderId, LicenceId, LicenceStatus, Organisation, Timestamp, Uscc};
use hall_ledger::envelope::{Filing, IssuedEnvelope};
use rusqlite::{Connection, OptionalExtension, params};

/// Bytes of a blind index in these tables: no two of a province's licences meet in 128 bits.
const INDEX: usize = 16;
/// So many licences are put without further memory.
const FEW: usize = 512;
/// Memory for the pages of one transaction with many licences, in KiB.
const BULK_KIB: i32 = 65_536;
/// Memory for pages otherwise, in KiB: as SQLite has it by itself.
const USUAL_KIB: i32 = 2_000;
/// A case that nobody has touched for so long does not keep what was fetched for it.
pub(super) const UNTOUCHED_MS: i64 = 30 * 86_400_000;

/// The blind index of a licence or a holder.
pub type Index = [u8; INDEX];

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

/// Why a licence comes into the cache.
#[derive(Debug, Clone, Copy)]
pub enum Reason<'a> {
    /// 范围: the centre put it into the scope of this hall.
    Scope,
    /// The centre was asked for it, for this case, and told its status. If it is in no scope, it leaves with the case.
    Asked {
        /// Which case.
        case: &'a CaseId,
        /// 证照状态.
        status: LicenceStatus,
        /// As of when.
        at: Timestamp,
    },
}

/// A licence that is sealed and ready for its row: the slow part of putting it, done before any transaction.
pub struct Sealed {
    licence: Index,
    holder: Index,
    version: u16,
    checked_at: Timestamp,
    expires_at: Timestamp,
    sealed: Vec<u8>,
}

impl Sealed {
    /// Seals a licence to its holder.
    pub fn new(vault: &Vault, issued: &IssuedEnvelope, filing: &Filing) -> Self {
        Self {
            licence: licence_index(vault, &filing.licence),
            holder: holder_index(vault, &issued.holder),
            version: filing.version,
            checked_at: filing.checked_at,
            expires_at: filing.expires_at,
            sealed: vault.seal_to(&issued.holder, &hall_ledger::cbor::pack(issued)),
        }
    }

    /// Its columns: blind index of the licence, of the holder, and the sealed value. For filling a cache in bulk.
    pub fn into_columns(self) -> (Index, Index, Vec<u8>) {
        (self.licence, self.holder, self.sealed)
    }
}

/// Puts a licence into the cache. An older version than the cached one, or an older look at the same, changes nothing
/// but its reason to be here.
pub fn put(tx: &Connection, new: &Sealed, reason: Reason<'_>) -> rusqlite::Result<()> {
    let (scope, told) = match reason {
        Reason::Scope => (true, None),
        Reason::Asked { status, at, .. } => (false, Some((status, at))),
    };
    // A new look says nothing about the status unless it was told: what is known of it stays.
    let (status, status_at) = told.unwrap_or((LicenceStatus::Valid, new.checked_at));
    let put = tx
        .prepare_cached(
            "INSERT INTO licence (licence, holder, version, status, status_at, checked_at, expires_at, scope, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (licence) DO UPDATE SET
                 holder = ?2, version = ?3, checked_at = ?6, expires_at = ?7, scope = max(scope, ?8), sealed = ?9
             WHERE version < ?3 OR (version = ?3 AND checked_at <= ?6)",
        )?
        .execute(params![
        new.licence,
        new.holder,
        new.version,
        status.bits(),
        status_at.0,
        new.checked_at.0,
        new.expires_at.0,
        scope,
        new.sealed,
    ])?;
    if let Some((status, at)) = told {
        note_status(tx, &new.licence, status, at)?;
    }
    match reason {
        Reason::Scope if put > 0 => {}
        Reason::Scope => {
            tx.prepare_cached("UPDATE licence SET scope = 1 WHERE licence = ?1 AND scope = 0")?
                .execute([new.licence])?;
        }
        Reason::Asked { case, .. } => {
            tx.prepare_cached(
                "INSERT OR IGNORE INTO licence_case (licence, case_id)
                 SELECT licence, ?2 FROM licence WHERE licence = ?1 AND scope = 0",
            )?
            .execute(params![new.licence, case.as_str()])?;
        }
    }
    Ok(())
}

/// Puts many licences of the hall's scope, as [`put`] does each. Two of the same licence count in their order.
///
/// The indexes of a large cache are in random order. Walking them in the order of one of them, with the pages of this one
/// transaction kept in memory until it ends, takes a third off.
pub fn put_all(tx: &Connection, mut new: Vec<Sealed>) -> rusqlite::Result<()> {
    new.sort_by_key(|sealed| sealed.licence);
    let bulk = new.len() > FEW;
    if bulk {
        tx.pragma_update(None, "cache_size", -BULK_KIB)?;
    }
    let done = new.iter().try_for_each(|sealed| put(tx, sealed, Reason::Scope));
    if bulk {
        tx.pragma_update(None, "cache_size", -USUAL_KIB)?;
    }
    done
}

/// Notes a change of status. A change older than the known one is history.
pub fn set_status(
    tx: &Connection,
    vault: &Vault,
    licence: &LicenceId,
    status: LicenceStatus,
    at: Timestamp,
) -> rusqlite::Result<()> {
    note_status(tx, &licence_index(vault, licence), status, at)
}

fn note_status(
    tx: &Connection,
    licence: &Index,
    status: LicenceStatus,
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE licence SET status = ?2, status_at = ?3 WHERE licence = ?1 AND status_at <= ?3",
    )?
    .execute(params![licence, status.bits(), at.0])?;
    Ok(())
}

/// Takes a licence out of the cache. Gives its index if it was there.
pub fn forget(tx: &Connection, vault: &Vault, licence: &LicenceId) -> rusqlite::Result<Option<Index>> {
    let licence = licence_index(vault, licence);
    Ok(delete(tx, &licence)?.then_some(licence))
}

/// Takes a licence out of the cache, by its index. Says whether it was there.
pub fn delete(tx: &Connection, licence: &Index) -> rusqlite::Result<bool> {
    tx.prepare_cached("DELETE FROM licence_case WHERE licence = ?1")?.execute([licence])?;
    Ok(tx.prepare_cached("DELETE FROM licence WHERE licence = ?1")?.execute([licence])? > 0)
}

/// Licences past the day until which a cache may use them.
pub fn expired(db: &Connection, now: Timestamp, most: u32) -> rusqlite::Result<Vec<Index>> {
    db.prepare_cached("SELECT licence FROM licence WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2")?
        .query_map(params![now.0, most], |row| row.get(0))?
        .collect()
}

/// Licences that are in no scope of this hall, and whose cases are submitted, given up a while ago, or forgotten. What
/// was opened for a case is in the case.
pub fn of_ended_cases(db: &Connection, now: Timestamp, most: u32) -> rusqlite::Result<Vec<Index>> {
    let (given_up, untouched) = (now.plus_ms(-decide::REOPEN_MS), now.plus_ms(-UNTOUCHED_MS));
    db.prepare_cached(
        "SELECT licence FROM licence l WHERE scope = 0 AND NOT EXISTS (
             SELECT 1 FROM licence_case o JOIN cases c ON c.id = o.case_id
             WHERE o.licence = l.licence AND c.step <> 'submitted'
               AND c.updated_at >= CASE c.step WHEN 'abandoned' THEN ?1 ELSE ?2 END)
         ORDER BY id LIMIT ?3",
    )?
    .query_map(params![given_up.0, untouched.0, most], |row| row.get(0))?
    .collect()
}

/// Every cached licence of a holder.
pub fn of_holder(db: &Connection, vault: &Vault, holder: &HolderId) -> Result<Vec<Cached>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT sealed, status, status_at FROM licence WHERE holder = ?1")?;
    let mut rows = statement.query([holder_index(vault, holder)])?;
    let opener = vault.of_holder(holder);
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = opener.open(row.get_ref(0)?.as_blob().map_err(|_| Unsealable)?)?;
        // The seal is the box's own: these are the bytes that it wrote.
        let issued = hall_ledger::cbor::reread(&bytes).map_err(|_| Unsealable)?;
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

fn licence_index(vault: &Vault, licence: &LicenceId) -> Index {
    short(&vault.index("licence", licence.as_str()))
}

pub(super) fn holder_index(vault: &Vault, holder: &HolderId) -> Index {
    short(&vault.index("holder", &holder.key()))
}

fn short(index: &[u8]) -> Index {
    let mut short = [0; INDEX];
    short.copy_from_slice(&index[..INDEX]);
    short
}

#[cfg(test)]
mod tests;
