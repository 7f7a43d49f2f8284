//! A centre that is not itself: failing, slow, talking nonsense, or not the centre at all.

#![allow(clippy::unwrap_used)]

mod support;

use hall_domain::Timestamp;
use hall_ledger::Hash;
use hall_ledger::link::Hello;
use hall_sync::{ClientIdentity, Credentials, HttpLink, Link, Store, Trouble};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::{Hall, Province, Running, cutter::Line, now};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server with a certificate of the authority that the box trusts, which answers everything with the same bytes;
/// with none it never answers.
struct Impostor {
    address: SocketAddr,
    ca_pem: String,
    answer: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Impostor {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca_pem = params.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = server.signed_by(&key, &Issuer::new(params, ca_key)).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let answers = answer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answers) = (acceptor.clone(), answers.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|count| count > 0) {
                        let answer = answers.lock().unwrap().clone();
                        let Some(answer) = answer else { continue };
                        if stream.write_all(&answer).await.is_err() || stream.shutdown().await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, ca_pem, answer }
    }

    fn answers(&self, status: &str, headers: &str, body: &[u8]) {
        let mut answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        *self.answer.lock().unwrap() = Some(answer);
    }

    fn link(&self) -> HttpLink {
        let credentials = Credentials { ca_pem: self.ca_pem.clone(), client: None, not_before: Timestamp(0) };
        HttpLink::new(&format!("https://{}", self.address), &credentials).unwrap()
    }
}

fn hello(hall: &Hall) -> Hello {
    Hello {
        log: hall.identity.log,
        size: 0,
        root: Hash::of(b""),
        receipted: 0,
        epoch: 0,
        blob_backlog: 0,
        schema: 1,
        wall: now(),
        free_disk: 0,
        software: "test".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_or_raving_centre_is_line_trouble_and_changes_nothing() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(3);
    let impostor = Impostor::start().await;
    impostor.answers("500 Internal Server Error", "", b"<html>oops</html>");
    let running = Running::start(hall.identity.clone(), hall.store.clone(), impostor.link());
    let failing =
        running.until("500", |status| matches!(status.trouble, Some(Trouble::Failing { status: 500, .. })));
    let status = failing.await;
    assert!(status.trouble.unwrap().zh().contains("500"));
    impostor.answers("200 OK", "content-type: text/html\r\n", b"<html>Sign in to the hotel</html>");
    running.until("a sign-in page", |status| matches!(status.trouble, Some(Trouble::Garbage { .. }))).await;
    impostor.answers("503 Service Unavailable", "retry-after: 1\r\n", b"");
    running
        .until("503", |status| {
            matches!(status.trouble, Some(Trouble::Failing { status: 503, retry_after: Some(_) }))
        })
        .await;
    // A real answer of this very centre, cut short and bent.
    let genuine = hall.link().hello(hello(&hall)).await.unwrap();
    let mut bytes = hall_ledger::cbor::pack(&genuine);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    impostor.answers("200 OK", "content-type: application/cbor\r\n", &bytes);
    running
        .until("bent bytes", |status| {
            matches!(status.trouble, Some(Trouble::Garbage { request: "hello" | "token", .. }))
        })
        .await;
    running.stop().await;
    let position = hall.store.position().await.unwrap();
    assert_eq!((position.receipted, position.epoch, position.feed, position.token), (None, 0, 0, None));
    assert!(hall.store.held().items.is_empty() && hall.store.held().documents.is_empty());

    hall.agent().until_receipted(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_centre_that_says_nothing_is_slow_and_the_box_goes_on() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up).await;
    hall.cutter.set(Line::Silent);
    hall.store.record_noise(1);
    running.agent.nudge();
    let status = running.until("silence", |status| !status.up).await;
    assert!(matches!(status.trouble, Some(Trouble::Slow(_))), "{:?}", status.trouble);
    hall.cutter.set(Line::Open);
    running.until_receipted(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_box_with_its_own_certificate_gets_in() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let address = format!("https://{}", province.link_address());
    let ask = |credentials: Credentials| {
        let link = HttpLink::new(&address, &credentials).unwrap();
        let hello = hello(&hall);
        async move { link.hello(hello).await }
    };
    assert!(ask(hall.credentials()).await.is_ok());

    let none = ask(Credentials { client: None, ..hall.credentials() }).await;
    assert!(matches!(none, Err(Trouble::Refused { status: 401, .. })), "{none:?}");

    // Names this very log, but another authority signed it.
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, hall.identity.log.to_string());
    let key = KeyPair::generate().unwrap();
    let forged = params.self_signed(&key).unwrap();
    let client = ClientIdentity { certificate_pem: forged.pem(), key_pem: key.serialize_pem() };
    let refused = ask(Credentials { client: Some(client), ..hall.credentials() }).await;
    assert!(matches!(refused, Err(Trouble::Untrusted(_))), "{refused:?}");

    // Another box's certificate does not open this box's log.
    let other = Hall::enrolled(&province).await;
    let refused = ask(other.credentials()).await;
    assert!(matches!(refused, Err(Trouble::Refused { status: 403, .. })), "{refused:?}");

    // And the box does not talk to a centre of another authority.
    let impostor = Impostor::start().await;
    let refused = ask(Credentials { ca_pem: impostor.ca_pem.clone(), ..hall.credentials() }).await;
    assert!(matches!(refused, Err(Trouble::Untrusted(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_silent_peer_keeps_nobody_waiting() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(tokio::net::TcpStream::connect(province.link_address()).await.unwrap());
    }
    // One after the other, their handshakes would run out long after this patience.
    let link = hall.link();
    tokio::time::timeout(support::PATIENCE, link.hello(hello(&hall))).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_in_1970_still_reaches_the_centre() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(2);
    let agent = hall_sync::Agent::new(
        hall.identity.clone(),
        hall.store.clone(),
        hall.link(),
        Arc::new(|| Timestamp(86_400_000)),
    );
    let stop = tokio_util::sync::CancellationToken::new();
    let (running, token) = (agent.clone(), stop.clone());
    let task = tokio::spawn(async move { running.run(token).await });
    let mut status = agent.status();
    let up = status.wait_for(|status| status.up && status.receipted == 2);
    tokio::time::timeout(support::PATIENCE, up).await.unwrap().unwrap();
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_of_the_centre_traffic_resumes_by_itself_and_no_hall_waits_for_another() {
    let province = Province::new().await;
    let (away, other) = (Hall::enrolled(&province).await, Hall::enrolled(&province).await);
    let (running, beside) = (away.agent(), other.agent());
    running.until("the line", |status| status.up).await;
    beside.until("the other line", |status| status.up).await;
    // For this hall the centre takes connections and bytes and answers nothing, as when its time-stamping hangs.
    away.cutter.set(Line::Silent);
    away.store.record_noise(5);
    running.agent.nudge();
    running.until("silence", |status| !status.up).await;
    other.store.record_noise(2);
    beside.agent.nudge();
    beside.until_receipted(2).await;
    let back = now();
    away.cutter.set(Line::Open);
    // Nobody nudges, nobody restarts anything.
    running.until_receipted(5).await;
    running.until("a new token", |status| status.token_issued_at.is_some_and(|issued| issued >= back)).await;
    let licence = support::licence("000000000000001", 1);
    province.put_licence(&licence).await;
    support::eventually("the feed", || !away.store.held().items.is_empty()).await;
}
