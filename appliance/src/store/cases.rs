//! 办件 as rows: the folded case sealed, beside it only what lists and searches need.

mod recent;
#[cfg(test)]
mod tests;

pub use recent::Recent;

use super::accounts::parsed;
use crate::vault::Vault;
use hall_domain::case::{AccountName, Case, CaseId, Mode, Step};
use hall_domain::policy::Counts;
use hall_domain::{ApplicantKind, HolderId, Timestamp, Way};
use hall_ledger::disposition::Outcome as Judged;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::collections::BTreeSet;
use std::sync::Arc;

const SEALED: &str = "case";

/// A case with how often it has changed.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The case, shared with who remembers it.
    pub case: Arc<Case>,
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
    /// 待复核: nothing more is to be brought, and the centre has not judged it.
    Review,
    /// 容缺: something that was promised for later has not come, whatever the centre said so far.
    Following,
    /// 全部.
    #[default]
    All,
}

/// The steps of a case that is not finished.
const OPEN: &str = "step IN ('identify', 'list', 'consent', 'form')";

impl Filter {
    /// The condition with its values, in their order. Without a search no more than an index is read for it.
    fn condition(&self, vault: &Vault) -> (String, Vec<Value>) {
        let mut values = Vec::new();
        let mut condition = match &self.show {
            Show::Mine(clerk) => {
                values.push(Value::from(clerk.to_string()));
                format!("clerk = ? AND {OPEN}")
            }
            Show::Since(since) => {
                values.push(Value::from(since.0));
                "opened_at >= ?".to_owned()
            }
            Show::Open => OPEN.to_owned(),
            Show::Submitted => "step = 'submitted'".to_owned(),
            Show::Review => {
                "outcome IN ('review', 'to-follow') AND disposition = '' AND outstanding = 0".to_owned()
            }
            Show::Following => "outstanding > 0".to_owned(),
            Show::All => "TRUE".to_owned(),
        };
        let search = self.search.trim();
        if !search.is_empty() {
            condition.push_str(" AND (no LIKE ? OR item_name LIKE ? OR number_index = ? OR name_index = ?)");
            let like = format!("%{}%", search.replace(['%', '_'], ""));
            values.extend([like.clone().into(), like.into()]);
            values.push(vault.index("number", &search.to_uppercase()).into());
            values.push(vault.index("name", search).into());
        }
        (condition, values)
    }
}

/// A case of a list, with what the centre decided on it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The case.
    pub case: Case,
    /// 复核结果: what the centre decided; none before it is known.
    pub disposition: Option<Judged>,
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

/// The case of that id.
pub fn find(db: &Connection, vault: &Vault, id: &CaseId) -> Result<Option<Stored>, super::StoreError> {
    read(db, id, |sealed, rev| opened(vault, sealed, rev))
}

fn read(
    db: &Connection,
    id: &CaseId,
    open: impl FnOnce(&[u8], i64) -> Result<Stored, super::StoreError>,
) -> Result<Option<Stored>, super::StoreError> {
    let mut statement = db.prepare_cached("SELECT state, rev FROM cases WHERE id = ?1")?;
    let mut rows = statement.query([id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let sealed = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
    open(sealed, row.get(1)?).map(Some)
}

fn opened(vault: &Vault, sealed: &[u8], rev: i64) -> Result<Stored, super::StoreError> {
    let case = Arc::new(serde_json::from_slice(&vault.open(SEALED, sealed)?)?);
    Ok(Stored { case, rev: u64::try_from(rev).unwrap_or_default() })
}

/// Writes a case as it now is. Returns the sealed state as it stands in the row.
fn put(tx: &Connection, vault: &Vault, stored: &Stored) -> Result<Vec<u8>, super::StoreError> {
    let case = &stored.case;
    let sealed = vault.seal(SEALED, &serde_json::to_vec(&**case)?);
    let (number, name) = searched(case);
    let index =
        |context: &str, text: Option<&str>| text.map(|text| vault.index(context, text)).unwrap_or_default();
    let (number, name, agent) =
        (index("number", number), index("name", name), index("number", agent_of(case)));
    let outcome =
        case.submission.as_ref().map(|done| outcome_key(done.judgement.outcome)).unwrap_or_default();
    let outstanding = i64::try_from(case.outstanding().len()).unwrap_or(i64::MAX);
    let rev = i64::try_from(stored.rev).unwrap_or(i64::MAX);
    // Most steps change nothing that is searched for; SQLite would write each index of a column that is set.
    let step = tx
        .prepare_cached(
            "UPDATE cases SET window = ?2, clerk = ?3, step = ?4, updated_at = ?5, sealed = ?6, rev = ?7, state = ?8
             WHERE id = ?1 AND outcome = ?9 AND number_index = ?10 AND name_index = ?11 AND outstanding = ?12
                 AND agent_index = ?13",
        )?
        .execute(params![
            case.id.as_str(),
            case.window.as_str(),
            case.clerk.as_str(),
            step_key(case.step()),
            case.updated_at.0,
            case.package.is_some(),
            rev,
            sealed,
            outcome,
            number,
            name,
            outstanding,
            agent
        ])?;
    if step == 1 {
        return Ok(sealed);
    }
    tx.prepare_cached(
        "INSERT INTO cases (id, no, window, clerk, item, item_name, applicant, step, outcome, opened_at, updated_at,
             sealed, number_index, name_index, rev, state, outstanding, agent_index, submitted_at, offline)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
         ON CONFLICT (id) DO UPDATE SET window = ?3, clerk = ?4, step = ?8, outcome = ?9, updated_at = ?11, sealed = ?12,
             number_index = ?13, name_index = ?14, rev = ?15, state = ?16, outstanding = ?17, agent_index = ?18,
             submitted_at = ?19, offline = ?20",
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
        number,
        name,
        rev,
        sealed,
        outstanding,
        agent,
        case.submission.as_ref().map_or(0, |done| done.at.0),
        case.submission.as_ref().is_some_and(|done| done.mode == Mode::Offline)
    ])?;
    Ok(sealed)
}

