//! The routes of one case: looking at it, and what a clerk does with it as a whole. Each step of a case has a
//! file of its own, with what the step shows and what can be done in it.

mod act;
mod alias;
mod consent;
mod consent_receipt;
mod files;
mod following;
mod form;
mod identify;
mod licence;
mod list;
mod mandate;
mod masked;
mod page;
mod receipt;
mod scan;
mod side;
mod story;
mod submit;
mod view;

use self::act::{Act, Answered};
use self::page::Trouble;
use super::App;
use super::frame;
use super::pages::case::StepName;
use super::pages::frame::Notice;
use super::session::{Nothing, OwnForm, Reader, Serving, SignedIn};
use crate::reception::Clerk;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use hall_domain::case::{Case, CaseId};
use serde::Deserialize;

/// How long the clerk who submitted a case sees what comes next instead of the record.
const NEXT_MS: i64 = 1_800_000;

/// Routes of one case.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}", get(show))
        .route("/cases/{id}/unmask", post(unmask))
        .route("/cases/{id}/mask", post(mask))
        .route("/cases/{id}/abandon", post(abandon))
        .route("/cases/{id}/reopen", post(reopen))
        .route("/cases/{id}/take-over", post(take_over))
        .route("/cases/{id}/receipt", get(receipt::show))
        .route("/cases/{id}/consent-receipt", get(consent_receipt::show))
        .merge(alias::router())
        .merge(identify::router())
        .merge(mandate::router())
        .merge(consent::router())
        .merge(form::router())
        .merge(files::router())
        .merge(following::router())
        .merge(licence::router())
        .merge(scan::router())
        .merge(submit::router())
}

#[derive(Deserialize)]
struct Looking {
    #[serde(default)]
    step: String,
}

async fn show(
    State(app): State<App>,
    Reader(signed): Reader,
    Path(id): Path<CaseId>,
    Query(looking): Query<Looking>,
) -> Answered {
    let case = app.desk.case(&id).await?;
    let own = case.clerk == signed.session.account;
    if let (true, Some(window)) = (own, &signed.session.window) {
        // A box that was stopped between 人证一致 and the list makes the list now.
        let clerk = Clerk { account: signed.session.account.clone(), window: window.clone() };
        app.desk.list_if_missing(&clerk, &case).await?;
    }
    // Who does not work on cases sees the record of a case in hand too: it masks what the steps show in full.
    let asked = looking.step == "record" && case.closed();
    if asked || is_record(&app, &signed, &case) || !signed.session.role.serves() {
        return view::page(&app, &signed, case, &Trouble::default()).await;
    }
    let step = StepName::from_code(&looking.step);
    act::show(&app, &signed, &id, step, Trouble::default(), StatusCode::OK).await
}

/// Whether a case is shown as the record of what happened. The clerk who just submitted sees what comes next;
/// afterwards everybody sees the record.
fn is_record(app: &App, signed: &SignedIn, case: &Case) -> bool {
    let own = case.clerk == signed.session.account;
    match &case.submission {
        Some(done) => !own || app.book.clock.now().ms_since(done.at) > NEXT_MS,
        None => case.abandoned.is_some(),
    }
}

/// 隐藏号码: before the time after which numbers close by themselves.
async fn mask(
    State(app): State<App>,
    Serving(signed): Serving,
    Path(id): Path<CaseId>,
    _: OwnForm<Nothing>,
) -> Answered {
    app.desk.mask(&signed.token, &id);
    Ok(Redirect::to(&format!("/cases/{id}")).into_response())
}

async fn unmask(
    State(app): State<App>,
    Serving(signed): Serving,
    Path(id): Path<CaseId>,
    _: OwnForm<Nothing>,
) -> Answered {
    app.desk.unmask(&signed.session.account, &signed.token, &id).await?;
    Ok(Redirect::to(&format!("/cases/{id}")).into_response())
}

#[derive(Deserialize)]
struct Abandoning {
    #[serde(default)]
    reason: String,
}

async fn abandon(Act { by, form }: Act<Abandoning>) -> Answered {
    let case = by.app.desk.abandon(&by.clerk, &by.id, &form.reason).await?;
    let text = frame::lang(&by.signed).fill("办件 {} 已放弃。", &[&case.no]);
    let undo = Some(format!("{}/reopen", by.path()));
    frame::leave_notice(&by.app, &by.signed, Notice { text, undo, refused: false });
    Ok(Redirect::to("/cases").into_response())
}

async fn reopen(Act { by, .. }: Act) -> Answered {
    by.app.desk.reopen(&by.clerk, &by.id).await?;
    Ok(by.back())
}

async fn take_over(Act { by, .. }: Act) -> Answered {
    by.app.desk.take_over(&by.clerk, &by.id).await?;
    Ok(by.back())
}
