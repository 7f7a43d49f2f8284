//! Messages that evaluators and card readers share.

use hall_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::evaluator::PageKind;
use crate::ids::MessageId;
use crate::reader::ReaderStatus;
use crate::scanner::ScannerStatus;
use crate::wire_time;

/// Major version of the protocol that both sides must share.
pub const PROTOCOL: u16 = 1;

/// 大厅状态 (`hall/state`, retained, also the box's will): devices show 服务暂停 on `online: false` with the boot id they know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallState {
    /// False when the box has gone.
    pub online: bool,
    /// Start of the box process. The will of an old start says nothing about a new one.
    pub boot: MessageId,
    /// The box's clock; absent in the will.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_time")]
    pub time: Option<Timestamp>,
    /// Major versions that the box speaks; absent in the will.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proto: Vec<u16>,
}

impl HallState {
    /// The box is there.
    pub fn online(boot: MessageId, time: Timestamp) -> Self {
        Self { online: true, boot, time: Some(time), proto: vec![PROTOCOL] }
    }

    /// The will of the box.
    pub fn offline(boot: MessageId) -> Self {
        Self { online: false, boot, time: None, proto: Vec::new() }
    }
}

/// 设备状态 (`up/state`, retained): birth, or the will. Both carry `bseq`, so that a late will of an old session is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum DeviceState {
    /// 在线: the device is there and tells how it stands.
    Ready(Birth),
    /// 失联: the connection with this number broke.
    Lost {
        /// Number of the connection.
        bseq: u64,
    },
}

impl DeviceState {
    /// Number of the connection that this speaks of. A state with a lower one than stored is old news.
    pub fn bseq(&self) -> u64 {
        match self {
            Self::Ready(birth) => birth.bseq,
            Self::Lost { bseq } => *bseq,
        }
    }
}

/// 上线消息: what a device says of itself on each connection. Nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// Number of this connection; grows with each one, over restarts too.
    pub bseq: u64,
    /// Start of the device's program. Two boots taking the connection from each other mean a copied credential.
    pub boot: MessageId,
    /// Major versions that the device speaks.
    pub proto: Vec<u16>,
    /// Version of the device's program.
    pub sw: String,
    /// Binding that the device knows from its configuration; 0 before the first.
    pub bind_epoch: u32,
    /// Counter of its last answer.
    pub last_counter: u64,
    /// What only this kind of device has.
    #[serde(flatten)]
    pub about: About,
}

/// The part of a birth that depends on the kind of device: `"evaluator": {…}`, `"reader": {…}` or `"scanner": {…}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// 评价器.
    Evaluator(EvaluatorStatus),
    /// 读卡器.
    Reader(ReaderStatus),
    /// 扫码器.
    Scanner(ScannerStatus),
}

/// How an evaluator stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluatorStatus {
    /// Pages that it can show.
    pub pages: Vec<PageKind>,
    /// Width and height in CSS pixels.
    pub screen: [u32; 2],
    /// Major version of the browser, when it is a Chromium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webview: Option<u32>,
    /// Generation of the page it last took; 0 before the first. The box goes on from the higher of this and its own.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// The command whose page is on the glass, if it is one that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<MessageId>,
}

/// 应答 (`up/ack`): word about a command, not yet its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The command.
    pub cmd: MessageId,
    /// Generation of its page (evaluators).
    #[serde(rename = "gen", default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// How far it is.
    #[serde(flatten)]
    pub status: AckStatus,
    /// The device's clock.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_time")]
    pub at: Option<Timestamp>,
}

/// How far a command is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum AckStatus {
    /// Taken, not yet carried out.
    Received,
    /// Painted; `digest` is over what was painted.
    Shown {
        /// Digest of the data on the glass.
        digest: Digest,
    },
    /// The reader waits for a card.
    Waiting {
        /// What to do with it.
        #[serde(default, skip_serializing_if = "CardAsk::is_place")]
        ask: CardAsk,
    },
    /// 正在读卡: a card lies on the reader and is being read.
    Reading,
    /// The citizen asks for more time. The box answers with [`ControlAction::Extend`] or not at all.
    Extend,
    /// Not carried out.
    Rejected {
        /// Why.
        reason: AckRefusal,
    },
}

