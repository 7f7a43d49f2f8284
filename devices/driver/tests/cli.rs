//! The program as a technician and a service manager meet it.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up should stop there")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use ed25519_dalek::SigningKey;
use hall_bus::pairing::{Grant, MqttGrant};
use hall_driver::DataDir;
use hall_driver::store::{Credentials, Paired, Settings};

/// A certificate that no box uses; nothing is spoken to in these tests.
const CA: &str = include_str!("unused-ca.pem");

fn driver() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hall-driver"));
    command.env_remove("HALL_LOG").stdin(Stdio::null());
    command
}

fn told(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

/// A folder that is paired with a box at a port where nothing listens.
fn paired(dir: &Path) -> DataDir {
    let data = DataDir::new(dir);
    data.create().unwrap();
    let grant = Grant {
        device: "rd-01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
        key_gen: 1,
        mqtt: MqttGrant { url: "mqtts://127.0.0.1:1".to_owned(), secret: "mqtt-secret".to_owned() },
        ca: None,
    };
    let credentials = Credentials { grant, ca: CA.to_owned(), box_url: "https://127.0.0.1:1".to_owned() };
    let settings = Settings::Serial { port: "/dev/no-such-reader".into(), baud: 115_200 };
    data.save(&Paired { settings, credentials, key: SigningKey::from_bytes(&[1; 32]) }).unwrap();
    data
}

/// Runs the driver until it has said on stderr that it starts.
fn running(data: &DataDir) -> Child {
    let mut child = driver()
        .args(["run", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("the driver starts")));
    // Whoever does not read on would let the pipe fill up.
    std::thread::spawn(move || lines.count());
    child
}

#[test]
fn an_unpaired_folder_is_named_with_the_command_that_pairs_it() {
    let dir = tempfile::tempdir().unwrap();
    for command in ["run", "status"] {
        let output = driver().args([command, "--data"]).arg(dir.path()).output().unwrap();
        let (out, err) = told(&output);
        assert!(!output.status.success());
        assert!(err.contains("hall-driver pair") && out.is_empty(), "{command}: {out} {err}");
    }
}

#[test]
fn a_service_manager_stops_it_cleanly_and_status_tells_whether_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = paired(dir.path());
    let status = || told(&driver().args(["status", "--data"]).arg(dir.path()).output().unwrap()).0;
    let before = status();
    assert!(before.contains("rd-01arz3ndektsv4rrffq69g5fav") && before.contains("running  no"), "{before}");
    assert!(before.contains("not there") && !before.contains("mqtt-secret"), "{before}");

    let child = running(&data);
    assert!(status().contains("running  yes"));
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "it was never connected");
    assert!(status().contains("running  no"));
}

#[test]
fn a_box_that_is_not_there_ends_the_pairing_with_its_address() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, CA).unwrap();
    let output = driver()
        .args(["pair", "--box", "https://127.0.0.1:1", "--port", "/dev/null", "--ca"])
        .arg(&ca)
        .arg("--data")
        .arg(dir.path().join("driver"))
        .output()
        .unwrap();
    let (out, err) = told(&output);
    assert!(!output.status.success() && out.is_empty());
    assert!(err.contains("cannot reach the box at https://127.0.0.1:1"), "{err}");
}
