//! 曾用证件号: identifiers under which licences of a person were issued before the one that the person has now.
//!
//! That two identifiers are one person's is a fact of the authority (公安机关), never a conclusion: a number of 15
//! digits that maps to one of 18 may be somebody else's. And a fact makes a licence a candidate, no more: it stands for
//! nothing before the clerk has looked at the person and said so.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::identifier::{DocumentKind, HolderId, IdentityDocument};
use crate::time::Date;

/// Longest name of a source, in characters.
const MAX_SOURCE: usize = 100;

/// 关联标识: the centre's name of one fact. It tells nobody, so it may stand in addresses and in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AliasId(pub [u8; 16]);

/// 曾用证件号类型.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasKind {
    /// 15 位旧身份证号码.
    FifteenDigits,
    /// 旧护照.
    Passport,
    /// 原证件号码: an earlier number of a document that is not a passport.
    EarlierNumber,
}

/// 曾用证件号 of one person: what the authority established. Personal data; `Debug` is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AliasText")]
pub struct HolderAlias {
    id: AliasId,
    holder: HolderId,
    other: HolderId,
    kind: AliasKind,
    since: Date,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasText {
    id: AliasId,
    holder: HolderId,
    other: HolderId,
    kind: AliasKind,
    since: Date,
    source: String,
}

/// Why something is no fact about an earlier identifier. Never holds a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// Only people have earlier identifiers here.
    #[error("an alias is between two identifiers of a person")]
    NotPersons,
    /// Both are the same.
    #[error("an alias is between two different identifiers")]
    Same,
    /// Nobody has a number of 15 digits now.
    #[error("the present identifier cannot be one of 15 digits")]
    Present,
    /// The kind is not that of the earlier identifier.
    #[error("the kind of the alias is not that of its earlier identifier")]
    Kind,
    /// Who says so is empty or too long.
    #[error("the source of an alias has 1 to {MAX_SOURCE} characters")]
    Source,
    /// Not 32 hexadecimal digits.
    #[error("not the name of an alias")]
    Id,
}

impl HolderAlias {
    /// A fact: `other` is an earlier identifier of `holder`, known to be so `since`, as `source` says.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn new(
        id: AliasId,
        holder: HolderId,
        other: HolderId,
        kind: AliasKind,
        since: Date,
        source: &str,
    ) -> Result<Self, AliasError> {
        let (HolderId::Person(present), HolderId::Person(earlier)) = (&holder, &other) else {
            return Err(AliasError::NotPersons);
        };
        if present == earlier {
            return Err(AliasError::Same);
        }
        if present.kind() == DocumentKind::FormerResidentId {
            return Err(AliasError::Present);
        }
        if AliasKind::of(earlier) != kind {
            return Err(AliasError::Kind);
        }
        let source = source.trim();
        if source.is_empty() || source.chars().count() > MAX_SOURCE || source.chars().any(char::is_control) {
            return Err(AliasError::Source);
        }
        Ok(Self { id, holder, other, kind, since, source: source.to_owned() })
    }

    /// The centre's name of it.
    #[must_use]
    pub fn id(&self) -> AliasId {
        self.id
    }

    /// 持证主体, as known today.
    #[must_use]
    pub fn holder(&self) -> &HolderId {
        &self.holder
    }

    /// The earlier identifier, under which licences were issued.
    #[must_use]
    pub fn other(&self) -> &HolderId {
        &self.other
    }

    /// Of which kind the earlier identifier is.
    #[must_use]
    pub fn kind(&self) -> AliasKind {
        self.kind
    }

    /// Since when the authority has held that both are one person's.
    #[must_use]
    pub fn since(&self) -> Date {
        self.since
    }

    /// Which authority says so.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl AliasKind {
    /// The kind that an earlier document is of.
    #[must_use]
    pub fn of(earlier: &IdentityDocument) -> Self {
        match earlier.kind() {
            DocumentKind::FormerResidentId => Self::FifteenDigits,
            DocumentKind::Passport => Self::Passport,
            _ => Self::EarlierNumber,
        }
    }

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::FifteenDigits => "15 位旧身份证号码",
            Self::Passport => "旧护照号码",
            Self::EarlierNumber => "原证件号码",
        }
    }
}

