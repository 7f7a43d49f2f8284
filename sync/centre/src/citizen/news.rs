//! What wakes the long polls of phones and boxes that wait for an answer.

use hall_ledger::phone::ChallengeNonce;
use tokio::sync::broadcast;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A challenge moved on.
    Challenge(ChallengeNonce),
    /// A citizen has a new message, by a digest of who.
    Person(hall_ledger::Hash),
}

/// Events since somebody began to listen. Whoever falls behind looks again.
#[derive(Debug)]
pub struct News(broadcast::Sender<Event>);

impl Default for News {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl News {
    /// Listens from now on.
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }

    /// Tells whoever waits. That nobody does is no error.
    pub fn tell(&self, event: Event) {
        _ = self.0.send(event);
    }
}

/// Waits for one event.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Event>);

impl Listener {
    /// Returns when the event happened, or may have.
    pub async fn until(&mut self, wanted: &Event) {
        loop {
            match self.0.recv().await {
                Ok(event) if event != *wanted => {}
                _ => return,
            }
        }
    }
}
