//! Attachments over the link.

use super::error::Refused;
use super::link::{Caller, answer, whole};
use crate::app::App;
use crate::blobs;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hall_ledger::BlobId;
use hall_ledger::link::BlobState;
use std::sync::Arc;

type Body = Result<Bytes, BytesRejection>;

pub async fn offer(
    State(app): State<Arc<App>>,
    Caller(_): Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Refused> {
    let id = blob_id(&id)?;
    let state = app.blobs.offer(id, whole(&body)?.to_vec()).await?;
    Ok(answer(StatusCode::OK, &wire(id, &state)))
}

pub async fn missing(
    State(app): State<Arc<App>>,
    Caller(_): Caller,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let id = blob_id(&id)?;
    Ok(answer(StatusCode::OK, &wire(id, &app.blobs.state(id).await?)))
}

pub async fn put_chunk(
    State(app): State<Arc<App>>,
    Caller(_): Caller,
    Path((id, n)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Refused> {
    let id = blob_id(&id)?;
    let n =
        blobs::chunk_number(&n).ok_or_else(|| Refused::missing("unknown-chunk", "there is no such chunk"))?;
    app.blobs.put_chunk(id, n, whole(&body)?.clone()).await?;
    // The bitmap costs little and saves a box that lost an answer the asking.
    Ok(answer(StatusCode::OK, &wire(id, &app.blobs.state(id).await?)))
}

pub async fn seal(
    State(app): State<Arc<App>>,
    Caller(_): Caller,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let id = blob_id(&id)?;
    app.blobs.seal(id).await?;
    app.ratify.notify_one();
    Ok(answer(StatusCode::OK, &wire(id, &app.blobs.state(id).await?)))
}

fn blob_id(text: &str) -> Result<BlobId, Refused> {
    text.parse().map_err(|_| Refused::missing("unknown-blob", "not the name of a blob"))
}

fn wire(id: BlobId, state: &blobs::BlobState) -> BlobState {
    BlobState {
        id,
        chunks: u32::try_from(state.chunks).unwrap_or(u32::MAX),
        have: state.have.as_bytes().to_vec(),
        sealed: state.sealed,
    }
}
