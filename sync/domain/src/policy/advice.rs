//! How to do better: steps tried on the policy itself, so that the advice is always true.

use super::{ClockState, GrantState, LineState, Outcome, Policy, Relation, Situation, TrustState, outcome};
use crate::evidence::{CodeForm, ConsentGrade, IdentityGrade, LicenceGrade, MandateGrade, Way};
use crate::item::Tier;
use crate::person::ApplicantKind;

/// The most steps that one advice asks for.
const MOST_STEPS: usize = 4;

/// 步骤: one thing that can be done about a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// 改用实体身份证, where the way at hand is not offered or proves too little.
    UseCard,
    /// 读卡.
    ReadCard,
    /// 评价器授权.
    AgreeOnScreen,
    /// 人证比对.
    CompareFace,
    /// 应答挑战.
    AnswerChallenge,
    /// 刷脸.
    FaceCheck,
    /// 手机授权.
    AgreeOnPhone,
    /// 委托人确认.
    PrincipalConfirms,
    /// 电子委托, and the principal's word for this case.
    PrincipalMandates,
    /// 手机出示证照.
    ShowLicence,
    /// 经办授权, given anew.
    GrantAnew,
    /// 登记依据: the legal basis of 依职能查验.
    NameBasis,
    /// 告知.
    GiveNotice,
    /// 第二名窗口人员.
    SecondClerk,
    /// 值班主管.
    Supervisor,
    /// 纸质原件.
    ShowPaper,
    /// 导入信任包.
    RenewTrust,
    /// 校准时钟.
    SetClock,
    /// 实时核验.
    AskCentre,
    /// 等线路恢复.
    AwaitLine,
}

impl Step {
    /// All steps: those at the window before those that others have to do, the wait for the line last. Of equally few
    /// that lead equally far the earlier ones are advised.
    pub const ALL: [Self; 20] = [
        Self::UseCard,
        Self::ReadCard,
        Self::AgreeOnScreen,
        Self::CompareFace,
        Self::NameBasis,
        Self::GiveNotice,
        Self::SecondClerk,
        Self::Supervisor,
        Self::AnswerChallenge,
        Self::FaceCheck,
        Self::AgreeOnPhone,
        Self::PrincipalConfirms,
        Self::PrincipalMandates,
        Self::ShowLicence,
        Self::GrantAnew,
        Self::ShowPaper,
        Self::SetClock,
        Self::RenewTrust,
        Self::AskCentre,
        Self::AwaitLine,
    ];

