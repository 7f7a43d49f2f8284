//! What phones carry: each message comes back as it was made, and nothing else is taken.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod cast;

use cast::{HOUR, NOON, box_key, centre_key, centre_keys, log, stranger_key};
use hall_domain::{
    Capacity, DocumentKind, IdentityDocument, LicenceStatus, MaterialId, PhoneAsk, Subject, Timestamp,
};
use hall_ledger::cose::typed;
use hall_ledger::phone::{
    AgreedRow, Agreement, Asked, Assertion, Attestation, Challenge, ChallengeNonce, CodeError, CodeKey,
    CodeKeys, CodeKeysError, ConsentReceipt, ConsentRequest, LicenceStatement, MessageKind, Nonce, QrError,
    Said, SealNonce, Sealed, ServiceCode, StatedLicence, UseCode, VerifiedAssertion, VerifiedCode, WeakNonce,
    from_qr, kind_of, open_subject, seal_subject, text, to_qr,
};
use hall_ledger::trust::{BundleKey, LIFE_DAYS, Roles, SUITE, SignedBundle, Suite, TrustBundle};
use hall_ledger::{CentreKeys, Hash, KeyId, SigningKey, Trust, cbor};
use proptest::prelude::*;

const WEAK: Nonce = Nonce::Weak(WeakNonce([8; 8]));
const ASKED: ChallengeNonce = ChallengeNonce([16; 16]);

fn device_key() -> SigningKey {
    SigningKey::from_bytes(&[0xd0; 32])
}

fn code_key(number: u32, first: &str, last: &str) -> CodeKey {
    CodeKey { number, key: [number as u8; 32], first: cast::date(first), last: cast::date(last) }
}

fn code_keys() -> CodeKeys {
    CodeKeys::new([code_key(6, "2026-11-01", "2026-11-21"), code_key(7, "2026-11-20", "2026-12-20")]).unwrap()
}

fn sealing_key() -> CodeKey {
    code_keys().current(NOON).unwrap().clone()
}

fn subject(capacity: Capacity) -> Subject {
    let document = IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011").unwrap();
    Subject { document, name: "王芳".into(), capacity }
}

fn capacities() -> [Capacity; 5] {
    let uscc: hall_domain::Uscc = "91239900MATE5T017W".parse().unwrap();
    let (name, until, place) = ("测试市演示公司".to_owned(), NOON.plus_hours(100), 77);
    let delegate = |item: Option<&str>| Capacity::Delegate {
        principal: "111:519900200002291029".parse().unwrap(),
        principal_name: "李强".into(),
        item: item.map(|item| item.parse().unwrap()),
        until,
        place,
    };
    [
        Capacity::Own,
        Capacity::LegalRepresentative { uscc: uscc.clone(), name: name.clone() },
        Capacity::Agent { uscc, name, until, place },
        delegate(None),
        delegate(Some("11519900MBTE5T20572000100001001")),
    ]
}

fn sealed(capacity: Capacity) -> Sealed {
    seal_subject(&subject(capacity), &sealing_key(), SealNonce([1; 12]))
}

fn attestation(capacity: Capacity) -> Attestation {
    Attestation {
        key: device_key().verifying_key(),
        issued: NOON.plus_hours(-2),
        expires: NOON.plus_hours(22),
        subject: sealed(capacity),
        place: Some(41),
    }
}

fn code(capacity: Capacity, nonce: Nonce) -> Vec<u8> {
    let attestation = attestation(capacity).sign(&centre_key());
    ServiceCode::present(&attestation, nonce, NOON, &device_key())
}

fn verify(code: &[u8], now: Timestamp) -> Result<VerifiedCode, CodeError> {
    ServiceCode::parse(code)?.verify(&centre_keys(), &code_keys(), now)
}

fn materials(ids: &[&str]) -> Vec<MaterialId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn request(ids: &[&str]) -> ConsentRequest {
    let item = "11519900MBTE5T20572000100001001".parse().unwrap();
    ConsentRequest { item, materials: materials(ids), digest: Hash::of(b"request") }
}

fn challenge(asked: Asked) -> Challenge {
    let expires = NOON.plus_seconds(300);
    Challenge { expires, nonce: ASKED, log: log(), window: "W03".into(), asked }
}

