//! Any serde value of the JSON data model, straight into deterministic CBOR: as `serde_json` would shape it, without
//! building that shape first.

use std::fmt::Display;

use serde::ser::{
    self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

use super::json::{write_head, write_text};
use super::{CborError, MAX_DEPTH, without_values};

impl ser::Error for CborError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Unencodable(without_values(&message.to_string()))
    }
}

/// Writes one value at the end of `out`.
pub(super) struct Encoder<'o> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) depth: usize,
}

/// An array whose head comes before its items once they are counted.
pub(super) struct Items<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
    start: usize,
    count: u64,
}

/// A map whose entries lie behind `start` in the order in which they came.
pub(super) struct Entries<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
    start: usize,
    /// Where each entry begins and where its key ends.
    entries: Vec<(usize, usize)>,
}

impl<'o> Encoder<'o> {
    fn integer(self, value: i128) -> Result<(), CborError> {
        match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => write_head(0, value, self.out),
            (_, Ok(value)) => write_head(1, !value as u64, self.out),
            _ => return Err(CborError::Unencodable("a number is not a 64-bit integer".into())),
        }
        Ok(())
    }

    fn inside(depth: usize) -> Result<usize, CborError> {
        if depth >= MAX_DEPTH { Err(CborError::TooDeep) } else { Ok(depth + 1) }
    }

    fn items(self) -> Result<Items<'o>, CborError> {
        let depth = Self::inside(self.depth)?;
        Ok(Items { start: self.out.len(), out: self.out, depth, count: 0 })
    }

    fn entries(self, count: usize) -> Result<Entries<'o>, CborError> {
        let depth = Self::inside(self.depth)?;
        // What is told of the length of a map from outside is no reason to reserve much.
        let entries = Vec::with_capacity(count.min(64));
        Ok(Entries { start: self.out.len(), out: self.out, depth, entries })
    }

    /// The map of one entry that stands for a variant with content.
    fn variant(self, name: &str) -> Result<Self, CborError> {
        let depth = Self::inside(self.depth)?;
        write_head(5, 1, self.out);
        write_text(name, self.out);
        Ok(Self { out: self.out, depth })
    }
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CborError> {
        self.count += 1;
        value.serialize(Encoder { out: self.out, depth: self.depth })
    }

    fn finish(self) {
        let mut head = Vec::with_capacity(9);
        write_head(4, self.count, &mut head);
        self.out.splice(self.start..self.start, head);
    }
}

impl Entries<'_> {
    fn key(&mut self, key: &str) {
        let start = self.out.len();
        write_text(key, self.out);
        self.entries.push((start, self.out.len()));
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CborError> {
        value.serialize(Encoder { out: self.out, depth: self.depth })
    }

    /// Sorts the entries by their keys' encoding and puts the head before them. Of two with the same key the later
    /// counts.
    fn finish(self) {
        let ends = self.entries.iter().skip(1).map(|(start, _)| *start).chain([self.out.len()]);
        let mut entries: Vec<(&[u8], &[u8])> = self
            .entries
            .iter()
            .zip(ends)
            .map(|((start, key), end)| (&self.out[*start..*key], &self.out[*start..end]))
            .collect();
        entries.sort_by_key(|(key, _)| *key);
        let last = |index: usize| entries.get(index + 1).is_none_or(|next| next.0 != entries[index].0);
        let kept = || (0..entries.len()).filter(|index| last(*index)).map(|index| entries[index].1);
        let mut sorted = Vec::with_capacity(self.out.len() - self.start + 9);
        write_head(5, kept().count() as u64, &mut sorted);
        kept().for_each(|entry| sorted.extend_from_slice(entry));
        self.out.truncate(self.start);
        self.out.extend_from_slice(&sorted);
    }
}

impl<'o> ser::Serializer for Encoder<'o> {
    type Ok = ();
    type Error = CborError;
    type SerializeSeq = Items<'o>;
    type SerializeTuple = Items<'o>;
    type SerializeTupleStruct = Items<'o>;
    type SerializeTupleVariant = Items<'o>;
    type SerializeMap = Entries<'o>;
    type SerializeStruct = Entries<'o>;
    type SerializeStructVariant = Entries<'o>;

