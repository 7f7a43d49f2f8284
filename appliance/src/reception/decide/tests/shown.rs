//! Licences that a phone shows for a case.

use super::*;
use crate::reception::decide::{Shown, ask_phone, end_asked, fill, may_ask_shown, show};
use hall_domain::case::{PhoneChallenge, PhoneProof, Statement, StatusSource};
use hall_domain::{Capacity, Carrier, PhoneAsk, Subject};

const NONCE: &str = "000102030405060708090a0b0c0d0e0f";

/// At the list, with nothing of this person in the hall's cache.
fn uncached(slug: &str) -> Desk {
    let mut desk = personal();
    desk.read(slug).unwrap();
    desk.confirm(None).unwrap();
    let rows: Vec<ListRow> = desk.rows().into_iter().map(|row| ListRow { licence: None, ..row }).collect();
    desk.take(list(&desk.case, rows, Mode::Offline)).unwrap();
    desk
}

/// The request stands on the evaluator.
fn asking(mut desk: Desk) -> Desk {
    let materials = may_ask_shown(&desk.case, &desk.item, &kinds(), NOW.local_date()).unwrap();
    let challenge = PhoneChallenge { ask: PhoneAsk::Licences, nonce: NONCE.to_owned(), materials };
    desk.take(Ok(vec![ask_phone(challenge, command(), "ev-1".to_owned(), NOW)])).unwrap();
    desk
}

fn shown(desk: &Desk, slug: &str) -> Shown {
    let card = card(slug);
    let licence = |row: ListRow| {
        let licence = row.licence?;
        let statement = Statement {
            at: NOW,
            established: BTreeSet::new(),
            open: BTreeSet::new(),
            by: "00".to_owned(),
            mode: Mode::Offline,
            status: LicenceStatus::Valid,
            status_at: NOW,
            status_from: StatusSource::Phone,
            list_at: None,
            window_hours: 24,
            valid_from: None,
        };
        Some((row.material, ListedLicence { statement: Some(statement), grade: LicenceGrade::L4, ..licence }))
    };
    Shown {
        subject: Subject { document: card.document, name: card.name, capacity: Capacity::Own },
        rows: desk.rows().into_iter().filter_map(licence).collect(),
        stated_at: NOW,
        message: PhoneProof { message: "d2".into(), nonce: NONCE.into(), carrier: Carrier::Keyboard },
    }
}

fn found(desk: &Desk) -> usize {
    desk.case.list.iter().filter(|row| row.licence.is_some()).count()
}

#[test]
fn licences_are_asked_of_a_phone_only_for_what_the_hall_lacks_and_only_offline() {
    let today = NOW.local_date();
    let desk = uncached("wang-fang");
    let wanted = may_ask_shown(&desk.case, &desk.item, &kinds(), today).unwrap();
    let replaceable = desk.item.materials.iter().filter(|material| material.replaced_by.is_some()).count();
    assert!(replaceable > 0 && wanted.len() == replaceable);
    let cached = personal().confirmed("wang-fang");
    assert_eq!(may_ask_shown(&cached.case, &cached.item, &kinds(), today), Err(Refusal::NothingToShow));
    let mut stale = cached;
    for row in &mut stale.case.list {
        row.licence.as_mut().into_iter().for_each(|licence| licence.grade = LicenceGrade::L2);
    }
    assert_eq!(may_ask_shown(&stale.case, &stale.item, &kinds(), today).unwrap().len(), replaceable);
    let mut online = uncached("wang-fang");
    online.case.mode = Some(Mode::Online);
    assert_eq!(may_ask_shown(&online.case, &online.item, &kinds(), today), Err(Refusal::OutOfStep));
    let mut early = personal();
    assert_eq!(may_ask_shown(&early.case, &early.item, &kinds(), today), Err(Refusal::NotConfirmed));
    early.read("wang-fang").unwrap();
    assert_eq!(may_ask_shown(&early.case, &early.item, &kinds(), today), Err(Refusal::NotConfirmed));
    let twice = asking(desk);
    assert_eq!(may_ask_shown(&twice.case, &twice.item, &kinds(), today), Err(Refusal::AlreadyAsking));
}

#[test]
fn nobody_is_asked_to_show_what_they_cannot_hold() {
    let register = register();
    let company = register.organisations.iter().find(|entry| entry.slug == "qinghe-canyin").unwrap();
    let asked_of = |item: &str| {
        let mut desk = Desk::open(item, ApplicantKind::Organisation);
        let organised = Organised {
            uscc: company.organisation.uscc.clone(),
            register: Some(company.organisation.clone()),
            checked_at: Some(NOW),
        };
        desk.take(name_organisation(&desk.case, organised)).unwrap();
        desk.read("zhang-wei").unwrap();
        desk.confirm(None).unwrap();
        let rows: Vec<_> = desk.rows().into_iter().map(|row| ListRow { licence: None, ..row }).collect();
        desk.take(list(&desk.case, rows, Mode::Offline)).unwrap();
        may_ask_shown(&desk.case, &desk.item, &kinds(), NOW.local_date())
    };
    assert_eq!(asked_of("综合窗口材料收件"), Err(Refusal::NothingToShow), "a company has no identity card");
    assert!(!asked_of("食品经营许可延续").unwrap().is_empty(), "it has its business licence");
}

