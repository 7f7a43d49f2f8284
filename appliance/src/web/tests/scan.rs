//! 扫码: what is no code changes nothing, and says what to do.

use super::hall::{Hall, open_case};
use crate::live::Change;
use crate::store::devices::{self as rows, Device, Presence};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use ed25519_dalek::SigningKey;
use hall_bus::jws::SCAN_TYPE;
use hall_bus::{DeviceId, DeviceKey, DeviceKind, Jws, MessageId, Scan, ScanText, encode};
use hall_domain::Timestamp;

#[tokio::test]
async fn what_is_no_code_is_refused_at_the_step_in_hand_and_changes_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    let before = hall.entries("case.opened").await;
    let long = format!("HB1:{}", "A".repeat(10_000));
    for text in ["", "HB1:", "HB1:6BF", "https://example.com/?a=1", "办事码\u{1}\u{0}", long.as_str()] {
        for carrier in ["keyboard", "camera", "typed", "serial", ""] {
            let form = [("text", text), ("carrier", carrier)];
            let page = browser.post(&format!("/cases/{id}/scan"), &form).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{carrier}");
            assert!(
                page.text.contains("这不是可识别的办事码") && page.text.contains("R131"),
                "{}",
                page.text
            );
            assert!(page.text.contains("id=\"case-step\""), "the case stays in hand");
            assert!(text.len() < 5 || !page.text.contains(text), "what was scanned is not shown again");
        }
    }
    assert_eq!(hall.entries("case.opened").await, before);
}

#[tokio::test]
async fn nobody_scans_into_a_colleagues_case() {
    let hall = Hall::new().await.with_catalogue();
    let mut owner = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut owner).await;
    let mut other = hall.at_window("zhao.min", "W02").await;
    let page = other.get(&format!("/cases/{id}")).await;
    assert!(!page.text.contains("/scan\""), "who only looks on has nothing to scan into");
    let refused = other.post(&format!("/cases/{id}/scan"), &[("text", "HB1:6BF")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
}

/// A scanner at W01, bound for the first time.
async fn scanner(hall: &Hall) -> (DeviceId, SigningKey) {
    let key = SigningKey::from_bytes(&[9; 32]);
    let now = hall.app.book.clock.now();
    let id = DeviceId::generate(DeviceKind::Scanner, now).unwrap();
    let device = Device {
        id: id.clone(),
        key: serde_json::to_string(&DeviceKey::from(key.verifying_key())).unwrap(),
        key_gen: 1,
        window: None,
        bind_epoch: 0,
        gen_: 0,
        counter: None,
        bseq: None,
        state: Presence::Ready,
        model: String::new(),
        software: String::new(),
        detail: String::new(),
        paired_at: now,
        seen_at: now,
    };
    hall.write(move |tx| {
        rows::add(tx, &device, "-", &"tech".parse().unwrap())?;
        rows::bind(tx, &device.id, &"W01".parse().unwrap())
    })
    .await;
    (id, key)
}

fn scan(dev: &DeviceId, key: &SigningKey, counter: u64, bind_epoch: u32) -> Jws {
    let id = MessageId::from_parts(Timestamp(1), counter.into());
    let text = ScanText::from_line("HB1:6BF+70790T9WT").unwrap();
    let scan = Scan { id, dev: dev.clone(), bind_epoch, counter, text, at: Timestamp(1) };
    Jws::sign(key, &format!("{dev}#1"), SCAN_TYPE, &encode(&scan).unwrap())
}

#[tokio::test]
async fn a_serial_scan_goes_to_the_case_whose_page_is_open_and_says_there_what_was_wrong() {
    let hall = Hall::new().await.with_catalogue();
    let (device, key) = scanner(&hall).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    let mut heard = hall.app.live.listen();

    hall.app.desk.scan_heard(device.clone(), scan(&device, &key, 1, 1)).await.unwrap();
    assert_eq!(heard.try_recv().unwrap(), Change::Scanned("W01".parse().unwrap()), "no page is open");

    let page = browser.open(Request::get(format!("/live?case={id}")), Body::empty()).await;
    hall.app.desk.scan_heard(device.clone(), scan(&device, &key, 2, 1)).await.unwrap();
    assert_eq!(heard.try_recv().unwrap(), Change::Case(id.clone()));
    let shown = browser.get(&format!("/cases/{id}")).await;
    assert!(shown.text.contains("这不是可识别的办事码"), "{}", shown.text);

    // What is scanned here next takes the place of that sentence.
    let next = browser.post(&format!("/cases/{id}/scan"), &[("text", "HB1:")]).await;
    assert_eq!(next.text.matches("这不是可识别的办事码").count(), 1);

    // The same bytes again change nothing; the page of another case says nothing of it.
    hall.app.desk.scan_heard(device.clone(), scan(&device, &key, 2, 1)).await.unwrap();
    assert!(heard.try_recv().is_err());
    let other = open_case(&mut browser).await;
    assert!(!browser.get(&format!("/cases/{other}")).await.text.contains("这不是可识别的办事码"));
    while heard.try_recv().is_ok() {}

    drop(page);
    hall.app.desk.scan_heard(device.clone(), scan(&device, &key, 3, 1)).await.unwrap();
    assert_eq!(heard.try_recv().unwrap(), Change::Scanned("W01".parse().unwrap()), "the page was closed");
}

#[tokio::test]
async fn a_scan_that_is_not_the_scanners_own_word_here_and_now_goes_nowhere() {
    let hall = Hall::new().await.with_catalogue();
    let (device, key) = scanner(&hall).await;
    let desk = &hall.app.desk;
    desk.scan_heard(device.clone(), scan(&device, &key, 5, 1)).await.unwrap();
    let mut heard = hall.app.live.listen();
    let thief = SigningKey::from_bytes(&[8; 32]);
    for (jws, what) in [
        (scan(&device, &key, 6, 0), "read under a former binding"),
        (scan(&device, &key, 4, 1), "a replay"),
        (scan(&device, &thief, 7, 1), "signed by another key"),
    ] {
        desk.scan_heard(device.clone(), jws).await.unwrap();
        while let Ok(change) = heard.try_recv() {
            assert_eq!(change, Change::Devices, "{what}");
        }
    }
    let rejected = hall.read(rows::count_security).await;
    assert_eq!(rejected, 2, "a replay and a forgery are security events");
}
