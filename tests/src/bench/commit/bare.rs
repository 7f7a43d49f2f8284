//! The baselines: the same number of bytes as one row and nothing else, and the same signed and chained.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow};
use ed25519_dalek::SigningKey;
use hall_domain::Timestamp;
use hall_ledger::entry::{ClockReading, EntryKind, Known, RequestId};
use hall_ledger::hash::Salt;
use hall_ledger::head::{Draft, LedgerHead};
use hall_ledger::log::{BoxId, LogId};
use hall_sqlite::{Database, Migration, Options};
use rusqlite::{Connection, params};
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

/// The product's own writer and its ledger's mathematics, without the case, without sealing: what signing in one chain
/// costs whoever does it.
pub struct Chained {
    db: Database,
    key: Arc<SigningKey>,
    head: Arc<Mutex<LedgerHead>>,
    draft: Draft,
}

impl Chained {
    /// On a new file, for bodies of this many bytes.
    pub fn open(path: &Path, body: usize) -> Result<Self> {
        let entry = "CREATE TABLE entry (seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL, cose BLOB NOT NULL,
            salt BLOB NOT NULL, body BLOB NOT NULL) STRICT;";
        let db =
            Database::open(path, &[Migration { version: 1, name: "entry", sql: entry }], Options::default())?;
        let draft = Draft {
            kind: EntryKind::ConsentGiven,
            wall: Timestamp(1_795_000_000_000),
            clock: ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: None, error_ms: 60_000 },
            known: Known {
                scope: "hall:SC5199000001".to_owned(),
                feed: 0,
                hot: 0,
                token_at: None,
                policy: 1,
                keys: 1,
            },
            request: RequestId([2; 16]),
            body: random(body)?.to_vec(),
            salt: Salt::random()?,
        };
        let head = LedgerHead::new(LogId::new(BoxId([9; 16]), 1));
        let key = Arc::new(SigningKey::from_bytes(&[6; 32]));
        Ok(Self { db, key, head: Arc::new(Mutex::new(head)), draft })
    }

    /// One entry, on the disk when this is done.
    pub fn append(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let (db, key, head, draft) =
            (self.db.clone(), self.key.clone(), self.head.clone(), self.draft.clone());
        async move {
            db.write(move |tx| {
                let mut head = head.lock().unwrap_or_else(PoisonError::into_inner);
                let entry = head.seal(&key, draft).map_err(|error| anyhow!("seal: {error}"))?;
                tx.prepare_cached("INSERT INTO entry (leaf, cose, salt, body) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![entry.leaf.as_bytes(), entry.cose, entry.salt.as_bytes(), entry.body])?;
                Ok::<_, anyhow::Error>(())
            })
            .await
            .map_err(|error| anyhow!("chained insert: {error}"))
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
