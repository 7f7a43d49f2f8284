//! 出错: requests that did not succeed, as pages with a sentence, what to do next, and a number to quote.

use super::App;
use super::frame;
use super::pages::Bare;
use super::pages::errors::{ErrorPage, Problem};
use super::session::SignedIn;
use crate::book::Fault;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rusqlite::Connection;

/// A request that did not succeed. [`dress`] makes a page of it in the language of who asked.
#[derive(Debug, Clone)]
pub struct Failure {
    problem: Box<Problem>,
    number: String,
    back: String,
}

impl Failure {
    /// A problem with the number that all of its kind carry.
    pub fn new(problem: Problem) -> Self {
        let number = format!("H{}", problem.status());
        Self { problem: Box::new(problem), number, back: "/".to_owned() }
    }

    /// No such page or thing.
    pub fn not_found() -> Self {
        Self::new(Problem::NotFound)
    }

    /// The role may not.
    pub fn forbidden() -> Self {
        Self::new(Problem::Forbidden)
    }

    /// The form's token is not of this session.
    pub fn stale() -> Self {
        Self { number: "H419".to_owned(), ..Self::new(Problem::Stale) }
    }

    /// The request does not come from our pages.
    pub fn malformed() -> Self {
        Self::new(Problem::Malformed)
    }

    /// A file or form is larger than `limit`, ready text.
    pub fn too_large(limit: &str) -> Self {
        Self::new(Problem::TooLarge { limit: limit.to_owned() })
    }

    /// A form with files that broke off or is larger than everything that may come at once.
    pub fn upload(error: &axum::extract::multipart::MultipartError, limit: &str) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::too_large(limit)
        } else {
            Self::malformed()
        }
    }

    /// The box has too much to do, or is not ready.
    pub fn unavailable() -> Self {
        Self::new(Problem::Unavailable)
    }

    /// Something inside failed. `cause` goes to the log under the number that the page shows.
    pub fn internal(cause: &str) -> Self {
        let number = format!("E-{}", crate::keys::random_hex(3).to_ascii_uppercase());
        tracing::error!(incident = %number, cause, "a request failed");
        Self { number, ..Self::new(Problem::Internal) }
    }

    /// Leads back to one of our own pages instead of the start.
    #[must_use]
    pub fn back_to(mut self, path: impl Into<String>) -> Self {
        self.back = path.into();
        self
    }

    fn page(&self, frame: Bare) -> ErrorPage {
        ErrorPage {
            frame,
            problem: (*self.problem).clone(),
            number: self.number.clone(),
            back: self.back.clone(),
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => {
                let said = refusal.zh();
                // A refusal says what happened, then what to do.
                let (what, todo) = match said.split_once('。') {
                    Some((what, todo)) if !todo.is_empty() => (format!("{what}。"), todo.to_owned()),
                    _ => (said.clone(), String::new()),
                };
                let problem = Problem::Other { status: 422, what, todo };
                Self { number: refusal.code().to_owned(), ..Self::new(problem) }
            }
            Fault::NotFound => Self::not_found(),
            Fault::NotYours => {
                let what = "这个办件由另一名窗口人员办理，本次操作没有执行。".to_owned();
                let todo = "请与对方确认；需要继续办理时，请先在办件页接手。".to_owned();
                Self::new(Problem::Other { status: 409, what, todo })
            }
            Fault::DiskFull => {
                tracing::error!("a request was not carried out: the disk is full");
                Self::new(Problem::DiskFull)
            }
            Fault::Storage(cause) => Self::internal(&cause),
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::internal(&crate::book::chain(&error))
    }
}

impl IntoResponse for Failure {
    /// The plain answer, with the failure beside it for [`dress`].
    fn into_response(self) -> Response {
        let mut response = frame::render_as(self.status(), &self.page(Bare::default()))
            .unwrap_or_else(|_| self.status().into_response());
        response.extensions_mut().insert(self);
        response
    }
}

/// Reads from the database.
pub async fn read<T: Send + 'static>(
    app: &App,
    look: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Failure> {
    Ok(app.book.db.read_with(look).await?)
}

/// Makes a page of every failed request, whoever found the fault: a handler, an extractor or the router.
pub async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let (headers, looked) = (request.headers().clone(), request.method() == Method::GET);
    let mut response = next.run(request).await;
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return response;
    }
    let failure = match response.extensions_mut().remove::<Failure>() {
        Some(failure) => failure,
        // A page that shows its own mistakes.
        None if is_page(&response) => return response,
        None => Failure::new(match response.status() {
            StatusCode::NOT_FOUND => Problem::NotFound,
            // An address that cannot be read is one that leads nowhere.
            StatusCode::BAD_REQUEST if looked => Problem::NotFound,
            StatusCode::FORBIDDEN => Problem::Forbidden,
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge { limit: "256 KB".to_owned() },
            StatusCode::SERVICE_UNAVAILABLE => Problem::Unavailable,
            StatusCode::INTERNAL_SERVER_ERROR => Problem::Internal,
            _ => Problem::Malformed,
        }),
    };
    let lang = SignedIn::find(&app, &headers).await.map(|signed| frame::lang(&signed)).unwrap_or_default();
    let status = match failure.status() {
        // Which of the request's faults it was is the router's to say (405, 415).
        StatusCode::UNPROCESSABLE_ENTITY => response.status(),
        status => status,
    };
    frame::render_as(status, &failure.page(frame::bare(&app, lang))).unwrap_or(response)
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// The answer to an address that nobody serves.
pub async fn nowhere() -> Failure {
    Failure::not_found()
}
