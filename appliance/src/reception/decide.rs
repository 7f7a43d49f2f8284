//! 受理: what may happen next to a case. Pure: (case, what is asked, what is known, now) gives
//! the events to record or the reason why not. Nothing here reads a clock, a disk or a network.

mod alias;
mod citizen;
mod mandate;
mod office;
mod phone;
mod shown;
mod submit;
#[cfg(test)]
mod tests;

pub use alias::{confirm_alias, revert_alias};
pub use citizen::{
    Answer, CONSENT_LONGEST_MS, CONSENT_MS, RATING_MS, RATING_UNDISTURBED_MS, agreed_rows, answer, ask,
    ask_by_phone, consent_request, end_consent, end_rating, extend, extensions_left, fill, invite_rating,
    phone_request, rate, rating_gives_way,
};
pub use mandate::{drop_mandate, may_state_mandate, rows_on_paper, state_mandate};
pub use office::{acknowledge, ask_acknowledgement, ask_by_office, end_acknowledgement, noticed, withdraw};
pub use phone::{Carried, PHONE_MS, Proof, ask_phone, awaited, carry, end_asked, may_ask_phone, prove};
pub use shown::{Shown, may_ask_shown, show};
pub use submit::{Conditions, Signatures, Signed, complete, judge, may_supply, submit, supply};

use super::refusal::Refusal;
use hall_domain::case::{
    AccountName, AliasedRow, Attachment, AttachmentId, Case, CaseEvent, CommandId, Consent, ListRow, Mode,
    Organised, PaperChoice, Step, WindowId,
};
use hall_domain::form;
use hall_domain::{
    ApplicantKind, FieldKey, IdentityCard, IdentityDocument, MaterialId, ServiceItem, Timestamp, Way,
};
use std::collections::BTreeMap;

/// A list older than this is asked for again before a case is submitted.
pub const RECHECK_MS: i64 = 600_000;
/// A clerk who has done nothing in a case for this long may be relieved of it.
pub const QUIET_MS: i64 = 300_000;
/// A case that was given up can be taken up again for so long; then its scans are deleted.
pub const REOPEN_MS: i64 = 7 * 86_400_000;
/// Largest attachment in bytes.
pub const ATTACHMENT_BYTES: u64 = 20 * 1024 * 1024;
const ATTACHMENTS: usize = 30;
/// Why an identification was forgotten when another card was read before 人证一致.
const REPLACED: &str = "改读另一张证件";
/// The most that any field of a form holds.
const FIELD_CHARS: usize = 2_000;

type Events = Result<Vec<CaseEvent>, Refusal>;

/// What was found for the people of a case.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// One row for each material, of licences under present identifiers.
    pub rows: Vec<ListRow>,
    /// Candidates under earlier identifiers.
    pub aliased: Vec<AliasedRow>,
}

impl From<Vec<ListRow>> for Listing {
    fn from(rows: Vec<ListRow>) -> Self {
        Self { rows, aliased: Vec::new() }
    }
}

/// Opens a case for an item at a window.
pub fn open(
    item: &ServiceItem,
    applicant: ApplicantKind,
    window: WindowId,
    hall: &str,
) -> Result<CaseEvent, Refusal> {
    if !item.applicants.contains(&applicant) {
        return Err(Refusal::ItemNotForApplicant);
    }
    Ok(CaseEvent::Opened {
        item: item.code.clone(),
        item_version: item.version,
        item_name: item.name.clone(),
        applicant,
        window,
        hall: hall.to_owned(),
    })
}

