//! The blob lane: attachments, small before large, chunk by chunk.
//!
//! The centre's bitmap is the only record of what has arrived, so an interrupted blob goes on
//! where it stopped: at most the chunk that was under way is sent twice.

use crate::agent::{ROUND, Shared, random};
use crate::backoff::Backoff;
use crate::link::Link;
use crate::round::garbage;
use crate::status::Trouble;
use crate::store::{BlobFailure, Store, StoreError};
use hall_ledger::BlobId;
use hall_ledger::blob::Bitmap;
use tokio_util::sync::CancellationToken;

/// Sends blobs while the line is up, until `stop`.
pub(crate) async fn run<S: Store, L: Link>(shared: &Shared<S, L>, stop: &CancellationToken) {
    let mut backoff = Backoff::default();
    let mut status = shared.line.subscribe();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            up = status.wait_for(|status| status.up) => if up.is_err() { return },
        }
        let sent = tokio::select! {
            () = stop.cancelled() => return,
            sent = send_all(shared) => sent,
        };
        let wait = match sent {
            Ok(()) => {
                backoff.reset();
                None
            }
            Err(trouble) => {
                match &trouble {
                    Trouble::Busy { .. } => {}
                    // The disk says nothing about the line.
                    Trouble::Storage(reason) => {
                        tracing::error!(%reason, "The box could not look after its attachments.");
                    }
                    _ => shared.line.lost(&trouble),
                }
                let wait = backoff.after_failure(random());
                Some(trouble.retry_after().map_or(wait, |asked| asked.max(wait)))
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait.unwrap_or(ROUND)) => {}
            () = shared.blob_nudge.notified(), if wait.is_none() => {}
        }
    }
}

/// One pass over what waits. A blob that cannot be read here or that the centre will not have is left
/// for the next pass and stops no other.
async fn send_all<S: Store, L: Link>(shared: &Shared<S, L>) -> Result<(), Trouble> {
    for id in shared.store.pending_blobs().await? {
        match send(shared, id).await {
            Ok(()) => {
                shared.store.blob_sealed(id).await?;
                shared.line.moved(&shared.store.position().await?);
            }
            Err(Unsent::Unreadable(error)) => {
                let reason = Trouble::from(error);
                tracing::error!(blob.id = %id, %reason, "An attachment cannot be read; it is left out.");
                shared.store.blob_failed(id, BlobFailure::Unreadable).await?;
            }
            Err(Unsent::Line(trouble @ Trouble::Refused { status, .. })) => {
                tracing::error!(blob.id = %id, reason = %trouble, "The centre refused an attachment.");
                shared.store.blob_failed(id, BlobFailure::Refused { status }).await?;
            }
            Err(Unsent::Line(trouble)) => {
                shared.store.blob_failed(id, BlobFailure::Line).await?;
                return Err(trouble);
            }
        }
    }
    Ok(())
}

/// Why a blob was not sent.
enum Unsent {
    /// It is missing or damaged here.
    Unreadable(StoreError),
    /// The exchange with the centre did not work.
    Line(Trouble),
}

impl From<Trouble> for Unsent {
    fn from(trouble: Trouble) -> Self {
        Self::Line(trouble)
    }
}

async fn send<S: Store, L: Link>(shared: &Shared<S, L>, id: BlobId) -> Result<(), Unsent> {
    let manifest = shared.store.blob_manifest(id).await.map_err(Unsent::Unreadable)?;
    let state = shared.link.offer_blob(id, &manifest).await?;
    if state.sealed {
        return Ok(());
    }
    let have = Bitmap::from_bytes(manifest.chunk_count(), state.have)
        .ok_or_else(|| garbage("blob offer", "bitmap does not fit the manifest"))?;
    for n in have.missing() {
        let bytes = shared.store.blob_chunk(id, n).await.map_err(Unsent::Unreadable)?;
        shared.link.put_chunk(id, n, bytes).await?;
    }
    let state = shared.link.seal_blob(id).await?;
    if state.id != id || !state.sealed {
        return Err(garbage("blob seal", "blob is not sealed").into());
    }
    Ok(())
}