/// The number and the name by which a case is found: the organisation's, or the person's.
fn searched(case: &Case) -> (Option<&str>, Option<&str>) {
    match (case.applicant, &case.organisation) {
        (ApplicantKind::Organisation, Some(known)) => {
            (Some(known.uscc.as_str()), known.register.as_ref().map(|register| register.name.as_str()))
        }
        _ => {
            let who = case.identity.as_ref();
            match case.mandator() {
                Some((HolderId::Person(principal), name)) => (Some(principal.number()), Some(name)),
                _ => (who.map(|who| who.document.number()), who.map(|who| who.name.as_str())),
            }
        }
    }
}

/// The number of who acts for another: 代办人 or 经办授权人.
fn agent_of(case: &Case) -> Option<&str> {
    let acts = matches!(case.way(), Way::Delegate | Way::Agent);
    case.identity.as_ref().filter(|_| acts).map(|who| who.document.number())
}

/// What was submitted today with the line down, without this case: for the limits of the policy.
pub fn taken_today(db: &Connection, vault: &Vault, case: &Case, now: Timestamp) -> rusqlite::Result<Counts> {
    let index = |text: Option<&str>| text.map(|text| vault.index("number", text)).unwrap_or_else(|| vec![0]);
    let (principal, agent) = (index(searched(case).0), index(agent_of(case)));
    let since = now.local_date().plus_days(-1).end().0;
    let mut counts = db
        .prepare_cached(
            "SELECT coalesce(sum(number_index = ?3), 0), coalesce(sum(number_index = ?3 AND item = ?4), 0),
                 coalesce(sum(agent_index = ?5), 0), coalesce(sum(window = ?6), 0)
             FROM cases WHERE offline = 1 AND submitted_at >= ?1 AND id <> ?2",
        )?
        .query_row(
            params![since, case.id.as_str(), principal, case.item.to_string(), agent, case.window.as_str()],
            |row| {
                Ok(Counts {
                    principal_today: row.get(0)?,
                    item_today: row.get(1)?,
                    agent_today: row.get(2)?,
                    window_today: row.get(3)?,
                    ..Counts::default()
                })
            },
        )?;
    counts.outbox_cases = db
        .prepare_cached(
            "SELECT count(*) FROM entry WHERE kind = 'case.submitted'
                 AND seq >= (SELECT coalesce(max(size), 0) FROM receipt WHERE quarantine = 0)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(counts)
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
    let (condition, mut values) = filter.condition(vault);
    values.extend([Value::from(most), Value::from(skip)]);
    // The ids are ULIDs: their order is that of opening. Only the rows that are shown are read whole.
    let mut statement = db.prepare_cached(&format!(
        "SELECT state, disposition FROM cases WHERE id IN
             (SELECT id FROM cases WHERE {condition} ORDER BY id DESC LIMIT ? OFFSET ?) ORDER BY id DESC"
    ))?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut cases = Vec::new();
    while let Some(row) = rows.next()? {
        let sealed: Vec<u8> = row.get(0)?;
        let case = serde_json::from_slice(&vault.open(SEALED, &sealed)?)?;
        let disposition: String = row.get(1)?;
        cases.push(Listed { case, disposition: Judged::from_word(&disposition) });
    }
    Ok(cases)
}

/// How many cases fit a filter.
pub fn count(db: &Connection, vault: &Vault, filter: &Filter) -> rusqlite::Result<u32> {
    let (condition, values) = filter.condition(vault);
    db.prepare_cached(&format!("SELECT count(*) FROM cases WHERE {condition}"))?
        .query_row(params_from_iter(values), |row| row.get(0))
}

/// How many open cases a clerk has.
pub fn open_count(db: &Connection, clerk: &AccountName) -> rusqlite::Result<u32> {
    db.prepare_cached(&format!("SELECT count(*) FROM cases WHERE clerk = ? AND {OPEN}"))?
        .query_row([clerk.as_str()], |row| row.get(0))
}

/// Those of these cases that are open.
pub fn open_of(db: &Connection, ids: Vec<CaseId>) -> rusqlite::Result<BTreeSet<CaseId>> {
    let mut open = db.prepare_cached(&format!("SELECT 1 FROM cases WHERE id = ? AND {OPEN}"))?;
    let mut found = BTreeSet::new();
    for id in ids {
        if open.exists([id.as_str()])? {
            found.insert(id);
        }
    }
    Ok(found)
}

/// Open cases with a list and no form: some of them wait for their form to be filled.
pub fn at_list(db: &Connection) -> rusqlite::Result<Vec<CaseId>> {
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
pub fn set_disposition(tx: &Connection, no: &str, disposition: Judged) -> rusqlite::Result<()> {
    tx.execute("UPDATE cases SET disposition = ?2 WHERE no = ?1", params![no, disposition.word()])?;
    Ok(())
}

/// Whose a case is.
pub fn clerk(db: &Connection, id: &CaseId) -> rusqlite::Result<Option<AccountName>> {
    db.prepare_cached("SELECT clerk FROM cases WHERE id = ?1")?
        .query_row([id.as_str()], |row| parsed(row, 0))
        .optional()
}

/// What the centre decided on a case so far.
pub fn disposition(db: &Connection, id: &CaseId) -> rusqlite::Result<Option<Judged>> {
    db.query_row("SELECT disposition FROM cases WHERE id = ?1", [id.as_str()], |row| {
        Ok(Judged::from_word(row.get_ref(0)?.as_str()?))
    })
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
