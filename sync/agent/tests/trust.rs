//! Whose signatures count: the next key of the centre, with and without its announcement, and bundles that are none.

#![allow(clippy::unwrap_used)]

mod support;

use hall_domain::Timestamp;
use hall_ledger::blob::Manifest;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::feed::{FeedPage, Lane};
use hall_ledger::link::{BlobState, Hello, HelloAnswer, Lookup, LookupAnswer, Resolve, Resolved};
use hall_ledger::phone::{ChallengeNonce, CodeKeys};
use hall_ledger::status::StatusClaims;
use hall_ledger::trust::{BundleKey, Roles, SUITE, SignedBundle, Suite, TrustAge, TrustBundle, TrustRefusal};
use hall_ledger::{BlobId, Signed, SigningKey};
use hall_sync::{AssertionAnswer, Finding, HttpLink, Link, Trouble, UploadAnswer, VerifiedChange};
use minicbor::bytes::ByteArray;
use serde_json::json;
use std::time::Duration;
use support::{Hall, Province, Running, cutter::Line, eventually, licence, now};

fn version(hall: &Hall) -> u32 {
    hall.store.held().trusts.last().map_or(0, hall_ledger::Trust::version)
}

/// Whether the feed brought an envelope of this licence that was believed.
fn has(hall: &Hall, serial: &str) -> bool {
    let wanted = licence(serial, 1).id;
    hall.store.held().items.iter().any(|item| {
        matches!(&item.change, VerifiedChange::LicenceUpsert { filing, .. } if filing.licence == wanted)
    })
}

