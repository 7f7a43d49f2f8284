//! The one thread that writes: takes what waits, runs it in one transaction, commits once, then answers everybody.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::WriteError;
use crate::checkpoint::Checkpoints;
use crate::error::Failure;

/// A group that takes longer is written to the log.
const SLOW: Duration = Duration::from_secs(1);

/// What the writer is asked.
pub(crate) enum Message {
    /// Run this in the next group.
    Write(Box<dyn Write>),
    /// Take nothing more, finish what waits.
    Close,
}

/// A write that waits.
pub(crate) trait Write: Send {
    /// Runs the closure. The answer is held back until the group has been committed.
    fn run(self: Box<Self>, tx: &Transaction<'_>) -> Ran;
    /// Answers without having run.
    fn fail(self: Box<Self>, failure: Failure);
}

/// A write that has run and waits for its group.
pub(crate) struct Ran {
    verdict: Verdict,
    answer: Answer,
}

/// Tells the caller, once it is known what became of the group.
type Answer = Box<dyn FnOnce(Result<(), Failure>)>;

enum Verdict {
    /// Its changes stay.
    Keep,
    /// Its changes go; the failure is what the storage said, where the closure's error shows it.
    Undo(Option<Failure>),
}

/// Where the answer to a write comes.
type Reply<T, E> = oneshot::Receiver<Result<T, WriteError<E>>>;

/// A closure made ready for the queue.
pub(crate) fn queued<T, E, F>(f: F) -> (Box<dyn Write>, Reply<T, E>)
where
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Queued { f, reply }), answer)
}

struct Queued<T, E, F> {
    f: F,
    reply: oneshot::Sender<Result<T, WriteError<E>>>,
}

impl<T, E, F> Write for Queued<T, E, F>
where
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn run(self: Box<Self>, tx: &Transaction<'_>) -> Ran {
        let Self { f, reply } = *self;
        // Whatever the closure left half done inside the database, its savepoint takes back.
        let (verdict, outcome) = match catch_unwind(AssertUnwindSafe(|| f(tx))) {
            Ok(Ok(value)) => (Verdict::Keep, Ok(value)),
            Ok(Err(error)) => {
                let seen = storage_failure(&error);
                let told = match &seen {
                    Some(Failure::DiskFull) => WriteError::DiskFull,
                    _ => WriteError::Refused(error),
                };
                (Verdict::Undo(seen), Err(told))
            }
            Err(_) => (Verdict::Undo(None), Err(WriteError::Panicked)),
        };
        // A caller that has stopped waiting is no reason to fail: the write itself stands.
        let answer = Box::new(move |group: Result<(), Failure>| {
            let _ = reply.send(match (outcome, group) {
                (Ok(value), Ok(())) => Ok(value),
                (Ok(_), Err(failure)) => Err(failure.into()),
                (Err(error), _) => Err(error),
            });
        });
        Ran { verdict, answer }
    }

    fn fail(self: Box<Self>, failure: Failure) {
        let _ = self.reply.send(Err(failure.into()));
    }
}

/// What the storage said, if the closure's error is the database's own. Errors of the caller's own kind stay closed.
fn storage_failure<E: 'static>(error: &E) -> Option<Failure> {
    let error = (error as &dyn Any).downcast_ref::<rusqlite::Error>()?;
    match error.sqlite_error_code()? {
        ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory => Some(error.into()),
        _ => None,
    }
}

/// The writing connection and its thread's state.
pub(crate) struct Writer {
    connection: Connection,
    checkpoints: Option<Checkpoints>,
    group: usize,
    commits: Arc<AtomicU64>,
    may_commit: Arc<AtomicBool>,
    /// Last, because fields are dropped in order: the file is let go of before anybody is told so.
    _finished: Finished,
}

/// Tells whoever closes the database that the writer is gone, even if it has panicked.
struct Finished(Arc<Semaphore>);

