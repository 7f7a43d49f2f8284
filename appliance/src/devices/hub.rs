//! The box's side of the bus: says to each device what it should do now, and hears what devices
//! say. What a device should do is in the database; sending it again is always harmless.

mod glass;
mod link;
mod presence;
#[cfg(test)]
mod tests;

use super::notice;
use super::scans::Scans;
use crate::book::{Book, Fault};
use crate::live::Live;
use crate::reception::new_command;
use crate::store::accounts;
use crate::store::devices::{self as rows, Command, Device};
use hall_bus::evaluator::Show;
use hall_bus::messages::{AckRefusal, CardAsk, Config, Control, ControlAction, WindowName};
use hall_bus::reader::{Read, Stop, Want};
use hall_bus::{DeviceId, DeviceKind, Down, Jws, MessageId, Receipt, Topic};
use hall_domain::Timestamp;
use hall_domain::case::{CaseId, CommandId, WindowId};
use presence::Silent;
use rumqttc::v5::AsyncClient;
use rusqlite::Connection;
use std::sync::{Arc, Mutex, RwLock};
use tokio::sync::mpsc;

/// How long a reader waits for a card.
const READ_MS: i64 = 30_000;
const HEARTBEAT_S: u16 = 15;

/// What a device said that the desk has to decide on.
#[derive(Debug)]
pub enum Heard {
    /// A signed answer.
    Answer(DeviceId, Box<Jws>),
    /// A signed scan.
    Scan(DeviceId, Box<Jws>),
    /// The citizen asks for more time.
    Extend(DeviceId, CommandId),
    /// How far a read is.
    Progress(DeviceId, CommandId, ReadStage),
    /// A command that the device will never carry out.
    Rejected(DeviceId, CommandId, AckRefusal),
}

/// 读卡进度: how far a read is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadStage {
    /// The reader waits for a card.
    Waiting(CardAsk),
    /// A card lies there and is being read.
    Reading,
}

/// The hub.
pub struct Hub {
    book: Book,
    live: Live,
    boot: MessageId,
    client: RwLock<Option<AsyncClient>>,
    desk: mpsc::Sender<Heard>,
    silent: Silent,
    /// Where scans go.
    scans: Scans,
    /// When the link to the broker was last made or lost.
    turned: Mutex<Timestamp>,
}

impl Hub {
    /// A hub that is not connected yet. What the desk has to decide on goes to `desk`.
    pub fn new(book: Book, live: Live, desk: mpsc::Sender<Heard>) -> Result<Arc<Self>, Fault> {
        let now = book.clock.now();
        let (_, boot) = new_command(now)?;
        let (client, silent, turned) = (RwLock::default(), Silent::default(), Mutex::new(now));
        let scans = Scans::default();
        Ok(Arc::new(Self { book, live, boot, client, desk, silent, scans, turned }))
    }

    /// Where scans go.
    pub fn scans(&self) -> &Scans {
        &self.scans
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
            if id.kind() != DeviceKind::Evaluator {
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

    /// Tells the evaluator that its page stays longer, and how often that can be asked for again.
    pub async fn extended(
        &self,
        device: &DeviceId,
        command: &CommandId,
        deadline: Timestamp,
        left: u8,
    ) -> Result<(), Fault> {
        let now = self.book.clock.now();
        let (_, id) = new_command(now)?;
        let ttl_ms = remaining(deadline, now);
        let action = ControlAction::Extend { cmd: message_of(command)?, ttl_ms, left };
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
        let look =
            move |db: &Connection| Ok((rows::find(db, &wanted)?, accounts::windows(db)?, notice::hangs(db)?));
        let (device, windows, (notice, changes)) = self.book.db.read(look).await?;
        let Some(device) = device else { return Ok(()) };
        let window = device.window.map(|window| WindowName {
            name: windows
                .iter()
                .find(|(id, _)| *id == window)
                .map_or_else(|| window.to_string(), |(_, name)| name.clone()),
            code: window.to_string(),
        });
        let config = Config {
            // Grows with each binding, and between two with each notice.
            ver: (u64::from(device.bind_epoch) << 32) + changes,
            hall: self.book.knowledge.hall.clone(),
            window,
            bind_epoch: device.bind_epoch,
            hb_s: HEARTBEAT_S,
            notice: notice.filter(|_| device.id.kind() == DeviceKind::Evaluator),
        };
        self.say(&Topic::Down(id.clone(), Down::Config), &config, None)
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

    fn control(&self, device: &DeviceId, action: ControlAction) -> Result<(), Fault> {
        let (_, id) = new_command(self.book.clock.now())?;
        self.say(&Topic::Down(device.clone(), Down::Control), &Control { id, action }, None)
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
