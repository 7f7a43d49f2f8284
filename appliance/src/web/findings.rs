//! 待处理: what the province or the box found, taking it on, and saying what was done.

use super::App;
use super::failure::{Failure, read};
use super::frame::{self, moment, seconds_since};
use super::judged;
use super::pages::Lang;
use super::pages::errors::Problem;
use super::pages::findings::{Filter, Finding, FindingState, FindingsPage, RefusedNote};
use super::pages::frame::{Desk, Tone};
use super::session::{Nothing, OwnForm, Reader, Settling, SignedIn};
use crate::book::Fault;
use crate::live::Change;
use crate::reception::call_back::POOR_RATING;
use crate::store::findings::{self as rows, Severity, State as Standing, Wanted};
use crate::store::{accounts, cases};
use crate::sync_store::{BLOB_REFUSED, BLOB_UNREADABLE, CONSENT_WITHDRAWN, LIST_OVERDUE, RECHECK};
use crate::trust::{TRUST_ENDING, TRUST_EXPIRED};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hall_domain::Timestamp;
use hall_domain::case::{AccountName, CaseId};
use hall_ledger::disposition::Outcome;
use hall_ledger::entry::EntryKind;
use rusqlite::Connection;
use serde::Deserialize;
use std::collections::BTreeMap;

const ROWS: u32 = 100;
/// Most rows of a table that is taken away.
const EXPORTED: u32 = 10_000;
/// A note says what was done; fewer characters cannot.
const NOTE_CHARS: std::ops::RangeInclusive<usize> = 4..=400;

type Answer = Result<Response, Failure>;

/// Routes of the exception desk.
pub fn router() -> Router<App> {
    Router::new()
        .route("/findings", get(list))
        .route("/findings/export", post(export))
        .route("/findings/{id}/acknowledge", post(acknowledge))
        .route("/findings/{id}/give-back", post(give_back))
        .route("/findings/{id}/handled", post(handled))
}

/// Which findings somebody wants to see.
#[derive(Debug, Clone, Default, Deserialize)]
struct Look {
    #[serde(default)]
    show: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    who: String,
}

impl Look {
    fn severity(&self) -> Option<Severity> {
        Severity::ALL.into_iter().find(|known| known.as_str() == self.severity)
    }

    fn mine(&self) -> bool {
        self.who == "mine"
    }

    /// The chosen filters but the tab, for addresses. A kind comes from the address bar and may be anything.
    fn rest(&self) -> String {
        let mut rest = form_urlencoded::Serializer::new(String::new());
        let chosen = [
            ("kind", self.kind.as_str()),
            ("severity", self.severity().map_or("", Severity::as_str)),
            ("who", if self.mine() { "mine" } else { "" }),
        ];
        for (name, value) in chosen.into_iter().filter(|(_, value)| !value.is_empty()) {
            rest.append_pair(name, value);
        }
        match rest.finish() {
            none if none.is_empty() => none,
            some => format!("&{some}"),
        }
    }

    fn wanted(&self, signed: &SignedIn) -> Wanted {
        Wanted {
            state: standing(Filter::from_code(&self.show)),
            kind: self.kind.clone(),
            severity: self.severity(),
            of: self.mine().then(|| signed.session.account.clone()),
        }
    }
}

async fn list(State(app): State<App>, Reader(signed): Reader, Query(look): Query<Look>) -> Answer {
    page(&app, &signed, &look, None, StatusCode::OK).await
}

