//! 身份: for whom a citizen acts, as asked for and as the centre finds it at this moment.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::id::Id;
use crate::citizen::mandate::{Mandate, MandateState};
use crate::register;
use crate::store::citizens::{AccountState, Person};
use hall_domain::masking::mask_name;
use hall_domain::{ActsFor, AgentGrant, Capacity, HolderId, Organisation, Subject, Timestamp, Uscc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// For whom somebody wants to act.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum For {
    /// 本人: `own`.
    #[default]
    Own,
    /// An organisation: `org:<uscc>`.
    Organisation(Uscc),
    /// A principal, by a delegation: `mandate:<id>`.
    Mandate(Id),
}

/// A text that names no capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not own, org:<code> or mandate:<id>")]
pub struct ForError;

impl FromStr for For {
    type Err = ForError;

    fn from_str(text: &str) -> Result<Self, ForError> {
        match text.split_once(':') {
            None if text == "own" => Ok(Self::Own),
            Some(("org", uscc)) => uscc.parse().map(Self::Organisation).map_err(|_| ForError),
            Some(("mandate", id)) => id.parse().map(Self::Mandate).map_err(|_| ForError),
            _ => Err(ForError),
        }
    }
}

impl fmt::Display for For {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("own"),
            Self::Organisation(uscc) => write!(f, "org:{uscc}"),
            Self::Mandate(id) => write!(f, "mandate:{id}"),
        }
    }
}

impl TryFrom<String> for For {
    type Error = ForError;

    fn try_from(text: String) -> Result<Self, ForError> {
        text.parse()
    }
}

impl From<For> for String {
    fn from(wanted: For) -> Self {
        wanted.to_string()
    }
}

/// In which role somebody stands to an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// 法定代表人.
    LegalRepresentative,
    /// 经办授权人.
    Agent(AgentGrant),
}

/// The organisation and the person's role in it, now.
pub async fn role_in(app: &App, person: &Person, uscc: &Uscc) -> Result<(Organisation, Role), Refusal> {
    let organisation = app.store.organisation(uscc).await?.ok_or(Refusal::Because("not-entitled"))?;
    let organisation = register::with_agents(app, organisation).await?;
    match organisation.acts_for(&person.document, &person.name, app.now()) {
        Some(ActsFor::LegalRepresentative) => Ok((organisation, Role::LegalRepresentative)),
        Some(ActsFor::Agent(grant)) => Ok((organisation, Role::Agent(grant))),
        None => {
            let once = app.store.grants_to(&person.document).await?.iter().any(|grant| grant.uscc == *uscc);
            let was = app.store.represented_before(&person.document, uscc).await?;
            Err(Refusal::Because(match (once, was) {
                (true, _) => "grant-over",
                (_, true) => "relation-ended",
                _ => "not-entitled",
            }))
        }
    }
}

/// The capacity as the centre attests it, if the person has it now.
pub async fn resolve(app: &App, person: &Person, wanted: &For) -> Result<Capacity, Refusal> {
    Ok(match wanted {
        For::Own => Capacity::Own,
        For::Organisation(uscc) => match role_in(app, person, uscc).await? {
            (organisation, Role::LegalRepresentative) => {
                Capacity::LegalRepresentative { uscc: organisation.uscc, name: organisation.name }
            }
            (organisation, Role::Agent(grant)) => Capacity::Agent {
                uscc: organisation.uscc,
                name: organisation.name,
                until: whole(grant.until),
                place: grant.place,
            },
        },
        For::Mandate(id) => {
            let mandate = in_force(app, *id).await?;
            if mandate.agent != person.document {
                return Err(Refusal::Because("not-entitled"));
            }
            Capacity::Delegate {
                principal: mandate.principal,
                principal_name: mandate.principal_name,
                item: mandate.item,
                until: whole(mandate.until),
                place: mandate.place,
            }
        }
    })
}

/// A mandate that holds now: accepted, within its time, not ended, and the principal can still give it.
pub async fn in_force(app: &App, id: Id) -> Result<Mandate, Refusal> {
    let mandate = app.store.mandate(id).await?.ok_or(Refusal::Because("not-entitled"))?;
    let over = Refusal::Because("delegation-over");
    match mandate.state {
        _ if app.now() >= mandate.until => return Err(over),
        MandateState::InForce => {}
        MandateState::Pending => return Err(Refusal::Because("delegation-pending")),
        MandateState::Revoked | MandateState::Declined | MandateState::Resigned => return Err(over),
    }
    if let HolderId::Person(document) = &mandate.principal {
        let principal = app.store.person(document).await?;
        if principal.is_none_or(|principal| principal.state != AccountState::Open) {
            return Err(over);
        }
    }
    Ok(mandate)
}

/// Messages carry whole seconds.
pub fn whole(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(1000) * 1000)
}

/// The person in this capacity.
pub fn subject(person: &Person, capacity: Capacity) -> Subject {
    Subject { document: person.document.clone(), name: person.name.clone(), capacity }
}

/// Whose licences count, and the name for a screen: masked for a person.
pub fn shown_principal(person: &Person, capacity: &Capacity) -> String {
    match capacity {
        Capacity::Own => mask_name(&person.name),
        Capacity::LegalRepresentative { name, .. } | Capacity::Agent { name, .. } => name.clone(),
        Capacity::Delegate { principal: HolderId::Person(_), principal_name, .. } => {
            mask_name(principal_name)
        }
        Capacity::Delegate { principal_name, .. } => principal_name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_survives_its_text() {
        let id = Id::random().unwrap();
        let uscc: Uscc = "91239900MATE5T017W".parse().unwrap();
        for wanted in [For::Own, For::Organisation(uscc), For::Mandate(id)] {
            assert_eq!(wanted.to_string().parse(), Ok(wanted));
        }
        for text in ["", "Own", "org:", "org:91239900MATE5T01", "mandate:1", "own:"] {
            assert_eq!(text.parse::<For>(), Err(ForError), "{text}");
        }
    }
}
