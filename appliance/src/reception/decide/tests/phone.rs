//! Service codes, answers of phones, delegates, and consent taken back.

use super::*;
use crate::reception::decide::{
    Carried, Proof, acknowledge, agreed_rows, ask_acknowledgement, ask_by_phone, carry, prove, withdraw,
};
use hall_domain::case::{CarriedRow, Organised, PhoneChallenge, PhoneProof, WithdrawnAt};
use hall_domain::{
    Capacity, Carrier, ConsentGrade, HolderId, IdentityGrade, LicenceStatus, MandateGrade, PhoneAsk, Subject,
    Way,
};

const NONCE: &str = "000102030405060708090a0b0c0d0e0f";

fn message(nonce: &str) -> PhoneProof {
    PhoneProof { message: "d2".to_owned(), nonce: nonce.to_owned(), carrier: Carrier::Keyboard }
}

fn subject(slug: &str, capacity: Capacity) -> Subject {
    let card = card(slug);
    Subject { document: card.document, name: card.name, capacity }
}

fn code(slug: &str, capacity: Capacity, grade: IdentityGrade) -> Proof {
    let (way, subject) = (Way::ServiceCode, subject(slug, capacity));
    Proof { way, grade, subject, attested_at: NOW, message: message("00") }
}

fn delegate_of(principal: &str) -> Capacity {
    let card = card(principal);
    Capacity::Delegate {
        principal: HolderId::Person(card.document),
        principal_name: card.name,
        item: None,
        until: NOW.plus_hours(24),
        place: 7,
    }
}

/// A case whose person came with a phone, at its list.
fn by_phone(slug: &str, capacity: Capacity) -> Desk {
    let mut desk = personal();
    let proof = code(slug, capacity, IdentityGrade::I3);
    desk.take(prove(&desk.case, proof, None, NOW)).unwrap();
    let rows = desk.rows();
    desk.take(list(&desk.case, rows, Mode::Offline)).unwrap();
    desk
}

fn asked_by_phone(mut desk: Desk, ask: PhoneAsk) -> Desk {
    let request = consent_request(&desk.case, &desk.item, &BTreeMap::new(), desk.now).unwrap();
    let challenge = PhoneChallenge { ask, nonce: NONCE.to_owned(), materials: Vec::new() };
    let digest = "sha-256:00".to_owned();
    let event = ask_by_phone(request, digest, command(), "ev-1".to_owned(), challenge);
    desk.take(Ok(vec![event])).unwrap();
    desk
}

/// An answer that agrees to the first so many rows.
fn agreed(desk: &Desk, who: &str, ask: PhoneAsk, most: usize) -> Carried {
    let row = |row: &ListRow| {
        let carried = CarriedRow { status: LicenceStatus::Valid, use_code: "8Q2M7TB1K0".to_owned() };
        (row.material.clone(), carried)
    };
    Carried {
        ask,
        subject: subject(who, Capacity::Own),
        digest: Some("sha-256:00".to_owned()),
        rows: desk.case.list.iter().filter(|row| row.licence.is_some()).take(most).map(row).collect(),
        recorded_at: NOW,
        message: message(NONCE),
    }
}

#[test]
fn a_code_identifies_and_a_better_one_raises_the_grade() {
    let mut desk = personal();
    desk.take(prove(&desk.case, code("wang-fang", Capacity::Own, IdentityGrade::I3w), None, NOW)).unwrap();
    assert_eq!((desk.case.identity_grade(), desk.case.way()), (IdentityGrade::I3w, Way::ServiceCode));
    let better = code("wang-fang", Capacity::Own, IdentityGrade::I3);
    assert_eq!(desk.take(prove(&desk.case, better, None, NOW)), Ok(1));
    let worse = code("wang-fang", Capacity::Own, IdentityGrade::I3w);
    assert_eq!(desk.take(prove(&desk.case, worse, None, NOW)), Ok(0));
    assert_eq!(desk.case.identity_grade(), IdentityGrade::I3);
    let other = code("zhang-wei", Capacity::Own, IdentityGrade::I4);
    assert_eq!(desk.take(prove(&desk.case, other, None, NOW)), Err(Refusal::AnotherPerson));
    desk.read("wang-fang").unwrap();
    assert_eq!(
        desk.case.identity_grade(),
        IdentityGrade::I3,
        "a card that nobody compared takes nothing away"
    );
}

#[test]
fn a_code_counts_only_for_the_applicant_it_stands_for() {
    let uscc: hall_domain::Uscc = "91239900MATE5T017W".parse().unwrap();
    let company = |grade| {
        let capacity = Capacity::LegalRepresentative { uscc: uscc.clone(), name: "测试".into() };
        code("wang-fang", capacity, grade)
    };
    let person = personal();
    let refused = prove(&person.case, company(IdentityGrade::I3), None, NOW);
    assert_eq!(refused, Err(Refusal::EnterpriseCode));
    let mut desk = Desk::open("烟草专卖", ApplicantKind::Organisation);
    let known = Organised { uscc: uscc.clone(), register: None, checked_at: None };
    let named = prove(&desk.case, company(IdentityGrade::I3), Some(known.clone()), NOW);
    assert_eq!(desk.take(named), Ok(2), "the organisation is named by its code");
    assert_eq!(desk.case.principal(), Some(HolderId::Organisation(uscc.clone())));
    let mut other = Desk::open("烟草专卖", ApplicantKind::Organisation);
    let another = Organised { uscc: "92239900MATE5T025L".parse().unwrap(), ..known };
    other.take(name_organisation(&other.case, another)).unwrap();
    let refused = prove(&other.case, company(IdentityGrade::I3), None, NOW);
    assert_eq!(refused, Err(Refusal::OtherOrganisation));
    let own = code("wang-fang", Capacity::Own, IdentityGrade::I3);
    assert_eq!(prove(&other.case, own, None, NOW), Err(Refusal::NotLegalRepresentative));
}