    /// What the clerk is told to do, a Chinese clause.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::UseCard => "请办事人本人改用实体身份证核验",
            Self::ReadCard => "请读取来人的实体身份证",
            Self::AgreeOnScreen => "请办事人在评价器上确认授权",
            Self::CompareFace => "请进行人证比对，并由来人在评价器上点按确认或由第二名窗口人员复核",
            Self::NameBasis => "请先由省级中心登记依职能查验的法定依据",
            Self::GiveNotice => "请在评价器上向办事人告知依职能查验",
            Self::SecondClerk => "请第二名窗口人员到场复核确认",
            Self::Supervisor => "请值班主管授权",
            Self::AnswerChallenge => "请来人出示办事码并应答评价器上的二维码",
            Self::FaceCheck => "请来人扫评价器上的二维码刷脸",
            Self::AgreeOnPhone => "请办事人在手机上确认授权",
            Self::PrincipalConfirms => "请委托人在手机上确认本次办理",
            Self::PrincipalMandates => "请委托人在手机上办理电子委托并确认本次办理",
            Self::ShowLicence => "请在手机上出示证照",
            Self::GrantAnew => "请该单位法定代表人在手机上办理经办授权",
            Self::ShowPaper => "请核对纸质原件并扫描上传，以原件代替缓存证照或复印件",
            Self::SetClock => "请运维人员校准本机时钟",
            Self::RenewTrust => "请运维人员导入新的信任包",
            Self::AskCentre => "请向省级中心实时核验证照和代表关系",
            Self::AwaitLine => "线路恢复后向省级中心实时核验",
        }
    }

    /// Whether somebody needs a phone for it, the face check included, which runs on one.
    #[must_use]
    pub fn needs_phone(self) -> bool {
        matches!(
            self,
            Self::AnswerChallenge
                | Self::FaceCheck
                | Self::AgreeOnPhone
                | Self::PrincipalConfirms
                | Self::PrincipalMandates
                | Self::ShowLicence
                | Self::GrantAnew
        )
    }

    /// The situation after it, where it can be done and changes something.
    #[must_use]
    pub fn apply(self, p: &Policy, s: &Situation) -> Option<Situation> {
        let (own, delegate) = (matches!(s.way, Way::ServiceCode | Way::Face), s.way == Way::Delegate);
        let offered = p.offers(s.way, s.applicant, s.line);
        let phone_agrees = s.consent < ConsentGrade::C3 && !delegate;
        let proven = s.proven();
        let mut after = *s;
        let possible = match self {
            Self::UseCard => {
                (after.way, after.identity) = (Way::IdentityCard, IdentityGrade::I1);
                (own && proven < IdentityGrade::I3) || !offered
            }
            Self::ReadCard => {
                after.identity = IdentityGrade::I1;
                !own && proven < IdentityGrade::I1
            }
            Self::AgreeOnScreen => {
                after.consent = ConsentGrade::C2;
                s.consent < ConsentGrade::C2 && !(delegate && s.tier > Tier::T0)
            }
            Self::CompareFace => {
                after.identity = IdentityGrade::I2;
                proven == IdentityGrade::I1
            }
            Self::NameBasis => {
                after.legal_basis = true;
                s.consent == ConsentGrade::CX && !s.legal_basis
            }
            Self::GiveNotice => {
                after.notice_given = true;
                s.consent == ConsentGrade::CX && !s.notice_given
            }
            Self::SecondClerk => {
                after.second_clerk = true;
                !s.second_clerk
            }
            Self::Supervisor => {
                after.supervisor = true;
                !s.supervisor
            }
            Self::AnswerChallenge => {
                (after.code, after.identity) = (CodeForm::Challenge, IdentityGrade::I3);
                proven < IdentityGrade::I3 && by_phone(p, &mut after, Way::ServiceCode)
            }
            Self::FaceCheck => {
                (after.code, after.identity) = (CodeForm::Challenge, IdentityGrade::I4);
                after.relation = represented(s);
                proven < IdentityGrade::I4 && by_phone(p, &mut after, Way::Face)
            }
            Self::AgreeOnPhone => {
                after.consent = ConsentGrade::C3;
                phone_agrees
            }
            Self::PrincipalConfirms | Self::PrincipalMandates => {
                (after.mandate, after.consent) = (MandateGrade::M3, ConsentGrade::C3);
                let mandated = s.mandate >= MandateGrade::M2;
                delegate && s.mandate < MandateGrade::M3 && mandated == (self == Self::PrincipalConfirms)
            }
            Self::ShowLicence => {
                after.licence = Some(LicenceGrade::L4);
                s.licence != after.licence
            }
            Self::GrantAnew => {
                after.relation = Relation::Agent { hours: 0, grant: GrantState::Valid };
                s.way == Way::Agent && after.relation != s.relation
            }
            Self::ShowPaper => {
                after.licence = Some(LicenceGrade::L1);
                s.licence != after.licence
            }
            Self::SetClock => {
                after.clock = ClockState::Trusted;
                s.clock == ClockState::Doubtful
            }
            Self::RenewTrust => {
                after.trust = TrustState::Valid;
                s.trust == TrustState::Expired
            }
            Self::AskCentre | Self::AwaitLine => {
                after = asked_centre(s);
                s.down() == (self == Self::AwaitLine)
            }
        };
        possible.then_some(after)
    }
}

/// Whoever comes in their own name comes by this way then, if it is offered; others prove themselves by it.
fn by_phone(p: &Policy, after: &mut Situation, way: Way) -> bool {
    if matches!(after.way, Way::IdentityCard | Way::ServiceCode | Way::Face) {
        after.way = way;
    }
    p.offers(way, after.applicant, after.line)
}

/// The situation once the centre has answered: e-licences fresh, the right to represent confirmed.
fn asked_centre(s: &Situation) -> Situation {
    let licence = s.e_licence().map(|_| LicenceGrade::L4).or(s.licence);
    let trust = TrustState::Valid;
    let clock = ClockState::Trusted;
    Situation { line: LineState::Up, licence, relation: represented(s), trust, clock, ..*s }
}

/// What the centre says of who represents the organisation, if all is as it seems. A grant that ended stays so.
fn represented(s: &Situation) -> Relation {
    match (s.applicant, s.way, s.relation) {
        (ApplicantKind::Person, ..) | (_, Way::Delegate, _) => s.relation,
        (_, Way::Agent, Relation::Agent { grant: GrantState::Ended | GrantState::Revoked, .. }) => s.relation,
        (_, Way::Agent, _) => Relation::Agent { hours: 0, grant: GrantState::Valid },
        _ => Relation::LegalRepresentative { hours: 0 },
    }
}

