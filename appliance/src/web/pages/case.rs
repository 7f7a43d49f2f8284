//! 办件页: one case in hand: its six steps, the step being done, and who and what stands around it.

use askama::Template;

use super::cases::{Applicant, CaseState};
use super::frame::{Frame, Tone};
use super::steps::{
    ConsentState, ConsentStep, Decision, DoneStep, FormStep, IdentifyStep, Input, ItemStep, ListStep, Mark,
    Rating, Reader, Reading, Sent, SubmitStep,
};

/// 办件页.
#[derive(Debug, Clone, Template)]
#[template(path = "case.html")]
pub struct CasePage {
    /// The frame; `frame.follow` holds the case's identifier.
    pub frame: Frame,
    /// What the case is.
    pub case: CaseHead,
    /// The six steps, in order.
    pub steps: [StepLine; 6],
    /// The step in the middle.
    pub step: StepPanel,
    /// What stands on the right.
    pub side: SidePanel,
    /// What was wrong with the last scan of the window's scanner, ready sentence.
    pub scan_said: Option<String>,
    /// How many of the several QR codes of an answer have been scanned, and of how many.
    pub scan_got: Option<(u8, u8)>,
    /// Somebody else who has this case: everything is read-only then.
    pub held_by: Option<HeldBy>,
}

impl CasePage {
    /// Whether the case can still be given up.
    pub fn can_abandon(&self) -> bool {
        self.in_hand() && self.open()
    }

    /// Whether it has not been submitted or given up.
    pub fn open(&self) -> bool {
        !matches!(self.side.policy, Prospect::Over)
    }

    /// Whether a code can be scanned for it (扫码).
    pub fn scans(&self) -> bool {
        self.in_hand() && self.open()
    }

    /// Whether scans can still be removed here.
    pub fn files_open(&self) -> bool {
        matches!(&self.step, StepPanel::Form(step) if !step.closed)
    }

    /// Whether something is awaited, so that a browser without scripts should look again.
    pub fn waits(&self) -> bool {
        match &self.step {
            StepPanel::Identify(step) => {
                matches!(
                    step.reading,
                    Reading::Waiting { .. }
                        | Reading::Phone { .. }
                        | Reading::Returning { .. }
                        | Reading::Reading
                        | Reading::Again { .. }
                )
            }
            StepPanel::List(step) => step.showing.is_some(),
            StepPanel::Consent(step) => {
                matches!(
                    step.state,
                    ConsentState::Sent { .. }
                        | ConsentState::Shown { .. }
                        | ConsentState::Phone { .. }
                        | ConsentState::Noticing { .. }
                        | ConsentState::Acknowledging { waiting: true }
                )
            }
            _ => false,
        }
    }

    /// Whether this clerk may act.
    pub fn in_hand(&self) -> bool {
        self.held_by.is_none()
    }
}

/// What the case is, above its steps.
#[derive(Debug, Clone)]
pub struct CaseHead {
    /// Identifier in addresses.
    pub id: String,
    /// 办件编号.
    pub number: String,
    /// 事项 name.
    pub item: String,
    /// 申请人主体.
    pub applicant: Applicant,
    /// When it was opened, "10:42".
    pub opened: String,
    /// Where it stands.
    pub state: CaseState,
    /// 在线 or 离线, and since when.
    pub mode: Mode,
}

/// 办理方式: whether the case is handled with the province or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// 在线办理.
    Online,
    /// 离线办理.
    Offline {
        /// How long the line had been down at the last decision, ready text: "2 小时 15 分".
        down_for: String,
    },
    /// Begun offline; the line is back and the evidence is being looked up again.
    Upgrading,
}

/// 步骤: the six steps of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepName {
    /// 事项.
    Item,
    /// 核验.
    Identify,
    /// 清单.
    List,
    /// 授权.
    Consent,
    /// 表单.
    Form,
    /// 提交.
    Submit,
}

