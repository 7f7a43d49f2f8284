//! 曾用证件号 on the wire: what the centre says about an earlier identifier of a person, sealed like everything that
//! tells who somebody is. In the feed it stands in a signed page; in the answer to a look-up it is signed by itself.

use hall_domain::{AliasId, HolderAlias, Timestamp};
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::cose::Statement;
use crate::phone::{CodeError, CodeKey, CodeKeys, SealNonce, Sealed};

const DOMAIN: &str = "hallbox/alias-fact/1";

/// One fact about an earlier identifier, or that it no longer stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StatedAlias {
    /// 关联标识.
    #[n(0)]
    #[cbor(with = "crate::cbor::text")]
    pub id: AliasId,
    /// When the centre said so; the fact was sealed on this day.
    #[n(1)]
    #[cbor(with = "crate::cbor::millis")]
    pub at: Timestamp,
    /// The fact, sealed; none when the centre does not hold it any longer.
    #[n(2)]
    pub fact: Option<Sealed>,
}

impl Statement for StatedAlias {
    const DOMAIN: &'static str = "hallbox/alias/1";

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.at)
    }
}

impl StatedAlias {
    /// States a fact that stands at `at`; `nonce` must be new for this key.
    ///
    /// # Errors
    /// Never for a fact that was checked.
    pub fn seal(
        alias: &HolderAlias,
        at: Timestamp,
        key: &CodeKey,
        nonce: SealNonce,
    ) -> Result<Self, cbor::CborError> {
        let plain = cbor::encode(alias)?;
        Ok(Self { id: alias.id(), at, fact: Some(key.seal(&plain, DOMAIN, nonce)) })
    }

    /// Says that a fact does not stand.
    pub fn withdrawn(id: AliasId, at: Timestamp) -> Self {
        Self { id, at, fact: None }
    }

    /// The fact; none when it does not stand.
    ///
    /// # Errors
    /// When the key is unknown or was not in use then, or what is sealed is not this fact.
    pub fn open(&self, keys: &CodeKeys) -> Result<Option<HolderAlias>, CodeError> {
        let Some(sealed) = &self.fact else { return Ok(None) };
        let plain = keys.open(sealed, DOMAIN, self.at)?;
        let alias: HolderAlias = cbor::decode(&plain).map_err(|_| CodeError::Sealed)?;
        if alias.id() == self.id { Ok(Some(alias)) } else { Err(CodeError::Sealed) }
    }
}
