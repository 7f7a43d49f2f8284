//! Licence envelopes and the status list: nothing opens that the centre did not sign, exactly so.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod cast;

use std::collections::BTreeSet;

use cast::{
    HOUR, NOON, centre_key, centre_keys, date, field, licence, other_person, person, salts, stranger_key,
};
use hall_domain::{LicenceStatus, Timestamp};
use hall_ledger::cose::{self, CoseError, Sign1, typed};
use hall_ledger::envelope::{
    CacheState, Envelope, Issue, IssuedEnvelope, NUMBER_FIELD, OpenError, StatusRef, Validity,
    VerifiedEnvelope,
};
use hall_ledger::status::{MAX_ENTRIES, StatusClaims, StatusError, StatusList};
use hall_ledger::{KeyId, Signed, cbor};
use proptest::prelude::*;

fn issue() -> Issue {
    Issue {
        status: StatusRef { list: 1, index: 77 },
        checked_at: NOON,
        expires_at: NOON.plus_hours(72),
        halls: BTreeSet::from(["990001".to_owned(), "990002".to_owned()]),
        relation: None,
        file: None,
    }
}

fn issued() -> IssuedEnvelope {
    Envelope::issue(&licence(), &issue(), &centre_key(), salts()).unwrap()
}

fn verified(issued: &IssuedEnvelope) -> VerifiedEnvelope {
    Envelope::verify(issued.envelope.as_bytes(), &centre_keys()).unwrap()
}

#[test]
fn the_fields_asked_for_open_and_no_others() {
    let issued = issued();
    let envelope = verified(&issued);
    let opened = envelope.open(&[field("name"), field(NUMBER_FIELD)], &issued.disclosures).unwrap();
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[&field("name")], "王芳");
    assert_eq!(opened[&field(NUMBER_FIELD)], "990123456");
    assert!(envelope.open(&[], &issued.disclosures).unwrap().is_empty());
    let missing = envelope.open(&[field("name"), field("photo")], &issued.disclosures);
    assert_eq!(missing, Err(OpenError::NoSuchField(field("photo"))));

    let mut poorer = issued.disclosures.clone();
    poorer.fields.retain(|disclosure| disclosure.field != field("name"));
    assert_eq!(envelope.open(&[field("name")], &poorer), Err(OpenError::NotDisclosed(field("name"))));
}

#[test]
fn a_changed_value_under_a_valid_envelope_does_not_open() {
    let issued = issued();
    let envelope = verified(&issued);
    for at in 0..issued.disclosures.fields.len() {
        let key = issued.disclosures.fields[at].field.clone();
        let mut changed = issued.disclosures.clone();
        changed.fields[at].value.push('改');
        assert_eq!(envelope.open(std::slice::from_ref(&key), &changed), Err(OpenError::Digest(key.clone())));
        let mut salted = issued.disclosures.clone();
        salted.fields[at].salt.0[15] ^= 1;
        assert_eq!(envelope.open(std::slice::from_ref(&key), &salted), Err(OpenError::Digest(key)));
    }
    // Nor does one field's value under the name of another.
    let mut swapped = issued.disclosures.clone();
    let (a, b) = (swapped.fields[0].field.clone(), swapped.fields[1].field.clone());
    (swapped.fields[0].field, swapped.fields[1].field) = (b.clone(), a);
    assert_eq!(envelope.open(std::slice::from_ref(&b), &swapped), Err(OpenError::Digest(b)));
    // Nor the disclosures of another issue of the same licence.
    let mut other_salts = salts();
    let _ = other_salts();
    let again = Envelope::issue(&licence(), &issue(), &centre_key(), other_salts).unwrap();
    assert!(envelope.open(&[field("name")], &again.disclosures).is_err());
}

#[test]
fn every_flipped_bit_of_an_envelope_is_noticed() {
    let bytes = issued().envelope.into_bytes();
    for at in 0..bytes.len() * 8 {
        let mut bent = bytes.clone();
        bent[at / 8] ^= 1 << (at % 8);
        assert!(Envelope::verify(&bent, &centre_keys()).is_err(), "bit {at}");
    }
    for cut in 0..bytes.len() {
        assert!(Envelope::verify(&bytes[..cut], &centre_keys()).is_err(), "cut at {cut}");
    }
    let forged = Envelope::issue(&licence(), &issue(), &stranger_key(), salts()).unwrap();
    let refused = Envelope::verify(forged.envelope.as_bytes(), &centre_keys());
    assert!(matches!(refused, Err(CoseError::UnknownKey(_))));
}

