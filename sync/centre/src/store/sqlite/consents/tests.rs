use super::*;
use crate::testing::Bench;
use hall_domain::case::{CaseRecord, LicenceUse, Mode, OfficeGround, Secondary};
use hall_domain::consent::ConsentRow;
use hall_domain::{LicenceGrade, LicenceId};
use hall_ledger::entry::{ClockReading, Known};

const NO: &str = "H1-20261121-000001";
const LICENCE: &str = "1.2.156.3005.2.11100000000013127D001.11519900MBTE5T0968.TE5T00000000001.001.R";

fn entry(bench: &Bench, seq: u64, event: CaseEvent) -> CaseEntry {
    let at = bench.app.now();
    CaseEntry {
        seq,
        wall: at,
        clock: ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: Some(1), error_ms: 20 },
        known: Known { scope: String::new(), feed: 0, hot: 0, token_at: None, policy: 1, keys: 1 },
        received_at: at,
        record: CaseRecord {
            case: "000001".parse().unwrap(),
            no: NO.parse().unwrap(),
            at,
            clerk: "li.qiang".parse().unwrap(),
            event,
        },
    }
}

fn request(bench: &Bench) -> ConsentRequest {
    let person: HolderId = "111:519900199003070011".parse().unwrap();
    let row = ConsentRow {
        alias: None,
        material: "m1".parse().unwrap(),
        licence: LICENCE.parse().unwrap(),
        kind: "11100000000013127D001".parse().unwrap(),
        name: "居民身份证".into(),
        holder: person.clone(),
        fields: vec!["name".parse().unwrap()],
        labels: vec!["姓名".into()],
        required: true,
    };
    ConsentRequest {
        case_no: NO.parse().unwrap(),
        item: "11519900MBTE5T27252000100002001".parse().unwrap(),
        item_name: "婚姻登记预约".into(),
        department: "安澜市民政局".into(),
        hall: "安澜市政务服务大厅".into(),
        window: "W01".parse().unwrap(),
        person,
        person_name: "王芳".into(),
        on_behalf_of: None,
        rows: vec![row],
        text_version: "auth-2026-11".into(),
        offline: true,
        asked_at: bench.app.now(),
    }
}

fn asked(bench: &Bench, digest: Hash) -> CaseEvent {
    CaseEvent::ConsentAsked {
        request: Box::new(request(bench)),
        digest: format!("sha-256:{digest}"),
        command: "c1".parse().unwrap(),
        device: "evaluator-1".into(),
        deadline: bench.app.now(),
        phone: None,
        office: None,
    }
}

#[tokio::test]
async fn what_was_agreed_on_an_evaluator_is_known_by_its_entry_and_its_withdrawal_goes_to_the_hall() {
    let bench = Bench::new().await;
    let (log, _) = bench.hall("990001").await;
    let db = bench.database();
    let digest = Hash::of(b"shown");
    fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, digest))).unwrap();
    let given = CaseEvent::ConsentGiven {
        command: "c1".parse().unwrap(),
        refused: BTreeSet::new(),
        answer: String::new(),
    };
    fold(&db, log, "990001", &entry(&bench, 2, given)).unwrap();
    let used = LicenceUse {
        alias: None,
        material: "m1".parse().unwrap(),
        licence: LICENCE.parse::<LicenceId>().unwrap(),
        kind: "11100000000013127D001".parse().unwrap(),
        version: 1,
        use_code: "LX-A-1-7".into(),
        envelope: String::new(),
        opened: std::collections::BTreeMap::new(),
        grade: LicenceGrade::L3,
        status_at: bench.app.now(),
        mode: Mode::Offline,
        statement: None,
    };
    fold(&db, log, "990001", &entry(&bench, 3, CaseEvent::LicencesUsed { uses: vec![used] })).unwrap();

    let id = Id::of_entry(log, 2);
    let kept = bench.app.store.consent(id).await.unwrap().unwrap();
    assert_eq!((kept.digest, kept.via, kept.case_no.as_deref()), (digest, Via::Evaluator, Some(NO)));
    assert_eq!(kept.rows[0].use_code.as_deref(), Some("LX-A-1-7"));

    let at = bench.app.now();
    let notice = Notice::new(at, crate::citizen::notice::NoticeKind::Withdrawal, "授权已撤回", "");
    assert!(bench.app.store.withdraw(id, WithdrawnAt::Phone, notice.clone(), at).await.unwrap());
    assert!(!bench.app.store.withdraw(id, WithdrawnAt::Phone, notice, at).await.unwrap());
    let last = bench.feed("990001").await.pop().unwrap();
    let told = ConsentWithdrawn { case_no: NO.into(), at, by: WithdrawnBy::Citizen };
    assert_eq!((last.change, last.hot), (Change::ConsentWithdrawn(told), Some(1)));
    let knows = bench.app.store.case_knowledge(log, NO).await.unwrap();
    assert_eq!(knows.mandate_ended, Some(at));
}

