//! What can happen to a case, in the words of the ledger.

use super::aliases::AliasedRow;
use super::{AccountName, CaseId, CaseNo, CommandId, PaperMandate, Statement, WindowId};
use crate::consent::ConsentRequest;
use crate::form::FieldState;
use crate::{
    AliasId, ApplicantKind, Carrier, Date, FieldKey, HolderId, IdentityCard, IdentityGrade, ItemCode,
    Judgement, LicenceGrade, LicenceId, LicenceKindCode, LicenceStatus, MaterialId, Organisation, PhoneAsk,
    Subject, Timestamp, Uscc, Way,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One thing that happened to one case: the body of a ledger entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Which case.
    pub case: CaseId,
    /// Its number, repeated so that a record can be read alone.
    pub no: CaseNo,
    /// When, by the box's clock.
    pub at: Timestamp,
    /// The clerk at whose desk it happened.
    pub clerk: AccountName,
    /// What happened.
    pub event: CaseEvent,
}

/// Whether the knowledge used came from the centre just now or from the box's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 在线: the centre answered.
    Online,
    /// 离线: the hall's own knowledge.
    Offline,
}

/// What is known of the organisation that a case is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Organised {
    /// 统一社会信用代码, as the clerk entered it and the check accepted it.
    pub uscc: Uscc,
    /// 法人库: its register entry, if the centre or the cache has one.
    pub register: Option<Organisation>,
    /// When that entry was last confirmed by the centre.
    pub checked_at: Option<Timestamp>,
}

/// One row of the 免证清单: a material, and the licence that may replace it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListRow {
    /// Which material of the item.
    pub material: MaterialId,
    /// Its name on the item's guide.
    pub name: String,
    /// Whether the item cannot be handled without it.
    pub required: bool,
    /// The licence found for it, usable or not.
    pub licence: Option<ListedLicence>,
}

/// A licence as the list shows it. Nothing here needs the licence to be opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedLicence {
    /// 证照标识.
    pub id: LicenceId,
    /// Its kind.
    pub kind: LicenceKindCode,
    /// The kind's name.
    pub name: String,
    /// Who holds it.
    pub holder: HolderId,
    /// The issuing authority's name.
    pub issuer: String,
    /// Last day of validity; none means 长期.
    pub valid_until: Option<Date>,
    /// Version of the licence that was seen.
    pub version: u16,
    /// Its status as far as known.
    pub status: LicenceStatus,
    /// When the centre last confirmed the licence's content.
    pub checked_at: Timestamp,
    /// When the status was known to be true.
    pub status_at: Timestamp,
    /// 在线 or 离线: where the answer came from.
    pub mode: Mode,
    /// How good the knowledge is.
    pub grade: LicenceGrade,
    /// SHA-256 of the envelope's bytes, hexadecimal.
    pub envelope: String,
    /// What it may open: the fields that the item is registered to ask for.
    pub fields: Vec<FieldKey>,
    /// 核验说明.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
    /// 曾用证件号: by which fact it is the person's, when it was issued under an earlier identifier. `holder` is that
    /// identifier then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<AliasId>,
}

impl ListedLicence {
    /// Whether this licence can stand for the paper on `today`, as far as status and dates go.
    pub fn usable(&self, today: Date) -> bool {
        self.status == LicenceStatus::Valid
            && self.valid_until.is_none_or(|until| today <= until)
            && !self.statement.as_ref().is_some_and(|statement| statement.not_yet(today))
    }
}

/// 用证: one licence opened for one case. Debug leaves out what was read in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceUse {
    /// The row of the list that it serves.
    pub material: MaterialId,
    /// Which licence.
    pub licence: LicenceId,
    /// Its kind.
    pub kind: LicenceKindCode,
    /// The version that was opened.
    pub version: u16,
    /// 用证码, local to the box until the centre exchanges it.
    pub use_code: String,
    /// SHA-256 of the envelope's bytes, hexadecimal.
    pub envelope: String,
    /// What was opened: exactly the fields agreed to, each compared with the digest that the issuer's envelope
    /// holds. This is the copy that the case rests on.
    pub opened: BTreeMap<FieldKey, String>,
    /// How good the knowledge was.
    pub grade: LicenceGrade,
    /// When the status was known to be true.
    pub status_at: Timestamp,
    /// 在线 or 离线.
    pub mode: Mode,
    /// 核验说明 of the moment of opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
    /// 曾用证件号: by which fact it was the person's, when it was issued under an earlier identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<AliasId>,
}

