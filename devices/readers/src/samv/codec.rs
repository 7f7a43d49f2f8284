//! SAM_V frames: preamble, big-endian length, body, XOR. No I/O and no clock; never panics on any bytes.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// What every frame starts with, in both directions.
pub const PREAMBLE: [u8; 5] = [0xAA, 0xAA, 0xAA, 0x96, 0x69];

/// The longest frame that is believed, as its length field counts (body and XOR byte). The longest real one is
/// 2,314; a larger number is noise on the line.
pub const MAX_LEN: usize = 4096;

/// Bytes of the text block in an answer to a read.
pub const TEXT_BYTES: usize = 256;

/// Bytes of the compressed photo (WLT) that a module sends.
pub const PHOTO_BYTES: usize = 1024;

const HEADER_BYTES: usize = PREAMBLE.len() + 2;
/// Command, parameter, XOR: nothing shorter is a frame.
const MIN_LEN: usize = 3;

/// A request to the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// Restart the module (`10 FF`).
    ResetSam,
    /// Ask whether the module works (`11 FF`).
    Status,
    /// Ask for the module's number (`12 FF`), the proof that it is a licensed one.
    SamNumber,
    /// 找卡: look for a card that was not read yet (`20 01`).
    FindCard,
    /// 选卡: choose the card that was found (`20 02`).
    SelectCard,
    /// 读卡: text and photo (`30 01`).
    ReadTextPhoto,
    /// The newest address written to the card (`30 03`).
    ReadNewestAddress,
    /// Text, photo and fingerprint (`30 10`).
    ReadTextPhotoFingerprint,
    /// Line speed (`60 nn`).
    SetBaud(Baud),
    /// Longest radio frame (`61 FF`), which some modules want to be told after power-up; 0x50 is usual.
    SetMaxRfFrame(u8),
}

/// Line speeds a module can be set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Baud {
    B115200 = 0,
    B57600 = 1,
    B38400 = 2,
    B19200 = 3,
    B9600 = 4,
}

impl Command {
    /// The whole frame, ready for the line.
    pub fn frame(self) -> Vec<u8> {
        let (command, parameter) = self.bytes();
        match self {
            Self::SetMaxRfFrame(size) => encode(&[command, parameter, size]),
            _ => encode(&[command, parameter]),
        }
    }

    /// What a module understands from a frame's body; `None` is what it answers with status 21.
    pub fn parse(body: &[u8]) -> Option<Self> {
        Some(match body {
            [0x10, 0xFF] => Self::ResetSam,
            [0x11, 0xFF] => Self::Status,
            [0x12, 0xFF] => Self::SamNumber,
            [0x20, 0x01] => Self::FindCard,
            [0x20, 0x02] => Self::SelectCard,
            [0x30, 0x01] => Self::ReadTextPhoto,
            [0x30, 0x03] => Self::ReadNewestAddress,
            [0x30, 0x10] => Self::ReadTextPhotoFingerprint,
            [0x60, 0] => Self::SetBaud(Baud::B115200),
            [0x60, 1] => Self::SetBaud(Baud::B57600),
            [0x60, 2] => Self::SetBaud(Baud::B38400),
            [0x60, 3] => Self::SetBaud(Baud::B19200),
            [0x60, 4] => Self::SetBaud(Baud::B9600),
            [0x61, 0xFF, size] => Self::SetMaxRfFrame(*size),
            _ => return None,
        })
    }

    fn bytes(self) -> (u8, u8) {
        match self {
            Self::ResetSam => (0x10, 0xFF),
            Self::Status => (0x11, 0xFF),
            Self::SamNumber => (0x12, 0xFF),
            Self::FindCard => (0x20, 0x01),
            Self::SelectCard => (0x20, 0x02),
            Self::ReadTextPhoto => (0x30, 0x01),
            Self::ReadNewestAddress => (0x30, 0x03),
            Self::ReadTextPhotoFingerprint => (0x30, 0x10),
            Self::SetBaud(baud) => (0x60, baud as u8),
            Self::SetMaxRfFrame(_) => (0x61, 0xFF),
        }
    }
}

/// The third status byte of an answer, which says how the command went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(pub u8);

