//! 办理: the list of cases, searching in it, and opening a new one.

use super::App;
use super::failure::{Failure, read};
use super::frame::{self, moment, seconds_since};
use super::judged;
use super::pages::case::Outcome as Called;
use super::pages::cases::{
    Applicant, CaseRow, CaseState, CasesPage, Filter, ItemChoice, NewCasePage, is_personal,
};
use super::pages::frame::{Desk, Notice};
use super::pages::{Frame, Lang};
use super::session::{AtWindow, OwnForm, Reader, Serving, SignedIn};
use crate::book::Fault;
use crate::store::accounts;
use crate::store::cases::{self as rows, Listed, Show};
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hall_domain::case::{Case, Mode, Step};
use hall_domain::{ApplicantKind, ItemCode, Promise, ServiceItem, Tier, Timestamp};
use hall_ledger::disposition::Outcome as Judged;
use hall_ledger::phone::{PaperReceipt, UnverifiedReceipt, from_qr};
use serde::Deserialize;
use std::collections::BTreeMap;

const ROWS: u32 = 20;
const ITEMS: usize = 40;
/// The longest text that is searched for.
const SEARCH_CHARS: usize = 40;
/// Stands in an address for the text that the session searched for last.
const KEPT: &str = "*";

type Answer = Result<Response, Failure>;

/// Routes of the list and of new cases.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases", get(list).post(open))
        .route("/cases/search", post(search))
        .route("/cases/new", get(choose))
}

#[derive(Deserialize)]
struct Look {
    #[serde(default)]
    show: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: String,
}

async fn list(State(app): State<App>, Reader(signed): Reader, Query(look): Query<Look>) -> Answer {
    let filters = Filter::of(signed.session.role.serves());
    let show = Filter::from_code(&look.show)
        .filter(|show| filters.contains(show))
        .or(filters.first().copied())
        .unwrap_or_default();
    let search = match look.q.as_str() {
        KEPT => app.memory.change(&signed, |kept| kept.search.clone()),
        text => shortened(text),
    };
    let now = app.book.clock.now();
    let me = signed.session.account.clone();
    let wanted = look.page.parse::<u32>().unwrap_or(1).max(1);
    let (vault, text) = (app.book.vault.clone(), search.clone());
    let (counts, page, pages, total, listed, names) = read(&app, move |db| {
        let filter = |show: Filter, search: &str| rows::Filter {
            show: match show {
                Filter::Mine => Show::Mine(me.clone()),
                Filter::Today => Show::Since(midnight(now)),
                Filter::Open => Show::Open,
                Filter::Submitted => Show::Submitted,
                Filter::Review => Show::Review,
                Filter::Following => Show::Following,
                Filter::All => Show::All,
            },
            search: search.to_owned(),
        };
        let mut counts = Vec::new();
        for each in filters.iter().copied() {
            counts.push((each, rows::count(db, &vault, &filter(each, ""))?));
        }
        let shown = filter(show, &text);
        let total = rows::count(db, &vault, &shown)?;
        let pages = total.div_ceil(ROWS).max(1);
        let page = wanted.min(pages);
        let listed = rows::list(db, &vault, &shown, (page - 1) * ROWS, ROWS)?;
        let names = Names {
            windows: accounts::windows(db)?.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
            clerks: accounts::displays(db)?,
        };
        Ok::<_, Fault>((counts, page, pages, total, listed, names))
    })
    .await?;
    let path = format!("/cases?show={}", show.code());
    let frame = frame::frame(&app, &signed, Desk::Cases, &path, None).await?;
    frame::render(&CasesPage {
        frame: Frame { search, ..frame },
        show,
        filters: counts,
        rows: listed.iter().map(|listed| row(&app, listed, &names, now)).collect(),
        page,
        pages,
        total,
    })
}

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    q: String,
}

/// A name or a number of a person has no place in an address, which browsers keep and print. It is remembered
/// with the session, and the address says only that something was searched for.
async fn search(State(app): State<App>, Reader(signed): Reader, OwnForm(sought): OwnForm<Sought>) -> Answer {
    if let Some(receipt) = receipt_in(&sought.q) {
        return of_receipt(&app, &signed, &receipt).await;
    }
    let text = shortened(&sought.q);
    let q = match (text.is_empty(), is_personal(&text)) {
        (true, _) => return Ok(Redirect::to("/cases").into_response()),
        (false, true) => KEPT.to_owned(),
        (false, false) => text.clone(),
    };
    app.memory.change(&signed, |kept| kept.search = text);
    Ok(Redirect::to(&format!("/cases?show=all&q={q}")).into_response())
}

