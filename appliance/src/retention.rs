//! 保存期限: what nobody here needs any more is deleted, at the start and once a day, in small steps.

use crate::book::{Book, Fault};
use crate::cache::purge;
use crate::reception::Desk;
use crate::store::blobs::BlobFolder;
use crate::store::retention as rows;
use hall_ledger::blob::BlobId;
use hall_sqlite::WriteError;
use rusqlite::Connection;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_secs(86_400);
/// What one transaction looks at; recording waits no longer than for this.
const STEP: u32 = 64;

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Scans that no case needed.
    pub unused: usize,
    /// Contents that the centre has judged.
    pub settled: usize,
    /// Contents on the disk that no row named.
    pub nameless: usize,
    /// Notes about devices.
    pub security: usize,
    /// Cached licences that had expired, or whose cases had ended.
    pub licences: usize,
}

/// Sweeps at once and then daily, until `stop`.
pub async fn run(book: Book, folder: BlobFolder, desk: Desk, stop: CancellationToken) {
    loop {
        let swept = {
            let (book, folder) = (book.clone(), folder.clone());
            tokio::task::spawn_blocking(move || sweep(&book, &folder)).await
        };
        match swept {
            Ok(Ok(swept)) if swept == Swept::default() => {}
            Ok(Ok(Swept { unused, settled, nameless, security, licences })) => tracing::info!(
                content.unused = unused,
                content.settled = settled,
                content.nameless = nameless,
                security.count = security,
                licence.count = licences,
                "what is no longer needed was deleted"
            ),
            Ok(Err(error)) => tracing::error!(%error, "what is no longer needed could not be deleted"),
            Err(error) => tracing::error!(%error, "the sweep did not end"),
        }
        if let Err(error) = desk.forget_readings().await {
            tracing::error!(%error, "old readings could not be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(DAY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Deletes what is no longer needed. Blocks.
///
/// Ages are counted by the time that the centre last signed, if that is earlier than the clock: a clock that runs ahead
/// deletes nothing early. A box that has never heard from the centre deletes nothing by age.
///
/// # Errors
/// What went wrong in the storage; what was deleted until then is.
pub fn sweep(book: &Book, folder: &BlobFolder) -> Result<Swept, Fault> {
    let mut swept = Swept { nameless: nameless(book, folder)?, ..Swept::default() };
    let Some(token) = book.knowledge.token() else { return Ok(swept) };
    let now = book.clock.now().min(token.issued_at);
    swept.unused = each(
        book,
        folder,
        move |db| rows::unused(db, now, STEP),
        move |tx, id| rows::forget_unused(tx, id, now),
    )?;
    swept.settled =
        each(book, folder, move |db| rows::settled(db, now, STEP), move |tx, id| rows::let_go(tx, id, now))?;
    swept.licences = purge::purge(book, now)?;
    swept.security = repeat(book, move |tx| rows::forget_security(tx, now, STEP))?;
    Ok(swept)
}

/// Does a bounded step, one transaction each, until it finds nothing more. Returns how much it found.
fn repeat(
    book: &Book,
    step: impl Fn(&Connection) -> rusqlite::Result<usize> + Clone + Send + 'static,
) -> Result<usize, Fault> {
    let mut all = 0;
    loop {
        match write(book, step.clone())? {
            0 => return Ok(all),
            found => all += found,
        }
    }
}

/// Deletes the contents that `find` gives, a few at a time. `forget` is asked once more inside the transaction.
fn each(
    book: &Book,
    folder: &BlobFolder,
    find: impl Fn(&Connection) -> rusqlite::Result<Vec<String>> + Copy,
    forget: impl Fn(&Connection, &str) -> rusqlite::Result<bool> + Copy + Send + 'static,
) -> Result<usize, Fault> {
    let mut all = 0;
    loop {
        let found = book.db.read_blocking(find)?;
        let ids = found.iter().filter_map(|id| id.parse::<BlobId>().ok());
        let deleted = folder.delete(ids, |ids| write(book, move |tx| picked(ids, |id| forget(tx, id))))?;
        if deleted == 0 {
            // Nothing left, or only what somebody is just using.
            return Ok(all);
        }
        all += deleted;
    }
}

/// Contents that a crash left before any row named them, or that were let go and not yet deleted.
fn nameless(book: &Book, folder: &BlobFolder) -> Result<usize, Fault> {
    let mut deleted = 0;
    for ids in folder.all()?.chunks(STEP as usize) {
        // Asked on the writer: what is being recorded at this moment counts.
        deleted += folder.delete(ids.to_vec(), |ids| {
            write(book, move |tx| picked(ids, |id| Ok(!rows::is_here(tx, id)?)))
        })?;
    }
    Ok(deleted)
}

fn picked(ids: Vec<BlobId>, pick: impl Fn(&str) -> rusqlite::Result<bool>) -> rusqlite::Result<Vec<BlobId>> {
    let mut chosen = Vec::new();
    for id in ids {
        if pick(&id.to_string())? {
            chosen.push(id);
        }
    }
    Ok(chosen)
}

fn write<T: Send + 'static>(
    book: &Book,
    change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    book.db
        .write_blocking(move |tx| change(tx).map_err(Fault::from))
        .map_err(|error: WriteError<Fault>| error.into())
}
