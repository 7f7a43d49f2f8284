//! 授权管理.

use super::agent::TypedWithPhone;
use super::{Answer, Citizen, body, created, json, seconds, time, views};
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::grant::{self, NewGrant};
use crate::citizen::id::Id;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use hall_domain::Uscc;
use hall_domain::masking::mask_number;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

fn uscc(text: &str) -> Result<Uscc, Refusal> {
    text.parse().map_err(|_| Refusal::Because("not-entitled"))
}

pub async fn otp(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<String>, PathRejection>,
) -> Answer {
    let Path(code) = path?;
    let (phone, expires_at) = grant::send_otp(&app, &session, &uscc(&code)?).await?;
    Ok(json(json!({ "phone": mask_number(phone.as_ref()), "expires_at": seconds(expires_at) })))
}

pub async fn grants(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<String>, PathRejection>,
) -> Answer {
    let Path(code) = path?;
    let uscc = uscc(&code)?;
    grant::represented(&app, &session.person, &uscc).await?;
    let now = app.now();
    let grants = app.store.grants_of(&uscc).await?;
    let rows: Vec<Value> = grants.iter().map(|grant| views::grant(grant, now)).collect();
    Ok(json(json!({ "grants": rows })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    otp: String,
    agent: TypedWithPhone,
    #[serde(default)]
    from: Option<i64>,
    until: i64,
}

pub async fn add(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<String>, PathRejection>,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Path(code) = path?;
    let New { otp, agent, from, until } = body(request)?;
    let from = from.map(time).transpose()?;
    let (name, document, phone) = agent.read()?;
    let new = NewGrant { otp, name, document, phone, from, until: time(until)? };
    let grant = grant::add(&app, &session, &uscc(&code)?, new).await?;
    Ok(created(views::grant(&grant, app.now())))
}

pub async fn revoke(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<(String, Id)>, PathRejection>,
) -> Answer {
    let Path((code, id)) = path?;
    let grant = grant::revoke(&app, &session.person, &uscc(&code)?, id).await?;
    Ok(json(views::grant(&grant, app.now())))
}
