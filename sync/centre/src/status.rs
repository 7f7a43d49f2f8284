//! The province's one status list, signed and kept until it is due or something changes.

use crate::app::App;
use crate::store::StoreError;
use hall_domain::Timestamp;
use hall_ledger::Signed;
use hall_ledger::status::{StatusClaims, StatusError, StatusList};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Number of the list.
pub const LIST: u32 = 1;
/// Boxes fetch a newer list after this many seconds.
const TTL_S: u32 = 300;
/// A list says nothing any more after this many hours: the longest window of any licence kind.
const LIFE_HOURS: i64 = 72;
/// A kept list is signed anew after this many milliseconds.
const KEEP_MS: i64 = 30_000;

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More licences than a list holds.
    #[error(transparent)]
    List(#[from] StatusError),
}

/// The last signed list.
#[derive(Default)]
pub struct StatusCache {
    changes: AtomicU64,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    changes: u64,
    made_at: Timestamp,
    signed: Signed<StatusClaims>,
}

impl StatusCache {
    /// A status or the number of licences changed.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

/// The signed list, as new as the register.
pub async fn list(app: &App) -> Result<Signed<StatusClaims>, ListError> {
    let mut kept = app.status.kept.lock().await;
    let (now, changes) = (app.now(), app.status.changes.load(Ordering::SeqCst));
    if let Some(kept) = kept.as_ref()
        && kept.changes == changes
        && (0..KEEP_MS).contains(&now.ms_since(kept.made_at))
    {
        return Ok(kept.signed.clone());
    }
    let statuses = app.store.statuses().await?;
    let mut list = StatusList::new(statuses.len())?;
    for (index, status) in (0..).zip(statuses) {
        list.set(index, status)?;
    }
    let claims = list.claims(LIST, now, TTL_S, now.plus_hours(LIFE_HOURS));
    let signed = app.sign(&claims);
    *kept = Some(Kept { changes, made_at: now, signed: signed.clone() });
    Ok(signed)
}
