//! Attachments on a line that is cut.

#![allow(clippy::unwrap_used)]

mod support;

use hall_ledger::blob::CHUNK;
use hall_sync::BlobFailure;
use support::{Hall, Province, cutter::Line};

fn scan(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_scan_goes_on_where_it_stopped() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up).await;
    let length = 8 * CHUNK + 12_345;
    let before = hall.cutter.sent();
    let id = hall.store.attach(scan(1, length));
    hall.cutter.cut_after((4 * CHUNK + CHUNK / 2) as i64);
    running.agent.nudge();
    running.until("the cut", |status| !status.up).await;
    running.until("the whole scan", |status| status.up && status.pending_blobs == 0).await;
    assert!(hall.store.held().pending.is_empty());
    // TLS, headers and the rounds meanwhile take little; everything else would be chunks sent twice.
    let overhead = hall.cutter.sent() - before - length as u64;
    assert!(overhead < (CHUNK + CHUNK / 4) as u64, "{overhead} bytes too many");

    let mut arrived = Vec::new();
    for n in 0..9 {
        arrived.extend(province.chunk(&id.to_string(), n).await);
    }
    assert_eq!(arrived, scan(1, length));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_the_centre_has_is_never_sent() {
    let province = Province::new().await;
    let (hall, other) = (Hall::enrolled(&province).await, Hall::enrolled(&province).await);
    hall.store.attach(scan(2, 3 * CHUNK));
    let running = hall.agent();
    running.until("the scan", |status| status.up && status.pending_blobs == 0).await;
    other.store.attach(scan(2, 3 * CHUNK));
    let running = other.agent();
    running.until("the scan", |status| status.up && status.pending_blobs == 0).await;
    assert!(other.cutter.sent() < (CHUNK / 4) as u64, "{} bytes were sent", other.cutter.sent());
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_not_held_up_by_a_large_scan() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up).await;
    hall.store.attach(scan(3, 40 * CHUNK));
    hall.store.record_noise(1);
    running.agent.nudge();
    let status = running.until_receipted(1).await;
    assert_eq!(status.pending_blobs, 1, "the scan was faster than one entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_and_a_cut_before_the_first_byte_are_ordinary() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.attach(Vec::new());
    hall.store.attach(vec![9; CHUNK]);
    hall.cutter.set(Line::Cut);
    let running = hall.agent();
    running.until("the cut", |status| status.trouble.is_some()).await;
    hall.cutter.set(Line::Open);
    running.until("both", |status| status.up && status.pending_blobs == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_damaged_scan_stops_neither_the_line_nor_the_scans_behind_it() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let (lost, damaged) = (hall.store.attach(scan(4, 100)), hall.store.attach(scan(5, CHUNK + 1)));
    let whole = hall.store.attach(scan(6, 200));
    hall.store.held().blobs.remove(&lost);
    hall.store.held().damaged.insert(damaged);
    let running = hall.agent();
    let mut fell = false;
    let status = running
        .until("the whole scan", |status| {
            fell |= status.trouble.is_some();
            status.up && status.pending_blobs == 2
        })
        .await;
    assert!(status.up && !fell, "{:?}", status.trouble);
    assert_eq!(hall.store.held().pending.len(), 2);
    for id in [lost, damaged] {
        assert!(hall.store.held().failed.contains(&(id, BlobFailure::Unreadable)));
    }
    assert_eq!(province.chunk(&whole.to_string(), 0).await, scan(6, 200));

    // Whatever is repaired here goes with the next pass.
    hall.store.held().damaged.clear();
    running.agent.nudge();
    running.until("the repaired scan", |status| status.up && status.pending_blobs == 1).await;
    assert_eq!(hall.store.held().pending, [lost]);
}
