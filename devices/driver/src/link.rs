//! A driver's side of its connection to the box: dials, and dials again; says births and heartbeats; keeps the counter and the
//! key that sign what the device says. Which reader or scanner is behind it, it does not know.

use std::time::{Duration, Instant};

use anyhow::Context;
use ed25519_dalek::SigningKey;
use hall_bus::messages::{About, ControlAction, PROTOCOL};
use hall_bus::{
    Birth, Config, Control, DeviceId, DeviceState, Down, HallState, Heartbeat, Jws, MessageId, Receipt,
    Topic, Up, decode, encode,
};
use serde::Deserialize;
use tokio::time::{Instant as TokioInstant, sleep_until};
use tracing::{debug, error, info, warn};

use crate::clock;
use crate::connection::{Connection, Dialer, Incoming};
use crate::store::{Counters, Credentials, DataDir, Paired};

/// First pause before another connection; doubles up to [`REDIAL_AT_MOST`], each with up to half again at random.
const REDIAL_AFTER: Duration = Duration::from_millis(200);
const REDIAL_AT_MOST: Duration = Duration::from_secs(10);
/// Heartbeat until the box says otherwise, and its limits.
const HEARTBEAT: Duration = Duration::from_secs(15);
const HEARTBEAT_LIMITS: (u16, u16) = (1, 300);

/// The box, as a driver sees it.
pub(crate) struct Link {
    data: DataDir,
    credentials: Credentials,
    key: SigningKey,
    counters: Counters,
    boot: MessageId,
    started: Instant,
    dialer: Dialer,
    line: Option<Line>,
    redial_at: TokioInstant,
    pause: Duration,
    beat_at: TokioInstant,
    beat_every: Duration,
    hall_boot: Option<MessageId>,
    controls: Controls,
}

struct Line {
    connection: Connection,
    /// Whether the box hears us.
    ready: bool,
}

/// What the driver has to do about its box.
pub(crate) enum Heard {
    /// The box hears this device from now on: say the birth, and what waits.
    Connected,
    /// The box wants the birth once more, or was started anew and has not heard it.
    Rebirth,
    /// A heartbeat is due.
    Beat,
    /// What the box wants of this device.
    Config(Config),
    /// What the box did with something this device said.
    Receipt(Receipt),
    /// A technician looks for this device.
    Identify,
    /// The box has ended the pairing.
    Unpaired,
    /// What only some kinds of device are asked for.
    Asked(Topic, Vec<u8>),
}

impl Link {
    /// Of a paired folder; dials as soon as [`Self::next`] is waited for.
    ///
    /// # Errors
    /// If the folder's counters cannot be read, or the box's address makes no sense.
    pub(crate) fn new(data: &DataDir, paired: Paired) -> anyhow::Result<Self> {
        let now = TokioInstant::now();
        Ok(Self {
            data: data.clone(),
            counters: data.counters()?,
            dialer: Dialer::new(&paired.credentials)?,
            credentials: paired.credentials,
            key: paired.key,
            boot: MessageId::generate(clock::now()).context("cannot name this start")?,
            started: Instant::now(),
            line: None,
            redial_at: now,
            pause: REDIAL_AFTER,
            beat_at: now + HEARTBEAT,
            beat_every: HEARTBEAT,
            hall_boot: None,
            controls: Controls::default(),
        })
    }

    /// The device that this driver is.
    pub(crate) fn device(&self) -> &DeviceId {
        &self.credentials.grant.device
    }

    /// This start of the driver.
    pub(crate) fn boot(&self) -> MessageId {
        self.boot
    }

