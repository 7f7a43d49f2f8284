//! The fold: what each record does to a case.

use super::WithdrawnAt;
use super::{
    Acknowledgement, AliasedRow, Asked, Case, CaseEvent, CaseRecord, ConfirmedAlias, Consent, ConsentEnd,
    ConsentProof, Identity, ListRow, Mode, OnceGiven, PhoneIdentity, PhoneWait, RatingState, ShownLicences,
    StatusSource, Submission,
};
use crate::Timestamp;
use crate::form::{Attested, AttestedBy, FieldState};
use std::collections::{BTreeMap, BTreeSet};

impl Case {
    /// The case that an opening record starts; none if the record is no opening.
    pub fn opened(record: &CaseRecord) -> Option<Self> {
        let CaseEvent::Opened { item, item_version, item_name, applicant, window, hall } = &record.event
        else {
            return None;
        };
        Some(Self {
            id: record.case.clone(),
            no: record.no.clone(),
            item: item.clone(),
            item_version: *item_version,
            item_name: item_name.clone(),
            applicant: *applicant,
            window: window.clone(),
            hall: hall.clone(),
            clerk: record.clerk.clone(),
            opened_at: record.at,
            updated_at: record.at,
            organisation: None,
            identity: None,
            paper_mandate: None,
            phone: None,
            acknowledgement: None,
            mode: None,
            listed_at: None,
            list: Vec::new(),
            shown: Vec::new(),
            aliased: Vec::new(),
            confirmed: BTreeMap::new(),
            replaced: BTreeMap::new(),
            consent: Consent::NotAsked,
            uses: Vec::new(),
            filled: false,
            form_rev: 0,
            form: BTreeMap::new(),
            committed: false,
            committed_rev: 0,
            papers: BTreeMap::new(),
            attachments: Vec::new(),
            removed: Vec::new(),
            supplied: BTreeSet::new(),
            next_attachment: 1,
            submission: None,
            package: None,
            rating: RatingState::NotAsked,
            abandoned: None,
        })
    }

