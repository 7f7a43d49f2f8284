use super::*;
use crate::store::MIGRATIONS;
use ed25519_dalek::SigningKey;
use hall_domain::register::Register;
use hall_ledger::Salt;
use hall_ledger::envelope::{Envelope, Issue, StatusRef};
use std::convert::Infallible;
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn database() -> (Connection, Vault) {
    let db = Connection::open_in_memory().unwrap();
    MIGRATIONS.iter().for_each(|step| db.execute_batch(step.sql).unwrap());
    (db, Vault::new(Zeroizing::new([3; 32])))
}

/// A licence of 王芳, looked at by the centre at this time.
fn issued(at: Timestamp) -> (IssuedEnvelope, Envelope) {
    let people: Register = toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap();
    let licence = people.person("wang-fang").unwrap().licences[0].clone();
    let key = SigningKey::from_bytes(&[7; 32]);
    let issue = Issue {
        status: StatusRef { list: 1, index: 7 },
        checked_at: at,
        expires_at: at.plus_hours(72),
        halls: ["990001".to_owned()].into(),
        relation: None,
        file: None,
    };
    let issued = Envelope::issue(&licence, &issue, &key, || Ok::<_, Infallible>(Salt([1; 16]))).unwrap();
    let envelope = issued.envelope.verify(&key.verifying_key()).unwrap();
    (issued, envelope)
}

fn asked(case: &CaseId, at: Timestamp) -> Reason<'_> {
    Reason::Asked { case, status: LicenceStatus::Valid, at }
}

fn cached(db: &Connection, vault: &Vault) -> Vec<Cached> {
    of_holder(db, vault, &issued(NOW).0.holder).unwrap()
}

#[test]
fn a_page_of_the_feed_that_comes_late_does_not_replace_a_newer_look() {
    let (db, vault) = database();
    let case: CaseId = "01jd8z".parse().unwrap();
    let (newer, envelope) = issued(NOW.plus_hours(5));
    put(&db, &Sealed::new(&vault, &newer, &Filing::from(&envelope)), asked(&case, NOW.plus_hours(5)))
        .unwrap();
    let (older, envelope) = issued(NOW);
    put(&db, &Sealed::new(&vault, &older, &Filing::from(&envelope)), Reason::Scope).unwrap();
    assert_eq!(cached(&db, &vault)[0].issued, newer);
    // It is in the hall's scope all the same.
    assert_eq!(db.query_row("SELECT scope FROM licence", [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[test]
fn a_licence_that_was_fetched_for_a_case_belongs_to_the_hall_once_the_feed_brings_it() {
    let (db, vault) = database();
    let case: CaseId = "01jd8z".parse().unwrap();
    let sealed = |at| {
        let (issued, envelope) = issued(at);
        Sealed::new(&vault, &issued, &Filing::from(&envelope))
    };
    let scope = || db.query_row("SELECT scope FROM licence", [], |row| row.get::<_, i64>(0));
    put(&db, &sealed(NOW), asked(&case, NOW)).unwrap();
    assert_eq!(scope(), Ok(0));
    put_all(&db, vec![sealed(NOW.plus_hours(1))]).unwrap();
    assert_eq!(scope(), Ok(1));
    // Looking again for a case does not take it out.
    put(&db, &sealed(NOW.plus_hours(2)), asked(&case, NOW)).unwrap();
    assert_eq!(scope(), Ok(1));
}

#[test]
fn of_two_looks_that_come_together_the_newer_stays_whichever_comes_first() {
    for order in [[1, 2], [2, 1]] {
        let (db, vault) = database();
        let new = order.map(|hours| {
            let (issued, envelope) = issued(NOW.plus_hours(hours));
            Sealed::new(&vault, &issued, &Filing::from(&envelope))
        });
        put_all(&db, new.into()).unwrap();
        assert_eq!(cached(&db, &vault)[0].issued, issued(NOW.plus_hours(2)).0);
    }
}

#[test]
fn a_new_look_keeps_what_is_known_of_the_status() {
    let (db, vault) = database();
    let (first, envelope) = issued(NOW);
    put(&db, &Sealed::new(&vault, &first, &Filing::from(&envelope)), Reason::Scope).unwrap();
    set_status(&db, &vault, &envelope.licence, LicenceStatus::Revoked, NOW.plus_hours(1)).unwrap();
    let (second, envelope) = issued(NOW.plus_hours(2));
    put(&db, &Sealed::new(&vault, &second, &Filing::from(&envelope)), Reason::Scope).unwrap();
    let found = &cached(&db, &vault)[0];
    assert_eq!((found.status, found.status_at), (LicenceStatus::Revoked, NOW.plus_hours(1)));
    // The centre's own answer is newer.
    let case: CaseId = "01jd8z".parse().unwrap();
    put(&db, &Sealed::new(&vault, &second, &Filing::from(&envelope)), asked(&case, NOW.plus_hours(3)))
        .unwrap();
    assert_eq!(cached(&db, &vault)[0].status, LicenceStatus::Valid);
}

#[test]
fn no_row_tells_whose_licence_it_is() {
    let (db, vault) = database();
    let (issued, envelope) = issued(NOW);
    put(&db, &Sealed::new(&vault, &issued, &Filing::from(&envelope)), Reason::Scope).unwrap();
    let row: Vec<Vec<u8>> = db
        .query_row("SELECT licence, holder, sealed FROM licence", [], |row| {
            Ok(vec![row.get(0)?, row.get(1)?, row.get(2)?])
        })
        .unwrap();
    let whole = row.concat();
    let number = issued.holder.key();
    let number = number.split_once(':').unwrap().1;
    for secret in [number, envelope.licence.as_str(), envelope.name.as_str()] {
        assert!(!whole.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
    // Another box's key finds nothing.
    let other = Vault::new(Zeroizing::new([4; 32]));
    assert!(of_holder(&db, &other, &issued.holder).unwrap().is_empty());
}
