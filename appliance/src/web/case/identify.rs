//! 核验 on the case page.

use super::act::{Act, Answered};
use super::mandate;
use super::page::{Scene, age_s, grade_words, left_ms, shown_number};
use crate::devices::hub::ReadStage;
use crate::reception::{self, Reading as DeskReading, Refusal, decide};
use crate::store::devices::Presence;
use crate::web::App;
use crate::web::pages::case::StepName;
use crate::web::pages::steps::{
    Again, Identified, IdentifyStep, OrganisationEntry, Person, ReadFailure, Reader, Reading,
};
use crate::web::refusals::said;
use axum::Router;
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use hall_bus::ReadFailure as BusFailure;
use hall_bus::messages::CardAsk;
use hall_domain::case::Identity;
use hall_domain::{ApplicantKind, PhoneAsk, Timestamp, mask_name, mask_number};
use serde::Deserialize;

/// Milliseconds that a reader waits for a card, as shown on the countdown.
const READ_MS: u64 = 30_000;

/// Routes of the step.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}/organisation", post(organisation))
        .route("/cases/{id}/read-card", post(read_card))
        .route("/cases/{id}/ask-phone", post(ask_phone))
        .route("/cases/{id}/cancel-phone", post(cancel_phone))
        .route("/cases/{id}/stop-reading", post(stop_reading))
        .route("/cases/{id}/confirm-person", post(confirm_person))
        .route("/cases/{id}/reject-person", post(reject_person))
        .route("/cases/{id}/expired-card", post(expired_card))
}

#[derive(Deserialize)]
struct Organisation {
    #[serde(default)]
    uscc: String,
}

async fn organisation(Act { by, form }: Act<Organisation>) -> Answered {
    let done = by.app.desk.name_organisation(&by.clerk, &by.id, &form.uscc).await;
    by.answer_typed(done, StepName::Identify, form.uscc).await
}

async fn read_card(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.read_card(&by.clerk, &by.id).await;
    // A card that is read beside a phone's proof is read at this step, whatever the case has got to.
    let later = done.is_ok() && by.app.desk.case(&by.id).await?.mode.is_some();
    if later {
        return Ok(Redirect::to(&format!("{}?step=identify", by.path())).into_response());
    }
    by.answer(done, StepName::Identify).await
}

#[derive(Deserialize)]
struct Asking {
    ask: PhoneAsk,
}

async fn ask_phone(Act { by, form }: Act<Asking>) -> Answered {
    let done = by.app.desk.ask_phone(&by.clerk, &by.id, form.ask).await;
    by.answer(done, StepName::Identify).await
}

async fn cancel_phone(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.cancel_phone(&by.clerk, &by.id).await;
    by.answer(done, StepName::Identify).await
}

async fn stop_reading(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.stop_reading(&by.clerk, &by.id).await;
    by.answer(done, StepName::Identify).await
}

#[derive(Deserialize)]
struct Seen {
    /// The reading that the page showed, by its time.
    #[serde(default)]
    reading: i64,
    #[serde(default)]
    note: String,
}

async fn confirm_person(Act { by, form }: Act<Seen>) -> Answered {
    let done = by.app.desk.confirm_person(&by.clerk, &by.id, Timestamp(form.reading), None).await;
    by.answer(done, StepName::Identify).await
}

async fn expired_card(Act { by, form }: Act<Seen>) -> Answered {
    let (seen, note) = (Timestamp(form.reading), Some(form.note.clone()));
    let done = by.app.desk.confirm_person(&by.clerk, &by.id, seen, note).await;
    by.answer_typed(done, StepName::Identify, form.note).await
}

async fn reject_person(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.clear_identity(&by.clerk, &by.id, "人证不符或换人").await;
    by.answer(done, StepName::Identify).await
}

/// 核验.
pub fn identify_step(scene: &Scene<'_>) -> IdentifyStep {
    IdentifyStep {
        organisation: (scene.case.applicant == ApplicantKind::Organisation)
            .then(|| organisation_entry(scene)),
        reader: reader(scene),
        reading: reading(scene),
        can_restart: decide::clear_identity(scene.case, "").is_ok(),
        kept: scene.case.identity.is_some(),
        mandate: Box::new(mandate::entry(scene)),
        principal: principal(scene),
        phone_blocked: phone_blocked(scene),
    }
}

/// 委托人 by electronic mandate; one on paper stands in a place of its own.
fn principal(scene: &Scene<'_>) -> Option<String> {
    let electronic = scene.case.paper_mandate.is_none();
    scene.case.mandator().filter(|_| electronic).map(|(_, name)| mask_name(name))
}

