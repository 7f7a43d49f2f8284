//! 待处理: what the province or the box found, taking it on, and saying what was done.

use super::App;
use super::failure::{Failure, read};
use super::frame::{self, moment, seconds_since};
use super::judged;
use super::pages::Lang;
use super::pages::errors::Problem;
use super::pages::findings::{Filter, Finding, FindingState, FindingsPage, RefusedNote};
use super::pages::frame::{Desk, Tone};
use super::session::{Nothing, OwnForm, Reader, Serving, SignedIn};
use crate::book::Fault;
use crate::live::Change;
use crate::store::accounts;
use crate::store::findings::{self as rows, Severity, State as Standing};
use crate::sync_store::{BLOB_REFUSED, BLOB_UNREADABLE};
use crate::trust::{TRUST_ENDING, TRUST_EXPIRED};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hall_domain::Timestamp;
use hall_ledger::disposition::Outcome;
use hall_ledger::entry::EntryKind;
use serde::Deserialize;
use std::collections::BTreeMap;

const ROWS: u32 = 100;
/// A note says what was done; fewer characters cannot.
const NOTE_CHARS: std::ops::RangeInclusive<usize> = 4..=400;

type Answer = Result<Response, Failure>;

/// Routes of the exception desk.
pub fn router() -> Router<App> {
    Router::new()
        .route("/findings", get(list))
        .route("/findings/{id}/acknowledge", post(acknowledge))
        .route("/findings/{id}/handled", post(handled))
}

#[derive(Deserialize)]
struct Look {
    #[serde(default)]
    show: String,
}

async fn list(State(app): State<App>, Reader(signed): Reader, Query(look): Query<Look>) -> Answer {
    page(&app, &signed, Filter::from_code(&look.show), None, StatusCode::OK).await
}

async fn page(
    app: &App,
    signed: &SignedIn,
    show: Filter,
    refused: Option<RefusedNote>,
    status: StatusCode,
) -> Answer {
    let vault = app.book.vault.clone();
    let (found, counts, names) = read(app, move |db| {
        let counts = [
            rows::count(db, Standing::Open)?,
            rows::count(db, Standing::Taken)?,
            rows::count(db, Standing::Handled)?,
        ];
        Ok::<_, Fault>((rows::list(db, &vault, standing(show), ROWS)?, counts, accounts::displays(db)?))
    })
    .await?;
    let now = app.book.clock.now();
    let lang = frame::lang(signed);
    let all = counts.iter().sum();
    let path = format!("/findings?show={}", show.code());
    frame::render_as(
        status,
        &FindingsPage {
            frame: frame::frame(app, signed, Desk::Findings, &path, None).await?,
            show,
            filters: Filter::ALL.into_iter().zip(counts.into_iter().chain([all])).collect(),
            rows: found.iter().map(|found| row(found, &names, now, lang)).collect(),
            refused,
        },
    )
}

async fn acknowledge(
    State(app): State<App>,
    Serving(signed): Serving,
    Path(id): Path<String>,
    _: OwnForm<Nothing>,
) -> Answer {
    let number = number(&id)?;
    let (by, now) = (signed.session.account.clone(), app.book.clock.now());
    let vault = app.book.vault.clone();
    let taken = app
        .book
        .db
        .write(move |tx| {
            if rows::take(tx, number, &by, now)? {
                return Ok(true);
            }
            rows::find(tx, &vault, number)?.ok_or(Fault::NotFound).map(|_| false)
        })
        .await
        .map_err(Fault::from)?;
    if !taken {
        return Err(gone(&app, number).await);
    }
    app.live.tell(Change::Findings);
    Ok(Redirect::to(&format!("/findings?show=taken#{id}")).into_response())
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    note: String,
}

async fn handled(
    State(app): State<App>,
    Serving(signed): Serving,
    Path(id): Path<String>,
    OwnForm(done): OwnForm<Done>,
) -> Answer {
    let number = number(&id)?;
    let note = done.note.trim().to_owned();
    if !NOTE_CHARS.contains(&note.chars().count()) {
        let error = match note.chars().count() {
            0..4 => frame::lang(&signed).t("请写清做了什么，至少 4 个字。"),
            _ => frame::lang(&signed).t("说明不能超过 400 个字，请写得短一些。"),
        };
        let refused = RefusedNote { finding: id, note, error: error.to_owned() };
        return page(&app, &signed, Filter::Taken, Some(refused), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let (book, by, now) = (app.book.clone(), signed.session.account.clone(), app.book.clock.now());
    let first = app
        .book
        .db
        .write(move |tx| {
            let finding = rows::find(tx, &book.vault, number)?.ok_or(Fault::NotFound)?;
            if !rows::handle(tx, &book.vault, number, &by, &note, now)? {
                return Ok(false);
            }
            // What the hall did about a judgement goes up as any other record.
            let body = serde_json::json!({
                "action": "handled", "finding": number, "kind": finding.kind, "case": finding.case_no,
                "note": note, "clerk": by, "at": now
            });
            book.append(tx, EntryKind::DispositionSeen, &body, now)?;
            Ok::<_, Fault>(true)
        })
        .await
        .map_err(Fault::from)?;
    if !first {
        return Err(gone(&app, number).await);
    }
    app.line.nudge();
    app.live.tell(Change::Findings);
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
        TRUST_ENDING => lang.t("信任包快到期"),
        TRUST_EXPIRED => lang.t("信任包已过期"),
        _ => Outcome::from_word(kind).map_or(kind, |outcome| judged::name(outcome, lang)),
    };
    name.to_owned()
}

fn row(found: &rows::Finding, names: &BTreeMap<String, String>, now: Timestamp, lang: Lang) -> Finding {
    let by = names.get(&found.handled_by).unwrap_or(&found.handled_by).clone();
    let at = moment(found.handled_at, now);
    Finding {
        id: anchor(found.id),
        number: format!("F-{:04}", found.id),
        kind: kind_words(&found.kind, lang),
        tone: if found.state == Standing::Handled { Tone::Good } else { tone(found.severity) },
        age_s: seconds_since(found.at, now),
        case: (!found.case_id.is_empty()).then(|| (found.case_id.clone(), found.case_no.clone())),
        item: found.item.clone(),
        what: found.what.clone(),
        todo: found.todo.clone(),
        state: match found.state {
            Standing::Open => FindingState::Open,
            Standing::Taken => FindingState::Taken { by, at },
            Standing::Handled => FindingState::Handled { by, at, note: found.note.clone() },
        },
    }
}
