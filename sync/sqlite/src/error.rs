//! What can go wrong, said so that the caller can choose.

use rusqlite::{ErrorCode, ffi};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file has a schema that this program does not know yet: it was written by a later version.
    #[error("the database has schema version {found}, this program knows {known}")]
    Newer {
        /// The version in the file.
        found: u32,
        /// The last version this program knows.
        known: u32,
    },
    /// The migrations handed in do not rise from 1 upwards.
    #[error("migration {version} does not come after the one before it")]
    Order {
        /// The version that is out of order.
        version: u32,
    },
    /// A step of the schema failed; the file is as it was before that step.
    #[error("migrate the database to version {version} ({name})")]
    Migration {
        /// The version that was to be reached.
        version: u32,
        /// The name of the step.
        name: &'static str,
        /// What the database said.
        #[source]
        source: rusqlite::Error,
    },
    /// A step left rows that point nowhere; the file is as it was before that step.
    #[error(
        "migration to version {version} ({name}) leaves rows of table {table} without the row they refer to"
    )]
    ForeignKeys {
        /// The version that was to be reached.
        version: u32,
        /// The name of the step.
        name: &'static str,
        /// The table with the rows.
        table: String,
    },
    /// The file can not be kept with a write-ahead log (a network drive, for example).
    #[error("the database keeps journal mode {mode:?} and not a write-ahead log")]
    Journal {
        /// The mode the database answered with.
        mode: String,
    },
    /// The file could not be created.
    #[error("create the database file")]
    File(#[source] std::io::Error),
    /// The writer thread could not be started.
    #[error("start the database writer")]
    Thread(#[source] std::io::Error),
    /// Anything else the database said.
    #[error("open the database")]
    Storage(#[from] rusqlite::Error),
}

/// Why a write was not kept. Whatever the reason, nothing of it is in the database.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure said no. Trying the same again gives the same answer.
    #[error("the write was refused")]
    Refused(#[source] E),
    /// The disk is full. Trying again helps once there is room.
    #[error("the disk is full")]
    DiskFull,
    /// Somebody else holds the database. Trying again helps.
    #[error("the database is busy")]
    Busy,
    /// The database or the disk under it failed; the text is the database's own.
    #[error("the storage failed: {0}")]
    Storage(String),
    /// The closure panicked.
    #[error("the write panicked")]
    Panicked,
    /// The database has been closed.
    #[error("the database is closed")]
    Closed,
}

impl<E> WriteError<E> {
    /// Whether the same write may be kept when tried again later.
    #[must_use]
    pub fn may_pass_later(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Busy | Self::Storage(_))
    }
}

/// Why a read has no answer.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The query failed.
    #[error("the read failed")]
    Failed(#[source] rusqlite::Error),
    /// The closure panicked.
    #[error("the read panicked")]
    Panicked,
    /// The database has been closed.
    #[error("the database is closed")]
    Closed,
}

/// For closures whose own error only knows the database's: the text says what it was.
impl From<ReadError> for rusqlite::Error {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::Failed(error) => return error,
            ReadError::Panicked => ffi::SQLITE_ABORT,
            ReadError::Closed => ffi::SQLITE_MISUSE,
        };
        Self::SqliteFailure(ffi::Error::new(code), Some(error.to_string()))
    }
}

/// What went wrong with a transaction, for every write in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    DiskFull,
    Busy,
    Storage(String),
}

impl Failure {
    /// The transaction ended inside a closure whose error does not show why.
    pub(crate) fn lost() -> Self {
        Self::Storage("the transaction was rolled back while a write ran in it".to_owned())
    }
}

impl From<&rusqlite::Error> for Failure {
    fn from(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Storage(error.to_string()),
        }
    }
}

impl<E> From<Failure> for WriteError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::DiskFull => Self::DiskFull,
            Failure::Busy => Self::Busy,
            Failure::Storage(text) => Self::Storage(text),
        }
    }
}
