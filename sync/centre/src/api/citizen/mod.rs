//! 公众接口: JSON for citizens' phones, let in by a token. `docs/protocol/citizen.openapi.yaml` describes every call.

mod agent;
mod challenges;
mod consents;
mod licences;
mod mandates;
mod me;
mod organisations;
mod printed;
mod problem;
mod session;
mod views;

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::For;
use crate::citizen::session as sessions;
use crate::store::citizens::Session;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Json, Router};
use hall_domain::Timestamp;
pub use problem::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Where every call begins.
const BASE: &str = "/citizen/v1";
/// Largest request.
const MAX_BODY: usize = 32 << 10;
/// Whole requests, a long poll's own waiting added.
const REQUEST: Duration = Duration::from_secs(60);
/// Longest wait of a phone.
const LONGEST_WAIT: u64 = 30;

type Answer = Result<Response, Problem>;

/// Every call, as the OpenAPI document has it.
fn routes() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/about", get(session::about)),
        ("/sessions", post(session::start)),
        ("/sessions/{session}", post(session::finish)),
        ("/sessions/current", delete(session::end)),
        ("/me", get(me::me)),
        ("/messages", get(me::messages)),
        ("/messages/read", post(me::read_messages)),
        ("/faces", post(me::face)),
        ("/codes", post(me::code)),
        ("/codes/plain", get(me::plain_code)),
        ("/catalogue", get(licences::catalogue)),
        ("/catalogue/items", get(licences::items)),
        ("/licences", get(licences::cards)),
        ("/licences/original", post(licences::original)),
        ("/claims", post(licences::claim)),
        ("/claims/remove", post(licences::unclaim)),
        ("/challenges", post(challenges::read)),
        ("/challenges/{nonce}", get(challenges::state)),
        ("/challenges/{nonce}/answer", post(challenges::answer)),
        ("/confirmations", get(challenges::confirmations)),
        ("/confirmations/{nonce}", post(challenges::confirm)),
        ("/organisations/{uscc}/otp", post(organisations::otp)),
        ("/organisations/{uscc}/grants", get(organisations::grants).post(organisations::add)),
        ("/organisations/{uscc}/grants/{id}/revoke", post(organisations::revoke)),
        ("/delegations", get(mandates::list).post(mandates::give)),
        ("/delegations/accept", post(mandates::accept_by_code)),
        ("/delegations/{id}/accept", post(mandates::accept)),
        ("/delegations/{id}/end", post(mandates::end)),
        ("/consents", get(consents::list)),
        ("/consents/{id}", get(consents::one)),
        ("/consents/{id}/withdraw", post(consents::withdraw)),
        ("/receipts/{id}", get(consents::receipt)),
        ("/receipts/verify", post(printed::verify)),
    ]
}

/// Everything that phones may call.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for (path, calls) in routes() {
        router = router.route(&format!("{BASE}{path}"), calls);
    }
    router
        .fallback(async || Problem::because("unknown-call"))
        .method_not_allowed_fallback(async || Problem::because("wrong-method"))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(in_time))
        .with_state(app)
}

/// No request holds its connection for ever, and no answer is kept on the way.
async fn in_time(request: Request, next: Next) -> Response {
    let limit = REQUEST + Duration::from_secs(LONGEST_WAIT);
    let mut response = match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::from(Refusal::Because("face-timeout")).into_response(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Somebody who is signed in.
struct Citizen(Session);

impl FromRequestParts<Arc<App>> for Citizen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let shown = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = shown.and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or(Refusal::Because("no-token"))?;
        Ok(Self(sessions::of_token(app, token).await?))
    }
}

/// A JSON body. What is wrong with it is not told: it is about a person.
fn body<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Problem> {
    let malformed = || Problem::because("malformed");
    serde_json::from_slice(&body.map_err(|_| malformed())?).map_err(|_| malformed())
}

fn json(value: Value) -> Response {
    Json(value).into_response()
}

fn created(value: Value) -> Response {
    (StatusCode::CREATED, Json(value)).into_response()
}

fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Whole seconds, as phones get them.
fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

/// Back from [`seconds`]; a time beyond the year 9999 is none.
fn time(seconds: i64) -> Result<Timestamp, Problem> {
    let fits = (0..253_402_300_800).contains(&seconds);
    if fits { Ok(Timestamp(seconds * 1000)) } else { Err(Problem::because("malformed")) }
}

#[derive(Deserialize)]
struct InCapacity {
    #[serde(default)]
    capacity: For,
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Self {
        Self::because("malformed")
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::because("unknown")
    }
}

#[cfg(test)]
mod tests;