#[tokio::test]
async fn what_was_withdrawn_at_a_window_is_withdrawn_for_the_citizen_and_told_once() {
    let bench = Bench::new().await;
    let (log, _) = bench.hall("990001").await;
    let db = bench.database();
    fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, Hash::of(b"shown")))).unwrap();
    let given = CaseEvent::ConsentGiven {
        command: "c1".parse().unwrap(),
        refused: BTreeSet::new(),
        answer: String::new(),
    };
    fold(&db, log, "990001", &entry(&bench, 2, given)).unwrap();
    let since = bench.app.now();
    let withdrawn = CaseEvent::ConsentWithdrawn { at: WithdrawnAt::Window, since };
    for seq in [3, 4] {
        fold(&db, log, "990001", &entry(&bench, seq, withdrawn.clone())).unwrap();
    }
    let kept = consent(&db, Id::of_entry(log, 2)).unwrap().unwrap();
    assert_eq!(kept.withdrawn_at, Some(since));
    let told = notices(&db, &kept.by, 0, 10).unwrap();
    assert_eq!(told.len(), 1, "told once");
    assert!(told[0].2.text.contains("大厅窗口"), "{}", told[0].2.text);
    let hall = bench.feed("990001").await;
    assert!(hall.iter().all(|item| item.hot.is_none()), "the hall knows it already");
}

#[tokio::test]
async fn a_look_by_office_is_told_to_the_citizen_with_its_ground_and_cannot_be_taken_back() {
    let bench = Bench::new().await;
    let (log, _) = bench.hall("990001").await;
    let db = bench.database();
    let CaseEvent::ConsentAsked { request, digest, command, device, deadline, phone, .. } =
        asked(&bench, Hash::of(b"shown"))
    else {
        panic!("another event")
    };
    let supervisor = Secondary { account: "zhou.ning".parse().unwrap(), at: bench.app.now() };
    let office = Some(OfficeGround { basis: "《社会保险法》第七十四条".into(), supervisor });
    let told = CaseEvent::ConsentAsked {
        request,
        digest,
        command: command.clone(),
        device,
        deadline,
        phone,
        office,
    };
    fold(&db, log, "990001", &entry(&bench, 1, told)).unwrap();
    for _ in 0..2 {
        let noticed = CaseEvent::OfficeNoticed { command: command.clone(), answer: String::new() };
        fold(&db, log, "990001", &entry(&bench, 2, noticed)).unwrap();
    }
    let kept = consent(&db, Id::of_entry(log, 2)).unwrap().unwrap();
    assert_eq!((kept.via, kept.basis.as_deref()), (Via::Office, Some("《社会保险法》第七十四条")));
    let seen = notices(&db, &kept.by, 0, 10).unwrap();
    assert_eq!(seen.len(), 1, "told once");
    let notice = &seen[0].2;
    assert_eq!((notice.kind, notice.consent), (NoticeKind::LegalBasis, Some(kept.id)));
    for said in ["安澜市民政局", "《社会保险法》第七十四条", "居民身份证", "不需要您授权"]
    {
        assert!(notice.text.contains(said), "{said}: {}", notice.text);
    }
    let gone = CaseEvent::ConsentWithdrawn { at: WithdrawnAt::Window, since: bench.app.now() };
    fold(&db, log, "990001", &entry(&bench, 3, gone)).unwrap();
    assert_eq!(consent(&db, kept.id).unwrap().unwrap().withdrawn_at, None);
}

#[tokio::test]
async fn what_was_agreed_to_ends_with_a_case_that_is_given_up_and_holds_again_when_it_is_taken_up() {
    let bench = Bench::new().await;
    let (log, _) = bench.hall("990001").await;
    let db = bench.database();
    fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, Hash::of(b"shown")))).unwrap();
    let (command, answer) = ("c1".parse().unwrap(), String::new());
    let given = CaseEvent::ConsentGiven { command, refused: BTreeSet::new(), answer };
    fold(&db, log, "990001", &entry(&bench, 2, given)).unwrap();
    let ended = || consent(&db, Id::of_entry(log, 2)).unwrap().unwrap().ended_at;
    assert_eq!(ended(), None);
    fold(&db, log, "990001", &entry(&bench, 3, CaseEvent::Abandoned { reason: "left".into() })).unwrap();
    assert_eq!(ended(), Some(bench.app.now()));
    fold(&db, log, "990001", &entry(&bench, 4, CaseEvent::Reopened)).unwrap();
    assert_eq!(ended(), None);
}

#[tokio::test]
async fn a_withdrawal_that_was_quicker_than_the_entry_reaches_the_hall_with_it() {
    let bench = Bench::new().await;
    let (log, _) = bench.hall("990001").await;
    let db = bench.database();
    let digest = Hash::of(b"shown");
    let request = request(&bench);
    let seen =
        Consent::from_evaluator((log, 9), "990001", &request, digest, &BTreeSet::new(), bench.app.now());
    let phone =
        Consent { case_no: None, via: Via::Phone, nonce: Some(ChallengeNonce([3; 16])), ..seen.unwrap() };
    add(&db, phone.clone()).unwrap();
    let at = bench.app.now();
    let notice = Notice::new(at, crate::citizen::notice::NoticeKind::Withdrawal, "授权已撤回", "");
    assert!(withdraw(&db, phone.id, WithdrawnAt::Centre, &notice, at).unwrap());
    assert!(bench.feed("990001").await.iter().all(|item| item.hot.is_none()));
    fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, digest))).unwrap();
    let last = bench.feed("990001").await.pop().unwrap();
    let Change::ConsentWithdrawn(told) = last.change else { panic!("another change") };
    assert_eq!((told.case_no.as_str(), told.by), (NO, WithdrawnBy::Centre));
    assert_eq!(consent(&db, phone.id).unwrap().unwrap().case_no.as_deref(), Some(NO));
}
