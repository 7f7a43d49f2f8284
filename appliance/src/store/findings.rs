//! 待处理: what the centre decided against expectation, and what went wrong here, each with what to do.

use hall_domain::Timestamp;
use hall_domain::case::AccountName;
use rusqlite::{Connection, Row, params};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// For information.
    Info,
    /// Somebody has to do something.
    Attention,
    /// Somebody is harmed if nothing is done.
    Harm,
}

impl Severity {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Attention => "attention",
            Self::Harm => "harm",
        }
    }
}

/// A finding to be stored.
#[derive(Debug, Clone)]
pub struct NewFinding<'a> {
    /// What makes it the same finding when it comes again.
    pub key: &'a str,
    /// When it arose.
    pub at: Timestamp,
    /// Its kind, a word for filters.
    pub kind: &'a str,
    /// The case it is about.
    pub case_no: &'a str,
    /// The same, as the machine names it.
    pub case_id: &'a str,
    /// What happened, in Chinese. Nothing personal.
    pub what: &'a str,
    /// What to do.
    pub todo: &'a str,
    /// How much it matters.
    pub severity: Severity,
}

/// A finding as it is shown.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its number.
    pub id: i64,
    /// When it arose.
    pub at: Timestamp,
    /// Its kind.
    pub kind: String,
    /// The case it is about; may be empty.
    pub case_no: String,
    /// The same, as the machine names it; may be empty.
    pub case_id: String,
    /// What happened.
    pub what: String,
    /// What to do.
    pub todo: String,
    /// `info`, `attention` or `harm`.
    pub severity: String,
    /// Whether somebody handled it.
    pub handled: bool,
    /// Who; empty while it is open.
    pub handled_by: String,
    /// When.
    pub handled_at: Timestamp,
    /// What was done.
    pub note: String,
}

/// Adds a finding, once for each key.
pub fn add(tx: &Connection, finding: &NewFinding<'_>) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO finding (key, at, kind, case_no, case_id, what, todo, severity, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open') ON CONFLICT (key) DO NOTHING",
        params![
            finding.key,
            finding.at.0,
            finding.kind,
            finding.case_no,
            finding.case_id,
            finding.what,
            finding.todo,
            finding.severity.as_str()
        ],
    )?;
    Ok(())
}

/// Findings, open ones first and the worst of them on top.
pub fn list(db: &Connection, handled: bool, most: u32) -> rusqlite::Result<Vec<Finding>> {
    db.prepare_cached(
        "SELECT id, at, kind, case_no, case_id, what, todo, severity, state, handled_by, handled_at, note
         FROM finding WHERE state = ?1
         ORDER BY CASE severity WHEN 'harm' THEN 0 WHEN 'attention' THEN 1 ELSE 2 END, at DESC LIMIT ?2",
    )?
    .query_map(params![if handled { "handled" } else { "open" }, most], finding)?
    .collect()
}

/// Findings of one case.
pub fn of_case(db: &Connection, case_no: &str) -> rusqlite::Result<Vec<Finding>> {
    db.prepare_cached(
        "SELECT id, at, kind, case_no, case_id, what, todo, severity, state, handled_by, handled_at, note
         FROM finding WHERE case_no = ?1 ORDER BY at",
    )?
    .query_map([case_no], finding)?
    .collect()
}

/// How many are open.
pub fn open_count(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM finding WHERE state = 'open'", [], |row| row.get(0))
}

/// Whether somebody is harmed by one that is open.
pub fn open_harm(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM finding WHERE state = 'open' AND severity = 'harm')", [], |row| {
        row.get(0)
    })
}

/// Marks a finding as handled; false if somebody did so before.
pub fn handle(
    tx: &Connection,
    id: i64,
    by: &AccountName,
    note: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let changed = tx.execute(
        "UPDATE finding SET state = 'handled', handled_by = ?2, handled_at = ?3, note = ?4
         WHERE id = ?1 AND state = 'open'",
        params![id, by.as_str(), now.0, note],
    )?;
    Ok(changed > 0)
}

fn finding(row: &Row<'_>) -> rusqlite::Result<Finding> {
    let state: String = row.get(8)?;
    Ok(Finding {
        id: row.get(0)?,
        at: Timestamp(row.get(1)?),
        kind: row.get(2)?,
        case_no: row.get(3)?,
        case_id: row.get(4)?,
        what: row.get(5)?,
        todo: row.get(6)?,
        severity: row.get(7)?,
        handled: state == "handled",
        handled_by: row.get(9)?,
        handled_at: Timestamp(row.get(10)?),
        note: row.get(11)?,
    })
}