#[test]
fn an_envelope_tells_nothing_about_its_holder() {
    let issued = issued();
    let bytes = issued.envelope.as_bytes();
    for secret in ["王芳", "519900199003070011", "990123456", "演示路"] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
    let debug = format!("{issued:?} {:?}", verified(&issued));
    for secret in ["王芳", "519900199003070011", "990123456", "演示路"] {
        assert!(!debug.contains(secret), "{secret} in {debug}");
    }
    // Two envelopes of one holder cannot be told to be so.
    let mut later = salts();
    let _ = later();
    let second = Envelope::issue(&licence(), &issue(), &centre_key(), later).unwrap();
    assert_ne!(verified(&issued).facts().holder, verified(&second).facts().holder);
}

#[test]
fn holder_and_representative_are_known_to_those_who_know_them() {
    let mut with_relation = issue();
    with_relation.relation = Some(other_person());
    let issued = Envelope::issue(&licence(), &with_relation, &centre_key(), salts()).unwrap();
    let envelope = verified(&issued);
    assert!(envelope.held_by(&person(), &issued.disclosures));
    assert!(!envelope.held_by(&other_person(), &issued.disclosures));
    assert!(envelope.represented_by(&other_person(), &issued.disclosures));
    assert!(!envelope.represented_by(&person(), &issued.disclosures));
    let without = self::issued();
    assert!(!verified(&without).represented_by(&other_person(), &without.disclosures));
    assert!(envelope.allows_hall("990001") && !envelope.allows_hall("990003"));
}

#[test]
fn an_envelope_says_how_old_it_is_and_whether_the_licence_is_within_its_dates() {
    let envelope = verified(&issued());
    let at = |ms: i64| Timestamp(NOON.0 + ms);
    assert_eq!(envelope.cache(at(HOUR)), CacheState::Usable { age_ms: HOUR as u64 });
    assert_eq!(envelope.cache(at(-HOUR)), CacheState::Usable { age_ms: 0 });
    assert_eq!(envelope.cache(at(72 * HOUR - 1)), CacheState::Usable { age_ms: (72 * HOUR - 1) as u64 });
    assert_eq!(envelope.cache(at(72 * HOUR)), CacheState::Expired { since_ms: 0 });
    assert_eq!(envelope.cache(at(73 * HOUR)), CacheState::Expired { since_ms: HOUR as u64 });
    assert_eq!(
        envelope.cache(Timestamp(i64::MAX)),
        CacheState::Expired { since_ms: (i64::MAX - NOON.0 - 72 * HOUR) as u64 }
    );
    assert_eq!(envelope.cache(Timestamp(i64::MIN)), CacheState::Usable { age_ms: 0 });

    assert_eq!(envelope.validity(NOON), Validity::Current);
    // 2030-04-30 in the hall is the last valid day; it ends at 16:00 UTC.
    let last = Timestamp(1_903_795_199_999);
    assert_eq!(last.to_rfc3339(), "2030-04-30T23:59:59.999+08:00");
    assert_eq!(envelope.validity(last), Validity::Current);
    assert_eq!(envelope.validity(last.plus_ms(1)), Validity::Past(date("2030-04-30")));
    assert_eq!(envelope.validity(Timestamp(0)), Validity::NotYet(date("2020-05-01")));
    let mut endless = licence();
    endless.valid_until = None;
    let endless = Envelope::issue(&endless, &issue(), &centre_key(), salts()).unwrap();
    assert_eq!(verified(&endless).validity(Timestamp(i64::MAX)), Validity::Current);
}

#[test]
fn an_envelope_travels_whole() {
    let issued = issued();
    let again: IssuedEnvelope = cbor::unpack(&cbor::pack(&issued)).unwrap();
    assert_eq!(again, issued);
    let facts = verified(&again).facts().clone();
    assert_eq!((facts.licence, facts.kind, facts.name), (licence().id, licence().kind, licence().name));
    assert_eq!(facts.status, StatusRef { list: 1, index: 77 });
    // Keys of the field map stand in the order of their encoding, shorter first.
    let payload = Sign1::parse(issued.envelope.as_bytes()).unwrap().unverified_payload();
    assert_eq!(cbor::check_deterministic(payload), Ok(()));
}

