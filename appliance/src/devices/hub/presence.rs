//! Which devices are there. A birth says so, a death or a long silence that it is not, and a new
//! link to the broker that nothing is known until each has spoken.

use super::{HEARTBEAT_S, Hub};
use crate::book::Fault;
use crate::live::Change;
use crate::store::devices as rows;
use hall_bus::DeviceId;
use hall_bus::messages::{About, DeviceState};
use hall_bus::reader::ReaderCondition;
use hall_domain::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Three heartbeats may be missed, and some time goes on the way.
pub(super) const SILENCE_MS: i64 = 3 * HEARTBEAT_S as i64 * 1000 + 5_000;
const LOOK: Duration = Duration::from_secs(5);

/// Devices that are called lost for their silence alone, with what their birth said of them.
#[derive(Default)]
pub(super) struct Silent(Mutex<BTreeMap<DeviceId, rows::Presence>>);

impl Silent {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<DeviceId, rows::Presence>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, id: DeviceId, state: rows::Presence) {
        self.lock().insert(id, state);
    }

    fn forget(&self, id: &DeviceId) -> Option<rows::Presence> {
        self.lock().remove(id)
    }
}

impl Hub {
    /// Calls every device lost until its birth arrives: a new broker remembers none, one that was
    /// there all along gives its births at once.
    pub(super) async fn lose_all(&self) -> Result<(), Fault> {
        self.silent.lock().clear();
        if self.book.db.write(|tx| rows::lose_all(tx).map_err(Fault::from)).await? {
            self.live.tell(Change::Devices);
        }
        Ok(())
    }

    /// Looks for devices that have fallen silent, until `stop`.
    pub(super) async fn watch_silence(&self, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.lose_silent(self.book.clock.now()).await {
                tracing::error!(%error, "the hub could not look for silent devices");
            }
        }
    }

    /// Calls devices lost that have given no sign of life for too long.
    pub(super) async fn lose_silent(&self, now: Timestamp) -> Result<(), Fault> {
        let before = now.plus_ms(-SILENCE_MS);
        for id in self.book.db.read(move |db| rows::silent(db, before)).await? {
            let device = id.clone();
            let lost = self
                .book
                .db
                .write(move |tx| rows::lose_silent(tx, &device, before).map_err(Fault::from))
                .await?;
            if let Some(state) = lost {
                tracing::warn!(device.id = %id, "a device has fallen silent");
                self.silent.note(id, state);
                self.live.tell(Change::Devices);
            }
        }
        Ok(())
    }

    /// A sign of life. A device that was called lost for its silence alone is there again.
    pub(super) async fn note_heartbeat(&self, id: &DeviceId) -> Result<(), Fault> {
        let (device, now, state) = (id.clone(), self.book.clock.now(), self.silent.forget(id));
        let back = state.is_some();
        self.book
            .db
            .write(move |tx| {
                rows::note_seen(tx, &device, now)?;
                if let Some(state) = state {
                    rows::find_again(tx, &device, state)?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        if back {
            self.live.tell(Change::Devices);
        }
        Ok(())
    }

    /// A device was born or died.
    pub(super) async fn note_state(self: &Arc<Self>, id: &DeviceId, state: DeviceState) -> Result<(), Fault> {
        let (device, now) = (id.clone(), self.book.clock.now());
        let bseq = state.bseq();
        let (word, software, detail, shown_gen) = match &state {
            DeviceState::Lost { .. } => (rows::Presence::Lost, None, None, 0),
            DeviceState::Ready(birth) => {
                let generation = match &birth.about {
                    About::Evaluator(status) => status.generation,
                    About::Reader(_) => 0,
                };
                let word = match &birth.about {
                    About::Reader(status) if status.state != ReaderCondition::Ready => rows::Presence::Fault,
                    _ => rows::Presence::Ready,
                };
                let detail =
                    serde_json::to_string(&birth.about).map_err(|error| Fault::Storage(error.to_string()))?;
                (word, Some(birth.sw.clone()), Some(detail), generation)
            }
        };
        let ready = matches!(state, DeviceState::Ready(_));
        let fresh = self
            .book
            .db
            .write(move |tx| {
                let fresh =
                    rows::note_state(tx, &device, bseq, word, software.as_deref(), detail.as_deref(), now)?;
                if fresh && shown_gen > 0 {
                    rows::raise_gen(tx, &device, shown_gen)?;
                }
                Ok::<_, Fault>(fresh)
            })
            .await?;
        if fresh {
            self.silent.forget(id);
        }
        self.live.tell(Change::Devices);
        if fresh && ready {
            self.configure(id).await?;
            self.deliver(id).await?;
        }
        Ok(())
    }
}
