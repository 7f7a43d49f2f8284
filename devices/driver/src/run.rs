//! The running driver: carries out what [`Reads`] decides, over one reader and one connection.

mod says;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use hall_bus::messages::AckRefusal;
use hall_bus::reader::{ReaderCondition, ReaderSource};
use hall_bus::{AckStatus, DeviceKind, Down, MessageId, Read, Stop, Topic, Up, decode};
use hall_domain::IdentityCard;
use hall_readers::samv::dialogue::ReadProgress;
use hall_readers::{ReadError, ReaderState};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant as TokioInstant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::link::{Heard, Link, read_payload};
use crate::reader::{Reader, Readers};
use crate::reads::{Action, Event, Reads};
use crate::scanning;
use crate::store::DataDir;

/// News of the reader that may wait to be dealt with.
const NEWS: usize = 64;
/// How long the reader's task may take to let go of the port.
const READER_STOPS: Duration = Duration::from_secs(5);

/// Why the driver has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// The box has ended the pairing; credentials and key are gone.
    Unpaired,
}

/// What a running read tells.
enum News {
    Progress(MessageId, ReadProgress),
    Finished(MessageId, Result<Box<IdentityCard>, ReadError>),
}

/// Runs the driver of a paired folder until `stop`, or until the box ends the pairing. `ready` is called once, when
/// the box is connected first. Must be called on a tokio runtime.
///
/// # Errors
/// If the folder is not paired, damaged, or used by another driver; or if the reader is a virtual one and `readers` does not allow
/// that. A box or a reader that is not there is no error.
pub async fn run(
    data: &DataDir,
    readers: Readers,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> anyhow::Result<Ended> {
    let paired = data.load()?;
    let _lock = data.lock()?;
    if paired.credentials.grant.device.kind() == DeviceKind::Scanner {
        return scanning::run(data, paired, stop, ready).await;
    }
    let reader_stop = CancellationToken::new();
    let (reader, reader_task) = Reader::start(&paired.settings, readers, reader_stop.clone())?;
    let link = Link::new(data, paired)?;
    let (news, incoming_news) = mpsc::channel(NEWS);
    info!(device.id = %link.device(), reader.port = reader.place(), "the driver starts");

    let shell = Shell {
        link,
        reads: Reads::default(),
        source: reader.source_after_read().unwrap_or(ReaderSource::Samv),
        reader,
        sam: None,
        condition: ReaderCondition::Unplugged,
        running: BTreeMap::new(),
        news,
    };
    let ended = shell.run(incoming_news, stop, ready).await;
    reader_stop.cancel();
    if timeout(READER_STOPS, reader_task).await.is_err() {
        warn!("the reader's task did not end in time");
    }
    ended
}

struct Shell {
    link: Link,
    reads: Reads,
    reader: Reader,
    /// What the reader was found to be when it became ready or read last: a simulated card is never passed off as real.
    source: ReaderSource,
    sam: Option<String>,
    condition: ReaderCondition,
    running: BTreeMap<MessageId, CancellationToken>,
    news: mpsc::Sender<News>,
}

impl Shell {
    async fn run(
        mut self,
        mut news: mpsc::Receiver<News>,
        stop: CancellationToken,
        ready: impl FnOnce(),
    ) -> anyhow::Result<Ended> {
        let mut ready = Some(ready);
        let mut reader_state = self.reader.state();
        loop {
            let wake = self.reads.wakes_at();
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.cancel_reads();
                    self.link.leave().await;
                    return Ok(Ended::Stopped);
                }
                changed = reader_state.changed() => {
                    changed.context("the reader's task has ended")?;
                    let state = *reader_state.borrow_and_update();
                    self.reader_changed(state).await?;
                }
                Some(news) = news.recv() => self.reader_news(news).await,
                heard = self.link.next() => match heard? {
                    Heard::Connected => {
                        self.announce();
                        self.happened(Event::Connected).await;
                        if let Some(ready) = ready.take() {
                            ready();
                        }
                    }
                    Heard::Rebirth => self.announce(),
                    Heard::Beat => self.link.heartbeat(self.reads.waiting_answers()),
                    Heard::Config(config) => self.happened(Event::Configured(config)).await,
                    Heard::Receipt(receipt) => self.happened(Event::Receipted(receipt)).await,
                    Heard::Identify => {
                        let device = self.link.device();
                        info!(device.id = %device, "this terminal drives the reader that the technician looks for: {device}");
                    }
                    Heard::Unpaired => {
                        self.cancel_reads();
                        self.link.forget().await?;
                        return Ok(Ended::Unpaired);
                    }
                    Heard::Asked(topic, payload) => self.asked(&topic, &payload).await,
                },
                () = sleep_until(wake.map_or_else(TokioInstant::now, TokioInstant::from_std)), if wake.is_some() => {
                    self.happened(Event::Tick).await;
                }
            }
        }
    }

    async fn reader_changed(&mut self, state: ReaderState) -> anyhow::Result<()> {
        let (condition, sam) = match state {
            ReaderState::Ready { sam } => {
                self.source = self.reader.source_when_ready()?;
                (ReaderCondition::Ready, sam)
            }
            ReaderState::Detached => (ReaderCondition::Unplugged, None),
            ReaderState::NotLicensed | ReaderState::SelfTestFailed => (ReaderCondition::NoLicence, None),
            ReaderState::ServiceDown => (ReaderCondition::ServiceDown, None),
            ReaderState::Stuck => (ReaderCondition::Stuck, None),
        };
        if let Some(sam) = sam {
            self.sam = Some(sam.to_string());
        }
        self.condition = condition;
        self.happened(Event::Reader(condition)).await;
        Ok(())
    }

    async fn reader_news(&mut self, news: News) {
        let event = match news {
            News::Progress(cmd, progress) => Event::Progress(cmd, progress),
            News::Finished(cmd, result) => {
                self.running.remove(&cmd);
                self.source = self.reader.source_after_read().unwrap_or(self.source);
                if let Err(error) = &result {
                    info!(read.id = %cmd, read.error = error.code(), "a read has ended without a card: {error}");
                }
                if matches!(result, Err(ReadError::VirtualReader)) {
                    error!("the card reader's vendor says that a program plays it; nothing is read with it");
                }
                Event::Finished(cmd, result)
            }
        };
        self.happened(event).await;
    }

    async fn asked(&mut self, topic: &Topic, payload: &[u8]) {
        match topic {
            Topic::Down(_, Down::Read) => match read_payload::<Read>(topic, payload) {
                Some(read) => self.happened(Event::Asked(read)).await,
                None => self.refuse_unreadable(payload),
            },
            Topic::Down(_, Down::Stop) => {
                if let Some(stop) = read_payload::<Stop>(topic, payload) {
                    self.happened(Event::Stopped(stop)).await;
                }
            }
            _ => {}
        }
    }

    /// A request that cannot be read is refused by its id, if that can be.
    fn refuse_unreadable(&self, payload: &[u8]) {
        #[derive(Deserialize)]
        struct OnlyId {
            id: MessageId,
        }
        if let Ok(OnlyId { id }) = decode(payload) {
            self.acknowledge(id, AckStatus::Rejected { reason: AckRefusal::Malformed });
        }
    }

    /// Lets the rules take an event in, and carries out what they say.
    async fn happened(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.reads.apply(event, Instant::now()) {
                match action {
                    Action::Acknowledge(cmd, status) => self.acknowledge(cmd, status),
                    Action::Begin { cmd, deadline } => self.begin(cmd, deadline),
                    Action::Cancel(cmd) => {
                        if let Some(cancel) = self.running.remove(&cmd) {
                            cancel.cancel();
                        }
                    }
                    Action::Seal(unsigned) => match self.seal(*unsigned).await {
                        Ok(sealed) => events.push(sealed),
                        // The box's deadline ends the read there.
                        Err(error) => error!(error = format!("{error:#}"), "an answer cannot be signed"),
                    },
                    Action::Send(answer) => self.link.publish(Up::Answer, answer),
                    Action::Announce => self.announce(),
                }
            }
        }
    }

    fn begin(&mut self, cmd: MessageId, deadline: Instant) {
        let cancel = CancellationToken::new();
        self.running.insert(cmd, cancel.clone());
        let (reader, news) = (self.reader.clone(), self.news.clone());
        tokio::spawn(async move {
            let (progress_tx, mut progress) = mpsc::channel(16);
            let told = async {
                while let Some(progress) = progress.recv().await {
                    // The shell has ended: nobody is left to tell.
                    let _ = news.send(News::Progress(cmd, progress)).await;
                }
            };
            let read = reader.read(TokioInstant::from_std(deadline), cancel, progress_tx);
            let (result, ()) = tokio::join!(read, told);
            let _ = news.send(News::Finished(cmd, result)).await;
        });
    }

    fn cancel_reads(&mut self) {
        for (_, cancel) in std::mem::take(&mut self.running) {
            cancel.cancel();
        }
    }
}
