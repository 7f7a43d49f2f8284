//! What comes of a case when it is submitted, and what is brought afterwards.

use super::*;
use hall_domain::policy::{ClockState, Counts, Policy, TrustState};
use std::sync::Arc;

fn conditions(line: LineState, holder_cached: bool) -> Conditions {
    Conditions {
        policy: Arc::new(Policy::default()),
        line,
        holder_cached,
        standing: (LicenceStatus::Valid, 0),
        counts: Counts::default(),
        clock: ClockState::Trusted,
        trust: TrustState::Valid,
    }
}

fn up() -> Conditions {
    conditions(LineState::Up, true)
}

/// A case of which everything is on paper, and one material follows.
fn one_follows() -> Desk {
    let mut desk = personal().confirmed("wang-fang");
    desk.take(fill(&desk.case, Vec::new(), BTreeMap::new())).unwrap();
    let rows: Vec<MaterialId> = desk.case.list.iter().map(|row| row.material.clone()).collect();
    for (at, material) in rows.iter().enumerate() {
        let choice = if at == 0 { PaperChoice::ToFollow } else { PaperChoice::Original };
        desk.take(choose_paper(&desk.case, material, choice)).unwrap();
    }
    desk.item.form.clear();
    desk.item.commitment = None;
    desk
}

fn scan(material: Option<&MaterialId>) -> Attachment {
    Attachment {
        id: 0,
        material: material.cloned(),
        name: "扫描件.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: 1_000,
        sha256: "00".to_owned(),
        blob: "00".to_owned(),
    }
}

#[test]
fn submitting_wants_the_form_and_the_materials() {
    let mut desk = personal().confirmed("wang-fang");
    let fields = desk.item.form.iter().map(|field| (field.key.clone(), FieldState::default())).collect();
    desk.take(fill(&desk.case, Vec::new(), fields)).unwrap();
    let conditions = up();
    assert!(matches!(
        submit(&desk.case, &desk.item, &conditions, Signatures::default(), NOW),
        Err(Refusal::Form(_))
    ));
    for row in desk.case.list.clone() {
        desk.take(choose_paper(&desk.case, &row.material, PaperChoice::ToFollow)).unwrap();
    }
    desk.case.form.clear();
    let mut item = desk.item.clone();
    item.form.clear();
    item.commitment = None;
    let sign = |account: &str| Some(Secondary { account: account.parse().unwrap(), at: NOW });
    let with =
        |second, supervisor| submit(&desk.case, &item, &conditions, Signatures { second, supervisor }, NOW);
    assert_eq!(with(sign("liqiang"), None), Err(Refusal::SecondClerk));
    assert_eq!(with(None, sign("liqiang")), Err(Refusal::Supervisor));
    assert_eq!(with(sign("zhaomin"), sign("zhaomin")), Err(Refusal::Supervisor), "two people, not one twice");
    assert!(with(sign("zhaomin"), sign("admin")).is_ok());
    let events = with(None, None).unwrap();
    let CaseEvent::Submitted { judgement, .. } = &events[0] else { panic!("submitted") };
    assert_eq!(judgement.outcome, Outcome::MaterialsToFollow, "what follows is never a plain acceptance");
}

