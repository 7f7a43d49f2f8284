//! 手机: what a service code, a face check or an answer from a phone does to a case. What arrives here is verified:
//! signatures hold, times fit, nothing was taken before. Here it is decided whether it belongs to this case.

use super::{Events, at_least, end_acknowledgement, end_consent, end_rating, open_case, represents};
use crate::reception::refusal::Refusal;
use hall_domain::case::{
    Acknowledgement, Asked, CarriedRow, Case, CaseEvent, CommandId, Consent, ConsentEnd, Organised,
    PhoneChallenge, PhoneProof, PhoneWait, RatingState, Step,
};
use hall_domain::{
    ApplicantKind, Capacity, HolderId, IdentityGrade, MaterialId, PhoneAsk, Subject, Timestamp, Way,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long a challenge for a phone stays on the evaluator.
pub const PHONE_MS: i64 = 300_000;

/// Who was proven, verified.
#[derive(Debug, Clone)]
pub struct Proof {
    /// 办事码 or 窗口刷脸.
    pub way: Way,
    /// How well.
    pub grade: IdentityGrade,
    /// Who, and for whom.
    pub subject: Subject,
    /// When the centre attested it.
    pub attested_at: Timestamp,
    /// The message.
    pub message: PhoneProof,
}

/// What a phone brought about a consent, verified.
#[derive(Debug, Clone)]
pub struct Carried {
    /// What was asked for.
    pub ask: PhoneAsk,
    /// Who answered.
    pub subject: Subject,
    /// Digest of the request that was answered, as `sha-256:<hex>`.
    pub digest: Option<String>,
    /// The rows agreed to.
    pub rows: BTreeMap<MaterialId, CarriedRow>,
    /// When the centre recorded it.
    pub recorded_at: Timestamp,
    /// The message.
    pub message: PhoneProof,
}

/// Whether the citizen's phone may be asked who stands there.
pub fn may_ask_phone(case: &Case) -> Result<(), Refusal> {
    at_least(case, Step::Identify, Step::Form)?;
    if case.phone.is_some() || matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    Ok(())
}

/// Records the challenge that goes to the evaluator.
pub fn ask_phone(challenge: PhoneChallenge, command: CommandId, device: String, now: Timestamp) -> CaseEvent {
    CaseEvent::PhoneAsked { challenge, command, device, deadline: now.plus_ms(PHONE_MS) }
}

/// The challenge goes without an answer.
fn end_phone(case: &Case, command: &CommandId, reason: ConsentEnd) -> Events {
    waiting(case, command)?;
    Ok(vec![CaseEvent::PhoneAskEnded { command: command.clone(), reason }])
}

/// Ends what a command on the evaluator asks for: a challenge, a consent, a delegate's word, or a rating.
pub fn end_asked(case: &Case, command: &CommandId, reason: ConsentEnd) -> Events {
    let rating = matches!(&case.rating, RatingState::Waiting { command: open, .. } if open == command);
    let delegate = matches!(&case.acknowledgement, Some(Acknowledgement::Waiting { command: open, .. }) if open == command);
    match &case.phone {
        Some(wait) if wait.command == *command => end_phone(case, command, reason),
        _ if delegate => end_acknowledgement(case, command, reason),
        _ if rating => end_rating(case, command),
        _ => end_consent(case, command, reason),
    }
}

fn waiting<'a>(case: &'a Case, command: &CommandId) -> Result<&'a PhoneWait, Refusal> {
    case.phone.as_ref().filter(|wait| &wait.command == command).ok_or(Refusal::OutOfStep)
}

/// Takes who a phone proved. `organisation` is what is known of the one that the person acts for.
pub fn prove(case: &Case, proof: Proof, organisation: Option<Organised>, now: Timestamp) -> Events {
    at_least(case, Step::Identify, Step::Form)?;
    let Proof { way, grade, subject, attested_at, message } = proof;
    if let Some(who) = &case.identity {
        if who.document != subject.document {
            return Err(Refusal::AnotherPerson);
        }
        let same = who.phone.as_ref().is_some_and(|phone| phone.capacity == subject.capacity);
        if same && who.phone.as_ref().is_some_and(|phone| phone.grade >= grade) {
            return Ok(Vec::new());
        }
        // Once licences were opened for one principal, another has no place in the case.
        if who.phone.is_some() && !same && !case.uses.is_empty() {
            return Err(Refusal::OutOfStep);
        }
    }
    let mut events = Vec::new();
    let paper = case.paper_mandate.as_ref();
    if paper.is_some_and(|paper| paper.principal == HolderId::Person(subject.document.clone())) {
        return Err(Refusal::OwnMandate);
    }
    // What the centre attests takes the place of what a paper says, as long as nothing rests on the paper.
    if paper.is_some() && subject.capacity != Capacity::Own {
        if case.filled {
            return Err(Refusal::OutOfStep);
        }
        events.push(CaseEvent::PaperMandateDropped);
    }
    match (case.applicant, &subject.capacity) {
        (ApplicantKind::Person, Capacity::Own) => {}
        (ApplicantKind::Organisation, Capacity::Own) if paper.is_some() => {}
        (ApplicantKind::Person, Capacity::LegalRepresentative { .. } | Capacity::Agent { .. }) => {
            return Err(Refusal::EnterpriseCode);
        }
        (ApplicantKind::Organisation, Capacity::Own) => {
            let known = case.organisation.as_ref().ok_or(Refusal::OrganisationMissing)?;
            if known.register.is_none() || !represents(known, &subject.document, &subject.name, now) {
                return Err(Refusal::NotLegalRepresentative);
            }
        }
        (ApplicantKind::Organisation, Capacity::LegalRepresentative { .. } | Capacity::Agent { .. }) => {
            events.extend(name(case, &subject, organisation, now)?);
        }
        (applicant, Capacity::Delegate { principal, item, .. }) => {
            if matches!(principal, HolderId::Organisation(_)) != (applicant == ApplicantKind::Organisation) {
                return Err(Refusal::MandateOtherApplicant);
            }
            if item.as_ref().is_some_and(|item| *item != case.item) {
                return Err(Refusal::MandateOtherItem);
            }
            events.extend(name(case, &subject, organisation, now)?);
        }
    }
    if subject.capacity.revocable().is_some_and(|(until, _)| until < now) {
        return Err(Refusal::MandateEnded);
    }
    let subject = Box::new(subject);
    events.push(CaseEvent::Proven { way, grade, subject, attested_at, proof: message });
    Ok(events)
}

