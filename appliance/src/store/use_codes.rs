//! 用证码兑换: the province's code for each use that the box had given a code of its own. The box's code is part of the
//! record of the use and is never written over; this table stands beside it.

use hall_domain::Timestamp;
use hall_domain::case::CaseId;
use hall_ledger::disposition::ExchangedCode;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Keeps what the centre exchanged. A later judgement's code takes the place of an earlier one's.
pub fn exchange(
    tx: &Connection,
    case: &CaseId,
    codes: &[ExchangedCode],
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO use_code (case_id, local, code, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (case_id, local) DO UPDATE SET code = excluded.code, at = excluded.at
         WHERE excluded.at >= use_code.at",
    )?;
    for exchanged in codes {
        insert.execute(params![case.as_str(), exchanged.local, exchanged.code.as_str(), at.0])?;
    }
    Ok(())
}

/// The province's code for each of the box's codes of a case.
pub fn of_case(db: &Connection, case: &CaseId) -> rusqlite::Result<BTreeMap<String, String>> {
    db.prepare_cached("SELECT local, code FROM use_code WHERE case_id = ?1")?
        .query_map([case.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
