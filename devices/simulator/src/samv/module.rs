//! What a module does with a command: pure, so that its rules can be read and tested without a line.

use std::collections::BTreeMap;
use std::time::Duration;

use hall_readers::samv::codec::{CardData, Command, FrameFault, Response, SamNumber, Status};

use super::Fault;

/// The virtual module, with the card that lies on it.
#[derive(Debug)]
pub(super) struct Module {
    sam: SamNumber,
    card: Option<(CardData, Reach)>,
    faults: Vec<Rule>,
    seen: BTreeMap<Command, u64>,
    struck: u64,
}

/// How far a card has been taken. Find, select and read must follow each other; a card that was read shows itself
/// again only after it was lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Placed,
    Found,
    Selected,
    Read,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    on: Option<Command>,
    left: Option<u32>,
}

/// An answer as it goes out on the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) delay: Duration,
    pub(super) bytes: Vec<u8>,
    /// Bytes of a piece, and the pause after each.
    pub(super) split: Option<(usize, Duration)>,
    /// The card is gone once the bytes are out.
    pub(super) lifts_card: bool,
}

impl Module {
    pub(super) fn new(sam: SamNumber) -> Self {
        Self { sam, card: None, faults: Vec::new(), seen: BTreeMap::new(), struck: 0 }
    }

    pub(super) fn place(&mut self, data: CardData) {
        self.card = Some((data, Reach::Placed));
    }

    pub(super) fn lift(&mut self) {
        self.card = None;
    }

    pub(super) fn has_card(&self) -> bool {
        self.card.is_some()
    }

    /// A module that gets power knows nothing of cards it read before.
    pub(super) fn power_on(&mut self) {
        if let Some((_, reach)) = &mut self.card {
            *reach = Reach::Placed;
        }
    }

    pub(super) fn add_fault(&mut self, fault: Fault, on: Option<Command>, left: Option<u32>) {
        self.faults.push(Rule { fault, on, left });
    }

    pub(super) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    pub(super) fn seen(&self, command: Command) -> u64 {
        self.seen.get(&command).copied().unwrap_or_default()
    }

    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    /// What goes out on the line for what came in; `None` is silence.
    pub(super) fn answer(&mut self, frame: Result<&[u8], &FrameFault>) -> Option<Delivery> {
        let command = frame.ok().and_then(Command::parse);
        if let Some(command) = command {
            *self.seen.entry(command).or_default() += 1;
        }
        let faults = self.due_faults(command);
        let forced = faults.iter().find_map(|fault| match fault {
            Fault::Status(status) => Some(*status),
            _ => None,
        });
        // A swallowed command was not carried out either.
        if faults.contains(&Fault::Silent) {
            return None;
        }
        let response = match (forced, frame, command) {
            (Some(status), ..) => Response::of(status),
            (None, Err(FrameFault::Checksum), _) => Response::of(Status::CHECKSUM),
            (None, Err(FrameFault::Length(_)), _) => Response::of(Status::LENGTH),
            (None, Ok(_), None) => Response::of(Status::COMMAND),
            (None, Ok(_), Some(command)) => self.carry_out(command),
        };
        Some(deliver(&response, &faults))
    }

    fn carry_out(&mut self, command: Command) -> Response {
        let reach = self.card.as_ref().map(|(_, reach)| *reach);
        match (command, reach) {
            (Command::ResetSam, _) => {
                self.power_on();
                Response::of(Status::OK)
            }
            (Command::Status | Command::SetMaxRfFrame(_) | Command::SetBaud(_), _) => {
                Response::of(Status::OK)
            }
            (Command::SamNumber, _) => Response::with(Status::OK, self.sam.bytes().to_vec()),
            (Command::FindCard, None | Some(Reach::Read)) => Response::of(Status::NO_CARD),
            (Command::FindCard, Some(_)) => {
                self.reach(Reach::Found);
                Response::with(Status::FOUND, vec![0; 4])
            }
            (Command::SelectCard, Some(Reach::Found)) => {
                self.reach(Reach::Selected);
                Response::with(Status::OK, vec![0; 8])
            }
            (Command::SelectCard, _) => Response::of(Status::SELECT_FAILED),
            (Command::ReadNewestAddress, Some(Reach::Selected | Reach::Read)) => {
                Response::of(Status::NO_CONTENT)
            }
            (Command::ReadTextPhoto | Command::ReadTextPhotoFingerprint, Some(Reach::Selected)) => {
                self.reach(Reach::Read);
                let data = self.card.as_ref().map(|(data, _)| data);
                Response::with(Status::OK, data.map(|data| card_bytes(data, command)).unwrap_or_default())
            }
            (Command::ReadTextPhoto | Command::ReadTextPhotoFingerprint | Command::ReadNewestAddress, _) => {
                Response::of(Status::READ_FAILED)
            }
        }
    }

    fn reach(&mut self, reached: Reach) {
        if let Some((_, reach)) = &mut self.card {
            *reach = reached;
        }
    }

    /// The faults that strike now; those that have struck often enough go.
    fn due_faults(&mut self, command: Option<Command>) -> Vec<Fault> {
        let reads = command == Some(Command::ReadTextPhoto) && self.card.is_some();
        let mut due = Vec::new();
        for rule in &mut self.faults {
            let strikes = match rule.fault {
                Fault::LiftAfter { .. } => reads,
                _ => rule.on.is_none() || rule.on == command,
            };
            if strikes && rule.left != Some(0) {
                rule.left = rule.left.map(|left| left - 1);
                self.struck += 1;
                due.push(rule.fault.clone());
            }
        }
        self.faults.retain(|rule| rule.left != Some(0));
        due
    }
}