/// Announces the next key, and lets thirty days pass, in which it takes over.
async fn rotate_over_thirty_days(province: &Province) {
    province.pass_days(30);
    for _ in 0..400 {
        if province.get("/admin/trust").await["keys"][0]["state"] == "verify-only" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the first key was never retired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_that_was_offline_for_thirty_days_over_a_key_rotation_still_verifies() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let running = hall.agent_at(&province);
    eventually("the first bundle", || version(&hall) == 1).await;
    province.post("/admin/trust/rotate", json!({ "announce_days": 10 })).await;
    eventually("the announcement", || version(&hall) == 2).await;
    province.put_licence(&licence("000000000000001", 1)).await;
    eventually("a licence", || has(&hall, "000000000000001")).await;
    running.stop().await;
    hall.cutter.set(Line::Cut);

    rotate_over_thirty_days(&province).await;
    hall.store.record_noise(3);
    let announced = hall.store.held().trusts.last().cloned().unwrap();
    let link = HttpLink::new(&format!("https://{}", province.link_address()), &hall.credentials()).unwrap();
    let token = link.hello(hello(&hall)).await.unwrap().token;
    assert!(token.verify_by(announced.keys()).is_ok(), "the announcement alone is enough");
    assert!(token.verify_by(hall.identity.trust.keys()).is_err(), "without it the key is nobody's");
    hall.cutter.set(Line::Open);
    let running = hall.agent_at(&province);
    running.until_receipted(3).await;
    province.put_licence(&licence("000000000000002", 1)).await;
    eventually("a licence signed by the next key", || has(&hall, "000000000000002")).await;
    assert_eq!(running.agent.status().borrow().findings, []);
    assert_eq!(announced.age((province.clock())()), TrustAge::Good, "sixty days are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_that_missed_the_announcement_believes_the_root_and_goes_on() {
    let province = Province::new().await;
    let (hall, late) = (Hall::enrolled(&province).await, Hall::enrolled(&province).await);
    let running = hall.agent_at(&province);
    eventually("the first bundle", || version(&hall) == 1).await;
    running.stop().await;
    hall.cutter.set(Line::Cut);

    province.put_licence(&licence("000000000000001", 1)).await;
    province.post("/admin/trust/rotate", json!({ "announce_days": 10 })).await;
    rotate_over_thirty_days(&province).await;
    province.put_licence(&licence("000000000000002", 1)).await;
    hall.store.record_noise(2);
    hall.cutter.set(Line::Open);
    let running = hall.agent_at(&province);
    running.until_receipted(2).await;
    eventually("what both keys signed", || has(&hall, "000000000000001") && has(&hall, "000000000000002"))
        .await;
    assert_eq!(version(&hall), 3);

    // A hall that enrolled then and is first switched on now gets the catalogue that the retired key signed: the bundle
    // vouches for its version.
    let running = late.agent_at(&province);
    running
        .until("the catalogue", |_| late.store.held().documents.contains_key(&DocumentKind::Catalogue))
        .await;
}

fn hello(hall: &Hall) -> Hello {
    Hello {
        log: hall.identity.log,
        size: 0,
        root: hall_ledger::Hash::of(b""),
        receipted: 0,
        epoch: 0,
        blob_backlog: 0,
        schema: 1,
        wall: now(),
        free_disk: 0,
        software: "test".into(),
    }
}

/// A bundle of somebody who is not the province, or of the province as it was.
fn forged(version: u32) -> SignedBundle {
    let (root, key) = (SigningKey::from_bytes(&[90; 32]), SigningKey::from_bytes(&[91; 32]));
    let bundle = TrustBundle {
        version,
        issued_at: now(),
        expires_at: now().plus_hours(24),
        roots: vec![ByteArray::from(root.verifying_key().to_bytes())],
        keys: vec![BundleKey {
            suite: SUITE.to_owned(),
            key: key.verifying_key().as_bytes().to_vec(),
            roles: Roles::ALL,
            not_before: Timestamp(0),
            not_after: None,
            retired: false,
        }],
        suites: Suite::named(),
        documents: Vec::new(),
        code_keys: CodeKeys::default(),
    };
    SignedBundle::sign(&bundle, &[&root])
}

/// The centre, with another bundle in its place.
struct Swapped {
    centre: HttpLink,
    bundle: SignedBundle,
}

impl Link for Swapped {
    async fn hello(&self, hello: Hello) -> Result<HelloAnswer, Trouble> {
        self.centre.hello(hello).await
    }

    async fn upload(&self, from: u64, upload: Vec<u8>) -> Result<UploadAnswer, Trouble> {
        self.centre.upload(from, upload).await
    }

    async fn feed(&self, lane: Lane, after: u64, wait: Duration) -> Result<Signed<FeedPage>, Trouble> {
        self.centre.feed(lane, after, wait).await
    }

    async fn status_list(&self, list: u32) -> Result<Signed<StatusClaims>, Trouble> {
        self.centre.status_list(list).await
    }

    async fn document(&self, kind: DocumentKind) -> Result<Signed<Document>, Trouble> {
        self.centre.document(kind).await
    }

    async fn trust(&self) -> Result<SignedBundle, Trouble> {
        Ok(self.bundle.clone())
    }

    async fn lookup(&self, lookup: Lookup) -> Result<LookupAnswer, Trouble> {
        self.centre.lookup(lookup).await
    }

    async fn assertion(&self, nonce: ChallengeNonce, wait: Duration) -> Result<AssertionAnswer, Trouble> {
        self.centre.assertion(nonce, wait).await
    }

    async fn resolve(&self, resolve: Resolve) -> Result<Option<Signed<Resolved>>, Trouble> {
        self.centre.resolve(resolve).await
    }

    async fn offer_blob(&self, id: BlobId, manifest: &Manifest) -> Result<BlobState, Trouble> {
        self.centre.offer_blob(id, manifest).await
    }

    async fn put_chunk(&self, id: BlobId, n: usize, bytes: Vec<u8>) -> Result<(), Trouble> {
        self.centre.put_chunk(id, n, bytes).await
    }

    async fn seal_blob(&self, id: BlobId) -> Result<BlobState, Trouble> {
        self.centre.seal_blob(id).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_another_root_is_refused_told_and_keeps_nobody_from_working() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    hall.store.record_noise(1);
    let link = Swapped { centre: hall.link(), bundle: forged(7) };
    let running = Running::start(hall.identity.clone(), hall.store.clone(), link);
    let refused = Finding::TrustRefused { why: TrustRefusal::RootDropped };
    let status = running.until("the finding", |status| status.findings.contains(&refused)).await;
    assert!(status.findings[0].zh().contains("信任包"));
    running.until_receipted(1).await;
    assert_eq!(hall.store.held().trusts, []);
    running.stop().await;
    // The true one takes the finding away.
    let running = hall.agent();
    eventually("the true bundle", || version(&hall) == 1).await;
    running.until("no finding", |status| status.up && status.findings.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_older_than_the_one_held_is_refused() {
    let province = Province::new().await;
    let hall = Hall::enrolled(&province).await;
    let first = hall.link().trust().await.unwrap();
    province.post("/admin/trust/rotate", json!({})).await;
    let running = hall.agent_at(&province);
    eventually("the second bundle", || version(&hall) == 2).await;
    running.stop().await;
    province.post("/admin/trust/rotate", json!({ "now": true })).await;
    let mut identity = hall.identity.clone();
    identity.trust = hall.store.held().trusts.last().cloned().unwrap();
    let link = Swapped { centre: hall.link(), bundle: first };
    let running = Running::start(identity, hall.store.clone(), link);
    let refused = Finding::TrustRefused { why: TrustRefusal::NotNewer { held: 2, found: 1 } };
    running.until("the finding", |status| status.findings.contains(&refused)).await;
    assert_eq!(version(&hall), 2);
}
