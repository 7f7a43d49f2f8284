//! What the device under test meets: TLS, pairing and the door, as at a box, for one device at a time.

use super::super::broker::{Broker, Credential, hash_password};
use super::super::door::{Door, Known};
use crate::clock::Clock;
use crate::keys::{Keys, random_hex};
use crate::tls;
use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Path as Segment, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hall_bus::pairing::{Begin, Begun, CODE_LIFE_S, Grant, MqttGrant, PairingCode, Progress};
use hall_bus::{DeviceId, DeviceKey, DeviceKind, MessageId};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const CONNECTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(30);
const BEGIN_BYTES: usize = 16 * 1024;
const FRAME_BYTES: usize = 128 * 1024;
/// Seconds between a device's questions.
const POLL_S: u32 = 1;

/// The box's place in a check.
pub struct Host {
    /// The broker behind the door.
    pub broker: Arc<Broker>,
    url: String,
    ca: PathBuf,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

struct Shared {
    door: Door,
    clock: Clock,
    mqtt_url: String,
    pairing: Mutex<Pairing>,
    /// How many pairings were begun.
    begun: watch::Sender<u32>,
    /// Ends what is connected now.
    sessions: Mutex<CancellationToken>,
    open: Arc<Mutex<bool>>,
}

#[derive(Default)]
struct Pairing {
    pair: Option<Pair>,
    /// What was wrong with a request that was not taken.
    refused: Option<String>,
}

struct Pair {
    id: MessageId,
    begin: Begin,
    code: PairingCode,
    poll: String,
    grant: Option<Grant>,
}

impl Host {
    /// Listens, with a broker behind it.
    pub async fn start(data: &Path, listen: SocketAddr, names: &[String]) -> Result<Self> {
        let keys = Keys::load_or_make(&data.join("keys"), names)?;
        let (listener, address) = tls::listen(listen).await?;
        let broker = Broker::prepare(&data.join("broker"), &[])?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(broker.clone().supervise(stop.clone()));
        let name = names.first().cloned().unwrap_or_else(|| address.ip().to_string());
        let open = Arc::new(Mutex::new(true));
        let told = open.clone();
        let known: Known = Arc::new(move |_| *lock(&told));
        let shared = Arc::new(Shared {
            door: Door::following(broker.stands(), known),
            clock: Clock::start(),
            mqtt_url: format!("wss://{name}:{}/mqtt", address.port()),
            pairing: Mutex::default(),
            begun: watch::Sender::new(0),
            sessions: Mutex::new(stop.child_token()),
            open,
        });
        let (router, acceptor, ending) = (router(shared.clone()), tls::acceptor(&keys)?, stop.clone());
        tasks.spawn(async move {
            let served = ending.clone();
            tls::serve(listener, acceptor, CONNECTIONS, served, move |stream, _| {
                let mark = |_: &mut Request<_>| {};
                hall_serve::serve_http(stream, router.clone(), PATIENCE, mark, ending.clone())
            })
            .await;
        });
        let (url, ca) = (format!("https://{name}:{}", address.port()), data.join("keys/hall-ca.pem"));
        Ok(Self { broker, url, ca, shared, stop, tasks })
    }

    /// Where the device goes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has to trust.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// Waits for a device that asks for a name; says what was wrong with its first tries.
    pub async fn until_begun(&self) -> Result<(), String> {
        let mut begun = self.shared.begun.subscribe();
        // The sender lives as long as this.
        let _ = begun.wait_for(|count| *count > 0).await;
        self.pairing().refused.take().map_or(Ok(()), Err)
    }

    /// Whether a device asks for a name with another key than `former` within some time.
    pub async fn begins_anew(&self, former: &DeviceKey, within: Duration) -> Result<(), String> {
        let mut begun = self.shared.begun.subscribe();
        let before = *begun.borrow_and_update();
        let came = tokio::time::timeout(within, begun.wait_for(|count| *count > before)).await;
        if came.is_err() {
            return Err("没有重新请求配对".to_owned());
        }
        let pairing = self.pairing();
        match &pairing.pair {
            Some(pair) if pair.begin.key == *former => Err("重新配对用的还是原来的密钥".to_owned()),
            _ => Ok(()),
        }
    }

