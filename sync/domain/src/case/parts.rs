//! 办件的组成: what the events of a case are made of.

use super::{AccountName, Statement};
use crate::{
    AliasId, Carrier, Date, FieldKey, HolderId, LicenceGrade, LicenceId, LicenceKindCode, LicenceStatus,
    MaterialId, Organisation, PhoneAsk, Timestamp, Uscc,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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
