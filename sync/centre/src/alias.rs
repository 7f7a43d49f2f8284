//! 曾用证件号: what the authority established about earlier identifiers of people. The centre takes it in and states it;
//! it concludes nothing from the numbers themselves.
//!
//! A feed item names the fact alone. What it says is sealed when the page is made, with the code key of that day: no
//! number lies in a feed, and a box that reads an old item gets it under a key that it has.

use crate::app::App;
use crate::register::RegisterError;
use crate::scope;
use crate::store::{Change, StoreError};
use hall_domain::{AliasError, AliasId, HolderAlias, HolderId, RegisterAlias, Timestamp};
use hall_ledger::alias::StatedAlias;
use hall_ledger::cbor::CborError;
use hall_ledger::hash::NoRandomness;
use hall_ledger::phone::SealNonce;

/// Why a fact could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It is none.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

/// Why a fact could not be stated.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key to seal with.
    #[error("no code key is in use today")]
    NoKey,
    /// No randomness to seal with.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The fact.
    #[error("encode a fact about an earlier identifier")]
    Encode(#[from] CborError),
}

/// Takes a fact in, and tells every hall. The same again changes nothing.
pub async fn put(app: &App, holder: HolderId, new: &RegisterAlias) -> Result<(AliasId, Change), PutError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| RegisterError::from(NoRandomness))?;
    let RegisterAlias { other, kind, since, source } = new;
    let alias = HolderAlias::new(AliasId(id), holder, other.clone(), *kind, *since, source)?;
    let put = {
        let _register = app.register.lock().await;
        app.store.put_alias(alias, app.now()).await.map_err(RegisterError::from)?
    };
    if put.1 != Change::Same {
        app.waiters.wake_all();
        // What lies under the earlier identifier is in the scopes in which the person is.
        scope::sweep(app).await?;
        tracing::info!(alias.id = %put.0, "A fact about an earlier identifier was taken in.");
    }
    Ok(put)
}

/// Says that a fact does not stand. `false` if there is none that does.
pub async fn withdraw(app: &App, id: AliasId) -> Result<bool, RegisterError> {
    let withdrawn = {
        let _register = app.register.lock().await;
        app.store.withdraw_alias(id, app.now()).await?
    };
    if withdrawn {
        app.waiters.wake_all();
        scope::sweep(app).await?;
        tracing::warn!(alias.id = %id, "A fact about an earlier identifier was withdrawn.");
    }
    Ok(withdrawn)
}

/// What there is to say about a fact at this moment.
pub async fn stated(app: &App, id: AliasId, at: Timestamp) -> Result<StatedAlias, StateError> {
    match app.store.alias(id).await? {
        Some(alias) => seal(app, &alias, at),
        None => Ok(StatedAlias::withdrawn(id, at)),
    }
}

/// States a fact that stands.
pub fn seal(app: &App, alias: &HolderAlias, at: Timestamp) -> Result<StatedAlias, StateError> {
    let keys = app.code_keys.keys();
    let key = keys.current(at).ok_or(StateError::NoKey)?;
    Ok(StatedAlias::seal(alias, at, key, SealNonce::random()?)?)
}

#[cfg(test)]
mod tests;
