//! One act of a clerk in a case: who acts, in which case, with what form; and how it is answered.

use super::page::{self, Trouble};
use crate::book::Fault;
use crate::reception::{Clerk, Refusal, decide};
use crate::store::accounts::Role;
use crate::web::entrance::Checked;
use crate::web::failure::Failure;
use crate::web::pages::case::StepName;
use crate::web::session::{self, AtWindow, Nothing, Peer, SignedIn};
use crate::web::{App, frame};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use hall_domain::case::{AccountName, CaseId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// What a handler gives back.
pub type Answered = Result<Response, Failure>;

/// A clerk at a window who acts in the case that the address names.
pub struct Actor {
    /// The state of the web.
    pub app: App,
    /// The session.
    pub signed: SignedIn,
    /// Account and window.
    pub clerk: Clerk,
    /// Where they sit in the network.
    pub peer: Peer,
    /// The case.
    pub id: CaseId,
}

/// An act: the actor with a form from one of our own pages.
pub struct Act<T = Nothing> {
    /// Who, and in which case.
    pub by: Actor,
    /// What the form says.
    pub form: T,
}

/// The case of an address, whatever else stands in it.
#[derive(Deserialize)]
struct Place {
    id: CaseId,
}

impl FromRequestParts<App> for Actor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let AtWindow { signed_in, clerk } = AtWindow::from_request_parts(parts, app).await?;
        let place = Path::<Place>::from_request_parts(parts, app).await;
        let Path(Place { id }) = place.map_err(IntoResponse::into_response)?;
        let Ok(peer) = Peer::from_request_parts(parts, app).await;
        Ok(Self { app: app.clone(), signed: signed_in, clerk, peer, id })
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Act<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let by = Actor::from_request_parts(&mut parts, app).await?;
        let form = session::own_form(&by.signed, body).await;
        let form = form.map_err(|failure| failure.back_to(by.path()).into_response())?;
        Ok(Self { by, form })
    }
}

impl Actor {
    /// The address of the case.
    pub fn path(&self) -> String {
        format!("/cases/{}", self.id)
    }

    /// Back to the case.
    pub fn back(&self) -> Response {
        Redirect::to(&self.path()).into_response()
    }

    /// The account of somebody who signs beside the clerk, if name and password are right and the role may. A case
    /// that is not the clerk's is refused before any password is looked at.
    pub async fn signature(
        &self,
        account: &str,
        password: Zeroizing<String>,
        may: impl FnOnce(Role) -> bool,
    ) -> Result<Option<AccountName>, Failure> {
        let case = self.app.desk.case(&self.id).await?;
        if !decide::belongs_to(&case, &self.clerk.account) {
            return Err(Failure::from(Fault::NotYours).back_to(self.path()));
        }
        let checked = self.app.entrance.check(&self.app.book, self.peer, account, password).await;
        Ok(match checked.map_err(|failure| failure.back_to(self.path()))? {
            Checked::Right(known) if may(known.role) => Some(known.name),
            _ => None,
        })
    }

    /// Back to the case when it worked, the page with the reason when reception did not take the step.
    pub async fn answer<T>(&self, done: Result<T, Fault>, shown: StepName) -> Answered {
        self.answer_typed(done, shown, String::new()).await
    }

    /// The same, with what was typed into the field concerned.
    pub async fn answer_typed<T>(&self, done: Result<T, Fault>, shown: StepName, typed: String) -> Answered {
        match done {
            Ok(_) => Ok(self.back()),
            Err(Fault::Refused(refusal)) => {
                let status = match refusal {
                    Refusal::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                let trouble = Trouble { refusal: Some(refusal), typed };
                show(&self.app, &self.signed, &self.id, Some(shown), trouble, status).await
            }
            Err(fault) => Err(Failure::from(fault).back_to(self.path())),
        }
    }
}

/// The page of a case, with what a POST could not do.
pub async fn show(
    app: &App,
    signed: &SignedIn,
    id: &CaseId,
    looking: Option<StepName>,
    trouble: Trouble,
    status: StatusCode,
) -> Answered {
    let mut page = page::build(app, signed, id, looking, &trouble).await?;
    if let Some(notice) = trouble.notice(frame::lang(signed)) {
        page.frame.notice = Some(notice);
    }
    let mut response = frame::render(&page)?;
    *response.status_mut() = status;
    Ok(response)
}
