//! The centre's judgement, case by case.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod cast;

use std::collections::BTreeMap;

use cast::{HOUR, NOON, clock, licence_id, log};
use hall_domain::case::Mode;
use hall_domain::{AliasId, LicenceStatus, Tier, Timestamp};
use hall_ledger::cbor;
use hall_ledger::disposition::{Disposition, Outcome};
use hall_ledger::entry::ClockReading;
use hall_ledger::ratify::{
    AliasClaim, CaseFacts, Knowledge, LicenceHistory, LicenceUse, RecordedChange, TimeBounds, ratify,
};
use proptest::prelude::*;

fn at(hours: i64) -> Timestamp {
    NOON.plus_hours(hours)
}

/// One licence, used offline at ten o'clock, received five hours later.
fn facts() -> CaseFacts {
    CaseFacts {
        on_paper_mandate: None,
        log: log(),
        seq: 12,
        case_no: "990001202611210001".into(),
        mode: Mode::Offline,
        uses: vec![LicenceUse {
            alias: None,
            licence: licence_id("A1", 1),
            name: "营业执照".into(),
            version: 1,
            used_at: NOON,
            clock: clock(2_000),
            known_hot: 7,
        }],
        outstanding_until: None,
        not_before: Some(at(-3)),
        received_at: at(5),
    }
}

fn change(status: LicenceStatus, at: Timestamp, hot: u64) -> RecordedChange {
    RecordedChange { status, at, hot: Some(hot) }
}

fn knowing(changes: &[RecordedChange]) -> Knowledge {
    let history = LicenceHistory { changes: changes.to_vec(), versions: vec![(1, at(-9000))] };
    Knowledge { licences: BTreeMap::from([(licence_id("A1", 1), history)]), ..Knowledge::default() }
}

fn judge(facts: &CaseFacts, knowledge: &Knowledge) -> Disposition {
    ratify(facts, knowledge, at(6))
}

use LicenceStatus::{Changing, Revoked, Suspended, Valid};

#[test]
fn a_case_with_nothing_against_it_is_ratified() {
    let disposition = judge(&facts(), &knowing(&[]));
    assert_eq!(disposition.outcome, Outcome::Ratified);
    assert_eq!((disposition.log, disposition.seq, disposition.decided_at), (log(), 12, at(6)));
    assert!(!disposition.outcome.needs_action() && disposition.findings.is_empty());
    // Revoked long ago and restored since: valid at the time.
    let restored = knowing(&[change(Revoked, at(-100), 1), change(Valid, at(-50), 2)]);
    assert_eq!(judge(&facts(), &restored).outcome, Outcome::Ratified);
}

#[test]
fn a_mandate_on_paper_is_good_for_taking_in_and_opens_no_licence() {
    let received = CaseFacts { on_paper_mandate: Some(Tier::T0), uses: Vec::new(), ..facts() };
    assert_eq!(judge(&received, &Knowledge::default()).outcome, Outcome::Ratified);
    for tier in [Tier::T1, Tier::T2, Tier::T3] {
        let above = CaseFacts { on_paper_mandate: Some(tier), ..received.clone() };
        assert_eq!(judge(&above, &Knowledge::default()).outcome, Outcome::ReturnedMandate, "{tier:?}");
    }
    let opened = CaseFacts { on_paper_mandate: Some(Tier::T0), ..facts() };
    assert_eq!(judge(&opened, &knowing(&[])).outcome, Outcome::ReturnedMandate);
}

#[test]
fn a_licence_revoked_before_its_use_returns_the_case() {
    let disposition = judge(&facts(), &knowing(&[change(Revoked, at(-2), 8)]));
    assert_eq!(disposition.outcome, Outcome::ReturnedRevoked);
    let [finding] = &disposition.findings[..] else { panic!("{disposition:?}") };
    assert_eq!((finding.status, finding.since, finding.box_knew), (Revoked, at(-2), false));
    assert!(disposition.sentence().contains("《营业执照》") && disposition.sentence().contains("无从得知"));
    assert!(disposition.outcome.is_returned());
}