fn every_asked() -> [Asked; 5] {
    let ConsentRequest { item, materials, .. } = request(&["m1"]);
    [
        Asked::Code,
        Asked::Face,
        Asked::Consent(request(&["m1", "m2", "m3"])),
        Asked::Principal(request(&["m2"])),
        Asked::Licences { item, materials },
    ]
}

fn agreed(ids: &[&str]) -> Vec<AgreedRow> {
    let row = |(n, material)| AgreedRow { material, status: LicenceStatus::Valid, use_code: UseCode::new(n) };
    (1..).zip(materials(ids)).map(row).collect()
}

fn agreement(yes: &[&str], no: &[&str]) -> Agreement {
    Agreement { digest: Hash::of(b"request"), agreed: agreed(yes), refused: materials(no) }
}

fn licence() -> StatedLicence {
    let hall_domain::Licence { id, valid_until, fields, .. } = cast::licence();
    let material = "m1".parse().unwrap();
    StatedLicence { material, licence: id, status: LicenceStatus::Suspended, valid_until, fields }
}

fn statement() -> LicenceStatement {
    licence().seal(&sealing_key(), SealNonce([2; 12]))
}

fn every_said() -> [Said; 5] {
    [
        Said::Face,
        Said::Consent(agreement(&["m1", "m3"], &["m2"])),
        Said::Principal(agreement(&["m2"], &[])),
        Said::Licences(vec![statement()]),
        Said::Licences(Vec::new()),
    ]
}

fn assertion(said: Said) -> Assertion {
    let (issued, expires) = (NOON, NOON.plus_seconds(600));
    Assertion { issued, expires, nonce: ASKED, subject: sealed(Capacity::Own), said }
}

fn verify_said(bytes: &[u8], now: Timestamp) -> Result<VerifiedAssertion, CodeError> {
    Assertion::verify(bytes, &centre_keys(), &code_keys(), now)
}

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

#[test]
fn the_centre_reads_every_challenge_of_a_box_that_it_knows() {
    for (asked, kind) in every_asked().into_iter().zip(PhoneAsk::ALL) {
        let challenge = challenge(asked);
        assert_eq!(challenge.kind(), kind);
        let received = Challenge::parse(&challenge.sign(&box_key())).unwrap();
        assert_eq!(received.log(), log());
        let key = box_key().verifying_key();
        assert_eq!(received.verify(&key, NOON), Ok(challenge.clone()));
        assert_eq!(received.verify(&key, NOON.plus_seconds(300)), Err(CodeError::Expired));
        let other = received.verify(&stranger_key().verifying_key(), NOON);
        assert_eq!(other, Err(CodeError::UnknownKey(KeyId::of(&key))));
    }
    let asked = challenge(Asked::Consent(request(&["m1", "m2"])));
    assert_eq!((asked.item(), asked.materials().len()), (Some(&request(&[]).item), 2));
    assert_eq!(challenge(Asked::Face).digest(), None);
}

#[test]
fn a_challenge_asks_for_some_materials_and_each_once() {
    for ids in [&[][..], &["m1", "m2", "m1"], &["m1"; 33]] {
        let bytes = challenge(Asked::Consent(request(ids))).sign(&box_key());
        assert_eq!(Challenge::parse(&bytes), Err(CodeError::Content), "{ids:?}");
    }
    for window in ["", "W\n1", &"W".repeat(33)] {
        let bytes = Challenge { window: window.into(), ..challenge(Asked::Face) }.sign(&box_key());
        assert_eq!(Challenge::parse(&bytes), Err(CodeError::Content), "{window:?}");
    }
}

#[test]
fn every_answer_of_the_centre_comes_back_open() {
    for said in every_said() {
        let bytes = assertion(said.clone()).sign(&centre_key());
        let verified = verify_said(&from_qr(&to_qr(&bytes)).unwrap(), NOON).unwrap();
        assert_eq!((verified.kind(), verified.agreement()), (said.kind(), said.agreement()));
        assert_eq!(*verified.subject(), subject(Capacity::Own));
        assert_eq!((verified.issued(), verified.nonce()), (NOON, ASKED));
        assert_eq!(verified.digest(), Hash::of(&bytes));
        let stated =
            if matches!(&said, Said::Licences(all) if !all.is_empty()) { vec![licence()] } else { vec![] };
        assert_eq!(verified.licences(), stated);
    }
}

