//! Challenges, answers and receipts.

use super::*;

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

#[test]
fn a_receipt_is_taken_only_from_the_box_whose_ledger_it_names() {
    let printed = to_qr(&receipt().sign(&box_key()));
    let read = PaperReceipt::parse(&from_qr(&printed).unwrap()).unwrap();
    assert_eq!(read.log(), log());
    assert_eq!(read.verify(&box_key().verifying_key()), Ok(receipt()));
    let stranger = read.verify(&stranger_key().verifying_key());
    assert!(matches!(stranger, Err(CodeError::UnknownKey(_))), "{stranger:?}");
    let mut bent = receipt().sign(&box_key());
    let at = bent.len() - 70;
    bent[at] ^= 1;
    let bent = PaperReceipt::parse(&bent).and_then(|read| read.verify(&box_key().verifying_key()));
    assert!(bent.is_err(), "one byte of it was changed");
}
