//! 经办授权: who may act for an organisation.

use super::*;
use hall_domain::{ActsFor, Organisation};
use hall_ledger::document::DocumentKind;
use hall_ledger::feed::Change;

/// The code that 新增授权 takes.
async fn otp(town: &Town, phone: &Phone<'_>) -> String {
    phone.post(&format!("/organisations/{QINGHE}/otp"), json!({})).await.ok();
    let organisation = town.app().store.organisation(&QINGHE.parse().unwrap()).await.unwrap().unwrap();
    town.otp(&organisation.phone).await
}

fn grant(town: &Town, otp: &str, who: (&str, &str)) -> Value {
    let until = town.app().now().plus_hours(24 * 30).0 / 1000;
    let agent = json!({ "name": who.0, "document": document(who.1), "phone": number_of(who) });
    json!({ "otp": otp, "agent": agent, "until": until })
}

/// The entry of the company that halls have now.
async fn published(town: &Town) -> (u32, Organisation) {
    let (version, signed) = town.app().store.document(DocumentKind::Organisations).await.unwrap().unwrap();
    let document = signed.verify(&town.bench.key()).unwrap();
    let all: Vec<Organisation> = document.read(DocumentKind::Organisations).unwrap();
    (version, all.into_iter().find(|organisation| organisation.uscc.as_str() == QINGHE).unwrap())
}

#[tokio::test]
async fn an_agent_acts_until_the_grant_is_revoked_and_halls_hear_both_at_once() {
    let town = Town::new().await;
    let (wei, fang) = (town.phone(WEI).await, town.phone(FANG).await);
    let capacity = format!("org:{QINGHE}");
    let before = published(&town).await.0;
    let path = format!("/organisations/{QINGHE}/grants");
    let code = otp(&town, &wei).await;
    let made = wei.post(&path, grant(&town, &code, FANG)).await.ok();
    assert_eq!((&made["name"], &made["state"]), (&json!("王*"), &json!("in_force")));
    assert!(!made.to_string().contains(FANG.1) && !made.to_string().contains(&number_of(FANG)));
    let (version, entry) = published(&town).await;
    let acts = entry.acts_for(&identity(FANG.1), FANG.0, town.app().now());
    assert!(matches!(acts, Some(ActsFor::Agent(_))) && version > before);
    let me = fang.get("/me").await.ok();
    assert_eq!(me["organisations"][0]["role"], "agent");
    assert_eq!(fang.post("/codes", json!({ "capacity": capacity })).await.ok()["capacity"]["as"], "agent");
    // The agent manages no grants.
    assert_eq!(fang.get(&path).await.refused(), refused(403, "not-entitled"));
    // One person has one grant at a time.
    town.bench.pass_seconds(61);
    let code = otp(&town, &wei).await;
    assert_eq!(wei.post(&path, grant(&town, &code, FANG)).await.refused(), refused(409, "already-granted"));

    let revoke = format!("{path}/{}/revoke", made["id"].as_str().unwrap());
    assert_eq!(wei.post(&revoke, json!({})).await.ok()["state"], "revoked");
    assert_eq!(wei.post(&revoke, json!({})).await.ok()["state"], "revoked");
    assert_eq!(
        fang.post("/codes", json!({ "capacity": capacity })).await.refused(),
        refused(403, "grant-over")
    );
    assert!(published(&town).await.1.agents.is_empty());
    let Some(ActsFor::Agent(grant)) = acts else { panic!("{acts:?}") };
    let place = grant.place;
    assert_eq!(town.app().store.statuses().await.unwrap()[place as usize], LicenceStatus::Revoked);
    let hot: Vec<u32> = town
        .bench
        .feed("990001")
        .await
        .into_iter()
        .filter_map(|item| match item.change {
            Change::PlaceStatus(change) if item.hot.is_some() => Some(change.place),
            _ => None,
        })
        .collect();
    assert_eq!(hot, [place]);
    assert_eq!(fang.message_kinds().await, ["grant", "grant"]);
}

#[tokio::test]
async fn a_grant_needs_the_code_of_the_bound_number_and_an_agent_with_an_account() {
    let town = Town::new().await;
    let wei = town.phone(WEI).await;
    let path = format!("/organisations/{QINGHE}/grants");
    let got = wei.post(&path, grant(&town, "123456", FANG)).await;
    assert_eq!(got.refused(), refused(409, "agent-no-account"));
    town.phone(FANG).await;
    assert_eq!(wei.post(&path, grant(&town, "123456", FANG)).await.refused(), refused(404, "session-over"));
    let code = otp(&town, &wei).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(wei.post(&path, grant(&town, wrong, FANG)).await.refused(), refused(403, "wrong-otp"));
    assert_eq!(wei.post(&path, grant(&town, &code, WEI)).await.refused(), refused(409, "agent-is-self"));
    assert_eq!(
        wei.post(&path, grant(&town, &code, ("王芬", FANG.1))).await.refused(),
        refused(403, "not-matched")
    );
    let mut past = grant(&town, &code, FANG);
    past["until"] = json!(town.app().now().0 / 1000 - 1);
    assert_eq!(wei.post(&path, past).await.refused(), refused(409, "validity"));
    assert_eq!(wei.post(&path, grant(&town, &code, FANG)).await.status, 201);
}

