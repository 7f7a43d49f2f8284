//! Advice that is true, short, and open to who has no phone.

use super::super::advice::raise;
use super::*;

fn desk() -> Situation {
    Situation {
        identity: IdentityGrade::I2,
        consent: ConsentGrade::C2,
        licence: Some(LicenceGrade::L3),
        holder_cached: true,
        ..Situation::new(Tier::T1, Way::IdentityCard, ApplicantKind::Person, LineState::Down { hours: 2 })
    }
}

fn told(s: &Situation) -> String {
    judge(policy(), s).raise.unwrap_or_default()
}

/// Some hundred situations from all over the grid.
fn some() -> impl Iterator<Item = (Situation, Outcome)> {
    GRID.iter().step_by(9_973)
}

#[test]
fn doing_what_is_advised_leads_to_what_was_named() {
    for (s, outcome) in some() {
        for advice in advise(policy(), &s) {
            let after =
                advice.steps.iter().fold(s, |s, step| step.apply(policy(), &s).expect("a step that fits"));
            assert_eq!(super::super::outcome(policy(), &after), advice.outcome, "{advice:?} for {s:#?}");
            assert!(advice.outcome > outcome, "{advice:?} for {s:#?}");
            for less in 0..advice.steps.len() {
                let steps = &advice.steps[..less];
                let early =
                    steps.iter().fold(s, |s, step| step.apply(policy(), &s).expect("a step that fits"));
                assert!(
                    super::super::outcome(policy(), &early) <= outcome,
                    "{less} of {advice:?} are enough"
                );
            }
        }
    }
}

#[test]
fn everybody_who_is_not_accepted_is_told_what_to_do_in_one_sentence_and_once_without_a_phone() {
    for (s, outcome) in some() {
        let advice = advise(policy(), &s);
        if outcome == Outcome::Accept {
            assert_eq!(advice, []);
            continue;
        }
        let words = raise(&advice).unwrap_or_else(|| panic!("no advice for {s:#?}"));
        assert!(words.ends_with('。') && words.matches('。').count() == 1, "{words}");
        for advice in &advice {
            assert!(words.contains(advice.outcome.zh()), "{words}");
            assert!(advice.steps.iter().all(|step| words.contains(step.zh())), "{words}");
        }
        // What the principal alone can do, and a grant that is gone, leave no way but by phone.
        let by_phone_only = s.way == Way::Delegate && s.mandate < MandateGrade::M3
            || matches!(s.relation, Relation::Agent { grant: GrantState::Ended | GrantState::Revoked, .. });
        assert!(by_phone_only || advice.iter().any(|advice| !advice.needs_phone()), "{words} for {s:#?}");
    }
}

#[test]
fn the_advice_names_the_smallest_step_and_what_it_leads_to() {
    let consent = Situation { consent: ConsentGrade::C0, ..desk() };
    assert_eq!(told(&consent), "请办事人在评价器上确认授权，可提升至“受理，待复核”。");
    let t2 = Situation { tier: Tier::T2, t2_offline: true, line: LineState::Down { hours: 30 }, ..desk() };
    assert_eq!(
        told(&t2),
        "请值班主管授权，并请来人出示办事码并应答评价器上的二维码，可提升至“受理，待复核”；\
         不用手机也可以：请第二名窗口人员到场复核确认，并请值班主管授权，可提升至“容缺受理”。"
    );
    let long = Situation { line: LineState::Down { hours: 80 }, ..desk() };
    assert_eq!(told(&long), "请值班主管授权，可提升至“受理，待复核”。");
    assert!(judge(policy(), &long).sentence.contains("80小时"));
}

#[test]
fn the_face_check_is_advised_beside_something_that_needs_no_phone() {
    let told = told(&desk());
    assert!(
        told.starts_with("请来人扫评价器上的二维码刷脸，并请办事人在手机上确认授权，可提升至“受理”；"),
        "{told}"
    );
    assert!(told.ends_with("不用手机也可以：线路恢复后向省级中心实时核验，可提升至“受理”。"), "{told}");
}

#[test]
fn a_code_that_proves_too_little_leads_to_the_challenge_or_to_the_card() {
    let s = Situation { way: Way::ServiceCode, identity: IdentityGrade::I3w, code: CodeForm::Weak, ..desk() };
    let t2 = Situation { tier: Tier::T2, t2_offline: true, ..s };
    assert_eq!(
        advise(policy(), &t2),
        [
            Advice { steps: vec![Step::AnswerChallenge], outcome: Outcome::AcceptForReview },
            Advice { steps: vec![Step::UseCard], outcome: Outcome::ReceiptOnly },
        ]
    );
}

#[test]
fn a_delegate_is_told_that_the_principal_can_confirm_from_afar() {
    let delegate = Situation { way: Way::Delegate, mandate: MandateGrade::M2, licence: None, ..desk() };
    let s = judge(policy(), &delegate);
    assert_eq!(s.outcome, Outcome::MaterialsToFollow);
    assert!(s.sentence.contains("24小时内确认"), "{}", s.sentence);
    assert!(s.raise.unwrap().starts_with("请委托人在手机上确认本次办理，可提升至“受理”"));
}

#[test]
fn signatures_are_asked_for_only_where_they_help() {
    let asked = |s: &Situation| {
        let asked = approvals(policy(), s);
        (asked.second_clerk, asked.supervisor, asked.help(), asked.required())
    };
    assert_eq!(asked(&desk()), (false, false, false, false));
    let t2 = Situation { tier: Tier::T2, t2_offline: true, ..desk() };
    assert_eq!(asked(&t2), (true, false, true, false));
    let late = Situation { line: LineState::Down { hours: 30 }, ..t2 };
    assert_eq!(asked(&late), (true, true, true, false));
    assert_eq!(
        asked(&Situation { line: LineState::Down { hours: 80 }, ..desk() }),
        (false, true, true, false)
    );
    // Whoever signed already is still named.
    assert_eq!(asked(&Situation { second_clerk: true, supervisor: true, ..late }), (true, true, true, false));
    let by_face = Situation { way: Way::Face, identity: IdentityGrade::I4, consent: ConsentGrade::C3, ..t2 };
    assert_eq!(asked(&by_face), (false, false, false, false));
    let office = Situation { consent: ConsentGrade::CX, legal_basis: true, notice_given: true, ..t2 };
    assert_eq!(asked(&office), (true, true, true, true));
    assert_eq!(asked(&Situation { tier: Tier::T3, ..t2 }), (false, false, false, false));
}
