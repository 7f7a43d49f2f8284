//! The numbers of those who are not citizens with a resident card, or who travel.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::resident::{birth_of, checked_by_11_2, digits_only, eighteen, sex_of};
use super::{IdentifierError, Kind, check, masked_debug, text_form};
use crate::person::Sex;
use crate::time::Date;

/// 港澳台居民居住证号码: 18 characters like a citizen's, beginning 810000, 820000 or 830000.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResidencePermitNumber(String);

text_form!(ResidencePermitNumber, IdentifierError);
masked_debug!(ResidencePermitNumber);

/// Where the holder of a residence permit is a resident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResidenceRegion {
    /// 香港 (810000).
    HongKong,
    /// 澳门 (820000).
    Macao,
    /// 台湾 (830000).
    Taiwan,
}

impl ResidencePermitNumber {
    /// The region that the first six digits name.
    #[must_use]
    pub fn region(&self) -> ResidenceRegion {
        match &self.0[..2] {
            "81" => ResidenceRegion::HongKong,
            "82" => ResidenceRegion::Macao,
            _ => ResidenceRegion::Taiwan,
        }
    }

    /// The day of birth.
    #[must_use]
    pub fn birth(&self) -> Date {
        birth_of(Kind::ResidencePermit, &self.0).expect("checked when the number was read")
    }

    /// The sex that the sequence number tells.
    #[must_use]
    pub fn sex(&self) -> Sex {
        sex_of(&self.0)
    }
}

impl FromStr for ResidencePermitNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::ResidencePermit;
        eighteen(what, text)?;
        if !matches!(&text[..6], "810000" | "820000" | "830000") {
            return Err(IdentifierError::Prefix { what });
        }
        birth_of(what, text)?;
        checked_by_11_2(what, text)?;
        Ok(Self(text.to_owned()))
    }
}

/// 外国人永久居留身份证号码: 18 characters beginning 9 (2023), or three letters and 12 digits (2004 and 2017).
///
/// Both are valid side by side. The last digit of the old form is a 7-3-1 check digit according to one
/// published rule only, so a difference there is a question ([`Self::check_digit_ok`]), not a refusal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ForeignResidentNumber(String);

text_form!(ForeignResidentNumber, IdentifierError);
masked_debug!(ForeignResidentNumber);

impl ForeignResidentNumber {
    /// Whether this is the 18-character form of 2023.
    #[must_use]
    pub fn is_2023(&self) -> bool {
        self.0.len() == 18
    }

    /// The day of birth; the old form is not agreed on in public sources, so it tells none.
    #[must_use]
    pub fn birth(&self) -> Option<Date> {
        if self.is_2023() { birth_of(Kind::ForeignResident, &self.0).ok() } else { None }
    }

    /// The sex that the sequence number of the 2023 form tells.
    #[must_use]
    pub fn sex(&self) -> Option<Sex> {
        self.is_2023().then(|| sex_of(&self.0))
    }

    /// The nationality as the number writes it: three digits (2023) or three letters (before), ISO 3166.
    #[must_use]
    pub fn nationality(&self) -> &str {
        if self.is_2023() { &self.0[3..6] } else { &self.0[..3] }
    }

    /// Whether the check digit agrees. Always true of the 2023 form, which is refused otherwise.
    #[must_use]
    pub fn check_digit_ok(&self) -> bool {
        self.is_2023() || check::weights_731(&self.0[..14]) == self.0.chars().last()
    }
}

impl FromStr for ForeignResidentNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::ForeignResident;
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        if text.chars().next().is_some_and(|c| c.is_ascii_alphabetic()) {
            return old_foreign(text);
        }
        eighteen(what, text)?;
        if !text.starts_with('9') {
            return Err(IdentifierError::Prefix { what });
        }
        birth_of(what, text)?;
        checked_by_11_2(what, text)?;
        Ok(Self(text.to_owned()))
    }
}

fn old_foreign(text: &str) -> Result<ForeignResidentNumber, IdentifierError> {
    let what = Kind::ForeignResident;
    let found = text.chars().count();
    if found != 15 {
        return Err(IdentifierError::Length { what, found, expected: "15（2017版）或18（2023版）" });
    }
    for (at, c) in text.chars().enumerate() {
        let right = if at < 3 { c.is_ascii_uppercase() } else { c.is_ascii_digit() };
        if !right {
            return Err(IdentifierError::Character { what, position: at + 1, found: c });
        }
    }
    Ok(ForeignResidentNumber(text.to_owned()))
}

/// 中国护照号码: `E` and 8 digits, `E` and a letter and 7 digits, old `G` and 8 digits, and the official kinds DE, SE, PE.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PassportNumber(String);

text_form!(PassportNumber, IdentifierError);
masked_debug!(PassportNumber);

impl FromStr for PassportNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::Passport;
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        let right = match text.as_bytes() {
            [b'E' | b'G', rest @ ..] if rest.len() == 8 && all_digits(rest) => true,
            [b'E', b'A'..=b'H' | b'J'..=b'N' | b'P'..=b'Z', rest @ ..] => rest.len() == 7 && all_digits(rest),
            [b'D' | b'S' | b'P', b'E', rest @ ..] => rest.len() == 7 && all_digits(rest),
            _ => false,
        };
        if !right {
            return Err(IdentifierError::Form {
                what,
                expected: "字母E或G加8位数字，或E加一个字母（不含I、O）加7位数字",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

/// 港澳居民来往内地通行证号码: `H` or `M` and 8 digits, before 2013 followed by 2 digits of renewal count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HkMoPermitNumber(String);

text_form!(HkMoPermitNumber, IdentifierError);
masked_debug!(HkMoPermitNumber);

impl FromStr for HkMoPermitNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::HkMoPermit;
        match text.as_bytes() {
            [] => Err(IdentifierError::Empty { what }),
            [b'H' | b'M', rest @ ..] if matches!(rest.len(), 8 | 10) && all_digits(rest) => {
                Ok(Self(text.to_owned()))
            }
            [b'C' | b'W', rest @ ..] if rest.len() == 8 => Err(IdentifierError::OppositePermit),
            _ => Err(IdentifierError::Form {
                what, expected: "字母H或M加8位数字（旧证为10位数字）"
            }),
        }
    }
}

/// 台湾居民来往大陆通行证号码: 8 digits since 2015; before, 10 digits and optionally a letter in brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaiwanPermitNumber(String);

text_form!(TaiwanPermitNumber, IdentifierError);
masked_debug!(TaiwanPermitNumber);

impl FromStr for TaiwanPermitNumber {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::TaiwanPermit;
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        let text: String = text.replace('（', "(").replace('）', ")");
        let right = match text.as_bytes() {
            digits if matches!(digits.len(), 8 | 10) => all_digits(digits),
            [digits @ .., b'(', b'A'..=b'Z', b')'] => digits.len() == 10 && all_digits(digits),
            _ => false,
        };
        if !right {
            return Err(IdentifierError::Form {
                what, expected: "8位数字（旧证为10位数字，可带括号字母）"
            });
        }
        digits_only(what, &text[..8])?;
        Ok(Self(text))
    }
}

fn all_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}
