//! The routes of one case: looking at it, and each step that a clerk takes.

mod consent;
mod form;
mod identify;
mod list;
mod page;
mod receipt;
mod side;
mod story;
mod submit;
mod view;

use self::form::paper_choice;
use self::page::Trouble;
use super::App;
use super::failure::Failure;
use super::frame;
use super::pages::case::StepName;
use super::pages::frame::Notice;
use super::session::{AtWindow, OwnForm, Serving, SignedIn, parse_pairs, same_token};
use crate::book::Fault;
use crate::reception::{Clerk, Refusal, Upload};
use crate::signin;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hall_domain::FieldKey;
use hall_domain::case::{AttachmentId, CaseId, Step};
use serde::Deserialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The form of a case; twenty long texts are a few kilobytes.
const FORM_BYTES: usize = 256 * 1024;
/// Several scans of 20 MB in one form, with room for their frames.
const UPLOAD_BYTES: usize = 64 * 1024 * 1024;

type Answer = Result<Response, Failure>;

/// Routes of one case.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}", get(show))
        .route("/cases/{id}/organisation", post(organisation))
        .route("/cases/{id}/read-card", post(read_card))
        .route("/cases/{id}/stop-reading", post(stop_reading))
        .route("/cases/{id}/confirm-person", post(confirm_person))
        .route("/cases/{id}/reject-person", post(reject_person))
        .route("/cases/{id}/expired-card", post(expired_card))
        .route("/cases/{id}/refresh-list", post(refresh_list))
        .route("/cases/{id}/unmask", post(unmask))
        .route("/cases/{id}/push", post(push))
        .route("/cases/{id}/cancel-push", post(cancel_push))
        .route("/cases/{id}/paper", post(paper))
        .route("/cases/{id}/papers", post(choose_paper))
        .route("/cases/{id}/form", post(save_form).layer(DefaultBodyLimit::max(FORM_BYTES)))
        .route("/cases/{id}/attachments", post(attach).layer(DefaultBodyLimit::max(UPLOAD_BYTES)))
        .route("/cases/{id}/attachments/{n}", get(attachment))
        .route("/cases/{id}/attachments/{n}/remove", post(remove_attachment))
        .route("/cases/{id}/attachments/{n}/restore", post(restore_attachment))
        .route("/cases/{id}/submit", post(submit))
        .route("/cases/{id}/rate", post(rate))
        .route("/cases/{id}/abandon", post(abandon))
        .route("/cases/{id}/reopen", post(reopen))
        .route("/cases/{id}/take-over", post(take_over))
        .route("/cases/{id}/receipt", get(receipt::show))
}

#[derive(Deserialize)]
struct Looking {
    #[serde(default)]
    step: String,
}

/// A form that carries nothing but its token.
#[derive(Deserialize)]
struct Bare {}

async fn show(
    State(app): State<App>,
    Serving(signed): Serving,
    Path(id): Path<CaseId>,
    Query(looking): Query<Looking>,
) -> Answer {
    let case = app.desk.case(&id).await?;
    let own = case.clerk == signed.session.account;
    if let (true, Some(window)) = (own, &signed.session.window) {
        // A box that was stopped between 人证一致 and the list makes the list now.
        let clerk = Clerk { account: signed.session.account.clone(), window: window.clone() };
        app.desk.list_if_missing(&clerk, &case).await?;
    }
    let finished = match case.step() {
        Step::Abandoned => true,
        // The clerk who just submitted sees what comes next; afterwards everybody sees the record.
        Step::Submitted => {
            !own || looking.step == "record" || app.book.clock.now().ms_since(case.updated_at) > 1_800_000
        }
        _ => false,
    };
    if finished {
        return view::page(&app, &signed, case).await;
    }
    page(&app, &signed, &id, StepName::from_code(&looking.step), Trouble::default(), StatusCode::OK).await
}

#[derive(Deserialize)]
struct OrganisationForm {
    #[serde(default)]
    uscc: String,
}

async fn organisation(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    OwnForm(form): OwnForm<OrganisationForm>,
) -> Answer {
    let done = app.desk.name_organisation(&at.clerk, &id, &form.uscc).await.map(drop);
    answer(&app, &at.signed_in, &id, done, StepName::Identify, form.uscc).await
}

