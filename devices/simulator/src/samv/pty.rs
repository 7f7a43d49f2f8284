//! A pseudo-terminal in raw mode: the emulator holds one end, whoever opens the path has the other.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{read, ttyname, write};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

#[derive(Debug)]
pub(crate) struct Pty {
    near: AsyncFd<OwnedFd>,
    /// Held open so that a driver that closes and opens the port does not hang the line up.
    _far: OwnedFd,
}

impl Pty {
    /// A fresh terminal and the path of its far end.
    pub(crate) fn open() -> io::Result<(Self, PathBuf)> {
        let ends = openpty(None, None)?;
        let mut settings = tcgetattr(&ends.slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&ends.slave, SetArg::TCSANOW, &settings)?;
        for end in [&ends.master, &ends.slave] {
            // Processes that the demo starts must not keep a pulled reader's port alive.
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&ends.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let path = ttyname(&ends.slave)?;
        Ok((Self { near: registered(ends.master)?, _far: ends.slave }, path))
    }

    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut got = vec![0; buffer.len()];
        let count = self.near.async_io(Interest::READABLE, |end| Ok(read(end.as_fd(), &mut got)?)).await?;
        buffer[..count].copy_from_slice(&got[..count]);
        Ok(count)
    }

    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written =
                self.near.async_io(Interest::WRITABLE, |end| Ok(write(end.as_fd(), bytes)?)).await?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "the replacement is an unsafe function, for types that may change their descriptor; an OwnedFd never does"
)]
fn registered(end: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(end, Interest::READABLE | Interest::WRITABLE)
}
