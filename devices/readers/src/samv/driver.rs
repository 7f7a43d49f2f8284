//! The task that owns one reader: opens its port, proves that a module answers, reads on request, and notices
//! when the reader is pulled out, falls silent or comes back.
//!
//! Closed → probe (status, number, radio frame) → idle (status now and then) → on request find, select, read.

use std::io;
use std::time::Duration;

use hall_domain::IdentityCard;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::codec::{Command, Response, SamNumber, Status};
use super::dialogue::{Answer, Dialogue, ReadProgress, Step};
use super::link::Link;
use super::port::{BytePort, PortOpener};
use crate::ReadError;
pub use crate::state::ReaderState;

/// Commands in a row without any answer after which the port is opened anew.
const SILENT_COMMANDS: u8 = 3;
/// Radio frame size that modules are told after power-up.
const RF_FRAME: u8 = 0x50;

/// How long things may take. The default suits real modules.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For the answer to a command to begin; one that has begun may take four times as long.
    pub command: Duration,
    /// For a line to be quiet inside a frame before the frame is given up.
    pub quiet: Duration,
    /// Between two looks for a card.
    pub find_every: Duration,
    /// Between two checks of an idle module.
    pub status_every: Duration,
    /// Before the second attempt to open a port; doubles from there.
    pub reopen_after: Duration,
    /// Longest wait between two attempts to open a port.
    pub reopen_at_most: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            command: Duration::from_millis(1500),
            quiet: Duration::from_millis(300),
            find_every: Duration::from_millis(100),
            status_every: Duration::from_secs(3),
            reopen_after: Duration::from_millis(200),
            reopen_at_most: Duration::from_secs(2),
        }
    }
}

/// 读卡器: the handle to one reader's task. Clones speak to the same reader; reads are served one after the other.
#[derive(Debug, Clone)]
pub struct SamvReader {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<ReaderState>,
}

struct Request {
    deadline: Instant,
    cancel: CancellationToken,
    progress: mpsc::Sender<ReadProgress>,
    reply: oneshot::Sender<Result<IdentityCard, ReadError>>,
}

impl SamvReader {
    /// Starts the task that owns the reader until `stop`. Must be called on a tokio runtime.
    pub fn start<O: PortOpener>(
        opener: O,
        timing: Timing,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (requests, incoming) = mpsc::channel(1);
        let (state_tx, state) = watch::channel(ReaderState::Detached);
        let task = Task { opener, timing, stop, state: state_tx, card_may_lie_there: false };
        (Self { requests, state }, tokio::spawn(task.run(incoming)))
    }

    /// What the reader is good for; changes when it is plugged, pulled or fails.
    pub fn state(&self) -> watch::Receiver<ReaderState> {
        self.state.clone()
    }

    /// Waits for a card and reads it. What a second placing of the card can cure is tried again until `deadline`;
    /// `progress` then says what to ask of the citizen (messages are dropped while its queue is full).
    ///
    /// # Errors
    /// Everything in [`ReadError`]; [`ReadError::Cancelled`] at once when `cancel` fires, and no card comes after it.
    pub async fn read(
        &self,
        deadline: Instant,
        cancel: CancellationToken,
        progress: mpsc::Sender<ReadProgress>,
    ) -> Result<IdentityCard, ReadError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { deadline, cancel: cancel.clone(), progress, reply };
        let served = async {
            self.requests.send(request).await.map_err(|_| ReadError::Cancelled)?;
            answer.await.unwrap_or(Err(ReadError::Cancelled))
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ReadError::Cancelled),
            result = served => result,
        }
    }
}

/// A request that outlives one opening of the port.
struct Pending {
    request: Request,
    dialogue: Dialogue,
    reopened: bool,
}

/// Why a port cannot be used now: the state to show, and what readers are told meanwhile.
struct Unusable {
    state: ReaderState,
    reads: ReadError,
}

/// How serving one open port ended.
enum Served {
    Stopped,
    /// To be opened anew at once, with the read that was under way.
    Silent(Option<Pending>),
    Unusable(Unusable),
}

struct Task<O> {
    opener: O,
    timing: Timing,
    stop: CancellationToken,
    state: watch::Sender<ReaderState>,
    card_may_lie_there: bool,
}

