//! Who shares a commit with whom, and what one write can do to its neighbours.

use std::sync::mpsc;

use hall_sqlite::{Database, Options, ReadError, WriteError};

use crate::{DEADLINE, Hall, NOTES, Waiting, all_notes, enqueue, insert, note, poll_once, soon};

#[tokio::test]
async fn writes_that_wait_together_share_one_commit() {
    let hall = Hall::new(Options::default());
    let hold = hall.hold();
    let writes: Vec<_> =
        (0..50).map(|n| enqueue(&hall.db, move |tx| insert(tx, &format!("note {n}")))).collect();
    hold.release();
    for write in writes {
        soon(write).await.unwrap();
    }
    assert_eq!(hall.notes().len(), 50);
    assert_eq!(hall.db.commits(), 2, "one for the write that held the others up, one for all of them");
}

#[tokio::test]
async fn a_group_is_no_larger_than_allowed() {
    let hall = Hall::new(Options { group: 10, ..Options::default() });
    let hold = hall.hold();
    let writes: Vec<_> =
        (0..45).map(|n| enqueue(&hall.db, move |tx| insert(tx, &format!("note {n}")))).collect();
    hold.release();
    for write in writes {
        soon(write).await.unwrap();
    }
    assert_eq!(hall.db.commits(), 1 + 5);
}

#[test]
fn many_threads_need_fewer_commits_than_writes() {
    let hall = Hall::new(Options { queue: 4, ..Options::default() });
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let db = &hall.db;
            scope.spawn(move || (0..40).for_each(|n| note(db, format!("{thread}-{n}")).unwrap()));
        }
    });
    assert_eq!(hall.notes().len(), 16 * 40);
    assert!(hall.db.commits() < 16 * 40, "{} commits", hall.db.commits());
}

#[tokio::test]
async fn a_refusal_or_a_panic_takes_back_its_own_changes_only() {
    let hall = Hall::new(Options::default());
    let hold = hall.hold();
    let first = enqueue(&hall.db, |tx| insert(tx, "first"));
    let refused = enqueue(&hall.db, |tx| {
        insert(tx, "gone").unwrap();
        insert(tx, "gone too").unwrap();
        Err::<(), _>("the case is closed")
    });
    let second = enqueue(&hall.db, |tx| insert(tx, "second"));
    let panicked = enqueue(&hall.db, |tx| {
        insert(tx, "gone as well").unwrap();
        if tx.last_insert_rowid() > 0 {
            panic!("on purpose, for the test");
        }
        Ok::<(), ()>(())
    });
    let left_open = enqueue(&hall.db, |tx| {
        tx.execute_batch("SAVEPOINT left_open")?;
        insert(tx, "third")
    });
    let doubled = enqueue(&hall.db, |tx| insert(tx, "first"));
    hold.release();
    assert_eq!(soon(first).await, Ok(()));
    assert_eq!(soon(refused).await, Err(WriteError::Refused("the case is closed")));
    assert_eq!(soon(second).await, Ok(()));
    assert_eq!(soon(panicked).await, Err(WriteError::Panicked));
    assert_eq!(soon(left_open).await, Ok(()));
    assert!(
        matches!(soon(doubled).await, Err(WriteError::Refused(error)) if error.to_string().contains("UNIQUE"))
    );
    assert_eq!(hall.notes(), ["first", "second", "third"]);
    assert_eq!(hall.db.commits(), 2);
}

#[tokio::test]
async fn nobody_is_answered_and_nothing_is_seen_before_the_commit() {
    let hall = Hall::new(Options::default());
    let hold = hall.hold();
    let mut first = enqueue(&hall.db, |tx| insert(tx, "first"));
    let (entered, wait) = mpsc::channel();
    let (go_on, told) = mpsc::channel::<()>();
    let second = enqueue(&hall.db, move |tx| {
        // The write before it in the group is there for it, though not for readers.
        let before = all_notes(tx).unwrap();
        entered.send(before).unwrap();
        told.recv_timeout(DEADLINE)
    });
    hold.release();
    assert_eq!(wait.recv_timeout(DEADLINE).unwrap(), ["first"]);
    assert!(poll_once(&mut first).is_pending());
    assert!(hall.notes().is_empty());
    go_on.send(()).unwrap();
    assert_eq!(soon(first).await, Ok(()));
    assert_eq!(soon(second).await, Ok(()));
    assert_eq!(hall.notes(), ["first"]);
}

