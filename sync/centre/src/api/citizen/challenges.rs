//! 窗口请求, and what a principal confirms.

use super::{Answer, Citizen, LONGEST_WAIT, body, json, views};
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::answer::{self, Answer as Said};
use crate::citizen::capacity::For;
use crate::citizen::challenge::{self, ChallengeState};
use crate::citizen::news::Event;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use hall_domain::MaterialId;
use hall_ledger::phone::ChallengeNonce;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn nonce(path: Result<Path<ChallengeNonce>, PathRejection>) -> Result<ChallengeNonce, Refusal> {
    path.map(|Path(nonce)| nonce).map_err(|_| Refusal::Because("unknown-challenge"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scanned {
    challenge: String,
    #[serde(default)]
    capacity: For,
}

pub async fn read(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Scanned { challenge, capacity } = body(request)?;
    let view = challenge::read(&app, &session, &challenge, &capacity).await?;
    Ok(json(views::challenge(&app, &session.person, &capacity, &view)))
}

#[derive(Deserialize)]
pub struct Wait {
    #[serde(default)]
    wait: u64,
}

/// Waits while the principal has not answered.
pub async fn state(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<ChallengeNonce>, PathRejection>,
    query: Result<Query<Wait>, QueryRejection>,
) -> Answer {
    let (nonce, Query(Wait { wait })) = (nonce(path)?, query?);
    let deadline = Instant::now() + Duration::from_secs(wait.min(LONGEST_WAIT));
    let event = Event::Challenge(nonce);
    loop {
        let mut news = app.news.listen();
        let kept = answer::read_before(&app, &session.person, nonce).await?;
        let (now, waiting) = (app.now(), kept.state == ChallengeState::Waiting);
        let left = kept.asked.expires_at.ms_since(now);
        if !waiting || left <= 0 || Instant::now() >= deadline || app.stop.is_cancelled() {
            // Of what another person answered nothing is told but that it was.
            let mandate = match kept.mandate {
                Some(id) => app.store.mandate(id).await?,
                None => None,
            };
            let me = &session.person.document;
            let mine = kept.by.as_ref() == Some(me) || mandate.is_some_and(|mandate| mandate.agent == *me);
            return Ok(json(views::answered(&app, &kept, mine).await?));
        }
        let over = Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0));
        tokio::select! {
            () = news.until(&event) => {}
            () = tokio::time::sleep_until(deadline.min(over)) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Agree,
    Refuse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    decision: Decision,
    #[serde(default)]
    refused: Vec<MaterialId>,
    #[serde(default)]
    materials: Option<Vec<MaterialId>>,
    #[serde(default)]
    face_ticket: Option<String>,
    #[serde(default)]
    capacity: For,
}

impl From<Answered> for Said {
    fn from(answered: Answered) -> Self {
        Self {
            agree: matches!(answered.decision, Decision::Agree),
            refused: answered.refused,
            materials: answered.materials,
            face_ticket: answered.face_ticket,
            capacity: answered.capacity,
        }
    }
}

pub async fn answer(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<ChallengeNonce>, PathRejection>,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let (nonce, said) = (nonce(path)?, body::<Answered>(request)?);
    let kept = answer::answer(&app, &session, nonce, said.into()).await?;
    Ok(json(views::answered(&app, &kept, true).await?))
}

pub async fn confirmations(State(app): State<Arc<App>>, Citizen(session): Citizen) -> Answer {
    let found = challenge::confirmations(&app, &session.person).await?;
    let now = app.now();
    let rows: Vec<Value> = found
        .iter()
        .map(|(mandate, view)| {
            json!({
                "agent": views::masked(&mandate.agent_name, &mandate.agent),
                "delegation": mandate.id,
                "challenge": views::challenge(&app, &session.person, &For::Own, view),
                "state": view.kept.word(now),
            })
        })
        .collect();
    Ok(json(json!({ "confirmations": rows })))
}

pub async fn confirm(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    path: Result<Path<ChallengeNonce>, PathRejection>,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let (nonce, said) = (nonce(path)?, body::<Answered>(request)?);
    let kept = answer::confirm(&app, &session, nonce, said.into()).await?;
    Ok(json(views::answered(&app, &kept, true).await?))
}
