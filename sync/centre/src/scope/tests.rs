use super::*;
use crate::register::{first_items, put_licence, set_status};
use crate::testing::{Bench, licence, organisation};
use hall_domain::{LicenceStatus, Uscc};
use hall_ledger::feed::Change;

const HALL: &str = "990001";

/// An item that asks a person for licences, with one licence that it asks for and one that it does not.
fn item_and_licences(app: &App) -> (ServiceItem, Licence, Licence) {
    let item = app.catalogue.items().iter().find(|item| item.licence_materials().count() > 0).unwrap();
    let asked = item.licence_materials().next().unwrap().1.clone();
    let mut kinds = app.catalogue.kinds().iter().map(|kind| kind.code.clone());
    let other = kinds.find(|kind| item.licence_materials().all(|(_, asked)| asked != kind)).unwrap();
    let of = |kind: LicenceKindCode, serial: &str| {
        let issuer: Uscc = "11519900MBTE5T0968".parse().unwrap();
        let id = LicenceId::compose(&kind, &issuer, serial, 1).unwrap();
        Licence { id, kind, ..licence(serial, 1) }
    };
    (item.clone(), of(asked, "000000000000001"), of(other, "000000000000002"))
}

/// What the hall has after everything that it was told.
async fn holds(bench: &Bench) -> BTreeSet<LicenceId> {
    let mut holds = BTreeSet::new();
    for item in bench.feed(HALL).await {
        match item.change {
            Change::LicenceUpsert(issued) => {
                holds.insert(issued.envelope.verify(&bench.key()).unwrap().licence);
            }
            Change::LicenceForget(licence) => {
                holds.remove(&licence);
            }
            _ => {}
        }
    }
    holds
}

#[tokio::test]
async fn a_licence_outside_of_every_scope_is_never_sent() {
    let bench = Bench::new().await;
    set(&bench.app, HALL, HallScope::Granted).await.unwrap();
    bench.hall(HALL).await;
    bench.hall("990002").await;
    put_licence(&bench.app, licence("000000000000001", 1)).await.unwrap();
    put_licence(&bench.app, licence("000000000000001", 2)).await.unwrap();
    let sent = bench.feed(HALL).await;
    let sent = sent.into_iter().filter(|item| matches!(item.change, Change::LicenceUpsert(_))).count();
    assert_eq!(sent, 0);
    assert!(bench.feed("990002").await.iter().any(|item| matches!(item.change, Change::LicenceUpsert(_))));
}

#[tokio::test]
async fn an_appointment_brings_the_kinds_of_its_item_until_a_week_after() {
    let bench = Bench::new().await;
    set(&bench.app, HALL, HallScope::Granted).await.unwrap();
    bench.hall(HALL).await;
    let (item, asked, other) = item_and_licences(&bench.app);
    put_licence(&bench.app, asked.clone()).await.unwrap();
    put_licence(&bench.app, other.clone()).await.unwrap();
    let at = bench.app.now().plus_hours(48);
    let booked = Grant::appointment(HALL.to_owned(), asked.holder.clone(), &item, at);
    assert_eq!(grant(&bench.app, booked.clone()).await.unwrap(), Settled { sent: 1, withdrawn: 0 });
    assert_eq!(grant(&bench.app, booked).await.unwrap(), Settled::default(), "booking again changes nothing");
    assert_eq!(holds(&bench).await, BTreeSet::from([asked.id.clone()]));
    // A change of the licence meanwhile reaches the hall, one of the other does not.
    put_licence(&bench.app, Licence { number: "1".into(), ..asked.clone() }).await.unwrap();
    put_licence(&bench.app, Licence { number: "1".into(), ..other }).await.unwrap();
    assert_eq!(holds(&bench).await, BTreeSet::from([asked.id.clone()]));

    bench.pass_hours(48 + AFTER_APPOINTMENT_HOURS - 1);
    assert_eq!(sweep(&bench.app).await.unwrap(), Settled::default());
    bench.pass_hours(1);
    assert_eq!(sweep(&bench.app).await.unwrap(), Settled { sent: 0, withdrawn: 1 });
    assert!(holds(&bench).await.is_empty());
    put_licence(&bench.app, Licence { number: "2".into(), ..asked }).await.unwrap();
    assert!(holds(&bench).await.is_empty(), "what has left the scope does not come back by a change");
}

#[tokio::test]
async fn a_standing_consent_brings_an_enterprises_licences_until_it_is_withdrawn() {
    let bench = Bench::new().await;
    set(&bench.app, HALL, HallScope::Granted).await.unwrap();
    bench.hall(HALL).await;
    let company = HolderId::Organisation(organisation("王芳").uscc);
    let theirs = Licence { holder: company.clone(), ..licence("000000000000001", 1) };
    put_licence(&bench.app, theirs.clone()).await.unwrap();
    grant(&bench.app, Grant::standing(HALL.to_owned(), company.clone())).await.unwrap();
    assert_eq!(holds(&bench).await, BTreeSet::from([theirs.id.clone()]));
    // A revocation reaches every hall, whatever its scope: somebody may hold the licence for a case.
    set_status(&bench.app, &theirs.id, LicenceStatus::Revoked).await.unwrap();
    assert!(bench.feed(HALL).await.iter().any(|item| matches!(item.change, Change::LicenceStatus(_))));
    bench.pass_hours(24 * 365);
    assert_eq!(sweep(&bench.app).await.unwrap(), Settled::default());
    assert_eq!(withdraw(&bench.app, HALL, &company).await.unwrap(), Settled { sent: 0, withdrawn: 1 });
    assert!(holds(&bench).await.is_empty());
}

#[tokio::test]
async fn a_district_that_becomes_granted_keeps_what_is_granted_and_gets_the_rest_back_later() {
    let bench = Bench::new().await;
    bench.hall(HALL).await;
    let (item, asked, other) = item_and_licences(&bench.app);
    put_licence(&bench.app, asked.clone()).await.unwrap();
    put_licence(&bench.app, other.clone()).await.unwrap();
    let both = BTreeSet::from([asked.id.clone(), other.id.clone()]);
    assert_eq!(holds(&bench).await, both, "a district has everything");
    let booked = Grant::appointment(HALL.to_owned(), asked.holder.clone(), &item, bench.app.now());
    assert_eq!(grant(&bench.app, booked).await.unwrap(), Settled::default(), "it is there already");
    assert_eq!(set(&bench.app, HALL, HallScope::Granted).await.unwrap(), Settled { sent: 0, withdrawn: 1 });
    assert_eq!(holds(&bench).await, BTreeSet::from([asked.id.clone()]));
    assert_eq!(set(&bench.app, HALL, HallScope::District).await.unwrap(), Settled { sent: 1, withdrawn: 0 });
    assert_eq!(holds(&bench).await, both);
}

#[tokio::test]
async fn a_hall_that_enrols_with_a_granted_scope_starts_with_what_is_granted() {
    let bench = Bench::new().await;
    let (item, asked, other) = item_and_licences(&bench.app);
    put_licence(&bench.app, asked.clone()).await.unwrap();
    put_licence(&bench.app, other).await.unwrap();
    set(&bench.app, HALL, HallScope::Granted).await.unwrap();
    let booked = Grant::appointment(HALL.to_owned(), asked.holder.clone(), &item, bench.app.now());
    grant(&bench.app, booked).await.unwrap();
    let sent: Vec<LicenceId> = first_items(&bench.app, HALL)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|change| match change {
            Change::LicenceUpsert(issued) => Some(issued.envelope.verify(&bench.key()).unwrap().licence),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [asked.id]);
}
