//! 办件 as rows: the folded case sealed, beside it only what lists and searches need.

use super::accounts::parsed;
use crate::vault::Vault;
use hall_domain::case::{AccountName, Case, CaseId, CaseNo, Step, WindowId};
use hall_domain::{ApplicantKind, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

const SEALED: &str = "case";

/// A case with how often it has changed.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The case.
    pub case: Case,
    /// Events applied so far.
    pub rev: u64,
}

/// One line of a list of cases. Nothing personal.
#[derive(Debug, Clone)]
pub struct Line {
    /// The machine's name of the case.
    pub id: CaseId,
    /// 办件编号.
    pub no: CaseNo,
    /// Its window.
    pub window: WindowId,
    /// Who opened it.
    pub clerk: AccountName,
    /// The item's name.
    pub item_name: String,
    /// 个人 or 法人.
    pub applicant: String,
    /// Where it stands: identify, list, consent, form, submitted, abandoned.
    pub step: String,
    /// The policy's outcome, once submitted.
    pub outcome: String,
    /// The centre's disposition, once known.
    pub disposition: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which cases a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this clerk's.
    pub clerk: Option<AccountName>,
    /// `open`, `submitted`, `abandoned`, or all.
    pub state: String,
    /// Opened at or after.
    pub since: Option<Timestamp>,
    /// 办件编号 (or its end), item, the applicant's full number or full name.
    pub search: String,
}

/// The next number of a day, `<hall>-<yyyymmdd>-<counter>`.
pub fn next_no(tx: &Connection, hall: &str, day: &str) -> rusqlite::Result<String> {
    let last: i64 = tx.query_row(
        "INSERT INTO case_counter (day, last) VALUES (?1, 1)
         ON CONFLICT (day) DO UPDATE SET last = last + 1 RETURNING last",
        [day],
        |row| row.get(0),
    )?;
    Ok(format!("{hall}-{day}-{last:05}"))
}

/// Writes a case as it now is.
pub fn put(tx: &Connection, vault: &Vault, stored: &Stored) -> Result<(), super::StoreError> {
    let case = &stored.case;
    let state = serde_json::to_vec(case)?;
    let card = case.identity.as_ref().map(|identity| &identity.card);
    let number = match (case.applicant, &case.organisation) {
        (ApplicantKind::Organisation, Some(known)) => Some(known.uscc.to_string()),
        _ => card.map(|card| card.document.number().to_owned()),
    };
    let name = match (case.applicant, &case.organisation) {
        (ApplicantKind::Organisation, Some(known)) => {
            known.register.as_ref().map(|register| register.name.clone())
        }
        _ => card.map(|card| card.name.clone()),
    };
    let index = |context: &str, text: Option<String>| {
        text.map(|text| vault.index(context, &text)).unwrap_or_default()
    };
    let outcome =
        case.submission.as_ref().map(|done| outcome_key(done.judgement.outcome)).unwrap_or_default();
    tx.prepare_cached(
        "INSERT INTO cases (id, no, window, clerk, item, item_name, applicant, step, outcome, opened_at, updated_at,
             sealed, number_index, name_index, rev, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (id) DO UPDATE SET step = ?8, outcome = ?9, updated_at = ?11, sealed = ?12,
             number_index = ?13, name_index = ?14, rev = ?15, state = ?16",
    )?
    .execute(params![
        case.id.as_str(),
        case.no.as_str(),
        case.window.as_str(),
        case.clerk.as_str(),
        case.item.to_string(),
        case.item_name,
        applicant_key(case.applicant),
        step_key(case.step()),
        outcome,
        case.opened_at.0,
        case.updated_at.0,
        case.package.is_some(),
        index("number", number),
        index("name", name),
        i64::try_from(stored.rev).unwrap_or(i64::MAX),
        vault.seal(SEALED, &state)
    ])?;
    Ok(())
}

/// The case of that id.
pub fn find(db: &Connection, vault: &Vault, id: &CaseId) -> Result<Option<Stored>, super::StoreError> {
    let row: Option<(Vec<u8>, i64)> = db
        .prepare_cached("SELECT state, rev FROM cases WHERE id = ?1")?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((sealed, rev)) = row else { return Ok(None) };
    let case = serde_json::from_slice(&vault.open(SEALED, &sealed)?)?;
    Ok(Some(Stored { case, rev: u64::try_from(rev).unwrap_or_default() }))
}

