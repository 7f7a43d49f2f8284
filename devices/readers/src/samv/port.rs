//! A line of bytes to a module: a real serial port, a USB-serial adapter, or a pseudo-terminal, opened alike.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_serial::{ClearBuffer, SerialPort as _, SerialStream};

/// An open line.
pub trait BytePort: AsyncRead + AsyncWrite + Send + Unpin {
    /// Throws away what has arrived and was not read.
    ///
    /// # Errors
    /// If the port is gone.
    fn discard_input(&mut self) -> io::Result<()>;
}

/// Opens a line, again and again: a reader that was unplugged comes back under the same name.
pub trait PortOpener: Send + Sync + 'static {
    /// What is opened.
    type Port: BytePort;

    /// Opens the line. Called on a tokio runtime; does not wait.
    ///
    /// # Errors
    /// If it is not there, or belongs to another program.
    fn open(&self) -> io::Result<Self::Port>;

    /// Name for people and logs.
    fn name(&self) -> String;
}

/// A serial port by its path, preferably a stable one such as `/dev/serial/by-path/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialPath {
    path: PathBuf,
    baud: u32,
}

impl SerialPath {
    /// 115,200 baud, 8N1: how modules leave the factory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), baud: 115_200 }
    }

    /// Another line speed, in baud.
    #[must_use]
    pub fn with_baud(self, baud: u32) -> Self {
        Self { baud, ..self }
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a program, not a device, is behind the path now: a pseudo-terminal is never a real reader.
    pub fn is_virtual(&self) -> bool {
        self.path.canonicalize().is_ok_and(|real| real.starts_with("/dev/pts"))
    }
}

impl PortOpener for SerialPath {
    type Port = SerialStream;

    fn open(&self) -> io::Result<SerialStream> {
        // The path is resolved here because the link of a re-plugged reader points to another device.
        let real = self.path.canonicalize()?;
        SerialStream::open(&tokio_serial::new(real.to_string_lossy(), self.baud)).map_err(io::Error::from)
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

impl BytePort for SerialStream {
    fn discard_input(&mut self) -> io::Result<()> {
        self.clear(ClearBuffer::Input).map_err(io::Error::from)
    }
}
