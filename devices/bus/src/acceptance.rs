//! Which answer of a device counts. A pure rule over the stored command and the device's record: the caller reads both, asks here,
//! and writes what follows in the same transaction. Order of the tests, and the reason for each, in `docs/protocol/devices.md`.

use std::collections::{BTreeMap, BTreeSet};

use hall_domain::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::evaluator::{Answer, Outcome, Page, PageKind, Show};
use crate::ids::{DeviceId, MessageId};
use crate::jws::{ANSWER_TYPE, Jws, JwsError};
use crate::key::DeviceKey;
use crate::messages::{Receipt, ReceiptResult};
use crate::pairing::answer_kid;
use crate::payload::decode;
use crate::reader::{Read, ReadOutcome, ReaderAnswer};

/// An answer may be this many milliseconds on its way after its deadline.
pub const GRACE_MS: i64 = 3_000;

/// 设备记录: what the box has stored about a device, as far as this rule needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its name.
    pub id: DeviceId,
    /// Whether it may answer at all.
    pub standing: Standing,
    /// Active keys by generation.
    pub keys: BTreeMap<u32, DeviceKey>,
    /// Highest counter of an answer that was accepted or stale.
    pub counter: u64,
    /// Number of its current binding.
    pub bind_epoch: u32,
}

/// Whether a device may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// 正常.
    Active,
    /// 隔离: after three rejected answers in ten minutes.
    Quarantined,
    /// 停用.
    Revoked,
}

/// 已下发的命令: a command as stored by the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command<R> {
    /// Device that it was issued to.
    pub device: DeviceId,
    /// The message.
    pub request: R,
    /// Until when an answer counts, by the box's clock; moved by each extension.
    pub deadline: Timestamp,
    /// Whether it still waits.
    pub state: CommandState,
}

/// Whether a command still waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandState {
    /// 等待.
    Open,
    /// 已答复.
    Answered,
    /// 已取消.
    Cancelled,
    /// 已超时.
    Expired,
}

/// An answer that the box has judged before, found by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    /// [`Verified::digest`] of it.
    pub digest: Digest,
    /// What became of it.
    pub result: ReceiptResult,
}

/// An answer whose signature holds. Made by [`verify`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<A> {
    answer: A,
    jws: Jws,
}

impl<A> Verified<A> {
    /// What the device says.
    pub fn answer(&self) -> &A {
        &self.answer
    }

    /// The signed bytes, to be stored as they are.
    pub fn raw(&self) -> Vec<u8> {
        self.jws.to_bytes()
    }

    /// SHA-256 of [`Self::raw`].
    pub fn digest(&self) -> Digest {
        Digest::of_bytes(&self.raw())
    }
}

/// 判定: what becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Store answer and counter, close the command, carry it out.
    Accepted,
    /// The same bytes were judged before: change nothing, say again what became of them.
    Duplicate(ReceiptResult),
    /// Valid, but its command is closed: store answer and counter, never apply.
    Stale {
        /// Why.
        why: Stale,
        /// Whether it would have decided something (a late time-out does not).
        decides: bool,
    },
    /// Not valid: never apply.
    Rejected(Rejection),
}

/// Why an answer comes too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Stale {
    /// The device has been bound anew since the command.
    #[error("device was bound anew after the command")]
    Rebound,
    /// After deadline and grace.
    #[error("answer came after the deadline")]
    Late,
    /// The command was answered, cancelled or expired.
    #[error("command is closed")]
    Closed,
}

/// Why an answer is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The device is quarantined or revoked.
    #[error("device may not answer")]
    Standing,
    /// Its `kid` is no active key of the device.
    #[error("answer is signed with no active key of the device")]
    UnknownKey,
    /// The JWS does not verify.
    #[error("answer is not validly signed: {0}")]
    Jws(#[from] JwsError),
    /// The signed payload is no answer.
    #[error("signed payload is not an answer")]
    Payload,
    /// The device that signed is not that of the topic.
    #[error("answer names another device than its topic")]
    OtherDevice,
    /// An id that was used for other bytes.
    #[error("answer id was used before for something else")]
    IdReused,
    /// Its counter is not higher than the highest known.
    #[error("counter is not higher than that of an earlier answer")]
    Replay,
    /// No such command, or one of another device.
    #[error("no such command was issued to this device")]
    UnknownCommand,
    /// The binding is not that of the command.
    #[error("binding is not that of the command")]
    BindEpoch,
    /// The page generation is not that of the command.
    #[error("generation is not that of the command")]
    Generation,
    /// The digest is not that of what was sent: something else was on the glass.
    #[error("digest is not that of what was sent")]
    Digest,
    /// The case is not that of the command.
    #[error("case is not that of the command")]
    OtherCase,
    /// The outcome does not fit the page, or names rows, grades or reasons that were not on it.
    #[error("outcome does not fit what was shown")]
    Outcome,
    /// Confirmed before the page could be read.
    #[error("confirmed before the shortest viewing time")]
    TooQuick,
}

