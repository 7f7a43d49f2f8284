//! The desk's view of the link: ask the centre within three seconds, or do without.

use crate::sync_store::SyncStore;
use hall_ledger::link::Lookup;
use hall_sync::{Agent, Found, HttpLink};
use std::sync::Arc;

/// The link to the centre, or none before enrolment.
#[derive(Clone)]
pub struct Line(Option<Arc<Agent<SyncStore, HttpLink>>>);

impl Line {
    /// A line with this agent.
    pub fn new(agent: Option<Arc<Agent<SyncStore, HttpLink>>>) -> Self {
        Self(agent)
    }

    /// Asks for a holder's licences. None when the centre does not answer in time; the cache then speaks.
    pub async fn lookup(&self, lookup: Lookup) -> Option<Found> {
        let agent = self.0.as_ref()?;
        match agent.lookup(lookup).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::info!(%error, "the centre did not answer a look-up; the cache is used");
                None
            }
        }
    }

    /// Something was recorded that may go up now.
    pub fn nudge(&self) {
        if let Some(agent) = &self.0 {
            agent.nudge();
        }
    }
}
