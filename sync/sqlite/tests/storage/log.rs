//! The log, and who moves it into the file.

use std::time::Instant;

use hall_sqlite::{Database, Options};

use crate::{DEADLINE, Hall, NOTES, insert, note};

/// More pages than the log holds before it is moved.
const LONG: usize = 8 * 1024 * 1024;

#[test]
fn what_is_committed_reaches_the_file_while_the_writer_is_busy() {
    let hall = Hall::new(Options::default());
    note(&hall.db, "x".repeat(LONG)).unwrap();
    // From here on the writer does nothing but wait.
    let hold = hall.hold();
    let since = Instant::now();
    while std::fs::metadata(hall.path()).unwrap().len() < LONG as u64 {
        assert!(since.elapsed() < DEADLINE, "the log is not moved");
        std::thread::yield_now();
    }
    hold.release();
    assert_eq!(hall.notes().len(), 1);
}

#[tokio::test]
async fn the_log_starts_anew_once_it_was_moved() {
    let hall = Hall::new(Options::default());
    let log = hall.folder.path().join("hall.db-wal");
    let since = Instant::now();
    for n in 0.. {
        let before = std::fs::metadata(&log).unwrap().len();
        hall.db.write(move |tx| insert(tx, &format!("{n}{}", "x".repeat(LONG)))).await.unwrap();
        if std::fs::metadata(&log).unwrap().len() == before {
            return;
        }
        assert!(since.elapsed() < DEADLINE, "the log only grows");
    }
}

#[test]
fn what_was_deleted_stands_nowhere_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hall.db");
    let secret = "what nobody may read any more";
    let stands = || {
        let file = std::fs::read(&path).unwrap();
        file.windows(secret.len()).any(|part| part == secret.as_bytes())
    };
    let close = |db: Database| tokio::runtime::Runtime::new().unwrap().block_on(db.close());
    let db = Database::open(&path, NOTES, Options::default()).unwrap();
    db.write_blocking(move |tx| tx.execute("INSERT INTO notes (text) VALUES (?1)", [secret])).unwrap();
    close(db);
    assert!(stands());
    let db = Database::open(&path, NOTES, Options::default()).unwrap();
    db.write_blocking(|tx| tx.execute("DELETE FROM notes", [])).unwrap();
    close(db);
    assert!(!stands());
}
