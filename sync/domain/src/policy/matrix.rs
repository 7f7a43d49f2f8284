//! 核验方式矩阵: what each way leads to at best, as a table for people.

use std::fmt::Write as _;

use super::{GrantState, LineState, Outcome, Policy, Relation, Situation, judge};
use crate::evidence::{CodeForm, ConsentGrade, IdentityGrade, LicenceGrade, MandateGrade, Way};
use crate::item::Tier;
use crate::person::ApplicantKind;

/// 方式: a way with what it is used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// The card, compared and tapped, the licences in the hall's cache.
    CardCached,
    /// The card of somebody whom the hall has not cached, with paper originals.
    CardPaper,
    /// A code of another system.
    CodePlain,
    /// A holder's code, one QR.
    CodeWeak,
    /// A holder's code in answer to the challenge.
    CodeChallenge,
    /// The face check, and everything else on the phone as well.
    Face,
    /// The same, for an item that the centre approved beforehand.
    FaceApproved,
    /// A mandate on paper.
    MandatePaper,
    /// A mandate of the centre, the principal not reached.
    MandateSigned,
    /// A mandate of the centre, confirmed by the principal for this case.
    MandateConfirmed,
    /// An organisation's agent with a card.
    AgentCard,
    /// An organisation's agent with a code in answer to the challenge.
    AgentChallenge,
    /// An organisation's agent, by face.
    AgentFace,
    /// By office, with notice.
    ExOfficio,
}

impl Variant {
    /// All, in the order of the table.
    pub const ALL: [Self; 14] = [
        Self::CardCached,
        Self::CardPaper,
        Self::CodePlain,
        Self::CodeWeak,
        Self::CodeChallenge,
        Self::Face,
        Self::FaceApproved,
        Self::MandatePaper,
        Self::MandateSigned,
        Self::MandateConfirmed,
        Self::AgentCard,
        Self::AgentChallenge,
        Self::AgentFace,
        Self::ExOfficio,
    ];

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::CardCached => "实体身份证，证照在本厅缓存",
            Self::CardPaper => "实体身份证，未缓存，带纸质原件",
            Self::CodePlain => "办事码，普通",
            Self::CodeWeak => "办事码，持有人，只扫一次",
            Self::CodeChallenge => "办事码，持有人，应答挑战",
            Self::Face => "窗口刷脸，手机授权并出示证照",
            Self::FaceApproved => "窗口刷脸，事项已预先核准",
            Self::MandatePaper => "委托代办，纸质委托书",
            Self::MandateSigned => "委托代办，电子委托，委托人未确认",
            Self::MandateConfirmed => "委托代办，电子委托，委托人已确认",
            Self::AgentCard => "经办授权人，持身份证",
            Self::AgentChallenge => "经办授权人，办事码应答挑战",
            Self::AgentFace => "经办授权人，刷脸",
            Self::ExOfficio => "依职能查验，已告知",
        }
    }

    /// The way that it is a variant of.
    #[must_use]
    pub fn way(self) -> Way {
        match self {
            Self::CardCached | Self::CardPaper => Way::IdentityCard,
            Self::CodePlain | Self::CodeWeak | Self::CodeChallenge => Way::ServiceCode,
            Self::Face | Self::FaceApproved => Way::Face,
            Self::MandatePaper | Self::MandateSigned | Self::MandateConfirmed => Way::Delegate,
            Self::AgentCard | Self::AgentChallenge | Self::AgentFace => Way::Agent,
            Self::ExOfficio => Way::ExOfficio,
        }
    }

    /// Whether this applicant can come so.
    #[must_use]
    pub fn is_for(self, applicant: ApplicantKind) -> bool {
        self.way() != Way::Agent || applicant == ApplicantKind::Organisation
    }

    /// The best evidence that it reaches, everybody having signed, on an item that may be taken offline.
    #[must_use]
    pub fn at_best(self, applicant: ApplicantKind, line: LineState, tier: Tier) -> Situation {
        use {ConsentGrade as C, IdentityGrade as I, LicenceGrade as L};
        let up = line == LineState::Up;
        // With the line up the centre says at once what a licence is worth; so does a phone.
        let hall = Some(if up { L::L4 } else { L::L3 });
        let (identity, consent, licence) = match self {
            Self::CardCached | Self::AgentCard => (I::I2, C::C2, hall),
            Self::CardPaper => (I::I2, C::C2, Some(L::L1)),
            Self::CodePlain if !up => (I::I0, C::C0, None),
            Self::CodePlain | Self::CodeWeak => (I::I3w, C::C2, hall),
            Self::CodeChallenge | Self::AgentChallenge => (I::I3, C::C2, hall),
            Self::Face | Self::FaceApproved | Self::AgentFace => (I::I4, C::C3, Some(L::L4)),
            // Nobody agreed for the principal: no e-licence is opened.
            Self::MandatePaper | Self::MandateSigned => (I::I2, C::C0, None),
            Self::MandateConfirmed => (I::I2, C::C3, Some(L::L4)),
            Self::ExOfficio => (I::I2, C::CX, hall),
        };
        let code = match self {
            Self::CodePlain => CodeForm::Plain,
            Self::CodeWeak => CodeForm::Weak,
            _ => CodeForm::Challenge,
        };
        let mandate = match self {
            Self::MandatePaper => MandateGrade::M1,
            Self::MandateSigned => MandateGrade::M2,
            Self::MandateConfirmed => MandateGrade::M3,
            _ => MandateGrade::M0,
        };
        let relation = match (applicant, self.way()) {
            (ApplicantKind::Person, _) | (_, Way::Delegate) => Relation::None,
            (_, Way::Agent) => Relation::Agent { hours: 0, grant: GrantState::Valid },
            _ => Relation::LegalRepresentative { hours: 0 },
        };
        Situation {
            identity,
            code,
            consent,
            licence,
            mandate,
            relation,
            holder_cached: !matches!(self, Self::CardPaper | Self::CodePlain),
            second_clerk: true,
            supervisor: true,
            t2_offline: true,
            pre_approved: self == Self::FaceApproved,
            legal_basis: true,
            notice_given: true,
            ..Situation::new(tier, self.way(), applicant, line)
        }
    }
}