#[tokio::test]
async fn a_write_that_ends_the_transaction_loses_its_group_and_nothing_else() {
    for ending in ["COMMIT", "ROLLBACK", "ROLLBACK; BEGIN"] {
        let hall = Hall::new(Options::default());
        let hold = hall.hold();
        let before = enqueue(&hall.db, |tx| insert(tx, "before"));
        let culprit = enqueue(&hall.db, move |tx| {
            insert(tx, "inside").unwrap();
            // Overlooks what it is told, and goes on.
            let _ = tx.execute_batch(ending);
            let _ = insert(tx, "outside");
            Ok::<_, rusqlite::Error>(())
        });
        let after = enqueue(&hall.db, |tx| insert(tx, "after"));
        hold.release();
        assert!(matches!(soon(before).await, Err(WriteError::Storage(_))), "{ending}");
        assert!(matches!(soon(culprit).await, Err(WriteError::Storage(_))), "{ending}");
        assert_eq!(soon(after).await, Ok(()), "{ending}");
        assert_eq!(hall.notes(), ["after"], "{ending}");
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_everybody_in_the_group() {
    let hall = Hall::new(Options::default());
    hall.db
        .write(|tx| {
            tx.execute_batch(
                "CREATE TABLE replies (note INTEGER NOT NULL REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)",
            )
        })
        .await
        .unwrap();
    let hold = hall.hold();
    let good = enqueue(&hall.db, |tx| insert(tx, "good"));
    let bad = enqueue(&hall.db, |tx| tx.execute("INSERT INTO replies (note) VALUES (999)", []));
    hold.release();
    assert!(matches!(soon(good).await, Err(WriteError::Storage(_))));
    assert!(matches!(soon(bad).await, Err(WriteError::Storage(_))));
    assert!(hall.notes().is_empty());
    note(&hall.db, "later").unwrap();
    assert_eq!(hall.notes(), ["later"]);
}

#[tokio::test]
async fn a_queued_write_is_kept_though_nobody_waits_for_it() {
    let hall = Hall::new(Options::default());
    let hold = hall.hold();
    drop(enqueue(&hall.db, |tx| insert(tx, "unattended")));
    hold.release();
    note(&hall.db, "next").unwrap();
    assert_eq!(hall.notes(), ["unattended", "next"]);
}

#[tokio::test]
async fn a_blocking_write_may_be_called_where_a_runtime_runs() {
    let hall = Hall::new(Options::default());
    for n in 0..300 {
        // More often than the budget of a task allows it to wait.
        note(&hall.db, format!("note {n}")).unwrap();
    }
    assert_eq!(hall.notes().len(), 300);
}

#[tokio::test]
async fn closing_carries_out_what_waits_and_refuses_the_rest() {
    let hall = Hall::new(Options::default());
    let hold = hall.hold();
    let writes: Vec<_> =
        (0..20).map(|n| enqueue(&hall.db, move |tx| insert(tx, &format!("note {n}")))).collect();
    let (one, other) = (hall.db.clone(), hall.db.clone());
    let mut closing: Waiting<()> = Box::pin(one.close());
    assert!(poll_once(&mut closing).is_pending());
    hold.release();
    soon(closing).await;
    for write in writes {
        assert_eq!(soon(write).await, Ok(()));
    }
    soon(other.close()).await;
    assert_eq!(note(&hall.db, "too late"), Err(WriteError::Closed));
    assert_eq!(hall.db.read(all_notes).await, Err(ReadError::Closed));
    let log = hall.path().with_extension("db-wal");
    assert!(!log.exists(), "the log is folded into the file and gone");

    let again = Database::open(&hall.path(), NOTES, Options::default()).unwrap();
    assert_eq!(again.read(all_notes).await.unwrap().len(), 20);
}
