//! The encoding: one form for each value, and nothing that arrives can break the reader (invariant I16).
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod cast;

use hall_domain::{LicenceStatus, Timestamp};
use hall_ledger::bundle::Upload;
use hall_ledger::cbor::{self, CborError};
use hall_ledger::checkpoint::Checkpoint;
use hall_ledger::disposition::{Disposition, LicenceFinding, Outcome};
use hall_ledger::document::Document;
use hall_ledger::entry::{ClockReading, Entry, EntryKind, Header, Known, RequestId};
use hall_ledger::envelope::{Envelope, IssuedEnvelope};
use hall_ledger::feed::FeedPage;
use hall_ledger::link::{
    BlobState, Fork, HeadIs, Hello, HelloAnswer, Lookup, LookupAnswer, Problem, Progress,
};
use hall_ledger::proof::InclusionProof;
use hall_ledger::receipt::Receipt;
use hall_ledger::status::StatusClaims;
use hall_ledger::token::FreshnessToken;
use hall_ledger::{BoxId, Hash, LedgerHead, LogId};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// RFC 8949 appendix A, the part that is used here.
#[test]
fn bodies_are_encoded_as_the_rfc_shows() {
    let vectors = [
        (json!(0), "00"),
        (json!(23), "17"),
        (json!(24), "1818"),
        (json!(255), "18ff"),
        (json!(256), "190100"),
        (json!(65_536), "1a00010000"),
        (json!(1_000_000_000_000_u64), "1b000000e8d4a51000"),
        (json!(u64::MAX), "1bffffffffffffffff"),
        (json!(-1), "20"),
        (json!(-100), "3863"),
        (json!(-1000), "3903e7"),
        (json!(i64::MIN), "3b7fffffffffffffff"),
        (json!(null), "f6"),
        (json!(true), "f5"),
        (json!(false), "f4"),
        (json!("水"), "63e6b0b4"),
        (json!([1, [2, 3], [4, 5]]), "8301820203820405"),
        (json!({"a": 1, "b": [2, 3]}), "a26161016162820203"),
        // Shorter keys first, whatever the alphabet says.
        (json!({"aa": 1, "b": 2}), "a261620262616101"),
    ];
    for (value, hex_text) in &vectors {
        let bytes = cbor::encode(value).unwrap();
        assert_eq!(hex::encode(&bytes), *hex_text, "{value}");
        assert_eq!(cbor::decode::<Value>(&bytes).unwrap(), *value);
    }
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tagged {
    Plain,
    Full { zz: u8, a: Option<i64>, map: BTreeMap<u16, (char, bool)> },
}

#[derive(serde::Serialize)]
enum Outer {
    Unit,
    New(i8),
    Pair(u64, ()),
    Named { b: [u8; 2], aa: &'static str },
}

#[derive(serde::Serialize)]
struct Shapes {
    tagged: Vec<Tagged>,
    outer: [Outer; 4],
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    #[serde(flatten)]
    rest: BTreeMap<String, Option<Value>>,
    by_word: BTreeMap<Outcome, u8>,
}

#[test]
fn every_shape_of_a_type_is_that_of_its_json() {
    let full = Tagged::Full {
        zz: 1,
        a: Some(-70_000),
        map: BTreeMap::from([(300, ('水', true)), (7, ('a', false))]),
    };
    let shapes = Shapes {
        tagged: vec![full, Tagged::Plain],
        outer: [Outer::Unit, Outer::New(-1), Outer::Pair(u64::MAX, ()), Outer::Named { b: [1, 2], aa: "x" }],
        absent: None,
        rest: BTreeMap::from([("x".to_owned(), Some(json!({"b": [], "aa": {}}))), ("yy".to_owned(), None)]),
        by_word: Outcome::ALL.into_iter().zip(1..).collect(),
    };
    let as_json = serde_json::to_value(&shapes).unwrap();
    let bytes = cbor::encode(&shapes).unwrap();
    assert_eq!(cbor::check_deterministic(&bytes), Ok(()));
    assert_eq!(cbor::decode_json(&bytes).unwrap(), as_json);
    assert_eq!(cbor::encode(&as_json).unwrap(), bytes);
}

/// Says the same key twice, as flattened fields can.
struct Twice;

impl serde::Serialize for Twice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("b", 1), ("a", 2), ("b", 3)])
    }
}