#[test]
fn a_mandate_that_ended_or_is_for_another_item_opens_nothing() {
    let desk = personal();
    let with = |change: &dyn Fn(&mut Capacity)| {
        let mut capacity = delegate_of("zhang-wei");
        change(&mut capacity);
        prove(&desk.case, code("wang-fang", capacity, IdentityGrade::I3), None, NOW)
    };
    assert!(with(&|_| {}).is_ok());
    let ended = with(&|capacity| {
        if let Capacity::Delegate { until, .. } = capacity {
            *until = Timestamp(NOW.0 - 1);
        }
    });
    assert_eq!(ended, Err(Refusal::MandateEnded));
    let other = with(&|capacity| {
        if let Capacity::Delegate { item, .. } = capacity {
            *item = Some("11519900MBTE5T09680000000000001".parse().unwrap());
        }
    });
    assert_eq!(other, Err(Refusal::MandateOtherItem));
    let company = with(&|capacity| {
        if let Capacity::Delegate { principal, .. } = capacity {
            *principal = HolderId::Organisation("91239900MATE5T017W".parse().unwrap());
        }
    });
    assert_eq!(company, Err(Refusal::MandateOtherApplicant));
}

#[test]
fn a_phones_consent_counts_for_its_own_challenge_its_own_person_and_once() {
    let mut desk = asked_by_phone(by_phone("wang-fang", Capacity::Own), PhoneAsk::Consent);
    let yes = agreed(&desk, "wang-fang", PhoneAsk::Consent, 1);
    let refused = |change: &dyn Fn(&mut Carried)| {
        let mut answer = yes.clone();
        change(&mut answer);
        carry(&desk.case, answer, NOW).unwrap_err()
    };
    assert_eq!(refused(&|a| a.message.nonce = "ff".to_owned()), Refusal::OtherChallenge);
    assert_eq!(refused(&|a| a.digest = Some("sha-256:01".to_owned())), Refusal::OtherChallenge);
    assert_eq!(refused(&|a| a.ask = PhoneAsk::Principal), Refusal::OtherChallenge);
    assert_eq!(refused(&|a| a.subject = subject("zhang-wei", Capacity::Own)), Refusal::AnotherPerson);
    let late = NOW.plus_ms(3_600_000);
    assert_eq!(carry(&desk.case, yes.clone(), late), Err(Refusal::OtherChallenge), "the window gave up");
    desk.take(carry(&desk.case, yes.clone(), NOW)).unwrap();
    assert_eq!(desk.case.consent_grade(), ConsentGrade::C3);
    assert_eq!(agreed_rows(&desk.case).len(), 1, "what was not agreed to stays closed");
    assert_eq!(carry(&desk.case, yes, NOW), Err(Refusal::OtherChallenge), "once");
}

#[test]
fn agreeing_to_nothing_is_refusing() {
    let mut desk = asked_by_phone(by_phone("wang-fang", Capacity::Own), PhoneAsk::Consent);
    let no = agreed(&desk, "wang-fang", PhoneAsk::Consent, 0);
    desk.take(carry(&desk.case, no, NOW)).unwrap();
    assert!(matches!(desk.case.consent, Consent::Refused { .. }));
}

#[test]
fn a_delegate_opens_the_principals_licences_after_both_have_said_yes() {
    let mut desk = asked_by_phone(by_phone("wang-fang", delegate_of("zhang-wei")), PhoneAsk::Principal);
    assert_eq!(desk.case.mandate_grade(), MandateGrade::M2);
    let delegates_own = agreed(&desk, "wang-fang", PhoneAsk::Principal, 9);
    assert_eq!(carry(&desk.case, delegates_own, NOW), Err(Refusal::AnotherPerson));
    desk.take(carry(&desk.case, agreed(&desk, "zhang-wei", PhoneAsk::Principal, 9), NOW)).unwrap();
    assert_eq!((desk.case.mandate_grade(), desk.case.way()), (MandateGrade::M3, Way::Delegate));
    assert!(agreed_rows(&desk.case).is_empty(), "the delegate has not acknowledged");
    let command: CommandId = "01ACK".parse().unwrap();
    desk.take(ask_acknowledgement(&desk.case, command.clone(), NOW)).unwrap();
    desk.take(acknowledge(&desk.case, &command, "{}".to_owned())).unwrap();
    assert!(!agreed_rows(&desk.case).is_empty());
    assert_eq!(desk.case.principal(), Some(HolderId::Person(card("zhang-wei").document)));
}

#[test]
fn nothing_is_agreed_to_after_a_withdrawal() {
    let mut desk = personal().confirmed("wang-fang").agreed();
    assert!(!agreed_rows(&desk.case).is_empty());
    desk.take(withdraw(&desk.case, WithdrawnAt::Window, Timestamp(1))).unwrap();
    assert!(agreed_rows(&desk.case).is_empty());
    assert_eq!(withdraw(&desk.case, WithdrawnAt::Centre, Timestamp(2)), Ok(Vec::new()));
    let asked = personal().confirmed("wang-fang").asked();
    assert_eq!(withdraw(&asked.case, WithdrawnAt::Window, Timestamp(1)), Err(Refusal::NothingToWithdraw));
}
