//! What the driver decides: which read runs, what is acknowledged, which answer is sent again and until when.
//!
//! Pure: events in, actions out, the present passed in. [`crate::run()`] carries the actions out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hall_bus::messages::{AckRefusal, CardAsk};
use hall_bus::reader::ReaderCondition;
use hall_bus::{AckStatus, Config, MessageId, Read, ReadFailure, ReadOutcome, Receipt, Stop};
use hall_domain::IdentityCard;
use hall_readers::ReadError;
use hall_readers::samv::dialogue::ReadProgress;

/// Finished reads that are remembered, so that a request that arrives twice is not carried out twice.
const REMEMBERED: usize = 64;
/// Answers without a receipt that are kept; beyond it the oldest is dropped.
const UNRECEIPTED: usize = 20;
/// How long an answer is sent again. The box takes none later than seconds after its deadline, so a longer life would
/// only keep personal data in memory.
const ANSWER_LIFE: Duration = Duration::from_secs(600);
/// First pause before an answer is sent again; doubles up to [`RESEND_AT_MOST`].
const RESEND_AFTER: Duration = Duration::from_secs(1);
const RESEND_AT_MOST: Duration = Duration::from_secs(30);
/// Longest time that a request may ask to wait for a card.
const LONGEST_READ: Duration = Duration::from_secs(600);

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The box's configuration arrived.
    Configured(Config),
    /// The box asks for a read.
    Asked(Read),
    /// The box ends a read.
    Stopped(Stop),
    /// The box has dealt with an answer.
    Receipted(Receipt),
    /// The box is reachable (again).
    Connected,
    /// What the reader is good for has changed.
    Reader(ReaderCondition),
    /// The read with this command has come this far.
    Progress(MessageId, ReadProgress),
    /// The read with this command has ended.
    Finished(MessageId, Result<Box<IdentityCard>, ReadError>),
    /// An answer was signed: these bytes are it, however often it is sent.
    Sealed {
        /// The command that it answers.
        cmd: MessageId,
        /// The answer.
        answer: MessageId,
        /// What to publish.
        bytes: Vec<u8>,
    },
    /// Time has passed; see [`Reads::wakes_at`].
    Tick,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Tell the box how far a command is.
    Acknowledge(MessageId, AckStatus),
    /// Let the reader read; report progress and end under this command.
    Begin {
        /// The command.
        cmd: MessageId,
        /// When the reader gives up.
        deadline: Instant,
    },
    /// Stop what was begun.
    Cancel(MessageId),
    /// Number, date and sign this, and come back with [`Event::Sealed`].
    Seal(Box<Unsigned>),
    /// Publish these bytes as an answer.
    Send(Vec<u8>),
    /// Tell the box anew how this device stands.
    Announce,
}

/// An answer before it has id, counter and signature, bound to what was asked.
#[derive(Debug, PartialEq)]
pub struct Unsigned {
    /// The command.
    pub cmd: MessageId,
    /// Its binding.
    pub bind_epoch: u32,
    /// Its case.
    pub case: String,
    /// What came of it.
    pub outcome: ReadOutcome,
}

/// The driver's knowledge of its reads.
#[derive(Debug)]
pub struct Reads {
    binding: Option<Binding>,
    condition: ReaderCondition,
    current: Option<Current>,
    finished: VecDeque<MessageId>,
    unreceipted: Vec<Unreceipted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    window: Option<String>,
    epoch: u32,
}

#[derive(Debug)]
struct Current {
    read: Read,
    told: AckStatus,
}

#[derive(Debug)]
struct Unreceipted {
    cmd: MessageId,
    answer: MessageId,
    bytes: Vec<u8>,
    next: Instant,
    pause: Duration,
    until: Instant,
}

impl Default for Reads {
    fn default() -> Self {
        Self {
            binding: None,
            condition: ReaderCondition::Unplugged,
            current: None,
            finished: VecDeque::new(),
            unreceipted: Vec::new(),
        }
    }
}

