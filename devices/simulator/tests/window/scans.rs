//! A scanner at a window: what it reads reaches the box once, signed, and what is wrong with a line does no harm.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use hall_bus::jws::SCAN_TYPE;
use hall_bus::messages::About;
use hall_bus::scanner::ScannerCondition;
use hall_bus::{
    Birth, DeviceKey, DeviceKind, DeviceState, Down, Receipt, ReceiptResult, Scan, UpMessage, decode,
};
use hall_driver::DataDir;
use hall_driver::store::{Credentials, Paired, Settings};
use hall_sim::{ScanFault, Scanner};
use tempfile::TempDir;

use super::hall::Hall;
use super::terminal::{Driver, start};

const CODE: &str = "HB1:6BF+70790T9WTWGX1F5 $%*+-./:0";

/// A terminal with a virtual scanner at it.
struct Counter {
    sim: Scanner,
    data: DataDir,
    key: SigningKey,
    _dir: TempDir,
}

impl Counter {
    fn paired(hall: &Hall) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Scanner::start(dir.path().join("scanner")).unwrap();
        let data = DataDir::new(dir.path().join("driver"));
        data.create().unwrap();
        let key = SigningKey::from_bytes(&[9; 32]);
        let credentials = Credentials {
            grant: hall.grant(),
            ca: hall.identity.ca.clone(),
            box_url: "https://127.0.0.1".to_owned(),
        };
        let settings = Settings::Serial { port: sim.path().to_owned(), baud: 9_600 };
        data.save(&Paired { settings, credentials, key: key.clone() }).unwrap();
        Self { sim, data, key, _dir: dir }
    }

    async fn start_bound(&self, hall: &mut Hall) -> Driver {
        hall.bind("W01", 4).await;
        let driver = start(&self.data);
        born(hall, ScannerCondition::Ready).await;
        driver
    }

    /// The next scan, its signature checked, and the bytes that were signed.
    async fn scan(&self, hall: &mut Hall) -> (Scan, Vec<u8>) {
        let (key, kid) = (DeviceKey::from(self.key.verifying_key()), hall.grant().kid());
        hall.hear(|message| match message {
            UpMessage::Scan(jws) => {
                let payload = jws.verify(&key, SCAN_TYPE, &kid).unwrap().to_vec();
                Some((decode(&payload).unwrap(), payload))
            }
            _ => None,
        })
        .await
    }
}

async fn born(hall: &mut Hall, wanted: ScannerCondition) -> Birth {
    hall.hear(|message| match message {
        UpMessage::State(DeviceState::Ready(birth)) => match &birth.about {
            About::Scanner(scanner) if scanner.state == wanted && birth.bind_epoch == 4 => Some(birth),
            _ => None,
        },
        _ => None,
    })
    .await
}

async fn receipt(hall: &Hall, scan: &Scan) {
    let result = ReceiptResult::Accepted;
    hall.say(Down::Receipt, &Receipt { answer: scan.id, cmd: scan.id, result, reason: None }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_reaches_the_box_signed_until_it_has_a_receipt() {
    let mut hall = Hall::open_for(DeviceKind::Scanner).await;
    let counter = Counter::paired(&hall);
    let driver = counter.start_bound(&mut hall).await;
    counter.sim.scan(CODE, &[]).await.unwrap();
    let (scan, payload) = counter.scan(&mut hall).await;
    assert_eq!((scan.text.as_str(), scan.bind_epoch, scan.counter), (CODE, 4, 1));
    assert_eq!(scan.dev, hall.device);
    let (_, again) = counter.scan(&mut hall).await;
    assert!(payload == again, "a scan was signed anew");
    receipt(&hall, &scan).await;
    let idle = |message| match message {
        UpMessage::Heartbeat(beat) if beat.q == 0 => Some(()),
        _ => None,
    };
    hall.hear(idle).await;
    driver.stop().await;
    let disk = std::fs::read_dir(counter.data.path()).unwrap();
    let disk: Vec<u8> = disk.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!disk.windows(8).any(|window| window == b"HB1:6BF+"), "a code is on the terminal's disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_garbage_repetition_and_a_missing_end_are_one_code_each() {
    let mut hall = Hall::open_for(DeviceKind::Scanner).await;
    let counter = Counter::paired(&hall);
    let driver = counter.start_bound(&mut hall).await;
    let slow = ScanFault::Split { bytes: 5, gap: Duration::from_millis(20) };
    let cases: [(&str, Vec<ScanFault>); 5] = [
        ("HB1:SPLIT", vec![slow]),
        ("HB1:GARBAGE", vec![ScanFault::Garbage(vec![0xFF, 0xFE, 0x00, b'~'])]),
        ("HB1:REPEATED", vec![ScanFault::Repeated(3)]),
        ("HB1:NOEND", vec![ScanFault::NoEnd]),
        ("HB1:\u{1}CON\u{1d}TROL", vec![]),
    ];
    for (number, (text, faults)) in (1..).zip(cases) {
        counter.sim.scan(text, &faults).await.unwrap();
        let (scan, _) = counter.scan(&mut hall).await;
        let plain: String = text.chars().filter(|character| !character.is_control()).collect();
        assert_eq!((scan.text.as_str(), scan.counter), (plain.as_str(), number), "{faults:?}");
        receipt(&hall, &scan).await;
    }
    // Too long is no code; what comes after it is.
    counter.sim.scan(&"A".repeat(10_000), &[]).await.unwrap();
    counter.sim.scan("HB1:LAST", &[ScanFault::Half(7)]).await.unwrap();
    assert_eq!(counter.scan(&mut hall).await.0.text.as_str(), "HB1:LAS");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_that_was_pulled_out_scans_again_when_it_is_back() {
    let mut hall = Hall::open_for(DeviceKind::Scanner).await;
    let counter = Counter::paired(&hall);
    let driver = counter.start_bound(&mut hall).await;
    counter.sim.unplug();
    born(&mut hall, ScannerCondition::Unplugged).await;
    assert!(counter.sim.scan(CODE, &[]).await.is_err());
    counter.sim.plug().unwrap();
    born(&mut hall, ScannerCondition::Ready).await;
    counter.sim.scan(CODE, &[]).await.unwrap();
    assert_eq!(counter.scan(&mut hall).await.0.text.as_str(), CODE);
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_scanned_while_the_broker_was_away_comes_when_it_is_back() {
    let mut hall = Hall::open_for(DeviceKind::Scanner).await;
    let counter = Counter::paired(&hall);
    let driver = counter.start_bound(&mut hall).await;
    counter.sim.scan(CODE, &[]).await.unwrap();
    let (first, payload) = counter.scan(&mut hall).await;
    hall.restart_broker().await;
    let (_, again) = counter.scan(&mut hall).await;
    assert!(payload == again, "a scan was signed anew");
    receipt(&hall, &first).await;
    driver.stop().await;
}