#[test]
fn an_answer_says_something_for_ten_minutes() {
    let bytes = assertion(Said::Face).sign(&centre_key());
    assert!(verify_said(&bytes, NOON.plus_seconds(600).plus_ms(-1)).is_ok());
    assert_eq!(verify_said(&bytes, NOON.plus_seconds(600)), Err(CodeError::Expired));
    let long = Assertion { expires: NOON.plus_seconds(601), ..assertion(Said::Face) }.sign(&centre_key());
    assert_eq!(verify_said(&long, NOON), Err(CodeError::Content));
    let forged = assertion(Said::Face).sign(&stranger_key());
    assert!(matches!(verify_said(&forged, NOON), Err(CodeError::UnknownKey(_))));
}

#[test]
fn an_answer_belongs_to_one_request_of_one_case() {
    let verified = |said| verify_said(&assertion(said).sign(&centre_key()), NOON).unwrap();
    let asked = challenge(Asked::Consent(request(&["m1", "m2", "m3"])));
    assert_eq!(verified(Said::Consent(agreement(&["m1", "m3"], &["m2"]))).answers(&asked), Ok(()));
    // Not everything asked for need be there: the subject may have no such licence.
    assert_eq!(verified(Said::Consent(agreement(&["m1"], &[]))).answers(&asked), Ok(()));
    let refused = |said, challenge: &Challenge| {
        assert_eq!(verified(said).answers(challenge), Err(CodeError::OtherChallenge));
    };
    let yes = || Said::Consent(agreement(&["m1"], &[]));
    refused(yes(), &Challenge { nonce: ChallengeNonce([0; 16]), ..asked.clone() });
    refused(Said::Principal(agreement(&["m1"], &[])), &asked);
    refused(Said::Face, &asked);
    refused(Said::Consent(agreement(&["m1", "m4"], &[])), &asked);
    refused(Said::Consent(agreement(&["m1"], &["m4"])), &asked);
    let digest = Hash::of(b"another request");
    refused(yes(), &challenge(Asked::Consent(ConsentRequest { digest, ..request(&["m1"]) })));
    let item = request(&[]).item;
    let shown = |ids: &[&str]| challenge(Asked::Licences { item: item.clone(), materials: materials(ids) });
    assert_eq!(verified(Said::Licences(vec![statement()])).answers(&shown(&["m1", "m2"])), Ok(()));
    refused(Said::Licences(vec![statement()]), &shown(&["m2"]));
    assert_eq!(verified(Said::Licences(Vec::new())).answers(&shown(&["m2"])), Ok(()));
}

#[test]
fn an_answer_that_contradicts_itself_is_refused() {
    let nothing = Said::Consent(agreement(&[], &[]));
    let both = Said::Consent(agreement(&["m1"], &["m1"]));
    let twice = Said::Principal(agreement(&["m1", "m1"], &[]));
    let stated_twice = Said::Licences(vec![statement(), statement()]);
    for said in [nothing, both, twice, stated_twice] {
        let bytes = assertion(said.clone()).sign(&centre_key());
        assert_eq!(verify_said(&bytes, NOON), Err(CodeError::Content), "{said:?}");
    }
}

fn receipt() -> ConsentReceipt {
    let case_no = "990001-20261121-00001".parse().unwrap();
    ConsentReceipt { issued: NOON, log: log(), seq: 41, leaf: Hash::of(b"entry"), case_no }
}

#[test]
fn a_receipt_is_taken_only_from_the_box_whose_ledger_it_names() {
    let printed = to_qr(&receipt().sign(&box_key()));
    let read = ConsentReceipt::parse(&from_qr(&printed).unwrap()).unwrap();
    assert_eq!(read.log(), log());
    assert_eq!(read.verify(&box_key().verifying_key()), Ok(receipt()));
    let stranger = read.verify(&stranger_key().verifying_key());
    assert!(matches!(stranger, Err(CodeError::UnknownKey(_))), "{stranger:?}");
    let mut bent = receipt().sign(&box_key());
    let at = bent.len() - 70;
    bent[at] ^= 1;
    let bent = ConsentReceipt::parse(&bent).and_then(|read| read.verify(&box_key().verifying_key()));
    assert!(bent.is_err(), "one byte of it was changed");
}

