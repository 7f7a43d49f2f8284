//! 办理: the list of cases, and opening a new one.

use askama::Template;

use super::frame::{Frame, Tone};

/// 办件列表.
#[derive(Debug, Clone, Template)]
#[template(path = "cases.html")]
pub struct CasesPage {
    /// The frame; `frame.search` holds the search text.
    pub frame: Frame,
    /// Filter that is on.
    pub show: Filter,
    /// The filters with how many cases each would show, in the order of the tabs.
    pub filters: Vec<(Filter, u32)>,
    /// The rows of this page of the list, newest first.
    pub rows: Vec<CaseRow>,
    /// Which page of the list, from 1.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
    /// How many cases there are in all.
    pub total: u32,
}

impl CasesPage {
    /// The address of a page of the list with the same filter and search. What may be a person's name or number
    /// does not stand in an address; `*` means what this session searched for last.
    pub fn page_path(&self, page: u32) -> String {
        let search = self.frame.search.as_str();
        let search = if is_personal(search) { "*" } else { search };
        format!("/cases?show={}&q={search}&page={page}", self.show.code())
    }
}

/// 筛选: which cases the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// 我的在办: opened by this clerk and not finished.
    #[default]
    Mine,
    /// 今日: opened today in this hall.
    Today,
    /// 在办: not finished, anyone's.
    Open,
    /// 已提交.
    Submitted,
    /// 待复核: accepted offline, not yet judged by the province.
    Review,
    /// 容缺: materials to follow.
    Following,
    /// 全部.
    All,
}

impl Filter {
    /// All filters in the order of the tabs.
    pub const ALL: [Self; 7] =
        [Self::Mine, Self::Today, Self::Open, Self::Submitted, Self::Review, Self::Following, Self::All];

    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Mine => "我的在办",
            Self::Today => "今日",
            Self::Open => "全部在办",
            Self::Submitted => "已提交",
            Self::Review => "待复核",
            Self::Following => "容缺待补",
            Self::All => "全部",
        }
    }

    /// Its name in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Today => "today",
            Self::Open => "open",
            Self::Submitted => "submitted",
            Self::Review => "review",
            Self::Following => "following",
            Self::All => "all",
        }
    }

    /// The filters for somebody who works on cases, or who only looks at them and has none.
    pub fn of(serves: bool) -> &'static [Self] {
        const ALL: &[Filter] = &Filter::ALL;
        if serves { ALL } else { ALL.split_first().map_or(ALL, |(_, others)| others) }
    }

    /// The filter that a name in an address means.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.code() == code)
    }
}

/// 办件状态: where a case stands, for lists and headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseState {
    /// 待核验: opened, nobody identified.
    Identifying,
    /// 待授权: identified, no consent yet.
    Listing,
    /// 等待办事人: the page is on the citizen's screen.
    Waiting,
    /// 填表中.
    Filling,
    /// 已受理: accepted online.
    Accepted,
    /// 待复核: accepted, takes effect after the province has looked at it.
    Review,
    /// 容缺受理: accepted with materials to follow.
    Following,
    /// 仅收件.
    ReceiptOnly,
    /// 复核通过.
    Passed,
    /// 有条件通过.
    PassedWithConditions,
    /// 已退回.
    Returned,
    /// 已终止.
    Abandoned,
}

impl CaseState {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Identifying => "待核验",
            Self::Listing => "待授权",
            Self::Waiting => "等待办事人",
            Self::Filling => "填表中",
            Self::Accepted => "已受理",
            Self::Review => "已登记 · 待复核",
            Self::Following => "容缺受理",
            Self::ReceiptOnly => "仅收件",
            Self::Passed => "复核通过",
            Self::PassedWithConditions => "有条件通过",
            Self::Returned => "已退回",
            Self::Abandoned => "已终止",
        }
    }

    /// Its tone.
    pub fn tone(self) -> Tone {
        match self {
            Self::Identifying | Self::Listing | Self::Waiting | Self::Filling => Tone::Busy,
            Self::Accepted | Self::Passed => Tone::Good,
            Self::Review | Self::Following | Self::ReceiptOnly | Self::PassedWithConditions => Tone::Old,
            Self::Returned => Tone::Harm,
            Self::Abandoned => Tone::Plain,
        }
    }
}

/// One case in a list.
#[derive(Debug, Clone)]
pub struct CaseRow {
    /// Identifier in addresses.
    pub id: String,
    /// 办件编号.
    pub number: String,
    /// 事项 name.
    pub item: String,
    /// 办事人, masked; empty when nobody is identified yet.
    pub applicant: String,
    /// Whether the applicant is an organisation.
    pub organisation: bool,
    /// Where it stands.
    pub state: CaseState,
    /// Whether it was taken offline.
    pub offline: bool,
    /// Window, such as "1 号窗口".
    pub window: String,
    /// Clerk who has it.
    pub clerk: String,
    /// When it was opened, such as "09:12" or "11-20 16:40".
    pub opened: String,
    /// Seconds since anything happened in it.
    pub quiet_s: u64,
}

/// 新办件: choose what is applied for, and for whom.
#[derive(Debug, Clone, Template)]
#[template(path = "new_case.html")]
pub struct NewCasePage {
    /// The frame.
    pub frame: Frame,
    /// What was searched for among the items.
    pub q: String,
    /// Applicant kind that the list is limited to.
    pub kind: Option<Applicant>,
    /// Matching items.
    pub items: Vec<ItemChoice>,
    /// Whether more items match than are shown.
    pub more: bool,
}

impl NewCasePage {
    /// Whether the list is limited to this kind of applicant, or to none.
    pub fn offers(&self, applicant: &Applicant) -> bool {
        self.kind.is_none_or(|kind| kind == *applicant)
    }
}

/// 申请人主体: person or organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applicant {
    /// 个人.
    Person,
    /// 法人.
    Organisation,
}

impl Applicant {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Person => "个人",
            Self::Organisation => "法人",
        }
    }

    /// Its name in addresses and forms.
    pub fn code(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
        }
    }
}

/// 事项 to choose from.
#[derive(Debug, Clone)]
pub struct ItemChoice {
    /// Code sent back.
    pub code: String,
    /// Name.
    pub name: String,
    /// Department.
    pub department: String,
    /// Who may apply.
    pub applicants: Vec<Applicant>,
    /// 即办 or 承诺 with days, ready text.
    pub promise: String,
    /// How many materials are asked for.
    pub materials: u32,
    /// How many of them an e-licence can replace.
    pub replaceable: u32,
    /// What happens to it when the line is down, ready text; empty when nothing changes.
    pub offline: String,
}

/// Whether a search may be for a person: anything but a case number or the last digits of one.
pub fn is_personal(search: &str) -> bool {
    let digits = search.bytes().filter(u8::is_ascii_digit).count();
    let number = search.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-'));
    let whole = number && search.contains('-') && digits > 0;
    let end = digits == search.len() && digits <= 6;
    !(whole || end)
}
