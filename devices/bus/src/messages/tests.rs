use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::payload::{decode, encode};

/// Reads the documented form, writes it again, and expects the same.
fn documented<T: Serialize + DeserializeOwned>(json: Value) -> T {
    let message: T = decode(json.to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&encode(&message).unwrap()).unwrap(), json);
    message
}

#[test]
fn births_and_wills_are_written_as_documented() {
    let evaluator: DeviceState = documented(json!({
        "v": 1, "state": "ready", "bseq": 812, "boot": "01KAJ8ZQ3R0000000000000000", "proto": [1], "sw": "0.1.0",
        "bind_epoch": 4, "last_counter": 4102,
        "evaluator": {"pages": ["idle", "authorize", "message", "rating", "paused"], "screen": [1280, 800],
            "webview": 138, "gen": 77, "cmd": "01KAJ8ZQ3R0000000000000001"}
    }));
    assert_eq!(evaluator.bseq(), 812);
    let reader: DeviceState = documented(json!({
        "v": 1, "state": "ready", "bseq": 3, "boot": "01KAJ8ZQ3R0000000000000000", "proto": [1], "sw": "0.1.0",
        "bind_epoch": 4, "last_counter": 9,
        "reader": {"kind": "samv", "port": "/dev/ttyUSB0", "sam": "0503.20200101", "state": "no-licence"}
    }));
    assert!(matches!(reader, DeviceState::Ready(Birth { about: About::Reader(_), .. })));
    documented::<DeviceState>(json!({
        "v": 1, "state": "ready", "bseq": 3, "boot": "01KAJ8ZQ3R0000000000000000", "proto": [1], "sw": "0.1.0",
        "bind_epoch": 4, "last_counter": 9, "scanner": {"port": "/dev/ttyACM0", "virtual": false, "state": "ready"}
    }));
    assert_eq!(
        documented::<DeviceState>(json!({"v": 1, "state": "lost", "bseq": 812})),
        DeviceState::Lost { bseq: 812 }
    );
}

#[test]
fn the_boxs_own_state_is_written_as_documented() {
    let boot = "01KAJ8ZQ3R0000000000000000";
    let online: HallState = documented(
        json!({"v": 1, "online": true, "boot": boot, "time": "2026-11-21T09:30:00.120+08:00", "proto": [1]}),
    );
    assert_eq!(online, HallState::online(boot.parse().unwrap(), Timestamp(1_795_224_600_120)));
    let offline: HallState = documented(json!({"v": 1, "online": false, "boot": boot}));
    assert_eq!(offline, HallState::offline(boot.parse().unwrap()));
}

#[test]
fn acknowledgements_are_written_as_documented() {
    let cmd = "01KAJ8ZQ3R0000000000000001";
    let digest = "sha-256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    documented::<Ack>(
        json!({"v": 1, "cmd": cmd, "gen": 78, "status": "shown", "digest": digest, "at": "2026-11-21T09:30:00.120+08:00"}),
    );
    documented::<Ack>(json!({"v": 1, "cmd": cmd, "gen": 78, "status": "extend"}));
    documented::<Ack>(json!({"v": 1, "cmd": cmd, "status": "received"}));
    documented::<Ack>(json!({"v": 1, "cmd": cmd, "status": "waiting"}));
    let again: Ack = documented(json!({"v": 1, "cmd": cmd, "status": "waiting", "ask": "place-again"}));
    assert_eq!(again.status, AckStatus::Waiting { ask: CardAsk::PlaceAgain });
    let ack: Ack = documented(json!({"v": 1, "cmd": cmd, "status": "rejected", "reason": "bind-epoch"}));
    assert_eq!(ack.status, AckStatus::Rejected { reason: AckRefusal::BindEpoch });
    let newer: Ack = decode(
        json!({"v": 1, "cmd": cmd, "status": "rejected", "reason": "from-the-future"}).to_string().as_bytes(),
    )
    .unwrap();
    assert_eq!(newer.status, AckStatus::Rejected { reason: AckRefusal::Other });
}

#[test]
fn receipts_configuration_heartbeats_and_control_are_written_as_documented() {
    let (cmd, answer) = ("01KAJ8ZQ3R0000000000000001", "01KAJ8ZQ3R0000000000000009");
    documented::<Receipt>(json!({"v": 1, "answer": answer, "cmd": cmd, "result": "accepted"}));
    documented::<Receipt>(
        json!({"v": 1, "answer": answer, "cmd": cmd, "result": "rejected", "reason": "digest is not that of what was sent"}),
    );
    documented::<Config>(json!({
        "v": 1, "ver": 19, "hall": "示范县政务服务大厅", "window": {"code": "W01", "name": "1号窗口"}, "bind_epoch": 4,
        "hb_s": 15, "notice": "请备好身份证原件"
    }));
    let unbound: Config =
        documented(json!({"v": 1, "ver": 20, "hall": "示范县政务服务大厅", "bind_epoch": 5, "hb_s": 15}));
    assert_eq!(unbound.window, None);
    documented::<Heartbeat>(
        json!({"v": 1, "bseq": 812, "gen": 78, "up_s": 86_400, "t0": "2026-11-21T09:30:00.120+08:00", "q": 0}),
    );
    documented::<Control>(
        json!({"v": 1, "id": answer, "kind": "extend", "cmd": cmd, "ttl_ms": 60_000, "left": 2}),
    );
    for kind in ["identify", "reload", "rebirth", "unpair"] {
        documented::<Control>(json!({"v": 1, "id": answer, "kind": kind}));
    }
}

#[test]
fn fields_of_a_newer_minor_version_are_ignored() {
    let newer = json!({"v": 2, "state": "lost", "bseq": 1, "battery": 40}).to_string();
    assert_eq!(decode::<DeviceState>(newer.as_bytes()).unwrap(), DeviceState::Lost { bseq: 1 });
}
