//! 目录与我的证照.

use super::{Answer, Citizen, InCapacity, body, done, json, seconds, views};
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::For;
use crate::citizen::licences;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use hall_domain::{ApplicantKind, Catalogue, LicenceId, LicenceKindCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Deserialize)]
pub struct Search {
    holder: Option<ApplicantKind>,
    #[serde(default)]
    q: String,
}

pub async fn catalogue(
    State(app): State<Arc<App>>,
    Citizen(_): Citizen,
    query: Result<Query<Search>, QueryRejection>,
) -> Answer {
    let Query(search) = query?;
    let words: Vec<&str> = search.q.split_whitespace().collect();
    let mut departments: Vec<(String, Vec<Value>)> = Vec::new();
    for kind in app.catalogue.kinds() {
        let fits = search.holder.is_none_or(|holder| holder == kind.holder)
            && words.iter().all(|word| kind.name.contains(word) || kind.department.contains(word));
        if !fits {
            continue;
        }
        match departments.iter_mut().find(|(department, _)| *department == kind.department) {
            Some((_, kinds)) => kinds.push(json!(kind)),
            None => departments.push((kind.department.clone(), vec![json!(kind)])),
        }
    }
    let departments: Vec<Value> = departments
        .into_iter()
        .map(|(department, kinds)| json!({ "department": department, "kinds": kinds }))
        .collect();
    Ok(json(json!({ "version": app.catalogue.version(), "departments": departments })))
}

pub async fn items(
    State(app): State<Arc<App>>,
    Citizen(_): Citizen,
    query: Result<Query<Search>, QueryRejection>,
) -> Answer {
    let Query(search) = query?;
    Ok(json(json!({ "items": items_of(&app.catalogue, &search.q) })))
}

fn items_of(catalogue: &Catalogue, words: &str) -> Vec<Value> {
    let found = catalogue.search(words).into_iter();
    found
        .map(|item| {
            let kinds: BTreeSet<&LicenceKindCode> = item.licence_materials().map(|(_, kind)| kind).collect();
            json!({
                "code": item.code,
                "name": item.name,
                "department": item.department,
                "applicants": item.applicants,
                "kinds": kinds,
            })
        })
        .collect()
}

pub async fn cards(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    query: Result<Query<InCapacity>, QueryRejection>,
) -> Answer {
    let Query(InCapacity { capacity }) = query?;
    let cards = licences::cards(&app, &session.person, &capacity).await?;
    let cards: Vec<Value> = cards.iter().map(|card| views::card(&app, &session.person, card)).collect();
    Ok(json(json!({ "licences": cards })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    kind: LicenceKindCode,
    #[serde(default)]
    capacity: For,
}

pub async fn claim(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Claim { kind, capacity } = body(request)?;
    let cards = licences::claim(&app, &session.person, &capacity, &kind).await?;
    let cards: Vec<Value> = cards.iter().map(|card| views::card(&app, &session.person, card)).collect();
    Ok(json(json!({ "licences": cards })))
}

pub async fn unclaim(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Claim { kind, capacity } = body(request)?;
    licences::unclaim(&app, &session.person, &capacity, &kind).await?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Original {
    licence: String,
    face_ticket: String,
    #[serde(default)]
    capacity: For,
}

pub async fn original(
    State(app): State<Arc<App>>,
    Citizen(session): Citizen,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Original { licence, face_ticket, capacity } = body(request)?;
    let licence: LicenceId = licence.parse().map_err(|_| Refusal::Because("no-such-licence"))?;
    let found = licences::original(&app, &session, &capacity, &licence, &face_ticket).await?;
    let (licence, now) = (&found.licence, app.now());
    let kind = app.catalogue.kind(&licence.kind);
    let labelled = kind.iter().flat_map(|kind| &kind.fields);
    let fields: Vec<Value> = labelled
        .filter_map(|field| {
            let value = licence.fields.get(&field.key)?;
            Some(json!({ "key": field.key, "label": field.label, "value": value }))
        })
        .collect();
    Ok(json(views::without_null(json!({
        "licence": licence.id,
        "kind": licence.kind,
        "name": licence.name,
        "number": licence.number,
        "issuer": licence.issuer.name,
        "issued": licence.issued,
        "valid_from": licence.valid_from,
        "valid_until": licence.valid_until,
        "status": found.status,
        "status_zh": found.status.zh(),
        "checked_at": seconds(now),
        "watermark": format!("仅供持证人本人查看 {}", now.to_display()),
        "fields": fields,
    }))))
}
