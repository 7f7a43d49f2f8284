//! The projection of entries to cases, and what was decided about them.

use super::super::{Awaiting, Counts, StoreError};
use super::{Fail, consents, feeds, from_json, int, to_json, uint};
use crate::casefile::{CaseEntry, CaseFile};
use hall_domain::case::CaseNo;
use hall_ledger::disposition::Disposition;
use hall_ledger::feed::Change;
use hall_ledger::{LogId, Signed};
use rusqlite::{Connection, OptionalExtension, params};

/// Folds one entry into its case. Runs in the transaction that stores the entry.
pub(crate) fn apply(tx: &Connection, log: i64, id: LogId, hall: &str, entry: CaseEntry) -> Result<(), Fail> {
    let case = &entry.record.case;
    let body: Option<String> = tx
        .query_row(
            "SELECT body FROM casefile WHERE log = ?1 AND case_id = ?2",
            params![log, case.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    let mut file = match body {
        Some(body) => read(&body)?,
        None => CaseFile::new(id, hall, case.clone(), entry.record.no.clone()),
    };
    consents::fold(tx, id, hall, &entry)?;
    file.apply(entry);
    write(tx, log, &file)
}

fn write(tx: &Connection, log: i64, file: &CaseFile) -> Result<(), Fail> {
    let body = to_json("case", file)?;
    let submitted = file.submission.as_ref().map_or(-1, |submission| int(submission.seq));
    tx.execute(
        "INSERT INTO casefile (log, case_id, case_no, submitted_seq, awaiting, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (log, case_id) DO UPDATE SET
             submitted_seq = excluded.submitted_seq, awaiting = excluded.awaiting, body = excluded.body",
        params![log, file.case.as_str(), file.no.as_str(), submitted, file.awaits_disposition(), body],
    )?;
    Ok(())
}

pub(crate) fn read(body: &str) -> Result<CaseFile, Fail> {
    from_json("case", body)
}

pub(crate) fn awaiting(db: &Connection, after: u64, limit: u32) -> Result<Vec<Awaiting>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT no, body FROM casefile WHERE awaiting = 1 AND no > ?1 ORDER BY no LIMIT ?2",
    )?;
    let rows = query
        .query_map(params![int(after), limit], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (no, body) = row?;
        Ok(Awaiting { row: uint(no), case: read(&body).map_err(StoreError::from) })
    })
    .collect()
}

/// The case, the disposition and the feed item are one transaction: a hall hears of a judgement exactly once.
pub(crate) fn judge(
    tx: &Connection,
    disposition: Disposition,
    signed: Signed<Disposition>,
) -> Result<bool, Fail> {
    let found: Option<(i64, String)> = tx
        .query_row(
            "SELECT casefile.log, body FROM casefile JOIN log ON log.no = casefile.log
             WHERE log.name = ?1 AND submitted_seq = ?2 AND awaiting = 1",
            params![disposition.log.to_string(), int(disposition.seq)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((log, body)) = found else { return Ok(false) };
    let mut file = read(&body)?;
    let at = disposition.decided_at;
    file.disposition = Some(disposition);
    write(tx, log, &file)?;
    feeds::add(tx, &feeds::Addition { hall: file.hall, at, change: Change::Disposition(signed) })?;
    Ok(true)
}

pub(crate) fn newest(db: &Connection, limit: u32) -> Result<Vec<CaseFile>, Fail> {
    let mut query = db.prepare_cached("SELECT body FROM casefile ORDER BY no DESC LIMIT ?1")?;
    let rows = query.query_map([limit], |row| row.get::<_, String>(0))?;
    rows.map(|body| read(&body?)).collect()
}

pub(crate) fn by_number(db: &Connection, no: &CaseNo) -> Result<Option<CaseFile>, Fail> {
    let body: Option<String> = db
        .query_row(
            "SELECT body FROM casefile WHERE case_no = ?1 ORDER BY no DESC LIMIT 1",
            [no.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    body.map(|body| read(&body)).transpose()
}

pub(crate) fn counts(db: &Connection) -> Result<Counts, Fail> {
    let counts = db.query_row(
        "SELECT (SELECT COUNT(*) FROM hall), (SELECT COUNT(*) FROM log), (SELECT COALESCE(SUM(size), 0) FROM log),
                (SELECT COUNT(*) FROM entry WHERE read = 0), (SELECT COUNT(*) FROM casefile),
                (SELECT COUNT(*) FROM casefile WHERE awaiting = 1),
                (SELECT COUNT(*) FROM licence WHERE current = 1)",
        [],
        |row| {
            let count = |n: usize| row.get::<_, i64>(n).map(uint);
            Ok(Counts {
                halls: count(0)?,
                logs: count(1)?,
                entries: count(2)?,
                unread: count(3)?,
                cases: count(4)?,
                awaiting: count(5)?,
                licences: count(6)?,
            })
        },
    )?;
    Ok(counts)
}
