//! The desk's view of the link: ask the centre within three seconds, or do without.

use crate::sync_store::SyncStore;
use hall_ledger::link::Lookup;
use hall_ledger::link::Resolved;
use hall_ledger::phone::ChallengeNonce;
use hall_sync::{Agent, AssertionAnswer, Found, HttpLink};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A look-up that takes longer is one that a clerk waits for.
const SLOW: Duration = Duration::from_secs(1);
/// How long one look-up says something about the line.
const SAYS: Duration = Duration::from_secs(300);

/// How long one question after a phone's answer waits at the centre.
const WAIT: Duration = Duration::from_secs(20);

/// What the centre says of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The assertion, not yet verified.
    Said(Vec<u8>),
    /// The citizen said no.
    Declined,
}

/// The link to the centre, or none before enrolment.
#[derive(Clone)]
pub struct Line {
    agent: Option<Arc<Agent<SyncStore, HttpLink>>>,
    last: Arc<Mutex<Option<Looked>>>,
}

/// How the last look-up went.
#[derive(Clone, Copy)]
struct Looked {
    at: Instant,
    took: Duration,
}

impl Line {
    /// A line with this agent.
    pub fn new(agent: Option<Arc<Agent<SyncStore, HttpLink>>>) -> Self {
        Self { agent, last: Arc::default() }
    }

    /// 线路缓慢: whether a clerk waited for the last look-up.
    pub fn slow(&self) -> bool {
        self.last().is_some_and(|last| last.took >= SLOW && last.at.elapsed() < SAYS)
    }

    /// Asks for a holder's licences. None when the centre does not answer in time; the cache then speaks.
    pub async fn lookup(&self, lookup: Lookup) -> Option<Found> {
        let agent = self.agent.as_ref()?;
        let begun = Instant::now();
        let answer = agent.lookup(lookup).await;
        self.looked(begun.elapsed());
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::info!(%error, "the centre did not answer a look-up; the cache is used");
                None
            }
        }
    }

    /// What the centre answered to a challenge, waiting a while for it. None when it has no answer yet.
    pub async fn assertion(&self, nonce: &ChallengeNonce) -> Option<Carried> {
        match self.agent.as_ref()?.assertion(*nonce, WAIT).await {
            Ok(AssertionAnswer::Said(message)) => Some(Carried::Said(message)),
            Ok(AssertionAnswer::Declined) => Some(Carried::Declined),
            Ok(AssertionAnswer::NotYet) | Err(_) => None,
        }
    }

    /// Whom a plain code of another system stands for. None when the centre does not know it, or does not answer.
    pub async fn resolve(&self, code: &str) -> Option<Resolved> {
        match self.agent.as_ref()?.resolve(code).await {
            Ok(resolved) => resolved,
            Err(error) => {
                tracing::info!(%error, "the centre did not resolve a plain code");
                None
            }
        }
    }

    /// Notes how long a look-up took.
    pub(crate) fn looked(&self, took: Duration) {
        *self.last() = Some(Looked { at: Instant::now(), took });
    }

    fn last(&self) -> MutexGuard<'_, Option<Looked>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was recorded that may go up now.
    pub fn nudge(&self) {
        if let Some(agent) = &self.agent {
            agent.nudge();
        }
    }
}