/// Why no code can be put on the citizen's screen.
fn phone_blocked(scene: &Scene<'_>) -> Option<String> {
    let ready = scene.evaluator.as_ref().is_some_and(|device| scene.app.desk.can_ask(device, scene.now));
    (!ready).then(|| match reception::not_ready(scene.evaluator.as_ref()) {
        Refusal::NoEvaluator => {
            scene.lang.t("评价器未就绪，不能出二维码；可以读身份证，或扫办事人手机上的办事码。").to_owned()
        }
        isolated => said(&isolated, scene.lang),
    })
}

fn organisation_entry(scene: &Scene<'_>) -> OrganisationEntry {
    let known = scene.case.organisation.as_ref();
    let register = known.and_then(|known| known.register.as_ref());
    let error = match &scene.trouble.refusal {
        Some(refusal @ (Refusal::OrganisationCode(_) | Refusal::OrganisationMissing)) => {
            Some(said(refusal, scene.lang))
        }
        _ => None,
    };
    let uscc = match (&error, known) {
        (Some(_), _) => scene.trouble.typed.clone(),
        (None, Some(known)) => known.uscc.to_string(),
        (None, None) => String::new(),
    };
    let caution = known.and_then(|known| {
        let doubtful = known.uscc.warning_zh();
        match &known.register {
            None => Some(format!(
                "{}没有查到该单位的登记信息，只能收件；请核对代码，或等线路恢复后再查。",
                doubtful.unwrap_or_default()
            )),
            Some(_) => doubtful,
        }
    });
    OrganisationEntry {
        uscc,
        error,
        caution,
        name: register.map(|entry| entry.name.clone()).unwrap_or_default(),
        representative: register.map(|entry| mask_name(&entry.legal_representative.name)).unwrap_or_default(),
        age_s: known.and_then(|known| known.checked_at).map(|at| age_s(scene.now, at)),
    }
}

