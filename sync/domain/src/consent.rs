//! 用证授权: what a citizen is asked, exactly, and how it is put into words for a screen.

pub mod record;

use crate::{AliasId, FieldKey, HolderId, ItemCode, LicenceId, LicenceKindCode, MaterialId, Timestamp};
use serde::{Deserialize, Serialize};

/// Version of the wording on the authorisation page. It is part of what is signed.
pub const TEXT_VERSION: &str = "auth-2026-11";

/// What is asked for one row of the 免证清单.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRow {
    /// Which material of the item.
    pub material: MaterialId,
    /// Which licence.
    pub licence: LicenceId,
    /// Its kind.
    pub kind: LicenceKindCode,
    /// The kind's name.
    pub name: String,
    /// Who holds it.
    pub holder: HolderId,
    /// Fields to be opened, by key.
    pub fields: Vec<FieldKey>,
    /// The same fields in words.
    pub labels: Vec<String>,
    /// Whether refusing means bringing paper.
    pub required: bool,
    /// 曾用证件号: by which fact the licence is the person's, when it was issued under an earlier identifier. `holder`
    /// is that identifier then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<AliasId>,
}

/// The request behind one authorisation page: who asks whom for what, why and until when.
///
/// The fields follow ISO/IEC TS 27560 (purpose, pii information, controller, retention,
/// notice version); the page that the evaluator shows is made from this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRequest {
    /// 办件编号.
    pub case_no: crate::case::CaseNo,
    /// The item.
    pub item: ItemCode,
    /// Its name.
    pub item_name: String,
    /// The department that handles it: the controller.
    pub department: String,
    /// The hall.
    pub hall: String,
    /// The window.
    pub window: crate::case::WindowId,
    /// Who is asked: the person at the window.
    pub person: HolderId,
    /// That person's name.
    pub person_name: String,
    /// For whom, if the applicant is an organisation: its name.
    pub on_behalf_of: Option<String>,
    /// Each licence asked for.
    pub rows: Vec<ConsentRow>,
    /// Version of the words shown.
    pub text_version: String,
    /// Whether the page says that the hall works without its line.
    pub offline: bool,
    /// When it was asked.
    pub asked_at: Timestamp,
}