#[test]
fn what_follows_is_brought_after_submission_and_nothing_else_is() {
    let mut desk = one_follows();
    let material = desk.case.list[0].material.clone();
    let other = desk.case.list[1].material.clone();
    assert_eq!(supply(&desk.case, scan(Some(&material))), Err(Refusal::NothingFollows), "not submitted");
    desk.take(submit(&desk.case, &desk.item, &up(), Signatures::default(), NOW)).unwrap();
    let done = desk.case.submission.clone().unwrap();
    assert_eq!(done.judgement.outcome, Outcome::MaterialsToFollow);
    assert_eq!(done.follow.unwrap().by, NOW.local_date().plus_days(7));
    let names: Vec<&str> = desk.case.outstanding().into_iter().map(Outstanding::name).collect();
    assert_eq!(names, [desk.case.list[0].name.as_str()]);

    assert_eq!(supply(&desk.case, scan(Some(&other))), Err(Refusal::NothingFollows));
    assert_eq!(supply(&desk.case, scan(None)), Err(Refusal::NothingFollows), "the card was valid");
    let empty = Attachment { size: 0, ..scan(Some(&material)) };
    assert_eq!(supply(&desk.case, empty), Err(Refusal::EmptyFile));
    assert_eq!(desk.take(attach(&desk.case, scan(Some(&material)))), Err(Refusal::Closed));
    assert_eq!(desk.take(supply(&desk.case, scan(Some(&material)))), Ok(1));
    assert!(desk.case.outstanding().is_empty());
    assert_eq!(desk.case.material_state(&desk.case.list[0].clone()), MaterialState::Brought);
    assert_eq!(desk.take(supply(&desk.case, scan(Some(&material)))), Ok(1), "a second page");
    let numbers: Vec<AttachmentId> = desk.case.attachments.iter().map(|file| file.id).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn an_expired_card_is_followed_by_a_valid_one() {
    let mut desk = one_follows();
    desk.case.papers.insert(desk.case.list[0].material.clone(), PaperChoice::Original);
    desk.case.identity.as_mut().unwrap().expired = true;
    desk.take(submit(&desk.case, &desk.item, &up(), Signatures::default(), NOW)).unwrap();
    assert_eq!(desk.case.outstanding(), [Outstanding::Identity]);
    desk.take(supply(&desk.case, scan(None))).unwrap();
    assert!(desk.case.outstanding().is_empty());
}

#[test]
fn a_case_with_everything_here_has_nothing_to_follow() {
    let mut desk = one_follows();
    desk.case.papers.insert(desk.case.list[0].material.clone(), PaperChoice::Original);
    desk.take(submit(&desk.case, &desk.item, &up(), Signatures::default(), NOW)).unwrap();
    let done = desk.case.submission.unwrap();
    assert_eq!((done.judgement.outcome, done.follow), (Outcome::Accept, None));
}

#[test]
fn paper_originals_count_where_the_policy_asks_for_them() {
    let hours = |hours| conditions(LineState::Down { hours }, false);
    let mut desk = one_follows();
    desk.case.mode = Some(Mode::Offline);
    let outcome = |desk: &Desk, hours, signed| judge(&desk.case, &desk.item, &hours, signed, NOW).outcome;
    desk.case.papers.insert(desk.case.list[0].material.clone(), PaperChoice::Original);
    assert_eq!(desk.item.tier, Tier::T1);
    assert_eq!(outcome(&desk, hours(2), Signed::default()), Outcome::AcceptForReview);

    // A licence with a stale status is only good for 容缺, until its paper is here.
    let stale = LicenceUse { grade: LicenceGrade::L2, ..used(&desk.case.list[0]).unwrap() };
    desk.case.uses.push(stale);
    desk.case.consent = personal().confirmed("wang-fang").agreed().case.consent;
    desk.case.papers.remove(&desk.case.list[0].material.clone());
    assert_eq!(outcome(&desk, hours(2), Signed::default()), Outcome::MaterialsToFollow);
    desk.take(attach(&desk.case, scan(Some(&desk.case.list[0].material.clone())))).unwrap();
    assert_eq!(outcome(&desk, hours(2), Signed::default()), Outcome::AcceptForReview);

    // After three days a supervisor has to allow it, and can.
    assert_eq!(outcome(&desk, hours(80), Signed::default()), Outcome::ReceiptOnly);
    let supervisor = Signed { supervisor: true, ..Signed::default() };
    assert_eq!(outcome(&desk, hours(80), supervisor), Outcome::AcceptForReview);
}

#[test]
fn what_the_register_says_by_then_decides_a_companys_case() {
    let register = register();
    let entry = register.organisations.iter().find(|entry| entry.slug == "qinghe-canyin").unwrap();
    let unknown = Organised { uscc: entry.organisation.uscc.clone(), register: None, checked_at: None };
    let known =
        Organised { register: Some(entry.organisation.clone()), checked_at: Some(NOW), ..unknown.clone() };
    let mut desk = Desk::open("食品经营许可延续", ApplicantKind::Organisation);
    desk.take(name_organisation(&desk.case, unknown)).unwrap();
    desk = desk.confirmed("zhang-wei").agreed();
    let uses: Vec<LicenceUse> = desk.case.list.iter().filter_map(used).collect();
    desk.take(fill(&desk.case, uses, BTreeMap::new())).unwrap();
    let outcome = |desk: &Desk| judge(&desk.case, &desk.item, &up(), Signed::default(), NOW).outcome;
    assert_eq!(outcome(&desk), Outcome::ReceiptOnly, "nobody knows whether he represents it");
    let rows = |desk: &Desk| {
        let mut rows = desk.case.list.clone();
        for licence in rows.iter_mut().filter_map(|row| row.licence.as_mut()) {
            licence.grade = LicenceGrade::L4;
        }
        rows
    };
    desk.take(recheck(&desk.case, rows(&desk), Some(known.clone()))).unwrap();
    assert_eq!(outcome(&desk), Outcome::Accept);
    let mut other = known;
    other.register.as_mut().unwrap().legal_representative.document = card("wang-fang").document;
    desk.take(recheck(&desk.case, rows(&desk), Some(other))).unwrap();
    assert_eq!(outcome(&desk), Outcome::ReceiptOnly, "it is represented by somebody else now");
}

#[test]
fn a_paper_that_no_licence_could_stand_for_is_no_original_of_a_licence() {
    let mut desk = one_follows();
    desk.case.mode = Some(Mode::Offline);
    desk.case.papers.clear();
    let other =
        |row: &&ListRow| desk.item.material(&row.material).is_some_and(|one| one.replaced_by.is_none());
    let other = desk.case.list.iter().find(other).unwrap().material.clone();
    let at = conditions(LineState::Down { hours: 2 }, false);
    let outcome = |desk: &Desk| judge(&desk.case, &desk.item, &at, Signed::default(), NOW).outcome;
    let without = outcome(&desk);
    desk.case.papers.insert(other, PaperChoice::Original);
    assert_eq!((outcome(&desk), without), (without, Outcome::MaterialsToFollow));
}
