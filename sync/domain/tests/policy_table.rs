//! The province's policy table, row by row, to be held beside the document. Each row names the least evidence for which
//! the document promises something; what is promised for 收件, 低风险, 中风险 and 高风险 stands in four columns.

use hall_domain::evidence::CodeForm;
use hall_domain::policy::limits::{self, Counts};
use hall_domain::policy::{
    Act, ClockState, GrantState, LineState, Outcome, Permit, Policy, Relation, Situation, TrustState, judge,
    may, outcome,
};
use hall_domain::{ApplicantKind, ConsentGrade, IdentityGrade, LicenceGrade, MandateGrade, Tier, Way};

use ApplicantKind::{Organisation, Person};
use Outcome::{Accept, AcceptForReview as Review, MaterialsToFollow as Follow, No, ReceiptOnly as Receipt};

/// The line is down since two hours, and the item may be taken offline.
fn down(way: Way, applicant: ApplicantKind) -> Situation {
    let line = LineState::Down { hours: 2 };
    Situation { t2_offline: true, ..Situation::new(Tier::T0, way, applicant, line) }
}

/// The card was read and compared, the screen was tapped, the licence is in the cache and its status in its window.
fn card() -> Situation {
    Situation {
        identity: IdentityGrade::I2,
        consent: ConsentGrade::C2,
        licence: Some(LicenceGrade::L3),
        holder_cached: true,
        ..down(Way::IdentityCard, Person)
    }
}

fn code(code: CodeForm, identity: IdentityGrade) -> Situation {
    Situation { identity, code, holder_cached: false, way: Way::ServiceCode, ..card() }
}

fn face() -> Situation {
    Situation { identity: IdentityGrade::I4, consent: ConsentGrade::C3, way: Way::Face, ..card() }
}

fn company(relation: Relation) -> Situation {
    Situation { applicant: Organisation, relation, ..card() }
}

fn represented() -> Situation {
    company(Relation::LegalRepresentative { hours: 24 })
}

fn agent() -> Situation {
    let relation = Relation::Agent { hours: 12, grant: GrantState::Valid };
    Situation { way: Way::Agent, ..company(relation) }
}

fn delegate(mandate: MandateGrade) -> Situation {
    let confirmed = mandate == MandateGrade::M3;
    let (consent, licence) =
        if confirmed { (ConsentGrade::C3, Some(LicenceGrade::L3)) } else { (ConsentGrade::C0, None) };
    Situation { way: Way::Delegate, mandate, consent, licence, ..card() }
}

fn office() -> Situation {
    let consent = ConsentGrade::CX;
    Situation { way: Way::ExOfficio, consent, legal_basis: true, notice_given: true, ..card() }
}

struct Row {
    name: &'static str,
    situation: Situation,
    promised: [Outcome; 4],
}

fn row(name: &'static str, situation: Situation, promised: [Outcome; 4]) -> Row {
    Row { name, situation, promised }
}

