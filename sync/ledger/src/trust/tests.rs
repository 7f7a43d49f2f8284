use ed25519_dalek::SigningKey;
use hall_domain::Timestamp;
use minicbor::bytes::ByteArray;

use super::*;
use crate::cose::{CoseError, Signed};
use crate::document::DocumentKind;
use crate::phone::{CodeKey, CodeKeys};
use crate::token::FreshnessToken;

const DAY_MS: i64 = 24 * 3_600_000;
const NOON: i64 = 1_790_000_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn day(n: i64) -> Timestamp {
    Timestamp(NOON + n * DAY_MS)
}

fn named(seed: u8, from: i64, until: Option<i64>) -> BundleKey {
    BundleKey {
        suite: SUITE.to_owned(),
        key: key(seed).verifying_key().as_bytes().to_vec(),
        roles: Roles::ALL,
        not_before: day(from),
        not_after: until.map(day),
        retired: false,
    }
}

/// Signed by root 1: key 10 until day 20, key 11 from then on.
fn bundle(version: u32) -> TrustBundle {
    TrustBundle {
        version,
        issued_at: day(0),
        expires_at: day(LIFE_DAYS),
        roots: vec![ByteArray::from(key(1).verifying_key().to_bytes())],
        keys: vec![named(10, -100, Some(20)), named(11, 20, None)],
        suites: Suite::named(),
        documents: vec![DocumentInForce { kind: DocumentKind::Catalogue, version: 7 }],
        code_keys: CodeKeys::new([CodeKey {
            number: 1,
            key: [0xab; 32],
            first: "2026-09-01".parse().unwrap(),
            last: "2026-10-31".parse().unwrap(),
        }])
        .unwrap(),
    }
}

fn pinned() -> Trust {
    let keys = CentreKeys::new([key(10).verifying_key()]).unwrap();
    Trust::pinned(keys, Some(key(1).verifying_key()), day(0))
}

fn token(seed: u8, at: i64) -> Signed<FreshnessToken> {
    let (issued_at, next_update) = (day(at), day(at));
    let token =
        FreshnessToken { scope: "hall:990001".into(), feed: 0, hot: 0, issued_at, next_update, epoch: 1 };
    Signed::sign(&token, &key(seed))
}

#[test]
fn pinned_keys_come_back_from_text_and_are_found_by_name() {
    let (a, b) = (key(1), key(2));
    let keys = CentreKeys::new([a.verifying_key(), b.verifying_key(), a.verifying_key()]).unwrap();
    assert_eq!(keys.to_hex().len(), 2);
    assert_eq!(CentreKeys::from_hex(&keys.to_hex()).unwrap(), keys);
    assert_eq!(keys.find(KeyId::of(&b.verifying_key())), Some(&b.verifying_key()));
    assert_eq!(keys.find(KeyId::of(&key(3).verifying_key())), None);
}

#[test]
fn an_empty_or_worthless_list_is_refused() {
    assert_eq!(CentreKeys::from_hex::<&str>(&[]), Err(TrustError::Empty));
    let neutral = "0100000000000000000000000000000000000000000000000000000000000000";
    assert_eq!(CentreKeys::from_hex(&[neutral]), Err(TrustError::Key));
    assert!(matches!(CentreKeys::from_hex(&["zz"]), Err(TrustError::Hex(_))));
}

#[test]
fn a_signature_counts_only_in_the_time_of_its_key() {
    let trust = pinned().accept(&SignedBundle::sign(&bundle(1), &[&key(1)])).unwrap();
    let believed = |seed, at| token(seed, at).verify_by(trust.keys()).is_ok();
    assert!(believed(10, 0) && believed(10, 20), "the current key up to its last moment");
    assert!(!believed(10, 21), "a key that has had its time signs nothing new");
    assert!(believed(11, 20) && believed(11, 50), "the announced key from its first moment");
    assert!(!believed(11, 19), "and not before");
    assert!(!believed(12, 25), "nor anybody else");
    assert_eq!(trust.keys().current(day(5)).unwrap().key(), &key(10).verifying_key());
    assert_eq!(trust.keys().next(day(5)).unwrap().key(), &key(11).verifying_key());
    assert_eq!(trust.keys().current(day(25)).unwrap().key(), &key(11).verifying_key());
    assert_eq!(trust.keys().next(day(25)), None);
}

#[test]
fn what_a_retired_key_signed_in_its_time_stays_evidence_and_is_nothing_new() {
    let mut retired = bundle(1);
    retired.keys[0].retired = true;
    let trust = pinned().accept(&SignedBundle::sign(&retired, &[&key(1)])).unwrap();
    let unknown = CoseError::UnknownKey(KeyId::of(&key(10).verifying_key()));
    assert_eq!(token(10, 5).verify_by(trust.keys()), Err(unknown.clone()));
    assert!(token(10, 5).verify_kept(trust.keys()).is_ok());
    assert_eq!(
        token(10, 21).verify_kept(trust.keys()),
        Err(unknown),
        "after its time it is not even evidence"
    );
}

#[test]
fn a_key_signs_only_what_it_is_trusted_for() {
    let mut lists = bundle(1);
    lists.keys[0].roles = Roles::STATUS_LISTS;
    let trust = pinned().accept(&SignedBundle::sign(&lists, &[&key(1)])).unwrap();
    assert!(token(10, 5).verify_by(trust.keys()).is_err());
}

