//! 曾用证件号: what is found under one stands for nothing until the clerk has said that it is the same person.

use super::cached::{cast, open_named};
use super::hall::Hall;
use hall_domain::case::{Case, CaseId, MaterialState};
use hall_domain::{AliasId, HolderAlias, Licence, Timestamp};
use hall_ledger::feed::Lane;
use hall_sync::{Store, VerifiedChange, VerifiedItem, VerifiedPage};

const ALIAS: AliasId = AliasId([0xa7; 16]);
const ITEM: &str = "城乡居民基本养老保险参保登记";
const EARLIER: &str = "519900900307001";
const OFFERED: &str = "曾用证件号下的证照";

fn fact() -> HolderAlias {
    cast().person("liu-yang").unwrap().facts(|_| ALIAS).remove(0)
}

impl Hall {
    /// The feed tells of 刘洋's earlier number, or that the authority does not say so any longer.
    async fn is_told(&self, after: u64, at: Timestamp, fact: Option<HolderAlias>) {
        let change = VerifiedChange::HolderAlias { id: ALIAS, at, fact: fact.map(Box::new) };
        let items = vec![VerifiedItem { seq: after + 1, at, hot: None, change }];
        let page = VerifiedPage { lane: Lane::Main, after, last: after + 1, items, hot: None };
        self.store().apply(page).await.unwrap();
    }

    async fn case(&self, id: &CaseId) -> Case {
        self.app.desk.case(id).await.unwrap()
    }
}

/// How 居民户口簿, which lies under the earlier number alone, stands.
fn household(case: &Case) -> MaterialState {
    case.material_state(case.list.iter().find(|row| row.name == "居民户口簿").unwrap())
}

/// 刘洋's licences are in the hall, and his card was read for a case.
async fn with_liu_yang(hall: &Hall) -> CaseId {
    let now = hall.app.book.clock.now();
    let licences: Vec<Licence> = cast().person("liu-yang").unwrap().licences.clone();
    hall.is_sent(licences, now.plus_hours(-1)).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_named(&mut browser, ITEM).await;
    hall.identified(&id, "li.qiang", "liu-yang").await;
    browser.get(&format!("/cases/{id}")).await;
    id
}

#[tokio::test]
async fn a_licence_under_fifteen_digits_is_not_found_by_arithmetic() {
    let hall = Hall::new().await.with_catalogue().trusting();
    let id = with_liu_yang(&hall).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let page = browser.get(&format!("/cases/{id}")).await;
    assert!(page.text.contains("社会保障卡") && !page.text.contains(OFFERED), "{}", page.text);
    let case = hall.case(&id).await;
    assert!(case.aliased.is_empty());
    assert_eq!(household(&case), MaterialState::Missing);
}

#[tokio::test]
async fn a_candidate_stands_in_a_row_of_its_own_until_the_clerk_has_confirmed_it_and_can_be_taken_back() {
    let hall = Hall::new().await.with_catalogue().trusting();
    let now = hall.app.book.clock.now();
    hall.is_told(0, now.plus_hours(-2), Some(fact())).await;
    let id = with_liu_yang(&hall).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let path = format!("/cases/{id}");

    let page = browser.get(&path).await;
    for words in [OFFERED, "核对是否为同一人", "15 位旧身份证号码", "519********7001", "安澜市公安局户籍核查"]
    {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(!page.text.contains(EARLIER), "the number is masked");
    assert!(page.text.contains("推送授权页（2 项）"), "{}", page.text);
    assert_eq!(household(&hall.case(&id).await), MaterialState::Missing);

    let verified = hall.entries("identity.verified").await;
    let alias = format!("{path}/aliases/{ALIAS}");
    assert_eq!(browser.post(&format!("{alias}/confirm"), &[]).await.status, 303);
    let page = browser.get(&path).await;
    assert!(
        page.text.contains("推送授权页（3 项）") && page.text.contains("已核对为同一人"),
        "{}",
        page.text
    );
    assert!(page.text.contains("登记在旧号码下：15 位旧身份证号码 519********7001"), "{}", page.text);
    let case = hall.case(&id).await;
    assert_eq!((household(&case), case.uses.len()), (MaterialState::Waivable, 0));
    assert_eq!(hall.entries("identity.verified").await, verified + 1, "confirming is an entry");
    assert_eq!(case.confirmed[&ALIAS].by.as_str(), "li.qiang");

    assert_eq!(browser.post(&format!("{alias}/revert"), &[]).await.status, 303);
    assert_eq!(household(&hall.case(&id).await), MaterialState::Missing);
    assert_eq!(hall.entries("identity.verified").await, verified + 2, "and so is taking it back");
    assert!(browser.get(&path).await.text.contains("推送授权页（2 项）"));
}

#[tokio::test]
async fn nobody_else_confirms_and_nothing_that_the_list_does_not_name() {
    let hall = Hall::new().await.with_catalogue().trusting();
    hall.is_told(0, hall.app.book.clock.now(), Some(fact())).await;
    let id = with_liu_yang(&hall).await;
    let path = format!("/cases/{id}");
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    colleague.get(&path).await;
    let answer = colleague.post(&format!("{path}/aliases/{ALIAS}/confirm"), &[]).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let mut browser = hall.at_window("li.qiang", "W01").await;
    browser.get(&path).await;
    for name in ["0".repeat(32).as_str(), "x", EARLIER] {
        let answer = browser.post(&format!("{path}/aliases/{name}/confirm"), &[]).await;
        assert_eq!(answer.status, 422, "{name}");
        assert!(answer.text.contains("R170"), "{}", answer.text);
    }
    assert!(hall.case(&id).await.confirmed.is_empty());
}

#[tokio::test]
async fn what_the_authority_takes_back_is_offered_no_more_and_what_was_confirmed_ends() {
    let hall = Hall::new().await.with_catalogue().trusting();
    let now = hall.app.book.clock.now();
    hall.is_told(0, now.plus_hours(-2), Some(fact())).await;
    let id = with_liu_yang(&hall).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let path = format!("/cases/{id}");
    browser.get(&path).await;
    browser.post(&format!("{path}/aliases/{ALIAS}/confirm"), &[]).await;
    assert_eq!(household(&hall.case(&id).await), MaterialState::Waivable);
    hall.is_told(1, now, None).await;
    browser.post(&format!("{path}/refresh-list"), &[]).await;
    let case = hall.case(&id).await;
    assert_eq!(household(&case), MaterialState::Missing);
    assert!(case.confirmed.is_empty());
    assert!(!browser.get(&path).await.text.contains(OFFERED));
    // The same page of the feed once more changes nothing.
    hall.is_told(1, now, None).await;
}

#[tokio::test]
async fn in_english_a_candidate_is_told_too() {
    let hall = Hall::new().await.with_catalogue().trusting();
    hall.is_told(0, hall.app.book.clock.now(), Some(fact())).await;
    let id = with_liu_yang(&hall).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let path = format!("/cases/{id}");
    browser.get(&path).await;
    browser.post("/language", &[("lang", "en"), ("next", &path)]).await;
    let page = browser.get(&path).await;
    assert!(page.text.contains("Licences under an earlier number"), "{}", page.text);
    assert!(page.text.contains("former 15-digit number"), "{}", page.text);
}
