//! 办件查看: a finished case: what happened in it, what was put away, and what became of it.

use askama::Template;

use super::case::{CaseHead, Mode};
use super::frame::{Frame, Tone};
use super::steps::{Answer, Attachment, Decision, Following, Mark, MaterialRow, Rating};

/// 办件查看页.
#[derive(Debug, Clone, Template)]
#[template(path = "case_view.html")]
pub struct CaseViewPage {
    /// The frame.
    pub frame: Frame,
    /// What the case is.
    pub case: CaseHead,
    /// 办事人, masked.
    pub applicant: String,
    /// 证件号码, masked.
    pub applicant_number: String,
    /// Whether names and numbers stand in full.
    pub open: bool,
    /// Whether this person may have them opened.
    pub may_open: bool,
    /// Whether this person may look at the scans.
    pub sees_scans: bool,
    /// Window and clerk.
    pub handled_by: String,
    /// What became of it so far: recorded, at the centre, judged.
    pub fate: Vec<Fate>,
    /// The judgement's advice when there is one to act on.
    pub advice: Option<Advice>,
    /// The ledger's entries of this case, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The form as submitted.
    pub answers: Vec<Answer>,
    /// The materials as used.
    pub materials: Vec<MaterialRow>,
    /// The scans.
    pub attachments: Vec<Attachment>,
    /// 用证授权; none where nobody agreed or was told.
    pub authorised: Option<Authorised>,
    /// 预归档包: what was put away; none for a case that was given up.
    pub package: Option<Package>,
    /// 好差评.
    pub rating: Rating,
    /// 待补材料; none when nothing was to follow.
    pub following: Option<Following>,
    /// Whether there is a receipt to print: only a submitted case has one.
    pub has_receipt: bool,
    /// Whether it may be taken up again (given up a moment ago).
    pub can_reopen: bool,
}

impl CaseViewPage {
    /// Scans of a finished case stay.
    pub fn files_open(&self) -> bool {
        false
    }
}

/// One station on the way to the province and back.
#[derive(Debug, Clone)]
pub struct Fate {
    /// The station, ready word: 已登记, 已送达, 复核.
    pub what: String,
    /// When or why not yet, ready text.
    pub note: String,
    /// Its tone.
    pub tone: Tone,
}

/// What to do about a judgement.
#[derive(Debug, Clone)]
pub struct Advice {
    /// What happened, ready sentence.
    pub what: String,
    /// What to do, ready sentence.
    pub todo: String,
    /// Identifier of the finding it stands in, for a link to 待处理.
    pub finding: Option<String>,
}

/// 台账条目: one entry of the case.
#[derive(Debug, Clone)]
pub struct TimelineEntry {
    /// When, "10:43:07".
    pub at: String,
    /// What happened, ready sentence.
    pub what: String,
    /// Who or what said so, such as "1 号窗口评价器".
    pub by: String,
    /// Number in the ledger.
    pub entry: u64,
    /// Its tone.
    pub tone: Tone,
}

/// 预归档包.
#[derive(Debug, Clone)]
pub struct Package {
    /// Identifier, first characters are enough.
    pub id: String,
    /// Whether it is final or waits for the province's word, ready text.
    pub state: String,
    /// Its parts.
    pub parts: Vec<PackagePart>,
}

/// One part of the package.
#[derive(Debug, Clone)]
pub struct PackagePart {
    /// Path inside the package.
    pub path: String,
    /// Where it came from, ready words.
    pub source: String,
    /// Size in bytes.
    pub bytes: u64,
    /// First characters of its SHA-256.
    pub digest: String,
}

/// 用证授权, as it stands now.
#[derive(Debug, Clone)]
pub struct Authorised {
    /// 用证依据.
    pub basis: String,
    /// What was agreed to and refused, ready sentence.
    pub what: String,
    /// When and how well it is proven, ready text.
    pub proof: String,
    /// When it was withdrawn, "11-22 09:10"; empty while it holds.
    pub withdrawn: String,
    /// Whether this clerk can take a withdrawal in.
    pub can_withdraw: bool,
    /// Whether there is a receipt of it: a mandate on paper was not given here.
    pub receipt: bool,
    /// 用证码 of each licence that was opened.
    pub codes: Vec<Code>,
}

/// 用证码: the box's own, and the province's once it has exchanged it.
#[derive(Debug, Clone)]
pub struct Code {
    /// The licence.
    pub licence: String,
    /// The box's, as in the ledger.
    pub local: String,
    /// The province's; empty before.
    pub exchanged: String,
}