impl Drop for Finished {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Writer {
    pub(crate) fn new(
        mut connection: Connection,
        checkpoints: Checkpoints,
        group: usize,
        commits: Arc<AtomicU64>,
        finished: Arc<Semaphore>,
    ) -> rusqlite::Result<Self> {
        // When the disk is full SQLite may roll the whole transaction back in the middle of a closure. A closure that
        // overlooks the error would then commit its further statements one by one; so only the writer may commit.
        let may_commit = Arc::new(AtomicBool::new(false));
        let allowed = may_commit.clone();
        connection.commit_hook(Some(move || !allowed.load(Ordering::Relaxed)))?;
        Ok(Self {
            connection,
            checkpoints: Some(checkpoints),
            group,
            commits,
            may_commit,
            _finished: Finished(finished),
        })
    }

    /// Serves the queue until it is closed and empty, then lets go of the file.
    pub(crate) fn serve(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut waiting = VecDeque::new();
        while let Some(message) = queue.blocking_recv() {
            let mut next = Some(message);
            while let Some(message) = next.take() {
                match message {
                    Message::Write(write) => waiting.push_back(write),
                    Message::Close => queue.close(),
                }
                if waiting.len() < self.group {
                    next = queue.try_recv().ok();
                }
            }
            // More than one transaction only if one was lost half-way.
            while !waiting.is_empty() {
                self.commit_group(&mut waiting);
            }
        }
        if let Some(checkpoints) = self.checkpoints.take() {
            checkpoints.end(&mut self.connection);
        }
        // Best effort: what is still in the log is found there when the file is opened next.
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Runs what waits in one transaction and answers it. When a write loses the transaction, those that ran in it are
    /// told so and those that have not run stay waiting for another.
    fn commit_group(&mut self, waiting: &mut VecDeque<Box<dyn Write>>) {
        let started = Instant::now();
        let mut answers = Vec::with_capacity(waiting.len());
        let result = self.run_group(waiting, &mut answers);
        let took = started.elapsed();
        if took > SLOW {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let count = answers.len();
            tracing::warn!(write.count = count, duration_ms = ms, "a group of {count} writes took {ms} ms");
        }
        for answer in answers {
            answer(result.clone());
        }
    }

    fn run_group(
        &mut self,
        waiting: &mut VecDeque<Box<dyn Write>>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Failure> {
        let Self { connection, commits, may_commit, .. } = self;
        let tx = match begin(connection) {
            Ok(tx) => tx,
            Err(error) => {
                waiting.drain(..).for_each(|write| write.fail(Failure::from(&error)));
                return Err(Failure::from(&error));
            }
        };
        while let Some(write) = waiting.pop_front() {
            // On an error the transaction is dropped, which rolls back what is left of it.
            run_in_savepoint(&tx, write, answers)?;
        }
        may_commit.store(true, Ordering::Relaxed);
        let committed = tx.commit();
        may_commit.store(false, Ordering::Relaxed);
        committed.map_err(|error| Failure::from(&error))?;
        commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    if !connection.is_autocommit() {
        // Left by a rollback that failed, for example on a disk that had gone away.
        connection.execute_batch("ROLLBACK")?;
    }
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Runs one write; an error means that the transaction is lost for everybody in it.
fn run_in_savepoint(
    tx: &Transaction<'_>,
    write: Box<dyn Write>,
    answers: &mut Vec<Answer>,
) -> Result<(), Failure> {
    if let Err(failure) = command(tx, "SAVEPOINT one_write") {
        write.fail(failure.clone());
        return Err(failure);
    }
    let Ran { verdict, answer } = write.run(tx);
    answers.push(answer);
    if tx.is_autocommit() {
        return Err(match verdict {
            Verdict::Undo(Some(seen)) => seen,
            Verdict::Undo(None) | Verdict::Keep => Failure::lost(),
        });
    }
    if matches!(verdict, Verdict::Undo(_)) {
        command(tx, "ROLLBACK TO one_write")?;
    }
    command(tx, "RELEASE one_write")
}

fn command(tx: &Transaction<'_>, sql: &str) -> Result<(), Failure> {
    let run = || tx.prepare_cached(sql)?.execute([]);
    run().map(drop).map_err(|error| Failure::from(&error))
}
