//! What readers see, and what they can not do.

use std::sync::mpsc;

use hall_sqlite::{Options, ReadError};

use crate::{DEADLINE, Hall, all_notes, insert, note, soon};

#[tokio::test]
async fn all_queries_of_one_read_see_the_same_state() {
    let hall = Hall::new(Options::default());
    note(&hall.db, "before").unwrap();
    let (looked, once) = mpsc::channel();
    let (go_on, told) = mpsc::channel::<()>();
    let db = hall.db.clone();
    let reading = tokio::spawn(async move {
        db.read(move |db| {
            let first = all_notes(db)?;
            looked.send(()).unwrap();
            told.recv_timeout(DEADLINE).unwrap();
            Ok((first, all_notes(db)?))
        })
        .await
    });
    tokio::task::spawn_blocking(move || once.recv_timeout(DEADLINE).unwrap()).await.unwrap();
    hall.db.write(|tx| insert(tx, "meanwhile")).await.unwrap();
    go_on.send(()).unwrap();
    let (first, second) = soon(reading).await.unwrap().unwrap();
    assert_eq!(first, ["before"]);
    assert_eq!(second, ["before"]);
    assert_eq!(hall.db.read(all_notes).await.unwrap(), ["before", "meanwhile"]);
}

#[tokio::test]
async fn a_reader_can_not_write_and_outlives_a_panic() {
    let hall = Hall::new(Options { readers: 1, ..Options::default() });
    let refused = hall.db.read(|db| db.execute("INSERT INTO notes (text) VALUES ('x')", [])).await;
    assert!(matches!(refused, Err(ReadError::Failed(error))
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly)));
    let panicked = hall.db.read(|_| if true { panic!("on purpose, for the test") } else { Ok(()) }).await;
    assert_eq!(panicked, Err(ReadError::Panicked));
    // The only connection is back, and its snapshot is gone.
    note(&hall.db, "after").unwrap();
    assert_eq!(soon(hall.db.read(all_notes)).await.unwrap(), ["after"]);
}

#[tokio::test]
async fn a_read_may_fail_with_an_error_of_its_own() {
    #[derive(Debug)]
    enum Fault {
        NotFound,
        Database(rusqlite::Error),
    }
    impl From<rusqlite::Error> for Fault {
        fn from(error: rusqlite::Error) -> Self {
            Self::Database(error)
        }
    }
    let hall = Hall::new(Options::default());
    let find = |db: &rusqlite::Connection| {
        let notes = all_notes(db)?;
        notes.into_iter().next().ok_or(Fault::NotFound)
    };
    assert!(matches!(hall.db.read_with(find).await, Err(Fault::NotFound)));
    assert!(matches!(hall.db.read_with_blocking(find), Err(Fault::NotFound)));
    note(&hall.db, "there").unwrap();
    assert_eq!(hall.db.read_with(find).await.unwrap(), "there");
    let panics = |_: &rusqlite::Connection| -> Result<(), Fault> { panic!("on purpose, for the test") };
    assert!(matches!(hall.db.read_with(panics).await, Err(Fault::Database(error))
        if error.to_string() == "the read panicked"));
    hall.db.clone().close().await;
    assert!(matches!(hall.db.read_with(find).await, Err(Fault::Database(error))
        if error.to_string() == "the database is closed"));
}

#[test]
fn as_many_reads_run_together_as_there_are_readers() {
    let hall = Hall::new(Options { readers: 2, ..Options::default() });
    let (to_second, from_first) = mpsc::channel();
    let (to_first, from_second) = mpsc::channel();
    std::thread::scope(|scope| {
        let db = &hall.db;
        scope.spawn(move || {
            db.read_blocking(|_| {
                to_second.send(()).unwrap();
                from_second.recv_timeout(DEADLINE).unwrap();
                Ok(())
            })
            .unwrap();
        });
        db.read_blocking(|_| {
            to_first.send(()).unwrap();
            from_first.recv_timeout(DEADLINE).unwrap();
            Ok(())
        })
        .unwrap();
    });
}
