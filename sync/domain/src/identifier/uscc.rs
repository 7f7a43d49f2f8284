//! GB 32100 and GB 11714: the codes of organisations.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdentifierError, Kind, ResidentNumber, check, text_form};
use crate::organisation::OrganisationKind;

/// 统一社会信用代码: registering department, kind, division of the registrar, organisation code, check (GB 32100).
///
/// The first codes that Xiamen and Fuzhou gave out ("M000…") are legal though their check character is wrong.
/// So a wrong check is not refused here: ask [`Uscc::check_digit_ok`], and when it says no, let the clerk look again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uscc(String);

text_form!(Uscc, IdentifierError);

impl Uscc {
    /// Whether the last character agrees with the other seventeen.
    #[must_use]
    pub fn check_digit_ok(&self) -> bool {
        check::mod_31_3(&self.0[..17]) == self.0.chars().last()
    }

    /// What to tell the clerk when the check character disagrees: to look again, not to send the person away.
    #[must_use]
    pub fn warning_zh(&self) -> Option<String> {
        (!self.check_digit_ok()).then(|| {
            "统一社会信用代码校验位不符，请对照营业执照逐位核对；核对无误的早期试点代码（如M000开头的主体标识码）可继续办理。".to_owned()
        })
    }

    /// The kind of organisation that the first two characters tell.
    #[must_use]
    pub fn organisation_kind(&self) -> OrganisationKind {
        OrganisationKind::of_pair(&self.0[..2]).unwrap_or(OrganisationKind::Other)
    }

    /// The division of the registrar, six digits of GB/T 2260.
    #[must_use]
    pub fn division(&self) -> &str {
        &self.0[2..8]
    }

    /// 主体标识码: positions 9 to 17, an organisation code without its hyphen.
    #[must_use]
    pub fn subject_code(&self) -> &str {
        &self.0[8..17]
    }

    /// The code with its check character computed, for one that lacks it.
    ///
    /// # Errors
    /// As for reading a whole code.
    pub fn with_check(body: &str) -> Result<Self, IdentifierError> {
        let found = body.chars().count();
        let last = check::mod_31_3(body).ok_or(IdentifierError::Length {
            what: Kind::Uscc,
            found,
            expected: "17",
        })?;
        format!("{body}{last}").parse()
    }
}

impl FromStr for Uscc {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::Uscc;
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        let found = text.chars().count();
        if found != 18 {
            return Err(IdentifierError::Length { what, found, expected: "18" });
        }
        for (at, c) in text.chars().enumerate() {
            let right =
                if (2..8).contains(&at) { c.is_ascii_digit() } else { check::USCC_ALPHABET.contains(c) };
            if !right {
                return Err(IdentifierError::Character { what, position: at + 1, found: c });
            }
        }
        if OrganisationKind::of_pair(&text[..2]).is_none() {
            return Err(IdentifierError::Prefix { what });
        }
        let code = Self(text.to_owned());
        // 51, 52 and 53 begin the codes of associations as well as the citizens of three provinces.
        if !code.check_digit_ok() && text.parse::<ResidentNumber>().is_ok() {
            return Err(IdentifierError::OtherDocument { what, found: Kind::Resident });
        }
        Ok(code)
    }
}

/// 组织机构代码: eight characters and a check character, with or without the hyphen (GB 11714).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganisationCode(String);

text_form!(OrganisationCode, IdentifierError);

impl FromStr for OrganisationCode {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::OrganisationCode;
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        let plain = match text.split_once('-') {
            Some((body, last)) if body.chars().count() == 8 => format!("{body}{last}"),
            _ => text.to_owned(),
        };
        let found = plain.chars().count();
        if found != 9 {
            return Err(IdentifierError::Length { what, found, expected: "9" });
        }
        let wrong = plain.chars().enumerate().find(|(_, c)| !(c.is_ascii_digit() || c.is_ascii_uppercase()));
        if let Some((at, found)) = wrong {
            return Err(IdentifierError::Character { what, position: at + 1, found });
        }
        if check::organisation_code(&plain[..8]) != plain.chars().last() {
            return Err(IdentifierError::CheckCharacter { what });
        }
        Ok(Self(plain))
    }
}
