//! One reader behind PC/SC, as the rest of the program sees it: a state that changes, and reads that end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::gate::Gate;
use super::monitor::{CardKey, Monitor, Seen, View};
use super::name::{NamePattern, names_a_virtual_reader};
use super::worker::{Done, Job};
use crate::profiles::{Laid, Profile};
use crate::samv::dialogue::ReadProgress;
use crate::{ReadError, ReaderState};

/// How long things may take. The default suits real readers.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For a card to be read once, from connecting to the last answer; after that its thread is given up.
    pub card: Duration,
    /// How long another program may hold the reader for itself before a read ends.
    pub busy: Duration,
    /// Between two attempts while another program holds the reader for itself.
    pub busy_every: Duration,
    /// Between two attempts at a card that failed and still lies there: it may have been laid down anew unnoticed.
    pub again: Duration,
    /// Before the second attempt to reach pcscd; doubles from there.
    pub reconnect_after: Duration,
    /// Longest wait between two attempts to reach pcscd.
    pub reconnect_at_most: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            card: Duration::from_secs(5),
            busy: Duration::from_secs(5),
            busy_every: Duration::from_millis(100),
            again: Duration::from_secs(1),
            reconnect_after: Duration::from_millis(100),
            reconnect_at_most: Duration::from_secs(2),
        }
    }
}

/// Which reader, and what may be read with it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub reader: NamePattern,
    /// What it may read.
    pub profiles: Vec<Profile>,
    /// Whether a reader that a program plays may be used: tests and the demo only.
    pub virtual_allowed: bool,
}

/// 读卡器 behind PC/SC: the handle to it. Clones speak to the same reader; reads are served one after the other.
#[derive(Debug, Clone)]
pub struct PcscReader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    timing: Timing,
    view: watch::Receiver<View>,
    state: watch::Receiver<ReaderState>,
    gate: Gate,
    simulated: AtomicBool,
    /// The card that was read last, and the right to read: the same card is not read for the next citizen.
    last: Mutex<Option<CardKey>>,
}

impl PcscReader {
    /// Starts to watch the reader until `stop`. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(
        settings: Settings,
        timing: Timing,
        stop: CancellationToken,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let simulated = AtomicBool::new(names_a_virtual_reader(&settings.reader.to_string()));
        let (monitor, view) = Monitor::start(settings.reader.clone(), timing)?;
        // Whether there is more to tell shows when the monitor has looked.
        let (shown, state) = watch::channel(ReaderState::Detached);
        let (gate, last) = (Gate::new(), Mutex::default());
        let inner = Arc::new(Inner { settings, timing, view, state, gate, simulated, last });
        let task = tokio::spawn(Arc::clone(&inner).show_state(shown, monitor, stop));
        Ok((Self(inner), task))
    }

    /// What the reader is good for; changes when it is plugged or pulled, when pcscd stops, and when a card gets it stuck.
    pub fn state(&self) -> watch::Receiver<ReaderState> {
        self.0.state.clone()
    }

    /// The name by which it is looked for.
    pub fn name(&self) -> &NamePattern {
        &self.0.settings.reader
    }

    /// Whether a program plays the reader: its name says so, or its vendor did at the last read.
    pub fn is_virtual(&self) -> bool {
        self.0.simulated.load(Ordering::Acquire)
    }

    /// Waits for a card and reads it. What a second placing of the card can cure is tried again until `deadline`; `progress` then
    /// says what to ask of the citizen (messages are dropped while its queue is full).
    ///
    /// # Errors
    /// Everything in [`ReadError`] that is not the SAM_V line's; [`ReadError::Cancelled`] at once when `cancel` fires, and no card
    /// comes after it.
    pub async fn read(
        &self,
        deadline: Instant,
        cancel: CancellationToken,
        progress: mpsc::Sender<ReadProgress>,
    ) -> Result<Laid, ReadError> {
        let read = async {
            let mut last = self.0.last.lock().await;
            let reading = Reading { reader: &self.0, deadline, progress, told: None, held_since: None };
            reading.carry_out(&mut last).await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ReadError::Cancelled),
            result = read => result,
        }
    }
}

impl Inner {
    async fn show_state(
        self: Arc<Self>,
        shown: watch::Sender<ReaderState>,
        monitor: Monitor,
        stop: CancellationToken,
    ) {
        let mut view = self.view.clone();
        loop {
            let state = self.judge(&view.borrow_and_update());
            let changed = shown.send_if_modified(|shown| std::mem::replace(shown, state) != state);
            if changed && state == ReaderState::Stuck {
                let name = &self.settings.reader;
                warn!(reader.name = %name, "a read has not come back: take the card off {name}");
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                seen = view.changed() => if seen.is_err() { break },
                () = self.gate.changed() => {}
            }
        }
        monitor.stop().await;
    }

    fn judge(&self, view: &View) -> ReaderState {
        match &view.reader {
            None if view.service || !view.known => ReaderState::Detached,
            None => ReaderState::ServiceDown,
            Some(_) if self.gate.is_stuck(view.card()) => ReaderState::Stuck,
            Some(seen) => {
                if names_a_virtual_reader(&seen.name.to_string_lossy()) {
                    self.simulated.store(true, Ordering::Release);
                }
                ReaderState::Ready { sam: None }
            }
        }
    }
}

