//! What the centre says, later, about what an entry did: acceptance, conditions, or return.

use std::fmt::Write as _;

use hall_domain::{LicenceId, LicenceStatus, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::cose::Statement;
use crate::log::LogId;
use crate::phone::UseCode;

/// 复核结果: how a case that was accepted at a hall stands after the centre has looked at it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// 复核通过.
    #[n(1)]
    Ratified,
    /// 有条件通过: something must be brought or clarified within a time.
    #[n(2)]
    Conditional,
    /// 退回-证照失效: a licence was revoked before it was used.
    #[n(3)]
    ReturnedRevoked,
    /// 通过-事后失效提醒: a licence was revoked after it was used.
    #[n(4)]
    PassedRevokedLater,
    /// 退回-重复: the same matter is already handled.
    #[n(5)]
    ReturnedDuplicate,
    /// 退回-授权无效: consent, delegation or representation did not hold at the time.
    #[n(6)]
    ReturnedMandate,
    /// 存疑-时钟: the order of events cannot be told from the clocks.
    #[n(7)]
    DoubtfulClock,
    /// 冲突: the case was changed at the centre meanwhile.
    #[n(8)]
    Conflict,
    /// 退回-持证主体不符: a licence under an earlier identifier that is not known to be the person's.
    #[n(9)]
    ReturnedHolder,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::Ratified,
        Self::Conditional,
        Self::ReturnedRevoked,
        Self::PassedRevokedLater,
        Self::ReturnedDuplicate,
        Self::ReturnedMandate,
        Self::DoubtfulClock,
        Self::Conflict,
        Self::ReturnedHolder,
    ];

    /// The name on the screen.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Ratified => "复核通过",
            Self::Conditional => "有条件通过",
            Self::ReturnedRevoked => "退回-证照失效",
            Self::PassedRevokedLater => "通过-事后失效提醒",
            Self::ReturnedDuplicate => "退回-重复",
            Self::ReturnedMandate => "退回-授权无效",
            Self::DoubtfulClock => "存疑-时钟",
            Self::Conflict => "冲突",
            Self::ReturnedHolder => "退回-持证主体不符",
        }
    }

    /// The name for readers of English.
    pub fn en(self) -> &'static str {
        match self {
            Self::Ratified => "ratified",
            Self::Conditional => "passed with conditions",
            Self::ReturnedRevoked => "returned: licence revoked before use",
            Self::PassedRevokedLater => "passed; licence revoked since",
            Self::ReturnedDuplicate => "returned: duplicate",
            Self::ReturnedMandate => "returned: authorisation did not hold",
            Self::DoubtfulClock => "doubtful: clock",
            Self::Conflict => "conflict",
            Self::ReturnedHolder => "returned: licence not known to be the person's",
        }
    }

    /// The word for it in rows and filters, the same as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ratified => "ratified",
            Self::Conditional => "conditional",
            Self::ReturnedRevoked => "returned-revoked",
            Self::PassedRevokedLater => "passed-revoked-later",
            Self::ReturnedDuplicate => "returned-duplicate",
            Self::ReturnedMandate => "returned-mandate",
            Self::DoubtfulClock => "doubtful-clock",
            Self::Conflict => "conflict",
            Self::ReturnedHolder => "returned-holder",
        }
    }

    /// The outcome that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    /// Whether the hall has to do something (待处理).
    pub fn needs_action(self) -> bool {
        self != Self::Ratified
    }

    /// Whether the case may not go on as it is.
    pub fn is_returned(self) -> bool {
        matches!(
            self,
            Self::ReturnedRevoked | Self::ReturnedDuplicate | Self::ReturnedMandate | Self::ReturnedHolder
        )
    }
}

/// What was found about one licence that the case used.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
pub struct LicenceFinding {
    /// 证照标识.
    #[n(0)]
    #[cbor(with = "crate::cbor::text")]
    pub licence: LicenceId,
    /// 证照名称.
    #[n(1)]
    pub name: String,
    /// What it turned into.
    #[n(2)]
    #[cbor(with = "crate::cbor::licence_status")]
    pub status: LicenceStatus,
    /// Since when.
    #[n(3)]
    #[cbor(with = "crate::cbor::millis")]
    pub since: Timestamp,
    /// When the case used it, by the box's clock.
    #[n(4)]
    #[cbor(with = "crate::cbor::millis")]
    pub used_at: Timestamp,
    /// The box had already been told: its software should have refused. An incident.
    #[n(5)]
    pub box_knew: bool,
}

/// 用证码兑换: the province's code for a use that a box had given a code of its own.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
pub struct ExchangedCode {
    /// The box's code.
    #[n(0)]
    pub local: String,
    /// 用证码. One that the centre gave in the first place stays.
    #[n(1)]
    #[cbor(with = "crate::cbor::text")]
    pub code: UseCode,
}

