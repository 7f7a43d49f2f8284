//! One reader with one slot: a unix socket that waits for a card. Connecting lays the card down, hanging up takes it away. A second
//! card waits until the first has left, as a card on top of another would.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::frames::{self, Control};

/// How long a card may take over an answer. A card that says nothing must not hold pcscd up for ever.
const ANSWER: Duration = Duration::from_secs(5);

/// Why the card was not spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotError {
    /// No card, or it left.
    Removed,
    /// The card is there and says nothing.
    Silent,
}

/// A virtual reader.
#[derive(Debug)]
pub struct Slot {
    path: PathBuf,
    listener: UnixListener,
    place: Mutex<Place>,
}

/// What is where a card can lie.
#[derive(Debug)]
enum Place {
    Empty,
    Card(Arc<Card>),
    /// A card has left. Until the thread that waits for changes has surely seen that, the next one is not looked at: another caller
    /// may ask first, and the change would be missed.
    Left {
        /// The waiting thread was sent to look.
        told: bool,
    },
}

#[derive(Debug)]
struct Card {
    line: UnixStream,
    /// An answer is outstanding: whatever comes now may belong to an older command.
    silent: AtomicBool,
}

impl Slot {
    /// Waits for cards at `path`; a socket that an earlier pcscd left there is replaced.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self { path: path.to_owned(), listener, place: Mutex::new(Place::Empty) })
    }

    /// Whether a card lies there. A card that has left is told before the next one is looked at.
    pub fn present(&self) -> bool {
        let mut place = self.lock();
        match &*place {
            Place::Card(card) if card.has_left() => *place = Place::Left { told: false },
            Place::Card(_) | Place::Left { .. } => {}
            Place::Empty => {
                if let Ok(card) = self.listener.accept().and_then(|(line, _)| Card::new(line)) {
                    *place = Place::Card(Arc::new(card));
                }
            }
        }
        matches!(*place, Place::Card(_))
    }

    /// Waits until the card leaves or, with none, until one comes, but no longer than `longest`.
    ///
    /// For one thread alone, which asks [`Slot::present`] after each wait.
    pub fn until_changed(&self, longest: Duration) {
        let card = match &mut *self.lock() {
            Place::Left { told } if !*told => {
                *told = true;
                return;
            }
            place @ (Place::Left { .. } | Place::Empty) => {
                *place = Place::Empty;
                None
            }
            Place::Card(card) => Some(Arc::clone(card)),
        };
        let (fd, flags) = match &card {
            // A hang-up is reported unasked; answers on their way are not this thread's business.
            Some(card) => (card.line.as_fd(), PollFlags::empty()),
            None => (self.listener.as_fd(), PollFlags::POLLIN),
        };
        let timeout = PollTimeout::try_from(longest).unwrap_or(PollTimeout::MAX);
        // Interrupted or not: pcscd looks, and waits again.
        let _ = poll(&mut [PollFd::new(fd, flags)], timeout);
    }

    /// Powers the card up, or resets it, and gives its ATR.
    ///
    /// # Errors
    /// If there is no card, or it does not answer.
    pub fn power_up(&self, reset: bool) -> Result<Vec<u8>, SlotError> {
        let card = self.card()?;
        card.tell(if reset { Control::Reset } else { Control::PowerOn })?;
        card.ask(&[Control::Atr.byte()])
    }

    /// Powers the card down.
    ///
    /// # Errors
    /// If there is no card.
    pub fn power_down(&self) -> Result<(), SlotError> {
        self.card()?.tell(Control::PowerOff)
    }

    /// Sends a command APDU and waits for the answer, which is passed on as it is.
    ///
    /// # Errors
    /// If the card leaves, does not answer, or owes an earlier answer.
    pub fn transmit(&self, apdu: &[u8]) -> Result<Vec<u8>, SlotError> {
        // A shorter one would look like a control to the card.
        if apdu.len() < 4 {
            return Ok(vec![0x67, 0x00]);
        }
        self.card()?.ask(apdu)
    }

    fn card(&self) -> Result<Arc<Card>, SlotError> {
        match &*self.lock() {
            Place::Card(card) => Ok(Arc::clone(card)),
            Place::Empty | Place::Left { .. } => Err(SlotError::Removed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Gone already, perhaps with its folder.
        let _ = fs::remove_file(&self.path);
    }
}

impl Card {
    fn new(line: UnixStream) -> io::Result<Self> {
        line.set_nonblocking(false)?;
        line.set_read_timeout(Some(ANSWER))?;
        line.set_write_timeout(Some(ANSWER))?;
        Ok(Self { line, silent: AtomicBool::new(false) })
    }

    fn has_left(&self) -> bool {
        let mut fds = [PollFd::new(self.line.as_fd(), PollFlags::empty())];
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        let happened = poll(&mut fds, PollTimeout::ZERO).is_ok_and(|count| count > 0);
        let [fd] = fds;
        happened && fd.revents().is_some_and(|events| events.intersects(gone))
    }

    fn tell(&self, control: Control) -> Result<(), SlotError> {
        frames::send(&self.line, &[control.byte()]).map_err(|error| self.failed(&error))
    }

    fn ask(&self, body: &[u8]) -> Result<Vec<u8>, SlotError> {
        if self.silent.load(Ordering::Acquire) {
            return Err(SlotError::Silent);
        }
        let answer = frames::send(&self.line, body).and_then(|()| frames::receive(&self.line));
        answer.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> SlotError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                self.silent.store(true, Ordering::Release);
                SlotError::Silent
            }
            _ => SlotError::Removed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn slot() -> (PathBuf, Slot) {
        let name = format!("hall-virtual-reader-{}-{:?}", std::process::id(), thread::current().id());
        let path = std::env::temp_dir().join(name);
        let slot = Slot::open(&path).unwrap();
        (path, slot)
    }

    #[test]
    fn a_card_that_was_swapped_is_told_as_gone_first() {
        let (path, slot) = slot();
        assert!(!slot.present());
        let first = UnixStream::connect(&path).unwrap();
        assert!(slot.present() && slot.present());
        let _second = UnixStream::connect(&path).unwrap();
        drop(first);
        assert!(!slot.present(), "the first has left, as somebody learns");
        slot.until_changed(Duration::ZERO);
        assert!(!slot.present(), "the thread that waits for changes learns it too");
        slot.until_changed(Duration::ZERO);
        assert!(slot.present(), "the second is there");
        drop(slot);
        assert!(!path.exists());
    }

    #[test]
    fn a_card_is_powered_asked_and_gone() {
        let (path, slot) = slot();
        assert_eq!(slot.power_up(false), Err(SlotError::Removed));
        let card = UnixStream::connect(&path).unwrap();
        assert!(slot.present());
        let answers = thread::spawn(move || {
            assert_eq!(frames::receive(&card).unwrap(), [1]);
            assert_eq!(frames::receive(&card).unwrap(), [4]);
            frames::send(&card, &[0x3B, 0x00]).unwrap();
            assert_eq!(frames::receive(&card).unwrap(), [0x00, 0xB0, 0x00, 0x00]);
            frames::send(&card, &[0x90, 0x00]).unwrap();
            assert_eq!(frames::receive(&card).unwrap(), [0x00, 0xB0, 0x00, 0x01]);
        });
        assert_eq!(slot.power_up(false).unwrap(), [0x3B, 0x00]);
        assert_eq!(slot.transmit(&[0x00, 0xB0, 0x00, 0x00]).unwrap(), [0x90, 0x00]);
        assert_eq!(slot.transmit(&[0x00]).unwrap(), [0x67, 0x00], "too short for an APDU");
        assert_eq!(slot.transmit(&[0x00, 0xB0, 0x00, 0x01]), Err(SlotError::Removed));
        answers.join().unwrap();
        assert!(!slot.present());
    }

    #[test]
    fn waiting_ends_when_a_card_comes_and_when_it_leaves() {
        let (path, slot) = slot();
        let long = Duration::from_secs(60);
        let card = UnixStream::connect(&path).unwrap();
        slot.until_changed(long);
        assert!(slot.present());
        drop(card);
        slot.until_changed(long);
        assert!(!slot.present());
    }
}
