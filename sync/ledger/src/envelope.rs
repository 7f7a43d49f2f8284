//! Licence envelopes: the centre-signed form in which a licence is cached, sent and opened.
//!
//! The envelope holds a salted digest per field and of the holder; the values and salts lie beside it as
//! [`Disclosures`]. A box opens only the fields that a case may see, and every value is compared with its
//! signed digest *each time*: there is no way to a value that skips it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ed25519_dalek::SigningKey;
use hall_domain::{Date, FieldKey, HolderId, Licence, LicenceId, LicenceKindCode, Timestamp};
use minicbor::{Decode, Encode};

use crate::cose::{CoseError, Signed, Statement};
use crate::hash::{Hash, Salt};
use crate::trust::{CentreKeys, Roles};

mod filing;
mod issue;
mod open;
mod remember;

pub use filing::{Filing, FilingError};
pub use issue::{Issue, IssuedEnvelope};
pub use open::{CacheState, OpenError, Validity, VerifiedEnvelope};
pub use remember::Signatures;

/// The field under which [`Licence::number`] (证照编号) is disclosed.
pub const NUMBER_FIELD: &str = "number";

/// Which body issued a licence (颁发机构).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct IssuerRef {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// Its unified social credit code.
    #[n(1)]
    pub uscc: String,
}

/// Where the status of a licence stands: an index in a status list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct StatusRef {
    /// Number of the list.
    #[n(0)]
    pub list: u32,
    /// Index in the list.
    #[n(1)]
    pub index: u32,
}

/// The licence file (OFD or PDF), by content.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FileRef {
    /// SHA-256 of the file.
    #[n(0)]
    pub sha256: Hash,
    /// For example `application/ofd`.
    #[n(1)]
    pub media_type: String,
    /// Bytes.
    #[n(2)]
    pub size: u64,
}

/// What the centre signs about one licence (电子证照). Nothing in it can be read back to a person.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Envelope {
    /// 证照标识.
    #[n(0)]
    #[cbor(with = "crate::cbor::text")]
    pub licence: LicenceId,
    /// 证照类型代码.
    #[n(1)]
    #[cbor(with = "crate::cbor::text")]
    pub kind: LicenceKindCode,
    /// 证照名称.
    #[n(2)]
    pub name: String,
    /// Salted digest of the holder.
    #[n(3)]
    pub holder: Hash,
    /// 颁发机构.
    #[n(4)]
    pub issuer: IssuerRef,
    /// 颁发日期.
    #[n(5)]
    #[cbor(with = "crate::cbor::text")]
    pub issued: Date,
    /// 有效期起始.
    #[n(6)]
    #[cbor(with = "crate::cbor::text")]
    pub valid_from: Date,
    /// 有效期截止, inclusive; `None` = 长期.
    #[n(7)]
    #[cbor(with = "crate::cbor::text_option", has_nil)]
    pub valid_until: Option<Date>,
    /// 版本号.
    #[n(8)]
    pub version: u16,
    /// Salted digest per field, the licence number under [`NUMBER_FIELD`].
    #[n(9)]
    #[cbor(with = "crate::cbor::digest_map")]
    pub fields: BTreeMap<FieldKey, Hash>,
    /// Where its status stands.
    #[n(10)]
    pub status: StatusRef,
    /// 核验时间: when the centre last looked at the source.
    #[n(11)]
    #[cbor(with = "crate::cbor::millis")]
    pub checked_at: Timestamp,
    /// When a cache must stop using this envelope, whatever the status list says.
    #[n(12)]
    #[cbor(with = "crate::cbor::millis")]
    pub expires_at: Timestamp,
    /// Codes of the halls that may cache it.
    #[n(13)]
    pub halls: BTreeSet<String>,
    /// For an organisation's licence: salted digest of its legal representative (法定代表人).
    #[n(14)]
    pub relation: Option<Hash>,
    /// The licence file.
    #[n(15)]
    pub file: Option<FileRef>,
}

impl Statement for Envelope {
    const DOMAIN: &'static str = "hallbox/envelope/1";
    const ROLE: Roles = Roles::ENVELOPES;

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.checked_at)
    }
}

/// One field in the open: value and salt. Debug shows the key only.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Disclosure {
    /// Which field.
    #[n(0)]
    #[cbor(with = "crate::cbor::text")]
    pub field: FieldKey,
    /// The salt of its digest.
    #[n(1)]
    pub salt: Salt,
    /// The value.
    #[n(2)]
    pub value: String,
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosure({})", self.field)
    }
}

/// Everything that lies beside an envelope. Stored sealed to the holder.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Disclosures {
    /// Salt of the holder digest.
    #[n(0)]
    pub holder_salt: Salt,
    /// Salt of the relation digest.
    #[n(1)]
    pub relation_salt: Option<Salt>,
    /// The fields, in the order of their keys.
    #[n(2)]
    pub fields: Vec<Disclosure>,
}

impl fmt::Debug for Disclosures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosures({} fields)", self.fields.len())
    }
}

/// `SHA-256(CBOR [salt, field key, value])`.
pub fn field_digest(salt: &Salt, field: &FieldKey, value: &str) -> Hash {
    let mut bytes = Vec::with_capacity(value.len() + 64);
    bytes.push(0x83);
    crate::cbor::write_bytes(&salt.0, &mut bytes);
    crate::cbor::write_text(field.as_str(), &mut bytes);
    crate::cbor::write_text(value, &mut bytes);
    Hash::of(&bytes)
}

/// `SHA-256(CBOR [salt, "holder", key])`, `key` being the text form of the holder, for example
/// `111:519900199003070011`.
pub fn holder_digest(salt: &Salt, holder: &HolderId) -> Hash {
    person_digest(salt, "holder", holder)
}

/// `SHA-256(CBOR [salt, "legal_representative", key])`.
pub fn relation_digest(salt: &Salt, representative: &HolderId) -> Hash {
    person_digest(salt, "legal_representative", representative)
}

fn person_digest(salt: &Salt, role: &str, holder: &HolderId) -> Hash {
    let mut bytes = Vec::with_capacity(80);
    bytes.push(0x83);
    crate::cbor::write_bytes(&salt.0, &mut bytes);
    crate::cbor::write_text(role, &mut bytes);
    crate::cbor::write_text(&holder.key(), &mut bytes);
    Hash::of(&bytes)
}

impl Envelope {
    /// Signs the envelope of `licence` and lays its disclosures beside it. `salt` gives a fresh salt per
    /// call ([`Salt::random`]).
    ///
    /// # Errors
    /// When `salt` fails.
    pub fn issue<E>(
        licence: &Licence,
        issue: &Issue,
        key: &SigningKey,
        salt: impl FnMut() -> Result<Salt, E>,
    ) -> Result<IssuedEnvelope, E> {
        issue::issue(licence, issue, key, salt)
    }

    /// Verifies a stored or received envelope; one that a retired key signed in its time stays good until its expiry, and
    /// travels inside a page that was signed anew. Age and validity are not errors but facts about it, see
    /// [`VerifiedEnvelope::validity`] and [`VerifiedEnvelope::cache`].
    ///
    /// # Errors
    /// When it is not a signed envelope of this centre.
    pub fn verify(bytes: &[u8], keys: &CentreKeys) -> Result<VerifiedEnvelope, CoseError> {
        let envelope = Signed::<Self>::from_bytes(bytes.to_vec()).verify_kept(keys)?;
        Ok(VerifiedEnvelope::new(envelope))
    }
}
