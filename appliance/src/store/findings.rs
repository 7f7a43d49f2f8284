//! 待处理: what the centre decided against expectation, and what went wrong here, each with what to do.

use crate::vault::Vault;
use hall_domain::Timestamp;
use hall_domain::case::AccountName;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

const SEALED: &str = "finding";
/// Where the note stands in [`FINDING`].
const NOTE: usize = 11;
/// Within so many days a deadline is near.
pub const NEAR_DAYS: i64 = 2;

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
    /// Until when something has to be done.
    pub deadline: Option<Timestamp>,
    /// Who took it on; empty while nobody has.
    pub taken_by: String,
    /// When they did.
    pub taken_at: Timestamp,
}

impl Finding {
    /// 已超期: its deadline is past and it is not handled.
    pub fn overdue(&self, now: Timestamp) -> bool {
        self.state != State::Handled && self.deadline.is_some_and(|deadline| deadline < now)
    }

    /// Whether its deadline is past or near.
    pub fn pressing(&self, now: Timestamp) -> bool {
        let near = now.plus_hours(24 * NEAR_DAYS);
        self.state != State::Handled && self.deadline.is_some_and(|deadline| deadline < near)
    }
}

/// Which findings are asked for. Empty fields ask for all.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// In this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: String,
    /// That matter so much.
    pub severity: Option<Severity>,
    /// About this clerk's cases, or taken on or handled by them.
    pub of: Option<AccountName>,
}

/// Adds a finding, once for each key. One that had gone by itself is opened again when it comes back later.
pub fn add(tx: &Connection, finding: &NewFinding<'_>) -> rusqlite::Result<()> {
    add_due(tx, finding, None)
}

/// The same, with the time until which something has to be done.
pub fn add_due(
    tx: &Connection,
    finding: &NewFinding<'_>,
    deadline: Option<Timestamp>,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO finding (key, at, kind, case_no, case_id, what, todo, severity, state, deadline)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', ?9)
         ON CONFLICT (key) DO UPDATE SET state = 'open', at = excluded.at, deadline = excluded.deadline,
             what = excluded.what, todo = excluded.todo, taken_by = '', taken_at = 0, handled_at = 0, note = x''
         WHERE finding.state = 'handled' AND finding.handled_by = '' AND excluded.at > finding.handled_at",
        params![
            finding.key,
            finding.at.0,
            finding.kind,
            finding.case_no,
            finding.case_id,
            finding.what,
            finding.todo,
            finding.severity.as_str(),
            deadline.map_or(0, |deadline| deadline.0)
        ],
    )?;
    Ok(())
}

const FINDING: &str = "SELECT f.id, f.at, f.kind, f.case_no, f.case_id, f.what, f.todo, f.severity, f.state,
     f.handled_by, f.handled_at, f.note, coalesce(c.item_name, ''), f.deadline, f.taken_by, f.taken_at
     FROM finding f LEFT JOIN cases c ON c.id = f.case_id";

/// What [`Wanted`] asks of a row, with its values as parameters 1 to 4.
const WANTED: &str = "(?1 = '' OR f.state = ?1) AND (?2 = '' OR f.kind = ?2) AND (?3 = '' OR f.severity = ?3)
     AND (?4 = '' OR f.taken_by = ?4 OR f.handled_by = ?4 OR c.clerk = ?4)";

/// The findings asked for; the worst and oldest on top, handled ones below with the last on top.
pub fn list(db: &Connection, vault: &Vault, wanted: &Wanted, most: u32) -> rusqlite::Result<Vec<Finding>> {
    db.prepare_cached(&format!(
        "{FINDING} WHERE {WANTED}
         ORDER BY f.state = 'handled', -f.handled_at * (f.state = 'handled'),
             CASE f.severity WHEN 'harm' THEN 0 WHEN 'attention' THEN 1 ELSE 2 END, f.at LIMIT ?5"
    ))?
    .query_map(
        params![
            wanted.state.map_or("", State::as_str),
            wanted.kind,
            wanted.severity.map_or("", Severity::as_str),
            wanted.of.as_ref().map_or("", |account| account.as_str()),
            most
        ],
        |row| finding(row, vault),
    )?
    .collect()
}

/// The kinds that there are in a state, or in all, for a filter.
pub fn kinds(db: &Connection, state: Option<State>) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT DISTINCT kind FROM finding WHERE ?1 = '' OR state = ?1 ORDER BY kind")?
        .query_map([state.map_or("", State::as_str)], |row| row.get(0))?
        .collect()
}

/// A finding by its number.
pub fn find(db: &Connection, vault: &Vault, id: i64) -> rusqlite::Result<Option<Finding>> {
    db.prepare_cached(&format!("{FINDING} WHERE f.id = ?1"))?
        .query_row([id], |row| finding(row, vault))
        .optional()
}

/// What an unhandled finding of this key says.
pub fn said(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT what FROM finding WHERE key = ?1 AND state <> 'handled'", [key], |row| row.get(0))
        .optional()
}

/// Findings of one case.
pub fn of_case(db: &Connection, vault: &Vault, case_no: &str) -> rusqlite::Result<Vec<Finding>> {
    db.prepare_cached(&format!("{FINDING} WHERE f.case_no = ?1 ORDER BY f.at"))?
        .query_map([case_no], |row| finding(row, vault))?
        .collect()
}

/// Closes a finding that has gone by itself, unless somebody has taken it on. It stays among the handled ones.
pub fn resolve(
    tx: &Connection,
    vault: &Vault,
    key: &str,
    note: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE finding SET state = 'handled', handled_at = ?2, note = ?3 WHERE key = ?1 AND state = 'open'",
        params![key, now.0, sealed(vault, note)],
    )?;
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

/// How many are past their deadline and not handled.
pub fn overdue_count(db: &Connection, now: Timestamp) -> rusqlite::Result<u32> {
    let sql = "SELECT count(*) FROM finding WHERE state <> 'handled' AND deadline > 0 AND deadline < ?1";
    db.query_row(sql, [now.0], |row| row.get(0))
}

/// How many wait for somebody: open, or taken on and past their deadline.
pub fn due_count(db: &Connection, now: Timestamp) -> rusqlite::Result<u32> {
    let sql = "SELECT count(*) FROM finding
         WHERE state = 'open' OR (state = 'taken' AND deadline > 0 AND deadline < ?1)";
    db.query_row(sql, [now.0], |row| row.get(0))
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
        "UPDATE finding SET state = 'taken', taken_by = ?2, taken_at = ?3, handled_by = ?2, handled_at = ?3
         WHERE id = ?1 AND state = 'open'",
        params![id, by.as_str(), now.0],
    )?;
    Ok(changed > 0)
}

/// 交回: whoever took a finding on gives it back; false if it is not theirs any more.
pub fn give_back(tx: &Connection, id: i64, by: &AccountName) -> rusqlite::Result<bool> {
    let changed = tx.execute(
        "UPDATE finding SET state = 'open', taken_by = '', taken_at = 0, handled_by = '', handled_at = 0
         WHERE id = ?1 AND state = 'taken' AND taken_by = ?2",
        params![id, by.as_str()],
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
        deadline: Some(row.get(13)?).filter(|at| *at != 0).map(Timestamp),
        taken_by: row.get(14)?,
        taken_at: Timestamp(row.get(15)?),
    })
}
