//! The baseline of a card: what the line itself takes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use hall_domain::IdentityCard;
use hall_readers::samv::driver::{ReaderState, SamvReader, Timing};
use hall_readers::samv::port::SerialPath;
use hall_sim::{Emulator, EmulatorHandle, Pace};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

const PATIENCE: Duration = Duration::from_secs(10);

/// A reader of its own, without a hall.
pub struct BareReader {
    emulator: EmulatorHandle,
    reader: SamvReader,
    card: IdentityCard,
    _stop: DropGuard,
}

impl BareReader {
    /// At the speed of a real line.
    pub async fn start(port: PathBuf, card: IdentityCard) -> Result<Self> {
        if let Some(folder) = port.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let emulator = Emulator::start_paced(&port, Pace::Baud115200).context("open a pseudo-terminal")?;
        let stop = CancellationToken::new();
        let (reader, _task) = SamvReader::start(SerialPath::new(port), Timing::default(), stop.clone());
        let mut state = reader.state();
        let ready = state.wait_for(|state| matches!(state, ReaderState::Ready { .. }));
        timeout(PATIENCE, ready).await.context("the bare reader is not ready")??;
        Ok(Self { emulator, reader, card, _stop: stop.drop_guard() })
    }

    /// How long a card takes that lies there already.
    pub async fn read(&self) -> Result<Duration> {
        self.emulator.lift();
        self.emulator.place(self.card.clone())?;
        let begun = Instant::now();
        let (progress, _heard) = mpsc::channel(8);
        let read = self.reader.read(begun + PATIENCE, CancellationToken::new(), progress).await;
        read.map_err(|error| anyhow!("read a card: {error}"))?;
        Ok(begun.elapsed())
    }
}