/// Names the organisation that a code stands for, or checks that it is the one that was named.
fn name(case: &Case, subject: &Subject, organisation: Option<Organised>, now: Timestamp) -> Events {
    let HolderId::Organisation(uscc) = subject.principal() else { return Ok(Vec::new()) };
    if case.organisation.as_ref().is_some_and(|known| known.uscc != uscc) {
        return Err(Refusal::OtherOrganisation);
    }
    let known = organisation.or_else(|| case.organisation.clone()).ok_or(Refusal::OrganisationMissing)?;
    let by_office = matches!(subject.capacity, Capacity::LegalRepresentative { .. });
    if by_office && !represents(&known, &subject.document, &subject.name, now) {
        return Err(Refusal::NotLegalRepresentative);
    }
    let fresh = case.organisation.as_ref() != Some(&known);
    Ok(fresh.then_some(CaseEvent::OrganisationNamed { organisation: known }).into_iter().collect())
}

/// Takes an answer to a consent that was asked of a phone. Refusing every row is refusing.
pub fn carry(case: &Case, carried: Carried, now: Timestamp) -> Events {
    open_case(case)?;
    let asked = asked_of_phone(case, &carried.message.nonce)?;
    let asks = asked.phone.as_ref().map(|phone| phone.ask);
    let late = now > asked.deadline.plus_ms(hall_bus::acceptance::GRACE_MS);
    if asks != Some(carried.ask) || carried.digest.as_deref() != Some(asked.digest.as_str()) || late {
        return Err(Refusal::OtherChallenge);
    }
    let holder = HolderId::Person(carried.subject.document.clone());
    let right = match carried.ask {
        PhoneAsk::Principal => case
            .mandator()
            .is_some_and(|(principal, _)| *principal == holder || *principal == carried.subject.principal()),
        _ => case.identity.as_ref().is_some_and(|who| who.document == carried.subject.document),
    };
    if !right {
        return Err(Refusal::AnotherPerson);
    }
    let command = asked.command.clone();
    let rows: BTreeMap<MaterialId, CarriedRow> = carried
        .rows
        .into_iter()
        .filter(|(material, _)| asked.request.rows.iter().any(|row| row.material == *material))
        .collect();
    if rows.is_empty() {
        return Ok(vec![CaseEvent::ConsentRefused { command, answer: carried.message.message }]);
    }
    let refused: BTreeSet<MaterialId> = asked
        .request
        .rows
        .iter()
        .map(|row| row.material.clone())
        .filter(|material| !rows.contains_key(material))
        .collect();
    let (recorded_at, proof) = (carried.recorded_at, carried.message);
    Ok(vec![CaseEvent::ConsentCarried { command, refused, rows, recorded_at, proof }])
}

fn asked_of_phone<'a>(case: &'a Case, nonce: &str) -> Result<&'a Asked, Refusal> {
    let fits = |asked: &Asked| asked.phone.as_ref().is_some_and(|phone| phone.nonce == nonce);
    match &case.consent {
        Consent::Waiting { asked } if fits(asked) => Ok(asked),
        _ => Err(Refusal::OtherChallenge),
    }
}

/// What an open challenge of this case asks for, by its nonce.
pub fn awaited(case: &Case, nonce: &str) -> Option<PhoneAsk> {
    let wait = case.phone.as_ref().map(|wait| &wait.challenge);
    let asked = match &case.consent {
        Consent::Waiting { asked } => asked.phone.as_ref(),
        _ => None,
    };
    wait.into_iter().chain(asked).find(|challenge| challenge.nonce == nonce).map(|challenge| challenge.ask)
}
