//! Which rule decides. Each is checked in the order in which a clerk would be asked about it.

use super::finding::Finding;
use super::{ClockState, GrantState, LineState, Policy, Relation, Situation, TrustState};
use crate::evidence::{CodeForm, ConsentGrade, IdentityGrade, LicenceGrade, MandateGrade, Way};
use crate::item::Tier;
use crate::person::ApplicantKind;

/// Finds the rule that decides.
pub(super) fn find(p: &Policy, s: &Situation) -> Finding {
    if !p.offers(s.way, s.applicant, s.line) {
        return Finding::WayNotOffered;
    }
    if let Some(stop) = way_too_weak(s).or_else(|| licence_misused(s)) {
        return stop;
    }
    if s.tier == Tier::T0 {
        return if plain_offline(s) { Finding::PlainCode } else { Finding::Received };
    }
    if s.proven() < IdentityGrade::I1 {
        return Finding::IdentityUnknown;
    }
    if s.trust == TrustState::Expired {
        return Finding::TrustExpired;
    }
    if let Some(unknown) = relation_unknown(p, s) {
        return unknown;
    }
    match s.line {
        LineState::Up => find_online(s),
        LineState::Down { hours } => find_offline(p, s, hours),
    }
}

/// A number that nobody here can resolve says nothing of who came; the desk takes the card instead.
fn plain_offline(s: &Situation) -> bool {
    s.way == Way::ServiceCode && s.code == CodeForm::Plain && s.down() && s.proven() < IdentityGrade::I1
}

/// Ways that cannot carry a case of this tier at all, as they were used.
fn way_too_weak(s: &Situation) -> Option<Finding> {
    let above_low = s.tier >= Tier::T2;
    match s.way {
        _ if s.tier == Tier::T0 => None,
        Way::ServiceCode if !s.down() => None,
        Way::ServiceCode if s.proven() < IdentityGrade::I3w => Some(Finding::PlainCode),
        Way::ServiceCode if s.code == CodeForm::Weak && s.clock == ClockState::Doubtful => {
            Some(Finding::CodeTimeDoubtful)
        }
        Way::ServiceCode if above_low && s.proven() < IdentityGrade::I3 => Some(Finding::WeakCode),
        Way::Delegate if s.mandate == MandateGrade::M0 => Some(Finding::MandateMissing),
        Way::Delegate if s.mandate == MandateGrade::M1 => Some(Finding::MandateOnPaper),
        Way::Delegate if above_low && s.mandate < MandateGrade::M3 => Some(Finding::PrincipalMissing),
        _ => None,
    }
}

/// An e-licence may be opened only for who is identified and agreed, and only while its status is known well enough.
fn licence_misused(s: &Situation) -> Option<Finding> {
    let stale = s.e_licence()? == LicenceGrade::L2;
    let by_office = s.consent == ConsentGrade::CX;
    let delegate = s.way == Way::Delegate;
    if s.proven() < IdentityGrade::I1 {
        Some(Finding::LicenceWithoutIdentity)
    } else if delegate && s.mandate < MandateGrade::M2 {
        Some(Finding::LicenceWithoutMandate)
    } else if delegate && s.mandate < MandateGrade::M3 && s.tier > Tier::T0 {
        Some(Finding::LicenceWithoutPrincipal)
    } else if s.consent < ConsentGrade::C2 {
        Some(Finding::LicenceWithoutConsent)
    } else if by_office && !s.legal_basis {
        Some(Finding::OfficeWithoutBasis)
    } else if by_office && !s.notice_given {
        Some(Finding::OfficeWithoutNotice)
    } else if stale && s.tier >= Tier::T2 {
        // Nothing rests on it; what is only received needs no licence.
        Some(if by_office { Finding::OfficeStale } else { Finding::LicenceStale })
    } else if by_office && s.down() && s.tier == Tier::T3 {
        Some(Finding::OfficeNeedsLine)
    } else if by_office && s.down() && stale && s.tier == Tier::T1 {
        Some(Finding::OfficeStale)
    } else if by_office && s.down() && s.tier == Tier::T2 && !s.supervisor {
        Some(Finding::OfficeNeedsSupervisor)
    } else {
        None
    }
}

/// Why whoever stands there does not act for the organisation; nothing when they do, or act by mandate.
fn relation_unknown(p: &Policy, s: &Situation) -> Option<Finding> {
    if s.applicant == ApplicantKind::Person || s.way == Way::Delegate {
        return None;
    }
    let (by_grant, by_office) = (s.way == Way::Agent, s.way == Way::ExOfficio);
    match s.relation {
        Relation::LegalRepresentative { hours } if !by_grant => {
            (hours > p.windows.relation_hours).then_some(Finding::RelationUnknown)
        }
        Relation::Agent { hours, grant } if by_grant || by_office => match grant {
            GrantState::Revoked => Some(Finding::GrantRevoked),
            GrantState::Ended => Some(Finding::GrantEnded),
            GrantState::Valid => (hours > p.windows.grant_hours).then_some(Finding::GrantOld),
        },
        _ if by_grant => Some(Finding::GrantMissing),
        _ => Some(Finding::RelationUnknown),
    }
}

