//! Signing in, and who somebody is then.

use super::*;
use crate::store::citizens::AccountState;

#[tokio::test]
async fn somebody_signs_in_once_with_a_face_and_then_with_the_number_alone() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let me = phone.get("/me").await.ok();
    assert_eq!(me["name"], "王*");
    assert_eq!(me["document"], "519***********0241");
    let shown = me.to_string();
    assert!(
        !shown.contains(FANG.1) && !shown.contains(FANG.0) && !shown.contains(&number_of(FANG)),
        "{shown}"
    );

    let number = number_of(FANG);
    let started = town.start(FANG, &number).await.ok();
    assert_eq!(started["face_required"], false);
    let path = format!("/sessions/{}", started["session"].as_str().unwrap());
    let key = views::base64url(phone.key.verifying_key().as_bytes());
    let body = json!({ "otp": town.otp(&number).await, "device_key": key });
    let again = town.ask("POST", &path, "", Some(body.clone())).await.ok();
    assert_ne!(again["token"], phone.token);
    // A code is good once.
    assert_eq!(town.ask("POST", &path, "", Some(body)).await.refused(), refused(404, "session-over"));
    // Signing out ends this token and no other.
    assert_eq!(town.ask("DELETE", "/sessions/current", &phone.token, None).await.status, 204);
    assert_eq!(phone.get("/me").await.refused(), refused(401, "no-token"));
    let other = again["token"].as_str().unwrap();
    assert_eq!(town.ask("GET", "/me", other, None).await.status, 200);
}

#[tokio::test]
async fn a_stranger_with_somebodys_name_and_number_does_not_get_in_without_the_face() {
    let town = Town::new().await;
    town.phone(FANG).await;
    let strange = "18000009999";
    let started = town.start(FANG, strange).await.ok();
    assert_eq!(started["face_required"], true);
    let path = format!("/sessions/{}", started["session"].as_str().unwrap());
    let key = views::base64url(SigningKey::from_bytes(&[200; 32]).verifying_key().as_bytes());
    let otp = town.otp(strange).await;
    let mut body = json!({ "otp": otp, "device_key": key });
    let got = town.ask("POST", &path, "", Some(body.clone())).await;
    assert_eq!(got.refused(), refused(422, "face-required"));
    body["face"] = face(WEI.1);
    let got = town.ask("POST", &path, "", Some(body.clone())).await;
    assert_eq!(got.refused(), refused(422, "face-other-person"));
    // The real one takes the new number with the same code.
    body["face"] = face(FANG.1);
    assert_eq!(town.ask("POST", &path, "", Some(body)).await.status, 200);
}

#[tokio::test]
async fn names_that_do_not_fit_and_numbers_that_are_asked_too_often_are_refused() {
    let town = Town::new().await;
    assert_eq!(town.start(("王芬", FANG.1), "18000000001").await.refused(), refused(403, "not-matched"));
    assert_eq!(
        town.start((FANG.0, "519900199003070011"), "18000000001").await.refused(),
        refused(403, "not-matched")
    );
    for bad in [
        json!({}),
        json!({ "name": "王芳", "document": document("519900198805160242"), "phone": "18000000001" }),
    ] {
        assert_eq!(town.ask("POST", "/sessions", "", Some(bad)).await.refused(), refused(400, "malformed"));
    }
    assert_eq!(town.start(FANG, "18000000001").await.status, 201);
    let got = town.start(FANG, "18000000001").await;
    assert_eq!(got.body["retry_after_s"], 61);
    assert_eq!(got.body["what_to_do"], "请 2 分钟后再试。");
    assert_eq!(got.refused(), refused(429, "too-often"));
    for _ in 0..4 {
        town.bench.pass_seconds(60);
        assert_eq!(town.start(FANG, "18000000001").await.status, 201);
    }
    town.bench.pass_seconds(60);
    assert_eq!(town.start(FANG, "18000000001").await.refused(), refused(429, "too-often"));
    town.bench.pass_hours(1);
    assert_eq!(town.start(FANG, "18000000001").await.status, 201);
}

