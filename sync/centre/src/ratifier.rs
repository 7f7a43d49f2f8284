//! 复核: gives each submitted case its disposition, down the feed.
//!
//! An idempotent task, run by timer and by nudge. What it decides is `hall_ledger::ratify`, a pure
//! function; here the facts are gathered and the decision is recorded. A case that would pass waits until its
//! whole package is here; one that cannot pass is told at once.

use crate::app::App;
use crate::blobs::BlobStoreError;
use crate::casefile::CaseFile;
use crate::store::StoreError;
use hall_domain::case::Mode;
use hall_ledger::Signed;
use hall_ledger::disposition::Outcome;
use hall_ledger::ratify::{self, CaseFacts, Knowledge, LicenceUse};
use std::time::Duration;

/// A look without a nudge.
const PERIOD: Duration = Duration::from_secs(30);
/// Cases looked at in one go.
const BATCH: u32 = 200;

/// Why a case could not be judged now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
}

/// Judges until the centre stops.
pub async fn run(app: &App) {
    loop {
        if let Err(error) = judge_all(app).await {
            tracing::error!(%error, "Cases could not be judged; trying again.");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = app.ratify.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn judge_all(app: &App) -> Result<(), Trouble> {
    let mut after = 0;
    loop {
        let awaiting = app.store.awaiting(after, BATCH).await?;
        let Some((last, _)) = awaiting.last() else { return Ok(()) };
        after = *last;
        for (_, case) in &awaiting {
            judge(app, case).await?;
        }
    }
}

async fn judge(app: &App, case: &CaseFile) -> Result<(), Trouble> {
    let Some(package) = &case.package else { return Ok(()) };
    let mut knowledge = Knowledge::default();
    let mut names = Vec::with_capacity(case.uses.len());
    for used in &case.uses {
        let known = app.store.history(&used.licence, &case.hall).await?;
        let name = known.as_ref().map_or_else(String::new, |(name, _)| name.clone());
        names.push(name);
        if let Some((_, history)) = known {
            knowledge.licences.insert(used.licence.clone(), history);
        }
    }
    let Some(facts) = facts(case, names) else { return Ok(()) };
    let disposition = ratify::ratify(&facts, &knowledge, app.now());
    let passes =
        matches!(disposition.outcome, Outcome::Ratified | Outcome::Conditional | Outcome::PassedRevokedLater);
    if passes && (package.unreadable > 0 || app.blobs.lacking(case.blobs()).await? > 0) {
        return Ok(());
    }
    let signed = Signed::sign(&disposition, &app.key);
    let outcome = disposition.outcome;
    if app.store.judge(disposition, signed).await? {
        app.waiters.wake(&case.hall);
        tracing::info!(case.no = %case.no, outcome = ?outcome, "A case was judged.");
    }
    Ok(())
}

/// What the entries say, with the names of the licences used. None before submission.
fn facts(case: &CaseFile, names: Vec<String>) -> Option<CaseFacts> {
    let submission = case.submission.as_ref()?;
    let uses = case.uses.iter().zip(names).map(|(used, name)| LicenceUse {
        licence: used.licence.clone(),
        name,
        version: used.version,
        used_at: used.at,
        clock: used.clock,
        known_hot: used.known.hot,
    });
    Some(CaseFacts {
        log: case.log,
        seq: submission.seq,
        case_no: case.no.to_string(),
        mode: match submission.mode {
            Mode::Online => ratify::Mode::Online,
            Mode::Offline => ratify::Mode::Offline,
        },
        uses: uses.collect(),
        outstanding_until: submission.follow.as_ref().map(|follow| follow.by.end()),
        // The entries name the newest token that the box held: they were made after it was issued.
        not_before: case.uses.iter().filter_map(|used| used.known.token_at).min(),
        received_at: case.uses.iter().map(|used| used.received_at).max().unwrap_or(submission.received_at),
    })
}