impl Reads {
    /// Takes an event and says what to do about it.
    pub fn apply(&mut self, event: Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Configured(config) => self.configured(config),
            Event::Asked(read) => self.asked(read, now),
            Event::Stopped(stop) => self.end_if(|read| read.id == stop.id),
            Event::Receipted(receipt) => {
                self.unreceipted.retain(|answer| answer.answer != receipt.answer);
                Vec::new()
            }
            Event::Connected => self.send_again(now, |_| true),
            Event::Reader(condition) => {
                let changed = std::mem::replace(&mut self.condition, condition) != condition;
                if changed { vec![Action::Announce] } else { Vec::new() }
            }
            Event::Progress(cmd, progress) => self.progress(cmd, progress),
            Event::Finished(cmd, result) => self.finished(cmd, result),
            Event::Sealed { cmd, answer, bytes } => self.sealed(cmd, answer, bytes, now),
            Event::Tick => {
                self.unreceipted.retain(|answer| now < answer.until);
                self.send_again(now, |answer| answer.next <= now)
            }
        }
    }

    /// When [`Event::Tick`] is due.
    pub fn wakes_at(&self) -> Option<Instant> {
        self.unreceipted.iter().map(|answer| answer.next.min(answer.until)).min()
    }

    /// The binding that the device knows; 0 before the first.
    pub fn bind_epoch(&self) -> u32 {
        self.binding.as_ref().map_or(0, |binding| binding.epoch)
    }

    /// Answers that wait for a receipt.
    pub fn waiting_answers(&self) -> usize {
        self.unreceipted.len()
    }

    fn configured(&mut self, config: Config) -> Vec<Action> {
        let binding = Binding { window: config.window.map(|window| window.code), epoch: config.bind_epoch };
        if self.binding.as_ref() == Some(&binding) {
            return Vec::new();
        }
        // What was asked under the old binding must not be answered under the new one.
        let mut actions = self
            .end_if(|read| read.bind_epoch != binding.epoch || Some(&read.window) != binding.window.as_ref());
        self.binding = Some(binding);
        actions.push(Action::Announce);
        actions
    }

    fn asked(&mut self, read: Read, now: Instant) -> Vec<Action> {
        let cmd = read.id;
        if let Some(current) = &self.current
            && current.read.id == cmd
        {
            return vec![Action::Acknowledge(cmd, current.told.clone())];
        }
        if self.finished.contains(&cmd) {
            return self.send_again(now, |answer| answer.cmd == cmd);
        }
        if let Some(reason) = self.refuses(&read) {
            return vec![Action::Acknowledge(cmd, AckStatus::Rejected { reason })];
        }
        let wait = Duration::from_millis(read.ttl_ms.into()).min(LONGEST_READ);
        // One reader reads for one case at a time; the box has moved on from the older one.
        let mut actions = self.end_if(|_| true);
        self.current = Some(Current { read, told: AckStatus::Received });
        actions.push(Action::Acknowledge(cmd, AckStatus::Received));
        actions.push(Action::Begin { cmd, deadline: now + wait });
        actions
    }

    fn refuses(&self, read: &Read) -> Option<AckRefusal> {
        let bound = self.binding.as_ref().is_some_and(|binding| {
            binding.epoch == read.bind_epoch && binding.window.as_ref() == Some(&read.window)
        });
        match self.condition {
            _ if !bound => Some(AckRefusal::BindEpoch),
            // The reader itself says best what stands in the way, and what to do about it.
            ReaderCondition::Ready | ReaderCondition::ServiceDown | ReaderCondition::Stuck => None,
            ReaderCondition::Unplugged | ReaderCondition::NoLicence => Some(AckRefusal::NotReady),
        }
    }

    fn progress(&mut self, cmd: MessageId, progress: ReadProgress) -> Vec<Action> {
        let told = match progress {
            ReadProgress::Reading => AckStatus::Reading,
            ReadProgress::WaitingForCard => AckStatus::Waiting { ask: CardAsk::Place },
            ReadProgress::TakeCardAway => AckStatus::Waiting { ask: CardAsk::TakeAway },
            ReadProgress::PlaceAgain => AckStatus::Waiting { ask: CardAsk::PlaceAgain },
            ReadProgress::ReplaceCard => AckStatus::Waiting { ask: CardAsk::PlaceAlone },
        };
        match &mut self.current {
            Some(current) if current.read.id == cmd && current.told != told => {
                current.told = told.clone();
                vec![Action::Acknowledge(cmd, told)]
            }
            _ => Vec::new(),
        }
    }

    fn finished(&mut self, cmd: MessageId, result: Result<Box<IdentityCard>, ReadError>) -> Vec<Action> {
        // A read that was ended meanwhile has its answer already; a card that comes late is dropped here.
        let Some(current) = self.current.take_if(|current| current.read.id == cmd) else { return Vec::new() };
        let outcome = match result {
            Ok(card) => ReadOutcome::Read { card },
            Err(error) => ReadOutcome::Failed { reason: failure(error) },
        };
        vec![self.seal(current.read, outcome)]
    }

    fn end_if(&mut self, ends: impl FnOnce(&Read) -> bool) -> Vec<Action> {
        let Some(current) = self.current.take_if(|current| ends(&current.read)) else { return Vec::new() };
        let cancel = Action::Cancel(current.read.id);
        vec![cancel, self.seal(current.read, ReadOutcome::Failed { reason: ReadFailure::Stopped })]
    }

    fn seal(&mut self, read: Read, outcome: ReadOutcome) -> Action {
        if self.finished.len() >= REMEMBERED {
            self.finished.pop_front();
        }
        self.finished.push_back(read.id);
        let Read { id: cmd, bind_epoch, case, .. } = read;
        Action::Seal(Box::new(Unsigned { cmd, bind_epoch, case, outcome }))
    }

    fn sealed(&mut self, cmd: MessageId, answer: MessageId, bytes: Vec<u8>, now: Instant) -> Vec<Action> {
        if self.unreceipted.len() >= UNRECEIPTED {
            self.unreceipted.remove(0);
        }
        let (next, until) = (now + RESEND_AFTER, now + ANSWER_LIFE);
        let send = Action::Send(bytes.clone());
        self.unreceipted.push(Unreceipted { cmd, answer, bytes, next, pause: RESEND_AFTER, until });
        vec![send]
    }

    fn send_again(&mut self, now: Instant, which: impl Fn(&Unreceipted) -> bool) -> Vec<Action> {
        let mut actions = Vec::new();
        for answer in self.unreceipted.iter_mut().filter(|answer| which(answer)) {
            answer.pause = (answer.pause * 2).min(RESEND_AT_MOST);
            answer.next = now + answer.pause;
            actions.push(Action::Send(answer.bytes.clone()));
        }
        actions
    }
}

/// What the box and the clerk are told of a read that gave no card.
fn failure(error: ReadError) -> ReadFailure {
    match error {
        ReadError::NoCard => ReadFailure::Timeout,
        ReadError::Removed => ReadFailure::CardLifted,
        ReadError::ReplaceCard | ReadError::Content | ReadError::CardSilent => ReadFailure::Unreadable,
        ReadError::Unsupported => ReadFailure::Unsupported,
        ReadError::Cancelled => ReadFailure::Stopped,
        ReadError::ReaderGone => ReadFailure::Unplugged,
        ReadError::SocialSecurity => ReadFailure::SocialSecurityCard,
        ReadError::Busy => ReadFailure::Busy,
        ReadError::Service => ReadFailure::ServiceDown,
        ReadError::Silent
        | ReadError::Garbled
        | ReadError::NotLicensed
        | ReadError::SelfTest
        | ReadError::VirtualReader
        | ReadError::Protocol(_) => ReadFailure::ReaderFault,
    }
}

#[cfg(test)]
mod tests;
