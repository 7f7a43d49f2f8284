//! 待补材料 of a submitted case: what was promised for later, and taking it in.

use super::act::{Actor, Answered};
use super::files::{self, ScanForm, Sent, When};
use super::form::attachment;
use super::page::{Scene, Trouble};
use super::{act, is_record, view};
use crate::book::Fault;
use crate::web::App;
use crate::web::pages::case::StepName;
use crate::web::pages::steps::{Following, FollowingItem};
use crate::web::refusals::said;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::post;
use hall_domain::case::Outstanding;

/// Routes of what follows.
pub fn router() -> Router<App> {
    let most = DefaultBodyLimit::max(files::UPLOAD_BYTES);
    Router::new().route("/cases/{id}/supply", post(supply).layer(most))
}

async fn supply(by: Actor, form: ScanForm) -> Answered {
    let Sent { material, done } = files::receive(&by, form, When::After).await?;
    let refusal = match done {
        Ok(()) => return Ok(by.back()),
        Err(Fault::Refused(refusal)) => refusal,
        Err(fault) => return Err(fault.into()),
    };
    let typed = material.map(|material| material.to_string()).unwrap_or_default();
    let trouble = Trouble { refusal: Some(refusal), typed };
    let case = by.app.desk.case(&by.id).await?;
    if is_record(&by.app, &by.signed, &case) {
        let mut page = view::page(&by.app, &by.signed, case, &trouble).await?;
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page);
    }
    let step = Some(StepName::Submit);
    act::show(&by.app, &by.signed, &by.id, step, trouble, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// 待补材料; none when nothing was to follow. `open` says whether files may be added here, `scans` whether they may be
/// looked at.
pub fn following(scene: &Scene<'_>, open: bool, scans: bool) -> Option<Following> {
    let case = scene.case;
    let follow = case.submission.as_ref()?.follow.as_ref()?;
    let item = |what: Outstanding<'_>| {
        let (material, refusal) = (what.material(), scene.trouble.refusal.as_ref());
        let typed = material.map(ToString::to_string).unwrap_or_default();
        let came = case.attachments.iter().filter(|file| case.supplied.contains(&file.id));
        FollowingItem {
            name: what.name().to_owned(),
            files: came.filter(|file| file.material.as_ref() == material).map(attachment).collect(),
            error: refusal.filter(|_| scene.trouble.typed == typed).map(|refusal| said(refusal, scene.lang)),
            material: typed,
        }
    };
    let rows = case.list.iter().filter(|row| follow.materials.contains(&row.material));
    let all = rows.map(Outstanding::Material).chain(follow.identity.then_some(Outstanding::Identity));
    let missing = case.outstanding().len();
    Some(Following {
        by: follow.by.to_string(),
        overdue: missing > 0 && scene.now.local_date() > follow.by,
        missing,
        items: all.map(item).collect(),
        open,
        scans,
    })
}
