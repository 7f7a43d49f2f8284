//! Issuing envelopes: the centre's side.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use hall_domain::{FieldKey, HolderId, Licence, Timestamp};
use minicbor::{Decode, Encode};

use super::{
    Disclosure, Disclosures, Envelope, FileRef, IssuerRef, NUMBER_FIELD, StatusRef, field_digest,
    holder_digest, relation_digest,
};
use crate::cose::Signed;
use crate::hash::Salt;

/// What the centre decides about an envelope, beside the licence itself.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Where the status of the licence stands.
    pub status: StatusRef,
    /// When the source was last looked at.
    pub checked_at: Timestamp,
    /// When caches must stop using the envelope.
    pub expires_at: Timestamp,
    /// Codes of the halls that may cache it.
    pub halls: BTreeSet<String>,
    /// For an organisation's licence: its legal representative (法定代表人).
    pub relation: Option<HolderId>,
    /// The licence file, if there is one.
    pub file: Option<FileRef>,
}

/// An envelope with everything that lies beside it, as it comes down the feed or a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct IssuedEnvelope {
    /// The signed part.
    #[n(0)]
    pub envelope: Signed<Envelope>,
    /// Salts and values.
    #[n(1)]
    pub disclosures: Disclosures,
    /// Whose licence it is: the text form of the [`HolderId`], by which the box seals it.
    #[n(2)]
    #[cbor(with = "crate::cbor::holder")]
    pub holder: HolderId,
}

pub(super) fn issue<E>(
    licence: &Licence,
    issue: &Issue,
    key: &SigningKey,
    mut salt: impl FnMut() -> Result<Salt, E>,
) -> Result<IssuedEnvelope, E> {
    let holder_salt = salt()?;
    let relation = match &issue.relation {
        Some(representative) => Some((salt()?, representative)),
        None => None,
    };
    let mut values: BTreeMap<FieldKey, &str> =
        licence.fields.iter().map(|(field, value)| (field.clone(), value.as_str())).collect();
    // The number is a field like any other, so that it too can stay closed. One that the licence lists
    // itself under this key says the same thing.
    values.entry(number_field()).or_insert(&licence.number);
    let mut fields = Vec::with_capacity(values.len());
    for (field, value) in values {
        fields.push(Disclosure { field, salt: salt()?, value: value.to_owned() });
    }
    let envelope = Envelope {
        licence: licence.id.clone(),
        kind: licence.kind.clone(),
        name: licence.name.clone(),
        holder: holder_digest(&holder_salt, &licence.holder),
        issuer: IssuerRef { name: licence.issuer.name.clone(), uscc: licence.issuer.uscc.to_string() },
        issued: licence.issued,
        valid_from: licence.valid_from,
        valid_until: licence.valid_until,
        version: licence.version,
        fields: fields.iter().map(|d| (d.field.clone(), field_digest(&d.salt, &d.field, &d.value))).collect(),
        status: issue.status,
        checked_at: issue.checked_at,
        expires_at: issue.expires_at,
        halls: issue.halls.clone(),
        relation: relation.map(|(salt, representative)| relation_digest(&salt, representative)),
        file: issue.file.clone(),
    };
    Ok(IssuedEnvelope {
        envelope: Signed::sign(&envelope, key),
        disclosures: Disclosures { holder_salt, relation_salt: relation.map(|(salt, _)| salt), fields },
        holder: licence.holder.clone(),
    })
}

fn number_field() -> FieldKey {
    NUMBER_FIELD.parse().expect("the name of the number field is a field key")
}
