//! Messages of the card reader (读卡器) and its driver.

use hall_domain::{IdentityCard, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, MessageId};
use crate::wire_time;

/// 读卡 (`down/read`): wait for a card and read it for one case. MQTT expiry is `ttl_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The command.
    pub id: MessageId,
    /// Binding under which it was issued.
    pub bind_epoch: u32,
    /// Window code.
    pub window: String,
    /// Opaque binding to a case: comes back signed, so that a card read for one case is never used for another.
    pub case: String,
    /// What is wanted of the card.
    pub want: Want,
    /// Milliseconds from receipt until the reader gives up.
    pub ttl_ms: u32,
}

/// What is wanted of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// 身份证: text and photo of an identity card or residence permit.
    IdentityCard,
}

/// 停止读卡 (`down/stop`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The read command to stop.
    pub id: MessageId,
}

/// How a card reader stands, in its birth under `"reader"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderStatus {
    /// Kind of protocol: "samv", "pcsc" or "virtual".
    pub kind: ReaderSource,
    /// Where it is plugged in, or the name by which the smart card service knows it.
    pub port: String,
    /// Number of the SAM_V module, when it has told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sam: Option<String>,
    /// Whether it can read now.
    pub state: ReaderCondition,
}

/// 数据来源: where card data comes from. A virtual card is never mistaken for a real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReaderSource {
    /// A SAM_V module on a serial line.
    Samv,
    /// A reader behind the terminal's smart card service (PC/SC).
    Pcsc,
    /// A simulator.
    Virtual,
}

/// Whether a reader can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReaderCondition {
    /// 就绪.
    Ready,
    /// 未接入.
    Unplugged,
    /// Its licence module does not answer.
    NoLicence,
    /// 读卡服务未运行: the terminal's smart card service is down.
    ServiceDown,
    /// 卡住: a card got it stuck, and must be taken away.
    Stuck,
}

/// 读卡结果 (`up/answer`, inside a JWS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderAnswer {
    /// The answer; sent again with the same bytes until a receipt comes.
    pub id: MessageId,
    /// Who signs.
    pub dev: DeviceId,
    /// The read that is answered.
    pub cmd: MessageId,
    /// Its binding.
    pub bind_epoch: u32,
    /// Its case.
    pub case: String,
    /// `outcome` with `card` or `reason`.
    #[serde(flatten)]
    pub outcome: ReadOutcome,
    /// Number of the SAM_V module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sam: Option<String>,
    /// Where the data comes from.
    pub source: ReaderSource,
    /// Grows with each answer of the device; written to its store before the answer is sent.
    pub counter: u64,
    /// Start of the driver.
    pub boot: MessageId,
    /// The driver's clock: evidence only.
    #[serde(with = "wire_time")]
    pub dev_time: Timestamp,
}

/// What came of a read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum ReadOutcome {
    /// A card was read.
    Read {
        /// What is on it.
        card: Box<IdentityCard>,
    },
    /// None was.
    Failed {
        /// Why.
        reason: ReadFailure,
    },
}

/// 读卡失败原因.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadFailure {
    /// 未放卡: no card was laid down in time.
    Timeout,
    /// 读卡中断: the card was lifted during the read.
    CardLifted,
    /// 无法读取: the card answers, but what it says cannot be read.
    Unreadable,
    /// 读卡器故障: the line to the reader carries garbage.
    ReaderFault,
    /// 读卡器未接入.
    Unplugged,
    /// The clerk stopped it.
    Stopped,
    /// A kind of card that this reader does not read.
    Unsupported,
    /// 社会保障卡: it proves no identity.
    SocialSecurityCard,
    /// 读卡器被占用: by another program, or by a card that does not answer.
    Busy,
    /// 读卡服务未运行.
    ServiceDown,
}

impl ReadFailure {
    /// What the clerk reads: what happened and what to do.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Timeout => "未检测到证件，请把证件平放在读卡器上，再按“读卡”。",
            Self::CardLifted => "读卡时证件被移开，请放好证件，等提示音后再取走，然后重新读卡。",
            Self::Unreadable => {
                "这张证件读不出来，请换个方向再放一次；仍读不出时，请办事人出示其他有效证件。"
            }
            Self::ReaderFault => "读卡器通信异常，请重新插拔读卡器；仍异常时请联系运维人员。",
            Self::Unplugged => "没有找到读卡器，请检查连接线后重新读卡。",
            Self::Stopped => "读卡已停止，需要时请重新按“读卡”。",
            Self::Unsupported => "这种证件不能在本读卡器上读取，请使用居民身份证、居住证或永久居留身份证。",
            Self::SocialSecurityCard => {
                "这是社会保障卡，不能代替身份证核验身份，请办事人出示居民身份证后重新读卡；没有带的，请换其他核验方式。"
            }
            Self::Busy => {
                "读卡器被其他程序占用，或卡片没有应答，请拿走卡片稍候再读卡；仍不行时请联系运维人员。"
            }
            Self::ServiceDown => {
                "读卡服务没有运行，恢复后会自动接上，请稍候再读卡；一直不恢复时请联系运维人员。"
            }
        }
    }
}
