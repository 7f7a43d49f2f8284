//! What may be done with the evidence at hand, above all while the line to the centre is down.
//!
//! The default policy of the province for the identity card at the window, for a person and for an organisation by
//! its legal representative. What it decides, row by row, stands as a table in this module's tests.

use serde::{Deserialize, Serialize};

use crate::evidence::{ConsentGrade, IdentityGrade, LicenceGrade, Way};
use crate::item::Tier;
use crate::person::ApplicantKind;

mod finding;
#[cfg(test)]
mod tests;

use finding::Finding;

/// From how many hours of outage on the second tier needs a supervisor.
const T2_SUPERVISOR_HOURS: u32 = 24;
/// From how many hours on the second tier is only received, and the first needs a supervisor.
const T1_SUPERVISOR_HOURS: u32 = 72;
/// From how many hours on everything is only received.
const RECEIPT_ONLY_HOURS: u32 = 7 * 24;
/// How old the knowledge may be that a person legally represents an organisation.
const RELATION_HOURS: u32 = 24;

/// 线路状态: whether the centre can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// 在线.
    Up,
    /// 离线.
    Down {
        /// Whole hours since the centre was last heard.
        hours: u32,
    },
}

/// 办理情形: everything that the policy looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// 事项风险等级.
    pub tier: Tier,
    /// 核验方式.
    pub way: Way,
    /// 申请人主体.
    pub applicant: ApplicantKind,
    /// 线路状态.
    pub line: LineState,
    /// 身份证据等级.
    pub identity: IdentityGrade,
    /// 授权证据等级.
    pub consent: ConsentGrade,
    /// The weakest licence, or paper in its place, that the case rests on; `None` when it rests on none.
    pub licence: Option<LicenceGrade>,
    /// Whether the holder's licences are in the hall's cache.
    pub holder_cached: bool,
    /// How many hours ago the centre last said that this person legally represents the organisation; `None` when it
    /// is not known, and for a person.
    pub relation_hours: Option<u32>,
    /// Whether a second clerk looked and signed.
    pub second_clerk: bool,
    /// Whether a supervisor allowed it.
    pub supervisor: bool,
    /// Whether the province allows this item of the second tier to be taken with the line down.
    pub t2_offline: bool,
}

/// 办理结论: what the window may do. The better is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 不能办理.
    No,
    /// 仅收件.
    ReceiptOnly,
    /// 容缺受理.
    MaterialsToFollow,
    /// 受理，待复核.
    AcceptForReview,
    /// 受理.
    Accept,
}

impl Outcome {
    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::No => "不能办理",
            Self::ReceiptOnly => "仅收件",
            Self::MaterialsToFollow => "容缺受理",
            Self::AcceptForReview => "受理，待复核",
            Self::Accept => "受理",
        }
    }
}

/// 判断: the outcome, why, and how to do better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What the window may do.
    pub outcome: Outcome,
    /// One Chinese sentence for the clerk: what is decided and why.
    pub sentence: String,
    /// What would raise the outcome, the fewest steps; `None` when nothing at the window or on the line would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise: Option<String>,
}

/// Judges a situation. Total and pure: the same situation is judged alike at the window and at the centre.
#[must_use]
pub fn judge(situation: &Situation) -> Judgement {
    let finding = find(situation);
    Judgement {
        outcome: finding.outcome(),
        sentence: finding.sentence(situation),
        raise: raise(situation, finding.outcome()),
    }
}

/// Finds the rule that decides. Each rule is checked in the order in which a clerk would be asked about it.
fn find(s: &Situation) -> Finding {
    if s.way != Way::IdentityCard {
        return Finding::WayNotOffered;
    }
    if let Some(stop) = licence_misused(s) {
        return stop;
    }
    if s.tier == Tier::T0 {
        return Finding::Received;
    }
    if s.identity < IdentityGrade::I1 {
        return Finding::IdentityUnknown;
    }
    if s.applicant == ApplicantKind::Organisation
        && s.relation_hours.is_none_or(|hours| hours > RELATION_HOURS)
    {
        return Finding::RelationUnknown;
    }
    match s.line {
        LineState::Up => find_online(s),
        LineState::Down { hours } => find_offline(s, hours),
    }
}