/// Examples of the IETF Token Status List: section 4 and the 2^20 entries of its test vectors, two bits.
#[test]
fn status_lists_are_those_of_the_draft() {
    let small = hex::decode("78da3be9f2130003df0207").unwrap();
    let statuses = [1_u8, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
    let read = StatusList::decompress(&small).unwrap();
    let mut made = StatusList::new(12).unwrap();
    for (index, bits) in (0..).zip(statuses) {
        assert_eq!(read.get(index).unwrap().bits(), bits, "index {index}");
        made.set(index, LicenceStatus::from_bits(bits)).unwrap();
    }
    assert_eq!(made, read);
    assert_eq!((read.entries(), read.get(12)), (12, None));

    let large = hex::decode(include_str!("status_list_2_bits.hex").trim()).unwrap();
    let read = StatusList::decompress(&large).unwrap();
    let set = [
        (0, 1),
        (1993, 2),
        (25_460, 1),
        (159_495, 3),
        (495_669, 1),
        (554_353, 1),
        (645_645, 2),
        (723_232, 1),
        (854_545, 1),
        (934_534, 2),
        (1_000_345, 3),
    ];
    assert_eq!(read.entries(), 1 << 20);
    let found = (0..1 << 20).filter_map(|index| {
        let bits = read.get(index).unwrap().bits();
        (bits != 0).then_some((index, bits))
    });
    assert_eq!(found.collect::<Vec<_>>(), set);
    assert_eq!(StatusList::decompress(&read.compress()).unwrap(), read);
}

fn signed_list() -> Signed<StatusClaims> {
    let mut list = StatusList::new(100).unwrap();
    list.set(77, LicenceStatus::Revoked).unwrap();
    Signed::sign(&list.claims(1, NOON, 3600, NOON.plus_hours(24)), &centre_key())
}

#[test]
fn a_status_comes_with_its_age_and_ends_with_its_list() {
    let list = StatusClaims::verify(signed_list().as_bytes(), &centre_keys()).unwrap();
    assert_eq!(
        (list.list(), list.ttl_s(), list.issued_at(), list.expires_at()),
        (1, 3600, NOON, NOON.plus_hours(24))
    );
    let fresh = list.look_up(77, NOON.plus_ms(5000)).unwrap();
    assert_eq!(
        (fresh.status, fresh.age_ms, fresh.due, fresh.expired),
        (LicenceStatus::Revoked, 5000, false, false)
    );
    let due = list.look_up(78, NOON.plus_hours(1)).unwrap();
    assert_eq!((due.status, due.due, due.expired), (LicenceStatus::Valid, true, false));
    assert!(list.look_up(78, NOON.plus_hours(24)).unwrap().expired);
    assert_eq!(list.look_up(77, NOON.plus_hours(-9)).unwrap().age_ms, 0);
    assert_eq!(list.look_up(100, NOON), Err(StatusError::Index(100)));
    assert_eq!(list.look_up(u32::MAX, NOON), Err(StatusError::Index(u32::MAX)));
}

#[test]
fn an_older_list_never_takes_the_place_of_a_newer_one() {
    let made = |number, at: Timestamp| {
        let claims = StatusList::new(4).unwrap().claims(number, at, 300, at.plus_hours(1));
        StatusClaims::verify(Signed::sign(&claims, &centre_key()).as_bytes(), &centre_keys()).unwrap()
    };
    let held = made(1, NOON);
    assert!(made(1, NOON.plus_seconds(1)).supersedes(&held) && held.supersedes(&held));
    assert!(!made(1, NOON.plus_seconds(-1)).supersedes(&held));
    assert!(!made(2, NOON.plus_seconds(1)).supersedes(&held));
}

#[test]
fn a_status_list_is_for_its_purpose_and_by_the_centre_only() {
    let claims = StatusList::new(4).unwrap().claims(1, NOON, 300, NOON.plus_hours(1));
    let verify = |bytes: &[u8]| StatusClaims::verify(bytes, &centre_keys()).err();
    assert_eq!(verify(Signed::sign(&claims, &centre_key()).as_bytes()), None);
    let stranger = Signed::sign(&claims, &stranger_key());
    assert!(matches!(verify(stranger.as_bytes()), Some(StatusError::Cose(CoseError::UnknownKey(_)))));
    let payload = cbor::pack(&claims);
    let kid = Some(KeyId::of(&centre_key().verifying_key()));
    let other = typed::sign(&centre_key(), "application/cwt", kid, &payload);
    assert_eq!(verify(&other), Some(StatusError::Cose(CoseError::Purpose)));
    let nameless = typed::sign(&centre_key(), "application/statuslist+cwt", None, &payload);
    assert_eq!(verify(&nameless), Some(StatusError::Cose(CoseError::Shape)));
    // The form before the standard one, with the purpose in the external data.
    let before = cose::sign(&centre_key(), "application/statuslist+cwt", &payload);
    assert_eq!(verify(&before), Some(StatusError::Cose(CoseError::Shape)));
}

#[test]
fn a_bent_or_overfull_status_list_is_refused() {
    let signed = signed_list();
    for at in 0..signed.as_bytes().len() * 8 {
        let mut bent = signed.as_bytes().to_vec();
        bent[at / 8] ^= 1 << (at % 8);
        assert!(StatusClaims::verify(&bent, &centre_keys()).is_err(), "bit {at}");
    }
    let claims = signed.verify_by(&centre_keys()).unwrap();
    let sign = |compressed: Vec<u8>| {
        let claims = StatusClaims { compressed, ..claims.clone() };
        StatusClaims::verify(Signed::sign(&claims, &centre_key()).as_bytes(), &centre_keys())
    };
    let full = &claims.compressed;
    assert!(sign(full.clone()).is_ok());
    assert_eq!(sign(full[..full.len() - 3].to_vec()), Err(StatusError::Compression));
    assert_eq!(sign([full.as_slice(), b"more"].concat()), Err(StatusError::Compression));
    assert_eq!(sign(b"not zlib".to_vec()), Err(StatusError::Compression));
    let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), MAX_ENTRIES as u64 / 4 + 1), &mut bomb)
        .unwrap();
    assert_eq!(sign(bomb.finish().unwrap()), Err(StatusError::TooLarge));
    assert_eq!(StatusList::new(MAX_ENTRIES + 1), Err(StatusError::TooLarge));
}