    /// Waits for the next thing to do. Nothing is lost if the waiting is given up.
    ///
    /// # Errors
    /// If a connection cannot even be tried.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.redial_at), if self.line.is_none() => self.dial()?,
                incoming = next(&mut self.line) => {
                    if let Some(heard) = self.take(incoming) {
                        return Ok(heard);
                    }
                }
                () = sleep_until(self.beat_at) => {
                    self.beat_at = TokioInstant::now() + self.beat_every;
                    return Ok(Heard::Beat);
                }
            }
        }
    }

    fn dial(&mut self) -> anyhow::Result<()> {
        self.counters.bseq += 1;
        // Without the number on disk a late will of an earlier start could end this connection.
        match self.data.keep_counters(self.counters) {
            Ok(()) => {
                let connection = self.dialer.dial(self.counters.bseq)?;
                self.line = Some(Line { connection, ready: false });
            }
            Err(error) => {
                error!(error = %chain(&error), "the driver cannot connect before its folder can be written");
                self.redial_at = TokioInstant::now() + REDIAL_AT_MOST;
            }
        }
        Ok(())
    }

    fn take(&mut self, incoming: Incoming) -> Option<Heard> {
        match incoming {
            Incoming::Ready => {
                self.pause = REDIAL_AFTER;
                info!(device.id = %self.device(), "the box is connected");
                if let Some(line) = &mut self.line {
                    line.ready = true;
                }
                Some(Heard::Connected)
            }
            Incoming::Message(topic, payload) => self.message(topic, payload),
            Incoming::Lost { reason, refused } => {
                self.line = None;
                if refused {
                    error!(reason, "the box refuses this device; if it was removed there, pair it again");
                } else {
                    warn!(reason, "the connection to the box is lost");
                }
                self.redial_at = TokioInstant::now() + jittered(self.pause);
                self.pause = (self.pause * 2).min(REDIAL_AT_MOST);
                None
            }
        }
    }

    fn message(&mut self, topic: Topic, payload: Vec<u8>) -> Option<Heard> {
        match topic {
            Topic::Down(_, Down::Config) => {
                let config: Config = read_payload(&topic, &payload)?;
                let (least, most) = HEARTBEAT_LIMITS;
                self.beat_every = Duration::from_secs(config.hb_s.clamp(least, most).into());
                self.beat_at = self.beat_at.min(TokioInstant::now() + self.beat_every);
                Some(Heard::Config(config))
            }
            Topic::Down(_, Down::Receipt) => {
                let receipt: Receipt = read_payload(&topic, &payload)?;
                info!(answer.id = %receipt.answer, receipt.result = ?receipt.result, "the box has dealt with what was said");
                Some(Heard::Receipt(receipt))
            }
            Topic::Down(_, Down::Control) => {
                let control: Control = read_payload(&topic, &payload)?;
                self.control(&control)
            }
            Topic::Down(..) => Some(Heard::Asked(topic, payload)),
            Topic::HallState => {
                let hall: HallState = read_payload(&topic, &payload)?;
                let known = self.hall_boot.replace(hall.boot);
                // A box that was started anew has not heard us yet.
                let anew = hall.online && known.is_some_and(|known| known != hall.boot);
                anew.then_some(Heard::Rebirth)
            }
            Topic::Up(..) => None,
        }
    }

    fn control(&mut self, control: &Control) -> Option<Heard> {
        if !self.controls.is_new(control.id) {
            return None;
        }
        match control.action {
            ControlAction::Unpair => {
                warn!("the box has ended the pairing");
                Some(Heard::Unpaired)
            }
            ControlAction::Rebirth => Some(Heard::Rebirth),
            ControlAction::Identify => Some(Heard::Identify),
            ControlAction::Extend { .. } | ControlAction::Reload => {
                debug!("a control for other devices was ignored");
                None
            }
        }
    }

    /// The next number for something to sign; on disk before anything is signed with it.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(crate) async fn number(&mut self) -> anyhow::Result<u64> {
        let counters = Counters { answer: self.counters.answer + 1, ..self.counters };
        let data = self.data.clone();
        tokio::task::spawn_blocking(move || data.keep_counters(counters))
            .await
            .context("the counter was not kept")??;
        self.counters = counters;
        Ok(counters.answer)
    }

    /// A message of this device, signed.
    ///
    /// # Errors
    /// If the message cannot be written.
    pub(crate) fn sign<T: serde::Serialize>(&self, typ: &str, message: &T) -> anyhow::Result<Vec<u8>> {
        Ok(Jws::sign(&self.key, &self.credentials.grant.kid(), typ, &encode(message)?).to_bytes())
    }

    /// Says what this device is.
    pub(crate) fn announce(&self, bind_epoch: u32, about: About) {
        let Some(line) = &self.line else { return };
        self.publish_message(
            Up::State,
            &DeviceState::Ready(Birth {
                bseq: line.connection.bseq(),
                boot: self.boot,
                proto: vec![PROTOCOL],
                sw: env!("CARGO_PKG_VERSION").to_owned(),
                bind_epoch,
                last_counter: self.counters.answer,
                about,
            }),
        );
    }

    /// Says that this device lives; `waiting` of its messages wait for a receipt.
    pub(crate) fn heartbeat(&self, waiting: usize) {
        let Some(line) = &self.line else { return };
        let heartbeat = Heartbeat {
            bseq: line.connection.bseq(),
            generation: None,
            up_s: self.started.elapsed().as_secs(),
            t0: clock::now(),
            q: u32::try_from(waiting).unwrap_or(u32::MAX),
        };
        self.publish_message(Up::Heartbeat, &heartbeat);
    }

    pub(crate) fn publish_message<T: serde::Serialize>(&self, up: Up, message: &T) {
        match encode(message) {
            Ok(payload) => self.publish(up, payload),
            Err(error) => error!(error = %chain(&error), "a message cannot be written"),
        }
    }

    /// Without a connection nothing is kept: births, answers and scans are said again when there is one.
    pub(crate) fn publish(&self, up: Up, payload: Vec<u8>) {
        if let Some(line) = self.line.as_ref().filter(|line| line.ready) {
            line.connection.publish(up, payload);
        }
    }

    /// Says farewell.
    pub(crate) async fn leave(&mut self) {
        if let Some(line) = self.line.take().filter(|line| line.ready) {
            line.connection.farewell().await;
        }
        info!("the driver has ended");
    }

    /// Says farewell, and throws credentials and key away.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) async fn forget(&mut self) -> anyhow::Result<()> {
        self.leave().await;
        Ok(self.data.forget()?)
    }
}

/// Controls that were carried out, so that none is twice.
#[derive(Default)]
struct Controls(Vec<MessageId>);

impl Controls {
    /// Notes a control; false if it was carried out already.
    fn is_new(&mut self, id: MessageId) -> bool {
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

/// The next thing on the line; for ever nothing without one.
async fn next(line: &mut Option<Line>) -> Incoming {
    match line {
        Some(line) => line.connection.next().await,
        None => std::future::pending().await,
    }
}

/// Reads a message of the box; one that is not understood is told and dropped.
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
fn jittered(pause: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or_default() % 500;
    pause + pause * share / 1000
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
