//! 曾用证件号下的证照: what the list offers, and what the clerk says of it.

use super::act::{Act, Actor, Answered};
use super::list;
use super::page::{Scene, shown_number};
use crate::book::Fault;
use crate::reception::Refusal;
use crate::web::App;
use crate::web::pages::case::StepName;
use crate::web::pages::steps::AliasRow;
use crate::web::session::Nothing;
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::post;
use hall_domain::case::Case;
use hall_domain::{AliasId, AliasKind, HolderAlias, HolderId};
use serde::Deserialize;

/// Routes of what is found under earlier identifiers.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}/aliases/{alias}/confirm", post(confirm))
        .route("/cases/{id}/aliases/{alias}/revert", post(revert))
}

#[derive(Deserialize)]
struct Place {
    alias: String,
}

/// The fact that an address names; what is no name of one names none.
struct Named(Option<AliasId>);

impl FromRequestParts<App> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let place = Path::<Place>::from_request_parts(parts, app).await;
        Ok(Self(place.ok().and_then(|Path(place)| place.alias.parse().ok())))
    }
}

async fn confirm(Named(alias): Named, Act { by, .. }: Act<Nothing>) -> Answered {
    let done = match alias {
        Some(alias) => by.app.desk.confirm_alias(&by.clerk, &by.id, alias).await,
        None => Err(Refusal::UnknownAlias.into()),
    };
    answer(&by, done).await
}

async fn revert(Named(alias): Named, Act { by, .. }: Act<Nothing>) -> Answered {
    let done = match alias {
        Some(alias) => by.app.desk.revert_alias(&by.clerk, &by.id, alias).await,
        None => Err(Refusal::UnknownAlias.into()),
    };
    answer(&by, done).await
}

async fn answer(by: &Actor, done: Result<Case, Fault>) -> Answered {
    by.answer(done, StepName::List).await
}

/// One row for each candidate, in the order of the list.
pub fn rows(scene: &Scene<'_>) -> Vec<AliasRow> {
    let case = scene.case;
    let row = |candidate: &hall_domain::case::AliasedRow| {
        let named = case.list.iter().find(|row| row.material == candidate.material);
        let confirmed = case.confirmed.get(&candidate.alias.id());
        AliasRow {
            alias: candidate.alias.id().to_string(),
            material: named.map(|row| row.name.clone()).unwrap_or_default(),
            number: number(scene, &candidate.alias),
            kind: kind(candidate.alias.kind()).to_owned(),
            source: candidate.alias.source().to_owned(),
            since: candidate.alias.since().to_string(),
            licence: list::cell(scene, &candidate.licence),
            confirmed: confirmed.map(|confirmed| confirmed.at.hm()),
        }
    };
    case.aliased.iter().map(row).collect()
}

/// Under which earlier identifier a licence of the list was issued, ready words; empty for the present one.
pub fn issued_under(scene: &Scene<'_>, alias: Option<AliasId>) -> String {
    match alias.and_then(|id| scene.case.alias(id)) {
        Some(alias) => scene.lang.fill(
            "登记在旧号码下：{} {}，已核对为同一人",
            &[&scene.lang.t(kind(alias.kind())), &number(scene, alias)],
        ),
        None => String::new(),
    }
}

/// Of which kind an earlier identifier is, as the screen says it.
fn kind(kind: AliasKind) -> &'static str {
    match kind {
        AliasKind::FifteenDigits => "15 位旧身份证号码",
        AliasKind::Passport => "旧护照号码",
        AliasKind::EarlierNumber => "原证件号码",
    }
}

fn number(scene: &Scene<'_>, alias: &HolderAlias) -> String {
    match alias.other() {
        HolderId::Person(document) => shown_number(scene, document.number()),
        organisation @ HolderId::Organisation(_) => organisation.shown(),
    }
}