impl<O: PortOpener> Task<O> {
    async fn run(mut self, mut incoming: mpsc::Receiver<Request>) {
        let mut wait = self.timing.reopen_after;
        let mut pending = None;
        loop {
            let unusable = match self.open().await {
                Ok((mut link, sam)) => {
                    wait = self.timing.reopen_after;
                    self.show(ReaderState::Ready { sam });
                    match self.serve(&mut link, &mut incoming, pending.take()).await {
                        Served::Stopped => return,
                        Served::Silent(read) => {
                            pending = read;
                            continue;
                        }
                        Served::Unusable(unusable) => unusable,
                    }
                }
                Err(unusable) => unusable,
            };
            self.show(unusable.state);
            if let Some(Pending { request, .. }) = pending.take() {
                request.answer(Err(unusable.reads));
            }
            if !self.wait_refusing(wait, &mut incoming, unusable.reads).await {
                return;
            }
            wait = (wait * 2).min(self.timing.reopen_at_most);
        }
    }

    /// Opens the port and asks the module who it is.
    async fn open(&self) -> Result<(Link<O::Port>, Option<SamNumber>), Unusable> {
        let port = self.opener.open().map_err(|_| Unusable::GONE)?;
        let mut link = Link::new(port, self.timing);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Unusable::GONE),
            sam = probe(&mut link) => Ok((link, sam?)),
        }
    }

    async fn serve(
        &mut self,
        link: &mut Link<O::Port>,
        incoming: &mut mpsc::Receiver<Request>,
        resumed: Option<Pending>,
    ) -> Served {
        let mut next = resumed;
        loop {
            if let Some(read) = next.take()
                && let Some(end) = self.read(link, read).await
            {
                return end;
            }
            let check = Instant::now() + self.timing.status_every;
            let request = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Served::Stopped,
                request = incoming.recv() => request,
                error = link.hang_up() => return Served::lost(&error),
                () = sleep_until(check) => {
                    match check_idle(link).await {
                        None => continue,
                        Some(end) => return end,
                    }
                }
            };
            let Some(request) = request else { return Served::Stopped };
            let dialogue = Dialogue::new(self.card_may_lie_there);
            next = Some(Pending { request, dialogue, reopened: false });
        }
    }

    /// Carries one read out; returns how the port ended if it did.
    async fn read(&mut self, link: &mut Link<O::Port>, mut read: Pending) -> Option<Served> {
        let mut command = read.dialogue.start();
        let mut told = None;
        let mut silent = 0;
        loop {
            let progress = read.dialogue.progress();
            if told.replace(progress) != Some(progress) {
                // A full queue means a slow listener; the newest state reaches it with a later message.
                let _ = read.request.progress.try_send(progress);
            }
            if read.request.cancel.is_cancelled() || read.request.reply.is_closed() {
                read.request.answer(Err(ReadError::Cancelled));
                return None;
            }
            if self.stop.is_cancelled() {
                read.request.answer(Err(ReadError::Cancelled));
                return Some(Served::Stopped);
            }
            if Instant::now() >= read.request.deadline {
                read.request.answer(Err(read.dialogue.at_deadline()));
                return None;
            }
            let answer = match link.exchange(command).await {
                Ok(answer) => answer,
                Err(error) => {
                    read.request.answer(Err(ReadError::ReaderGone));
                    return Some(Served::lost(&error));
                }
            };
            silent = if answer == Answer::Silent { silent + 1 } else { 0 };
            if silent >= SILENT_COMMANDS {
                warn!("the card reader does not answer, its port is opened anew");
                return Some(read.after_silence());
            }
            if let (Command::FindCard, Answer::Response(found)) = (command, &answer)
                && found.status == Status::FOUND
            {
                self.card_may_lie_there = false;
            }
            match read.dialogue.answer(&answer) {
                Step::Send(next) => command = next,
                Step::SendAfterPause(next) => {
                    command = next;
                    read.request.pause(self.timing.find_every).await;
                }
                Step::Done(card) => {
                    self.card_may_lie_there = true;
                    read.request.answer(Ok(*card));
                    return None;
                }
                Step::Failed(error) => {
                    read.request.answer(Err(error));
                    return match error {
                        ReadError::NotLicensed => Some(Served::Unusable(Unusable::NOT_LICENSED)),
                        ReadError::SelfTest => Some(Served::Unusable(Unusable::SELF_TEST)),
                        _ => None,
                    };
                }
            }
        }
    }

    /// Waits before the port is tried again; reads are refused at once meanwhile. False when it is time to stop.
    async fn wait_refusing(
        &self,
        wait: Duration,
        incoming: &mut mpsc::Receiver<Request>,
        why: ReadError,
    ) -> bool {
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return false,
                request = incoming.recv() => match request {
                    Some(request) => request.answer(Err(why)),
                    None => return false,
                },
                () = sleep_until(until) => return true,
            }
        }
    }

    fn show(&self, state: ReaderState) {
        let port = self.opener.name();
        let changed = self.state.send_if_modified(|shown| std::mem::replace(shown, state) != state);
        if !changed {
            return;
        }
        match state {
            ReaderState::Ready { sam } => {
                let sam = sam.map(|number| number.to_string()).unwrap_or_default();
                info!(reader.port = port, reader.sam = sam, "the card reader at {port} is ready");
            }
            ReaderState::Detached => warn!(reader.port = port, "no card reader answers at {port}"),
            ReaderState::NotLicensed => {
                error!(reader.port = port, "the module of the card reader at {port} is not licensed");
            }
            ReaderState::SelfTestFailed => {
                error!(reader.port = port, "the module of the card reader at {port} failed its self-test");
            }
            // No service and no other program stands between this task and its port.
            ReaderState::ServiceDown | ReaderState::Stuck => {}
        }
    }
}

