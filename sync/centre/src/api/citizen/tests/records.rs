//! Licences, consents and what becomes of them.

use super::*;
use crate::casefile::CaseEntry;
use crate::store::{Appended, Batch, NewEntry};
use hall_domain::case::{CaseEvent, CaseRecord, WithdrawnAt};
use hall_domain::consent::{ConsentRequest as Page, ConsentRow};
use hall_ledger::entry::{Body, ClockReading, Entry, EntryKind, Known, RequestId};
use hall_ledger::feed::Change;
use hall_ledger::head::Draft;
use hall_ledger::phone::PaperReceipt;
use hall_ledger::{LedgerHead, Salt};

#[tokio::test]
async fn a_licence_is_claimed_by_kind_shown_masked_and_whole_only_after_a_face() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let names = async || -> Vec<String> {
        let cards = phone.get("/licences").await.ok();
        let cards = cards["licences"].as_array().unwrap().clone();
        cards.iter().map(|card| card["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names().await, ["居民身份证"]);
    let claimed = phone.post("/claims", json!({ "kind": HOUSEHOLD })).await.ok();
    let shown = claimed.to_string();
    assert!(!shown.contains(FANG.0) && !shown.contains(FANG.1) && shown.contains("王*"), "{shown}");
    assert_eq!(names().await.len(), 2);
    let missing = phone.post("/claims", json!({ "kind": "11100099MCTE5T348W002" })).await;
    let other_holder = phone.post("/claims", json!({ "kind": "11100099MCTE5T1533001" })).await;
    assert_eq!(missing.refused(), refused(404, "no-such-licence"));
    assert_eq!(other_holder.refused(), refused(404, "no-such-licence"));
    let licence = &claimed["licences"][0]["licence"];
    let ask = json!({ "licence": licence, "face_ticket": phone.ticket().await });
    let original = phone.post("/licences/original", ask).await.ok();
    assert!(original["fields"].as_array().unwrap().iter().any(|field| field["value"] == FANG.1));
    assert!(original["watermark"].as_str().unwrap().contains("仅供持证人本人查看"));
    // Nobody else's, face or not.
    let wei = town.phone(WEI).await;
    let ask = json!({ "licence": licence, "face_ticket": wei.ticket().await });
    assert_eq!(wei.post("/licences/original", ask).await.refused(), refused(404, "no-such-licence"));
    assert_eq!(phone.post("/claims/remove", json!({ "kind": HOUSEHOLD })).await.status, 204);
    assert_eq!(names().await, ["居民身份证"]);
}

#[tokio::test]
async fn the_catalogue_is_searched_by_department_kind_and_item() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let found = phone.get("/catalogue?q=%E5%A9%9A&holder=person").await.ok();
    let names = found["departments"].to_string();
    assert!(names.contains("结婚证") && !names.contains("营业执照"), "{names}");
    let items = phone.get("/catalogue/items?q=%E5%A9%9A%E5%A7%BB").await.ok();
    assert_eq!(items["items"][0]["kinds"], json!([CARD, HOUSEHOLD]));
}

#[tokio::test]
async fn a_consent_is_withdrawn_once_and_anybody_with_the_receipt_can_see_that() {
    let town = Town::new().await;
    let (phone, other) = (town.phone(FANG).await, town.phone(WEI).await);
    let request = wedding(&["m1"]);
    let digest = request.digest;
    let (nonce, qr) = town.challenge(Asked::Consent(request));
    phone.read(&qr, "own").await.ok();
    let got = phone.answer(nonce, json!({ "decision": "agree" })).await.ok();
    let id = got["consent"].as_str().unwrap().to_owned();
    let record = phone.get(&format!("/consents/{id}")).await.ok();
    assert_eq!(record["header"]["schema_version"], "27560:2023");
    assert_eq!(record["pii_processing"]["purposes"][0]["pii_information"][0]["pii_type"], "居民身份证");
    assert!(!record.to_string().contains(FANG.1), "{record}");
    assert_eq!(other.get(&format!("/consents/{id}")).await.refused(), refused(404, "unknown"));
    assert_eq!(
        other.post(&format!("/consents/{id}/withdraw"), json!({})).await.refused(),
        refused(404, "unknown")
    );

    let receipt =
        async |digest: Hash| town.ask("GET", &format!("/receipts/{id}?digest={digest}"), "", None).await.ok();
    assert_eq!(receipt(digest).await["state"], "in_force");
    let wrong = receipt(Hash::of(b"another")).await;
    assert_eq!(wrong, json!({ "id": id, "genuine": false, "state": "unknown" }));
    for _ in 0..2 {
        let withdrawn = phone.post(&format!("/consents/{id}/withdraw"), json!({})).await.ok();
        assert_eq!(withdrawn["events"][1]["event_state"], "consent_withdrawn");
    }
    assert_eq!(receipt(digest).await["state"], "withdrawn");
    assert_eq!(phone.message_kinds().await, ["withdrawal"]);
    // The hall hears of it once the centre knows which case it is.
    let told = town
        .bench
        .feed("990001")
        .await
        .into_iter()
        .any(|item| matches!(item.change, Change::ConsentWithdrawn(_)));
    assert!(!told);
}

#[tokio::test]
async fn messages_are_numbered_read_and_waited_for() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let notice = |title: &str| {
        let now = town.app().now();
        crate::citizen::notice::Notice::new(now, crate::citizen::notice::NoticeKind::Account, title, "正文")
    };
    let me = identity(FANG.1);
    town.app().store.notify(&me, notice("一")).await.unwrap();
    let first = phone.get("/messages").await.ok();
    assert_eq!(first["unread"], 1);
    let number = first["messages"][0]["number"].as_u64().unwrap();
    let path = format!("/messages?wait=30&after={number}");
    let waiting = phone.get(&path);
    let telling = async {
        tokio::task::yield_now().await;
        town.app().store.notify(&me, notice("二")).await.unwrap();
        crate::citizen::session::woken(town.app(), &me);
    };
    let (got, ()) = tokio::join!(waiting, telling);
    let got = got.ok();
    assert_eq!(got["messages"][0]["title"], "二");
    assert_eq!(phone.post("/messages/read", json!({ "up_to": number })).await.status, 204);
    assert_eq!(phone.get("/messages").await.ok()["unread"], 1);
}