#[test]
fn what_has_no_form_of_its_own_is_not_encoded() {
    assert_eq!(cbor::encode(&Twice).unwrap(), cbor::encode(&serde_json::to_value(Twice).unwrap()).unwrap());
    assert!(matches!(cbor::encode(&0.5), Err(CborError::Unencodable(_))));
    assert!(matches!(cbor::encode(&BTreeMap::from([((1, 2), 3)])), Err(CborError::Unencodable(_))));
    assert!(matches!(cbor::encode(&i128::MIN), Err(CborError::Unencodable(_))));
    let mut deep = json!(1);
    for _ in 0..=cbor::MAX_DEPTH {
        deep = json!([deep]);
    }
    assert_eq!(cbor::encode(&deep), Err(CborError::TooDeep));
}

#[test]
fn a_second_form_of_a_value_is_refused() {
    let not_deterministic = [
        "1800",
        "1817",
        "190001",
        "1a00000001",
        "1b0000000000000001",
        "3800",
        "780161",
        "9801f6",
        "b8016161f6",
        "a2616202616101",
        "a2616101616102",
        "a262616101616202",
    ];
    for bytes in not_deterministic {
        let refused = cbor::decode::<Value>(&hex::decode(bytes).unwrap());
        assert!(matches!(refused, Err(CborError::NotDeterministic(_))), "{bytes}: {refused:?}");
        assert!(cbor::check_deterministic(&hex::decode(bytes).unwrap()).is_err(), "{bytes}");
    }
    let unsupported = [
        "f90000",
        "fa00000000",
        "fb0000000000000000",
        "9fff",
        "bfff",
        "7fff",
        "5fff",
        "f7",
        "f820",
        "c000",
        "40",
        "a10001",
        "61ff",
        "3bffffffffffffffff",
        "1c",
        "ff",
    ];
    for bytes in unsupported {
        let refused = cbor::decode::<Value>(&hex::decode(bytes).unwrap());
        assert!(matches!(refused, Err(CborError::Unsupported(_))), "{bytes}: {refused:?}");
    }
    for bytes in ["", "18", "61", "82f6", "a16161", "9b7fffffffffffffff", "7b7fffffffffffffff"] {
        let refused = cbor::decode::<Value>(&hex::decode(bytes).unwrap());
        assert_eq!(refused, Err(CborError::Truncated), "{bytes}");
    }
    assert_eq!(cbor::decode::<Value>(&[0xf6, 0xf6]), Err(CborError::Trailing(1)));
    assert_eq!(cbor::decode::<Value>(&[0x81; 100]), Err(CborError::TooDeep));
    assert_eq!(cbor::check_deterministic(&[0x81; 100_000]), Err(CborError::TooDeep));
    assert!(matches!(cbor::encode(&1.5), Err(CborError::Unencodable(_))));
}

#[test]
fn an_older_reader_reads_a_newer_body() {
    #[derive(serde::Deserialize)]
    struct Old {
        case: String,
    }
    let newer = cbor::encode(&json!({"case": "1", "since": 2})).unwrap();
    assert_eq!(cbor::decode::<Old>(&newer).unwrap().case, "1");
}

