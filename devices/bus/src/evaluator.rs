//! Messages of the evaluator (评价器): pages that the box has it show, and the citizen's answers.

use std::collections::BTreeSet;
use std::fmt;

use hall_domain::{PhoneAsk, Timestamp};
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, DigestError};
use crate::ids::{DeviceId, MessageId};
use crate::wire_time;

/// 展示 (`down/show`): puts a page on the glass. Not retained; MQTT expiry is `ttl_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Show {
    /// The command. The same id is the same page: acknowledged again, timers untouched.
    pub id: MessageId,
    /// Grows by one with each page of this device; a device ignores what is not higher.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// Binding under which it was issued.
    pub bind_epoch: u32,
    /// Window code.
    pub window: String,
    /// When the box issued it.
    #[serde(with = "wire_time")]
    pub issued: Timestamp,
    /// Milliseconds from receipt until the page goes.
    pub ttl_ms: u32,
    /// Digest of `data`.
    pub digest: Digest,
    /// `page` and `data`.
    #[serde(flatten)]
    pub page: Page,
}

impl Show {
    /// A command to show `page`, with the digest of its data.
    ///
    /// # Errors
    /// When the data has no canonical form, which no page made of text and whole numbers lacks.
    pub fn new(
        id: MessageId,
        place: Place,
        generation: u64,
        issued: Timestamp,
        ttl_ms: u32,
        page: Page,
    ) -> Result<Self, DigestError> {
        let Place { window, bind_epoch } = place;
        Ok(Self { id, generation, bind_epoch, window, issued, ttl_ms, digest: page.digest()?, page })
    }
}

/// The binding that a command is issued under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Window code.
    pub window: String,
    /// Number of the binding.
    pub bind_epoch: u32,
}

/// 页面: what an evaluator shows, one thing at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "page", content = "data", rename_all = "lowercase")]
pub enum Page {
    /// 空闲: nothing of anyone.
    Idle(IdlePage),
    /// 服务授权页面.
    Authorize(Box<AuthorizePage>),
    /// 手机扫码页: a QR code for the citizen's phone.
    Challenge(Box<ChallengePage>),
    /// 告知页: something to read and to confirm.
    Notice(Box<NoticePage>),
    /// A message.
    Message(MessagePage),
    /// 好差评.
    Rating(RatingPage),
    /// 暂停服务.
    Paused(PausedPage),
}

/// The name of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageKind {
    /// 空闲.
    Idle,
    /// 授权.
    Authorize,
    /// 扫码.
    Challenge,
    /// 告知.
    Notice,
    /// 提示.
    Message,
    /// 评价.
    Rating,
    /// 暂停.
    Paused,
}

impl Page {
    /// Its name.
    pub const fn kind(&self) -> PageKind {
        match self {
            Self::Idle(_) => PageKind::Idle,
            Self::Authorize(_) => PageKind::Authorize,
            Self::Challenge(_) => PageKind::Challenge,
            Self::Notice(_) => PageKind::Notice,
            Self::Message(_) => PageKind::Message,
            Self::Rating(_) => PageKind::Rating,
            Self::Paused(_) => PageKind::Paused,
        }
    }

    /// SHA-256 over the canonical JSON of its data: what the citizen signs for.
    ///
    /// # Errors
    /// When the data has no canonical form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        match self {
            Self::Idle(data) => Digest::of_json(data),
            Self::Authorize(data) => Digest::of_json(data),
            Self::Challenge(data) => Digest::of_json(data),
            Self::Notice(data) => Digest::of_json(data),
            Self::Message(data) => Digest::of_json(data),
            Self::Rating(data) => Digest::of_json(data),
            Self::Paused(data) => Digest::of_json(data),
        }
    }
}

/// 空闲页: hall, window and a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdlePage {
    /// Name of the hall.
    pub hall: String,
    /// What stands above the window.
    pub window: String,
    /// A line for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// 服务授权页面: the item being handled and the licences that are asked for. Names come masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizePage {
    /// 办件编号.
    pub case_no: String,
    /// 事项 name.
    pub item: String,
    /// Department that handles it.
    pub department: String,
    /// Name of the hall.
    pub hall: String,
    /// What stands above the window.
    pub window: String,
    /// 办事人, masked.
    pub applicant: String,
    /// The organisation that the applicant acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// What the licences are used for.
    pub purpose: String,
    /// 当前为离线办理，联网后复核: the sentence when the line is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_notice: Option<String>,
    /// Until when the consent holds, in words.
    pub valid_until_text: String,
    /// What is asked for, row by row.
    pub licences: Vec<LicenceRow>,
    /// Version of the wording.
    pub text_version: String,
    /// Milliseconds before 同意授权 can be pressed.
    pub min_view_ms: u32,
    /// Milliseconds until the page goes, as first issued.
    pub deadline_ms: u32,
    /// Words on the button, 同意授权 or 确认授权.
    pub confirm_label: String,
}

impl fmt::Debug for AuthorizePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizePage")
            .field("case_no", &self.case_no)
            .field("rows", &self.licences.len())
            .finish_non_exhaustive()
    }
}

/// One licence that is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceRow {
    /// Row of the licence list, "m1".
    pub row: String,
    /// Name of the licence.
    pub name: String,
    /// 持证主体, masked.
    pub holder: String,
    /// Labels of the fields that will be opened.
    pub fields: Vec<String>,
    /// Whether the paper must be handed in when this is refused.
    pub required: bool,
    /// What the citizen has to know of this licence before agreeing: that it was issued under an earlier number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl fmt::Debug for LicenceRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LicenceRow").field("row", &self.row).field("name", &self.name).finish_non_exhaustive()
    }
}

