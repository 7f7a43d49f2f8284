//! 核对为同一人: whether licences that were issued under an earlier identifier may stand for the person at the window.
//! That is for the clerk to say, who looks at the person; the authority's word alone only makes them candidates.

use super::{Events, at_least};
use crate::reception::refusal::Refusal;
use hall_domain::AliasId;
use hall_domain::case::{Case, CaseEvent, Consent, Step};

/// The clerk has looked: the person is the one of the earlier identifier.
pub fn confirm_alias(case: &Case, alias: AliasId) -> Events {
    open_to_aliases(case, alias)?;
    let known = case.confirms(alias);
    Ok(if known { Vec::new() } else { vec![CaseEvent::AliasConfirmed { alias }] })
}

/// The clerk takes it back, as long as the citizen is not asked and has not agreed.
pub fn revert_alias(case: &Case, alias: AliasId) -> Events {
    open_to_aliases(case, alias)?;
    let known = case.confirms(alias);
    Ok(if known { vec![CaseEvent::AliasReverted { alias }] } else { Vec::new() })
}

fn open_to_aliases(case: &Case, alias: AliasId) -> Result<(), Refusal> {
    if matches!(case.consent, Consent::Waiting { .. }) {
        return Err(Refusal::AlreadyAsking);
    }
    at_least(case, Step::List, Step::List)?;
    if matches!(case.consent, Consent::Given { .. } | Consent::Office { .. }) {
        return Err(Refusal::OutOfStep);
    }
    if !case.identity.as_ref().is_some_and(|identity| identity.confirmed()) {
        return Err(Refusal::NotConfirmed);
    }
    case.alias(alias).map(drop).ok_or(Refusal::UnknownAlias)
}
