//! The broker's process: whose it is, and what becomes of one that is left behind.

use super::{Broker, CONF, PID, child, mosquitto};
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