impl Request {
    /// The asker may have gone; then the card is dropped here.
    fn answer(self, result: Result<IdentityCard, ReadError>) {
        let result = if self.cancel.is_cancelled() { Err(ReadError::Cancelled) } else { result };
        let _ = self.reply.send(result);
    }

    /// Waits, but not beyond the deadline or the end of interest.
    async fn pause(&self, pause: Duration) {
        let until = (Instant::now() + pause).min(self.deadline);
        tokio::select! {
            () = self.cancel.cancelled() => {}
            () = sleep_until(until) => {}
        }
    }
}

impl Pending {
    /// The port is opened anew once for a read; if the reader is silent again, the read ends.
    fn after_silence(mut self) -> Served {
        if self.reopened {
            self.request.answer(Err(ReadError::Silent));
            return Served::Unusable(Unusable::SILENT);
        }
        self.reopened = true;
        Served::Silent(Some(self))
    }
}

impl Unusable {
    const GONE: Self = Self { state: ReaderState::Detached, reads: ReadError::ReaderGone };
    const SILENT: Self = Self { state: ReaderState::Detached, reads: ReadError::Silent };
    const GARBLED: Self = Self { state: ReaderState::Detached, reads: ReadError::Garbled };
    const NOT_LICENSED: Self = Self { state: ReaderState::NotLicensed, reads: ReadError::NotLicensed };
    const SELF_TEST: Self = Self { state: ReaderState::SelfTestFailed, reads: ReadError::SelfTest };
}

impl Served {
    fn lost(error: &io::Error) -> Self {
        info!(error.kind = ?error.kind(), "the card reader's port has hung up");
        Self::Unusable(Unusable::GONE)
    }
}

/// Asks a freshly opened module whether it works, which one it is, and sets its radio frame.
async fn probe<P: BytePort>(link: &mut Link<P>) -> Result<Option<SamNumber>, Unusable> {
    usable(ask(link, Command::Status).await?.status)?;
    let number = ask(link, Command::SamNumber).await?;
    usable(number.status)?;
    // Modules that do not know this command refuse it or say nothing, which does no harm.
    link.exchange(Command::SetMaxRfFrame(RF_FRAME)).await.map_err(|_| Unusable::GONE)?;
    Ok(SamNumber::parse(&number.data))
}

/// Says a command up to three times.
async fn ask<P: BytePort>(link: &mut Link<P>, command: Command) -> Result<Response, Unusable> {
    let mut why = Unusable::SILENT;
    for _ in 0..SILENT_COMMANDS {
        match link.exchange(command).await.map_err(|_| Unusable::GONE)? {
            Answer::Response(response) => return Ok(response),
            Answer::Garbled => why = Unusable::GARBLED,
            Answer::Silent => {}
        }
    }
    Err(why)
}

/// Checks on an idle module; returns how the port ended if it did.
async fn check_idle<P: BytePort>(link: &mut Link<P>) -> Option<Served> {
    let checked = match ask(link, Command::Status).await {
        Ok(response) => usable(response.status),
        Err(unusable) => Err(unusable),
    };
    match checked.err()? {
        Unusable { reads: ReadError::Silent | ReadError::Garbled, .. } => Some(Served::Silent(None)),
        unusable => Some(Served::Unusable(unusable)),
    }
}

fn usable(status: Status) -> Result<(), Unusable> {
    match status {
        Status::NOT_LICENSED => Err(Unusable::NOT_LICENSED),
        Status::SELF_TEST => Err(Unusable::SELF_TEST),
        _ => Ok(()),
    }
}
