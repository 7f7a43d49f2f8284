//! What windows ask and phones answer.

use super::*;

#[tokio::test]
async fn a_face_answer_says_who_it_is_and_the_hall_gets_the_same_bytes() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let (nonce, qr) = town.challenge(Asked::Face);
    let view = phone.read(&qr, "own").await.ok();
    assert_eq!(
        (&view["kind"], &view["needs_face"], &view["state"]),
        (&json!("face"), &json!(true), &json!("open"))
    );
    assert_eq!(view["nonce"], nonce.to_string());
    let bare = json!({ "decision": "agree" });
    assert_eq!(phone.answer(nonce, bare).await.refused(), refused(403, "face-ticket"));
    let body = json!({ "decision": "agree", "face_ticket": phone.ticket().await });
    let got = phone.answer(nonce, body.clone()).await.ok();
    let said = town.believed(&got["assertion"]);
    assert_eq!((said.kind(), said.nonce(), said.subject().name.as_str()), (PhoneAsk::Face, nonce, FANG.0));
    // Again, even with another answer, gives what the first one gave.
    let again = phone.answer(nonce, json!({ "decision": "refuse" })).await.ok();
    assert_eq!(again, got);
    let kept = town.app().store.challenge(nonce).await.unwrap().unwrap();
    assert_eq!(kept.assertion.unwrap(), from_qr(got["assertion"].as_str().unwrap()).unwrap());
}

#[tokio::test]
async fn a_consent_names_what_was_agreed_with_its_status_and_a_use_code_for_each() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let held = town.app().store.licences_of(&HolderId::Person(identity(FANG.1))).await.unwrap();
    let household = held.iter().find(|held| held.licence.kind.as_str() == HOUSEHOLD).unwrap();
    set_status(town.app(), &household.licence.id, LicenceStatus::Suspended).await.unwrap();
    let request = wedding(&["m1", "m2"]);
    let digest = request.digest;
    let (nonce, qr) = town.challenge(Asked::Consent(request));
    let view = phone.read(&qr, "own").await.ok();
    assert_eq!(view["item_name"], "婚姻登记预约");
    assert_eq!(view["department"], "安澜市民政局");
    assert_eq!(view["licences"][0]["fields"], json!(["姓名", "公民身份号码"]));
    assert_eq!(view["licences"][1]["status"], "suspended");
    let got = phone.answer(nonce, json!({ "decision": "agree" })).await.ok();
    let said = town.believed(&got["assertion"]);
    let agreement = said.agreement().unwrap();
    assert_eq!((agreement.digest, agreement.refused.len()), (digest, 0));
    let statuses: Vec<_> = agreement.agreed.iter().map(|row| (row.material.clone(), row.status)).collect();
    assert_eq!(
        statuses,
        [(material("m1"), LicenceStatus::Valid), (material("m2"), LicenceStatus::Suspended)]
    );
    assert_ne!(agreement.agreed[0].use_code, agreement.agreed[1].use_code);
    assert_eq!(got["use_codes"][0]["use_code"], agreement.agreed[0].use_code.to_string());

    let consents = phone.get("/consents").await.ok();
    assert_eq!(consents["consents"][0]["id"], got["consent"]);
    assert_eq!(consents["consents"][0]["licences"], json!(["居民身份证", "居民户口簿"]));
}

#[tokio::test]
async fn single_licences_and_everything_can_be_refused() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let (nonce, qr) = town.challenge(Asked::Consent(wedding(&["m1", "m2"])));
    phone.read(&qr, "own").await.ok();
    let got = phone.answer(nonce, json!({ "decision": "agree", "refused": ["m3"] })).await;
    assert_eq!(got.refused(), refused(403, "not-asked"));
    let got = phone.answer(nonce, json!({ "decision": "agree", "refused": ["m2"] })).await.ok();
    let said = town.believed(&got["assertion"]);
    assert_eq!(said.agreement().unwrap().refused, [material("m2")]);
    assert_eq!(said.agreement().unwrap().agreed.len(), 1);

    let (nonce, qr) = town.challenge(Asked::Consent(wedding(&["m1", "m2"])));
    phone.read(&qr, "own").await.ok();
    let got = phone.answer(nonce, json!({ "decision": "refuse" })).await.ok();
    let said = town.believed(&got["assertion"]);
    assert_eq!(said.agreement().unwrap().refused, [material("m1"), material("m2")]);
    assert_eq!(
        (got.get("consent"), phone.get("/consents").await.ok()["consents"].as_array().unwrap().len()),
        (None, 1)
    );

    // Nobody's face is compared, and nothing is signed.
    let (nonce, qr) = town.challenge(Asked::Face);
    phone.read(&qr, "own").await.ok();
    let got = phone.answer(nonce, json!({ "decision": "refuse" })).await.ok();
    assert_eq!((&got["state"], got.get("assertion")), (&json!("refused"), None));
}

