//! 我的证照: cards, claims, and the original after a face check.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::{self, For};
use crate::citizen::face;
use crate::store::Registered;
use crate::store::citizens::{Person, Session};
use hall_domain::{ApplicantKind, Capacity, HolderId, LicenceId, LicenceKindCode};

/// 居民身份证 and 营业执照: there without being claimed.
const ALWAYS: [&str; 2] = ["居民身份证", "营业执照"];

/// Whose licences a capacity shows. A mandate shows none: the principal does.
pub async fn holder(app: &App, person: &Person, wanted: &For) -> Result<(HolderId, Capacity), Refusal> {
    if let For::Mandate(_) = wanted {
        return Err(Refusal::Because("not-entitled"));
    }
    let capacity = capacity::resolve(app, person, wanted).await?;
    Ok((capacity::subject(person, capacity.clone()).principal(), capacity))
}

/// The claimed cards.
pub async fn cards(app: &App, person: &Person, wanted: &For) -> Result<Vec<Registered>, Refusal> {
    let (holder, _) = holder(app, person, wanted).await?;
    let claimed = app.store.claims(&person.document, &holder).await?;
    let held = app.store.licences_of(&holder).await?;
    let shown = |held: &Registered| {
        claimed.contains(&held.licence.kind) || ALWAYS.contains(&held.licence.name.as_str())
    };
    Ok(held.into_iter().filter(shown).collect())
}

/// 认领 one kind.
pub async fn claim(
    app: &App,
    person: &Person,
    wanted: &For,
    kind: &LicenceKindCode,
) -> Result<Vec<Registered>, Refusal> {
    let (holder, _) = holder(app, person, wanted).await?;
    let known = app.catalogue.kind(kind).ok_or(Refusal::Because("unknown-kind"))?;
    let of_person = matches!(holder, HolderId::Person(_));
    let held: Vec<Registered> = match (known.holder == ApplicantKind::Person) == of_person {
        true => app.store.licences_of(&holder).await?,
        false => Vec::new(),
    };
    let found: Vec<Registered> = held.into_iter().filter(|held| held.licence.kind == *kind).collect();
    if found.is_empty() {
        return Err(Refusal::Because("no-such-licence"));
    }
    app.store.claim(&person.document, &holder, kind).await?;
    Ok(found)
}

/// Takes a claim back.
pub async fn unclaim(
    app: &App,
    person: &Person,
    wanted: &For,
    kind: &LicenceKindCode,
) -> Result<(), Refusal> {
    let (holder, _) = holder(app, person, wanted).await?;
    Ok(app.store.unclaim(&person.document, &holder, kind).await?)
}

/// 查看证照原件.
pub async fn original(
    app: &App,
    session: &Session,
    wanted: &For,
    licence: &LicenceId,
    ticket: &str,
) -> Result<Registered, Refusal> {
    let person = &session.person;
    let (holder, _) = holder(app, person, wanted).await?;
    let found = app.store.licence(licence).await?.filter(|found| found.licence.holder == holder);
    let found = found.ok_or(Refusal::Because("no-such-licence"))?;
    face::use_ticket(app, &person.document, ticket).await?;
    Ok(found)
}
