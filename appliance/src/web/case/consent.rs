//! 清单 and 授权 on the case page.

use super::act::{Act, Answered};
use super::list;
use super::page::{Scene, left_ms};
use crate::reception::{Refusal, decide};
use crate::store::devices::Presence;
use crate::web::App;
use crate::web::pages::case::StepName;
use crate::web::pages::steps::{ConsentState, ConsentStep, How, ListStep};
use crate::web::refusals::said;
use axum::Router;
use axum::routing::post;
use hall_domain::case::{Consent, ConsentEnd};

/// Routes of the two steps.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}/refresh-list", post(refresh_list))
        .route("/cases/{id}/push", post(push))
        .route("/cases/{id}/cancel-push", post(cancel_push))
        .route("/cases/{id}/paper", post(paper))
}

async fn refresh_list(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.make_list(&by.clerk, &by.id).await;
    by.answer(done, StepName::List).await
}

async fn push(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.push(&by.clerk, &by.id).await;
    by.answer(done, StepName::Consent).await
}

async fn cancel_push(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.cancel_push(&by.clerk, &by.id).await;
    by.answer(done, StepName::Consent).await
}

async fn paper(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.go_on_with_paper(&by.clerk, &by.id).await;
    by.answer(done, StepName::Consent).await
}

/// 清单.
pub fn list_step(scene: &Scene<'_>) -> ListStep {
    let rows = list::rows(scene);
    let asked = list::asked(scene);
    ListStep {
        rows,
        can_refresh: scene.app.book.knowledge.line().up,
        push_blocked: push_blocked(scene, asked),
        asked,
    }
}

/// 授权.
pub fn consent_step(scene: &Scene<'_>) -> ConsentStep {
    let rows = list::rows(scene);
    let on_paper = rows.iter().filter(|row| row.required && row.how == How::Original).count();
    ConsentStep {
        state: consent_state(scene),
        on_paper: u32::try_from(on_paper).unwrap_or_default(),
        rows,
        push_blocked: push_blocked(scene, list::asked(scene)),
    }
}

fn push_blocked(scene: &Scene<'_>, asked: u32) -> Option<String> {
    if asked == 0 {
        return Some(said(&Refusal::NothingToAsk, scene.lang));
    }
    let ready = scene.evaluator.as_ref().is_some_and(|device| scene.app.desk.can_ask(device, scene.now));
    (!ready).then(|| said(&Refusal::NoEvaluator, scene.lang))
}

fn consent_state(scene: &Scene<'_>) -> ConsentState {
    let case = scene.case;
    match &case.consent {
        Consent::Waiting { asked } => {
            let left = left_ms(asked.deadline, scene.now);
            let total = u64::try_from(decide::CONSENT_MS).unwrap_or_default();
            if scene.shown {
                let stretched = asked.deadline.ms_since(asked.at) - decide::CONSENT_MS;
                let extended = u32::from(stretched > 0);
                ConsentState::Shown { left_ms: left, total_ms: total, extended }
            } else {
                let for_ms = u64::try_from(scene.now.ms_since(asked.at)).unwrap_or_default();
                let returning = scene.evaluator.as_ref().is_some_and(|device| device.state == Presence::Lost);
                ConsentState::Sent { for_ms, returning, left_ms: left, total_ms: total }
            }
        }
        Consent::Given { asked, refused, at, .. } => {
            let refused = u32::try_from(refused.len()).unwrap_or_default();
            let all = u32::try_from(asked.request.rows.len()).unwrap_or_default();
            ConsentState::Agreed { at: at.hm(), agreed: all.saturating_sub(refused), refused }
        }
        Consent::Office { basis, at, .. } => ConsentState::Office { at: at.hm(), basis: basis.clone() },
        Consent::Withdrawn { since, .. } => ConsentState::Withdrawn { at: since.hm() },
        Consent::Refused { at } => ConsentState::Refused { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::TimedOut, at } => ConsentState::TimedOut { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::Cancelled, at } => ConsentState::Cancelled { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::Unreachable, at } => ConsentState::Offline { since: at.hm() },
        Consent::Ended { reason: ConsentEnd::Rejected, .. } => {
            ConsentState::Rejected { number: "D301".to_owned() }
        }
        Consent::NotAsked if case.filled => ConsentState::Paper { at: case.updated_at.hm() },
        Consent::NotAsked => match &scene.evaluator {
            None => ConsentState::NoEvaluator,
            Some(device) if device.state == Presence::Lost && !scene.returning(device) => {
                ConsentState::Offline { since: device.seen_at.hm() }
            }
            Some(_) => ConsentState::NotAsked,
        },
    }
}
