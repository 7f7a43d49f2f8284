//! A card reader with a SAM_V module on a pseudo-terminal, with at most one virtual card on it.

mod module;
pub(crate) mod pty;

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hall_domain::IdentityCard;
use hall_readers::samv::codec::{Command, Decoder, SamNumber, Status};
use hall_readers::samv::text::{self, TextError};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use module::{Delivery, Module};
use pty::Pty;

/// The number that every virtual module tells: no maker has class 05 and a date of all nines.
pub const VIRTUAL_SAM: SamNumber = SamNumber { class: 5, version: 99, date: 99_999_999, serial: 0, check: 0 };

/// How fast the virtual line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the machine goes.
    Unpaced,
    /// As a real line of 115,200 baud: a card takes 112 ms.
    Baud115200,
}

/// What can be wrong with a reader. Several at once add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// These bytes come before each answer.
    Garbage(Vec<u8>),
    /// The check byte of the answer is wrong.
    WrongChecksum,
    /// No answer.
    Silent,
    /// The answer comes in pieces of so many bytes, with a pause after each.
    Split {
        /// Bytes in a piece.
        bytes: usize,
        /// Pause after each piece.
        gap: Duration,
    },
    /// The card is lifted when so many bytes of the answer to a read are out; the rest never comes.
    LiftAfter {
        /// Bytes that still come.
        bytes: usize,
    },
    /// The module answers with this status and no data, whatever it is asked.
    Status(Status),
    /// The module thinks for so long before it answers.
    Slow(Duration),
}

impl Fault {
    /// 读卡失败: the module cannot read the card (status 41).
    pub const READ_FAILED: Self = Self::Status(Status::READ_FAILED);
    /// 自检失败 (status 60).
    pub const SELF_TEST_FAILED: Self = Self::Status(Status::SELF_TEST);
    /// 未授权 (status 66).
    pub const NOT_LICENSED: Self = Self::Status(Status::NOT_LICENSED);
}

/// Starts virtual readers.
#[derive(Debug)]
pub struct Emulator;

impl Emulator {
    /// A reader without a card, plugged in: `link` leads to its port for as long as it is plugged in. Whatever was at
    /// `link` is replaced. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If no pseudo-terminal is to be had, or `link` cannot be written.
    pub fn start(link: impl Into<PathBuf>) -> io::Result<EmulatorHandle> {
        Self::start_paced(link, Pace::Unpaced)
    }

    /// As [`Emulator::start`], at the speed of a real line if wanted.
    ///
    /// # Errors
    /// As [`Emulator::start`].
    pub fn start_paced(link: impl Into<PathBuf>, pace: Pace) -> io::Result<EmulatorHandle> {
        let (activity, _) = watch::channel(0);
        let handle = EmulatorHandle(Arc::new(Reader {
            link: link.into(),
            pace,
            runtime: Handle::current(),
            module: Arc::new(Mutex::new(Module::new(VIRTUAL_SAM))),
            activity,
            plugged: Mutex::new(None),
        }));
        handle.plug()?;
        Ok(handle)
    }
}

/// A virtual reader. Clones are the same reader; it is unplugged when the last one is dropped.
#[derive(Debug, Clone)]
pub struct EmulatorHandle(Arc<Reader>);

#[derive(Debug)]
struct Reader {
    link: PathBuf,
    pace: Pace,
    runtime: Handle,
    module: Arc<Mutex<Module>>,
    /// Counts answered and swallowed commands, to wake those who wait for one.
    activity: watch::Sender<u64>,
    plugged: Mutex<Option<CancellationToken>>,
}

impl EmulatorHandle {
    /// Lays a card on the reader, in place of the one that lies there.
    ///
    /// # Errors
    /// If a text of the card does not fit on a real one.
    pub fn place(&self, card: IdentityCard) -> Result<(), TextError> {
        let data = text::build(&card)?;
        lock(&self.0.module).place(data);
        Ok(())
    }

    /// Takes the card away, if one lies there.
    pub fn lift(&self) {
        lock(&self.0.module).lift();
    }

    /// Whether a card lies on the reader.
    pub fn has_card(&self) -> bool {
        lock(&self.0.module).has_card()
    }

    /// Makes a fault happen at every command until [`EmulatorHandle::clear_faults`].
    pub fn fault(&self, fault: Fault) {
        lock(&self.0.module).add_fault(fault, None, None);
    }

    /// Makes a fault happen at the next `times` commands, or at the next `times` of one command.
    pub fn fault_times(&self, fault: Fault, on: Option<Command>, times: u32) {
        lock(&self.0.module).add_fault(fault, on, Some(times));
    }

