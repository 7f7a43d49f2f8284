//! 委托代办: delegations, and what a principal confirms from elsewhere.

use super::*;

async fn give(phone: &Phone<'_>, changes: Value) -> Got {
    let until = phone.town.app().now().plus_hours(240).0 / 1000;
    let mut body = json!({
        "agent": { "name": WEI.0, "document": document(WEI.1) },
        "item": WEDDING, "kinds": [CARD], "until": until, "face_ticket": phone.ticket().await,
    });
    for (member, value) in changes.as_object().unwrap() {
        body[member] = value.clone();
    }
    phone.post("/delegations", body).await
}

/// 王芳 lets 张伟 act for her, who accepts from his list. The name of the delegation.
async fn delegated(fang: &Phone<'_>, wei: &Phone<'_>) -> String {
    let made = give(fang, json!({})).await.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    let capacity = json!({ "capacity": format!("mandate:{id}") });
    assert_eq!(wei.post("/codes", capacity).await.refused(), refused(403, "delegation-pending"));
    let accepted = wei.post(&format!("/delegations/{id}/accept"), json!({})).await.ok();
    assert_eq!(accepted["state"], "in_force");
    id
}

#[tokio::test]
async fn a_delegate_is_attested_only_while_the_delegation_is_accepted_and_not_revoked() {
    let town = Town::new().await;
    let (fang, wei) = (town.phone(FANG).await, town.phone(WEI).await);
    let id = delegated(&fang, &wei).await;
    let capacity = json!({ "capacity": format!("mandate:{id}") });
    let code = wei.post("/codes", capacity.clone()).await.ok();
    assert_eq!((&code["capacity"]["as"], &code["capacity"]["for"]), (&json!("delegate"), &json!("王*")));
    assert_eq!(fang.post("/codes", capacity.clone()).await.refused(), refused(403, "not-entitled"));
    let place = town.app().store.mandate(id.parse().unwrap()).await.unwrap().unwrap().place;
    let ended = fang.post(&format!("/delegations/{id}/end"), json!({})).await.ok();
    assert_eq!(ended["state"], "revoked");
    assert_eq!(wei.post("/codes", capacity).await.refused(), refused(403, "delegation-over"));
    assert_eq!(town.app().store.statuses().await.unwrap()[place as usize], LicenceStatus::Revoked);
    assert_eq!(wei.message_kinds().await, ["delegation", "delegation"]);
}

#[tokio::test]
async fn a_delegation_by_qr_code_can_be_accepted_only_by_the_person_named() {
    let town = Town::new().await;
    let (fang, wei) = (town.phone(FANG).await, town.phone(WEI).await);
    let made = give(&fang, json!({})).await.ok();
    let code = json!({ "code": made["accept_code"] });
    assert_eq!(fang.post("/delegations/accept", code.clone()).await.refused(), refused(403, "not-the-agent"));
    assert_eq!(
        wei.post("/delegations/accept", json!({ "code": "HBWT:1" })).await.refused(),
        refused(404, "unknown")
    );
    assert_eq!(wei.post("/delegations/accept", code.clone()).await.ok()["state"], "in_force");
    let id = made["id"].as_str().unwrap();
    assert_eq!(wei.post(&format!("/delegations/{id}/end"), json!({})).await.ok()["state"], "resigned");
    assert_eq!(wei.post("/delegations/accept", code).await.refused(), refused(403, "delegation-over"));
}

#[tokio::test]
async fn a_delegation_that_promises_too_much_is_refused() {
    let town = Town::new().await;
    let fang = town.phone(FANG).await;
    let past = town.app().now().0 / 1000;
    for (changes, status, code) in [
        (json!({ "face_ticket": "none" }), 403, "face-ticket"),
        (json!({ "until": past }), 409, "validity"),
        (json!({ "agent": { "name": FANG.0, "document": document(FANG.1) } }), 409, "agent-is-self"),
        (json!({ "agent": { "name": "张伟伟", "document": document(WEI.1) } }), 403, "not-matched"),
        (json!({ "kinds": ["11100099MCTE5T1533001"] }), 409, "kind-not-registered"),
        (json!({ "kinds": ["11100099MCTE5T102T003"] }), 409, "kind-not-registered"),
        (json!({ "item": "1" }), 404, "unknown-item"),
        (json!({ "capacity": format!("org:{QINGHE}") }), 403, "not-entitled"),
    ] {
        assert_eq!(give(&fang, changes.clone()).await.refused(), refused(status, code), "{changes}");
    }
}

