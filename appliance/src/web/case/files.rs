//! 附件 of a case: scans coming in, being looked at, and being taken away.

use super::act::{Act, Actor, Answered};
use crate::book::Fault;
use crate::reception::{Scan, Upload};
use crate::web::failure::Failure;
use crate::web::pages::case::StepName;
use crate::web::pages::frame::Notice;
use crate::web::session::{self, Reader, same_token};
use crate::web::{App, frame};
use axum::Router;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hall_domain::MaterialId;
use hall_domain::case::{AttachmentId, CaseId};

/// Several scans of 20 MB in one form, with room for their frames.
pub const UPLOAD_BYTES: usize = 64 * 1024 * 1024;
/// The same for people, without the frames.
const UPLOAD_LIMIT: &str = "60 MB";

/// Routes of the scans.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}/attachments", post(attach).layer(DefaultBodyLimit::max(UPLOAD_BYTES)))
        .route("/cases/{id}/attachments/{n}", get(attachment))
        .route("/cases/{id}/attachments/{n}/remove", post(remove))
        .route("/cases/{id}/attachments/{n}/restore", post(restore))
}

async fn attach(by: Actor, form: ScanForm) -> Answered {
    let Sent { material, done } = receive(&by, form, When::Before).await?;
    let typed = material.map(|material| material.to_string()).unwrap_or_default();
    by.answer_typed(done, StepName::Form, typed).await
}

/// When scans come in: before submission, or with what follows.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// 附件.
    Before,
    /// 补交.
    After,
}

/// What came with a form of scans.
pub struct Sent {
    /// The material that they stand for.
    pub material: Option<MaterialId>,
    /// Whether all of them were kept.
    pub done: Result<(), Fault>,
}

/// A form of scans. One that is too large as a whole is refused before any of it is kept.
pub struct ScanForm(Multipart);

impl FromRequest<App> for ScanForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if length.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| length > UPLOAD_BYTES) {
            session::read_to_end(request.into_body()).await;
            return Err(Failure::too_large(UPLOAD_LIMIT).into_response());
        }
        Multipart::from_request(request, app).await.map(Self).map_err(IntoResponse::into_response)
    }
}

/// Takes the scans of a form, all of them or none. Even then the form is read to its end, because a browser that is
/// still sending does not hear the answer.
pub async fn receive(by: &Actor, ScanForm(mut form): ScanForm, when: When) -> Result<Sent, Failure> {
    let broken = |error: MultipartError| Failure::upload(&error, UPLOAD_LIMIT).back_to(by.path());
    let mut allowed = false;
    let mut material = None;
    let mut looked: Result<Vec<Scan>, Fault> = Ok(Vec::new());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "csrf" => allowed = same_token(&field.text().await.map_err(broken)?, &by.signed.session.csrf),
            "material" => {
                material = match field.text().await.map_err(broken)?.as_str() {
                    "" => None,
                    text => Some(text.parse().map_err(|_| Failure::malformed())?),
                };
            }
            // The token stands before the files in the form, so that nothing is kept without it.
            "file" if allowed => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let content = field.bytes().await.map_err(broken)?;
                let Ok(scans) = &mut looked else { continue };
                if name.is_empty() && content.is_empty() {
                    continue;
                }
                match by.app.desk.look_at(Upload { name, content: content.to_vec() }).await {
                    Ok(scan) => scans.push(scan),
                    Err(fault) => looked = Err(fault),
                }
            }
            _ => {}
        }
    }
    if !allowed {
        return Err(Failure::stale().back_to(by.path()));
    }
    let (desk, scans_of) = (&by.app.desk, material.clone());
    let done = match (looked, when) {
        (Ok(scans), When::Before) => desk.attach(&by.clerk, &by.id, scans_of, scans).await,
        (Ok(scans), When::After) => desk.supply(&by.clerk, &by.id, scans_of, scans).await,
        (Err(fault), _) => Err(fault),
    };
    Ok(Sent { material, done })
}

async fn attachment(
    State(app): State<App>,
    Reader(signed): Reader,
    Path((id, n)): Path<(CaseId, AttachmentId)>,
) -> Answered {
    if !signed.session.role.sees_scans() {
        return Err(Failure::forbidden().back_to(format!("/cases/{id}")));
    }
    let (file, content) = app.desk.attachment(&id, n).await?;
    Ok((
        [
            (header::CONTENT_TYPE, file.media_type),
            (header::CONTENT_DISPOSITION, "inline".to_owned()),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; sandbox".to_owned(),
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::CACHE_CONTROL, "private, no-store".to_owned()),
        ],
        content,
    )
        .into_response())
}

async fn remove(Path((_, n)): Path<(CaseId, AttachmentId)>, Act { by, .. }: Act) -> Answered {
    by.app.desk.detach(&by.clerk, &by.id, n).await?;
    let text = frame::lang(&by.signed).t("附件已移除。").to_owned();
    let undo = Some(format!("{}/attachments/{n}/restore", by.path()));
    frame::leave_notice(&by.app, &by.signed, Notice { text, undo, refused: false });
    Ok(by.back())
}

async fn restore(Path((_, n)): Path<(CaseId, AttachmentId)>, Act { by, .. }: Act) -> Answered {
    by.app.desk.reattach(&by.clerk, &by.id, n).await?;
    Ok(by.back())
}
