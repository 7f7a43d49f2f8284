//! The read-only connections: lent one at a time, given back whatever the closure did.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{OpenError, ReadError, schema};

/// All reading connections of one database.
pub(crate) struct Readers {
    /// One permit for each connection on the stack.
    permits: Arc<Semaphore>,
    count: u32,
    /// The last one used is lent first: its cache is warm.
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn open(path: &Path, count: usize) -> Result<Self, OpenError> {
        let idle = (0..count).map(|_| schema::open_reader(path)).collect::<Result<Vec<_>, _>>()?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Self { permits: Arc::new(Semaphore::new(idle.len())), count, idle: Mutex::new(idle) })
    }

    /// Waits for a connection; `None` once the database is closed.
    pub(crate) async fn lend(self: &Arc<Self>) -> Option<Reader> {
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        let connection = self.stack().pop()?;
        Some(Reader { connection: Some(connection), home: self.clone(), _permit: permit })
    }

    /// Waits for the reads that run, then closes every connection.
    pub(crate) async fn close(&self) {
        // An error means that it is closed already.
        if let Ok(_all) = self.permits.acquire_many(self.count).await {
            self.permits.close();
            self.stack().clear();
        }
    }

    fn stack(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Pushing and popping leave the stack whole even if a panic passes.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lent connection; goes home when dropped, before its permit does.
pub(crate) struct Reader {
    connection: Option<Connection>,
    home: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// Runs `f` in a read transaction, so that all its queries see the same state. The inner result is the closure's.
    pub(crate) fn run<T, E, F>(self, f: F) -> Result<Result<T, E>, ReadError>
    where
        F: FnOnce(&Connection) -> Result<T, E>,
    {
        let Some(connection) = &self.connection else { return Err(ReadError::Closed) };
        begin(connection).map_err(ReadError::Failed)?;
        let outcome = catch_unwind(AssertUnwindSafe(|| f(connection)));
        // If it can not be ended now, the next read on this connection is told.
        let _ = end(connection);
        outcome.map_err(|_| ReadError::Panicked)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.home.stack().push(connection);
        }
    }
}

fn begin(connection: &Connection) -> rusqlite::Result<()> {
    end(connection)?;
    connection.prepare_cached("BEGIN")?.execute([]).map(drop)
}

/// Ends the read transaction if there is one: an old snapshot would keep the log from being emptied.
fn end(connection: &Connection) -> rusqlite::Result<()> {
    if !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK")?.execute([])?;
    }
    Ok(())
}
