//! Cards on readers that stock pcscd serves: [`CardSlot`] is the place where a card lies, and speaks to the virtual reader over its
//! unix socket; [`cards`] and [`faults`] are what can lie there; [`Daemon`] is a pcscd of one's own.

pub mod cards;
mod daemon;
pub mod faults;

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::debug;

pub use daemon::{Daemon, driver_file};

/// Between two attempts to reach a reader whose pcscd is not there.
const RECONNECT: Duration = Duration::from_millis(10);

/// A card that can lie on a virtual reader.
pub trait VirtualCard: Send {
    /// What it says when it is powered.
    fn atr(&self) -> Vec<u8>;
    /// It lost its power, or was reset: what was selected is forgotten.
    fn reset(&mut self);
    /// Answers a command.
    fn apdu(&mut self, apdu: &[u8]) -> Reply;
}

/// What a card does with a command.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Answers.
    Answer(Vec<u8>),
    /// Answers after a while.
    After(Duration, Vec<u8>),
    /// Says nothing, and stays.
    Never,
    /// Is pulled out, after it has sent this much if anything.
    Pulled(Option<Vec<u8>>),
}

/// What has happened to the cards of a slot.
#[derive(Debug, Clone, Default)]
pub struct Happened {
    /// Commands that came.
    pub apdus: u64,
    /// Times a card was reset.
    pub resets: u64,
    /// The second byte of each command that came: what was asked of the citizen's card.
    pub instructions: Vec<u8>,
    /// Times a card was laid down where pcscd saw it.
    pub connections: u64,
}

/// The place for a card on one virtual reader. The card is taken away when this is dropped.
#[derive(Debug)]
pub struct CardSlot {
    socket: PathBuf,
    happened: watch::Sender<Happened>,
    card: Mutex<Option<Lying>>,
}

#[derive(Debug)]
struct Lying {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl CardSlot {
    /// The place on the reader with this socket. The reader need not be there yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), happened: watch::Sender::default(), card: Mutex::default() }
    }

    /// Lays a card down, in place of the one that lies there. It lies there until it is taken away, even if pcscd is started anew.
    /// Must be called on a tokio runtime.
    pub async fn insert(&self, card: impl VirtualCard + 'static) {
        self.remove().await;
        let stop = CancellationToken::new();
        let (socket, happened, stopped) = (self.socket.clone(), self.happened.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let mut card = card;
            tokio::select! {
                () = stopped.cancelled() => {}
                () = lie(&socket, &mut card, &happened) => {}
            }
        });
        *self.lock() = Some(Lying { stop, task });
    }

    /// Takes the card away; it is gone when this returns.
    pub async fn remove(&self) {
        let lying = self.lock().take();
        if let Some(Lying { stop, task }) = lying {
            stop.cancel();
            // It ends by itself when it was pulled.
            let _ = task.await;
        }
    }

    /// Whether a card lies there. One that was pulled in the middle of a read does not.
    pub fn has_card(&self) -> bool {
        self.lock().as_ref().is_some_and(|lying| !lying.task.is_finished())
    }

    /// What has happened so far, to all cards of this slot.
    pub fn happened(&self) -> Happened {
        self.happened.borrow().clone()
    }

    /// Waits until something has happened. Set a deadline around it.
    pub async fn until(&self, wanted: impl FnMut(&Happened) -> bool) {
        // Never an error: this slot holds the sender.
        let _ = self.happened.subscribe().wait_for(wanted).await;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Lying>> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CardSlot {
    fn drop(&mut self) {
        if let Some(lying) = self.lock().take() {
            lying.stop.cancel();
        }
    }
}

/// Lies on the reader until it is pulled.
async fn lie(socket: &PathBuf, card: &mut impl VirtualCard, happened: &watch::Sender<Happened>) {
    loop {
        let Ok(line) = UnixStream::connect(socket).await else {
            sleep(RECONNECT).await;
            continue;
        };
        happened.send_modify(|happened| happened.connections += 1);
        match answer(line, card, happened).await {
            Ok(()) => return,
            Err(error) => debug!(%error, "the virtual reader is gone, the card waits for it"),
        }
        card.reset();
        sleep(RECONNECT).await;
    }
}

/// Answers until the card is pulled, or an error when the reader is gone.
async fn answer(
    mut line: UnixStream,
    card: &mut impl VirtualCard,
    happened: &watch::Sender<Happened>,
) -> io::Result<()> {
    loop {
        let length = line.read_u16().await?;
        let mut body = vec![0; usize::from(length)];
        line.read_exact(&mut body).await?;
        match body.as_slice() {
            // Power off and on, reset.
            [0 | 1] => card.reset(),
            [2] => {
                card.reset();
                happened.send_modify(|happened| happened.resets += 1);
            }
            [4] => send(&mut line, &card.atr()).await?,
            apdu @ [_, instruction, _, _, ..] => {
                let reply = card.apdu(apdu);
                happened.send_modify(|happened| {
                    happened.apdus += 1;
                    happened.instructions.push(*instruction);
                });
                match reply {
                    Reply::Answer(answer) => send(&mut line, &answer).await?,
                    Reply::After(pause, answer) => {
                        sleep(pause).await;
                        send(&mut line, &answer).await?;
                    }
                    Reply::Never => {}
                    Reply::Pulled(last) => {
                        if let Some(last) = last {
                            send(&mut line, &last).await?;
                        }
                        return Ok(());
                    }
                }
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// One write for the whole frame.
async fn send(line: &mut UnixStream, body: &[u8]) -> io::Result<()> {
    let length = u16::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(body);
    line.write_all(&frame).await
}