impl Status {
    /// Done.
    pub const OK: Self = Self(0x90);
    /// No such content on the card.
    pub const NO_CONTENT: Self = Self(0x91);
    /// A card was found.
    pub const FOUND: Self = Self(0x9F);
    /// The checksum of our frame was wrong.
    pub const CHECKSUM: Self = Self(0x10);
    /// The length of our frame was wrong.
    pub const LENGTH: Self = Self(0x11);
    /// Unknown command or bad parameter.
    pub const COMMAND: Self = Self(0x21);
    /// The card refused the reader.
    pub const CARD_REFUSED: Self = Self(0x31);
    /// The reader refused the card.
    pub const READER_REFUSED: Self = Self(0x32);
    /// The check of the card's information failed.
    pub const INFORMATION: Self = Self(0x33);
    /// Not a card of this kind.
    pub const WRONG_CARD: Self = Self(0x40);
    /// Reading failed, usually because the card moved.
    pub const READ_FAILED: Self = Self(0x41);
    /// The exchange of random numbers with the card failed.
    pub const RANDOM: Self = Self(0x47);
    /// The module's self-test failed; it takes no commands.
    pub const SELF_TEST: Self = Self(0x60);
    /// The module is not licensed.
    pub const NOT_LICENSED: Self = Self(0x66);
    /// No card, or only one that was read already.
    pub const NO_CARD: Self = Self(0x80);
    /// Choosing the card failed.
    pub const SELECT_FAILED: Self = Self(0x81);
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({:02X})", self.0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

/// An answer of the module. `Debug` shows how long the data is, never what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The card's own two status bytes, usually 00 00.
    pub card_status: [u8; 2],
    /// How the command went.
    pub status: Status,
    /// What came with it.
    pub data: Zeroizing<Vec<u8>>,
}

impl Response {
    /// An answer without data.
    pub fn of(status: Status) -> Self {
        Self::with(status, Vec::new())
    }

    /// An answer with data.
    pub fn with(status: Status, data: Vec<u8>) -> Self {
        Self { card_status: [0, 0], status, data: Zeroizing::new(data) }
    }

    /// Takes a frame's body apart; `None` if it is too short to hold a status.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let [sw1, sw2, sw3, data @ ..] = body else { return None };
        Some(Self { card_status: [*sw1, *sw2], status: Status(*sw3), data: Zeroizing::new(data.to_vec()) })
    }

    /// The whole frame, ready for the line.
    pub fn frame(&self) -> Vec<u8> {
        let mut body = Zeroizing::new(Vec::with_capacity(self.data.len() + 3));
        body.extend_from_slice(&self.card_status);
        body.push(self.status.0);
        body.extend_from_slice(&self.data);
        encode(&body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.data.len())
    }
}

/// Wraps a body (at most [`MAX_LEN`] − 1 bytes; all of ours are) into a frame.
fn encode(body: &[u8]) -> Vec<u8> {
    debug_assert!(body.len() < MAX_LEN, "a frame's body is shorter than {MAX_LEN}");
    let len = u16::try_from(body.len() + 1).unwrap_or(u16::MAX).to_be_bytes();
    let mut frame = Vec::with_capacity(HEADER_BYTES + body.len() + 1);
    frame.extend_from_slice(&PREAMBLE);
    frame.extend_from_slice(&len);
    frame.extend_from_slice(body);
    frame.push(xor(&len) ^ xor(body));
    frame
}

fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Why bytes that looked like a frame are not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// A length that no frame has.
    #[error("frame states an impossible length of {0} bytes")]
    Length(usize),
    /// The XOR over length, body and check byte is not zero.
    #[error("frame has a wrong checksum")]
    Checksum,
}

/// Finds frames in whatever a line delivers: split, joined, with noise before, between and inside.
///
/// After a fault the search goes on one byte later, so a good frame that a broken one seemed to swallow is still
/// found. Call [`Decoder::frame`] until it returns `None` after each [`Decoder::push`]; what is kept then is
/// bounded by one frame of [`MAX_LEN`].
pub struct Decoder {
    kept: Zeroizing<Vec<u8>>,
}

impl Default for Decoder {
    fn default() -> Self {
        // Room for two frames, so that growing never leaves a copy of card data behind in freed memory.
        Self { kept: Zeroizing::new(Vec::with_capacity(2 * (MAX_LEN + HEADER_BYTES))) }
    }
}

impl Decoder {
    /// Adds what the line delivered.
    pub fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// The next frame's body (without length and XOR byte), or what was wrong with something that looked like a frame.
    pub fn frame(&mut self) -> Option<Result<Zeroizing<Vec<u8>>, FrameFault>> {
        self.drop_noise();
        let header: [u8; HEADER_BYTES] = self.kept.get(..HEADER_BYTES)?.try_into().ok()?;
        let len = usize::from(u16::from_be_bytes([header[5], header[6]]));
        if !(MIN_LEN..=MAX_LEN).contains(&len) {
            self.drop_front(1);
            return Some(Err(FrameFault::Length(len)));
        }
        let counted = self.kept.get(PREAMBLE.len()..HEADER_BYTES + len)?;
        if xor(counted) != 0 {
            self.drop_front(1);
            return Some(Err(FrameFault::Checksum));
        }
        let body = Zeroizing::new(counted.get(2..counted.len() - 1).unwrap_or_default().to_vec());
        self.drop_front(HEADER_BYTES + len);
        Some(Ok(body))
    }