/// 建议: steps, and what they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What it comes to then.
    pub outcome: Outcome,
}

impl Advice {
    /// Whether somebody needs a phone or a face check for it.
    #[must_use]
    pub fn needs_phone(&self) -> bool {
        self.steps.iter().any(|step| step.needs_phone())
    }

    fn clause(&self) -> String {
        let steps: Vec<&str> = self.steps.iter().map(|step| step.zh()).collect();
        format!("{}，可提升至“{}”", steps.join("，并"), self.outcome.zh())
    }
}

/// The advice: the fewest steps to something better, and of these the ones that lead furthest, what can be done at the
/// window before waiting for the line. When they need a phone, a second one that does not follows, if there is any.
#[must_use]
pub fn advise(policy: &Policy, situation: &Situation) -> Vec<Advice> {
    let now = outcome(policy, situation);
    if now == Outcome::Accept {
        return Vec::new();
    }
    let first = fewest(policy, situation, now, |_| true);
    let other = match &first {
        Some(advice) if advice.needs_phone() => fewest(policy, situation, now, |step| !step.needs_phone()),
        _ => None,
    };
    first.into_iter().chain(other).collect()
}

/// What is said of the advice, in one sentence.
pub(super) fn raise(advice: &[Advice]) -> Option<String> {
    match advice {
        [] => None,
        [only] => Some(format!("{}。", only.clause())),
        [first, other, ..] => Some(format!("{}；不用手机也可以：{}。", first.clause(), other.clause())),
    }
}

fn fewest(p: &Policy, s: &Situation, now: Outcome, wanted: impl Fn(Step) -> bool) -> Option<Advice> {
    let mut steps = [Step::AwaitLine; Step::ALL.len()];
    let mut count = 0;
    for step in Step::ALL.into_iter().filter(|step| wanted(*step)) {
        steps[count] = step;
        count += 1;
    }
    let all = &steps[..count];
    let at_the_window = &all[..count - 1];
    for steps in [at_the_window, all] {
        for depth in 1..=MOST_STEPS {
            let mut best = None;
            search(p, s, steps, depth, &mut Vec::with_capacity(depth), now, &mut best);
            if best.is_some() {
                return best;
            }
        }
    }
    None
}

/// Tries exactly `depth` more of the steps, each at most once and in their order, and keeps the first that leads
/// furthest above `floor`.
fn search(
    p: &Policy,
    s: &Situation,
    steps: &[Step],
    depth: usize,
    taken: &mut Vec<Step>,
    floor: Outcome,
    best: &mut Option<Advice>,
) {
    for (at, step) in steps.iter().enumerate() {
        let Some(after) = step.apply(p, s) else { continue };
        taken.push(*step);
        if depth > 1 {
            search(p, &after, &steps[at + 1..], depth - 1, taken, floor, best);
        } else {
            let then = outcome(p, &after);
            if then > best.as_ref().map_or(floor, |advice| advice.outcome) {
                *best = Some(Advice { steps: taken.clone(), outcome: then });
            }
        }
        taken.pop();
    }
}

/// 签名需求: whose signature beside the clerk's would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approvals {
    /// 第二名窗口人员.
    pub second_clerk: bool,
    /// 值班主管.
    pub supervisor: bool,
    /// What comes of it when they sign.
    pub outcome: Outcome,
    /// What comes of it when they do not.
    pub without: Outcome,
}

impl Approvals {
    /// Whether any signature helps: only then the desk shows fields for them.
    #[must_use]
    pub fn help(&self) -> bool {
        self.outcome > self.without
    }

    /// Whether the case cannot be submitted without them.
    #[must_use]
    pub fn required(&self) -> bool {
        self.help() && self.without == Outcome::No
    }
}

/// The fewest signatures that lead to the best outcome, whoever has signed already.
#[must_use]
pub fn approvals(policy: &Policy, situation: &Situation) -> Approvals {
    let signed =
        |second_clerk, supervisor| outcome(policy, &Situation { second_clerk, supervisor, ..*situation });
    let without = signed(false, false);
    let none = Approvals { second_clerk: false, supervisor: false, outcome: without, without };
    [(true, false), (false, true), (true, true)].into_iter().fold(none, |best, (second_clerk, supervisor)| {
        let outcome = signed(second_clerk, supervisor);
        if outcome > best.outcome { Approvals { second_clerk, supervisor, outcome, without } } else { best }
    })
}
