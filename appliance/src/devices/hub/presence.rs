//! Which devices are there. A birth says so, a death or a long silence that it is not, and a new
//! link to the broker that nothing is known until each has spoken.

use super::{HEARTBEAT_S, Hub};
use crate::book::Fault;
use crate::live::Change;
use crate::store::devices::{self as rows, CommandKind, Device, Presence};
use crate::vault::Vault;
use hall_bus::DeviceId;
use hall_bus::evaluator::Show;
use hall_bus::messages::{About, DeviceState, EvaluatorStatus};
use hall_bus::reader::ReaderCondition;
use hall_bus::scanner::ScannerCondition;
use hall_domain::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Three heartbeats may be missed, and some time goes on the way.
pub(super) const SILENCE_MS: i64 = 3 * HEARTBEAT_S as i64 * 1000 + 5_000;
const LOOK: Duration = Duration::from_secs(5);
/// How long devices may take to come back to a new broker: their longest back-off, and the way.
pub(super) const RETURN_MS: i64 = 15_000;

/// Devices that are called lost for their silence alone, with what their birth said of them.
#[derive(Default)]
pub(super) struct Silent(Mutex<BTreeMap<DeviceId, Presence>>);

impl Silent {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Presence>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, id: DeviceId, state: Presence) {
        self.lock().insert(id, state);
    }

    fn forget(&self, id: &DeviceId) -> Option<Presence> {
        self.lock().remove(id)
    }
}

impl Hub {
    /// Whether a device can be given something to do: it is there, or has only not come back yet to a box or a broker
    /// that was started anew.
    pub fn can_ask(&self, device: &Device, now: Timestamp) -> bool {
        match device.state {
            Presence::Ready => true,
            Presence::Lost => now < self.returns_until(),
            Presence::Fault | Presence::Quarantined => false,
        }
    }

    /// Until when devices that are not there have only not come back yet.
    pub fn returns_until(&self) -> Timestamp {
        self.turned.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).plus_ms(RETURN_MS)
    }

    /// The link to the broker was made or lost.
    pub(super) fn turn(&self) {
        *self.turned.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = self.book.clock.now();
    }

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
        let mut returning = true;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            let still = self.book.clock.now() < self.returns_until();
            if std::mem::replace(&mut returning, still) && !still {
                self.live.tell(Change::Devices);
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
        let vault = self.book.vault.clone();
        let (presence, software, detail, evaluator) = match &state {
            DeviceState::Lost { .. } => (Presence::Lost, None, None, None),
            DeviceState::Ready(birth) => {
                let (presence, evaluator) = match &birth.about {
                    About::Evaluator(status) => (Presence::Ready, Some(status.clone())),
                    About::Reader(status) if status.state == ReaderCondition::Ready => {
                        (Presence::Ready, None)
                    }
                    About::Scanner(status) if status.state == ScannerCondition::Ready => {
                        (Presence::Ready, None)
                    }
                    About::Reader(_) | About::Scanner(_) => (Presence::Fault, None),
                };
                let detail =
                    serde_json::to_string(&birth.about).map_err(|error| Fault::Storage(error.to_string()))?;
                (presence, Some(birth.sw.clone()), Some(detail), evaluator)
            }
        };
        let ready = matches!(state, DeviceState::Ready(_));
        let fresh = self
            .book
            .db
            .write(move |tx| {
                let fresh = rows::note_state(
                    tx,
                    &device,
                    bseq,
                    presence,
                    software.as_deref(),
                    detail.as_deref(),
                    now,
                )?;
                if fresh && let Some(status) = &evaluator {
                    rows::raise_gen(tx, &device, status.generation)?;
                    renew_overtaken(tx, &vault, &device, status)?;
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

/// Gives pages that wait to be shown a generation beyond what the device has shown already; it would take none below.
/// A page that was shown keeps its own: an answer to it may be on its way.
fn renew_overtaken(
    tx: &Connection,
    vault: &Vault,
    device: &DeviceId,
    status: &EvaluatorStatus,
) -> Result<(), Fault> {
    for command in rows::open_commands(tx, Some(device))? {
        let on_glass = status.cmd.is_some_and(|cmd| cmd.to_string() == command.id.as_str());
        let waits = command.kind != CommandKind::Read && command.shown_at.0 == 0 && !on_glass;
        if !waits || command.gen_ > status.generation {
            continue;
        }
        let json =
            vault.open("command", &command.request).map_err(|error| Fault::Storage(error.to_string()))?;
        let mut show: Show =
            serde_json::from_slice(&json).map_err(|error| Fault::Storage(error.to_string()))?;
        show.generation = rows::next_gen(tx, device)?;
        let json = serde_json::to_vec(&show).map_err(|error| Fault::Storage(error.to_string()))?;
        rows::renew_command(tx, &command.id, show.generation, &vault.seal("command", &json))?;
    }
    Ok(())
}
