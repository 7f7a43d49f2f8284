//! Cards without a fault.

use encoding_rs::GB18030;
use hall_domain::IdentityCard;
use hall_readers::profiles::{id_escape, ssc};
use hall_readers::samv::text::{self, TextError};

use super::{Reply, VirtualCard};

const OK: [u8; 2] = [0x90, 0x00];
const NOT_FOUND: [u8; 2] = [0x6A, 0x82];
const NO_RECORD: [u8; 2] = [0x6A, 0x83];
const NOT_ALLOWED: [u8; 2] = [0x69, 0x82];
const UNKNOWN_INSTRUCTION: [u8; 2] = [0x6D, 0x00];
const WRONG_PARAMETERS: [u8; 2] = [0x6A, 0x86];

/// 居民身份证, as a reader with a hidden SAM_V module shows it: six blocks of a storage card.
pub struct IdEscape {
    data: Vec<u8>,
}

impl IdEscape {
    /// The card of one person.
    ///
    /// # Errors
    /// If a text does not fit on a card.
    pub fn new(card: &IdentityCard) -> Result<Self, TextError> {
        Ok(Self { data: text::build(card)?.bytes() })
    }
}

impl VirtualCard for IdEscape {
    fn atr(&self) -> Vec<u8> {
        // T=0 and T=1, thirteen historical bytes with the mark of such readers in the middle, check byte.
        let mut atr = vec![0x3B, 0x8D, 0x80, 0x01];
        atr.extend_from_slice(b"VIRTUALID");
        atr.extend_from_slice(&[0x90, 0x00, 0x00, 0x00]);
        atr.push(atr.iter().skip(1).fold(0, |check, byte| check ^ byte));
        atr
    }

    fn reset(&mut self) {}

    fn apdu(&mut self, apdu: &[u8]) -> Reply {
        let &[0xFF, 0xB0, block, 0x00, ..] = apdu else { return Reply::Answer(UNKNOWN_INSTRUCTION.to_vec()) };
        if block >= id_escape::BLOCKS {
            return Reply::Answer(WRONG_PARAMETERS.to_vec());
        }
        let at = usize::from(block) * 256;
        let end = (at + 256).min(self.data.len());
        let mut answer = self.data.get(at..end).unwrap_or_default().to_vec();
        answer.extend_from_slice(&OK);
        Reply::Answer(answer)
    }
}

/// 社会保障卡. Says what it has in pieces, as cards with the old transmission protocol do.
pub struct Ssc {
    version: &'static [u8; 4],
    number: Vec<u8>,
    name: Vec<u8>,
    application: bool,
    file: Option<u16>,
    /// What GET RESPONSE brings.
    waiting: Vec<u8>,
}

impl Ssc {
    /// First or second generation: name and number are free.
    pub fn old(name: &str, number: &str) -> Self {
        Self::new(b"2.00", name, number)
    }

    /// Third generation: name and number only after a PIN.
    pub fn third_generation(name: &str, number: &str) -> Self {
        Self::new(b"3.00", name, number)
    }

    fn new(version: &'static [u8; 4], name: &str, number: &str) -> Self {
        let mut padded = GB18030.encode(name).0.into_owned();
        padded.resize(30, b' ');
        Self {
            version,
            number: number.as_bytes().to_vec(),
            name: padded,
            application: false,
            file: None,
            waiting: Vec::new(),
        }
    }

    fn select(&mut self, by: u8, name: &[u8]) -> Vec<u8> {
        match (by, name) {
            (0x04, name) if name == ssc::APPLICATION => {
                (self.application, self.file) = (true, None);
                self.waiting = b"\x6F\x11\x84\x0F".iter().chain(ssc::APPLICATION).copied().collect();
                vec![0x61, self.waiting.len() as u8]
            }
            (0x00, [high, low]) if self.application => {
                let file = u16::from_be_bytes([*high, *low]);
                if !matches!(file, ssc::CARD_FILE | ssc::HOLDER_FILE) {
                    return NOT_FOUND.to_vec();
                }
                self.file = Some(file);
                OK.to_vec()
            }
            _ => NOT_FOUND.to_vec(),
        }
    }

    fn record(&self, tag: u8, length: u8) -> Vec<u8> {
        let free = self.version[0] < b'3';
        let value: &[u8] = match (self.file, tag) {
            (Some(ssc::CARD_FILE), ssc::VERSION) => self.version,
            (Some(ssc::HOLDER_FILE), _) if !free => return NOT_ALLOWED.to_vec(),
            (Some(ssc::HOLDER_FILE), ssc::NUMBER) => &self.number,
            (Some(ssc::HOLDER_FILE), ssc::NAME) => &self.name,
            _ => return NO_RECORD.to_vec(),
        };
        let whole = value.len() as u8 + 2;
        if length != whole {
            return vec![0x6C, whole];
        }
        let mut answer = vec![tag, value.len() as u8];
        answer.extend_from_slice(value);
        answer.extend_from_slice(&OK);
        answer
    }
}

impl VirtualCard for Ssc {
    fn atr(&self) -> Vec<u8> {
        // T=0 only, so there is no check byte.
        let mut atr = vec![0x3B, 0x6A, 0x00, 0x00];
        atr.extend_from_slice(b"VIRTUALSSC");
        atr
    }

    fn reset(&mut self) {
        (self.application, self.file) = (false, None);
        self.waiting.clear();
    }

    fn apdu(&mut self, apdu: &[u8]) -> Reply {
        let answer = match apdu {
            [0x00, 0xA4, by, 0x00, length, name @ ..] if name.len() >= usize::from(*length) => {
                self.select(*by, name.get(..usize::from(*length)).unwrap_or_default())
            }
            [0x00, 0xC0, 0x00, 0x00, length] => {
                let rest = self.waiting.split_off(self.waiting.len().min(usize::from(*length)));
                let mut answer = std::mem::replace(&mut self.waiting, rest);
                answer.extend_from_slice(&OK);
                answer
            }
            [0x00, 0xB2, tag, 0x00 | 0x04, length] => self.record(*tag, *length),
            // A PIN that is tried counts, right or wrong.
            [0x00, 0x20, ..] => vec![0x63, 0xC2],
            _ => UNKNOWN_INSTRUCTION.to_vec(),
        };
        Reply::Answer(answer)
    }
}

/// A card that nobody here knows: a bank's, a bus company's.
pub struct Foreign;

impl VirtualCard for Foreign {
    fn atr(&self) -> Vec<u8> {
        vec![0x3B, 0x63, 0x00, 0x00, b'B', b'U', b'S']
    }

    fn reset(&mut self) {}

    fn apdu(&mut self, _apdu: &[u8]) -> Reply {
        Reply::Answer(NOT_FOUND.to_vec())
    }
}
