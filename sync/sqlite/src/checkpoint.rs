//! Moving what was committed from the log into the file, beside the writer: nobody who waits for a commit waits for it.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::{OpenError, schema};

/// Pages in the log from which on it is worth moving them: 4 MB, as SQLite itself holds it.
const PAGES: i32 = 1_000;
/// Pages from which on the writer does it itself, since it writes faster than the file takes it: 64 MB. The log starts
/// anew only in a moment in which nothing is written.
const MANY_PAGES: i32 = 16_000;

/// The thread that does it; it ends when the writer's connection no longer tells it anything.
pub(crate) struct Checkpoints(JoinHandle<()>);

impl Checkpoints {
    /// Starts the thread and makes the writer's connection tell it how long the log is.
    pub(crate) fn beside(writer: &mut Connection, path: &Path) -> Result<Self, OpenError> {
        let connection = schema::open_beside(path)?;
        let (tell, told) = sync_channel(1);
        follow(writer, tell)?;
        std::thread::Builder::new()
            .name("hall-sqlite-log".to_owned())
            .spawn(move || serve(&connection, &told))
            .map(Self)
            .map_err(OpenError::Thread)
    }

    /// Waits for the end of what is being moved. The writer does without the thread from then on.
    pub(crate) fn end(self, writer: &mut Connection) {
        // Without the hook nobody holds the other end of the queue. A panic of the thread has been reported already.
        if writer.wal_hook(None::<Hook>).is_ok() {
            let _ = self.0.join();
        }
    }
}

type Hook = fn(&mut rusqlite::hooks::Wal, i32) -> rusqlite::Result<()>;

fn follow(writer: &mut Connection, tell: SyncSender<()>) -> rusqlite::Result<()> {
    writer.wal_hook(Some(move |log: &mut rusqlite::hooks::Wal, pages| {
        if pages >= MANY_PAGES {
            // Best effort, as below; the commit itself has been made.
            let _ = log.checkpoint();
        } else if pages >= PAGES {
            // A full queue: it is about to look.
            let _ = tell.try_send(());
        }
        Ok(())
    }))
}

fn serve(connection: &Connection, told: &Receiver<()>) {
    while let Ok(()) = told.recv() {
        // Best effort: what could not be moved stays in the log, which is as durable.
        let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}
