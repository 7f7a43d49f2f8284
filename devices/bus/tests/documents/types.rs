//! The schemas, and the type that each of them describes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use hall_bus::messages::LogLine;
use hall_bus::pairing::{Begin, Begun, Progress};
use hall_bus::{
    Ack, Answer, Config, Control, DeviceState, HallState, Heartbeat, Jws, Read, ReaderAnswer, Receipt, Scan,
    Show, Stop, decode, encode,
};
use hall_domain::IdentityCard;
use jsonschema::{Retrieve, Uri, Validator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a message as the box or a device does, and writes it again; none for what is refused.
pub type Through = fn(&Value) -> Option<Value>;

/// Schemas that describe parts of messages, and the header of a signed one, which no type shows.
pub const PARTS: [&str; 3] = ["common", "jws", "jws-header"];

/// Every other schema with its type.
pub fn types() -> BTreeMap<&'static str, Through> {
    BTreeMap::from([
        ("ack", message::<Ack> as Through),
        ("answer", message::<Answer>),
        ("config", message::<Config>),
        ("control", message::<Control>),
        ("device-state", message::<DeviceState>),
        ("hall-state", message::<HallState>),
        ("heartbeat", message::<Heartbeat>),
        ("identity-card", plain::<IdentityCard>),
        ("log", message::<LogLine>),
        ("pair-begin", message::<Begin>),
        ("pair-begun", plain::<Begun>),
        ("pair-progress", plain::<Progress>),
        ("read", message::<Read>),
        ("reader-answer", message::<ReaderAnswer>),
        ("receipt", message::<Receipt>),
        ("scan", message::<Scan>),
        ("show", message::<Show>),
        ("signed-answer", signed),
        ("signed-pair-begin", signed),
        ("signed-reader-answer", signed),
        ("signed-scan", signed),
        ("stop", message::<Stop>),
    ])
}

fn message<T: Serialize + DeserializeOwned>(json: &Value) -> Option<Value> {
    let message: T = decode(json.to_string().as_bytes()).ok()?;
    serde_json::from_slice(&encode(&message).unwrap()).ok()
}

fn plain<T: Serialize + DeserializeOwned>(json: &Value) -> Option<Value> {
    serde_json::to_value(serde_json::from_value::<T>(json.clone()).ok()?).ok()
}

fn signed(json: &Value) -> Option<Value> {
    serde_json::from_slice(&Jws::parse(json.to_string().as_bytes()).ok()?.to_bytes()).ok()
}

/// The folder that makers of devices read.
pub fn protocol() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol"))
}

/// The files of `docs/protocol/schemas`, by name without its ending.
pub struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    pub fn read() -> Self {
        let files = fs::read_dir(protocol().join("schemas")).unwrap().map(|entry| entry.unwrap().path());
        Self(
            files
                .map(|path| {
                    let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".json").unwrap();
                    (name.to_owned(), serde_json::from_slice(&fs::read(&path).unwrap()).unwrap())
                })
                .collect(),
        )
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn schema(&self, name: &str) -> &Value {
        &self.0[name]
    }

    pub fn examples(&self, name: &str) -> &[Value] {
        self.0[name]["examples"].as_array().map_or(&[], Vec::as_slice)
    }

    /// A validator that knows these files and fetches nothing.
    pub fn validator(&self, name: &str) -> Validator {
        jsonschema::options()
            .with_base_uri(format!("schemas:///{name}.json"))
            .with_retriever(Folder(self.0.clone()))
            .build(self.schema(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

struct Folder(BTreeMap<String, Value>);

impl Retrieve for Folder {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix("schemas:///").and_then(|rest| rest.strip_suffix(".json"));
        name.and_then(|name| self.0.get(name)).cloned().ok_or_else(|| format!("no schema {uri}").into())
    }
}
