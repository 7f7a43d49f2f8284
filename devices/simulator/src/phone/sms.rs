//! 短信: what the centre's gateway sends to a number arrives at the phone that has it.

use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Phones;

/// A phone keeps its newest messages.
const MOST_KEPT: usize = 50;

/// A text message in a phone's inbox.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sms {
    /// When it came, in milliseconds since 1970; never the same twice at one phone.
    pub(super) number: u64,
    text: String,
    /// Number at the gateway: the same message may come twice.
    #[serde(skip)]
    sent: u64,
}

/// What the centre's gateway posts.
#[derive(Deserialize)]
pub(super) struct Sent {
    no: u64,
    phone: String,
    text: String,
}

/// Takes a message. One for a number that nobody has is lost, as in the field.
pub(super) async fn receive(State(phones): State<Phones>, Json(sent): Json<Sent>) -> StatusCode {
    let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let at_ms = u64::try_from(at_ms).unwrap_or(u64::MAX);
    for phone in phones.0.phones.values().filter(|phone| phone.carrier.has(&sent.phone)) {
        let mut inbox = phone.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.iter().any(|sms| sms.sent == sent.no) {
            continue;
        }
        let number = inbox.last().map_or(at_ms, |last| at_ms.max(last.number + 1));
        inbox.push(Sms { number, text: sent.text.clone(), sent: sent.no });
        if inbox.len() > MOST_KEPT {
            inbox.remove(0);
        }
    }
    StatusCode::ACCEPTED
}