#[rustfmt::skip]
fn table() -> Vec<Row> {
    let plain = || Situation { consent: ConsentGrade::C0, licence: None, ..code(CodeForm::Plain, IdentityGrade::I0) };
    let paper = || Situation { licence: Some(LicenceGrade::L1), holder_cached: false, ..card() };
    let second = |s| Situation { second_clerk: true, ..s };
    vec![
        // name                                                        evidence                                  T0      T1       T2       T3
        row("办事码，普通",                                             plain(),                                  [No,     No,      No,      No]),
        row("办事码，签名，只扫一次 (I3w C2 L3)",                        code(CodeForm::Weak, IdentityGrade::I3w), [Accept, Review,  No,      No]),
        row("办事码，签名，应答挑战 (I3 C2 L3)",                         code(CodeForm::Challenge, IdentityGrade::I3), [Accept, Review, Review, Receipt]),
        row("窗口刷脸，手机带回 (I4 C3, L3)",                            face(),                                   [Accept, Accept,  Accept,  Receipt]),
        row("窗口刷脸，手机带回 (I4 C3, L4)",                            Situation { licence: Some(LicenceGrade::L4), ..face() }, [Accept, Accept, Accept, Receipt]),
        row("窗口刷脸，手机带回 (I4 C3, L4)，预先核准",                   Situation { licence: Some(LicenceGrade::L4), pre_approved: true, ..face() }, [Accept, Accept, Accept, Accept]),
        row("窗口刷脸，手机带回 (I4 C3, L3)，预先核准",                   Situation { pre_approved: true, ..face() }, [Accept, Accept, Accept, Receipt]),
        row("实体身份证 + 屏 (I2 C2)，第二名窗口人员",                    second(card()),                           [Accept, Review,  Follow,  Receipt]),
        row("实体身份证 + 屏 (I2 C2)，无第二名窗口人员",                  card(),                                   [Accept, Review,  Receipt, Receipt]),
        row("实体身份证，未缓存，纸质原件 (I1 L1)",                       Situation { identity: IdentityGrade::I1, consent: ConsentGrade::C0, ..paper() }, [Accept, Review, Follow, Receipt]),
        row("实体身份证，未缓存，无原件 (I1)",                            Situation { identity: IdentityGrade::I1, licence: None, ..paper() }, [Accept, Follow, Receipt, Receipt]),
        row("企业，法定代表人身份证，关系 24 小时",                        second(represented()),                    [Accept, Review,  Follow,  Receipt]),
        row("企业，法定代表人身份证，关系 25 小时",                        second(company(Relation::LegalRepresentative { hours: 25 })), [Accept, Receipt, Receipt, Receipt]),
        row("企业，法定代表人身份证，无第二名窗口人员",                     represented(),                            [Accept, Review,  Receipt, Receipt]),
        row("企业，经办授权人 12 小时 (I2 C2)",                           second(agent()),                          [Accept, Review,  Receipt, Receipt]),
        row("企业，经办授权人 12 小时 (I3 C2)",                           Situation { identity: IdentityGrade::I3, ..agent() }, [Accept, Review, Review, Receipt]),
        row("企业，经办授权人 12 小时 (I4 C3)",                           Situation { identity: IdentityGrade::I4, consent: ConsentGrade::C3, ..agent() }, [Accept, Accept, Accept, Receipt]),
        row("企业，经办授权人 13 小时",                                   Situation { relation: Relation::Agent { hours: 13, grant: GrantState::Valid }, ..agent() }, [Accept, Receipt, Receipt, Receipt]),
        row("企业，经办授权人，已撤销",                                   Situation { relation: Relation::Agent { hours: 1, grant: GrantState::Revoked }, ..agent() }, [Accept, Receipt, Receipt, Receipt]),
        row("企业，经办授权人，已到期",                                   Situation { relation: Relation::Agent { hours: 1, grant: GrantState::Ended }, ..agent() }, [Accept, Receipt, Receipt, Receipt]),
        row("委托代办 M3，手机带回",                                     delegate(MandateGrade::M3),               [Accept, Accept,  Review,  Receipt]),
        row("委托代办 M2",                                             delegate(MandateGrade::M2),               [Accept, Follow,  No,      No]),
        row("委托代办，纸质委托书 (M1)",                                 delegate(MandateGrade::M1),               [Accept, No,      No,      No]),
        row("委托代办，无委托 (M0)",                                     delegate(MandateGrade::M0),               [Accept, No,      No,      No]),
        row("依职能查验 (CX)，L3",                                      second(office()),                         [Accept, Review,  No,      No]),
        row("依职能查验 (CX)，L3，主管",                                 Situation { supervisor: true, ..second(office()) }, [Accept, Review, Follow, No]),
        row("依职能查验 (CX)，未告知",                                   Situation { notice_given: false, supervisor: true, ..second(office()) }, [No, No, No, No]),
        row("依职能查验 (CX)，无登记依据",                                Situation { legal_basis: false, supervisor: true, ..second(office()) }, [No, No, No, No]),
        row("证照 L2，状态超时限",                                       Situation { licence: Some(LicenceGrade::L2), ..second(card()) }, [Accept, Follow, Receipt, Receipt]),
        row("证照 L2，依职能",                                          Situation { licence: Some(LicenceGrade::L2), supervisor: true, ..second(office()) }, [Accept, No, No, No]),
    ]
}

#[test]
fn each_row_of_the_policy_table_comes_to_what_the_document_promises() {
    let policy = Policy::default();
    for Row { name, situation, promised } in table() {
        for (tier, promised) in Tier::ALL.into_iter().zip(promised) {
            let judged = judge(&policy, &Situation { tier, ..situation });
            assert_eq!(judged.outcome, promised, "{name} at {tier:?}: {}", judged.sentence);
        }
    }
}

