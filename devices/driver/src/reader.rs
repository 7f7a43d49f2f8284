//! The reader of this driver, whatever its kind.

use anyhow::{Context, bail};
use hall_bus::reader::ReaderSource;
use hall_domain::IdentityCard;
use hall_readers::pcsc::{self, PcscReader, names_a_virtual_reader};
use hall_readers::profiles::Laid;
use hall_readers::samv::dialogue::ReadProgress;
use hall_readers::samv::{self, SamvReader, SerialPath};
use hall_readers::{ReadError, ReaderState};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::Settings;

/// Which readers behind PC/SC a driver may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Only real ones: a hall.
    RealOnly,
    /// Also those that a program plays: tests and the demo. What they read says so.
    VirtualToo,
}

#[derive(Debug, Clone)]
pub(crate) enum Reader {
    Samv { reader: SamvReader, port: SerialPath },
    Pcsc { reader: PcscReader, allowed: Readers },
}

impl Reader {
    /// Starts the reader's task.
    ///
    /// # Errors
    /// If the reader is a virtual one by its name and must not be, or the operating system gives no thread.
    pub(crate) fn start(
        settings: &Settings,
        allowed: Readers,
        stop: CancellationToken,
    ) -> anyhow::Result<(Self, JoinHandle<()>)> {
        match settings {
            Settings::Serial { port, baud } => {
                let port = SerialPath::new(port).with_baud(*baud);
                let (reader, task) = SamvReader::start(port.clone(), samv::Timing::default(), stop);
                Ok((Self::Samv { reader, port }, task))
            }
            Settings::Pcsc { reader, profiles } => {
                if allowed == Readers::RealOnly && names_a_virtual_reader(&reader.to_string()) {
                    bail!(refused(reader));
                }
                let settings = pcsc::Settings {
                    reader: reader.clone(),
                    profiles: profiles.iter().map(|profile| (*profile).into()).collect(),
                    virtual_allowed: allowed == Readers::VirtualToo,
                };
                let (reader, task) = PcscReader::start(settings, pcsc::Timing::default(), stop)
                    .context("cannot watch the smart card service")?;
                Ok((Self::Pcsc { reader, allowed }, task))
            }
        }
    }

    pub(crate) fn state(&self) -> watch::Receiver<ReaderState> {
        match self {
            Self::Samv { reader, .. } => reader.state(),
            Self::Pcsc { reader, .. } => reader.state(),
        }
    }

    /// Where the reader is plugged in, for people.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Samv { port, .. } => port.path().display().to_string(),
            Self::Pcsc { reader, .. } => reader.name().to_string(),
        }
    }

    /// What the reader is, now that it is ready.
    ///
    /// # Errors
    /// If it is a virtual one and must not be.
    pub(crate) fn source_when_ready(&self) -> anyhow::Result<ReaderSource> {
        match self {
            Self::Samv { port, .. } if port.is_virtual() => Ok(ReaderSource::Virtual),
            Self::Samv { .. } => Ok(ReaderSource::Samv),
            Self::Pcsc { reader, allowed: Readers::RealOnly } if reader.is_virtual() => {
                bail!(refused(reader.name()))
            }
            Self::Pcsc { .. } => Ok(self.source_after_read().unwrap_or(ReaderSource::Pcsc)),
        }
    }

    /// What a read has shown the reader to be, if it shows that.
    pub(crate) fn source_after_read(&self) -> Option<ReaderSource> {
        match self {
            Self::Samv { .. } => None,
            Self::Pcsc { reader, .. } if reader.is_virtual() => Some(ReaderSource::Virtual),
            Self::Pcsc { .. } => Some(ReaderSource::Pcsc),
        }
    }

    /// Reads an identity card.
    pub(crate) async fn read(
        &self,
        deadline: Instant,
        cancel: CancellationToken,
        progress: mpsc::Sender<ReadProgress>,
    ) -> Result<Box<IdentityCard>, ReadError> {
        match self {
            Self::Samv { reader, .. } => reader.read(deadline, cancel, progress).await.map(Box::new),
            Self::Pcsc { reader, .. } => match reader.read(deadline, cancel, progress).await? {
                Laid::Identity(card) => Ok(card),
                // Anybody can write such a card; what it says stays here.
                Laid::Social(_) => Err(ReadError::SocialSecurity),
            },
        }
    }
}

fn refused(name: &pcsc::NamePattern) -> String {
    format!("{name} is a virtual reader; only tests and demonstrations may use one (--allow-virtual)")
}
