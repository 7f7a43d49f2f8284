//! What the citizen is asked and says: authorisation and rating.

use super::{Events, PHONE_MS, at_least, open_case};
use crate::reception::refusal::Refusal;
use hall_domain::case::{
    Asked, Case, CaseEvent, CommandId, Consent, ConsentEnd, LicenceUse, Mode, PhoneChallenge, RatingState,
    Step,
};
use hall_domain::consent::{ConsentRequest, ConsentRow, TEXT_VERSION};
use hall_domain::form::FieldState;
use hall_domain::{FieldKey, LicenceKind, MaterialId, ServiceItem, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How long an authorisation page stays on the evaluator.
pub const CONSENT_MS: i64 = 120_000;
/// How long a rating page stays on the evaluator.
pub const RATING_MS: i64 = 60_000;
/// For how long nothing else takes the place of a rating page: nobody ends a rating by going on with the next case.
pub const RATING_UNDISTURBED_MS: i64 = 20_000;
/// The most a citizen can stretch one authorisation page in all.
pub const CONSENT_LONGEST_MS: i64 = 600_000;

/// Makes the request for the citizen: every usable licence of the list, and nothing else.
pub fn consent_request(
    case: &Case,
    item: &ServiceItem,
    kinds: &BTreeMap<String, LicenceKind>,
    now: Timestamp,
) -> Result<ConsentRequest, Refusal> {
    at_least(case, Step::List, Step::Consent)?;
    if matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    let identity =
        case.identity.as_ref().filter(|identity| identity.confirmed()).ok_or(Refusal::NotConfirmed)?;
    let today = now.local_date();
    let rows: Vec<ConsentRow> = case
        .list
        .iter()
        .filter_map(|row| {
            let licence = row.licence.as_ref().filter(|licence| licence.usable(today))?;
            let labels = kinds.get(licence.kind.as_str()).map(|kind| {
                let label =
                    |key: &FieldKey| kind.fields.iter().find(|f| &f.key == key).map(|f| f.label.clone());
                licence.fields.iter().filter_map(label).collect()
            });
            Some(ConsentRow {
                material: row.material.clone(),
                licence: licence.id.clone(),
                kind: licence.kind.clone(),
                name: licence.name.clone(),
                holder: licence.holder.clone(),
                fields: licence.fields.clone(),
                labels: labels.unwrap_or_default(),
                required: row.required,
                alias: licence.alias,
            })
        })
        .collect();
    if rows.is_empty() {
        return Err(Refusal::NothingToAsk);
    }
    let on_behalf_of = case.organisation.as_ref().map(|known| match &known.register {
        Some(register) => register.name.clone(),
        None => known.uscc.to_string(),
    });
    let on_behalf_of = on_behalf_of.or_else(|| case.mandator().map(|(_, name)| hall_domain::mask_name(name)));
    Ok(ConsentRequest {
        case_no: case.no.clone(),
        item: item.code.clone(),
        item_name: item.name.clone(),
        department: item.department.clone(),
        hall: case.hall.clone(),
        window: case.window.clone(),
        person: hall_domain::HolderId::Person(identity.document.clone()),
        person_name: identity.name.clone(),
        on_behalf_of,
        rows,
        text_version: TEXT_VERSION.to_owned(),
        offline: case.mode == Some(Mode::Offline),
        asked_at: now,
    })
}

/// Makes the request for a phone: as for the evaluator, but without licences under earlier identifiers. The phone shows
/// what the centre finds under the present one, and what it does not show nobody can agree to.
pub fn phone_request(
    case: &Case,
    item: &ServiceItem,
    kinds: &BTreeMap<String, LicenceKind>,
    now: Timestamp,
) -> Result<ConsentRequest, Refusal> {
    let mut request = consent_request(case, item, kinds, now)?;
    request.rows.retain(|row| row.alias.is_none());
    if request.rows.is_empty() { Err(Refusal::NothingToAsk) } else { Ok(request) }
}

/// Records the request that goes to the evaluator.
pub fn ask(request: ConsentRequest, digest: String, command: CommandId, device: String) -> CaseEvent {
    let deadline = request.asked_at.plus_ms(CONSENT_MS);
    let request = Box::new(request);
    CaseEvent::ConsentAsked { request, digest, command, device, deadline, phone: None, office: None }
}

/// Records the request that goes to a phone: the citizen's own, or the principal's.
pub fn ask_by_phone(
    request: ConsentRequest,
    digest: String,
    command: CommandId,
    device: String,
    challenge: PhoneChallenge,
) -> CaseEvent {
    let deadline = request.asked_at.plus_ms(PHONE_MS);
    let (request, phone) = (Box::new(request), Some(challenge));
    CaseEvent::ConsentAsked { request, digest, command, device, deadline, phone, office: None }
}

/// 延长时间, asked for by the citizen: another full period, within the longest.
pub fn extend(case: &Case, command: &CommandId, now: Timestamp) -> Events {
    let asked = waiting(case, command)?;
    let last = asked.at.plus_ms(CONSENT_LONGEST_MS);
    let deadline = now.plus_ms(CONSENT_MS).min(last);
    if deadline <= asked.deadline {
        return Ok(Vec::new());
    }
    Ok(vec![CaseEvent::ConsentExtended { command: command.clone(), deadline }])
}

/// How often the citizen can still ask for more time.
pub fn extensions_left(asked: &Asked) -> u8 {
    let room = asked.at.plus_ms(CONSENT_LONGEST_MS).ms_since(asked.deadline).max(0);
    let times = room / CONSENT_MS + i64::from(room % CONSENT_MS > 0);
    u8::try_from(times).unwrap_or(u8::MAX)
}

/// The citizen's answer, already accepted as coming from the evaluator that shows this page.
pub enum Answer {
    /// 同意授权, with the rows refused singly.
    Agreed {
        /// Materials whose licence may not be opened.
        refused: BTreeSet<MaterialId>,
    },
    /// 不同意.
    Refused,
}

/// Takes the citizen's answer. Refusing every row is refusing.
pub fn answer(case: &Case, command: &CommandId, answer: Answer, signed: String) -> Events {
    let asked = waiting(case, command)?;
    let command = command.clone();
    Ok(vec![match answer {
        Answer::Agreed { refused }
            if asked.request.rows.iter().any(|row| !refused.contains(&row.material)) =>
        {
            CaseEvent::ConsentGiven { command, refused, answer: signed }
        }
        Answer::Agreed { .. } | Answer::Refused => CaseEvent::ConsentRefused { command, answer: signed },
    }])
}

/// The page goes without an answer.
pub fn end_consent(case: &Case, command: &CommandId, reason: ConsentEnd) -> Events {
    waiting(case, command)?;
    Ok(vec![CaseEvent::ConsentEnded { command: command.clone(), reason }])
}

/// Rows whose licence the citizen agreed to open.
pub fn agreed_rows(case: &Case) -> Vec<ConsentRow> {
    if case.wants_acknowledgement() {
        return Vec::new();
    }
    match &case.consent {
        Consent::Office { asked, .. } if !case.filled => asked.request.rows.clone(),
        Consent::Given { asked, refused, .. } if !case.filled => {
            asked.request.rows.iter().filter(|row| !refused.contains(&row.material)).cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// Fills the form, after the agreed licences were opened or when the case goes on without them.
pub fn fill(case: &Case, uses: Vec<LicenceUse>, fields: BTreeMap<FieldKey, FieldState>) -> Events {
    open_case(case)?;
    if case.filled {
        return Ok(Vec::new());
    }
    if !case.identity.as_ref().is_some_and(|identity| identity.confirmed()) {
        return Err(Refusal::NotConfirmed);
    }
    if matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    // On paper alone nothing of the principal's is opened.
    if case.paper_mandate.is_some() && !uses.is_empty() {
        return Err(Refusal::OutOfStep);
    }
    let agreed: BTreeSet<_> = agreed_rows(case).into_iter().map(|row| row.material).collect();
    if uses.iter().any(|used| !agreed.contains(&used.material)) {
        return Err(Refusal::OutOfStep);
    }
    let mut events = Vec::new();
    if !uses.is_empty() {
        events.push(CaseEvent::LicencesUsed { uses });
    }
    events.push(CaseEvent::FormFilled { fields });
    Ok(events)
}
/// Invites to rate, once, after the case was submitted. Rating is voluntary.
pub fn invite_rating(case: &Case, command: CommandId, now: Timestamp) -> Events {
    if case.submission.is_none() {
        return Err(Refusal::OutOfStep);
    }
    match case.rating {
        RatingState::NotAsked | RatingState::Ended => {
            Ok(vec![CaseEvent::RatingAsked { command, deadline: now.plus_ms(RATING_MS) }])
        }
        RatingState::Waiting { .. } | RatingState::Rated { .. } => Ok(Vec::new()),
    }
}

/// Takes a rating.
pub fn rate(case: &Case, command: &CommandId, level: u8, reasons: Vec<String>, signed: String) -> Events {
    match &case.rating {
        RatingState::Waiting { command: open, .. } if open == command && (1..=5).contains(&level) => {
            Ok(vec![CaseEvent::Rated { level, reasons, answer: signed }])
        }
        _ => Err(Refusal::OutOfStep),
    }
}

/// The rating page closed without a rating.
pub fn end_rating(case: &Case, command: &CommandId) -> Events {
    match &case.rating {
        RatingState::Waiting { command: open, .. } if open == command => Ok(vec![CaseEvent::RatingEnded]),
        _ => Err(Refusal::OutOfStep),
    }
}

/// Whether a rating page that has been up `since` may give way to another page.
pub fn rating_gives_way(since: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    let left_ms = since.plus_ms(RATING_UNDISTURBED_MS).0 - now.0;
    // A clock that was set back must not keep the page for longer.
    if (1..=RATING_UNDISTURBED_MS).contains(&left_ms) {
        return Err(Refusal::BeingRated((left_ms + 999) / 1_000));
    }
    Ok(())
}

fn waiting<'a>(case: &'a Case, command: &CommandId) -> Result<&'a Asked, Refusal> {
    match &case.consent {
        Consent::Waiting { asked } if &asked.command == command => Ok(asked),
        _ => Err(Refusal::OutOfStep),
    }
}
