//! How types of the domain stand in messages with integer keys: times as integers, identifiers and dates
//! as text, each parsed again on the way in. For `#[cbor(with = "…")]`.

/// [`hall_domain::Timestamp`]: milliseconds since 1970 UTC.
pub(crate) mod millis {
    use hall_domain::Timestamp;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub(crate) fn encode<C, W: Write>(
        value: &Timestamp,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.i64(value.0)?.ok()
    }

    pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Timestamp, decode::Error> {
        d.i64().map(Timestamp)
    }
}

/// An optional [`hall_domain::Timestamp`]; absent when `None`.
pub(crate) mod millis_option {
    use hall_domain::Timestamp;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub(crate) fn encode<C, W: Write>(
        value: &Option<Timestamp>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match value {
            Some(value) => e.i64(value.0)?.ok(),
            None => e.null()?.ok(),
        }
    }

    pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Option<Timestamp>, decode::Error> {
        d.i64().map(|value| Some(Timestamp(value)))
    }

    pub(crate) fn nil() -> Option<Option<Timestamp>> {
        Some(None)
    }

    pub(crate) fn is_nil(value: &Option<Timestamp>) -> bool {
        value.is_none()
    }
}

/// Anything with one text form.
pub(crate) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub(crate) fn encode<C, T: Display, W: Write>(
        value: &T,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(&value.to_string())?.ok()
    }

    pub(crate) fn decode<C, T: FromStr>(d: &mut Decoder<'_>, _: &mut C) -> Result<T, decode::Error> {
        // The parse error may quote what it read; what is read here may be an identity number.
        d.str()?.parse().map_err(|_| decode::Error::message("identifier is not valid"))
    }
}

/// Optional text; absent when `None`.
pub(crate) mod text_option {
    use std::fmt::Display;
    use std::str::FromStr;

    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub(crate) fn encode<C, T: Display, W: Write>(
        value: &Option<T>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match value {
            Some(value) => super::text::encode(value, e, ctx),
            None => e.null()?.ok(),
        }
    }

    pub(crate) fn decode<C, T: FromStr>(
        d: &mut Decoder<'_>,
        ctx: &mut C,
    ) -> Result<Option<T>, decode::Error> {
        super::text::decode(d, ctx).map(Some)
    }

    pub(crate) fn nil<T>() -> Option<Option<T>> {
        Some(None)
    }

    pub(crate) fn is_nil<T>(value: &Option<T>) -> bool {
        value.is_none()
    }
}

/// A list of anything with a text form.
pub(crate) mod text_list {
    use std::fmt::Display;
    use std::str::FromStr;

    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub(crate) fn encode<C, T: Display, W: Write>(
        value: &[T],
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(value.len() as u64)?;
        value.iter().try_for_each(|item| super::text::encode(item, e, ctx))
    }

    pub(crate) fn decode<C, T: FromStr>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<T>, decode::Error> {
        let count = d.array()?.ok_or_else(super::indefinite)?;
        (0..count).map(|_| super::text::decode(d, ctx)).collect()
    }
}

/// 持证主体: the text form of [`hall_domain::HolderId`], for example `111:519900199003070011`.
pub(crate) mod holder {
    use hall_domain::HolderId;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub(crate) fn encode<C, W: Write>(
        value: &HolderId,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(&value.key())?.ok()
    }

    pub(crate) fn decode<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<HolderId, decode::Error> {
        super::text::decode(d, ctx)
    }
}

/// [`hall_domain::LicenceStatus`]: the two bits of the status list.
pub(crate) mod licence_status {
    use hall_domain::LicenceStatus;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub(crate) fn encode<C, W: Write>(
        value: &LicenceStatus,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.u8(value.bits())?.ok()
    }

    pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<LicenceStatus, decode::Error> {
        match d.u8()? {
            bits @ 0..=3 => Ok(LicenceStatus::from_bits(bits)),
            _ => Err(decode::Error::message("no such licence status")),
        }
    }
}

/// Digests by field key; keys in the order of their encoding (shorter first, then bytewise).
pub(crate) mod digest_map {
    use std::collections::BTreeMap;

    use hall_domain::FieldKey;
    use minicbor::decode::{self, Decode, Decoder};
    use minicbor::encode::{self, Encode, Encoder, Write};

    use crate::hash::Hash;

    pub(crate) fn encode<C, W: Write>(
        value: &BTreeMap<FieldKey, Hash>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let mut entries: Vec<(String, &Hash)> = value.iter().map(|(k, v)| (k.to_string(), v)).collect();
        entries.sort_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
        e.map(entries.len() as u64)?;
        entries.iter().try_for_each(|(key, digest)| digest.encode(e.str(key)?, ctx))
    }

    pub(crate) fn decode<C>(
        d: &mut Decoder<'_>,
        ctx: &mut C,
    ) -> Result<BTreeMap<FieldKey, Hash>, decode::Error> {
        let count = d.map()?.ok_or_else(super::indefinite)?;
        (0..count).map(|_| Ok((super::text::decode(d, ctx)?, Hash::decode(d, ctx)?))).collect()
    }
}

fn indefinite() -> minicbor::decode::Error {
    minicbor::decode::Error::message("indefinite length")
}
