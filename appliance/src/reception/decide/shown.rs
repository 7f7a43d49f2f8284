//! 出示证照: licences that the hall does not hold, shown by the citizen's phone. What arrives here is verified; here it
//! is decided whether it belongs to this case.

use super::{Events, open_case};
use crate::reception::refusal::Refusal;
use hall_domain::case::{Case, CaseEvent, Consent, ListRow, ListedLicence, Mode, PhoneProof, Step};
use hall_domain::{
    ApplicantKind, Capacity, Date, LicenceGrade, LicenceKind, Material, MaterialHolder, MaterialId, PhoneAsk,
    ServiceItem, Subject, Timestamp,
};
use hall_ledger::phone::challenge::MAX_MATERIALS;
use std::collections::BTreeMap;

/// What a phone showed, verified.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Whose licences they are.
    pub subject: Subject,
    /// The licence for each material.
    pub rows: BTreeMap<MaterialId, ListedLicence>,
    /// When the centre stated them.
    pub stated_at: Timestamp,
    /// The message.
    pub message: PhoneProof,
}

/// 证照类型, by their codes.
type Kinds = BTreeMap<String, LicenceKind>;

/// The materials for which a licence on the phone would help: the hall holds none that is good on `today`, or none
/// whose status is fresh enough.
pub fn wanted_of_phone(case: &Case, item: &ServiceItem, kinds: &Kinds, today: Date) -> Vec<MaterialId> {
    let replaceable = |row: &&ListRow| {
        item.material(&row.material).is_some_and(|material| may_be_held(case, material, kinds))
    };
    let lacks = |row: &&ListRow| {
        let good = |licence: &ListedLicence| licence.usable(today) && licence.grade > LicenceGrade::L2;
        !row.licence.as_ref().is_some_and(good)
    };
    let rows = case.list.iter().filter(replaceable).filter(lacks);
    rows.map(|row| row.material.clone()).take(MAX_MATERIALS).collect()
}

/// Whether whoever is to hold the licence for a material can hold its kind: no organisation has an identity card, and
/// an agent carries nothing of the legal representative's.
fn may_be_held(case: &Case, material: &Material, kinds: &Kinds) -> bool {
    let kind = material.replaced_by.as_ref().and_then(|code| kinds.get(code.as_str()));
    kind.is_some_and(|kind| match material.holder {
        MaterialHolder::Applicant => kind.holder == case.applicant,
        MaterialHolder::LegalRepresentative => {
            kind.holder == ApplicantKind::Person && case.legal_representative().is_some()
        }
    })
}

/// Which licences the citizen may be asked to show now. With the line up the centre has answered already; what it did
/// not name is not there. A principal's licences do not come over the delegate's phone.
pub fn may_ask_shown(
    case: &Case,
    item: &ServiceItem,
    kinds: &Kinds,
    today: Date,
) -> Result<Vec<MaterialId>, Refusal> {
    open_case(case)?;
    if !case.identity.as_ref().is_some_and(|identity| identity.confirmed()) {
        return Err(Refusal::NotConfirmed);
    }
    if case.phone.is_some() || matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    let offline = case.mode == Some(Mode::Offline);
    if case.step() != Step::List || decided(case) || case.mandator().is_some() || !offline {
        return Err(Refusal::OutOfStep);
    }
    match wanted_of_phone(case, item, kinds, today) {
        wanted if wanted.is_empty() => Err(Refusal::NothingToShow),
        wanted => Ok(wanted),
    }
}

/// Takes licences that a phone showed: only in answer to the request that stands, of the person and for the applicant
/// of this case, for materials that were asked for. That there is none is an answer.
pub fn show(case: &Case, shown: Shown, now: Timestamp) -> Events {
    open_case(case)?;
    let asked = case.phone.as_ref().filter(|wait| {
        let same = wait.challenge.nonce == shown.message.nonce;
        let late = now > wait.deadline.plus_ms(hall_bus::acceptance::GRACE_MS);
        wait.challenge.ask == PhoneAsk::Licences && same && !late
    });
    let asked = asked.ok_or(Refusal::OtherChallenge)?;
    if case.step() != Step::List || decided(case) {
        return Err(Refusal::OutOfStep);
    }
    let who = case.identity.as_ref().filter(|who| who.confirmed()).ok_or(Refusal::NotConfirmed)?;
    if who.document != shown.subject.document {
        return Err(Refusal::AnothersLicences);
    }
    if case.principal() != Some(shown.subject.principal()) {
        return Err(match (case.applicant, &shown.subject.capacity) {
            (_, Capacity::Delegate { .. }) => Refusal::NoMandate,
            (ApplicantKind::Person, _) => Refusal::EnterpriseCode,
            (ApplicantKind::Organisation, _) => Refusal::OtherOrganisation,
        });
    }
    if shown.rows.keys().any(|material| !asked.challenge.materials.contains(material)) {
        return Err(Refusal::OtherChallenge);
    }
    let Shown { rows, stated_at, message: proof, .. } = shown;
    Ok(vec![CaseEvent::LicencesShown { command: asked.command.clone(), rows, stated_at, proof }])
}

/// The citizen has agreed, or has been told: the list is settled.
fn decided(case: &Case) -> bool {
    matches!(case.consent, Consent::Given { .. } | Consent::Office { .. } | Consent::Withdrawn { .. })
}
