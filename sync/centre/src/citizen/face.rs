//! 人脸核验: compares whoever holds the phone with the person who is signed in.
//!
//! A province puts its own service behind [`FaceCheck`]. The reference centre has no pictures: it compares a sample
//! that says whom it shows.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::session::Token;
use hall_domain::{HolderId, IdentityDocument, Timestamp};
use hall_ledger::Hash;
use serde::Deserialize;
use std::future::Future;
use std::pin::Pin;

/// A ticket is good for so long.
const TICKET_SECONDS: i64 = 300;
/// Tries in an hour.
const TRIES: u32 = 10;
/// Below this nobody can be told from anybody.
const DARK: u8 = 40;

/// What the reference centre compares in place of pictures.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceSample {
    /// 8 to 32 random bytes, hexadecimal.
    pub salt_hex: String,
    /// SHA-256 of the salt and the holder text of whoever is shown.
    pub person_hex: String,
    /// A living person.
    #[serde(default = "yes")]
    pub live: bool,
    /// Brightness and sharpness, 0 to 100.
    #[serde(default = "good")]
    pub quality: u8,
    /// Wears a mask.
    #[serde(default)]
    pub mask: bool,
    /// How the service behaves.
    #[serde(default)]
    pub service: Service,
}

/// How the face service behaves, for drills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// As it should.
    #[default]
    Ok,
    /// It does not answer.
    Timeout,
    /// It cannot be reached.
    Unavailable,
}

fn yes() -> bool {
    true
}

fn good() -> u8 {
    90
}

/// Why a comparison did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaceFailure {
    /// 非本人.
    OtherPerson,
    /// 非活体.
    NotLive,
    /// 戴口罩.
    Mask,
    /// 光线太暗.
    Dark,
    /// No answer in time.
    Timeout,
    /// No service.
    Unavailable,
}

impl FaceFailure {
    fn refusal(self) -> Refusal {
        Refusal::Because(match self {
            Self::OtherPerson => "face-other-person",
            Self::NotLive => "face-not-live",
            Self::Mask => "face-mask",
            Self::Dark => "face-dark",
            Self::Timeout => "face-timeout",
            Self::Unavailable => "face-unavailable",
        })
    }
}

/// Compares a sample with a person of the register.
pub trait FaceCheck: Send + Sync + 'static {
    /// Whether the sample shows this person, alive.
    fn compare<'a>(
        &'a self,
        person: &'a IdentityDocument,
        sample: &'a FaceSample,
    ) -> Pin<Box<dyn Future<Output = Result<(), FaceFailure>> + Send + 'a>>;
}

/// The reference centre's: believes what the sample says.
#[derive(Debug, Default)]
pub struct BySample;

impl FaceCheck for BySample {
    fn compare<'a>(
        &'a self,
        person: &'a IdentityDocument,
        sample: &'a FaceSample,
    ) -> Pin<Box<dyn Future<Output = Result<(), FaceFailure>> + Send + 'a>> {
        Box::pin(async move { judge(person, sample) })
    }
}

fn judge(person: &IdentityDocument, sample: &FaceSample) -> Result<(), FaceFailure> {
    match sample.service {
        Service::Ok => {}
        Service::Timeout => return Err(FaceFailure::Timeout),
        Service::Unavailable => return Err(FaceFailure::Unavailable),
    }
    if sample.quality < DARK {
        return Err(FaceFailure::Dark);
    }
    if sample.mask {
        return Err(FaceFailure::Mask);
    }
    if !sample.live {
        return Err(FaceFailure::NotLive);
    }
    let salt = hex::decode(&sample.salt_hex).unwrap_or_default();
    let key = HolderId::Person(person.clone()).key();
    let shows = Hash::of(&[salt.as_slice(), key.as_bytes()].concat());
    let same = (8..=32).contains(&salt.len()) && hex::encode(shows.0) == sample.person_hex;
    if same { Ok(()) } else { Err(FaceFailure::OtherPerson) }
}

/// A ticket for one use.
pub struct Ticket {
    /// To be shown.
    pub text: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Compares, and counts tries.
pub async fn compare(app: &App, person: &IdentityDocument, sample: &FaceSample) -> Result<(), Refusal> {
    tried(app, person, sample, None).await
}

/// Compares, and gives a ticket.
pub async fn ticket(app: &App, person: &IdentityDocument, sample: &FaceSample) -> Result<Ticket, Refusal> {
    let ticket = Token::draw()?;
    tried(app, person, sample, Some(ticket.digest())).await?;
    let expires_at = app.now().plus_seconds(TICKET_SECONDS);
    Ok(Ticket { text: ticket.into_text(), expires_at })
}

async fn tried(
    app: &App,
    person: &IdentityDocument,
    sample: &FaceSample,
    ticket: Option<Hash>,
) -> Result<(), Refusal> {
    let compared = app.face.compare(person, sample).await;
    let now = app.now();
    let ticket = ticket.filter(|_| compared.is_ok());
    if !app.store.note_face(person, ticket, now, now.plus_hours(-1), TRIES).await? {
        return Err(Refusal::TooOften(600));
    }
    compared.map_err(FaceFailure::refusal)
}

/// Uses a ticket up.
pub async fn use_ticket(app: &App, person: &IdentityDocument, ticket: &str) -> Result<(), Refusal> {
    let since = app.now().plus_seconds(-TICKET_SECONDS);
    let used = app.store.use_ticket(person, Token::shown(ticket).digest(), since).await?;
    if used { Ok(()) } else { Err(Refusal::Because("face-ticket")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hall_domain::DocumentKind;

    #[test]
    fn a_face_fails_for_the_first_reason_that_a_person_can_do_something_about() {
        let person = IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011").unwrap();
        let good = FaceSample {
            salt_hex: "00".repeat(8),
            person_hex: hex::encode(Hash::of(&[&[0; 8][..], b"111:519900199003070011"].concat()).0),
            live: true,
            quality: 90,
            mask: false,
            service: Service::Ok,
        };
        assert_eq!(judge(&person, &good), Ok(()));
        let other = FaceSample { person_hex: "00".repeat(32), ..good.clone() };
        let short = FaceSample {
            salt_hex: String::new(),
            person_hex: hex::encode(Hash::of(b"111:519900199003070011").0),
            ..good.clone()
        };
        for (sample, failure) in [
            (other, FaceFailure::OtherPerson),
            (short, FaceFailure::OtherPerson),
            (FaceSample { live: false, ..good.clone() }, FaceFailure::NotLive),
            (FaceSample { mask: true, live: false, ..good.clone() }, FaceFailure::Mask),
            (FaceSample { quality: 39, mask: true, ..good.clone() }, FaceFailure::Dark),
            (FaceSample { service: Service::Timeout, ..good.clone() }, FaceFailure::Timeout),
            (FaceSample { service: Service::Unavailable, ..good.clone() }, FaceFailure::Unavailable),
        ] {
            assert_eq!(judge(&person, &sample), Err(failure));
        }
    }
}
