//! What the centre's request handlers and tasks have in common.

use crate::authority::Authority;
use crate::blobs::BlobStore;
use crate::citizen::face::FaceCheck;
use crate::citizen::news::News;
use crate::code_keys::CodeKeyring;
use crate::feeds::Waiters;
use crate::keys::KeyRing;
use crate::status::StatusCache;
use crate::store::Store;
use hall_domain::{Catalogue, Timestamp};
use hall_ledger::{Signed, Statement};
use std::sync::Arc;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The parts of a running centre.
pub struct App {
    /// What it remembers.
    pub store: Arc<dyn Store>,
    /// Attachments.
    pub blobs: BlobStore,
    /// Certificates for boxes.
    pub authority: Authority,
    /// Signs everything that boxes believe.
    pub keys: KeyRing,
    /// What may be asked for which item.
    pub catalogue: Catalogue,
    /// 纪元, fixed while the process runs.
    pub epoch: u64,
    /// Long polls.
    pub waiters: Waiters,
    /// The signed status list.
    pub status: StatusCache,
    /// Held while the register changes or a new hall gets its first feed items, so that none is missed.
    pub register: Mutex<()>,
    /// Wakes ratification.
    pub ratify: Notify,
    /// Seals who somebody is.
    pub code_keys: CodeKeyring,
    /// Compares faces.
    pub face: Box<dyn FaceCheck>,
    /// Long polls for answers of citizens.
    pub news: News,
    /// Wakes the message gateway.
    pub texts: Notify,
    /// Uploads being verified at a time.
    pub uploads: Semaphore,
    /// Enrolments at a time.
    pub enrolments: Semaphore,
    /// The process is to end.
    pub stop: CancellationToken,
    /// Tells the time.
    pub clock: Clock,
}

impl App {
    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Signs with the key of the time that the statement states, or of now if it states none.
    pub fn sign<T: Statement>(&self, statement: &T) -> Signed<T> {
        let at = statement.stated_at().unwrap_or_else(|| self.now());
        Signed::sign(statement, &self.keys.signer(at))
    }

    /// A statement that this centre made earlier, with whichever of its keys.
    pub fn own<T: Statement>(&self, signed: &Signed<T>) -> Option<T> {
        self.keys.verifying().iter().find_map(|key| signed.verify(key).ok())
    }
}
