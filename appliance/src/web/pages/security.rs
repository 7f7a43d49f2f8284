//! 安全事件: what was not in order at the box's doors.

use askama::Template;

use super::frame::{Frame, Tone};

/// 安全事件页.
#[derive(Debug, Clone, Template)]
#[template(path = "security.html")]
pub struct SecurityPage {
    /// The frame.
    pub frame: Frame,
    /// The events of this page, newest first.
    pub rows: Vec<SecurityRow>,
    /// Which page, from 1.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
    /// How many events there are in all.
    pub total: u32,
}

/// One event. Nothing personal.
#[derive(Debug, Clone)]
pub struct SecurityRow {
    /// When, "14:03" or "11-20 16:40".
    pub at: String,
    /// What kind of thing did it, ready word: 评价器, 读卡器, 登录.
    pub kind: String,
    /// The window where it stands; may be empty.
    pub window: String,
    /// Identifier of the device, or the address of a computer.
    pub source: String,
    /// What happened, ready sentence.
    pub sentence: String,
    /// Its tone.
    pub tone: Tone,
}
