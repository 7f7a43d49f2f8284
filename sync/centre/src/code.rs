//! 入网码: the one-time code that a technician types to enrol a box.

use hall_ledger::Hash;
use std::fmt;
use std::str::FromStr;

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;

/// 60 random bits in three groups of four characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; LENGTH]);

/// A text that cannot be a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enrolment code")]
pub struct CodeError;

impl Code {
    /// Draws a new code.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes)?;
        // 256 is a multiple of 32, so each character is equally likely.
        Ok(Self(bytes.map(|byte| ALPHABET[usize::from(byte % 32)])))
    }

    /// What the store keeps of it.
    pub fn digest(&self) -> Hash {
        Hash::of_parts(&[b"hallbox/enrolment-code/1", &self.0])
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            if n > 0 && n % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*byte))?;
        }
        Ok(())
    }
}

impl FromStr for Code {
    type Err = CodeError;

    /// Takes lower case, spaces and hyphens anywhere, and what people read for another character.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut code = [0; LENGTH];
        let mut places = code.iter_mut();
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let byte = u8::try_from(c).ok().filter(|byte| ALPHABET.contains(byte)).ok_or(CodeError)?;
            *places.next().ok_or(CodeError)? = byte;
        }
        if places.next().is_some() { Err(CodeError) } else { Ok(Self(code)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_read_out_and_typed() {
        let code = Code::random().unwrap();
        let text = code.to_string();
        assert_eq!(text.len(), 14);
        let typed = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert!(typed.parse::<Code>().unwrap() == code);
        assert_eq!(typed.parse::<Code>().unwrap().digest(), code.digest());
    }

    #[test]
    fn anything_else_is_no_code() {
        for text in ["", "ABCD-EFGH-JKM", "ABCD-EFGH-JKMN-P", "ABCD-EFGH-JKMU", "一二三四"] {
            assert!(text.parse::<Code>().is_err(), "{text}");
        }
    }
}
