//! What comes down: licences, revocations, documents, dispositions; and look-ups.

#![allow(clippy::unwrap_used)]

mod support;

use hall_domain::case::{Attachment, CaseEvent, CaseRecord, Follow, LicenceUse, Mode};
use hall_domain::{
    AliasId, DocumentKind as IdKind, HolderId, IdentityDocument, Judgement, LegalRepresentative, Licence,
    LicenceGrade, LicenceId, LicenceStatus, Organisation, Outcome, Timestamp, Uscc,
};
use hall_ledger::disposition::{Disposition, Outcome as Judged};
use hall_ledger::document::DocumentKind;
use hall_ledger::envelope::Envelope;
use hall_ledger::feed::MAX_PAGE;
use hall_ledger::link::Lookup;
use hall_ledger::{BlobId, EntryKind, cbor};
use hall_sync::{Trouble, VerifiedChange, VerifiedItem};
use serde_json::json;
use std::collections::BTreeMap;
use support::{CARD_KIND, Hall, ITEM, Province, cutter::Line, holder, licence, now};

fn upserts(items: &[VerifiedItem]) -> Vec<LicenceId> {
    let ids = items.iter().filter_map(|item| match &item.change {
        VerifiedChange::LicenceUpsert { filing, .. } => Some(filing.licence.clone()),
        _ => None,
    });
    ids.collect()
}

fn dispositions(hall: &Hall) -> Vec<Disposition> {
    let held = hall.store.held();
    let found = held.items.iter().filter_map(|item| match &item.change {
        VerifiedChange::Disposition { disposition, .. } => Some((**disposition).clone()),
        _ => None,
    });
    found.collect()
}

