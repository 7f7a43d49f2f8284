//! 我的: account, messages, face checks, codes.

use super::{Answer, Citizen, InCapacity, LONGEST_WAIT, body, done, json, seconds, views};
use crate::app::App;
use crate::citizen::codes;
use crate::citizen::face::{self, FaceSample};
use crate::citizen::session;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Messages of one answer.
const MESSAGES: u32 = 200;

pub async fn me(State(app): State<Arc<App>>, Citizen(session): Citizen) -> Answer {
    Ok(json(views::me(&app, &session).await?))
}

#[derive(Deserialize)]
pub struct Since {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait: u64,
}

pub async fn messages(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    query: Result<Query<Since>, QueryRejection>,
) -> Answer {
    let Query(Since { after, wait }) = query?;
    let document = &session.person.document;
    let deadline = Instant::now() + Duration::from_secs(wait.min(LONGEST_WAIT));
    let event = session::event(document);
    loop {
        let mut news = app.news.listen();
        let notices = app.store.notices(document, after, MESSAGES).await?;
        if !notices.is_empty() || Instant::now() >= deadline || app.stop.is_cancelled() {
            let messages: Vec<Value> = notices.iter().map(views::message).collect();
            let unread = app.store.notices_unread(document).await?;
            return Ok(json(json!({ "messages": messages, "unread": unread })));
        }
        tokio::select! {
            () = news.until(&event) => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    up_to: u64,
}

pub async fn read_messages(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Read { up_to } = body(request)?;
    app.store.notices_read(&session.person.document, up_to).await?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Face {
    sample: FaceSample,
}

pub async fn face(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Face { sample } = body(request)?;
    let ticket = face::ticket(&app, &session.person.document, &sample).await?;
    Ok(json(json!({ "face_ticket": ticket.text, "expires_at": seconds(ticket.expires_at) })))
}

pub async fn code(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let InCapacity { capacity } = body(request)?;
    let attested = codes::attest(&app, &session, &capacity).await?;
    Ok(json(json!({
        "attestation": views::base64url(&attested.bytes),
        "issued_at": seconds(attested.issued),
        "expires_at": seconds(attested.expires),
        "capacity": views::capacity(&app, &session.person, &capacity, &attested.capacity),
    })))
}

pub async fn plain_code(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    query: Result<Query<InCapacity>, QueryRejection>,
) -> Answer {
    let Query(InCapacity { capacity: wanted }) = query?;
    let (code, capacity) = codes::plain(&app, &session, &wanted).await?;
    Ok(json(json!({
        "code": code.code,
        "expires_at": seconds(code.expires_at),
        "capacity": views::capacity(&app, &session.person, &wanted, &capacity),
    })))
}
