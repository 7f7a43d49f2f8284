//! 线路: the hall's uplink, as a forwarder on loopback that can be cut, slowed and stalled.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// A slow line: this many bytes at a time, each after [`SLOW_PAUSE`]; about 256 kbit/s.
const SLOW_PIECE: usize = 8 * 1024;
const SLOW_PAUSE: Duration = Duration::from_millis(250);

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// 正常: it forwards.
    Up,
    /// 中断: open connections are closed, and new ones at once.
    Cut,
    /// 缓慢: a quarter of a second and 8 KiB at a time.
    Slow,
    /// 假连: connections are taken and nothing comes through, as behind a captive portal.
    Stalled,
}

/// The line between box and centre. Dropping it cuts it for good.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    state: watch::Sender<LineState>,
    centre: watch::Sender<SocketAddr>,
    stop: CancellationToken,
}

impl Line {
    /// Lays the line from `listen` (port 0 for any) to the centre.
    ///
    /// # Errors
    /// If the address is taken.
    pub async fn lay(listen: SocketAddr, centre: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("listen on {listen}"))?;
        let address = listener.local_addr()?;
        let (state, _) = watch::channel(LineState::Up);
        let (centre, _) = watch::channel(centre);
        let stop = CancellationToken::new();
        let line = Self { address, state, centre, stop };
        let (state, centre, stop) = (line.state.subscribe(), line.centre.subscribe(), line.stop.clone());
        tokio::spawn(async move {
            loop {
                let near = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stop.cancelled() => return,
                };
                let Ok((near, _)) = near else { continue };
                let (state, centre, stop) = (state.clone(), *centre.borrow(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(near, centre, state) => {}
                        () = stop.cancelled() => {}
                    }
                });
            }
        });
        Ok(line)
    }

    /// Where the box connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does now.
    pub fn state(&self) -> LineState {
        *self.state.borrow()
    }

    /// Changes what it does, for open connections too.
    pub fn set(&self, state: LineState) {
        self.state.send_replace(state);
    }

    /// Leads new connections to a centre at another address.
    pub fn lead_to(&self, centre: SocketAddr) {
        self.centre.send_replace(centre);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn carry(near: TcpStream, centre: SocketAddr, mut state: watch::Receiver<LineState>) {
    if *state.borrow() == LineState::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(centre).await else { return };
    let _ = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let (up, down) = (state.clone(), state.clone());
    // One direction may end before the other; a cut ends both.
    let both = async { tokio::join!(pump(near_in, far_out, up), pump(far_in, near_out, down)) };
    tokio::select! {
        _ = both => {}
        _ = state.wait_for(|state| *state == LineState::Cut) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<LineState>) {
    let mut piece = vec![0; SLOW_PIECE];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        if *state.borrow() == LineState::Slow {
            sleep(SLOW_PAUSE).await;
        }
        if state.wait_for(|state| *state != LineState::Stalled).await.is_err() {
            return;
        }
        if to.write_all(piece.get(..count).unwrap_or_default()).await.is_err() {
            return;
        }
    }
    // Half closed: what still comes the other way is carried.
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(10);

    /// A centre that sends every byte back.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn laid() -> Line {
        Line::lay("127.0.0.1:0".parse().unwrap(), echo().await).await.unwrap()
    }

    async fn say(stream: &mut TcpStream, word: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(word).await?;
        let mut heard = vec![0; word.len()];
        timeout(SOON, stream.read_exact(&mut heard)).await.expect("an answer or an end in time")?;
        Ok(heard)
    }

    #[tokio::test]
    async fn a_cut_ends_what_is_open_and_whatever_comes_until_it_is_mended() {
        let line = laid().await;
        let mut open = TcpStream::connect(line.address()).await.unwrap();
        assert_eq!(say(&mut open, b"before").await.unwrap(), b"before");
        line.set(LineState::Cut);
        assert!(say(&mut open, b"open").await.is_err());
        let mut fresh = TcpStream::connect(line.address()).await.unwrap();
        assert!(say(&mut fresh, b"fresh").await.is_err());
        line.set(LineState::Up);
        let mut mended = TcpStream::connect(line.address()).await.unwrap();
        assert_eq!(say(&mut mended, b"after").await.unwrap(), b"after");
    }

    #[tokio::test]
    async fn a_stalled_line_keeps_bytes_and_gives_them_out_later() {
        let line = laid().await;
        let mut open = TcpStream::connect(line.address()).await.unwrap();
        line.set(LineState::Stalled);
        open.write_all(b"held").await.unwrap();
        let mut heard = [0; 4];
        assert!(timeout(Duration::from_millis(100), open.read_exact(&mut heard)).await.is_err());
        line.set(LineState::Up);
        timeout(SOON, open.read_exact(&mut heard)).await.unwrap().unwrap();
        assert_eq!(&heard, b"held");
    }
}
