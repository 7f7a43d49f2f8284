//! A province and a hall on loopback: a real centre over real TLS, boxes with storage in memory, and a
//! line between them that can be cut.

#![allow(dead_code, clippy::unwrap_used)]

pub mod cutter;
pub mod memory;

use cutter::Cutter;
use hall_centre::{Centre, InitOptions, RunOptions};
use hall_domain::{Date, HolderId, Issuer, Licence, LicenceId, LicenceKindCode, Timestamp, Uscc};
use hall_ledger::link::EnrolAnswer;
use hall_ledger::trust::{Trust, verifying_key};
use hall_ledger::{CentreKeys, LogId, SigningKey};
use hall_sync::{Agent, ClientIdentity, Credentials, EnrolError, Enrolment, HttpLink, Identity, LineStatus};
use memory::Memory;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Nothing that a test waits for may take longer.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// An item that is registered to ask for the identity card licence.
pub const ITEM: &str = "11519900MBTE5T09682000100003001";
/// 居民身份证.
pub const CARD_KIND: &str = "11100000000013127D001";
pub const HALL: &str = "990001";

pub fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

/// A running centre.
pub struct Province {
    pub folder: TempDir,
    pub centre: Option<Centre>,
    stop: CancellationToken,
    admin: String,
    token: String,
    http: reqwest::Client,
    /// How far its clock is ahead.
    ahead_ms: Arc<AtomicI64>,
}

impl Province {
    pub async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("centre");
        hall_centre::init(InitOptions { data: data.clone(), catalogue: None, cast: None }).await.unwrap();
        let token = std::fs::read_to_string(data.join("operator.token")).unwrap();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let (stop, admin) = (CancellationToken::new(), String::new());
        let ahead_ms = Arc::default();
        let mut province = Self { folder, centre: None, stop, admin, token, http, ahead_ms };
        province.start().await;
        province
    }

    async fn start(&mut self) {
        let any = "127.0.0.1:0".parse().unwrap();
        let data = self.folder.path().join("centre");
        self.stop = CancellationToken::new();
        let options =
            RunOptions { data, listen: any, admin: any, citizen: any, messages: None, names: Vec::new() };
        let centre = Centre::start_with(options, self.stop.clone(), self.clock()).await.unwrap();
        self.admin = format!("http://{}", centre.admin_address());
        self.centre = Some(centre);
    }

    /// The province's clock.
    pub fn clock(&self) -> hall_sync::Clock {
        let ahead_ms = self.ahead_ms.clone();
        Arc::new(move || now().plus_ms(ahead_ms.load(Ordering::SeqCst)))
    }

    /// Lets days pass in the province.
    pub fn pass_days(&self, days: i64) {
        self.ahead_ms.fetch_add(days * 24 * 3_600_000, Ordering::SeqCst);
    }

    /// Stops the centre and starts it again on another port, from what is on its disk.
    pub async fn restart(&mut self) {
        self.stop.cancel();
        self.centre.take().unwrap().finished().await.unwrap();
        self.start().await;
    }

    /// Copies the stopped centre's folder.
    pub async fn backup(&mut self) -> TempDir {
        self.stop.cancel();
        self.centre.take().unwrap().finished().await.unwrap();
        let backup = tempfile::tempdir().unwrap();
        copy(&self.folder.path().join("centre"), &backup.path().join("centre"));
        self.start().await;
        backup
    }

    /// The disaster: the centre's folder is lost and an older one takes its place.
    pub async fn restore(&mut self, backup: TempDir, said: bool) {
        self.stop.cancel();
        self.centre.take().unwrap().finished().await.unwrap();
        self.folder = backup;
        if said {
            hall_centre::restored(&self.folder.path().join("centre")).await.unwrap();
        }
        self.start().await;
    }

    pub fn link_address(&self) -> std::net::SocketAddr {
        self.centre.as_ref().unwrap().link_address()
    }

    pub fn ca(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("centre/ca.pem")).unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.admin)).bearer_auth(&self.token);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.admin)).bearer_auth(&self.token).json(&body);
        let response = request.send().await.unwrap();
        let status = response.status();
        let answer = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    pub async fn chunk(&self, blob: &str, n: usize) -> Vec<u8> {
        let request =
            self.http.get(format!("{}/admin/blobs/{blob}/{n}", self.admin)).bearer_auth(&self.token);
        request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap().to_vec()
    }

    pub async fn code(&self, box_id: Option<String>) -> String {
        let request = json!({ "hall_code": HALL, "hall_name": "安澜市政务服务大厅", "box_id": box_id });
        self.post("/admin/enrolments", request).await["code"].as_str().unwrap().to_owned()
    }

    pub async fn put_licence(&self, licence: &Licence) {
        self.post("/admin/licences", json!(licence)).await;
    }

    pub async fn set_status(&self, licence: &LicenceId, status: &str) {
        self.post(&format!("/admin/licences/{licence}/status"), json!({ "status": status })).await;
    }

    /// Leaves of a log at the centre, in order.
    pub async fn leaves(&self, log: LogId) -> Vec<String> {
        let mut leaves = Vec::new();
        loop {
            let page = self.get(&format!("/admin/entries?log={log}&from={}&limit=1000", leaves.len())).await;
            let entries = page["entries"].as_array().unwrap();
            if entries.is_empty() {
                return leaves;
            }
            for entry in entries {
                assert_eq!(entry["seq"], leaves.len());
                leaves.push(entry["leaf"].as_str().unwrap().to_owned());
            }
        }
    }
}

