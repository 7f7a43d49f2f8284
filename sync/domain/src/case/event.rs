//! What can happen to a case, in the words of the ledger.

use super::aliases::AliasedRow;
use super::{
    AccountName, Attachment, AttachmentId, CarriedRow, CaseId, CaseNo, CommandId, ConsentEnd, Follow,
    LicenceUse, ListRow, ListedLicence, Mode, OfficeGround, Organised, PaperChoice, PaperMandate,
    PhoneChallenge, PhoneProof, Secondary, WindowId, WithdrawnAt,
};
use crate::consent::ConsentRequest;
use crate::form::FieldState;
use crate::{
    AliasId, ApplicantKind, FieldKey, IdentityCard, IdentityGrade, ItemCode, Judgement, MaterialId, Subject,
    Timestamp, Way,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
