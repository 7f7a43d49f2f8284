//! The agent: three tasks that keep box and centre agreeing, and the look-up for the desk.
//!
//! - the *round* says hello, takes the token, hot items and status list, offers entries, fetches documents; by timer
//!   and by nudge;
//! - the *tail* holds a long poll on the feed, so that revocations and dispositions arrive within a second;
//! - the *blob lane* sends attachments, so that a large scan never delays an entry.
//!
//! Each is idempotent: cut anywhere and started again, it does the same thing.

use crate::backoff::Backoff;
use crate::blobs;
use crate::http::LOOKUP;
use crate::line::{Clock, Line};
use crate::link::{AssertionAnswer, Link};
use crate::lookup::{self, Found};
use crate::round;
use crate::status::{LineStatus, Trouble};
use crate::store::Store;
use crate::tail;
use hall_ledger::link::{Lookup, Resolve, Resolved};
use hall_ledger::phone::ChallengeNonce;
use hall_ledger::{LogId, Trust, VerifyingKey};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

/// A round without a nudge: renews the freshness token and notices a silent line.
pub const ROUND: Duration = Duration::from_secs(20);

/// Who this box is, fixed at enrolment, and whom it believes at the start.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its ledger.
    pub log: LogId,
    /// Code of its hall.
    pub hall: String,
    /// Public part of the ledger key.
    pub ledger_key: VerifyingKey,
    /// Whose signatures count: pinned at enrolment, or of the newest trust bundle that the box holds.
    pub trust: Trust,
    /// Software version, told in the hello.
    pub software: String,
}

impl Identity {
    /// The feed that this box follows.
    pub fn scope(&self) -> String {
        format!("hall:{}", self.hall)
    }
}

/// What all tasks share.
pub(crate) struct Shared<S, L> {
    pub identity: Identity,
    pub scope: String,
    pub store: S,
    pub link: L,
    pub line: Line,
    pub nudge: Notify,
    pub blob_nudge: Notify,
    /// Held from reading the cursor to moving it, since two tasks apply feed pages.
    pub applying: Mutex<()>,
    /// The newest token that the cache is not yet as new as.
    pub token: std::sync::Mutex<Option<crate::round::TokenInHand>>,
    /// Whose signatures count now.
    trust: RwLock<Arc<Trust>>,
}

