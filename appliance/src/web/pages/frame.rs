//! 页框: what surrounds every desk: top bar, rail of desks, notice, and the bottom line of keys.

use std::fmt::Display;

use askama::Template;

use super::text::Lang;

/// 页框: everything around the main area of a page behind sign-in.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Language of this session.
    pub lang: Lang,
    /// Token that goes into every form.
    pub csrf: String,
    /// Version of the assets, part of their addresses so that they can be cached for ever.
    pub assets: String,
    /// 大厅: name of the hall.
    pub hall: String,
    /// Whether this person works on cases: only then is there a window to choose.
    pub serves: bool,
    /// 窗口: the windows that this clerk may sit at; the chosen one is marked.
    pub windows: Vec<WindowOption>,
    /// 窗口人员: name of the clerk.
    pub clerk: String,
    /// Milliseconds until this session ends by itself.
    pub session_left_ms: u64,
    /// State of the line to the province.
    pub line: LineState,
    /// The box's clock.
    pub clock: Clock,
    /// Desk that this page belongs to.
    pub here: Desk,
    /// The desks this clerk may open, in the order of the rail.
    pub rail: Vec<RailEntry>,
    /// What stands in the search field.
    pub search: String,
    /// Address of this page, for forms that come back to it.
    pub path: String,
    /// Case whose changes this page follows, empty for none.
    pub follow: String,
    /// One sentence about what was just done.
    pub notice: Option<Notice>,
    /// What is wrong with the whole box, on every desk until it is right again.
    pub alarms: Vec<Alarm>,
}

/// 警示: one sentence above every desk.
#[derive(Debug, Clone)]
pub struct Alarm {
    /// Ready sentence: what is wrong, what it means, what to do.
    pub text: String,
    /// Its tone.
    pub tone: Tone,
}

impl Frame {
    /// The text in the session's language.
    pub fn t<'a>(&self, zh: &'a str) -> &'a str {
        self.lang.t(zh)
    }

    /// The text with one value.
    pub fn fill(&self, zh: &str, value: impl Display) -> String {
        self.lang.fill(zh, &[&value])
    }

    /// The text with two values.
    pub fn fill2(&self, zh: &str, first: impl Display, second: impl Display) -> String {
        self.lang.fill(zh, &[&first, &second])
    }

    /// A span of milliseconds as minutes and seconds, for countdowns: "1:32".
    pub fn left(&self, ms: &u64) -> String {
        let seconds = ms.div_ceil(1_000);
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }

    /// Whether this person may look for cases.
    pub fn searches(&self) -> bool {
        self.rail.iter().any(|entry| entry.desk == Desk::Cases)
    }

    /// Whether a window has been chosen; without one no case can be opened.
    pub fn seated(&self) -> bool {
        self.windows.iter().any(|window| window.chosen)
    }
}

/// 精简页框: what pages outside the desks need (sign-in, errors, print).
#[derive(Debug, Clone, Default)]
pub struct Bare {
    /// Language of the page.
    pub lang: Lang,
    /// Token that goes into every form; empty on pages without one.
    pub csrf: String,
    /// Version of the assets.
    pub assets: String,
    /// 大厅: name of the hall.
    pub hall: String,
}

impl Bare {
    /// The text in the page's language.
    pub fn t<'a>(&self, zh: &'a str) -> &'a str {
        self.lang.t(zh)
    }

    /// The text with one value.
    pub fn fill(&self, zh: &str, value: impl Display) -> String {
        self.lang.fill(zh, &[&value])
    }

    /// The text with two values.
    pub fn fill2(&self, zh: &str, first: impl Display, second: impl Display) -> String {
        self.lang.fill(zh, &[&first, &second])
    }
}

/// 窗口选项: one window in the picker of the top bar.
#[derive(Debug, Clone)]
pub struct WindowOption {
    /// Identifier sent back, such as `W01`.
    pub id: String,
    /// Name shown, such as "1 号窗口".
    pub label: String,
    /// Another clerk who sits there now.
    pub taken_by: Option<String>,
    /// Whether this clerk sits there.
    pub chosen: bool,
}

