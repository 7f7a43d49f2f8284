//! Ports on loopback that no other hall of this machine takes meanwhile.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Below the range from which the system gives out ports by itself.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port, held for a hall even while nothing listens on it: a box that restarts finds it free.
#[derive(Debug)]
pub struct Lease {
    port: u16,
    _held: File,
}

impl Lease {
    /// Any free port.
    ///
    /// # Errors
    /// If there is none, which is hardly possible.
    pub fn any() -> Result<Self> {
        let mut random = [0; 2];
        getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let start = u16::from_le_bytes(random) % COUNT;
        for step in 0..COUNT {
            if let Some(lease) = Self::exactly(FIRST + (start + step) % COUNT)? {
                return Ok(lease);
            }
        }
        bail!("no port is free on this machine")
    }

    /// This port, if it is free.
    ///
    /// # Errors
    /// If the folder of leases cannot be written.
    pub fn exactly(port: u16) -> Result<Option<Self>> {
        let path = folder()?.join(port.to_string());
        let held = File::options().create(true).append(true).open(&path);
        let held = held.with_context(|| format!("open {}", path.display()))?;
        if held.try_lock().is_err() || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            return Ok(None);
        }
        Ok(Some(Self { port, _held: held }))
    }

    /// The number.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port on loopback.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

fn folder() -> Result<PathBuf> {
    let user = nix::unistd::getuid();
    let folder = std::env::temp_dir().join(format!("hall-ports-{user}"));
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leased_port_is_not_given_twice() {
        let lease = Lease::any().unwrap();
        assert!(Lease::exactly(lease.port()).unwrap().is_none());
        let port = lease.port();
        drop(lease);
        assert!(Lease::exactly(port).unwrap().is_some());
    }

    #[test]
    fn a_port_on_which_somebody_listens_is_not_free() {
        let lease = Lease::any().unwrap();
        let port = lease.port();
        let _listener = TcpListener::bind(lease.address()).unwrap();
        drop(lease);
        assert!(Lease::exactly(port).unwrap().is_none());
    }
}
