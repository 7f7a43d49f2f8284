//! GB/T 36904: how a licence and its kind are named.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdentifierError, Kind, Uscc, check, text_form};

/// The arc under which every licence identifier stands.
const ROOT: &str = "1.2.156.3005.2.";

/// 证照类型代码: the code of the ministry that defined the kind, and a serial of three digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LicenceKindCode(String);

text_form!(LicenceKindCode, IdentifierError);

impl LicenceKindCode {
    /// The ministry that defined this kind.
    #[must_use]
    pub fn ministry(&self) -> Uscc {
        self.0[..18].parse().expect("checked when the code was read")
    }

    /// The serial within the ministry, three digits.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.0[18..]
    }
}

impl FromStr for LicenceKindCode {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::LicenceKind;
        let (ministry, serial) = led_by_authority(what, text, 3, "21")?;
        if let Some((at, found)) = serial.chars().enumerate().find(|(_, c)| !c.is_ascii_digit()) {
            return Err(IdentifierError::Character { what, position: at + 19, found });
        }
        if !ministry.check_digit_ok() {
            return Err(IdentifierError::CheckCharacter { what });
        }
        Ok(Self(text.to_owned()))
    }
}

/// Splits a code that begins with an authority's 18 characters and goes on for `rest` more.
pub(super) fn led_by_authority<'a>(
    what: Kind,
    text: &'a str,
    rest: usize,
    expected: &'static str,
) -> Result<(Uscc, &'a str), IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty { what });
    }
    let found = text.chars().count();
    if found != 18 + rest {
        return Err(IdentifierError::Length { what, found, expected });
    }
    if let Some((at, found)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii()) {
        return Err(IdentifierError::Character { what, position: at + 1, found });
    }
    let authority = text[..18].parse().map_err(|error| match error {
        IdentifierError::Character { position, found, .. } => {
            IdentifierError::Character { what, position, found }
        }
        _ => IdentifierError::Prefix { what },
    })?;
    Ok((authority, &text[18..]))
}

/// 证照标识: kind, issuer, serial, version and check character under the arc 1.2.156.3005.2 (GB/T 36904).
///
/// The check is ISO 7064 MOD 37,36 over the four parts without dots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LicenceId(String);

text_form!(LicenceId, IdentifierError);

impl fmt::Debug for LicenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LicenceId {
    /// Builds the identifier of a licence and computes its check character.
    ///
    /// # Errors
    /// When the serial is not 1 to 32 of `[0-9A-Z]`, or the version is above 999.
    pub fn compose(
        kind: &LicenceKindCode,
        issuer: &Uscc,
        serial: &str,
        version: u16,
    ) -> Result<Self, IdentifierError> {
        let what = Kind::LicenceId;
        let last = check::mod_37_36(&format!("{kind}{issuer}{serial}{version:03}"))
            .ok_or(IdentifierError::CheckCharacter { what })?;
        format!("{ROOT}{kind}.{issuer}.{serial}.{version:03}.{last}").parse()
    }

    /// The kind of the licence.
    #[must_use]
    pub fn kind(&self) -> LicenceKindCode {
        self.part(0).parse().expect("checked when the identifier was read")
    }

    /// The issuer: a unified social credit code, in some old identifiers a division of six digits.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.part(1)
    }

    /// The serial within kind and issuer.
    #[must_use]
    pub fn serial(&self) -> &str {
        self.part(2)
    }

    /// The version, 1 to 999 in practice; a corrected licence has a higher one.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.part(3).parse().unwrap_or(0)
    }

    fn part(&self, at: usize) -> &str {
        self.0[ROOT.len()..].split('.').nth(at).unwrap_or_default()
    }
}

impl FromStr for LicenceId {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::LicenceId;
        let form = IdentifierError::Form {
            what, expected: "1.2.156.3005.2.类型.机构.流水号.版本.校验位"
        };
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        let rest = text.strip_prefix(ROOT).ok_or(IdentifierError::Prefix { what })?;
        let parts: Vec<&str> = rest.split('.').collect();
        let [kind, issuer, serial, version, last] = parts[..] else { return Err(form) };
        kind.parse::<LicenceKindCode>()?;
        let division = issuer.len() == 6 && issuer.bytes().all(|b| b.is_ascii_digit());
        if !division {
            issuer.parse::<Uscc>()?;
        }
        let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        if !(1..=32).contains(&serial.len()) || !plain(serial) {
            return Err(form);
        }
        if version.len() != 3 || !version.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form);
        }
        let body = format!("{kind}{issuer}{serial}{version}");
        let mut last = last.chars();
        if check::mod_37_36(&body) != last.next() || last.next().is_some() {
            return Err(IdentifierError::CheckCharacter { what });
        }
        Ok(Self(text.to_owned()))
    }
}
