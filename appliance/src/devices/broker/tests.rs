//! The broker's process: whose it is, and what becomes of one that is left behind.

use super::{BOX_USER, Broker, CONF, Credential, PID, child, hash_password, mosquitto};
use hall_bus::{DeviceId, DeviceKind, Topic, Up};
use hall_domain::Timestamp;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_broker_that_a_killed_box_left_is_ended_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let first = Broker::prepare(dir.path(), &[]).unwrap();
    let folder = dir.path().canonicalize().unwrap();
    let mut left = Command::new(mosquitto())
        .arg("-c")
        .arg(folder.join(CONF))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !child::listens(left.id(), first.address().port()) {
        assert!(started.elapsed() < PATIENCE, "the broker does not listen");
        std::thread::yield_now();
    }
    assert!(!child::listens(std::process::id(), first.address().port()), "not this process");

    // A number that another process has by now: this test's own.
    std::fs::write(folder.join(PID), std::process::id().to_string()).unwrap();
    Broker::prepare(dir.path(), &[]).unwrap();
    assert!(left.try_wait().unwrap().is_none(), "it was not named");

    std::fs::write(folder.join(PID), left.id().to_string()).unwrap();
    Broker::prepare(dir.path(), &[]).unwrap();
    assert!(left.try_wait().unwrap().is_some(), "it still runs");
    assert!(!folder.join(PID).exists());
}

#[tokio::test]
async fn a_stranger_on_the_port_is_never_taken_for_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::prepare(dir.path(), &[]).unwrap();
    let taken = broker.address();
    let _stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, taken.port())).unwrap();
    let (mut stands, stop) = (broker.stands(), CancellationToken::new());
    let running = tokio::spawn(broker.clone().supervise(stop.clone()));
    let found = tokio::time::timeout(PATIENCE, stands.wait_for(Option::is_some)).await.unwrap().unwrap();
    let address = found.unwrap();
    drop(found);
    assert_ne!(address, taken);
    assert_eq!(address, broker.address());
    stop.cancel();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    assert_eq!(*stands.borrow(), None);
}

fn client(broker: &Broker, name: &str, password: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(name, "127.0.0.1", broker.address().port());
    options.set_credentials(name, password);
    AsyncClient::new(options, 64)
}

#[tokio::test]
async fn a_device_speaks_on_the_topics_of_the_protocol_and_on_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let device = DeviceId::generate(DeviceKind::Evaluator, Timestamp(1_795_000_000_000)).unwrap();
    let other = DeviceId::generate(DeviceKind::Evaluator, Timestamp(1_795_000_000_001)).unwrap();
    let credential = Credential { device: device.to_string(), hash: hash_password("secret") };
    let broker = Broker::prepare(dir.path(), &[credential]).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(broker.clone().supervise(stop.clone()));
    broker.stands().wait_for(Option::is_some).await.unwrap();

    let (ours, mut heard) = client(&broker, BOX_USER, broker.password());
    ours.try_subscribe("hw/1/#", QoS::AtLeastOnce).unwrap();
    let (speaker, mut speaking) = client(&broker, device.as_str(), "secret");
    let may = Topic::Up(device.clone(), Up::State).to_string();
    let last = Topic::Up(device.clone(), Up::Answer).to_string();
    let junk = [
        format!("hw/1/d/{device}/up/junk"),
        format!("hw/1/d/{device}/up/scan"),
        format!("hw/1/d/{device}/up/state/1"),
        Topic::Up(other, Up::State).to_string(),
        Topic::HallState.to_string(),
    ];
    let mut said = false;
    let mut topics = Vec::new();
    let hears = async {
        while topics.last() != Some(&last) {
            tokio::select! {
                event = heard.poll() => match event.unwrap() {
                    Event::Incoming(Packet::SubAck(_)) if !said => {
                        said = true;
                        for topic in [&may].into_iter().chain(&junk).chain([&last]) {
                            speaker.try_publish(topic.clone(), QoS::AtLeastOnce, true, "x").unwrap();
                        }
                    }
                    Event::Incoming(Packet::Publish(told)) => {
                        topics.push(String::from_utf8(told.topic.to_vec()).unwrap());
                    }
                    _ => {}
                },
                // A refused message is answered with a reason, which is no reason to hang up.
                event = speaking.poll() => drop(event),
            }
        }
    };
    tokio::time::timeout(PATIENCE, hears).await.unwrap();
    assert_eq!(topics, [may, last]);
    let log = std::fs::read_to_string(dir.path().join("mosquitto.log")).unwrap_or_default();
    assert!(!log.contains("ACL"), "{log}");
    stop.cancel();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
}