/// Names the organisation that the case is for; a change forgets who was identified.
pub fn name_organisation(case: &Case, organisation: Organised) -> Events {
    at_least(case, Step::Identify, Step::List)?;
    if case.applicant != ApplicantKind::Organisation {
        return Err(Refusal::ItemNotForApplicant);
    }
    let mut events = Vec::new();
    let changed = case.organisation.as_ref().is_some_and(|known| known.uscc != organisation.uscc);
    // A mandate on paper is of the organisation that it names, and of no other.
    if case.paper_mandate.is_some() && changed {
        events.push(CaseEvent::PaperMandateDropped);
    }
    let represents = case.paper_mandate.is_some() && !changed
        || case
            .identity
            .as_ref()
            .is_none_or(|who| represents(&organisation, &who.document, &who.name, who.at));
    if case.identity.is_some() && (changed || !represents) {
        let reason = if changed {
            "改填了统一社会信用代码"
        } else {
            "持卡人不是登记的法定代表人"
        };
        events.push(CaseEvent::IdentityCleared { reason: reason.to_owned() });
    }
    events.push(CaseEvent::OrganisationNamed { organisation });
    Ok(events)
}

/// Whether a card may be read for this case now.
pub fn may_read(case: &Case) -> Result<(), Refusal> {
    at_least(case, Step::Identify, Step::Form)?;
    if case.applicant == ApplicantKind::Organisation && case.organisation.is_none() {
        return Err(Refusal::OrganisationMissing);
    }
    Ok(())
}

/// What a reader's accepted answer says beside the card.
#[derive(Debug, Clone)]
pub struct ReadProof {
    /// The command answered.
    pub command: CommandId,
    /// The reader.
    pub reader: String,
    /// Its security module.
    pub sam: Option<String>,
    /// Digest of the signed answer.
    pub answer: String,
}

/// Takes a card that was read for this case. Until 人证一致 another card takes the place of the one before; afterwards
/// another person's changes nothing.
pub fn identify(case: &Case, card: IdentityCard, proof: ReadProof, now: Timestamp) -> Events {
    may_read(case)?;
    if let Some(identity) = &case.identity {
        let same = identity.document == card.document;
        if identity.card.as_ref() == Some(&card) || identity.compared && same {
            return Ok(Vec::new());
        }
        if identity.confirmed() && !same {
            return Err(Refusal::AnotherPerson);
        }
    }
    match (&case.paper_mandate, &case.organisation) {
        (Some(paper), _) if mandate::names(paper, &card.document) => return Err(Refusal::OwnMandate),
        // A delegate is anybody whom the paper names.
        (Some(_), _) => {}
        (None, Some(known)) if !represents(known, &card.document, &card.name, now) => {
            return Err(Refusal::NotLegalRepresentative);
        }
        (None, _) => {}
    }
    let other = case.identity.as_ref().filter(|who| who.document != card.document);
    let replaced = other.map(|_| CaseEvent::IdentityCleared { reason: REPLACED.to_owned() });
    let expired = card.expired(now.local_date());
    let ReadProof { command: read, reader, sam, answer } = proof;
    let identified = CaseEvent::Identified {
        way: Way::IdentityCard,
        card: Box::new(card),
        read,
        reader,
        sam,
        expired,
        answer,
    };
    Ok(replaced.into_iter().chain([identified]).collect())
}

/// 人证一致, for the reading of `seen`: what the clerk confirms is what the clerk saw. An expired card needs a note.
pub fn confirm_person(case: &Case, seen: Timestamp, note: Option<String>) -> Events {
    open_case(case)?;
    let identity = case.identity.as_ref().filter(|who| who.at == seen).ok_or(Refusal::AnotherReading)?;
    if identity.compared || identity.card.is_none() {
        return Ok(Vec::new());
    }
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if identity.expired && note.is_none() {
        return Err(Refusal::NoteMissing);
    }
    Ok(vec![CaseEvent::PersonConfirmed { note }])
}

/// 重新核验: forgets who was identified. Not while the citizen is being asked, nor once a licence was opened.
pub fn clear_identity(case: &Case, reason: &str) -> Events {
    open_case(case)?;
    if matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    if case.identity.is_none() || !case.uses.is_empty() {
        return Err(Refusal::OutOfStep);
    }
    Ok(vec![CaseEvent::IdentityCleared { reason: reason.to_owned() }])
}