/// A printed receipt, scanned or pasted into the search field.
fn receipt_in(text: &str) -> Option<UnverifiedReceipt> {
    PaperReceipt::parse(&from_qr(text.trim()).ok()?).ok()
}

/// The case that a printed receipt is about, if this box printed it.
async fn of_receipt(app: &App, signed: &SignedIn, receipt: &UnverifiedReceipt) -> Answer {
    let found = match receipt.verify(&app.book.key().verifying_key()) {
        Ok(genuine) => {
            read(app, move |db| Ok::<_, Fault>(rows::id_of(db, genuine.case_no.as_str())?)).await?
        }
        Err(_) => None,
    };
    if let Some(id) = found {
        return Ok(Redirect::to(&format!("/cases/{id}")).into_response());
    }
    let text =
        frame::lang(signed).t("这不是本厅一体机打印的回执，请核对；也可以输入办件编号查找。").to_owned();
    frame::leave_notice(app, signed, Notice { text, undo: None, refused: true });
    Ok(Redirect::to("/cases").into_response())
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
}

async fn choose(State(app): State<App>, Serving(signed): Serving, Query(choice): Query<Choice>) -> Answer {
    let kind = kind_of(&choice.kind);
    let q = shortened(&choice.q);
    let mut frame = frame::frame(&app, &signed, Desk::Cases, "/cases/new", None).await?;
    let lang = frame.lang;
    let catalogue = app.book.knowledge.catalogue();
    let found: Vec<&ServiceItem> = catalogue.iter().flat_map(|catalogue| catalogue.search(&q)).collect();
    let fitting: Vec<&ServiceItem> =
        found.into_iter().filter(|item| kind.is_none_or(|kind| item.applicants.contains(&kind))).collect();
    if catalogue.is_none() {
        let text = lang.t("一体机还没有收到省级中心的事项目录，暂时不能开新办件；线路接通后会自动取得。");
        frame.notice = Some(Notice { text: text.to_owned(), undo: None, refused: true });
    }
    frame::render(&NewCasePage {
        frame,
        q,
        kind: kind.map(applicant),
        more: fitting.len() > ITEMS,
        items: fitting.into_iter().take(ITEMS).map(|item| item_choice(item, lang)).collect(),
    })
}

#[derive(Deserialize)]
struct Opening {
    item: String,
    #[serde(default)]
    kind: String,
}

async fn open(State(app): State<App>, at: AtWindow, OwnForm(opening): OwnForm<Opening>) -> Answer {
    let item: ItemCode = opening.item.parse().map_err(|_| Failure::malformed())?;
    let kind = kind_of(&opening.kind).ok_or_else(Failure::malformed)?;
    let id = app.desk.open(&at.clerk, &item, kind).await?;
    Ok(Redirect::to(&format!("/cases/{id}")).into_response())
}

/// Where a case of an item of `tier` stands, with what the centre decided.
pub fn state_of(case: &Case, tier: Tier, disposition: Option<Judged>) -> CaseState {
    match case.step() {
        Step::Abandoned => CaseState::Abandoned,
        Step::Identify => CaseState::Identifying,
        Step::List => CaseState::Listing,
        Step::Consent => CaseState::Waiting,
        Step::Form => CaseState::Filling,
        Step::Submitted => {
            disposition.and_then(judged::state).unwrap_or_else(|| submitted(case, tier, disposition))
        }
    }
}

fn submitted(case: &Case, tier: Tier, disposition: Option<Judged>) -> CaseState {
    let Some(done) = &case.submission else { return CaseState::ReceiptOnly };
    match judged::called(done.judgement.outcome, done.mode, tier, disposition) {
        Called::Accept => CaseState::Accepted,
        Called::Review => CaseState::Review,
        Called::Following => CaseState::Following,
        Called::ReceiptOnly | Called::No => CaseState::ReceiptOnly,
        Called::Returned => CaseState::Returned,
    }
}

