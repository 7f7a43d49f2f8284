//! One SQLite file of the hall: one writer that commits in groups, a few read-only readers, and migrations that are
//! only ever added. It deliberately knows no table, no record and no rule: closures come in, plain values go out.
//!
//! A write that is answered with `Ok` is on the disk: write-ahead log, `synchronous=FULL`, one fsync for each group
//! of writes. A write that is answered with an error has left nothing behind.

mod block_on;
mod checkpoint;
mod error;
mod readers;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, Transaction};
use tokio::sync::{Semaphore, mpsc};

use crate::block_on::block_on;
use crate::checkpoint::Checkpoints;
pub use crate::error::{OpenError, ReadError, WriteError};
use crate::readers::Readers;
use crate::writer::{Message, Writer, queued};

/// One step of a schema. Steps are only ever added; a step that has reached a hall is never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The schema version the file has after this step (`PRAGMA user_version`): from 1, rising.
    pub version: u32,
    /// What the step is for, in a few words; shown when it fails.
    pub name: &'static str,
    /// The statements, run in one transaction with foreign keys off, and the keys checked before it commits (so a
    /// table may be rebuilt). They must not begin or commit a transaction themselves.
    pub sql: &'static str,
}

/// How many readers and how long the queues. A zero counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Read-only connections, that is, how many reads run at the same time. 4 unless told.
    pub readers: usize,
    /// Writes that may wait; a further writer waits to be let in. 256 unless told.
    pub queue: usize,
    /// The most writes that share one transaction and one fsync. 256 unless told.
    pub group: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, queue: 256, group: 256 }
    }
}

/// One open database. A clone is cheap and is the same database.
///
/// When the last clone is dropped without [`Database::close`], the writer finishes what is queued in the background.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    queue: mpsc::Sender<Message>,
    readers: Arc<Readers>,
    commits: Arc<AtomicU64>,
    /// Closed by the writer when it has let go of the file.
    finished: Arc<Semaphore>,
}

impl Database {
    /// Opens or creates the file (for its owner only), brings its schema up to the last of `migrations` and starts the
    /// writer. Blocks.
    ///
    /// # Errors
    /// [`OpenError::Newer`] when the file was written by a later version of the program; nothing is changed then.
    /// When a step fails, the steps before it stay.
    pub fn open(path: &Path, migrations: &[Migration], options: Options) -> Result<Self, OpenError> {
        let mut connection = schema::open_writer(path, migrations)?;
        let checkpoints = Checkpoints::beside(&mut connection, path)?;
        let readers = Readers::open(path, options.readers.max(1))?;
        let (queue, waiting) = mpsc::channel(options.queue.max(1));
        let commits = Arc::new(AtomicU64::new(0));
        let finished = Arc::new(Semaphore::new(0));
        let writer =
            Writer::new(connection, checkpoints, options.group.max(1), commits.clone(), finished.clone())?;
        std::thread::Builder::new()
            .name("hall-sqlite".to_owned())
            .spawn(move || writer.serve(waiting))
            .map_err(OpenError::Thread)?;
        Ok(Self { inner: Arc::new(Inner { queue, readers: Arc::new(readers), commits, finished }) })
    }

    /// Runs `f` on the writer and answers when its changes are on the disk.
    ///
    /// `f` runs in its own savepoint of a transaction that it may share with other writes: it sees what they wrote,
    /// and its error or panic takes back its own changes only. It must not begin, commit or roll back the
    /// transaction (that fails the whole group), nor wait for a write of this database from inside (that never ends).
    /// A key declared `DEFERRABLE INITIALLY DEFERRED` is only checked for the group as a whole; avoid it.
    /// Once queued, `f` is run even when the caller no longer waits.
    ///
    /// # Errors
    /// [`WriteError::Refused`] with the closure's own error; otherwise what went wrong in the storage. In both cases
    /// nothing of this write is kept.
    pub async fn write<T, E, F>(&self, f: F) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (write, answer) = queued(f);
        if self.inner.queue.send(Message::Write(write)).await.is_err() {
            return Err(WriteError::Closed);
        }
        answer.await.unwrap_or(Err(WriteError::Closed))
    }

    /// [`Database::write`] for a thread that may block.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub fn write_blocking<T, E, F>(&self, f: F) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        block_on(self.write(f))
    }

    /// Runs `f` on one of the read-only connections, on a blocking thread of the runtime.
    ///
    /// All queries of one closure see the same committed state. The connection can not write.
    ///
    /// # Errors
    /// [`ReadError::Failed`] with the error of the query; [`ReadError::Panicked`], [`ReadError::Closed`].
    pub async fn read<T, F>(&self, f: F) -> Result<T, ReadError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let reader = self.inner.readers.lend().await.ok_or(ReadError::Closed)?;
        let answer = on_blocking_thread(move || reader.run(f)).await??;
        answer.map_err(ReadError::Failed)
    }

    /// [`Database::read`] for a closure with an error of its own.
    ///
    /// # Errors
    /// The closure's error, or a [`ReadError`] turned into the closure's kind of error by way of
    /// [`rusqlite::Error`].
    pub async fn read_with<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
    {
        let reader = self.inner.readers.lend().await.ok_or(ReadError::Closed).map_err(foreign)?;
        on_blocking_thread(move || reader.run(f)).await.flatten().map_err(foreign)?
    }

    /// [`Database::read`] on the calling thread, which may block.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub fn read_blocking<T, F>(&self, f: F) -> Result<T, ReadError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T>,
    {
        let reader = block_on(self.inner.readers.lend()).ok_or(ReadError::Closed)?;
        reader.run(f)?.map_err(ReadError::Failed)
    }

    /// [`Database::read_with`] on the calling thread, which may block.
    ///
    /// # Errors
    /// As [`Database::read_with`].
    pub fn read_with_blocking<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E>,
        E: From<rusqlite::Error>,
    {
        let reader = block_on(self.inner.readers.lend()).ok_or(ReadError::Closed).map_err(foreign)?;
        reader.run(f).map_err(foreign)?
    }

    /// How many groups of writes have been committed since the file was opened.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    /// Lets running reads and everything already queued finish, empties the write-ahead log into the file and lets
    /// go of it. Other clones are answered `Closed` from then on.
    pub async fn close(self) {
        self.inner.readers.close().await;
        // When the queue is already gone, another clone has closed it: wait for the same end.
        let _ = self.inner.queue.send(Message::Close).await;
        let _ = self.inner.finished.acquire().await;
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("commits", &self.commits()).finish_non_exhaustive()
    }
}

/// A panic of the closure is caught inside; a join error means that the runtime is going away.
async fn on_blocking_thread<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ReadError> {
    tokio::task::spawn_blocking(f).await.map_err(|_| ReadError::Closed)
}

fn foreign<E: From<rusqlite::Error>>(error: ReadError) -> E {
    E::from(rusqlite::Error::from(error))
}
