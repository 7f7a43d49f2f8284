//! 授权记录与回执.

use super::{Answer, Citizen, body, json, seconds, views};
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::consent;
use crate::citizen::id::Id;
use crate::citizen::receipt::{self, Standing};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use hall_ledger::Hash;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub async fn list(State(app): State<Arc<App>>, Citizen(session): Citizen) -> Answer {
    let consents = consent::list(&app, &session.person).await?;
    let rows: Vec<Value> = consents.iter().map(views::consent_row).collect();
    Ok(json(json!({ "consents": rows })))
}

pub async fn one(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<Id>, PathRejection>,
) -> Answer {
    let Path(id) = path?;
    Ok(json(views::consent(&consent::one(&app, &session.person, id).await?)))
}

pub async fn withdraw(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<Id>, PathRejection>,
) -> Answer {
    let Path(id) = path?;
    Ok(json(views::consent(&consent::withdraw(&app, &session.person, id).await?)))
}

#[derive(Deserialize)]
pub struct OnReceipt {
    digest: Hash,
}

/// For anybody who holds a receipt. Says nothing about whom or what, and nothing at all to a wrong digest.
pub async fn receipt(
    State(app): State<Arc<App>>,
    path: Result<Path<Id>, PathRejection>,
    query: Result<Query<OnReceipt>, QueryRejection>,
) -> Answer {
    let (Path(id), Query(OnReceipt { digest })) = (path?, query?);
    let consent = app.store.consent(id).await?.ok_or(Refusal::Because("unknown"))?;
    if consent.digest != digest {
        return Ok(json(json!({ "id": id, "genuine": false, "state": "unknown" })));
    }
    let state = if consent.withdrawn_at.is_some() { "withdrawn" } else { "in_force" };
    Ok(json(views::without_null(json!({
        "id": id,
        "genuine": true,
        "state": state,
        "agreed_on": consent.agreed_at.local_date(),
        "withdrawn_at": consent.withdrawn_at.map(seconds),
    }))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    receipt: String,
}

/// For anybody who holds a box's printed receipt. Says nothing about whom or what.
pub async fn verify_receipt(State(app): State<Arc<App>>, request: Result<Bytes, BytesRejection>) -> Answer {
    let Printed { receipt } = body(request)?;
    let (state, message, at) = match receipt::verify(&app, &receipt).await? {
        Standing::InForce(at) => ("in_force", "回执真实，授权有效。", Some((at, None))),
        Standing::Withdrawn(at, since) => ("withdrawn", "回执真实，授权已撤回。", Some((at, Some(since)))),
        Standing::LegalBasis(at) => {
            ("legal_basis", "回执真实：依职能查验，已告知办事人，不需要授权。", Some((at, None)))
        }
        Standing::AtBox => ("at_box", "签名真实：一体机已登记，尚未传到省级中心，请稍后再查。", None),
        Standing::Erased => ("erased", "回执真实，登记的内容已按规定清除。", None),
        Standing::Forged => ("unknown", "与记录不符，请勿采信这张回执。", None),
    };
    Ok(json(views::without_null(json!({
        "genuine": state != "unknown",
        "arrived": !matches!(state, "unknown" | "at_box"),
        "state": state,
        "message": message,
        "agreed_on": at.map(|(at, _)| at.local_date()),
        "withdrawn_at": at.and_then(|(_, since)| since).map(seconds),
    }))))
}