/// The entries of a visit as the box signs them: asked, agreed to on the evaluator, withdrawn at the window.
fn visit(town: &Town) -> Vec<Batch> {
    let at = town.app().now();
    let person: HolderId = format!("111:{}", FANG.1).parse().unwrap();
    let row = ConsentRow {
        alias: None,
        material: "m1".parse().unwrap(),
        licence: "1.2.156.3005.2.11100000000013127D001.11519900MBTE5T0968.TE5T00000000001.001.R"
            .parse()
            .unwrap(),
        kind: CARD.parse().unwrap(),
        name: "居民身份证".into(),
        holder: person.clone(),
        fields: vec!["name".parse().unwrap()],
        labels: vec!["姓名".into()],
        required: true,
    };
    let page = Page {
        case_no: NO.parse().unwrap(),
        item: WEDDING.parse().unwrap(),
        item_name: "婚姻登记预约".into(),
        department: "安澜市民政局".into(),
        hall: "安澜市政务服务大厅".into(),
        window: "W01".parse().unwrap(),
        person,
        person_name: FANG.0.into(),
        on_behalf_of: None,
        rows: vec![row],
        text_version: "auth-2026-11".into(),
        offline: true,
        asked_at: at,
    };
    let asked = CaseEvent::ConsentAsked {
        request: Box::new(page),
        digest: format!("sha-256:{}", Hash::of(b"shown")),
        command: "c1".parse().unwrap(),
        device: "ev-1".into(),
        deadline: at,
        phone: None,
        office: None,
    };
    let given = CaseEvent::ConsentGiven {
        command: "c1".parse().unwrap(),
        refused: Default::default(),
        answer: String::new(),
    };
    let gone = CaseEvent::ConsentWithdrawn { at: WithdrawnAt::Window, since: at };
    signed(
        town,
        vec![
            (EntryKind::ConsentAsked, asked),
            (EntryKind::ConsentGiven, given),
            (EntryKind::ConsentWithdrawn, gone),
        ],
    )
}

