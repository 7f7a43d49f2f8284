//! The policy as a table, and every situation held against it.

use super::*;

/// What is accepted at least on which evidence, from the default table of the province. A situation gets the best
/// outcome of all rows that it satisfies, and `No` when there is none.
///
/// - line: `any`, `up`, `down`, or down for at most so many hours
/// - who: `any`; `person`; `org` and `rel` want a person who is known to represent the organisation since 24 hours or
///   less, `rel` takes persons too
/// - id: this grade or better
/// - consent: any of these
/// - licence: any of these; `-` is none used
/// - needs: all of these; `.` is nothing
const TABLE: &str = "
line    tier      who     id  consent         licence   needs                         outcome
any     T0        any     I0  C0,C1,C2,C3,CX  -,L0,L1   .                             Accept
any     T0        any     I1  C2,C3,CX        L2,L3,L4  .                             Accept
any     T1,T2,T3  any     I0  C0,C1,C2,C3,CX  -,L0,L1   .                             ReceiptOnly
any     T1        any     I1  C2,C3           L2        .                             ReceiptOnly
up      T1        any     I1  CX              L2        .                             ReceiptOnly
any     T1        any     I1  C2,C3,CX        L3,L4     .                             ReceiptOnly
any     T2,T3     any     I1  C2,C3           L3,L4     .                             ReceiptOnly
up      T2,T3     any     I1  CX              L3,L4     .                             ReceiptOnly
down    T2        any     I1  CX              L3,L4     supervisor                    ReceiptOnly

up      T1,T2     rel     I1  C0,C1,C2,C3,CX  -,L1      .                             Accept
up      T3        rel     I2  C0,C1,C2,C3,CX  -,L1      .                             Accept
up      T1,T2     rel     I1  C0,C1,C2,C3,CX  L0        .                             MaterialsToFollow
up      T1        rel     I1  C2,C3,CX        L2        .                             MaterialsToFollow
up      T1        rel     I1  C2,C3,CX        L3,L4     .                             Accept
up      T2        rel     I2  C2,C3,CX        L3,L4     .                             Accept
up      T3        rel     I2  C2,C3,CX        L4        .                             Accept

72      T1        rel     I2  C2,C3,CX        L3,L4     .                             AcceptForReview
168     T1        rel     I2  C2,C3,CX        L3,L4     supervisor                    AcceptForReview
72      T1        rel     I2  C2,C3           L2        .                             MaterialsToFollow
168     T1        rel     I2  C2,C3           L2        supervisor                    MaterialsToFollow
72      T1        rel     I1  C0,C1,C2,C3,CX  L1        .                             AcceptForReview
168     T1        rel     I1  C0,C1,C2,C3,CX  L1        supervisor                    AcceptForReview
72      T1        rel     I2  C0,C1,C2,C3,CX  -         cached                        AcceptForReview
168     T1        rel     I2  C0,C1,C2,C3,CX  -         cached,supervisor             AcceptForReview
72      T1        rel     I1  C0,C1,C2,C3,CX  -,L0      .                             MaterialsToFollow
168     T1        rel     I1  C0,C1,C2,C3,CX  -,L0      supervisor                    MaterialsToFollow

24      T2        rel     I2  C2,C3           L3,L4     t2,second                     MaterialsToFollow
72      T2        rel     I2  C2,C3,CX        L3,L4     t2,second,supervisor          MaterialsToFollow
24      T2        rel     I2  C0,C1,C2,C3,CX  -         t2,second,cached              MaterialsToFollow
72      T2        rel     I2  C0,C1,C2,C3,CX  -         t2,second,cached,supervisor   MaterialsToFollow
24      T2        person  I1  C0,C1,C2,C3,CX  L1        t2                            MaterialsToFollow
72      T2        person  I1  C0,C1,C2,C3,CX  L1        t2,supervisor                 MaterialsToFollow
24      T2        org     I1  C0,C1,C2,C3,CX  L1        t2,second                     MaterialsToFollow
72      T2        org     I1  C0,C1,C2,C3,CX  L1        t2,second,supervisor          MaterialsToFollow
";

struct Row {
    line: &'static str,
    tiers: Vec<Tier>,
    who: &'static str,
    identity: IdentityGrade,
    consents: Vec<ConsentGrade>,
    licences: Vec<Option<LicenceGrade>>,
    needs: Vec<&'static str>,
    outcome: Outcome,
}

fn table() -> Vec<Row> {
    TABLE.trim().lines().skip(1).filter(|line| !line.is_empty()).map(row).collect()
}