/// 手机扫码页: what the phone is asked for, and the QR code that asks it. The page draws `qr` itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengePage {
    /// What the phone is asked for.
    pub kind: PhoneAsk,
    /// In a few words: 请用手机刷脸.
    pub title: String,
    /// What to do, one sentence each: 打开“政务服务”扫一扫; 建议在刷脸过程中临时取下口罩.
    pub text: Vec<String>,
    /// 办件编号.
    pub case_no: String,
    /// 事项 name.
    pub item: String,
    /// Department that handles it.
    pub department: String,
    /// Name of the hall.
    pub hall: String,
    /// What stands above the window.
    pub window: String,
    /// What the answer is used for.
    pub purpose: String,
    /// 当前为离线办理，联网后复核: the sentence when the line is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_notice: Option<String>,
    /// What the code says, in the characters of a QR code's alphanumeric mode, at most [`MAX_QR`] of them.
    pub qr: String,
    /// 不方便使用手机？请告诉窗口人员.
    pub fallback: String,
    /// Milliseconds until the page goes, as first issued.
    pub deadline_ms: u32,
}

/// Longest text of a [`ChallengePage`], in characters: what a phone still reads from the glass at arm's length.
pub const MAX_QR: usize = 1_500;

impl fmt::Debug for ChallengePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChallengePage")
            .field("kind", &self.kind)
            .field("case_no", &self.case_no)
            .finish_non_exhaustive()
    }
}

/// 告知页: something that the citizen reads and confirms as a whole: what a delegate (代办人) declares, or that licences are looked at
/// on the ground of an office's duties (依职能查验). Single rows are refused only on the [`AuthorizePage`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticePage {
    /// In a few words: 代办人确认.
    pub title: String,
    /// What it is about, one sentence each.
    pub text: Vec<String>,
    /// 办件编号.
    pub case_no: String,
    /// Name of the hall.
    pub hall: String,
    /// What stands above the window.
    pub window: String,
    /// What was said of it: basis, department, what is looked at, whom to ask. Names come masked.
    pub rows: Vec<NoticeRow>,
    /// 当前为离线办理，联网后复核: the sentence when the line is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_notice: Option<String>,
    /// Version of the wording.
    pub text_version: String,
    /// Milliseconds before it can be confirmed.
    pub min_view_ms: u32,
    /// Milliseconds until the page goes, as first issued.
    pub deadline_ms: u32,
    /// Words on the button: 已知晓, 确认.
    pub confirm_label: String,
    /// Words on the button that refuses; none where there is nothing to refuse, as with a legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse_label: Option<String>,
}

impl fmt::Debug for NoticePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoticePage")
            .field("title", &self.title)
            .field("case_no", &self.case_no)
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

/// One line of a [`NoticePage`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRow {
    /// 法律依据.
    pub label: String,
    /// What stands beside it.
    pub value: String,
}

impl fmt::Debug for NoticeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoticeRow").field("label", &self.label).finish_non_exhaustive()
    }
}

/// 提示页: a message for the citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// How it is meant.
    pub level: MessageLevel,
    /// In a few words.
    pub title: String,
    /// One or two sentences.
    pub text: String,
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageLevel {
    /// For information.
    Info,
    /// Something is done.
    Done,
    /// Something needs the citizen's attention.
    Warning,
}

/// 好差评: the invitation to rate, after the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingPage {
    /// What was done: name of the item.
    pub service: String,
    /// 办件编号.
    pub case_no: String,
    /// Version of the grades and reasons.
    pub rubric: String,
    /// Grades, best first, as the rubric has them.
    pub levels: Vec<RatingLevel>,
    /// A reason must be chosen or written for grades below this one; 0 asks for none.
    pub reason_required_below: u8,
}

/// One grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingLevel {
    /// 5 is best.
    pub level: u8,
    /// 非常满意.
    pub label: String,
    /// Reasons to choose from.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// 暂停页.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedPage {
    /// Why, or when it goes on.
    pub notice: String,
}

/// 答复 (`up/answer`, inside a JWS): the outcome of a page that waited for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer; sent again with the same bytes until a receipt comes.
    pub id: MessageId,
    /// Who signs.
    pub dev: DeviceId,
    /// The show that is answered.
    pub cmd: MessageId,
    /// Its generation.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// Its binding.
    pub bind_epoch: u32,
    /// Its page.
    pub page: PageKind,
    /// Digest of the data that was on the glass, computed by the device.
    pub digest: Digest,
    /// `outcome` and `detail`.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Grows with each answer of the device; written to its store before the answer is sent.
    pub counter: u64,
    /// Start of the device's program.
    pub boot: MessageId,
    /// The device's clock: evidence, never a basis of decisions.
    #[serde(with = "wire_time")]
    pub dev_time: Timestamp,
    /// Milliseconds that the page was on the glass, at least.
    pub shown_ms: u64,
    /// How often the glass was touched meanwhile.
    pub touches: u32,
    /// Version of the device's program.
    pub sw: String,
}

/// 结果: what the citizen decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "lowercase")]
pub enum Outcome {
    /// 同意, but for the rows refused; 已知晓 of a notice, which has no rows to refuse.
    Confirmed {
        /// Rows whose switch was off.
        refused_rows: BTreeSet<String>,
    },
    /// 不同意: nothing is authorised.
    Refused {},
    /// Nobody answered in time; the page is off the glass.
    Timeout {},
    /// The page was closed without an answer (rating skipped, message read).
    Dismissed {},
    /// 评价.
    Rated {
        /// The grade.
        level: u8,
        /// Reasons chosen.
        reasons: Vec<String>,
        /// In the citizen's words; may be personal.
        comment: String,
    },
}

#[cfg(test)]
mod tests;