#[test]
fn a_list_grows_without_changing_what_it_says() {
    let mut list = StatusList::new(3).unwrap();
    list.set(2, LicenceStatus::Suspended).unwrap();
    assert_eq!(list.set(4, LicenceStatus::Revoked), Err(StatusError::Index(4)));
    list.grow(1000).unwrap();
    list.set(4, LicenceStatus::Changing).unwrap();
    assert_eq!(list.get(2), Some(LicenceStatus::Suspended));
    assert_eq!(list.get(4), Some(LicenceStatus::Changing));
    list.set(4, LicenceStatus::Valid).unwrap();
    assert_eq!(list.get(4), Some(LicenceStatus::Valid));
    assert_eq!(list.grow(MAX_ENTRIES), Err(StatusError::TooLarge));
}

proptest! {
    #[test]
    fn any_list_comes_back(statuses in proptest::collection::vec(0_u8..4, 0..400)) {
        let mut list = StatusList::new(statuses.len()).unwrap();
        for (index, bits) in (0..).zip(&statuses) {
            list.set(index, LicenceStatus::from_bits(*bits)).unwrap();
        }
        let read = StatusList::decompress(&list.compress()).unwrap();
        for (index, bits) in (0..).zip(&statuses) {
            prop_assert_eq!(read.get(index).unwrap().bits(), *bits);
        }
    }

    #[test]
    fn any_licence_opens_as_it_was_issued(values in proptest::collection::btree_map("[a-z0-9_]{1,40}", ".{0,60}", 0..12)) {
        let mut licence = licence();
        licence.fields = values.iter().map(|(key, value)| (field(key), value.clone())).collect();
        let issued = Envelope::issue(&licence, &issue(), &centre_key(), salts()).unwrap();
        let wanted: Vec<_> = licence.fields.keys().cloned().collect();
        prop_assert_eq!(verified(&issued).open(&wanted, &issued.disclosures).unwrap(), licence.fields);
    }
}