fn row(line: &'static str) -> Row {
    let cells: Vec<&'static str> = line.split_whitespace().collect();
    let [line, tiers, who, identity, consents, licences, needs, outcome] = cells[..] else {
        panic!("eight columns, not {line:?}");
    };
    fn named<T: Copy + std::fmt::Debug>(all: &[T], name: &str) -> T {
        *all.iter()
            .find(|value| format!("{value:?}") == name)
            .unwrap_or_else(|| panic!("unknown name {name}"))
    }
    let outcomes = [
        Outcome::No,
        Outcome::ReceiptOnly,
        Outcome::MaterialsToFollow,
        Outcome::AcceptForReview,
        Outcome::Accept,
    ];
    Row {
        line,
        tiers: tiers.split(',').map(|name| named(&Tier::ALL, name)).collect(),
        who,
        identity: named(&IdentityGrade::ALL, identity),
        consents: consents.split(',').map(|name| named(&ConsentGrade::ALL, name)).collect(),
        licences: licences.split(',').map(|n| (n != "-").then(|| named(&LicenceGrade::ALL, n))).collect(),
        needs: if needs == "." { Vec::new() } else { needs.split(',').collect() },
        outcome: named(&outcomes, outcome),
    }
}

fn satisfies(s: &Situation, row: &Row) -> bool {
    let represents =
        s.applicant == ApplicantKind::Person || s.relation_hours.is_some_and(|hours| hours <= 24);
    let line = match (row.line, s.line) {
        ("any", _) | ("up", LineState::Up) | ("down", LineState::Down { .. }) => true,
        (most, LineState::Down { hours }) => most.parse().is_ok_and(|most: u32| hours <= most),
        _ => false,
    };
    let who = match row.who {
        "any" => true,
        "person" => s.applicant == ApplicantKind::Person,
        "org" => s.applicant == ApplicantKind::Organisation && represents,
        "rel" => represents,
        other => panic!("unknown word {other}"),
    };
    let met = |need: &&str| match *need {
        "supervisor" => s.supervisor,
        "second" => s.second_clerk,
        "cached" => s.holder_cached,
        "t2" => s.t2_offline,
        other => panic!("unknown word {other}"),
    };
    line && who
        && row.tiers.contains(&s.tier)
        && s.identity >= row.identity
        && row.consents.contains(&s.consent)
        && row.licences.contains(&s.licence)
        && row.needs.iter().all(met)
}

