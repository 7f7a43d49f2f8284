//! Commands to a smart card and their answers (ISO/IEC 7816-4), over whatever carries them.

use std::fmt;

use zeroize::Zeroizing;

use crate::ReadError;

/// What a profile may say to a card: SELECT, READ BINARY, READ RECORD, GET RESPONSE. Nothing that writes, and above all nothing that
/// counts: a wrong VERIFY locks the citizen's card, so no profile can send one.
const HARMLESS: [u8; 4] = [SELECT, READ_BINARY, READ_RECORD, GET_RESPONSE];
/// SELECT.
pub const SELECT: u8 = 0xA4;
/// READ BINARY.
pub const READ_BINARY: u8 = 0xB0;
/// READ RECORD.
pub const READ_RECORD: u8 = 0xB2;
const GET_RESPONSE: u8 = 0xC0;

/// Most pieces of one answer; more is a card that talks nonsense.
const MOST_PIECES: usize = 32;

/// Why a profile cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Another program has reset the card: what was selected is forgotten, so the profile starts over.
    Reset,
    /// The read ends, or the card must be laid down anew.
    Ended(ReadError),
}

impl From<ReadError> for Broken {
    fn from(error: ReadError) -> Self {
        Self::Ended(error)
    }
}

/// An answer, put together. `Debug` tells its length and status only.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Without the status.
    pub data: Zeroizing<Vec<u8>>,
    /// SW1 SW2.
    pub status: u16,
}

impl Answer {
    /// Whether the status is 9000.
    pub fn is_ok(&self) -> bool {
        self.status == 0x9000
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} bytes, {:04X})", self.data.len(), self.status)
    }
}

/// 卡片通道: a line to one card.
pub trait ApduChannel {
    /// Sends one command as it is and brings the raw answer, status included.
    ///
    /// # Errors
    /// If the card or the reader is gone, or another program has interfered.
    fn exchange(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken>;

    /// Sends one command and puts its answer together: fetches what waits (61xx) and repeats with the right length (6Cxx).
    ///
    /// # Errors
    /// As [`Self::exchange`]. [`ReadError::Removed`] for an answer without a status: that is how PC/SC shows a card that was pulled in
    /// the middle of a command. [`ReadError::Unsupported`], without asking the card, for a command that does not only read.
    fn transmit(&mut self, apdu: &[u8]) -> Result<Answer, Broken> {
        let &[class, instruction, p1, p2, ..] = apdu else { return Err(ReadError::Unsupported.into()) };
        if !HARMLESS.contains(&instruction) {
            return Err(ReadError::Unsupported.into());
        }
        let mut answer = self.exchange(apdu)?;
        // Where a wrong length is answered to: the command itself, then each fetch.
        let mut asked = [class, instruction, p1, p2];
        let mut data = Zeroizing::new(Vec::new());
        let mut repeated = false;
        for _ in 0..MOST_PIECES {
            let Some((body, [sw1, sw2])) = answer.split_last_chunk::<2>() else {
                return Err(ReadError::Removed.into());
            };
            answer = match *sw1 {
                0x61 => {
                    data.extend_from_slice(body);
                    asked = [class, GET_RESPONSE, 0, 0];
                    repeated = false;
                    self.exchange(&[class, GET_RESPONSE, 0, 0, *sw2])?
                }
                0x6C if !repeated => {
                    repeated = true;
                    let [class, instruction, p1, p2] = asked;
                    self.exchange(&[class, instruction, p1, p2, *sw2])?
                }
                _ => {
                    data.extend_from_slice(body);
                    return Ok(Answer { data, status: u16::from_be_bytes([*sw1, *sw2]) });
                }
            };
        }
        Err(ReadError::ReplaceCard.into())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Says what it was told to, and remembers what it was asked.
    #[derive(Default)]
    pub(crate) struct Script {
        pub(crate) answers: Vec<Result<Vec<u8>, Broken>>,
        pub(crate) asked: Vec<Vec<u8>>,
    }

    impl ApduChannel for Script {
        fn exchange(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
            self.asked.push(apdu.to_vec());
            let at = self.asked.len() - 1;
            self.answers
                .get(at)
                .expect("the profile asks for more than the script holds")
                .clone()
                .map(Zeroizing::new)
        }
    }

    fn script(answers: &[&[u8]]) -> Script {
        Script { answers: answers.iter().map(|answer| Ok(answer.to_vec())).collect(), asked: Vec::new() }
    }

    #[test]
    fn an_answer_in_pieces_is_fetched_and_a_wrong_length_is_asked_again_once() {
        let mut card = script(&[&[0x6C, 0x03], &[1, 0x61, 0x02], &[0x6C, 0x01], &[2, 0x90, 0x00]]);
        let answer = card.transmit(&[0x00, READ_RECORD, 0x07, 0x04, 0x0B]).unwrap();
        assert!(answer.is_ok());
        assert_eq!(*answer.data, [1, 2]);
        assert_eq!(
            card.asked,
            [
                vec![0x00, READ_RECORD, 0x07, 0x04, 0x0B],
                vec![0x00, READ_RECORD, 0x07, 0x04, 0x03],
                vec![0x00, GET_RESPONSE, 0, 0, 0x02],
                vec![0x00, GET_RESPONSE, 0, 0, 0x01],
            ]
        );
        let mut card = script(&[&[0x6C, 0x03], &[0x6C, 0x04]]);
        assert_eq!(card.transmit(&[0x00, READ_BINARY, 0, 0, 0]).unwrap().status, 0x6C04);
    }

    #[test]
    fn an_answer_without_a_status_is_a_card_that_was_pulled() {
        for short in [&[][..], &[0x90][..]] {
            let mut card = script(&[short]);
            assert_eq!(card.transmit(&[0x00, SELECT, 0, 0]), Err(ReadError::Removed.into()));
        }
    }

    #[test]
    fn a_card_that_never_stops_talking_is_given_up() {
        let mut card = script(&vec![&[0x61, 0x10][..]; 64]);
        assert_eq!(card.transmit(&[0x00, READ_BINARY, 0, 0, 0]), Err(ReadError::ReplaceCard.into()));
    }

    #[test]
    fn no_command_that_counts_or_changes_anything_reaches_a_card() {
        for instruction in (0..=0xFF).filter(|instruction| !HARMLESS.contains(instruction)) {
            let mut card = script(&[]);
            assert_eq!(card.transmit(&[0x00, instruction, 0, 0, 3]), Err(ReadError::Unsupported.into()));
            assert!(card.asked.is_empty());
        }
    }
}