/// An e-licence may be opened only for who is identified and agreed, and only while its status is known well enough.
fn licence_misused(s: &Situation) -> Option<Finding> {
    let grade = s.licence.filter(|grade| electronic(*grade))?;
    let stale = grade == LicenceGrade::L2;
    let down = s.line != LineState::Up;
    let by_office = s.consent == ConsentGrade::CX;
    if s.identity < IdentityGrade::I1 {
        Some(Finding::LicenceWithoutIdentity)
    } else if s.consent < ConsentGrade::C2 {
        Some(Finding::LicenceWithoutConsent)
    } else if stale && s.tier >= Tier::T2 {
        Some(Finding::LicenceStale)
    } else if by_office && down && s.tier == Tier::T3 {
        Some(Finding::OfficeNeedsLine)
    } else if by_office && down && stale && s.tier == Tier::T1 {
        Some(Finding::LicenceStale)
    } else if by_office && down && s.tier == Tier::T2 && !s.supervisor {
        Some(Finding::OfficeNeedsSupervisor)
    } else {
        None
    }
}

fn find_online(s: &Situation) -> Finding {
    let rests_on_licence = s.licence.is_some_and(electronic);
    if s.identity < IdentityGrade::I2 && (s.tier == Tier::T3 || s.tier == Tier::T2 && rests_on_licence) {
        return Finding::FaceNotCompared;
    }
    match s.licence {
        Some(LicenceGrade::L0) if s.tier == Tier::T3 => Finding::CopyOnly,
        Some(LicenceGrade::L0) => Finding::OriginalToFollow,
        Some(LicenceGrade::L2) => Finding::StatusToFollow,
        Some(LicenceGrade::L3) if s.tier == Tier::T3 => Finding::StatusNotFresh,
        _ => Finding::Accepted,
    }
}

fn find_offline(s: &Situation, hours: u32) -> Finding {
    if s.tier == Tier::T3 {
        return Finding::HighTierOffline;
    }
    if hours > RECEIPT_ONLY_HOURS {
        return Finding::OfflineTooLong;
    }
    if s.tier == Tier::T1 {
        return find_offline_low(s, hours);
    }
    if !s.t2_offline {
        return Finding::ItemNotAllowedOffline;
    }
    if hours > T1_SUPERVISOR_HOURS {
        return Finding::OfflineTooLong;
    }
    if hours > T2_SUPERVISOR_HOURS && !s.supervisor {
        return Finding::SupervisorMissing;
    }
    find_offline_middle(s)
}

/// The first tier with the line down.
fn find_offline_low(s: &Situation, hours: u32) -> Finding {
    if hours > T1_SUPERVISOR_HOURS && !s.supervisor {
        return Finding::SupervisorMissing;
    }
    let compared = s.identity >= IdentityGrade::I2;
    match s.licence {
        Some(grade) if electronic(grade) && !compared => Finding::FaceNotCompared,
        Some(LicenceGrade::L2) => Finding::StatusToFollow,
        Some(LicenceGrade::L3 | LicenceGrade::L4) => Finding::AcceptedOffline,
        Some(LicenceGrade::L1) => Finding::AcceptedOnPaper,
        Some(LicenceGrade::L0) => Finding::OriginalToFollow,
        None if s.holder_cached && compared => Finding::AcceptedOffline,
        None => Finding::OriginalToFollow,
    }
}

/// The second tier with the line down, where the province allows it; a stale licence never gets here.
fn find_offline_middle(s: &Situation) -> Finding {
    match s.licence {
        Some(LicenceGrade::L1) if s.applicant == ApplicantKind::Person || s.second_clerk => {
            Finding::PaperAcceptedToFollow
        }
        Some(LicenceGrade::L1) => Finding::SecondClerkMissing,
        Some(LicenceGrade::L0) => Finding::CopyOnly,
        None if !s.holder_cached => Finding::OriginalMissing,
        _ if s.identity < IdentityGrade::I2 => Finding::FaceNotCompared,
        _ if !s.second_clerk => Finding::SecondClerkMissing,
        _ => Finding::AcceptedToFollow,
    }
}

