//! 办事码: attestations, the keys that seal and vouch, and what they count for.

use super::*;

#[test]
fn a_code_stands_for_a_person_in_every_capacity() {
    for capacity in capacities() {
        let code = code(capacity.clone(), WEAK);
        let verified = verify(&from_qr(&to_qr(&code)).unwrap(), NOON).unwrap();
        assert_eq!(*verified.subject(), subject(capacity));
        assert_eq!((verified.nonce(), verified.issued(), verified.place()), (WEAK, NOON, Some(41)));
        assert_eq!((verified.attested_at(), verified.expires()), (NOON.plus_hours(-2), NOON.plus_hours(22)));
        assert_eq!(verified.key(), &device_key().verifying_key());
    }
    let signed = attestation(Capacity::Own).sign(&centre_key());
    assert_eq!(verify(&code(Capacity::Own, WEAK), NOON).unwrap().attestation(), Hash::of(&signed));
}

#[test]
fn nothing_of_a_verified_code_shows_in_a_log() {
    for capacity in capacities() {
        let bytes = code(capacity, WEAK);
        let shown = format!("{:?} {:?}", ServiceCode::parse(&bytes).unwrap(), verify(&bytes, NOON).unwrap());
        for secret in ["王芳", "李强", "519900199003070011", "519900200002291029", &hex::encode([6; 32])]
        {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let shown =
        format!("{:?} {:?} {:?}", code_keys(), licence(), verify_said(&say_licences(), NOON).unwrap());
    assert!(!shown.contains("王芳") && !shown.contains("演示路") && !shown.contains(&hex::encode([6; 32])));
    assert!(!shown.contains("06, 06") && !shown.contains("6, 6, 6"), "{shown}");
}

fn say_licences() -> Vec<u8> {
    assertion(Said::Licences(vec![statement()])).sign(&centre_key())
}

#[test]
fn a_code_of_one_qr_is_taken_for_ninety_seconds_before_and_after() {
    let verified = verify(&code(Capacity::Own, WEAK), NOON).unwrap();
    for seconds in [-90, 0, 90] {
        assert_eq!(verified.weak(NOON.plus_seconds(seconds)), Ok(WeakNonce([8; 8])), "{seconds}");
    }
    assert_eq!(verified.weak(NOON.plus_seconds(91)), Err(CodeError::TooOld(91)));
    assert_eq!(verified.weak(NOON.plus_seconds(-91)), Err(CodeError::Ahead(91)));
    assert_eq!(verified.weak(Timestamp(i64::MIN)).unwrap_err().code(), "ahead");
    assert_eq!(verified.weak(Timestamp(i64::MAX)).unwrap_err().code(), "too_old");
    assert_eq!(verified.answers(&ASKED), Err(CodeError::OtherChallenge));
}

#[test]
fn an_answer_to_a_challenge_needs_no_clock_but_the_right_challenge() {
    let far = NOON.plus_hours(21);
    let verified = verify(&code(Capacity::Own, Nonce::Challenge(ASKED)), far).unwrap();
    assert_eq!(verified.answers(&ASKED), Ok(()));
    assert_eq!(verified.answers(&ChallengeNonce([17; 16])), Err(CodeError::OtherChallenge));
    assert_eq!(verified.weak(NOON), Err(CodeError::OtherChallenge));
}

#[test]
fn an_attestation_ends_after_a_day_at_most() {
    let code = code(Capacity::Own, WEAK);
    assert!(verify(&code, NOON.plus_hours(22).plus_ms(-1)).is_ok());
    assert_eq!(verify(&code, NOON.plus_hours(22)), Err(CodeError::Expired));
    for (life, right) in [(24 * HOUR, true), (24 * HOUR + 1000, false), (0, false), (-1000, false)] {
        let attestation = attestation(Capacity::Own);
        let expires = attestation.issued.plus_ms(life);
        let long = Attestation { expires, ..attestation }.sign(&centre_key());
        assert_eq!(Attestation::verify(&long, &centre_keys()).is_ok(), right, "{life}");
    }
}

#[test]
fn nobody_acts_for_another_after_the_grant_has_ended() {
    for capacity in capacities() {
        let Some((until, _)) = capacity.revocable() else { continue };
        // The phone has a new attestation of the old grant: only `until` says that it is over.
        let issued = until.plus_hours(-1);
        let keys = CodeKeys::new([code_key(8, "2026-11-01", "2026-12-31")]).unwrap();
        let subject = seal_subject(&subject(capacity.clone()), &keys.keys()[0], SealNonce([1; 12]));
        let attestation =
            Attestation { issued, expires: issued.plus_hours(24), subject, ..attestation(Capacity::Own) };
        let code = ServiceCode::present(&attestation.sign(&centre_key()), WEAK, until, &device_key());
        let verify = |now| ServiceCode::parse(&code).unwrap().verify(&centre_keys(), &keys, now);
        assert!(verify(until.plus_ms(-1)).is_ok(), "{capacity:?}");
        assert_eq!(verify(until), Err(CodeError::CapacityEnded), "{capacity:?}");
    }
}

#[test]
fn only_the_centre_attests_and_only_the_attested_phone_presents() {
    let good = attestation(Capacity::Own).sign(&centre_key());
    let stolen = ServiceCode::present(&good, WEAK, NOON, &stranger_key());
    assert_eq!(verify(&stolen, NOON), Err(CodeError::Signature));
    let own = Attestation { key: stranger_key().verifying_key(), ..attestation(Capacity::Own) };
    let forged = ServiceCode::present(&own.sign(&stranger_key()), WEAK, NOON, &stranger_key());
    let stranger = KeyId::of(&stranger_key().verifying_key());
    assert_eq!(verify(&forged, NOON), Err(CodeError::UnknownKey(stranger)));
    // A key that the centre has retired is not found any more.
    let next = CentreKeys::new([stranger_key().verifying_key()]).unwrap();
    let retired = ServiceCode::parse(&code(Capacity::Own, WEAK)).unwrap().verify(&next, &code_keys(), NOON);
    assert_eq!(retired, Err(CodeError::UnknownKey(KeyId::of(&centre_key().verifying_key()))));
}

#[test]
fn a_key_of_small_order_is_no_phone() {
    let good = attestation(Capacity::Own).sign(&centre_key());
    let payload = typed::TypedSign1::parse(&good).unwrap().unverified_payload().to_vec();
    let at = payload.windows(32).position(|part| part == device_key().verifying_key().as_bytes()).unwrap();
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let weak = [&payload[..at], &neutral, &payload[at + 32..]].concat();
    let kid = Some(KeyId::of(&centre_key().verifying_key()));
    let weak = typed::sign(&centre_key(), MessageKind::Attestation.typ(), kid, &weak);
    assert_eq!(Attestation::verify(&weak, &centre_keys()), Err(CodeError::Content));
}

#[test]
fn what_is_sealed_opens_with_the_key_of_its_day_and_for_its_purpose_only() {
    let keys = code_keys();
    let sealed = sealed(Capacity::Own);
    assert_eq!((sealing_key().number, sealed.key_number()), (6, 6));
    assert_eq!(open_subject(&sealed, &keys, NOON), Ok(subject(Capacity::Own)));
    // The last day of key 6 is the 21st, in the hall's time.
    let midnight = Timestamp(NOON.0 + 14 * HOUR);
    assert!(open_subject(&sealed, &keys, midnight.plus_ms(-1)).is_ok());
    assert_eq!(open_subject(&sealed, &keys, midnight), Err(CodeError::UnknownCodeKey(6)));
    assert_eq!(open_subject(&sealed, &CodeKeys::default(), NOON), Err(CodeError::UnknownCodeKey(6)));
    let other = CodeKeys::new([CodeKey { key: [9; 32], ..sealing_key() }]).unwrap();
    assert_eq!(open_subject(&sealed, &other, NOON), Err(CodeError::Sealed));
    // Fields of a licence are not a subject, even under the same key.
    assert_eq!(open_subject(&statement().fields, &keys, NOON), Err(CodeError::Sealed));
}

#[test]
fn the_centre_seals_with_the_key_that_most_boxes_have() {
    let number = |at: Timestamp| code_keys().current(at).map(|key| key.number);
    assert_eq!(number(NOON), Some(6));
    assert_eq!(number(NOON.plus_hours(24)), Some(7));
    assert_eq!(number(NOON.plus_hours(24 * 60)), None);
    assert_eq!(code_keys().find(7).map(|key| key.number), Some(7));
    assert_eq!(code_keys().find(8), None);
}

#[test]
fn code_keys_are_read_strictly() {
    let text = serde_json::to_string(&code_keys()).unwrap();
    assert!(text.contains(&hex::encode([7; 32])) && text.contains(r#""first":"2026-11-20""#), "{text}");
    assert_eq!(serde_json::from_str::<CodeKeys>(&text).unwrap(), code_keys());
    assert!(serde_json::from_str::<CodeKeys>(&text.replace("0606", "06zz")).is_err());
    assert!(serde_json::from_str::<CodeKeys>(&text.replace(r#""number":6"#, r#""number":7"#)).is_err());
    let key = code_key(1, "2026-11-02", "2026-11-01");
    assert_eq!(CodeKeys::new([key]), Err(CodeKeysError::Days(1)));
    // In the trust bundle they are bytes.
    let mut keys = code_keys().keys().to_vec();
    assert_eq!(cbor::unpack::<CodeKeys>(&cbor::pack(&keys)).unwrap(), code_keys());
    keys[0].number = 7;
    assert!(cbor::unpack::<CodeKeys>(&cbor::pack(&keys)).is_err(), "two keys of one number");
}

fn day(n: i64) -> Timestamp {
    NOON.plus_hours(24 * n)
}

fn root_key() -> SigningKey {
    SigningKey::from_bytes(&[0x70; 32])
}

fn next_key() -> SigningKey {
    SigningKey::from_bytes(&[0x71; 32])
}

/// The centre's key signs until day 20, the next one from then on.
fn announcement(version: u32, retired: bool) -> SignedBundle {
    let named = |key: SigningKey, from: i64, not_after: Option<Timestamp>, retired: bool| BundleKey {
        suite: SUITE.to_owned(),
        key: key.verifying_key().as_bytes().to_vec(),
        roles: Roles::ALL,
        not_before: day(from),
        not_after,
        retired,
    };
    let bundle = TrustBundle {
        version,
        issued_at: day(0),
        expires_at: day(LIFE_DAYS),
        roots: vec![root_key().verifying_key().to_bytes().into()],
        keys: vec![
            named(centre_key(), -100, Some(day(20).plus_ms(-1)), retired),
            named(next_key(), 20, None, false),
        ],
        suites: Suite::named(),
        documents: Vec::new(),
        code_keys: CodeKeys::new([code_key(6, "2026-11-01", "2027-02-01")]).unwrap(),
    };
    SignedBundle::sign(&bundle, &[&root_key()])
}

#[test]
fn thirty_days_after_the_line_broke_the_announced_next_key_vouches_for_phones_and_no_other_does() {
    let pinned = Trust::pinned(centre_keys(), Some(root_key().verifying_key()), day(0));
    let heard = pinned.accept(&announcement(1, false)).unwrap();
    let subject = |trust: &Trust, at| {
        let key = trust.code_keys().unwrap().current(at).unwrap().clone();
        seal_subject(&subject(Capacity::Own), &key, SealNonce([1; 12]))
    };
    let said = |trust: &Trust, by: &SigningKey, at: Timestamp| {
        let expires = at.plus_seconds(600);
        let said = Assertion { issued: at, expires, subject: subject(trust, at), ..assertion(Said::Face) };
        let read = Assertion::verify(&said.sign(by), trust.keys(), trust.code_keys().unwrap(), at);
        read.map(|read| read.issued())
    };
    let shown = |trust: &Trust, by: &SigningKey, at: Timestamp| {
        let (expires, subject) = (at.plus_hours(24), subject(trust, at));
        let attested = Attestation { issued: at, expires, subject, ..attestation(Capacity::Own) }.sign(by);
        let code = ServiceCode::present(&attested, Nonce::Challenge(ASKED), at, &device_key());
        let read = ServiceCode::parse(&code).unwrap().verify(trust.keys(), trust.code_keys().unwrap(), at);
        read.map(|read| read.attested_at())
    };
    let refused = |by: &SigningKey| Err(CodeError::UnknownKey(KeyId::of(&by.verifying_key())));
    let (current, next, stranger) = (centre_key(), next_key(), stranger_key());
    for verify in [&said as &dyn Fn(&Trust, &SigningKey, Timestamp) -> _, &shown] {
        assert_eq!(verify(&heard, &current, day(5)), Ok(day(5)));
        assert_eq!(verify(&heard, &next, day(30)), Ok(day(30)), "nobody told the box since");
        assert_eq!(verify(&heard, &next, day(19)), refused(&next), "before its time");
        assert_eq!(verify(&heard, &current, day(30)), refused(&current), "after its time");
        assert_eq!(verify(&heard, &stranger, day(30)), refused(&stranger));
        // The line is back: a retired key vouches for nothing, whatever time it states.
        let told = heard.accept(&announcement(2, true)).unwrap();
        assert_eq!(verify(&told, &current, day(5)), refused(&current));
        assert_eq!(verify(&told, &next, day(30)), Ok(day(30)));
    }
}
