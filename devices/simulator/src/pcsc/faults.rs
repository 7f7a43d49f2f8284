//! What can be wrong with a card: each wraps another one.

use std::time::Duration;

use super::{Reply, VirtualCard};

/// A card that does to each command what its fault says.
pub struct Faulty<C> {
    card: C,
    fault: CardFault,
    /// Commands so far.
    count: u32,
}

/// What is wrong. Commands are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardFault {
    /// Says nothing from this command on.
    Mute {
        /// The first one that is not answered.
        from: u32,
    },
    /// Takes so long over each answer.
    Slow(Duration),
    /// Answers every so many commands with an error of its own (6F00), as a worn chip does.
    Flaky {
        /// 2 is every second one.
        every: u32,
    },
    /// Answers this one command with an error of its own.
    Hiccup {
        /// Which one.
        at: u32,
    },
    /// Is pulled out at this command.
    Pulled {
        /// Which one.
        at: u32,
        /// What the reader still gets.
        how: Pull,
    },
}

/// What a reader still gets of a card that is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// Nothing: the reader reports an error.
    Unanswered,
    /// An answer without a single byte, which PC/SC passes on as a success.
    Empty,
    /// Half a status.
    OneByte,
    /// The whole answer: the card leaves between two commands.
    Answered,
}

impl<C> Faulty<C> {
    /// A card with a fault.
    pub fn new(card: C, fault: CardFault) -> Self {
        Self { card, fault, count: 0 }
    }
}

impl<C: VirtualCard> VirtualCard for Faulty<C> {
    fn atr(&self) -> Vec<u8> {
        self.card.atr()
    }

    fn reset(&mut self) {
        self.card.reset();
    }

    fn apdu(&mut self, apdu: &[u8]) -> Reply {
        let number = self.count;
        self.count += 1;
        let reply = self.card.apdu(apdu);
        let Reply::Answer(answer) = reply else { return reply };
        match self.fault {
            CardFault::Mute { from } if number >= from => Reply::Never,
            CardFault::Slow(pause) => Reply::After(pause, answer),
            CardFault::Flaky { every } if (number + 1).is_multiple_of(every) => {
                Reply::Answer(vec![0x6F, 0x00])
            }
            CardFault::Hiccup { at } if number == at => Reply::Answer(vec![0x6F, 0x00]),
            CardFault::Pulled { at, how } if number == at => Reply::Pulled(match how {
                Pull::Unanswered => None,
                Pull::Empty => Some(Vec::new()),
                Pull::OneByte => Some(vec![0x90]),
                Pull::Answered => Some(answer),
            }),
            _ => Reply::Answer(answer),
        }
    }
}
