//! What may be done with the evidence at hand, above all while the line to the centre is down.
//!
//! [`Policy`] is signed configuration; [`judge`] decides with it, purely. The rules in short, for tiers above 收件 (at
//! which everything may be taken in). Grades are those of [`crate::evidence`]; "paper" is a sighted original.
//!
//! | way | line down, 低风险 | line down, 中风险 (where the item allows it) | line down, 高风险 | line up |
//! |---|---|---|---|---|
//! | 实体身份证 | 待复核 with I2 C2 L3, or paper | 容缺 with a second clerk, or paper | 仅收件 | I1; I2 for 高风险 and for e-licences at 中风险 |
//! | 办事码, plain or none | no | no | no | what the centre says of it, then as below |
//! | 办事码, one QR | 待复核 with C2 L3 | no | no | as the card; 仅收件 at 高风险 |
//! | 办事码, challenge | 待复核 with C2 L3 | 待复核 with C2 L3 | 仅收件 | as the card |
//! | 窗口刷脸 | 受理 with C3, else 待复核 | 受理 with C3, else 待复核 | 受理 with C3 L4 if approved beforehand, else 仅收件 | as the card |
//! | 委托代办 M3 | 受理 with I2 C3 | 待复核 with I2 C3 | 仅收件 | as the card |
//! | 委托代办 M2 | 容缺 without e-licence | no | no | as with the line down |
//! | 委托代办 M1, M0 | no | no | no | no |
//! | 经办授权人 | 待复核 with I2 C2, 受理 by face | 待复核 with I3, 受理 by face | 仅收件 | as the card |
//! | 依职能查验 | as the card; L3 | as the card; L3 and a supervisor | no | as the card |
//!
//! In all ways: an organisation must be represented by somebody of whom the centre said so recently; a stale licence is
//! good for 容缺 at 低风险 and for nothing above; outage, limits, a doubtful clock and an expired trust bundle narrow
//! what is possible, and nothing widens with time.
//!
//! Where the province's table is silent, this was decided:
//! - "no" means that this way cannot carry the case; another way, or paper, can. A mere lack of evidence is 仅收件.
//! - 受理 without review needs the centre's word on identity *and* consent (I4 C3, or M3). A face check with a tap on
//!   the evaluator is 待复核.
//! - Who is known by a code, a face or a confirming principal need not be in the hall's cache.
//! - Who shows I3 or I4 at 中风险 needs no second clerk: the phone's key or the centre looked.
//! - A delegate's own identity must be proven like a card holder's (I2) where an e-licence is opened, whichever means.
//! - With a doubtful clock a one-QR code proves nothing, nothing is accepted without review, and 高风险 is 仅收件.
//! - A reached limit and an expired trust bundle leave 仅收件, never nothing: recording does not stop.
//! - With the line up a mandate without the principal's word is still only good for 容缺 at 低风险.
//!
//! The whole of it is held against tables in this module's tests and in `tests/policy_table.rs`.

use serde::{Deserialize, Serialize};

mod acts;
mod advice;
mod config;
mod finding;
pub mod limits;
pub mod matrix;
mod rules;
mod situation;
#[cfg(test)]
mod tests;
mod window;

pub use acts::{Act, Permit, may};
pub use advice::{Advice, Approvals, Step, advise, approvals};
pub use config::{Hours, Limits, Policy, PolicyError, StatusHours, Ways, Windows};
pub use limits::{Counts, Limit, LimitHit};
pub use situation::{ClockState, GrantState, LineState, Relation, Situation, TrustState};
pub use window::StatusWindow;

/// 办理结论: what the window may do. The better is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 不能办理.
    No,
    /// 仅收件.
    ReceiptOnly,
    /// 容缺受理.
    MaterialsToFollow,
    /// 受理，待复核.
    AcceptForReview,
    /// 受理.
    Accept,
}

impl Outcome {
    /// All, the worst first.
    pub const ALL: [Self; 5] =
        [Self::No, Self::ReceiptOnly, Self::MaterialsToFollow, Self::AcceptForReview, Self::Accept];

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::No => "不能办理",
            Self::ReceiptOnly => "仅收件",
            Self::MaterialsToFollow => "容缺受理",
            Self::AcceptForReview => "受理，待复核",
            Self::Accept => "受理",
        }
    }
}

/// 判断: the outcome, why, and how to do better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What the window may do.
    pub outcome: Outcome,
    /// One Chinese sentence for the clerk: what is decided and why.
    pub sentence: String,
    /// What would raise the outcome, the fewest steps, and to what; `None` when nothing at the window or on the line
    /// would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise: Option<String>,
}

/// Judges a situation. Total and pure: the same situation is judged alike at the window and at the centre.
#[must_use]
pub fn judge(policy: &Policy, situation: &Situation) -> Judgement {
    let finding = rules::find(policy, situation);
    Judgement {
        outcome: finding.outcome(),
        sentence: finding.sentence(policy, situation).into_owned(),
        raise: advice::raise(&advise(policy, situation)),
    }
}

/// The outcome alone, without words.
#[must_use]
pub fn outcome(policy: &Policy, situation: &Situation) -> Outcome {
    rules::find(policy, situation).outcome()
}
