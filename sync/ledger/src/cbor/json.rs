//! The JSON data model in deterministic CBOR.

use serde_json::{Map, Value};

use super::walk::{Head, Walker};
use super::{CborError, MAX_DEPTH};

pub(super) fn read(bytes: &[u8]) -> Result<Value, CborError> {
    let mut walker = Walker::new(bytes);
    let value = read_item(&mut walker, 0)?;
    walker.end()?;
    Ok(value)
}

pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    write_head(3, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_head(2, bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(crate) fn write_head(major: u8, value: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = value.to_be_bytes();
    match value {
        0..=23 => out.push(major | bytes[7]),
        24..=0xff => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

fn read_item(walker: &mut Walker<'_>, depth: usize) -> Result<Value, CborError> {
    if depth > MAX_DEPTH {
        return Err(CborError::TooDeep);
    }
    let start = walker.position();
    Ok(match walker.head()? {
        Head::Unsigned(value) => Value::Number(value.into()),
        Head::Negative(value) => {
            let value = i64::try_from(value).map_err(|_| CborError::Unsupported(start))?;
            Value::Number((-1 - value).into())
        }
        Head::Text(count) => Value::String(walker.text(count)?.to_owned()),
        Head::Array(count) => {
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(read_item(walker, depth + 1)?);
            }
            Value::Array(items)
        }
        Head::Map(count) => read_map(walker, count, depth)?,
        Head::False => Value::Bool(false),
        Head::True => Value::Bool(true),
        Head::Null => Value::Null,
        Head::Bytes(_) | Head::Tag(_) => return Err(CborError::Unsupported(start)),
    })
}

fn read_map(walker: &mut Walker<'_>, count: usize, depth: usize) -> Result<Value, CborError> {
    let mut map = Map::new();
    let mut previous: Option<&[u8]> = None;
    for _ in 0..count {
        let start = walker.position();
        let Head::Text(length) = walker.head()? else {
            return Err(CborError::Unsupported(start));
        };
        let key = walker.text(length)?;
        let encoded = walker.since(start);
        if previous.is_some_and(|previous| previous >= encoded) {
            return Err(CborError::NotDeterministic(start));
        }
        previous = Some(encoded);
        map.insert(key.to_owned(), read_item(walker, depth + 1)?);
    }
    Ok(Value::Object(map))
}
