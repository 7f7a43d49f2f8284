//! 办事码 and what phones carry: codes that stand for a person, challenges of a box, and the centre's answers to
//! them. Formats are described for strangers in `docs/protocol/phone.md`.
//!
//! Each message has a type for bytes of which nothing is known yet and another for what was verified; only
//! the second one gives out who somebody is. [`text`] is the way through a QR code, [`seal`] the encryption
//! of personal data, [`code`], [`challenge`] and [`assertion`] the three messages of a visit, [`parts`] the way of a message
//! that one QR code does not hold, [`receipt`] what is carried home.

pub mod assertion;
pub mod challenge;
mod claims;
pub mod code;
mod error;
mod licence;
pub mod parts;
pub mod receipt;
pub mod seal;
mod subject;
pub mod text;
mod use_code;

pub use assertion::{AgreedRow, Agreement, Assertion, Said, VerifiedAssertion};
pub use challenge::{Asked, Challenge, ChallengeNonce, ConsentRequest, UnverifiedChallenge};
pub use code::{Attestation, Nonce, ServiceCode, VerifiedCode, WEAK_TOLERANCE_S, WeakNonce};
pub use error::CodeError;
pub use licence::{LicenceStatement, StatedLicence};
pub use parts::{Gathered, Gathering, Part, Progress, to_qrs};
pub use receipt::{PaperReceipt, UnverifiedReceipt};
pub use seal::{CodeKey, CodeKeys, CodeKeysError, SealNonce, Sealed};
pub use subject::{open_subject, seal_subject};
pub use text::{QrError, from_qr, to_qr};
pub use use_code::{UseCode, UseCodeError};

use crate::cose::typed::TypedSign1;

/// Longest message that is read.
pub const MAX_BYTES: usize = 2500;

/// What kind of message bytes claim to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// The centre's attestation of a phone.
    Attestation,
    /// 办事码.
    ServiceCode,
    /// A box's challenge.
    Challenge,
    /// The centre's answer to a challenge.
    Assertion,
    /// 回执 of a box.
    Receipt,
}

impl MessageKind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Attestation, Self::ServiceCode, Self::Challenge, Self::Assertion, Self::Receipt];

    /// The `typ` header.
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Attestation => "hall-att+cwt",
            Self::ServiceCode => "hall-code+cwt",
            Self::Challenge => "hall-ask+cwt",
            Self::Assertion => "hall-say+cwt",
            Self::Receipt => "hall-rcp+cwt",
        }
    }
}

/// What the bytes claim to be, with nothing verified; `None` when they are no message of this province.
pub fn kind_of(bytes: &[u8]) -> Option<MessageKind> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let message = TypedSign1::parse(bytes).ok()?;
    MessageKind::ALL.into_iter().find(|kind| kind.typ() == message.typ())
}

/// Refuses what is no message at all, or another kind than the expected one.
fn expect(kind: MessageKind, bytes: &[u8]) -> Result<(), CodeError> {
    match kind_of(bytes) {
        Some(found) if found == kind => Ok(()),
        Some(found) => Err(CodeError::OtherKind(found)),
        None => Err(CodeError::NotACode),
    }
}

/// Random bytes from the operating system's generator.
fn random<const N: usize>() -> Result<[u8; N], crate::hash::NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| crate::hash::NoRandomness)?;
    Ok(bytes)
}
