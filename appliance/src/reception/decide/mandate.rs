//! 纸质委托书 (M1): somebody acts for another by a mandate on paper. What it says is as the clerk read it (I0): nothing of
//! the principal's is asked for, opened or taken from the cache, and the policy takes in with it what is only received.

use super::{Events, at_least, represents};
use crate::reception::refusal::Refusal;
use hall_domain::case::{Case, CaseEvent, Consent, ListRow, Organised, PaperMandate, Step};
use hall_domain::{ApplicantKind, Capacity, HolderId, IdentityDocument, MaterialId, ServiceItem};

/// Why an identification was forgotten when the mandate on paper was taken back.
const NOT_BY_PAPER: &str = "不再凭纸质委托书办理";

/// Takes down whom a paper mandate names. `organisation` is what is known of a principal that is one. For whom the case
/// is changes with it, so a list that was made is made anew.
pub fn state_mandate(case: &Case, mandate: PaperMandate, organisation: Option<Organised>) -> Events {
    may_state_mandate(case)?;
    let for_organisation = matches!(mandate.principal, HolderId::Organisation(_));
    if for_organisation != (case.applicant == ApplicantKind::Organisation) {
        return Err(Refusal::MandateOtherApplicant);
    }
    if case.capacity().is_some_and(|capacity| *capacity != Capacity::Own) {
        return Err(Refusal::MandateOnPhone);
    }
    let stands_there = case.identity.as_ref().map(|who| &who.document);
    if stands_there.is_some_and(|document| names(&mandate, document)) {
        return Err(Refusal::OwnMandate);
    }
    if case.paper_mandate.as_ref() == Some(&mandate) {
        return Ok(Vec::new());
    }
    let organisation = organisation.filter(|_| for_organisation);
    let named = organisation.filter(|known| case.organisation.as_ref() != Some(known));
    let named = named.map(|organisation| CaseEvent::OrganisationNamed { organisation });
    Ok(named.into_iter().chain([CaseEvent::PaperMandateStated { mandate }]).collect())
}

/// 不用纸质委托书: the person acts in their own name after all, or by another mandate. Who does not act for the named
/// organisation by right is to be identified anew.
pub fn drop_mandate(case: &Case) -> Events {
    may_state_mandate(case)?;
    if case.paper_mandate.is_none() {
        return Ok(Vec::new());
    }
    let mut events = vec![CaseEvent::PaperMandateDropped];
    let stays = match (&case.organisation, &case.identity) {
        (Some(known), Some(who)) => represents(known, &who.document, &who.name, who.at),
        _ => true,
    };
    if !stays {
        events.push(CaseEvent::IdentityCleared { reason: NOT_BY_PAPER.to_owned() });
    }
    Ok(events)
}

/// Whether for whom the case is may still change.
pub fn may_state_mandate(case: &Case) -> Result<(), Refusal> {
    at_least(case, Step::Identify, Step::Consent)?;
    if case.phone.is_some() || matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    if !matches!(case.consent, Consent::NotAsked | Consent::Refused { .. } | Consent::Ended { .. }) {
        return Err(Refusal::OutOfStep);
    }
    Ok(())
}

/// Whether a mandate names the very person who stands there.
pub(super) fn names(mandate: &PaperMandate, document: &IdentityDocument) -> bool {
    mandate.principal == HolderId::Person(document.clone())
}

/// The list of a case on a paper mandate: everything comes on paper, the mandate itself first.
pub fn rows_on_paper(item: &ServiceItem) -> Vec<ListRow> {
    let row = |material: &hall_domain::Material| ListRow {
        material: material.id.clone(),
        name: material.name.clone(),
        required: material.required,
        licence: None,
    };
    [PaperMandate::row()].into_iter().chain(item.materials.iter().map(row)).collect()
}

/// On a paper mandate no licence is listed, whoever made the list.
pub(super) fn nothing_opened(case: &Case, rows: &[ListRow]) -> Result<(), Refusal> {
    let listed = rows.iter().any(|row| row.licence.is_some());
    if case.paper_mandate.is_some() && listed { Err(Refusal::OutOfStep) } else { Ok(()) }
}

/// The paper itself is kept; seeing it, or promising it, is not enough.
pub(super) fn is_mandate(material: &MaterialId) -> bool {
    material.as_str() == PaperMandate::MATERIAL
}