fn status_of(hall: &Hall, id: &LicenceId) -> Option<LicenceStatus> {
    let held = hall.store.held();
    held.items.iter().rev().find_map(|item| match &item.change {
        VerifiedChange::LicenceStatus(change) if change.licence == *id => Some(change.status),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_hall_gets_the_whole_district_and_then_every_change_in_order() {
    let province = Province::new().await;
    let (first, second) = (licence("000000000000001", 1), licence("000000000000002", 1));
    province.put_licence(&first).await;
    province.put_licence(&second).await;
    province.set_status(&second.id, "suspended").await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    support::eventually("the first feed", || upserts(&hall.store.held().items).len() == 2).await;
    assert_eq!(status_of(&hall, &second.id), Some(LicenceStatus::Suspended));
    running
        .until("the catalogue", |_| hall.store.held().documents.contains_key(&DocumentKind::Catalogue))
        .await;

    // A newer version takes the older one's place.
    let newer = licence("000000000000001", 2);
    province.put_licence(&newer).await;
    province.put_licence(&newer).await;
    support::eventually("the new version", || upserts(&hall.store.held().items).contains(&newer.id)).await;
    let held = hall.store.held();
    let forgotten =
        |item: &VerifiedItem| matches!(&item.change, VerifiedChange::LicenceForget(id) if *id == first.id);
    assert_eq!(held.items.iter().filter(|item| forgotten(item)).count(), 1);
    assert_eq!(
        upserts(&held.items).iter().filter(|id| **id == newer.id).count(),
        1,
        "the same again is no change"
    );
    let issued = held.items.iter().find_map(|item| match &item.change {
        VerifiedChange::LicenceUpsert { issued, .. } => Some(issued.clone()),
        _ => None,
    });
    let issued = issued.unwrap();
    let trust = held.trusts.last().unwrap();
    let facts = Envelope::verify(issued.envelope.as_bytes(), trust.keys()).unwrap();
    assert!(facts.held_by(&holder(), &issued.disclosures) && facts.allows_hall(support::HALL));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_district_of_several_pages_is_applied_in_groups_and_without_a_gap() {
    let province = Province::new().await;
    let licences: Vec<_> = (1..=2 * MAX_PAGE + 9).map(|n| licence(&format!("{n:015}"), 1)).collect();
    for licence in &licences {
        province.put_licence(licence).await;
    }
    let hall = Hall::enrolled(&province).await;
    let _running = hall.agent();
    support::eventually("the district", || upserts(&hall.store.held().items).len() == licences.len()).await;
    let held = hall.store.held();
    let expected: Vec<_> = licences.iter().map(|licence| licence.id.clone()).collect();
    assert_eq!(upserts(&held.items), expected);
    assert!(held.applied[0] > MAX_PAGE as u64, "pages were joined: {:?}", held.applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_the_hall_at_once() {
    let province = Province::new().await;
    let licence = licence("000000000000003", 1);
    province.put_licence(&licence).await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the first token", |status| status.up && status.token_issued_at.is_some()).await;
    for (status, expected) in [("revoked", LicenceStatus::Revoked), ("valid", LicenceStatus::Valid)] {
        province.set_status(&licence.id, status).await;
        support::eventually("the hot item", || status_of(&hall, &licence.id) == Some(expected)).await;
    }
    assert_eq!(hall.store.held().hot, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_what_was_revoked_comes_first_and_the_status_list_says_the_same() {
    let province = Province::new().await;
    let revoked = licence("000000000000004", 1);
    province.put_licence(&revoked).await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up && status.token_issued_at.is_some()).await;
    hall.cutter.set(Line::Cut);
    running.until("the cut", |status| !status.up && status.trouble.is_some()).await;
    province.set_status(&revoked.id, "revoked").await;
    hall.cutter.set(Line::Open);
    support::eventually("the hot item", || !hall.store.held().hot_items.is_empty()).await;
    support::eventually("the feed item", || status_of(&hall, &revoked.id) == Some(LicenceStatus::Revoked))
        .await;
    let held = hall.store.held();
    let answer = held.status_list.as_ref().unwrap().look_up(0, now()).unwrap();
    assert_eq!((answer.status, answer.expired), (LicenceStatus::Revoked, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_brings_fresh_licences_for_what_the_item_may_ask() {
    let province = Province::new().await;
    let known = licence("000000000000005", 1);
    province.put_licence(&known).await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    let lookup = Lookup {
        holder: holder(),
        kinds: vec![CARD_KIND.parse().unwrap()],
        use_cause: "居住证签注".into(),
        item: ITEM.parse().unwrap(),
        case_no: "H1-20261121-000001".into(),
    };
    assert!(
        running.agent.lookup(lookup.clone()).await.is_err(),
        "before the line is up there is a reason at once"
    );
    running.until("the line", |status| status.up).await;
    let before = now();
    let found = running.agent.lookup(lookup.clone()).await.unwrap();
    assert_eq!(found.licences.len(), 1);
    let facts = &found.licences[0].facts;
    assert_eq!(facts.facts().licence, known.id);
    assert!(facts.facts().checked_at >= before && found.token.issued_at >= before);
    let opened = facts.open(&["name".parse().unwrap()], &found.licences[0].issued.disclosures).unwrap();
    assert_eq!(opened.values().collect::<Vec<_>>(), ["王芳"]);

    let nobody: HolderId = "111:519900200002291029".parse().unwrap();
    let found = running.agent.lookup(Lookup { holder: nobody, ..lookup.clone() }).await.unwrap();
    assert!(found.licences.is_empty());
    // 营业执照 is not among the materials of this item.
    let other = Lookup { kinds: vec!["11100000MB03271699001".parse().unwrap()], ..lookup.clone() };
    let refused = running.agent.lookup(other).await;
    assert!(matches!(refused, Err(Trouble::Refused { status: 403, .. })), "{refused:?}");
    assert!(running.agent.status().borrow().up, "a refusal is no line trouble");

    hall.cutter.set(Line::Cut);
    running.until("the cut", |status| !status.up).await;
    // Whoever asked now would wait for the limit of a look-up: no desk waits for a line that is known to be down.
    hall.cutter.set(Line::Silent);
    let refused = running.agent.lookup(lookup).await;
    assert!(matches!(refused, Err(Trouble::Unreachable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_comes_with_its_register_entry() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up).await;
    let uscc: Uscc = "91239900MATE5T017W".parse().unwrap();
    let organisation = Organisation {
        kind: uscc.organisation_kind(),
        uscc: uscc.clone(),
        name: "安澜测试有限公司".into(),
        legal_representative: LegalRepresentative {
            name: "王芳".into(),
            document: IdentityDocument::new(IdKind::ResidentId, "519900199003070011").unwrap(),
        },
        address: "安澜市临江街道2号".into(),
        registered: "2020-01-01".parse().unwrap(),
        phone: "18000000001".into(),
        agents: Vec::new(),
    };
    let register = json!({ "organisations": [{ "slug": "ceshi", "organisation": organisation }] });
    province.post("/admin/people", register).await;
    let lookup = Lookup {
        holder: HolderId::Organisation(uscc.clone()),
        kinds: Vec::new(),
        use_cause: "核对法定代表人".into(),
        item: ITEM.parse().unwrap(),
        case_no: "H1-20261121-000002".into(),
    };
    let found = running.agent.lookup(lookup).await.unwrap();
    assert_eq!(found.organisation.unwrap(), organisation);
    // The whole register reaches the cache as a document, announced in the feed.
    let held = || hall.store.held().documents.get(&DocumentKind::Organisations).cloned();
    support::eventually("the register", || held().is_some()).await;
    let cached: Vec<Organisation> = held().unwrap().read(DocumentKind::Organisations).unwrap();
    assert_eq!(cached, [organisation]);
}

/// Records something that happened to a case.
fn record(hall: &Hall, name: &str, at: Timestamp, kind: EntryKind, event: CaseEvent) {
    let record = CaseRecord {
        case: name.parse().unwrap(),
        no: format!("H1-20261121-{name}").parse().unwrap(),
        at,
        clerk: "li.qiang".parse().unwrap(),
        event,
    };
    hall.store.record(kind, at, cbor::encode(&record).unwrap());
}

/// Records a whole case as a desk does: opened, licence used, submitted, package sealed.
fn record_case(hall: &Hall, name: &str, used: &LicenceId, mode: Mode, at: Timestamp, blobs: &[BlobId]) {
    record_case_to_be_completed(hall, name, used, mode, at, blobs, None);
}

fn record_case_to_be_completed(
    hall: &Hall,
    name: &str,
    used: &LicenceId,
    mode: Mode,
    at: Timestamp,
    blobs: &[BlobId],
    follow: Option<Follow>,
) {
    let record = |kind: EntryKind, event: CaseEvent| record(hall, name, at, kind, event);
    record(
        EntryKind::CaseOpened,
        CaseEvent::Opened {
            item: ITEM.parse().unwrap(),
            item_version: 1,
            item_name: "居住证签注".into(),
            applicant: hall_domain::ApplicantKind::Person,
            window: "W01".parse().unwrap(),
            hall: "安澜市政务服务大厅".into(),
        },
    );
    let uses = vec![LicenceUse {
        alias: None,
        material: "m1".parse().unwrap(),
        licence: used.clone(),
        kind: CARD_KIND.parse().unwrap(),
        version: 1,
        use_code: "LX-1".into(),
        envelope: "00".repeat(32),
        opened: BTreeMap::new(),
        grade: LicenceGrade::L3,
        status_at: at,
        mode,
        statement: None,
    }];
    record(EntryKind::LicenceUsed, CaseEvent::LicencesUsed { uses });
    let outcome = if follow.is_some() { Outcome::MaterialsToFollow } else { Outcome::AcceptForReview };
    let judgement = Judgement { outcome, sentence: "待复核".into(), raise: None };
    let submitted =
        CaseEvent::Submitted { judgement, mode, second: None, hours_offline: 0, supervisor: None, follow };
    record(EntryKind::CaseSubmitted, submitted);
    let blobs = blobs.iter().map(ToString::to_string).collect();
    record(EntryKind::PackageSealed, CaseEvent::PackageSealed { manifest: "00".repeat(32), blobs });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_passes_once_its_whole_package_is_there() {
    let province = Province::new().await;
    let used = licence("000000000000006", 1);
    province.put_licence(&used).await;
    let hall = Hall::enrolled(&province).await;
    let bytes = vec![7; 3_000_000];
    let scan = hall_ledger::blob::Manifest::of(&bytes).unwrap().id();
    let running = hall.agent();
    running.until("the line", |status| status.up).await;
    record_case(&hall, "000001", &used.id, Mode::Online, now(), &[scan]);
    // Cases are judged in order: when the second is, the first was looked at and left waiting.
    record_case(&hall, "000002", &used.id, Mode::Online, now(), &[]);
    running.agent.nudge();
    support::eventually("the second case", || dispositions(&hall).len() == 1).await;
    assert_eq!(dispositions(&hall)[0].case_no, "H1-20261121-000002");
    let case = province.get("/admin/cases/H1-20261121-000001").await;
    assert_eq!(
        (case["state"].as_str(), case["blobs"]["lacking"].as_u64()),
        (Some("sealed"), Some(1)),
        "{case}"
    );

    assert_eq!(hall.store.attach(bytes), scan);
    running.agent.nudge();
    support::eventually("the disposition", || dispositions(&hall).len() == 2).await;
    let disposition = &dispositions(&hall)[1];
    assert_eq!((disposition.outcome, disposition.seq), (Judged::Ratified, 2));
    assert_eq!((disposition.case_no.as_str(), disposition.log), ("H1-20261121-000001", hall.identity.log));
    let case = province.get("/admin/cases/H1-20261121-000001").await;
    assert_eq!(
        (case["state"].as_str(), case["judgement"]["zh"].as_str()),
        (Some("judged"), Some("复核通过"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_passed_on_condition_passes_once_what_follows_has_come() {
    let province = Province::new().await;
    let used = licence("000000000000010", 1);
    province.put_licence(&used).await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up).await;
    let materials = ["m2".parse().unwrap()].into();
    let follow = Follow { materials, identity: true, by: now().local_date() };
    record_case_to_be_completed(&hall, "000001", &used.id, Mode::Online, now(), &[], Some(follow));
    running.agent.nudge();
    support::eventually("the condition", || dispositions(&hall).len() == 1).await;
    assert_eq!(dispositions(&hall)[0].outcome, Judged::Conditional);

    let bytes = vec![8; 1_000];
    let scan = hall_ledger::blob::Manifest::of(&bytes).unwrap().id();
    let supplied = |id, material: Option<&str>| CaseEvent::MaterialSupplied {
        attachment: Attachment {
            id,
            material: material.map(|material| material.parse().unwrap()),
            name: "补交.pdf".into(),
            media_type: "application/pdf".into(),
            size: 1_000,
            sha256: "00".into(),
            blob: scan.to_string(),
        },
    };
    record(&hall, "000001", now(), EntryKind::MaterialAttached, supplied(1, Some("m2")));
    // A case that needs nothing more shows that the centre has seen the first half, and what it makes of it.
    record_case(&hall, "000002", &used.id, Mode::Online, now(), &[]);
    running.agent.nudge();
    support::eventually("the second case", || dispositions(&hall).len() == 2).await;
    assert_eq!(
        dispositions(&hall)[1].case_no,
        "H1-20261121-000002",
        "the identity document is still missing"
    );

    record(&hall, "000001", now(), EntryKind::MaterialAttached, supplied(2, None));
    record_case(&hall, "000003", &used.id, Mode::Online, now(), &[]);
    running.agent.nudge();
    support::eventually("the third case", || dispositions(&hall).len() == 3).await;
    assert_eq!(dispositions(&hall)[2].case_no, "H1-20261121-000003", "the scan itself is not here yet");

    assert_eq!(hall.store.attach(bytes), scan);
    running.agent.nudge();
    support::eventually("the last word", || dispositions(&hall).len() == 4).await;
    let last = &dispositions(&hall)[3];
    assert_eq!((last.case_no.as_str(), last.outcome), ("H1-20261121-000001", Judged::Ratified));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_revoked_during_the_outage_decides_the_case_by_the_time_of_use() {
    let province = Province::new().await;
    let (early, late, good) =
        (licence("000000000000007", 1), licence("000000000000008", 1), licence("000000000000009", 1));
    for licence in [&early, &late, &good] {
        province.put_licence(licence).await;
    }
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    running.until("the line", |status| status.up && status.token_issued_at.is_some()).await;
    hall.cutter.set(Line::Cut);
    running.until("the cut", |status| !status.up).await;

    province.set_status(&early.id, "revoked").await;
    let used_at = now().plus_ms(1_000);
    for (name, licence) in [("000001", &early), ("000002", &late), ("000003", &good)] {
        record_case(&hall, name, &licence.id, Mode::Offline, used_at, &[]);
    }
    support::eventually("the time of use to pass", || now() > used_at.plus_ms(100)).await;
    province.set_status(&late.id, "revoked").await;
    hall.cutter.set(Line::Open);
    support::eventually("the dispositions", || dispositions(&hall).len() == 3).await;
    let outcomes: Vec<_> = dispositions(&hall)
        .into_iter()
        .map(|found| {
            let licences: Vec<_> = found.findings.iter().map(|finding| finding.licence.clone()).collect();
            let knew = found.findings.iter().any(|finding| finding.box_knew);
            (found.case_no, found.outcome, licences, knew)
        })
        .collect();
    let no = |name: &str| format!("H1-20261121-{name}");
    assert_eq!(
        outcomes,
        [
            (no("000001"), Judged::ReturnedRevoked, vec![early.id.clone()], false),
            (no("000002"), Judged::PassedRevokedLater, vec![late.id.clone()], false),
            (no("000003"), Judged::Ratified, vec![], false),
        ]
    );
    // Sent again, judged again: nothing is told twice.
    running.agent.nudge();
    running.until_receipted(12).await;
    assert_eq!(dispositions(&hall).len(), 3);
}

/// Facts about earlier numbers that the box was told, and whether each stands.
fn facts(hall: &Hall) -> Vec<(AliasId, Option<String>)> {
    let held = hall.store.held();
    let found = held.items.iter().filter_map(|item| match &item.change {
        VerifiedChange::HolderAlias { id, fact, .. } => {
            Some((*id, fact.as_ref().map(|fact| fact.other().key())))
        }
        _ => None,
    });
    found.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_number_is_known_to_the_hall_from_its_feed_and_from_a_look_up_and_ends_with_the_authoritys_word()
 {
    let province = Province::new().await;
    let earlier = "111:519900900307001";
    let other: HolderId = earlier.parse().unwrap();
    province.put_licence(&licence("000000000000006", 1)).await;
    let under = Licence { holder: other.clone(), ..licence("000000000000007", 1) };
    province.put_licence(&under).await;
    let fact = json!({
        "holder": holder().key(), "other": earlier, "kind": "fifteen_digits",
        "since": "2001-06-01", "source": "安澜市公安局",
    });
    let told = province.post("/admin/aliases", fact).await;
    let id: AliasId = told["id"].as_str().unwrap().parse().unwrap();
    // The hall is new: its feed comes together with the keys that open what is sealed in it.
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent();
    support::eventually("the fact", || facts(&hall) == [(id, Some(earlier.to_owned()))]).await;
    running.until("the line", |status| status.up).await;

    let lookup = Lookup {
        holder: holder(),
        kinds: vec![CARD_KIND.parse().unwrap()],
        use_cause: "居住证签注".into(),
        item: ITEM.parse().unwrap(),
        case_no: "H1-20261121-000001".into(),
    };
    let found = running.agent.lookup(lookup.clone()).await.unwrap();
    assert_eq!(found.licences.len(), 1, "what lies under the earlier number is not the holder's own");
    let [candidate] = &found.aliased[..] else { panic!("one earlier number") };
    assert_eq!((candidate.alias.id(), candidate.alias.other()), (id, &other));
    assert_eq!(candidate.licences[0].facts.facts().licence, under.id);

    province.post(&format!("/admin/aliases/{id}/withdraw"), json!({})).await;
    support::eventually("its end", || facts(&hall).last() == Some(&(id, None))).await;
    assert!(running.agent.lookup(lookup).await.unwrap().aliased.is_empty());
}
