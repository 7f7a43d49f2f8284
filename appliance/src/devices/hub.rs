//! The box's side of the bus: says to each device what it should do now, and hears what devices
//! say. What a device should do is in the database; sending it again is always harmless.

mod presence;
#[cfg(test)]
mod tests;

use super::broker::BOX_USER;
use crate::book::{Book, Fault};
use crate::live::{Change, Live};
use crate::reception::new_command;
use crate::store::accounts;
use crate::store::devices::{self as rows, Command, Device};
use hall_bus::evaluator::{IdlePage, Page, Place, Show};
use hall_bus::messages::{Ack, AckStatus, Config, Control, ControlAction, HallState, WindowName};
use hall_bus::reader::{Read, Stop, Want};
use hall_bus::{DeviceId, DeviceKind, Down, Jws, MessageId, Receipt, Topic, UpMessage, encode};
use hall_domain::Timestamp;
use hall_domain::case::{CaseId, CommandId, WindowId};
use presence::Silent;
use rumqttc::NetworkOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How long a reader waits for a card.
const READ_MS: i64 = 30_000;
const HEARTBEAT_S: u16 = 15;
const PACKET_BYTES: u32 = 128 * 1024;
/// Times that a citizen may ask for more time; the page shows how many are left.
const EXTENSIONS: u8 = 4;

/// What a device said that the desk has to decide on.
#[derive(Debug)]
pub enum Heard {
    /// A signed answer.
    Answer(DeviceId, Box<Jws>),
    /// The citizen asks for more time.
    Extend(DeviceId, CommandId),
}

/// The hub.
pub struct Hub {
    book: Book,
    live: Live,
    boot: MessageId,
    client: RwLock<Option<AsyncClient>>,
    desk: mpsc::Sender<Heard>,
    silent: Silent,
}

impl Hub {
    /// A hub that is not connected yet. What the desk has to decide on goes to `desk`.
    pub fn new(book: Book, live: Live, desk: mpsc::Sender<Heard>) -> Result<Arc<Self>, Fault> {
        let (_, boot) = new_command(book.clock.now())?;
        Ok(Arc::new(Self { book, live, boot, client: RwLock::new(None), desk, silent: Silent::default() }))
    }

    /// Says again what a device should show or do now.
    pub async fn deliver(&self, id: &DeviceId) -> Result<(), Fault> {
        loop {
            let wanted = id.clone();
            let (device, open) = self
                .book
                .db
                .read(move |db| Ok((rows::find(db, &wanted)?, rows::open_commands(db, Some(&wanted))?)))
                .await?;
            let Some(device) = device else { return Ok(()) };
            if let Some(command) = open.last() {
                return self.send(command);
            }
            if id.kind() == DeviceKind::CardReader {
                return Ok(());
            }
            // A page asked for meanwhile has a generation already; an idle page with a later one would hide it for good.
            let wanted = id.clone();
            let generation = self.book.db.write(move |tx| {
                let idle = rows::open_commands(tx, Some(&wanted))?.is_empty();
                Ok::<_, Fault>(if idle { Some(rows::next_gen(tx, &wanted)?) } else { None })
            });
            if let Some(generation) = generation.await? {
                let page = self.idle_page(&device).await?;
                return self.show_as(&device, page, i64::from(u32::MAX), generation);
            }
        }
    }

    /// Shows a page that waits for no answer, and the idle page after `ms`.
    pub async fn show_once(self: &Arc<Self>, id: &DeviceId, page: Page, ms: u64) -> Result<(), Fault> {
        let wanted = id.clone();
        if let Some(device) = self.book.db.read(move |db| rows::find(db, &wanted)).await? {
            self.show(&device, page, i64::try_from(ms).unwrap_or(i64::MAX)).await?;
            self.idle_later(id, ms);
        }
        Ok(())
    }