#[tokio::test]
async fn a_principal_confirms_from_elsewhere_and_the_delegates_phone_carries_the_answer() {
    let town = Town::new().await;
    let (fang, wei) = (town.phone(FANG).await, town.phone(WEI).await);
    let id = delegated(&fang, &wei).await;
    let (nonce, qr) = town.challenge(Asked::Principal(wedding(&["m1", "m2"])));
    assert_eq!(wei.read(&qr, "own").await.refused(), refused(403, "mandate-needed"));
    let view = wei.read(&qr, &format!("mandate:{id}")).await.ok();
    assert_eq!(view["state"], "waiting");
    assert_eq!(
        wei.answer(nonce, json!({ "decision": "agree" })).await.refused(),
        refused(403, "principal-answers")
    );
    assert_eq!(wei.get(&format!("/challenges/{nonce}")).await.ok()["state"], "waiting");

    let asked = fang.get("/confirmations").await.ok();
    let asked = &asked["confirmations"][0];
    assert_eq!((&asked["agent"]["name"], &asked["challenge"]["needs_face"]), (&json!("张*"), &json!(true)));
    // The delegation names only the card.
    assert_eq!(asked["challenge"]["licences"][1]["available"], false);
    let path = format!("/confirmations/{nonce}");
    assert_eq!(fang.post(&path, json!({ "decision": "agree" })).await.refused(), refused(403, "face-ticket"));
    assert_eq!(
        wei.post(&path, json!({ "decision": "agree" })).await.refused(),
        refused(404, "unknown-challenge")
    );
    let body = json!({ "decision": "agree", "face_ticket": fang.ticket().await });
    fang.post(&path, body).await.ok();

    let got = wei.get(&format!("/challenges/{nonce}?wait=5")).await.ok();
    let said = town.believed(&got["assertion"]);
    assert_eq!((said.kind(), said.subject().name.as_str()), (PhoneAsk::Principal, FANG.0));
    let agreed: Vec<_> = said.agreement().unwrap().agreed.iter().map(|row| row.material.clone()).collect();
    assert_eq!(agreed, [material("m1")]);
    assert_eq!(wei.message_kinds().await[0], "confirmation_over");
    assert_eq!(fang.message_kinds().await[0], "confirmation_asked");
    assert_eq!(fang.get("/consents").await.ok()["consents"][0]["via"], "principal");
}

#[tokio::test]
async fn a_principals_answer_after_the_window_gave_up_is_refused_and_both_are_told() {
    let town = Town::new().await;
    let (fang, wei) = (town.phone(FANG).await, town.phone(WEI).await);
    let id = delegated(&fang, &wei).await;
    let (nonce, qr) = town.challenge(Asked::Principal(wedding(&["m1"])));
    wei.read(&qr, &format!("mandate:{id}")).await.ok();
    town.bench.pass_seconds(301);
    let body = json!({ "decision": "agree", "face_ticket": fang.ticket().await });
    let late = fang.post(&format!("/confirmations/{nonce}"), body).await;
    assert_eq!(late.refused(), refused(410, "challenge-expired"));
    let seen = wei.get(&format!("/challenges/{nonce}?wait=5")).await.ok();
    assert_eq!((&seen["state"], seen.get("assertion")), (&json!("expired"), None));
    assert_eq!(wei.message_kinds().await[0], "confirmation_over");
    assert_eq!(fang.message_kinds().await[0], "confirmation_over");
}

#[tokio::test]
async fn a_mandate_for_another_item_and_one_revoked_meanwhile_confirm_nothing() {
    let town = Town::new().await;
    let (fang, wei) = (town.phone(FANG).await, town.phone(WEI).await);
    let id = delegated(&fang, &wei).await;
    let other =
        ConsentRequest { item: "11519900MBTE5T09682000100003001".parse().unwrap(), ..wedding(&["m1"]) };
    let (_, qr) = town.challenge(Asked::Principal(other));
    let got = wei.read(&qr, &format!("mandate:{id}")).await;
    assert_eq!(got.refused(), refused(403, "mandate-other-item"));
    let (nonce, qr) = town.challenge(Asked::Principal(wedding(&["m1"])));
    wei.read(&qr, &format!("mandate:{id}")).await.ok();
    fang.post(&format!("/delegations/{id}/end"), json!({})).await.ok();
    let body = json!({ "decision": "agree", "face_ticket": fang.ticket().await });
    let got = fang.post(&format!("/confirmations/{nonce}"), body).await;
    assert_eq!(got.refused(), refused(403, "delegation-over"));
    // What a delegate may not do without the principal.
    let (_, qr) = town.challenge(Asked::Consent(wedding(&["m1"])));
    let got = wei.read(&qr, &format!("mandate:{id}")).await;
    assert_eq!(got.refused(), refused(403, "delegation-over"));
}

#[tokio::test]
async fn a_mistyped_number_of_a_delegate_is_told_as_such() {
    let town = Town::new().await;
    let fang = town.phone(FANG).await;
    let agent = json!({ "name": WEI.0, "document": document("519900198805160242") });
    assert_eq!(give(&fang, json!({ "agent": agent })).await.refused(), refused(400, "agent-number"));
    let agent = json!({ "name": "", "document": document(WEI.1) });
    assert_eq!(give(&fang, json!({ "agent": agent })).await.refused(), refused(400, "agent-name"));
}
