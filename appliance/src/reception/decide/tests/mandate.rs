//! A mandate on paper: what it changes, and that nothing of the principal's is opened on it.

use super::*;
use crate::reception::decide::{
    Conditions, Signatures, Signed, attach, drop_mandate, fill, judge, prove, rows_on_paper, state_mandate,
    submit,
};
use hall_domain::case::{Attachment, Organised, PaperMandate, PhoneProof};
use hall_domain::policy::{ClockState, Counts, Policy, TrustState};
use hall_domain::{Capacity, Carrier, ConsentGrade, HolderId, IdentityGrade, MandateGrade, Subject, Way};
use std::sync::Arc;

fn paper(slug: &str) -> PaperMandate {
    let card = card(slug);
    PaperMandate { principal: HolderId::Person(card.document), principal_name: card.name }
}

/// Of a company that the cast knows nothing of.
fn company() -> PaperMandate {
    let uscc = "91239900MATE5T017W".parse().unwrap();
    PaperMandate { principal: HolderId::Organisation(uscc), principal_name: "测试有限公司".to_owned() }
}

fn conditions(line: LineState) -> Conditions {
    Conditions {
        policy: Arc::new(
            toml::from_str::<Policy>(include_str!("../../../../../sync/centre/data/policy.toml")).unwrap(),
        ),
        line,
        holder_cached: false,
        standing: (LicenceStatus::Valid, 0),
        counts: Counts::default(),
        clock: ClockState::Trusted,
        trust: TrustState::Valid,
    }
}

/// 王芳 acts for 张伟 by paper, at the list.
fn delegated(item: &str, mode: Mode) -> Desk {
    let mut desk = Desk::open(item, ApplicantKind::Person);
    desk.take(state_mandate(&desk.case, paper("zhang-wei"), None)).unwrap();
    desk.read("wang-fang").unwrap();
    desk.confirm(None).unwrap();
    desk.take(list(&desk.case, rows_on_paper(&desk.item), mode)).unwrap();
    desk
}

fn scan(material: &str) -> Attachment {
    Attachment {
        id: 0,
        material: Some(material.parse().unwrap()),
        name: "scan.png".to_owned(),
        media_type: "image/png".to_owned(),
        size: 10,
        sha256: "5e".repeat(32),
        blob: "00".to_owned(),
    }
}

/// The form as a clerk completes it, every other material brought.
fn completed(mut desk: Desk) -> Desk {
    desk.take(fill(&desk.case, Vec::new(), BTreeMap::new())).unwrap();
    for row in desk.case.list.clone() {
        if row.required && row.material.as_str() != PaperMandate::MATERIAL {
            desk.take(choose_paper(&desk.case, &row.material, PaperChoice::Original)).unwrap();
        }
    }
    let values = desk.item.form.iter().filter(|field| field.required).map(|field| {
        let value = match &field.kind {
            hall_domain::FieldKind::Choice(choices) => choices[0].clone(),
            hall_domain::FieldKind::Date => "2026-01-31".to_owned(),
            hall_domain::FieldKind::Phone => "18000000001".to_owned(),
            _ => "1".to_owned(),
        };
        (field.key.clone(), value)
    });
    let values: BTreeMap<FieldKey, String> = values.collect();
    desk.take(save_form(&desk.case, &desk.item, &values, u32::MAX)).unwrap();
    desk.take(commit(&desk.case, true, u32::MAX)).unwrap();
    desk
}

#[test]
fn the_principal_is_the_stated_one_and_nothing_of_theirs_is_listed_asked_for_or_opened() {
    let mut desk = delegated("失业登记", Mode::Offline);
    let case = &desk.case;
    assert_eq!((case.way(), case.mandate_grade()), (Way::Delegate, MandateGrade::M1));
    assert_eq!(case.principal(), Some(HolderId::Person(card("zhang-wei").document)));
    assert_eq!(case.identity_grade(), IdentityGrade::I2, "the delegate's own card");
    assert_eq!(case.list[0].name, "委托书");
    assert!(case.list.iter().all(|row| row.licence.is_none()));
    assert_eq!(consent_request(case, &desk.item, &BTreeMap::new(), NOW), Err(Refusal::NothingToAsk));
    let shown = crate::reception::decide::may_ask_shown(case, &desk.item, &kinds(), NOW.local_date());
    assert_eq!(
        shown,
        Err(Refusal::OutOfStep),
        "a principal's licences do not come over the delegate's phone"
    );
    // Whoever made a list with licences, it is not taken.
    let rows = desk.rows();
    assert!(rows.iter().any(|row| row.licence.is_some()));
    assert_eq!(list(&desk.case, rows.clone(), Mode::Online), Err(Refusal::OutOfStep));
    let used = LicenceUse {
        material: rows[0].material.clone(),
        licence: register().licences().next().unwrap().1.id.clone(),
        kind: "11100000000013127D001".parse().unwrap(),
        version: 1,
        use_code: "LX-1".to_owned(),
        envelope: String::new(),
        opened: BTreeMap::new(),
        grade: LicenceGrade::L3,
        status_at: NOW,
        mode: Mode::Offline,
        statement: None,
        alias: None,
    };
    assert_eq!(fill(&desk.case, vec![used], BTreeMap::new()), Err(Refusal::OutOfStep));
    desk.take(fill(&desk.case, Vec::new(), BTreeMap::new())).unwrap();
    assert_eq!(crate::reception::decide::recheck(&desk.case, rows, None), Err(Refusal::OutOfStep));
}