/// The test person's licence: synthetic, of a county that does not exist.
pub fn licence(serial: &str, version: u16) -> Licence {
    let kind: LicenceKindCode = CARD_KIND.parse().unwrap();
    let uscc: Uscc = "11519900MBTE5T0968".parse().unwrap();
    let fields = [("name", "王芳"), ("number", "519900199003070011"), ("address", "安澜市临江街道1号")];
    Licence {
        id: LicenceId::compose(&kind, &uscc, serial, version).unwrap(),
        kind,
        name: "居民身份证".into(),
        holder: holder(),
        number: "519900199003070011".into(),
        issuer: Issuer { name: "安澜市公安局".into(), uscc },
        issued: "2020-01-01".parse::<Date>().unwrap(),
        valid_from: "2020-01-01".parse::<Date>().unwrap(),
        valid_until: None,
        version,
        fields: fields.iter().map(|(key, value)| (key.parse().unwrap(), (*value).to_owned())).collect(),
    }
}

pub fn holder() -> HolderId {
    "111:519900199003070011".parse().unwrap()
}

/// An enrolled box.
pub struct Hall {
    pub identity: Identity,
    pub key: SigningKey,
    pub store: Memory,
    pub answer: EnrolAnswer,
    pub key_pem: String,
    pub cutter: Cutter,
}

/// Keys of a box that is not enrolled yet.
pub struct Keys {
    pub ledger: SigningKey,
    pub link: rcgen::KeyPair,
}

impl Keys {
    pub fn new() -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        Self { ledger: SigningKey::from_bytes(&seed), link: rcgen::KeyPair::generate().unwrap() }
    }

    pub async fn enrol(&self, province: &Province, code: &str) -> Result<EnrolAnswer, EnrolError> {
        let request = rcgen::CertificateParams::default().serialize_request(&self.link).unwrap();
        hall_sync::enrol(Enrolment {
            centre: &format!("https://{}", province.link_address()),
            ca_pem: &province.ca(),
            code,
            csr_pem: &request.pem().unwrap(),
            ledger_key: &self.ledger.verifying_key(),
            now: now(),
        })
        .await
    }
}

impl Hall {
    pub async fn enrolled(province: &Province) -> Self {
        let keys = Keys::new();
        let answer = keys.enrol(province, &province.code(None).await).await.unwrap();
        Self::of(province, keys, answer).await
    }

    pub async fn of(province: &Province, keys: Keys, answer: EnrolAnswer) -> Self {
        let identity = Identity {
            log: answer.log(),
            hall: answer.hall.code.clone(),
            ledger_key: keys.ledger.verifying_key(),
            trust: Trust::pinned(
                CentreKeys::from_hex(&answer.centre_keys).unwrap(),
                answer.root_key.as_deref().map(|root| verifying_key(root).unwrap()),
                now(),
            ),
            software: "test".into(),
        };
        let store = Memory::new(identity.log, keys.ledger.clone());
        let cutter = Cutter::start(province.link_address()).await;
        Self { identity, key: keys.ledger, store, answer, key_pem: keys.link.serialize_pem(), cutter }
    }

    pub fn credentials(&self) -> Credentials {
        let client = ClientIdentity {
            certificate_pem: self.answer.certificate_pem.clone(),
            key_pem: self.key_pem.clone(),
        };
        Credentials { ca_pem: self.answer.ca_pem.clone(), client: Some(client), not_before: now() }
    }

    pub fn link(&self) -> HttpLink {
        HttpLink::new(&format!("https://{}", self.cutter.address()), &self.credentials()).unwrap()
    }

    /// The agent of a box that was started again: with the trust that its disk holds, on the province's clock.
    pub fn agent_at(&self, province: &Province) -> Running<HttpLink> {
        let mut identity = self.identity.clone();
        if let Some(held) = self.store.held().trusts.last() {
            identity.trust = held.clone();
        }
        Running::start_with(identity, self.store.clone(), self.link(), province.clock())
    }

    pub fn agent(&self) -> Running<HttpLink> {
        Running::start(self.identity.clone(), self.store.clone(), self.link())
    }
}

/// An agent at work; dropping it stops it.
pub struct Running<L: hall_sync::Link> {
    pub agent: Agent<Memory, L>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl<L: hall_sync::Link> Running<L> {
    pub fn start(identity: Identity, store: Memory, link: L) -> Self {
        Self::start_with(identity, store, link, Arc::new(now))
    }

    pub fn start_with(identity: Identity, store: Memory, link: L, clock: hall_sync::Clock) -> Self {
        let agent = Agent::new(identity, store, link, clock);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (running, token) = (agent.clone(), stop.clone());
        tasks.spawn(async move { running.run(token).await });
        tasks.close();
        Self { agent, stop, tasks }
    }

    /// Waits for a state of the line.
    pub async fn until(&self, what: &str, wanted: impl FnMut(&LineStatus) -> bool) -> LineStatus {
        let mut status: watch::Receiver<LineStatus> = self.agent.status();
        match tokio::time::timeout(PATIENCE, status.wait_for(wanted)).await {
            Ok(status) => status.unwrap().clone(),
            Err(_) => panic!("waited in vain for {what}: {:?}", self.agent.status().borrow()),
        }
    }

    pub async fn until_receipted(&self, size: u64) -> LineStatus {
        self.until("receipts", |status| status.up && status.receipted >= size && status.backlog == 0).await
    }

    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.tasks.wait()).await.unwrap();
    }
}

impl<L: hall_sync::Link> Drop for Running<L> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Waits for a condition that nothing announces.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
