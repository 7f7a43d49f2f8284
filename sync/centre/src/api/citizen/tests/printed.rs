//! 受理回执 and its kin: how far a case has come, for whoever holds its paper.

use super::records::{NO, signed};
use super::*;
use crate::store::Batch;
use hall_domain::case::{CaseEvent, Follow, Mode};
use hall_domain::{ApplicantKind, Date, Judgement, Outcome as Policy};
use hall_ledger::EntryKind;
use hall_ledger::disposition::{Disposition, Outcome};
use hall_ledger::phone::PaperReceipt;

/// The entries of a case that was opened and submitted.
fn visit(town: &Town, outcome: Policy, follow: Option<Follow>) -> [Batch; 2] {
    let opened = CaseEvent::Opened {
        item: WEDDING.parse().unwrap(),
        item_version: 1,
        item_name: "婚姻登记预约".into(),
        applicant: ApplicantKind::Person,
        window: "W01".parse().unwrap(),
        hall: "安澜市政务服务大厅".into(),
    };
    let submitted = CaseEvent::Submitted {
        judgement: Judgement { outcome, sentence: "窗口的话。".into(), raise: None },
        mode: Mode::Online,
        second: None,
        supervisor: None,
        follow,
        hours_offline: 0,
    };
    let kinds = [(EntryKind::CaseOpened, opened), (EntryKind::CaseSubmitted, submitted)];
    signed(town, kinds.into()).try_into().ok().unwrap()
}

/// The paper that the box prints of that entry.
fn paper(town: &Town, batch: &Batch) -> String {
    let entry = &batch.entries[0];
    let issued = crate::citizen::capacity::whole(town.app().now());
    let (seq, leaf, case_no) = (entry.seq, entry.leaf, NO.parse().unwrap());
    to_qr(&PaperReceipt { issued, log: town.log, seq, leaf, case_no }.sign(&town.key))
}

async fn judged(town: &Town, seq: u64, outcome: Outcome, deadline: Option<Timestamp>) {
    let decided_at = town.app().now();
    let disposition = Disposition {
        log: town.log,
        seq,
        case_no: NO.into(),
        outcome,
        findings: Vec::new(),
        other_case: None,
        deadline,
        decided_at,
        use_codes: None,
        recheck_until: None,
    };
    let stated = town.app().sign(&disposition);
    assert!(town.app().store.judge(disposition, stated).await.unwrap());
}

#[tokio::test]
async fn a_receipt_of_a_case_tells_how_far_it_has_come_and_about_whom_to_nobody() {
    for (outcome, state, word) in [
        (Outcome::Ratified, "passed", "复核通过"),
        (Outcome::PassedRevokedLater, "passed", "复核通过"),
        (Outcome::ReturnedRevoked, "returned", "退回"),
        (Outcome::ReturnedDuplicate, "returned", "退回"),
        (Outcome::ReturnedMandate, "returned", "退回"),
        (Outcome::ReturnedHolder, "returned", "退回"),
        (Outcome::DoubtfulClock, "in_doubt", "正在核对"),
        (Outcome::Conflict, "in_doubt", "正在核对"),
    ] {
        let town = Town::new().await;
        let [opened, submitted] = visit(&town, Policy::AcceptForReview, None);
        let (printed, seq) = (paper(&town, &submitted), submitted.entries[0].seq);
        town.take(opened).await;
        assert_eq!(town.receipt(&printed).await["state"], "at_box");
        town.take(submitted).await;
        let waiting = town.receipt(&printed).await;
        assert_eq!((&waiting["genuine"], &waiting["about"]), (&json!(true), &json!("case")));
        assert_eq!(waiting["state"], "received", "{waiting}");
        assert!(waiting["submitted_on"].is_string() && waiting.get("decided_on").is_none(), "{waiting}");
        judged(&town, seq, outcome, None).await;
        let told = town.receipt(&printed).await;
        assert_eq!(told["state"], state, "{outcome:?}");
        assert!(told["message"].as_str().unwrap().contains(word), "{told}");
        for private in ["婚姻", "李强", "W01", NO] {
            assert!(!format!("{waiting}{told}").contains(private), "{private}: {told}");
        }
    }
}

#[tokio::test]
async fn a_receipt_says_until_when_something_is_to_be_brought_and_that_a_case_was_only_taken_in() {
    let town = Town::new().await;
    let by: Date = "2026-11-28".parse().unwrap();
    let follow = Follow { materials: ["m1".parse().unwrap()].into(), identity: false, by };
    let [opened, submitted] = visit(&town, Policy::MaterialsToFollow, Some(follow));
    let (printed, seq) = (paper(&town, &submitted), submitted.entries[0].seq);
    town.take(opened).await;
    town.take(submitted).await;
    let waiting = town.receipt(&printed).await;
    assert_eq!(waiting["state"], "following");
    assert!(waiting["message"].as_str().unwrap().contains("2026-11-28"), "{waiting}");
    judged(&town, seq, Outcome::Conditional, Some(by.plus_days(3).end())).await;
    let told = town.receipt(&printed).await;
    assert_eq!(told["state"], "following");
    assert!(told["message"].as_str().unwrap().contains("2026-12-01"), "{told}");

    let town = Town::new().await;
    let [opened, submitted] = visit(&town, Policy::ReceiptOnly, None);
    let printed = paper(&town, &submitted);
    town.take(opened).await;
    town.take(submitted).await;
    assert_eq!(town.receipt(&printed).await["state"], "taken_in");
}