/// One cell: a way, for whom, on which line, at which tier, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// 方式.
    pub variant: Variant,
    /// 申请人主体.
    pub applicant: ApplicantKind,
    /// 线路状态.
    pub line: LineState,
    /// 风险等级.
    pub tier: Tier,
    /// 结论.
    pub outcome: Outcome,
    /// Why, for the clerk.
    pub sentence: String,
}

/// The lines of the table: up, and down since two hours.
const LINES: [LineState; 2] = [LineState::Up, LineState::Down { hours: 2 }];

/// All cells, row by row.
#[must_use]
pub fn matrix(policy: &Policy) -> Vec<Cell> {
    let mut cells = Vec::new();
    for applicant in [ApplicantKind::Person, ApplicantKind::Organisation] {
        for line in LINES {
            for variant in Variant::ALL.into_iter().filter(|variant| variant.is_for(applicant)) {
                for tier in Tier::ALL {
                    let judged = judge(policy, &variant.at_best(applicant, line, tier));
                    let (outcome, sentence) = (judged.outcome, judged.sentence);
                    cells.push(Cell { variant, applicant, line, tier, outcome, sentence });
                }
            }
        }
    }
    cells
}

/// The matrix as a Markdown document: the outcomes, and why each is not better.
#[must_use]
pub fn markdown(policy: &Policy) -> String {
    let cells = matrix(policy);
    let mut text = format!(
        "# 核验方式矩阵 What each way leads to\n\n\
         Generated from `hall_domain::policy::matrix` with the province's default policy, version {}; a test holds it \
         against the code.\n\n\
         Each cell is the outcome for the best evidence that the way reaches: second clerk and supervisor have signed, \
         the organisation is represented by the right person, the item may be taken offline. \
         With the line down it has been down for two hours. What less evidence comes to, and what more hours do, is in \
         the tables of `sync/domain/src/policy.rs`.\n",
        policy.version
    );
    for applicant in [ApplicantKind::Person, ApplicantKind::Organisation] {
        for line in LINES {
            let state = if line == LineState::Up { "在线" } else { "离线" };
            let _ = write!(text, "\n## {}，{state}\n\n| 方式 |", applicant.zh());
            for tier in Tier::ALL {
                let _ = write!(text, " {tier:?} {} |", tier.zh());
            }
            text.push_str("\n|---|---|---|---|---|\n");
            let of_table = cells.iter().filter(|cell| cell.applicant == applicant && cell.line == line);
            let rows: Vec<&Cell> = of_table.collect();
            for row in rows.chunks(Tier::ALL.len()) {
                let _ = write!(text, "| {} |", row[0].variant.zh());
                for cell in row {
                    let _ = write!(text, " {} |", cell.outcome.zh());
                }
                text.push('\n');
            }
            let short = rows.iter().filter(|cell| cell.outcome < Outcome::AcceptForReview);
            text.push_str("\n为什么没有更好的结论：\n\n");
            let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
            for cell in short {
                let place = format!("{} {:?}", cell.variant.zh(), cell.tier);
                match reasons.iter_mut().find(|(sentence, _)| *sentence == cell.sentence) {
                    Some((_, places)) => places.push(place),
                    None => reasons.push((&cell.sentence, vec![place])),
                }
            }
            for (sentence, places) in reasons {
                let _ = writeln!(text, "- {sentence}（{}）", places.join("；"));
            }
        }
    }
    text
}
