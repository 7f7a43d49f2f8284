//! Names of what citizens make: 26 characters that say nothing.

use hall_ledger::{Hash, LogId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;

/// 128 bits as 26 characters of Crockford's base 32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(pub [u8; 16]);

/// A text that cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of 26 characters")]
pub struct IdError;

impl Id {
    /// A new name.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The name of the consent that the entry at this position of a ledger gives. A box can say it before the centre
    /// has seen the entry, and print it.
    pub fn of_entry(log: LogId, seq: u64) -> Self {
        let log = log.to_string();
        let digest = Hash::of_parts(&[b"hallbox/consent/1", log.as_bytes(), &seq.to_be_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.0[..16]);
        Self(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        for n in (0..LENGTH).rev() {
            write!(f, "{}", char::from(ALPHABET[(number >> (5 * n)) as usize & 31]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != LENGTH {
            return Err(IdError);
        }
        let mut number: u128 = 0;
        for (n, byte) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|known| *known == byte).ok_or(IdError)? as u128;
            // 26 characters have two bits more than fit.
            if n == 0 && value > 7 {
                return Err(IdError);
            }
            number = number << 5 | value;
        }
        Ok(Self(number.to_be_bytes()))
    }
}

impl TryFrom<String> for Id {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_its_text_and_nothing_else_is_one() {
        for id in [Id([0; 16]), Id([255; 16]), Id::random().unwrap()] {
            assert_eq!(id.to_string().len(), LENGTH);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let too_large = "8".to_owned() + &"0".repeat(25);
        for text in ["", "0", "ILOU0000000000000000000000", &too_large, &"0".repeat(27)] {
            assert_eq!(text.parse::<Id>(), Err(IdError), "{text}");
        }
    }
}
