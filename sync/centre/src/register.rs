//! 主题库与证照库: what comes into the register, and what halls are told about it.

use crate::alias::{self, PutError};
use crate::app::App;
use crate::citizen::grant::Grant;
use crate::scope;
use crate::status;
use crate::store::{Change, NewLicence, Registered, StoreError};
use crate::trust;
use hall_domain::register::Register;
use hall_domain::{AgentGrant, HolderId, Licence, LicenceId, LicenceStatus, Organisation, Timestamp, Uscc};
use hall_ledger::alias::StatedAlias;
use hall_ledger::cbor::CborError;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::envelope::{Envelope, Issue, IssuedEnvelope, StatusRef};
use hall_ledger::feed::{Change as FeedChange, DocumentVersion, StatusChange};
use hall_ledger::hash::NoRandomness;
use hall_ledger::{Salt, Signed};
use serde::Serialize;
use std::collections::BTreeSet;

/// How long a cache may use an envelope. Its status has a far shorter life of its own.
pub const ENVELOPE_DAYS: i64 = 90;

/// Why the register could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Salts.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A document.
    #[error("encode a document")]
    Document(#[from] CborError),
}

/// What a load did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// People named.
    pub people: usize,
    /// Organisations named.
    pub organisations: usize,
    /// Licences that were not there.
    pub added: usize,
    /// Licences with another version or content.
    pub changed: usize,
    /// Licences that were there word for word.
    pub same: usize,
}

/// Takes a checked register in. Doing it again changes nothing.
pub async fn load(app: &App, register: Register) -> Result<Loaded, RegisterError> {
    let mut loaded = Loaded {
        people: register.people.len(),
        organisations: register.organisations.len(),
        ..Loaded::default()
    };
    for person in &register.people {
        app.store.put_person(&person.card.document, &person.card.name).await?;
        for new in &person.aliases {
            match alias::put(app, person.holder(), new).await {
                Ok(_) => {}
                Err(PutError::Register(error)) => return Err(error),
                // A checked register has none of these.
                Err(PutError::Alias(error)) => tracing::error!(%error, "A fact of the register is none."),
            }
        }
    }
    for entry in &register.organisations {
        app.store.put_organisation(entry.organisation.clone(), app.now()).await?;
    }
    publish_organisations(app).await?;
    for (_, licence) in register.licences() {
        match put_licence(app, licence.clone()).await? {
            Change::Added => loaded.added += 1,
            Change::Changed => loaded.changed += 1,
            Change::Same => loaded.same += 1,
        }
    }
    Ok(loaded)
}

/// Adds or changes one licence and tells the halls that may hold it.
pub async fn put_licence(app: &App, licence: Licence) -> Result<Change, RegisterError> {
    let _register = app.register.lock().await;
    if let Some(known) = app.store.licence(&licence.id).await?
        && known.licence == licence
    {
        return Ok(Change::Same);
    }
    let status_index = app.store.status_place(&licence.id).await?;
    let at = app.now();
    let envelopes = for_its_halls(app, &licence, status_index, at).await?;
    let change = app.store.put_licence(NewLicence { licence, status_index, at, envelopes }).await?;
    app.status.changed();
    app.waiters.wake_all();
    Ok(change)
}

/// A licence's envelope for each hall that may hold it. The caller holds `app.register`.
pub async fn for_its_halls(
    app: &App,
    licence: &Licence,
    status_index: u32,
    at: Timestamp,
) -> Result<Vec<(String, IssuedEnvelope)>, RegisterError> {
    let mut envelopes = Vec::new();
    for hall in app.store.halls_of(licence, at).await? {
        let envelope = issue(app, licence, status_index, &hall.code, at).await?;
        envelopes.push((hall.code, envelope));
    }
    Ok(envelopes)
}

/// Changes a status and tells every hall. None if there is no such licence.
pub async fn set_status(
    app: &App,
    id: &LicenceId,
    status: LicenceStatus,
) -> Result<Option<bool>, StoreError> {
    let _register = app.register.lock().await;
    let changed = app.store.set_status(id, status, app.now()).await?;
    if changed == Some(true) {
        app.status.changed();
        app.waiters.wake_all();
        tracing::info!(licence.status = ?status, "A licence changed its status.");
    }
    Ok(changed)
}

/// What the feed of a new hall starts with: the documents in force, the names of facts about earlier identifiers, every
/// licence of its scope, every status of those that is not 有效.
/// The caller holds `app.register`.
pub async fn first_items(app: &App, hall: &str) -> Result<Vec<FeedChange>, RegisterError> {
    let at = app.now();
    let mut items = Vec::new();
    items.extend(trust::announcement(app).map(FeedChange::Document));
    for kind in [DocumentKind::Catalogue, DocumentKind::Organisations, DocumentKind::Policy] {
        if let Some((version, signed)) = app.store.document(kind).await? {
            items.push(FeedChange::Document(DocumentVersion { kind, version, sha256: signed.digest() }));
        }
    }
    let said = |id| FeedChange::HolderAlias(StatedAlias::withdrawn(id, at));
    items.extend(app.store.aliases().await?.into_iter().map(said));
    for Registered { licence, status_index, status } in scope::held(app, hall).await? {
        let issued = issue(app, &licence, status_index, hall, at).await?;
        items.push(FeedChange::LicenceUpsert(issued));
        if status != LicenceStatus::Valid {
            // As of this picture: a box takes the envelope's time for the newest word about the licence.
            items.push(FeedChange::LicenceStatus(StatusChange { licence: licence.id, status, at }));
        }
    }
    Ok(items)
}

