//! The trust bundle: what the province's root says about everything else that is signed.

use ed25519_dalek::{SigningKey, VerifyingKey};
use hall_domain::Timestamp;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::{CentreKey, CentreKeys, LIFE_DAYS, Roles, TrustRefusal};
use crate::cose::{CoseError, KeyId, Sign1, Signed, Statement};
use crate::document::DocumentKind;
use crate::phone::CodeKeys;

/// The one suite whose signatures this build believes: Ed25519 with SHA-256.
pub const SUITE: &str = "A";
/// Most roots of a bundle: the current one and the next.
pub const MAX_ROOTS: usize = 2;
/// Most keys of a bundle.
pub const MAX_KEYS: usize = 64;
/// Most code keys of a bundle.
pub const MAX_CODE_KEYS: usize = 64;

/// 算法套件: what a suite's letter stands for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Suite {
    /// Its letter.
    #[n(0)]
    pub name: String,
    /// The signature algorithm.
    #[n(1)]
    pub signature: String,
    /// The hash.
    #[n(2)]
    pub digest: String,
}

impl Suite {
    /// The suites that have a name: A, used and believed, and B, which this build knows by name only.
    pub fn named() -> Vec<Self> {
        [("A", "Ed25519", "SHA-256"), ("B", "SM2", "SM3")]
            .map(|(name, signature, digest)| Self {
                name: name.to_owned(),
                signature: signature.to_owned(),
                digest: digest.to_owned(),
            })
            .into()
    }
}

/// 中心公钥 as the bundle names it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BundleKey {
    /// The suite that it is of; keys of suites that a reader does not know are passed over.
    #[n(0)]
    pub suite: String,
    /// The public key, in the form of its suite.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub key: Vec<u8>,
    /// What it may sign.
    #[n(2)]
    pub roles: Roles,
    /// What it signs from this time on counts.
    #[n(3)]
    #[cbor(with = "crate::cbor::millis")]
    pub not_before: Timestamp,
    /// What it signs after this time does not count; absent while no next key is announced.
    #[n(4)]
    #[cbor(with = "crate::cbor::millis_option", has_nil)]
    pub not_after: Option<Timestamp>,
    /// It signs nothing new any more and is here only so that what it signed can be verified.
    #[n(5)]
    pub retired: bool,
}

/// A document that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DocumentInForce {
    /// Which.
    #[n(0)]
    pub kind: DocumentKind,
    /// Its version when the bundle was made.
    #[n(1)]
    pub version: u32,
}

/// 信任包: signed by the province's root, whose public key a box pins at enrolment. Holds secrets (the code keys):
/// it is never logged, and a box keeps it sealed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TrustBundle {
    /// Raised with each bundle; a box never goes back.
    #[n(0)]
    pub version: u32,
    /// When it was made.
    #[n(1)]
    #[cbor(with = "crate::cbor::millis")]
    pub issued_at: Timestamp,
    /// After this a box does only what needs no trust.
    #[n(2)]
    #[cbor(with = "crate::cbor::millis")]
    pub expires_at: Timestamp,
    /// Public keys of the roots: the current one, and the next while it is announced. All of them have signed.
    #[n(3)]
    pub roots: Vec<ByteArray<32>>,
    /// The centre's keys: retired, current and next.
    #[n(4)]
    pub keys: Vec<BundleKey>,
    /// What the letters of suites stand for.
    #[n(5)]
    pub suites: Vec<Suite>,
    /// Versions of policy, catalogue and other documents in force.
    #[n(6)]
    pub documents: Vec<DocumentInForce>,
    /// 码密钥: current and next at least, older ones while codes sealed with them may be shown.
    #[n(7)]
    pub code_keys: CodeKeys,
}

impl Statement for TrustBundle {
    const DOMAIN: &'static str = "hallbox/trust/1";
}

impl TrustBundle {
    /// The roots that it names.
    pub(super) fn root_keys(&self) -> Result<Vec<VerifyingKey>, TrustRefusal> {
        let read = |bytes: &ByteArray<32>| {
            VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).ok_or(TrustRefusal::Content)
        };
        self.roots.iter().map(read).collect()
    }

    /// The centre's keys of the suite that this build believes.
    pub(super) fn centre_keys(&self) -> Result<CentreKeys, TrustRefusal> {
        let known = self.keys.iter().filter(|key| key.suite == SUITE);
        let keys: Result<Vec<CentreKey>, TrustRefusal> = known
            .map(|named| {
                let bytes: [u8; 32] = named.key.as_slice().try_into().map_err(|_| TrustRefusal::Content)?;
                let key = VerifyingKey::from_bytes(&bytes).map_err(|_| TrustRefusal::Content)?;
                Ok(CentreKey {
                    id: KeyId::of(&key),
                    key,
                    roles: named.roles,
                    not_before: Some(named.not_before),
                    not_after: named.not_after,
                    retired: named.retired,
                })
            })
            .collect();
        let keys = keys?;
        if keys.iter().all(|key| key.retired) {
            return Err(TrustRefusal::Suite);
        }
        CentreKeys::of(keys).map_err(|_| TrustRefusal::Content)
    }

    fn check(&self) -> Result<(), TrustRefusal> {
        let life = self.expires_at.ms_since(self.issued_at);
        let fits = life > 0
            && life <= LIFE_DAYS * 24 * 3_600_000
            && (1..=MAX_ROOTS).contains(&self.roots.len())
            && self.keys.len() <= MAX_KEYS
            && self.code_keys.keys().len() <= MAX_CODE_KEYS;
        if fits { Ok(()) } else { Err(TrustRefusal::Content) }
    }
}

/// A bundle with the signature of each root that it names: the same bytes, signed by each.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignedBundle {
    /// One for each root, in their order.
    #[n(0)]
    pub signed: Vec<Signed<TrustBundle>>,
}

impl SignedBundle {
    /// Signs a bundle with the roots that it names.
    pub fn sign(bundle: &TrustBundle, roots: &[&SigningKey]) -> Self {
        Self { signed: roots.iter().map(|root| Signed::sign(bundle, root)).collect() }
    }

    /// The bundle, if every root that it names has signed it. Whether those are the right roots is for
    /// [`super::Trust::accept`].
    ///
    /// # Errors
    /// See [`TrustRefusal`].
    pub fn verify(&self) -> Result<TrustBundle, TrustRefusal> {
        let first = self.signed.first().ok_or(TrustRefusal::Signature)?;
        let bundle = first.peek().map_err(|_| TrustRefusal::Content)?;
        bundle.check()?;
        let payload = |signed| Sign1::parse(Signed::as_bytes(signed)).map(|it| it.unverified_payload());
        let same: Result<Vec<_>, CoseError> = self.signed.iter().map(payload).collect();
        let roots = bundle.root_keys()?;
        let one_each = self.signed.len() == roots.len()
            && same.is_ok_and(|payloads| payloads.windows(2).all(|pair| pair[0] == pair[1]))
            && self.signed.iter().zip(&roots).all(|(signed, root)| signed.verify(root).is_ok());
        if one_each { Ok(bundle) } else { Err(TrustRefusal::Signature) }
    }
}
