//! The operators' side: JSON over loopback, let in by a token. Pages come later.

use super::error::Refused;
use super::{aliases, scope};
use crate::app::App;
use crate::citizen::consent;
use crate::code::Code;
use crate::keys::OperatorToken;
use crate::policy;
use crate::register;
use crate::store::citizens::AccountState;
use crate::store::{Hall, Log, NewEnrolment};
use crate::trust::{self, ANNOUNCE_DAYS, Switch};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hall_domain::policy::Policy;
use hall_domain::{IdentityDocument, Licence, LicenceId, LicenceStatus, Register};
use hall_ledger::{BoxId, Hash, LogId, cbor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// A register of some thousand people.
const MAX_BODY: usize = 32 << 20;
/// A code that nobody uses is void after this many hours.
const CODE_HOURS: i64 = 72;
/// Rows of a list unless asked for fewer.
const ROWS: u32 = 200;

pub(super) type Answer = Result<Json<Value>, Failure>;

/// A refusal, as JSON.
pub(super) struct Failure(Refused);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.json()
    }
}

impl<E: Into<Refused>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// Everything that operators may call.
pub fn router(app: Arc<App>, token: OperatorToken) -> Router {
    Router::new()
        .route("/admin/health", get(health))
        .route("/admin/enrolments", post(add_enrolment))
        .route("/admin/people", post(load_register))
        .route("/admin/licences", post(put_licence))
        .route("/admin/licences/{id}/status", post(set_status))
        .route("/admin/logs", get(logs))
        .route("/admin/log/{log}", get(log))
        .route("/admin/log/{log}/revoke", post(revoke))
        .route("/admin/log/{log}/branches/{size}/{root}", get(branch))
        .route("/admin/entries", get(entries))
        .route("/admin/cases", get(cases))
        .route("/admin/cases/{no}", get(case))
        .route("/admin/cases/{no}/change", post(change_case))
        .route("/admin/cases/{no}/withdraw", post(withdraw))
        .route("/admin/accounts", post(set_account))
        .route("/admin/policy", get(show_policy).post(publish_policy))
        .route("/admin/blobs/{id}/{n}", get(chunk))
        .route("/admin/trust", get(trusted))
        .route("/admin/trust/rotate", post(rotate))
        .merge(aliases::router())
        .merge(scope::router())
        .fallback(async || Failure(Refused::unknown_call()))
        .method_not_allowed_fallback(async || Failure(Refused::wrong_method()))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(token, only_operators))
        .with_state(app)
}

async fn only_operators(State(token): State<OperatorToken>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match shown.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(shown) if token.matches(shown) => next.run(request).await,
        _ => Refused::new(StatusCode::UNAUTHORIZED, "no-token", "operators show a token").json(),
    }
}

/// A JSON body. Of a wrong one only the place is told, never the value that stands there.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Refused> {
    body.map(|Json(body)| body).map_err(|error| {
        let text = error.body_text();
        let place: Vec<&str> = text.split(": ").take(2).collect();
        Refused::new(error.status(), "malformed", place.join(": "))
    })
}

