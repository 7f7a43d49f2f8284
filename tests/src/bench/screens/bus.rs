//! The baseline of pages and answers: the same broker behind the same door, and nothing of the product around it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use hall_bus::{DeviceId, DeviceKind, Down, Topic, Up};
use hall_domain::Timestamp;
use hallbox::devices::broker::{BOX_USER, Broker, Credential, hash_password};
use hallbox::devices::door::Door;
use hallbox::keys::Keys;
use hallbox::tls;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PATIENCE: Duration = Duration::from_secs(10);
const DEVICES: usize = 8;
const MAX_PACKET: u32 = 128 * 1024;
const SECRET: &str = "a password of the benchmark alone";

/// A broker, the box's side of it, and a device that sends back what it gets.
pub struct BareBus {
    box_side: AsyncClient,
    down: String,
    returned: Mutex<mpsc::Receiver<usize>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl BareBus {
    /// Starts all of it.
    pub async fn start(folder: &Path) -> Result<Self> {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let device = DeviceId::generate(DeviceKind::Evaluator, Timestamp(1_795_000_000_000))?;
        let credential = Credential { device: device.to_string(), hash: hash_password(SECRET) };
        let broker = Broker::prepare(&folder.join("broker"), &[credential])?;
        tasks.spawn(broker.clone().supervise(stop.clone()));

        let keys = Keys::load_or_make(&folder.join("keys"), &["127.0.0.1".to_owned()])?;
        let acceptor = tls::acceptor(&keys)?;
        let (listener, address) = tls::listen("127.0.0.1:0".parse()?).await?;
        let door = Door::new(broker.address(), Arc::new(|_: &str| true));
        let ending = stop.clone();
        tasks.spawn(tls::serve(listener, acceptor, DEVICES, stop.clone(), move |stream, _| {
            let (door, stop) = (door.clone(), ending.clone());
            async move { drop(door.serve_stream(stream, stop).await) }
        }));

        let as_box = options(BOX_USER, broker.password(), broker.address().port());
        let (box_side, events) = AsyncClient::new(as_box, 64);
        let (came_back, returned) = mpsc::channel(16);
        let up = Topic::Up(device.clone(), Up::Answer).to_string();
        let ready = serve(&tasks, &stop, box_side.clone(), events, up.clone(), move |_, bytes| {
            let _ = came_back.try_send(bytes.len());
        });
        timeout(PATIENCE, ready).await.context("the bare bus: box side")??;

        let mut as_device = options(device.as_str(), SECRET, address.port());
        as_device
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(trusting(&keys.ca_pem)?)));
        let (device_side, events) = AsyncClient::new(as_device, 64);
        let down = Topic::Down(device, Down::Show).to_string();
        let ready = serve(&tasks, &stop, device_side.clone(), events, down.clone(), move |client, bytes| {
            let _ = client.try_publish(up.clone(), QoS::AtLeastOnce, false, bytes);
        });
        timeout(PATIENCE, ready).await.context("the bare bus: device side")??;
        Ok(Self { box_side, down, returned: Mutex::new(returned), stop, tasks })
    }

    /// How long so many bytes take to the device and back.
    pub async fn round_trip(&self, bytes: usize) -> Result<Duration> {
        let mut returned = self.returned.lock().await;
        let begun = Instant::now();
        self.box_side.publish(self.down.clone(), QoS::AtLeastOnce, false, vec![b'x'; bytes]).await?;
        let back = timeout(PATIENCE, returned.recv()).await.context("nothing came back on the bare bus")?;
        if back != Some(bytes) {
            bail!("the bare bus gave back {back:?} bytes of {bytes}");
        }
        Ok(begun.elapsed())
    }

    /// Ends broker and door.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        let _ = timeout(PATIENCE, self.tasks.wait()).await;
    }
}

fn options(name: &str, password: &str, port: u16) -> MqttOptions {
    let mut options = MqttOptions::new(name, "127.0.0.1", port);
    options.set_credentials(name, password);
    options.set_max_packet_size(Some(MAX_PACKET));
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    options
}

/// Keeps a client connected and gives `heard` what comes on its topic. Resolves once it is subscribed.
fn serve(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    client: AsyncClient,
    mut events: EventLoop,
    topic: String,
    heard: impl Fn(&AsyncClient, Vec<u8>) + Send + 'static,
) -> impl Future<Output = Result<()>> {
    let (subscribed, mut ready) = mpsc::channel(1);
    let stop = stop.clone();
    tasks.spawn(async move {
        while let Some(event) = stop.run_until_cancelled(events.poll()).await {
            match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    let _ = client.try_subscribe(topic.clone(), QoS::AtLeastOnce);
                }
                Ok(Event::Incoming(Packet::SubAck(_))) => {
                    let _ = subscribed.try_send(());
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => heard(&client, publish.payload.to_vec()),
                Ok(_) => {}
                // The broker has only just been started.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    });
    async move { ready.recv().await.ok_or_else(|| anyhow!("the bare bus went away")) }
}

fn trusting(ca_pem: &str) -> Result<Arc<rustls::ClientConfig>> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
