//! A scanner on a pseudo-terminal, and what can be wrong with one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::samv::pty::Pty;
use crate::samv::publish;

/// How a code comes out of a scanner that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanFault {
    /// In pieces of so many bytes, with a pause after each.
    Split {
        /// Bytes in a piece.
        bytes: usize,
        /// Pause after each piece.
        gap: Duration,
    },
    /// These bytes come before it, on a line of their own.
    Garbage(Vec<u8>),
    /// So often, one right behind the other.
    Repeated(u32),
    /// Without an end of the line.
    NoEnd,
    /// Cut after so many bytes, with an end of the line.
    Half(usize),
}

/// 扫码器: a virtual one. `link` leads to its port for as long as it is plugged in.
#[derive(Debug)]
pub struct Scanner {
    link: PathBuf,
    plugged: Mutex<Option<Arc<Pty>>>,
}

impl Scanner {
    /// A scanner, plugged in. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If no pseudo-terminal is to be had, or `link` cannot be written.
    pub fn start(link: impl Into<PathBuf>) -> io::Result<Self> {
        let scanner = Self { link: link.into(), plugged: Mutex::default() };
        scanner.plug()?;
        Ok(scanner)
    }

    /// Where its port is.
    pub fn path(&self) -> &Path {
        &self.link
    }

    /// Plugs it in; nothing if it is.
    ///
    /// # Errors
    /// As [`Scanner::start`].
    pub fn plug(&self) -> io::Result<()> {
        let mut plugged = self.lock();
        if plugged.is_none() {
            let (pty, port) = Pty::open()?;
            publish(&self.link, &port)?;
            *plugged = Some(Arc::new(pty));
        }
        Ok(())
    }

    /// Pulls its plug. What is being scanned is cut off.
    pub fn unplug(&self) {
        if self.lock().take().is_some() {
            let _ = fs::remove_file(&self.link);
        }
    }

    /// Whether it is plugged in.
    pub fn is_plugged(&self) -> bool {
        self.lock().is_some()
    }

    /// Scans a code: its text and CR LF. `faults` add up.
    ///
    /// # Errors
    /// If it is not plugged in, or its line breaks.
    pub async fn scan(&self, text: &str, faults: &[ScanFault]) -> io::Result<()> {
        let pty = self.lock().clone().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        let mut line = text.as_bytes().to_vec();
        let mut end: &[u8] = b"\r\n";
        let (mut times, mut pieces) = (1, None);
        let mut before = Vec::new();
        for fault in faults {
            match fault {
                ScanFault::Split { bytes, gap } => pieces = Some(((*bytes).max(1), *gap)),
                ScanFault::Garbage(garbage) => {
                    before.extend_from_slice(garbage);
                    before.extend_from_slice(b"\r\n");
                }
                ScanFault::Repeated(often) => times = *often,
                ScanFault::NoEnd => end = b"",
                ScanFault::Half(bytes) => line.truncate(*bytes),
            }
        }
        line.extend_from_slice(end);
        pty.write_all(&before).await?;
        for _ in 0..times {
            match pieces {
                None => pty.write_all(&line).await?,
                Some((bytes, gap)) => {
                    for piece in line.chunks(bytes) {
                        pty.write_all(piece).await?;
                        sleep(gap).await;
                    }
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Pty>>> {
        self.plugged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.unplug();
    }
}
