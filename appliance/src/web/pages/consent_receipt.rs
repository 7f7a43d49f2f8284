//! 授权回执: what the citizen takes home about the use of their licences, on A4 or on an 80 mm slip.

use askama::Template;

use super::frame::Bare;
use super::receipt::Paper;

/// 授权回执打印页.
#[derive(Debug, Clone, Template)]
#[template(path = "consent_receipt.html")]
pub struct ConsentReceiptPage {
    /// Language, assets, hall.
    pub frame: Bare,
    /// Identifier of the case in addresses, for the way back and the other size.
    pub id: String,
    /// Paper.
    pub paper: Paper,
    /// Whether the citizen was told and not asked.
    pub by_office: bool,
    /// 办件编号.
    pub number: String,
    /// 事项 name.
    pub item: String,
    /// Department that uses the licences.
    pub department: String,
    /// Who agreed or was told, masked.
    pub person: String,
    /// For whom, masked for people; may be empty.
    pub on_behalf_of: String,
    /// Window.
    pub window: String,
    /// When, "2026-11-21 10:45:07".
    pub at: String,
    /// 用证依据.
    pub basis: String,
    /// The law that is named; may be empty.
    pub basis_text: String,
    /// What was agreed to, or looked at.
    pub agreed: Vec<AgreedLicence>,
    /// Names of what was refused.
    pub refused: Vec<String>,
    /// Until when it holds.
    pub valid: String,
    /// How to withdraw.
    pub withdrawal: String,
    /// When it was withdrawn, "2026-11-22 09:10:00"; empty while it holds.
    pub withdrawn: String,
    /// Whether the licences were verified with the line down.
    pub offline: bool,
    /// QR code as SVG, made by the box; it is put into the page as it is.
    pub qr: String,
    /// Where the consent stands in the ledger.
    pub entry: String,
    /// First characters of the entry's hash, to compare by eye.
    pub digest: String,
}

/// One licence that was agreed to.
#[derive(Debug, Clone)]
pub struct AgreedLicence {
    /// Kind.
    pub kind: String,
    /// The fields, in words.
    pub fields: String,
    /// 用证码, masked; empty if it was not opened.
    pub use_code: String,
}
