//! The tail of the feed: a long poll that is always open while the line is up.

use crate::agent::{Shared, random};
use crate::backoff::Backoff;
use crate::link::Link;
use crate::plan::Finding;
use crate::round::{garbage, settle_token};
use crate::status::{LineStatus, Trouble};
use crate::store::{Store, VerifiedChange, VerifiedItem, VerifiedPage};
use hall_ledger::alias::StatedAlias;
use hall_ledger::envelope::Filing;
use hall_ledger::feed::{Change, FeedItem, FeedPage, Lane};
use hall_ledger::{Signed, Trust};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the centre is asked to hold a poll open.
pub const WAIT: Duration = Duration::from_secs(20);

/// The longest pause between polls that fail while rounds work: a hall whose feed stands still is not up to date.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How often, and how long apart, a page waits for the keys to what is sealed in it.
const KEY_LOOKS: u32 = 50;
const KEY_PAUSE: Duration = Duration::from_millis(200);
/// Most pages that are applied in one transaction: a new hall takes its whole district in so, at one fsync for some
/// thousands of licences, and nobody who records waits noticeably longer.
const GROUP: usize = 16;

/// Applies pages as they come, until `stop`.
pub(crate) async fn run<S: Store, L: Link>(shared: &Shared<S, L>, stop: &CancellationToken) {
    let mut backoff = Backoff::up_to(LONGEST_PAUSE);
    let mut status = shared.line.subscribe();
    loop {
        // A centre whose feed went back has nothing for this box until a person has looked.
        let ready = |status: &LineStatus| status.up && !status.findings.iter().any(Finding::stops_the_feed);
        tokio::select! {
            () = stop.cancelled() => return,
            up = status.wait_for(ready) => if up.is_err() { return },
        }
        let polled = tokio::select! {
            () = stop.cancelled() => return,
            // A line that another task found down is polled anew once it is up again.
            _ = status.wait_for(|status| !status.up) => continue,
            polled = poll(shared) => polled,
        };
        match polled {
            Ok(()) => backoff.reset(),
            Err(trouble) => {
                if !matches!(trouble, Trouble::Busy { .. }) {
                    shared.line.lost(&trouble);
                }
                let wait = backoff.after_failure(random());
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(trouble.retry_after().map_or(wait, |asked| asked.max(wait))) => {}
                }
            }
        }
    }
}

/// Waits for what comes next, and for as long as more is there than one page holds takes it in groups: while one is
/// applied, the next is fetched.
async fn poll<S: Store, L: Link>(shared: &Shared<S, L>) -> Result<(), Trouble> {
    let after = shared.store.position().await?.feed;
    let mut group = gather(shared, after, WAIT).await?;
    loop {
        let (last, more) = (group.page.last, group.more);
        let (applied, next) = tokio::join!(apply(shared, group.page), async {
            if more { Some(gather(shared, last, Duration::ZERO).await) } else { None }
        });
        applied?;
        shared.line.contact();
        if last > after {
            settle_token(shared).await?;
            let position = shared.store.position().await?;
            shared.line.moved(&position);
            if !position.documents_due.is_empty() {
                shared.nudge.notify_one();
            }
        }
        match next {
            Some(next) => group = next?,
            None => return Ok(()),
        }
    }
}

/// Pages that are applied at once, joined to one.
struct Group {
    page: VerifiedPage,
    /// Whether the centre has told of items beyond.
    more: bool,
}

/// Fetches and verifies the pages after this position, as many as make a group. The first is waited for; what cannot be
/// had after it is left to the next poll.
async fn gather<S: Store, L: Link>(
    shared: &Shared<S, L>,
    after: u64,
    wait: Duration,
) -> Result<Group, Trouble> {
    let page = shared.link.feed(Lane::Main, after, wait).await?;
    let (mut page, mut head) = verify(shared, Lane::Main, after, page).await?;
    for _ in 1..GROUP {
        if page.last >= head || page.items.is_empty() {
            break;
        }
        let Ok(further) = shared.link.feed(Lane::Main, page.last, Duration::ZERO).await else { break };
        let Ok((further, at)) = verify(shared, Lane::Main, page.last, further).await else { break };
        if further.items.is_empty() {
            break;
        }
        (page.last, page.hot, head) = (further.last, page.hot.max(further.hot), at);
        page.items.extend(further.items);
    }
    let more = page.last < head && !page.items.is_empty();
    Ok(Group { page, more })
}