fn find_online(s: &Situation) -> Finding {
    let identity = s.proven();
    if identity < IdentityGrade::I2 && (s.tier == Tier::T3 || s.tier == Tier::T2 && s.e_licence().is_some()) {
        return Finding::FaceNotCompared;
    }
    if s.way == Way::ServiceCode && s.tier == Tier::T3 && identity < IdentityGrade::I3 {
        return Finding::CodeWithoutChallenge;
    }
    match s.licence {
        Some(LicenceGrade::L0) if s.tier == Tier::T3 => Finding::CopyOnly,
        Some(LicenceGrade::L0) => Finding::OriginalToFollow,
        Some(LicenceGrade::L2) => Finding::StatusToFollow,
        Some(LicenceGrade::L3) if s.tier == Tier::T3 => Finding::StatusNotFresh,
        _ if without_principal(s) => Finding::PrincipalToFollow,
        _ => Finding::Accepted,
    }
}

fn find_offline(p: &Policy, s: &Situation, hours: u32) -> Finding {
    if s.tier == Tier::T3 && !(s.pre_approved && may_decide(s.way)) {
        return Finding::HighTierOffline;
    }
    if hours > p.hours.receipt_only {
        return Finding::OfflineTooLong;
    }
    if let Some(hit) = s.limit {
        return Finding::LimitReached(hit);
    }
    if s.tier == Tier::T1 {
        if hours > p.hours.t1_supervisor && !s.supervisor {
            return Finding::SupervisorMissing;
        }
        return find_offline_low(s);
    }
    if !s.t2_offline && !s.pre_approved {
        return Finding::ItemNotAllowedOffline;
    }
    if hours > p.hours.t2_receipt_only {
        return Finding::OfflineTooLong;
    }
    if hours > p.hours.t2_supervisor && !s.supervisor {
        return Finding::SupervisorMissing;
    }
    if s.tier == Tier::T2 { find_offline_middle(s) } else { find_offline_high(s) }
}

/// Whether a way can lead to a result of the third tier offline: not in another's name, not by office.
fn may_decide(way: Way) -> bool {
    matches!(way, Way::IdentityCard | Way::ServiceCode | Way::Face)
}

/// The first tier with the line down.
fn find_offline_low(s: &Situation) -> Finding {
    let compared = s.proven() >= IdentityGrade::I2;
    if s.way == Way::Agent && !compared {
        return Finding::FaceNotCompared;
    }
    match s.licence {
        Some(grade) if grade >= LicenceGrade::L2 && !compared => Finding::FaceNotCompared,
        Some(LicenceGrade::L2) => Finding::StatusToFollow,
        Some(LicenceGrade::L0) => Finding::OriginalToFollow,
        _ if without_principal(s) => Finding::PrincipalToFollow,
        Some(LicenceGrade::L1) => Finding::AcceptedOnPaper,
        None if !compared || !known(s) => Finding::OriginalToFollow,
        _ if centre_vouches(s) => Finding::AcceptedOnTheCentresWord,
        _ => Finding::AcceptedOffline,
    }
}

/// The second tier with the line down, where the province allows it; a stale licence never gets here.
fn find_offline_middle(s: &Situation) -> Finding {
    let identity = s.proven();
    let second_clerk = s.second_clerk || identity >= IdentityGrade::I3 || s.way == Way::Delegate;
    match s.licence {
        _ if s.way == Way::Agent && identity < IdentityGrade::I3 => Finding::AgentTooWeak,
        Some(LicenceGrade::L1) if s.applicant == ApplicantKind::Person || second_clerk => {
            Finding::PaperAcceptedToFollow
        }
        Some(LicenceGrade::L1) => Finding::SecondClerkMissing,
        Some(LicenceGrade::L0) => Finding::CopyOnly,
        None if !known(s) => Finding::OriginalMissing,
        _ if identity < IdentityGrade::I2 => Finding::FaceNotCompared,
        _ if !second_clerk => Finding::SecondClerkMissing,
        _ if s.way == Way::Delegate => Finding::AcceptedOffline,
        _ if centre_vouches(s) => Finding::AcceptedOnTheCentresWord,
        _ if identity >= IdentityGrade::I3 => Finding::AcceptedOffline,
        _ => Finding::AcceptedToFollow,
    }
}

/// The third tier with the line down, for an item that the centre approved beforehand.
fn find_offline_high(s: &Situation) -> Finding {
    let best = s.proven() == IdentityGrade::I4
        && s.consent == ConsentGrade::C3
        && s.licence == Some(LicenceGrade::L4);
    match s.clock {
        _ if !best => Finding::HighTierEvidence,
        ClockState::Doubtful => Finding::ClockDoubtful,
        ClockState::Trusted => Finding::AcceptedOnTheCentresWord,
    }
}

/// 委托代办 by a mandate that the principal has not confirmed for this case.
fn without_principal(s: &Situation) -> bool {
    s.way == Way::Delegate && s.mandate < MandateGrade::M3
}

/// Whether the centre knows the applicant: cached here, attested on the phone, or confirmed by the principal.
fn known(s: &Situation) -> bool {
    s.holder_cached
        || s.proven() >= IdentityGrade::I3w
        || s.way == Way::Delegate && s.mandate == MandateGrade::M3
}

/// Whether the centre itself said who it is and, where an e-licence was opened, that they agreed.
fn centre_vouches(s: &Situation) -> bool {
    let who = s.proven() == IdentityGrade::I4 || s.way == Way::Delegate && s.mandate == MandateGrade::M3;
    let agreed = s.consent == ConsentGrade::C3 || s.e_licence().is_none();
    who && agreed && s.clock == ClockState::Trusted
}
