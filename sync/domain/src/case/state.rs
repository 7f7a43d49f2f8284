//! A case as the fold of its records.

use super::{
    AccountName, Attachment, CaseEvent, CaseId, CaseNo, CaseRecord, CommandId, ConsentEnd, LicenceUse,
    ListRow, Mode, Organised, PaperChoice, Secondary, WindowId,
};
use crate::consent::ConsentRequest;
use crate::form::{AttestedBy, FieldState};
use crate::{
    ApplicantKind, ConsentGrade, FieldKey, HolderId, IdentityCard, IdentityGrade, ItemCode, Judgement,
    MaterialId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who was identified for a case, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The card's text.
    pub card: IdentityCard,
    /// Whether the card's validity had ended.
    pub expired: bool,
    /// 人证一致 was pressed.
    pub confirmed: bool,
    /// What the clerk noted when the card had expired.
    pub note: Option<String>,
    /// When the card was read.
    pub at: Timestamp,
}

/// An authorisation page that is or was on the evaluator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What is asked.
    pub request: ConsentRequest,
    /// Digest of what is shown.
    pub digest: String,
    /// The command that carries it.
    pub command: CommandId,
    /// The evaluator.
    pub device: String,
    /// When it was sent.
    pub at: Timestamp,
    /// When the box stops waiting.
    pub deadline: Timestamp,
}

/// Where the authorisation of a case stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Consent {
    /// Nobody has been asked.
    NotAsked,
    /// The page is on the evaluator.
    Waiting {
        /// The page.
        asked: Box<Asked>,
    },
    /// 已授权, with or without single refusals.
    Given {
        /// The page that was answered.
        asked: Box<Asked>,
        /// Rows refused singly.
        refused: BTreeSet<MaterialId>,
        /// The evaluator's signed answer.
        answer: String,
        /// When the box accepted it.
        at: Timestamp,
    },
    /// 不同意.
    Refused {
        /// When.
        at: Timestamp,
    },
    /// No answer.
    Ended {
        /// Why.
        reason: ConsentEnd,
        /// When.
        at: Timestamp,
    },
}

/// What the citizen decided on one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Not asked, or not answered yet.
    Open,
    /// 同意.
    Agreed,
    /// 不同意.
    Refused,
}

/// How a material stands at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaterialState {
    /// 免提交: a licence was opened for it.
    Waived,
    /// 可免提交: a usable licence was found and the citizen has not decided.
    Waivable,
    /// A scan is attached or the original was sighted.
    Brought,
    /// 容缺: it follows.
    ToFollow,
    /// 需原件: it is required and nothing stands for it yet.
    Missing,
    /// Optional, and nothing stands for it.
    Absent,
}

/// What was submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// What the policy said.
    pub judgement: Judgement,
    /// 在线 or 离线.
    pub mode: Mode,
    /// The second clerk, if one was needed.
    pub second: Option<Secondary>,
    /// When.
    pub at: Timestamp,
}

/// Where the rating of a case stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RatingState {
    /// Not invited.
    NotAsked,
    /// The rating page is on the evaluator.
    Waiting {
        /// The command that carries it.
        command: CommandId,
        /// When the page closes by itself.
        deadline: Timestamp,
    },
    /// Rated.
    Rated {
        /// 5 非常满意 … 1 非常不满意.
        level: u8,
        /// Reasons chosen.
        reasons: Vec<String>,
        /// When.
        at: Timestamp,
    },
    /// 未评价.
    Ended,
}

/// The step that a case is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 核验: who is here.
    Identify,
    /// 清单: what is available.
    List,
    /// 授权: the citizen is asked.
    Consent,
    /// 表单: the form.
    Form,
    /// 已提交.
    Submitted,
    /// 已放弃.
    Abandoned,
}

