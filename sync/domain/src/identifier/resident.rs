//! GB 11643: the number of a citizen.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdentifierError, Kind, check, masked_debug, text_form};
use crate::person::Sex;
use crate::time::Date;

/// Provinces of GB/T 2260 that a citizen's number may begin with.
const PROVINCES: [u8; 34] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
    61, 62, 63, 64, 65, 71, 81, 82,
];

/// 公民身份号码: 6 digits of area, 8 of birth, 3 of sequence (odd for men), a check character (GB 11643).
///
/// Only the province is checked of the area, because counties are dissolved and their numbers live on.
/// `Display` is the whole number; `Debug` is masked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResidentNumber(String);

text_form!(ResidentNumber, IdentifierError);
masked_debug!(ResidentNumber);

impl ResidentNumber {
    /// The number of 18 digits that belongs to one of 15, issued before 1999.
    ///
    /// The century is 1900, or 1800 for the sequences 996 to 999, which were kept for people over a hundred.
    ///
    /// # Errors
    /// When the text is not 15 digits, or names no province or day.
    pub fn from_fifteen(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::Resident;
        if text.len() != 15 {
            return Err(IdentifierError::Length { what, found: text.chars().count(), expected: "15" });
        }
        digits_only(what, text)?;
        let century = if matches!(&text[12..], "996" | "997" | "998" | "999") { "18" } else { "19" };
        let body = format!("{}{century}{}", &text[..6], &text[6..]);
        let last = check::mod_11_2(&body).ok_or(IdentifierError::CheckCharacter { what })?;
        format!("{body}{last}").parse()
    }

    /// The area of first registration: six digits of GB/T 2260, possibly of a county that no longer exists.
    #[must_use]
    pub fn area(&self) -> &str {
        &self.0[..6]
    }

    /// The day of birth.
    #[must_use]
    pub fn birth(&self) -> Date {
        birth_of(Kind::Resident, &self.0).expect("checked when the number was read")
    }

    /// The sex that the sequence number tells.
    #[must_use]
    pub fn sex(&self) -> Sex {
        sex_of(&self.0)
    }

    /// Refuses a number whose holder is not yet born on `today`.
    ///
    /// # Errors
    /// [`IdentifierError::BirthInFuture`].
    pub fn born_by(&self, today: Date) -> Result<(), IdentifierError> {
        if self.birth() > today {
            return Err(IdentifierError::BirthInFuture { what: Kind::Resident });
        }
        Ok(())
    }
}

/// 15 位旧身份证号码: as issued before 1999, 6 digits of area, 6 of birth, 3 of sequence, no check character.
///
/// Licences that were issued under one are still found under it. Which number of 18 digits its holder has now is for
/// the authority to say: [`ResidentNumber::from_fifteen`] gives the one that it would have become, which somebody
/// else may hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FormerResidentNumber(String);

text_form!(FormerResidentNumber, IdentifierError);
masked_debug!(FormerResidentNumber);

impl FromStr for FormerResidentNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        if text.is_empty() {
            return Err(IdentifierError::Empty { what: Kind::FormerResident });
        }
        // Nothing else can be wrong with it than with the number that it became.
        ResidentNumber::from_fifteen(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for ResidentNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::Resident;
        if text.len() == 15 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(IdentifierError::FifteenDigits { what });
        }
        eighteen(what, text)?;
        if text.starts_with('9') {
            return Err(if &text[1..2] == "9" {
                IdentifierError::Prefix { what }
            } else {
                IdentifierError::OtherDocument { what, found: Kind::ForeignResident }
            });
        }
        if matches!(&text[..6], "810000" | "820000" | "830000") {
            return Err(IdentifierError::OtherDocument { what, found: Kind::ResidencePermit });
        }
        if !text[..2].parse().is_ok_and(|province: u8| PROVINCES.contains(&province)) {
            return Err(IdentifierError::Prefix { what });
        }
        birth_of(what, text)?;
        checked_by_11_2(what, text)?;
        Ok(Self(text.to_owned()))
    }
}

/// Requires 17 digits and a digit or X, the shape that residents, J and Y cards share.
pub(super) fn eighteen(what: Kind, text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty { what });
    }
    let found = text.chars().count();
    if found != 18 {
        return Err(IdentifierError::Length { what, found, expected: "18" });
    }
    let (last_at, last) = text.char_indices().last().ok_or(IdentifierError::Empty { what })?;
    digits_only(what, &text[..last_at])?;
    match last {
        '0'..='9' | 'X' => Ok(()),
        'x' => Err(IdentifierError::LowerCaseX { what }),
        found => Err(IdentifierError::Character { what, position: 18, found }),
    }
}

pub(super) fn digits_only(what: Kind, text: &str) -> Result<(), IdentifierError> {
    match text.chars().enumerate().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, found)) => Err(IdentifierError::Character { what, position: at + 1, found }),
        None => Ok(()),
    }
}

/// The birth date in positions 7 to 14 of an 18-digit number of the MOD 11-2 family.
pub(super) fn birth_of(what: Kind, text: &str) -> Result<Date, IdentifierError> {
    let date = text.get(6..14).and_then(|t| Date::from_compact(t).ok());
    date.filter(|d| d.year() >= 1800).ok_or(IdentifierError::BirthDate { what })
}

/// The sex told by position 17 of an 18-digit number.
pub(super) fn sex_of(text: &str) -> Sex {
    let odd = text.as_bytes().get(16).is_some_and(|b| b % 2 == 1);
    if odd { Sex::Male } else { Sex::Female }
}

pub(super) fn checked_by_11_2(what: Kind, text: &str) -> Result<(), IdentifierError> {
    if text.get(..17).and_then(check::mod_11_2) == text.chars().last() {
        Ok(())
    } else {
        Err(IdentifierError::CheckCharacter { what })
    }
}
