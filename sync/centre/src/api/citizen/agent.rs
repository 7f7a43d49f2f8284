//! 代办人、经办授权人: somebody else, as a phone's owner typed them. What is wrong is told field by field, and never what stood there.

use crate::citizen::Refusal;
use hall_domain::{DocumentKind, IdentityDocument, MobileNumber};
use serde::Deserialize;

/// Name and document, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    name: String,
    document: TypedDocument,
}

/// Name, document and number of a phone, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypedWithPhone {
    name: String,
    document: TypedDocument,
    phone: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedDocument {
    kind: DocumentKind,
    number: String,
}

impl Typed {
    /// The person, if name and number can be somebody's.
    ///
    /// # Errors
    /// `agent-name` or `agent-number`.
    pub fn read(self) -> Result<(String, IdentityDocument), Refusal> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 50 {
            return Err(Refusal::Because("agent-name"));
        }
        let document = IdentityDocument::new(self.document.kind, &self.document.number);
        Ok((name.to_owned(), document.map_err(|_| Refusal::Because("agent-number"))?))
    }
}

impl TypedWithPhone {
    /// The person and the number.
    ///
    /// # Errors
    /// As [`Typed::read`], and `agent-phone`.
    pub fn read(self) -> Result<(String, IdentityDocument, MobileNumber), Refusal> {
        let (name, document) = Typed { name: self.name, document: self.document }.read()?;
        let phone = self.phone.parse().map_err(|_| Refusal::Because("agent-phone"))?;
        Ok((name, document, phone))
    }
}
