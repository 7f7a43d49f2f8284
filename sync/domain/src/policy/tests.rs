//! The policy as a table, and every situation held against it.

use super::rules::find;
use super::*;
use crate::evidence::{CodeForm, ConsentGrade, IdentityGrade, LicenceGrade, MandateGrade, Way};
use crate::item::Tier;
use crate::person::ApplicantKind;

mod advice;
mod config;
mod grid;
mod table;

use grid::{GRID, Sort};

fn policy() -> &'static Policy {
    Policy::standard()
}

#[test]
fn every_situation_is_judged_as_the_table_says() {
    let table = table::Table::new();
    for (situation, outcome) in GRID.iter() {
        let expected = table.outcome(&situation);
        let found = || find(policy(), &situation);
        assert_eq!(outcome, expected, "{:?} for {situation:#?}", found());
    }
}

#[test]
fn every_rule_is_reached_and_says_one_sentence() {
    let mut seen = std::collections::HashMap::new();
    for (situation, outcome) in GRID.iter() {
        let finding = find(policy(), &situation);
        assert_eq!(finding.outcome(), outcome);
        seen.entry(std::mem::discriminant(&finding)).or_insert((finding, situation));
    }
    for (finding, situation) in seen.values() {
        let sentence = finding.sentence(policy(), situation);
        assert!(sentence.ends_with('。') && sentence.matches('。').count() == 1, "{sentence}");
    }
    let names: Vec<String> = seen.values().map(|(finding, _)| format!("{finding:?}")).collect();
    // All ways are offered by default; what becomes of one that is not has its own test.
    assert!(!names.contains(&"WayNotOffered".to_owned()));
    assert_eq!(seen.len(), 47, "a rule that no situation reaches: {names:?}");
}

#[test]
fn more_evidence_is_never_worth_less_and_a_longer_outage_never_more() {
    GRID.each_neighbour(|sort, worse, better| {
        let (below, above) = (GRID.outcome(worse), GRID.outcome(better));
        if above < below {
            let (worse, better) = (GRID.situation(worse), GRID.situation(better));
            panic!("{sort:?}: {below:?} for {worse:#?}, but only {above:?} for {better:#?}");
        }
    });
}

#[test]
fn each_kind_of_evidence_makes_a_difference_somewhere() {
    let mut raises = std::collections::BTreeMap::new();
    GRID.each_neighbour(|sort, worse, better| {
        *raises.entry(sort).or_insert(0_u32) += u32::from(GRID.outcome(better) > GRID.outcome(worse));
    });
    let idle: Vec<Sort> =
        Sort::ALL.into_iter().filter(|sort| raises.get(sort).is_none_or(|n| *n == 0)).collect();
    assert!(idle.is_empty(), "{idle:?} never matters");
}

#[test]
fn the_third_tier_gives_a_result_offline_only_approved_beforehand_and_on_the_best_evidence() {
    let mut results = 0;
    for (s, outcome) in GRID.iter().filter(|(s, _)| s.tier == Tier::T3 && s.down()) {
        if outcome > Outcome::ReceiptOnly {
            results += 1;
            let best = s.identity == IdentityGrade::I4
                && s.consent == ConsentGrade::C3
                && s.licence == Some(LicenceGrade::L4);
            assert!(best && s.pre_approved, "{s:#?}");
            assert!(
                s.clock == ClockState::Trusted && s.limit.is_none() && s.trust == TrustState::Valid,
                "{s:#?}"
            );
            assert!(!matches!(s.way, Way::Delegate | Way::Agent | Way::ExOfficio), "{s:#?}");
        }
    }
    assert!(results > 0);
}

#[test]
fn a_licence_is_never_used_without_consent_or_for_nobody() {
    for (s, outcome) in GRID.iter().filter(|(s, _)| s.licence >= Some(LicenceGrade::L2)) {
        let agreed = match s.consent {
            ConsentGrade::C2 | ConsentGrade::C3 => true,
            ConsentGrade::CX => s.legal_basis && s.notice_given,
            ConsentGrade::C0 | ConsentGrade::C1 => false,
        };
        let principal = s.way != Way::Delegate
            || s.mandate == MandateGrade::M3
            || s.mandate == MandateGrade::M2 && s.tier == Tier::T0;
        if !agreed || !principal || s.identity < IdentityGrade::I1 {
            assert_eq!(outcome, Outcome::No, "{s:#?}");
        }
    }
}

#[test]
fn a_plain_code_identifies_nobody_while_the_line_is_down() {
    let plain = |s: &Situation| s.way == Way::ServiceCode && s.code == CodeForm::Plain && s.down();
    for (s, outcome) in GRID.iter().filter(|(s, _)| plain(s)) {
        assert_eq!(outcome, Outcome::No, "{s:#?}");
        let nobody = Situation { identity: IdentityGrade::I0, ..s };
        assert_eq!(super::outcome(policy(), &nobody), outcome, "{s:#?}");
    }
}

#[test]
fn an_organisation_is_bound_only_by_who_is_known_to_act_for_it() {
    let recent = |s: &Situation| match s.relation {
        Relation::None => false,
        Relation::LegalRepresentative { hours } => hours <= 24,
        Relation::Agent { hours, grant } => hours <= 12 && grant == GrantState::Valid,
    };
    let organisation = |s: &Situation| s.applicant == ApplicantKind::Organisation && s.way != Way::Delegate;
    for (s, outcome) in GRID.iter().filter(|(s, _)| organisation(s) && s.tier > Tier::T0 && !recent(s)) {
        assert!(outcome <= Outcome::ReceiptOnly, "{s:#?}");
    }
}

#[test]
fn whatever_is_switched_off_or_broken_a_receipt_remains_for_who_needs_no_licence() {
    let own = |s: &Situation| matches!(s.way, Way::IdentityCard | Way::Face | Way::Agent | Way::ExOfficio);
    for (s, outcome) in GRID.iter().filter(|(s, _)| own(s) && s.licence < Some(LicenceGrade::L2)) {
        assert!(outcome >= Outcome::ReceiptOnly, "{s:#?}");
    }
}
