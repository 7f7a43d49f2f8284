//! 证照陈述: what the centre says of one licence in this moment, with the fields that the item may ask for.

use std::collections::BTreeMap;
use std::fmt;

use hall_domain::{Date, FieldKey, LicenceId, LicenceStatus, MaterialId, Timestamp};
use minicbor::data::Type;
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::claims::wrong;
use super::{CodeError, CodeKey, CodeKeys, SealNonce, Sealed};
use crate::cbor;

const DOMAIN: &str = "hallbox/fields/1";

/// One licence in an assertion, its fields sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceStatement {
    /// For which material it stands.
    pub material: MaterialId,
    /// 证照标识; kind, issuer and version stand in it.
    pub licence: LicenceId,
    /// 证照状态 when the assertion was made.
    pub status: LicenceStatus,
    /// 有效期截止, inclusive; `None` = 长期.
    pub valid_until: Option<Date>,
    /// The fields.
    pub fields: Sealed,
}

/// One licence with its fields open. Personal data; `Debug` shows only what it is.
#[derive(Clone, PartialEq, Eq)]
pub struct StatedLicence {
    /// For which material it stands.
    pub material: MaterialId,
    /// 证照标识; kind, issuer and version stand in it.
    pub licence: LicenceId,
    /// 证照状态 when the assertion was made.
    pub status: LicenceStatus,
    /// 有效期截止, inclusive; `None` = 长期.
    pub valid_until: Option<Date>,
    /// 证照信息项 with their values, only such as the item may ask for.
    pub fields: BTreeMap<FieldKey, String>,
}

impl StatedLicence {
    /// Seals the fields with `key`; `nonce` must be new for this key.
    pub fn seal(&self, key: &CodeKey, nonce: SealNonce) -> LicenceStatement {
        LicenceStatement {
            material: self.material.clone(),
            licence: self.licence.clone(),
            status: self.status,
            valid_until: self.valid_until,
            fields: key.seal(&cbor::pack(&Fields(self.fields.clone())), DOMAIN, nonce),
        }
    }
}

impl LicenceStatement {
    /// Opens the fields that were sealed at `sealed_at`.
    ///
    /// # Errors
    /// When the key is unknown or was not in use then, or what is sealed are not fields.
    pub fn open(&self, keys: &CodeKeys, sealed_at: Timestamp) -> Result<StatedLicence, CodeError> {
        let plain = keys.open(&self.fields, DOMAIN, sealed_at)?;
        Ok(StatedLicence {
            material: self.material.clone(),
            licence: self.licence.clone(),
            status: self.status,
            valid_until: self.valid_until,
            fields: cbor::unpack::<Fields>(&plain).map_err(|_| CodeError::Sealed)?.0,
        })
    }
}

impl fmt::Debug for StatedLicence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatedLicence")
            .field("material", &self.material)
            .field("licence", &self.licence)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Encode<()> for LicenceStatement {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        e.array(5)?.str(self.material.as_str())?.str(self.licence.as_str())?.u8(self.status.bits())?;
        cbor::text_option::encode(&self.valid_until, e, ctx)?;
        self.fields.encode(e, ctx)
    }
}

impl<'b> Decode<'b, ()> for LicenceStatement {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        if d.array()? != Some(5) {
            return Err(wrong("not a statement of a licence"));
        }
        let material = cbor::text::decode(d, ctx)?;
        let licence = cbor::text::decode(d, ctx)?;
        let status = cbor::licence_status::decode(d, ctx)?;
        let valid_until = if d.datatype()? == Type::Null {
            d.null()?;
            None
        } else {
            Some(cbor::text::decode(d, ctx)?)
        };
        Ok(Self { material, licence, status, valid_until, fields: Sealed::decode(d, ctx)? })
    }
}

/// Keys in the order of their encoding (shorter first, then bytewise).
struct Fields(BTreeMap<FieldKey, String>);

impl Encode<()> for Fields {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let mut fields: Vec<_> = self.0.iter().collect();
        fields.sort_by_key(|(key, _)| (key.as_str().len(), key.as_str()));
        e.map(fields.len() as u64)?;
        fields.iter().try_for_each(|(key, value)| e.str(key.as_str())?.str(value)?.ok())
    }
}

impl<'b> Decode<'b, ()> for Fields {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let count = d.map()?.ok_or_else(|| wrong("indefinite length"))?;
        (0..count)
            .map(|_| Ok((cbor::text::decode(d, ctx)?, d.str()?.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