async fn read_card(State(app): State<App>, at: AtWindow, Path(id): Path<CaseId>, _: OwnForm<Bare>) -> Answer {
    let done = app.desk.read_card(&at.clerk, &id).await;
    answer(&app, &at.signed_in, &id, done, StepName::Identify, String::new()).await
}

async fn stop_reading(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    _: OwnForm<Bare>,
) -> Answer {
    app.desk.stop_reading(&at.clerk, &id).await?;
    Ok(back(&id))
}

#[derive(Deserialize)]
struct ReadingForm {
    #[serde(default)]
    reading: String,
    #[serde(default)]
    note: String,
}

/// What the clerk confirms must be what the clerk saw: the reading that the page showed.
async fn same_reading(app: &App, id: &CaseId, seen: &str) -> Result<(), Failure> {
    let case = app.desk.case(id).await?;
    let now = case.identity.map(|who| who.at.0.to_string());
    if now.as_deref() == Some(seen) { Ok(()) } else { Err(Failure::moved()) }
}

async fn confirm_person(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    OwnForm(form): OwnForm<ReadingForm>,
) -> Answer {
    same_reading(&app, &id, &form.reading).await?;
    let done = app.desk.confirm_person(&at.clerk, &id, None).await.map(drop);
    answer(&app, &at.signed_in, &id, done, StepName::Identify, String::new()).await
}

async fn expired_card(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    OwnForm(form): OwnForm<ReadingForm>,
) -> Answer {
    same_reading(&app, &id, &form.reading).await?;
    let done = app.desk.confirm_person(&at.clerk, &id, Some(form.note.clone())).await.map(drop);
    answer(&app, &at.signed_in, &id, done, StepName::Identify, form.note).await
}

async fn reject_person(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    OwnForm(_): OwnForm<ReadingForm>,
) -> Answer {
    let done = app.desk.clear_identity(&at.clerk, &id, "人证不符或换人").await.map(drop);
    answer(&app, &at.signed_in, &id, done, StepName::Identify, String::new()).await
}

async fn refresh_list(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    _: OwnForm<Bare>,
) -> Answer {
    let done = app.desk.make_list(&at.clerk, &id).await.map(drop);
    answer(&app, &at.signed_in, &id, done, StepName::List, String::new()).await
}

async fn unmask(
    State(app): State<App>,
    Serving(signed): Serving,
    Path(id): Path<CaseId>,
    _: OwnForm<Bare>,
) -> Answer {
    app.desk.unmask(&signed.session.account, &id).await?;
    Ok(back(&id))
}

async fn push(State(app): State<App>, at: AtWindow, Path(id): Path<CaseId>, _: OwnForm<Bare>) -> Answer {
    let done = app.desk.push(&at.clerk, &id).await;
    answer(&app, &at.signed_in, &id, done, StepName::Consent, String::new()).await
}

async fn cancel_push(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    _: OwnForm<Bare>,
) -> Answer {
    let done = app.desk.cancel_push(&at.clerk, &id).await;
    answer(&app, &at.signed_in, &id, done, StepName::Consent, String::new()).await
}

async fn paper(State(app): State<App>, at: AtWindow, Path(id): Path<CaseId>, _: OwnForm<Bare>) -> Answer {
    let done = app.desk.go_on_with_paper(&at.clerk, &id).await.map(drop);
    answer(&app, &at.signed_in, &id, done, StepName::Consent, String::new()).await
}

#[derive(Deserialize)]
struct PaperForm {
    material: String,
    choice: String,
}

async fn choose_paper(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    OwnForm(form): OwnForm<PaperForm>,
) -> Answer {
    let material = form.material.parse().map_err(|_| Failure::malformed())?;
    let choice = paper_choice(&form.choice).ok_or_else(Failure::malformed)?;
    let done = app.desk.choose_paper(&at.clerk, &id, material, choice).await.map(drop);
    answer(&app, &at.signed_in, &id, done, StepName::Form, String::new()).await
}

