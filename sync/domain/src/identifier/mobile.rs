//! Mobile numbers, which accounts and forms are bound to.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdentifierError, Kind, masked_debug, text_form};

/// 手机号码: 11 digits, beginning 13 to 19.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MobileNumber(String);

text_form!(MobileNumber, IdentifierError);
masked_debug!(MobileNumber);

impl FromStr for MobileNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::Mobile;
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        if is_landline(text) {
            return Err(IdentifierError::Landline);
        }
        if let Some((at, found)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii_digit()) {
            return Err(IdentifierError::Character { what, position: at + 1, found });
        }
        if text.len() != 11 {
            return Err(IdentifierError::Length { what, found: text.len(), expected: "11" });
        }
        match text.as_bytes() {
            [b'1', b'3'..=b'9', ..] => Ok(Self(text.to_owned())),
            _ => Err(IdentifierError::Form { what, expected: "13至19开头的11位数字" }),
        }
    }
}

/// 座机: an area code of three or four digits from 0, an optional hyphen, seven or eight digits.
pub(crate) fn is_landline(text: &str) -> bool {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let hyphens = text.chars().count() - digits.chars().count();
    digits.starts_with('0')
        && hyphens <= 1
        && (10..=12).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && text.find('-').is_none_or(|at| at == 3 || at == 4)
}
