//! 证照续签: issues envelopes anew before they end, so that halls' caches do not go stale.
//!
//! An idempotent task, run by timer. Each licence has its own day, and one pass does only so much, so that neither the
//! centre nor the lines of the halls feel a whole register at once.

use crate::app::App;
use crate::register::{self, ENVELOPE_DAYS, RegisterError};
use crate::store::{Due, Renewed};
use std::time::Duration;

/// Between two passes.
const PERIOD: Duration = Duration::from_secs(10 * 60);
/// No envelope is renewed before this age.
const AFTER_DAYS: i64 = 60;
/// Licences are due over so many days from then on, by their place in the status list.
const SPREAD_DAYS: u32 = 20;
/// Most licences of one pass: 72 000 a day.
const BATCH: u32 = 500;

/// What is left of an envelope's life for catching up, with a centre that was down or a register loaded in one day.
const _: () = assert!(AFTER_DAYS + SPREAD_DAYS as i64 + 7 < ENVELOPE_DAYS);

/// Renews until the centre stops.
pub async fn run(app: &App) {
    loop {
        match renew(app, BATCH).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(licence.count = count, "Envelopes were renewed."),
            Err(error) => tracing::error!(%error, "Envelopes could not be renewed; trying again."),
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// One pass: renews at most `limit` licences that are due, and says how many it did.
async fn renew(app: &App, limit: u32) -> Result<usize, RegisterError> {
    let due = Due { now: app.now(), after_days: AFTER_DAYS, spread_days: SPREAD_DAYS, limit };
    let mut count = 0;
    for known in app.store.licences_due(due).await? {
        if app.stop.is_cancelled() {
            break;
        }
        let _register = app.register.lock().await;
        // It may have been changed, and with that renewed, since the list was made.
        let Some(current) = app.store.licence(&known.licence.id).await? else { continue };
        if current.licence != known.licence {
            continue;
        }
        let at = app.now();
        let envelopes = register::for_its_halls(app, &known.licence, known.status_index, at).await?;
        app.store.renew_licence(Renewed { licence: known.licence.id, at, envelopes }).await?;
        count += 1;
    }
    if count > 0 {
        app.waiters.wake_all();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::{put_licence, set_status};
    use crate::testing::{Bench, licence};
    use hall_domain::{LicenceId, LicenceStatus};
    use hall_ledger::feed::Change;

    /// Which licences the hall was sent, in order, and the latest end of an envelope.
    async fn sent(bench: &Bench) -> Vec<(LicenceId, hall_domain::Timestamp)> {
        let upsert = |item: hall_ledger::feed::FeedItem| match item.change {
            Change::LicenceUpsert(issued) => issued.envelope.verify(&bench.key()).ok(),
            _ => None,
        };
        let feed = bench.feed("990001").await;
        feed.into_iter().filter_map(upsert).map(|e| (e.licence, e.expires_at)).collect()
    }

    #[tokio::test]
    async fn every_licence_is_renewed_on_its_own_day_before_it_ends() {
        let bench = Bench::new().await;
        bench.hall("990001").await;
        let [first, second] = ["000000000000001", "000000000000002"].map(|serial| licence(serial, 1));
        put_licence(&bench.app, first.clone()).await.unwrap();
        put_licence(&bench.app, second.clone()).await.unwrap();
        bench.pass_hours(24 * AFTER_DAYS - 1);
        assert_eq!(renew(&bench.app, BATCH).await.unwrap(), 0);
        for renewed in [&first, &second] {
            bench.pass_hours(24);
            assert_eq!(renew(&bench.app, BATCH).await.unwrap(), 1);
            assert_eq!(renew(&bench.app, BATCH).await.unwrap(), 0);
            let (licence, expires_at) = sent(&bench).await.pop().unwrap();
            assert_eq!((&licence, expires_at), (&renewed.id, bench.app.now().plus_hours(24 * ENVELOPE_DAYS)));
        }
        // For ever, and whatever their status: a suspended licence may come back.
        set_status(&bench.app, &first.id, LicenceStatus::Suspended).await.unwrap();
        bench.pass_hours(24 * (AFTER_DAYS + 2));
        assert_eq!(renew(&bench.app, BATCH).await.unwrap(), 2);
        assert_eq!(sent(&bench).await.len(), 6);
    }

    #[tokio::test]
    async fn one_pass_is_bounded_and_leaves_replaced_versions_alone() {
        let bench = Bench::new().await;
        bench.hall("990001").await;
        let [old, new] = [1, 2].map(|version| licence("000000000000001", version));
        put_licence(&bench.app, old).await.unwrap();
        put_licence(&bench.app, new.clone()).await.unwrap();
        put_licence(&bench.app, licence("000000000000002", 1)).await.unwrap();
        bench.pass_hours(24 * (AFTER_DAYS + i64::from(SPREAD_DAYS)));
        assert_eq!(renew(&bench.app, 1).await.unwrap(), 1);
        assert_eq!(sent(&bench).await.pop().unwrap().0, new.id);
        assert_eq!(renew(&bench.app, 5).await.unwrap(), 1);
        assert_eq!(renew(&bench.app, 5).await.unwrap(), 0);
    }
}
