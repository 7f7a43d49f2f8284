//! The phones' network and inbox, against a small centre of the test's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up should stop there")]

use std::net::SocketAddr;
use std::sync::{Arc, Once};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use hall_domain::{DocumentKind, HolderId, IdentityDocument};
use hall_sim::phone::{Carrier, Phones};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::{Client, Response, StatusCode};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

struct Town {
    base: String,
    client: Client,
    phones: Phones,
    /// A question has come to the centre that it never answers.
    asked: Arc<Notify>,
    _end: DropGuard,
}

impl Town {
    /// Two phones and a centre whose certificate is from `issuer`; the phones believe `authority`.
    async fn new(authority: &Authority, issuer: &Authority) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let carrier = |slug: &str, number: &str, mobile: &str, also: Vec<String>| {
            let document = IdentityDocument::new(DocumentKind::ResidentId, number).unwrap();
            let holder = HolderId::Person(document.clone());
            let (slug, mobile, name) = (slug.to_owned(), mobile.to_owned(), "演员".to_owned());
            Carrier { slug, name, note: String::new(), holder, document, mobile, also }
        };
        let carriers = vec![
            carrier("one", "519900199003070011", "18000002000", vec!["18000001000".to_owned()]),
            carrier("two", "519900200002291029", "18000002001", vec![]),
        ];
        let phones = Phones::new(carriers, authority.pem.as_bytes()).unwrap();
        let stop = CancellationToken::new();
        let asked = Arc::new(Notify::new());
        phones.lead_to(centre(issuer, asked.clone(), stop.clone()).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(phones.clone().serve(listener, stop.clone()));
        Self {
            base,
            client: Client::builder().no_proxy().build().unwrap(),
            phones,
            asked,
            _end: stop.drop_guard(),
        }
    }

    async fn usual() -> Self {
        let authority = Authority::new();
        Self::new(&authority, &authority).await
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth("a-token");
        request.send().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> StatusCode {
        self.client.post(format!("{}{path}", self.base)).json(&body).send().await.unwrap().status()
    }

    /// A text message, as the centre's gateway posts it.
    async fn text(&self, no: u64, phone: &str, text: &str) {
        let sent = json!({ "no": no, "phone": phone, "text": text, "at": 1_795_226_400 });
        assert_eq!(self.post("/messages", sent).await, StatusCode::ACCEPTED);
    }

    async fn inbox(&self, slug: &str) -> Vec<String> {
        let state: Value = self.get(&format!("/{slug}/phone")).await.json().await.unwrap();
        let texts = state["messages"].as_array().unwrap().iter();
        texts.map(|sms| sms["text"].as_str().unwrap().to_owned()).collect()
    }
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }
}

/// A centre that says back who asks and what, and keeps one question waiting for good.
async fn centre(authority: &Authority, asked: Arc<Notify>, stop: CancellationToken) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], private).unwrap();
    let said = |headers: HeaderMap| headers["authorization"].to_str().unwrap_or_default().to_owned();
    let router = Router::new()
        .route("/citizen/v1/me", get(async move |headers: HeaderMap| said(headers)))
        .route("/citizen/v1/echo", post(async |body: String| (StatusCode::CONFLICT, body)))
        .route(
            "/citizen/v1/wait",
            get(async move || {
                asked.notify_one();
                std::future::pending::<()>().await
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = tls_listener::builder(TlsAcceptor::from(Arc::new(config))).listen(listener);
    let served = axum::serve(listener, router);
    tokio::spawn(async move { served.with_graceful_shutdown(stop.cancelled_owned()).await });
    address
}

fn trouble(answer: &Response) -> &str {
    answer.headers().get("x-phone-network").map(|why| why.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn a_call_reaches_the_centre_as_it_was_made_and_its_answer_comes_back() {
    let town = Town::usual().await;
    let answer = town.get("/one/citizen/v1/me").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap(), "Bearer a-token");
    let echo =
        town.client.post(format!("{}/two/citizen/v1/echo", town.base)).body("said").send().await.unwrap();
    assert_eq!(echo.status(), StatusCode::CONFLICT);
    assert_eq!(echo.text().await.unwrap(), "said");
}

#[tokio::test]
async fn a_phone_without_network_reaches_nobody_while_the_others_do() {
    let town = Town::usual().await;
    assert_eq!(town.post("/one/phone/network", json!({ "on": false })).await, StatusCode::NO_CONTENT);
    assert_eq!(town.phones.without_network(), ["one"]);
    let cut = town.get("/one/citizen/v1/me").await;
    assert_eq!((cut.status(), trouble(&cut)), (StatusCode::SERVICE_UNAVAILABLE, "off"));
    assert_eq!(town.get("/two/citizen/v1/me").await.status(), StatusCode::OK);
    assert!(town.phones.set_network("one", true));
    assert_eq!(town.get("/one/citizen/v1/me").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn switching_the_network_off_cuts_a_question_that_is_waiting() {
    let town = Town::usual().await;
    let waiting = town.get("/one/citizen/v1/wait");
    let switch = async {
        town.asked.notified().await;
        town.phones.set_network("one", false);
    };
    let (answer, ()) = tokio::join!(waiting, switch);
    assert_eq!(trouble(&answer), "off");
}

#[tokio::test]
async fn a_centre_by_another_authority_is_not_believed() {
    let town = Town::new(&Authority::new(), &Authority::new()).await;
    assert_eq!(trouble(&town.get("/one/citizen/v1/me").await), "lost");
}

#[tokio::test]
async fn a_text_message_comes_to_the_phone_that_has_the_number_once_it_has_network() {
    let town = Town::usual().await;
    town.phones.set_network("one", false);
    town.text(1, "18000002000", "own").await;
    town.text(2, "18000001000", "company").await;
    town.text(3, "18000002001", "other").await;
    town.text(4, "18000009999", "lost").await;
    town.text(1, "18000002000", "own").await;
    assert_eq!(town.inbox("one").await, [""; 0]);
    assert_eq!(town.inbox("two").await, ["other"]);
    town.phones.set_network("one", true);
    assert_eq!(town.inbox("one").await, ["own", "company"]);
}

#[tokio::test]
async fn the_app_asks_only_for_what_it_has_not_heard() {
    let town = Town::usual().await;
    town.text(1, "18000002001", "first").await;
    town.text(2, "18000002001", "second").await;
    let state: Value = town.get("/two/phone").await.json().await.unwrap();
    let first = state["messages"][0]["number"].as_u64().unwrap();
    let later: Value = town.get(&format!("/two/phone?after={first}")).await.json().await.unwrap();
    assert_eq!(later["messages"].as_array().unwrap().len(), 1);
    assert_eq!(later["messages"][0]["text"], "second");
}

#[tokio::test]
async fn a_page_of_another_host_and_a_phone_of_nobody_are_refused() {
    let town = Town::usual().await;
    let foreign = town.client.get(format!("{}/people", town.base)).header("host", "example.org");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(town.get("/nobody/").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(town.get("/nobody/citizen/v1/me").await.status(), StatusCode::NOT_FOUND);
    let page = town.get("/one/").await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(page.text().await.unwrap().contains("演示用手机模拟器"));
}
