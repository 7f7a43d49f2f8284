//! 信任包: publishes whose signatures count, with the next key long before it signs.
//!
//! An idempotent task, run by timer: it takes over what `hall-centre rotate` wrote, retires keys that have had their
//! time, renews code keys and bundles, and tells the halls.

use crate::app::App;
use crate::centre::system_clock;
use crate::keys::{KeyRing, Ring};
use anyhow::Context;
use hall_domain::Timestamp;
use hall_ledger::document::DocumentKind;
use hall_ledger::feed::DocumentVersion;
use hall_ledger::phone::CodeKeys;
use hall_ledger::trust::{
    BundleKey, DocumentInForce, LIFE_DAYS, Roles, SUITE, SignedBundle, Suite, TrustBundle,
};
use hall_ledger::{Hash, cbor};
use minicbor::bytes::ByteArray;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// A bundle is renewed after so many days: a hall has at least 60 days of trust when its line breaks.
const RENEW_DAYS: i64 = 30;
/// How long a next key is announced before it signs, unless the operator says otherwise.
pub const ANNOUNCE_DAYS: u32 = 30;
/// The longest announcement.
const MAX_ANNOUNCE_DAYS: u32 = 365;
/// A rotation at once leaves a running centre this long to learn of it.
const AT_ONCE_S: i64 = 10;

/// When the next key is to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// After so many days, in which halls hear of it.
    Announced(u32),
    /// In some seconds: for drills, and when a key was stolen. Halls without a line learn of it with their next bundle.
    Now,
}

/// Makes the next signing key of the centre in `data`. A running centre publishes it within seconds, a stopped one when
/// it starts. Returns from when on it signs.
///
/// # Errors
/// When there is no centre, or a next key is announced already.
pub fn rotate(data: &Path, switch: Switch) -> anyhow::Result<Timestamp> {
    let now = system_clock()();
    let keys = KeyRing::open(data)?;
    announce(&keys, switch, now)
}

/// Announces the next root of the centre in `data`, or lets the announced one take the old one's place.
///
/// # Errors
/// When there is no centre, or it is not the time for this step.
pub fn rotate_root(data: &Path, now: bool) -> anyhow::Result<()> {
    KeyRing::open(data)?.rotate_root(now)
}

pub(crate) fn announce(keys: &KeyRing, switch: Switch, now: Timestamp) -> anyhow::Result<Timestamp> {
    let from = match switch {
        Switch::Announced(days) => {
            anyhow::ensure!(
                (1..=MAX_ANNOUNCE_DAYS).contains(&days),
                "announce for 1 to {MAX_ANNOUNCE_DAYS} days"
            );
            now.plus_hours(24 * i64::from(days))
        }
        Switch::Now => now.plus_seconds(AT_ONCE_S),
    };
    // Status lists and what phones carry state whole seconds: none may state a moment before its key's first.
    let from = Timestamp(from.0.saturating_add(999).div_euclid(1000).saturating_mul(1000));
    keys.rotate(now, from)?;
    Ok(from)
}