    /// Applies one recorded event. Never fails: what is recorded has happened.
    pub fn apply(&mut self, record: CaseRecord) {
        self.updated_at = record.at;
        let at = record.at;
        if matches!(
            record.event,
            CaseEvent::FormFilled { .. }
                | CaseEvent::FormSaved { .. }
                | CaseEvent::FieldReleased { .. }
                | CaseEvent::FieldRestored { .. }
                | CaseEvent::Committed { .. }
        ) {
            self.form_rev += 1;
        }
        match record.event {
            CaseEvent::Opened { .. } => {}
            CaseEvent::OrganisationNamed { organisation } => self.organisation = Some(organisation),
            CaseEvent::PaperMandateStated { mandate } => {
                self.paper_mandate = Some(mandate);
                self.forget_list();
            }
            CaseEvent::PaperMandateDropped => {
                self.paper_mandate = None;
                self.forget_list();
            }
            CaseEvent::Identified { card, expired, .. } => {
                // A card read after the same person's code adds to it.
                let same = |who: &Identity| who.document == card.document;
                let phone = self.identity.take().filter(same).and_then(|who| who.phone);
                self.identity = Some(Identity {
                    name: card.name.clone(),
                    document: card.document.clone(),
                    card: Some(*card),
                    phone,
                    expired,
                    compared: false,
                    note: None,
                    at,
                });
            }
            CaseEvent::PhoneAsked { challenge, command, device, deadline } => {
                self.phone = Some(PhoneWait { challenge, command, device, at, deadline });
            }
            CaseEvent::PhoneAskEnded { .. } => self.phone = None,
            CaseEvent::Proven { way, grade, subject, attested_at, proof } => {
                self.phone = None;
                let known = self.identity.take().filter(|who| who.document == subject.document);
                let phone =
                    Some(PhoneIdentity { way, grade, capacity: subject.capacity, attested_at, proof });
                self.identity = Some(match known {
                    Some(who) => Identity { phone, at, ..who },
                    None => Identity {
                        name: subject.name,
                        document: subject.document,
                        card: None,
                        phone,
                        expired: false,
                        compared: false,
                        note: None,
                        at,
                    },
                });
            }
            CaseEvent::PersonConfirmed { note } => {
                if let Some(identity) = &mut self.identity {
                    identity.compared = true;
                    identity.note = note;
                }
            }
            CaseEvent::IdentityCleared { .. } => self.forget_person(),
            CaseEvent::Listed { mode, rows, aliased } => {
                // What the centre itself says now is newer than what a phone carried.
                if mode == Mode::Online {
                    self.shown.clear();
                }
                self.mode = Some(mode);
                self.listed_at = Some(at);
                self.relist(rows, aliased);
            }
            CaseEvent::LicencesShown { rows, stated_at, proof, .. } => {
                self.phone = None;
                for row in &mut self.list {
                    if let Some(licence) = rows.get(&row.material) {
                        row.licence = Some(licence.clone());
                    }
                }
                self.shown.push(ShownLicences { stated_at, proof });
            }
            CaseEvent::Rechecked { rows, aliased, organisation } => {
                self.organisation = organisation.or(self.organisation.take());
                self.recheck(rows, aliased);
            }
            CaseEvent::AliasConfirmed { alias } => {
                self.confirmed.insert(alias, ConfirmedAlias { by: record.clerk, at });
                self.settle_aliases();
            }
            CaseEvent::AliasReverted { alias } => {
                self.confirmed.remove(&alias);
                self.settle_aliases();
            }
            CaseEvent::ConsentAsked { request, digest, command, device, deadline, phone, office } => {
                let asked = Box::new(Asked {
                    request: *request,
                    digest,
                    command,
                    device,
                    at,
                    deadline,
                    phone,
                    office,
                });
                self.consent = Consent::Waiting { asked };
            }
            CaseEvent::ConsentExtended { deadline, .. } => {
                if let Consent::Waiting { asked } = &mut self.consent {
                    asked.deadline = deadline;
                }
            }
            CaseEvent::ConsentGiven { refused, answer, .. } => {
                if let Consent::Waiting { asked } = self.consent.clone() {
                    self.consent =
                        Consent::Given { asked, refused, proof: ConsentProof::Evaluator { answer }, at };
                }
            }
            CaseEvent::ConsentCarried { refused, rows, recorded_at, proof, .. } => {
                if let Consent::Waiting { asked } = self.consent.clone() {
                    let proof = ConsentProof::Phone { rows, recorded_at, proof };
                    self.consent = Consent::Given { asked, refused, proof, at };
                }
            }
            CaseEvent::AcknowledgeAsked { command, deadline } => {
                self.acknowledgement = Some(Acknowledgement::Waiting { command, deadline });
            }
            CaseEvent::Acknowledged { answer, .. } => {
                self.acknowledgement = Some(Acknowledgement::Given { answer, at });
            }
            CaseEvent::AcknowledgeEnded { reason, .. } => {
                self.acknowledgement = Some(Acknowledgement::Ended { reason, at });
            }
            CaseEvent::OfficeNoticed { answer, .. } => {
                if let Consent::Waiting { asked } = self.consent.clone() {
                    self.consent = Consent::Office { asked, answer, at };
                }
            }
            CaseEvent::ConsentWithdrawn { at: place, since } => self.withdraw(place, since),
            CaseEvent::ConsentRefused { .. } => self.consent = Consent::Refused { at },
            CaseEvent::ConsentEnded { reason, .. } => self.consent = Consent::Ended { reason, at },
            CaseEvent::LicencesUsed { uses } => self.uses.extend(uses),
            CaseEvent::FormFilled { fields } => {
                self.form = fields;
                self.filled = true;
                self.shown.clear();
            }
            CaseEvent::FormSaved { values } => {
                for (key, value) in values {
                    let field = self.form.entry(key).or_default();
                    field.value = value;
                    field.rev = self.form_rev;
                }
            }
            CaseEvent::FieldReleased { field } => {
                let state = self.form.entry(field).or_default();
                state.released = true;
                state.rev = self.form_rev;
            }
            CaseEvent::FieldRestored { field } => {
                let state = self.form.entry(field).or_default();
                if let Some(attested) = &state.attested {
                    state.value = attested.value.clone();
                    state.released = false;
                    state.rev = self.form_rev;
                }
            }
            CaseEvent::Committed { taken } => {
                self.committed = taken;
                self.committed_rev = self.form_rev;
            }
            CaseEvent::PaperChosen { material, choice } => {
                self.papers.insert(material, choice);
            }
            CaseEvent::AttachmentAdded { attachment } => {
                self.next_attachment = self.next_attachment.max(attachment.id.saturating_add(1));
                self.attachments.push(attachment);
            }
            CaseEvent::AttachmentRemoved { id } => {
                let (gone, kept) = self.attachments.drain(..).partition(|attachment| attachment.id == id);
                self.attachments = kept;
                self.removed.extend::<Vec<_>>(gone);
            }
            CaseEvent::AttachmentRestored { id } => {
                let (back, gone) = self.removed.drain(..).partition(|attachment| attachment.id == id);
                self.removed = gone;
                self.attachments.extend::<Vec<_>>(back);
                self.attachments.sort_by_key(|attachment| attachment.id);
            }
            CaseEvent::Reopened => self.abandoned = None,
            CaseEvent::TakenOver { window } => {
                self.window = window;
                self.clerk = record.clerk;
            }
            CaseEvent::Submitted { judgement, mode, second, supervisor, follow, .. } => {
                self.submission = Some(Submission { judgement, mode, second, supervisor, follow, at });
            }
            CaseEvent::MaterialSupplied { attachment } => {
                self.next_attachment = self.next_attachment.max(attachment.id.saturating_add(1));
                self.supplied.insert(attachment.id);
                self.attachments.push(attachment);
            }
            CaseEvent::PackageSealed { manifest, .. } => self.package = Some(manifest),
            CaseEvent::RatingAsked { command, deadline } => {
                self.rating = RatingState::Waiting { command, deadline }
            }
            CaseEvent::Rated { level, reasons, .. } => {
                self.rating = RatingState::Rated { level, reasons, at }
            }
            CaseEvent::RatingEnded => self.rating = RatingState::Ended,
            CaseEvent::Abandoned { reason } => {
                self.abandoned = Some(reason);
                self.phone = None;
                self.forget_shown();
                if matches!(self.consent, Consent::Waiting { .. }) {
                    self.consent = Consent::Ended { reason: ConsentEnd::Cancelled, at };
                }
            }
        }
    }

