//! What to say to a module to get one card out of it: find, select, read, and what to do when any of them fails.
//!
//! Pure: fed with answers, it returns the next step. The task in [`super::driver`] carries the steps out.

use hall_domain::IdentityCard;

use super::codec::{CardData, Command, Response, Status};
use super::text;
use crate::ReadError;

/// Failed triples after which the citizen is asked to lay the card down anew.
const TRIPLES: u8 = 3;
/// Times a command is said again when its answer was damaged on the line or did not come.
const REPEATS: u8 = 2;

/// What came back for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A good frame.
    Response(Response),
    /// Bytes, but no good frame.
    Garbled,
    /// Nothing.
    Silent,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this at once.
    Send(Command),
    /// Send this after the pause between two looks for a card.
    SendAfterPause(Command),
    /// The card is read.
    Done(Box<IdentityCard>),
    /// Trying on would not help.
    Failed(ReadError),
}

/// How far a read is, for the people at the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadProgress {
    /// 请放卡: waiting for a card.
    WaitingForCard,
    /// 请先拿开: the card read before may still lie there; the module shows it no second time.
    TakeCardAway,
    /// 正在读卡: a card was found.
    Reading,
    /// The card left before it was read, or must be lifted once for another attempt.
    PlaceAgain,
    /// Three attempts failed with the card in place.
    ReplaceCard,
}

impl ReadProgress {
    /// Short name for messages between machines; stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::WaitingForCard => "waiting-for-card",
            Self::TakeCardAway => "take-card-away",
            Self::Reading => "reading",
            Self::PlaceAgain => "place-again",
            Self::ReplaceCard => "replace-card",
        }
    }

    /// What the people at the window should do now.
    pub fn zh(self) -> &'static str {
        match self {
            Self::WaitingForCard => "请把身份证平放在读卡器上。",
            Self::TakeCardAway => "请先拿开上一张证件，再把要读的证件放上。",
            Self::Reading => "正在读卡，请不要移动证件。",
            Self::PlaceAgain => "证件没有读完，请拿开后重新放好，并保持不动。",
            Self::ReplaceCard => "证件读取失败，请拿开手机、卡包等物品，把证件单独放好。",
        }
    }
}

/// One read, from the first look for a card to its content.
#[derive(Debug)]
pub struct Dialogue {
    phase: Command,
    failed_triples: u8,
    repeats: u8,
    progress: ReadProgress,
    /// What to report if the deadline comes now.
    so_far: ReadError,
}

impl Dialogue {
    /// `card_may_lie_there`: the last card was read and not seen to leave.
    pub fn new(card_may_lie_there: bool) -> Self {
        let progress =
            if card_may_lie_there { ReadProgress::TakeCardAway } else { ReadProgress::WaitingForCard };
        Self { phase: Command::FindCard, failed_triples: 0, repeats: 0, progress, so_far: ReadError::NoCard }
    }

    /// Begins anew with the look for a card, at the start and after the port was opened again.
    pub fn start(&mut self) -> Command {
        self.go_to(Command::FindCard)
    }

    /// How far the read is.
    pub fn progress(&self) -> ReadProgress {
        self.progress
    }

    /// What to report when the time is up.
    pub fn at_deadline(&self) -> ReadError {
        self.so_far
    }

    /// Takes the answer to the command of the last step.
    pub fn answer(&mut self, answer: &Answer) -> Step {
        let response = match answer {
            Answer::Response(response) => response,
            Answer::Garbled | Answer::Silent => return self.say_again(),
        };
        match (self.phase, response.status) {
            (_, Status::NOT_LICENSED) => Step::Failed(ReadError::NotLicensed),
            (_, Status::SELF_TEST) => Step::Failed(ReadError::SelfTest),
            (_, Status::CHECKSUM | Status::LENGTH) => self.say_again(),
            (Command::FindCard, Status::FOUND) => {
                if self.failed_triples < TRIPLES {
                    self.progress = ReadProgress::Reading;
                }
                self.so_far = ReadError::ReplaceCard;
                Step::Send(self.go_to(Command::SelectCard))
            }
            (Command::FindCard, Status::NO_CARD) => {
                self.no_card();
                Step::SendAfterPause(self.go_to(Command::FindCard))
            }
            (Command::SelectCard, Status::OK) => Step::Send(self.go_to(Command::ReadTextPhoto)),
            (Command::ReadTextPhoto, Status::OK) => match CardData::parse(&response.data) {
                None => self.say_again(),
                Some(data) => match text::parse(&data) {
                    Ok(card) => Step::Done(Box::new(card)),
                    Err(error) => Step::Failed(error.into()),
                },
            },
            (_, status) => self.triple_failed(Some(status)),
        }
    }

    /// The module sees no card: either none was there yet, or the one it saw has left or must leave.
    fn no_card(&mut self) {
        if matches!(self.progress, ReadProgress::Reading) {
            self.progress = ReadProgress::PlaceAgain;
            self.so_far = ReadError::Removed;
        }
        self.failed_triples = 0;
    }

    fn say_again(&mut self) -> Step {
        if self.repeats < REPEATS {
            self.repeats += 1;
            return Step::Send(self.phase);
        }
        self.triple_failed(None)
    }