#[tokio::test]
async fn a_code_ends_after_five_wrong_tries_and_after_five_minutes() {
    let town = Town::new().await;
    let key = views::base64url(SigningKey::from_bytes(&[201; 32]).verifying_key().as_bytes());
    let body = |otp: &str| json!({ "otp": otp, "device_key": key, "face": face(FANG.1) });
    let started = town.start(FANG, "18000000002").await.ok();
    let path = format!("/sessions/{}", started["session"].as_str().unwrap());
    let right = town.otp("18000000002").await;
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for left in (0..5).rev() {
        let got = town.ask("POST", &path, "", Some(body(wrong))).await;
        assert_eq!(got.body["tries_left"], left);
        assert_eq!(got.refused(), refused(403, "wrong-otp"));
    }
    assert_eq!(town.ask("POST", &path, "", Some(body(&right))).await.refused(), refused(404, "session-over"));

    town.bench.pass_seconds(61);
    let started = town.start(FANG, "18000000002").await.ok();
    let path = format!("/sessions/{}", started["session"].as_str().unwrap());
    let right = town.otp("18000000002").await;
    town.bench.pass_seconds(300);
    assert_eq!(town.ask("POST", &path, "", Some(body(&right))).await.refused(), refused(404, "session-over"));
}

#[tokio::test]
async fn a_key_that_proves_nothing_is_not_bound() {
    let town = Town::new().await;
    let started = town.start(FANG, "18000000003").await.ok();
    let path = format!("/sessions/{}", started["session"].as_str().unwrap());
    let mut neutral = [0; 32];
    neutral[0] = 1;
    for key in [views::base64url(&neutral), "x".repeat(43), String::new()] {
        let body = json!({ "otp": town.otp("18000000003").await, "device_key": key, "face": face(FANG.1) });
        assert_eq!(town.ask("POST", &path, "", Some(body)).await.refused(), refused(403, "device-key"));
    }
}

#[tokio::test]
async fn a_closed_or_deceased_account_ends_at_once_and_halls_hear_of_it() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    phone.post("/codes", json!({})).await.ok();
    let place = town.app().store.person_place(&identity(FANG.1)).await.unwrap();
    let now = town.app().now();
    let changed = town.app().store.set_account(&identity(FANG.1), AccountState::Deceased, now).await.unwrap();
    assert_eq!(changed, Some(true));
    assert_eq!(phone.get("/me").await.refused(), refused(401, "no-token"));
    assert_eq!(town.start(FANG, &number_of(FANG)).await.refused(), refused(403, "deceased"));
    let statuses = town.app().store.statuses().await.unwrap();
    assert_eq!(statuses[place as usize], LicenceStatus::Revoked);
    let last = town.bench.feed("990001").await.pop().unwrap();
    let hall_ledger::feed::Change::PlaceStatus(told) = last.change else { panic!("{last:?}") };
    assert_eq!((told.place, told.status, last.hot.is_some()), (place, LicenceStatus::Revoked, true));
}

