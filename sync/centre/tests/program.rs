//! The program as an operator starts it.

#![allow(clippy::unwrap_used)]

use hall_domain::{
    DocumentKind, IdentityDocument, LegalRepresentative, Organisation, Register, RegisterOrganisation,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn hall_centre() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hall-centre"))
}

fn init(data: &Path) -> Output {
    hall_centre().arg("init").arg("--data").arg(data).output().unwrap()
}

/// A running program. Killed if a test gives up on it.
struct Running {
    child: Child,
    admin: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn run(data: &Path) -> Running {
    let mut child = hall_centre()
        .args([
            "run",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--citizen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert!(matches!(words.as_slice(), ["ready", _, _, _]), "{line:?}");
    Running { admin: format!("http://{}", words[2]), child }
}

/// Ends the program as a service manager does.
fn terminate(mut running: Running) {
    let killed = Command::new("kill").arg(running.child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = running.child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        assert!(Instant::now() < deadline, "the program did not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Operator {
    http: reqwest::Client,
    token: String,
}

impl Operator {
    fn new(token: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { http, token: token.to_owned() }
    }

    async fn get(&self, url: String) -> (u16, Value) {
        let response = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn post(&self, url: String, body: Value) -> (u16, Value) {
        let response = self.http.post(url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

fn register() -> Register {
    let uscc: hall_domain::Uscc = "91239900MATE5T017W".parse().unwrap();
    let document = IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011").unwrap();
    let organisation = Organisation {
        kind: uscc.organisation_kind(),
        uscc,
        name: "安澜测试有限公司".into(),
        legal_representative: LegalRepresentative { name: "王芳".into(), document },
        address: "安澜市临江街道2号".into(),
        registered: "2020-01-01".parse().unwrap(),
        phone: "18000000001".into(),
        agents: Vec::new(),
    };
    let entry = RegisterOrganisation { slug: "ceshi".into(), organisation, licences: Vec::new() };
    Register { people: Vec::new(), organisations: vec![entry] }
}

#[tokio::test]
async fn an_operator_makes_starts_uses_and_stops_a_centre() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("centre");
    let made = init(&data);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let again = init(&data);
    assert!(!again.status.success(), "a centre must not be overwritten");
    for secret in ["keys/ca.key.pem", "keys/trust.json", "operator.token"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(data.join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{secret} is open to others");
    }

    let running = run(&data);
    let operator = Operator::new(&std::fs::read_to_string(data.join("operator.token")).unwrap());
    let admin = running.admin.clone();
    let (status, health) = operator.get(format!("{admin}/admin/health")).await;
    assert_eq!((status, health["ok"].as_bool(), health["epoch"].as_u64()), (200, Some(true), Some(1)));
    for (status, operator) in [(401, Operator::new("wrong")), (401, Operator::new(""))] {
        assert_eq!(operator.get(format!("{admin}/admin/logs")).await.0, status);
    }

    let people = format!("{admin}/admin/people");
    let (status, loaded) = operator.post(people.clone(), json!(register())).await;
    assert_eq!((status, loaded["organisations"].as_u64()), (200, Some(1)), "{loaded}");
    let mut wrong = register();
    wrong.organisations[0].slug = "不是".into();
    assert_eq!(operator.post(people.clone(), json!(wrong)).await.0, 400);
    let mut secret = json!(register());
    secret["organisations"][0]["organisation"]["kind"] = json!("519900199003070011");
    let (status, refused) = operator.post(people, secret).await;
    assert_eq!(status, 422);
    let message = refused["message"].as_str().unwrap();
    assert!(message.ends_with("organisations[0].organisation.kind"), "the place, not the value: {message}");
    let (status, refused) = operator
        .post(format!("{admin}/admin/enrolments"), json!({ "hall_code": "../x", "hall_name": "某厅" }))
        .await;
    assert_eq!((status, refused["code"].as_str()), (400, Some("hall")));
    let (status, code) = operator
        .post(format!("{admin}/admin/enrolments"), json!({ "hall_code": "990001", "hall_name": "某厅" }))
        .await;
    assert_eq!((status, code["code"].as_str().map(str::len)), (200, Some(14)));
    assert_eq!(operator.get(format!("{admin}/admin/cases/NO-1")).await.0, 404);
    for (status, path) in [(404, "nothing"), (405, "people"), (400, "entries?from=x"), (404, "blobs/x/y")] {
        let (told, problem) = operator.get(format!("{admin}/admin/{path}")).await;
        assert!(told == status && problem["code"].is_string(), "{path}: {told} {problem}");
    }
    terminate(running);

    let running = run(&data);
    let (_, after) = operator.get(format!("{}/admin/health", running.admin)).await;
    assert_eq!(after["centre_key"], health["centre_key"], "the keys stay the same");
    terminate(running);
}

#[test]
fn running_without_a_centre_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = hall_centre().args(["run", "--data"]).arg(folder.path()).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("init"), "the message must name the way out");
}