    /// The line has gone quiet inside a frame: that frame will not be completed, look behind its start for another.
    pub fn give_up_frame(&mut self) {
        if self.kept.starts_with(&PREAMBLE) {
            self.drop_front(1);
        }
    }

    /// Whether the start of a frame, or of a preamble, is waiting for more.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        let all = self.kept.len();
        self.drop_front(all);
    }

    /// Drops what cannot be the start of a frame: all before a preamble, or before a tail that may become one.
    fn drop_noise(&mut self) {
        let start = self.kept.windows(PREAMBLE.len()).position(|w| w == PREAMBLE).unwrap_or_else(|| {
            let longest = self.kept.len().min(PREAMBLE.len() - 1);
            let tail = (1..=longest).rev().find(|n| self.kept.ends_with(&PREAMBLE[..*n])).unwrap_or(0);
            self.kept.len() - tail
        });
        self.drop_front(start);
    }

    fn drop_front(&mut self, count: usize) {
        let count = count.min(self.kept.len());
        let rest = self.kept.len() - count;
        self.kept.copy_within(count.., 0);
        self.kept[rest..].zeroize();
        self.kept.truncate(rest);
    }
}

/// What an answer to [`Command::ReadTextPhoto`] holds.
#[derive(Clone, PartialEq, Eq)]
pub struct CardData {
    /// The text block.
    pub text: Zeroizing<[u8; TEXT_BYTES]>,
    /// The compressed photo as the card gives it.
    pub photo: Zeroizing<Vec<u8>>,
}

impl CardData {
    /// Takes the data of a read answer apart: two big-endian lengths, text, photo; nothing left over.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let (lengths, rest) = data.split_at_checked(4)?;
        let [t1, t2, p1, p2] = lengths else { return None };
        let text_len = usize::from(u16::from_be_bytes([*t1, *t2]));
        let photo_len = usize::from(u16::from_be_bytes([*p1, *p2]));
        let (text, photo) = rest.split_at_checked(text_len)?;
        if photo.len() != photo_len {
            return None;
        }
        Some(Self { text: Zeroizing::new(text.try_into().ok()?), photo: Zeroizing::new(photo.to_vec()) })
    }

    /// The data of a read answer.
    pub fn bytes(&self) -> Vec<u8> {
        let photo_len = u16::try_from(self.photo.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut data = Vec::with_capacity(4 + TEXT_BYTES + self.photo.len());
        data.extend_from_slice(&[0x01, 0x00]);
        data.extend_from_slice(&photo_len);
        data.extend_from_slice(&*self.text);
        data.extend_from_slice(&self.photo);
        data
    }
}

impl fmt::Debug for CardData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardData(text hidden, photo of {} bytes)", self.photo.len())
    }
}

/// The number of a SAM_V module, as printed in the register of licensed readers: `05.03-20231201-0000000001-0000000002`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SamNumber {
    /// Maker's class, 05 for SAM_V.
    pub class: u16,
    /// Version.
    pub version: u16,
    /// Day of manufacture as a number, yyyymmdd.
    pub date: u32,
    /// Serial number, first part.
    pub serial: u32,
    /// Serial number, second part.
    pub check: u32,
}

impl SamNumber {
    /// From the 16 bytes of an answer to [`Command::SamNumber`], little-endian unlike the frames.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let bytes: &[u8; 16] = data.try_into().ok()?;
        let [c0, c1, v0, v1, d0, d1, d2, d3, s0, s1, s2, s3, k0, k1, k2, k3] = *bytes;
        Some(Self {
            class: u16::from_le_bytes([c0, c1]),
            version: u16::from_le_bytes([v0, v1]),
            date: u32::from_le_bytes([d0, d1, d2, d3]),
            serial: u32::from_le_bytes([s0, s1, s2, s3]),
            check: u32::from_le_bytes([k0, k1, k2, k3]),
        })
    }

    /// The 16 bytes that [`SamNumber::parse`] takes.
    pub fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[0..2].copy_from_slice(&self.class.to_le_bytes());
        bytes[2..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.date.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.serial.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.check.to_le_bytes());
        bytes
    }
}

impl fmt::Display for SamNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, version, date, serial, check } = self;
        write!(f, "{class:02}.{version:02}-{date}-{serial:010}-{check:010}")
    }
}

#[cfg(test)]
mod tests;
