//! Operators and booking systems say which licences a hall may hold.

use super::admin::{Answer, body};
use super::error::Refused;
use crate::app::App;
use crate::scope::{self, Grant, HallScope};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use hall_domain::{HolderId, ItemCode, Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Most days that an appointment may lie ahead.
const AHEAD_HOURS: i64 = 90 * 24;

/// Their calls.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/halls/{code}/scope", post(set))
        .route("/admin/appointments", post(appointment))
        .route("/admin/consents", post(consent))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeRequest {
    scope: HallScope,
}

async fn set(
    State(app): State<Arc<App>>,
    Path(code): Path<String>,
    request: Result<Json<ScopeRequest>, JsonRejection>,
) -> Answer {
    let wanted = body(request)?.scope;
    let settled = scope::set(&app, &fits(code)?, wanted).await?;
    Ok(Json(json!({ "scope": wanted, "told": settled })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppointmentRequest {
    hall: String,
    item: ItemCode,
    holder: HolderId,
    /// When, in milliseconds since 1970.
    at: Timestamp,
}

async fn appointment(
    State(app): State<Arc<App>>,
    request: Result<Json<AppointmentRequest>, JsonRejection>,
) -> Answer {
    let AppointmentRequest { hall, item, holder, at } = body(request)?;
    let item = app
        .catalogue
        .item(&item)
        .ok_or_else(|| Refused::bad("unknown-item", "the item is not in the catalogue"))?;
    if at > app.now().plus_hours(AHEAD_HOURS) {
        return Err(Refused::bad("at", "an appointment lies at most 90 days ahead").into());
    }
    let grant = Grant::appointment(fits(hall)?, holder, item, at);
    let until = grant.until;
    let settled = if grant.kinds.is_empty() {
        // No kinds would mean all of them; this item asks for none.
        scope::Settled::default()
    } else {
        scope::grant(&app, grant).await?
    };
    Ok(Json(json!({ "until": until, "told": settled })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentRequest {
    hall: String,
    holder: HolderId,
    given: bool,
}

/// 企业常用授权, given or withdrawn.
async fn consent(
    State(app): State<Arc<App>>,
    request: Result<Json<ConsentRequest>, JsonRejection>,
) -> Answer {
    let ConsentRequest { hall, holder, given } = body(request)?;
    let hall = fits(hall)?;
    if matches!(holder, HolderId::Person(_)) {
        return Err(Refused::bad("holder", "only an organisation can leave a standing consent").into());
    }
    let settled = match given {
        true => scope::grant(&app, Grant::standing(hall, holder)).await?,
        false => scope::withdraw(&app, &hall, &holder).await?,
    };
    Ok(Json(json!({ "given": given, "told": settled })))
}

fn fits(hall: String) -> Result<String, Refused> {
    let fits =
        (1..=20).contains(&hall.len()) && hall.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if fits { Ok(hall) } else { Err(Refused::bad("hall", "a hall has a code of 1 to 20 of A-Z and 0-9")) }
}