    /// Uses that the centre confirms become fresh ones; a licence that it does not confirm no longer counts,
    /// and its material is asked for again.
    fn recheck(&mut self, rows: Vec<ListRow>, aliased: Vec<AliasedRow>) {
        let today = self.updated_at.local_date();
        self.mode = Some(Mode::Online);
        self.listed_at = Some(self.updated_at);
        self.shown.clear();
        self.relist(rows, aliased);
        let (list, form) = (&self.list, &mut self.form);
        self.uses.retain_mut(|used| {
            let row = list.iter().find(|row| row.material == used.material);
            let licence = row.and_then(|row| row.licence.as_ref());
            let Some(licence) = licence.filter(|known| known.id == used.licence && known.usable(today))
            else {
                for field in form.values_mut() {
                    let by_it =
                        |by: &AttestedBy| matches!(by, AttestedBy::Licence { id, .. } if *id == used.licence);
                    field.attested = field.attested.take().filter(|attested| !by_it(&attested.by));
                }
                return false;
            };
            used.grade = licence.grade;
            used.status_at = licence.status_at;
            used.mode = Mode::Online;
            true
        });
    }

    /// Licences that a phone showed and nobody opened leave the case; their rows are as before.
    fn forget_shown(&mut self) {
        if self.shown.is_empty() {
            return;
        }
        self.shown.clear();
        for row in &mut self.list {
            row.licence = row.licence.take().filter(|licence| {
                let statement = licence.statement.as_ref();
                statement.is_none_or(|statement| statement.status_from != StatusSource::Phone)
            });
        }
    }

    /// A new list. What the clerk confirmed holds for as long as the authority's word is in it.
    fn relist(&mut self, rows: Vec<ListRow>, aliased: Vec<AliasedRow>) {
        self.list = rows;
        self.replaced.clear();
        self.confirmed.retain(|id, _| aliased.iter().any(|row| row.alias.id() == *id));
        self.aliased = aliased;
        self.settle_aliases();
    }

    /// What was opened under the consent is forgotten: its values leave the case, and its materials are asked for
    /// again if the case is not submitted yet.
    fn withdraw(&mut self, place: WithdrawnAt, since: Timestamp) {
        let Consent::Given { asked, refused, at, .. } = &self.consent else { return };
        let given = Some(OnceGiven { at: *at, grade: self.consent_grade() });
        let (asked, refused) = (asked.clone(), refused.clone());
        self.forget_shown();
        self.consent = Consent::Withdrawn { asked, refused, given, place, since };
        for used in &mut self.uses {
            used.opened.clear();
        }
        if self.submission.is_none() {
            self.uses.clear();
        }
        for field in self.form.values_mut() {
            let by_licence = |attested: &Attested| matches!(attested.by, AttestedBy::Licence { .. });
            if field.attested.as_ref().is_some_and(by_licence) {
                *field = FieldState { rev: self.form_rev, ..FieldState::default() };
            }
        }
    }

    fn forget_person(&mut self) {
        self.phone = None;
        self.identity = None;
        self.forget_list();
    }

    /// What follows from for whom the case is, and is made anew when that changes.
    fn forget_list(&mut self) {
        self.acknowledgement = None;
        self.mode = None;
        self.list.clear();
        self.shown.clear();
        self.aliased.clear();
        self.confirmed.clear();
        self.replaced.clear();
        self.consent = Consent::NotAsked;
        self.filled = false;
        self.form.clear();
        self.committed = false;
        self.papers.clear();
        self.attachments.clear();
        self.removed.clear();
    }
}
