//! One MQTT connection to the box, from CONNECT to the first error. Each connection has its own client and its own
//! will: the will carries the connection's number, and nothing of an old session can be sent in a new one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hall_bus::topics::device_may_read;
use hall_bus::{DeviceId, DeviceState, Topic, Up, encode};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, Filter, LastWill, LastWillProperties, Packet};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::warn;

use crate::store::Credentials;
use crate::tls;

/// Largest packet in both directions, bytes.
const MAX_PACKET: u32 = 128 * 1024;
/// Messages that may wait to be sent. Answers that do not fit are sent again later, acknowledgements are lost.
const OUTGOING: usize = 64;
/// Messages that may wait to be dealt with; then the line waits.
const INCOMING: usize = 64;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Seconds that the broker keeps the session: longer than the will's delay, which it would cut short otherwise.
const SESSION_EXPIRY: u32 = 10;
/// Seconds without the device before it is called lost.
const WILL_DELAY: u32 = 5;
const FAREWELL: Duration = Duration::from_secs(2);

/// What the connection tells.
#[derive(Debug)]
pub enum Incoming {
    /// The box has taken the subscriptions: it can be spoken to, and will be heard.
    Ready,
    /// A message of the box.
    Message(Topic, Vec<u8>),
    /// The connection is over.
    Lost {
        /// Why, without anything of a message.
        reason: String,
        /// The box does not know this device, or not with these credentials.
        refused: bool,
    },
}

/// Where the box is, and how to prove who we are.
#[derive(Clone)]
pub struct Dialer {
    device: DeviceId,
    secret: String,
    host: String,
    port: u16,
    tls: Arc<rustls::ClientConfig>,
}

/// A connection that is open or opening.
pub struct Connection {
    client: AsyncClient,
    incoming: mpsc::Receiver<Incoming>,
    poll: JoinHandle<()>,
    device: DeviceId,
    bseq: u64,
}

impl Dialer {
    /// From what pairing gave.
    ///
    /// # Errors
    /// If the address is not `mqtts://host:port`, or the CA cannot be used.
    pub fn new(credentials: &Credentials) -> anyhow::Result<Self> {
        let (host, port) = address(&credentials.grant.mqtt.url)?;
        Ok(Self {
            device: credentials.grant.device.clone(),
            secret: credentials.grant.mqtt.secret.clone(),
            host,
            port,
            tls: Arc::new(tls::trusting(&credentials.ca)?),
        })
    }

    /// Begins a connection with this number. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If the will cannot be written.
    pub fn dial(&self, bseq: u64) -> anyhow::Result<Connection> {
        let (client, events) = AsyncClient::new(self.options(bseq)?, OUTGOING);
        let (told, incoming) = mpsc::channel(INCOMING);
        let poll = tokio::spawn(poll(events, client.clone(), self.device.clone(), told));
        Ok(Connection { client, incoming, poll, device: self.device.clone(), bseq })
    }

    fn options(&self, bseq: u64) -> anyhow::Result<MqttOptions> {
        let state = Topic::Up(self.device.clone(), Up::State);
        let will = encode(&DeviceState::Lost { bseq }).context("cannot write the will")?;
        let will_properties = LastWillProperties {
            delay_interval: Some(WILL_DELAY),
            payload_format_indicator: None,
            message_expiry_interval: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        };
        let mut properties = ConnectProperties::new();
        properties.session_expiry_interval = Some(SESSION_EXPIRY);
        properties.max_packet_size = Some(MAX_PACKET);

        let mut options = MqttOptions::new(self.device.as_str(), self.host.as_str(), self.port);
        options
            .set_credentials(self.device.as_str(), self.secret.as_str())
            .set_clean_start(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_connect_properties(properties)
            .set_last_will(LastWill::new(
                state.to_string(),
                will,
                quality(state.delivery().qos),
                state.delivery().retain,
                Some(will_properties),
            ))
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::clone(&self.tls))));
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        Ok(options)
    }
}

impl Connection {
    /// Number of this connection.
    pub fn bseq(&self) -> u64 {
        self.bseq
    }

    /// What happens next. [`Incoming::Lost`] is the last thing, again and again.
    pub async fn next(&mut self) -> Incoming {
        let ended = || Incoming::Lost { reason: "the connection has ended".to_owned(), refused: false };
        self.incoming.recv().await.unwrap_or_else(ended)
    }

    /// Publishes without waiting; what does not fit into the queue is dropped, which the protocol bears.
    pub fn publish(&self, up: Up, payload: Vec<u8>) {
        let topic = Topic::Up(self.device.clone(), up);
        let delivery = topic.delivery();
        let sent =
            self.client.try_publish(topic.to_string(), quality(delivery.qos), delivery.retain, payload);
        if sent.is_err() {
            warn!(topic = %topic, "a message to the box was dropped because its queue is full");
        }
    }

    /// Says that the device goes, and closes. A clean end cancels the will, so the state is published instead.
    pub async fn farewell(mut self) {
        match encode(&DeviceState::Lost { bseq: self.bseq }) {
            Ok(lost) => self.publish(Up::State, lost),
            Err(error) => warn!(%error, "the farewell cannot be written"),
        }
        if self.client.try_disconnect().is_err() {
            return;
        }
        let ended = async { while !matches!(self.next().await, Incoming::Lost { .. }) {} };
        if timeout(FAREWELL, ended).await.is_err() {
            warn!("the box did not take the farewell in time");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.poll.abort();
    }
}

/// Does nothing but poll and pass on: whoever publishes from here could wait for itself.
async fn poll(mut events: EventLoop, client: AsyncClient, device: DeviceId, told: mpsc::Sender<Incoming>) {
    loop {
        let news = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                let filters = device_may_read(&device).map(|path| Filter::new(path, QoS::AtLeastOnce));
                if client.try_subscribe_many(filters).is_err() {
                    let reason = "cannot ask for the box's messages".to_owned();
                    Incoming::Lost { reason, refused: false }
                } else {
                    continue;
                }
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => Incoming::Ready,
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let topic = std::str::from_utf8(&message.topic).ok().and_then(|text| text.parse().ok());
                match topic {
                    Some(topic) => Incoming::Message(topic, message.payload.to_vec()),
                    None => continue,
                }
            }
            Ok(_) => continue,
            Err(error) => {
                let refused = matches!(error, rumqttc::v5::ConnectionError::ConnectionRefused(_));
                Incoming::Lost { reason: error.to_string(), refused }
            }
        };
        let over = matches!(news, Incoming::Lost { .. });
        if told.send(news).await.is_err() || over {
            return;
        }
    }
}

fn quality(qos: u8) -> QoS {
    if qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce }
}

/// Host and port of `mqtts://host:port`.
fn address(url: &str) -> anyhow::Result<(String, u16)> {
    let Some(rest) = url.strip_prefix("mqtts://") else {
        bail!("the box names {url} to connect to; only mqtts is spoken")
    };
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':').unwrap_or((rest, "8883"));
    let port = port.parse().with_context(|| format!("{url} holds no port number"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_are_taken() {
        assert_eq!(address("mqtts://127.0.0.1:4433").unwrap(), ("127.0.0.1".to_owned(), 4433));
        assert_eq!(address("mqtts://box.hall").unwrap(), ("box.hall".to_owned(), 8883));
        assert!(address("mqtt://127.0.0.1:1883").is_err());
        assert!(address("wss://box/mqtt").is_err());
        assert!(address("mqtts://box:door").is_err());
    }
}