#[test]
fn a_message_of_one_kind_is_never_taken_for_another() {
    let all = [
        (MessageKind::Attestation, attestation(Capacity::Own).sign(&centre_key())),
        (MessageKind::ServiceCode, code(Capacity::Own, WEAK)),
        (MessageKind::Challenge, challenge(Asked::Face).sign(&box_key())),
        (MessageKind::Assertion, assertion(Said::Face).sign(&centre_key())),
        (MessageKind::Receipt, receipt().sign(&box_key())),
    ];
    for (kind, bytes) in &all {
        assert_eq!(kind_of(bytes), Some(*kind));
        let other = |wanted| if wanted == *kind { None } else { Some(CodeError::OtherKind(*kind)) };
        assert_eq!(Attestation::verify(bytes, &centre_keys()).err(), other(MessageKind::Attestation));
        assert_eq!(ServiceCode::parse(bytes).err(), other(MessageKind::ServiceCode));
        assert_eq!(Challenge::parse(bytes).err(), other(MessageKind::Challenge));
        assert_eq!(verify_said(bytes, NOON).err(), other(MessageKind::Assertion));
        assert_eq!(ConsentReceipt::parse(bytes).err(), other(MessageKind::Receipt));
    }
    // The same payload under another typ is signed again, and still not what it says.
    let payload = typed::TypedSign1::parse(&all[3].1).unwrap().unverified_payload();
    let kid = Some(KeyId::of(&centre_key().verifying_key()));
    let disguised = typed::sign(&centre_key(), MessageKind::Attestation.typ(), kid, payload);
    assert_eq!(Attestation::verify(&disguised, &centre_keys()), Err(CodeError::Content));
    let nameless = typed::sign(&centre_key(), MessageKind::Assertion.typ(), None, payload);
    assert_eq!(verify_said(&nameless, NOON), Err(CodeError::NotACode));
    let unknown = typed::sign(&centre_key(), "other+cwt", kid, payload);
    assert_eq!((kind_of(&unknown), verify_said(&unknown, NOON)), (None, Err(CodeError::NotACode)));
}

#[test]
fn a_signed_message_with_something_more_in_it_is_refused() {
    let bytes = assertion(Said::Face).sign(&centre_key());
    let payload = typed::TypedSign1::parse(&bytes).unwrap().unverified_payload();
    let kid = Some(KeyId::of(&centre_key().verifying_key()));
    let resigned = |payload: &[u8]| {
        verify_said(&typed::sign(&centre_key(), MessageKind::Assertion.typ(), kid, payload), NOON)
    };
    assert!(resigned(payload).is_ok());
    let more = [&[payload[0] + 1], &payload[1..], &[0x39, 0xff, 0xff, 0x00]].concat();
    assert_eq!(resigned(&more), Err(CodeError::Content));
    // A longer head for the same number.
    let at = payload.iter().position(|byte| *byte == 0x04).unwrap();
    let longer = [&payload[..at], &[0x18, 0x04], &payload[at + 1..]].concat();
    assert_eq!(resigned(&longer), Err(CodeError::Content));
    let trailing = [payload, &[0xf6]].concat();
    assert_eq!(resigned(&trailing), Err(CodeError::Content));
}