#[test]
fn the_paper_is_good_for_taking_in_and_for_nothing_above_and_the_sentence_says_so() {
    for line in [LineState::Up, LineState::Down { hours: 2 }] {
        let mode = if line == LineState::Up { Mode::Online } else { Mode::Offline };
        let low = delegated("失业登记", mode);
        assert_eq!(low.item.tier, Tier::T1);
        let judged = judge(&low.case, &low.item, &conditions(line), Signed::default(), NOW);
        assert_eq!(judged.outcome, Outcome::No);
        assert_eq!(judged.sentence, "纸质委托书无法当场核验，不能凭它代办本事项。");
        assert!(judged.raise.unwrap().contains("请委托人在手机上办理电子委托"));
        let received = delegated("婚姻登记预约", mode);
        assert_eq!(received.item.tier, Tier::T0);
        let judged = judge(&received.case, &received.item, &conditions(line), Signed::default(), NOW);
        assert_eq!(judged.outcome, Outcome::Accept);
    }
}

#[test]
fn it_is_submitted_only_with_the_paper_scanned_and_only_where_it_is_taken_in() {
    let line = LineState::Down { hours: 2 };
    let send = |desk: &Desk| submit(&desk.case, &desk.item, &conditions(line), Signatures::default(), NOW);
    let mut desk = completed(delegated("婚姻登记预约", Mode::Offline));
    assert_eq!(send(&desk), Err(Refusal::Materials(vec!["委托书".to_owned()])));
    let mandate: MaterialId = PaperMandate::material();
    for choice in [PaperChoice::Original, PaperChoice::ToFollow] {
        assert_eq!(choose_paper(&desk.case, &mandate, choice), Err(Refusal::MandateNotScanned));
    }
    assert_eq!(desk.case.consent_grade(), ConsentGrade::C0);
    desk.take(attach(&desk.case, scan(PaperMandate::MATERIAL))).unwrap();
    assert_eq!(desk.case.consent_grade(), ConsentGrade::C1);
    desk.take(send(&desk)).unwrap();
    assert_eq!(desk.case.submission.as_ref().unwrap().judgement.outcome, Outcome::Accept);

    let mut desk = completed(delegated("失业登记", Mode::Offline));
    desk.take(attach(&desk.case, scan(PaperMandate::MATERIAL))).unwrap();
    let refused = send(&desk);
    assert!(
        matches!(&refused, Err(Refusal::Policy(why)) if why.contains("纸质委托书无法当场核验")),
        "{refused:?}"
    );
}

#[test]
fn a_mandate_of_whoever_stands_there_or_of_the_wrong_kind_of_applicant_is_refused() {
    let mut desk = personal();
    desk.read("wang-fang").unwrap();
    assert_eq!(state_mandate(&desk.case, paper("wang-fang"), None), Err(Refusal::OwnMandate));
    assert_eq!(state_mandate(&desk.case, company(), None), Err(Refusal::MandateOtherApplicant));
    desk.take(state_mandate(&desk.case, paper("zhang-wei"), None)).unwrap();
    assert_eq!(desk.read("zhang-wei"), Err(Refusal::OwnMandate));
    assert_eq!(state_mandate(&desk.case, paper("zhang-wei"), None), Ok(Vec::new()), "the same again");
    let organisation = Desk::open("烟草专卖", ApplicantKind::Organisation);
    assert_eq!(
        state_mandate(&organisation.case, paper("zhang-wei"), None),
        Err(Refusal::MandateOtherApplicant)
    );
}

