//! Publishing to halls: signed feed pages, the freshness token, and who waits for what.

use crate::alias::{self, StateError};
use crate::app::App;
use crate::store::{FeedHead, StoreError};
use hall_domain::Timestamp;
use hall_ledger::Signed;
use hall_ledger::feed::{Change, FeedPage, Lane, MAX_PAGE};
use hall_ledger::token::FreshnessToken;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// When the next freshness token is due.
const TOKEN_PERIOD_S: i64 = 60;
/// The longest that a poll is held open.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The feed of a hall, as boxes name it.
pub fn scope(hall: &str) -> String {
    format!("hall:{hall}")
}

/// Wakes the long polls of a hall when its feed grows.
#[derive(Default)]
pub struct Waiters {
    halls: Mutex<BTreeMap<String, watch::Sender<()>>>,
}

impl Waiters {
    /// Resolves on the next [`Waiters::wake`] of this hall after this call.
    fn listen(&self, hall: &str) -> watch::Receiver<()> {
        let mut halls = self.halls.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = halls.entry(hall.to_owned()).or_insert_with(|| watch::channel(()).0);
        let mut receiver = sender.subscribe();
        receiver.mark_unchanged();
        receiver
    }

    /// The feed of this hall has grown.
    pub fn wake(&self, hall: &str) {
        if let Some(sender) = self.halls.lock().unwrap_or_else(PoisonError::into_inner).get(hall) {
            sender.send_replace(());
        }
    }

    /// Every feed has grown.
    pub fn wake_all(&self) {
        for sender in self.halls.lock().unwrap_or_else(PoisonError::into_inner).values() {
            sender.send_replace(());
        }
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What an item says could not be sealed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The box has applied more than there is: the centre was restored, or the box is of another centre.
    #[error("the feed ends at {head}, before the position asked for")]
    Beyond {
        /// Where it ends.
        head: u64,
    },
}

/// The page after `after`; waits up to `wait` for one that is not empty.
pub async fn page(
    app: &App,
    hall: &str,
    lane: Lane,
    after: u64,
    wait: Duration,
) -> Result<Signed<FeedPage>, PageError> {
    let deadline = Instant::now() + wait.min(LONGEST_WAIT);
    loop {
        let mut grown = app.waiters.listen(hall);
        let mut items = app.store.feed(hall, lane, after, MAX_PAGE as u32).await?;
        let head = lane_head(app.store.feed_head(hall).await?, lane);
        if after > head {
            return Err(PageError::Beyond { head });
        }
        if !items.is_empty() || Instant::now() >= deadline || app.stop.is_cancelled() {
            for item in &mut items {
                if let Change::HolderAlias(stated) = &mut item.change {
                    *stated = alias::stated(app, stated.id, app.now()).await?;
                }
            }
            // Read after the items, so never before the last of them.
            let page = FeedPage { scope: scope(hall), lane, after, items, head, issued_at: app.now() };
            return Ok(app.sign(&page));
        }
        tokio::select! {
            _ = grown.changed() => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

fn lane_head(head: FeedHead, lane: Lane) -> u64 {
    match lane {
        Lane::Main => head.feed,
        Lane::Hot => head.hot,
    }
}

/// The freshness token of a hall, now.
pub async fn token(app: &App, hall: &str) -> Result<Signed<FreshnessToken>, StoreError> {
    // The time is taken first: nothing that happened before it is missing from the head.
    let issued_at: Timestamp = app.now();
    let head = app.store.feed_head(hall).await?;
    let token = FreshnessToken {
        scope: scope(hall),
        feed: head.feed,
        hot: head.hot,
        issued_at,
        next_update: issued_at.plus_seconds(TOKEN_PERIOD_S),
        epoch: app.epoch,
    };
    Ok(app.sign(&token))
}