/// Entries of one case as the box signs them, each in a batch of its own.
pub(super) fn signed(town: &Town, events: Vec<(EntryKind, CaseEvent)>) -> Vec<Batch> {
    let at = town.app().now();
    let mut head = LedgerHead::new(town.log);
    let sealed = events.into_iter().map(|(kind, event)| {
        let record = CaseRecord {
            case: "000001".parse().unwrap(),
            no: NO.parse().unwrap(),
            at,
            clerk: "li.qiang".parse().unwrap(),
            event,
        };
        let clock = ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: Some(1), error_ms: 20 };
        let known = Known { scope: String::new(), feed: 0, hot: 0, token_at: None, policy: 1, keys: 1 };
        let draft = Draft {
            kind,
            wall: at,
            clock,
            known: known.clone(),
            request: RequestId([2; 16]),
            body: hall_ledger::cbor::encode(&record).unwrap(),
            salt: Salt([3; 16]),
        };
        let expected_size = head.size();
        let sealed = head.seal(&town.key, draft).unwrap();
        let entry = Entry { cose: sealed.cose, body: Some(Body { salt: sealed.salt, bytes: sealed.body }) };
        let new = NewEntry { seq: sealed.seq, kind: kind.to_string(), leaf: sealed.leaf, entry, read: true };
        let case = CaseEntry { seq: sealed.seq, wall: at, clock, known, received_at: at, record };
        Batch { expected_size, head: head.clone(), entries: vec![new], cases: vec![case], received_at: at }
    });
    sealed.collect()
}

pub(super) const NO: &str = "990001-20261121-00001";

impl Town {
    pub(super) async fn take(&self, batch: Batch) {
        let taken = self.app().store.append(self.log, batch).await.unwrap();
        assert!(matches!(taken, Appended::Stored { .. }));
    }

    pub(super) async fn receipt(&self, printed: &str) -> Value {
        self.ask("POST", "/receipts/verify", "", Some(json!({ "receipt": printed }))).await.ok()
    }
}

#[tokio::test]
async fn a_printed_receipt_is_genuine_before_its_entry_has_come_and_tells_of_a_withdrawal_after_it() {
    let town = Town::new().await;
    let [asked, given, gone]: [Batch; 3] = visit(&town).try_into().ok().unwrap();
    let consent = PaperReceipt {
        issued: crate::citizen::capacity::whole(town.app().now()),
        log: town.log,
        seq: given.entries[0].seq,
        leaf: given.entries[0].leaf,
        case_no: NO.parse().unwrap(),
    };
    let printed = to_qr(&consent.sign(&town.key));
    town.take(asked).await;
    let early = town.receipt(&printed).await;
    assert_eq!((&early["genuine"], &early["arrived"]), (&json!(true), &json!(false)));
    assert_eq!(early["state"], "at_box");
    assert!(early["message"].as_str().unwrap().contains("一体机已登记，尚未传到省级中心"), "{early}");
    town.take(given).await;
    let arrived = town.receipt(&printed).await;
    assert_eq!((&arrived["arrived"], &arrived["state"]), (&json!(true), &json!("in_force")));
    town.take(gone).await;
    let withdrawn = town.receipt(&printed).await;
    assert_eq!((&withdrawn["genuine"], &withdrawn["state"]), (&json!(true), &json!("withdrawn")));
    assert!(withdrawn["withdrawn_at"].is_i64(), "{withdrawn}");
    let told = format!("{early}{arrived}{withdrawn}");
    for personal in [FANG.0, FANG.1, "王*", "居民身份证", "婚姻"] {
        assert!(!told.contains(personal), "{told}");
    }
}