#[test]
fn no_bit_of_a_message_can_be_changed() {
    let key = box_key().verifying_key();
    let check = |bytes: &[u8], taken: &dyn Fn(&[u8]) -> bool| {
        assert!(taken(bytes));
        for at in 0..bytes.len() * 8 {
            let mut bent = bytes.to_vec();
            bent[at / 8] ^= 1 << (at % 8);
            assert!(!taken(&bent), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(!taken(&bytes[..length]), "{length} bytes");
        }
        assert!(!taken(&[bytes, &[0]].concat()));
    };
    check(&code(capacities()[4].clone(), WEAK), &|bytes| verify(bytes, NOON).is_ok());
    let asked = challenge(Asked::Consent(request(&["m1"]))).sign(&box_key());
    check(&asked, &|bytes| Challenge::parse(bytes).is_ok_and(|asked| asked.verify(&key, NOON).is_ok()));
    let said = assertion(Said::Consent(agreement(&["m1"], &["m2"]))).sign(&centre_key());
    check(&said, &|bytes| verify_said(bytes, NOON).is_ok());
}

#[test]
fn a_scanner_may_type_in_any_case_in_full_width_letters_and_with_line_ends() {
    let code = code(Capacity::Own, WEAK);
    let text = to_qr(&code);
    let wide = |text: &str| -> String {
        text.chars()
            .map(|c| if c == ' ' { '\u{3000}' } else { char::from_u32(c as u32 + 0xfee0).unwrap() })
            .collect()
    };
    let punctuation = text.replace('.', "。").replace('/', "、").replace('$', "￥");
    let spellings = [
        text.clone(),
        text.to_lowercase(),
        wide(&text),
        wide(&text.to_lowercase()),
        punctuation,
        format!("{text}\r\n"),
        format!("\u{3000} \t{text} \n"),
        format!("\u{feff}{text}"),
        format!("\u{2}{text}\u{3}"),
    ];
    for spelling in &spellings {
        assert_eq!(from_qr(spelling).as_deref(), Ok(code.as_slice()), "{spelling}");
        assert_eq!(text::from_scanner(spelling.as_bytes()).as_deref(), Ok(code.as_slice()));
    }
}

#[test]
fn other_qr_codes_are_told_from_damaged_ones() {
    for other in ["", "HB1", "https://example.com/?q=1", "王芳", "111:519900199003070011", "HC1:6BF"] {
        assert_eq!(from_qr(other), Err(QrError::Prefix), "{other}");
    }
    // One character too many or too few, a letter outside of the alphabet, numbers beyond 65535 and 255.
    for damaged in ["HB1:A", "HB1:ABCD", "HB1:AB_", "HB1:王芳王", "HB1::::", "HB1:ABC::", "HB1:AB CD"] {
        assert_eq!(from_qr(damaged), Err(QrError::Base45), "{damaged}");
    }
    assert_eq!(from_qr("HB1:"), Ok(Vec::new()));
    assert_eq!(ServiceCode::parse(&[]), Err(CodeError::NotACode));
    assert_eq!(text::from_scanner(b"HB1:\xff\xfe"), Err(QrError::NotUtf8));
    assert_eq!(CodeError::from(QrError::Base45), CodeError::NotACode);
}

#[test]
fn too_much_is_refused_before_it_is_looked_at() {
    let ten_kilobytes = format!("HB1:{}", "0".repeat(10_240));
    assert_eq!(from_qr(&ten_kilobytes), Err(QrError::TooLong));
    assert_eq!(from_qr(&"王".repeat(4001)), Err(QrError::TooLong));
    assert_eq!(text::from_scanner(&vec![0xff; 20_000]), Err(QrError::TooLong));
    assert_eq!(from_qr(&format!("HB1:{}", "0".repeat(3996))), Err(QrError::TooLong), "2664 bytes");
    assert_eq!(from_qr(&to_qr(&[0; 2500])), Ok(vec![0; 2500]));
    assert_eq!(from_qr(&to_qr(&[0; 2501])), Err(QrError::TooLong));
    let long = typed::sign(&centre_key(), MessageKind::Assertion.typ(), None, &[0; 2500]);
    assert_eq!(kind_of(&long), None);
}

#[test]
fn a_use_code_shows_every_wrong_and_every_exchanged_character() {
    let code = UseCode::new(0x1234_5678_9abc);
    let text = code.to_string();
    assert_eq!((text.len(), text.parse()), (10, Ok(code)));
    for at in 0..10 {
        for c in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().filter(|c| !text[at..].starts_with(*c)) {
            let wrong = format!("{}{c}{}", &text[..at], &text[at + 1..]);
            assert!(wrong.parse::<UseCode>().is_err(), "{wrong}");
        }
        for other in at + 1..10 {
            let mut exchanged = text.clone().into_bytes();
            exchanged.swap(at, other);
            let exchanged = String::from_utf8(exchanged).unwrap();
            assert!(exchanged == text || exchanged.parse::<UseCode>().is_err(), "{exchanged}");
        }
    }
    for wrong in ["", "000000000", "00000000000", "000000000O", "00000000王", "000000000\u{e9}"] {
        assert!(wrong.parse::<UseCode>().is_err(), "{wrong}");
    }
    assert_ne!(UseCode::random().unwrap(), UseCode::random().unwrap());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(kind_of(&bytes), None);
        prop_assert_eq!(verify(&bytes, NOON), Err(CodeError::NotACode));
        prop_assert_eq!(Challenge::parse(&bytes), Err(CodeError::NotACode));
        prop_assert_eq!(verify_said(&bytes, NOON), Err(CodeError::NotACode));
        let _ = text::from_scanner(&bytes);
    }

    #[test]
    fn any_claims_that_are_really_signed_are_read_without_harm(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0_usize..5,
    ) {
        let kind = MessageKind::ALL[kind];
        let kid = Some(KeyId::of(&centre_key().verifying_key())).filter(|_| kind != MessageKind::ServiceCode);
        let signed = typed::sign(&centre_key(), kind.typ(), kid, &bytes);
        prop_assert_eq!(kind_of(&signed), Some(kind));
        prop_assert!(verify(&signed, NOON).is_err() && verify_said(&signed, NOON).is_err());
        prop_assert!(Attestation::verify(&signed, &centre_keys()).is_err() && Challenge::parse(&signed).is_err());
        prop_assert!(ConsentReceipt::parse(&signed).is_err());
    }

    #[test]
    fn bent_claims_that_are_really_signed_are_read_without_harm(
        which in 0_usize..5, at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let good = assertion(every_said()[which].clone()).sign(&centre_key());
        let mut payload = typed::TypedSign1::parse(&good).unwrap().unverified_payload().to_vec();
        let at = at.index(payload.len());
        payload[at] = byte;
        let kid = Some(KeyId::of(&centre_key().verifying_key()));
        let signed = typed::sign(&centre_key(), MessageKind::Assertion.typ(), kid, &payload);
        // Whoever takes it would sign the same bytes.
        if let Ok(read) = hall_ledger::Signed::<Assertion>::from_bytes(signed.clone()).peek() {
            prop_assert_eq!(read.sign(&centre_key()), signed.clone());
        }
        let _ = verify_said(&signed, NOON);
    }

    #[test]
    fn any_text_is_read_without_harm(text in ".{0,200}", tail in "[0-9A-Z $%*+./:-]{0,200}") {
        let _ = from_qr(&text);
        if let Ok(bytes) = from_qr(&format!("HB1:{tail}")) {
            prop_assert_eq!(to_qr(&bytes), format!("HB1:{}", tail.trim_end()));
        }
    }

    #[test]
    fn any_message_comes_back_through_a_qr_code(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(from_qr(&to_qr(&bytes)), Ok(bytes));
    }

    #[test]
    fn any_name_and_field_comes_back(
        name in "[^\\p{Cc}]{1,120}",
        fields in proptest::collection::btree_map("[a-z0-9_]{1,40}", ".{0,40}", 0..8),
        until in -100_000_000_000_i64..100_000_000_000,
    ) {
        let uscc = "91239900MATE5T017W".parse().unwrap();
        let until = Timestamp(until * 1000);
        let subject = Subject {
            name: name.clone(),
            ..subject(Capacity::Agent { uscc, name, until, place: u32::MAX })
        };
        let sealed = seal_subject(&subject, &sealing_key(), SealNonce([3; 12]));
        prop_assert_eq!(open_subject(&sealed, &code_keys(), NOON).unwrap(), subject);
        let fields = fields.into_iter().map(|(key, value)| (cast::field(&key), value)).collect();
        let stated = StatedLicence { fields, ..licence() };
        let statement = stated.seal(&sealing_key(), SealNonce([4; 12]));
        prop_assert_eq!(statement.open(&code_keys(), NOON).unwrap(), stated);
    }

    #[test]
    fn any_use_code_can_be_read_out(number in any::<u64>()) {
        let code = UseCode::new(number);
        prop_assert_eq!(code.to_string().parse(), Ok(code));
        prop_assert_eq!(UseCode::new(number & ((1 << 45) - 1)), code);
    }
}