/// 放卡: what the people at the window should do with the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardAsk {
    /// The card that was read before may still lie there; it must leave first.
    TakeAway,
    /// The card left before it was read, or must be lifted and laid down once more.
    PlaceAgain,
    /// Several attempts failed: the card alone, without phone or cover.
    PlaceAlone,
    /// Lay a card down. Whatever a newer reader asks for begins with this.
    #[default]
    #[serde(other)]
    Place,
}

impl CardAsk {
    fn is_place(&self) -> bool {
        *self == Self::Place
    }
}

/// Why a command is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AckRefusal {
    /// Page, kind of card or protocol is unknown to the device.
    Unsupported,
    /// The digest is not that of the data.
    Digest,
    /// Its generation is not higher than that of the page shown.
    Generation,
    /// The command is of another binding.
    BindEpoch,
    /// The message could not be read.
    Malformed,
    /// The reader is unplugged or without its licence module.
    NotReady,
    /// Another read is going on.
    Busy,
    /// A reason of a newer device.
    #[serde(other)]
    Other,
}

/// 回执 (`down/receipt`): what became of an answer. The device stops sending it, whatever the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The answer.
    pub answer: MessageId,
    /// The command it answered.
    pub cmd: MessageId,
    /// What became of it.
    pub result: ReceiptResult,
    /// Why, for the technician; never shown to the citizen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptResult {
    /// 已登记: on disk.
    Accepted,
    /// Was on disk already.
    Duplicate,
    /// Came after its command was closed; never applied.
    Stale,
    /// Not valid.
    Rejected,
}

/// 心跳 (`up/hb`), every `hb_s` seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Number of the connection.
    pub bseq: u64,
    /// Generation of the page on the glass (evaluators).
    #[serde(rename = "gen", default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Seconds since the device's program started.
    pub up_s: u64,
    /// The device's clock when it sent this: a sample of its offset.
    #[serde(with = "wire_time")]
    pub t0: Timestamp,
    /// Answers that still wait for a receipt.
    pub q: u32,
}

/// 设备配置 (`down/config`, retained): nothing personal. Without `window` the device shows 未绑定.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Grows with each change.
    pub ver: u64,
    /// Name of the hall.
    pub hall: String,
    /// Window that the device is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowName>,
    /// Number of the binding; grows with each one.
    pub bind_epoch: u32,
    /// Seconds between heartbeats.
    pub hb_s: u16,
    /// A line for the idle page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// 窗口: code and what stands above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowName {
    /// "W01".
    pub code: String,
    /// "1号窗口".
    pub name: String,
}

/// 控制 (`down/ctl`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The same id is carried out once.
    pub id: MessageId,
    /// What to do.
    #[serde(flatten)]
    pub action: ControlAction,
}

/// What a control message asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ControlAction {
    /// 延长时间: the command's deadline is `ttl_ms` from now.
    Extend {
        /// The command.
        cmd: MessageId,
        /// Milliseconds from receipt.
        ttl_ms: u32,
        /// How often the citizen may ask again.
        left: u8,
    },
    /// Show which device this is, for the technician who stands before it.
    Identify,
    /// Load the program again.
    Reload,
    /// Say the birth again.
    Rebirth,
    /// Forget credentials and key, and show a new pairing code.
    Unpair,
}

/// 诊断 (`up/log`): one line without personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `error`, `warn` or `info`.
    pub level: LogLevel,
    /// A short code, stable between versions.
    pub code: String,
    /// The rest, in English.
    #[serde(default)]
    pub text: String,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Somebody must act.
    Error,
    /// Something went wrong and was mended.
    Warn,
    /// For the record.
    Info,
}

mod optional_time {
    use hall_domain::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::wire_time;

    #[derive(Serialize, Deserialize)]
    struct Wire(#[serde(with = "wire_time")] Timestamp);

    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Wire).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Wire>::deserialize(deserializer)?.map(|wire| wire.0))
    }
}

#[cfg(test)]
mod tests;
