//! What devices and the evaluator's page ask of the box over HTTPS.

use super::App;
use super::assets::{Evaluator, serve};
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hall_bus::MessageId;
use hall_bus::pairing::Progress;

const BEGIN_BYTES: usize = 16 * 1024;
const FRAME_BYTES: usize = 128 * 1024;

/// Routes without a session: devices have their own credentials.
pub fn router() -> Router<App> {
    Router::new()
        .route("/mqtt", get(mqtt))
        .route("/pair/v1/begin", post(begin).layer(DefaultBodyLimit::max(BEGIN_BYTES)))
        .route("/pair/v1/{pair}", get(progress))
        .route("/evaluator", get(|| async { Redirect::permanent("/evaluator/") }))
        .route("/evaluator/", get(|| async { serve::<Evaluator>("index.html") }))
        .route("/evaluator/{file}", get(|Path(file): Path<String>| async move { serve::<Evaluator>(&file) }))
}

async fn mqtt(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["mqtt"]).max_message_size(FRAME_BYTES).max_frame_size(FRAME_BYTES).on_upgrade(
        move |socket| async move {
            if let Err(turned) = app.door.serve_socket(socket, app.stop.clone()).await {
                tracing::info!(reason = %turned, "a device was turned away at the door");
            }
        },
    )
}

async fn begin(State(app): State<App>, body: Bytes) -> Response {
    match app.pairing.begin(&body) {
        Ok(Some(begun)) => Json(begun).into_response(),
        Ok(None) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "30")]).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn progress(State(app): State<App>, Path(pair): Path<MessageId>, headers: HeaderMap) -> Response {
    let secret = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let progress: Option<Progress> = app.pairing.progress(pair, secret);
    match progress {
        Some(progress) => ([(header::CACHE_CONTROL, "no-store")], Json(progress)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