/// Every situation that the rules can tell apart, on both sides of each limit.
fn all_situations() -> Vec<Situation> {
    let mut lines = vec![LineState::Up];
    lines.extend([0, 24, 25, 72, 73, 168, 169].map(|hours| LineState::Down { hours }));
    let mut licences = vec![None];
    licences.extend(LicenceGrade::ALL.map(Some));
    let mut all = Vec::new();
    for tier in Tier::ALL {
        for &line in &lines {
            for identity in IdentityGrade::ALL {
                for consent in ConsentGrade::ALL {
                    for &licence in &licences {
                        for flags in 0..16 {
                            for (applicant, relation_hours) in [
                                (ApplicantKind::Person, None),
                                (ApplicantKind::Organisation, None),
                                (ApplicantKind::Organisation, Some(24)),
                                (ApplicantKind::Organisation, Some(25)),
                            ] {
                                all.push(Situation {
                                    tier,
                                    way: Way::IdentityCard,
                                    applicant,
                                    line,
                                    identity,
                                    consent,
                                    licence,
                                    holder_cached: flags & 1 != 0,
                                    relation_hours,
                                    second_clerk: flags & 2 != 0,
                                    supervisor: flags & 4 != 0,
                                    t2_offline: flags & 8 != 0,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn every_situation_is_judged_as_the_table_says() {
    let table = table();
    let mut seen = std::collections::BTreeMap::new();
    for situation in all_situations() {
        let rows = table.iter().filter(|row| satisfies(&situation, row));
        let expected = rows.map(|row| row.outcome).max().unwrap_or(Outcome::No);
        let found = find(&situation);
        assert_eq!(found.outcome(), expected, "{found:?} for {situation:#?}");
        *seen.entry(format!("{found:?}")).or_insert(0_u32) += 1;
    }
    assert_eq!(seen.len(), 24, "a rule that no situation reaches: {seen:?}");
}

#[test]
fn more_evidence_is_never_worth_less() {
    let paper = [LicenceGrade::L0, LicenceGrade::L1];
    let electronic = [LicenceGrade::L2, LicenceGrade::L3, LicenceGrade::L4];
    let after = |s: &Situation, change: &dyn Fn(&mut Situation)| {
        let mut better = s.clone();
        change(&mut better);
        better
    };
    for s in all_situations() {
        let mut better = vec![
            after(&s, &|b| b.holder_cached = true),
            after(&s, &|b| b.second_clerk = true),
            after(&s, &|b| b.supervisor = true),
            after(&s, &|b| b.t2_offline = true),
            after(&s, &|b| b.line = LineState::Up),
        ];
        if let LineState::Down { hours } = s.line {
            better.push(after(&s, &|b| b.line = LineState::Down { hours: hours.saturating_sub(1) }));
        }
        if s.applicant == ApplicantKind::Organisation {
            better.push(after(&s, &|b| b.relation_hours = Some(s.relation_hours.map_or(1000, |h| h - 1))));
        }
        better.extend(next(&IdentityGrade::ALL, s.identity).map(|up| after(&s, &|b| b.identity = up)));
        better.extend(next(&ConsentGrade::ALL[..4], s.consent).map(|up| after(&s, &|b| b.consent = up)));
        for ladder in [&paper[..], &electronic] {
            let up = s.licence.and_then(|grade| next(ladder, grade));
            better.extend(up.map(|up| after(&s, &|b| b.licence = Some(up))));
        }
        for b in better {
            assert!(find(&b).outcome() >= find(&s).outcome(), "{b:#?} is judged worse than {s:#?}");
        }
    }
}

fn next<T: Copy + PartialEq>(ladder: &[T], step: T) -> Option<T> {
    let at = ladder.iter().position(|rung| *rung == step)?;
    ladder.get(at + 1).copied()
}

#[test]
fn a_higher_tier_is_never_treated_more_lightly() {
    for s in all_situations() {
        if let Some(tier) = next(&Tier::ALL, s.tier) {
            let higher = Situation { tier, ..s.clone() };
            assert!(find(&higher).outcome() <= find(&s).outcome(), "{s:#?}");
        }
    }
}

#[test]
fn a_licence_is_never_used_without_consent_or_for_nobody() {
    for s in all_situations().iter().filter(|s| s.licence.is_some_and(electronic)) {
        if s.consent < ConsentGrade::C2 || s.identity < IdentityGrade::I1 {
            assert_eq!(find(s).outcome(), Outcome::No, "{s:#?}");
        }
    }
}

#[test]
fn every_judgement_is_one_sentence_and_advises_unless_nothing_is_better() {
    for s in all_situations().iter().step_by(7) {
        let judgement = judge(s);
        assert!(judgement.sentence.ends_with('。') && judgement.sentence.matches('。').count() == 1);
        if judgement.outcome == Outcome::Accept {
            assert_eq!(judgement.raise, None);
        } else {
            let raise = judgement.raise.unwrap_or_else(|| panic!("no advice for {s:#?}"));
            assert!(raise.ends_with('。') && raise.matches('。').count() == 1, "{raise}");
        }
    }
}

fn desk() -> Situation {
    Situation {
        tier: Tier::T1,
        way: Way::IdentityCard,
        applicant: ApplicantKind::Person,
        line: LineState::Down { hours: 2 },
        identity: IdentityGrade::I2,
        consent: ConsentGrade::C2,
        licence: Some(LicenceGrade::L3),
        holder_cached: true,
        relation_hours: None,
        second_clerk: false,
        supervisor: false,
        t2_offline: false,
    }
}

#[test]
fn the_advice_names_the_smallest_step() {
    let raise = |s: Situation| judge(&s).raise.unwrap_or_default();
    assert_eq!(raise(desk()), "线路恢复后向省级中心实时核验。");
    assert_eq!(raise(Situation { consent: ConsentGrade::C0, ..desk() }), "请办事人在评价器上确认授权。");
    let organisation =
        Situation { applicant: ApplicantKind::Organisation, relation_hours: Some(30), ..desk() };
    assert_eq!(raise(organisation), "线路恢复后向省级中心实时核验。");
    let t2 = Situation { tier: Tier::T2, t2_offline: true, line: LineState::Down { hours: 30 }, ..desk() };
    assert_eq!(raise(t2), "请第二名窗口人员到场复核确认，并请值班主管授权。");
    let long = Situation { line: LineState::Down { hours: 80 }, ..desk() };
    assert_eq!(raise(long.clone()), "请值班主管授权。");
    assert!(judge(&long).sentence.contains("80小时"));
}

#[test]
fn other_ways_are_refused_with_a_way_out() {
    for way in Way::ALL.into_iter().filter(|way| *way != Way::IdentityCard) {
        let judgement = judge(&Situation { way, ..desk() });
        assert_eq!(judgement.outcome, Outcome::No);
        assert!(judgement.sentence.contains(way.zh()) && judgement.sentence.contains("实体身份证"));
    }
}