/// Signs the envelope of a licence for one hall, as looked at in the register now.
pub async fn issue(
    app: &App,
    licence: &Licence,
    status_index: u32,
    hall: &str,
    now: Timestamp,
) -> Result<IssuedEnvelope, RegisterError> {
    let relation = match &licence.holder {
        HolderId::Person(_) => None,
        HolderId::Organisation(uscc) => app
            .store
            .organisation(uscc)
            .await?
            .map(|organisation| HolderId::Person(organisation.legal_representative.document)),
    };
    let issue = Issue {
        status: StatusRef { list: status::LIST, index: status_index },
        checked_at: now,
        expires_at: now.plus_hours(24 * ENVELOPE_DAYS),
        halls: BTreeSet::from([hall.to_owned()]),
        relation,
        file: None,
    };
    Ok(Envelope::issue(licence, &issue, &app.keys.signer(now), Salt::random)?)
}

/// Publishes the register of organisations in a new version, if it says anything else than the newest one. What is
/// compared is what is stored, so that a stop between storing and publishing loses nothing.
pub async fn publish_organisations(app: &App) -> Result<(), RegisterError> {
    let _register = app.register.lock().await;
    let mut organisations = app.store.organisations().await?;
    let grants = app.store.grants().await?;
    for organisation in &mut organisations {
        organisation.agents = agents(&grants, &organisation.uscc, app.now());
    }
    let newest = app.store.document(DocumentKind::Organisations).await?;
    if organisations.is_empty() && newest.is_none() {
        return Ok(());
    }
    let version = newest.as_ref().map_or(1, |(version, _)| version + 1);
    let document = Document::new(DocumentKind::Organisations, "*", version, app.now(), &organisations)?;
    let published = newest.and_then(|(_, signed)| app.own(&signed));
    if published.is_some_and(|published| published.content == document.content) {
        return Ok(());
    }
    let signed = app.sign(&document);
    app.store.publish(document, signed).await?;
    app.waiters.wake_all();
    Ok(())
}

/// The organisation with its agents as of now.
pub async fn with_agents(app: &App, mut organisation: Organisation) -> Result<Organisation, StoreError> {
    let grants = app.store.grants_of(&organisation.uscc).await?;
    organisation.agents = agents(&grants, &organisation.uscc, app.now());
    Ok(organisation)
}

/// Grants that are neither revoked nor over, as halls get them.
fn agents(grants: &[Grant], uscc: &Uscc, now: Timestamp) -> Vec<AgentGrant> {
    let open = |grant: &&Grant| grant.uscc == *uscc && grant.revoked_at.is_none() && now < grant.until;
    grants.iter().filter(open).map(Grant::published).collect()
}

/// One organisation's register entry, signed for a look-up.
pub fn organisation_document(
    app: &App,
    organisation: &Organisation,
    hall: &str,
) -> Result<Signed<Document>, CborError> {
    let scope = crate::feeds::scope(hall);
    let document = Document::new(DocumentKind::Organisation, &scope, 1, app.now(), organisation)?;
    Ok(app.sign(&document))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, licence, organisation};
    use hall_domain::RegisterOrganisation;

    #[tokio::test]
    async fn a_new_hall_hears_of_an_old_revocation_as_of_the_same_picture() {
        let bench = Bench::new().await;
        let revoked = licence("000000000000001", 1);
        put_licence(&bench.app, revoked.clone()).await.unwrap();
        bench.pass_hours(1);
        set_status(&bench.app, &revoked.id, LicenceStatus::Revoked).await.unwrap();
        bench.pass_hours(1000);
        let items = first_items(&bench.app, "990001").await.unwrap();
        let [.., FeedChange::LicenceUpsert(issued), FeedChange::LicenceStatus(told)] = &items[..] else {
            panic!("{items:?}");
        };
        let envelope = issued.envelope.verify(&bench.key()).unwrap();
        assert_eq!((&told.licence, told.status), (&revoked.id, LicenceStatus::Revoked));
        assert!(told.at >= envelope.checked_at, "{:?} is older than {:?}", told.at, envelope.checked_at);
    }

    #[tokio::test]
    async fn a_register_that_was_stored_but_not_published_is_published_by_the_next_load() {
        let bench = Bench::new().await;
        let entry = |name| RegisterOrganisation {
            slug: "ceshi".into(),
            organisation: organisation(name),
            licences: Vec::new(),
        };
        let register = |name| Register { people: Vec::new(), organisations: vec![entry(name)] };
        load(&bench.app, register("王芳")).await.unwrap();
        // A load that was killed after it had stored the new legal representative.
        bench.app.store.put_organisation(organisation("李强"), bench.app.now()).await.unwrap();
        load(&bench.app, register("李强")).await.unwrap();
        load(&bench.app, register("李强")).await.unwrap();
        let (version, signed) = bench.app.store.document(DocumentKind::Organisations).await.unwrap().unwrap();
        let document = signed.verify(&bench.key()).unwrap();
        let published: Vec<Organisation> = document.read(DocumentKind::Organisations).unwrap();
        assert_eq!((version, published), (2, vec![organisation("李强")]));
    }
}