    /// The reader is sound again.
    pub fn clear_faults(&self) {
        lock(&self.0.module).clear_faults();
    }

    /// Pulls the reader out: its port hangs up and the link goes. The card stays where it lies.
    pub fn unplug(&self) {
        self.0.unplug();
    }

    /// Plugs the reader in, if it is not: a new port, the same link. The module starts anew.
    ///
    /// # Errors
    /// If no pseudo-terminal is to be had, or the link cannot be written.
    pub fn plug(&self) -> io::Result<()> {
        let mut plugged = lock(&self.0.plugged);
        if plugged.is_some() {
            return Ok(());
        }
        let _runtime = self.0.runtime.enter();
        let (pty, port) = Pty::open()?;
        publish(&self.0.link, &port)?;
        lock(&self.0.module).power_on();
        let stop = CancellationToken::new();
        let line = Line {
            pty,
            pace: self.0.pace,
            module: Arc::clone(&self.0.module),
            activity: self.0.activity.clone(),
        };
        self.0.runtime.spawn(line.serve(stop.clone()));
        *plugged = Some(stop);
        Ok(())
    }

    /// Whether the reader is plugged in.
    pub fn is_plugged(&self) -> bool {
        lock(&self.0.plugged).is_some()
    }

    /// The link that leads to the port.
    pub fn path(&self) -> &Path {
        &self.0.link
    }

    /// How often a fault has struck since the reader was made.
    pub fn struck(&self) -> u64 {
        lock(&self.0.module).struck()
    }

    /// How often the module has been given a command.
    pub fn seen(&self, command: Command) -> u64 {
        lock(&self.0.module).seen(command)
    }

    /// Waits until the module has been given a command so often. Set a deadline around it.
    pub async fn until_seen(&self, command: Command, times: u64) {
        let mut activity = self.0.activity.subscribe();
        while self.seen(command) < times {
            if activity.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Reader {
    fn unplug(&self) {
        if let Some(stop) = lock(&self.plugged).take() {
            stop.cancel();
            // Someone may have put another thing there meanwhile; then there is nothing of ours to remove.
            let _ = fs::remove_file(&self.link);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.unplug();
    }
}

/// Points `link` at `port` in one step, so that nobody sees it missing or half-made.
pub(crate) fn publish(link: &Path, port: &Path) -> io::Result<()> {
    let mut fresh = link.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(port, &fresh)?;
    fs::rename(&fresh, link)
}

/// One plugging-in of the reader.
struct Line {
    pty: Pty,
    pace: Pace,
    module: Arc<Mutex<Module>>,
    activity: watch::Sender<u64>,
}

impl Line {
    async fn serve(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            error = self.answer_commands() => debug!(%error, "the virtual reader's line broke"),
        }
        // Dropping the terminal hangs the driver's end up.
    }

    async fn answer_commands(&self) -> io::Error {
        let mut decoder = Decoder::default();
        let mut chunk = [0; 256];
        loop {
            match self.pty.read(&mut chunk).await {
                Ok(count) => decoder.push(chunk.get(..count).unwrap_or_default()),
                Err(error) => return error,
            }
            while let Some(frame) = decoder.frame() {
                let delivery = lock(&self.module).answer(frame.as_ref().map(|body| body.as_slice()));
                let sent = match delivery {
                    Some(delivery) => self.deliver(delivery).await,
                    None => Ok(()),
                };
                self.activity.send_modify(|count| *count = count.wrapping_add(1));
                if let Err(error) = sent {
                    return error;
                }
            }
        }
    }

    async fn deliver(&self, delivery: Delivery) -> io::Result<()> {
        sleep(delivery.delay).await;
        let piece = delivery.split.map_or(delivery.bytes.len(), |(bytes, _)| bytes).max(1);
        for piece in delivery.bytes.chunks(piece) {
            self.send(piece).await?;
            if let Some((_, gap)) = delivery.split {
                sleep(gap).await;
            }
        }
        if delivery.lifts_card {
            lock(&self.module).lift();
        }
        Ok(())
    }

    async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        if self.pace == Pace::Unpaced {
            return self.pty.write_all(bytes).await;
        }
        // Ten bits a byte: 64 bytes take 5.6 ms.
        let start = Instant::now();
        let mut sent = 0;
        for piece in bytes.chunks(64) {
            sent += piece.len() as u64;
            sleep_until(start + Duration::from_nanos(sent * 10 * 1_000_000_000 / 115_200)).await;
            self.pty.write_all(piece).await?;
        }
        Ok(())
    }
}

/// A panic of another test thread must not hide behind a poisoned lock: the state is plain and stays valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
