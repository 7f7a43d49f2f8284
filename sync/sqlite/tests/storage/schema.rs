//! Opening: the steps of the schema and the settings of the file.

use std::path::Path;

use hall_sqlite::{Database, Migration, OpenError, Options};
use rusqlite::Connection;

use crate::{Hall, NOTES, all_notes, note};

const FIRST: Migration = Migration {
    version: 1,
    name: "people and their notes",
    sql: "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
          CREATE TABLE notes (id INTEGER PRIMARY KEY,
              person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE, text TEXT NOT NULL) STRICT;",
};

/// Rebuilds a table that others refer to.
const SECOND: Migration = Migration {
    version: 2,
    name: "people have a window",
    sql: "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, window TEXT NOT NULL) STRICT;
          INSERT INTO new (id, name, window) SELECT id, name, 'W01' FROM people;
          DROP TABLE people;
          ALTER TABLE new RENAME TO people;",
};

const THIRD: Migration = Migration {
    version: 5,
    name: "notes have a time",
    sql: "ALTER TABLE notes ADD COLUMN at INTEGER NOT NULL DEFAULT 7;",
};

fn open(path: &Path, migrations: &[Migration]) -> Result<Database, OpenError> {
    Database::open(path, migrations, Options::default())
}

fn version(path: &Path) -> u32 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// A file at version 1 with a person and two notes.
fn old_file(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("hall.db");
    let db = open(&path, &[FIRST]).unwrap();
    db.write_blocking(|tx| {
        tx.execute_batch(
            "INSERT INTO people (id, name) VALUES (3, '李强');
             INSERT INTO notes (person, text) VALUES (3, 'one'), (3, 'two');",
        )
    })
    .unwrap();
    path
}

#[test]
fn rows_of_an_old_version_survive_the_steps_to_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let path = old_file(folder.path());
    for _ in 0..2 {
        let db = open(&path, &[FIRST, SECOND, THIRD]).unwrap();
        let rows: Vec<(String, String, String, i64)> = db
            .read_blocking(|db| {
                db.prepare("SELECT name, window, text, at FROM notes JOIN people ON people.id = person ORDER BY text")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                    .collect()
            })
            .unwrap();
        let expected = ["one", "two"].map(|text| ("李强".to_owned(), "W01".to_owned(), text.to_owned(), 7));
        assert_eq!(rows, expected);
    }
    assert_eq!(version(&path), 5);
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = old_file(folder.path());
    open(&path, &[FIRST, SECOND, THIRD]).unwrap().close().await;
    let before = std::fs::read(&path).unwrap();
    let refused = open(&path, &[FIRST, SECOND]).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 5, known: 2 }), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_step_that_fails_leaves_the_file_before_it() {
    const BROKEN: Migration = Migration {
        version: 3,
        name: "broken half-way",
        sql: "CREATE TABLE half (id INTEGER) STRICT; INSERT INTO nowhere VALUES (1);",
    };
    let folder = tempfile::tempdir().unwrap();
    let path = old_file(folder.path());
    let failed = open(&path, &[FIRST, SECOND, BROKEN]).unwrap_err();
    assert!(matches!(failed, OpenError::Migration { version: 3, name: "broken half-way", .. }), "{failed:?}");
    assert_eq!(version(&path), 2);
    let half: bool = Connection::open(&path).unwrap().table_exists(None, "half").unwrap();
    assert!(!half);
}

#[test]
fn a_step_may_not_leave_rows_that_point_nowhere() {
    const ORPHANS: Migration = Migration { version: 2, name: "forget people", sql: "DELETE FROM people;" };
    let folder = tempfile::tempdir().unwrap();
    let path = old_file(folder.path());
    let failed = open(&path, &[FIRST, ORPHANS]).unwrap_err();
    assert!(
        matches!(&failed, OpenError::ForeignKeys { version: 2, table, .. } if table == "notes"),
        "{failed:?}"
    );
    assert_eq!(version(&path), 1);
}

#[test]
fn steps_out_of_order_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hall.db");
    assert!(matches!(open(&path, &[SECOND, FIRST]), Err(OpenError::Order { version: 1 })));
    assert!(matches!(
        open(&path, &[Migration { version: 0, ..FIRST }]),
        Err(OpenError::Order { version: 0 })
    ));
    assert!(!path.exists());
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(open(folder.path(), NOTES), Err(OpenError::Storage(_))));
    assert!(matches!(open(&folder.path().join("no/such/folder"), NOTES), Err(OpenError::File(_))));
    let text = folder.path().join("text.db");
    std::fs::write(&text, "certainly not a database ".repeat(100)).unwrap();
    assert!(matches!(open(&text, NOTES), Err(OpenError::Storage(_))));
}

#[test]
fn the_file_is_kept_durably_and_privately() {
    let hall = Hall::new(Options::default());
    note(&hall.db, "there").unwrap();
    let settings = |db: &Connection| -> rusqlite::Result<(String, i64, i64, i64)> {
        Ok((
            db.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
            db.pragma_query_value(None, "synchronous", |row| row.get(0))?,
            db.pragma_query_value(None, "foreign_keys", |row| row.get(0))?,
            db.pragma_query_value(None, "query_only", |row| row.get(0))?,
        ))
    };
    let writer = hall.db.write_blocking(move |tx| settings(tx)).unwrap();
    assert_eq!(writer, ("wal".to_owned(), 2, 1, 0));
    let (journal, _, _, query_only) = hall.db.read_blocking(settings).unwrap();
    assert_eq!((journal.as_str(), query_only), ("wal", 1));
    assert_eq!(hall.db.read_blocking(all_notes).unwrap(), ["there"]);

    #[cfg(unix)]
    for name in ["hall.db", "hall.db-wal"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(hall.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