/// One read under way.
struct Reading<'reader> {
    reader: &'reader Inner,
    deadline: Instant,
    progress: mpsc::Sender<ReadProgress>,
    told: Option<ReadProgress>,
    /// Since when another program holds the reader for itself.
    held_since: Option<Instant>,
}

impl Reading<'_> {
    async fn carry_out(mut self, last: &mut Option<CardKey>) -> Result<Laid, ReadError> {
        let mut view = self.reader.view.clone();
        // What the read ends with if nothing more happens, the card that is to be laid down anew, and when it is tried all the same.
        let (mut so_far, mut spoiled, mut again) = (ReadError::NoCard, None, self.deadline);
        // Right after the start the monitor may not have looked yet, which is no reason to fail.
        let known = view.wait_for(|view| view.known);
        match timeout_at(self.deadline, known).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(ReadError::Cancelled),
            Err(_) => return Err(ReadError::NoCard),
        }
        loop {
            let seen = view.borrow_and_update().clone();
            if Instant::now() >= self.deadline {
                return Err(so_far);
            }
            if !seen.service {
                return Err(ReadError::Service);
            }
            let Some(reader) = seen.reader else { return Err(ReadError::ReaderGone) };
            let ask = match reader.card {
                Some(card) if Some(card.key) == *last => ReadProgress::TakeCardAway,
                Some(card) if !card.mute && (Some(card.key) != spoiled || Instant::now() >= again) => {
                    if Some(card.key) != spoiled {
                        self.tell(ReadProgress::Reading);
                    }
                    match self.attempt(&reader, card.key).await {
                        Ok(laid) => {
                            *last = Some(card.key);
                            return Ok(laid);
                        }
                        Err(ReadError::Busy) if self.may_wait_for_others().await => {}
                        Err(error @ (ReadError::Removed | ReadError::ReplaceCard)) => {
                            (so_far, spoiled) = (error, Some(card.key));
                            again = Instant::now() + self.reader.timing.again;
                        }
                        Err(error) => return Err(error),
                    }
                    continue;
                }
                Some(card) => {
                    if card.mute {
                        so_far = ReadError::ReplaceCard;
                    }
                    ask_for(so_far)
                }
                None => ask_for(so_far),
            };
            self.tell(ask);
            let failed_lies_there = reader.card.is_some_and(|card| Some(card.key) == spoiled && !card.mute);
            tokio::select! {
                seen = view.changed() => if seen.is_err() { return Err(ReadError::Cancelled) },
                () = sleep_until(self.deadline) => return Err(so_far),
                () = sleep_until(again), if failed_lies_there => {}
            }
        }
    }

    /// Reads the card that lies there, once.
    async fn attempt(&self, seen: &Seen, card: CardKey) -> Result<Laid, ReadError> {
        let gate = &self.reader.gate;
        let turn = gate.turn(card).map_err(|_| ReadError::Busy)?;
        let whole = Instant::now() + self.reader.timing.card;
        let until = self.deadline.min(whole);
        let Ok(Ok(turn)) = timeout_at(until, turn.acquire_owned()).await else {
            gate.give_up(card);
            return Err(ReadError::Busy);
        };
        let Settings { profiles, virtual_allowed, .. } = &self.reader.settings;
        let job =
            Job { reader: seen.name.clone(), profiles: profiles.clone(), virtual_allowed: *virtual_allowed };
        let sent = gate.send(job, turn).map_err(|_| ReadError::Busy)?;
        match timeout_at(until, sent).await {
            Ok(Ok(Done { result, simulated })) => {
                self.reader.simulated.store(simulated, Ordering::Release);
                result
            }
            Ok(Err(_)) => Err(ReadError::Garbled),
            Err(_) => {
                gate.give_up(card);
                // A card that came in the last moment had no time to answer.
                Err(if until < whole { ReadError::NoCard } else { ReadError::CardSilent })
            }
        }
    }

    /// Waits a moment if another program holds the reader; false when a thread of our own is stuck, or it was long enough.
    async fn may_wait_for_others(&mut self) -> bool {
        let Timing { busy, busy_every, .. } = self.reader.timing;
        let card = self.reader.view.borrow().card();
        if self.reader.gate.is_stuck(card) {
            return false;
        }
        let now = Instant::now();
        let until = (*self.held_since.get_or_insert(now) + busy).min(self.deadline);
        if now >= until {
            return false;
        }
        sleep_until((now + busy_every).min(until)).await;
        true
    }

    fn tell(&mut self, progress: ReadProgress) {
        if self.told.replace(progress) != Some(progress) {
            // A full queue means a slow listener; the newest state reaches it with a later message.
            let _ = self.progress.try_send(progress);
        }
    }
}

/// What to ask of the citizen when an attempt has ended so.
fn ask_for(so_far: ReadError) -> ReadProgress {
    match so_far {
        ReadError::Removed => ReadProgress::PlaceAgain,
        ReadError::ReplaceCard => ReadProgress::ReplaceCard,
        _ => ReadProgress::WaitingForCard,
    }
}
