//! Reading items one by one, with every rule of deterministic encoding checked on the way.

use super::{CborError, MAX_DEPTH};

/// The head of one CBOR item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Unsigned(u64),
    /// The value is `-1 - n`.
    Negative(u64),
    Bytes(usize),
    Text(usize),
    Array(usize),
    Map(usize),
    Tag(u64),
    False,
    True,
    Null,
}

/// Reads items from a slice. Lengths are never trusted: nothing is reserved before the bytes are there.
pub(super) struct Walker<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Walker<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8], CborError> {
        let end = self.at.checked_add(count).ok_or(CborError::Truncated)?;
        let slice = self.bytes.get(self.at..end).ok_or(CborError::Truncated)?;
        self.at = end;
        Ok(slice)
    }

    pub(super) fn text(&mut self, count: usize) -> Result<&'b str, CborError> {
        let start = self.at;
        std::str::from_utf8(self.take(count)?).map_err(|_| CborError::Unsupported(start))
    }

    pub(super) fn head(&mut self) -> Result<Head, CborError> {
        let start = self.at;
        let first = self.take(1)?[0];
        let (major, short) = (first >> 5, first & 0x1f);
        if major == 7 {
            return match short {
                20 => Ok(Head::False),
                21 => Ok(Head::True),
                22 => Ok(Head::Null),
                _ => Err(CborError::Unsupported(start)),
            };
        }
        let value = self.argument(short, start)?;
        let length = || usize::try_from(value).map_err(|_| CborError::Truncated);
        Ok(match major {
            0 => Head::Unsigned(value),
            1 => Head::Negative(value),
            2 => Head::Bytes(length()?),
            3 => Head::Text(length()?),
            4 => Head::Array(length()?),
            5 => Head::Map(length()?),
            _ => Head::Tag(value),
        })
    }

    /// The argument of an item, which must not fit a shorter form.
    fn argument(&mut self, short: u8, start: usize) -> Result<u64, CborError> {
        let (width, least) = match short {
            0..=23 => return Ok(u64::from(short)),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(CborError::Unsupported(start)),
        };
        let value = self.take(width)?.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        if value < least { Err(CborError::NotDeterministic(start)) } else { Ok(value) }
    }

    pub(super) fn end(&self) -> Result<(), CborError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            more => Err(CborError::Trailing(more)),
        }
    }

    /// The bytes from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        &self.bytes[start..self.at]
    }

    fn skip(&mut self, depth: usize) -> Result<(), CborError> {
        if depth > MAX_DEPTH {
            return Err(CborError::TooDeep);
        }
        let start = self.at;
        match self.head()? {
            Head::Bytes(count) => drop(self.take(count)?),
            Head::Text(count) => drop(self.text(count)?),
            Head::Array(count) => (0..count).try_for_each(|_| self.skip(depth + 1))?,
            Head::Map(count) => {
                let mut previous: Option<&[u8]> = None;
                for _ in 0..count {
                    let key_at = self.at;
                    self.skip(depth + 1)?;
                    let key = self.since(key_at);
                    if previous.is_some_and(|previous| previous >= key) {
                        return Err(CborError::NotDeterministic(key_at));
                    }
                    previous = Some(key);
                    self.skip(depth + 1)?;
                }
            }
            Head::Tag(_) => return Err(CborError::Unsupported(start)),
            Head::Unsigned(_) | Head::Negative(_) | Head::False | Head::True | Head::Null => {}
        }
        Ok(())
    }
}

/// Whether `bytes` are one CBOR item in deterministic form, of whatever type: the check for messages of a
/// schema that this version does not know.
///
/// # Errors
/// The first rule that is broken.
pub fn check_deterministic(bytes: &[u8]) -> Result<(), CborError> {
    let mut walker = Walker::new(bytes);
    walker.skip(0)?;
    walker.end()
}