#[tokio::test]
async fn somebody_who_is_legal_representative_no_longer_can_do_nothing_for_the_organisation() {
    let town = Town::new().await;
    let wei = town.phone(WEI).await;
    let mut changed = town.app().store.organisation(&QINGHE.parse().unwrap()).await.unwrap().unwrap();
    changed.legal_representative.document = identity(FANG.1);
    changed.legal_representative.name = FANG.0.into();
    town.app().store.put_organisation(changed, town.app().now()).await.unwrap();
    let capacity = json!({ "capacity": format!("org:{QINGHE}") });
    assert_eq!(wei.post("/codes", capacity).await.refused(), refused(403, "relation-ended"));
    let otp = wei.post(&format!("/organisations/{QINGHE}/otp"), json!({})).await;
    assert_eq!(otp.refused(), refused(403, "relation-ended"));
    let roles = wei.get("/me").await.ok();
    let roles = roles["organisations"].as_array().unwrap().clone();
    assert!(roles.iter().all(|role| role["uscc"] != QINGHE), "{roles:?}");
}

#[tokio::test]
async fn an_organisation_whose_number_is_a_landline_is_told_to_change_it() {
    let town = Town::new().await;
    let wei = town.phone(WEI).await;
    let mut changed = town.app().store.organisation(&QINGHE.parse().unwrap()).await.unwrap().unwrap();
    changed.phone = "0999-1234567".into();
    town.app().store.put_organisation(changed, town.app().now()).await.unwrap();
    let otp = wei.post(&format!("/organisations/{QINGHE}/otp"), json!({})).await;
    assert_eq!(otp.refused(), refused(409, "phone-not-mobile"));
}

#[tokio::test]
async fn what_is_mistyped_of_an_agent_is_told_by_its_field() {
    let town = Town::new().await;
    // Whom an organisation entrusts has an account.
    let (wei, _fang) = (town.phone(WEI).await, town.phone(FANG).await);
    let path = format!("/organisations/{QINGHE}/grants");
    let code = otp(&town, &wei).await;
    let wrong = [
        (json!({ "name": "  ", "document": document(FANG.1), "phone": number_of(FANG) }), "agent-name"),
        (
            json!({ "name": FANG.0, "document": document("519900198805160242"), "phone": number_of(FANG) }),
            "agent-number",
        ),
        (json!({ "name": FANG.0, "document": document(FANG.1), "phone": "0813-1234567" }), "agent-phone"),
    ];
    for (agent, why) in wrong {
        let mut body = grant(&town, &code, FANG);
        body["agent"] = agent;
        assert_eq!(wei.post(&path, body).await.refused(), refused(400, why));
    }
    // The code of the text message is still good.
    assert_eq!(wei.post(&path, grant(&town, &code, FANG)).await.ok()["state"], "in_force");
}

#[tokio::test]
async fn one_grant_serves_one_agent_and_nobody_else() {
    let town = Town::new().await;
    let (wei, fang, hao) = (town.phone(WEI).await, town.phone(FANG).await, town.phone(HAO).await);
    let capacity = json!({ "capacity": format!("org:{QINGHE}") });
    let path = format!("/organisations/{QINGHE}/grants");
    let code = otp(&town, &wei).await;
    wei.post(&path, grant(&town, &code, FANG)).await.ok();
    assert_eq!(fang.post("/codes", capacity.clone()).await.ok()["capacity"]["as"], "agent");
    assert_eq!(hao.post("/codes", capacity.clone()).await.refused(), refused(403, "not-entitled"));

    // A second grant is another one: taking back the first ends it alone.
    town.bench.pass_seconds(61);
    let code = otp(&town, &wei).await;
    wei.post(&path, grant(&town, &code, HAO)).await.ok();
    let places: Vec<u32> = published(&town).await.1.agents.iter().map(|agent| agent.place).collect();
    assert!(places.len() == 2 && places[0] != places[1], "{places:?}");
    let first = &wei.get(&path).await.ok()["grants"];
    let of_fang = first.as_array().unwrap().iter().find(|grant| grant["name"] == "王*").unwrap();
    wei.post(&format!("{path}/{}/revoke", of_fang["id"].as_str().unwrap()), json!({})).await.ok();
    assert_eq!(fang.post("/codes", capacity.clone()).await.refused(), refused(403, "grant-over"));
    assert_eq!(hao.post("/codes", capacity).await.ok()["capacity"]["as"], "agent");
}
