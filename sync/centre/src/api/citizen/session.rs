//! 登录.

use super::{Answer, Citizen, body, created, done, json, seconds, views};
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::face::FaceSample;
use crate::citizen::id::Id;
use crate::citizen::session::{self, Finish};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use hall_domain::masking::mask_number;
use hall_domain::{IdentityDocument, MobileNumber};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Between two messages.
const RESEND_SECONDS: u32 = 60;

pub async fn about(State(app): State<Arc<App>>) -> Answer {
    Ok(json(json!({
        "name": "省级中心（参考实现）",
        "centre_key_hex": hex::encode(app.keys.signer(app.now()).verifying_key().as_bytes()),
        "now": seconds(app.now()),
        "api": 1,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    name: String,
    document: IdentityDocument,
    phone: MobileNumber,
}

pub async fn start(State(app): State<Arc<App>>, request: Result<Bytes, BytesRejection>) -> Answer {
    let Start { name, document, phone } = body(request)?;
    let shown = mask_number(phone.as_ref());
    let started = session::start(&app, &name, &document, phone).await?;
    Ok(created(json!({
        "session": started.session,
        "expires_at": seconds(started.expires_at),
        "face_required": started.face_required,
        "phone": shown,
        "resend_after_s": RESEND_SECONDS,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Second {
    otp: String,
    device_key: String,
    #[serde(default)]
    device_name: String,
    #[serde(default)]
    face: Option<FaceSample>,
}

pub async fn finish(
    State(app): State<Arc<App>>,
    path: Result<Path<Id>, PathRejection>,
    request: Result<Bytes, BytesRejection>,
) -> Answer {
    let Path(id) = path.map_err(|_| Refusal::Because("session-over"))?;
    let second: Second = body(request)?;
    let device_key = views::key(&second.device_key).ok_or(Refusal::Because("device-key"))?;
    let device_name = second.device_name.chars().take(60).collect();
    let finish = Finish { otp: second.otp, device_key, device_name, face: second.face };
    let signed_in = session::finish(&app, id, finish).await?;
    let me = views::me(&app, &signed_in.session).await?;
    Ok(json(json!({ "token": signed_in.token, "expires_at": seconds(signed_in.expires_at), "me": me })))
}

pub async fn end(State(app): State<Arc<App>>, Citizen(session): Citizen) -> Answer {
    app.store.end_session(session.token).await?;
    Ok(done())
}
