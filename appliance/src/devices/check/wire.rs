//! The check's own place at the broker: says what a box would say, and keeps everything that the device says.

use super::super::broker::{BOX_USER, Broker};
use anyhow::{Context, Result, bail};
use hall_bus::topics::ALL_UP;
use hall_bus::{DeviceId, Down, Topic, UpMessage, encode};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

const COME_UP: Duration = Duration::from_secs(20);
const PACKET_BYTES: u32 = 128 * 1024;

/// One message of the device.
#[derive(Debug)]
pub struct Heard {
    /// Whether the broker keeps it.
    pub retained: bool,
    /// What it says, or why it says nothing.
    pub message: Result<UpMessage, String>,
}

/// The link, and all that came over it.
pub struct Wire {
    client: AsyncClient,
    coming: mpsc::UnboundedReceiver<Heard>,
    heard: Vec<Heard>,
}

impl Wire {
    /// Connects to the broker once it stands, and listens to everything that devices say.
    pub async fn connect(broker: &Broker) -> Result<Self> {
        let mut stands = broker.stands();
        let address = tokio::time::timeout(COME_UP, stands.wait_for(Option::is_some))
            .await
            .context("the broker does not start")??
            .context("the broker stands nowhere")?;
        let mut options = MqttOptions::new(BOX_USER, address.ip().to_string(), address.port());
        options.set_credentials(BOX_USER, broker.password());
        options.set_keep_alive(Duration::from_secs(20));
        options.set_max_packet_size(Some(PACKET_BYTES));
        let (client, mut events) = AsyncClient::new(options, 256);
        let (said, coming) = mpsc::unbounded_channel();
        let (up, mut ready) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        up.send_replace(true);
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                        let message = UpMessage::parse(&topic, &publish.payload);
                        let message = message.map(|(_, said)| said).map_err(|error| error.to_string());
                        if said.send(Heard { retained: publish.retain, message }).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "the check lost the broker");
                        return;
                    }
                }
            }
        });
        let mut filter = Filter::new(ALL_UP, QoS::AtLeastOnce);
        // As it was published, which is what the device is asked about.
        filter.preserve_retain = true;
        client.subscribe_many([filter]).await.context("listen to the device")?;
        if tokio::time::timeout(COME_UP, ready.wait_for(|ready| *ready)).await.is_err() {
            bail!("the broker does not answer");
        }
        Ok(Self { client, coming, heard: Vec::new() })
    }

    /// Says something as the protocol lays down for the topic.
    pub async fn say<T: Serialize>(&self, topic: &Topic, message: &T, ttl_ms: Option<u32>) {
        let payload = match encode(message) {
            Ok(payload) => payload,
            Err(error) => return tracing::error!(%error, "a message of the check cannot be written"),
        };
        let delivery = topic.delivery();
        let expiry = ttl_ms.map(|ms| ms.div_ceil(1000).max(1)).or(match topic {
            Topic::Down(_, down) => down.expiry_seconds(),
            _ => None,
        });
        let properties =
            PublishProperties { message_expiry_interval: expiry, ..PublishProperties::default() };
        let published = self.client.publish_with_properties(
            topic.to_string(),
            QoS::AtLeastOnce,
            delivery.retain,
            payload,
            properties,
        );
        if let Err(error) = published.await {
            tracing::error!(%error, "the check cannot speak to the broker");
        }
    }

    /// Says something to the device.
    pub async fn tell<T: Serialize>(&self, device: &DeviceId, down: Down, message: &T) {
        self.say(&Topic::Down(device.clone(), down), message, None).await;
    }

    /// How much was heard so far; what comes now counts from here.
    pub fn mark(&mut self) -> usize {
        while let Ok(heard) = self.coming.try_recv() {
            self.heard.push(heard);
        }
        self.heard.len()
    }

    /// Everything that was heard since a mark.
    pub fn since(&self, mark: usize) -> &[Heard] {
        self.heard.get(mark..).unwrap_or_default()
    }

    /// The first message since a mark that `look` takes, if one comes in time.
    pub async fn until<T>(
        &mut self,
        mark: usize,
        within: Duration,
        look: impl Fn(&Heard) -> Option<T>,
    ) -> Option<T> {
        let (mut at, until) = (mark, Instant::now() + within);
        loop {
            while let Some(heard) = self.heard.get(at) {
                if let Some(found) = look(heard) {
                    return Some(found);
                }
                at += 1;
            }
            match tokio::time::timeout_at(until, self.coming.recv()).await {
                Ok(Some(heard)) => self.heard.push(heard),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Listens for a while.
    pub async fn listen(&mut self, while_: Duration) {
        let mark = self.mark();
        let _nothing: Option<()> = self.until(mark, while_, |_| None).await;
    }
}