#[test]
fn stating_or_dropping_it_makes_the_list_anew_and_neither_goes_once_the_form_is_filled() {
    let mut desk = personal().confirmed("wang-fang");
    assert!(desk.case.list.iter().any(|row| row.licence.is_some()));
    desk.take(state_mandate(&desk.case, paper("zhang-wei"), None)).unwrap();
    assert!(desk.case.list.is_empty() && desk.case.mode.is_none(), "the delegate's own list is gone");
    assert!(desk.case.identity.as_ref().unwrap().confirmed(), "who stands there is still known");
    desk.take(drop_mandate(&desk.case)).unwrap();
    assert_eq!(desk.case.principal(), Some(HolderId::Person(card("wang-fang").document)));
    let mut filled = delegated("失业登记", Mode::Offline);
    filled.take(fill(&filled.case, Vec::new(), BTreeMap::new())).unwrap();
    assert_eq!(drop_mandate(&filled.case), Err(Refusal::OutOfStep));
    assert_eq!(state_mandate(&filled.case, paper("chen-jing"), None), Err(Refusal::OutOfStep));
    let asked = personal().confirmed("wang-fang").asked();
    assert_eq!(state_mandate(&asked.case, paper("zhang-wei"), None), Err(Refusal::AlreadyAsking));
    let agreed = personal().confirmed("wang-fang").agreed();
    assert_eq!(state_mandate(&agreed.case, paper("zhang-wei"), None), Err(Refusal::OutOfStep));
}

#[test]
fn an_organisations_delegate_is_whom_the_paper_names_until_the_paper_goes() {
    let mut desk = Desk::open("烟草专卖", ApplicantKind::Organisation);
    let known = register().organisations.first().unwrap().organisation.clone();
    let organised = |uscc: &hall_domain::Uscc| Organised {
        uscc: uscc.clone(),
        register: Some(known.clone()),
        checked_at: Some(NOW),
    };
    let mandate = PaperMandate {
        principal: HolderId::Organisation(known.uscc.clone()),
        principal_name: known.name.clone(),
    };
    let represents = register()
        .people
        .iter()
        .find(|person| person.card.document == known.legal_representative.document)
        .map(|person| person.slug.clone());
    let stranger =
        ["wang-fang", "zhang-wei"].into_iter().find(|slug| Some((*slug).to_owned()) != represents).unwrap();
    desk.take(name_organisation(&desk.case, organised(&known.uscc))).unwrap();
    assert_eq!(desk.read(stranger), Err(Refusal::NotLegalRepresentative));
    desk.take(state_mandate(&desk.case, mandate, Some(organised(&known.uscc)))).unwrap();
    desk.read(stranger).unwrap();
    desk.confirm(None).unwrap();
    assert_eq!(
        (desk.case.way(), desk.case.principal()),
        (Way::Delegate, Some(HolderId::Organisation(known.uscc.clone())))
    );
    let mut other = Desk { case: desk.case.clone(), item: desk.item.clone(), now: NOW };
    let uscc = "92239900MATE5T025L".parse().unwrap();
    other.take(name_organisation(&other.case, Organised { uscc, register: None, checked_at: None })).unwrap();
    assert!(other.case.paper_mandate.is_none(), "the paper is of the organisation that it names");
    desk.take(drop_mandate(&desk.case)).unwrap();
    assert!(desk.case.identity.is_none(), "who does not represent it by right is to be identified anew");
}

#[test]
fn what_a_phone_proves_takes_the_place_of_the_paper_as_long_as_nothing_rests_on_it() {
    let until = NOW.plus_hours(24);
    let electronic = |desk: &Desk| {
        let (who, principal) = (card("wang-fang"), card("zhang-wei"));
        let capacity = Capacity::Delegate {
            principal: HolderId::Person(principal.document),
            principal_name: principal.name,
            item: None,
            until,
            place: 7,
        };
        let subject = Subject { document: who.document, name: who.name, capacity };
        let message = PhoneProof { message: "d2".into(), nonce: "00".into(), carrier: Carrier::Keyboard };
        let (way, grade) = (Way::ServiceCode, IdentityGrade::I3);
        prove(
            &desk.case,
            crate::reception::decide::Proof { way, grade, subject, attested_at: NOW, message },
            None,
            NOW,
        )
    };
    let mut desk = delegated("失业登记", Mode::Offline);
    desk.take(electronic(&desk)).unwrap();
    assert_eq!(desk.case.mandate_grade(), MandateGrade::M2);
    assert!(desk.case.paper_mandate.is_none() && desk.case.list.is_empty());
    assert_eq!(state_mandate(&desk.case, paper("zhang-wei"), None), Err(Refusal::MandateOnPhone));
    let mut filled = delegated("失业登记", Mode::Offline);
    filled.take(fill(&filled.case, Vec::new(), BTreeMap::new())).unwrap();
    assert_eq!(electronic(&filled), Err(Refusal::OutOfStep));
}
