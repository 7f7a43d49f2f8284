//! 手机请求: what a box asks a phone for, shown on the evaluator and bound to one case by its nonce.

use ed25519_dalek::{SigningKey, VerifyingKey};
use hall_domain::{ItemCode, MaterialId, PhoneAsk, Timestamp};
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::claims::{Claims, absent, needed, wrong};
use super::{CodeError, MessageKind, expect};
use crate::cose::{Form, Signed, Statement};
use crate::hash::{Hash, NoRandomness, fixed_bytes};
use crate::log::LogId;

/// How long a box lets a challenge stand.
pub const LIFE_S: i64 = 300;
/// Most materials of one request.
pub const MAX_MATERIALS: usize = 32;

/// 16 random bytes that bind an answer to one request of one case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChallengeNonce(pub [u8; 16]);

fixed_bytes!(ChallengeNonce, 16);

/// 手机请求 of a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// When the box stops waiting; whole seconds.
    pub expires: Timestamp,
    /// Binds the answer to this request.
    pub nonce: ChallengeNonce,
    /// The ledger of the box, by whose key the challenge is signed.
    pub log: LogId,
    /// 窗口 as the hall calls it, such as `综合1号窗口`; at most 32 characters.
    pub window: String,
    /// What is asked for.
    pub asked: Asked,
}

/// What a challenge asks for, with what that needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// 出示办事码.
    Code,
    /// 窗口刷脸.
    Face,
    /// 手机授权 of this request.
    Consent(ConsentRequest),
    /// 委托人确认 of this request.
    Principal(ConsentRequest),
    /// 出示证照 for these materials of an item.
    Licences {
        /// The item that is handled.
        item: ItemCode,
        /// The materials that it asks for.
        materials: Vec<MaterialId>,
    },
}

/// 授权请求: what the citizen is to agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRequest {
    /// The item that is handled.
    pub item: ItemCode,
    /// The materials that are asked for.
    pub materials: Vec<MaterialId>,
    /// Digest of the request as the box keeps it.
    pub digest: Hash,
}

/// A challenge as a phone handed it in: of the right form, and nothing else is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedChallenge {
    signed: Signed<Challenge>,
    log: LogId,
}

impl UnverifiedChallenge {
    /// The ledger that it names: good for finding the key.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The challenge, if the box of `key` signed it and it still stands.
    ///
    /// # Errors
    /// See [`CodeError`].
    pub fn verify(&self, key: &VerifyingKey, now: Timestamp) -> Result<Challenge, CodeError> {
        let challenge = self.signed.verify(key)?;
        if now >= challenge.expires { Err(CodeError::Expired) } else { Ok(challenge) }
    }
}

impl Challenge {
    /// Reads a challenge as a phone handed it in.
    ///
    /// # Errors
    /// When it is not a challenge by its form.
    pub fn parse(bytes: &[u8]) -> Result<UnverifiedChallenge, CodeError> {
        expect(MessageKind::Challenge, bytes)?;
        let signed = Signed::<Self>::from_bytes(bytes.to_vec());
        let log = signed.peek()?.log;
        Ok(UnverifiedChallenge { signed, log })
    }

    /// The bytes for the evaluator.
    pub fn sign(&self, ledger_key: &SigningKey) -> Vec<u8> {
        Signed::sign(self, ledger_key).into_bytes()
    }

    /// What kind of answer is asked for.
    pub fn kind(&self) -> PhoneAsk {
        self.asked.kind()
    }

    /// The item that is handled, where the request is about one.
    pub fn item(&self) -> Option<&ItemCode> {
        self.asked.about().map(|(item, _)| item)
    }

    /// The materials that are asked for.
    pub fn materials(&self) -> &[MaterialId] {
        self.asked.about().map_or(&[], |(_, materials)| materials)
    }

    /// Digest of the request that is to be agreed to.
    pub fn digest(&self) -> Option<Hash> {
        match &self.asked {
            Asked::Consent(request) | Asked::Principal(request) => Some(request.digest),
            Asked::Code | Asked::Face | Asked::Licences { .. } => None,
        }
    }
}