/// Whether the grade is of an e-licence, not of paper.
fn electronic(grade: LicenceGrade) -> bool {
    grade >= LicenceGrade::L2
}

/// One thing that can be done about a situation, and what the clerk is told to do.
struct Step {
    zh: &'static str,
    apply: fn(&Situation) -> Option<Situation>,
}

/// All steps, those at the window before those that wait for the line.
const STEPS: [Step; 8] = [
    Step {
        zh: "请读取办事人的实体身份证",
        apply: |s| {
            (s.identity < IdentityGrade::I1).then(|| Situation { identity: IdentityGrade::I1, ..s.clone() })
        },
    },
    Step {
        zh: "请办事人在评价器上确认授权",
        apply: |s| {
            (s.consent < ConsentGrade::C2).then(|| Situation { consent: ConsentGrade::C2, ..s.clone() })
        },
    },
    Step {
        zh: "请进行人证比对，并由办事人在评价器上点按确认或由第二名窗口人员复核",
        apply: |s| {
            (s.identity == IdentityGrade::I1).then(|| Situation { identity: IdentityGrade::I2, ..s.clone() })
        },
    },
    Step {
        zh: "请第二名窗口人员到场复核确认",
        apply: |s| (!s.second_clerk).then(|| Situation { second_clerk: true, ..s.clone() }),
    },
    Step {
        zh: "请值班主管授权",
        apply: |s| (!s.supervisor).then(|| Situation { supervisor: true, ..s.clone() }),
    },
    Step {
        zh: "请核对纸质原件并扫描上传，不使用状态过期的缓存证照或复印件",
        apply: |s| {
            let weak = matches!(s.licence, None | Some(LicenceGrade::L0 | LicenceGrade::L2));
            weak.then(|| Situation { licence: Some(LicenceGrade::L1), ..s.clone() })
        },
    },
    Step {
        zh: "请向省级中心实时核验证照和法定代表人",
        apply: |s| (s.line == LineState::Up).then(|| asked_centre(s)),
    },
    Step {
        zh: "线路恢复后向省级中心实时核验",
        apply: |s| (s.line != LineState::Up).then(|| asked_centre(s)),
    },
];

/// The situation once the centre has answered: e-licences fresh, the legal representative confirmed.
fn asked_centre(s: &Situation) -> Situation {
    let licence = s.licence.map(|grade| if electronic(grade) { LicenceGrade::L4 } else { grade });
    let relation_hours = (s.applicant == ApplicantKind::Organisation).then_some(0);
    Situation { line: LineState::Up, licence, relation_hours, ..s.clone() }
}

/// The fewest steps that lead to something better, tried on the policy itself so that the advice is always true.
/// What can be done at the window now comes before waiting for the line.
fn raise(situation: &Situation, outcome: Outcome) -> Option<String> {
    let better = |after: &Situation| find(after).outcome() > outcome;
    let at_the_window = &STEPS[..STEPS.len() - 1];
    let tries = [at_the_window, &STEPS].into_iter().flat_map(|steps| (1..=4).map(move |most| (steps, most)));
    tries
        .filter_map(|(steps, most)| search(situation, steps, most, &better))
        .next()
        .map(|words| format!("{}。", words.join("，并")))
}

/// Tries up to `most` of the steps, each at most once and in their order.
fn search(
    situation: &Situation,
    steps: &[Step],
    most: u8,
    better: &impl Fn(&Situation) -> bool,
) -> Option<Vec<&'static str>> {
    if most == 0 {
        return None;
    }
    for (at, step) in steps.iter().enumerate() {
        let Some(after) = (step.apply)(situation) else { continue };
        if better(&after) {
            return Some(vec![step.zh]);
        }
        if let Some(mut more) = search(&after, &steps[at + 1..], most - 1, better) {
            more.insert(0, step.zh);
            return Some(more);
        }
    }
    None
}