impl Verdict {
    /// What the receipt says.
    pub const fn result(&self) -> ReceiptResult {
        match self {
            Self::Accepted => ReceiptResult::Accepted,
            Self::Duplicate(ReceiptResult::Accepted) => ReceiptResult::Duplicate,
            Self::Duplicate(first) => *first,
            Self::Stale { .. } => ReceiptResult::Stale,
            Self::Rejected(_) => ReceiptResult::Rejected,
        }
    }

    /// Whether the device's stored counter becomes that of the answer.
    pub const fn advances_counter(&self) -> bool {
        matches!(self, Self::Accepted | Self::Stale { .. })
    }

    /// 安全事件: whether it is kept as one. Rejected answers count towards quarantine, stale ones do not.
    pub const fn is_security_event(&self) -> bool {
        matches!(self, Self::Rejected(_) | Self::Stale { decides: true, .. })
    }

    /// The receipt to send for it.
    pub fn receipt(&self, answer: MessageId, cmd: MessageId) -> Receipt {
        let reason = match self {
            Self::Accepted | Self::Duplicate(_) => None,
            Self::Stale { why, .. } => Some(why.to_string()),
            Self::Rejected(why) => Some(why.to_string()),
        };
        Receipt { answer, cmd, result: self.result(), reason }
    }
}

/// What every answer has.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The answer.
    pub id: MessageId,
    /// Who signs.
    pub dev: &'a DeviceId,
    /// What is answered.
    pub cmd: MessageId,
    /// Under which binding.
    pub bind_epoch: u32,
    /// Grows with each answer.
    pub counter: u64,
}

/// An answer and the request it belongs to.
pub trait DeviceAnswer: DeserializeOwned {
    /// The command that is answered.
    type Request;

    /// What every answer has.
    fn head(&self) -> Head<'_>;

    /// Id and binding of a request.
    fn request_head(request: &Self::Request) -> (MessageId, u32);

    /// Whether the answer is one that this request allows.
    ///
    /// # Errors
    /// Saying what does not fit.
    fn fits(&self, request: &Self::Request) -> Result<(), Rejection>;

    /// Whether it decides anything, as opposed to "nothing happened".
    fn decides(&self) -> bool;

    /// Whether it tells the end of something that asked nothing. The box keeps no command for that.
    fn of_nothing_asked(&self) -> bool {
        false
    }
}

/// First half: is this the device's own word? Checks standing, key, type, signature, payload, and that topic and signer agree.
///
/// # Errors
/// With the first of these that fails.
pub fn verify<A: DeviceAnswer>(
    jws: &Jws,
    topic: &DeviceId,
    device: &DeviceRecord,
) -> Result<Verified<A>, Rejection> {
    verify_as(jws, topic, device, ANSWER_TYPE, |answer: &A| answer.head().dev)
}

/// The same for any signed message of a device: `typ` is its type, `dev` gives the device that it names.
pub(crate) fn verify_as<A: DeserializeOwned>(
    jws: &Jws,
    topic: &DeviceId,
    device: &DeviceRecord,
    typ: &str,
    dev: impl Fn(&A) -> &DeviceId,
) -> Result<Verified<A>, Rejection> {
    if device.standing != Standing::Active {
        return Err(Rejection::Standing);
    }
    let (kid, key) = device
        .keys
        .iter()
        .map(|(generation, key)| (answer_kid(&device.id, *generation), key))
        .find(|(kid, _)| kid == jws.kid())
        .ok_or(Rejection::UnknownKey)?;
    let payload = jws.verify(key, typ, &kid)?;
    let answer: A = decode(payload).map_err(|_| Rejection::Payload)?;
    if dev(&answer) != &device.id || topic != &device.id {
        return Err(Rejection::OtherDevice);
    }
    Ok(Verified { answer, jws: jws.clone() })
}