/// Keeps the bundle true until the centre stops.
pub(crate) async fn run(app: &App) {
    loop {
        if let Err(error) = keep(app).await {
            tracing::error!(reason = %format!("{error:#}"), "The trust bundle could not be published; trying again.");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// One look: publishes a bundle if the last one is old or says what is not true any more.
pub(crate) async fn keep(app: &App) -> anyhow::Result<()> {
    let now = app.now();
    app.keys.reload()?;
    app.code_keys.renew(now)?;
    let held = app.keys.look(|ring| ring.bundle.as_ref().map(SignedBundle::verify).transpose());
    let held = held.context("believe the own bundle")?;
    let fresh = held.is_some_and(|bundle| {
        let young = (0..RENEW_DAYS * 24 * 3_600_000).contains(&now.ms_since(bundle.issued_at));
        young && bundle.code_keys == app.code_keys.given(now)
    });
    if fresh && !app.keys.overtaken(now) { Ok(()) } else { publish(app, now).await }
}

async fn publish(app: &App, now: Timestamp) -> anyhow::Result<()> {
    let mut documents = Vec::new();
    for kind in [DocumentKind::Catalogue, DocumentKind::Organisations, DocumentKind::Policy] {
        if let Some((version, _)) = app.store.document(kind).await? {
            documents.push(DocumentInForce { kind, version });
        }
    }
    let code_keys = app.code_keys.given(now);
    app.keys.publish(now, |ring| sign(ring, now, documents, code_keys))?;
    // What a retired key has signed is not handed out any more.
    app.status.changed();
    if let Some(announcement) = announcement(app) {
        let version = announcement.version;
        app.store.announce(announcement, now).await?;
        app.waiters.wake_all();
        tracing::info!(trust.version = version, "A trust bundle was published.");
    }
    Ok(())
}

/// What the feed says about the newest bundle.
pub(crate) fn announcement(app: &App) -> Option<DocumentVersion> {
    app.keys.look(|ring| {
        let sha256 = Hash::of(&cbor::pack(ring.bundle.as_ref()?));
        Some(DocumentVersion { kind: DocumentKind::Trust, version: ring.version, sha256 })
    })
}

fn sign(ring: &Ring, now: Timestamp, documents: Vec<DocumentInForce>, code_keys: CodeKeys) -> SignedBundle {
    let bundle = TrustBundle {
        version: ring.version,
        issued_at: now,
        expires_at: now.plus_hours(24 * LIFE_DAYS),
        roots: ring.roots.iter().map(|root| ByteArray::from(root.verifying_key().to_bytes())).collect(),
        keys: ring
            .signing
            .iter()
            .map(|standing| BundleKey {
                suite: SUITE.to_owned(),
                key: standing.key.verifying_key().as_bytes().to_vec(),
                roles: Roles::ALL,
                not_before: standing.not_before,
                not_after: standing.not_after,
                retired: standing.retired,
            })
            .collect(),
        suites: Suite::named(),
        documents,
        code_keys,
    };
    SignedBundle::sign(&bundle, &ring.roots.iter().collect::<Vec<_>>())
}

/// What operators see: no secret is in it.
pub(crate) fn shown(app: &App) -> Value {
    let now = app.now();
    let codes = app.code_keys.given(now);
    app.keys.look(|ring| {
        let bundle = ring.bundle.as_ref().and_then(|signed| signed.verify().ok());
        let signing: Vec<Value> = ring
            .signing
            .iter()
            .map(|standing| {
                let state = match standing {
                    standing if standing.retired => "verify-only",
                    standing if now < standing.not_before => "next",
                    _ => "current",
                };
                json!({
                    "key": hex::encode(standing.key.verifying_key().as_bytes()),
                    "state": state,
                    "not_before": standing.not_before,
                    "not_after": standing.not_after,
                })
            })
            .collect();
        let code_keys: Vec<Value> = codes
            .keys()
            .iter()
            .map(|key| json!({ "number": key.number, "first": key.first, "last": key.last }))
            .collect();
        let roots: Vec<String> =
            ring.roots.iter().map(|root| hex::encode(root.verifying_key().as_bytes())).collect();
        json!({
            "version": ring.version,
            "published": bundle.is_some(),
            "issued_at": bundle.as_ref().map(|bundle| bundle.issued_at),
            "expires_at": bundle.as_ref().map(|bundle| bundle.expires_at),
            "roots": roots,
            "keys": signing,
            "code_keys": code_keys,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds;
    use crate::policy;
    use crate::register::{put_licence, set_status};
    use crate::status;
    use crate::testing::{Bench, licence};
    use hall_domain::LicenceStatus;
    use hall_ledger::feed::Change;
    use hall_ledger::status::StatusClaims;
    use hall_ledger::trust::verifying_key;
    use hall_ledger::{CentreKeys, Trust};

    /// What a box that enrols now pins.
    fn pinned(bench: &Bench) -> Trust {
        let keys = CentreKeys::from_hex(&bench.app.keys.pins()).unwrap();
        let root = bench.app.keys.root().map(|root| verifying_key(&root).unwrap());
        Trust::pinned(keys, root, bench.app.now())
    }

    fn bundle(bench: &Bench) -> SignedBundle {
        bench.app.keys.look(|ring| ring.bundle.clone()).unwrap()
    }

    #[tokio::test]
    async fn a_bundle_is_published_once_and_renewed_long_before_it_ends() {
        let bench = Bench::new().await;
        bench.hall("990001").await;
        keep(&bench.app).await.unwrap();
        keep(&bench.app).await.unwrap();
        let first = pinned(&bench).accept(&bundle(&bench)).unwrap();
        assert_eq!(first.version(), 1);
        bench.pass_hours(24 * RENEW_DAYS);
        keep(&bench.app).await.unwrap();
        let second = first.accept(&bundle(&bench)).unwrap();
        assert_eq!((second.version(), second.keys()), (2, first.keys()));
        let told: Vec<u32> = bench
            .feed("990001")
            .await
            .into_iter()
            .filter_map(|item| match item.change {
                Change::Document(told) if told.kind == DocumentKind::Trust => Some(told.version),
                _ => None,
            })
            .collect();
        assert_eq!(told, [1, 2]);
    }

    #[tokio::test]
    async fn a_new_code_key_comes_with_a_new_bundle() {
        let bench = Bench::new().await;
        keep(&bench.app).await.unwrap();
        let first = pinned(&bench).accept(&bundle(&bench)).unwrap();
        assert_eq!(first.code_keys(), Some(&bench.app.code_keys.given(bench.app.now())));
        bench.pass_hours(24 * 170);
        keep(&bench.app).await.unwrap();
        let before = first.accept(&bundle(&bench)).unwrap();
        bench.pass_hours(24 * 4);
        keep(&bench.app).await.unwrap();
        let after = before.accept(&bundle(&bench)).unwrap();
        let count = |trust: &Trust| trust.code_keys().unwrap().keys().len();
        assert_eq!((after.version(), count(&before), count(&after)), (3, 2, 3));
    }

    #[tokio::test]
    async fn a_box_that_heard_the_announcement_and_was_away_for_thirty_days_believes_the_next_key() {
        let bench = Bench::new().await;
        bench.hall("990001").await;
        let licence = licence("000000000000001", 1);
        put_licence(&bench.app, licence.clone()).await.unwrap();
        keep(&bench.app).await.unwrap();
        let missed = pinned(&bench).accept(&bundle(&bench)).unwrap();
        announce(&bench.app.keys, Switch::Announced(10), bench.app.now()).unwrap();
        keep(&bench.app).await.unwrap();
        let heard = missed.accept(&bundle(&bench)).unwrap();
        let old_list = status::list(&bench.app).await.unwrap();
        policy::publish_default(&bench.app).await.unwrap();
        let secret = bench.app.keys.lasting_secret();

        bench.pass_hours(24 * 30);
        keep(&bench.app).await.unwrap();
        set_status(&bench.app, &licence.id, LicenceStatus::Suspended).await.unwrap();
        let token = feeds::token(&bench.app, "990001").await.unwrap();
        let list = status::list(&bench.app).await.unwrap();
        let known = bench.app.store.licence(&licence.id).await.unwrap().unwrap();
        let fresh =
            crate::register::issue(&bench.app, &licence, known.status_index, "990001", bench.app.now());
        let fresh = fresh.await.unwrap().envelope;
        assert!(token.verify_by(heard.keys()).is_ok(), "a token");
        assert!(StatusClaims::verify(list.as_bytes(), heard.keys()).is_ok(), "a status list");
        assert!(fresh.verify_by(heard.keys()).is_ok(), "an envelope");
        // A box that missed the announcement believes nothing of it, until the bundle comes.
        assert!(token.verify_by(missed.keys()).is_err());
        assert!(StatusClaims::verify(list.as_bytes(), missed.keys()).is_err());
        assert!(fresh.verify_by(missed.keys()).is_err());
        let late = missed.accept(&bundle(&bench)).unwrap();
        assert!(token.verify_by(late.keys()).is_ok() && fresh.verify_by(late.keys()).is_ok());
        // The centre itself goes on from what it made before.
        assert_eq!(policy::current(&bench.app).await.unwrap().version, 1);
        assert_eq!(bench.app.keys.lasting_secret(), secret);
        // What the first key signed in its time is kept, and is nothing new.
        let Some(Change::LicenceUpsert(old)) =
            bench.feed("990001").await.into_iter().map(|item| item.change).next()
        else {
            panic!("the feed begins with the licence");
        };
        assert!(old.envelope.verify_kept(late.keys()).is_ok());
        assert!(StatusClaims::verify_kept(old_list.as_bytes(), late.keys()).is_ok());
        assert!(StatusClaims::verify(old_list.as_bytes(), late.keys()).is_err());
    }

    #[tokio::test]
    async fn a_rotation_at_once_takes_the_announced_key() {
        let bench = Bench::new().await;
        announce(&bench.app.keys, Switch::Announced(30), bench.app.now()).unwrap();
        keep(&bench.app).await.unwrap();
        let next = bench.app.keys.signer(bench.app.now().plus_hours(24 * 30));
        announce(&bench.app.keys, Switch::Now, bench.app.now()).unwrap();
        keep(&bench.app).await.unwrap();
        bench.pass_hours(1);
        keep(&bench.app).await.unwrap();
        assert_eq!(bench.key(), next.verifying_key());
        let states: Vec<Value> =
            shown(&bench.app)["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
        assert_eq!(states, ["verify-only", "current"]);
        assert!(announce(&bench.app.keys, Switch::Announced(0), bench.app.now()).is_err());
    }

    #[tokio::test]
    async fn a_restored_centre_goes_on_beyond_what_halls_may_hold() {
        let bench = Bench::new().await;
        keep(&bench.app).await.unwrap();
        let held = pinned(&bench).accept(&bundle(&bench)).unwrap();
        bench.app.keys.restored().unwrap();
        keep(&bench.app).await.unwrap();
        assert!(held.accept(&bundle(&bench)).unwrap().version() > 1_000);
    }

    #[tokio::test]
    async fn a_root_hands_over_in_two_steps() {
        let bench = Bench::new().await;
        keep(&bench.app).await.unwrap();
        let held = pinned(&bench).accept(&bundle(&bench)).unwrap();
        assert!(bench.app.keys.rotate_root(true).is_err(), "nobody has heard of a next one");
        bench.app.keys.rotate_root(false).unwrap();
        keep(&bench.app).await.unwrap();
        let told = held.accept(&bundle(&bench)).unwrap();
        bench.app.keys.rotate_root(true).unwrap();
        keep(&bench.app).await.unwrap();
        assert!(told.accept(&bundle(&bench)).is_ok());
        assert!(held.accept(&bundle(&bench)).is_err(), "a box that missed the step enrols again");
    }

    #[tokio::test]
    async fn what_operators_see_holds_no_secret() {
        let bench = Bench::new().await;
        keep(&bench.app).await.unwrap();
        let text = shown(&bench.app).to_string();
        for secret in bench.app.code_keys.keys().keys().iter().map(|key| hex::encode(key.key)) {
            assert!(!text.contains(&secret));
        }
        bench.app.keys.look(|ring| {
            for secret in ring.signing.iter().map(|key| hex::encode(key.key.to_bytes())) {
                assert!(!text.contains(&secret));
            }
        });
    }
}