fn reader(scene: &Scene<'_>) -> Reader {
    match &scene.reader {
        None => Reader::None,
        Some(device) if device.state == Presence::Ready => Reader::Ready,
        Some(device) if scene.returning(device) => Reader::Returning,
        Some(device) if device.state == Presence::Lost => Reader::Silent { since: device.seen_at.hm() },
        Some(device) if device.detail.contains("no-licence") => Reader::Refused,
        Some(device) if device.detail.contains(r#""state":"service-down""#) => Reader::ServiceDown,
        Some(device) if device.detail.contains(r#""state":"stuck""#) => Reader::Stuck,
        Some(device) => Reader::Unplugged { since: device.seen_at.hm() },
    }
}

fn reading(scene: &Scene<'_>) -> Reading {
    let failed = |why, number: &str| Reading::Failed { why, number: number.to_owned() };
    let live = scene.app.desk.reading(&scene.case.id);
    if let Some(wait) = scene.case.phone.as_ref().filter(|wait| wait.challenge.ask != PhoneAsk::Licences) {
        let total_ms = u64::try_from(decide::PHONE_MS).unwrap_or_default();
        let scan = wait.challenge.ask == PhoneAsk::Code || !scene.app.book.knowledge.line().up;
        let left_ms = left_ms(wait.deadline, scene.now);
        return Reading::Phone { ask: wait.challenge.ask.zh(), scan, left_ms, total_ms };
    }
    // Whoever came with a phone may show the card as well.
    let adding =
        matches!(&live, Some(DeskReading::Asked { .. } | DeskReading::Unheard | DeskReading::Failed(_)));
    let settled = |who: &&Identity| who.compared || who.phone.is_some() && who.card.is_none() && !adding;
    if let Some(who) = scene.case.identity.as_ref().filter(settled) {
        return match live {
            Some(DeskReading::Refused { got, .. }) => Reading::OtherPerson {
                wanted: mask_name(&who.name),
                got,
                representative: scene.case.applicant == ApplicantKind::Organisation,
            },
            _ => Reading::Confirmed(Identified {
                name: mask_name(&who.name),
                document: who.document.kind().zh().to_owned(),
                number: mask_number(who.document.number()),
                at: who.at.hm(),
                grade: grade_words(scene.case),
                caution: who.expired.then(|| "身份证已过有效期，按容缺办理。".to_owned()),
            }),
        };
    }
    match live {
        Some(DeskReading::Asked { deadline, stage }) if scene.reads && deadline > scene.now => {
            asked(scene, stage, left_ms(deadline, scene.now))
        }
        Some(DeskReading::NotTaken(why)) => {
            Reading::NotTaken { why: said(&why, scene.lang), number: why.code().to_owned() }
        }
        Some(DeskReading::Unheard) => failed(ReadFailure::Silent, "D206"),
        Some(DeskReading::Failed(why)) => match why {
            BusFailure::Timeout => failed(ReadFailure::TimedOut, "D201"),
            BusFailure::CardLifted => failed(ReadFailure::Lifted, "D202"),
            BusFailure::Unreadable | BusFailure::Unsupported => failed(ReadFailure::Unreadable, "D203"),
            BusFailure::ReaderFault => failed(ReadFailure::Garbled, "D204"),
            BusFailure::Unplugged => failed(ReadFailure::Unplugged, "D205"),
            BusFailure::SocialSecurityCard => failed(ReadFailure::SocialSecurityCard, "D207"),
            BusFailure::Busy => failed(ReadFailure::Busy, "D208"),
            BusFailure::ServiceDown => failed(ReadFailure::ServiceDown, "D209"),
            BusFailure::Stopped => read(scene),
        },
        Some(DeskReading::Refused { why: Refusal::NotLegalRepresentative, got }) => {
            let register = scene.case.organisation.as_ref().and_then(|known| known.register.as_ref());
            Reading::OtherPerson {
                wanted: register.map(|entry| mask_name(&entry.legal_representative.name)).unwrap_or_default(),
                got,
                representative: true,
            }
        }
        Some(DeskReading::Refused { why, got }) => Reading::OtherPerson {
            wanted: scene.case.identity.as_ref().map(|who| mask_name(&who.name)).unwrap_or_default(),
            got,
            representative: why == Refusal::NotLegalRepresentative,
        },
        _ => read(scene),
    }
}

/// What was read last and is not confirmed, if anything was.
fn read(scene: &Scene<'_>) -> Reading {
    match &scene.case.identity {
        None => Reading::Idle,
        Some(who) if who.expired => Reading::Expired {
            person: Box::new(person(scene)),
            on: who
                .card
                .as_ref()
                .and_then(|card| card.valid_until)
                .map(|day| day.to_string())
                .unwrap_or_default(),
            note: scene.trouble.typed.clone(),
            error: scene
                .trouble
                .refusal
                .as_ref()
                .filter(|why| **why == Refusal::NoteMissing)
                .map(|why| said(why, scene.lang)),
        },
        Some(_) => Reading::Read(Box::new(person(scene))),
    }
}

/// What the reader is at.
fn asked(scene: &Scene<'_>, stage: ReadStage, left_ms: u64) -> Reading {
    let again = |why| Reading::Again { why, left_ms, total_ms: READ_MS };
    match stage {
        _ if scene.reader.as_ref().is_some_and(|device| device.state == Presence::Lost) => {
            Reading::Returning { left_ms, total_ms: READ_MS }
        }
        ReadStage::Reading => Reading::Reading,
        ReadStage::Waiting(ask @ (CardAsk::Place | CardAsk::TakeAway)) => {
            Reading::Waiting { last_card: ask == CardAsk::TakeAway, left_ms, total_ms: READ_MS }
        }
        ReadStage::Waiting(CardAsk::PlaceAgain) => again(Again::Lifted),
        ReadStage::Waiting(CardAsk::PlaceAlone) => again(Again::Failed),
    }
}

fn person(scene: &Scene<'_>) -> Person {
    let Some(card) = scene.case.identity.as_ref().and_then(|who| who.card.as_ref()) else {
        return Person {
            reading: String::new(),
            name: String::new(),
            english_name: String::new(),
            document: String::new(),
            number: String::new(),
            sex: String::new(),
            nation: String::new(),
            birth: String::new(),
            address: String::new(),
            authority: String::new(),
            validity: String::new(),
            photo: None,
        };
    };
    Person {
        reading: scene.case.identity.as_ref().map(|who| who.at.0.to_string()).unwrap_or_default(),
        name: card.name.clone(),
        english_name: card.english_name.clone().unwrap_or_default(),
        document: card.document.kind().zh().to_owned(),
        number: shown_number(scene, card.document.number()),
        sex: card.sex.zh().to_owned(),
        nation: card.nation_zh().or_else(|| card.nationality.clone()).unwrap_or_default(),
        birth: card.birth.to_string(),
        address: card.address.clone().unwrap_or_default(),
        authority: card.authority.clone().unwrap_or_default(),
        validity: card.validity_zh(),
        photo: None,
    }
}
