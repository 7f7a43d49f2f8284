//! 设备: the windows with their citizen's screen, card reader and scanner, and pairing a new device.

use askama::Template;

use super::frame::{Frame, Tone};

/// 设备页.
#[derive(Debug, Clone, Template)]
#[template(path = "devices.html")]
pub struct DevicesPage {
    /// The frame.
    pub frame: Frame,
    /// The windows, those with trouble first.
    pub windows: Vec<WindowRow>,
    /// Devices that ask to be paired now.
    pub asking: Vec<Asking>,
    /// The pairing form.
    pub pairing: Pairing,
    /// 公告 on the evaluators.
    pub notice: NoticeForm,
    /// Whether this person may pair and unbind.
    pub may_change: bool,
    /// The box's data folder, for the same as a command.
    pub folder: String,
}

impl DevicesPage {
    /// How many windows have trouble.
    pub fn troubled(&self) -> usize {
        self.windows.iter().filter(|window| window.troubled()).count()
    }
}

/// 公告: the line that hangs, or what was typed and refused.
#[derive(Debug, Clone, Default)]
pub struct NoticeForm {
    /// The text in the field.
    pub text: String,
    /// Why it was refused, ready sentence.
    pub error: Option<String>,
}

/// 窗口: one window with its devices.
#[derive(Debug, Clone)]
pub struct WindowRow {
    /// Identifier, `W01`.
    pub id: String,
    /// Name.
    pub label: String,
    /// Clerk who sits there now; empty for nobody.
    pub clerk: String,
    /// 评价器.
    pub evaluator: Slot,
    /// 读卡器.
    pub reader: Slot,
    /// 扫码器 on a serial port, where there is one; most windows have one that types.
    pub scanner: Option<Slot>,
}

impl WindowRow {
    /// Whether a device of this window needs a person.
    pub fn troubled(&self) -> bool {
        let slots = [Some(&self.evaluator), Some(&self.reader), self.scanner.as_ref()];
        slots.into_iter().flatten().any(|slot| slot.state.tone() == Tone::Harm)
    }
}

/// The place of one device at a window.
#[derive(Debug, Clone)]
pub struct Slot {
    /// How it is.
    pub state: DeviceState,
    /// The device bound here; none when the place is empty.
    pub device: Option<Device>,
    /// The one thing to do next, ready sentence; empty when nothing is to do.
    pub todo: String,
}

/// 设备.
#[derive(Debug, Clone)]
pub struct Device {
    /// Identifier, `ev-01j…`.
    pub id: String,
    /// Model or kind, such as "SAM_V 串口".
    pub model: String,
    /// Version of its software.
    pub version: String,
    /// Seconds since it was last heard.
    pub seen_s: u64,
}

/// 设备状态.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// 正常.
    Ready,
    /// 使用中.
    Busy,
    /// 离线.
    Offline,
    /// 已拔出: the driver answers, the reader is not there.
    Unplugged,
    /// 故障: the reader's security module refuses, or the device reports an error.
    Faulty,
    /// 服务停了: the window's machine does not serve readers.
    ServiceDown,
    /// 卡住: the card on the reader does not answer.
    Stuck,
    /// 已隔离: its answers were rejected several times; it has to be looked at and paired anew.
    Quarantined,
    /// 未配.
    Empty,
}

impl DeviceState {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Ready => "正常",
            Self::Busy => "使用中",
            Self::Offline => "离线",
            Self::Unplugged => "已拔出",
            Self::Faulty => "故障",
            Self::ServiceDown => "服务停了",
            Self::Stuck => "卡住",
            Self::Quarantined => "已隔离",
            Self::Empty => "未配",
        }
    }

    /// Its tone.
    pub fn tone(self) -> Tone {
        match self {
            Self::Ready => Tone::Good,
            Self::Busy => Tone::Busy,
            Self::Offline
            | Self::Unplugged
            | Self::Faulty
            | Self::ServiceDown
            | Self::Stuck
            | Self::Quarantined => Tone::Harm,
            Self::Empty => Tone::Plain,
        }
    }
}

/// A device that shows a pairing code and waits for a technician.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Kind of device, ready word.
    pub kind: String,
    /// Model.
    pub model: String,
    /// First characters of its key's fingerprint, to compare with its screen.
    pub fingerprint: String,
    /// Seconds until its code runs out.
    pub left_s: u64,
}

/// 配对: the form.
#[derive(Debug, Clone, Default)]
pub struct Pairing {
    /// The code as typed.
    pub code: String,
    /// The window chosen.
    pub window: String,
    /// What is wrong, ready sentence.
    pub error: Option<String>,
}
