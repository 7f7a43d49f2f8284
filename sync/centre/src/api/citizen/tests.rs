//! The citizen API as a phone sees it.

use super::*;
use crate::register::{load, set_status};
use crate::testing::Bench;
use axum::body::{Body, to_bytes};
use hall_domain::{Capacity, HolderId, ItemCode, LicenceStatus, MaterialId, PhoneAsk, Register, Subject};
use hall_ledger::phone::{
    Asked, Assertion, Challenge, ChallengeNonce, ConsentRequest, Nonce, ServiceCode, VerifiedAssertion,
    WeakNonce, from_qr, to_qr,
};
use hall_ledger::{CentreKeys, Hash, LogId, SigningKey};
use serde_json::json;
use std::sync::atomic::{AtomicU8, Ordering};
use tower::ServiceExt;

mod agents;
mod answers;
mod documented;
mod mandates;
mod printed;
mod records;
mod sessions;

/// 王芳.
const FANG: (&str, &str) = ("王芳", "519900198805160241");
/// 张伟, legal representative of two companies.
const WEI: (&str, &str) = ("张伟", "519900198511025191");
/// 徐浩, who represents nobody.
const HAO: (&str, &str) = ("徐浩", "519900198609037799");
/// One of 张伟's companies.
const QINGHE: &str = "91519900MATE5T1057";
/// 居民身份证.
const CARD: &str = "11100000000013127D001";
/// 居民户口簿.
const HOUSEHOLD: &str = "11100099MCTE5T102T001";
/// 婚姻登记预约: asks for card and household register.
const WEDDING: &str = "11519900MBTE5T27252000100002001";

/// A centre with the cast in its register and one enrolled box.
struct Town {
    bench: Bench,
    router: Router,
    log: LogId,
    key: SigningKey,
}

/// An answer to a phone.
#[derive(Debug)]
struct Got {
    status: u16,
    body: Value,
}

impl Got {
    fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// The word of a refusal. Every refusal says what to do, and a number.
    fn refused(self) -> (u16, String) {
        assert!(self.status >= 400, "{self:?}");
        for member in ["message", "what_to_do", "number"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        }
        (self.status, self.body["code"].as_str().unwrap().to_owned())
    }
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A phone that is signed in.
struct Phone<'t> {
    town: &'t Town,
    token: String,
    key: SigningKey,
    who: (&'static str, &'static str),
}

fn cast() -> Register {
    let people: Register = toml::from_str(include_str!("../../../../../tests/cast/people.toml")).unwrap();
    let organisations = include_str!("../../../../../tests/cast/organisations.toml");
    people.merged(toml::from_str(organisations).unwrap())
}

fn document(number: &str) -> Value {
    json!({ "kind": "resident_id", "number": number })
}

fn identity(number: &str) -> hall_domain::IdentityDocument {
    hall_domain::IdentityDocument::new(hall_domain::DocumentKind::ResidentId, number).unwrap()
}

/// A number of the synthetic range, different for each person.
fn number_of(who: (&str, &str)) -> String {
    let sum: u32 = who.1.bytes().fold(0, |sum, byte| sum * 3 % 9973 + u32::from(byte));
    format!("1800000{:04}", sum % 10_000)
}

fn face(number: &str) -> Value {
    let salt = [9; 16];
    let shown = Hash::of(&[&salt[..], format!("111:{number}").as_bytes()].concat());
    json!({ "salt_hex": hex::encode(salt), "person_hex": hex::encode(shown.0) })
}

impl Town {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let (log, key) = bench.hall("990001").await;
        load(&bench.app, cast()).await.unwrap();
        let router = router(bench.app.clone());
        Self { bench, router, log, key }
    }

    fn app(&self) -> &App {
        &self.bench.app
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Got {
        let request = Request::builder().method(method).uri(format!("{BASE}{path}"));
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Got { status, body }
    }

    /// The code in the newest text message to a number.
    async fn otp(&self, number: &str) -> String {
        let texts = self.app().store.texts_waiting(1000).await.unwrap();
        let text = texts.into_iter().rev().find(|text| text.phone.to_string() == number).unwrap().text;
        text.chars().filter(char::is_ascii_digit).take(6).collect()
    }

    async fn start(&self, who: (&str, &str), phone: &str) -> Got {
        let body = json!({ "name": who.0, "document": document(who.1), "phone": phone });
        self.ask("POST", "/sessions", "", Some(body)).await
    }

    /// Signs somebody in, with a face.
    async fn phone(&self, who: (&'static str, &'static str)) -> Phone<'_> {
        static SEED: AtomicU8 = AtomicU8::new(1);
        let key = SigningKey::from_bytes(&[SEED.fetch_add(1, Ordering::SeqCst); 32]);
        let number = number_of(who);
        let session = self.start(who, &number).await.ok()["session"].as_str().unwrap().to_owned();
        let body = json!({
            "otp": self.otp(&number).await,
            "device_key": views::base64url(key.verifying_key().as_bytes()),
            "face": face(who.1),
        });
        let signed_in = self.ask("POST", &format!("/sessions/{session}"), "", Some(body)).await.ok();
        // The next message to this number is not too soon.
        self.bench.pass_seconds(61);
        Phone { town: self, token: signed_in["token"].as_str().unwrap().to_owned(), key, who }
    }

    /// A challenge of the box.
    fn challenge(&self, asked: Asked) -> (ChallengeNonce, String) {
        self.challenge_by(&self.key, self.log, asked)
    }

    fn challenge_by(&self, key: &SigningKey, log: LogId, asked: Asked) -> (ChallengeNonce, String) {
        let nonce = ChallengeNonce::random().unwrap();
        let expires = crate::citizen::capacity::whole(self.app().now().plus_seconds(300));
        let challenge = Challenge { expires, nonce, log, window: "W01".into(), asked };
        (nonce, to_qr(&challenge.sign(key)))
    }

    /// What the box makes of an assertion.
    fn believed(&self, qr: &Value) -> VerifiedAssertion {
        let bytes = from_qr(qr.as_str().unwrap()).unwrap();
        let keys = self.app().code_keys.keys();
        let centre = CentreKeys::new([self.bench.key()]).unwrap();
        Assertion::verify(&bytes, &centre, &keys, self.app().now()).unwrap()
    }
}

impl Phone<'_> {
    async fn get(&self, path: &str) -> Got {
        self.town.ask("GET", path, &self.token, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Got {
        self.town.ask("POST", path, &self.token, Some(body)).await
    }

    async fn ticket(&self) -> String {
        let got = self.post("/faces", json!({ "sample": face(self.who.1) })).await.ok();
        got["face_ticket"].as_str().unwrap().to_owned()
    }

    async fn read(&self, challenge: &str, capacity: &str) -> Got {
        self.post("/challenges", json!({ "challenge": challenge, "capacity": capacity })).await
    }

    async fn answer(&self, nonce: ChallengeNonce, body: Value) -> Got {
        self.post(&format!("/challenges/{nonce}/answer"), body).await
    }

    async fn message_kinds(&self) -> Vec<String> {
        let messages = self.get("/messages").await.ok();
        let messages = messages["messages"].as_array().unwrap().clone();
        messages.iter().map(|message| message["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn wedding(materials: &[&str]) -> ConsentRequest {
    ConsentRequest {
        item: WEDDING.parse().unwrap(),
        materials: materials.iter().map(|id| id.parse().unwrap()).collect(),
        digest: Hash::of(b"what was shown"),
    }
}

fn material(id: &str) -> MaterialId {
    id.parse().unwrap()
}