#[test]
fn a_box_that_had_been_told_is_an_incident() {
    let disposition = judge(&facts(), &knowing(&[change(Revoked, at(-2), 7)]));
    assert_eq!(disposition.outcome, Outcome::ReturnedRevoked);
    assert!(disposition.findings[0].box_knew);
    assert!(disposition.sentence().contains("已收到通知"));
    // However vague its clock: it applied the change before the use.
    let mut vague = facts();
    vague.uses[0].clock = clock(10 * HOUR as u64);
    assert_eq!(judge(&vague, &knowing(&[change(Revoked, at(-2), 7)])).outcome, Outcome::ReturnedRevoked);
}

#[test]
fn nobody_is_accused_with_a_change_that_came_after_the_use() {
    // The hot list of a restored centre counts the same numbers again.
    for (status, after) in [(Revoked, 1), (Valid, 1), (Revoked, 4)] {
        let disposition = judge(&facts(), &knowing(&[change(status, at(after), 7)]));
        assert_eq!(disposition.outcome, Outcome::DoubtfulClock);
        assert!(disposition.findings.is_empty(), "{disposition:?}");
    }
    let earlier = knowing(&[change(Revoked, at(-2), 6), change(Valid, at(-1), 7)]);
    assert_eq!(judge(&facts(), &earlier).outcome, Outcome::Ratified);
}

#[test]
fn a_licence_revoked_after_its_use_is_a_reminder() {
    for status in [Revoked, Suspended] {
        let disposition = judge(&facts(), &knowing(&[change(status, at(1), 8)]));
        assert_eq!(disposition.outcome, Outcome::PassedRevokedLater);
        assert_eq!(disposition.findings[0].status, status);
        assert!(disposition.outcome.needs_action() && !disposition.outcome.is_returned());
    }
    // Changing papers afterwards is nobody's worry.
    assert_eq!(judge(&facts(), &knowing(&[change(Changing, at(1), 8)])).outcome, Outcome::Ratified);
}

#[test]
fn a_revocation_within_the_error_of_the_clock_is_doubtful() {
    for offset in [-2_000, 0, 1_999, 2_000] {
        let near = change(Revoked, NOON.plus_ms(offset), 8);
        let expected = if offset == -2_000 { Outcome::ReturnedRevoked } else { Outcome::DoubtfulClock };
        assert_eq!(judge(&facts(), &knowing(&[near])).outcome, expected, "{offset} ms");
    }
    let after = change(Revoked, NOON.plus_ms(2_001), 8);
    assert_eq!(judge(&facts(), &knowing(&[after])).outcome, Outcome::PassedRevokedLater);
    // Restored within the error: also revoked or not, nobody can tell.
    let restored = knowing(&[change(Revoked, at(-1), 8), change(Valid, NOON, 9)]);
    assert_eq!(judge(&facts(), &restored).outcome, Outcome::DoubtfulClock);
}

#[test]
fn a_clock_that_contradicts_the_receipts_is_doubtful_offline_only() {
    let mut wrong = facts();
    wrong.uses[0].used_at = at(9);
    assert_eq!(judge(&wrong, &knowing(&[])).outcome, Outcome::DoubtfulClock);
    wrong.mode = Mode::Online;
    assert_eq!(judge(&wrong, &knowing(&[])).outcome, Outcome::Ratified);
}

#[test]
fn a_clock_that_never_saw_the_time_is_bounded_by_receipts_alone() {
    let mut lost = facts();
    lost.uses[0].used_at = Timestamp(0);
    lost.uses[0].clock = ClockReading { token_age_ms: None, ..clock(0) };
    assert_eq!(judge(&lost, &knowing(&[])).outcome, Outcome::Ratified);
    assert_eq!(judge(&lost, &knowing(&[change(Revoked, at(-4), 8)])).outcome, Outcome::ReturnedRevoked);
    assert_eq!(judge(&lost, &knowing(&[change(Revoked, at(4), 8)])).outcome, Outcome::DoubtfulClock);
    assert_eq!(
        judge(&lost, &knowing(&[change(Revoked, at(5).plus_ms(1), 8)])).outcome,
        Outcome::PassedRevokedLater
    );
}

