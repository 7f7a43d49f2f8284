//! What phones carry: each message comes back as it was made, and nothing else is taken.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod answers;
#[path = "../cast/mod.rs"]
mod cast;
mod codes;
mod messages;
mod parts;

use cast::{HOUR, NOON, box_key, centre_key, centre_keys, log, stranger_key};
use hall_domain::{
    Capacity, DocumentKind, IdentityDocument, LicenceStatus, MaterialId, PhoneAsk, Subject, Timestamp,
};
use hall_ledger::cose::typed;
use hall_ledger::phone::{
    AgreedRow, Agreement, Asked, Assertion, Attestation, Challenge, ChallengeNonce, CodeError, CodeKey,
    CodeKeys, CodeKeysError, ConsentRequest, LicenceStatement, MessageKind, Nonce, PaperReceipt, QrError,
    Said, SealNonce, Sealed, ServiceCode, StatedLicence, UseCode, VerifiedAssertion, VerifiedCode, WeakNonce,
    from_qr, kind_of, open_subject, seal_subject, text, to_qr,
};
use hall_ledger::trust::{BundleKey, LIFE_DAYS, Roles, SUITE, SignedBundle, Suite, TrustBundle};
use hall_ledger::{CentreKeys, Hash, KeyId, SigningKey, Trust, cbor};
use proptest::prelude::*;

const WEAK: Nonce = Nonce::Weak(WeakNonce([8; 8]));
const ASKED: ChallengeNonce = ChallengeNonce([16; 16]);

fn device_key() -> SigningKey {
    SigningKey::from_bytes(&[0xd0; 32])
}

fn code_key(number: u32, first: &str, last: &str) -> CodeKey {
    CodeKey { number, key: [number as u8; 32], first: cast::date(first), last: cast::date(last) }
}

fn code_keys() -> CodeKeys {
    CodeKeys::new([code_key(6, "2026-11-01", "2026-11-21"), code_key(7, "2026-11-20", "2026-12-20")]).unwrap()
}

fn sealing_key() -> CodeKey {
    code_keys().current(NOON).unwrap().clone()
}

fn subject(capacity: Capacity) -> Subject {
    let document = IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011").unwrap();
    Subject { document, name: "王芳".into(), capacity }
}

fn capacities() -> [Capacity; 5] {
    let uscc: hall_domain::Uscc = "91239900MATE5T017W".parse().unwrap();
    let (name, until, place) = ("测试市演示公司".to_owned(), NOON.plus_hours(100), 77);
    let delegate = |item: Option<&str>| Capacity::Delegate {
        principal: "111:519900200002291029".parse().unwrap(),
        principal_name: "李强".into(),
        item: item.map(|item| item.parse().unwrap()),
        until,
        place,
    };
    [
        Capacity::Own,
        Capacity::LegalRepresentative { uscc: uscc.clone(), name: name.clone() },
        Capacity::Agent { uscc, name, until, place },
        delegate(None),
        delegate(Some("11519900MBTE5T20572000100001001")),
    ]
}

fn sealed(capacity: Capacity) -> Sealed {
    seal_subject(&subject(capacity), &sealing_key(), SealNonce([1; 12]))
}

fn attestation(capacity: Capacity) -> Attestation {
    Attestation {
        key: device_key().verifying_key(),
        issued: NOON.plus_hours(-2),
        expires: NOON.plus_hours(22),
        subject: sealed(capacity),
        place: Some(41),
    }
}

fn code(capacity: Capacity, nonce: Nonce) -> Vec<u8> {
    let attestation = attestation(capacity).sign(&centre_key());
    ServiceCode::present(&attestation, nonce, NOON, &device_key())
}

fn verify(code: &[u8], now: Timestamp) -> Result<VerifiedCode, CodeError> {
    ServiceCode::parse(code)?.verify(&centre_keys(), &code_keys(), now)
}

fn materials(ids: &[&str]) -> Vec<MaterialId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn request(ids: &[&str]) -> ConsentRequest {
    let item = "11519900MBTE5T20572000100001001".parse().unwrap();
    ConsentRequest { item, materials: materials(ids), digest: Hash::of(b"request") }
}

fn challenge(asked: Asked) -> Challenge {
    let expires = NOON.plus_seconds(300);
    Challenge { expires, nonce: ASKED, log: log(), window: "W03".into(), asked }
}

fn every_asked() -> [Asked; 5] {
    let ConsentRequest { item, materials, .. } = request(&["m1"]);
    [
        Asked::Code,
        Asked::Face,
        Asked::Consent(request(&["m1", "m2", "m3"])),
        Asked::Principal(request(&["m2"])),
        Asked::Licences { item, materials },
    ]
}

fn agreed(ids: &[&str]) -> Vec<AgreedRow> {
    let row = |(n, material)| AgreedRow { material, status: LicenceStatus::Valid, use_code: UseCode::new(n) };
    (1..).zip(materials(ids)).map(row).collect()
}

fn agreement(yes: &[&str], no: &[&str]) -> Agreement {
    Agreement { digest: Hash::of(b"request"), agreed: agreed(yes), refused: materials(no) }
}

fn licence() -> StatedLicence {
    let hall_domain::Licence { id, valid_until, fields, .. } = cast::licence();
    let material = "m1".parse().unwrap();
    StatedLicence { material, licence: id, status: LicenceStatus::Suspended, valid_until, fields }
}

fn statement() -> LicenceStatement {
    licence().seal(&sealing_key(), SealNonce([2; 12]))
}

fn every_said() -> [Said; 5] {
    [
        Said::Face,
        Said::Consent(agreement(&["m1", "m3"], &["m2"])),
        Said::Principal(agreement(&["m2"], &[])),
        Said::Licences(vec![statement()]),
        Said::Licences(Vec::new()),
    ]
}

fn assertion(said: Said) -> Assertion {
    let (issued, expires) = (NOON, NOON.plus_seconds(600));
    Assertion { issued, expires, nonce: ASKED, subject: sealed(Capacity::Own), said }
}

fn verify_said(bytes: &[u8], now: Timestamp) -> Result<VerifiedAssertion, CodeError> {
    Assertion::verify(bytes, &centre_keys(), &code_keys(), now)
}

fn receipt() -> PaperReceipt {
    let case_no = "990001-20261121-00001".parse().unwrap();
    PaperReceipt { issued: NOON, log: log(), seq: 41, leaf: Hash::of(b"entry"), case_no }
}