async fn page(
    app: &App,
    signed: &SignedIn,
    look: &Look,
    refused: Option<RefusedNote>,
    status: StatusCode,
) -> Answer {
    let (vault, wanted, now) = (app.book.vault.clone(), look.wanted(signed), app.book.clock.now());
    let (found, counts, names, kinds, overdue) = read(app, move |db| {
        let counts = [
            rows::count(db, Standing::Open)?,
            rows::count(db, Standing::Taken)?,
            rows::count(db, Standing::Handled)?,
        ];
        let found = rows::list(db, &vault, &wanted, ROWS)?;
        let kinds = rows::kinds(db, wanted.state)?;
        let names = accounts::displays(db)?;
        Ok::<_, Fault>((found, counts, names, kinds, rows::overdue_count(db, now)?))
    })
    .await?;
    let lang = frame::lang(signed);
    let all = counts.iter().sum();
    let (show, rest) = (Filter::from_code(&look.show), look.rest());
    let path = format!("/findings?show={}{rest}", show.code());
    frame::render_as(
        status,
        &FindingsPage {
            frame: frame::frame(app, signed, Desk::Findings, &path, None).await?,
            show,
            filters: Filter::ALL.into_iter().zip(counts.into_iter().chain([all])).collect(),
            kinds: kinds
                .into_iter()
                .map(|kind| (kind.clone(), kind_words(&kind, lang), kind == look.kind))
                .collect(),
            severities: Severity::ALL
                .into_iter()
                .rev()
                .map(|known| {
                    let word = lang.t(severity_words(known)).to_owned();
                    (known.as_str().to_owned(), word, look.severity() == Some(known))
                })
                .collect(),
            mine: look.mine(),
            settles: signed.session.role.settles(),
            rest,
            overdue,
            made: now.to_display(),
            rows: found.iter().map(|found| row(found, &names, signed, now)).collect(),
            refused,
        },
    )
}

