//! 清单 and 授权 on the case page.

use super::act::{Act, Answered};
use super::page::{Scene, Trouble, left_ms};
use super::{alias, list};
use super::{is_record, view};
use crate::book::Fault;
use crate::reception::{self, Reading as DeskReading, Refusal, decide};
use crate::store::accounts::Role;
use crate::store::devices::Presence;
use crate::web::App;
use crate::web::pages::case::StepName;
use crate::web::pages::steps::{ConsentState, ConsentStep, How, ListStep, OfficeForm, Showing};
use crate::web::refusals::said;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use hall_domain::PhoneAsk;
use hall_domain::case::{Acknowledgement, Consent, ConsentEnd};
use serde::Deserialize;
use zeroize::Zeroizing;

/// Routes of the two steps.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}/refresh-list", post(refresh_list))
        .route("/cases/{id}/ask-licences", post(ask_licences))
        .route("/cases/{id}/stop-showing", post(stop_showing))
        .route("/cases/{id}/push", post(push))
        .route("/cases/{id}/push-phone", post(push_phone))
        .route("/cases/{id}/acknowledge", post(acknowledge))
        .route("/cases/{id}/office", post(office))
        .route("/cases/{id}/withdraw", post(withdraw))
        .route("/cases/{id}/cancel-push", post(cancel_push))
        .route("/cases/{id}/paper", post(paper))
}

async fn refresh_list(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.make_list(&by.clerk, &by.id).await;
    by.answer(done, StepName::List).await
}

async fn ask_licences(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.ask_licences(&by.clerk, &by.id).await;
    by.answer(done, StepName::List).await
}

async fn stop_showing(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.cancel_phone(&by.clerk, &by.id).await;
    by.answer(done, StepName::List).await
}

async fn push(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.push(&by.clerk, &by.id).await;
    by.answer(done, StepName::Consent).await
}

async fn push_phone(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.push_to_phone(&by.clerk, &by.id).await;
    by.answer(done, StepName::Consent).await
}

async fn acknowledge(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.ask_acknowledgement(&by.id).await;
    by.answer(done, StepName::Consent).await
}

async fn withdraw(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.withdraw_consent(&by.clerk, &by.id).await;
    let case = by.app.desk.case(&by.id).await?;
    let Err(Fault::Refused(refusal)) = done else {
        // The form may be the step in hand; what was done stands at this one.
        let shown = if case.closed() { by.path() } else { format!("{}?step=consent", by.path()) };
        return match done {
            Ok(_) => Ok(Redirect::to(&shown).into_response()),
            done => by.answer(done, StepName::Consent).await,
        };
    };
    if !is_record(&by.app, &by.signed, &case) {
        return by.answer::<()>(Err(refusal.into()), StepName::Consent).await;
    }
    let trouble = Trouble { refusal: Some(refusal), typed: String::new() };
    let mut page = view::page(&by.app, &by.signed, case, &trouble).await?;
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page)
}

#[derive(Deserialize)]
struct Office {
    #[serde(default)]
    basis: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    password: String,
}

async fn office(Act { by, form }: Act<Office>) -> Answered {
    let supervisor = by.signature(&form.account, Zeroizing::new(form.password), Role::supervises).await?;
    let done = match supervisor {
        Some(account) => by.app.desk.look_by_office(&by.clerk, &by.id, &form.basis, account).await,
        None => Err(Refusal::Supervisor.into()),
    };
    // What was typed wrong stands where it was typed.
    let asked = !matches!(by.app.desk.case(&by.id).await?.consent, Consent::NotAsked);
    let step = if asked { StepName::Consent } else { StepName::List };
    by.answer_typed(done, step, form.account).await
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
        by_principal: scene.case.mandator().is_some(),
        push_blocked: push_blocked(scene, asked),
        asked,
        office: office_form(scene),
        to_show: to_show(scene),
        showing: showing(scene),
        not_taken: match scene.app.desk.reading(&scene.case.id) {
            Some(DeskReading::NotTaken(why)) => Some((said(&why, scene.lang), why.code().to_owned())),
            _ => None,
        },
        aliased: alias::rows(scene),
    }
}

/// How many licences the citizen's phone could show now.
fn to_show(scene: &Scene<'_>) -> u32 {
    let ready = scene.evaluator.as_ref().is_some_and(|device| scene.app.desk.can_ask(device, scene.now));
    let kinds = scene.app.book.knowledge.kinds();
    let wanted =
        decide::may_ask_shown(scene.case, scene.item, &kinds, scene.now.local_date()).unwrap_or_default();
    if ready { u32::try_from(wanted.len()).unwrap_or(u32::MAX) } else { 0 }
}

