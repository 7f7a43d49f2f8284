//! 办件 as rows: the folded case sealed, beside it only what lists and searches need.

use super::accounts::parsed;
use crate::vault::Vault;
use hall_domain::case::{AccountName, Case, CaseId, Step};
use hall_domain::{ApplicantKind, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

const SEALED: &str = "case";

/// A case with how often it has changed.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The case.
    pub case: Case,
    /// Events applied so far.
    pub rev: u64,
}

/// Which cases a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Where they stand.
    pub show: Show,
    /// 办件编号 (or its end), item, the applicant's full number or full name; empty for all.
    pub search: String,
}

/// Where the cases of a list stand.
#[derive(Debug, Clone, Default)]
pub enum Show {
    /// 我的在办.
    Mine(AccountName),
    /// Opened at or after.
    Since(Timestamp),
    /// 在办.
    Open,
    /// 已提交.
    Submitted,
    /// 待复核: accepted for review, and the centre has not judged it.
    Review,
    /// 容缺: accepted with materials to follow, and the centre has not judged it.
    Following,
    /// 全部.
    #[default]
    All,
}

impl Show {
    /// The condition, over `?1` (a clerk) and `?2` (a moment).
    fn condition(&self) -> &'static str {
        match self {
            Self::Mine(_) => "clerk = ?1 AND step NOT IN ('submitted', 'abandoned')",
            Self::Since(_) => "opened_at >= ?2",
            Self::Open => "step NOT IN ('submitted', 'abandoned')",
            Self::Submitted => "step = 'submitted'",
            Self::Review => "outcome = 'review' AND disposition = ''",
            Self::Following => "outcome = 'to-follow' AND disposition = ''",
            Self::All => "TRUE",
        }
    }

    fn clerk(&self) -> &str {
        match self {
            Self::Mine(clerk) => clerk.as_str(),
            _ => "",
        }
    }

    fn since(&self) -> i64 {
        match self {
            Self::Since(since) => since.0,
            _ => 0,
        }
    }
}

/// A case of a list, with what the centre decided on it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The case.
    pub case: Case,
    /// The centre's disposition; empty before it is known.
    pub disposition: String,
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
         ON CONFLICT (id) DO UPDATE SET window = ?3, clerk = ?4, step = ?8, outcome = ?9, updated_at = ?11, sealed = ?12,
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

/// Cases that fit a filter, the last opened first.
pub fn list(
    db: &Connection,
    vault: &Vault,
    filter: &Filter,
    skip: u32,
    most: u32,
) -> Result<Vec<Listed>, super::StoreError> {
    let search = Search::new(vault, &filter.search);
    // The ids are ULIDs: their order is that of opening.
    let mut statement = db.prepare_cached(&format!(
        "SELECT state, disposition FROM cases WHERE {} AND {SEARCH} ORDER BY id DESC LIMIT ?7 OFFSET ?8",
        filter.show.condition()
    ))?;
    let mut rows = statement.query(params![
        filter.show.clerk(),
        filter.show.since(),
        search.text,
        search.like,
        search.number,
        search.name,
        most,
        skip
    ])?;
    let mut cases = Vec::new();
    while let Some(row) = rows.next()? {
        let sealed: Vec<u8> = row.get(0)?;
        let case = serde_json::from_slice(&vault.open(SEALED, &sealed)?)?;
        cases.push(Listed { case, disposition: row.get(1)? });
    }
    Ok(cases)
}

/// How many cases fit a filter.
pub fn count(db: &Connection, vault: &Vault, filter: &Filter) -> rusqlite::Result<u32> {
    let search = Search::new(vault, &filter.search);
    db.prepare_cached(&format!("SELECT count(*) FROM cases WHERE {} AND {SEARCH}", filter.show.condition()))?
        .query_row(
            params![
                filter.show.clerk(),
                filter.show.since(),
                search.text,
                search.like,
                search.number,
                search.name
            ],
            |row| row.get(0),
        )
}

const SEARCH: &str = "(?3 = '' OR no LIKE ?4 OR item_name LIKE ?4 OR number_index = ?5 OR name_index = ?6)";

/// What was searched for, as rows can be compared with it.
struct Search {
    text: String,
    like: String,
    number: Vec<u8>,
    name: Vec<u8>,
}

impl Search {
    fn new(vault: &Vault, text: &str) -> Self {
        let text = text.trim();
        Self {
            like: format!("%{}%", text.replace(['%', '_'], "")),
            number: vault.index("number", &text.to_uppercase()),
            name: vault.index("name", text),
            text: text.to_owned(),
        }
    }
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
