//! Pages that wait for no answer: thanks, and the idle page.

use super::Hub;
use crate::book::Fault;
use crate::reception::new_command;
use crate::store::accounts;
use crate::store::devices::{self as rows, Device};
use hall_bus::evaluator::{IdlePage, Page, Place, Show};
use hall_bus::{DeviceId, Down, Topic};
use std::sync::Arc;
use std::time::Duration;

impl Hub {
    /// Shows a page that waits for no answer, and the idle page after `ms`.
    pub async fn show_once(self: &Arc<Self>, id: &DeviceId, page: Page, ms: u64) -> Result<(), Fault> {
        let wanted = id.clone();
        if let Some(device) = self.book.db.read(move |db| rows::find(db, &wanted)).await? {
            self.show(&device, page, i64::try_from(ms).unwrap_or(i64::MAX)).await?;
            self.idle_later(id, ms);
        }
        Ok(())
    }

    /// Clears the glass after `ms`, unless something else is to be shown by then.
    pub fn idle_later(self: &Arc<Self>, id: &DeviceId, ms: u64) {
        let (hub, id) = (self.clone(), id.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            if let Err(error) = hub.deliver(&id).await {
                tracing::warn!(%error, device.id = %id, "the idle page was not sent");
            }
        });
    }

    async fn show(&self, device: &Device, page: Page, ttl_ms: i64) -> Result<(), Fault> {
        let id = device.id.clone();
        let generation = self.book.db.write(move |tx| rows::next_gen(tx, &id).map_err(Fault::from)).await?;
        self.show_as(device, page, ttl_ms, generation)
    }

    pub(super) fn show_as(
        &self,
        device: &Device,
        page: Page,
        ttl_ms: i64,
        generation: u64,
    ) -> Result<(), Fault> {
        let Some(window) = &device.window else { return Ok(()) };
        let now = self.book.clock.now();
        let (_, message) = new_command(now)?;
        let place = Place { window: window.to_string(), bind_epoch: device.bind_epoch };
        let ttl_ms = u32::try_from(ttl_ms).unwrap_or(u32::MAX);
        let show = Show::new(message, place, generation, now, ttl_ms, page)
            .map_err(|error| Fault::Storage(error.to_string()))?;
        self.say(&Topic::Down(device.id.clone(), Down::Show), &show, None)
    }

    pub(super) async fn idle_page(&self, device: &Device) -> Result<Page, Fault> {
        let windows = self.book.db.read(accounts::windows).await?;
        let window = device.window.as_ref();
        let name =
            windows.into_iter().find(|(id, _)| Some(id) == window).map(|(_, name)| name).unwrap_or_default();
        Ok(Page::Idle(IdlePage { hall: self.book.knowledge.hall.clone(), window: name, notice: None }))
    }
}
