//! The schemas against the types.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ed25519_dalek::SigningKey;
use hall_bus::evaluator::{IdlePage, Page, Place};
use hall_bus::jws::{ANSWER_TYPE, PAIRING_TYPE, SCAN_TYPE};
use hall_bus::messages::{
    About, AckRefusal, AckStatus, Birth, CardAsk, ControlAction, EvaluatorStatus, LogLevel, LogLine,
};
use hall_bus::pairing::Begin;
use hall_bus::reader::{ReadFailure, ReaderCondition, ReaderSource, ReaderStatus};
use hall_bus::scanner::{ScannerCondition, ScannerStatus};
use hall_bus::{
    Ack, Control, DeviceState, Jws, MessageId, PageKind, Receipt, ReceiptResult, Show, decode, encode,
};
use hall_domain::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::types::{PARTS, Schemas, types};

/// What a device has to refuse though the box's own type, which only writes it, does not look: the schema alone is strict there.
const DEVICES_REFUSE: [(&str, &str); 1] = [("show", "/data/qr")];
/// What the box refuses after it has read the message: lengths of a pairing request.
const REFUSED_LATER: [(&str, &str); 1] = [("pair-begin", "/nonce")];

#[test]
fn every_schema_describes_a_type_and_gives_examples() {
    let schemas = Schemas::read();
    let described: BTreeSet<&str> = types().into_keys().chain(PARTS).collect();
    assert_eq!(schemas.names().collect::<BTreeSet<_>>(), described);
    for name in types().into_keys() {
        assert!(!schemas.examples(name).is_empty(), "{name} has no example");
        assert_eq!(schemas.schema(name)["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
    }
}

#[test]
fn every_example_is_valid_and_reads_back_as_written() {
    let schemas = Schemas::read();
    for (name, through) in types() {
        let validator = schemas.validator(name);
        for example in schemas.examples(name) {
            assert!(validator.is_valid(example), "{name}: {example}");
            assert_eq!(through(example).as_ref(), Some(example), "{name}");
        }
    }
    for example in schemas.examples("jws-header") {
        assert!(schemas.validator("jws-header").is_valid(example));
    }
}

#[test]
fn every_fixture_is_valid() {
    let validator = Schemas::read().validator("show");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert!(validator.is_valid(&json), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 3, "{seen} fixtures");
}

#[test]
fn the_digest_of_every_example_is_that_of_its_data() {
    let mut kinds = BTreeSet::new();
    for example in Schemas::read().examples("show") {
        let show: Show = decode(example.to_string().as_bytes()).unwrap();
        assert_eq!(show.page.digest().unwrap(), show.digest, "{:?}", show.page.kind());
        kinds.insert(example["page"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds.len(), 7, "a page has no example: {kinds:?}");
}

#[test]
fn signed_examples_verify_and_hold_what_their_schema_says() {
    let (schemas, key) = (Schemas::read(), SigningKey::from_bytes(&[7; 32]).verifying_key());
    let thumbprint = hall_bus::DeviceKey::from(key).thumbprint().to_string();
    for (name, inner, typ, kid) in [
        ("signed-answer", "answer", ANSWER_TYPE, "ev-01arz3ndektsv4rrffq69g5fav#1"),
        ("signed-reader-answer", "reader-answer", ANSWER_TYPE, "rd-01arz3ndektsv4rrffq69g5fav#1"),
        ("signed-scan", "scan", SCAN_TYPE, "sc-01arz3ndektsv4rrffq69g5fav#1"),
        ("signed-pair-begin", "pair-begin", PAIRING_TYPE, thumbprint.as_str()),
    ] {
        let schema = schemas.schema(name).pointer("/allOf/1/properties/payload/contentSchema/$ref").unwrap();
        assert_eq!(schema, &json!(format!("{inner}.json")));
        for example in schemas.examples(name) {
            let jws = Jws::parse(example.to_string().as_bytes()).unwrap();
            let payload = jws.verify(&key.into(), typ, kid).unwrap();
            let payload: Value = serde_json::from_slice(payload).unwrap();
            assert!(schemas.validator(inner).is_valid(&payload), "{name}");
            assert!(schemas.examples(inner).contains(&payload), "{name} signs an example of {inner}");
        }
    }
    let begin = schemas.examples("signed-pair-begin")[0].to_string();
    assert!(Begin::verify(begin.as_bytes()).is_ok());
}

#[test]
fn what_the_types_write_is_valid_whatever_they_say() {
    let schemas = Schemas::read();
    let valid = |name: &str, message: Value| {
        let errors: Vec<_> =
            schemas.validator(name).iter_errors(&message).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {message}: {errors:?}");
    };
    let (cmd, at) = (MessageId::from_parts(Timestamp(1_795_224_600_120), 7), Timestamp(1_795_224_600_120));
    let show: Show = decode(schemas.examples("show")[0].to_string().as_bytes()).unwrap();

    let reasons = [
        AckRefusal::Unsupported,
        AckRefusal::Digest,
        AckRefusal::Generation,
        AckRefusal::BindEpoch,
        AckRefusal::Malformed,
        AckRefusal::NotReady,
        AckRefusal::Busy,
    ];
    let asks = [CardAsk::Place, CardAsk::TakeAway, CardAsk::PlaceAgain, CardAsk::PlaceAlone];
    let statuses = [
        AckStatus::Received,
        AckStatus::Shown { digest: show.digest },
        AckStatus::Reading,
        AckStatus::Extend,
    ];
    let statuses = statuses
        .into_iter()
        .chain(reasons.map(|reason| AckStatus::Rejected { reason }))
        .chain(asks.map(|ask| AckStatus::Waiting { ask }));
    for status in statuses {
        valid("ack", written(&Ack { cmd, generation: None, status, at: Some(at) }));
    }
    for result in
        [ReceiptResult::Accepted, ReceiptResult::Duplicate, ReceiptResult::Stale, ReceiptResult::Rejected]
    {
        valid("receipt", written(&Receipt { answer: cmd, cmd, result, reason: None }));
    }
    for level in [LogLevel::Error, LogLevel::Warn, LogLevel::Info] {
        valid("log", written(&LogLine { level, code: "c".to_owned(), text: String::new() }));
    }
    let actions = [
        ControlAction::Extend { cmd, ttl_ms: u32::MAX, left: u8::MAX },
        ControlAction::Identify,
        ControlAction::Reload,
        ControlAction::Rebirth,
        ControlAction::Unpair,
    ];
    for action in actions {
        valid("control", written(&Control { id: cmd, action }));
    }
    let readers = [ReaderCondition::Ready, ReaderCondition::Unplugged, ReaderCondition::NoLicence];
    let scanners = [ScannerCondition::Ready, ScannerCondition::Unplugged];
    let evaluator = EvaluatorStatus {
        pages: vec![
            PageKind::Idle,
            PageKind::Authorize,
            PageKind::Challenge,
            PageKind::Notice,
            PageKind::Message,
            PageKind::Rating,
            PageKind::Paused,
        ],
        screen: [u32::MAX, 0],
        webview: None,
        generation: 0,
        cmd: None,
    };
    let abouts = readers
        .map(|state| {
            About::Reader(ReaderStatus { kind: ReaderSource::Virtual, port: String::new(), sam: None, state })
        })
        .into_iter()
        .chain(
            scanners
                .map(|state| About::Scanner(ScannerStatus { port: String::new(), simulated: true, state })),
        )
        .chain([About::Evaluator(evaluator)]);
    for about in abouts {
        let birth = Birth {
            bseq: 1,
            boot: cmd,
            proto: vec![1],
            sw: String::new(),
            bind_epoch: 0,
            last_counter: 0,
            about,
        };
        valid("device-state", written(&DeviceState::Ready(birth)));
    }
    let failures = [
        ReadFailure::Timeout,
        ReadFailure::CardLifted,
        ReadFailure::Unreadable,
        ReadFailure::ReaderFault,
        ReadFailure::Unplugged,
        ReadFailure::Stopped,
        ReadFailure::Unsupported,
    ];
    for failure in failures {
        let mut answer = schemas.examples("reader-answer")[1].clone();
        answer["reason"] = serde_json::to_value(failure).unwrap();
        valid("reader-answer", answer);
    }
    for ask in hall_domain::PhoneAsk::ALL {
        let mut challenge = schemas.examples("show")[1].clone();
        challenge["data"]["kind"] = serde_json::to_value(ask).unwrap();
        valid("show", challenge);
    }
    let idle = Page::Idle(IdlePage { hall: String::new(), window: String::new(), notice: None });
    let place = Place { window: "W01".to_owned(), bind_epoch: u32::MAX };
    valid("show", written(&Show::new(cmd, place, u64::MAX, at, u32::MAX, idle).unwrap()));
}

#[test]
fn what_is_wrong_or_missing_is_refused_by_schema_and_type_alike() {
    let schemas = Schemas::read();
    let (mut refused, mut taken) = (0, 0);
    for (name, through) in types() {
        let validator = schemas.validator(name);
        for example in schemas.examples(name) {
            for (pointer, bent) in bendings(example) {
                let (schema, parsed) = (validator.is_valid(&bent), through(&bent).is_some());
                if DEVICES_REFUSE.contains(&(name, pointer.as_str()))
                    || REFUSED_LATER.contains(&(name, pointer.as_str()))
                {
                    assert!(
                        !schema || parsed,
                        "{name} {pointer}: only the schema may be stricter here: {bent}"
                    );
                } else {
                    assert_eq!(schema, parsed, "{name} {pointer}: schema {schema}, type {parsed}: {bent}");
                }
                if schema { taken += 1 } else { refused += 1 }
            }
        }
    }
    // Both happen: fields that may be absent, and fields that may not.
    assert!(refused > 1_000 && taken > 50, "{refused} refused, {taken} taken");
}

#[test]
fn unknown_fields_are_ignored_by_schema_and_type_alike() {
    let schemas = Schemas::read();
    for (name, through) in types() {
        for example in schemas.examples(name) {
            let mut newer = example.clone();
            newer["of_a_later_version"] = json!({"x": [1]});
            assert!(schemas.validator(name).is_valid(&newer), "{name}");
            assert_eq!(through(&newer), through(example), "{name}");
        }
    }
}

fn written<T: Serialize>(message: &T) -> Value {
    serde_json::from_slice(&encode(message).unwrap()).unwrap()
}

/// The example with one member taken out or turned into something of another kind, for each member at any depth.
fn bendings(example: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for pointer in members(example, "") {
        let was = example.pointer(&pointer).unwrap();
        let others = [json!("☃"), json!(-1), json!(1.5), json!(true), json!({"x": 1}), json!(["☃"])];
        // serde reads the members of an object from a list too, in order; nothing is built on that, and no schema tells it.
        let listed = |other: &Value| was.is_object() && other.is_array();
        for other in others.into_iter().filter(|other| kind(other) != kind(was) && !listed(other)) {
            let mut bent = example.clone();
            *bent.pointer_mut(&pointer).unwrap() = other;
            all.push((pointer.clone(), bent));
        }
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let mut bent = example.clone();
        if let Some(object) = bent.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.remove(member);
            all.push((pointer, bent));
        }
    }
    all
}

fn members(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, child)| (name.clone(), child)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect()
        }
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (name, child) in children {
        let pointer = format!("{at}/{name}");
        all.extend(members(child, &pointer));
        all.push(pointer);
    }
    all
}

/// Whether another value would be of the same kind, and so perhaps right. Free text is never taken for a word of a list.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_u64() => "count",
        Value::Number(_) => "other number",
        Value::String(text) if text == "☃" => "no word",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The words that a type without values knows, as its own complaint about another word lists them.
fn words<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let complaint = serde_json::from_str::<T>("\"?\"").err().expect("no word").to_string();
    complaint.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_word_of_a_list_is_in_its_schema_and_no_other() {
    let schemas = Schemas::read();
    let listed = |schema: &str, place: &str| -> Vec<String> {
        let list = schemas.schema(schema).pointer(place).unwrap_or_else(|| panic!("{schema}{place}"));
        list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let reader = "/$defs/ready/properties/reader/properties";
    assert_eq!(listed("reader-answer", "/properties/reason/enum"), words::<ReadFailure>());
    assert_eq!(listed("reader-answer", "/properties/source/enum"), words::<ReaderSource>());
    assert_eq!(listed("device-state", &format!("{reader}/kind/enum")), words::<ReaderSource>());
    assert_eq!(listed("device-state", &format!("{reader}/state/enum")), words::<ReaderCondition>());
}
