//! 入网: a box introduces itself with a one-time code. The only call without a client certificate.

use super::error::Refused;
use crate::app::App;
use crate::code::Code;
use crate::register;
use crate::store::{NewLog, Registration};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hall_ledger::link::{EnrolAnswer, EnrolRequest, HallName};
use hall_ledger::trust::verifying_key;
use std::sync::Arc;
use std::time::Duration;

/// What a wrong code costs, so that guessing does not pay.
const WRONG_CODE: Duration = Duration::from_millis(500);

pub async fn enrol(State(app): State<Arc<App>>, body: Result<Json<EnrolRequest>, JsonRejection>) -> Response {
    let Ok(_permit) = app.enrolments.try_acquire() else { return Refused::busy().json() };
    let request = match body {
        Ok(Json(request)) => request,
        Err(error) => return Refused::new(error.status(), "malformed", error.body_text()).json(),
    };
    match register_box(&app, &request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(refused) => refused.json(),
    }
}

/// Safe to repeat: the same box with the same code gets the same log and a new certificate.
async fn register_box(app: &App, request: &EnrolRequest) -> Result<EnrolAnswer, Refused> {
    let bad_request = |what: &str| Refused::bad("malformed", format!("{what} cannot be read"));
    let ledger_key = verifying_key(&request.ledger_key_hex).map_err(|_| bad_request("ledger key"))?;
    if ledger_key.is_weak() {
        return Err(bad_request("ledger key"));
    }
    let now = app.now();
    let code = request.code.parse::<Code>().ok().map(|code| code.digest());
    let enrolment = match code {
        Some(code) => app.store.enrolment(code, now).await?.map(|enrolment| (code, enrolment)),
        None => None,
    };
    let usable = enrolment.filter(|(_, enrolment)| enrolment.used_by.is_none_or(|user| user == ledger_key));
    let Some((code, enrolment)) = usable else {
        tokio::time::sleep(WRONG_CODE).await;
        return Err(wrong_code());
    };
    let issued = app
        .authority
        .box_certificate(&request.csr_pem, &enrolment.log, now)
        .map_err(|_| bad_request("certificate request"))?;
    let _register = app.register.lock().await;
    let first_items = register::first_items(app, &enrolment.hall.code).await?;
    let registration = app
        .store
        .register_log(NewLog {
            code,
            id: enrolment.log,
            ledger_key,
            certificate: issued.fingerprint,
            at: now,
            first_items,
        })
        .await?;
    match registration {
        Registration::Done => {}
        Registration::WrongCode => return Err(wrong_code()),
        Registration::Overtaken => {
            let why = "another code for this box was used first; ask for a new one";
            return Err(Refused::forbidden("overtaken", why));
        }
    }
    tracing::info!(log.id = %enrolment.log, hall.code = %enrolment.hall.code, "A box was enrolled.");
    Ok(EnrolAnswer {
        box_id: enrolment.log.box_id,
        incarnation: enrolment.log.incarnation,
        hall: HallName { code: enrolment.hall.code, name: enrolment.hall.name },
        certificate_pem: issued.pem,
        ca_pem: app.authority.pem().to_owned(),
        centre_keys: app.keys.pins(),
        root_key: app.keys.root(),
    })
}

fn wrong_code() -> Refused {
    Refused::new(StatusCode::FORBIDDEN, "wrong-code", "the code is unknown, used or expired")
}