/// Second half: does it count? `earlier` is the answer stored under the same id, `command` the one stored under the answer's `cmd`,
/// `received` the box's clock.
pub fn judge<A: DeviceAnswer>(
    verified: &Verified<A>,
    device: &DeviceRecord,
    earlier: Option<Earlier>,
    command: Option<&Command<A::Request>>,
    received: Timestamp,
) -> Verdict {
    let head = verified.answer.head();
    if let Some(earlier) = earlier {
        return if earlier.digest == verified.digest() {
            Verdict::Duplicate(earlier.result)
        } else {
            Verdict::Rejected(Rejection::IdReused)
        };
    }
    if head.counter <= device.counter {
        return Verdict::Rejected(Rejection::Replay);
    }
    let Some(command) = command.filter(|command| command.device == device.id) else {
        if command.is_none() && verified.answer.of_nothing_asked() {
            return Verdict::Stale { why: Stale::Closed, decides: false };
        }
        return Verdict::Rejected(Rejection::UnknownCommand);
    };
    let (cmd, bind_epoch) = A::request_head(&command.request);
    if cmd != head.cmd {
        return Verdict::Rejected(Rejection::UnknownCommand);
    }
    if head.bind_epoch != bind_epoch {
        return Verdict::Rejected(Rejection::BindEpoch);
    }
    if let Err(rejection) = verified.answer.fits(&command.request) {
        return Verdict::Rejected(rejection);
    }
    let stale = |why| Verdict::Stale { why, decides: verified.answer.decides() };
    if bind_epoch != device.bind_epoch {
        return stale(Stale::Rebound);
    }
    if received > command.deadline.plus_ms(GRACE_MS) {
        return stale(Stale::Late);
    }
    if command.state != CommandState::Open {
        return stale(Stale::Closed);
    }
    Verdict::Accepted
}

impl DeviceAnswer for Answer {
    type Request = Show;

    fn head(&self) -> Head<'_> {
        Head {
            id: self.id,
            dev: &self.dev,
            cmd: self.cmd,
            bind_epoch: self.bind_epoch,
            counter: self.counter,
        }
    }

    fn request_head(show: &Show) -> (MessageId, u32) {
        (show.id, show.bind_epoch)
    }

    fn fits(&self, show: &Show) -> Result<(), Rejection> {
        if self.generation != show.generation {
            return Err(Rejection::Generation);
        }
        if self.digest != show.digest {
            return Err(Rejection::Digest);
        }
        if self.page != show.page.kind() {
            return Err(Rejection::Outcome);
        }
        outcome_fits(&self.outcome, &show.page, self.shown_ms)
    }

    fn decides(&self) -> bool {
        match self.outcome {
            Outcome::Confirmed { .. } | Outcome::Refused {} | Outcome::Rated { .. } => true,
            Outcome::Timeout {} | Outcome::Dismissed {} => false,
        }
    }

    fn of_nothing_asked(&self) -> bool {
        self.page == PageKind::Message && !self.decides()
    }
}

fn outcome_fits(outcome: &Outcome, page: &Page, shown_ms: u64) -> Result<(), Rejection> {
    match (page, outcome) {
        (Page::Authorize(page), Outcome::Confirmed { refused_rows }) => {
            let rows: BTreeSet<&str> = page.licences.iter().map(|licence| licence.row.as_str()).collect();
            if !refused_rows.iter().all(|row| rows.contains(row.as_str())) {
                return Err(Rejection::Outcome);
            }
            if shown_ms < u64::from(page.min_view_ms) { Err(Rejection::TooQuick) } else { Ok(()) }
        }
        (Page::Notice(page), Outcome::Confirmed { refused_rows }) => {
            if !refused_rows.is_empty() {
                return Err(Rejection::Outcome);
            }
            if shown_ms < u64::from(page.min_view_ms) { Err(Rejection::TooQuick) } else { Ok(()) }
        }
        (Page::Notice(page), Outcome::Refused {}) if page.refuse_label.is_some() => Ok(()),
        (Page::Rating(page), Outcome::Rated { level, reasons, comment }) => {
            let offered =
                page.levels.iter().find(|offered| offered.level == *level).ok_or(Rejection::Outcome)?;
            let known = reasons.iter().all(|reason| offered.reasons.contains(reason));
            let given =
                *level >= page.reason_required_below || !reasons.is_empty() || !comment.trim().is_empty();
            if known && given { Ok(()) } else { Err(Rejection::Outcome) }
        }
        (Page::Authorize(_), Outcome::Refused {})
        | (
            Page::Authorize(_) | Page::Challenge(_) | Page::Notice(_) | Page::Rating(_) | Page::Message(_),
            Outcome::Timeout {},
        )
        | (Page::Challenge(_) | Page::Rating(_) | Page::Message(_), Outcome::Dismissed {}) => Ok(()),
        _ => Err(Rejection::Outcome),
    }
}

impl DeviceAnswer for ReaderAnswer {
    type Request = Read;

    fn head(&self) -> Head<'_> {
        Head {
            id: self.id,
            dev: &self.dev,
            cmd: self.cmd,
            bind_epoch: self.bind_epoch,
            counter: self.counter,
        }
    }

    fn request_head(read: &Read) -> (MessageId, u32) {
        (read.id, read.bind_epoch)
    }

    fn fits(&self, read: &Read) -> Result<(), Rejection> {
        if self.case == read.case { Ok(()) } else { Err(Rejection::OtherCase) }
    }

    fn decides(&self) -> bool {
        matches!(self.outcome, ReadOutcome::Read { .. })
    }
}

#[cfg(test)]
mod tests;