/// The data of a read answer; virtual cards hold no fingerprint.
fn card_bytes(data: &CardData, command: Command) -> Vec<u8> {
    let mut bytes = data.bytes();
    if command == Command::ReadTextPhotoFingerprint {
        bytes.splice(4..4, [0, 0]);
    }
    bytes
}

fn deliver(response: &Response, faults: &[Fault]) -> Delivery {
    let mut delivery =
        Delivery { delay: Duration::ZERO, bytes: response.frame(), split: None, lifts_card: false };
    for fault in faults {
        match fault {
            Fault::WrongChecksum => {
                if let Some(last) = delivery.bytes.last_mut() {
                    *last ^= 0x5A;
                }
            }
            Fault::LiftAfter { bytes } => {
                delivery.bytes.truncate(*bytes);
                delivery.lifts_card = true;
            }
            Fault::Split { bytes, gap } => delivery.split = Some((*bytes, *gap)),
            Fault::Slow(delay) => delivery.delay = *delay,
            Fault::Garbage(_) | Fault::Silent | Fault::Status(_) => {}
        }
    }
    for fault in faults {
        if let Fault::Garbage(garbage) = fault {
            delivery.bytes.splice(0..0, garbage.iter().copied());
        }
    }
    delivery
}

#[cfg(test)]
mod tests {
    use hall_readers::samv::codec::{Decoder, TEXT_BYTES};

    use super::*;

    fn module_with_card() -> Module {
        let mut module = Module::new(super::super::VIRTUAL_SAM);
        let mut decoder = Decoder::default();
        let data = [vec![1, 0, 0, 2], vec![7; TEXT_BYTES], vec![1, 2]].concat();
        decoder.push(&Response::with(Status::OK, data).frame());
        let answer = Response::parse(&decoder.frame().unwrap().unwrap()).unwrap();
        module.place(CardData::parse(&answer.data).unwrap());
        module
    }

    fn say(module: &mut Module, command: Command) -> Option<Status> {
        let frame = command.frame();
        let delivery = module.answer(Ok(&frame[7..frame.len() - 1]))?;
        let mut decoder = Decoder::default();
        decoder.push(&delivery.bytes);
        Some(Response::parse(&decoder.frame()?.ok()?)?.status)
    }

    #[test]
    fn a_card_is_found_selected_and_read_in_this_order_only() {
        let mut module = module_with_card();
        assert_eq!(say(&mut module, Command::ReadTextPhoto), Some(Status::READ_FAILED));
        assert_eq!(say(&mut module, Command::SelectCard), Some(Status::SELECT_FAILED));
        assert_eq!(say(&mut module, Command::FindCard), Some(Status::FOUND));
        assert_eq!(say(&mut module, Command::ReadTextPhoto), Some(Status::READ_FAILED));
        assert_eq!(say(&mut module, Command::SelectCard), Some(Status::OK));
        assert_eq!(say(&mut module, Command::ReadTextPhoto), Some(Status::OK));
    }

    #[test]
    fn a_card_that_was_read_is_not_found_again_until_it_is_laid_down_anew() {
        let mut module = module_with_card();
        let card = module.card.clone().unwrap().0;
        for command in [Command::FindCard, Command::SelectCard, Command::ReadTextPhoto] {
            say(&mut module, command);
        }
        assert_eq!(say(&mut module, Command::FindCard), Some(Status::NO_CARD));
        module.lift();
        assert_eq!(say(&mut module, Command::FindCard), Some(Status::NO_CARD));
        module.place(card);
        assert_eq!(say(&mut module, Command::FindCard), Some(Status::FOUND));
    }

    #[test]
    fn faults_strike_as_often_and_where_they_were_told() {
        let mut module = module_with_card();
        module.add_fault(Fault::READ_FAILED, Some(Command::SelectCard), Some(2));
        assert_eq!(say(&mut module, Command::FindCard), Some(Status::FOUND));
        assert_eq!(say(&mut module, Command::SelectCard), Some(Status::READ_FAILED));
        assert_eq!(say(&mut module, Command::SelectCard), Some(Status::READ_FAILED));
        assert_eq!(say(&mut module, Command::SelectCard), Some(Status::OK));
        module.add_fault(Fault::Silent, None, None);
        assert_eq!(say(&mut module, Command::Status), None);
        module.clear_faults();
        assert_eq!(say(&mut module, Command::Status), Some(Status::OK));
        assert_eq!(module.seen(Command::SelectCard), 3);
    }

    #[test]
    fn a_lifted_card_leaves_the_answer_cut() {
        let mut module = module_with_card();
        module.add_fault(Fault::LiftAfter { bytes: 100 }, None, Some(1));
        say(&mut module, Command::FindCard);
        say(&mut module, Command::SelectCard);
        let frame = Command::ReadTextPhoto.frame();
        let delivery = module.answer(Ok(&frame[7..frame.len() - 1])).unwrap();
        assert!(delivery.lifts_card);
        assert_eq!(delivery.bytes.len(), 100);
    }

    #[test]
    fn damaged_and_unknown_commands_get_their_status() {
        let mut module = module_with_card();
        for (frame, status) in [
            (Err(&FrameFault::Checksum), Status::CHECKSUM),
            (Err(&FrameFault::Length(1)), Status::LENGTH),
            (Ok(&[0x77, 0x01][..]), Status::COMMAND),
        ] {
            let delivery = module.answer(frame).unwrap();
            assert_eq!(delivery.bytes, Response::of(status).frame());
        }
    }
}
