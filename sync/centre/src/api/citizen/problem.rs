//! Refusals as phones get them.

use crate::citizen::Refusal;
use crate::store::StoreError;
use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub struct Problem(Refusal);

impl Problem {
    /// A reason by its word.
    pub fn because(code: &'static str) -> Self {
        Self(Refusal::Because(code))
    }
}

impl<E: Into<Refusal>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let told = self.0.told();
        let number = format!("C{:08X}", getrandom::u32().unwrap_or(0));
        match &self.0 {
            Refusal::Store(StoreError::Busy) => {}
            Refusal::Store(error) => {
                tracing::error!(%error, problem.number = %number, "A citizen's request failed.")
            }
            Refusal::Failed(error) => {
                tracing::error!(%error, problem.number = %number, "A citizen's request failed.")
            }
            _ => {
                tracing::info!(problem.code = told.code, problem.number = %number, "A citizen's request was refused.")
            }
        }
        let what_to_do = match self.0 {
            Refusal::TooOften(seconds) => format!("请 {}后再试。", span(seconds)),
            _ => told.what_to_do.to_owned(),
        };
        let mut body = json!({
            "code": told.code,
            "message": told.message,
            "what_to_do": what_to_do,
            "number": number,
        });
        let wait = match self.0 {
            Refusal::TooOften(seconds) => Some(seconds),
            Refusal::Store(StoreError::Busy) => Some(2),
            _ => None,
        };
        if let Some(seconds) = wait {
            body["retry_after_s"] = seconds.into();
        }
        if let Refusal::WrongOtp(left) = self.0 {
            body["tries_left"] = left.into();
        }
        let status = StatusCode::from_u16(told.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = wait {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A wait in words, rounded up.
fn span(seconds: u32) -> String {
    match seconds {
        0..=60 => format!("{seconds} 秒"),
        61..=3_600 => format!("{} 分钟", seconds.div_ceil(60)),
        _ => format!("{} 小时", seconds.div_ceil(3_600)),
    }
}