#[test]
fn each_grade_that_the_document_asks_for_is_needed() {
    let policy = Policy::default();
    let at = |tier, s: Situation| outcome(&policy, &Situation { tier, ..s });
    let approved = Situation { licence: Some(LicenceGrade::L4), pre_approved: true, ..face() };
    assert_eq!(at(Tier::T3, approved), Accept);
    assert_eq!(at(Tier::T3, Situation { pre_approved: false, ..approved }), Receipt);
    assert_eq!(at(Tier::T3, Situation { identity: IdentityGrade::I3, ..approved }), Receipt);
    assert_eq!(at(Tier::T3, Situation { consent: ConsentGrade::C2, ..approved }), Receipt);
    assert_eq!(at(Tier::T3, Situation { clock: ClockState::Doubtful, ..approved }), Receipt);
    assert_eq!(at(Tier::T2, Situation { consent: ConsentGrade::C2, ..face() }), Review);
    assert_eq!(at(Tier::T1, Situation { identity: IdentityGrade::I1, ..card() }), Receipt);
    assert_eq!(at(Tier::T1, Situation { consent: ConsentGrade::C1, ..card() }), No);
    assert_eq!(
        at(Tier::T1, Situation { identity: IdentityGrade::I1, ..delegate(MandateGrade::M3) }),
        Receipt
    );
    let opened = Situation { licence: Some(LicenceGrade::L3), consent: ConsentGrade::C2, ..card() };
    let by_mandate = |mandate| Situation { way: Way::Delegate, mandate, ..opened };
    assert_eq!(at(Tier::T1, by_mandate(MandateGrade::M2)), No, "the principal's licence, unasked");
    assert_eq!(at(Tier::T0, by_mandate(MandateGrade::M2)), Accept);
    assert_eq!(at(Tier::T0, by_mandate(MandateGrade::M1)), No, "a paper opens nothing");
    assert_eq!(at(Tier::T2, Situation { t2_offline: false, ..face() }), Receipt);
}

#[test]
fn what_may_be_done_narrows_at_each_hour_of_the_document() {
    let policy = Policy::default();
    let at = |tier, hours, supervisor, s: Situation| {
        let line = LineState::Down { hours };
        outcome(&policy, &Situation { tier, line, supervisor, second_clerk: true, ..s })
    };
    let hours = |tier, supervisor, s: Situation| {
        [24, 25, 72, 73, 168, 169].map(|hours| at(tier, hours, supervisor, s))
    };
    let (a, r, f) = (Review, Receipt, Follow);
    assert_eq!(hours(Tier::T1, false, card()), [a, a, a, r, r, r]);
    assert_eq!(hours(Tier::T1, true, card()), [a, a, a, a, a, r]);
    assert_eq!(hours(Tier::T2, false, card()), [f, r, r, r, r, r]);
    assert_eq!(hours(Tier::T2, true, card()), [f, f, f, r, r, r]);
    assert_eq!(hours(Tier::T0, false, card()), [Accept; 6]);
    let approved = Situation { licence: Some(LicenceGrade::L4), pre_approved: true, ..face() };
    assert_eq!(hours(Tier::T3, false, approved), [Accept, r, r, r, r, r]);
    assert_eq!(hours(Tier::T3, true, approved), [Accept, Accept, Accept, r, r, r]);
    for tier in [Tier::T1, Tier::T2, Tier::T3] {
        let expired = Situation { trust: TrustState::Expired, ..approved };
        assert_eq!(at(tier, 1, true, expired), Receipt, "the trust bundle is too old");
    }
}

#[test]
fn a_reached_limit_leaves_a_receipt_and_says_which() {
    let policy = Policy::default();
    let counts = Counts { principal_today: 3, ..Counts::default() };
    let limit = limits::check(&policy, &counts).first().copied();
    let judged = judge(&policy, &Situation { tier: Tier::T1, limit, ..card() });
    assert_eq!(judged.outcome, Receipt);
    assert_eq!(judged.sentence, "该主体今日离线办件已有3件，达到限额3件，先收件。");
    assert_eq!(outcome(&policy, &Situation { tier: Tier::T0, limit, ..card() }), Accept);
    let up = Situation { tier: Tier::T1, limit, line: LineState::Up, ..card() };
    assert_eq!(outcome(&policy, &up), Accept, "limits are for the time without the centre");
}

#[test]
fn a_clock_that_cannot_be_believed_takes_the_one_qr_code_away_and_has_all_else_reviewed() {
    let policy = Policy::default();
    let doubtful = |s| outcome(&policy, &Situation { tier: Tier::T1, clock: ClockState::Doubtful, ..s });
    assert_eq!(doubtful(code(CodeForm::Weak, IdentityGrade::I3w)), No);
    assert_eq!(doubtful(code(CodeForm::Challenge, IdentityGrade::I3)), Review);
    assert_eq!(doubtful(face()), Review);
    assert_eq!(doubtful(card()), Review);
}