    /// Clears the glass after `ms`, unless something else is to be shown by then.
    pub fn idle_later(self: &Arc<Self>, id: &DeviceId, ms: u64) {
        let (hub, id) = (self.clone(), id.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            if let Err(error) = hub.deliver(&id).await {
                tracing::warn!(%error, device.id = %id, "the idle page was not sent");
            }
        });
    }

    /// Has a reader read a card for a case; whatever it read before is stopped. Returns when it gives up.
    pub async fn read_card(
        &self,
        device: &Device,
        window: &WindowId,
        case: &CaseId,
    ) -> Result<Timestamp, Fault> {
        let (book, device, window, case) = (self.book.clone(), device.clone(), window.clone(), case.clone());
        let now = book.clock.now();
        let deadline = now.plus_ms(READ_MS);
        let command = self
            .book
            .db
            .write(move |tx| {
                for open in rows::open_commands(tx, Some(&device.id))? {
                    rows::close_command(tx, &open.id, rows::CommandState::Closed)?;
                }
                let (id, message) = new_command(now)?;
                let read = Read {
                    id: message,
                    bind_epoch: device.bind_epoch,
                    window: window.to_string(),
                    case: binding_of(&book, &case),
                    want: Want::IdentityCard,
                    ttl_ms: u32::try_from(READ_MS).unwrap_or(u32::MAX),
                };
                let json = serde_json::to_vec(&read).map_err(|error| Fault::Storage(error.to_string()))?;
                let command = Command {
                    id,
                    device: device.id.clone(),
                    window,
                    bind_epoch: device.bind_epoch,
                    kind: rows::CommandKind::Read,
                    case: Some(case),
                    gen_: 0,
                    issued: now,
                    deadline,
                    state: rows::CommandState::Open,
                    shown_at: Timestamp(0),
                    request: book.vault.seal("command", &json),
                };
                rows::add_command(tx, &command)?;
                Ok::<_, Fault>(command)
            })
            .await?;
        self.send(&command)?;
        Ok(deadline)
    }

    /// Stops reading for a case.
    pub async fn stop_reading(&self, case: &CaseId) -> Result<(), Fault> {
        let wanted = case.clone();
        for command in self.book.db.read(move |db| rows::open_commands_of_case(db, &wanted)).await? {
            if command.kind == rows::CommandKind::Read {
                self.close(&command).await?;
            }
        }
        Ok(())
    }

    /// Takes everything of a case off the devices.
    pub async fn clear_case(&self, case: &CaseId) -> Result<(), Fault> {
        let wanted = case.clone();
        for command in self.book.db.read(move |db| rows::open_commands_of_case(db, &wanted)).await? {
            self.close(&command).await?;
        }
        Ok(())
    }

    /// Closes a command and says so to its device.
    pub async fn close(&self, command: &Command) -> Result<(), Fault> {
        let id = command.id.clone();
        self.book
            .db
            .write(move |tx| rows::close_command(tx, &id, rows::CommandState::Closed).map_err(Fault::from))
            .await?;
        if command.kind == rows::CommandKind::Read {
            let id = message_of(&command.id)?;
            return self.say(&Topic::Down(command.device.clone(), Down::Stop), &Stop { id }, None);
        }
        self.deliver(&command.device).await
    }

    /// Tells the evaluator that its page stays longer.
    pub async fn extended(
        &self,
        device: &DeviceId,
        command: &CommandId,
        deadline: Timestamp,
    ) -> Result<(), Fault> {
        let now = self.book.clock.now();
        let (_, id) = new_command(now)?;
        let ttl_ms = remaining(deadline, now);
        let action = ControlAction::Extend { cmd: message_of(command)?, ttl_ms, left: EXTENSIONS };
        self.say(&Topic::Down(device.clone(), Down::Control), &Control { id, action }, None)
    }

    /// Makes a device show which one it is.
    pub async fn identify(&self, device: &DeviceId) -> Result<(), Fault> {
        self.control(device, ControlAction::Identify)
    }

    /// Makes a device forget its name and pair anew.
    pub async fn unpair(&self, device: &DeviceId) -> Result<(), Fault> {
        self.control(device, ControlAction::Unpair)
    }

    /// Tells a device what became of its answer.
    pub async fn receipt(&self, device: &DeviceId, receipt: &Receipt) -> Result<(), Fault> {
        self.say(&Topic::Down(device.clone(), Down::Receipt), receipt, None)
    }

    /// Tells a device its hall and window.
    pub async fn configure(&self, id: &DeviceId) -> Result<(), Fault> {
        let wanted = id.clone();
        let (device, windows) =
            self.book.db.read(move |db| Ok((rows::find(db, &wanted)?, accounts::windows(db)?))).await?;
        let Some(device) = device else { return Ok(()) };
        let window = device.window.map(|window| WindowName {
            name: windows
                .iter()
                .find(|(id, _)| *id == window)
                .map_or_else(|| window.to_string(), |(_, name)| name.clone()),
            code: window.to_string(),
        });
        let config = Config {
            ver: u64::from(device.bind_epoch),
            hall: self.book.knowledge.hall.clone(),
            window,
            bind_epoch: device.bind_epoch,
            hb_s: HEARTBEAT_S,
            notice: None,
        };
        self.say(&Topic::Down(id.clone(), Down::Config), &config, None)
    }

    /// Stays connected to the broker, and watches for devices that fall silent, until `stop`. The
    /// password goes nowhere but to where `broker` says that the broker stands.
    pub async fn run(
        self: Arc<Self>,
        broker: watch::Receiver<Option<SocketAddr>>,
        password: String,
        stop: CancellationToken,
    ) {
        tokio::join!(self.keep_link(broker, &password, &stop), self.watch_silence(&stop));
    }

    async fn keep_link(
        self: &Arc<Self>,
        mut broker: watch::Receiver<Option<SocketAddr>>,
        password: &str,
        stop: &CancellationToken,
    ) {
        let mut pause = Duration::from_millis(100);
        while !stop.is_cancelled() {
            let stands = tokio::select! {
                stands = broker.wait_for(Option::is_some) => stands.ok().and_then(|stands| *stands),
                () = stop.cancelled() => None,
            };
            let Some(address) = stands else { return };
            match self.connect(address, password) {
                Ok((client, events)) => {
                    self.set_client(Some(client));
                    if self.listen(events, stop).await {
                        pause = Duration::from_millis(100);
                    }
                    self.set_client(None);
                }
                Err(error) => tracing::error!(%error, "the hub cannot describe itself to the broker"),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(5)),
                () = stop.cancelled() => {}
            }
        }
    }

    fn connect(&self, broker: SocketAddr, password: &str) -> Result<(AsyncClient, EventLoop), Fault> {
        let mut options = MqttOptions::new(BOX_USER, broker.ip().to_string(), broker.port());
        options.set_credentials(BOX_USER, password);
        options.set_keep_alive(Duration::from_secs(20));
        options.set_clean_start(true);
        options.set_max_packet_size(Some(PACKET_BYTES));
        options.set_connection_timeout(3);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        let will = encode(&HallState::offline(self.boot)).map_err(form)?;
        options.set_last_will(LastWill::new(
            Topic::HallState.to_string(),
            will,
            QoS::AtLeastOnce,
            true,
            None,
        ));
        Ok(AsyncClient::new(options, 256))
    }

    /// Hears the broker until the link breaks; true if it had come up.
    async fn listen(self: &Arc<Self>, mut events: EventLoop, stop: &CancellationToken) -> bool {
        let mut came_up = false;
        loop {
            let event = tokio::select! {
                event = events.poll() => event,
                () = stop.cancelled() => return came_up,
            };
            match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    came_up = true;
                    if let Err(error) = self.greet().await {
                        tracing::warn!(%error, "the hub could not greet its devices");
                    }
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                    match UpMessage::parse(&topic, &publish.payload) {
                        Ok((device, message)) => self.hear(device, message).await,
                        Err(error) => tracing::warn!(%error, "a device's message was not understood"),
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    if !stop.is_cancelled() {
                        tracing::warn!(%error, "the link to the broker broke; it is made anew");
                    }
                    return came_up;
                }
            }
        }
    }

    async fn greet(&self) -> Result<(), Fault> {
        self.lose_all().await?;
        if let Some(client) = self.client() {
            client.try_subscribe(hall_bus::topics::ALL_UP, QoS::AtLeastOnce).map_err(bus)?;
        }
        let state = HallState::online(self.boot, self.book.clock.now());
        self.say(&Topic::HallState, &state, None)?;
        for device in self.book.db.read(rows::all).await? {
            self.configure(&device.id).await?;
        }
        Ok(())
    }

    async fn hear(self: &Arc<Self>, device: DeviceId, message: UpMessage) {
        let heard = match message {
            UpMessage::State(state) => self.note_state(&device, state).await,
            UpMessage::Ack(ack) => self.note_ack(device, ack).await,
            UpMessage::Answer(jws) => self.pass(Heard::Answer(device, jws)).await,
            UpMessage::Heartbeat(_) => self.note_heartbeat(&device).await,
            UpMessage::Log(line) => {
                tracing::info!(device.id = %device, level = ?line.level, code = %line.code, "a device reports");
                Ok(())
            }
        };
        if let Err(error) = heard {
            tracing::error!(%error, "what a device said could not be taken");
        }
    }

    async fn note_ack(&self, device: DeviceId, ack: Ack) -> Result<(), Fault> {
        let command: CommandId = ack.cmd.to_string().parse().map_err(|_| Fault::NotFound)?;
        match ack.status {
            AckStatus::Extend => self.pass(Heard::Extend(device, command)).await,
            AckStatus::Received => Ok(()),
            AckStatus::Shown { .. } | AckStatus::Waiting | AckStatus::Reading => {
                let now = self.book.clock.now();
                let case = self
                    .book
                    .db
                    .write(move |tx| {
                        rows::note_shown(tx, &device, &command, now)?;
                        let own = rows::command(tx, &command)?.filter(|command| command.device == device);
                        Ok::<_, Fault>(own.and_then(|command| command.case))
                    })
                    .await?;
                if let Some(case) = case {
                    self.live.tell(Change::Case(case));
                }
                Ok(())
            }
            AckStatus::Rejected { reason } => {
                tracing::warn!(device.id = %device, ?reason, "a device did not take a command");
                Ok(())
            }
        }
    }

    async fn pass(&self, heard: Heard) -> Result<(), Fault> {
        // A device sends an answer again until it has a receipt, so one that finds no room here is not lost.
        self.desk.try_send(heard).map_err(|_| Fault::Storage("the desk is busy".to_owned()))
    }

    fn send(&self, command: &Command) -> Result<(), Fault> {
        let now = self.book.clock.now();
        let ttl_ms = remaining(command.deadline, now);
        let json = self
            .book
            .vault
            .open("command", &command.request)
            .map_err(|error| Fault::Storage(error.to_string()))?;
        let expiry = Some(ttl_ms.div_ceil(1000).max(1));
        if command.kind == rows::CommandKind::Read {
            let mut read: Read =
                serde_json::from_slice(&json).map_err(|error| Fault::Storage(error.to_string()))?;
            read.ttl_ms = ttl_ms;
            return self.say(&Topic::Down(command.device.clone(), Down::Read), &read, expiry);
        }
        let mut show: Show =
            serde_json::from_slice(&json).map_err(|error| Fault::Storage(error.to_string()))?;
        show.ttl_ms = ttl_ms;
        self.say(&Topic::Down(command.device.clone(), Down::Show), &show, expiry)
    }

    async fn show(&self, device: &Device, page: Page, ttl_ms: i64) -> Result<(), Fault> {
        let id = device.id.clone();
        let generation = self.book.db.write(move |tx| rows::next_gen(tx, &id).map_err(Fault::from)).await?;
        self.show_as(device, page, ttl_ms, generation)
    }

    fn show_as(&self, device: &Device, page: Page, ttl_ms: i64, generation: u64) -> Result<(), Fault> {
        let Some(window) = &device.window else { return Ok(()) };
        let now = self.book.clock.now();
        let (_, message) = new_command(now)?;
        let place = Place { window: window.to_string(), bind_epoch: device.bind_epoch };
        let ttl_ms = u32::try_from(ttl_ms).unwrap_or(u32::MAX);
        let show = Show::new(message, place, generation, now, ttl_ms, page)
            .map_err(|error| Fault::Storage(error.to_string()))?;
        self.say(&Topic::Down(device.id.clone(), Down::Show), &show, None)
    }

    async fn idle_page(&self, device: &Device) -> Result<Page, Fault> {
        let windows = self.book.db.read(accounts::windows).await?;
        let window = device.window.as_ref();
        let name =
            windows.into_iter().find(|(id, _)| Some(id) == window).map(|(_, name)| name).unwrap_or_default();
        Ok(Page::Idle(IdlePage { hall: self.book.knowledge.hall.clone(), window: name, notice: None }))
    }

    fn control(&self, device: &DeviceId, action: ControlAction) -> Result<(), Fault> {
        let (_, id) = new_command(self.book.clock.now())?;
        self.say(&Topic::Down(device.clone(), Down::Control), &Control { id, action }, None)
    }

    /// Publishes. Without a broker nothing is said; whatever matters is said again when a device is born.
    fn say<T: Serialize>(&self, topic: &Topic, message: &T, expiry_s: Option<u32>) -> Result<(), Fault> {
        let payload = encode(message).map_err(form)?;
        let Some(client) = self.client() else { return Ok(()) };
        let delivery = topic.delivery();
        let qos = if delivery.qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let expiry = expiry_s.or(match topic {
            Topic::Down(_, down) => down.expiry_seconds(),
            _ => None,
        });
        let properties =
            PublishProperties { message_expiry_interval: expiry, ..PublishProperties::default() };
        client
            .try_publish_with_properties(topic.to_string(), qos, delivery.retain, payload, properties)
            .map_err(bus)
    }

    fn client(&self) -> Option<AsyncClient> {
        self.client.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn set_client(&self, client: Option<AsyncClient>) {
        *self.client.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = client;
    }
}

/// The opaque word that binds a card read to a case: tells nothing to whoever overhears it.
fn binding_of(book: &Book, case: &CaseId) -> String {
    hex::encode(book.vault.index("read", case.as_str()).get(..16).unwrap_or_default())
}

fn remaining(deadline: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(deadline.ms_since(now).max(0)).unwrap_or(u32::MAX)
}

fn message_of(command: &CommandId) -> Result<MessageId, Fault> {
    command.as_str().parse().map_err(|_| Fault::NotFound)
}

fn form(error: hall_bus::PayloadError) -> Fault {
    Fault::Storage(error.to_string())
}

fn bus(error: rumqttc::v5::ClientError) -> Fault {
    Fault::Storage(error.to_string())
}
