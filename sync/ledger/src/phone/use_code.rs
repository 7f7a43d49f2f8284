//! 用证码: one per licence per use, short enough to be read out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::hash::NoRandomness;

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;

/// 用证码: nine characters and a check character, which finds every wrong character and every two exchanged ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UseCode([u8; LENGTH]);

/// A text that cannot be a use code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a use code of ten characters with its check character")]
pub struct UseCodeError;

impl UseCode {
    /// The code with these 45 low bits.
    pub fn new(number: u64) -> Self {
        let mut code = [0; LENGTH];
        for (n, place) in code[..LENGTH - 1].iter_mut().enumerate() {
            *place = ALPHABET[usize::from((number >> (40 - 5 * n)) as u8 & 31)];
        }
        code[LENGTH - 1] = ALPHABET[usize::from(check(&code))];
        Self(code)
    }

    /// A new code.
    ///
    /// # Errors
    /// When the operating system has no randomness to give; trying again can help.
    pub fn random() -> Result<Self, NoRandomness> {
        Ok(Self::new(u64::from_be_bytes(super::random()?)))
    }

    /// The ten characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("letters and digits")
    }
}

impl FromStr for UseCode {
    type Err = UseCodeError;

    fn from_str(text: &str) -> Result<Self, UseCodeError> {
        let code: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| UseCodeError)?;
        let last = value(code[LENGTH - 1]).ok_or(UseCodeError)?;
        if code.iter().any(|byte| value(*byte).is_none()) || check(&code) != last {
            return Err(UseCodeError);
        }
        Ok(Self(code))
    }
}

impl TryFrom<String> for UseCode {
    type Error = UseCodeError;

    fn try_from(text: String) -> Result<Self, UseCodeError> {
        text.parse()
    }
}

impl From<UseCode> for String {
    fn from(code: UseCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for UseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UseCode({self})")
    }
}

/// Horner's scheme over the first nine characters, in GF(2⁵) with x⁵ = x² + 1, times x once more.
fn check(code: &[u8; LENGTH]) -> u8 {
    code[..LENGTH - 1].iter().fold(0, |sum, byte| {
        let sum = (sum ^ value(*byte).unwrap_or(0)) << 1;
        if sum & 32 == 0 { sum } else { sum ^ 0b10_0101 }
    })
}

fn value(byte: u8) -> Option<u8> {
    ALPHABET.iter().position(|known| *known == byte).map(|at| at as u8)
}