/// The applicant of a case for a list: a person's name masked, an organisation's as registered.
pub fn applicant_name(case: &Case) -> String {
    match case.applicant {
        ApplicantKind::Organisation => case.organisation.as_ref().map(|known| match &known.register {
            Some(register) => register.name.clone(),
            None => known.uscc.to_string(),
        }),
        ApplicantKind::Person => case.principal().and_then(|principal| case.shown_name(&principal)),
    }
    .unwrap_or_default()
}

/// Names of windows and clerks by their identifiers.
struct Names {
    windows: BTreeMap<String, String>,
    clerks: BTreeMap<String, String>,
}

/// The tier of a case's item; the highest when the catalogue no longer has the item.
fn tier_of(app: &App, case: &Case) -> Tier {
    app.book
        .knowledge
        .catalogue()
        .and_then(|all| all.item(&case.item).map(|item| item.tier))
        .unwrap_or(Tier::T3)
}

fn row(app: &App, listed: &Listed, names: &Names, now: Timestamp) -> CaseRow {
    let case = &listed.case;
    let name =
        |names: &BTreeMap<String, String>, id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    CaseRow {
        id: case.id.to_string(),
        number: case.no.to_string(),
        item: case.item_name.clone(),
        applicant: applicant_name(case),
        organisation: case.applicant == ApplicantKind::Organisation,
        state: state_of(case, tier_of(app, case), listed.disposition),
        offline: case.mode == Some(Mode::Offline),
        window: name(&names.windows, case.window.as_str()),
        clerk: name(&names.clerks, case.clerk.as_str()),
        opened: moment(case.opened_at, now),
        quiet_s: seconds_since(case.updated_at, now),
    }
}

fn item_choice(item: &ServiceItem, lang: Lang) -> ItemChoice {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    ItemChoice {
        code: item.code.to_string(),
        name: item.name.clone(),
        department: item.department.clone(),
        applicants: [ApplicantKind::Person, ApplicantKind::Organisation]
            .into_iter()
            .filter(|kind| item.applicants.contains(kind))
            .map(applicant)
            .collect(),
        promise: promise(item.promise, lang),
        materials: count(item.materials.len()),
        replaceable: count(item.licence_materials().count()),
        offline: match item.tier {
            Tier::T0 => "",
            Tier::T1 => lang.t("登记，待复核"),
            Tier::T2 if item.offline_t2 => lang.t("容缺登记，两人复核"),
            Tier::T2 | Tier::T3 => lang.t("只收件"),
        }
        .to_owned(),
    }
}

/// 办结时限: what the item promises.
pub fn promise(promise: Promise, lang: Lang) -> String {
    match promise {
        Promise::Immediate => lang.t("即办件").to_owned(),
        Promise::Committed { days } => lang.fill("承诺件，{}个工作日", &[&days]),
    }
}

fn kind_of(code: &str) -> Option<ApplicantKind> {
    match code {
        "person" => Some(ApplicantKind::Person),
        "organisation" => Some(ApplicantKind::Organisation),
        _ => None,
    }
}

fn applicant(kind: ApplicantKind) -> Applicant {
    match kind {
        ApplicantKind::Person => Applicant::Person,
        ApplicantKind::Organisation => Applicant::Organisation,
    }
}

fn shortened(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(SEARCH_CHARS).collect()
}

/// The beginning of the hall's day.
fn midnight(now: Timestamp) -> Timestamp {
    const DAY_MS: i64 = 86_400_000;
    const EAST_EIGHT_MS: i64 = 8 * 3_600_000;
    Timestamp((now.0 + EAST_EIGHT_MS).div_euclid(DAY_MS) * DAY_MS - EAST_EIGHT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_begins_at_midnight_in_the_hall() {
        let at = Timestamp(1_795_246_568_000);
        let begin = midnight(at);
        assert_eq!(begin.hm(), "00:00");
        assert_eq!(begin.local_date(), at.local_date());
        assert!(begin <= at && midnight(begin) == begin);
    }

    #[test]
    fn only_case_numbers_may_stand_in_an_address() {
        for number in ["", "00042", "SC5199000001-20261122-00001", "20261122-00001", "-00001"] {
            assert!(!is_personal(number), "{number}");
        }
        for person in
            ["王芳", "519900198805160241", "E12345678", "SMITH", "ANNE-MARIE", "1234567", "0 1", "a-1"]
        {
            assert!(is_personal(person), "{person}");
        }
    }
}
