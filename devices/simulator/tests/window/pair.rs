//! Pairing, against the box's side of it over HTTPS.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use hall_bus::pairing::{Begin, Begun, Grant, MqttGrant, Progress};
use hall_bus::{DeviceId, DeviceKind, MessageId, PairingCode};
use hall_domain::Timestamp;
use hall_driver::pairing::{Shown, new_key, pair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::hall::{Identity, within};

/// What the box knows of the one pairing of a test.
#[derive(Default)]
struct Pairings {
    begun: Option<Begin>,
    asked: u32,
    /// Answers "nobody has typed it yet" so often before it grants.
    patience: u32,
    grants: bool,
    kind: Option<DeviceKind>,
}

type Shared = Arc<Mutex<Pairings>>;

struct Door {
    url: String,
    ca: String,
    pairings: Shared,
}

impl Door {
    async fn open(pairings: Pairings) -> Self {
        let identity = Identity::new();
        let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let listener = tls_listener::builder(TlsAcceptor::from(Arc::new(config))).listen(listener);
        let pairings = Arc::new(Mutex::new(pairings));
        let app = Router::new()
            .route("/pair/v1/begin", post(begin))
            .route("/pair/v1/{pair}", get(progress))
            .with_state(Arc::clone(&pairings));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, ca: identity.ca, pairings }
    }
}

fn pair_id() -> MessageId {
    MessageId::from_parts(Timestamp(1), 77)
}

async fn begin(State(pairings): State<Shared>, body: Bytes) -> Result<Json<Begun>, StatusCode> {
    let begin = Begin::verify(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    pairings.lock().unwrap().begun = Some(begin);
    let code = PairingCode::from_bits(12_345);
    Ok(Json(Begun { pair: pair_id(), code, expires_in: 600, poll: "poll secret".to_owned(), interval: 1 }))
}

async fn progress(
    State(pairings): State<Shared>,
    Path(pair): Path<MessageId>,
    headers: HeaderMap,
) -> Result<Json<Progress>, StatusCode> {
    let allowed = headers.get("authorization").is_some_and(|value| value == "Bearer poll secret");
    let mut pairings = pairings.lock().unwrap();
    if pair != pair_id() || !allowed || !pairings.grants {
        return Err(StatusCode::NOT_FOUND);
    }
    pairings.asked += 1;
    if pairings.asked <= pairings.patience {
        return Ok(Json(Progress::Waiting { expires_in: 590 }));
    }
    let device = DeviceId::generate(pairings.kind.unwrap_or(DeviceKind::CardReader), Timestamp(1)).unwrap();
    let mqtt = MqttGrant { url: "mqtts://127.0.0.1:1".to_owned(), secret: "mqtt secret".to_owned() };
    Ok(Json(Progress::Bound(Box::new(Grant { device, key_gen: 1, mqtt, ca: None }))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_shows_a_code_and_gets_its_credentials_when_it_is_typed() {
    let door = Door::open(Pairings { grants: true, patience: 1, ..Pairings::default() }).await;
    let key = new_key().unwrap();
    let mut shown: Option<Shown> = None;
    let grant =
        within(pair(&door.url, &door.ca, &key, DeviceKind::CardReader, "SAM_V", |what| shown = Some(what)))
            .await
            .unwrap();
    let begun = door.pairings.lock().unwrap().begun.clone().unwrap();
    let shown = shown.unwrap();
    assert_eq!(begun.kind, DeviceKind::CardReader);
    assert_eq!(begun.key, key.verifying_key().into());
    assert_eq!(shown.code, PairingCode::from_bits(12_345));
    assert_eq!(shown.fingerprint, begun.key.fingerprint());
    assert_eq!((grant.device.kind(), grant.mqtt.secret.as_str()), (DeviceKind::CardReader, "mqtt secret"));
    assert_eq!(door.pairings.lock().unwrap().asked, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_code_ends_the_pairing_with_a_plain_sentence() {
    let door = Door::open(Pairings::default()).await;
    let error =
        within(pair(&door.url, &door.ca, &new_key().unwrap(), DeviceKind::CardReader, "SAM_V", |_| ()))
            .await
            .unwrap_err();
    assert!(format!("{error:#}").contains("expired"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_paired_as_something_else_is_not_run() {
    let kind = Some(DeviceKind::Evaluator);
    let door = Door::open(Pairings { grants: true, kind, ..Pairings::default() }).await;
    assert!(
        within(pair(&door.url, &door.ca, &new_key().unwrap(), DeviceKind::CardReader, "SAM_V", |_| ()))
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_box_of_the_given_authority_is_paired_with() {
    let door = Door::open(Pairings { grants: true, ..Pairings::default() }).await;
    let other = Identity::new();
    let key = new_key().unwrap();
    assert!(within(pair(&door.url, &other.ca, &key, DeviceKind::CardReader, "SAM_V", |_| ())).await.is_err());
    assert!(door.pairings.lock().unwrap().begun.is_none());
    let plain = door.url.replace("https", "http");
    let error =
        within(pair(&plain, &door.ca, &key, DeviceKind::CardReader, "SAM_V", |_| ())).await.unwrap_err();
    assert!(format!("{error:#}").contains("https only"), "{error:#}");
}
