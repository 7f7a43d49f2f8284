//! What changed, for pages that are open: a hint to look again, never the thing itself.

use hall_domain::case::{CaseId, WindowId};
use tokio::sync::broadcast;

/// Something that an open page may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A case.
    Case(CaseId),
    /// A code was scanned at a window at which no case is in hand.
    Scanned(WindowId),
    /// The line to the centre, or how old knowledge is.
    Line,
    /// 待处理.
    Findings,
    /// 设备.
    Devices,
}

/// Hints to open pages.
#[derive(Debug, Clone)]
pub struct Live(broadcast::Sender<Change>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::channel(256).0)
    }
}

impl Live {
    /// Tells open pages. Nobody listening is fine.
    pub fn tell(&self, change: Change) {
        let _ = self.0.send(change);
    }

    /// Listens. A listener that falls behind is told so and looks at everything again.
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}
