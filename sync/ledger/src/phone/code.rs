//! 办事码: the centre attests a phone and whom it stands for; the phone signs a moment or a challenge with its key.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use hall_domain::{Subject, Timestamp};
use minicbor::bytes::ByteVec;
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::challenge::ChallengeNonce;
use super::claims::{Claims, absent, needed, wrong};
use super::{CodeError, CodeKeys, MessageKind, Sealed, expect, open_subject};
use crate::cose::{Form, Signed, Statement};
use crate::hash::{Hash, NoRandomness, fixed_bytes};
use crate::trust::CentreKeys;

/// By how many seconds the phone's time may differ from the box's in a code of the weak form.
pub const WEAK_TOLERANCE_S: i64 = 90;
/// Longest life of an attestation.
const MAX_LIFE_HOURS: i64 = 24;

/// 手机凭证: the centre says which key a phone has and whom it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The phone's own key.
    pub key: VerifyingKey,
    /// When the centre made it; whole seconds.
    pub issued: Timestamp,
    /// At most a day later; whole seconds.
    pub expires: Timestamp,
    /// Whom the phone stands for.
    pub subject: Sealed,
    /// Where the person's own status stands in the province's status list.
    pub place: Option<u32>,
}

/// Eight random bytes of a code of the weak form; a hall takes them once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeakNonce(pub [u8; 8]);

fixed_bytes!(WeakNonce, 8);

/// What makes a code good for one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nonce {
    /// Made by the phone: one QR, good while it is young.
    Weak(WeakNonce),
    /// That of the challenge on the evaluator: needs no clock.
    Challenge(ChallengeNonce),
}

/// 办事码 as it was scanned: of the right form, and nothing else is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCode {
    signed: Signed<Presented>,
    presented: Presented,
}

/// 办事码 that centre and phone signed, with the person it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCode {
    subject: Subject,
    nonce: Nonce,
    issued: Timestamp,
    attestation: Attestation,
    digest: Hash,
}

impl Attestation {
    /// The signed attestation that the phone keeps.
    pub fn sign(&self, centre: &SigningKey) -> Vec<u8> {
        Signed::sign(self, centre).into_bytes()
    }

    /// An attestation that one of the centre's keys signed; that it may be past its expiry is the caller's to see.
    ///
    /// # Errors
    /// When it is not signed by the centre, or lives longer than attestations do.
    pub fn verify(bytes: &[u8], centre: &CentreKeys) -> Result<Self, CodeError> {
        expect(MessageKind::Attestation, bytes)?;
        let attestation = Signed::<Self>::from_bytes(bytes.to_vec()).verify_by(centre)?;
        let life = attestation.expires.ms_since(attestation.issued);
        if (1..=MAX_LIFE_HOURS * 3_600_000).contains(&life) {
            Ok(attestation)
        } else {
            Err(CodeError::Content)
        }
    }
}

impl ServiceCode {
    /// What a phone does: signs `nonce` and its own time with its own key, around its attestation.
    pub fn present(attestation: &[u8], nonce: Nonce, at: Timestamp, device: &SigningKey) -> Vec<u8> {
        let attestation = Signed::from_bytes(attestation.to_vec());
        Signed::sign(&Presented { issued: at, nonce, attestation }, device).into_bytes()
    }

    /// Reads a scanned code.
    ///
    /// # Errors
    /// When it is not a service code by its form.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodeError> {
        expect(MessageKind::ServiceCode, bytes)?;
        let signed = Signed::<Presented>::from_bytes(bytes.to_vec());
        let presented = signed.peek()?;
        Ok(Self { signed, presented })
    }

    /// The nonce, of which nothing is known yet: good for telling early that a code was seen before.
    pub fn unverified_nonce(&self) -> Nonce {
        self.presented.nonce
    }

    /// Who it stands for, if the centre attested the phone, the phone signed, and nothing of it has ended.
    /// Whether it is fresh is for [`VerifiedCode::weak`] and [`VerifiedCode::answers`] to say.
    ///
    /// # Errors
    /// See [`CodeError`].
    pub fn verify(
        &self,
        centre: &CentreKeys,
        keys: &CodeKeys,
        now: Timestamp,
    ) -> Result<VerifiedCode, CodeError> {
        let Presented { issued, nonce, attestation: signed } = &self.presented;
        let attestation = Attestation::verify(signed.as_bytes(), centre)?;
        self.signed.verify(&attestation.key)?;
        if now >= attestation.expires {
            return Err(CodeError::Expired);
        }
        let subject = open_subject(&attestation.subject, keys, attestation.issued)?;
        if subject.capacity.revocable().is_some_and(|(until, _)| now >= until) {
            return Err(CodeError::CapacityEnded);
        }
        let digest = signed.digest();
        Ok(VerifiedCode { subject, nonce: *nonce, issued: *issued, attestation, digest })
    }
}