/// Verifies a page that comes after this position. Gives the lane's last position at the centre too.
pub(crate) async fn verify<S: Store, L: Link>(
    shared: &Shared<S, L>,
    lane: Lane,
    after: u64,
    page: Signed<FeedPage>,
) -> Result<(VerifiedPage, u64), Trouble> {
    let trust = shared.trust();
    let keys = trust.keys();
    let page = page.verify_by(keys).map_err(|e| garbage("feed", &e))?;
    page.check(&shared.scope, lane, after).map_err(|e| garbage("feed", &e))?;
    let (last, head) = (page.last(), page.head);
    let trust = trust_to_open(shared, &page).await;
    let hot = page.items.iter().filter_map(|item| item.hot).max();
    let items: Result<_, Trouble> = page.items.into_iter().map(|item| verify_item(item, &trust)).collect();
    Ok((VerifiedPage { lane, after, last, items: items?, hot }, head))
}

/// Applies a verified page, unless another task has applied it meanwhile.
pub(crate) async fn apply<S: Store, L: Link>(
    shared: &Shared<S, L>,
    page: VerifiedPage,
) -> Result<(), Trouble> {
    if page.items.is_empty() {
        return Ok(());
    }
    let _applying = shared.applying.lock().await;
    let position = shared.store.position().await?;
    let stands = match page.lane {
        Lane::Main => position.feed == page.after,
        Lane::Hot => position.hot >= page.after,
    };
    if stands {
        shared.store.apply(page).await?;
    }
    Ok(())
}

fn verify_item(item: FeedItem, trust: &Trust) -> Result<VerifiedItem, Trouble> {
    let keys = trust.keys();
    let change = match item.change {
        Change::LicenceUpsert(issued) => {
            // The centre has just signed the page with every byte of it; its own signature is computed before it is listed.
            let filing = Filing::read(&issued, keys).map_err(|e| garbage("feed", &e))?;
            VerifiedChange::LicenceUpsert { filing: Box::new(filing), issued: Box::new(issued) }
        }
        Change::LicenceStatus(change) => VerifiedChange::LicenceStatus(change),
        Change::Disposition(signed) => {
            let disposition = signed.verify_kept(keys).map_err(|e| garbage("feed", &e))?;
            VerifiedChange::Disposition { disposition: Box::new(disposition), signed }
        }
        Change::Document(version) => VerifiedChange::Document(version),
        Change::LicenceForget(licence) => VerifiedChange::LicenceForget(licence),
        Change::ConsentWithdrawn(withdrawn) => VerifiedChange::ConsentWithdrawn(withdrawn),
        Change::PlaceStatus(change) => VerifiedChange::PlaceStatus(change),
        Change::HolderAlias(stated) => holder_alias(&stated, trust),
        Change::Other { code, .. } => VerifiedChange::Unknown { code },
    };
    Ok(VerifiedItem { seq: item.seq, at: item.at, hot: item.hot, change })
}

/// Whom the box believes, once it can also open what is sealed in a page. A box that was just enrolled gets the keys with
/// its first trust bundle, while its feed already comes.
async fn trust_to_open<S: Store, L: Link>(shared: &Shared<S, L>, page: &FeedPage) -> Arc<Trust> {
    let sealed =
        |item: &FeedItem| matches!(&item.change, Change::HolderAlias(stated) if stated.fact.is_some());
    let sealed = page.items.iter().any(sealed);
    for _ in 0..KEY_LOOKS {
        let trust = shared.trust();
        if !sealed || !trust.rooted() || trust.code_keys().is_some() {
            return trust;
        }
        tokio::time::sleep(KEY_PAUSE).await;
    }
    shared.trust()
}

/// A fact that does not open is passed over: without it nothing is offered that should not be.
fn holder_alias(stated: &StatedAlias, trust: &Trust) -> VerifiedChange {
    match stated.open(&trust.code_keys().cloned().unwrap_or_default()) {
        Ok(fact) => VerifiedChange::HolderAlias { id: stated.id, at: stated.at, fact: fact.map(Box::new) },
        Err(error) => {
            tracing::warn!(%error, alias.id = %stated.id, "a fact about an earlier identifier does not open");
            VerifiedChange::Unknown { code: 8 }
        }
    }
}
