//! The baselines: the same number of bytes as one row, and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use hall_sqlite::{Database, Migration, Options};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

const TABLE: &str = "CREATE TABLE record (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;";
const INSERT: &str = "INSERT INTO record (bytes) VALUES (?1)";
const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "record", sql: TABLE }];
/// As [`Options::group`] of the product's writer.
const GROUP: usize = 256;

/// The product's own writer, asked for one plain insert.
pub struct ThroughWriter {
    db: Database,
    bytes: Arc<[u8]>,
}

impl ThroughWriter {
    /// On a new file, for rows of this many bytes.
    pub fn open(path: &Path, bytes: usize) -> Result<Self> {
        Ok(Self { db: Database::open(path, MIGRATIONS, Options::default())?, bytes: random(bytes)? })
    }

    /// One row, on the disk when this is done.
    pub fn insert(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let (db, bytes) = (self.db.clone(), self.bytes.clone());
        async move {
            db.write(move |tx| tx.prepare_cached(INSERT)?.execute([&bytes[..]]).map(drop))
                .await
                .map_err(|error| anyhow!("bare insert: {error}"))
        }
    }
}

/// What a careful programmer writes in an hour: one thread that takes all that waits into one transaction.
pub struct ByHand {
    queue: mpsc::Sender<oneshot::Sender<()>>,
}

impl ByHand {
    /// On a new file, for rows of this many bytes.
    pub fn open(path: &Path, bytes: usize) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(TABLE)?;
        let (queue, mut waiting) = mpsc::channel::<oneshot::Sender<()>>(GROUP);
        let bytes = random(bytes)?;
        thread::Builder::new().name("by-hand".to_owned()).spawn(move || {
            let mut group = Vec::new();
            while let Some(first) = waiting.blocking_recv() {
                group.push(first);
                while group.len() < GROUP
                    && let Ok(next) = waiting.try_recv()
                {
                    group.push(next);
                }
                // Dropping the answers tells those who wait.
                if commit(&connection, &bytes, group.len()).is_err() {
                    return;
                }
                for answer in group.drain(..) {
                    let _ = answer.send(());
                }
            }
        })?;
        Ok(Self { queue })
    }

    /// One row, on the disk when this is done.
    pub fn insert(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let queue = self.queue.clone();
        async move {
            let (answer, done) = oneshot::channel();
            queue.send(answer).await.context("the writer by hand is gone")?;
            done.await.context("the writer by hand failed")
        }
    }
}

fn commit(connection: &Connection, bytes: &[u8], count: usize) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut insert = connection.prepare_cached(INSERT)?;
    for _ in 0..count {
        insert.execute([bytes])?;
    }
    connection.prepare_cached("COMMIT")?.execute([]).map(drop)
}

fn random(bytes: usize) -> Result<Arc<[u8]>> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(random.into())
}