    fn serialize_bool(self, v: bool) -> Result<(), CborError> {
        self.out.push(if v { 0xf5 } else { 0xf4 });
        Ok(())
    }
    fn serialize_i8(self, v: i8) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_i128(self, v: i128) -> Result<(), CborError> {
        self.integer(v)
    }
    fn serialize_u8(self, v: u8) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<(), CborError> {
        self.integer(v.into())
    }
    fn serialize_u128(self, v: u128) -> Result<(), CborError> {
        self.integer(i128::try_from(v).unwrap_or(i128::MAX))
    }
    fn serialize_f32(self, _: f32) -> Result<(), CborError> {
        Err(CborError::Unencodable("a number is not a 64-bit integer".into()))
    }
    fn serialize_f64(self, _: f64) -> Result<(), CborError> {
        Err(CborError::Unencodable("a number is not a 64-bit integer".into()))
    }
    fn serialize_char(self, v: char) -> Result<(), CborError> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<(), CborError> {
        write_text(v, self.out);
        Ok(())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), CborError> {
        let mut items = self.items()?;
        v.iter().try_for_each(|byte| items.item(byte))?;
        items.finish();
        Ok(())
    }
    fn serialize_none(self) -> Result<(), CborError> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CborError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), CborError> {
        self.out.push(0xf6);
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CborError> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), CborError> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CborError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CborError> {
        value.serialize(self.variant(variant)?)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'o>, CborError> {
        self.items()
    }
    fn serialize_tuple(self, _: usize) -> Result<Items<'o>, CborError> {
        self.items()
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'o>, CborError> {
        self.items()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'o>, CborError> {
        self.variant(variant)?.items()
    }
    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'o>, CborError> {
        self.entries(len.unwrap_or_default())
    }
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Entries<'o>, CborError> {
        self.entries(len)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries<'o>, CborError> {
        self.variant(variant)?.entries(len)
    }
}

macro_rules! items {
    ($($of:ident :: $each:ident),*) => {$(
        impl $of for Items<'_> {
            type Ok = ();
            type Error = CborError;

            fn $each<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CborError> {
                self.item(value)
            }
            fn end(self) -> Result<(), CborError> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($of:ident),*) => {$(
        impl $of for Entries<'_> {
            type Ok = ();
            type Error = CborError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), CborError> {
                self.key(key);
                self.value(value)
            }
            fn end(self) -> Result<(), CborError> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = CborError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CborError> {
        let key = key.serialize(Key)?;
        self.key(&key);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CborError> {
        self.value(value)
    }
    fn end(self) -> Result<(), CborError> {
        self.finish();
        Ok(())
    }
}

/// Keys are text, as in JSON: what is written as text or as a number.
struct Key;

macro_rules! keys {
    ($($name:ident: $of:ty),*) => {$(
        fn $name(self, value: $of) -> Result<String, CborError> {
            Ok(value.to_string())
        }
    )*};
}

macro_rules! no_keys {
    ($($name:ident($($of:ty),*) -> $gives:ty;)*) => {$(
        fn $name(self, $(_: $of),*) -> Result<$gives, CborError> {
            Err(CborError::Unencodable("a key is no text".into()))
        }
    )*};
}

impl ser::Serializer for Key {
    type Ok = String;
    type Error = CborError;
    type SerializeSeq = Impossible<String, CborError>;
    type SerializeTuple = Impossible<String, CborError>;
    type SerializeTupleStruct = Impossible<String, CborError>;
    type SerializeTupleVariant = Impossible<String, CborError>;
    type SerializeMap = Impossible<String, CborError>;
    type SerializeStruct = Impossible<String, CborError>;
    type SerializeStructVariant = Impossible<String, CborError>;

    keys! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }
    no_keys! {
        serialize_f32(f32) -> String;
        serialize_f64(f64) -> String;
        serialize_bytes(&[u8]) -> String;
        serialize_none() -> String;
        serialize_unit() -> String;
        serialize_unit_struct(&'static str) -> String;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, CborError> {
        value.serialize(self)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, CborError> {
        Ok(variant.to_owned())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<String, CborError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, CborError> {
        Err(CborError::Unencodable("a key is no text".into()))
    }
}
