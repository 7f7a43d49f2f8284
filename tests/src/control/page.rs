//! The control page: three files and the hall's certificate.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Control;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/", get(|| async { file("text/html; charset=utf-8", include_str!("page.html")) }))
        .route("/page.css", get(|| async { file("text/css; charset=utf-8", include_str!("page.css")) }))
        .route("/page.js", get(|| async { file("text/javascript; charset=utf-8", include_str!("page.js")) }))
        .route("/hall-ca.pem", get(certificate))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

async fn certificate(State(control): State<Control>) -> Response {
    let path = control.hall.hall_box().read().await.ca();
    match tokio::fs::read(path).await {
        Ok(pem) => {
            let attachment = (header::CONTENT_DISPOSITION, "attachment; filename=\"hall-ca.pem\"");
            ([(header::CONTENT_TYPE, "application/x-pem-file"), attachment], pem).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
