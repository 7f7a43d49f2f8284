//! Answers that are not what was asked for.

use crate::alias::StateError;
use crate::blobs::BlobStoreError;
use crate::citizen::Refusal;
use crate::custody::CustodyError;
use crate::feeds::PageError;
use crate::register::RegisterError;
use crate::status::ListError;
use crate::store::StoreError;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hall_ledger::cbor;
use hall_ledger::link::{MEDIA_TYPE, Problem};

/// A request that was not done: status, a stable word, and a sentence without personal data.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<u32>,
}

impl Refused {
    /// An answer with this status.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// 400.
    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 403.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404.
    pub fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 404 for a path that is no call.
    pub fn unknown_call() -> Self {
        Self::missing("unknown-call", "there is no such call")
    }

    /// 405.
    pub fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "this call has another method")
    }

    /// 429, to be tried again after some seconds, spread so that boxes do not come back together.
    pub fn busy() -> Self {
        let spread = getrandom::u32().unwrap_or(0) % 4;
        Self {
            retry_after: Some(1 + spread),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", "the centre has too much to do")
        }
    }

    /// 500. The cause goes to the log, not to the caller.
    pub fn failed(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "A request failed.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the centre failed; the cause is in its log")
    }

    /// As JSON, for operators and enrolment.
    pub fn json(self) -> Response {
        let body = serde_json::json!({ "code": self.code, "message": self.message });
        self.respond("application/json", body.to_string().into_bytes())
    }

    fn respond(self, media_type: &'static str, body: Vec<u8>) -> Response {
        let mut response = (self.status, [(CONTENT_TYPE, media_type)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = Problem { code: self.code.to_owned(), message: self.message.clone() };
        self.respond(MEDIA_TYPE, cbor::pack(&problem))
    }
}

impl From<QueryRejection> for Refused {
    fn from(_: QueryRejection) -> Self {
        Self::bad("query", "the query cannot be read")
    }
}

impl From<PathRejection> for Refused {
    fn from(_: PathRejection) -> Self {
        Self::unknown_call()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self {
                retry_after: Some(2),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the store is busy")
            },
            error => Self::failed(&error),
        }
    }
}

impl From<CustodyError> for Refused {
    fn from(error: CustodyError) -> Self {
        match error {
            CustodyError::Store(error) => error.into(),
            CustodyError::Race | CustodyError::Closing => Self::busy(),
            error @ (CustodyError::Upload(_) | CustodyError::Refused(_)) => {
                tracing::warn!(%error, "Custody was refused.");
                Self::bad("custody", error.to_string())
            }
        }
    }
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Store(error) => error.into(),
            PageError::State(error) => error.into(),
            beyond @ PageError::Beyond { .. } => Self::bad("beyond-head", beyond.to_string()),
        }
    }
}

impl From<StateError> for Refused {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Store(error) => error.into(),
            error => Self::failed(&error),
        }
    }
}

impl From<ListError> for Refused {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Store(error) => error.into(),
            error @ ListError::List(_) => Self::failed(&error),
        }
    }
}

impl From<RegisterError> for Refused {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Store(error) => error.into(),
            error => Self::failed(&error),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Store(error) => error.into(),
            refusal => Self::failed(&refusal.told().code),
        }
    }
}

impl From<BlobStoreError> for Refused {
    fn from(error: BlobStoreError) -> Self {
        match &error {
            BlobStoreError::Content(_) => Self::bad("content", error.to_string()),
            BlobStoreError::Unknown(_) => Self::missing("unknown-blob", error.to_string()),
            BlobStoreError::Incomplete(_) => Self::new(StatusCode::CONFLICT, "incomplete", error.to_string()),
            BlobStoreError::Disk(_) | BlobStoreError::Closing => Self::failed(&error),
        }
    }
}
