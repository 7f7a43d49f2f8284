//! A line that can be cut: a TCP forwarder in front of the centre that drops every connection
//! after a number of bytes, refuses everything, or swallows everything in silence.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Forwards.
    Open,
    /// Closes what is open and whatever comes.
    Cut,
    /// Takes connections and bytes, answers nothing.
    Silent,
}

/// The forwarder. Dropping it cuts the line for good.
pub struct Cutter {
    address: SocketAddr,
    line: watch::Sender<Line>,
    budget: Arc<AtomicI64>,
    upward: Arc<AtomicU64>,
    stop: CancellationToken,
}

impl Cutter {
    /// Forwards a new loopback port to `target`.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (line, _) = watch::channel(Line::Open);
        let budget = Arc::new(AtomicI64::new(i64::MAX));
        let upward = Arc::new(AtomicU64::new(0));
        let stop = CancellationToken::new();
        let cutter = Self { address, line, budget, upward, stop };
        let (line, budget, upward, stop) =
            (cutter.line.clone(), cutter.budget.clone(), cutter.upward.clone(), cutter.stop.clone());
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((near, _)) = accepted else { continue };
                let (line, budget, upward, stop) =
                    (line.clone(), budget.clone(), upward.clone(), stop.clone());
                tokio::spawn(async move { carry(near, target, line, budget, upward, stop).await });
            }
        });
        cutter
    }

    /// Where the box connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the line for open and new connections.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Cuts the connection once that many more bytes went over it, both ways counted. Once.
    pub fn cut_after(&self, bytes: i64) {
        self.budget.store(bytes, Ordering::SeqCst);
    }

    /// Bytes sent towards the centre so far.
    pub fn sent(&self) -> u64 {
        self.upward.load(Ordering::SeqCst)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn carry(
    mut near: TcpStream,
    target: SocketAddr,
    line: watch::Sender<Line>,
    budget: Arc<AtomicI64>,
    upward: Arc<AtomicU64>,
    stop: CancellationToken,
) {
    let mut state = line.subscribe();
    let now = *state.borrow_and_update();
    match now {
        Line::Cut => return,
        Line::Silent => {
            swallow(&mut near, &mut state, &stop).await;
            return;
        }
        Line::Open => {}
    }
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        let (count, is_up) = tokio::select! {
            () = stop.cancelled() => return,
            _ = state.changed() => match *state.borrow_and_update() {
                Line::Open => continue,
                Line::Cut => return,
                Line::Silent => break,
            },
            count = near.read(&mut up) => (count.unwrap_or(0), true),
            count = far.read(&mut down) => (count.unwrap_or(0), false),
        };
        if count == 0 {
            return;
        }
        let left = budget.fetch_sub(count as i64, Ordering::SeqCst);
        let allowed = usize::try_from(left).unwrap_or(0).min(count);
        let written = if is_up {
            upward.fetch_add(allowed as u64, Ordering::SeqCst);
            far.write_all(&up[..allowed]).await
        } else {
            near.write_all(&down[..allowed]).await
        };
        if allowed < count {
            budget.store(i64::MAX, Ordering::SeqCst);
            return;
        }
        if written.is_err() {
            return;
        }
    }
    swallow(&mut near, &mut state, &stop).await;
}

async fn swallow(near: &mut TcpStream, state: &mut watch::Receiver<Line>, stop: &CancellationToken) {
    let mut bin = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = state.changed() => if *state.borrow_and_update() != Line::Silent { return },
            count = near.read(&mut bin) => if count.unwrap_or(0) == 0 { return },
        }
    }
}