#[test]
fn a_bundle_is_believed_for_its_root_and_never_goes_back() {
    let held = pinned().accept(&SignedBundle::sign(&bundle(3), &[&key(1)])).unwrap();
    assert_eq!((held.version(), held.document(DocumentKind::Catalogue)), (3, Some(7)));
    assert_eq!(held.code_keys(), Some(&bundle(3).code_keys));
    for version in [1, 3] {
        let refused = held.accept(&SignedBundle::sign(&bundle(version), &[&key(1)]));
        assert_eq!(refused, Err(TrustRefusal::NotNewer { held: 3, found: version }));
    }
    let stranger = SignedBundle::sign(&bundle(4), &[&key(9)]);
    assert_eq!(held.accept(&stranger), Err(TrustRefusal::Signature));
    let mut other = bundle(4);
    other.roots = vec![ByteArray::from(key(9).verifying_key().to_bytes())];
    assert_eq!(held.accept(&SignedBundle::sign(&other, &[&key(9)])), Err(TrustRefusal::RootDropped));
    let rootless = Trust::from(CentreKeys::new([key(10).verifying_key()]).unwrap());
    assert_eq!(rootless.accept(&SignedBundle::sign(&bundle(1), &[&key(1)])), Err(TrustRefusal::NoRoot));
}

#[test]
fn a_root_hands_over_to_the_next_only_with_both_signatures() {
    let mut both = bundle(2);
    both.roots.push(ByteArray::from(key(2).verifying_key().to_bytes()));
    let one = SignedBundle::sign(&both, &[&key(1)]);
    assert_eq!(pinned().accept(&one), Err(TrustRefusal::Signature));
    let mut mixed = SignedBundle::sign(&both, &[&key(1), &key(2)]);
    let told = pinned().accept(&mixed).unwrap();
    let mut alone = bundle(3);
    alone.roots = vec![ByteArray::from(key(2).verifying_key().to_bytes())];
    let alone = SignedBundle::sign(&alone, &[&key(2)]);
    assert_eq!(pinned().accept(&alone), Err(TrustRefusal::RootDropped), "it was never announced here");
    let over = told.accept(&alone).unwrap();
    assert_eq!(over.accept(&SignedBundle::sign(&bundle(4), &[&key(1)])), Err(TrustRefusal::RootDropped));
    // Both signatures are over the same bundle.
    both.version = 9;
    mixed.signed[1] = Signed::sign(&both, &key(2));
    assert_eq!(pinned().accept(&mixed), Err(TrustRefusal::Signature));
}

#[test]
fn trust_warns_thirty_days_before_its_end_and_then_ends() {
    let trust = pinned().accept(&SignedBundle::sign(&bundle(1), &[&key(1)])).unwrap();
    assert_eq!(trust.age(day(LIFE_DAYS - ALARM_DAYS - 1)), TrustAge::Good);
    assert_eq!(trust.age(day(LIFE_DAYS - ALARM_DAYS)), TrustAge::Ending { days: ALARM_DAYS });
    assert_eq!(trust.age(day(LIFE_DAYS - 1)), TrustAge::Ending { days: 1 });
    assert_eq!(trust.age(day(LIFE_DAYS)), TrustAge::Expired);
    assert_eq!(pinned().age(day(LIFE_DAYS)), TrustAge::Expired, "nothing ever came after enrolment");
}

#[test]
fn a_bundle_that_is_no_bundle_is_refused() {
    let offer = |change: fn(&mut TrustBundle)| {
        let mut bundle = bundle(1);
        change(&mut bundle);
        pinned().accept(&SignedBundle::sign(&bundle, &[&key(1)])).unwrap_err()
    };
    assert_eq!(
        offer(|bundle| bundle.expires_at = day(LIFE_DAYS + 1)),
        TrustRefusal::Content,
        "lives too long"
    );
    assert_eq!(offer(|bundle| bundle.expires_at = bundle.issued_at), TrustRefusal::Content);
    assert_eq!(offer(|bundle| bundle.keys.clear()), TrustRefusal::Suite);
    assert_eq!(offer(|bundle| bundle.keys[0].key = vec![1; 7]), TrustRefusal::Content);
    let sm2 = |bundle: &mut TrustBundle| {
        for key in &mut bundle.keys {
            key.suite = "B".to_owned();
        }
    };
    assert_eq!(offer(sm2), TrustRefusal::Suite, "SM2 is named and not accepted by this build");
    assert_eq!(pinned().accept(&SignedBundle { signed: Vec::new() }), Err(TrustRefusal::Signature));
}

#[test]
fn a_suite_that_this_build_does_not_know_beside_one_that_it_does_changes_nothing() {
    let mut mixed = bundle(1);
    mixed.keys.push(BundleKey { suite: "B".to_owned(), key: vec![4; 65], ..named(12, 0, None) });
    let trust = pinned().accept(&SignedBundle::sign(&mixed, &[&key(1)])).unwrap();
    assert_eq!(trust.keys().iter().count(), 2);
}

#[test]
fn any_changed_bit_of_a_bundle_is_noticed_and_no_code_key_is_ever_printed() {
    let bytes = crate::cbor::pack(&SignedBundle::sign(&bundle(1), &[&key(1)]));
    let back: SignedBundle = crate::cbor::unpack(&bytes).unwrap();
    assert!(pinned().accept(&back).is_ok());
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 1;
        let taken = crate::cbor::unpack::<SignedBundle>(&bent).ok().map(|bundle| pinned().accept(&bundle));
        assert!(!matches!(taken, Some(Ok(_))), "byte {at}");
    }
    let printed = format!("{:?} {:?} {back:?}", bundle(1), pinned().accept(&back).unwrap());
    assert!(!printed.contains("171"), "0xab of the code key: {printed}");
}

#[test]
fn a_kept_bundle_is_recalled_with_its_roots() {
    let signed = SignedBundle::sign(&bundle(5), &[&key(1)]);
    let recalled = pinned().recall(&signed).unwrap();
    assert_eq!(recalled, pinned().accept(&signed).unwrap());
}
