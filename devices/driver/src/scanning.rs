//! The running driver of a scanner: carries out what [`Scans`] decides, over one port and one connection.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use ed25519_dalek::SigningKey;
use hall_bus::jws::SCAN_TYPE;
use hall_bus::messages::{About, ControlAction, PROTOCOL};
use hall_bus::scanner::ScannerCondition;
use hall_bus::{
    Birth, Config, Control, DeviceState, Down, HallState, Heartbeat, Jws, MessageId, Receipt, Scan, ScanText,
    ScannerStatus, Topic, Up, encode,
};
use hall_readers::samv::SerialPath;
use hall_readers::scanner::{self, News};
use tokio::sync::mpsc;
use tokio::time::{Instant as TokioInstant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock;
use crate::connection::{Dialer, Incoming};
use crate::run::{
    Controls, Ended, HEARTBEAT, HEARTBEAT_LIMITS, Line, REDIAL_AFTER, REDIAL_AT_MOST, chain, jittered, next,
    read_payload,
};
use crate::scans::{Action, Event, Scans};
use crate::store::{Counters, Credentials, DataDir, Paired};

/// News of the scanner that may wait to be dealt with.
const NEWS: usize = 16;

/// Drives the scanner until `stop`, or until the box ends the pairing.
pub(crate) async fn run(
    data: &DataDir,
    paired: Paired,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> anyhow::Result<Ended> {
    let counters = data.counters()?;
    let dialer = Dialer::new(&paired.credentials)?;
    let boot = MessageId::generate(clock::now()).context("cannot name this start")?;
    let port = SerialPath::new(&paired.settings.port).with_baud(paired.settings.baud);
    info!(device.id = %paired.credentials.grant.device, scanner.port = %port.path().display(), "the driver starts");
    let (news, incoming) = mpsc::channel(NEWS);
    let listening = CancellationToken::new();
    let task =
        tokio::spawn(scanner::listen(port.clone(), scanner::Timing::default(), news, listening.clone()));
    let shell = Shell {
        data: data.clone(),
        credentials: paired.credentials,
        key: paired.key,
        counters,
        boot,
        started: Instant::now(),
        port,
        condition: ScannerCondition::Unplugged,
        scans: Scans::default(),
        line: None,
        beat_every: HEARTBEAT,
        hall_boot: None,
        controls: Controls::default(),
    };
    let ended = shell.run(&dialer, incoming, stop, ready).await;
    listening.cancel();
    task.await.context("the scanner's task has failed")?;
    ended
}

struct Shell {
    data: DataDir,
    credentials: Credentials,
    key: SigningKey,
    counters: Counters,
    boot: MessageId,
    started: Instant,
    port: SerialPath,
    condition: ScannerCondition,
    scans: Scans,
    line: Option<Line>,
    beat_every: Duration,
    hall_boot: Option<MessageId>,
    controls: Controls,
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
        let mut pause = REDIAL_AFTER;
        let mut redial = pin!(sleep_until(TokioInstant::now()));
        let mut beat = pin!(sleep_until(TokioInstant::now() + self.beat_every));
        loop {
            let wake = self.scans.wakes_at();
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.leave().await;
                    return Ok(Ended::Stopped);
                }
                news = news.recv() => self.heard(news.context("the scanner's task has ended")?).await,
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
                        info!(device.id = %self.credentials.grant.device, "the box is connected");
                        if let Some(line) = &mut self.line {
                            line.ready = true;
                        }
                        self.announce();
                        self.happened(Event::Connected).await;
                        if let Some(ready) = ready.take() {
                            ready();
                        }
                    }
                    Incoming::Message(topic, payload) => {
                        if self.message(&topic, &payload).await == Some(Ended::Unpaired) {
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

    async fn heard(&mut self, news: News) {
        match news {
            News::Plugged(plugged) => {
                self.condition = if plugged { ScannerCondition::Ready } else { ScannerCondition::Unplugged };
                self.announce();
            }
            News::Line(line) => match ScanText::from_line(&line) {
                Ok(text) => {
                    info!(scan.length = text.as_str().len(), "a code was scanned");
                    self.happened(Event::Scanned(text)).await;
                }
                Err(error) => warn!(%error, "a scan was dropped"),
            },
            News::Unreadable => warn!("the scanner sent something that is no text; a scan was dropped"),
        }
    }

    async fn message(&mut self, topic: &Topic, payload: &[u8]) -> Option<Ended> {
        match topic {
            Topic::Down(_, Down::Config) => {
                if let Some(config) = read_payload::<Config>(topic, payload) {
                    let (least, most) = HEARTBEAT_LIMITS;
                    self.beat_every = Duration::from_secs(config.hb_s.clamp(least, most).into());
                    self.happened(Event::Configured(config)).await;
                }
            }
            Topic::Down(_, Down::Receipt) => {
                if let Some(receipt) = read_payload::<Receipt>(topic, payload) {
                    info!(scan.id = %receipt.answer, receipt.result = ?receipt.result, "the box has dealt with a scan");
                    self.happened(Event::Receipted(receipt)).await;
                }
            }
            Topic::Down(_, Down::Control) => {
                let control = read_payload::<Control>(topic, payload)?;
                return self.control(&control);
            }
            Topic::HallState => {
                let hall = read_payload::<HallState>(topic, payload)?;
                let known = self.hall_boot.replace(hall.boot);
                // A box that was started anew has not heard us yet.
                if hall.online && known.is_some_and(|known| known != hall.boot) {
                    self.announce();
                }
            }
            Topic::Down(_, Down::Show | Down::Read | Down::Stop) | Topic::Up(..) => {}
        }
        None
    }

    fn control(&mut self, control: &Control) -> Option<Ended> {
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
                let device = &self.credentials.grant.device;
                info!(device.id = %device, "this terminal drives the scanner that the technician looks for: {device}");
            }
            ControlAction::Extend { .. } | ControlAction::Reload => {}
        }
        None
    }

    /// Lets the rules take an event in, and carries out what they say.
    async fn happened(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.scans.apply(event, Instant::now()) {
                match action {
                    Action::Seal { text, bind_epoch } => match self.seal(text, bind_epoch).await {
                        Ok(sealed) => events.push(sealed),
                        Err(error) => error!(error = format!("{error:#}"), "a scan cannot be signed"),
                    },
                    Action::Send(scan) => self.publish(Up::Scan, scan),
                    Action::Announce => self.announce(),
                }
            }
        }
    }

    /// Gives a scan its number, which is on disk before anything is signed with it, and its signature.
    async fn seal(&mut self, text: ScanText, bind_epoch: u32) -> anyhow::Result<Event> {
        let counters = Counters { answer: self.counters.answer + 1, ..self.counters };
        let data = self.data.clone();
        tokio::task::spawn_blocking(move || data.keep_counters(counters))
            .await
            .context("the counter was not kept")??;
        self.counters = counters;
        let now = clock::now();
        let id = MessageId::generate(now).context("cannot name a scan")?;
        let dev = self.credentials.grant.device.clone();
        let scan = Scan { id, dev, bind_epoch, counter: counters.answer, text, at: now };
        let bytes =
            Jws::sign(&self.key, &self.credentials.grant.kid(), SCAN_TYPE, &encode(&scan)?).to_bytes();
        Ok(Event::Sealed { scan: id, bytes })
    }

    fn announce(&self) {
        let Some(line) = &self.line else { return };
        let scanner = ScannerStatus {
            port: self.port.path().display().to_string(),
            simulated: self.port.is_virtual(),
            state: self.condition,
        };
        self.publish_message(
            Up::State,
            &DeviceState::Ready(Birth {
                bseq: line.connection.bseq(),
                boot: self.boot,
                proto: vec![PROTOCOL],
                sw: env!("CARGO_PKG_VERSION").to_owned(),
                bind_epoch: self.scans.bind_epoch(),
                last_counter: self.counters.answer,
                about: About::Scanner(scanner),
            }),
        );
    }

    fn heartbeat(&self) {
        let Some(line) = &self.line else { return };
        let heartbeat = Heartbeat {
            bseq: line.connection.bseq(),
            generation: None,
            up_s: self.started.elapsed().as_secs(),
            t0: clock::now(),
            q: u32::try_from(self.scans.waiting()).unwrap_or(u32::MAX),
        };
        self.publish_message(Up::Heartbeat, &heartbeat);
    }

    fn publish_message<T: serde::Serialize>(&self, up: Up, message: &T) {
        match encode(message) {
            Ok(payload) => self.publish(up, payload),
            Err(error) => error!(error = %chain(&error), "a message cannot be written"),
        }
    }

    /// Without a connection nothing is kept: births and scans are said again when there is one.
    fn publish(&self, up: Up, payload: Vec<u8>) {
        if let Some(line) = self.line.as_ref().filter(|line| line.ready) {
            line.connection.publish(up, payload);
        }
    }

    async fn leave(&mut self) {
        if let Some(line) = self.line.take().filter(|line| line.ready) {
            line.connection.farewell().await;
        }
        info!("the driver has ended");
    }
}