    /// 指纹 of the key of the device that waits.
    pub fn fingerprint(&self) -> String {
        self.pairing().pair.as_ref().map(|pair| pair.begin.key.fingerprint()).unwrap_or_default()
    }

    /// Whether this is the code that the device was given.
    pub fn is_code(&self, code: PairingCode) -> bool {
        self.pairing().pair.as_ref().is_some_and(|pair| pair.code == code)
    }

    /// Gives the device that waits its name and its password.
    pub fn bind(&self) -> Result<(DeviceId, DeviceKey)> {
        let mut pairing = self.pairing();
        let Some(pair) = pairing.pair.as_mut() else { bail!("没有设备在等待配对") };
        if pair.begin.kind != DeviceKind::Evaluator {
            bail!("本命令检查评价器；这台设备说自己是 {:?}", pair.begin.kind);
        }
        let device = DeviceId::generate(pair.begin.kind, self.shared.clock.now())?;
        let secret = random_hex(32);
        self.broker
            .allow(&[Credential { device: device.to_string(), hash: hash_password(&secret) }])
            .context("let the device in")?;
        pair.grant = Some(Grant {
            device: device.clone(),
            key_gen: 1,
            mqtt: MqttGrant { url: self.shared.mqtt_url.clone(), secret },
            ca: None,
        });
        Ok((device, pair.begin.key.clone()))
    }

    /// Cuts the device's connection; it may come back at once.
    pub fn cut(&self) {
        let next = self.stop.child_token();
        std::mem::replace(&mut *lock(&self.shared.sessions), next).cancel();
    }

    /// Lets devices in, or turns them away.
    pub fn set_open(&self, open: bool) {
        *lock(&self.shared.open) = open;
    }

    /// Ends everything.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn pairing(&self) -> MutexGuard<'_, Pairing> {
        lock(&self.shared.pairing)
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/mqtt", get(mqtt))
        .route("/pair/v1/begin", post(begin).layer(DefaultBodyLimit::max(BEGIN_BYTES)))
        .route("/pair/v1/{pair}", get(progress))
        .with_state(shared)
}

async fn mqtt(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    let session = lock(&shared.sessions).clone();
    upgrade.protocols(["mqtt"]).max_message_size(FRAME_BYTES).max_frame_size(FRAME_BYTES).on_upgrade(
        move |socket| async move {
            if let Err(turned) = shared.door.serve_socket(socket, session).await {
                tracing::info!(reason = %turned, "the device was turned away at the door");
            }
        },
    )
}

async fn begin(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let begin = match Begin::verify(&body) {
        Ok(begin) => begin,
        Err(error) => {
            lock(&shared.pairing).refused = Some(error.to_string());
            return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
        }
    };
    let (Ok(id), Ok(code)) = (MessageId::generate(shared.clock.now()), PairingCode::generate()) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let poll = random_hex(32);
    lock(&shared.pairing).pair = Some(Pair { id, begin, code, poll: poll.clone(), grant: None });
    shared.begun.send_modify(|count| *count += 1);
    Json(Begun { pair: id, code, expires_in: CODE_LIFE_S, poll, interval: POLL_S }).into_response()
}

async fn progress(
    State(shared): State<Arc<Shared>>,
    Segment(id): Segment<MessageId>,
    headers: HeaderMap,
) -> Response {
    let pairing = lock(&shared.pairing);
    let asked = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match pairing.pair.as_ref().filter(|pair| pair.id == id) {
        Some(pair) if asked == Some(format!("Bearer {}", pair.poll).as_str()) => Json(match &pair.grant {
            Some(grant) => Progress::Bound(Box::new(grant.clone())),
            None => Progress::Waiting { expires_in: CODE_LIFE_S },
        })
        .into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
