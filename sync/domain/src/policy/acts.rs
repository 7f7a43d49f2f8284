//! What is done beside deciding a case: looking, printing, archiving, rating. The rows of the policy table that lead to
//! no outcome of a case.

use super::{LineState, Policy, Situation, TrustState};
use crate::evidence::{ConsentGrade, IdentityGrade};
use crate::item::Tier;

/// 行为: what somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// 查看证照原件 or print it, for the citizen.
    ViewOriginal,
    /// 部门查看或打印, within the hall and for cases of one's own department.
    DepartmentView,
    /// 预归档.
    PreArchive,
    /// 线下认证注册, 注销, 账号处理.
    AccountService,
    /// 好差评.
    Rate,
}

/// 许可: how far it may go. The better is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permit {
    /// 不可.
    No,
    /// 仅登记申请, to be carried out when the line is back.
    ApplicationOnly,
    /// 仅脱敏清单.
    Masked,
    /// With 离线核验，待复核 on it.
    MarkedOffline,
    /// 可以.
    Yes,
}

/// Whether and how somebody may do this in a situation.
#[must_use]
pub fn may(policy: &Policy, act: Act, s: &Situation) -> Permit {
    let trusted = s.trust == TrustState::Valid;
    match (act, s.line) {
        (Act::Rate | Act::DepartmentView, _) => Permit::Yes,
        (Act::AccountService, LineState::Up) => Permit::Yes,
        (Act::AccountService, LineState::Down { .. }) if s.tier == Tier::T0 => Permit::ApplicationOnly,
        (Act::AccountService, LineState::Down { .. }) => Permit::No,
        (Act::PreArchive, LineState::Up) => Permit::Yes,
        (Act::PreArchive, LineState::Down { .. }) if matches!(s.tier, Tier::T1 | Tier::T2) => {
            Permit::MarkedOffline
        }
        (Act::PreArchive, LineState::Down { .. }) => Permit::No,
        (Act::ViewOriginal, LineState::Up) if trusted => view_online(s),
        (Act::ViewOriginal, LineState::Up) => Permit::Masked,
        (Act::ViewOriginal, LineState::Down { hours }) => {
            view_offline(s, trusted && hours <= policy.hours.receipt_only)
        }
    }
}

/// With the line up a compared face and a yes are enough; the third tier wants the centre's face check.
fn view_online(s: &Situation) -> Permit {
    let least = if s.tier == Tier::T3 { IdentityGrade::I4 } else { IdentityGrade::I2 };
    if s.proven() >= least && s.consent >= ConsentGrade::C2 { Permit::Yes } else { Permit::Masked }
}

fn view_offline(s: &Situation, believed: bool) -> Permit {
    let (identity, agreed) = (s.proven(), s.consent >= ConsentGrade::C2);
    match s.tier {
        Tier::T3 => Permit::No,
        Tier::T1 if believed && agreed && identity >= IdentityGrade::I2 => Permit::MarkedOffline,
        Tier::T2 if believed && agreed && identity >= IdentityGrade::I4 => Permit::MarkedOffline,
        Tier::T0 | Tier::T1 | Tier::T2 => Permit::Masked,
    }
}
