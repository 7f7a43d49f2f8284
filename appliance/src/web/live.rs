//! 实时: tells open pages that something changed, and gives the parts of the frame that change by themselves.

use super::App;
use super::failure::Failure;
use super::frame;
use super::pages::frame::{Desk, FrameFragment};
use super::session::SignedIn;
use crate::devices::scans::InHand;
use crate::live::Change;
use crate::store::accounts;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use hall_domain::case::{CaseId, WindowId};
use serde::Deserialize;
use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// Streams that may be open: a few for each of 60 windows.
const STREAMS: usize = 512;
const PING: Duration = Duration::from_secs(15);

/// Routes for the scripts of open pages.
pub fn router() -> Router<App> {
    Router::new().route("/live", get(follow)).route("/fragments/frame", get(fragment))
}

/// How many pages may follow the box at a time.
#[derive(Clone)]
pub struct Seats(Arc<Semaphore>);

impl Default for Seats {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS)))
    }
}

#[derive(Deserialize)]
struct Here {
    #[serde(default)]
    at: String,
}

async fn fragment(
    State(app): State<App>,
    signed: SignedIn,
    headers: HeaderMap,
    Query(here): Query<Here>,
) -> Result<Response, Failure> {
    if !headers.contains_key("HX-Request") {
        return Err(Failure::not_found());
    }
    let desk = Desk::from_code(&here.at).unwrap_or(Desk::Cases);
    let frame = frame::quiet_frame(&app, &signed, desk, desk.path(), None).await?;
    frame::render(&FrameFragment { frame })
}

#[derive(Deserialize)]
struct Followed {
    #[serde(default)]
    case: String,
}

async fn follow(
    State(app): State<App>,
    signed: SignedIn,
    Query(followed): Query<Followed>,
) -> Result<Response, Failure> {
    let seat = app.seats.0.clone().try_acquire_owned().map_err(|_| Failure::unavailable())?;
    let case = match followed.case.as_str() {
        "" => None,
        id => Some(id.parse::<CaseId>().map_err(|_| Failure::malformed())?),
    };
    let mut pings = tokio::time::interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let heard = app.live.listen();
    let window = signed.session.window;
    let in_hand = match (&window, &case) {
        (Some(window), Some(case)) => {
            Some(app.desk.scans().in_hand(window.clone(), signed.session.account, case.clone()))
        }
        _ => None,
    };
    let follower = Follower {
        app,
        token: signed.token,
        window,
        _in_hand: in_hand,
        case,
        heard,
        pings,
        waiting: VecDeque::from([PING_NAME]),
        _seat: seat,
    };
    let mut response = Sse::new(follower.events()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

const PING_NAME: &str = "ping";
/// What a page has to look at again when it may have missed something.
const EVERYTHING: [&str; 6] = ["frame", "case", "cases", "findings", "devices", "sync"];

/// One open page.
struct Follower {
    app: App,
    token: String,
    window: Option<WindowId>,
    /// The window's scanner scans for this page's case as long as it is open.
    _in_hand: Option<InHand>,
    case: Option<CaseId>,
    heard: Receiver<Change>,
    pings: Interval,
    waiting: VecDeque<&'static str>,
    _seat: OwnedSemaphorePermit,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let name = follower.next().await?;
            // An event without data would never reach the page.
            Some((Ok(Event::default().event(name).data("1")), follower))
        })
    }

    /// The next thing to say; none when the box stops or the session has ended.
    async fn next(&mut self) -> Option<&'static str> {
        loop {
            if let Some(name) = self.waiting.pop_front() {
                return Some(name);
            }
            let stop = self.app.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                _ = self.pings.tick() => {
                    if !self.signed_in().await {
                        return None;
                    }
                    return Some(PING_NAME);
                }
                heard = self.heard.recv() => self.waiting = self.gather(heard)?,
            }
        }
    }

    /// What was heard, with all that is there already: a burst of changes is one look of the page.
    fn gather(&mut self, first: Result<Change, RecvError>) -> Option<VecDeque<&'static str>> {
        let mut topics = BTreeSet::new();
        match first {
            Ok(change) => topics.extend(topics_of(&change, self.case.as_ref(), self.window.as_ref())),
            Err(RecvError::Lagged(_)) => topics.extend(EVERYTHING),
            Err(RecvError::Closed) => return None,
        }
        loop {
            match self.heard.try_recv() {
                Ok(change) => topics.extend(topics_of(&change, self.case.as_ref(), self.window.as_ref())),
                Err(TryRecvError::Lagged(_)) => topics.extend(EVERYTHING),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some(topics.into_iter().collect())
    }

    async fn signed_in(&self) -> bool {
        let (token, now) = (self.token.clone(), self.app.book.clock.now());
        let found = self.app.book.db.read(move |db| accounts::session(db, &token, now)).await;
        found.is_ok_and(|session| session.is_some())
    }
}

/// The parts of a page that a change may show in.
fn topics_of(change: &Change, case: Option<&CaseId>, window: Option<&WindowId>) -> Vec<&'static str> {
    match change {
        Change::Scanned(at) if Some(at) == window => vec!["scan"],
        Change::Scanned(_) => Vec::new(),
        Change::Case(id) if Some(id) == case => vec!["case", "cases"],
        Change::Case(_) => vec!["cases"],
        Change::Line => vec!["frame", "sync"],
        Change::Findings => vec!["findings"],
        // The case page shows whether its window's reader and evaluator are there.
        Change::Devices if case.is_some() => vec!["case", "devices"],
        Change::Devices => vec!["devices"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_of_its_own_case_alone() {
        let id: CaseId = "01jd8z".parse().unwrap();
        let other: CaseId = "01jd9a".parse().unwrap();
        assert_eq!(topics_of(&Change::Case(id.clone()), Some(&id), None), ["case", "cases"]);
        assert_eq!(topics_of(&Change::Case(other), Some(&id), None), ["cases"]);
        assert_eq!(topics_of(&Change::Case(id), None, None), ["cases"]);
    }

    #[test]
    fn a_scan_without_a_case_is_told_at_its_window_alone() {
        let (w01, w02): (WindowId, WindowId) = ("W01".parse().unwrap(), "W02".parse().unwrap());
        assert_eq!(topics_of(&Change::Scanned(w01.clone()), None, Some(&w01)), ["scan"]);
        assert!(topics_of(&Change::Scanned(w01.clone()), None, Some(&w02)).is_empty());
        assert!(topics_of(&Change::Scanned(w01), None, None).is_empty());
    }
}
