//! What the database promises, tried from outside.
#![allow(clippy::unwrap_used)] // a whole crate of tests; the exception of clippy.toml covers test functions only

mod faults;
mod groups;
mod kill;
mod log;
mod reads;
mod schema;

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hall_sqlite::{Database, Migration, Options, WriteError};
use rusqlite::Transaction;
use tempfile::TempDir;

/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(30);

const NOTES: &[Migration] = &[Migration {
    version: 1,
    name: "notes",
    sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;",
}];

/// A database in a folder that goes away with it.
struct Hall {
    db: Database,
    folder: TempDir,
}

impl Hall {
    fn new(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&folder.path().join("hall.db"), NOTES, options).unwrap();
        Self { db, folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("hall.db")
    }

    /// The committed notes, in the order they were written.
    fn notes(&self) -> Vec<String> {
        self.db.read_blocking(all_notes).unwrap()
    }

    /// Keeps the writer busy inside a group of one until told to go on.
    fn hold(&self) -> Hold {
        let (entered, wait) = mpsc::channel();
        let (go_on, told) = mpsc::channel::<()>();
        let db = self.db.clone();
        let thread = std::thread::spawn(move || {
            db.write_blocking(move |_| {
                entered.send(()).unwrap();
                told.recv_timeout(DEADLINE)
            })
            .unwrap();
        });
        wait.recv_timeout(DEADLINE).unwrap();
        Hold { go_on, thread }
    }
}

struct Hold {
    go_on: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Hold {
    fn release(self) {
        self.go_on.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

fn all_notes(db: &rusqlite::Connection) -> rusqlite::Result<Vec<String>> {
    db.prepare("SELECT text FROM notes ORDER BY id")?.query_map([], |row| row.get(0))?.collect()
}

fn insert(tx: &Transaction<'_>, text: &str) -> rusqlite::Result<()> {
    tx.execute("INSERT INTO notes (text) VALUES (?1)", [text]).map(drop)
}

fn note(db: &Database, text: impl Into<String>) -> Result<(), WriteError<rusqlite::Error>> {
    let text = text.into();
    db.write_blocking(move |tx| insert(tx, &text))
}

type Waiting<T> = Pin<Box<dyn Future<Output = T>>>;

/// Puts a write into the queue of a writer that is being held, and hands back what will be its answer.
fn enqueue<T, E, F>(db: &Database, f: F) -> Waiting<Result<T, WriteError<E>>>
where
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let db = db.clone();
    let mut write: Waiting<_> = Box::pin(async move { db.write(f).await });
    assert!(poll_once(&mut write).is_pending());
    write
}

fn poll_once<T>(future: &mut Waiting<T>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits, but not for ever.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.expect("answered before the deadline")
}