/// 办件: one application at one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The machine's name of it.
    pub id: CaseId,
    /// 办件编号.
    pub no: CaseNo,
    /// The item.
    pub item: ItemCode,
    /// The item's version when the case was opened.
    pub item_version: u32,
    /// The item's name.
    pub item_name: String,
    /// 个人 or 法人.
    pub applicant: ApplicantKind,
    /// The window.
    pub window: WindowId,
    /// The hall's name.
    pub hall: String,
    /// The clerk who opened it.
    pub clerk: AccountName,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// The organisation, for 法人.
    pub organisation: Option<Organised>,
    /// Who was identified.
    pub identity: Option<Identity>,
    /// 在线 or 离线, from the moment the list was made.
    pub mode: Option<Mode>,
    /// When the list was last made or confirmed.
    #[serde(default)]
    pub listed_at: Option<Timestamp>,
    /// 免证清单.
    pub list: Vec<ListRow>,
    /// 用证授权.
    pub consent: Consent,
    /// Licences opened.
    pub uses: Vec<LicenceUse>,
    /// Whether the form was filled once.
    pub filled: bool,
    /// How often the form was changed: a page that shows an older one may not overwrite it.
    #[serde(default)]
    pub form_rev: u32,
    /// 受理表单.
    pub form: BTreeMap<FieldKey, FieldState>,
    /// 告知承诺 was taken on.
    #[serde(default)]
    pub committed: bool,
    /// The change of the form that last said so.
    #[serde(default)]
    pub committed_rev: u32,
    /// How materials without a licence are brought.
    pub papers: BTreeMap<MaterialId, PaperChoice>,
    /// 附件.
    pub attachments: Vec<Attachment>,
    /// Attachments taken away, which can be brought back.
    #[serde(default)]
    pub removed: Vec<Attachment>,
    /// The number that the next attachment gets.
    pub next_attachment: u32,
    /// What was submitted.
    pub submission: Option<Submission>,
    /// The sealed package's manifest, hexadecimal.
    pub package: Option<String>,
    /// 好差评.
    pub rating: RatingState,
    /// Why it was given up.
    pub abandoned: Option<String>,
}

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
            mode: None,
            listed_at: None,
            list: Vec::new(),
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
            next_attachment: 1,
            submission: None,
            package: None,
            rating: RatingState::NotAsked,
            abandoned: None,
        })
    }

    /// Applies one recorded event. Never fails: what is recorded has happened.
    pub fn apply(&mut self, record: &CaseRecord) {
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
        match record.event.clone() {
            CaseEvent::Opened { .. } => {}
            CaseEvent::OrganisationNamed { organisation } => self.organisation = Some(organisation),
            CaseEvent::Identified { card, expired, .. } => {
                self.identity = Some(Identity { card: *card, expired, confirmed: false, note: None, at });
            }
            CaseEvent::PersonConfirmed { note } => {
                if let Some(identity) = &mut self.identity {
                    identity.confirmed = true;
                    identity.note = note;
                }
            }
            CaseEvent::IdentityCleared { .. } => self.forget_person(),
            CaseEvent::Listed { mode, rows } => {
                self.mode = Some(mode);
                self.list = rows;
                self.listed_at = Some(at);
            }
            CaseEvent::Rechecked { rows } => self.recheck(rows),
            CaseEvent::ConsentAsked { request, digest, command, device, deadline } => {
                let asked = Box::new(Asked { request: *request, digest, command, device, at, deadline });
                self.consent = Consent::Waiting { asked };
            }
            CaseEvent::ConsentExtended { deadline, .. } => {
                if let Consent::Waiting { asked } = &mut self.consent {
                    asked.deadline = deadline;
                }
            }
            CaseEvent::ConsentGiven { refused, answer, .. } => {
                if let Consent::Waiting { asked } = self.consent.clone() {
                    self.consent = Consent::Given { asked, refused, answer, at };
                }
            }
            CaseEvent::ConsentRefused { .. } => self.consent = Consent::Refused { at },
            CaseEvent::ConsentEnded { reason, .. } => self.consent = Consent::Ended { reason, at },
            CaseEvent::LicencesUsed { uses } => self.uses.extend(uses),
            CaseEvent::FormFilled { fields } => {
                self.form = fields;
                self.filled = true;
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
                self.clerk = record.clerk.clone();
            }
            CaseEvent::Submitted { judgement, mode, second, .. } => {
                self.submission = Some(Submission { judgement, mode, second, at });
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
                if matches!(self.consent, Consent::Waiting { .. }) {
                    self.consent = Consent::Ended { reason: ConsentEnd::Cancelled, at };
                }
            }
        }
    }

    /// The step that the case is at.
    pub fn step(&self) -> Step {
        if self.abandoned.is_some() {
            Step::Abandoned
        } else if self.submission.is_some() {
            Step::Submitted
        } else if self.filled {
            Step::Form
        } else if matches!(self.consent, Consent::Waiting { .. }) {
            Step::Consent
        } else if self.mode.is_some() {
            Step::List
        } else {
            Step::Identify
        }
    }

    /// Whether nothing more will be asked or changed by the clerk.
    pub fn closed(&self) -> bool {
        self.submission.is_some() || self.abandoned.is_some()
    }

    /// How well the person is known by now.
    pub fn identity_grade(&self) -> IdentityGrade {
        match &self.identity {
            None => IdentityGrade::I0,
            Some(identity) if identity.confirmed => IdentityGrade::I2,
            Some(_) => IdentityGrade::I1,
        }
    }

    /// How the citizen agreed by now.
    pub fn consent_grade(&self) -> ConsentGrade {
        match self.consent {
            Consent::Given { .. } => ConsentGrade::C2,
            _ => ConsentGrade::C0,
        }
    }

    /// 持证主体: for whom the case is, once known.
    pub fn principal(&self) -> Option<HolderId> {
        match self.applicant {
            ApplicantKind::Organisation => {
                self.organisation.as_ref().map(|known| HolderId::Organisation(known.uscc.clone()))
            }
            ApplicantKind::Person => {
                self.identity.as_ref().map(|identity| HolderId::Person(identity.card.document.clone()))
            }
        }
    }

    /// What the citizen decided on one row of the list.
    pub fn decision(&self, material: &MaterialId) -> Decision {
        match &self.consent {
            Consent::Given { asked, refused, .. } => {
                if refused.contains(material) {
                    Decision::Refused
                } else if asked.request.rows.iter().any(|row| &row.material == material) {
                    Decision::Agreed
                } else {
                    Decision::Open
                }
            }
            Consent::Refused { .. } => Decision::Refused,
            _ => Decision::Open,
        }
    }

    /// How each row of the list stands, in the order of the list.
    pub fn material_state(&self, row: &ListRow) -> MaterialState {
        if self.uses.iter().any(|used| used.material == row.material) {
            return MaterialState::Waived;
        }
        let attached = self.attachments.iter().any(|file| file.material.as_ref() == Some(&row.material));
        match self.papers.get(&row.material) {
            _ if attached => MaterialState::Brought,
            Some(PaperChoice::Original) => MaterialState::Brought,
            Some(PaperChoice::ToFollow) => MaterialState::ToFollow,
            None => {
                let usable =
                    row.licence.as_ref().is_some_and(|licence| licence.usable(self.updated_at.local_date()));
                if usable && !self.filled && self.decision(&row.material) == Decision::Open {
                    MaterialState::Waivable
                } else if row.required {
                    MaterialState::Missing
                } else {
                    MaterialState::Absent
                }
            }
        }
    }

    /// Uses that the centre confirms become fresh ones; a licence that it does not confirm no longer counts,
    /// and its material is asked for again.
    fn recheck(&mut self, rows: Vec<ListRow>) {
        let today = self.updated_at.local_date();
        self.mode = Some(Mode::Online);
        self.listed_at = Some(self.updated_at);
        self.list = rows;
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

    fn forget_person(&mut self) {
        self.identity = None;
        self.mode = None;
        self.list.clear();
        self.consent = Consent::NotAsked;
        self.filled = false;
        self.form.clear();
        self.committed = false;
        self.papers.clear();
        self.attachments.clear();
        self.removed.clear();
    }
}
