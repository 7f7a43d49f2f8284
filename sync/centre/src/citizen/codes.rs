//! 办事码: the centre's attestation of a phone, and the plain codes of today's apps.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::{self, For};
use crate::store::citizens::{PlainCode, Session};
use hall_domain::{Capacity, Subject, Timestamp};
use hall_ledger::phone::{Attestation, SealNonce, Sealed, seal_subject};

/// Longest life of an attestation.
const LIFE_HOURS: i64 = 24;
/// How long a plain code stands.
const PLAIN_SECONDS: i64 = 300;
/// A plain code that has less left than this is not given out any more.
const PLAIN_LEFT_SECONDS: i64 = 60;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An attestation with what it says.
pub struct Attested {
    /// The signed bytes.
    pub bytes: Vec<u8>,
    /// When it was made.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// What it attests.
    pub capacity: Capacity,
}

/// Seals a subject with the code key of today.
pub fn seal(app: &App, subject: &Subject, at: Timestamp) -> Result<Sealed, Refusal> {
    let keys = app.code_keys.keys();
    let key = keys.current(at).ok_or_else(|| Refusal::Failed("no code key is in use today".to_owned()))?;
    Ok(seal_subject(subject, key, SealNonce::random()?))
}

/// Attests the phone of this session in a capacity.
pub async fn attest(app: &App, session: &Session, wanted: &For) -> Result<Attested, Refusal> {
    let capacity = capacity::resolve(app, &session.person, wanted).await?;
    let place = app.store.person_place(&session.person.document).await?;
    app.status.changed();
    let issued = capacity::whole(app.now());
    let day = issued.plus_hours(LIFE_HOURS);
    let expires = capacity.revocable().map_or(day, |(until, _)| day.min(until));
    // A grant that ends within this second attests nothing any more.
    if expires <= issued {
        return Err(Refusal::Because("grant-over"));
    }
    let subject = capacity::subject(&session.person, capacity.clone());
    let subject = seal(app, &subject, issued)?;
    let attestation = Attestation { key: session.device_key, issued, expires, subject, place: Some(place) };
    Ok(Attested { bytes: app.sign(&attestation).into_bytes(), issued, expires, capacity })
}

/// The plain code for this person and capacity: the one that stands, or a new one.
pub async fn plain(app: &App, session: &Session, wanted: &For) -> Result<(PlainCode, Capacity), Refusal> {
    let capacity = capacity::resolve(app, &session.person, wanted).await?;
    let now = app.now();
    let prefix = if capacity.organisation().is_some() { "YS" } else { "ZW" };
    let mut random = [0; 20];
    getrandom::fill(&mut random)?;
    let text: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    let new = PlainCode {
        code: format!("{prefix}-{text}"),
        document: session.person.document.clone(),
        capacity: wanted.clone(),
        expires_at: now.plus_seconds(PLAIN_SECONDS),
    };
    let code = app.store.plain_code(new, now.plus_seconds(PLAIN_LEFT_SECONDS)).await?;
    Ok((code, capacity))
}

/// Who stands behind a plain code, if it stands and the capacity still holds.
pub async fn resolve(app: &App, code: &str) -> Result<Option<Subject>, Refusal> {
    let Some(plain) = app.store.resolve_plain(code, app.now()).await? else { return Ok(None) };
    let Some(person) = app.store.person(&plain.document).await? else { return Ok(None) };
    if person.state != crate::store::citizens::AccountState::Open {
        return Ok(None);
    }
    match capacity::resolve(app, &person, &plain.capacity).await {
        Ok(capacity) => Ok(Some(capacity::subject(&person, capacity))),
        Err(Refusal::Because(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
