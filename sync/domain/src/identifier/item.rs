//! The code of a service item.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::licence::led_by_authority;
use super::{IdentifierError, Kind, Uscc, text_form};

/// 事项实施编码: 31 characters, the authority's code and 13 of `[0-9A-Z]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemCode(String);

text_form!(ItemCode, IdentifierError);

impl ItemCode {
    /// The authority that carries the item out.
    #[must_use]
    pub fn authority(&self) -> Uscc {
        self.0[..18].parse().expect("checked when the code was read")
    }
}

impl FromStr for ItemCode {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::Item;
        let (authority, rest) = led_by_authority(what, text, 13, "31")?;
        let wrong = rest.chars().enumerate().find(|(_, c)| !(c.is_ascii_digit() || c.is_ascii_uppercase()));
        if let Some((at, found)) = wrong {
            return Err(IdentifierError::Character { what, position: at + 19, found });
        }
        if !authority.check_digit_ok() {
            return Err(IdentifierError::CheckCharacter { what });
        }
        Ok(Self(text.to_owned()))
    }
}