/// The list as a table for other programs. Who takes it away is an entry: what somebody wrote may name somebody.
async fn export(State(app): State<App>, Reader(signed): Reader, OwnForm(look): OwnForm<Look>) -> Answer {
    let (book, wanted, now) = (app.book.clone(), look.wanted(&signed), app.book.clock.now());
    let account = signed.session.account.clone();
    let (found, names) = app
        .book
        .db
        .write(move |tx| {
            let found = rows::list(tx, &book.vault, &wanted, EXPORTED)?;
            let body = serde_json::json!({
                "action": "findings exported", "count": found.len(), "account": account, "at": now
            });
            book.append(tx, EntryKind::ClerkAction, &body, now)?;
            Ok::<_, Fault>((found, accounts::displays(tx)?))
        })
        .await
        .map_err(Fault::from)?;
    let table = table(&found, &names, now);
    let name = format!("attachment; filename=\"findings-{}.csv\"", now.local_date());
    let mut response = table.into_response();
    frame::guard(response.headers_mut());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// RFC 4180 with a byte order mark, without which spreadsheets take Chinese for something else.
fn table(found: &[rows::Finding], names: &BTreeMap<String, String>, now: Timestamp) -> String {
    let head = [
        "编号",
        "类型",
        "严重程度",
        "发现时间",
        "已有天数",
        "期限",
        "是否超期",
        "办件编号",
        "事项",
        "情况",
        "怎么办",
        "状态",
        "开始处理",
        "开始时间",
        "处理完毕",
        "完毕时间",
        "说明",
    ];
    let mut text = "\u{feff}".to_owned();
    text.push_str(&head.join(","));
    text.push_str("\r\n");
    let when = |at: Timestamp| if at.0 == 0 { String::new() } else { at.to_display() };
    let name = |account: &str| names.get(account).cloned().unwrap_or_else(|| account.to_owned());
    for row in found {
        let handled = row.state == Standing::Handled;
        let cells = [
            number_of(row),
            kind_words(&row.kind, Lang::Zh),
            severity_words(row.severity).to_owned(),
            row.at.to_display(),
            (now.ms_since(row.at) / 86_400_000).to_string(),
            row.deadline.map(|at| at.local_date().to_string()).unwrap_or_default(),
            if row.overdue(now) { "是" } else { "否" }.to_owned(),
            row.case_no.clone(),
            row.item.clone(),
            row.what.clone(),
            row.todo.clone(),
            match row.state {
                Standing::Open => Filter::Open.zh(),
                Standing::Taken => Filter::Taken.zh(),
                Standing::Handled => Filter::Handled.zh(),
            }
            .to_owned(),
            name(&row.taken_by),
            when(row.taken_at),
            if handled { name(&row.handled_by) } else { String::new() },
            if handled { when(row.handled_at) } else { String::new() },
            row.note.clone(),
        ];
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell. What a spreadsheet would take for a formula is made text.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

async fn acknowledge(
    State(app): State<App>,
    Settling(signed): Settling,
    Path(id): Path<String>,
    _: OwnForm<Nothing>,
) -> Answer {
    let (by, now) = (signed.session.account.clone(), app.book.clock.now());
    step(&app, &signed, &id, move |tx, found| Ok(rows::take(tx, found.id, &by, now)?)).await?;
    Ok(Redirect::to(&format!("/findings?show=taken#{id}")).into_response())
}

/// One step on a finding, in one transaction. `act` says whether it could still be taken.
async fn step(
    app: &App,
    signed: &SignedIn,
    id: &str,
    act: impl FnOnce(&Connection, &rows::Finding) -> Result<bool, Fault> + Send + 'static,
) -> Result<(), Failure> {
    let number = number(id)?;
    let (vault, by) = (app.book.vault.clone(), signed.session.account.clone());
    let done = app
        .book
        .db
        .write(move |tx| {
            let found = rows::find(tx, &vault, number)?.ok_or(Fault::NotFound)?;
            if is_judge_of_own_cause(tx, &found, &by)? {
                return Ok(None);
            }
            act(tx, &found).map(Some)
        })
        .await
        .map_err(Fault::from)?;
    match done {
        None => Err(own_cause()),
        Some(false) => Err(gone(app, number).await),
        Some(true) => {
            app.live.tell(Change::Findings);
            Ok(())
        }
    }
}

/// 差评 about somebody's own service is for others to follow up.
fn is_judge_of_own_cause(tx: &Connection, found: &rows::Finding, by: &AccountName) -> Result<bool, Fault> {
    let Ok(case) = found.case_id.parse::<CaseId>() else { return Ok(false) };
    Ok(found.kind == POOR_RATING && cases::clerk(tx, &case)?.as_ref() == Some(by))
}

fn own_cause() -> Failure {
    let what = "这是对您本人服务的评价，不能由您自己处理。".to_owned();
    let todo = "请大厅管理员或另一名同事回访。".to_owned();
    Failure::new(Problem::Other { status: 409, what, todo }).back_to("/findings")
}

/// 交回, by whoever took it on: it waits for somebody again.
async fn give_back(
    State(app): State<App>,
    Settling(signed): Settling,
    Path(id): Path<String>,
    _: OwnForm<Nothing>,
) -> Answer {
    let by = signed.session.account.clone();
    step(&app, &signed, &id, move |tx, found| Ok(rows::give_back(tx, found.id, &by)?)).await?;
    Ok(Redirect::to(&format!("/findings#{id}")).into_response())
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    note: String,
}

async fn handled(
    State(app): State<App>,
    Settling(signed): Settling,
    Path(id): Path<String>,
    OwnForm(done): OwnForm<Done>,
) -> Answer {
    let note = done.note.trim().to_owned();
    if !NOTE_CHARS.contains(&note.chars().count()) {
        let error = match note.chars().count() {
            0..4 => frame::lang(&signed).t("请写清做了什么，至少 4 个字。"),
            _ => frame::lang(&signed).t("说明不能超过 400 个字，请写得短一些。"),
        };
        let refused = RefusedNote { finding: id, note, error: error.to_owned() };
        let look = Look { show: Filter::Taken.code().to_owned(), ..Look::default() };
        return page(&app, &signed, &look, Some(refused), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let (book, by, now) = (app.book.clone(), signed.session.account.clone(), app.book.clock.now());
    let handle = move |tx: &Connection, found: &rows::Finding| {
        if !rows::handle(tx, &book.vault, found.id, &by, &note, now)? {
            return Ok(false);
        }
        // What the hall did about a judgement goes up as any other record.
        let body = serde_json::json!({
            "action": "handled", "finding": found.id, "kind": found.kind, "case": found.case_no,
            "note": note, "clerk": by, "at": now
        });
        book.append(tx, EntryKind::DispositionSeen, &body, now)?;
        Ok(true)
    };
    step(&app, &signed, &id, handle).await?;
    app.line.nudge();
    Ok(Redirect::to("/findings").into_response())
}

/// Somebody else was quicker.
async fn gone(app: &App, number: i64) -> Failure {
    let vault = app.book.vault.clone();
    let found =
        read(app, move |db| Ok::<_, Fault>((rows::find(db, &vault, number)?, accounts::displays(db)?))).await;
    let (found, names) = match found {
        Ok((Some(found), names)) => (found, names),
        Ok((None, _)) => return Failure::not_found(),
        Err(failure) => return failure,
    };
    let by = names.get(&found.handled_by).unwrap_or(&found.handled_by);
    let what = match found.state {
        Standing::Handled => format!("这件事已由 {by} 处理完毕，您的操作没有记入。"),
        _ => format!("这件事已由 {by} 开始处理，您的操作没有记入。"),
    };
    let todo = "请看“已处理”和“处理中”里的说明；还需补充时请与对方商量。".to_owned();
    Failure::new(Problem::Other { status: 409, what, todo }).back_to("/findings?show=all")
}

fn standing(show: Filter) -> Option<Standing> {
    match show {
        Filter::Open => Some(Standing::Open),
        Filter::Taken => Some(Standing::Taken),
        Filter::Handled => Some(Standing::Handled),
        Filter::All => None,
    }
}

/// The identifier of a finding in addresses.
pub fn anchor(number: i64) -> String {
    format!("f-{number}")
}

fn number(id: &str) -> Result<i64, Failure> {
    id.strip_prefix("f-").and_then(|text| text.parse().ok()).ok_or_else(Failure::not_found)
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Harm => Tone::Harm,
        Severity::Attention => Tone::Old,
        Severity::Info => Tone::Plain,
    }
}

/// The name on the screen of a finding's stored kind.
fn kind_words(kind: &str, lang: Lang) -> String {
    let name = match kind {
        BLOB_REFUSED => lang.t("材料被退回"),
        BLOB_UNREADABLE => lang.t("材料已损坏"),
        CONSENT_WITHDRAWN => lang.t("授权已撤回"),
        RECHECK => lang.t("抽查"),
        POOR_RATING => lang.t("差评回访"),
        LIST_OVERDUE => lang.t("状态清单未更新"),
        TRUST_ENDING => lang.t("信任包快到期"),
        TRUST_EXPIRED => lang.t("信任包已过期"),
        _ => Outcome::from_word(kind).map_or(kind, |outcome| judged::name(outcome, lang)),
    };
    name.to_owned()
}

/// How much it matters, in a word.
fn severity_words(severity: Severity) -> &'static str {
    match severity {
        Severity::Harm => "影响办事人",
        Severity::Attention => "需要处理",
        Severity::Info => "供参考",
    }
}

fn number_of(found: &rows::Finding) -> String {
    format!("F-{:04}", found.id)
}

fn row(
    found: &rows::Finding,
    names: &BTreeMap<String, String>,
    signed: &SignedIn,
    now: Timestamp,
) -> Finding {
    let lang = frame::lang(signed);
    let name = |account: &String| names.get(account).unwrap_or(account).clone();
    let by = name(&found.handled_by);
    let at = moment(found.handled_at, now);
    let day = |at: Timestamp| at.local_date().to_string();
    Finding {
        id: anchor(found.id),
        number: number_of(found),
        kind: kind_words(&found.kind, lang),
        tone: if found.state == Standing::Handled { Tone::Good } else { tone(found.severity) },
        severity: severity_words(found.severity),
        deadline: found.deadline.map(|until| match () {
            () if found.overdue(now) => (lang.fill("已过期限 {}", &[&day(until)]), Tone::Harm),
            () if found.pressing(now) => (lang.fill("期限 {}，临近", &[&day(until)]), Tone::Old),
            () => (lang.fill("期限 {}", &[&day(until)]), Tone::Plain),
        }),
        age_s: seconds_since(found.at, now),
        case: (!found.case_id.is_empty()).then(|| (found.case_id.clone(), found.case_no.clone())),
        item: found.item.clone(),
        what: found.what.clone(),
        todo: found.todo.clone(),
        state: match found.state {
            Standing::Open => FindingState::Open,
            Standing::Taken => {
                FindingState::Taken { by, at, mine: found.taken_by == signed.session.account.as_str() }
            }
            Standing::Handled => FindingState::Handled {
                taken: (!found.taken_by.is_empty())
                    .then(|| (name(&found.taken_by), moment(found.taken_at, now))),
                by,
                at,
                note: found.note.clone(),
            },
        },
    }
}
