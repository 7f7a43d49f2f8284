//! 手机带回的省级答复: what the centre says to a challenge. It is worth as much as an answer over the line.

use ed25519_dalek::SigningKey;
use hall_domain::{LicenceStatus, MaterialId, PhoneAsk, Subject, Timestamp};
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::challenge::{Challenge, ChallengeNonce, challenge_nonce};
use super::claims::{Claims, absent, needed, wrong};
use super::licence::{LicenceStatement, StatedLicence};
use super::{CodeError, CodeKeys, MessageKind, Sealed, UseCode, expect, open_subject};
use crate::cbor;
use crate::cose::{Form, Signed, Statement};
use crate::hash::Hash;
use crate::trust::CentreKeys;

/// How long an assertion says something.
pub const LIFE_S: i64 = 600;

/// 省级答复 as the centre makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// When the centre made it; whole seconds.
    pub issued: Timestamp,
    /// At most [`LIFE_S`] later; whole seconds.
    pub expires: Timestamp,
    /// Of the challenge that it answers.
    pub nonce: ChallengeNonce,
    /// Whom it is about.
    pub subject: Sealed,
    /// What is said.
    pub said: Said,
}

/// What an assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// 刷脸: the face is the subject's.
    Face,
    /// 授权: the subject agreed.
    Consent(Agreement),
    /// 委托人确认: the subject is the principal, and agreed.
    Principal(Agreement),
    /// 出示证照 of the subject.
    Licences(Vec<LicenceStatement>),
}

/// 授权结果: what was agreed to and what was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Digest of the request that was agreed to.
    pub digest: Hash,
    /// Agreed, each with its use code.
    pub agreed: Vec<AgreedRow>,
    /// Refused.
    pub refused: Vec<MaterialId>,
}

/// One material that was agreed to.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct AgreedRow {
    /// Which one.
    #[n(0)]
    #[cbor(with = "crate::cbor::text")]
    pub material: MaterialId,
    /// 证照状态 when the citizen agreed.
    #[n(1)]
    #[cbor(with = "crate::cbor::licence_status")]
    pub status: LicenceStatus,
    /// 用证码 for this one use.
    #[n(2)]
    #[cbor(with = "crate::cbor::text")]
    pub use_code: UseCode,
}

/// 省级答复 that one of the centre's keys signed, with everything sealed in it open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    assertion: Assertion,
    subject: Subject,
    licences: Vec<StatedLicence>,
    digest: Hash,
}

impl Assertion {
    /// The bytes for the phone, and for the box over the line.
    pub fn sign(&self, centre: &SigningKey) -> Vec<u8> {
        Signed::sign(self, centre).into_bytes()
    }

    /// What the centre said, if it did and it is not past its expiry. Whether it was said to this case's
    /// challenge is for [`VerifiedAssertion::answers`] to say.
    ///
    /// # Errors
    /// See [`CodeError`].
    pub fn verify(
        bytes: &[u8],
        centre: &CentreKeys,
        keys: &CodeKeys,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, CodeError> {
        expect(MessageKind::Assertion, bytes)?;
        let signed = Signed::<Self>::from_bytes(bytes.to_vec());
        let assertion = signed.verify_by(centre)?;
        if !(1..=LIFE_S * 1000).contains(&assertion.expires.ms_since(assertion.issued)) {
            return Err(CodeError::Content);
        }
        if now >= assertion.expires {
            return Err(CodeError::Expired);
        }
        let subject = open_subject(&assertion.subject, keys, assertion.issued)?;
        let licences = match &assertion.said {
            Said::Licences(statements) => {
                statements.iter().map(|one| one.open(keys, assertion.issued)).collect()
            }
            _ => Ok(Vec::new()),
        };
        Ok(VerifiedAssertion { subject, licences: licences?, digest: signed.digest(), assertion })
    }
}

impl VerifiedAssertion {
    /// Whom it is about: who stands at the window, or the principal.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What kind of answer it is.
    pub fn kind(&self) -> PhoneAsk {
        self.assertion.said.kind()
    }

    /// What was agreed to, in an answer of consent or of a principal.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.assertion.said.agreement()
    }

    /// The licences that were stated.
    pub fn licences(&self) -> &[StatedLicence] {
        &self.licences
    }

    /// When the centre said it.
    pub fn issued(&self) -> Timestamp {
        self.assertion.issued
    }

    /// After this it says nothing any more.
    pub fn expires(&self) -> Timestamp {
        self.assertion.expires
    }

    /// Of the challenge that it answers.
    pub fn nonce(&self) -> ChallengeNonce {
        self.assertion.nonce
    }

    /// SHA-256 of the signed bytes: names it in evidence without naming the person.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// Whether it answers this challenge: its nonce, its kind, its request, and nothing that was not asked for.
    ///
    /// # Errors
    /// [`CodeError::OtherChallenge`] when not.
    pub fn answers(&self, challenge: &Challenge) -> Result<(), CodeError> {
        let same = self.nonce() == challenge.nonce
            && self.kind() == challenge.kind()
            && self.agreement().map(|agreement| agreement.digest) == challenge.digest();
        let asked = |material: &MaterialId| challenge.materials().contains(material);
        if same && self.assertion.said.materials().all(asked) {
            Ok(())
        } else {
            Err(CodeError::OtherChallenge)
        }
    }
}