/// Puts the 免证清单 on the case. A list may be made again until the citizen has agreed.
pub fn list(case: &Case, found: impl Into<Listing>, mode: Mode) -> Events {
    open_case(case)?;
    if !case.identity.as_ref().is_some_and(|identity| identity.confirmed()) {
        return Err(Refusal::NotConfirmed);
    }
    if !matches!(case.step(), Step::Identify | Step::List) {
        return Err(Refusal::OutOfStep);
    }
    let Listing { rows, aliased } = found.into();
    mandate::nothing_opened(case, &rows)?;
    Ok(vec![CaseEvent::Listed { mode, rows, aliased }])
}

/// Saves what the clerk typed into a page that knew of `seen` changes. Only what differs is recorded; a field that
/// another page changed since is not overwritten. Problems are checked on submission.
pub fn save_form(case: &Case, item: &ServiceItem, values: &BTreeMap<FieldKey, String>, seen: u32) -> Events {
    at_least(case, Step::Form, Step::Form)?;
    let stored = |key: &FieldKey| case.form.get(key).map(|state| state.value.as_str()).unwrap_or_default();
    let mut changed = BTreeMap::new();
    for (key, value) in values {
        if !item.form.iter().any(|field| &field.key == key) {
            return Err(Refusal::UnknownField(key.to_string()));
        }
        let value = form::visible(value);
        let value = value.trim();
        if value.chars().count() > FIELD_CHARS {
            return Err(Refusal::TooLong(key.to_string()));
        }
        if value == stored(key) {
            continue;
        }
        if case.form.get(key).is_some_and(|state| state.rev > seen) {
            return Err(Refusal::FormChanged);
        }
        changed.insert(key.clone(), value.to_owned());
    }
    Ok(if changed.is_empty() { Vec::new() } else { vec![CaseEvent::FormSaved { values: changed }] })
}

/// Takes the centre's word for a list that was made without it, before the case is submitted.
pub fn recheck(case: &Case, found: impl Into<Listing>, organisation: Option<Organised>) -> Events {
    at_least(case, Step::Form, Step::Form)?;
    let Listing { rows, aliased } = found.into();
    mandate::nothing_opened(case, &rows)?;
    Ok(vec![CaseEvent::Rechecked { rows, aliased, organisation }])
}

/// 修改: gives a source's word for a field up.
pub fn release_field(case: &Case, field: &FieldKey) -> Events {
    at_least(case, Step::Form, Step::Form)?;
    match case.form.get(field) {
        Some(state) if state.mark().is_some() => Ok(vec![CaseEvent::FieldReleased { field: field.clone() }]),
        _ => Ok(Vec::new()),
    }
}

/// Puts a source's word back into its field.
pub fn restore_field(case: &Case, field: &FieldKey) -> Events {
    at_least(case, Step::Form, Step::Form)?;
    match case.form.get(field) {
        Some(state) if state.attested.is_some() && state.mark().is_none() => {
            Ok(vec![CaseEvent::FieldRestored { field: field.clone() }])
        }
        _ => Ok(Vec::new()),
    }
}

/// 告知承诺: the applicant takes it on, or takes that back.
pub fn commit(case: &Case, taken: bool, seen: u32) -> Events {
    at_least(case, Step::Form, Step::Form)?;
    Ok(if case.committed == taken || case.committed_rev > seen {
        Vec::new()
    } else {
        vec![CaseEvent::Committed { taken }]
    })
}

/// The clerk says how a material without a licence is brought.
pub fn choose_paper(case: &Case, material: &MaterialId, choice: PaperChoice) -> Events {
    at_least(case, Step::List, Step::Form)?;
    if !case.list.iter().any(|row| &row.material == material) {
        return Err(Refusal::UnknownMaterial);
    }
    if mandate::is_mandate(material) {
        return Err(Refusal::MandateNotScanned);
    }
    if case.papers.get(material) == Some(&choice) {
        return Ok(Vec::new());
    }
    Ok(vec![CaseEvent::PaperChosen { material: material.clone(), choice }])
}

/// Whether one more file of this size may be attached.
pub fn may_attach(case: &Case, material: Option<&MaterialId>, size: u64) -> Result<(), Refusal> {
    at_least(case, Step::List, Step::Form)?;
    if material.is_some_and(|material| !case.list.iter().any(|row| &row.material == material)) {
        return Err(Refusal::UnknownMaterial);
    }
    file_fits(size)?;
    room_for_more(case.attachments.len())
}