impl<S, L> Shared<S, L> {
    pub fn trust(&self) -> Arc<Trust> {
        self.trust.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn believe_from_now_on(&self, trust: Trust) {
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
    }
}

/// The box's side of the link. Cheap to clone; all clones are one agent.
pub struct Agent<S, L> {
    shared: Arc<Shared<S, L>>,
}

impl<S, L> Clone for Agent<S, L> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<S: Store, L: Link> Agent<S, L> {
    /// An agent that has not started yet.
    pub fn new(identity: Identity, store: S, link: L, clock: Clock) -> Self {
        let scope = identity.scope();
        let trust = RwLock::new(Arc::new(identity.trust.clone()));
        let shared = Shared {
            identity,
            scope,
            store,
            link,
            line: Line::new(clock),
            nudge: Notify::new(),
            blob_nudge: Notify::new(),
            applying: Mutex::new(()),
            token: std::sync::Mutex::new(None),
            trust,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Runs until `stop`. Never gives up and never fails.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(
            rounds(&self.shared, &stop),
            tail::run(&self.shared, &stop),
            blobs::run(&self.shared, &stop)
        );
    }

    /// There is something to send: entries, or blobs. Returns at once; nudges before the agent gets to it
    /// count as one.
    pub fn nudge(&self) {
        self.shared.nudge.notify_one();
        self.shared.blob_nudge.notify_one();
    }

    /// The line as it is now, and each change.
    pub fn status(&self) -> watch::Receiver<LineStatus> {
        self.shared.line.subscribe()
    }

    /// Asks the centre for the licences of one holder, for one case, within 3 s. While the line is
    /// known to be down, answers at once with the reason.
    ///
    /// # Errors
    /// When the centre cannot be asked or its answer cannot be believed. The caller goes on with the cache.
    pub async fn lookup(&self, lookup: Lookup) -> Result<Found, Trouble> {
        if let Some(trouble) = self.shared.line.trouble() {
            return Err(trouble);
        }
        let asked = lookup.clone();
        let answer = match tokio::time::timeout(LOOKUP, self.shared.link.lookup(lookup)).await {
            Ok(answer) => answer,
            Err(_) => Err(Trouble::Slow(LOOKUP)),
        };
        let found = answer
            .and_then(|answer| lookup::check(&self.shared.identity, &self.shared.trust(), &asked, answer));
        self.note(&found);
        found
    }

    /// Waits up to `wait` for the centre's answer to one of this box's challenges. While the line is known to be
    /// down, answers at once with the reason. The bytes are the same that the phone shows: verify them with
    /// `hall_ledger::phone::Assertion`.
    ///
    /// # Errors
    /// When the centre cannot be asked. The window goes on waiting for the phone's code.
    pub async fn assertion(&self, nonce: ChallengeNonce, wait: Duration) -> Result<AssertionAnswer, Trouble> {
        if let Some(trouble) = self.shared.line.trouble() {
            return Err(trouble);
        }
        let answer = self.shared.link.assertion(nonce, wait).await;
        self.note(&answer);
        answer
    }

    /// Asks the centre who stands behind a plain code, within 3 s; none if it stands for nobody now. While the line
    /// is known to be down, answers at once with the reason: a plain code says nothing by itself.
    ///
    /// # Errors
    /// When the centre cannot be asked or its answer cannot be believed.
    pub async fn resolve(&self, code: &str) -> Result<Option<Resolved>, Trouble> {
        if let Some(trouble) = self.shared.line.trouble() {
            return Err(trouble);
        }
        let asked = Resolve { code: code.to_owned() };
        let answer = match tokio::time::timeout(LOOKUP, self.shared.link.resolve(asked)).await {
            Ok(answer) => answer,
            Err(_) => Err(Trouble::Slow(LOOKUP)),
        };
        let resolved = answer.and_then(|found| {
            let trust = self.shared.trust();
            let check = |signed| lookup::check_resolved(&self.shared.identity, trust.keys(), code, &signed);
            found.map(check).transpose()
        });
        self.note(&resolved);
        resolved
    }

    /// What an exchange with the centre says about the line.
    fn note<T>(&self, answer: &Result<T, Trouble>) {
        match answer {
            Ok(_) => self.shared.line.contact(),
            Err(Trouble::Busy { .. } | Trouble::Refused { .. }) => {}
            Err(trouble) => self.shared.line.lost(trouble),
        }
    }
}

/// Rounds by timer, by nudge, and soon after the line was lost.
async fn rounds<S: Store, L: Link>(shared: &Shared<S, L>, stop: &CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        let wait = tokio::select! {
            () = stop.cancelled() => return,
            result = round::once(shared) => match result {
                Ok(()) => {
                    backoff.reset();
                    None
                }
                Err(trouble) => {
                    // A centre that has too much to do is there: desks may go on asking it.
                    if !(matches!(trouble, Trouble::Busy { .. }) && shared.line.is_up()) {
                        shared.line.failed(&trouble);
                    }
                    let wait = backoff.after_failure(random());
                    Some(trouble.retry_after().map_or(wait, |asked| asked.max(wait)))
                }
            },
        };
        match wait {
            // While the line is down, nudges do not make the box knock faster.
            Some(wait) => tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            },
            None => tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ROUND) => {}
                () = shared.nudge.notified() => {}
                () = shared.line.woken.notified() => {
                    let wait = backoff.after_failure(random());
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(wait) => {}
                    }
                }
            },
        }
    }
}

/// A number for jitter. Without randomness all waits are the longest, which is safe.
pub(crate) fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}
