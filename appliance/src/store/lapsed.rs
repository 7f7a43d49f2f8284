//! 证照失效: what the centre found about licences that a case had used. What was opened stays in the record of the case;
//! this table stands beside it, so that nobody takes an old copy for a good one.

use super::StoreError;
use crate::vault::Vault;
use hall_domain::case::CaseId;
use hall_ledger::disposition::LicenceFinding;
use rusqlite::{Connection, OptionalExtension, params};

const SEALED: &str = "lapsed";

/// Keeps what a judgement found; a later judgement takes the place of an earlier one, also when it found nothing.
///
/// # Errors
/// When the database does not take it.
pub fn set(
    tx: &Connection,
    vault: &Vault,
    case: &CaseId,
    found: &[LicenceFinding],
) -> Result<(), StoreError> {
    if found.is_empty() {
        tx.execute("DELETE FROM lapsed WHERE case_id = ?1", [case.as_str()])?;
        return Ok(());
    }
    let sealed = vault.seal(SEALED, &serde_json::to_vec(found)?);
    tx.execute(
        "INSERT INTO lapsed (case_id, found) VALUES (?1, ?2)
         ON CONFLICT (case_id) DO UPDATE SET found = excluded.found",
        params![case.as_str(), sealed],
    )?;
    Ok(())
}

/// What was found about the licences of a case.
///
/// # Errors
/// When the database does not answer, or the row is damaged.
pub fn of_case(db: &Connection, vault: &Vault, case: &CaseId) -> Result<Vec<LicenceFinding>, StoreError> {
    let sealed: Option<Vec<u8>> = db
        .prepare_cached("SELECT found FROM lapsed WHERE case_id = ?1")?
        .query_row([case.as_str()], |row| row.get(0))
        .optional()?;
    sealed
        .map(|sealed| Ok(serde_json::from_slice(&vault.open(SEALED, &sealed)?)?))
        .transpose()
        .map(Option::unwrap_or_default)
}
