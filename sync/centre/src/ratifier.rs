//! 复核: gives each submitted case its disposition, down the feed.
//!
//! An idempotent task, run by timer and by nudge. What it decides is `hall_ledger::ratify`, a pure
//! function; here the facts are gathered and the decision is recorded. A case that would pass waits until its
//! whole package is sealed and here; one that cannot pass is told at once, sealed or not.

use crate::app::App;
use crate::blobs::BlobStoreError;
use crate::casefile::CaseFile;
use crate::store::{Awaiting, StoreError};
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

/// One pass. A case that cannot be judged keeps no other waiting.
async fn judge_all(app: &App) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let awaiting = app.store.awaiting(after, BATCH).await?;
        let Some(last) = awaiting.last() else { return Ok(()) };
        after = last.row;
        for Awaiting { row, case } in awaiting {
            let judged = match case {
                Ok(case) => judge(app, &case).await,
                Err(error) => Err(error.into()),
            };
            match judged {
                Ok(()) => {}
                // What keeps one case waiting keeps them all.
                Err(Trouble::Store(StoreError::Busy)) => return Err(StoreError::Busy),
                Err(error) => {
                    tracing::error!(case.row = row, %error, "A case could not be judged; trying again.")
                }
            }
        }
    }
}

async fn judge(app: &App, case: &CaseFile) -> Result<(), Trouble> {
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
    if passes && !is_whole(app, case).await? {
        return Ok(());
    }
    let signed = app.sign(&disposition);
    let outcome = disposition.outcome;
    if app.store.judge(disposition, signed).await? {
        app.waiters.wake(&case.hall);
        tracing::info!(case.no = %case.no, outcome = ?outcome, "A case was judged.");
    }
    Ok(())
}

/// Whether the package is sealed and all of it is here.
async fn is_whole(app: &App, case: &CaseFile) -> Result<bool, BlobStoreError> {
    let Some(package) = &case.package else { return Ok(false) };
    Ok(package.unreadable == 0 && app.blobs.lacking(case.blobs()).await? == 0)
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
        mode: submission.mode,
        uses: uses.collect(),
        outstanding_until: submission.follow.as_ref().map(|follow| follow.by.end()),
        // The entries name the newest token that the box held: they were made after it was issued.
        not_before: case.uses.iter().filter_map(|used| used.known.token_at).min(),
        received_at: case.uses.iter().map(|used| used.received_at).max().unwrap_or(submission.received_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::casefile::{Submission, Use};
    use crate::register::{put_licence, set_status};
    use crate::testing::{Bench, licence};
    use hall_domain::case::Mode;
    use hall_domain::{Judgement, LicenceStatus, policy};
    use hall_ledger::LogId;
    use hall_ledger::entry::{ClockReading, Known};
    use hall_ledger::feed::Change;

    /// A submitted case that is not sealed yet, and used one licence.
    fn submitted(app: &App, log: LogId, name: &str, used: &hall_domain::Licence) -> CaseFile {
        let clock = ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: Some(1), error_ms: 20 };
        let scope = "hall:990001".to_owned();
        let known = Known { scope, feed: 0, hot: 0, token_at: None, policy: 1, keys: 1 };
        let (at, received_at, mode) = (app.now(), app.now(), Mode::Offline);
        let no = format!("H1-20261121-{name}");
        let mut case = CaseFile::new(log, "990001", name.parse().unwrap(), no.parse().unwrap());
        let (licence, kind, version) = (used.id.clone(), used.kind.clone(), used.version);
        case.uses = vec![Use { licence, kind, version, at, clock, known, seq: 1, received_at, mode }];
        let outcome = policy::Outcome::AcceptForReview;
        let judgement = Judgement { outcome, sentence: "待复核".into(), raise: None };
        let seq = name.parse().unwrap();
        case.submission = Some(Submission { seq, at, received_at, mode, judgement, follow: None });
        case
    }

    /// Puts a case into the store as if entries had made it.
    fn keep(bench: &Bench, case: &str, seq: i64, body: &str) {
        let kept = bench.database().execute(
            "INSERT INTO casefile (log, case_id, case_no, submitted_seq, awaiting, body)
             VALUES (1, ?1, ?1, ?2, 1, ?3)",
            rusqlite::params![case, seq, body],
        );
        assert_eq!(kept.unwrap(), 1);
    }

    async fn outcomes(bench: &Bench) -> Vec<Outcome> {
        let judged = |item: hall_ledger::feed::FeedItem| match item.change {
            Change::Disposition(signed) => Some(signed.verify(&bench.key()).unwrap().outcome),
            _ => None,
        };
        bench.feed("990001").await.into_iter().filter_map(judged).collect()
    }

    async fn with_revoked_licence() -> (Bench, String) {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let used = licence("000000000000001", 1);
        put_licence(&bench.app, used.clone()).await.unwrap();
        set_status(&bench.app, &used.id, LicenceStatus::Revoked).await.unwrap();
        bench.pass_hours(1);
        let case = serde_json::to_string(&submitted(&bench.app, log, "000002", &used)).unwrap();
        (bench, case)
    }

    #[tokio::test]
    async fn a_case_that_cannot_be_read_keeps_no_other_waiting() {
        let (bench, case) = with_revoked_licence().await;
        keep(&bench, "000001", 1, "{}");
        keep(&bench, "000002", 2, &case);
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedRevoked]);
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await.len(), 1);
    }

    #[tokio::test]
    async fn only_a_case_that_would_pass_waits_for_its_package() {
        let (bench, case) = with_revoked_licence().await;
        keep(&bench, "000002", 2, &case);
        let log = serde_json::from_str::<CaseFile>(&case).unwrap().log;
        let good = licence("000000000000002", 1);
        put_licence(&bench.app, good.clone()).await.unwrap();
        let passes = submitted(&bench.app, log, "000003", &good);
        keep(&bench, "000003", 3, &serde_json::to_string(&passes).unwrap());
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedRevoked]);
    }
}
