//! Signed JSON documents that the centre publishes: what changes rarely and is read whole.

use hall_domain::Timestamp;
use minicbor::{Decode, Encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cbor::{self, CborError};
use crate::cose::Statement;
use crate::trust::Roles;

/// What a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DocumentKind {
    /// 事项目录: items, materials, forms and licence kinds.
    #[n(1)]
    Catalogue,
    /// 法人库: the organisations that a hall may serve offline.
    #[n(2)]
    Organisations,
    /// 离线策略: who may do what, for how long.
    #[n(3)]
    Policy,
    /// One organisation, as an answer to a look-up.
    #[n(4)]
    Organisation,
    /// 信任包: only announced as a document. It is of its own kind, [`crate::trust::SignedBundle`].
    #[n(5)]
    Trust,
}

/// A document of the centre, to be signed as a whole.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Document {
    /// What it holds.
    #[n(0)]
    pub kind: DocumentKind,
    /// For whom: a hall's feed scope, or `*` for everybody.
    #[n(1)]
    pub scope: String,
    /// Raised with each change; a box never goes back.
    #[n(2)]
    pub version: u32,
    /// When it was made.
    #[n(3)]
    #[cbor(with = "crate::cbor::millis")]
    pub issued_at: Timestamp,
    /// The content: JSON data model in deterministic CBOR.
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub content: Vec<u8>,
}

impl Statement for Document {
    const DOMAIN: &'static str = "hallbox/document/1";
    const ROLE: Roles = Roles::DOCUMENTS;

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.issued_at)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({:?} {} v{}, {} bytes)", self.kind, self.scope, self.version, self.content.len())
    }
}

impl Document {
    /// A document with this content.
    ///
    /// # Errors
    /// When the content holds floats.
    pub fn new<T: Serialize>(
        kind: DocumentKind,
        scope: &str,
        version: u32,
        issued_at: Timestamp,
        content: &T,
    ) -> Result<Self, CborError> {
        Ok(Self { kind, scope: scope.to_owned(), version, issued_at, content: cbor::encode(content)? })
    }

    /// Reads the content.
    ///
    /// # Errors
    /// When it is not a `T`, or this is not a document of the `kind` asked for.
    pub fn read<T: DeserializeOwned>(&self, kind: DocumentKind) -> Result<T, CborError> {
        if self.kind != kind {
            return Err(CborError::Shape(format!("document is {:?}, not {kind:?}", self.kind)));
        }
        cbor::decode(&self.content)
    }
}