/// The form of a case has one field for each key; a key that comes twice is an attempt at something.
async fn save_form(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let pairs = parse_pairs(&body);
    let sent = pairs.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value.as_str());
    if !same_token(sent.unwrap_or_default(), &at.signed_in.session.csrf) {
        return Err(Failure::stale());
    }
    let mut values: BTreeMap<FieldKey, String> = BTreeMap::new();
    let mut wanted = String::new();
    let mut committed = false;
    let mut seen = None;
    for (name, value) in pairs {
        if let Some(key) = name.strip_prefix("f.") {
            let key: FieldKey = key.parse().map_err(|_| Failure::malformed())?;
            if values.insert(key, value).is_some() {
                return Err(Failure::malformed());
            }
        } else if name == "do" {
            wanted = value;
        } else if name == "rev" {
            seen = value.parse().ok();
        } else if name == "commitment" {
            committed = value == "yes";
        }
    }
    let typed = Typed { values, committed, seen: seen.ok_or_else(Failure::malformed)? };
    let done = keep_form(&app, &at.clerk, &id, typed, &wanted).await;
    if let (true, "save", Ok(rev)) = (headers.contains_key("hx-request"), wanted.as_str(), &done) {
        return Ok((StatusCode::NO_CONTENT, [("form-rev", rev.to_string())]).into_response());
    }
    let done = done.map(drop);
    let next = wanted == "next" && done.is_ok();
    match (done, next) {
        (Ok(()), true) => Ok(Redirect::to(&format!("/cases/{id}?step=submit")).into_response()),
        (done, _) => answer(&app, &at.signed_in, &id, done, StepName::Form, String::new()).await,
    }
}

/// What stood in the form of the page.
struct Typed {
    values: BTreeMap<FieldKey, String>,
    committed: bool,
    /// The changes that the page knew of.
    seen: u32,
}

/// Keeps the form; gives how often it has been changed by then.
async fn keep_form(app: &App, clerk: &Clerk, id: &CaseId, typed: Typed, wanted: &str) -> Result<u32, Fault> {
    app.desk.save_form(clerk, id, typed.values, typed.seen).await?;
    let mut case = app.desk.commit(clerk, id, typed.committed, typed.seen).await?;
    if let Some((what, key)) = wanted.split_once(':') {
        let key = key.parse().map_err(|_| Fault::NotFound)?;
        case = app.desk.mark_field(clerk, id, key, what == "restore").await?;
    }
    if wanted == "next" {
        let item = app.desk.item_of(&case)?;
        crate::reception::decide::complete(&case, &item)?;
    }
    Ok(case.form_rev)
}

async fn attach(State(app): State<App>, at: AtWindow, Path(id): Path<CaseId>, mut form: Multipart) -> Answer {
    let mut allowed = false;
    let mut material = None;
    let mut done = Ok(());
    while let Some(field) = form.next_field().await.map_err(|error| Failure::upload(&error))? {
        match field.name().unwrap_or_default() {
            "csrf" => {
                let sent = field.text().await.map_err(|error| Failure::upload(&error))?;
                allowed = same_token(&sent, &at.signed_in.session.csrf);
            }
            "material" => {
                let text = field.text().await.map_err(|error| Failure::upload(&error))?;
                material = match text.as_str() {
                    "" => None,
                    text => Some(text.parse().map_err(|_| Failure::malformed())?),
                };
            }
            // The token stands before the files in the form, so that nothing is kept without it.
            "file" if allowed => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let content = field.bytes().await.map_err(|error| Failure::upload(&error))?;
                if name.is_empty() && content.is_empty() {
                    continue;
                }
                let upload = Upload { name, content: content.to_vec() };
                done = app.desk.attach(&at.clerk, &id, material.clone(), upload).await.map(drop);
                if done.is_err() {
                    break;
                }
            }
            _ => {}
        }
    }
    if !allowed {
        return Err(Failure::stale());
    }
    let typed = material.map(|material: hall_domain::MaterialId| material.to_string()).unwrap_or_default();
    answer(&app, &at.signed_in, &id, done, StepName::Form, typed).await
}

async fn attachment(
    State(app): State<App>,
    _: Serving,
    Path((id, n)): Path<(CaseId, AttachmentId)>,
) -> Answer {
    let (file, content) = app.desk.attachment(&id, n).await?;
    Ok((
        [
            (header::CONTENT_TYPE, file.media_type),
            (header::CONTENT_DISPOSITION, "inline".to_owned()),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; sandbox".to_owned(),
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::CACHE_CONTROL, "private, no-store".to_owned()),
        ],
        content,
    )
        .into_response())
}

async fn remove_attachment(
    State(app): State<App>,
    at: AtWindow,
    Path((id, n)): Path<(CaseId, AttachmentId)>,
    _: OwnForm<Bare>,
) -> Answer {
    app.desk.detach(&at.clerk, &id, n).await?;
    let text = frame::lang(&at.signed_in).t("附件已移除。").to_owned();
    let undo = Some(format!("/cases/{id}/attachments/{n}/restore"));
    frame::leave_notice(&app, &at.signed_in, Notice { text, undo, refused: false });
    Ok(back(&id))
}

