//! 授权记录与回执.

use super::{Answer, Citizen, json, seconds, views};
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::consent;
use crate::citizen::id::Id;
use axum::extract::rejection::{PathRejection, QueryRejection};
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
    let (state, _) = views::consent_state(&consent);
    Ok(json(views::without_null(json!({
        "id": id,
        "genuine": true,
        "state": state,
        "agreed_on": consent.agreed_at.local_date(),
        "withdrawn_at": consent.withdrawn_at.map(seconds),
    }))))
}
