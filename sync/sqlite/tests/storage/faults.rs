//! A full disk, a locked file.

use hall_sqlite::{Options, WriteError};
use rusqlite::Transaction;

use crate::{Hall, enqueue, insert, note, soon};

/// As large as the whole room that is left.
const TOO_MUCH: usize = 1_000_000;

/// Lets the file grow to so many pages of 4096 bytes.
fn limit(hall: &Hall, pages: u32) {
    hall.db
        .write_blocking(move |tx| tx.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())))
        .unwrap();
}

/// A hall with one note and hardly any room.
fn cramped() -> Hall {
    let hall = Hall::new(Options::default());
    note(&hall.db, "earlier").unwrap();
    limit(&hall, 20);
    hall
}

fn assert_goes_on(hall: &Hall) {
    limit(hall, 100_000);
    note(&hall.db, "x".repeat(TOO_MUCH)).unwrap();
    note(&hall.db, "later").unwrap();
    let notes = hall.notes();
    assert_eq!(notes.first().map(String::as_str), Some("earlier"));
    assert_eq!(notes.last().map(String::as_str), Some("later"));
    let sound: String =
        hall.db.read_blocking(|db| db.query_row("PRAGMA integrity_check", [], |row| row.get(0))).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn a_full_disk_is_told_and_what_was_there_stays() {
    let hall = cramped();
    let mut kept = vec!["earlier".to_owned()];
    let refused = loop {
        let text = format!("{} {}", kept.len(), "x".repeat(3000));
        match note(&hall.db, text.clone()) {
            Ok(()) => kept.push(text),
            Err(error) => break error,
        }
        assert!(kept.len() < 100, "never full");
    };
    assert_eq!(refused, WriteError::DiskFull);
    assert!(refused.may_pass_later());
    assert_eq!(hall.notes(), kept);
    assert_eq!(note(&hall.db, "x".repeat(TOO_MUCH)), Err(WriteError::DiskFull));
    assert_eq!(hall.notes(), kept);
    assert_goes_on(&hall);
}

/// Whatever SQLite does with the transaction, an `Ok` is a row and an error is none.
async fn in_the_middle_of_a_group<E: std::fmt::Debug + PartialEq + Send + 'static>(
    culprit: impl FnOnce(&Transaction<'_>) -> Result<(), E> + Send + 'static,
) -> (WriteError<E>, Result<(), WriteError<rusqlite::Error>>) {
    let hall = cramped();
    let hold = hall.hold();
    let before = enqueue(&hall.db, |tx| insert(tx, "before"));
    let culprit = enqueue(&hall.db, culprit);
    let after = enqueue(&hall.db, |tx| insert(tx, "after"));
    hold.release();
    let (before, culprit, after) = (soon(before).await, soon(culprit).await, soon(after).await);
    assert_eq!(after, Ok(()), "it fits");
    let mut expected = vec!["earlier"];
    expected.extend(before.is_ok().then_some("before"));
    expected.push("after");
    assert_eq!(hall.notes(), expected);
    assert_goes_on(&hall);
    (culprit.unwrap_err(), before)
}

#[tokio::test]
async fn a_disk_that_fills_up_in_a_group_is_told_to_all_who_lost_by_it() {
    let large = |tx: &Transaction<'_>| insert(tx, &"x".repeat(TOO_MUCH));

    let (told, before) = in_the_middle_of_a_group(large).await;
    assert_eq!(told, WriteError::DiskFull);
    assert_eq!(before, Err(WriteError::DiskFull), "the whole transaction was rolled back");

    // An error that does not show the database's.
    let (told, before) = in_the_middle_of_a_group(move |tx| large(tx).map_err(|_| "no")).await;
    assert_eq!(told, WriteError::Refused("no"));
    assert!(matches!(before, Err(WriteError::Storage(_))));

    // A closure that overlooks the error, and writes on where there is no transaction any more.
    let (told, before) = in_the_middle_of_a_group(move |tx| {
        let _ = large(tx);
        let _ = insert(tx, "stray");
        Ok::<_, rusqlite::Error>(())
    })
    .await;
    assert!(matches!(told, WriteError::Storage(_)));
    assert!(matches!(before, Err(WriteError::Storage(_))));

    // A statement that is taken back by itself leaves the others alone.
    let (told, before) = in_the_middle_of_a_group(|tx| {
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
             INSERT INTO notes (text) SELECT i || hex(zeroblob(100)) FROM n",
            [],
        )
        .map(drop)
    })
    .await;
    assert_eq!(told, WriteError::DiskFull);
    assert_eq!(before, Ok(()));
}

#[test]
fn a_file_that_somebody_else_locks_is_busy() {
    let hall = Hall::new(Options::default());
    hall.db.write_blocking(|tx| tx.busy_timeout(std::time::Duration::from_millis(10))).unwrap();
    let other = rusqlite::Connection::open(hall.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = note(&hall.db, "busy").unwrap_err();
    assert_eq!(refused, WriteError::Busy);
    assert!(refused.may_pass_later());
    other.execute_batch("ROLLBACK").unwrap();
    note(&hall.db, "free").unwrap();
    assert_eq!(hall.notes(), ["free"]);
}