#[test]
fn a_message_about_a_wrong_body_does_not_repeat_it() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Person {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "document")]
        _document: hall_domain::HolderId,
    }
    let bodies = [
        json!({"name": "王芳", "document": "519900199003070011"}),
        json!({"name": 519_900_199_003_070_011_u64, "document": "111:519900199003070011"}),
        json!({"name": "王芳", "document": "111:519900199003070011", "519900199003070011": 1}),
        json!({"document": "111:519900199003070011"}),
        json!("王芳 519900199003070011"),
    ];
    for body in bodies {
        let refused = cbor::decode::<Person>(&cbor::encode(&body).unwrap()).unwrap_err();
        let told = format!("{refused} {refused:?}");
        assert!(!told.contains("王芳") && !told.contains("5199"), "{told}");
    }
    let missing = cbor::decode::<Person>(&cbor::encode(&json!({})).unwrap()).unwrap_err();
    assert!(missing.to_string().contains("missing field `name`"));
}

#[test]
fn a_header_with_a_key_too_many_or_out_of_order_is_refused() {
    let header = cbor::pack(&Progress { next: 7 });
    assert_eq!(hex::encode(&header), "a10007");
    for bytes in ["a2000701f6", "a2010100 07", "a1001807", "bf0007ff", "a1000700", "a2000700 07"] {
        let bytes = hex::decode(bytes.replace(' ', "")).unwrap();
        assert!(cbor::unpack::<Progress>(&bytes).is_err(), "{bytes:?}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[a-z\\u{4e00}-\\u{4eff}]{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{0,30}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn instant() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn log_id() -> impl Strategy<Value = LogId> {
    any::<([u8; 16], u32)>().prop_map(|(id, incarnation)| LogId::new(BoxId(id), incarnation))
}

fn header() -> impl Strategy<Value = Header> {
    let clock = any::<([u8; 16], u64, Option<u64>, u64)>().prop_map(
        |(boot, monotonic_ms, token_age_ms, error_ms)| ClockReading {
            boot,
            monotonic_ms,
            token_age_ms,
            error_ms,
        },
    );
    let known = (".{0,20}", any::<(u64, u64, Option<i64>, u32, u32)>()).prop_map(
        |(scope, (feed, hot, token_at, policy, keys))| Known {
            scope,
            feed,
            hot,
            token_at: token_at.map(Timestamp),
            policy,
            keys,
        },
    );
    (any::<u16>(), log_id(), any::<u64>(), hash(), instant(), clock, known, any::<[u8; 16]>(), hash())
        .prop_map(|(kind, log, seq, prev, wall, clock, known, request, commit)| Header {
            schema: 1,
            kind: EntryKind::from_code(kind),
            log,
            seq,
            prev,
            wall,
            clock,
            known,
            request: RequestId(request),
            commit,
        })
}

fn receipt() -> impl Strategy<Value = Receipt> {
    (log_id(), any::<(u64, u64, u64)>(), hash(), instant(), any::<[u8; 32]>(), proptest::option::of(hash()))
        .prop_map(|(log, (size, epoch, index), root, received_at, ledger_key, branch)| Receipt {
            log,
            size,
            root,
            epoch,
            received_at,
            index,
            ledger_key,
            branch,
        })
}

fn disposition() -> impl Strategy<Value = Disposition> {
    let finding = (".{0,12}", 0_u8..4, instant(), instant(), any::<bool>()).prop_map(
        |(name, bits, since, used_at, box_knew)| LicenceFinding {
            licence: cast::licence_id("20260001", 1),
            name,
            status: LicenceStatus::from_bits(bits),
            since,
            used_at,
            box_knew,
        },
    );
    (
        log_id(),
        any::<u64>(),
        "[0-9]{1,20}",
        proptest::sample::select(Outcome::ALL.to_vec()),
        proptest::collection::vec(finding, 0..3),
        proptest::option::of("[0-9]{1,20}"),
        proptest::option::of(instant()),
        instant(),
    )
        .prop_map(|(log, seq, case_no, outcome, findings, other_case, deadline, decided_at)| {
            Disposition {
                log,
                seq,
                case_no,
                outcome,
                findings,
                other_case,
                deadline,
                decided_at,
                use_codes: None,
                recheck_until: deadline,
            }
        })
}

/// What an attacker does: valid bytes with some changed, cut or added.
fn bent(valid: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = valid.len();
    let edits = proptest::collection::vec((0..length, any::<u8>()), 1..4);
    (Just(valid), edits, 0..=length, proptest::collection::vec(any::<u8>(), 0..4)).prop_map(
        |(mut bytes, edits, keep, tail)| {
            edits.into_iter().for_each(|(at, byte)| bytes[at] = byte);
            if keep % 3 == 0 {
                bytes.truncate(keep);
            }
            bytes.extend(tail);
            bytes
        },
    )
}

/// Every reader takes it or refuses it; whoever takes it would write the same bytes.
fn read_everything(bytes: &[u8]) -> Result<(), TestCaseError> {
    macro_rules! strict {
        ($($name:ty),*) => {
            $(if let Ok(value) = cbor::unpack::<$name>(bytes) {
                prop_assert_eq!(cbor::pack(&value), bytes, "{}", stringify!($name));
                prop_assert_eq!(cbor::check_deterministic(bytes), Ok(()));
            })*
        };
    }
    strict!(
        Header,
        Entry,
        Checkpoint,
        Receipt,
        InclusionProof,
        FreshnessToken,
        FeedPage,
        Envelope,
        IssuedEnvelope,
        StatusClaims,
        Document,
        Disposition,
        Hello,
        HelloAnswer,
        HeadIs,
        Progress,
        Fork,
        Lookup,
        LookupAnswer,
        BlobState,
        Problem,
        hall_ledger::blob::Manifest
    );
    if let Ok(value) = cbor::decode::<Value>(bytes) {
        prop_assert_eq!(cbor::encode(&value).unwrap(), bytes);
    }
    if let Ok(head) = LedgerHead::from_bytes(bytes) {
        prop_assert_eq!(head.to_bytes(), bytes);
    }
    let _ = Upload::decode(bytes);
    let _ = Envelope::verify(bytes, &cast::centre_keys());
    let _ = StatusClaims::verify(bytes, &cast::centre_keys());
    let entry = Entry { cose: bytes.to_vec(), body: None };
    prop_assert!(entry.peek().is_err() || entry.verify(&cast::stranger_key().verifying_key()).is_err());
    Ok(())
}

proptest! {
    #[test]
    fn every_body_comes_back(value in json_value()) {
        let bytes = cbor::encode(&value).unwrap();
        prop_assert_eq!(cbor::check_deterministic(&bytes), Ok(()));
        prop_assert_eq!(cbor::decode::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn every_header_comes_back(header in header()) {
        let bytes = cbor::pack(&header);
        prop_assert_eq!(cbor::check_deterministic(&bytes), Ok(()));
        prop_assert_eq!(cbor::unpack::<Header>(&bytes).unwrap(), header);
    }

    #[test]
    fn every_receipt_comes_back(receipt in receipt()) {
        prop_assert_eq!(cbor::unpack::<Receipt>(&cbor::pack(&receipt)).unwrap(), receipt);
    }

    #[test]
    fn every_disposition_comes_back_and_can_be_read_aloud(disposition in disposition()) {
        prop_assert_eq!(cbor::unpack::<Disposition>(&cbor::pack(&disposition)).unwrap(), disposition.clone());
        let json = serde_json::to_string(&disposition).unwrap();
        prop_assert_eq!(serde_json::from_str::<Disposition>(&json).unwrap(), disposition.clone());
        prop_assert!(disposition.sentence().ends_with('。') && disposition.what_to_do().ends_with('。'));
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes)?;
    }

    #[test]
    fn bent_headers_are_read_without_harm(bytes in header().prop_flat_map(|h| bent(cbor::pack(&h)))) {
        read_everything(&bytes)?;
    }

    #[test]
    fn bent_dispositions_are_read_without_harm(bytes in disposition().prop_flat_map(|d| bent(cbor::pack(&d)))) {
        read_everything(&bytes)?;
    }

    #[test]
    fn bent_bodies_are_read_without_harm(bytes in json_value().prop_flat_map(|v| bent(cbor::encode(&v).unwrap()))) {
        read_everything(&bytes)?;
    }
}
