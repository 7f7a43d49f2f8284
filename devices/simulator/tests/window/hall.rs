//! As much of a box as a driver sees: a certificate authority, a broker, and someone who asks and listens.

use std::fs;
use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hall_bus::jws::ANSWER_TYPE;
use hall_bus::messages::{About, Birth, WindowName};
use hall_bus::pairing::{Grant, MqttGrant};
use hall_bus::reader::{ReaderCondition, ReaderStatus, Want};
use hall_bus::{
    AckStatus, Config, DeviceId, DeviceKey, DeviceKind, DeviceState, Down, HallState, MessageId, Read,
    ReaderAnswer, Receipt, ReceiptResult, Topic, UpMessage, decode, encode,
};
use hall_domain::{CardLayout, Date, IdentityCard, IdentityDocument, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Longer than anything may take on a busy machine; nothing waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("took longer than any test waits")
}

/// A certificate authority and a certificate for 127.0.0.1, in PEM.
pub struct Identity {
    pub ca: String,
    pub certificate: String,
    pub key: String,
}

impl Identity {
    pub fn new() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        Self { ca: ca_certificate.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A broker with a TLS door for drivers and a plain one for the test.
pub struct Hall {
    pub identity: Identity,
    pub device: DeviceId,
    plain: u16,
    tls: u16,
    broker: Option<Child>,
    dir: tempfile::TempDir,
    client: AsyncClient,
    heard: mpsc::Receiver<UpMessage>,
}

impl Hall {
    pub async fn open() -> Self {
        Self::open_for(DeviceKind::CardReader).await
    }

    pub async fn open_for(kind: DeviceKind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::new();
        fs::write(dir.path().join("cert.pem"), &identity.certificate).unwrap();
        fs::write(dir.path().join("key.pem"), &identity.key).unwrap();
        let (plain, tls) = (free_port(), free_port());
        let here = dir.path().display();
        let config = format!(
            "user root\npersistence false\nallow_anonymous true\nset_tcp_nodelay true\nlistener {plain} 127.0.0.1\n\
             listener {tls} 127.0.0.1\ncertfile {here}/cert.pem\nkeyfile {here}/key.pem\n"
        );
        fs::write(dir.path().join("mosquitto.conf"), config).unwrap();
        let device = DeviceId::generate(kind, Timestamp(1)).unwrap();
        let broker = Some(start_broker(dir.path()));
        let (client, heard) = listen(plain).await;
        Self { identity, device, plain, tls, broker, dir, client, heard }
    }

    pub fn grant(&self) -> Grant {
        let url = format!("mqtts://127.0.0.1:{}", self.tls);
        let mqtt = MqttGrant { url, secret: "no one asks".to_owned() };
        Grant { device: self.device.clone(), key_gen: 1, mqtt, ca: None }
    }

    /// Kills the broker and starts it anew; what it knew is gone.
    pub async fn restart_broker(&mut self) {
        let mut old = self.broker.take().unwrap();
        old.kill().await.unwrap();
        self.broker = Some(start_broker(self.dir.path()));
        (self.client, self.heard) = listen(self.plain).await;
    }

    pub async fn bind(&self, window: &str, bind_epoch: u32) {
        let window = Some(WindowName { code: window.to_owned(), name: "1号窗口".to_owned() });
        let hall = "测试大厅".to_owned();
        let config = Config { ver: bind_epoch.into(), hall, window, bind_epoch, hb_s: 1, notice: None };
        self.say(Down::Config, &config).await;
    }

    pub async fn say<T: serde::Serialize>(&self, down: Down, message: &T) {
        self.say_bytes(down, encode(message).unwrap()).await;
    }

    pub async fn say_bytes(&self, down: Down, payload: Vec<u8>) {
        let topic = Topic::Down(self.device.clone(), down);
        let retain = topic.delivery().retain;
        self.client.publish(topic.to_string(), QoS::AtLeastOnce, retain, payload).await.unwrap();
    }

    /// The box's process says that it is there, as it does once at each start.
    pub async fn stands(&self, boot: MessageId) {
        let state = encode(&HallState::online(boot, Timestamp(1_795_000_000_000))).unwrap();
        let topic = Topic::HallState;
        let retain = topic.delivery().retain;
        self.client.publish(topic.to_string(), QoS::AtLeastOnce, retain, state).await.unwrap();
    }

    pub async fn ask(&self, cmd: MessageId) {
        self.say(Down::Read, &read(cmd)).await;
    }

    pub async fn receipt(&self, answer: &ReaderAnswer) {
        let result = ReceiptResult::Accepted;
        self.say(Down::Receipt, &Receipt { answer: answer.id, cmd: answer.cmd, result, reason: None }).await;
    }

    /// The next thing of interest that the device says.
    pub async fn hear<T>(&mut self, interest: impl Fn(UpMessage) -> Option<T>) -> T {
        within(async {
            loop {
                if let Some(found) = interest(self.heard.recv().await.unwrap()) {
                    return found;
                }
            }
        })
        .await
    }

    /// Waits for a birth in which the reader is in this condition and the binding known.
    pub async fn born(&mut self, wanted: ReaderCondition, bind_epoch: u32) -> (Birth, ReaderStatus) {
        self.hear(|message| match message {
            UpMessage::State(DeviceState::Ready(birth)) => match birth.about.clone() {
                About::Reader(reader) if reader.state == wanted && birth.bind_epoch == bind_epoch => {
                    Some((birth, reader))
                }
                _ => None,
            },
            _ => None,
        })
        .await
    }

    pub async fn acknowledged(&mut self, cmd: MessageId, wanted: AckStatus) {
        self.hear(|message| match message {
            UpMessage::Ack(ack) if ack.cmd == cmd && ack.status == wanted => Some(()),
            _ => None,
        })
        .await;
    }

    /// Whether no device has said anything so far.
    pub fn heard_nothing(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }

    /// The next answer to one command.
    pub async fn answer_to(&mut self, cmd: MessageId, key: &DeviceKey) -> (ReaderAnswer, Vec<u8>) {
        loop {
            let (answer, payload) = self.answer(key).await;
            if answer.cmd == cmd {
                return (answer, payload);
            }
        }
    }

    /// The next answer, its signature checked, and the bytes that were signed.
    pub async fn answer(&mut self, key: &DeviceKey) -> (ReaderAnswer, Vec<u8>) {
        let kid = self.grant().kid();
        self.hear(|message| match message {
            UpMessage::Answer(jws) => {
                let payload = jws.verify(key, ANSWER_TYPE, &kid).unwrap().to_vec();
                Some((decode(&payload).unwrap(), payload))
            }
            _ => None,
        })
        .await
    }
}

pub fn id(number: u128) -> MessageId {
    MessageId::from_parts(Timestamp(1), number)
}

pub fn read(cmd: MessageId) -> Read {
    Read {
        id: cmd,
        bind_epoch: 4,
        window: "W01".to_owned(),
        case: format!("case of {cmd}"),
        want: Want::IdentityCard,
        ttl_ms: 60_000,
    }
}

pub fn card(name: &str, number: &str) -> IdentityCard {
    let document = IdentityDocument::new(CardLayout::Resident.document_kind(), number).unwrap();
    IdentityCard {
        layout: CardLayout::Resident,
        name: name.to_owned(),
        english_name: None,
        sex: document.sex().unwrap(),
        nation: Some("01".to_owned()),
        birth: document.birth().unwrap(),
        address: Some("测试省测试市测试路1号".to_owned()),
        document,
        authority: Some("测试市公安局".to_owned()),
        valid_from: Date::new(2015, 1, 1).unwrap(),
        valid_until: None,
        travel_permit: None,
        nationality: None,
        photo: vec![7; 1024],
    }
}

pub fn wang() -> IdentityCard {
    card("王芳", "519900199003070011")
}

fn start_broker(dir: &Path) -> Child {
    let daemon = Path::new("/usr/sbin/mosquitto");
    let daemon = if daemon.exists() { daemon } else { Path::new("mosquitto") };
    let config = dir.join("mosquitto.conf");
    let started = Command::new(daemon)
        .arg("-c")
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    started.expect("mosquitto is installed")
}

/// Connects to the broker as soon as it is up, and hears everything that devices say from then on.
async fn listen(port: u16) -> (AsyncClient, mpsc::Receiver<UpMessage>) {
    within(async {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let mut options = MqttOptions::new(format!("box-{port}"), "127.0.0.1", port);
    options.set_clean_start(true).set_max_packet_size(Some(128 * 1024));
    let (client, mut events) = AsyncClient::new(options, 32);
    let (told, heard) = mpsc::channel(1024);
    client.subscribe(hall_bus::topics::ALL_UP, QoS::AtLeastOnce).await.unwrap();
    let (up, is_up) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut up = Some(up);
        while let Ok(event) = events.poll().await {
            match event {
                Event::Incoming(Packet::SubAck(_)) => {
                    up.take().into_iter().for_each(|up| up.send(()).unwrap())
                }
                Event::Incoming(Packet::Publish(message)) => {
                    let topic = std::str::from_utf8(&message.topic).unwrap();
                    let (_, message) = UpMessage::parse(topic, &message.payload).unwrap();
                    if told.send(message).await.is_err() {
                        return;
                    }
                }
                _ => {}
            }
        }
    });
    within(is_up).await.unwrap();
    (client, heard)
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
