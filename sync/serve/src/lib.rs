//! Listening, for the box and for the centre: each connection has its own task from the first byte on, with limits on
//! number, handshake and what a request may take to arrive, so that a silent or slow peer holds up nobody but itself.
//!
//! It deliberately knows no route and no certificate.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tower_http::timeout::TimeoutBody;

/// How long a new connection may take to finish its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long open requests may take to finish after the stop signal.
const DRAIN: Duration = Duration::from_secs(5);
/// Pause after the system refused to hand out a connection (out of descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A peer that does not finish its handshake, which is its own affair.
#[derive(Debug, thiserror::Error)]
pub enum NoHandshake {
    /// It broke off, or refuses our certificate, or is refused.
    #[error("the handshake failed: {0}")]
    Failed(#[from] io::Error),
    /// It says nothing.
    #[error("the handshake was not finished in time")]
    Slow,
}

/// Accepts connections until `stop`, at most `room` at a time, then lets those that are open finish for a moment.
/// Connections send at once what they have: a message right behind another would otherwise wait for the peer's delayed
/// acknowledgement, 40 ms on Linux, in the middle of what a clerk or a citizen waits for.
pub async fn accept_each<F, T>(listener: TcpListener, room: usize, stop: CancellationToken, handle: F)
where
    F: Fn(TcpStream, SocketAddr) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let room = Arc::new(Semaphore::new(room));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, address, permit)) = accepted else { continue };
        // A connection that is already gone shows that when it is read.
        let _ = stream.set_nodelay(true);
        let connection = handle(stream, address);
        tasks.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!(connection.count = tasks.len(), "Some connections were cut at shutdown.");
    }
}

/// The next connection, once there is room for it; what waits meanwhile waits in the kernel.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, permit)),
        Err(error) => {
            tracing::warn!(%error, "A connection could not be accepted.");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// The server's side of a TLS handshake, within the time for it.
///
/// # Errors
/// [`NoHandshake`].
pub async fn handshake(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, NoHandshake> {
    let accepted = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
    Ok(accepted.map_err(|_| NoHandshake::Slow)??)
}

/// Serves the requests of one connection until it ends; after `stop`, until the open request is answered.
/// `patience` is how long a request's header may take to arrive, counted from the end of the request before, and how
/// long its body may pause. `mark` adds to each request what is known of the connection.
pub async fn serve_http<S>(
    stream: S,
    router: Router,
    patience: Duration,
    mark: impl Fn(&mut Request<Body>) + Clone + Send + 'static,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(Box::pin(TimeoutBody::new(patience, body))));
        mark(&mut request);
        request
    });
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "A connection ended early.");
    }
}