impl Asked {
    /// The kind.
    pub fn kind(&self) -> PhoneAsk {
        match self {
            Self::Code => PhoneAsk::Code,
            Self::Face => PhoneAsk::Face,
            Self::Consent(_) => PhoneAsk::Consent,
            Self::Principal(_) => PhoneAsk::Principal,
            Self::Licences { .. } => PhoneAsk::Licences,
        }
    }

    fn about(&self) -> Option<(&ItemCode, &[MaterialId])> {
        match self {
            Self::Code | Self::Face => None,
            Self::Consent(request) | Self::Principal(request) => Some((&request.item, &request.materials)),
            Self::Licences { item, materials } => Some((item, materials)),
        }
    }
}

impl ChallengeNonce {
    /// Fresh from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give; trying again can help.
    pub fn random() -> Result<Self, NoRandomness> {
        super::random().map(Self)
    }
}

impl Statement for Challenge {
    const DOMAIN: &'static str = MessageKind::Challenge.typ();
    const FORM: Form = Form::Typed;
}

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
struct Own {
    #[n(1)]
    kind: u8,
    #[n(2)]
    log: LogId,
    #[n(3)]
    window: String,
    #[n(4)]
    #[cbor(with = "crate::cbor::text_option", has_nil)]
    item: Option<ItemCode>,
    #[n(5)]
    materials: Option<Materials>,
    #[n(6)]
    digest: Option<Hash>,
}

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub(super) struct Materials(
    #[n(0)]
    #[cbor(with = "crate::cbor::text_list")]
    pub(super) Vec<MaterialId>,
);

impl Encode<()> for Challenge {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let about = self.asked.about();
        let own = Own {
            kind: self.kind().number(),
            log: self.log,
            window: self.window.clone(),
            item: about.map(|(item, _)| item.clone()),
            materials: about.map(|(_, materials)| Materials(materials.to_vec())),
            digest: self.digest(),
        };
        let (expires, nonce) = (Some(self.expires), Some(self.nonce.0.to_vec()));
        Claims { expires, issued: None, key: None, nonce, own }.encode(e, ctx)
    }
}

impl<'b> Decode<'b, ()> for Challenge {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let claims = Claims::<Own>::decode(d, ctx)?;
        absent(claims.issued)?;
        absent(claims.key)?;
        let Own { kind, log, window, item, materials, digest } = claims.own;
        let kind = PhoneAsk::from_number(kind).ok_or_else(|| wrong("no such kind of request"))?;
        let materials = materials.map(|materials| materials.0);
        let asked = match (kind, item, materials, digest) {
            (PhoneAsk::Code, None, None, None) => Asked::Code,
            (PhoneAsk::Face, None, None, None) => Asked::Face,
            (PhoneAsk::Consent, Some(item), Some(materials), Some(digest)) => {
                Asked::Consent(ConsentRequest { item, materials: asked_for(materials)?, digest })
            }
            (PhoneAsk::Principal, Some(item), Some(materials), Some(digest)) => {
                Asked::Principal(ConsentRequest { item, materials: asked_for(materials)?, digest })
            }
            (PhoneAsk::Licences, Some(item), Some(materials), None) => {
                Asked::Licences { item, materials: asked_for(materials)? }
            }
            _ => return Err(wrong("fields that do not fit the kind of request")),
        };
        if !(1..=32).contains(&window.chars().count()) || window.chars().any(char::is_control) {
            return Err(wrong("not the name of a window"));
        }
        Ok(Self {
            expires: needed(claims.expires)?,
            nonce: challenge_nonce(claims.nonce)?,
            log,
            window,
            asked,
        })
    }
}

pub(super) fn challenge_nonce(nonce: Option<Vec<u8>>) -> Result<ChallengeNonce, decode::Error> {
    let nonce = needed(nonce)?.try_into().map_err(|_| wrong("nonce of another length"))?;
    Ok(ChallengeNonce(nonce))
}

/// At least one material, each once.
fn asked_for(materials: Vec<MaterialId>) -> Result<Vec<MaterialId>, decode::Error> {
    let once = materials.iter().enumerate().all(|(n, material)| !materials[..n].contains(material));
    if once && (1..=MAX_MATERIALS).contains(&materials.len()) {
        Ok(materials)
    } else {
        Err(wrong("not a list of materials"))
    }
}
