//! The cases that are being worked on, kept open between two steps.

use super::{Stored, opened, put, read};
use crate::store::StoreError;
use crate::vault::Vault;
use hall_domain::case::CaseId;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cases that are remembered: a large hall has 60 windows.
pub(super) const REMEMBERED: usize = 128;

/// Cases as the writer last read or wrote them, so that one that is being worked on is not opened and parsed again at
/// each step. A remembered case counts only while its row holds the very bytes that it stands for: whatever became of
/// a transaction, and whoever else wrote, nothing stale is used.
#[derive(Clone, Default)]
pub struct Recent(Arc<Mutex<BTreeMap<CaseId, Remembered>>>);

pub(super) struct Remembered {
    sealed: Vec<u8>,
    stored: Stored,
}

impl Recent {
    /// The case of that id, as [`super::find`] gives it.
    pub fn find(&self, db: &Connection, vault: &Vault, id: &CaseId) -> Result<Option<Stored>, StoreError> {
        let remembered = self.lock().remove(id);
        read(db, id, |sealed, rev| match remembered {
            Some(remembered) if remembered.sealed == sealed => Ok(remembered.stored),
            _ => opened(vault, sealed, rev),
        })
    }

    /// Writes a case as it now is, and remembers it while it is open.
    pub fn put(&self, tx: &Connection, vault: &Vault, stored: &Stored) -> Result<(), StoreError> {
        let sealed = put(tx, vault, stored)?;
        if stored.case.closed() {
            return Ok(());
        }
        let mut cases = self.lock();
        cases.insert(stored.case.id.clone(), Remembered { sealed, stored: stored.clone() });
        if cases.len() > REMEMBERED
            && let Some(idle) = cases.values().min_by_key(|one| one.stored.case.updated_at)
        {
            let idle = idle.stored.case.id.clone();
            cases.remove(&idle);
        }
        Ok(())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<CaseId, Remembered>> {
        // Each change of the map leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
