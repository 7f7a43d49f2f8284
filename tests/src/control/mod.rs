//! 控制台: what a person does around a hall with their hands - lay cards down, pull plugs, cut lines - as a page and
//! as a small JSON interface. Nothing in the product knows of it. `docs/protocol/control.md` describes it.

mod acts;
mod page;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::demo::Endpoints;
use crate::hall::Hall;
use state::Memory;

const MAX_BODY: usize = 16 * 1024;

/// What the handlers use.
#[derive(Clone)]
pub(crate) struct Control {
    hall: Arc<Hall>,
    endpoints: Arc<Endpoints>,
    memory: Arc<Memory>,
}

/// Serves page and interface until `stop`.
///
/// # Errors
/// If the server fails.
pub async fn serve(
    listener: TcpListener,
    hall: Arc<Hall>,
    endpoints: Arc<Endpoints>,
    stop: CancellationToken,
) -> Result<()> {
    let own = listener.local_addr()?;
    let memory = Arc::new(Memory::load(&hall.plan().data));
    let control = Control { hall, endpoints, memory };
    let router = Router::new()
        .merge(page::router())
        .merge(state::router())
        .merge(acts::router())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(own, only_from_here))
        .with_state(control);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("serve the control page")
}

/// A page from elsewhere in the same browser must not drive the hall: neither under a name of its own that leads to
/// loopback, nor by a form, which cannot send JSON.
async fn only_from_here(State(own): State<SocketAddr>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let ours = [own.to_string(), format!("localhost:{}", own.port())];
    if !ours.iter().any(|ours| ours == host) {
        return Refusal::new(StatusCode::FORBIDDEN, "只能从本机访问。").into_response();
    }
    next.run(request).await
}

/// Why something was not done: one Chinese sentence.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    sentence: String,
}

impl Refusal {
    fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    fn unknown(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("没有这个{what}。"))
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::new(StatusCode::CONFLICT, format!("{error:#}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.sentence }))).into_response()
    }
}