#[test]
fn what_limits_a_licence_without_ending_it_is_a_condition() {
    for status in [Suspended, Changing] {
        let disposition = judge(&facts(), &knowing(&[change(status, at(-1), 8)]));
        assert_eq!(disposition.outcome, Outcome::Conditional);
        assert_eq!(disposition.deadline, Some(at(6 + 15 * 24)));
        assert!(disposition.what_to_do().contains("2026-12-06"), "{}", disposition.what_to_do());
    }
    let mut reissued = knowing(&[]);
    reissued.licences.get_mut(&licence_id("A1", 1)).unwrap().versions.push((2, at(-1)));
    assert_eq!(judge(&facts(), &reissued).outcome, Outcome::Conditional);
    reissued.licences.get_mut(&licence_id("A1", 1)).unwrap().versions[1].1 = at(1);
    assert_eq!(judge(&facts(), &reissued).outcome, Outcome::Ratified);

    let mut waiting = facts();
    waiting.outstanding_until = Some(at(24));
    let disposition = judge(&waiting, &knowing(&[]));
    assert_eq!((disposition.outcome, disposition.deadline), (Outcome::Conditional, Some(at(24))));
    let suspended = judge(&waiting, &knowing(&[change(Suspended, at(-1), 8)]));
    assert_eq!(suspended.deadline, Some(at(6 + 15 * 24)), "a new licence takes longer than a scan");
    assert_eq!(judge(&facts(), &Knowledge::default()).outcome, Outcome::Conditional);
}

#[test]
fn a_mandate_that_had_ended_returns_the_case() {
    let ended = |at| Knowledge { mandate_ended: Some(at), ..knowing(&[]) };
    assert_eq!(judge(&facts(), &ended(at(-1))).outcome, Outcome::ReturnedMandate);
    assert_eq!(judge(&facts(), &ended(NOON)).outcome, Outcome::DoubtfulClock);
    assert_eq!(judge(&facts(), &ended(at(1))).outcome, Outcome::Ratified);
}

#[test]
fn conflict_and_duplicate_come_before_everything_else() {
    let revoked = knowing(&[change(Revoked, at(-2), 8)]);
    let duplicate = Knowledge { duplicate_of: Some("990002202611210007".into()), ..revoked };
    let disposition = judge(&facts(), &duplicate);
    assert_eq!(disposition.outcome, Outcome::ReturnedDuplicate);
    assert!(disposition.sentence().contains("990002202611210007"));
    let conflict = Knowledge { changed_as: Some("990001202611210001".into()), ..duplicate };
    assert_eq!(judge(&facts(), &conflict).outcome, Outcome::Conflict);
}

#[test]
fn the_worst_of_several_licences_decides() {
    let mut two = facts();
    let mut second = two.uses[0].clone();
    (second.licence, second.name) = (licence_id("B2", 1), "食品经营许可证".into());
    two.uses.push(second);
    let mut knowledge = knowing(&[change(Revoked, at(1), 8)]);
    knowledge.licences.insert(licence_id("B2", 1), LicenceHistory::default());
    assert_eq!(judge(&two, &knowledge).outcome, Outcome::PassedRevokedLater);
    let revoked = LicenceHistory { changes: vec![change(Revoked, at(-1), 9)], versions: vec![] };
    knowledge.licences.insert(licence_id("B2", 1), revoked);
    let disposition = judge(&two, &knowledge);
    assert_eq!(disposition.outcome, Outcome::ReturnedRevoked);
    assert_eq!(disposition.findings.len(), 1);
    assert_eq!(disposition.findings[0].name, "食品经营许可证");
}

#[test]
fn every_outcome_has_a_name_and_says_what_to_do() {
    let mut seen = std::collections::BTreeSet::new();
    for outcome in Outcome::ALL {
        let disposition = Disposition { outcome, ..judge(&facts(), &knowing(&[])) };
        assert!(seen.insert(outcome.zh()) && !outcome.en().is_empty());
        assert!(disposition.what_to_do().ends_with('。'));
        assert_eq!(cbor::unpack::<Disposition>(&cbor::pack(&disposition)).unwrap(), disposition);
    }
}