/// 时钟: the box's clock, shown in the top bar and carried on by the script.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Time of day, such as "14:03".
    pub hm: String,
    /// The same moment in milliseconds since 1970 UTC.
    pub epoch_ms: i64,
    /// Whether the box is not sure of its clock.
    pub doubtful: bool,
}

/// 线路: whether the province can be reached, as the box last saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// 在线.
    Up,
    /// 缓慢: answers come, but late.
    Slow,
    /// 离线.
    Down,
}

impl Line {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Up => "在线",
            Self::Slow => "线路缓慢",
            Self::Down => "离线",
        }
    }

    /// The style of its mark.
    pub fn class(self) -> &'static str {
        match self {
            Self::Up => "good",
            Self::Slow | Self::Down => "old",
        }
    }
}

/// 线路状态: the line and the age of what the box knows.
#[derive(Debug, Clone)]
pub struct LineState {
    /// The line now.
    pub line: Line,
    /// Since when, such as "13:20" or "11-20 18:04".
    pub since: String,
    /// Age in seconds of the freshness token, the youngest proof that knowledge is current.
    pub knowledge_age_s: Option<u64>,
    /// Whether that age is beyond what the policy calls fresh.
    pub stale: bool,
}

impl LineState {
    /// How old the knowledge is, in words.
    pub fn knowledge(&self, lang: &Lang) -> String {
        match self.knowledge_age_s {
            Some(age) => lang.fill("数据 {}", &[&lang.ago(age)]),
            None => lang.t("尚无数据").to_owned(),
        }
    }
}

/// 工作台: a desk in the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desk {
    /// 办理.
    Cases,
    /// 待处理.
    Findings,
    /// 设备.
    Devices,
    /// 同步.
    Sync,
    /// 安全事件.
    Security,
}

impl Desk {
    /// Every desk, in the order of the rail.
    pub const ALL: [Self; 5] = [Self::Cases, Self::Findings, Self::Devices, Self::Sync, Self::Security];

    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Cases => "办理",
            Self::Findings => "待处理",
            Self::Devices => "设备",
            Self::Sync => "同步",
            Self::Security => "安全事件",
        }
    }

    /// Where it leads.
    pub fn path(self) -> &'static str {
        match self {
            Self::Cases => "/cases",
            Self::Findings => "/findings",
            Self::Devices => "/devices",
            Self::Sync => "/sync",
            Self::Security => "/security",
        }
    }

    /// Its name in addresses (`at=` of the frame fragment).
    pub fn code(self) -> &'static str {
        self.path().trim_start_matches('/')
    }

    /// The desk that a name in an address means.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|desk| desk.code() == code)
    }
}

/// One desk of the rail with its count.
#[derive(Debug, Clone)]
pub struct RailEntry {
    /// The desk.
    pub desk: Desk,
    /// How many things wait there; none is shown for zero.
    pub count: u32,
    /// Whether one of them is harmful if left alone.
    pub urgent: bool,
}

/// 提示: one sentence about what was just done, with a way back.
#[derive(Debug, Clone, Default)]
pub struct Notice {
    /// The sentence, ready in the session's language.
    pub text: String,
    /// Where a form goes that takes it back.
    pub undo: Option<String>,
    /// Whether it says that nothing was done, and why.
    pub refused: bool,
}

/// The parts of the frame that change by themselves: line state and rail.
#[derive(Debug, Clone, Template)]
#[template(path = "fragments/frame.html")]
pub struct FrameFragment {
    /// Only line, clock, rail and language are read.
    pub frame: Frame,
}

/// 色调: what a word on a badge means, shown by colour and by shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing to note.
    #[default]
    Plain,
    /// Under way.
    Busy,
    /// Done, in order.
    Good,
    /// Known, but old or with a condition.
    Old,
    /// Harm; someone must act.
    Harm,
}

impl Tone {
    /// The style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Busy => "busy",
            Self::Good => "good",
            Self::Old => "old",
            Self::Harm => "harm",
        }
    }
}