impl StepName {
    /// All steps in order.
    pub const ALL: [Self; 6] =
        [Self::Item, Self::Identify, Self::List, Self::Consent, Self::Form, Self::Submit];

    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Item => "事项",
            Self::Identify => "核验",
            Self::List => "清单",
            Self::Consent => "授权",
            Self::Form => "表单",
            Self::Submit => "提交",
        }
    }

    /// Its name in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Identify => "identify",
            Self::List => "list",
            Self::Consent => "consent",
            Self::Form => "form",
            Self::Submit => "submit",
        }
    }

    /// The step that a name in an address means.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.code() == code)
    }
}

/// One step in the left column.
#[derive(Debug, Clone)]
pub struct StepLine {
    /// Which step.
    pub name: StepName,
    /// How far it is.
    pub state: StepState,
    /// When it was done or began, "10:42"; empty before that.
    pub time: String,
    /// One short line under its name, such as "王* 居民身份证"; may be empty.
    pub note: String,
    /// Whether it is the one in the middle now.
    pub shown: bool,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// 未到.
    Ahead,
    /// 进行中.
    Now,
    /// 完成.
    Done,
    /// 完成，有条件: done, with something to follow or refused in part.
    Partly,
    /// 受阻.
    Stuck,
}

impl StepState {
    /// The word read out and shown beside the mark.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Ahead => "未到",
            Self::Now => "进行中",
            Self::Done => "完成",
            Self::Partly => "部分完成",
            Self::Stuck => "受阻",
        }
    }

    /// Its tone.
    pub fn tone(self) -> Tone {
        match self {
            Self::Ahead => Tone::Plain,
            Self::Now => Tone::Busy,
            Self::Done => Tone::Good,
            Self::Partly => Tone::Old,
            Self::Stuck => Tone::Harm,
        }
    }
}

/// The step in the middle of the page.
#[derive(Debug, Clone)]
pub enum StepPanel {
    /// 事项.
    Item(ItemStep),
    /// 核验.
    Identify(IdentifyStep),
    /// 清单.
    List(ListStep),
    /// 授权.
    Consent(ConsentStep),
    /// 表单.
    Form(FormStep),
    /// 提交.
    Submit(SubmitStep),
    /// 已提交.
    Done(DoneStep),
}

/// 侧栏: what stands on the right of the case.
#[derive(Debug, Clone)]
pub struct SidePanel {
    /// Who is here; none before the card was read.
    pub who: Option<Who>,
    /// The organisation applied for, once found.
    pub organisation: Option<OrganisationCard>,
    /// What the citizen's screen shows now.
    pub screen: CitizenScreen,
    /// What would happen if the case were submitted now.
    pub policy: Prospect,
}

/// 办理结果预告: whether anything can be said about it.
#[derive(Debug, Clone)]
pub enum Prospect {
    /// Too little is known yet.
    Unknown,
    /// The policy says so.
    Known(Policy),
    /// It was submitted or given up.
    Over,
}

/// 办事人: who stands at the window.
#[derive(Debug, Clone)]
pub struct Who {
    /// 姓名, masked unless opened.
    pub name: String,
    /// Kind of document, such as 居民身份证.
    pub document: String,
    /// 证件号码, masked unless opened.
    pub number: String,
    /// Whether the numbers are open on this screen.
    pub open: bool,
    /// 核验等级 in words, such as "读卡 + 人证一致".
    pub grade: String,
    /// Its code, such as `I2`.
    pub grade_code: String,
    /// Where it comes from, such as "1 号窗口读卡器 10:43".
    pub source: String,
    /// A condition on it, such as an expired card; ready sentence.
    pub caution: Option<String>,
    /// 委托人, masked, when the person is a delegate.
    pub on_behalf_of: Option<String>,
}

/// 法人: the organisation applied for.
#[derive(Debug, Clone)]
pub struct OrganisationCard {
    /// Name.
    pub name: String,
    /// 统一社会信用代码.
    pub uscc: String,
    /// 法定代表人, masked.
    pub representative: String,
    /// Whether the person here is that representative; none before the card was read.
    pub matches: Option<bool>,
    /// Age in seconds of what the register says about the two.
    pub relation_age_s: Option<u64>,
}

