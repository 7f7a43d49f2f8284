//! 代办人确认, 依职能查验 and 撤回: what stands beside the citizen's own yes.

use super::{CONSENT_MS, Events, open_case};
use crate::reception::refusal::Refusal;
use hall_domain::case::{
    Acknowledgement, Case, CaseEvent, CommandId, Consent, ConsentEnd, OfficeGround, WithdrawnAt,
};
use hall_domain::consent::ConsentRequest;
use hall_domain::{ServiceItem, Timestamp};

/// Records that the delegate was asked to acknowledge what the principal agreed to.
pub fn ask_acknowledgement(case: &Case, command: CommandId, deadline: Timestamp) -> Events {
    open_case(case)?;
    if !case.wants_acknowledgement() {
        return Err(Refusal::NoMandate);
    }
    if matches!(case.acknowledgement, Some(Acknowledgement::Waiting { .. })) {
        return Err(Refusal::AlreadyAsking);
    }
    Ok(vec![CaseEvent::AcknowledgeAsked { command, deadline }])
}

/// Takes the delegate's acknowledgement, already accepted as coming from the evaluator that shows the page.
pub fn acknowledge(case: &Case, command: &CommandId, answer: String) -> Events {
    awaits_acknowledgement(case, command)?;
    Ok(vec![CaseEvent::Acknowledged { command: command.clone(), answer }])
}

/// The page goes without the delegate's word.
pub fn end_acknowledgement(case: &Case, command: &CommandId, reason: ConsentEnd) -> Events {
    awaits_acknowledgement(case, command)?;
    Ok(vec![CaseEvent::AcknowledgeEnded { command: command.clone(), reason }])
}

fn awaits_acknowledgement(case: &Case, command: &CommandId) -> Result<(), Refusal> {
    match &case.acknowledgement {
        Some(Acknowledgement::Waiting { command: open, .. }) if open == command => Ok(()),
        _ => Err(Refusal::OutOfStep),
    }
}

/// 依职能查验: puts before the citizen what is opened on one of the item's legal bases, with a supervisor's word. The
/// citizen is told, not asked.
pub fn ask_by_office(
    case: &Case,
    item: &ServiceItem,
    ground: OfficeGround,
    request: ConsentRequest,
    digest: String,
    command: CommandId,
    device: String,
) -> Events {
    if !item.office_bases.contains(&ground.basis) {
        return Err(Refusal::NoBasis);
    }
    if ground.supervisor.account == case.clerk {
        return Err(Refusal::Supervisor);
    }
    let deadline = request.asked_at.plus_ms(CONSENT_MS);
    let (request, office) = (Box::new(request), Some(ground));
    Ok(vec![CaseEvent::ConsentAsked { request, digest, command, device, deadline, phone: None, office }])
}

/// The citizen has been told, already accepted as coming from the evaluator that shows the notice.
pub fn noticed(case: &Case, command: &CommandId, answer: String) -> Events {
    match &case.consent {
        Consent::Waiting { asked } if asked.command == *command && asked.office.is_some() => {
            Ok(vec![CaseEvent::OfficeNoticed { command: command.clone(), answer }])
        }
        _ => Err(Refusal::OutOfStep),
    }
}

/// 撤回授权, wherever it was said. What was opened under it leaves the case.
pub fn withdraw(case: &Case, at: WithdrawnAt, since: Timestamp) -> Events {
    match &case.consent {
        Consent::Given { .. } => Ok(vec![CaseEvent::ConsentWithdrawn { at, since }]),
        Consent::Withdrawn { .. } => Ok(Vec::new()),
        _ => Err(Refusal::NothingToWithdraw),
    }
}
