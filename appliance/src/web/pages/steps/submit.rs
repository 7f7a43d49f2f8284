//! 提交: the answers once more, what will come of them, and the page after submission.

use super::form::{Attachment, Mark};
use super::list::MaterialRow;
use crate::web::pages::case::Outcome;

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
    /// Asked for when the policy wants a second clerk.
    pub second: Option<SecondClerk>,
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

/// 复核人: the second clerk's approval.
#[derive(Debug, Clone)]
pub struct SecondClerk {
    /// Why it is needed, ready sentence.
    pub reason: String,
    /// The account as typed.
    pub account: String,
    /// What is wrong with it, ready sentence.
    pub error: Option<String>,
}

/// 已提交.
#[derive(Debug, Clone)]
pub struct DoneStep {
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
    /// Materials that the applicant must bring.
    pub to_follow: Vec<String>,
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