/// The centre's judgement on one submitted case. A later one about the same entry replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
pub struct Disposition {
    /// The ledger of the judged entry.
    #[n(0)]
    pub log: LogId,
    /// Its position.
    #[n(1)]
    pub seq: u64,
    /// 办件编号.
    #[n(2)]
    pub case_no: String,
    /// The judgement.
    #[n(3)]
    pub outcome: Outcome,
    /// The licences that led to it.
    #[n(4)]
    pub findings: Vec<LicenceFinding>,
    /// The case that this one repeats or conflicts with.
    #[n(5)]
    pub other_case: Option<String>,
    /// Until when a condition can be met.
    #[n(6)]
    #[cbor(with = "crate::cbor::millis_option", has_nil)]
    pub deadline: Option<Timestamp>,
    /// When the centre judged.
    #[n(7)]
    #[cbor(with = "crate::cbor::millis")]
    pub decided_at: Timestamp,
    /// 用证码 of each use, once the case has passed.
    #[n(8)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_codes: Option<Vec<ExchangedCode>>,
    /// 抽查: the case has passed, and a person of the hall looks at it once more until then.
    #[n(9)]
    #[cbor(with = "crate::cbor::millis_option", has_nil)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recheck_until: Option<Timestamp>,
}

impl Statement for Disposition {
    const DOMAIN: &'static str = "hallbox/disposition/1";

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.decided_at)
    }
}

impl Disposition {
    /// One Chinese sentence: what was found.
    pub fn sentence(&self) -> String {
        let licences = self.licences();
        match self.outcome {
            Outcome::Ratified => "省级中心已复核，办件生效。".into(),
            Outcome::Conditional if licences.is_empty() => "办件有条件通过，尚有材料待补。".into(),
            Outcome::Conditional => format!("办件有条件通过：用证时{licences}。"),
            Outcome::ReturnedRevoked if self.findings.iter().any(|finding| finding.box_knew) => {
                format!("用证前{licences}，且本厅当时已收到通知仍予使用，办件退回。")
            }
            Outcome::ReturnedRevoked => format!("用证前{licences}，办件退回；断网期间本厅无从得知。"),
            Outcome::PassedRevokedLater => format!("用证时有效，办件通过；此后{licences}。"),
            Outcome::ReturnedDuplicate => {
                format!("与{}为同一事项，办件退回。", self.other_case("已受理的办件"))
            }
            Outcome::ReturnedMandate => "用证时授权、委托或代表关系已不成立，办件退回。".into(),
            Outcome::DoubtfulClock if licences.is_empty() => {
                "本厅时钟与中心记录不符，无法确定办理时间。".into()
            }
            Outcome::DoubtfulClock => format!("{licences}，因时钟误差无法确定在用证之前还是之后。"),
            Outcome::Conflict => format!("{}在中心已被变更，与本厅记录冲突。", self.other_case("该办件")),
            Outcome::ReturnedHolder => {
                let names: Vec<String> =
                    self.findings.iter().map(|finding| format!("《{}》", finding.name)).collect();
                format!(
                    "{}登记在曾用证件号下，省级中心没有该号码属于办事人的记录，办件退回。",
                    names.join("、")
                )
            }
        }
    }

    /// One Chinese sentence: what the clerk has to do.
    pub fn what_to_do(&self) -> String {
        let deadline = self.deadline.map_or_else(String::new, |at| format!("于{}前", at.local_date()));
        match self.outcome {
            Outcome::Ratified => "无需处理。".into(),
            Outcome::Conditional => {
                format!("请通知办事人{deadline}补交材料，收到后在办件页上传，或在待处理中登记。")
            }
            Outcome::ReturnedRevoked => {
                "请联系办事人说明情况，凭现行有效证照或纸质原件重新办理；已归档的证照副本不得再使用。".into()
            }
            Outcome::PassedRevokedLater => {
                "办件不受影响；请告知审批部门证照现状，由其决定是否复查，然后在待处理中标记已阅。".into()
            }
            Outcome::ReturnedDuplicate => "请核对两件办件，告知办事人以先受理的为准，本件作退件登记。".into(),
            Outcome::ReturnedMandate => "请联系办事人重新核验身份并重新授权后再办理。".into(),
            Outcome::DoubtfulClock => {
                "请值班主管核对受理回执上的时间，在待处理中写明意见；同时请运维人员检查时钟。".into()
            }
            Outcome::Conflict => "请值班主管对照两份记录，在待处理中写明以哪一份为准。".into(),
            Outcome::ReturnedHolder => {
                "请联系办事人到公安机关办理号码关联证明，或凭纸质原件重新办理；已用的证照内容不得再使用。"
                    .into()
            }
        }
    }

    fn licences(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let separator = if text.is_empty() { "" } else { "、" };
            let became = match finding.status {
                LicenceStatus::Valid => "已换发新版本",
                LicenceStatus::Revoked => "已失效",
                LicenceStatus::Suspended => "已暂停使用",
                LicenceStatus::Changing => "正在变更",
            };
            let day = finding.since.local_date();
            // Writing into a String does not fail.
            let _ = write!(text, "{separator}《{}》于{day}{became}", finding.name);
        }
        text
    }

    fn other_case<'a>(&'a self, otherwise: &'a str) -> &'a str {
        self.other_case.as_deref().unwrap_or(otherwise)
    }
}
