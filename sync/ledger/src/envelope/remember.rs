//! Verified once: which exact bytes carry a good signature, so that opening the same licence again does not compute it
//! again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Envelope, VerifiedEnvelope};
use crate::cose::{CoseError, Sign1, Statement};
use crate::hash::Hash;
use crate::trust::{CentreKeys, Use};

/// Envelopes of one generation; at most two are kept, about 2 MB.
const GENERATION: usize = 8_192;

/// Remembers a bounded number of signatures that were found good, each by the SHA-256 of the exact signed bytes and the
/// whole key that signed them.
///
/// Nothing else is remembered. The envelope is read from the bytes at hand each time, every value is compared with its
/// signed digest each time, and so is the time of its key: one that is no longer trusted ends what it signed at once.
#[derive(Default)]
pub struct Signatures {
    seen: Mutex<Seen>,
}

/// Digest of the bytes, and the key.
type Good = HashMap<Hash, [u8; 32]>;

#[derive(Default)]
struct Seen {
    now: Good,
    before: Good,
}

impl Signatures {
    /// As [`Envelope::verify`], and the digest of the bytes.
    ///
    /// # Errors
    /// When the bytes are not a signed envelope of this centre.
    pub fn verify(&self, bytes: &[u8], keys: &CentreKeys) -> Result<(VerifiedEnvelope, Hash), CoseError> {
        let digest = Hash::of(bytes);
        let parsed = Sign1::parse(bytes)?;
        let unknown = CoseError::UnknownKey(parsed.kid());
        let key = keys.find(parsed.kid()).ok_or(unknown.clone())?;
        let known = self.knows(&digest, key.as_bytes());
        let envelope: Envelope = if known {
            // The same bytes were read strictly when their signature was verified.
            minicbor::decode(parsed.unverified_payload()).map_err(crate::cbor::shape)?
        } else {
            crate::cbor::unpack(parsed.verify(key, Envelope::DOMAIN)?)?
        };
        keys.signer(parsed.kid(), Envelope::ROLE, envelope.stated_at(), Use::Kept).ok_or(unknown)?;
        if !known {
            self.note(digest, key.to_bytes());
        }
        Ok((VerifiedEnvelope::new(envelope), digest))
    }

    fn knows(&self, digest: &Hash, key: &[u8; 32]) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.now.get(digest).or_else(|| seen.before.get(digest)).is_some_and(|by| by == key)
    }

    fn note(&self, digest: Hash, key: [u8; 32]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.now.len() >= GENERATION {
            seen.before = std::mem::take(&mut seen.now);
        }
        seen.now.insert(digest, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cose::Signed;
    use crate::envelope::{IssuerRef, StatusRef};
    use crate::hash::Salt;
    use crate::trust::{BundleKey, Roles, SUITE, SignedBundle, Suite, Trust, TrustBundle};
    use ed25519_dalek::SigningKey;
    use hall_domain::{LicenceId, LicenceKindCode, Timestamp, Uscc};
    use std::collections::{BTreeMap, BTreeSet};

    fn envelope(version: u16) -> Envelope {
        let kind: LicenceKindCode = "11100000000013338W011".parse().unwrap();
        let uscc: Uscc = "11519900MBTE5T0968".parse().unwrap();
        let day = Timestamp(1_795_000_000_000);
        Envelope {
            licence: LicenceId::compose(&kind, &uscc, "000000001", version).unwrap(),
            kind,
            name: "营业执照".to_owned(),
            holder: crate::envelope::holder_digest(
                &Salt([1; 16]),
                &"111:519900199003070011".parse().unwrap(),
            ),
            issuer: IssuerRef { name: "安澜市市场监督管理局".to_owned(), uscc: uscc.to_string() },
            issued: day.local_date(),
            valid_from: day.local_date(),
            valid_until: None,
            version,
            fields: BTreeMap::from([("name".parse().unwrap(), Hash::of(b"name"))]),
            status: StatusRef { list: 1, index: 7 },
            checked_at: day,
            expires_at: day.plus_hours(72),
            halls: BTreeSet::from(["990001".to_owned()]),
            relation: None,
            file: None,
        }
    }

    fn remembered(signatures: &Signatures) -> usize {
        let seen = signatures.seen.lock().unwrap();
        seen.now.len() + seen.before.len()
    }

    #[test]
    fn one_changed_byte_is_another_envelope_however_often_the_good_one_was_seen() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let keys = CentreKeys::new([key.verifying_key()]).unwrap();
        let bytes = Signed::sign(&envelope(1), &key).into_bytes();
        let signatures = Signatures::default();
        let first = signatures.verify(&bytes, &keys).unwrap();
        assert_eq!(signatures.verify(&bytes, &keys).unwrap(), first);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(signatures.verify(&changed, &keys).is_err(), "byte {at} was changed and nobody noticed");
        }
        assert_eq!(remembered(&signatures), 1);
    }

    #[test]
    fn what_was_remembered_ends_with_the_trust_in_its_key() {
        let (old, new) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let both = CentreKeys::new([old.verifying_key(), new.verifying_key()]).unwrap();
        let bytes = Signed::sign(&envelope(1), &old).into_bytes();
        let signatures = Signatures::default();
        signatures.verify(&bytes, &both).unwrap();
        let later = CentreKeys::new([new.verifying_key()]).unwrap();
        assert!(matches!(signatures.verify(&bytes, &later), Err(CoseError::UnknownKey(_))));
    }

    #[test]
    fn a_key_that_has_had_its_time_signs_no_envelope_that_says_it_was_made_later() {
        let [root, old] = [6, 7].map(|seed| SigningKey::from_bytes(&[seed; 32]));
        let made = envelope(1).checked_at;
        let trust = |version, end: Timestamp| {
            let key = |key: &SigningKey, not_before, not_after, retired| BundleKey {
                suite: SUITE.to_owned(),
                key: key.verifying_key().as_bytes().to_vec(),
                roles: Roles::ALL,
                not_before,
                not_after,
                retired,
            };
            let bundle = TrustBundle {
                version,
                issued_at: made,
                expires_at: made.plus_hours(24),
                roots: vec![root.verifying_key().to_bytes().into()],
                keys: vec![key(&old, Timestamp(0), Some(end), true), key(&root, end, None, false)],
                suites: Suite::named(),
                documents: Vec::new(),
                code_keys: crate::phone::CodeKeys::default(),
            };
            let pinned = CentreKeys::new([old.verifying_key()]).unwrap();
            let pinned = Trust::pinned(pinned, Some(root.verifying_key()), made);
            pinned.accept(&SignedBundle::sign(&bundle, &[&root])).unwrap()
        };
        let bytes = Signed::sign(&envelope(1), &old).into_bytes();
        let signatures = Signatures::default();
        assert!(signatures.verify(&bytes, trust(1, made).keys()).is_ok(), "retired, and kept");
        let sooner = trust(2, made.plus_ms(-1));
        assert!(matches!(signatures.verify(&bytes, sooner.keys()), Err(CoseError::UnknownKey(_))));
        assert!(signatures.verify(&bytes, trust(3, made).keys()).is_ok());
    }

    #[test]
    fn only_so_many_are_remembered() {
        let signatures = Signatures::default();
        for n in 0..3 * GENERATION as u64 {
            signatures.note(Hash::of(&n.to_be_bytes()), [1; 32]);
        }
        assert!(remembered(&signatures) <= 2 * GENERATION);
        assert!(signatures.knows(&Hash::of(&(3 * GENERATION as u64 - 1).to_be_bytes()), &[1; 32]));
    }
}
