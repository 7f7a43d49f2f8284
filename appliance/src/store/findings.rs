//! 待处理: what the centre decided against expectation, and what went wrong here, each with what to do.

use crate::vault::Vault;
use hall_domain::Timestamp;
use hall_domain::case::AccountName;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

const SEALED: &str = "finding";
/// Where the note stands in [`FINDING`].
const NOTE: usize = 11;

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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Info, Self::Attention, Self::Harm];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Attention => "attention",
            Self::Harm => "harm",
        }
    }
}

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// 未处理.
    Open,
    /// 处理中: somebody has taken it on.
    Taken,
    /// 已处理.
    Handled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Taken, Self::Handled];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Handled => "handled",
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
    /// How much it matters.
    pub severity: Severity,
    /// The item of that case; may be empty.
    pub item: String,
    /// Where it stands.
    pub state: State,
    /// Who took it on or handled it; empty while it is open.
    pub handled_by: String,
    /// When they did.
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

const FINDING: &str = "SELECT f.id, f.at, f.kind, f.case_no, f.case_id, f.what, f.todo, f.severity, f.state,
     f.handled_by, f.handled_at, f.note, coalesce(c.item_name, '')
     FROM finding f LEFT JOIN cases c ON c.id = f.case_id";

/// Findings in a state, or all; the worst and oldest on top, handled ones below with the last on top.
pub fn list(
    db: &Connection,
    vault: &Vault,
    state: Option<State>,
    most: u32,
) -> rusqlite::Result<Vec<Finding>> {
    db.prepare_cached(&format!(
        "{FINDING} WHERE (?1 = '' OR f.state = ?1)
         ORDER BY f.state = 'handled', -f.handled_at * (f.state = 'handled'),
             CASE f.severity WHEN 'harm' THEN 0 WHEN 'attention' THEN 1 ELSE 2 END, f.at LIMIT ?2"
    ))?
    .query_map(params![state.map_or("", State::as_str), most], |row| finding(row, vault))?
    .collect()
}

/// A finding by its number.
pub fn find(db: &Connection, vault: &Vault, id: i64) -> rusqlite::Result<Option<Finding>> {
    db.prepare_cached(&format!("{FINDING} WHERE f.id = ?1"))?
        .query_row([id], |row| finding(row, vault))
        .optional()
}

/// Findings of one case.
pub fn of_case(db: &Connection, vault: &Vault, case_no: &str) -> rusqlite::Result<Vec<Finding>> {
    db.prepare_cached(&format!("{FINDING} WHERE f.case_no = ?1 ORDER BY f.at"))?
        .query_map([case_no], |row| finding(row, vault))?
        .collect()
}

/// Takes back a finding that has gone by itself, unless somebody has taken it on.
pub fn withdraw(tx: &Connection, key: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM finding WHERE key = ?1 AND state = 'open'", [key])?;
    Ok(())
}

/// How many are in a state.
pub fn count(db: &Connection, state: State) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM finding WHERE state = ?1", [state.as_str()], |row| row.get(0))
}

/// How many are open.
pub fn open_count(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM finding WHERE state = 'open'", [], |row| row.get(0))
}

/// Whether somebody is harmed by one that is open.
pub fn open_harm(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM finding WHERE state = 'open' AND severity = 'harm')",
        [],
        |row| row.get(0),
    )
}

/// Notes that somebody takes a finding on; false if it is no longer open.
pub fn take(tx: &Connection, id: i64, by: &AccountName, now: Timestamp) -> rusqlite::Result<bool> {
    let changed = tx.execute(
        "UPDATE finding SET state = 'taken', handled_by = ?2, handled_at = ?3 WHERE id = ?1 AND state = 'open'",
        params![id, by.as_str(), now.0],
    )?;
    Ok(changed > 0)
}

/// Marks a finding as handled; false if somebody did so before.
pub fn handle(
    tx: &Connection,
    vault: &Vault,
    id: i64,
    by: &AccountName,
    note: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let changed = tx.execute(
        "UPDATE finding SET state = 'handled', handled_by = ?2, handled_at = ?3, note = ?4
         WHERE id = ?1 AND state <> 'handled'",
        params![id, by.as_str(), now.0, sealed(vault, note)],
    )?;
    Ok(changed > 0)
}

/// Marks what the centre said earlier about a case as handled, because it has changed its mind: `keys` is the common
/// beginning of their keys.
pub fn settle(
    tx: &Connection,
    vault: &Vault,
    keys: &str,
    note: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE finding SET state = 'handled', handled_at = ?2, note = ?3
         WHERE substr(key, 1, length(?1)) = ?1 AND state <> 'handled'",
        params![keys, now.0, sealed(vault, note)],
    )?;
    Ok(())
}

/// A note as it is stored: what somebody writes may name somebody.
fn sealed(vault: &Vault, note: &str) -> Vec<u8> {
    match note {
        "" => Vec::new(),
        note => vault.seal(SEALED, note.as_bytes()),
    }
}

fn note(vault: &Vault, sealed: &[u8]) -> rusqlite::Result<String> {
    let unreadable = |error| rusqlite::Error::FromSqlConversionFailure(NOTE, Type::Blob, error);
    if sealed.is_empty() {
        return Ok(String::new());
    }
    let plain = vault.open(SEALED, sealed).map_err(|error| unreadable(error.into()))?;
    String::from_utf8(plain).map_err(|error| unreadable(error.into()))
}

fn finding(row: &Row<'_>, vault: &Vault) -> rusqlite::Result<Finding> {
    let (severity, state): (String, String) = (row.get(7)?, row.get(8)?);
    Ok(Finding {
        id: row.get(0)?,
        at: Timestamp(row.get(1)?),
        kind: row.get(2)?,
        case_no: row.get(3)?,
        case_id: row.get(4)?,
        what: row.get(5)?,
        todo: row.get(6)?,
        severity: Severity::ALL
            .into_iter()
            .find(|known| known.as_str() == severity)
            .unwrap_or(Severity::Harm),
        item: row.get(12)?,
        state: State::ALL.into_iter().find(|known| known.as_str() == state).unwrap_or(State::Open),
        handled_by: row.get(9)?,
        handled_at: Timestamp(row.get(10)?),
        note: note(vault, row.get_ref(NOTE)?.as_blob()?)?,
    })
}
