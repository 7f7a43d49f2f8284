//! The thread that watches: whether pcscd runs, whether the reader is there, whether a card lies on it. It has a context of its own,
//! because a waiting context blocks every other call.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ::pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};
use tokio::sync::watch;
use tracing::{info, warn};

use super::driver::Timing;
use super::name::{self, NamePattern};

/// One wait for a change. Short, because a change that pcscd does not tell must not stay unseen.
const WAIT: Duration = Duration::from_secs(2);
/// pcscd takes 16 states at once, and one is its own "a reader came or went".
const MOST_READERS: usize = 15;

/// What the monitor sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Whether it has looked at all.
    pub(super) known: bool,
    /// Whether pcscd runs.
    pub(super) service: bool,
    /// The reader, if exactly one fits its pattern.
    pub(super) reader: Option<Seen>,
}

/// The reader, seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// As pcscd calls it, with its numbers.
    pub(super) name: CString,
    /// The card on it.
    pub(super) card: Option<CardSeen>,
}

/// A card, seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CardSeen {
    /// Which laying-down it is.
    pub(super) key: CardKey,
    /// It was powered and said nothing.
    pub(super) mute: bool,
}

/// One laying-down of a card: changes whenever a card leaves, and with every start of pcscd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CardKey {
    connection: u64,
    count: u32,
}

impl View {
    pub(super) fn card(&self) -> Option<CardKey> {
        self.reader.as_ref()?.card.map(|card| card.key)
    }
}

/// The running monitor.
#[derive(Debug)]
pub(super) struct Monitor {
    thread: JoinHandle<()>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// The context that waits, so that it can be told to stop.
    waiting: Mutex<Option<Context>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Monitor {
    /// Starts the thread; what it sees comes to the receiver.
    pub(super) fn start(
        pattern: NamePattern,
        timing: Timing,
    ) -> std::io::Result<(Self, watch::Receiver<View>)> {
        let (tell, view) = watch::channel(View::default());
        let shared = Arc::new(Shared::default());
        let watcher = Watcher { pattern, timing, tell, shared: Arc::clone(&shared), connection: 0 };
        let thread = thread::Builder::new().name("card-watch".to_owned()).spawn(move || watcher.run())?;
        Ok((Self { thread, shared }, view))
    }

    /// Stops the thread and waits until it has ended.
    pub(super) async fn stop(self) {
        self.shared.stop.store(true, Ordering::Release);
        while !self.thread.is_finished() {
            self.thread.thread().unpark();
            if let Some(context) = &*self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner) {
                // Between two waits there is nothing to cancel, and near the end of one pcscd calls it an error.
                let _ = context.cancel();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

struct Watcher {
    pattern: NamePattern,
    timing: Timing,
    tell: watch::Sender<View>,
    shared: Arc<Shared>,
    /// Number of the connection to pcscd.
    connection: u64,
}

impl Watcher {
    fn run(mut self) {
        let mut pause = self.timing.reconnect_after;
        while !self.stopped() {
            match Context::establish(Scope::User) {
                Ok(context) => {
                    self.connection += 1;
                    self.wait_with(Some(context.clone()));
                    let lost = self.follow(&context, &mut pause);
                    self.wait_with(None);
                    if !self.stopped() {
                        warn!(reader.name = %self.pattern, "the smart card service is lost: {lost}");
                    }
                }
                Err(error) => {
                    if self.connection == 0 && pause == self.timing.reconnect_after {
                        warn!(reader.name = %self.pattern, "the smart card service is not running: {error}");
                    }
                }
            }
            // Whatever the error was: the context is dropped here, and a new one made. Its own word on whether it is valid is wrong.
            let down = View { known: true, ..View::default() };
            self.tell.send_if_modified(|view| std::mem::replace(view, down.clone()) != down);
            if !self.stopped() {
                thread::park_timeout(pause);
            }
            pause = (pause * 2).min(self.timing.reconnect_at_most);
        }
    }

    /// Tells what one connection shows, until it breaks.
    fn follow(&self, context: &Context, pause: &mut Duration) -> Error {
        let mut states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        loop {
            if let Err(error) = self.renew(context, &mut states) {
                return error;
            }
            match context.get_status_change(WAIT, &mut states) {
                Ok(()) | Err(Error::Timeout) => {}
                // A reader went between the list and the wait.
                Err(Error::UnknownReader) => {
                    states.truncate(1);
                    continue;
                }
                Err(error) => return error,
            }
            if self.stopped() {
                return Error::Cancelled;
            }
            *pause = self.timing.reconnect_after;
            self.show(&states);
        }
    }

    /// Readers that went are forgotten, new ones are looked at, and what was told is not told again.
    fn renew(&self, context: &Context, states: &mut Vec<ReaderState>) -> Result<(), Error> {
        let mut names = name::listed(context)?;
        names.retain(|name| self.pattern.fits(&name::text(name)));
        names.truncate(MOST_READERS);
        let gone = State::UNKNOWN | State::IGNORE;
        states.retain(|state| {
            state.name() == PNP_NOTIFICATION()
                || (!state.event_state().intersects(gone) && names.iter().any(|name| **name == *state.name()))
        });
        for state in states.iter_mut() {
            state.sync_current_state();
        }
        for name in names {
            if !states.iter().any(|state| *state.name() == *name) {
                states.push(ReaderState::new(name, State::UNAWARE));
            }
        }
        Ok(())
    }

    fn show(&self, states: &[ReaderState]) {
        let there = |state: &&ReaderState| !state.event_state().intersects(State::UNKNOWN | State::IGNORE);
        let readers: Vec<_> = states.iter().skip(1).filter(there).collect();
        let reader = match readers.as_slice() {
            [reader] => Some(self.seen(reader)),
            _ => None,
        };
        let view = View { known: true, service: true, reader };
        let fitting = readers.len();
        self.tell.send_if_modified(|shown| {
            let had = shown.service && shown.reader.is_some();
            match &view.reader {
                Some(_) if !had => info!(reader.name = %self.pattern, "the card reader {} is there", self.pattern),
                None if had || !shown.service => {
                    warn!(reader.name = %self.pattern, reader.count = fitting, "{fitting} card readers fit the name {}; exactly one is needed", self.pattern);
                }
                _ => {}
            }
            let changed = *shown != view;
            *shown = view;
            changed
        });
    }

    fn seen(&self, state: &ReaderState) -> Seen {
        let flags = state.event_state();
        let key = CardKey { connection: self.connection, count: state.event_count() };
        let card =
            flags.contains(State::PRESENT).then(|| CardSeen { key, mute: flags.contains(State::MUTE) });
        Seen { name: state.name().to_owned(), card }
    }

    fn wait_with(&self, context: Option<Context>) {
        *self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner) = context;
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }
}
