//! The AsyncAPI document against the topics and the types.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use hall_bus::{DeviceId, DeviceKind, DeviceState, Down, Topic, Up, UpMessage, decode};
use hall_domain::Timestamp;
use serde_json::{Value, json};

use super::types::{Schemas, protocol, types};

const KINDS: [(DeviceKind, &str); 3] = [
    (DeviceKind::Evaluator, "evaluator"),
    (DeviceKind::CardReader, "cardReader"),
    (DeviceKind::Scanner, "scanner"),
];

fn document() -> Value {
    let text = fs::read_to_string(protocol().join("evaluator.asyncapi.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn device(kind: DeviceKind) -> DeviceId {
    DeviceId::generate(kind, Timestamp(1_795_000_000_000)).unwrap()
}

/// Every topic of one device, the hall's among them.
fn topics(device: &DeviceId) -> Vec<Topic> {
    let ups = Up::ALL.into_iter().map(|up| Topic::Up(device.clone(), up));
    let downs = Down::ALL.into_iter().map(|down| Topic::Down(device.clone(), down));
    [Topic::HallState].into_iter().chain(ups).chain(downs).collect()
}

/// Whether a kind of device speaks or listens there.
fn concerns(topic: &Topic, kind: DeviceKind) -> bool {
    match topic {
        Topic::HallState => true,
        Topic::Up(_, up) => up.spoken_by(kind),
        Topic::Down(_, Down::Show) => kind == DeviceKind::Evaluator,
        Topic::Down(_, Down::Read | Down::Stop) => kind == DeviceKind::CardReader,
        Topic::Down(_, Down::Receipt | Down::Config | Down::Control) => true,
    }
}

/// Follows a `$ref` inside the document.
fn follow<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(to) => document.pointer(to.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("no {to}")),
        None => value,
    }
}

/// The name of the schema that a message has.
fn schema_of(message: &Value) -> &str {
    let file = message["payload"]["schema"]["$ref"].as_str().unwrap();
    file.strip_prefix("schemas/").and_then(|file| file.strip_suffix(".json")).unwrap()
}

#[test]
fn every_topic_stands_in_the_document_and_no_other() {
    let document = document();
    let device = device(DeviceKind::Evaluator);
    let real: BTreeSet<String> =
        topics(&device).iter().map(|topic| topic.to_string().replace(device.as_str(), "{dev}")).collect();
    let described: Vec<String> = document["channels"]
        .as_object()
        .unwrap()
        .values()
        .map(|channel| channel["address"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(described.len(), real.len(), "a topic stands there twice: {described:?}");
    assert_eq!(described.into_iter().collect::<BTreeSet<_>>(), real);
}

#[test]
fn each_kind_of_device_has_its_operations_with_the_delivery_of_the_code() {
    let document = document();
    let mut operations = document["operations"].as_object().unwrap().clone();
    for (kind, role) in KINDS {
        let device = device(kind);
        for topic in topics(&device).into_iter().filter(|topic| concerns(topic, kind)) {
            let address = topic.to_string().replace(device.as_str(), "{dev}");
            let at = operations.iter().find(|(name, operation)| {
                name.starts_with(&format!("{role}."))
                    && follow(&document, &operation["channel"])["address"] == json!(address)
            });
            let name = at.unwrap_or_else(|| panic!("{role} has no operation on {address}")).0.clone();
            let operation = operations.remove(&name).unwrap();
            let action = if matches!(topic, Topic::Up(..)) { "send" } else { "receive" };
            assert_eq!(operation["action"], action, "{name}");
            let binding = &follow(&document, &operation["bindings"])["mqtt"];
            let delivery = topic.delivery();
            assert_eq!(binding["qos"], delivery.qos, "{name}");
            assert_eq!(binding["retain"], delivery.retain, "{name}");
            let expiry = &binding["messageExpiryInterval"];
            match &topic {
                Topic::Down(_, Down::Show | Down::Read) => assert_eq!(expiry["minimum"], 1, "{name}"),
                Topic::Down(_, down) => {
                    assert_eq!(expiry.as_u64(), down.expiry_seconds().map(u64::from), "{name}")
                }
                _ => assert!(expiry.is_null(), "{name}"),
            }
        }
    }
    assert!(operations.is_empty(), "nobody's operations: {:?}", operations.keys());
}

#[test]
fn every_example_of_the_document_is_read_by_the_code() {
    let (document, schemas, types) = (document(), Schemas::read(), types());
    let messages = document["components"]["messages"].as_object().unwrap();
    for (name, message) in messages {
        let schema = schema_of(message);
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples.iter().map(|example| &example["payload"]) {
            assert!(schemas.validator(schema).is_valid(example), "{name}: {example}");
            assert_eq!(types[schema](example).as_ref(), Some(example), "{name}");
        }
    }
    let used: BTreeSet<&str> = messages.values().map(schema_of).collect();
    let parts = ["answer", "reader-answer", "scan", "identity-card"];
    let by_https = ["pair-begin", "signed-pair-begin", "pair-begun", "pair-progress"];
    let rest: BTreeSet<&str> =
        types.into_keys().filter(|name| !parts.contains(name) && !by_https.contains(name)).collect();
    assert_eq!(used, rest, "every message of the bus stands in the document");
}

#[test]
fn what_a_device_sends_by_the_document_is_taken_on_its_topic() {
    let document = document();
    let mut sent = BTreeMap::<&str, usize>::new();
    for (kind, role) in KINDS {
        let device = device(kind);
        for (name, operation) in document["operations"].as_object().unwrap() {
            if !name.starts_with(&format!("{role}.")) || operation["action"] != "send" {
                continue;
            }
            let channel = follow(&document, &operation["channel"]);
            let topic = channel["address"].as_str().unwrap().replace("{dev}", device.as_str());
            for message in operation["messages"].as_array().unwrap() {
                let message = follow(&document, follow(&document, message));
                for example in message["examples"].as_array().unwrap() {
                    let payload = example["payload"].to_string();
                    let (heard, _) = UpMessage::parse(&topic, payload.as_bytes()).unwrap();
                    assert_eq!(heard, device, "{name}");
                    *sent.entry(role).or_default() += 1;
                }
            }
        }
    }
    assert!(KINDS.iter().all(|(_, role)| sent[role] >= 4), "{sent:?}");
}

#[test]
fn the_session_of_the_document_is_that_of_the_code() {
    let document = document();
    for server in document["servers"].as_object().unwrap().values() {
        let session = &follow(&document, &server["bindings"])["mqtt"];
        let will: DeviceState = decode(session["lastWill"]["message"].as_str().unwrap().as_bytes()).unwrap();
        assert!(matches!(will, DeviceState::Lost { .. }));
        let device = device(DeviceKind::Evaluator);
        let topic = Topic::Up(device.clone(), Up::State);
        let address = session["lastWill"]["topic"].as_str().unwrap().replace("{dev}", device.as_str());
        assert_eq!(address, topic.to_string());
        let delivery = topic.delivery();
        assert_eq!(session["lastWill"]["qos"], delivery.qos);
        assert_eq!(session["lastWill"]["retain"], delivery.retain);
        let largest = usize::try_from(session["maximumPacketSize"].as_u64().unwrap()).unwrap();
        assert!(largest > hall_bus::payload::MAX_PAYLOAD);
    }
}
