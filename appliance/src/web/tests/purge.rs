//! 证照缓存的清理: what leaves the cache, when, and the proof that stays.

use super::hall::{Hall, open_case};
use crate::reception::Clerk;
use crate::retention::sweep;
use crate::store::licences::{self, Reason, Sealed};
use crate::sync_store::SyncStore;
use crate::verify::verify;
use ed25519_dalek::SigningKey;
use hall_domain::case::CaseId;
use hall_domain::register::Register;
use hall_domain::{LicenceStatus, Timestamp};
use hall_ledger::Salt;
use hall_ledger::envelope::{Envelope, Filing, Issue, IssuedEnvelope, StatusRef};
use hall_ledger::feed::Lane;
use hall_ledger::token::FreshnessToken;
use hall_sync::{Store, VerifiedChange, VerifiedItem, VerifiedPage};
use std::convert::Infallible;

const DAY_MS: i64 = 86_400_000;

/// 王芳's licence, good in caches for so many days from now.
fn issued(now: Timestamp, days: i64) -> (IssuedEnvelope, Envelope) {
    let people: Register = toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap();
    let licence = people.person("wang-fang").unwrap().licences[0].clone();
    let key = SigningKey::from_bytes(&[7; 32]);
    let issue = Issue {
        status: StatusRef { list: 1, index: 7 },
        checked_at: now,
        expires_at: now.plus_ms(days * DAY_MS),
        halls: ["990100".to_owned()].into(),
        relation: None,
        file: None,
    };
    let issued = Envelope::issue(&licence, &issue, &key, || Ok::<_, Infallible>(Salt([1; 16]))).unwrap();
    let envelope = issued.envelope.verify(&key.verifying_key()).unwrap();
    (issued, envelope)
}

impl Hall {
    /// Puts 王芳's licence into the cache: for a case, or into the scope of the hall.
    async fn caches(&self, days: i64, case: Option<&CaseId>) {
        let (vault, now, case) = (self.app.book.vault.clone(), self.app.book.clock.now(), case.cloned());
        self.write(move |tx| {
            let (issued, envelope) = issued(now, days);
            let reason = match &case {
                Some(case) => Reason::Asked { case, status: LicenceStatus::Valid, at: now },
                None => Reason::Scope,
            };
            licences::put(tx, &Sealed::new(&vault, &issued, &Filing::from(&envelope)), reason)
        })
        .await;
    }

    async fn cached(&self) -> u64 {
        self.read(licences::count).await
    }

    /// Sweeps on the day of a token that is so many days ahead, by a clock that agrees.
    async fn purges(&self, untouched_days: i64) -> usize {
        self.write(move |tx| {
            tx.execute("UPDATE cases SET updated_at = updated_at - ?1", [untouched_days * DAY_MS])
        })
        .await;
        let now = self.app.book.clock.now();
        let knowledge = &self.app.book.knowledge;
        let (scope, next_update) = (knowledge.scope.clone(), now.plus_ms(60_000));
        knowledge.set_token(FreshnessToken { scope, feed: 0, hot: 0, issued_at: now, next_update, epoch: 1 });
        let (book, folder) = (self.app.book.clone(), self.folder.clone());
        tokio::task::spawn_blocking(move || sweep(&book, &folder)).await.unwrap().unwrap().licences
    }

    async fn proven(&self) -> u64 {
        let report = verify(&self.app.book).await.unwrap();
        assert_eq!(report.damaged, 0, "{:?}", report.damages);
        report.purged
    }
}

fn clerk() -> Clerk {
    Clerk { account: "li.qiang".parse().unwrap(), window: "W01".parse().unwrap() }
}

#[tokio::test]
async fn a_licence_that_was_fetched_for_a_case_leaves_with_the_case_and_the_ledger_proves_it() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    hall.caches(60, Some(&id)).await;
    assert_eq!(hall.purges(20).await, 0, "the case is open");
    hall.app.desk.abandon(&clerk(), &id, "").await.unwrap();
    assert_eq!(hall.purges(6).await, 0, "it can be taken up again");
    assert_eq!(hall.purges(2).await, 1);
    assert_eq!((hall.cached().await, hall.entries("cache.purged").await, hall.proven().await), (0, 1, 1));
    assert_eq!(hall.purges(0).await, 0);
    assert_eq!(hall.entries("cache.purged").await, 1, "nothing was deleted, so nothing is recorded");
}

#[tokio::test]
async fn a_licence_that_two_cases_asked_for_stays_until_both_are_done_with_it() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let (first, second) = (open_case(&mut browser).await, open_case(&mut browser).await);
    hall.caches(60, Some(&first)).await;
    hall.caches(60, Some(&second)).await;
    hall.app.desk.abandon(&clerk(), &first, "").await.unwrap();
    assert_eq!(hall.purges(8).await, 0);
    assert_eq!(hall.purges(30).await, 1, "the other case was left lying for a month");
}

#[tokio::test]
async fn what_the_centre_put_into_the_scope_stays_whatever_becomes_of_a_case() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    hall.caches(60, Some(&id)).await;
    hall.caches(60, None).await;
    hall.app.desk.abandon(&clerk(), &id, "").await.unwrap();
    assert_eq!(hall.purges(40).await, 0);
    assert_eq!(hall.cached().await, 1);
}

#[tokio::test]
async fn an_envelope_past_its_time_is_deleted_by_the_time_that_the_centre_signed() {
    let hall = Hall::new().await.with_catalogue();
    hall.caches(-1, None).await;
    let (book, folder) = (hall.app.book.clone(), hall.folder.clone());
    let swept = tokio::task::spawn_blocking(move || sweep(&book, &folder)).await.unwrap().unwrap();
    assert_eq!(swept.licences, 0, "a box that never heard from the centre does not trust its clock");
    assert_eq!(hall.purges(0).await, 1);
    assert_eq!((hall.cached().await, hall.proven().await), (0, 1));
}

#[tokio::test]
async fn a_licence_that_leaves_the_scope_is_deleted_with_the_message_and_proven() {
    let hall = Hall::new().await.with_catalogue();
    hall.caches(60, None).await;
    let now = hall.app.book.clock.now();
    let licence = issued(now, 60).1.licence;
    let store = SyncStore::new(
        hall.app.book.clone(),
        hall.app.live.clone(),
        hall.folder.clone(),
        std::env::temp_dir(),
    );
    let page = |seq, licence| {
        let change = VerifiedChange::LicenceForget(licence);
        let items = vec![VerifiedItem { seq, at: now, hot: None, change }];
        VerifiedPage { lane: Lane::Main, after: seq - 1, last: seq, items, hot: None }
    };
    store.apply(page(1, licence.clone())).await.unwrap();
    assert_eq!((hall.cached().await, hall.proven().await), (0, 1));
    store.apply(page(2, licence)).await.unwrap();
    assert_eq!(hall.entries("cache.purged").await, 1, "what is not here is not deleted twice");
}
