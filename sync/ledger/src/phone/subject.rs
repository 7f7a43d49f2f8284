//! 主体 sealed into a message: `[holder, name, capacity]`.

use hall_domain::{Capacity, HolderId, Subject, Timestamp};
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::claims::{seconds, wrong};
use super::{CodeError, CodeKey, CodeKeys, SealNonce, Sealed};
use crate::cbor;

const DOMAIN: &str = "hallbox/subject/1";
/// Longest name of a person or an organisation, in characters.
const MAX_NAME: usize = 120;

/// Seals `subject` with `key`; `nonce` must be new for this key.
pub fn seal_subject(subject: &Subject, key: &CodeKey, nonce: SealNonce) -> Sealed {
    key.seal(&cbor::pack(&Plain(subject.clone())), DOMAIN, nonce)
}

/// Opens a subject that was sealed at `sealed_at`.
///
/// # Errors
/// When the key is unknown or was not in use then, or what is sealed is not a subject.
pub fn open_subject(sealed: &Sealed, keys: &CodeKeys, sealed_at: Timestamp) -> Result<Subject, CodeError> {
    let plain = keys.open(sealed, DOMAIN, sealed_at)?;
    cbor::unpack::<Plain>(&plain).map(|plain| plain.0).map_err(|_| CodeError::Sealed)
}

struct Plain(Subject);

impl Encode<()> for Plain {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let Subject { document, name, capacity } = &self.0;
        e.array(3)?.str(&HolderId::Person(document.clone()).key())?.str(name)?;
        match capacity {
            Capacity::Own => e.array(1)?.u8(0)?.ok(),
            Capacity::LegalRepresentative { uscc, name } => {
                e.array(3)?.u8(1)?.str(uscc.as_str())?.str(name)?.ok()
            }
            Capacity::Agent { uscc, name, until, place } => {
                e.array(5)?.u8(2)?.str(uscc.as_str())?.str(name)?.i64(whole(*until))?.u32(*place)?.ok()
            }
            Capacity::Delegate { principal, principal_name, item, until, place } => {
                e.array(6)?.u8(3)?.str(&principal.key())?.str(principal_name)?;
                cbor::text_option::encode(item, e, ctx)?;
                e.i64(whole(*until))?.u32(*place)?.ok()
            }
        }
    }
}

impl<'b> Decode<'b, ()> for Plain {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        if d.array()? != Some(3) {
            return Err(wrong("not a subject"));
        }
        let HolderId::Person(document) = cbor::holder::decode(d, ctx)? else {
            return Err(wrong("a subject is a person"));
        };
        let name = name(d)?;
        let capacity = match (d.array()?, d.u8()?) {
            (Some(1), 0) => Capacity::Own,
            (Some(3), 1) => {
                Capacity::LegalRepresentative { uscc: cbor::text::decode(d, ctx)?, name: self::name(d)? }
            }
            (Some(5), 2) => Capacity::Agent {
                uscc: cbor::text::decode(d, ctx)?,
                name: self::name(d)?,
                until: seconds(d)?,
                place: d.u32()?,
            },
            (Some(6), 3) => Capacity::Delegate {
                principal: cbor::holder::decode(d, ctx)?,
                principal_name: self::name(d)?,
                item: item(d, ctx)?,
                until: seconds(d)?,
                place: d.u32()?,
            },
            _ => return Err(wrong("no such capacity")),
        };
        Ok(Self(Subject { document, name, capacity }))
    }
}

fn whole(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

fn name(d: &mut Decoder<'_>) -> Result<String, decode::Error> {
    let name = d.str()?;
    let short = (1..=MAX_NAME).contains(&name.chars().count());
    if short && !name.chars().any(char::is_control) { Ok(name.to_owned()) } else { Err(wrong("not a name")) }
}

fn item(d: &mut Decoder<'_>, ctx: &mut ()) -> Result<Option<hall_domain::ItemCode>, decode::Error> {
    if d.datatype()? == minicbor::data::Type::Null {
        d.null()?;
        return Ok(None);
    }
    cbor::text::decode(d, ctx).map(Some)
}
