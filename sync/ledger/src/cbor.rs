//! Deterministic CBOR (RFC 8949 §4.2.1), in two uses with one rule: what is accepted has exactly one
//! encoding, so bytes can be signed, compared and hashed without ever being re-encoded.
//!
//! - [`encode()`] and [`decode`]: bodies in the JSON data model, for any serde type (text keys).
//! - [`pack`] and [`unpack`]: headers, statements and wire messages with integer keys (minicbor derive).
//!
//! Neither knows floats, indefinite lengths or tags (a tag 18 stands only around a COSE_Sign1, see
//! [`crate::cose`]).

use minicbor::decode::Decode;
use minicbor::encode::Encode;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod encode;
mod fields;
mod json;
mod walk;

pub(crate) use fields::{
    digest_map, holder, licence_status, millis, millis_option, text, text_list, text_option,
};
pub(crate) use json::{write_bytes, write_head, write_text};
pub use walk::check_deterministic;

/// Deepest nesting of arrays and maps that is read.
pub const MAX_DEPTH: usize = 32;

/// Why bytes are not CBOR that is accepted here, or a value has no such encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The bytes end inside an item.
    #[error("CBOR ends in the middle of an item")]
    Truncated,
    /// Bytes follow the item.
    #[error("{0} bytes follow the CBOR item")]
    Trailing(usize),
    /// The same value has another, shorter or differently ordered encoding.
    #[error("CBOR is not in its deterministic form at byte {0}")]
    NotDeterministic(usize),
    /// Floats, tags, indefinite lengths, byte strings in bodies, keys that are not text in bodies.
    #[error("CBOR holds something that is never used here at byte {0}")]
    Unsupported(usize),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("CBOR is nested too deeply")]
    TooDeep,
    /// Well-formed, but not of the expected type.
    #[error("CBOR does not have the expected shape: {0}")]
    Shape(String),
    /// The value to be encoded holds a float or a number beyond 64 bits.
    #[error("value has no deterministic encoding: {0}")]
    Unencodable(String),
}

/// Encodes a value of the JSON data model. Map keys are sorted bytewise by their encoding.
///
/// # Errors
/// [`CborError::Unencodable`] for floats and for types that JSON cannot hold.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CborError> {
    let mut out = Vec::with_capacity(1024);
    value.serialize(encode::Encoder { out: &mut out, depth: 0 })?;
    Ok(out)
}

/// Decodes a value that [`encode()`] wrote. Whether fields that `T` does not know are refused is the choice
/// of `T` (`deny_unknown_fields`): an older reader can read a newer body.
///
/// # Errors
/// When the bytes are not the one deterministic encoding of a JSON value, or not of type `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    let value = json::read(bytes)?;
    serde_json::from_value(value).map_err(|e| CborError::Shape(without_values(&e.to_string())))
}

/// Decodes to a JSON value, for showing bodies whose type is not known (yet).
///
/// # Errors
/// When the bytes are not the one deterministic encoding of a JSON value.
pub fn decode_json(bytes: &[u8]) -> Result<serde_json::Value, CborError> {
    json::read(bytes)
}

/// Encodes a type with integer keys.
pub fn pack<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoders of this crate write into memory and do not fail")
}

/// Decodes a type with integer keys. Strict: the value encoded again must give the same bytes.
///
/// # Errors
/// When the bytes are not the deterministic encoding of a `T`.
pub fn unpack<'b, T: Decode<'b, ()> + Encode<()>>(bytes: &'b [u8]) -> Result<T, CborError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value: T = decoder.decode().map_err(shape)?;
    let read = decoder.position();
    if read != bytes.len() {
        return Err(CborError::Trailing(bytes.len() - read));
    }
    let again = pack(&value);
    if again != bytes {
        let at = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(CborError::NotDeterministic(at));
    }
    Ok(value)
}

/// Decodes what this program packed itself and has kept under a seal of its own, without asking again whether it is the
/// one encoding. Never for what came from outside.
///
/// # Errors
/// When the bytes are not of this type.
pub fn reread<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CborError> {
    minicbor::decode(bytes).map_err(shape)
}

/// Messages of serde quote what they found; bodies hold personal data, and messages end in logs.
fn without_values(message: &str) -> String {
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return message.to_owned();
    }
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "a value was refused by its type".into(),
    }
}

pub(crate) fn shape(error: minicbor::decode::Error) -> CborError {
    if error.is_end_of_input() { CborError::Truncated } else { CborError::Shape(error.to_string()) }
}