async fn restore_attachment(
    State(app): State<App>,
    at: AtWindow,
    Path((id, n)): Path<(CaseId, AttachmentId)>,
    _: OwnForm<Bare>,
) -> Answer {
    app.desk.reattach(&at.clerk, &id, n).await?;
    Ok(back(&id))
}

#[derive(Deserialize)]
struct SubmitForm {
    #[serde(default)]
    second_account: String,
    #[serde(default)]
    second_password: String,
}

async fn submit(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    OwnForm(form): OwnForm<SubmitForm>,
) -> Answer {
    let password = Zeroizing::new(form.second_password);
    let second = match form.second_account.trim() {
        "" => None,
        account => match signin::second_signature(&app.book, account, password).await? {
            Some(account) => Some(account),
            None => {
                let refused = Err(Fault::Refused(Refusal::SecondClerk));
                return answer(&app, &at.signed_in, &id, refused, StepName::Submit, account.to_owned()).await;
            }
        },
    };
    let done = app.desk.submit(&at.clerk, &id, second).await.map(drop);
    let shown = match &done {
        Err(Fault::Refused(Refusal::Form(_) | Refusal::Materials(_) | Refusal::Commitment)) => StepName::Form,
        _ => StepName::Submit,
    };
    answer(&app, &at.signed_in, &id, done, shown, form.second_account).await
}

async fn rate(State(app): State<App>, at: AtWindow, Path(id): Path<CaseId>, _: OwnForm<Bare>) -> Answer {
    let done = app.desk.invite_rating(&at.clerk, &id).await;
    answer(&app, &at.signed_in, &id, done, StepName::Submit, String::new()).await
}

#[derive(Deserialize)]
struct AbandonForm {
    #[serde(default)]
    reason: String,
}

async fn abandon(
    State(app): State<App>,
    at: AtWindow,
    Path(id): Path<CaseId>,
    OwnForm(form): OwnForm<AbandonForm>,
) -> Answer {
    let case = app.desk.abandon(&at.clerk, &id, &form.reason).await?;
    let text = frame::lang(&at.signed_in).fill("办件 {} 已放弃。", &[&case.no]);
    frame::leave_notice(
        &app,
        &at.signed_in,
        Notice { text, undo: Some(format!("/cases/{id}/reopen")), refused: false },
    );
    Ok(Redirect::to("/cases").into_response())
}

async fn reopen(State(app): State<App>, at: AtWindow, Path(id): Path<CaseId>, _: OwnForm<Bare>) -> Answer {
    app.desk.reopen(&at.clerk, &id).await?;
    Ok(back(&id))
}

async fn take_over(State(app): State<App>, at: AtWindow, Path(id): Path<CaseId>, _: OwnForm<Bare>) -> Answer {
    app.desk.take_over(&at.clerk, &id).await?;
    Ok(back(&id))
}

/// Back to the case when it worked, the page with the reason when reception did not take the step.
async fn answer(
    app: &App,
    signed: &SignedIn,
    id: &CaseId,
    done: Result<(), Fault>,
    shown: StepName,
    typed: String,
) -> Answer {
    match done {
        Ok(()) => Ok(back(id)),
        Err(Fault::Refused(refusal)) => {
            let status = match refusal {
                Refusal::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let trouble = Trouble { refusal: Some(refusal), typed };
            page(app, signed, id, Some(shown), trouble, status).await
        }
        Err(fault) => Err(fault.into()),
    }
}

async fn page(
    app: &App,
    signed: &SignedIn,
    id: &CaseId,
    looking: Option<StepName>,
    trouble: Trouble,
    status: StatusCode,
) -> Answer {
    let mut page = page::build(app, signed, id, looking, &trouble).await?;
    // What has a place of its own on the page is said there.
    if let Some(refusal) = trouble.refusal.as_ref().filter(|refusal| !refusal.has_place()) {
        let text = format!("{}（{}）", refusal.zh(), refusal.code());
        page.frame.notice = Some(Notice { text, undo: None, refused: true });
    }
    let mut response = frame::render(&page)?;
    *response.status_mut() = status;
    Ok(response)
}

fn back(id: &CaseId) -> Response {
    Redirect::to(&format!("/cases/{id}")).into_response()
}