impl fmt::Debug for LicenceUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.opened.keys().map(FieldKey::as_str).collect();
        write!(f, "LicenceUse({} for {}, fields {fields:?}, {:?})", self.use_code, self.material, self.mode)
    }
}

/// 手机凭据: a message that came from a phone or from the centre in answer to one, kept as evidence.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneProof {
    /// The exact signed bytes, hexadecimal. Who it is about is sealed in them.
    pub message: String,
    /// The nonce that binds it, hexadecimal: of the box's challenge, or of the phone's own making.
    pub nonce: String,
    /// How it came.
    pub carrier: Carrier,
}

impl fmt::Debug for PhoneProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneProof({} bytes by {:?})", self.message.len() / 2, self.carrier)
    }
}

/// 手机挑战: what the box asks a phone for, and the nonce that makes the answer count for this case alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneChallenge {
    /// What is asked for.
    pub ask: PhoneAsk,
    /// 16 random bytes, hexadecimal.
    pub nonce: String,
    /// The materials whose licences are to be shown (出示证照); empty for every other request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<MaterialId>,
}

/// 依职能查验的依据: why licences may be opened without consent, and who allowed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeGround {
    /// 法定依据, one of the item's.
    pub basis: String,
    /// 值班主管.
    pub supervisor: Secondary,
}

/// What the centre said on the phone's way about one row that was agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedRow {
    /// 证照状态 at that moment.
    pub status: LicenceStatus,
    /// 用证码 of the centre.
    pub use_code: String,
}

/// Where a consent was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawnAt {
    /// At the window.
    Window,
    /// On the citizen's phone.
    Phone,
    /// At the centre.
    Centre,
}

/// Why a consent request ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentEnd {
    /// Nobody answered in time.
    TimedOut,
    /// The clerk took the page back.
    Cancelled,
    /// The evaluator did not show the page.
    Unreachable,
    /// The evaluator will not show the page: it cannot show exactly what was asked.
    Rejected,
    /// The citizen, or the delegate, closed the page.
    Declined,
}

/// How a material without a licence is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaperChoice {
    /// 需原件: the original was sighted, or a scan is attached.
    Original,
    /// 容缺: it will be brought later.
    ToFollow,
}

/// The name of one attachment within its case.
pub type AttachmentId = u32;

/// 附件: a scan attached to a case. The bytes lie in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Number within the case.
    pub id: AttachmentId,
    /// The material it stands for; none for a free attachment.
    pub material: Option<MaterialId>,
    /// File name as the clerk sees it.
    pub name: String,
    /// Media type found in the content, never the one the browser claimed.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Content address of its chunk manifest, hexadecimal.
    pub blob: String,
}

/// 容缺: what was promised for later when a case was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Materials to be brought.
    pub materials: BTreeSet<MaterialId>,
    /// 有效身份证件: a card that is valid, in place of the expired one.
    pub identity: bool,
    /// The last day for it.
    pub by: Date,
}

