//! 回执: what the applicant takes home, on A4 or on an 80 mm slip.

use askama::Template;

use super::case::Outcome;
use super::frame::Bare;

/// 回执打印页.
#[derive(Debug, Clone, Template)]
#[template(path = "receipt.html")]
pub struct ReceiptPage {
    /// Language, assets, hall.
    pub frame: Bare,
    /// Identifier of the case in addresses, for the way back and the other size.
    pub id: String,
    /// Paper.
    pub paper: Paper,
    /// 办件编号.
    pub number: String,
    /// 事项 name.
    pub item: String,
    /// Department that decides.
    pub department: String,
    /// For whom the case is, and who stood at the window where that is somebody else.
    pub people: Vec<Party>,
    /// Window and clerk.
    pub window: String,
    /// When it was recorded, "2026-11-21 10:54:12".
    pub at: String,
    /// What it came to; worded no stronger than is true.
    pub outcome: Outcome,
    /// One sentence on what that means for the applicant.
    pub sentence: String,
    /// Whether it was taken without the line.
    pub offline: bool,
    /// 用证: the licences used, each with its use code.
    pub licences: Vec<UsedLicence>,
    /// 已收的材料: what was handed over on paper or scanned, so that the applicant can prove it.
    pub brought: Vec<Brought>,
    /// What the applicant may do about the use of the licences, ready sentence; empty where none were used.
    pub about_use: String,
    /// Materials the applicant must still bring.
    pub to_follow: Vec<String>,
    /// Until when, such as "2026-11-28"; empty when nothing was to follow.
    pub follow_by: String,
    /// Whether everything that was to follow has come.
    pub all_here: bool,
    /// Promise of the item, such as "承诺 5 个工作日".
    pub promise: String,
    /// QR code as SVG, made by the box; it is put into the page as it is.
    pub qr: String,
    /// Where the case stands in the ledger, such as "台账 3F7A-2 第 1204 号".
    pub entry: String,
    /// First characters of the entry's hash, to compare by eye.
    pub digest: String,
}

/// 纸张.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// A4.
    #[default]
    A4,
    /// 80 mm slip.
    Slip,
}

impl Paper {
    /// Its name in addresses and styles.
    pub fn code(self) -> &'static str {
        match self {
            Self::A4 => "a4",
            Self::Slip => "slip",
        }
    }

    /// The paper that a name in an address means; A4 for anything else.
    pub fn from_code(code: &str) -> Self {
        if code == "slip" { Self::Slip } else { Self::A4 }
    }
}

/// Somebody of the case.
#[derive(Debug, Clone)]
pub struct Party {
    /// In which role.
    pub role: Role,
    /// Name; a person's masked.
    pub name: String,
    /// 证件号码, masked, or 统一社会信用代码.
    pub number: String,
}

/// What somebody is in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// 本人: who stood at the window, in their own case.
    Own,
    /// 委托人, for whom the case is.
    Principal,
    /// 法人, for whom the case is.
    Organisation,
    /// 代办人.
    Delegate,
    /// 经办授权人.
    Agent,
    /// 法定代表人.
    LegalRepresentative,
}

impl Role {
    /// The word on the paper.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Own => "办事人",
            Self::Principal => "申请人（委托人）",
            Self::Organisation => "申请单位",
            Self::Delegate => "代办人",
            Self::Agent => "经办授权人",
            Self::LegalRepresentative => "法定代表人",
        }
    }
}

/// A material that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// Its name.
    pub name: String,
    /// How it was taken, ready words: 已收原件, 已收扫描件 2 份.
    pub how: String,
}

/// One licence that was used in the case.
#[derive(Debug, Clone)]
pub struct UsedLicence {
    /// Kind.
    pub kind: String,
    /// 颁发机关.
    pub issuer: String,
    /// 用证码, masked.
    pub use_code: String,
    /// How it was verified, such as "离线核验 · 数据 2 小时前".
    pub checked: String,
}
