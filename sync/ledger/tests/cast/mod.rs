//! Who and what the tests speak of. All numbers are synthetic: county code 99, `TE5T` in organisation codes.
#![allow(dead_code, reason = "each test binary uses a part of the cast")]

use std::collections::BTreeMap;

use hall_domain::{Date, FieldKey, HolderId, Issuer, Licence, LicenceId, LicenceKindCode, Timestamp, Uscc};
use hall_ledger::entry::{ClockReading, EntryKind, Known, RequestId};
use hall_ledger::head::Draft;
use hall_ledger::{
    BoxId, CentreKeys, LedgerHead, LogId, Salt, SigningKey, VerifiedEntry, VerifyingKey, cbor,
};

/// 2026-11-21 10:00 in the hall.
pub const NOON: Timestamp = Timestamp(1_795_226_400_000);
pub const HOUR: i64 = 3_600_000;

pub fn box_key() -> SigningKey {
    SigningKey::from_bytes(&[0xb0; 32])
}

pub fn centre_key() -> SigningKey {
    SigningKey::from_bytes(&[0xc0; 32])
}

pub fn stranger_key() -> SigningKey {
    SigningKey::from_bytes(&[0x57; 32])
}

pub fn centre_keys() -> CentreKeys {
    CentreKeys::new([centre_key().verifying_key()]).unwrap()
}

pub fn log() -> LogId {
    LogId::new(BoxId([0x11; 16]), 1)
}

/// Salts that differ and are the same in every run.
pub fn salts() -> impl FnMut() -> Result<Salt, std::convert::Infallible> {
    let mut n = 0_u8;
    move || {
        n += 1;
        Ok(Salt([n; 16]))
    }
}

pub fn clock(error_ms: u64) -> ClockReading {
    ClockReading { boot: [0xbb; 16], monotonic_ms: 86_400_000, token_age_ms: Some(30_000), error_ms }
}

pub fn known() -> Known {
    let token_at = Some(Timestamp(NOON.0 - 30_000));
    Known { scope: "hall:990001".into(), feed: 42, hot: 7, token_at, policy: 3, keys: 1 }
}

pub fn draft(kind: EntryKind, n: u8) -> Draft {
    let body = serde_json::json!({ "case": format!("99000120261121{n:04}"), "note": "同意用证", "n": n });
    Draft {
        kind,
        wall: Timestamp(NOON.0 + i64::from(n)),
        clock: clock(50),
        known: known(),
        request: RequestId([n; 16]),
        body: cbor::encode(&body).unwrap(),
        salt: Salt([n ^ 0x5a; 16]),
    }
}

/// A ledger of `count` entries, verified as the centre would.
pub fn ledger(count: usize) -> (LedgerHead, Vec<VerifiedEntry>) {
    let mut head = LedgerHead::new(log());
    let key = box_key();
    let entries = (0..count).map(|n| {
        let sealed = head.seal(&key, draft(EntryKind::ConsentGiven, n as u8)).unwrap();
        sealed.into_entry().verify(&key.verifying_key()).unwrap()
    });
    let entries = entries.collect();
    (head, entries)
}

pub fn box_public() -> VerifyingKey {
    box_key().verifying_key()
}

pub fn person() -> HolderId {
    "111:519900199003070011".parse().unwrap()
}

pub fn other_person() -> HolderId {
    HolderId::Person(
        hall_domain::IdentityDocument::new(hall_domain::DocumentKind::Passport, "E12345678").unwrap(),
    )
}

pub fn field(key: &str) -> FieldKey {
    key.parse().unwrap()
}

pub fn licence_id(serial: &str, version: u16) -> LicenceId {
    LicenceId::compose(&kind(), &issuer().uscc, serial, version).unwrap()
}

pub fn kind() -> LicenceKindCode {
    "11100000000013127D001".parse().unwrap()
}

pub fn issuer() -> Issuer {
    Issuer { name: "测试市公安局".into(), uscc: Uscc::with_check("11990000TE5T00001").unwrap() }
}

pub fn licence() -> Licence {
    let fields: BTreeMap<FieldKey, String> =
        [("name", "王芳"), ("address", "测试市样例区演示路1号"), ("nation", "汉"), ("sex", "女")]
            .into_iter()
            .map(|(key, value)| (field(key), value.to_owned()))
            .collect();
    Licence {
        id: licence_id("20260001", 1),
        kind: kind(),
        name: "居民户口簿".into(),
        holder: person(),
        number: "990123456".into(),
        issuer: issuer(),
        issued: date("2020-05-01"),
        valid_from: date("2020-05-01"),
        valid_until: Some(date("2030-04-30")),
        version: 1,
        fields,
    }
}

pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}