fn any_change() -> impl Strategy<Value = RecordedChange> {
    (0_u8..4, -6 * HOUR..6 * HOUR, proptest::option::of(1_u64..20)).prop_map(|(bits, offset, hot)| {
        // The box has applied 7: what happened after noon cannot be among them.
        let hot = hot.filter(|hot| offset <= 0 || *hot > 7);
        RecordedChange { status: LicenceStatus::from_bits(bits), at: NOON.plus_ms(offset), hot }
    })
}

proptest! {
    /// Invariant I11, and that a narrower clock never turns a certain judgement into another certain one.
    #[test]
    fn a_better_clock_only_settles_doubts(mut changes in proptest::collection::vec(any_change(), 0..4), wide in 0_u64..7_200_000) {
        changes.sort_by_key(|change| change.at);
        let knowledge = knowing(&changes);
        let with_error = |error| {
            let mut facts = facts();
            facts.uses[0].clock = clock(error);
            judge(&facts, &knowledge)
        };
        prop_assert_eq!(with_error(wide), with_error(wide));
        let (vague, exact) = (with_error(wide).outcome, with_error(0).outcome);
        if vague == Outcome::ReturnedRevoked || vague == Outcome::Ratified {
            prop_assert_eq!(vague, exact);
        }
        if exact == Outcome::ReturnedRevoked {
            prop_assert!(vague == exact || vague == Outcome::DoubtfulClock, "{:?}", vague);
        }
    }

    #[test]
    fn bounds_hold_the_true_time(wall in -1_000_000_i64..1_000_000, error in 0_u64..500_000, offset in -1.0..1.0_f64) {
        let truth = Timestamp(wall + (offset * error as f64) as i64);
        let received = truth.plus_ms(1000);
        let bounds = TimeBounds::of(Timestamp(wall), &clock(error), Some(truth.plus_ms(-1000)), received).unwrap();
        prop_assert!(bounds.earliest <= truth && truth <= bounds.latest);
    }

    #[test]
    fn extreme_clocks_do_no_harm(wall: i64, error: u64, before: Option<i64>, received: i64, token in proptest::option::of(0_u64..9)) {
        let clock = ClockReading { token_age_ms: token, ..clock(error) };
        if let Some(b) = TimeBounds::of(Timestamp(wall), &clock, before.map(Timestamp), Timestamp(received)) {
            prop_assert!(b.earliest <= b.latest);
        }
    }
}

/// A case that used its licence under an earlier number.
fn under_an_earlier_number(confirmed: bool) -> CaseFacts {
    let mut facts = facts();
    facts.uses[0].alias = Some(AliasClaim { id: AliasId([7; 16]), confirmed });
    facts
}

#[test]
fn a_licence_under_an_earlier_number_passes_when_the_centre_knows_of_it_and_the_clerk_has_looked() {
    let known = Knowledge { aliases: [(AliasId([7; 16]), licence_id("A1", 1))].into(), ..knowing(&[]) };
    assert_eq!(judge(&under_an_earlier_number(true), &known).outcome, Outcome::Ratified);
    for (facts, knowledge, why) in [
        (under_an_earlier_number(true), knowing(&[]), "the centre does not know of it"),
        (under_an_earlier_number(false), known.clone(), "nobody looked"),
        (
            under_an_earlier_number(true),
            Knowledge { aliases: [(AliasId([7; 16]), licence_id("B2", 1))].into(), ..knowing(&[]) },
            "the fact is about another licence",
        ),
    ] {
        let disposition = judge(&facts, &knowledge);
        assert_eq!(disposition.outcome, Outcome::ReturnedHolder, "{why}");
        assert_eq!(disposition.findings.len(), 1, "{why}");
        assert!(disposition.outcome.is_returned() && disposition.outcome.needs_action());
        assert!(disposition.sentence().contains("登记在曾用证件号下"), "{}", disposition.sentence());
        assert!(disposition.what_to_do().contains("公安机关"), "{}", disposition.what_to_do());
    }
}
