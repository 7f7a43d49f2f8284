//! 同步: the line, how old the box's knowledge is, and what has reached the province.

use askama::Template;

use super::frame::{Frame, Tone};

/// 同步页.
#[derive(Debug, Clone, Template)]
#[template(path = "sync.html")]
pub struct SyncPage {
    /// The frame; its line state is the heading.
    pub frame: Frame,
    /// What the state of the line means for work at the windows, ready sentence.
    pub meaning: String,
    /// What the box knows and how old it is: token, status list, catalogue, trust.
    pub knowledge: Vec<Knowledge>,
    /// 信任: whose signatures count, until when, and how the clock is.
    pub trust: TrustView,
    /// What has not reached the province.
    pub backlog: Backlog,
    /// The last receipt; none before the first.
    pub receipt: Option<ReceiptRow>,
    /// 附件 on their way.
    pub blobs: Vec<BlobRow>,
    /// What happened on the line, newest first.
    pub events: Vec<SyncEvent>,
    /// What the technician can do now, each with its command; most useful first.
    pub remedies: Vec<Remedy>,
    /// This box in the ledger: identifier and incarnation, ready text.
    pub identity: String,
}

impl SyncPage {
    /// Whether something could not be sent.
    pub fn stuck(&self) -> bool {
        self.blobs.iter().any(|blob| !blob.trouble.is_empty())
    }

    /// Whether this person may read 待处理, and so take its list away.
    pub fn exports(&self) -> bool {
        self.frame.rail.iter().any(|entry| entry.desk == super::frame::Desk::Findings)
    }
}

/// One thing the box knows, with its age.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// What, ready words: 时效令牌, 证照状态清单, 事项目录, 信任包.
    pub what: String,
    /// Version or size, ready text; may be empty.
    pub detail: String,
    /// Age in seconds; none when there is none yet.
    pub age_s: Option<u64>,
    /// Until when it may be used, ready text; may be empty.
    pub until: String,
    /// Its tone.
    pub tone: Tone,
}

/// 信任: the trust bundle, the centre's keys and the clock.
#[derive(Debug, Clone)]
pub struct TrustView {
    /// Version of the bundle, ready text.
    pub version: String,
    /// When it was made, ready text; empty before the first.
    pub issued: String,
    /// Until when it lasts, ready text; empty for a box without a root.
    pub until: String,
    /// How long that is, ready words.
    pub left: String,
    /// Tone of that.
    pub tone: Tone,
    /// The centre's keys, oldest first.
    pub keys: Vec<KeyRow>,
    /// How the clock is, ready words.
    pub clock: String,
    /// Tone of that.
    pub clock_tone: Tone,
}

/// One key of the centre.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// Its name, the first characters.
    pub name: String,
    /// What it is for now, ready words.
    pub state: String,
    /// Tone of that.
    pub tone: Tone,
    /// First day of what it signs, ready text; may be empty.
    pub from: String,
    /// Last day, ready text; may be empty.
    pub until: String,
}

/// 待传: what has not reached the province.
#[derive(Debug, Clone, Default)]
pub struct Backlog {
    /// Entries in the ledger.
    pub entries: u64,
    /// Entries that the province holds.
    pub kept: u64,
    /// Cases among the waiting entries.
    pub cases: u64,
    /// Bytes waiting, attachments included.
    pub bytes: u64,
    /// Age in seconds of the oldest waiting entry.
    pub oldest_s: Option<u64>,
    /// Share of the disk that is used, in percent.
    pub disk_percent: u8,
}

impl Backlog {
    /// Entries that wait.
    pub fn waiting(&self) -> u64 {
        self.entries.saturating_sub(self.kept)
    }
}

/// 收据: the province's signed word on what it holds.
#[derive(Debug, Clone)]
pub struct ReceiptRow {
    /// Entries it covers.
    pub size: u64,
    /// Epoch of the centre.
    pub epoch: u64,
    /// When, "11-21 10:54:20".
    pub at: String,
    /// Seconds ago.
    pub age_s: u64,
    /// First characters of the root.
    pub root: String,
}

/// One attachment or package on its way.
#[derive(Debug, Clone)]
pub struct BlobRow {
    /// First characters of its identifier.
    pub id: String,
    /// Case it belongs to.
    pub case: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Chunks that the province has.
    pub chunks_done: u32,
    /// Chunks in all.
    pub chunks: u32,
    /// Why it could not be sent, ready sentence; empty while nothing is wrong.
    pub trouble: String,
}

/// One event on the line.
#[derive(Debug, Clone)]
pub struct SyncEvent {
    /// When, "11-21 10:54:20".
    pub at: String,
    /// What, ready sentence.
    pub what: String,
    /// Its tone.
    pub tone: Tone,
}

/// What the technician can do.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// When this helps, ready sentence.
    pub when: String,
    /// What to do, ready sentence.
    pub todo: String,
    /// The same as a command; may be empty.
    pub command: String,
}
