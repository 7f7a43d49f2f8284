//! Whom a licence belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdentifierError, IdentityDocument, Kind, Uscc};
use crate::masking::mask_number;

/// 持证主体: a natural person by document, or an organisation by its code.
///
/// Its text form is 持证主体代码类型代码 and number, `111:5199…` or `001:9123…`. There is no `Display`, so that it is
/// not written into a log by accident; `Debug` is masked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HolderId {
    /// 自然人.
    Person(IdentityDocument),
    /// 法人和其他组织.
    Organisation(Uscc),
}

impl HolderId {
    /// The text form; personal data for a person.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Person(document) => format!("{}:{}", document.holder_type_code(), document.number()),
            Self::Organisation(uscc) => format!("001:{uscc}"),
        }
    }

    /// The number for a screen: starred for a person, whole for an organisation, whose code is public.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Person(document) => document.masked(),
            Self::Organisation(uscc) => uscc.to_string(),
        }
    }
}

impl FromStr for HolderId {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let what = Kind::Holder;
        if text.is_empty() {
            return Err(IdentifierError::Empty { what });
        }
        let form = IdentifierError::Form { what, expected: "类型代码:号码" };
        let (code, number) = text.split_once(':').ok_or(form)?;
        if code == "001" {
            return Ok(Self::Organisation(number.parse()?));
        }
        IdentityDocument::from_holder_code(code, number).map(Self::Person)
    }
}

impl TryFrom<String> for HolderId {
    type Error = IdentifierError;

    fn try_from(text: String) -> Result<Self, IdentifierError> {
        text.parse()
    }
}

impl From<HolderId> for String {
    fn from(holder: HolderId) -> Self {
        holder.key()
    }
}

impl fmt::Debug for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(document) => {
                write!(f, "{}:{}", document.holder_type_code(), mask_number(document.number()))
            }
            Self::Organisation(uscc) => write!(f, "001:{uscc}"),
        }
    }
}
