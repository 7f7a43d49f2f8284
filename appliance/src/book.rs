//! Recording: the database, the keys and the knowledge that every record carries. A change and
//! the ledger entry that tells of it are one transaction.

use crate::clock::Clock;
use crate::keys::Keys;
use crate::knowledge::Knowledge;
use crate::store::cases::{Recent, Stored};
use crate::store::{StoreError, ledger};
use crate::vault::Vault;
use ed25519_dalek::SigningKey;
use hall_domain::Timestamp;
use hall_domain::case::{AccountName, Case, CaseEvent, CaseId, CaseRecord};
use hall_ledger::entry::EntryKind;
use hall_sqlite::{Database, ReadError, WriteError};
use rusqlite::Connection;
use serde::Serialize;
use std::sync::Arc;

/// What recording needs. Cheap to clone.
#[derive(Clone)]
pub struct Book {
    /// The database.
    pub db: Database,
    /// Seals columns.
    pub vault: Vault,
    /// The clock.
    pub clock: Clock,
    /// What the box knows.
    pub knowledge: Arc<Knowledge>,
    key: SigningKey,
    cases: Recent,
}

/// A use case that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Reception does not take the step.
    #[error(transparent)]
    Refused(#[from] crate::reception::Refusal),
    /// No such thing.
    #[error("not found")]
    NotFound,
    /// Somebody else works on the case.
    #[error("the case belongs to another clerk")]
    NotYours,
    /// No room on the disk. Nothing was written.
    #[error("disk full")]
    DiskFull,
    /// The database did not take or give it. Nothing was written.
    #[error("storage failed: {0}")]
    Storage(String),
}

impl Fault {
    /// A stored record that does not parse, without its content.
    pub fn record(error: &serde_json::Error) -> Self {
        Self::Storage(format!("stored record: {:?} at {}:{}", error.classify(), error.line(), error.column()))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sql(error) => error.into(),
            StoreError::Ledger(error) => error.into(),
            // What the parser stumbled over may be personal; where it did is not.
            StoreError::Record(error) => Self::record(&error),
            other => Self::Storage(chain(&other)),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Storage(chain(&error)),
        }
    }
}

impl From<ledger::LedgerError> for Fault {
    fn from(error: ledger::LedgerError) -> Self {
        match error {
            ledger::LedgerError::Sql(error) => error.into(),
            other => Self::Storage(chain(&other)),
        }
    }
}

impl From<WriteError<Fault>> for Fault {
    fn from(error: WriteError<Fault>) -> Self {
        match error {
            WriteError::Refused(fault) => fault,
            WriteError::DiskFull => Self::DiskFull,
            other => Self::Storage(other.to_string()),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::DiskFull,
            _ => Self::Storage(chain(&error)),
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        Self::Storage(chain(&error))
    }
}

impl Book {
    /// A book on a database.
    pub fn new(db: Database, keys: &Keys, clock: Clock, knowledge: Arc<Knowledge>) -> Self {
        Self {
            db,
            vault: keys.vault.clone(),
            clock,
            knowledge,
            key: keys.ledger.clone(),
            cases: Recent::default(),
        }
    }

    /// The ledger key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Appends an entry that belongs to no case.
    pub fn append<T: Serialize>(
        &self,
        tx: &Connection,
        kind: EntryKind,
        body: &T,
        now: Timestamp,
    ) -> Result<u64, Fault> {
        self.append_for(tx, kind, None, body, now)
    }

    /// Opens a case and records it.
    pub fn open_case(&self, tx: &Connection, record: &CaseRecord) -> Result<Arc<Case>, Fault> {
        let case = Case::opened(record).ok_or_else(|| Fault::Storage("record opens no case".to_owned()))?;
        self.append_for(tx, ledger::kind_of(&record.event), Some(&record.case), record, record.at)?;
        let stored = Stored { case: Arc::new(case), rev: 1 };
        self.cases.put(tx, &self.vault, &stored)?;
        Ok(stored.case)
    }

    /// Changes a case: reads it as it is now, decides on that, and records what follows. What two
    /// browsers or an evaluator do at the same moment is decided one after the other.
    pub fn change_case(
        &self,
        tx: &Connection,
        id: &CaseId,
        by: &AccountName,
        now: Timestamp,
        decide: impl FnOnce(&Case) -> Result<Vec<CaseEvent>, Fault>,
    ) -> Result<Arc<Case>, Fault> {
        let mut stored = self.cases.find(tx, &self.vault, id)?.ok_or(Fault::NotFound)?;
        let events = decide(&stored.case)?;
        if events.is_empty() {
            return Ok(stored.case);
        }
        for event in events {
            let record = CaseRecord {
                case: id.clone(),
                no: stored.case.no.clone(),
                at: now,
                clerk: by.clone(),
                event,
            };
            self.append_for(tx, ledger::kind_of(&record.event), Some(id), &record, now)?;
            Arc::make_mut(&mut stored.case).apply(record);
            stored.rev += 1;
        }
        self.cases.put(tx, &self.vault, &stored)?;
        Ok(stored.case)
    }

    fn append_for<T: Serialize>(
        &self,
        tx: &Connection,
        kind: EntryKind,
        case: Option<&CaseId>,
        body: &T,
        now: Timestamp,
    ) -> Result<u64, Fault> {
        let recorder = ledger::Recorder {
            key: &self.key,
            vault: &self.vault,
            clock: self.clock.reading(self.knowledge.token_age_ms(now), self.knowledge.clock_state(now)),
            known: self.knowledge.known(),
        };
        Ok(ledger::append(tx, &recorder, kind, case, body, now)?)
    }
}

/// An error with its causes, for the log and for numbers to quote.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
