//! Files that are part of the program: scripts, styles, and the evaluator's page.

use super::App;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;
use serde::Deserialize;

/// Scripts and styles of the clerk's screens.
#[derive(RustEmbed)]
#[folder = "web/dist"]
pub struct Desk;

/// The evaluator's page.
#[derive(RustEmbed)]
#[folder = "../devices/evaluator/dist"]
pub struct Evaluator;

/// Nothing but our own files, from our own address.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self' wss:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    v: String,
}

/// The desk's files. A file that is asked for with its version never changes.
pub fn router() -> Router<App> {
    Router::new().route(
        "/assets/{file}",
        get(|Path(file): Path<String>, Query(version): Query<Version>| async move {
            let mut response = serve::<Desk>(&file);
            if response.status() == StatusCode::OK && !version.v.is_empty() {
                let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
                response.headers_mut().insert(header::CACHE_CONTROL, forever);
            }
            response
        }),
    )
}

/// One embedded file.
pub fn serve<F: RustEmbed>(file: &str) -> Response {
    let Some(found) = F::get(file) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = found.metadata.mimetype().to_owned();
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
            (header::CONTENT_SECURITY_POLICY, PAGE_POLICY.to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
        ],
        found.data.into_owned(),
    )
        .into_response()
}
