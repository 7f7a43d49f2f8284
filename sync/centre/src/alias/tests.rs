use super::*;
use crate::api::link_router;
use crate::authority::{Fingerprint, Peer};
use crate::feeds;
use crate::register::put_licence;
use crate::scope::HallScope;
use crate::testing::{Bench, licence};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use hall_domain::{AliasKind, ItemCode, Licence};
use hall_ledger::feed::{Change as FeedChange, Lane};
use hall_ledger::link::{Lookup, LookupAnswer};
use hall_ledger::{LogId, cbor};
use std::time::Duration;
use tower::ServiceExt;

const HOLDER: &str = "111:519900199003070011";
const OTHER: &str = "111:519900900307001";

fn new(other: &str, kind: AliasKind) -> RegisterAlias {
    let since = "2001-06-01".parse().unwrap();
    RegisterAlias { other: other.parse().unwrap(), kind, since, source: "安澜市公安局".to_owned() }
}

async fn known(bench: &Bench) -> AliasId {
    let (id, _) =
        put(&bench.app, HOLDER.parse().unwrap(), &new(OTHER, AliasKind::FifteenDigits)).await.unwrap();
    id
}

/// A licence that was issued under the number of 15 digits.
fn earlier() -> Licence {
    let licence = licence("000000000000009", 1);
    Licence { holder: OTHER.parse().unwrap(), number: "519900900307001".into(), ..licence }
}

/// What a hall reads of facts in its feed from the start.
async fn told(bench: &Bench, hall: &str) -> Vec<StatedAlias> {
    let page = feeds::page(&bench.app, hall, Lane::Main, 0, Duration::ZERO).await.unwrap();
    let page = page.verify(&bench.key()).unwrap();
    let fact = |item: hall_ledger::feed::FeedItem| match item.change {
        FeedChange::HolderAlias(stated) => Some(stated),
        _ => None,
    };
    page.items.into_iter().filter_map(fact).collect()
}

async fn look_up(bench: &Bench, log: LogId) -> LookupAnswer {
    let kind = licence("000000000000009", 1).kind;
    let registered =
        |item: &&hall_domain::ServiceItem| item.licence_materials().any(|(_, known)| *known == kind);
    let item: ItemCode = bench.app.catalogue.items().iter().find(registered).unwrap().code.clone();
    let lookup = Lookup {
        holder: HOLDER.parse().unwrap(),
        kinds: vec![kind],
        use_cause: "失业登记".to_owned(),
        item,
        case_no: "H1-20261121-000001".to_owned(),
    };
    let peer = Peer { log, fingerprint: Fingerprint([1; 32]) };
    let request = Request::post("/v1/link/lookup").extension(peer).body(Body::from(cbor::pack(&lookup)));
    let answer = link_router(bench.app.clone()).oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    cbor::unpack(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap()
}

#[tokio::test]
async fn halls_hear_of_a_fact_sealed_and_no_feed_holds_a_number_even_at_the_centre() {
    let bench = Bench::new().await;
    bench.hall("990001").await;
    let id = known(&bench).await;
    let keys = bench.app.code_keys.keys();
    let [stated] = &told(&bench, "990001").await[..] else { panic!("told once") };
    let fact = stated.open(&keys).unwrap().unwrap();
    assert_eq!((fact.id(), fact.holder().key().as_str(), fact.other().key().as_str()), (id, HOLDER, OTHER));
    let stored: Vec<u8> =
        bench.database().query_row("SELECT change FROM feed", [], |row| row.get(0)).unwrap();
    for number in [HOLDER, OTHER].map(|holder| &holder[4..]) {
        assert!(!stored.windows(number.len()).any(|part| part == number.as_bytes()), "{number}");
    }
    // The same again is no news; another source is, under the same name.
    assert_eq!(known(&bench).await, id);
    assert_eq!(told(&bench, "990001").await.len(), 1);
    let changed =
        RegisterAlias { source: "四川省公安厅".into(), ..new(OTHER, AliasKind::FifteenDigits) };
    assert_eq!(put(&bench.app, HOLDER.parse().unwrap(), &changed).await.unwrap(), (id, Change::Changed));
    assert_eq!(told(&bench, "990001").await.len(), 2);
}

#[tokio::test]
async fn an_item_of_long_ago_is_read_under_a_key_of_today() {
    let bench = Bench::new().await;
    bench.hall("990001").await;
    known(&bench).await;
    for _ in 0..20 {
        bench.pass_hours(24 * 20);
        bench.app.code_keys.renew(bench.app.now()).unwrap();
    }
    let [stated] = &told(&bench, "990001").await[..] else { panic!("told once") };
    assert!(stated.open(&bench.app.code_keys.given(bench.app.now())).unwrap().is_some());
}

#[tokio::test]
async fn a_fact_that_was_withdrawn_is_told_as_that_wherever_it_stood() {
    let bench = Bench::new().await;
    bench.hall("990001").await;
    let id = known(&bench).await;
    assert!(withdraw(&bench.app, id).await.unwrap());
    assert!(!withdraw(&bench.app, id).await.unwrap());
    let told = told(&bench, "990001").await;
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|stated| stated.id == id && stated.fact.is_none()), "{told:?}");
    // What stands again stands under its old name.
    assert_eq!(known(&bench).await, id);
}

