//! Taking entries into custody: verify, store, and only then sign a receipt.

use crate::app::App;
use crate::ingest::{self, Contradiction, Ours, Verdict};
use crate::store::{Appended, Branch, Log, StoreError};
use hall_ledger::bundle::{BundleError, Upload};
use hall_ledger::link::{Fork, HeadIs, Hello, Progress};
use hall_ledger::merkle;
use hall_ledger::receipt::Receipt;
use hall_ledger::{LedgerHead, Signed};
use std::sync::Arc;

/// How often a request that lost a race against another of the same log looks again.
const RACES: u32 = 3;

/// What the centre says to an upload.
pub enum Taken {
    /// Custody up to the checkpoint.
    Receipt(Signed<Receipt>),
    /// Durable so far.
    Progress(Progress),
    /// The centre stands elsewhere.
    Elsewhere(HeadIs),
    /// Another history is known.
    Fork(Fork),
}

/// Why custody is refused, or could not be taken now.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// Not an upload.
    #[error(transparent)]
    Upload(#[from] BundleError),
    /// Not this box's, or not whole.
    #[error(transparent)]
    Refused(#[from] ingest::Refusal),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Several requests for one log at a time.
    #[error("another upload of this log is under way")]
    Race,
    /// The process is ending.
    #[error("the centre is closing")]
    Closing,
}

/// Takes an upload for the caller's own log. Doing it again changes nothing.
pub async fn take(app: &App, log: Log, from: u64, body: Arc<[u8]>) -> Result<Taken, CustodyError> {
    let mut log = log;
    for _ in 0..RACES {
        match try_take(app, &log, from, body.clone()).await? {
            Some(taken) => return Ok(taken),
            None => log = app.store.log(log.id).await?.unwrap_or(log),
        }
    }
    Err(CustodyError::Race)
}

async fn try_take(app: &App, log: &Log, from: u64, body: Arc<[u8]>) -> Result<Option<Taken>, CustodyError> {
    let overlap = match from < log.head.size() {
        true => app.store.leaves(log.id, from, log.head.size()).await?,
        false => Vec::new(),
    };
    let ours = Ours { head: log.head.clone(), overlap };
    let (key, received_at) = (log.ledger_key, app.now());
    let upload = body.clone();
    let judged = tokio::task::spawn_blocking(move || {
        let upload = Upload::decode(&upload)?;
        let checkpoint = upload.checkpoint.clone();
        Ok::<_, CustodyError>((ingest::judge(&ours, &key, from, upload, received_at)?, checkpoint))
    });
    let (verdict, checkpoint) = judged.await.map_err(|_| CustodyError::Closing)??;
    let (batch, complete) = match verdict {
        Verdict::Continues { batch, complete } => (batch, complete),
        Verdict::Elsewhere => return Ok(Some(Taken::Elsewhere(head_is(&log.head)))),
        Verdict::Fork(contradiction) => {
            let fork = quarantine(app, log, contradiction, checkpoint.into_bytes(), body.to_vec()).await?;
            return Ok(Some(Taken::Fork(fork)));
        }
    };
    let (head, has_cases) = (batch.head.clone(), !batch.cases.is_empty());
    let (receipt_index, received_at) = if batch.entries.is_empty() {
        (app.store.receipt_index().await?, log.received_at)
    } else {
        match app.store.append(log.id, batch).await? {
            Appended::Stored { receipt_index } => (receipt_index, received_at),
            Appended::Moved => return Ok(None),
        }
    };
    if has_cases {
        app.ratify.notify_one();
    }
    if !complete {
        return Ok(Some(Taken::Progress(Progress { next: head.size() })));
    }
    let receipt = Receipt {
        log: log.id,
        size: head.size(),
        root: head.root(),
        epoch: app.epoch,
        received_at,
        index: receipt_index,
        ledger_key: *log.ledger_key.as_bytes(),
        branch: None,
    };
    Ok(Some(Taken::Receipt(app.sign(&receipt))))
}

/// Keeps a contradicting upload for people. No receipt: only a part of that branch is here.
async fn quarantine(
    app: &App,
    log: &Log,
    found: Contradiction,
    checkpoint: Vec<u8>,
    upload: Vec<u8>,
) -> Result<Fork, StoreError> {
    let Contradiction { at, size, root } = found;
    app.store.add_branch(Branch { log: log.id, size, root, checkpoint, upload, at: app.now() }).await?;
    tracing::error!(log.id = %log.id, entry.seq = at, "Two histories of one ledger are known: a clone or a restored backup.");
    Ok(Fork { at, head: head_is(&log.head), quarantine: None })
}

/// Notes a box whose own story contradicts what is here already at the hello.
pub async fn compare(app: &App, log: &Log, hello: &Hello) -> Result<(), StoreError> {
    let same = match hello.size {
        size if size > log.head.size() => return Ok(()),
        size if size == log.head.size() => log.head.root() == hello.root,
        size => merkle::root(&app.store.leaves(log.id, 0, size).await?) == hello.root,
    };
    if !same {
        let (size, root) = (hello.size, hello.root);
        let found = Contradiction { at: size.saturating_sub(1), size, root };
        quarantine(app, log, found, Vec::new(), Vec::new()).await?;
    }
    Ok(())
}

fn head_is(head: &LedgerHead) -> HeadIs {
    HeadIs { size: head.size(), root: head.root() }
}