async fn health(State(app): State<Arc<App>>) -> Answer {
    let counts = app.store.counts().await?;
    let (now, trust) = (app.now(), app.keys.look(|ring| ring.version));
    let key = hex::encode(app.keys.signer(now).verifying_key().as_bytes());
    Ok(Json(json!({
        "ok": true, "epoch": app.epoch, "now": now, "centre_key": key, "trust": trust, "counts": counts,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrolmentRequest {
    hall_code: String,
    hall_name: String,
    /// For a box that enrols again: its next incarnation.
    #[serde(default)]
    box_id: Option<BoxId>,
}

async fn add_enrolment(
    State(app): State<Arc<App>>,
    request: Result<Json<EnrolmentRequest>, JsonRejection>,
) -> Answer {
    let request = body(request)?;
    let hall = Hall { code: request.hall_code, name: request.hall_name.trim().to_owned() };
    let code_fits = (1..=20).contains(&hall.code.len())
        && hall.code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !code_fits || hall.name.is_empty() || hall.name.chars().count() > 100 {
        return Err(Refused::bad("hall", "a hall has a code of 1 to 20 of A-Z and 0-9, and a name").into());
    }
    let code = Code::random().map_err(|error| Refused::failed(&error))?;
    let made_at = app.now();
    let expires_at = made_at.plus_hours(CODE_HOURS);
    let new = NewEnrolment { code: code.digest(), hall, box_id: request.box_id, made_at, expires_at };
    app.store.add_enrolment(new).await?;
    Ok(Json(json!({ "code": code.to_string(), "expires_at": expires_at })))
}

async fn load_register(
    State(app): State<Arc<App>>,
    request: Result<Json<Register>, JsonRejection>,
) -> Answer {
    let register = body(request)?
        .checked(&app.catalogue)
        .map_err(|error| Refused::bad("register", error.to_string()))?;
    Ok(Json(json!(register::load(&app, register).await?)))
}

/// Adds a licence, or changes it: a new version has the next version number in its identifier.
async fn put_licence(State(app): State<Arc<App>>, request: Result<Json<Licence>, JsonRejection>) -> Answer {
    let licence = body(request)?;
    let known = app.catalogue.kind(&licence.kind);
    let fits = licence.id.kind() == licence.kind
        && licence.id.version() == licence.version
        && known.is_some_and(|kind| licence.fields.keys().all(|key| kind.field(key).is_some()));
    if !fits {
        let why = "the licence does not agree with its identifier or its kind";
        return Err(Refused::bad("licence", why).into());
    }
    Ok(Json(json!({ "change": register::put_licence(&app, licence).await? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusRequest {
    status: LicenceStatus,
}

async fn set_status(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Result<Json<StatusRequest>, JsonRejection>,
) -> Answer {
    let status = body(request)?.status;
    let unknown = || Refused::missing("unknown-licence", "there is no such licence");
    let id: LicenceId = id.parse().map_err(|_| unknown())?;
    let changed = register::set_status(&app, &id, status).await?.ok_or_else(unknown)?;
    Ok(Json(json!({ "changed": changed, "status": status })))
}

/// The policy in force.
async fn show_policy(State(app): State<Arc<App>>) -> Answer {
    Ok(Json(json!(policy::current(&app).await?)))
}

/// Publishes a policy as the next version; every hall hears of it at once. The version that is sent is not looked at.
async fn publish_policy(State(app): State<Arc<App>>, request: Result<Json<Policy>, JsonRejection>) -> Answer {
    let wanted = body(request)?;
    wanted.check().map_err(|error| Refused::bad("policy", error.to_string()))?;
    Ok(Json(json!(policy::publish(&app, wanted).await?)))
}

/// A ledger in a list.
#[derive(Serialize)]
struct LogRow {
    log: LogId,
    hall: Hall,
    size: u64,
    root: Hash,
    ledger_key: String,
    enrolled_at: hall_domain::Timestamp,
    received_at: hall_domain::Timestamp,
    last_contact: Option<hall_domain::Timestamp>,
    superseded: bool,
    forks: u32,
    /// Entries that this version cannot read: they wait for people.
    unread: u64,
}

fn row(log: Log) -> LogRow {
    LogRow {
        log: log.id,
        size: log.head.size(),
        root: log.head.root(),
        ledger_key: hex::encode(log.ledger_key.as_bytes()),
        hall: log.hall,
        enrolled_at: log.enrolled_at,
        received_at: log.received_at,
        last_contact: log.last_contact,
        superseded: log.superseded,
        forks: log.forks,
        unread: log.unread,
    }
}

async fn logs(State(app): State<Arc<App>>) -> Answer {
    let rows: Vec<LogRow> = app.store.logs().await?.into_iter().map(row).collect();
    Ok(Json(json!(rows)))
}

/// One ledger by its name, or the newest of a box by the box's id.
async fn find_log(app: &App, text: &str) -> Result<Log, Refused> {
    let unknown = || Refused::missing("unknown-log", "there is no such log");
    if let Ok(id) = text.parse::<LogId>() {
        return app.store.log(id).await?.ok_or_else(unknown);
    }
    let box_id: BoxId = text.parse().map_err(|_| unknown())?;
    let logs = app.store.logs().await?;
    logs.into_iter()
        .filter(|log| log.id.box_id == box_id)
        .max_by_key(|log| log.id.incarnation)
        .ok_or_else(unknown)
}

async fn log(State(app): State<Arc<App>>, Path(log): Path<String>) -> Answer {
    let log = find_log(&app, &log).await?;
    let branches = app.store.branches(log.id).await?;
    let feed = app.store.feed_head(&log.hall.code).await?;
    Ok(Json(json!({ "log": row(log), "branches": branches, "feed": feed })))
}

/// Ends a box's certificate: what was stolen or given away does not get in any more.
async fn revoke(State(app): State<Arc<App>>, Path(log): Path<String>) -> Answer {
    let log = find_log(&app, &log).await?;
    app.store.revoke(log.id).await?;
    tracing::warn!(log.id = %log.id, hall.code = %log.hall.code, "A box's certificate was revoked.");
    Ok(Json(json!({ "log": log.id })))
}

/// A contradicting upload as it came, with the signed checkpoint that proves whose it is. Both are empty when the
/// contradiction came with a hello.
async fn branch(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, u64, Hash)>, PathRejection>,
) -> Answer {
    let Path((log, size, root)) = path?;
    let log = find_log(&app, &log).await?;
    let unknown = || Refused::missing("unknown-branch", "there is no such branch");
    let branch = app.store.branch(log.id, size, root).await?.ok_or_else(unknown)?;
    Ok(Json(json!({
        "at": branch.at,
        "checkpoint": hex::encode(branch.checkpoint),
        "upload": hex::encode(branch.upload),
    })))
}

#[derive(Deserialize)]
struct EntriesQuery {
    log: String,
    #[serde(default)]
    from: u64,
    #[serde(default = "rows")]
    limit: u32,
}

fn rows() -> u32 {
    ROWS
}

async fn entries(State(app): State<Arc<App>>, query: Result<Query<EntriesQuery>, QueryRejection>) -> Answer {
    let Query(query) = query?;
    let log = find_log(&app, &query.log).await?;
    let entries = app.store.entries(log.id, query.from, query.limit.min(1000)).await?;
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|stored| {
            let body = stored.entry.body.as_ref();
            json!({
                "seq": stored.seq,
                "kind": stored.kind,
                "leaf": stored.leaf,
                "received_at": stored.received_at,
                "read": stored.read,
                "cose": hex::encode(&stored.entry.cose),
                "salt": body.map(|body| body.salt),
                "body": body.map(|body| hex::encode(&body.bytes)),
                "content": body.and_then(|body| cbor::decode_json(&body.bytes).ok()),
            })
        })
        .collect();
    Ok(Json(json!({ "log": log.id, "size": log.head.size(), "entries": entries })))
}

#[derive(Deserialize)]
struct CasesQuery {
    #[serde(default = "rows")]
    limit: u32,
}

async fn cases(State(app): State<Arc<App>>, query: Result<Query<CasesQuery>, QueryRejection>) -> Answer {
    let Query(query) = query?;
    let cases = app.store.cases(query.limit.min(1000)).await?;
    let rows: Vec<Value> = cases
        .iter()
        .map(|case| {
            json!({
                "no": case.no,
                "log": case.log,
                "hall": case.hall,
                "item": case.item,
                "item_name": case.item_name,
                "window": case.window,
                "state": case.state(),
                "outcome": case.disposition.as_ref().map(|disposition| disposition.outcome),
            })
        })
        .collect();
    Ok(Json(json!(rows)))
}

async fn case(State(app): State<Arc<App>>, Path(no): Path<String>) -> Answer {
    let unknown = || Refused::missing("unknown-case", "there is no such case");
    let no = no.parse().map_err(|_| unknown())?;
    let case = app.store.case(&no).await?.ok_or_else(unknown)?;
    let blobs = case.blobs();
    let lacking = app.blobs.lacking(blobs.clone()).await?;
    let judgement = case.disposition.as_ref().map(|disposition| {
        json!({
            "outcome": disposition.outcome,
            "zh": disposition.outcome.zh(),
            "sentence": disposition.sentence(),
            "what_to_do": disposition.what_to_do(),
        })
    });
    Ok(Json(json!({
        "state": case.state(),
        "case": case,
        "blobs": { "total": blobs.len(), "lacking": lacking },
        "judgement": judgement,
    })))
}

/// Whose signatures count: never a secret.
async fn trusted(State(app): State<Arc<App>>) -> Answer {
    Ok(Json(trust::shown(&app)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateRequest {
    #[serde(default)]
    announce_days: Option<u32>,
    #[serde(default)]
    now: bool,
}

/// Makes the next signing key and tells every hall.
async fn rotate(State(app): State<Arc<App>>, request: Result<Json<RotateRequest>, JsonRejection>) -> Answer {
    let request = body(request)?;
    let switch = match (request.now, request.announce_days) {
        (true, None) => Switch::Now,
        (false, days) => Switch::Announced(days.unwrap_or(ANNOUNCE_DAYS)),
        (true, Some(_)) => return Err(Refused::bad("rotate", "now, or announced for some days").into()),
    };
    trust::announce(&app.keys, switch, app.now())
        .map_err(|error| Refused::bad("rotate", error.to_string()))?;
    trust::keep(&app).await.map_err(|error| Refused::failed(&*error))?;
    Ok(Json(trust::shown(&app)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeRequest {
    /// What it was changed to: the number that counts now, or words.
    changed_as: String,
}

/// An operator changed the case at the centre: what the hall recorded conflicts with it.
async fn change_case(
    State(app): State<Arc<App>>,
    Path(no): Path<String>,
    request: Result<Json<ChangeRequest>, JsonRejection>,
) -> Answer {
    let changed_as = body(request)?.changed_as;
    if changed_as.trim().is_empty() || changed_as.chars().count() > 100 {
        return Err(Refused::bad("changed-as", "say in 1 to 100 characters what it was changed to").into());
    }
    if !app.store.change_case(&no, &changed_as).await? {
        return Err(Refused::missing("unknown-case", "there is no such case").into());
    }
    app.ratify.notify_one();
    Ok(Json(json!({ "changed_as": changed_as })))
}

/// 撤回授权 for a citizen who asked the centre to by telephone or letter.
async fn withdraw(State(app): State<Arc<App>>, Path(no): Path<String>) -> Answer {
    let unknown = || Refused::missing("unknown-case", "there is no such case");
    let no = no.parse().map_err(|_| unknown())?;
    let withdrawn = consent::withdraw_for(&app, &no).await?.ok_or_else(unknown)?;
    Ok(Json(json!({ "withdrawn": withdrawn })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountRequest {
    document: IdentityDocument,
    state: AccountState,
}

/// 账号状态 of a person: open, closed, deceased. Ends their sessions, and their place in the status list tells halls.
async fn set_account(
    State(app): State<Arc<App>>,
    request: Result<Json<AccountRequest>, JsonRejection>,
) -> Answer {
    let AccountRequest { document, state } = body(request)?;
    let _register = app.register.lock().await;
    let changed = app.store.set_account(&document, state, app.now()).await?;
    let changed = changed.ok_or_else(|| Refused::missing("unknown-person", "there is no such person"))?;
    if changed {
        app.status.changed();
        app.waiters.wake_all();
        tracing::info!(account.state = ?state, "An account changed its state.");
    }
    Ok(Json(json!({ "changed": changed, "state": state })))
}

/// One chunk of a sealed attachment.
async fn chunk(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, usize)>, PathRejection>,
) -> Result<Vec<u8>, Failure> {
    let Path((id, n)) = path?;
    let id = id.parse().map_err(|_| Refused::missing("unknown-blob", "not the name of a blob"))?;
    Ok(app.blobs.read_chunk(id, n).await?)
}
