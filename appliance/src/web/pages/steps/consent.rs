//! 授权: the page on the citizen's screen, and what the citizen said.

use super::list::MaterialRow;

/// 授权.
#[derive(Debug, Clone)]
pub struct ConsentStep {
    /// Where the asking stands.
    pub state: ConsentState,
    /// The rows that are asked for, with what was decided.
    pub rows: Vec<MaterialRow>,
    /// How many of the materials must come on paper as things stand.
    pub on_paper: u32,
    /// Why nothing can be pushed, ready sentence.
    pub push_blocked: Option<String>,
    /// Whether a principal has to be asked, not the person at the window.
    pub by_principal: bool,
    /// 依职能查验 as the item allows it.
    pub office: Option<OfficeForm>,
    /// Whether the consent can be taken back here.
    pub can_withdraw: bool,
}

/// 依职能查验: what is needed to look licences up on a legal basis.
#[derive(Debug, Clone)]
pub struct OfficeForm {
    /// The legal bases to choose from.
    pub bases: Vec<String>,
    /// The supervisor's account as typed.
    pub account: String,
    /// What is wrong, ready sentence.
    pub error: Option<String>,
}

/// 授权状态.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentState {
    /// 未推送.
    NotAsked,
    /// 已发送，评价器未应答.
    Sent {
        /// Milliseconds since it was sent.
        for_ms: u64,
        /// 设备正在重连: shown as soon as the evaluator has come back.
        returning: bool,
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
    },
    /// 办事人正在看.
    Shown {
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
        /// How often the citizen has asked for more time.
        extended: u32,
    },
    /// 等待手机: the code for the citizen's phone, or the principal's, stands on the evaluator.
    Phone {
        /// Whether the principal is asked, from elsewhere.
        principal: bool,
        /// Whether the phone's answer has to be scanned; otherwise the line brings it.
        scan: bool,
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
    },
    /// 告知中: the notice of a legal basis stands on the evaluator.
    Noticing {
        /// 法定依据.
        basis: String,
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
    },
    /// 等待代办人确认: the principal has agreed, the delegate not yet.
    Acknowledging {
        /// Whether the page is on the evaluator now.
        waiting: bool,
    },
    /// 已同意 (all or some).
    Agreed {
        /// When, "10:45".
        at: String,
        /// How many licences were agreed to.
        agreed: u32,
        /// How many were refused.
        refused: u32,
    },
    /// 依职能查验: opened on a legal basis.
    Office {
        /// When, "10:45".
        at: String,
        /// 法定依据.
        basis: String,
    },
    /// 已撤回.
    Withdrawn {
        /// When, "10:45".
        at: String,
    },
    /// 全部不同意.
    Refused {
        /// When, "10:45".
        at: String,
    },
    /// 超时，页面已收回.
    TimedOut {
        /// When, "10:47".
        at: String,
    },
    /// 窗口已取消.
    Cancelled {
        /// When, "10:46".
        at: String,
    },
    /// 未配评价器.
    NoEvaluator,
    /// 评价器离线.
    Offline {
        /// Since when, "10:31".
        since: String,
    },
    /// 评价器退回了页面: it could not show exactly what was asked.
    Rejected {
        /// Number to quote.
        number: String,
    },
    /// 改用纸质材料: the case goes on with originals.
    Paper {
        /// When, "10:48".
        at: String,
    },
}