impl Said {
    /// The kind.
    pub fn kind(&self) -> PhoneAsk {
        match self {
            Self::Face => PhoneAsk::Face,
            Self::Consent(_) => PhoneAsk::Consent,
            Self::Principal(_) => PhoneAsk::Principal,
            Self::Licences(_) => PhoneAsk::Licences,
        }
    }

    /// What was agreed to, in an answer of consent or of a principal.
    pub fn agreement(&self) -> Option<&Agreement> {
        match self {
            Self::Consent(agreement) | Self::Principal(agreement) => Some(agreement),
            Self::Face | Self::Licences(_) => None,
        }
    }

    /// Refuses an answer that speaks of one material twice, and an agreement about nothing. That a subject has
    /// none of the licences is an answer.
    fn each_once(self) -> Result<Self, decode::Error> {
        let materials: Vec<_> = self.materials().collect();
        let once = materials.iter().enumerate().all(|(n, material)| !materials[..n].contains(material));
        let right = once && (self.agreement().is_none() || !materials.is_empty());
        if right { Ok(self) } else { Err(wrong("not a list of materials")) }
    }

    /// Every material that is spoken of, as often as it is.
    fn materials(&self) -> impl Iterator<Item = &MaterialId> {
        let statements = match self {
            Self::Licences(statements) => statements.as_slice(),
            _ => &[],
        };
        let agreed = self.agreement().into_iter().flat_map(|agreement| &agreement.agreed);
        let refused = self.agreement().into_iter().flat_map(|agreement| &agreement.refused);
        agreed.map(|row| &row.material).chain(refused).chain(statements.iter().map(|one| &one.material))
    }
}

impl Statement for Assertion {
    const DOMAIN: &'static str = MessageKind::Assertion.typ();
    const FORM: Form = Form::Typed;

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.issued)
    }
}

/// Field 3 to 6 are absent when there is nothing in them.
struct Own {
    subject: Sealed,
    said: Said,
}

impl Encode<()> for Own {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let agreed = self.said.agreement().map_or(&[][..], |agreement| &agreement.agreed);
        let refused = self.said.agreement().map_or(&[][..], |agreement| &agreement.refused);
        let digest = self.said.agreement().map(|agreement| agreement.digest);
        let licences = match &self.said {
            Said::Licences(statements) => statements.as_slice(),
            _ => &[],
        };
        let present = [!agreed.is_empty(), !refused.is_empty(), digest.is_some(), !licences.is_empty()];
        e.map(2 + present.into_iter().filter(|there| *there).count() as u64)?;
        self.subject.encode(e.u8(1)?.u8(self.said.kind().number())?.u8(2)?, ctx)?;
        if !agreed.is_empty() {
            agreed.encode(e.u8(3)?, ctx)?;
        }
        if !refused.is_empty() {
            cbor::text_list::encode(refused, e.u8(4)?, ctx)?;
        }
        if let Some(digest) = digest {
            digest.encode(e.u8(5)?, ctx)?;
        }
        if !licences.is_empty() {
            licences.encode(e.u8(6)?, ctx)?;
        }
        Ok(())
    }
}

impl<'b> Decode<'b, ()> for Own {
    /// Order and repetition need no care: what is read is written again and compared.
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let (mut kind, mut subject, mut digest) = (None, None, None);
        let (mut agreed, mut refused, mut licences) = (Vec::new(), Vec::new(), Vec::new());
        let count = d.map()?.ok_or_else(|| wrong("indefinite length"))?;
        for _ in 0..count {
            match d.u8()? {
                1 => kind = PhoneAsk::from_number(d.u8()?),
                2 => subject = Some(Sealed::decode(d, ctx)?),
                3 => agreed = Vec::<AgreedRow>::decode(d, ctx)?,
                4 => refused = cbor::text_list::decode(d, ctx)?,
                5 => digest = Some(Hash::decode(d, ctx)?),
                6 => licences = Vec::<LicenceStatement>::decode(d, ctx)?,
                _ => return Err(wrong("field that is not used here")),
            }
        }
        let agreement = |digest| Agreement { digest, agreed, refused };
        // What does not belong to the kind is not written again, and so refused.
        let said = match (needed(kind)?, digest) {
            (PhoneAsk::Face, None) => Said::Face,
            (PhoneAsk::Consent, Some(digest)) => Said::Consent(agreement(digest)),
            (PhoneAsk::Principal, Some(digest)) => Said::Principal(agreement(digest)),
            (PhoneAsk::Licences, None) => Said::Licences(licences),
            _ => return Err(wrong("fields that do not fit the kind of answer")),
        };
        Ok(Self { subject: needed(subject)?, said: said.each_once()? })
    }
}

impl Encode<()> for Assertion {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let own = Own { subject: self.subject.clone(), said: self.said.clone() };
        let (expires, issued, nonce) = (Some(self.expires), Some(self.issued), Some(self.nonce.0.to_vec()));
        Claims { expires, issued, key: None, nonce, own }.encode(e, ctx)
    }
}

impl<'b> Decode<'b, ()> for Assertion {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let claims = Claims::<Own>::decode(d, ctx)?;
        absent(claims.key)?;
        let Own { subject, said } = claims.own;
        Ok(Self {
            issued: needed(claims.issued)?,
            expires: needed(claims.expires)?,
            nonce: challenge_nonce(claims.nonce)?,
            subject,
            said,
        })
    }
}
