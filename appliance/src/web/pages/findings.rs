//! 待处理: what the province or the box found, and what to do about it.

use askama::Template;

use super::frame::{Frame, Tone};

/// 待处理页.
#[derive(Debug, Clone, Template)]
#[template(path = "findings.html")]
pub struct FindingsPage {
    /// The frame.
    pub frame: Frame,
    /// Filter that is on.
    pub show: Filter,
    /// The filters with how many findings each would show.
    pub filters: Vec<(Filter, u32)>,
    /// 复核结果 or what the box found: code in addresses, word, and whether it is the one chosen.
    pub kinds: Vec<(String, String, bool)>,
    /// 严重程度: the same.
    pub severities: Vec<(String, String, bool)>,
    /// Whether only what concerns this clerk is shown.
    pub mine: bool,
    /// Whether this person may take findings on.
    pub settles: bool,
    /// The chosen filters but the tab, for addresses, such as `&kind=conflict`.
    pub rest: String,
    /// How many are past their deadline.
    pub overdue: u32,
    /// When the list was made, for the print, "2026-11-21 16:00:00".
    pub made: String,
    /// The findings, most harmful and oldest first.
    pub rows: Vec<Finding>,
    /// A note that was refused: finding, note, and why.
    pub refused: Option<RefusedNote>,
}

impl FindingsPage {
    /// The note that was refused for this finding.
    pub fn refused_for(&self, id: &str) -> Option<&RefusedNote> {
        self.refused.as_ref().filter(|refused| refused.finding == id)
    }
}

/// A note that could not be taken.
#[derive(Debug, Clone)]
pub struct RefusedNote {
    /// Identifier of the finding.
    pub finding: String,
    /// What was typed.
    pub note: String,
    /// Why it was refused, ready sentence.
    pub error: String,
}

/// 筛选.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// 未处理.
    #[default]
    Open,
    /// 处理中: somebody has taken it on.
    Taken,
    /// 已处理.
    Handled,
    /// 全部.
    All,
}

impl Filter {
    /// All filters in the order of the tabs.
    pub const ALL: [Self; 4] = [Self::Open, Self::Taken, Self::Handled, Self::All];

    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Open => "未处理",
            Self::Taken => "处理中",
            Self::Handled => "已处理",
            Self::All => "全部",
        }
    }

    /// Its name in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Handled => "handled",
            Self::All => "all",
        }
    }

    /// The filter that a name in an address means; the first one for anything else.
    pub fn from_code(code: &str) -> Self {
        Self::ALL.into_iter().find(|filter| filter.code() == code).unwrap_or_default()
    }
}

/// 待处理事项: one finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Identifier in addresses.
    pub id: String,
    /// Number to quote.
    pub number: String,
    /// Kind, ready word, such as 退回-证照失效.
    pub kind: String,
    /// Its tone.
    pub tone: Tone,
    /// How much it matters, ready word.
    pub severity: &'static str,
    /// Until when something has to be done, ready text with its tone.
    pub deadline: Option<(String, Tone)>,
    /// Seconds since it was found.
    pub age_s: u64,
    /// Case it concerns: identifier and number.
    pub case: Option<(String, String)>,
    /// 事项 of that case; may be empty.
    pub item: String,
    /// What happened, ready sentence.
    pub what: String,
    /// What to do, ready sentence.
    pub todo: String,
    /// Where it stands.
    pub state: FindingState,
}

/// 处理状态.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingState {
    /// 未处理.
    Open,
    /// 处理中.
    Taken {
        /// By whom.
        by: String,
        /// When, "11-21 11:02".
        at: String,
        /// Whether this person took it, and may give it back.
        mine: bool,
    },
    /// 已处理.
    Handled {
        /// Who had taken it on, and when; none if nobody had.
        taken: Option<(String, String)>,
        /// By whom; empty when it went by itself.
        by: String,
        /// When, "11-21 11:40".
        at: String,
        /// What was done.
        note: String,
    },
}