/// The id of a case number.
pub fn id_of(db: &Connection, no: &str) -> rusqlite::Result<Option<CaseId>> {
    db.query_row("SELECT id FROM cases WHERE no = ?1", [no], |row| parsed(row, 0)).optional()
}

/// Cases that fit a filter, newest first.
pub fn list(db: &Connection, vault: &Vault, filter: &Filter, most: u32) -> rusqlite::Result<Vec<Line>> {
    let search = filter.search.trim();
    let like = format!("%{}%", search.replace(['%', '_'], ""));
    db.prepare_cached(
        "SELECT id, no, window, clerk, item_name, applicant, step, outcome, disposition, opened_at, updated_at
         FROM cases
         WHERE (?1 = '' OR clerk = ?1) AND opened_at >= ?2
           AND (?3 = '' OR (?3 = 'open' AND step NOT IN ('submitted', 'abandoned')) OR step = ?3
                OR outcome = ?3 OR disposition = ?3)
           AND (?4 = '' OR no LIKE ?5 OR item_name LIKE ?5 OR number_index = ?6 OR name_index = ?7)
         ORDER BY updated_at DESC LIMIT ?8",
    )?
    .query_map(
        params![
            filter.clerk.as_ref().map(AccountName::as_str).unwrap_or_default(),
            filter.since.map_or(0, |since| since.0),
            filter.state,
            search,
            like,
            vault.index("number", &search.to_uppercase()),
            vault.index("name", search),
            most
        ],
        line,
    )?
    .collect()
}

/// How many open cases a clerk has.
pub fn open_count(db: &Connection, clerk: &AccountName) -> rusqlite::Result<u32> {
    db.prepare_cached(
        "SELECT count(*) FROM cases WHERE clerk = ?1 AND step NOT IN ('submitted', 'abandoned')",
    )?
    .query_row([clerk.as_str()], |row| row.get(0))
}

/// Open cases past the citizen's question, whose form may still have to be filled.
pub fn agreed_unfilled(db: &Connection) -> rusqlite::Result<Vec<CaseId>> {
    db.prepare_cached("SELECT id FROM cases WHERE step = 'list'")?
        .query_map([], |row| parsed(row, 0))?
        .collect()
}

/// Cases that were submitted and whose package is not sealed yet.
pub fn unsealed(db: &Connection) -> rusqlite::Result<Vec<CaseId>> {
    db.prepare_cached("SELECT id FROM cases WHERE step = 'submitted' AND sealed = 0")?
        .query_map([], |row| parsed(row, 0))?
        .collect()
}

/// Notes what the centre decided on a case.
pub fn set_disposition(tx: &Connection, no: &str, disposition: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE cases SET disposition = ?2 WHERE no = ?1", params![no, disposition])?;
    Ok(())
}

/// What the centre decided on a case so far.
pub fn disposition(db: &Connection, id: &CaseId) -> rusqlite::Result<String> {
    db.query_row("SELECT disposition FROM cases WHERE id = ?1", [id.as_str()], |row| row.get(0))
}

/// The word for a step in rows and paths.
pub fn step_key(step: Step) -> &'static str {
    match step {
        Step::Identify => "identify",
        Step::List => "list",
        Step::Consent => "consent",
        Step::Form => "form",
        Step::Submitted => "submitted",
        Step::Abandoned => "abandoned",
    }
}

/// The word for an outcome in rows and paths.
pub fn outcome_key(outcome: hall_domain::Outcome) -> &'static str {
    use hall_domain::Outcome;
    match outcome {
        Outcome::Accept => "accept",
        Outcome::AcceptForReview => "review",
        Outcome::MaterialsToFollow => "to-follow",
        Outcome::ReceiptOnly => "receipt-only",
        Outcome::No => "no",
    }
}

fn applicant_key(applicant: ApplicantKind) -> &'static str {
    match applicant {
        ApplicantKind::Person => "person",
        ApplicantKind::Organisation => "organisation",
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        id: parsed(row, 0)?,
        no: parsed(row, 1)?,
        window: parsed(row, 2)?,
        clerk: parsed(row, 3)?,
        item_name: row.get(4)?,
        applicant: row.get(5)?,
        step: row.get(6)?,
        outcome: row.get(7)?,
        disposition: row.get(8)?,
        opened_at: Timestamp(row.get(9)?),
        updated_at: Timestamp(row.get(10)?),
    })
}
