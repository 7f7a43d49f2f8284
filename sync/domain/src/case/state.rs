//! A case with what its records say of it.

use super::{
    AccountName, AliasedRow, Attachment, AttachmentId, CarriedRow, CaseId, CaseNo, CommandId, ConfirmedAlias,
    ConsentEnd, Follow, LicenceUse, ListRow, ListedLicence, Mode, OfficeGround, Organised, PaperChoice,
    PaperMandate, PhoneChallenge, PhoneProof, Secondary, WindowId, WithdrawnAt,
};
use crate::consent::ConsentRequest;
use crate::form::FieldState;
use crate::{
    AliasId, ApplicantKind, Capacity, ConsentGrade, FieldKey, IdentityCard, IdentityDocument, IdentityGrade,
    ItemCode, Judgement, MaterialId, Timestamp, Way,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who was identified for a case, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// 姓名.
    pub name: String,
    /// 证件.
    pub document: IdentityDocument,
    /// The card's text, if one was read.
    pub card: Option<IdentityCard>,
    /// What a phone proved, if one did.
    pub phone: Option<PhoneIdentity>,
    /// Whether the card's validity had ended.
    pub expired: bool,
    /// 人证一致: the clerk compared person and card.
    pub compared: bool,
    /// What the clerk noted when the card had expired.
    pub note: Option<String>,
    /// When the person was identified last.
    pub at: Timestamp,
}

/// Who was proven by a phone, how well, and in which capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhoneIdentity {
    /// 办事码 or 窗口刷脸.
    pub way: Way,
    /// How well.
    pub grade: IdentityGrade,
    /// For whom the person acts, as the centre attests it.
    pub capacity: Capacity,
    /// When the centre attested it.
    pub attested_at: Timestamp,
    /// How it came, and the evidence.
    pub proof: PhoneProof,
}

/// A challenge on the evaluator that a phone has not answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhoneWait {
    /// What is asked for.
    pub challenge: PhoneChallenge,
    /// The command that carries it.
    pub command: CommandId,
    /// The evaluator.
    pub device: String,
    /// When it was sent.
    pub at: Timestamp,
    /// When the box stops waiting.
    pub deadline: Timestamp,
}

/// 手机出示的证照: what the centre stated of the citizen's licences for this case. Nothing in it is open; it leaves the
/// case with the form filled, with the person, and with the case given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownLicences {
    /// When the centre stated them.
    pub stated_at: Timestamp,
    /// The centre's assertion, the fields sealed in it.
    pub proof: PhoneProof,
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
    /// The challenge, when a phone is asked.
    #[serde(default)]
    pub phone: Option<PhoneChallenge>,
    /// The ground, when the citizen is told and not asked.
    #[serde(default)]
    pub office: Option<OfficeGround>,
}

/// What proves a consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ConsentProof {
    /// 评价器点按: the evaluator's signed answer (flattened JWS).
    Evaluator {
        /// Byte for byte.
        answer: String,
    },
    /// 手机授权: the centre's assertion, carried by the phone or by the line.
    Phone {
        /// What the centre said about each row agreed to.
        rows: BTreeMap<MaterialId, CarriedRow>,
        /// When the centre recorded it.
        recorded_at: Timestamp,
        /// The assertion.
        proof: PhoneProof,
    },
}

/// 代办人确认: whether the delegate acknowledged what is done for the principal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Acknowledgement {
    /// The page is on the evaluator.
    Waiting {
        /// The command that carries it.
        command: CommandId,
        /// When the box stops waiting.
        deadline: Timestamp,
    },
    /// 已确认.
    Given {
        /// The evaluator's signed answer.
        answer: String,
        /// When.
        at: Timestamp,
    },
    /// Refused, or no answer.
    Ended {
        /// Why.
        reason: ConsentEnd,
        /// When.
        at: Timestamp,
    },
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
        /// What proves it.
        proof: ConsentProof,
        /// When the box accepted it.
        at: Timestamp,
    },
    /// 依职能查验: a legal basis with notice, instead of consent.
    Office {
        /// What is opened, with the ground.
        asked: Box<Asked>,
        /// The evaluator's signed answer: the citizen has been told.
        answer: String,
        /// When.
        at: Timestamp,
    },
    /// 已撤回: what was opened under it may not be looked at any more.
    Withdrawn {
        /// What had been asked.
        asked: Box<Asked>,
        /// What had been refused singly.
        #[serde(default)]
        refused: BTreeSet<MaterialId>,
        /// When and how well the rest had been agreed to.
        #[serde(default)]
        given: Option<OnceGiven>,
        /// Where it was taken back.
        place: WithdrawnAt,
        /// Since when it holds no longer.
        since: Timestamp,
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

/// A consent that holds no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnceGiven {
    /// When it was given.
    pub at: Timestamp,
    /// How well it was proven.
    pub grade: ConsentGrade,
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

/// Something that was to follow and is not here yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outstanding<'a> {
    /// A material of the list.
    Material(&'a ListRow),
    /// 有效身份证件, in place of the expired one.
    Identity,
}

impl<'a> Outstanding<'a> {
    /// Its name for the applicant.
    pub fn name(self) -> &'a str {
        match self {
            Self::Material(row) => &row.name,
            Self::Identity => "有效身份证件",
        }
    }

    /// The material; none for the identity document.
    pub fn material(self) -> Option<&'a MaterialId> {
        match self {
            Self::Material(row) => Some(&row.material),
            Self::Identity => None,
        }
    }
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
    /// 值班主管, if one was needed.
    #[serde(default)]
    pub supervisor: Option<Secondary>,
    /// What was to follow.
    #[serde(default)]
    pub follow: Option<Follow>,
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
    /// 纸质委托书, when the person acts by one.
    #[serde(default)]
    pub paper_mandate: Option<PaperMandate>,
    /// A challenge that waits for the citizen's phone.
    #[serde(default)]
    pub phone: Option<PhoneWait>,
    /// 代办人确认.
    #[serde(default)]
    pub acknowledgement: Option<Acknowledgement>,
    /// 在线 or 离线, from the moment the list was made.
    pub mode: Option<Mode>,
    /// When the list was last made or confirmed.
    #[serde(default)]
    pub listed_at: Option<Timestamp>,
    /// 免证清单.
    pub list: Vec<ListRow>,
    /// Licences that a phone showed, as long as they may still be opened; the newest last.
    #[serde(default)]
    pub shown: Vec<ShownLicences>,
    /// 曾用证件号下的证照: candidates beside the rows.
    #[serde(default)]
    pub aliased: Vec<AliasedRow>,
    /// 核对为同一人: the earlier identifiers that the clerk confirmed.
    #[serde(default)]
    pub confirmed: BTreeMap<AliasId, ConfirmedAlias>,
    /// What stood in the rows that confirmed candidates have taken.
    #[serde(default)]
    pub replaced: BTreeMap<MaterialId, Option<ListedLicence>>,
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
    /// 补交: attachments that came after submission.
    #[serde(default)]
    pub supplied: BTreeSet<AttachmentId>,
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
