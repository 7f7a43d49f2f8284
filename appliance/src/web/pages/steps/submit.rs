//! 提交: the answers once more, what will come of them, and the page after submission.

use super::form::{Attachment, Mark};
use super::list::MaterialRow;
use crate::web::pages::case::Outcome;
use crate::web::pages::case_view::Advice;

/// 提交.
#[derive(Debug, Clone)]
pub struct SubmitStep {
    /// The form's answers.
    pub answers: Vec<Answer>,
    /// The materials with how each is provided.
    pub materials: Vec<MaterialRow>,
    /// The scans.
    pub attachments: Vec<Attachment>,
    /// What submission comes to.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub sentence: String,
    /// What would raise it.
    pub raise: Option<String>,
    /// What must be done first; submission is closed while any is left.
    pub blockers: Vec<Blocker>,
    /// Asked for when the policy wants signatures beside the clerk's; without them it comes to `outcome`.
    pub signatures: Option<Signatures>,
}

/// One answer of the form.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Label.
    pub label: String,
    /// Value as it will be submitted.
    pub value: String,
    /// Where it came from.
    pub mark: Mark,
}

/// What must be done before submission.
#[derive(Debug, Clone)]
pub struct Blocker {
    /// Ready sentence.
    pub text: String,
    /// Where it is done.
    pub href: String,
}

/// 复核签名: what others than the clerk sign, each with their own password.
#[derive(Debug, Clone)]
pub struct Signatures {
    /// What comes of it with them, ready sentence.
    pub reason: String,
    /// 第二名窗口人员, where one is wanted.
    pub second: Option<Signature>,
    /// 值班主管, where one is wanted.
    pub supervisor: Option<Signature>,
    /// Whether the case can be submitted without them, to the lesser outcome.
    pub optional: bool,
}

/// One signature.
#[derive(Debug, Clone, Default)]
pub struct Signature {
    /// The account as typed.
    pub account: String,
    /// What is wrong with it, ready sentence.
    pub error: Option<String>,
}

/// 待补材料: what was promised for later.
#[derive(Debug, Clone)]
pub struct Following {
    /// The last day for it, "2026-11-29".
    pub by: String,
    /// Whether that day is over and something is still missing.
    pub overdue: bool,
    /// How many are still missing.
    pub missing: usize,
    /// Each of them, those that came included.
    pub items: Vec<FollowingItem>,
    /// Whether files may be added here.
    pub open: bool,
    /// Whether files may be looked at.
    pub scans: bool,
}

/// One thing that was promised for later.
#[derive(Debug, Clone)]
pub struct FollowingItem {
    /// The material; empty for the identity document.
    pub material: String,
    /// Its name.
    pub name: String,
    /// What came of it, as files.
    pub files: Vec<Attachment>,
    /// Why the last file was not taken, ready sentence.
    pub error: Option<String>,
}

/// 已提交.
#[derive(Debug, Clone)]
pub struct DoneStep {
    /// The centre's reason and what to do, when there is something to act on.
    pub advice: Option<Advice>,
    /// Whether there is a 授权回执 to print.
    pub consent_receipt: bool,
    /// What it came to.
    pub outcome: Outcome,
    /// One sentence for the clerk to say.
    pub sentence: String,
    /// When it was recorded, "10:54:12".
    pub at: String,
    /// Where it stands in the ledger of this box.
    pub entry: String,
    /// Whether the province has it.
    pub sent: Sent,
    /// What happens next, in order, ready sentences.
    pub next: Vec<String>,
    /// 待补材料; none when nothing was to follow.
    pub following: Option<Following>,
    /// 好差评.
    pub rating: Rating,
}

/// 上传: whether the province has the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// 已登记，待上传.
    Waiting,
    /// 正在上传.
    Sending,
    /// 省级中心已收存.
    Kept {
        /// When, "10:54".
        at: String,
    },
}

/// 好差评: where the rating stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rating {
    /// 未邀请.
    NotAsked,
    /// 评价器上正在评价.
    Asked,
    /// 已评价.
    Given {
        /// The grade in words, such as 非常满意.
        grade: String,
        /// When, "10:55".
        at: String,
    },
    /// 办事人未评价.
    Declined,
    /// 评价器不可用.
    Unavailable,
}
