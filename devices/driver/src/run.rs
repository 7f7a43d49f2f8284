//! The running driver: carries out what [`Reads`] decides, over one reader and one connection.

mod says;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use hall_bus::messages::{AckRefusal, ControlAction};
use hall_bus::reader::{ReaderCondition, ReaderSource};
use hall_bus::{
    AckStatus, Config, Control, DeviceKind, Down, HallState, MessageId, Read, Receipt, Stop, Topic, Up,
    decode,
};
use hall_domain::IdentityCard;
use hall_readers::ReadError;
use hall_readers::samv::dialogue::ReadProgress;
use hall_readers::samv::{ReaderState, SamvReader, SerialPath, Timing};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant as TokioInstant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::clock;
use crate::connection::{Connection, Dialer, Incoming};
use crate::reads::{Action, Event, Reads};
use crate::scanning;
use crate::store::{Counters, DataDir, Paired};

/// First pause before another connection; doubles up to [`REDIAL_AT_MOST`], each with up to half again at random.
pub(crate) const REDIAL_AFTER: Duration = Duration::from_millis(200);
pub(crate) const REDIAL_AT_MOST: Duration = Duration::from_secs(10);
/// Heartbeat until the box says otherwise, and its limits.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
pub(crate) const HEARTBEAT_LIMITS: (u16, u16) = (1, 300);
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
/// If the folder is not paired, damaged, or used by another driver. A box or a reader that is not there is no error.
pub async fn run(data: &DataDir, stop: CancellationToken, ready: impl FnOnce()) -> anyhow::Result<Ended> {
    let paired = data.load()?;
    let _lock = data.lock()?;
    if paired.credentials.grant.device.kind() == DeviceKind::Scanner {
        return scanning::run(data, paired, stop, ready).await;
    }
    let counters = data.counters()?;
    let dialer = Dialer::new(&paired.credentials)?;
    let boot = MessageId::generate(clock::now()).context("cannot name this start")?;

    let port = SerialPath::new(&paired.settings.port).with_baud(paired.settings.baud);
    let reader_stop = CancellationToken::new();
    let (reader, reader_task) = SamvReader::start(port.clone(), Timing::default(), reader_stop.clone());
    let (news, incoming_news) = mpsc::channel(NEWS);
    info!(device.id = %paired.credentials.grant.device, reader.port = %port.path().display(), "the driver starts");

    let shell = Shell {
        data: data.clone(),
        paired,
        counters,
        boot,
        started: Instant::now(),
        reads: Reads::default(),
        reader,
        port,
        source: ReaderSource::Samv,
        sam: None,
        condition: ReaderCondition::Unplugged,
        running: BTreeMap::new(),
        news,
        line: None,
        beat_every: HEARTBEAT,
        hall_boot: None,
        controls: Controls::default(),
    };
    let ended = shell.run(&dialer, incoming_news, stop, ready).await;
    reader_stop.cancel();
    if timeout(READER_STOPS, reader_task).await.is_err() {
        warn!("the reader's task did not end in time");
    }
    ended
}

struct Shell {
    data: DataDir,
    paired: Paired,
    counters: Counters,
    boot: MessageId,
    started: Instant,
    reads: Reads,
    reader: SamvReader,
    port: SerialPath,
    /// What was behind the port when the reader became ready last: a simulated card is never passed off as real.
    source: ReaderSource,
    sam: Option<String>,
    condition: ReaderCondition,
    running: BTreeMap<MessageId, CancellationToken>,
    news: mpsc::Sender<News>,
    line: Option<Line>,
    beat_every: Duration,
    hall_boot: Option<MessageId>,
    controls: Controls,
}

pub(crate) struct Line {
    pub(crate) connection: Connection,
    /// Whether the box hears us.
    pub(crate) ready: bool,
}

/// Controls that were carried out, so that none is twice.
#[derive(Default)]
pub(crate) struct Controls(Vec<MessageId>);

