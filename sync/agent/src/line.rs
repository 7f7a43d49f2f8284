//! The one place where the tasks of the agent say how the line is.

use crate::plan::Finding;
use crate::status::{CentreTime, LineStatus, Trouble};
use crate::store::Position;
use hall_domain::Timestamp;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Tells the time. The agent never reads a clock itself.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The line's state, shared by the tasks.
pub(crate) struct Line {
    status: watch::Sender<LineStatus>,
    clock: Clock,
    /// Wakes the round when another task loses the line.
    pub woken: Notify,
}

impl Line {
    pub fn new(clock: Clock) -> Self {
        let (status, _) = watch::channel(LineStatus::unknown(clock()));
        Self { status, clock, woken: Notify::new() }
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub fn subscribe(&self) -> watch::Receiver<LineStatus> {
        self.status.subscribe()
    }

    pub fn is_up(&self) -> bool {
        self.status.borrow().up
    }

    /// Why the line is down, if it is.
    pub fn trouble(&self) -> Option<Trouble> {
        let status = self.status.borrow();
        if status.up { None } else { Some(status.trouble.clone().unwrap_or_else(not_tried)) }
    }

    /// A whole round worked.
    pub fn worked(&self, position: &Position, findings: Vec<Finding>) {
        let now = self.now();
        let was_up = self.is_up();
        self.update(|status| {
            if !status.up {
                status.since = now;
            }
            status.up = true;
            status.trouble = None;
            status.last_contact = Some(now);
            status.findings = findings;
            set_position(status, position);
        });
        if !was_up {
            tracing::info!(entry.count = position.size, "The line to the centre is up.");
        }
    }

    /// Something that a person has to look at, told at once: the round may fail because of it.
    pub fn found(&self, finding: &Finding) {
        self.update(|status| {
            if !status.findings.contains(finding) {
                status.findings.push(finding.clone());
            }
        });
    }

    /// The centre's clock as it was just now, between two looks at the box's.
    pub fn heard(&self, centre: Timestamp, asked_at: Timestamp) {
        let here = self.now();
        let within_ms = here.ms_since(asked_at).unsigned_abs();
        self.update(|status| status.heard = Some(CentreTime { centre, here, within_ms }));
    }

    /// One exchange of a side task worked.
    pub fn contact(&self) {
        let now = self.now();
        self.update(|status| status.last_contact = Some(now));
    }

    /// Numbers have changed.
    pub fn moved(&self, position: &Position) {
        self.update(|status| set_position(status, position));
    }

    /// An exchange of a side task failed: the next round comes soon.
    pub fn lost(&self, trouble: &Trouble) {
        if self.failed(trouble) {
            self.woken.notify_one();
        }
    }

    /// A round failed. Says whether the line was up before and is not now. Trouble with the box's own disk is
    /// told, and says nothing about the line.
    pub fn failed(&self, trouble: &Trouble) -> bool {
        if matches!(trouble, Trouble::Storage(_)) {
            tracing::error!(reason = %trouble, "The box's storage failed while talking to the centre.");
            self.update(|status| status.trouble = Some(trouble.clone()));
            return false;
        }
        let now = self.now();
        let was_up = self.is_up();
        self.update(|status| {
            if status.up {
                status.since = now;
            }
            status.up = false;
            status.trouble = Some(trouble.clone());
        });
        if was_up {
            tracing::warn!(reason = %trouble, "The line to the centre is down.");
        } else {
            tracing::debug!(reason = %trouble, "The line to the centre is still down.");
        }
        was_up
    }

    fn update(&self, change: impl FnOnce(&mut LineStatus)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            *status != before
        });
    }
}

fn set_position(status: &mut LineStatus, position: &Position) {
    let receipted = position.receipted.map_or(0, |receipt| receipt.size);
    status.receipted = receipted;
    status.backlog = position.size.saturating_sub(receipted);
    status.pending_blobs = position.pending_blobs;
    status.feed_seq = position.feed;
    status.token_issued_at = position.token.as_ref().map(|token| token.issued_at);
}

fn not_tried() -> Trouble {
    Trouble::Unreachable("the line has not been tried yet".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_and_takes_no_line_down() {
        let line = Line::new(Arc::new(|| Timestamp(5)));
        line.update(|status| status.up = true);
        let full = Trouble::Storage("disk full".to_owned());
        assert!(!line.failed(&full));
        let status = line.subscribe().borrow().clone();
        assert!(status.up && status.trouble == Some(full));
        assert!(line.failed(&Trouble::Unreachable("refused".to_owned())));
        assert!(!line.is_up());
    }
}
