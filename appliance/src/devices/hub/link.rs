//! The hub's link to the broker: kept up, listened to, and spoken on.

use super::{Heard, Hub, ReadStage, bus, form};
use crate::book::Fault;
use crate::devices::broker::BOX_USER;
use crate::live::Change;
use crate::store::devices as rows;
use hall_bus::messages::{Ack, AckRefusal, AckStatus, ControlAction, HallState};
use hall_bus::{DeviceId, DeviceKind, Topic, UpMessage, encode};
use hall_domain::case::CommandId;
use rumqttc::NetworkOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const PACKET_BYTES: u32 = 128 * 1024;

impl Hub {
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
                    self.turn();
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

    pub(super) async fn greet(&self) -> Result<(), Fault> {
        self.turn();
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

    pub(super) async fn hear(self: &Arc<Self>, device: DeviceId, message: UpMessage) {
        let heard = match message {
            UpMessage::State(state) => self.note_state(&device, state).await,
            UpMessage::Ack(ack) => self.note_ack(device, ack).await,
            UpMessage::Answer(jws) => self.pass(Heard::Answer(device, jws)),
            UpMessage::Scan(jws) => self.pass(Heard::Scan(device, jws)),
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
            AckStatus::Extend => self.pass(Heard::Extend(device, command)),
            // A reader that has taken a command is at it; an evaluator has shown nothing yet.
            AckStatus::Received if device.kind() == DeviceKind::Evaluator => Ok(()),
            AckStatus::Received | AckStatus::Shown { .. } => self.note_shown(device, command).await,
            AckStatus::Waiting { ask } => {
                self.note_shown(device.clone(), command.clone()).await?;
                self.pass(Heard::Progress(device, command, ReadStage::Waiting(ask)))
            }
            AckStatus::Reading => {
                self.note_shown(device.clone(), command.clone()).await?;
                self.pass(Heard::Progress(device, command, ReadStage::Reading))
            }
            AckStatus::Rejected { reason } => self.note_rejected(device, command, reason).await,
        }
    }

    async fn note_shown(&self, device: DeviceId, command: CommandId) -> Result<(), Fault> {
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

    /// A device did not take a command: what it lacks is said to it, and what it never will take is given up.
    async fn note_rejected(
        &self,
        device: DeviceId,
        command: CommandId,
        reason: AckRefusal,
    ) -> Result<(), Fault> {
        tracing::info!(device.id = %device, command.id = %command, ?reason, "a device did not take a command");
        match reason {
            // Its birth tells how far it is; the command then gets a generation beyond that.
            AckRefusal::Generation => self.control(&device, ControlAction::Rebirth),
            AckRefusal::BindEpoch => self.configure(&device).await,
            AckRefusal::Busy => Ok(()),
            AckRefusal::Unsupported
            | AckRefusal::Digest
            | AckRefusal::Malformed
            | AckRefusal::NotReady
            | AckRefusal::Other => self.pass(Heard::Rejected(device, command, reason)),
        }
    }

    fn pass(&self, heard: Heard) -> Result<(), Fault> {
        // A device sends an answer again until it has a receipt, so one that finds no room here is not lost.
        self.desk.try_send(heard).map_err(|_| Fault::Storage("the desk is busy".to_owned()))
    }

    /// Publishes. Without a broker nothing is said; whatever matters is said again when a device is born.
    pub(super) fn say<T: Serialize>(
        &self,
        topic: &Topic,
        message: &T,
        expiry_s: Option<u32>,
    ) -> Result<(), Fault> {
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