/// Somebody beside the clerk who agreed that a case goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secondary {
    /// Whose account.
    pub account: AccountName,
    /// When they gave their password.
    pub at: Timestamp,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CaseEvent {
    /// The clerk opened a case for an item.
    Opened {
        /// Which item.
        item: ItemCode,
        /// Its version in the catalogue.
        item_version: u32,
        /// Its name then.
        item_name: String,
        /// 个人 or 法人.
        applicant: ApplicantKind,
        /// The window.
        window: WindowId,
        /// The hall's name, as printed.
        hall: String,
    },
    /// The clerk named the organisation that the case is for.
    OrganisationNamed {
        /// What is known of it.
        organisation: Organised,
    },
    /// 纸质委托书: the clerk read on paper for whom the person acts.
    PaperMandateStated {
        /// Whom it names.
        mandate: PaperMandate,
    },
    /// The paper mandate does not count any more: it was taken back, or another one took its place.
    PaperMandateDropped,
    /// A card was read for this case.
    Identified {
        /// How the person was verified.
        way: Way,
        /// The card's text. The photo is not recorded.
        card: Box<IdentityCard>,
        /// The read command that the answer belongs to.
        read: CommandId,
        /// The reader's device id.
        reader: String,
        /// Number of the security module, if the reader told it.
        sam: Option<String>,
        /// Whether the card's validity had ended on that day.
        expired: bool,
        /// The reader's signed answer without the card: its digest, hexadecimal SHA-256.
        answer: String,
    },
    /// 手机请求: a challenge for the citizen's phone was put on the evaluator, to learn who stands there.
    PhoneAsked {
        /// What is asked for.
        challenge: PhoneChallenge,
        /// The command that carries it.
        command: CommandId,
        /// The evaluator.
        device: String,
        /// When the box stops waiting.
        deadline: Timestamp,
    },
    /// The challenge went without an answer.
    PhoneAskEnded {
        /// The command concerned.
        command: CommandId,
        /// Why.
        reason: ConsentEnd,
    },
    /// The person proved who they are with a phone: a service code, or a face check of the centre.
    Proven {
        /// How.
        way: Way,
        /// How well.
        grade: IdentityGrade,
        /// Who, and for whom, as the centre attests it.
        subject: Box<Subject>,
        /// When the centre attested it.
        attested_at: Timestamp,
        /// The message.
        proof: PhoneProof,
    },
    /// 人证一致: the clerk compared card and person.
    PersonConfirmed {
        /// Required when the card had expired: what the clerk relied on.
        note: Option<String>,
    },
    /// The identification was taken back (wrong person, wrong card).
    IdentityCleared {
        /// Why, in the clerk's words or the box's.
        reason: String,
    },
    /// 免证清单 was made.
    Listed {
        /// 在线 or 离线.
        mode: Mode,
        /// One row for each material of the item.
        rows: Vec<ListRow>,
        /// 曾用证件号下的证照: candidates beside the rows, which stand for nothing until the clerk has confirmed them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        aliased: Vec<AliasedRow>,
    },
    /// 出示证照: the citizen's phone showed licences that the hall does not hold, stated by the centre for this case.
    /// What stands in them stays sealed in the message until the citizen agrees.
    LicencesShown {
        /// The command whose challenge it answers.
        command: CommandId,
        /// The licence for each material; a material without one is not there.
        rows: BTreeMap<MaterialId, ListedLicence>,
        /// When the centre stated them.
        stated_at: Timestamp,
        /// The centre's assertion.
        proof: PhoneProof,
    },
    /// The line came back before submission: the centre confirmed, or did not, what the cache had said.
    Rechecked {
        /// The list as the centre knows it.
        rows: Vec<ListRow>,
        /// 曾用证件号下的证照, as the centre knows them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        aliased: Vec<AliasedRow>,
        /// What is known of the organisation by then, for 法人.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organisation: Option<Organised>,
    },
    /// 核对为同一人: the clerk has looked, and the person is the one of the earlier identifier.
    AliasConfirmed {
        /// By which fact.
        alias: AliasId,
    },
    /// The clerk took 核对为同一人 back.
    AliasReverted {
        /// Which fact.
        alias: AliasId,
    },
    /// The authorisation page was sent to the evaluator.
    ConsentAsked {
        /// Exactly what is asked.
        request: Box<ConsentRequest>,
        /// `sha-256:<hex>` over the canonical bytes of what is shown.
        digest: String,
        /// The command that carries it.
        command: CommandId,
        /// The evaluator.
        device: String,
        /// When the box stops waiting.
        deadline: Timestamp,
        /// The challenge, when a phone is asked: the citizen's, or the principal's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phone: Option<PhoneChallenge>,
        /// The ground, when the citizen is told and not asked (依职能查验).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        office: Option<OfficeGround>,
    },
    /// The citizen asked for more time on the evaluator.
    ConsentExtended {
        /// The command concerned.
        command: CommandId,
        /// The new end of waiting.
        deadline: Timestamp,
    },
    /// 同意授权.
    ConsentGiven {
        /// The command answered.
        command: CommandId,
        /// Rows that the citizen refused singly.
        refused: BTreeSet<MaterialId>,
        /// The evaluator's signed answer (flattened JWS), byte for byte.
        answer: String,
    },
    /// 同意授权 on a phone, recorded by the centre and carried here.
    ConsentCarried {
        /// The command whose challenge it answers.
        command: CommandId,
        /// Rows that the citizen refused singly.
        refused: BTreeSet<MaterialId>,
        /// What the centre said about each row agreed to.
        rows: BTreeMap<MaterialId, CarriedRow>,
        /// When the centre recorded it.
        recorded_at: Timestamp,
        /// The centre's assertion.
        proof: PhoneProof,
    },
    /// 不同意.
    ConsentRefused {
        /// The command answered.
        command: CommandId,
        /// The evaluator's signed answer (flattened JWS) byte for byte, or the centre's assertion in hexadecimal.
        answer: String,
    },
    /// 代办人确认 was asked of the delegate, on the evaluator.
    AcknowledgeAsked {
        /// The command that carries the page.
        command: CommandId,
        /// When the box stops waiting.
        deadline: Timestamp,
    },
    /// 代办人确认: the delegate acknowledged what is done for the principal.
    Acknowledged {
        /// The command answered.
        command: CommandId,
        /// The evaluator's signed answer (flattened JWS), byte for byte.
        answer: String,
    },
    /// The delegate did not acknowledge.
    AcknowledgeEnded {
        /// The command concerned.
        command: CommandId,
        /// Why.
        reason: ConsentEnd,
    },
    /// 依职能查验: the citizen has been told that licences are opened on a legal basis.
    OfficeNoticed {
        /// The command answered.
        command: CommandId,
        /// The evaluator's signed answer (flattened JWS), byte for byte.
        answer: String,
    },
    /// 撤回授权: the citizen took consent back.
    ConsentWithdrawn {
        /// Where.
        at: WithdrawnAt,
        /// Since when it holds no longer.
        since: Timestamp,
    },
    /// Nobody answered.
    ConsentEnded {
        /// The command concerned.
        command: CommandId,
        /// Why.
        reason: ConsentEnd,
    },
    /// 用证: licences were opened under the consent.
    LicencesUsed {
        /// Each opening.
        uses: Vec<LicenceUse>,
    },
    /// The form was filled from what was opened.
    FormFilled {
        /// Each field with where it came from.
        fields: BTreeMap<FieldKey, FieldState>,
    },
    /// The clerk saved the form.
    FormSaved {
        /// New values; fields not named stay as they are.
        values: BTreeMap<FieldKey, String>,
    },
    /// 修改: the clerk gave a source's word for a field up.
    FieldReleased {
        /// Which field.
        field: FieldKey,
    },
    /// The field holds the source's word again.
    FieldRestored {
        /// Which field.
        field: FieldKey,
    },
    /// 告知承诺: the applicant takes it on, or takes that back.
    Committed {
        /// Whether it is taken on.
        taken: bool,
    },
    /// The clerk decided how a material without a licence is brought.
    PaperChosen {
        /// Which material.
        material: MaterialId,
        /// How.
        choice: PaperChoice,
    },
    /// A scan was attached.
    AttachmentAdded {
        /// What.
        attachment: Attachment,
    },
    /// An attachment was taken away again.
    AttachmentRemoved {
        /// Which.
        id: AttachmentId,
    },
    /// Taking an attachment away was taken back.
    AttachmentRestored {
        /// Which.
        id: AttachmentId,
    },
    /// The clerk submitted.
    Submitted {
        /// What the policy said.
        judgement: Judgement,
        /// 在线 or 离线.
        mode: Mode,
        /// A second clerk, where the policy wanted one.
        second: Option<Secondary>,
        /// 值班主管, where the policy wanted one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supervisor: Option<Secondary>,
        /// What follows; none when everything is here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        follow: Option<Follow>,
        /// Hours since the box last heard from the centre.
        hours_offline: u32,
    },
    /// 补交材料: something that was to follow was brought after submission.
    MaterialSupplied {
        /// The scan; without a material it is the valid identity document.
        attachment: Attachment,
    },
    /// 预归档: the package was sealed.
    PackageSealed {
        /// Content address of the archive manifest's bytes, hexadecimal.
        manifest: String,
        /// Content addresses of everything in the package, hexadecimal.
        blobs: Vec<String>,
    },
    /// The rating page was sent to the evaluator.
    RatingAsked {
        /// The command that carries it.
        command: CommandId,
        /// When the page closes by itself.
        deadline: Timestamp,
    },
    /// 好差评.
    Rated {
        /// 5 非常满意 … 1 非常不满意.
        level: u8,
        /// Reasons chosen for a poor grade.
        reasons: Vec<String>,
        /// The evaluator's signed answer (flattened JWS), byte for byte.
        answer: String,
    },
    /// The rating page closed without a rating. It is voluntary.
    RatingEnded,
    /// The case was given up before it was submitted.
    Abandoned {
        /// Why.
        reason: String,
    },
    /// Giving up was taken back.
    Reopened,
    /// Another clerk went on with the case: the one of this record.
    TakenOver {
        /// The window it goes on at.
        window: WindowId,
    },
}