fn showing(scene: &Scene<'_>) -> Option<Showing> {
    let wait = scene.case.phone.as_ref().filter(|wait| wait.challenge.ask == PhoneAsk::Licences)?;
    Some(Showing {
        scan: !scene.app.book.knowledge.line().up,
        left_ms: left_ms(wait.deadline, scene.now),
        total_ms: u64::try_from(decide::PHONE_MS).unwrap_or_default(),
    })
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
        by_principal: scene.case.mandator().is_some(),
        office: office_form(scene),
        can_withdraw: matches!(scene.case.consent, Consent::Given { .. }),
    }
}

/// 依职能查验, where the item has a legal basis for it and nobody has agreed or been asked.
fn office_form(scene: &Scene<'_>) -> Option<OfficeForm> {
    let asked = matches!(
        scene.case.consent,
        Consent::Waiting { .. } | Consent::Given { .. } | Consent::Office { .. }
    );
    if scene.item.office_bases.is_empty() || asked || scene.case.filled {
        return None;
    }
    let error =
        scene.trouble.refusal.as_ref().filter(|why| matches!(why, Refusal::Supervisor | Refusal::NoBasis));
    Some(OfficeForm {
        bases: scene.item.office_bases.clone(),
        account: scene.trouble.typed.clone(),
        error: error.map(|why| said(why, scene.lang)),
    })
}

fn push_blocked(scene: &Scene<'_>, asked: u32) -> Option<String> {
    if asked == 0 {
        return Some(said(&Refusal::NothingToAsk, scene.lang));
    }
    let ready = scene.evaluator.as_ref().is_some_and(|device| scene.app.desk.can_ask(device, scene.now));
    (!ready).then(|| said(&reception::not_ready(scene.evaluator.as_ref()), scene.lang))
}

fn consent_state(scene: &Scene<'_>) -> ConsentState {
    let case = scene.case;
    match &case.consent {
        Consent::Waiting { asked } => {
            let left = left_ms(asked.deadline, scene.now);
            let total = u64::try_from(decide::CONSENT_MS).unwrap_or_default();
            if let Some(phone) = &asked.phone {
                ConsentState::Phone {
                    principal: phone.ask == PhoneAsk::Principal,
                    scan: !scene.app.book.knowledge.line().up,
                    left_ms: left,
                    total_ms: u64::try_from(decide::PHONE_MS).unwrap_or_default(),
                }
            } else if let Some(ground) = asked.office.as_ref().filter(|_| scene.shown) {
                ConsentState::Noticing { basis: ground.basis.clone(), left_ms: left, total_ms: total }
            } else if scene.shown {
                let stretched = asked.deadline.ms_since(asked.at) - decide::CONSENT_MS;
                let extended = u32::from(stretched > 0);
                ConsentState::Shown { left_ms: left, total_ms: total, extended }
            } else {
                let for_ms = u64::try_from(scene.now.ms_since(asked.at)).unwrap_or_default();
                let returning = scene.evaluator.as_ref().is_some_and(|device| device.state == Presence::Lost);
                ConsentState::Sent { for_ms, returning, left_ms: left, total_ms: total }
            }
        }
        Consent::Given { .. } if case.wants_acknowledgement() => ConsentState::Acknowledging {
            waiting: matches!(case.acknowledgement, Some(Acknowledgement::Waiting { .. })),
        },
        Consent::Given { asked, refused, at, .. } => {
            let refused = u32::try_from(refused.len()).unwrap_or_default();
            let all = u32::try_from(asked.request.rows.len()).unwrap_or_default();
            ConsentState::Agreed { at: at.hm(), agreed: all.saturating_sub(refused), refused }
        }
        Consent::Office { asked, at, .. } => ConsentState::Office {
            at: at.hm(),
            basis: asked.office.as_ref().map(|ground| ground.basis.clone()).unwrap_or_default(),
        },
        Consent::Withdrawn { since, .. } => ConsentState::Withdrawn { at: since.hm() },
        Consent::Refused { at } => ConsentState::Refused { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::TimedOut, at } => ConsentState::TimedOut { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::Cancelled | ConsentEnd::Declined, at } => {
            ConsentState::Cancelled { at: at.hm() }
        }
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