/// Whether a file is of a size that is taken.
pub fn file_fits(size: u64) -> Result<(), Refusal> {
    if size == 0 {
        return Err(Refusal::EmptyFile);
    }
    if size > ATTACHMENT_BYTES {
        return Err(Refusal::FileTooLarge);
    }
    Ok(())
}

fn room_for_more(others: usize) -> Result<(), Refusal> {
    if others >= ATTACHMENTS { Err(Refusal::TooManyFiles) } else { Ok(()) }
}

/// Attaches a file whose bytes are stored already. The number is given here.
pub fn attach(case: &Case, attachment: Attachment) -> Events {
    may_attach(case, attachment.material.as_ref(), attachment.size)?;
    let attachment = Attachment { id: case.next_attachment, ..attachment };
    Ok(vec![CaseEvent::AttachmentAdded { attachment }])
}

/// Takes an attachment away again.
pub fn detach(case: &Case, id: AttachmentId) -> Events {
    at_least(case, Step::List, Step::Form)?;
    if !case.attachments.iter().any(|attachment| attachment.id == id) {
        return Ok(Vec::new());
    }
    Ok(vec![CaseEvent::AttachmentRemoved { id }])
}

/// Brings an attachment back that was taken away.
pub fn reattach(case: &Case, id: AttachmentId) -> Events {
    at_least(case, Step::List, Step::Form)?;
    if !case.removed.iter().any(|attachment| attachment.id == id) {
        return Ok(Vec::new());
    }
    if case.attachments.len() >= ATTACHMENTS {
        return Err(Refusal::TooManyFiles);
    }
    Ok(vec![CaseEvent::AttachmentRestored { id }])
}

/// Gives the case up before it is submitted.
pub fn abandon(case: &Case, reason: &str) -> Events {
    open_case(case)?;
    let reason = reason.trim();
    let reason = if reason.is_empty() { "办事人不再办理" } else { reason };
    Ok(vec![CaseEvent::Abandoned { reason: reason.to_owned() }])
}

/// Takes giving up back, within [`REOPEN_MS`].
pub fn reopen(case: &Case, now: Timestamp) -> Events {
    if case.abandoned.is_none() || case.submission.is_some() {
        return Err(Refusal::OutOfStep);
    }
    if now.ms_since(case.updated_at) >= REOPEN_MS {
        return Err(Refusal::Closed);
    }
    Ok(vec![CaseEvent::Reopened])
}

/// Another clerk goes on with the case at their own window, once its clerk has been quiet for a while.
/// Not while its page is on an evaluator.
pub fn take_over(case: &Case, account: &AccountName, window: WindowId, now: Timestamp) -> Events {
    open_case(case)?;
    if &case.clerk != account && now.ms_since(case.updated_at) < QUIET_MS {
        return Err(Refusal::StillWorking);
    }
    if matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    if &case.clerk == account && case.window == window {
        return Ok(Vec::new());
    }
    Ok(vec![CaseEvent::TakenOver { window }])
}

/// Whether the case may be worked on by this account: the clerk who opened it.
pub fn belongs_to(case: &Case, account: &AccountName) -> bool {
    &case.clerk == account
}

fn open_case(case: &Case) -> Result<(), Refusal> {
    if case.closed() { Err(Refusal::Closed) } else { Ok(()) }
}

fn at_least(case: &Case, first: Step, last: Step) -> Result<(), Refusal> {
    open_case(case)?;
    let step = case.step();
    if step < first || step > last { Err(Refusal::OutOfStep) } else { Ok(()) }
}

/// Whether the person may act for the organisation, by office or by grant, as far as a register is known.
pub fn represents(organisation: &Organised, document: &IdentityDocument, name: &str, now: Timestamp) -> bool {
    organisation.register.as_ref().is_none_or(|entry| entry.acts_for(document, name, now).is_some())
}