#[tokio::test]
async fn licences_are_shown_with_the_fields_of_the_item_and_no_others() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let item: ItemCode = WEDDING.parse().unwrap();
    let materials = vec![material("m1"), material("m2")];
    let (nonce, qr) = town.challenge(Asked::Licences { item, materials });
    phone.read(&qr, "own").await.ok();
    let body = json!({ "decision": "agree", "materials": ["m2"], "face_ticket": phone.ticket().await });
    let got = phone.answer(nonce, body).await.ok();
    let said = town.believed(&got["assertion"]);
    let [stated] = said.licences() else { panic!("{said:?}") };
    let keys: Vec<&str> = stated.fields.keys().map(|key| key.as_str()).collect();
    assert_eq!((&stated.material, keys), (&material("m2"), vec!["address", "marital_status", "name"]));
}

#[tokio::test]
async fn the_same_challenge_on_two_phones_is_answered_by_the_first() {
    let town = Town::new().await;
    let (fang, wei) = (town.phone(FANG).await, town.phone(WEI).await);
    let (nonce, qr) = town.challenge(Asked::Consent(wedding(&["m1"])));
    fang.read(&qr, "own").await.ok();
    wei.read(&qr, "own").await.ok();
    let agree = || json!({ "decision": "agree" });
    assert_eq!(wei.answer(nonce, agree()).await.status, 200);
    assert_eq!(fang.answer(nonce, agree()).await.refused(), refused(409, "answered-by-another"));
    assert_eq!(fang.read(&qr, "own").await.refused(), refused(409, "answered-by-another"));
    let seen = fang.get(&format!("/challenges/{nonce}")).await.ok();
    assert_eq!(seen, json!({ "nonce": nonce, "state": "answered" }));
}

#[tokio::test]
async fn what_is_no_challenge_of_an_enrolled_box_is_refused() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let read = async |qr: &str| phone.read(qr, "own").await.refused();
    assert_eq!(read("https://example.com").await, refused(400, "not-a-challenge"));
    assert_eq!(read("HB1:6BF").await, refused(400, "not-a-challenge"));
    let (_, qr) = town.challenge(Asked::Code);
    assert_eq!(read(&qr).await, refused(403, "code-needs-no-centre"));
    let stranger = LogId::new(hall_ledger::BoxId([9; 16]), 1);
    let (_, qr) = town.challenge_by(&town.key, stranger, Asked::Face);
    assert_eq!(read(&qr).await, refused(403, "unknown-box"));
    let (_, qr) = town.challenge_by(&SigningKey::from_bytes(&[99; 32]), town.log, Asked::Face);
    assert_eq!(read(&qr).await, refused(403, "wrong-signature"));
    let (unread, _) = town.challenge(Asked::Face);
    assert_eq!(
        phone.answer(unread, json!({ "decision": "agree" })).await.refused(),
        refused(404, "unknown-challenge")
    );

    let (nonce, qr) = town.challenge(Asked::Consent(wedding(&["m1"])));
    phone.read(&qr, "own").await.ok();
    town.bench.pass_seconds(301);
    assert_eq!(read(&qr).await, refused(410, "challenge-expired"));
    let late = phone.answer(nonce, json!({ "decision": "agree" })).await;
    assert_eq!(late.refused(), refused(410, "challenge-expired"));

    let (nonce, qr) = town.challenge(Asked::Consent(wedding(&["m1"])));
    phone.read(&qr, "own").await.ok();
    town.app().store.revoke(town.log).await.unwrap();
    assert_eq!(read(&qr).await, refused(403, "box-revoked"));
    let got = phone.answer(nonce, json!({ "decision": "agree" })).await;
    assert_eq!(got.refused(), refused(403, "box-revoked"));
}

#[tokio::test]
async fn a_box_that_asks_for_more_than_its_item_may_is_refused() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    // m9 is no material; the second material of 综合窗口材料收件 is no licence.
    let (_, qr) = town.challenge(Asked::Consent(wedding(&["m1", "m9"])));
    assert_eq!(phone.read(&qr, "own").await.refused(), refused(403, "over-asking"));
    let receiving =
        ConsentRequest { item: "11519900MBTE5T20572000100001001".parse().unwrap(), ..wedding(&["m2"]) };
    let (_, qr) = town.challenge(Asked::Consent(receiving));
    assert_eq!(phone.read(&qr, "own").await.refused(), refused(403, "over-asking"));
    let unknown =
        ConsentRequest { item: "11519900MBTE5T20572000100009999".parse().unwrap(), ..wedding(&["m1"]) };
    let (_, qr) = town.challenge(Asked::Consent(unknown));
    assert_eq!(phone.read(&qr, "own").await.refused(), refused(404, "unknown-item"));
}
