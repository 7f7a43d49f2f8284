//! 办件: one application at one window, as the sequence of what happened to it.
//!
//! A [`CaseRecord`] is the body of a ledger entry; the ledger is the only truth, and a [`Case`]
//! is what folding the records of one case gives. Whether an event may happen is decided
//! elsewhere (the box's reception); applying a recorded event never fails, so that every
//! replica, the centre included, arrives at the same case.

mod aliases;
mod event;
mod fold;
mod mandate;
mod parts;
mod standing;
mod state;
mod statement;

pub use aliases::{AliasedRow, ConfirmedAlias};
pub use event::{CaseEvent, CaseRecord};
pub use mandate::PaperMandate;
pub use parts::{
    Attachment, AttachmentId, CarriedRow, ConsentEnd, Follow, LicenceUse, ListRow, ListedLicence, Mode,
    OfficeGround, Organised, PaperChoice, PhoneChallenge, PhoneProof, Secondary, WithdrawnAt,
};
pub use state::{
    Acknowledgement, Asked, Case, Consent, ConsentProof, Decision, Identity, MaterialState, OnceGiven,
    Outstanding, PhoneIdentity, PhoneWait, RatingState, ShownLicences, Step, Submission,
};
pub use statement::{Established, Open, Statement, StatusSource};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct CaseIdError {
    kind: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = CaseIdError;

            fn from_str(text: &str) -> Result<Self, CaseIdError> {
                let allowed: fn(u8) -> bool = $allowed;
                if text.is_empty() || text.len() > $max || !text.bytes().all(allowed) {
                    return Err(CaseIdError { kind: $what });
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = CaseIdError;

            fn try_from(text: String) -> Result<Self, CaseIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// The machine's name of a case: a ULID in lower case, made by the box. Safe in a URL.
    CaseId, "case id", 32, |b| b.is_ascii_lowercase() || b.is_ascii_digit()
);
text_id!(
    /// 办件编号: what people read out and print, `<hall>-<yyyymmdd>-<counter>`.
    CaseNo, "case number", 40, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'
);
text_id!(
    /// 窗口: a window of the hall, such as `W01`.
    WindowId, "window id", 12, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'
);
text_id!(
    /// 窗口人员: the account name of a clerk or another user of the box.
    AccountName, "account name", 32, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.'
);
text_id!(
    /// The name of one command to a device; a device's answer carries it back.
    CommandId, "command id", 32, |b| b.is_ascii_alphanumeric()
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_refuse_what_could_break_a_path_or_a_page() {
        for bad in ["", "../x", "W 1", "W01\n", "<b>", "窗口"] {
            assert!(bad.parse::<WindowId>().is_err(), "{bad:?} was taken");
        }
        assert_eq!("W01".parse::<WindowId>().unwrap().to_string(), "W01");
        assert!("01jd8z".parse::<CaseId>().is_ok());
        assert!("H1-20261121-000001".parse::<CaseNo>().is_ok());
    }

    #[test]
    fn json_goes_through_the_same_parse() {
        assert!(serde_json::from_str::<WindowId>("\"../x\"").is_err());
    }
}
