//! Licences, consents and what becomes of them.

use super::*;
use hall_ledger::feed::Change;

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
