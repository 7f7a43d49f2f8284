//! 委托代办.

use super::agent::Typed;
use super::{Answer, Citizen, body, created, json, time, views};
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::For;
use crate::citizen::id::Id;
use crate::citizen::mandate::{self, NewMandate};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use hall_domain::LicenceKindCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub async fn list(State(app): State<Arc<App>>, Citizen(session): Citizen) -> Answer {
    let mut given: Vec<Value> = Vec::new();
    for principal in mandate::principals(&app, &session.person).await? {
        let mandates = app.store.mandates_by(&principal).await?;
        given.extend(mandates.iter().map(|mandate| views::mandate(&app, mandate, true)));
    }
    let received = app.store.mandates_to(&session.person.document).await?;
    let received: Vec<Value> = received.iter().map(|mandate| views::mandate(&app, mandate, false)).collect();
    Ok(json(json!({ "given": given, "received": received })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    #[serde(default)]
    capacity: For,
    agent: Typed,
    #[serde(default)]
    item: Option<String>,
    kinds: Vec<String>,
    until: i64,
    face_ticket: String,
}

pub async fn give(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let new: New = body(request)?;
    let unknown_kind = |_| Refusal::Because("unknown-kind");
    let kinds: Result<Vec<LicenceKindCode>, _> =
        new.kinds.iter().map(|kind| kind.parse().map_err(unknown_kind)).collect();
    let item = new.item.map(|item| item.parse()).transpose().map_err(|_| Refusal::Because("unknown-item"))?;
    let (name, document) = new.agent.read()?;
    let new = NewMandate {
        capacity: new.capacity,
        name,
        document,
        item,
        kinds: kinds?,
        until: time(new.until)?,
        face_ticket: new.face_ticket,
    };
    let mandate = mandate::give(&app, &session, new).await?;
    Ok(created(views::mandate(&app, &mandate, true)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

pub async fn accept_by_code(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Code { code } = body(request)?;
    let mandate = mandate::accept_by_code(&app, &session.person, &code).await?;
    Ok(json(views::mandate(&app, &mandate, false)))
}

pub async fn accept(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<Id>, PathRejection>,
) -> Answer {
    let Path(id) = path?;
    let mandate = mandate::accept(&app, &session.person, id).await?;
    Ok(json(views::mandate(&app, &mandate, false)))
}

pub async fn end(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<Id>, PathRejection>,
) -> Answer {
    let Path(id) = path?;
    let mandate = mandate::end(&app, &session.person, id).await?;
    let given = mandate.agent != session.person.document;
    Ok(json(views::mandate(&app, &mandate, given)))
}
