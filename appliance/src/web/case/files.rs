//! 附件 of a case: scans coming in, being looked at, and being taken away.

use super::act::{Act, Actor, Answered};
use crate::book::Fault;
use crate::reception::Upload;
use crate::web::failure::Failure;
use crate::web::pages::case::StepName;
use crate::web::pages::frame::Notice;
use crate::web::session::{Reader, same_token};
use crate::web::{App, frame};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use hall_domain::MaterialId;
use hall_domain::case::{AttachmentId, CaseId};

/// Several scans of 20 MB in one form, with room for their frames.
pub const UPLOAD_BYTES: usize = 64 * 1024 * 1024;

/// Routes of the scans.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}/attachments", post(attach).layer(DefaultBodyLimit::max(UPLOAD_BYTES)))
        .route("/cases/{id}/attachments/{n}", get(attachment))
        .route("/cases/{id}/attachments/{n}/remove", post(remove))
        .route("/cases/{id}/attachments/{n}/restore", post(restore))
}

async fn attach(by: Actor, form: Multipart) -> Answered {
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

/// Takes the scans of a form one after the other, and stops at the first that is not kept.
pub async fn receive(by: &Actor, mut form: Multipart, when: When) -> Result<Sent, Failure> {
    let mut allowed = false;
    let mut material = None;
    let mut done = Ok(());
    while let Some(field) = form.next_field().await.map_err(|error| Failure::upload(&error))? {
        match field.name().unwrap_or_default() {
            "csrf" => {
                let sent = field.text().await.map_err(|error| Failure::upload(&error))?;
                allowed = same_token(&sent, &by.signed.session.csrf);
            }
            "material" => {
                let text = field.text().await.map_err(|error| Failure::upload(&error))?;
                material = match text.as_str() {
                    "" => None,
                    text => Some(text.parse().map_err(|_| Failure::malformed())?),
                };
            }
            // The token stands before the files in the form, so that nothing is kept without it.
            "file" if allowed => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let content = field.bytes().await.map_err(|error| Failure::upload(&error))?;
                if name.is_empty() && content.is_empty() {
                    continue;
                }
                let upload = Upload { name, content: content.to_vec() };
                let (desk, material) = (&by.app.desk, material.clone());
                let kept = match when {
                    When::Before => desk.attach(&by.clerk, &by.id, material, upload).await,
                    When::After => desk.supply(&by.clerk, &by.id, material, upload).await,
                };
                done = kept.map(drop);
                if done.is_err() {
                    break;
                }
            }
            _ => {}
        }
    }
    if !allowed {
        return Err(Failure::stale());
    }
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