    fn triple_failed(&mut self, status: Option<Status>) -> Step {
        self.failed_triples = self.failed_triples.saturating_add(1);
        if self.failed_triples >= TRIPLES {
            match status {
                Some(status) if !concerns_card(status) => return Step::Failed(ReadError::Protocol(status)),
                Some(_) => {
                    self.progress = ReadProgress::ReplaceCard;
                    self.so_far = ReadError::ReplaceCard;
                }
                None => return Step::Failed(ReadError::Garbled),
            }
        }
        Step::SendAfterPause(self.go_to(Command::FindCard))
    }

    fn go_to(&mut self, phase: Command) -> Command {
        self.phase = phase;
        self.repeats = 0;
        phase
    }
}

/// Statuses that another attempt, or another placing of the card, may cure.
fn concerns_card(status: Status) -> bool {
    matches!(
        status,
        Status::CARD_REFUSED
            | Status::READER_REFUSED
            | Status::INFORMATION
            | Status::WRONG_CARD
            | Status::READ_FAILED
            | Status::RANDOM
            | Status::NO_CARD
            | Status::SELECT_FAILED
            | Status::NO_CONTENT
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn says(status: Status) -> Answer {
        Answer::Response(Response::of(status))
    }

    /// Takes a fresh dialogue to just after a card was found and chosen.
    fn about_to_read() -> Dialogue {
        let mut dialogue = Dialogue::new(false);
        assert_eq!(dialogue.start(), Command::FindCard);
        assert_eq!(dialogue.answer(&says(Status::FOUND)), Step::Send(Command::SelectCard));
        assert_eq!(dialogue.answer(&says(Status::OK)), Step::Send(Command::ReadTextPhoto));
        dialogue
    }

    #[test]
    fn a_failed_read_starts_the_whole_triple_again() {
        let mut dialogue = about_to_read();
        assert_eq!(dialogue.answer(&says(Status::READ_FAILED)), Step::SendAfterPause(Command::FindCard));
        assert_eq!(dialogue.progress(), ReadProgress::Reading);
        assert_eq!(dialogue.answer(&says(Status::FOUND)), Step::Send(Command::SelectCard));
    }

    #[test]
    fn the_third_failure_asks_for_the_card_to_be_laid_down_anew_and_goes_on() {
        let mut dialogue = Dialogue::new(false);
        dialogue.start();
        for _ in 0..TRIPLES {
            assert_ne!(dialogue.progress(), ReadProgress::ReplaceCard);
            dialogue.answer(&says(Status::FOUND));
            assert_eq!(
                dialogue.answer(&says(Status::SELECT_FAILED)),
                Step::SendAfterPause(Command::FindCard)
            );
        }
        assert_eq!(dialogue.progress(), ReadProgress::ReplaceCard);
        assert_eq!(dialogue.at_deadline(), ReadError::ReplaceCard);
        // Lifted and laid down again: a fresh start.
        dialogue.answer(&says(Status::NO_CARD));
        dialogue.answer(&says(Status::FOUND));
        assert_eq!(dialogue.progress(), ReadProgress::Reading);
    }

    #[test]
    fn a_card_that_vanishes_after_it_was_found_was_removed() {
        let mut dialogue = about_to_read();
        dialogue.answer(&says(Status::READ_FAILED));
        dialogue.answer(&says(Status::NO_CARD));
        assert_eq!(dialogue.progress(), ReadProgress::PlaceAgain);
        assert_eq!(dialogue.at_deadline(), ReadError::Removed);
    }

    #[test]
    fn no_card_at_all_is_no_failure() {
        for (lies_there, progress) in
            [(false, ReadProgress::WaitingForCard), (true, ReadProgress::TakeCardAway)]
        {
            let mut dialogue = Dialogue::new(lies_there);
            dialogue.start();
            for _ in 0..100 {
                assert_eq!(dialogue.answer(&says(Status::NO_CARD)), Step::SendAfterPause(Command::FindCard));
            }
            assert_eq!((dialogue.progress(), dialogue.at_deadline()), (progress, ReadError::NoCard));
        }
    }

    #[test]
    fn a_damaged_answer_makes_the_same_command_be_said_twice_more() {
        let mut dialogue = about_to_read();
        for _ in 0..REPEATS {
            assert_eq!(dialogue.answer(&Answer::Garbled), Step::Send(Command::ReadTextPhoto));
        }
        assert_eq!(dialogue.answer(&Answer::Garbled), Step::SendAfterPause(Command::FindCard));
    }

    #[test]
    fn a_good_status_with_data_of_bad_shape_is_no_card() {
        let mut dialogue = about_to_read();
        let short = Answer::Response(Response::with(Status::OK, vec![1, 0, 4, 0, 9]));
        assert_eq!(dialogue.answer(&short), Step::Send(Command::ReadTextPhoto));
    }

    proptest! {
        #[test]
        fn no_answers_without_a_card_make_a_card_or_an_endless_burst(
            answers in prop::collection::vec((any::<u8>(), 0u8..4), 1..300)
        ) {
            let mut dialogue = Dialogue::new(false);
            dialogue.start();
            let mut burst = 0;
            for (status, kind) in answers {
                let answer = match kind {
                    0 => Answer::Garbled,
                    1 => Answer::Silent,
                    2 => says(Status::FOUND),
                    _ => says(Status(status)),
                };
                match dialogue.answer(&answer) {
                    Step::Send(_) => burst += 1,
                    Step::SendAfterPause(_) => burst = 0,
                    Step::Failed(_) => return Ok(()),
                    Step::Done(_) => prop_assert!(false, "a card came from nowhere"),
                }
                // Three commands, each said at most three times, before the line gets a rest.
                prop_assert!(burst <= 8);
            }
        }
    }
}