impl Controls {
    /// Notes a control; false if it was carried out already.
    pub(crate) fn is_new(&mut self, id: MessageId) -> bool {
        if self.0.contains(&id) {
            return false;
        }
        if self.0.len() >= 64 {
            self.0.remove(0);
        }
        self.0.push(id);
        true
    }
}

impl Shell {
    async fn run(
        mut self,
        dialer: &Dialer,
        mut news: mpsc::Receiver<News>,
        stop: CancellationToken,
        ready: impl FnOnce(),
    ) -> anyhow::Result<Ended> {
        let mut ready = Some(ready);
        let mut reader_state = self.reader.state();
        let mut pause = REDIAL_AFTER;
        let mut redial = pin!(sleep_until(TokioInstant::now()));
        let mut beat = pin!(sleep_until(TokioInstant::now() + self.beat_every));
        loop {
            let wake = self.reads.wakes_at();
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.leave().await;
                    return Ok(Ended::Stopped);
                }
                changed = reader_state.changed() => {
                    changed.context("the reader's task has ended")?;
                    let state = *reader_state.borrow_and_update();
                    self.reader_changed(state).await;
                }
                Some(news) = news.recv() => self.reader_news(news).await,
                () = redial.as_mut(), if self.line.is_none() => {
                    self.counters.bseq += 1;
                    // Without the number on disk a late will of an earlier start could end this connection.
                    match self.data.keep_counters(self.counters) {
                        Ok(()) => {
                            let connection = dialer.dial(self.counters.bseq)?;
                            self.line = Some(Line { connection, ready: false });
                        }
                        Err(error) => {
                            error!(error = %chain(&error), "the driver cannot connect before its folder can be written");
                            redial.as_mut().reset(TokioInstant::now() + REDIAL_AT_MOST);
                        }
                    }
                }
                incoming = next(&mut self.line) => match incoming {
                    Incoming::Ready => {
                        pause = REDIAL_AFTER;
                        self.connected().await;
                        if let Some(ready) = ready.take() {
                            ready();
                        }
                    }
                    Incoming::Message(topic, payload) => {
                        if self.message(&topic, &payload).await? == Some(Ended::Unpaired) {
                            self.leave().await;
                            self.data.forget()?;
                            return Ok(Ended::Unpaired);
                        }
                    }
                    Incoming::Lost { reason, refused } => {
                        self.line = None;
                        if refused {
                            error!(reason, "the box refuses this device; if it was removed there, pair it again");
                        } else {
                            warn!(reason, "the connection to the box is lost");
                        }
                        redial.as_mut().reset(TokioInstant::now() + jittered(pause));
                        pause = (pause * 2).min(REDIAL_AT_MOST);
                    }
                },
                () = beat.as_mut() => {
                    self.heartbeat();
                    beat.as_mut().reset(TokioInstant::now() + self.beat_every);
                }
                () = sleep_until(wake.map_or_else(TokioInstant::now, TokioInstant::from_std)), if wake.is_some() => {
                    self.happened(Event::Tick).await;
                }
            }
        }
    }

    async fn connected(&mut self) {
        info!(device.id = %self.paired.credentials.grant.device, "the box is connected");
        if let Some(line) = &mut self.line {
            line.ready = true;
        }
        self.announce();
        self.happened(Event::Connected).await;
    }

    async fn reader_changed(&mut self, state: ReaderState) {
        let (condition, sam) = match state {
            ReaderState::Ready { sam } => {
                let simulated = self.port.is_virtual();
                self.source = if simulated { ReaderSource::Virtual } else { ReaderSource::Samv };
                (ReaderCondition::Ready, sam)
            }
            ReaderState::Detached => (ReaderCondition::Unplugged, None),
            ReaderState::NotLicensed | ReaderState::SelfTestFailed => (ReaderCondition::NoLicence, None),
        };
        if let Some(sam) = sam {
            self.sam = Some(sam.to_string());
        }
        self.condition = condition;
        self.happened(Event::Reader(condition)).await;
    }

    async fn reader_news(&mut self, news: News) {
        let event = match news {
            News::Progress(cmd, progress) => Event::Progress(cmd, progress),
            News::Finished(cmd, result) => {
                self.running.remove(&cmd);
                if let Err(error) = &result {
                    info!(read.id = %cmd, read.error = error.code(), "a read has ended without a card: {error}");
                }
                Event::Finished(cmd, result)
            }
        };
        self.happened(event).await;
    }

    /// Takes in a message of the box; says if the pairing is over.
    async fn message(&mut self, topic: &Topic, payload: &[u8]) -> anyhow::Result<Option<Ended>> {
        match topic {
            Topic::Down(_, Down::Config) => {
                if let Some(config) = read_payload::<Config>(topic, payload) {
                    let (least, most) = HEARTBEAT_LIMITS;
                    self.beat_every = Duration::from_secs(config.hb_s.clamp(least, most).into());
                    self.happened(Event::Configured(config)).await;
                }
            }
            Topic::Down(_, Down::Read) => match read_payload::<Read>(topic, payload) {
                Some(read) => self.happened(Event::Asked(read)).await,
                None => self.refuse_unreadable(payload),
            },
            Topic::Down(_, Down::Stop) => {
                if let Some(stop) = read_payload::<Stop>(topic, payload) {
                    self.happened(Event::Stopped(stop)).await;
                }
            }
            Topic::Down(_, Down::Receipt) => {
                if let Some(receipt) = read_payload::<Receipt>(topic, payload) {
                    self.receipted(receipt).await;
                }
            }
            Topic::Down(_, Down::Control) => {
                if let Some(control) = read_payload::<Control>(topic, payload) {
                    return Ok(self.control(control));
                }
            }
            Topic::HallState => {
                if let Some(hall) = read_payload::<HallState>(topic, payload) {
                    self.hall_state(&hall);
                }
            }
            Topic::Down(_, Down::Show) | Topic::Up(..) => {}
        }
        Ok(None)
    }

    async fn receipted(&mut self, receipt: Receipt) {
        let result = receipt.result;
        info!(read.id = %receipt.cmd, receipt.result = ?result, "the box has dealt with an answer");
        self.happened(Event::Receipted(receipt)).await;
    }

    /// A box that was started anew has not heard us yet.
    fn hall_state(&mut self, hall: &HallState) {
        let known = self.hall_boot.replace(hall.boot);
        if hall.online && known.is_some_and(|known| known != hall.boot) {
            self.announce();
        }
    }

    fn control(&mut self, control: Control) -> Option<Ended> {
        if !self.controls.is_new(control.id) {
            return None;
        }
        match control.action {
            ControlAction::Unpair => {
                warn!("the box has ended the pairing");
                return Some(Ended::Unpaired);
            }
            ControlAction::Rebirth => self.announce(),
            ControlAction::Identify => {
                let device = &self.paired.credentials.grant.device;
                info!(device.id = %device, "this terminal drives the reader that the technician looks for: {device}");
            }
            ControlAction::Extend { .. } | ControlAction::Reload => {
                debug!("a control for other devices was ignored");
            }
        }
        None
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
                    Action::Send(answer) => self.publish(Up::Answer, answer),
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
            let _ = news.send(News::Finished(cmd, result.map(Box::new))).await;
        });
    }

    async fn leave(&mut self) {
        for (_, cancel) in std::mem::take(&mut self.running) {
            cancel.cancel();
        }
        if let Some(line) = self.line.take().filter(|line| line.ready) {
            line.connection.farewell().await;
        }
        info!("the driver has ended");
    }
}

/// The next thing on the line; for ever nothing without one.
pub(crate) async fn next(line: &mut Option<Line>) -> Incoming {
    match line {
        Some(line) => line.connection.next().await,
        None => std::future::pending().await,
    }
}

pub(crate) fn read_payload<T: for<'de> Deserialize<'de>>(topic: &Topic, payload: &[u8]) -> Option<T> {
    match decode(payload) {
        Ok(message) => Some(message),
        Err(error) => {
            warn!(topic = %topic, error = %chain(&error), "a message of the box is not understood");
            None
        }
    }
}

/// Terminals of a hall lose their box together; they must not all come back in the same moment.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or_default() % 500;
    pause + pause * share / 1000
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
