//! 消息: what a citizen is told in the app. The texts hold no numbers of documents.

use crate::citizen::id::Id;
use hall_domain::Timestamp;
use hall_ledger::phone::ChallengeNonce;
use serde::{Deserialize, Serialize};

/// One message to one citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: NoticeKind,
    /// 标题.
    pub title: String,
    /// 正文.
    pub text: String,
    /// The challenge concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<ChallengeNonce>,
    /// The consent concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Id>,
    /// The delegation concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Id>,
    /// 办件编号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_no: Option<String>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// 待确认.
    ConfirmationAsked,
    /// 确认已结束.
    ConfirmationOver,
    /// 复核结果.
    Ratification,
    /// 撤回.
    Withdrawal,
    /// 依职能查验.
    LegalBasis,
    /// 委托.
    Delegation,
    /// 经办授权.
    Grant,
    /// 账号.
    Account,
}

impl Notice {
    /// A message that points nowhere.
    pub fn new(at: Timestamp, kind: NoticeKind, title: impl Into<String>, text: impl Into<String>) -> Self {
        let (title, text) = (title.into(), text.into());
        Self { at, kind, title, text, nonce: None, consent: None, delegation: None, case_no: None }
    }

    /// The same about this delegation.
    #[must_use]
    pub fn about(self, delegation: Id) -> Self {
        Self { delegation: Some(delegation), ..self }
    }

    /// The same about this challenge.
    #[must_use]
    pub fn asked(self, nonce: ChallengeNonce) -> Self {
        Self { nonce: Some(nonce), ..self }
    }
}
