//! What the box tells its people about the line.

use hall_domain::Timestamp;
use std::time::Duration;

/// 线路状态: the line as it is now, for the screens and for the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineStatus {
    /// Whether the last exchange with the centre worked.
    pub up: bool,
    /// When it became so.
    pub since: Timestamp,
    /// When the centre last answered properly, by the box's clock. None before the first time.
    pub last_contact: Option<Timestamp>,
    /// When the centre issued the freshness token that dates the cache, by the centre's clock.
    pub token_issued_at: Option<Timestamp>,
    /// Entries recorded here and not yet receipted.
    pub backlog: u64,
    /// Entries that the centre has receipted.
    pub receipted: u64,
    /// Blobs that the centre does not hold whole yet.
    pub pending_blobs: u64,
    /// Position in the feed.
    pub feed_seq: u64,
    /// Why the line is down.
    pub trouble: Option<Trouble>,
    /// What needs a person, though the line may be up.
    pub findings: Vec<crate::plan::Finding>,
    /// The centre's clock when it was last heard. None before the first time.
    pub heard: Option<CentreTime>,
}

/// 中心时间: what the centre's clock and the box's showed at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CentreTime {
    /// The centre's clock.
    pub centre: Timestamp,
    /// The box's, when the answer was here.
    pub here: Timestamp,
    /// How long the question and its answer were on their way.
    pub within_ms: u64,
}

impl LineStatus {
    /// A line that has not been tried yet.
    pub fn unknown(now: Timestamp) -> Self {
        Self {
            up: false,
            since: now,
            last_contact: None,
            token_issued_at: None,
            backlog: 0,
            receipted: 0,
            pending_blobs: 0,
            feed_seq: 0,
            trouble: None,
            findings: Vec::new(),
            heard: None,
        }
    }

    /// How long the line has been down. None while it is up.
    pub fn down_for(&self, now: Timestamp) -> Option<Duration> {
        if self.up {
            return None;
        }
        Some(Duration::from_millis(u64::try_from(now.0.saturating_sub(self.since.0)).unwrap_or(0)))
    }
}

/// 线路故障: why an exchange with the centre did not work. Nothing on the box changes because of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection: no route, refused, name unknown, cut in the middle.
    #[error("cannot reach the centre: {0}")]
    Unreachable(String),
    /// No answer within the time limit.
    #[error("the centre did not answer within {0:?}")]
    Slow(Duration),
    /// The centre's certificate is not of the pinned authority, or it refused ours.
    #[error("no trust between box and centre: {0}")]
    Untrusted(String),
    /// The centre answered that it cannot work now.
    #[error("the centre answered {status}")]
    Failing {
        /// HTTP status, 500 to 599.
        status: u16,
        /// When it asked to be tried again.
        retry_after: Option<Duration>,
    },
    /// The centre has too much to do.
    #[error("the centre is busy")]
    Busy {
        /// When it asked to be tried again.
        retry_after: Option<Duration>,
    },
    /// The centre does not let this box in.
    #[error("the centre refused the request with {status}: {reason}")]
    Refused {
        /// HTTP status, 400 to 499.
        status: u16,
        /// Its reason, shortened.
        reason: String,
    },
    /// An answer that cannot be understood or whose signature is not the centre's.
    #[error("the centre's answer to {request} is not acceptable: {reason}")]
    Garbage {
        /// Which request.
        request: &'static str,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The box's own storage failed; the line may be fine.
    #[error("the box cannot use its storage: {0}")]
    Storage(String),
}

impl Trouble {
    /// One Chinese sentence: what is wrong and what to do.
    pub fn zh(&self) -> String {
        match self {
            Self::Unreachable(_) => "连不上省级中心，请检查外网线路；本厅可继续离线办理。".to_owned(),
            Self::Slow(limit) => {
                format!("省级中心 {} 秒内没有应答，线路可能拥堵；系统会自动重试。", limit.as_secs().max(1))
            }
            Self::Untrusted(_) => {
                "与省级中心互不信任（证书不符），请运维人员核对中心地址和证书，必要时重新入网。".to_owned()
            }
            Self::Failing { status, .. } => {
                format!("省级中心报告故障（代码 {status}），系统会自动重试；持续出现请联系中心值班。")
            }
            Self::Busy { .. } => "省级中心繁忙，系统会稍后自动重试。".to_owned(),
            Self::Refused { status, .. } => {
                format!("省级中心拒绝了本机请求（代码 {status}），请运维人员检查本机入网状态。")
            }
            Self::Garbage { .. } => {
                "收到的应答不是省级中心的有效应答，已忽略；可能有登录页或代理拦截，请检查外网线路。"
                    .to_owned()
            }
            Self::Storage(_) => "本机存储出现故障，请运维人员立即检查磁盘。".to_owned(),
        }
    }

    /// When the centre asked to be tried again, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failing { retry_after, .. } | Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }
}