#[tokio::test]
async fn a_face_check_fails_in_the_documented_ways_and_its_ticket_is_good_once() {
    let town = Town::new().await;
    let phone = town.phone(FANG).await;
    let with = |member: &str, value: Value| {
        let mut sample = face(FANG.1);
        sample[member] = value;
        json!({ "sample": sample })
    };
    for (sample, status, code) in [
        (json!({ "sample": face(WEI.1) }), 422, "face-other-person"),
        (with("live", json!(false)), 422, "face-not-live"),
        (with("mask", json!(true)), 422, "face-mask"),
        (with("quality", json!(10)), 422, "face-dark"),
        (with("service", json!("timeout")), 503, "face-timeout"),
        (with("service", json!("unavailable")), 503, "face-unavailable"),
    ] {
        assert_eq!(phone.post("/faces", sample).await.refused(), refused(status, code));
    }
    let (ticket, late) = (phone.ticket().await, phone.ticket().await);
    let cards = phone.get("/licences").await.ok();
    let card = &cards["licences"][0]["licence"];
    let ask = |ticket: &str| json!({ "licence": card, "face_ticket": ticket });
    assert_eq!(phone.post("/licences/original", ask(&ticket)).await.status, 200);
    assert_eq!(phone.post("/licences/original", ask(&ticket)).await.refused(), refused(403, "face-ticket"));
    town.bench.pass_seconds(301);
    assert_eq!(phone.post("/licences/original", ask(&late)).await.refused(), refused(403, "face-ticket"));
    // One sign-in and eight tries: one is left in this hour.
    phone.ticket().await;
    let got = phone.post("/faces", json!({ "sample": face(FANG.1) })).await;
    assert_eq!(got.refused(), refused(429, "too-often"));
}

#[tokio::test]
async fn an_attestation_lets_the_phone_sign_a_code_that_a_box_believes() {
    let town = Town::new().await;
    let phone = town.phone(WEI).await;
    let centre = CentreKeys::new([town.bench.key()]).unwrap();
    let keys = town.app().code_keys.keys();
    let code = async |capacity: &str| -> Subject {
        let got = phone.post("/codes", json!({ "capacity": capacity })).await.ok();
        use base64::Engine;
        let text = got["attestation"].as_str().unwrap();
        let attestation = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        let now = town.app().now();
        let nonce = Nonce::Weak(WeakNonce::random().unwrap());
        let shown = ServiceCode::present(&attestation, nonce, now, &phone.key);
        let code = ServiceCode::parse(&shown).unwrap().verify(&centre, &keys, now).unwrap();
        assert!(code.place().is_some() && code.weak(now).is_ok());
        code.subject().clone()
    };
    let own = code("own").await;
    assert_eq!((own.name.as_str(), &own.capacity), (WEI.0, &Capacity::Own));
    let company = code(&format!("org:{QINGHE}")).await;
    assert!(matches!(company.capacity, Capacity::LegalRepresentative { .. }));
    let stranger = town.phone(FANG).await;
    let got = stranger.post("/codes", json!({ "capacity": format!("org:{QINGHE}") })).await;
    assert_eq!(got.refused(), refused(403, "not-entitled"));
}

#[tokio::test]
async fn a_plain_code_stands_for_five_minutes_and_only_while_the_capacity_holds() {
    let town = Town::new().await;
    let phone = town.phone(WEI).await;
    let first = phone.get("/codes/plain").await.ok()["code"].as_str().unwrap().to_owned();
    assert!(first.starts_with("ZW-"));
    assert_eq!(phone.get("/codes/plain").await.ok()["code"], first);
    let company = phone.get(&format!("/codes/plain?capacity=org:{QINGHE}")).await.ok();
    let company = company["code"].as_str().unwrap().to_owned();
    assert!(company.starts_with("YS-"));
    let resolve = async |code: &str| crate::citizen::codes::resolve(town.app(), code).await.unwrap();
    assert_eq!(resolve(&first).await.unwrap().principal(), HolderId::Person(identity(WEI.1)));
    assert!(resolve("ZW-00000000000000000000").await.is_none());
    let mut changed = town.app().store.organisation(&QINGHE.parse().unwrap()).await.unwrap().unwrap();
    changed.legal_representative.document = identity(FANG.1);
    changed.legal_representative.name = FANG.0.into();
    town.app().store.put_organisation(changed, town.app().now()).await.unwrap();
    assert!(resolve(&company).await.is_none());
    let got = phone.get(&format!("/codes/plain?capacity=org:{QINGHE}")).await;
    assert_eq!(got.refused(), refused(403, "relation-ended"));
    town.bench.pass_seconds(301);
    assert!(resolve(&first).await.is_none());
    assert_ne!(phone.get("/codes/plain").await.ok()["code"], first);
}