/// 办事人屏幕: what the citizen's screen shows now, for the miniature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CitizenScreen {
    /// 手机扫码.
    Code {
        /// What the phone is asked for.
        ask: &'static str,
        /// Milliseconds left.
        left_ms: u64,
    },
    /// 告知或代办人确认.
    Notice {
        /// Its title.
        title: &'static str,
    },
    /// 未配评价器.
    None,
    /// 评价器离线.
    Offline {
        /// Since when, "10:31".
        since: String,
    },
    /// 已隔离: its answers were not taken, and it may show nothing until somebody has looked at it.
    Isolated,
    /// 设备正在重连: the box was started anew, and the evaluator has not come back yet.
    Returning,
    /// 空闲.
    Idle,
    /// 授权页已推送, not yet shown.
    Sending,
    /// 授权页.
    Authorise {
        /// 事项.
        item: String,
        /// Licences that are asked for. How the citizen's switches stand is not told before the answer.
        licences: Vec<String>,
        /// Milliseconds left.
        left_ms: u64,
    },
    /// 结果页.
    Result {
        /// The sentence it shows.
        text: String,
        /// Whether the citizen agreed.
        agreed: bool,
    },
    /// 评价页.
    Rating,
}

/// 办理结果预告: what the policy says would happen now.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The outcome.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub sentence: String,
    /// What would raise it.
    pub raise: Option<String>,
    /// How much is missing before anything can be submitted; none before there is a form.
    pub lacking: Option<usize>,
}

impl Policy {
    /// What the outcome is the outcome of.
    pub fn heading(&self) -> &'static str {
        if self.lacking == Some(0) { "现在提交会怎样" } else { "补齐后提交会怎样" }
    }
}

/// 受理结果: what a submission comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 受理.
    Accept,
    /// 登记，待复核.
    Review,
    /// 容缺受理.
    Following,
    /// 仅收件.
    ReceiptOnly,
    /// 不能提交.
    No,
    /// 退回: the centre did not let it pass.
    Returned,
}

impl Outcome {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Accept => "受理",
            Self::Review => "登记，联网复核后生效",
            Self::Following => "容缺受理，复核后生效",
            Self::ReceiptOnly => "仅收件",
            Self::No => "不能提交",
            Self::Returned => "退回",
        }
    }

    /// The title of the paper that the applicant takes home; only an accepted case has an acceptance.
    pub fn title_zh(self) -> &'static str {
        match self {
            Self::Accept => "受理回执",
            Self::Review => "登记回执",
            Self::Following => "容缺受理回执",
            Self::ReceiptOnly | Self::No => "收件回执",
            Self::Returned => "退回告知",
        }
    }

    /// The heading after submission and on the receipt; says no more than is true.
    pub fn done_zh(self) -> &'static str {
        match self {
            Self::Accept => "已受理",
            Self::Review => "已登记，联网复核后生效",
            Self::Following => "容缺受理，复核后生效",
            Self::ReceiptOnly => "已收件，尚未受理",
            Self::No => "未提交",
            Self::Returned => "省级中心复核后退回，未予受理",
        }
    }

    /// Its tone.
    pub fn tone(self) -> Tone {
        match self {
            Self::Accept => Tone::Good,
            Self::Review | Self::Following | Self::ReceiptOnly => Tone::Old,
            Self::No | Self::Returned => Tone::Harm,
        }
    }
}

/// 他人在办: somebody else who has this case.
#[derive(Debug, Clone)]
pub struct HeldBy {
    /// That clerk.
    pub clerk: String,
    /// At which window.
    pub window: String,
    /// Seconds since that clerk did anything in it.
    pub quiet_s: u64,
    /// Whether it may be taken over now.
    pub can_take_over: bool,
}
