//! Operators and the authority's systems say which earlier identifiers people had.

use super::admin::{Answer, body};
use super::error::Refused;
use crate::alias::{self, PutError};
use crate::app::App;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use hall_domain::{AliasId, AliasKind, Date, HolderId, RegisterAlias};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Their calls.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/admin/aliases", post(put)).route("/admin/aliases/{id}/withdraw", post(withdraw))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasRequest {
    holder: HolderId,
    other: HolderId,
    kind: AliasKind,
    since: Date,
    source: String,
}

async fn put(State(app): State<Arc<App>>, request: Result<Json<AliasRequest>, JsonRejection>) -> Answer {
    let AliasRequest { holder, other, kind, since, source } = body(request)?;
    let new = RegisterAlias { other, kind, since, source };
    let (id, change) = alias::put(&app, holder, &new).await.map_err(|error| match error {
        PutError::Alias(error) => Refused::bad("alias", error.to_string()),
        PutError::Register(error) => error.into(),
    })?;
    Ok(Json(json!({ "id": id, "change": change })))
}

async fn withdraw(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    let unknown = || Refused::missing("unknown-alias", "there is no such fact");
    let id: AliasId = id.parse().map_err(|_| unknown())?;
    Ok(Json(json!({ "withdrawn": alias::withdraw(&app, id).await? })))
}
