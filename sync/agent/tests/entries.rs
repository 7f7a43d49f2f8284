//! Entries on their way to the centre, over real TLS, on a line that is cut.

#![allow(clippy::unwrap_used)]

mod support;

use hall_ledger::LogId;
use hall_ledger::bundle::Upload;
use hall_ledger::link::HeadIs;
use hall_sync::{Finding, Link, Store, UploadAnswer};
use support::{Hall, Keys, Province, Running, cutter::Line};

fn leaves(hall: &Hall) -> Vec<String> {
    hall.store.held().leaves.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_recorded_arrives_once_and_is_receipted() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(700);
    let running = hall.agent();
    running.until_receipted(700).await;
    hall.store.record_noise(3);
    running.agent.nudge();
    running.until_receipted(703).await;
    assert_eq!(province.leaves(hall.identity.log).await, leaves(&hall));
    let held = hall.store.held();
    assert!(held.receipts.iter().all(|receipt| receipt.ledger_key == *hall.identity.ledger_key.as_bytes()));
    assert!(held.receipts.windows(2).all(|pair| pair[0].index < pair[1].index));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_cut_anywhere_loses_nothing_and_doubles_nothing() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up).await;
    // In the handshake, in the request, between request and answer, in the answer, in the feed.
    for (round, cut) in [60, 900, 2_500, 4_200, 9_000, 20_000, 33_000, 47_000, 70_000].into_iter().enumerate()
    {
        hall.cutter.set(Line::Cut);
        running.agent.nudge();
        running.until("the cut", |status| !status.up).await;
        hall.store.record_noise(150);
        province.put_licence(&support::licence(&format!("CUT{round}"), 1)).await;
        hall.cutter.cut_after(cut);
        hall.cutter.set(Line::Open);
        running.until_receipted(hall.store.size()).await;
    }
    assert_eq!(province.leaves(hall.identity.log).await, leaves(&hall));
    let licences = province.get("/admin/health").await["counts"]["licences"].as_u64().unwrap();
    support::eventually("the feed", || {
        let held = hall.store.held();
        let upserts = held
            .items
            .iter()
            .filter(|item| matches!(item.change, hall_sync::VerifiedChange::LicenceUpsert { .. }));
        upserts.count() as u64 == licences
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_larger_than_one_upload_goes_in_several() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(256 * 16 + 300);
    let running = hall.agent();
    running.until_receipted(hall.store.size()).await;
    assert_eq!(province.leaves(hall.identity.log).await, leaves(&hall));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_from_elsewhere_is_told_where_the_centre_stands() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(20);
    let running = hall.agent();
    running.until_receipted(20).await;
    running.stop().await;

    hall.store.record_noise(5);
    let (size, root) = (20, hall.store.root_at(20).await.unwrap().unwrap());
    for from in [0, 7, 23] {
        let (entries, checkpoint) = hall.store.offer(from, 4, usize::MAX, 1).await.unwrap();
        let upload = Upload::collect(from, entries, checkpoint).encode(1).unwrap();
        let answer = hall.link().upload(from, upload).await.unwrap();
        assert_eq!(answer, UploadAnswer::Resume(HeadIs { size, root }), "from {from}");
    }
    // A box that lost its receipts gets new ones without sending an entry twice.
    hall.store.held().receipted = None;
    let running = hall.agent();
    running.until_receipted(25).await;
    assert_eq!(province.leaves(hall.identity.log).await, leaves(&hall));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_outlive_a_restart_of_the_centre() {
    let mut province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(40);
    let running = hall.agent();
    running.until_receipted(40).await;
    running.stop().await;
    province.restart().await;
    hall.store.record_noise(2);
    let hall = Hall { cutter: support::cutter::Cutter::start(province.link_address()).await, ..hall };
    let running = hall.agent();
    running.until_receipted(42).await;
    assert_eq!(province.leaves(hall.identity.log).await, leaves(&hall));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_centre_restored_from_a_backup_gets_everything_back() {
    for (said, finding) in [
        (true, Finding::CentreRestored { epoch: 2, from: 5 }),
        (false, Finding::CentreLostEntries { centre_size: 5, receipted: 12 }),
    ] {
        let mut province = Province::new().await;
        let hall = Hall::enrolled(&province).await;
        hall.store.record_noise(5);
        let running = hall.agent();
        running.until_receipted(5).await;
        running.stop().await;
        let backup = province.backup().await;
        let hall = Hall { cutter: support::cutter::Cutter::start(province.link_address()).await, ..hall };
        hall.store.record_noise(7);
        let running = hall.agent();
        running.until_receipted(12).await;
        running.stop().await;

        province.restore(backup, said).await;
        assert_eq!(province.leaves(hall.identity.log).await.len(), 5);
        let hall = Hall { cutter: support::cutter::Cutter::start(province.link_address()).await, ..hall };
        let running = hall.agent();
        let status = running.until("the finding", |status| !status.findings.is_empty()).await;
        assert_eq!((status.findings, status.up), (vec![finding], true));
        assert_eq!(province.leaves(hall.identity.log).await, leaves(&hall));
        let renewed = hall.store.held().receipted.unwrap();
        assert_eq!((renewed.size, renewed.epoch), (12, if said { 2 } else { 1 }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_found_and_the_centre_keeps_one_history() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(10);
    let running = hall.agent();
    running.until_receipted(10).await;
    let clone = hall.store.clone_disk();
    hall.store.record_noise(2);
    running.agent.nudge();
    running.until_receipted(12).await;
    running.stop().await;

    let upload = |from: u64| {
        let clone = &clone;
        async move {
            let (entries, checkpoint) = clone.offer(from, 100, usize::MAX, 1).await.unwrap();
            Upload::collect(from, entries, checkpoint).encode(1).unwrap()
        }
    };
    // The clone goes its own way: as long as the original, then longer.
    let mut sent = Vec::new();
    for more in [2, 3] {
        clone.record_noise(more);
        let size = clone.size();
        let running = Running::start(hall.identity.clone(), clone.clone(), hall.link());
        let status = running.until("the fork", |status| !status.findings.is_empty()).await;
        assert_eq!(status.findings, [Finding::Fork { centre_size: 12, local_size: size }]);
        assert!(status.up, "a box with an identity trouble still learns what was revoked");
        running.stop().await;
        // One that does not listen and sends all the same is refused, and its branch is kept for people.
        sent.push(upload(10).await);
        for (from, at, upload) in [(10, 10, sent[sent.len() - 1].clone()), (12, 11, upload(12).await)] {
            let UploadAnswer::Fork(fork) = hall.link().upload(from, upload).await.unwrap() else {
                panic!("a contradicting upload must be called a fork");
            };
            assert_eq!((fork.at, fork.head.size), (at, 12));
        }
    }
    assert_eq!(province.leaves(hall.identity.log).await, leaves(&hall));
    let log = province.get(&format!("/admin/log/{}", hall.identity.log)).await;
    let sizes: Vec<u64> =
        log["branches"].as_array().unwrap().iter().map(|branch| branch["size"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [12, 15]);
    // Whether a hello announced it or not: what was sent first is there for people to look at.
    for (branch, sent) in log["branches"].as_array().unwrap().iter().zip(sent) {
        let (size, root) = (&branch["size"], branch["root"].as_str().unwrap());
        let branch = province.get(&format!("/admin/log/{}/branches/{size}/{root}", hall.identity.log)).await;
        let sent: String = sent.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(branch["upload"], sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_box_is_out_until_it_enrols_anew() {
    let province = Province::new().await;
    let (keys, code) = (Keys::new(), province.code(None).await);
    let answer = keys.enrol(&province, &code).await.unwrap();
    let log = answer.log();
    province.post(&format!("/admin/log/{log}/revoke"), serde_json::json!({})).await;
    // Not even with the code that let it in.
    let again = keys.enrol(&province, &code).await;
    assert!(matches!(again, Err(hall_sync::EnrolError::Code)), "{again:?}");
    let hall = Hall::of(&province, keys, answer).await;
    let running = hall.agent();
    let refused = |status: &hall_sync::LineStatus| {
        matches!(status.trouble, Some(hall_sync::Trouble::Refused { status: 403, .. }))
    };
    running.until("the refusal", refused).await;

    let keys = Keys::new();
    let answer = keys.enrol(&province, &province.code(Some(log.box_id.to_string())).await).await.unwrap();
    assert_eq!(answer.log(), LogId::new(log.box_id, 2));
    let renewed = Hall::of(&province, keys, answer).await;
    renewed.store.record_noise(1);
    renewed.agent().until_receipted(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_restored_from_a_backup_is_found() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(5);
    let backup = hall.store.clone_disk();
    hall.store.record_noise(5);
    let running = hall.agent();
    running.until_receipted(10).await;
    running.stop().await;
    let running = Running::start(hall.identity.clone(), backup, hall.link());
    let status = running.until("the finding", |status| !status.findings.is_empty()).await;
    assert_eq!(status.findings, [Finding::BoxRolledBack { centre_size: 10, local_size: 5 }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_another_box_or_with_a_broken_signature_are_refused() {
    let province = Province::new().await;
    let (hall, other) = (Hall::enrolled(&province).await, Hall::enrolled(&province).await);
    other.store.record_noise(3);
    let (entries, checkpoint) = other.store.offer(0, 3, usize::MAX, 1).await.unwrap();
    let upload = Upload::collect(0, entries, checkpoint).encode(1).unwrap();
    let refused = hall.link().upload(0, upload).await;
    assert!(matches!(refused, Err(hall_sync::Trouble::Refused { status: 400, .. })), "{refused:?}");

    hall.store.record_noise(3);
    let (mut entries, checkpoint) = hall.store.offer(0, 3, usize::MAX, 1).await.unwrap();
    let last = entries[1].cose.len() - 1;
    entries[1].cose[last] ^= 1;
    let upload = Upload::collect(0, entries, checkpoint).encode(1).unwrap();
    let refused = hall.link().upload(0, upload).await;
    assert!(matches!(refused, Err(hall_sync::Trouble::Refused { status: 400, .. })), "{refused:?}");
    assert!(province.leaves(hall.identity.log).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolling_again_starts_a_new_log_and_ends_the_old_certificate() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(4);
    let running = hall.agent();
    running.until_receipted(4).await;
    running.stop().await;

    let code = province.code(Some(hall.identity.log.box_id.to_string())).await;
    let keys = Keys::new();
    let answer = keys.enrol(&province, &code).await.unwrap();
    assert_eq!((answer.box_id, answer.incarnation), (hall.identity.log.box_id, 2));
    // The answer may have been lost: the same box may ask again, another may not.
    let again = keys.enrol(&province, &code.to_lowercase()).await.unwrap();
    assert_eq!(again.log(), answer.log());
    assert!(matches!(Keys::new().enrol(&province, &code).await, Err(hall_sync::EnrolError::Code)));
    assert!(matches!(Keys::new().enrol(&province, "0000-0000-0000").await, Err(hall_sync::EnrolError::Code)));

    // A second unused code for the same box does not hand its log to another key.
    let codes = [
        province.code(Some(answer.box_id.to_string())).await,
        province.code(Some(answer.box_id.to_string())).await,
    ];
    let first = Keys::new();
    let keys_of_log = first.enrol(&province, &codes[0]).await.unwrap();
    assert_eq!(keys_of_log.incarnation, 3);
    let overtaken = Keys::new().enrol(&province, &codes[1]).await;
    assert!(matches!(overtaken, Err(hall_sync::EnrolError::Code)), "{overtaken:?}");
    let (keys, again) = (first, keys_of_log);

    let running = hall.agent();
    running
        .until("the refusal", |status| {
            matches!(status.trouble, Some(hall_sync::Trouble::Refused { status: 403, .. }))
        })
        .await;
    let renewed = Hall::of(&province, keys, again).await;
    renewed.store.record_noise(1);
    renewed.agent().until_receipted(1).await;
}