#[test]
fn what_a_phone_showed_becomes_rows_that_can_be_asked_for_and_leaves_the_case_with_the_form() {
    let mut desk = asking(uncached("wang-fang"));
    assert_eq!(consent_request(&desk.case, &desk.item, &BTreeMap::new(), NOW), Err(Refusal::NothingToAsk));
    desk.take(show(&desk.case, shown(&desk, "wang-fang"), NOW)).unwrap();
    assert!(desk.case.phone.is_none() && desk.case.shown.len() == 1 && found(&desk) > 0);
    let request = consent_request(&desk.case, &desk.item, &BTreeMap::new(), NOW).unwrap();
    assert_eq!(request.rows.len(), found(&desk));
    let mut desk = desk.agreed();
    desk.take(fill(&desk.case, Vec::new(), BTreeMap::new())).unwrap();
    assert!(desk.case.shown.is_empty(), "nothing more can be opened, so nothing stays to be opened");
}

#[test]
fn only_this_persons_answer_to_this_request_counts_and_it_counts_once() {
    let mut desk = asking(uncached("wang-fang"));
    let good = shown(&desk, "wang-fang");
    let refused = |change: &dyn Fn(&mut Shown)| {
        let mut answer = good.clone();
        change(&mut answer);
        show(&desk.case, answer, NOW).unwrap_err()
    };
    assert_eq!(refused(&|one| one.message.nonce = "ff".repeat(16)), Refusal::OtherChallenge);
    assert_eq!(show(&desk.case, shown(&desk, "zhang-wei"), NOW), Err(Refusal::AnothersLicences));
    let uscc: hall_domain::Uscc = "91239900MATE5T017W".parse().unwrap();
    let company = Capacity::LegalRepresentative { uscc, name: "测试".into() };
    assert_eq!(refused(&|one| one.subject.capacity = company.clone()), Refusal::EnterpriseCode);
    let not_asked = |one: &mut Shown| {
        let licence = one.rows.values().next().unwrap().clone();
        one.rows.insert("m99".parse().unwrap(), licence);
    };
    assert_eq!(refused(&not_asked), Refusal::OtherChallenge);
    let late = NOW.plus_ms(3_600_000);
    assert_eq!(show(&desk.case, good.clone(), late), Err(Refusal::OtherChallenge), "the window gave up");
    // Another kind of request with the same nonce asks for something else.
    let mut face = asking(uncached("wang-fang"));
    face.case.phone.as_mut().unwrap().challenge.ask = PhoneAsk::Face;
    assert_eq!(show(&face.case, good.clone(), NOW), Err(Refusal::OtherChallenge));
    desk.take(show(&desk.case, good.clone(), NOW)).unwrap();
    assert_eq!(show(&desk.case, good, NOW), Err(Refusal::OtherChallenge), "once");
}

#[test]
fn that_there_is_no_licence_is_an_answer_and_more_can_be_asked_for_afterwards() {
    let mut desk = asking(uncached("wang-fang"));
    let none = Shown { rows: BTreeMap::new(), ..shown(&desk, "wang-fang") };
    desk.take(show(&desk.case, none, NOW)).unwrap();
    assert!(desk.case.phone.is_none() && found(&desk) == 0);
    let mut again = asking(desk);
    again.take(end_asked(&again.case, &command(), ConsentEnd::TimedOut)).unwrap();
    assert!(again.case.phone.is_none());
}

#[test]
fn what_was_shown_leaves_with_the_person_with_the_case_and_before_the_centres_own_word() {
    let with = || {
        let mut desk = asking(uncached("wang-fang"));
        desk.take(show(&desk.case, shown(&desk, "wang-fang"), NOW)).unwrap();
        desk
    };
    let gone = |desk: &Desk, why: &str| {
        assert!(desk.case.shown.is_empty() && found(desk) == 0, "{why}");
    };
    let mut left = with();
    left.take(abandon(&left.case, "left")).unwrap();
    gone(&left, "the case was given up");
    let mut other = with();
    other.take(clear_identity(&other.case, "换人")).unwrap();
    gone(&other, "another person");
    let mut online = with();
    let none: Vec<ListRow> = online.rows().into_iter().map(|row| ListRow { licence: None, ..row }).collect();
    online.take(list(&online.case, none, Mode::Online)).unwrap();
    gone(&online, "the centre was asked");
    let withdrawn = {
        let mut desk = with().agreed();
        desk.take(decide_withdrawal(&desk.case)).unwrap();
        desk
    };
    assert!(withdrawn.case.shown.is_empty(), "consent was taken back");
}

fn decide_withdrawal(case: &Case) -> Events {
    crate::reception::decide::withdraw(case, hall_domain::case::WithdrawnAt::Window, NOW)
}
