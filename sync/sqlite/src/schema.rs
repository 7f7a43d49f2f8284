//! Opens connections with the settings every file has, and brings the schema up to date.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::{Migration, OpenError};

/// How long to wait for a lock that another process holds (a backup, an operator's tool).
const BUSY: Duration = Duration::from_secs(5);
/// The write-ahead log is cut back to this many bytes after a busy time.
const JOURNAL_BYTES: i64 = 64 * 1024 * 1024;
/// Statements kept prepared on each connection.
const STATEMENTS: usize = 64;

/// The connection of the writer, with its schema at the last of `migrations`.
pub(crate) fn open_writer(path: &Path, migrations: &[Migration]) -> Result<Connection, OpenError> {
    check_order(migrations)?;
    create_private(path)?;
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    // Before anything is changed, even the journal mode.
    refuse_newer(&connection, migrations)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(OpenError::Journal { mode });
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten, not only unlinked.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", JOURNAL_BYTES, |_| Ok(()))?;
    settle(&connection)?;
    migrate(&mut connection, migrations)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// A further connection that may write, for the log alone. The writer's must be open already.
pub(crate) fn open_beside(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    settle(&connection)?;
    Ok(connection)
}

/// A connection that can only read. The writer's must be open already: it keeps the shared memory of the log alive.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    settle(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// What writer and readers share: no mapped file (a failing disk would kill the process, and not fail a call), and
/// no temporary files, which would leave people's data outside the database.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(())).optional()?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Creates the file for its owner only; the log beside it takes over the same permissions.
fn create_private(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::File(error)),
    }
}

fn check_order(migrations: &[Migration]) -> Result<(), OpenError> {
    let mut before = 0;
    for migration in migrations {
        // The file keeps the version as a signed number.
        if migration.version <= before || i32::try_from(migration.version).is_err() {
            return Err(OpenError::Order { version: migration.version });
        }
        before = migration.version;
    }
    Ok(())
}

fn refuse_newer(connection: &Connection, migrations: &[Migration]) -> Result<(), OpenError> {
    let found = version(connection)?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(()) }
}

/// Runs the steps the file has not seen. Foreign keys are off meanwhile: a table is rebuilt by copying and dropping,
/// and the drop would otherwise delete the rows that refer to it.
fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<(), OpenError> {
    connection.pragma_update(None, "foreign_keys", false)?;
    for migration in migrations {
        step(connection, migration)?;
    }
    // Another process may have brought it further since it was first looked at.
    refuse_newer(connection, migrations)
}

fn step(connection: &mut Connection, migration: &Migration) -> Result<(), OpenError> {
    let Migration { version: to, name, sql } = *migration;
    let failed = |source| OpenError::Migration { version: to, name, source };
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if version(&tx)? >= to {
        return Ok(());
    }
    tx.execute_batch(sql).map_err(failed)?;
    let orphan: Option<String> = tx
        .query_row("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", [], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    if let Some(table) = orphan {
        return Err(OpenError::ForeignKeys { version: to, name, table });
    }
    tx.pragma_update(None, "user_version", to).map_err(failed)?;
    tx.commit().map_err(failed)
}

/// The schema version of the file. A negative one was not written by us and counts as newer than anything.
fn version(connection: &Connection) -> Result<u32, OpenError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}