#[tokio::test]
async fn what_is_no_fact_is_not_taken_in() {
    let bench = Bench::new().await;
    let put = |other| put(&bench.app, HOLDER.parse().unwrap(), other);
    let passport = new(OTHER, AliasKind::Passport);
    assert!(matches!(put(&passport).await, Err(PutError::Alias(AliasError::Kind))));
    let same = new(HOLDER, AliasKind::EarlierNumber);
    assert!(matches!(put(&same).await, Err(PutError::Alias(AliasError::Same))));
    assert!(bench.app.store.aliases().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_look_up_answers_what_lies_under_an_earlier_number_apart_and_never_by_arithmetic() {
    let bench = Bench::new().await;
    let (log, _) = bench.hall("990001").await;
    put_licence(&bench.app, licence("000000000000001", 1)).await.unwrap();
    put_licence(&bench.app, earlier()).await.unwrap();
    let before = look_up(&bench, log).await;
    assert_eq!((before.envelopes.len(), before.aliased), (1, None), "the number of 15 digits is nobody's");
    let id = known(&bench).await;
    let after = look_up(&bench, log).await;
    assert_eq!(after.envelopes.len(), 1, "it is a candidate, not the holder's own");
    let [found] = &after.aliased.unwrap()[..] else { panic!("one earlier number") };
    let stated = found.alias.verify(&bench.key()).unwrap();
    let fact = stated.open(&bench.app.code_keys.keys()).unwrap().unwrap();
    assert_eq!((fact.id(), fact.other().key().as_str()), (id, OTHER));
    assert_eq!((found.envelopes.len(), found.statuses.len()), (1, 1));
    assert_eq!(found.envelopes[0].holder, *fact.other());
    withdraw(&bench.app, id).await.unwrap();
    assert_eq!(look_up(&bench, log).await.aliased, None);
}

#[tokio::test]
async fn a_hall_that_may_hold_a_persons_licences_may_hold_those_under_an_earlier_number() {
    let bench = Bench::new().await;
    bench.hall("990001").await;
    scope::set(&bench.app, "990001", HallScope::Granted).await.unwrap();
    let item = bench.app.catalogue.items()[0].clone();
    let grant = scope::Grant::appointment("990001".into(), HOLDER.parse().unwrap(), &item, bench.app.now());
    scope::grant(&bench.app, grant).await.unwrap();
    put_licence(&bench.app, earlier()).await.unwrap();
    let held = async || bench.app.store.told("990001").await.unwrap();
    assert!(held().await.is_empty(), "nobody has said whose the number is");
    let id = known(&bench).await;
    assert_eq!(held().await, [earlier().id].into());
    // A new version goes the same way.
    let newer = licence("000000000000009", 2);
    put_licence(&bench.app, Licence { holder: earlier().holder, ..newer.clone() }).await.unwrap();
    assert_eq!(held().await, [newer.id].into());
    withdraw(&bench.app, id).await.unwrap();
    assert!(held().await.is_empty());
}