impl TryFrom<AliasText> for HolderAlias {
    type Error = AliasError;

    fn try_from(text: AliasText) -> Result<Self, AliasError> {
        Self::new(text.id, text.holder, text.other, text.kind, text.since, &text.source)
    }
}

impl FromStr for AliasId {
    type Err = AliasError;

    fn from_str(text: &str) -> Result<Self, AliasError> {
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(lower) {
            return Err(AliasError::Id);
        }
        let mut id = [0; 16];
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| AliasError::Id)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| AliasError::Id)?;
        }
        Ok(Self(id))
    }
}

impl fmt::Display for AliasId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for AliasId {
    type Error = AliasError;

    fn try_from(text: String) -> Result<Self, AliasError> {
        text.parse()
    }
}

impl From<AliasId> for String {
    fn from(id: AliasId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: AliasId = AliasId([0xa7; 16]);

    fn holder(text: &str) -> HolderId {
        text.parse().unwrap()
    }

    fn alias(present: &str, other: &str, kind: AliasKind, source: &str) -> Result<HolderAlias, AliasError> {
        let since = "2001-06-01".parse().unwrap();
        HolderAlias::new(ID, holder(present), holder(other), kind, since, source)
    }

    #[test]
    fn a_fact_names_two_identifiers_of_a_person_of_which_the_earlier_is_of_its_kind() {
        let (present, earlier) = ("111:519900199003070011", "111:519900900307001");
        let (passport, changed) = ("414:E12345678", "111:519900198805160241");
        use AliasKind::{EarlierNumber, FifteenDigits, Passport};
        for (other, kind) in [(earlier, FifteenDigits), (passport, Passport), (changed, EarlierNumber)] {
            let fact = alias(present, other, kind, " 安澜市公安局户籍核查 ").unwrap();
            assert_eq!((fact.other().key().as_str(), fact.source()), (other, "安澜市公安局户籍核查"));
            let wrong = if kind == Passport { EarlierNumber } else { Passport };
            assert_eq!(alias(present, other, wrong, "公安局").unwrap_err(), AliasError::Kind);
            let json = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<HolderAlias>(&json).unwrap(), fact);
        }
        assert_eq!(alias(present, present, EarlierNumber, "公安局"), Err(AliasError::Same));
        assert_eq!(alias(earlier, present, EarlierNumber, "公安局"), Err(AliasError::Present));
        assert_eq!(alias(present, "001:91519900MATE5T1132", Passport, "x"), Err(AliasError::NotPersons));
        assert_eq!(alias(present, earlier, FifteenDigits, " "), Err(AliasError::Source));
    }

    #[test]
    fn what_was_stored_is_read_through_the_same_rules_and_nothing_shows_a_number() {
        let fact = alias("111:519900199003070011", "111:519900900307001", AliasKind::FifteenDigits, "公安局");
        let json = serde_json::to_string(&fact.clone().unwrap()).unwrap();
        let crossed = json.replace("fifteen_digits", "passport");
        let told = serde_json::from_str::<HolderAlias>(&crossed).unwrap_err().to_string();
        assert!(!told.contains("519900"), "{told}");
        let shown = format!("{fact:?}");
        assert!(!shown.contains("519900900307001") && !shown.contains("519900199003070011"), "{shown}");
    }

    #[test]
    fn a_name_of_a_fact_is_its_hexadecimal_text_and_nothing_else() {
        assert_eq!(ID.to_string(), "a7".repeat(16));
        assert_eq!(ID.to_string().parse(), Ok(ID));
        for wrong in ["", "a7", &"A7".repeat(16), &"g7".repeat(16), "../../../../../../../../../../etc"] {
            assert_eq!(wrong.parse::<AliasId>(), Err(AliasError::Id), "{wrong}");
        }
    }
}
