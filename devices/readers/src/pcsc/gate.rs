//! Who may speak to the reader: one thread at a time, and none while an earlier one has not come back from this very card.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::monitor::CardKey;
use super::worker::{Done, Job};

/// Threads that may be out at once: one that works, and lost ones. Beyond it the reader stays busy, and the process stays small.
const MOST_THREADS: usize = 4;

/// The reader is held by a thread that has not come back, or too many are lost.
pub(super) struct Held;

/// The way to the reader.
#[derive(Debug)]
pub(super) struct Gate {
    inner: Mutex<Inner>,
    out: Arc<AtomicUsize>,
    /// Told whenever a thread comes back or is given up.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Inner {
    turn: Arc<Semaphore>,
    stuck: Option<CardKey>,
}

impl Gate {
    pub(super) fn new() -> Self {
        let inner = Mutex::new(Inner { turn: Arc::new(Semaphore::new(1)), stuck: None });
        Self { inner, out: Arc::default(), changed: Arc::default() }
    }

    /// Resolves when a thread came back or was given up since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Where to wait for one's turn with this card.
    pub(super) fn turn(&self, card: CardKey) -> Result<Arc<Semaphore>, Held> {
        if self.is_stuck(Some(card)) || self.out.load(Ordering::Acquire) >= MOST_THREADS {
            return Err(Held);
        }
        Ok(Arc::clone(&self.lock().turn))
    }

    /// Whether the reader is stuck, with this card on it. Another card, or none, frees it: the lost thread is left to itself.
    pub(super) fn is_stuck(&self, card: Option<CardKey>) -> bool {
        let mut inner = self.lock();
        let Some(stuck) = inner.stuck else { return false };
        if inner.turn.available_permits() > 0 {
            inner.stuck = None;
        } else if Some(stuck) != card {
            *inner = Inner { turn: Arc::new(Semaphore::new(1)), stuck: None };
        }
        inner.stuck.is_some()
    }

    /// The thread that has the turn was waited for long enough.
    pub(super) fn give_up(&self, card: CardKey) {
        self.lock().stuck = Some(card);
        self.changed.notify_one();
    }

    /// Sends a thread with this turn; it gives the turn back when it comes back.
    pub(super) fn send(&self, job: Job, turn: OwnedSemaphorePermit) -> io::Result<oneshot::Receiver<Done>> {
        let (reply, answer) = oneshot::channel();
        let away = Away::new(&self.out);
        let changed = Arc::clone(&self.changed);
        thread::Builder::new().name("card-read".to_owned()).spawn(move || {
            let done = job.carry_out();
            drop((turn, away));
            changed.notify_one();
            // Whoever asked may have gone; then the card is dropped here.
            let _ = reply.send(done);
        })?;
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a thread for as long as it is out.
struct Away(Arc<AtomicUsize>);

impl Away {
    fn new(out: &Arc<AtomicUsize>) -> Self {
        out.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(out))
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