#[test]
fn with_the_line_up_the_centre_answers_and_each_way_has_its_counterpart() {
    let policy = Policy::default();
    let up = |s: Situation| {
        let licence = s.licence.map(|_| LicenceGrade::L4);
        Tier::ALL.map(|tier| outcome(&policy, &Situation { tier, licence, line: LineState::Up, ..s }))
    };
    assert_eq!(up(code(CodeForm::Plain, IdentityGrade::I3w)), [Accept, Accept, Accept, Receipt]);
    assert_eq!(up(code(CodeForm::Plain, IdentityGrade::I4)), [Accept; 4], "the centre compared the face");
    assert_eq!(up(code(CodeForm::Challenge, IdentityGrade::I3)), [Accept; 4]);
    assert_eq!(up(card()), [Accept; 4]);
    assert_eq!(up(face()), [Accept; 4]);
    assert_eq!(up(represented()), [Accept; 4]);
    assert_eq!(up(agent()), [Accept; 4]);
    assert_eq!(up(delegate(MandateGrade::M3)), [Accept; 4]);
    assert_eq!(up(delegate(MandateGrade::M2)), [Accept, Follow, No, No]);
    assert_eq!(up(delegate(MandateGrade::M1)), [Accept, No, No, No]);
    assert_eq!(up(office()), [Accept; 4]);
    assert_eq!(up(Situation { legal_basis: false, ..office() }), [No; 4]);
}

#[test]
fn the_rows_that_lead_to_no_outcome_of_a_case_are_permitted_as_promised() {
    let policy = Policy::default();
    let each = |act, s: Situation| Tier::ALL.map(|tier| may(&policy, act, &Situation { tier, ..s }));
    let (no, masked, marked, yes) = (Permit::No, Permit::Masked, Permit::MarkedOffline, Permit::Yes);
    // 查看证照原件 / print for citizen
    assert_eq!(each(Act::ViewOriginal, card()), [masked, marked, masked, no]);
    assert_eq!(each(Act::ViewOriginal, face()), [masked, marked, marked, no]);
    assert_eq!(
        each(Act::ViewOriginal, Situation { identity: IdentityGrade::I1, ..card() }),
        [masked, masked, masked, no]
    );
    assert_eq!(
        each(Act::ViewOriginal, Situation { consent: ConsentGrade::C1, ..face() }),
        [masked, masked, masked, no]
    );
    assert_eq!(
        each(Act::ViewOriginal, Situation { trust: TrustState::Expired, ..face() }),
        [masked, masked, masked, no]
    );
    let up = |s| Situation { line: LineState::Up, ..s };
    assert_eq!(each(Act::ViewOriginal, up(card())), [yes, yes, yes, masked]);
    assert_eq!(each(Act::ViewOriginal, up(face())), [yes; 4]);
    // Department view/print on LAN
    assert_eq!(each(Act::DepartmentView, card()), [yes; 4]);
    // 预归档
    assert_eq!(each(Act::PreArchive, card()), [no, marked, marked, no]);
    assert_eq!(each(Act::PreArchive, up(card())), [yes; 4]);
    // 线下认证注册 / 注销 / 账号处理
    assert_eq!(each(Act::AccountService, card()), [Permit::ApplicationOnly, no, no, no]);
    // 好差评
    assert_eq!(each(Act::Rate, card()), [yes; 4]);
}

#[test]
fn the_published_policy_is_the_provinces_default() {
    let published: Policy =
        toml::from_str(include_str!("../../centre/data/policy.toml")).expect("the policy is well-formed");
    assert_eq!(published.check(), Ok(()));
    assert_eq!(published, Policy::default());
    let unknown = include_str!("../../centre/data/policy.toml").replace("[ways]", "[ways]\nanybody = []");
    assert!(
        toml::from_str::<Policy>(&unknown).is_err(),
        "a rule that this version does not know is not ignored"
    );
}

#[test]
fn judgements_are_stored_as_they_always_were() {
    let stored = r#"{"outcome":"accept_for_review","sentence":"待复核。"}"#;
    let read: hall_domain::Judgement = serde_json::from_str(stored).expect("an old judgement");
    assert_eq!(serde_json::to_string(&read).expect("a judgement"), stored);
    let judged = judge(&Policy::default(), &Situation { tier: Tier::T1, ..card() });
    let value = serde_json::to_value(&judged).expect("a judgement");
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["outcome", "raise", "sentence"]);
}
