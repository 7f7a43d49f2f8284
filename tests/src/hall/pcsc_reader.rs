//! A window's reader behind PC/SC: a virtual one on a pcscd of its own, with at most one card and one fault.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hall_domain::IdentityCard;
use hall_sim::pcsc::cards::IdEscape;
use hall_sim::pcsc::faults::{CardFault, Faulty, Pull};
use hall_sim::pcsc::{CardSlot, Daemon, driver_file};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use super::window::ReaderFault;

const UP: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Commands that still work when a card is lifted in the middle of a read of six.
const LIFTED_AT: u32 = 3;

/// The reader.
#[derive(Debug)]
pub struct PcscReader {
    name: String,
    slot: CardSlot,
    card: Option<IdentityCard>,
    fault: Option<ReaderFault>,
    plugged: bool,
    daemon: Daemon,
    /// Short, unlike the hall's: a socket's path may have 107 bytes.
    _folder: TempDir,
}

impl PcscReader {
    /// The reader of the window with this id, plugged in.
    ///
    /// # Errors
    /// If pcscd is not installed, or may not have a mount namespace here.
    pub async fn open(window: &str) -> Result<Self> {
        let driver = driver_file().context("虚拟读卡器还没有编译")?;
        let folder = tempfile::Builder::new().prefix("hall-pcsc-").tempdir()?;
        let name = format!("Hall Virtual Reader {window}");
        let mut daemon = Daemon::prepare(folder.path(), &[&name], &driver).context("prepare pcscd")?;
        daemon.start().context("start pcscd")?;
        let deadline = Instant::now() + UP;
        while UnixStream::connect(daemon.socket()).await.is_err() {
            if Instant::now() > deadline {
                bail!("pcscd 没有启动：{}", daemon.log().trim());
            }
            sleep(LOOK_AGAIN).await;
        }
        let slot = CardSlot::new(daemon.slot(&name));
        Ok(Self { name, slot, card: None, fault: None, plugged: true, daemon, _folder: folder })
    }

    /// Its name in the smart card service.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where clients find its pcscd.
    pub fn socket(&self) -> PathBuf {
        self.daemon.socket()
    }

    /// Lays a card down in place of the one that lies there.
    ///
    /// # Errors
    /// If its text does not fit on a card.
    pub async fn place(&mut self, card: &IdentityCard) -> Result<()> {
        let virtual_card = IdEscape::new(card)?;
        self.card = Some(card.clone());
        let fault = match self.fault {
            None => {
                self.slot.insert(virtual_card).await;
                return Ok(());
            }
            Some(ReaderFault::LiftedMidRead) => {
                // Once: the next card stays.
                self.fault = None;
                CardFault::Pulled { at: LIFTED_AT, how: Pull::Empty }
            }
            Some(ReaderFault::Silent) => CardFault::Mute { from: 0 },
            // There is no line here that could carry garbage; the card is read as badly.
            Some(ReaderFault::Unreadable | ReaderFault::Garbage | ReaderFault::WrongChecksum) => {
                CardFault::Flaky { every: 1 }
            }
        };
        self.slot.insert(Faulty::new(virtual_card, fault)).await;
        Ok(())
    }

    /// Takes the card away.
    pub async fn lift(&mut self) {
        self.card = None;
        self.slot.remove().await;
    }

    /// Whether a card lies there.
    pub fn has_card(&self) -> bool {
        self.slot.has_card()
    }

    /// Breaks the reader, or with none mends it. A card that lies there is laid down anew.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub async fn break_with(&mut self, fault: Option<ReaderFault>) -> Result<()> {
        self.fault = fault;
        match self.card.clone() {
            Some(card) if self.has_card() => self.place(&card).await,
            _ => Ok(()),
        }
    }

    /// Pulls its plug or puts it back. pcscd learns of readers in its configuration only when it starts.
    ///
    /// # Errors
    /// If pcscd does not start.
    pub fn plug(&mut self, plugged: bool) -> Result<()> {
        let driver = driver_file().context("虚拟读卡器还没有编译")?;
        let names: &[&str] = if plugged { &[&self.name] } else { &[] };
        self.daemon.kill();
        self.daemon.configure(names, &driver)?;
        self.daemon.start().context("start pcscd")?;
        self.plugged = plugged;
        Ok(())
    }

    /// Whether it is plugged in.
    pub fn is_plugged(&self) -> bool {
        self.plugged
    }
}
