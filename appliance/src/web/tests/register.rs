//! 法人库: how old the hall's knowledge of a company is.

use super::hall::{Hall, catalogue};
use crate::store::{licences, meta};
use hall_domain::case::CaseId;
use hall_domain::register::Register;
use hall_domain::{ApplicantKind, Organisation, Timestamp};
use hall_ledger::token::FreshnessToken;

const TWO_DAYS: i64 = 48 * 3_600_000;

fn company() -> Organisation {
    let register: Register =
        toml::from_str(include_str!("../../../../tests/cast/organisations.toml")).unwrap();
    register.organisations.into_iter().next().unwrap().organisation
}

/// When the company of a new case was last confirmed, as the case records it.
async fn confirmed(hall: &Hall, company: &Organisation) -> Timestamp {
    let mut browser = hall.at_window("li.qiang", "W01").await;
    browser.get("/cases/new").await;
    let catalogue = catalogue();
    let item = catalogue.items().iter().find(|item| item.applicants.contains(&ApplicantKind::Organisation));
    let code = item.unwrap().code.to_string();
    let opened = browser.post("/cases", &[("item", &code), ("kind", "organisation")]).await;
    let id: CaseId = opened.to().strip_prefix("/cases/").unwrap().parse().unwrap();
    browser.post(&format!("/cases/{id}/organisation"), &[("uscc", company.uscc.as_str())]).await;
    let case = hall.app.desk.case(&id).await.unwrap();
    case.organisation.unwrap().checked_at.unwrap()
}

#[tokio::test]
async fn a_register_that_has_not_changed_is_as_fresh_as_the_newest_token() {
    let hall = Hall::new().await.with_catalogue();
    let (company, vault) = (company(), hall.app.book.vault.clone());
    let now = hall.app.book.clock.now();
    let issued = now.plus_ms(-TWO_DAYS);
    let listed = vec![company.clone()];
    hall.write(move |tx| {
        meta::put_document(tx, "organisations", 1, b"")?;
        licences::put_register(tx, &vault, &listed, issued).map_err(|_| rusqlite::Error::InvalidQuery)
    })
    .await;
    assert_eq!(confirmed(&hall, &company).await, issued, "without a token only the document speaks");

    hall.app.book.knowledge.set_token(FreshnessToken {
        scope: "hall:990100".to_owned(),
        feed: 0,
        hot: 0,
        issued_at: now,
        next_update: now,
        epoch: 1,
    });
    assert_eq!(confirmed(&hall, &company).await, now);

    hall.write(|tx| meta::announce_document(tx, "organisations", 2)).await;
    assert_eq!(confirmed(&hall, &company).await, issued, "a newer document is out");

    let vault = hall.app.book.vault.clone();
    hall.write(move |tx| {
        meta::put_document(tx, "organisations", 2, b"")?;
        licences::put_register(tx, &vault, &[], now).map_err(|_| rusqlite::Error::InvalidQuery)
    })
    .await;
    assert_eq!(confirmed(&hall, &company).await, issued, "the document no longer names the company");
}