impl VerifiedCode {
    /// Who carries the phone, and for whom.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Weak form or answer to a challenge.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// When the phone signed, by the phone's clock.
    pub fn issued(&self) -> Timestamp {
        self.issued
    }

    /// When the centre attested the phone.
    pub fn attested_at(&self) -> Timestamp {
        self.attestation.issued
    }

    /// When the attestation ends.
    pub fn expires(&self) -> Timestamp {
        self.attestation.expires
    }

    /// Where the person's own status stands in the province's status list.
    pub fn place(&self) -> Option<u32> {
        self.attestation.place
    }

    /// The phone's key.
    pub fn key(&self) -> &VerifyingKey {
        &self.attestation.key
    }

    /// SHA-256 of the attestation: names it in evidence without naming the person.
    pub fn attestation(&self) -> Hash {
        self.digest
    }

    /// The nonce to remember, if this is a code of the weak form whose time is within [`WEAK_TOLERANCE_S`] of `now`.
    ///
    /// # Errors
    /// [`CodeError::TooOld`], [`CodeError::Ahead`], or [`CodeError::OtherChallenge`] for the challenge form.
    pub fn weak(&self, now: Timestamp) -> Result<WeakNonce, CodeError> {
        let Nonce::Weak(nonce) = self.nonce else { return Err(CodeError::OtherChallenge) };
        let age = now.ms_since(self.issued);
        match age {
            _ if age > WEAK_TOLERANCE_S * 1000 => Err(CodeError::TooOld(age / 1000)),
            _ if age < -WEAK_TOLERANCE_S * 1000 => Err(CodeError::Ahead(-(age / 1000))),
            _ => Ok(nonce),
        }
    }

    /// Whether it answers this challenge.
    ///
    /// # Errors
    /// [`CodeError::OtherChallenge`] when it answers another one, or none.
    pub fn answers(&self, challenge: &ChallengeNonce) -> Result<(), CodeError> {
        if self.nonce == Nonce::Challenge(*challenge) { Ok(()) } else { Err(CodeError::OtherChallenge) }
    }
}

impl WeakNonce {
    /// Fresh from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give; trying again can help.
    pub fn random() -> Result<Self, NoRandomness> {
        super::random().map(Self)
    }
}

/// What the phone signs.
#[derive(Clone, PartialEq, Eq)]
struct Presented {
    issued: Timestamp,
    nonce: Nonce,
    attestation: Signed<Attestation>,
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({:?}, {:?})", self.issued, self.nonce)
    }
}

impl Statement for Attestation {
    const DOMAIN: &'static str = MessageKind::Attestation.typ();
    const FORM: Form = Form::Typed;

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.issued)
    }
}

impl Statement for Presented {
    const DOMAIN: &'static str = MessageKind::ServiceCode.typ();
    const FORM: Form = Form::TypedWithoutKid;
}

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
struct AttestationOwn {
    #[n(1)]
    subject: Sealed,
    #[n(2)]
    place: Option<u32>,
}

impl Encode<()> for Attestation {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let own = AttestationOwn { subject: self.subject.clone(), place: self.place };
        let (expires, issued, key) = (Some(self.expires), Some(self.issued), Some(self.key));
        Claims { expires, issued, key, nonce: None, own }.encode(e, ctx)
    }
}

impl<'b> Decode<'b, ()> for Attestation {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let claims = Claims::<AttestationOwn>::decode(d, ctx)?;
        absent(claims.nonce)?;
        Ok(Self {
            key: needed(claims.key)?,
            issued: needed(claims.issued)?,
            expires: needed(claims.expires)?,
            subject: claims.own.subject,
            place: claims.own.place,
        })
    }
}

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
struct PresentedOwn {
    #[n(1)]
    attestation: ByteVec,
}

impl Encode<()> for Presented {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let own = PresentedOwn { attestation: self.attestation.as_bytes().to_vec().into() };
        let nonce = match self.nonce {
            Nonce::Weak(nonce) => nonce.0.to_vec(),
            Nonce::Challenge(nonce) => nonce.0.to_vec(),
        };
        Claims { expires: None, issued: Some(self.issued), key: None, nonce: Some(nonce), own }.encode(e, ctx)
    }
}

impl<'b> Decode<'b, ()> for Presented {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let claims = Claims::<PresentedOwn>::decode(d, ctx)?;
        absent(claims.expires)?;
        absent(claims.key)?;
        let nonce = needed(claims.nonce)?;
        let nonce = match (<[u8; 8]>::try_from(nonce.as_slice()), <[u8; 16]>::try_from(nonce.as_slice())) {
            (Ok(weak), _) => Nonce::Weak(WeakNonce(weak)),
            (_, Ok(challenge)) => Nonce::Challenge(ChallengeNonce(challenge)),
            _ => return Err(wrong("nonce of another length")),
        };
        let attestation = Signed::from_bytes(claims.own.attestation.into());
        Ok(Self { issued: needed(claims.issued)?, nonce, attestation })
    }
}