#[tokio::test]
async fn a_receipt_that_the_box_did_not_sign_or_whose_ledger_says_otherwise_is_not_genuine() {
    let town = Town::new().await;
    let batches = visit(&town);
    let places: Vec<(u64, Hash)> =
        batches.iter().map(|batch| (batch.entries[0].seq, batch.entries[0].leaf)).collect();
    for batch in batches {
        town.take(batch).await;
    }
    let receipt = |(seq, leaf): (u64, Hash), case_no: &str| PaperReceipt {
        issued: crate::citizen::capacity::whole(town.app().now()),
        log: town.log,
        seq,
        leaf,
        case_no: case_no.parse().unwrap(),
    };
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let forged = [
        receipt(places[1], NO).sign(&stranger),
        receipt((1, Hash::of(b"another history")), NO).sign(&town.key),
        receipt(places[1], "990001-20261121-00002").sign(&town.key),
        // Signed and there, but it records no consent.
        receipt(places[0], NO).sign(&town.key),
    ];
    for bytes in forged {
        let seen = town.receipt(&to_qr(&bytes)).await;
        assert_eq!((&seen["genuine"], &seen["state"]), (&json!(false), &json!("unknown")));
    }
    let elsewhere = LogId::new(hall_ledger::BoxId([0xee; 16]), 1);
    let unknown = PaperReceipt { log: elsewhere, ..receipt(places[1], NO) }.sign(&town.key);
    let ask = |text: String| town.ask("POST", "/receipts/verify", "", Some(json!({ "receipt": text })));
    assert_eq!(ask(to_qr(&unknown)).await.refused(), refused(403, "unknown-box"));
    assert_eq!(ask("HBHZ/1/2".to_owned()).await.refused(), refused(400, "not-a-receipt"));
    let (_, other_kind) = town.challenge(Asked::Face);
    assert_eq!(ask(other_kind).await.refused(), refused(400, "not-a-receipt"));
}

#[tokio::test]
async fn an_operator_withdraws_for_a_citizen_who_telephoned_and_everybody_hears_where() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let [asked, given, _]: [Batch; 3] = visit(&town).try_into().ok().unwrap();
    town.take(asked).await;
    town.take(given).await;
    let no = NO.parse().unwrap();
    let withdraw = async || crate::citizen::consent::withdraw_for(town.app(), &no).await.unwrap();
    assert_eq!((withdraw().await, withdraw().await), (Some(1), Some(0)), "once");
    let unknown = "990001-20261121-00009".parse().unwrap();
    assert_eq!(crate::citizen::consent::withdraw_for(town.app(), &unknown).await.unwrap(), None);
    let told = town.bench.feed("990001").await.into_iter().find_map(|item| match item.change {
        Change::ConsentWithdrawn(told) => Some(told),
        _ => None,
    });
    assert_eq!(told.map(|told| told.by), Some(hall_ledger::feed::WithdrawnBy::Centre));
    let rows = phone.get("/consents").await.ok();
    let id = rows["consents"][0]["id"].as_str().unwrap();
    assert_eq!(rows["consents"][0]["state"], "withdrawn");
    assert_eq!(phone.get(&format!("/consents/{id}")).await.ok()["events"][1]["place"], "centre");
    let messages = phone.get("/messages").await.ok();
    let text = messages["messages"][0]["text"].as_str().unwrap();
    assert!(text.contains("省级中心已按您的要求撤回"), "{text}");
}

#[tokio::test]
async fn a_consent_of_a_case_that_was_given_up_holds_no_more() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let [asked, given, _]: [Batch; 3] = visit(&town).try_into().ok().unwrap();
    let (CaseEvent::ConsentAsked { .. }, CaseEvent::ConsentGiven { .. }) =
        (&asked.cases[0].record.event, &given.cases[0].record.event)
    else {
        panic!("another visit")
    };
    let events = [&asked, &given].map(|batch| {
        let kind = batch.entries[0].kind.clone();
        let kind = if kind == EntryKind::ConsentAsked.to_string() {
            EntryKind::ConsentAsked
        } else {
            EntryKind::ConsentGiven
        };
        (kind, batch.cases[0].record.event.clone())
    });
    let over = (EntryKind::CaseClosed, CaseEvent::Abandoned { reason: "left".into() });
    for batch in signed(&town, events.into_iter().chain([over]).collect()) {
        town.take(batch).await;
    }
    let rows = phone.get("/consents").await.ok();
    assert_eq!(
        (&rows["consents"][0]["state"], &rows["consents"][0]["state_zh"]),
        (&json!("ended"), &json!("办件已终止"))
    );
    let id = rows["consents"][0]["id"].as_str().unwrap();
    let record = phone.get(&format!("/consents/{id}")).await.ok();
    assert_eq!(record["events"][1]["event_state"], "consent_ended");
    let kept = &record["pii_processing"]["purposes"][0]["retention_period"];
    assert_eq!(kept, hall_domain::consent::record::RETENTION);
}
