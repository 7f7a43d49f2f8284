//! Filing envelopes: what a cache needs of one before anybody opens it.

use hall_domain::{LicenceId, Timestamp};
use minicbor::{Decode, Decoder};

use super::{Envelope, IssuedEnvelope, VerifiedEnvelope, holder_digest};
use crate::cose::{CoseError, Sign1, Statement};
use crate::hash::Hash;
use crate::trust::{CentreKeys, Use};

/// By what a licence is filed in a cache. It opens nothing: the way to a value is [`VerifiedEnvelope`] alone.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Filing {
    /// 证照标识.
    #[n(0)]
    #[cbor(with = "crate::cbor::text")]
    pub licence: LicenceId,
    /// Salted digest of the holder.
    #[n(3)]
    holder: Hash,
    /// 版本号.
    #[n(8)]
    pub version: u16,
    /// 核验时间: when the centre last looked at the source.
    #[n(11)]
    #[cbor(with = "crate::cbor::millis")]
    pub checked_at: Timestamp,
    /// When a cache must stop using the envelope.
    #[n(12)]
    #[cbor(with = "crate::cbor::millis")]
    pub expires_at: Timestamp,
}

/// Why an envelope is not filed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilingError {
    /// It is no envelope by its shape, or names a key that may not sign envelopes of its time.
    #[error("envelope of a licence")]
    Envelope(#[from] CoseError),
    /// It would be sealed to somebody whose licence it is not.
    #[error("an envelope of another holder")]
    OtherHolder,
}

impl Filing {
    /// Reads it from a licence that the centre has *just* signed for as part of something larger, such as a page of the
    /// feed. Looks at the holder and at whether the named key may sign such envelopes; the envelope's own signature, which
    /// takes longer than all the rest, is left to [`Envelope::verify`], without which nothing is listed or opened.
    ///
    /// # Errors
    /// See [`FilingError`].
    pub fn read(issued: &IssuedEnvelope, keys: &CentreKeys) -> Result<Self, FilingError> {
        let message = Sign1::parse(issued.envelope.as_bytes())?;
        let mut payload = Decoder::new(message.unverified_payload());
        let filing: Self = payload.decode().map_err(|error| CoseError::Payload(crate::cbor::shape(error)))?;
        let kid = message.kid();
        keys.signer(kid, Envelope::ROLE, Some(filing.checked_at), Use::Kept)
            .ok_or(CoseError::UnknownKey(kid))?;
        if holder_digest(&issued.disclosures.holder_salt, &issued.holder) != filing.holder {
            return Err(FilingError::OtherHolder);
        }
        Ok(filing)
    }
}

impl From<&VerifiedEnvelope> for Filing {
    fn from(verified: &VerifiedEnvelope) -> Self {
        Self::from(verified.facts())
    }
}

impl From<&Envelope> for Filing {
    fn from(envelope: &Envelope) -> Self {
        Self {
            licence: envelope.licence.clone(),
            holder: envelope.holder,
            version: envelope.version,
            checked_at: envelope.checked_at,
            expires_at: envelope.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cose::Signed;
    use crate::envelope::Issue;
    use crate::envelope::StatusRef;
    use crate::hash::Salt;
    use ed25519_dalek::SigningKey;
    use hall_domain::{Issuer, Licence, LicenceKindCode, Uscc};
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    fn issued(key: &SigningKey) -> IssuedEnvelope {
        let kind: LicenceKindCode = "11100000000013338W011".parse().unwrap();
        let uscc: Uscc = "11519900MBTE5T0968".parse().unwrap();
        let day = Timestamp(1_795_000_000_000);
        let licence = Licence {
            id: LicenceId::compose(&kind, &uscc, "000000001", 3).unwrap(),
            kind,
            name: "居住证".to_owned(),
            holder: "111:519900199003070011".parse().unwrap(),
            number: "519900199003070011".to_owned(),
            issuer: Issuer { name: "安澜市公安局".to_owned(), uscc },
            issued: day.local_date(),
            valid_from: day.local_date(),
            valid_until: None,
            version: 3,
            fields: BTreeMap::from([("name".parse().unwrap(), "王芳".to_owned())]),
        };
        let issue = Issue {
            status: StatusRef { list: 1, index: 7 },
            checked_at: day,
            expires_at: day.plus_hours(72),
            halls: ["990001".to_owned()].into(),
            relation: None,
            file: None,
        };
        Envelope::issue(&licence, &issue, key, || Ok::<_, Infallible>(Salt([1; 16]))).unwrap()
    }

    #[test]
    fn what_is_filed_is_what_the_envelope_says() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let keys = CentreKeys::new([key.verifying_key()]).unwrap();
        let issued = issued(&key);
        let filing = Filing::read(&issued, &keys).unwrap();
        let verified = Envelope::verify(issued.envelope.as_bytes(), &keys).unwrap();
        assert_eq!(filing, Filing::from(&verified));
        assert_eq!((filing.version, filing.checked_at), (3, Timestamp(1_795_000_000_000)));
    }

    #[test]
    fn an_envelope_of_another_authority_or_holder_is_not_filed() {
        let (key, other) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let keys = CentreKeys::new([key.verifying_key()]).unwrap();
        let foreign = Filing::read(&issued(&other), &keys);
        assert!(matches!(foreign, Err(FilingError::Envelope(CoseError::UnknownKey(_)))), "{foreign:?}");
        let stolen = IssuedEnvelope { holder: "111:519900198805160241".parse().unwrap(), ..issued(&key) };
        assert_eq!(Filing::read(&stolen, &keys), Err(FilingError::OtherHolder));
        let short = IssuedEnvelope { envelope: Signed::from_bytes(vec![0xd2]), ..issued(&key) };
        assert_eq!(Filing::read(&short, &keys), Err(FilingError::Envelope(CoseError::Shape)));
    }
}
