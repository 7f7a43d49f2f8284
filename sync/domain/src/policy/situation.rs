//! What the policy looks at.

use serde::{Deserialize, Serialize};

use super::limits::LimitHit;
use crate::evidence::{CodeForm, ConsentGrade, IdentityGrade, LicenceGrade, MandateGrade, Way};
use crate::item::Tier;
use crate::person::ApplicantKind;

/// 线路状态: whether the centre can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

impl LineState {
    /// Hours of outage; 0 while the line is up.
    #[must_use]
    pub fn hours(self) -> u32 {
        match self {
            Self::Up => 0,
            Self::Down { hours } => hours,
        }
    }
}

/// 代表关系: what is known of the right to act for an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Relation {
    /// Nothing, or the applicant is a person.
    None,
    /// 法定代表人.
    LegalRepresentative {
        /// How many hours ago the centre last said so.
        hours: u32,
    },
    /// 经办授权人.
    Agent {
        /// How many hours ago the list was made in which the grant was looked up.
        hours: u32,
        /// What the list said.
        grant: GrantState,
    },
}

/// 经办授权状态.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// 有效.
    Valid,
    /// 已到期.
    Ended,
    /// 已撤销.
    Revoked,
}

/// 时钟状态: whether the box's own clock can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// Nothing speaks against it.
    Trusted,
    /// It jumped back, or may be off by more than two minutes. Ages in a situation are then the greatest possible.
    Doubtful,
}

/// 信任包状态: whether the box may still believe the keys that it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustState {
    /// 有效.
    Valid,
    /// 已过期.
    Expired,
}

/// 办理情形: everything that the policy looks at. [`Situation::new`] is one in which nothing is known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// 事项风险等级.
    pub tier: Tier,
    /// 核验方式.
    pub way: Way,
    /// 申请人主体.
    pub applicant: ApplicantKind,
    /// 线路状态.
    pub line: LineState,
    /// 身份证据等级, of whoever stands there. For a plain code it is what the centre said.
    pub identity: IdentityGrade,
    /// 办事码形式, for that way alone.
    pub code: CodeForm,
    /// 授权证据等级; for 委托代办 the principal's consent.
    pub consent: ConsentGrade,
    /// The weakest licence, or paper in its place, that the case rests on; `None` when it rests on none.
    pub licence: Option<LicenceGrade>,
    /// Whether the holder's licences are in the hall's cache.
    pub holder_cached: bool,
    /// 代表关系, for an organisation that does not act by 委托代办.
    pub relation: Relation,
    /// 委托证据等级, for 委托代办 alone. A mandate that ended or was revoked is none.
    pub mandate: MandateGrade,
    /// Whether a second clerk looked and signed.
    pub second_clerk: bool,
    /// Whether a supervisor allowed it.
    pub supervisor: bool,
    /// Whether the province allows this item of the second tier to be taken with the line down.
    pub t2_offline: bool,
    /// Whether the centre approved this item of the third tier beforehand.
    pub pre_approved: bool,
    /// 依职能: whether the item has a registered legal basis for looking without consent.
    pub legal_basis: bool,
    /// 依职能: whether the applicant was told.
    pub notice_given: bool,
    /// The gravest limit that was reached, as [`super::limits::check`] puts first.
    pub limit: Option<LimitHit>,
    /// 时钟状态.
    pub clock: ClockState,
    /// 信任包状态.
    pub trust: TrustState,
}

impl Situation {
    /// Somebody has come, and nothing is proven yet.
    #[must_use]
    pub fn new(tier: Tier, way: Way, applicant: ApplicantKind, line: LineState) -> Self {
        Self {
            tier,
            way,
            applicant,
            line,
            identity: IdentityGrade::I0,
            code: CodeForm::Plain,
            consent: ConsentGrade::C0,
            licence: None,
            holder_cached: false,
            relation: Relation::None,
            mandate: MandateGrade::M0,
            second_clerk: false,
            supervisor: false,
            t2_offline: false,
            pre_approved: false,
            legal_basis: false,
            notice_given: false,
            limit: None,
            clock: ClockState::Trusted,
            trust: TrustState::Valid,
        }
    }

    /// Whether the centre cannot be reached.
    #[must_use]
    pub fn down(&self) -> bool {
        self.line != LineState::Up
    }

    /// The licence used, if it is an e-licence and not paper.
    pub(super) fn e_licence(&self) -> Option<LicenceGrade> {
        self.licence.filter(|grade| *grade >= LicenceGrade::L2)
    }

    /// 有效身份等级: what the identity is worth here. A code proves no more than its form can without the centre.
    pub(super) fn proven(&self) -> IdentityGrade {
        match (self.way, self.code) {
            (Way::ServiceCode, CodeForm::Plain) if self.down() => IdentityGrade::I0,
            (Way::ServiceCode, CodeForm::Weak) if self.down() => self.identity.min(IdentityGrade::I3w),
            _ => self.identity,
        }
    }
}
