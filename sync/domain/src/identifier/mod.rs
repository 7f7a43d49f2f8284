//! The numbers that people, organisations, licences and items are known by.
//!
//! Each is a type that only its own check lets in; the way in is [`std::str::FromStr`]. Rules and sources:
//! GB 11643, GB 32100, GB 11714, GB/T 36904, and the announcements of the immigration authority.

pub mod check;
mod document;
mod error;
mod holder;
mod item;
mod licence;
pub(crate) mod mobile;
mod permit;
mod resident;
#[cfg(test)]
mod tests;
mod uscc;

pub use document::{DocumentKind, IdentityDocument};
pub use error::{IdentifierError, Kind};
pub use holder::HolderId;
pub use item::ItemCode;
pub use licence::{LicenceId, LicenceKindCode};
pub use mobile::MobileNumber;
pub use permit::{
    ForeignResidentNumber, HkMoPermitNumber, PassportNumber, ResidencePermitNumber, ResidenceRegion,
    TaiwanPermitNumber,
};
pub use resident::{FormerResidentNumber, ResidentNumber};
pub use uscc::{OrganisationCode, Uscc};

/// Gives a newtype over text its way out and its serde form, both through the type's own [`std::str::FromStr`].
macro_rules! text_form {
    ($name:ident, $error:ty) => {
        impl $name {
            /// The text form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Shows a number that belongs to a person only in part, so that no log can hold it.
macro_rules! masked_debug {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), crate::masking::mask_number(&self.0))
            }
        }
    };
}

pub(crate) use masked_debug;
pub(crate) use text_form;
