//! 扫码 on the case page: what a keyboard scanner, the camera or the clerk puts into the box.

use super::act::{self, Act, Answered};
use super::page::Trouble;
use crate::book::Fault;
use crate::web::App;
use crate::web::pages::case::StepName;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use hall_domain::Carrier;
use serde::Deserialize;

/// Routes of scanning.
pub fn router() -> Router<App> {
    Router::new().route("/cases/{id}/scan", post(scan))
}

#[derive(Deserialize)]
struct Scanned {
    #[serde(default)]
    text: String,
    #[serde(default)]
    carrier: Claimed,
}

/// The ways into the box that a browser has. What else it may say of itself is not believed.
#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Claimed {
    Keyboard,
    Camera,
    #[default]
    #[serde(other)]
    Typed,
}

async fn scan(Act { by, form }: Act<Scanned>) -> Answered {
    let carrier = match form.carrier {
        Claimed::Keyboard => Carrier::Keyboard,
        Claimed::Camera => Carrier::Camera,
        Claimed::Typed => Carrier::Typed,
    };
    by.app.desk.forget_scan_said(&by.id);
    match by.app.desk.scanned(&by.clerk, &by.id, form.text, carrier).await {
        Err(Fault::Refused(refusal)) => {
            // The clerk stays at the step in hand: a code may be scanned at any of them.
            let trouble = Trouble { refusal: Some(refusal), typed: String::new() };
            act::show(&by.app, &by.signed, &by.id, None, trouble, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        done => by.answer(done, StepName::Identify).await,
    }
}
