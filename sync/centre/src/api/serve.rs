//! Accepting connections: TLS with optional client certificate for boxes, plain loopback for
//! operators.
//!
//! Each connection has its own task from the first byte on, with limits on number, handshake
//! and header time, so that a silent or slow peer holds up nobody but itself.

use crate::authority::Peer;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long a new connection may take to finish its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a request's header may take to arrive.
const HEADER: Duration = Duration::from_secs(15);
/// Connections at a time: 3000 halls with a lane each and room for their long polls.
const CONNECTIONS: usize = 8192;
/// How long open requests may take to finish after the stop signal.
const DRAIN: Duration = Duration::from_secs(5);
/// Pause after the system refused to hand out a connection (out of descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The TLS settings of the link: TLS 1.3, and a client certificate from `ca_pem` if the peer
/// has one. Enrolment is the only thing a peer without one can do.
pub fn tls_config(
    ca_pem: &str,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves boxes until `stop`, then lets open requests finish.
pub async fn serve_link(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    serve(listener, stop, move |stream, address, stop| {
        let (acceptor, router) = (acceptor.clone(), router.clone());
        async move {
            let _ = stream.set_nodelay(true);
            let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    tracing::info!(peer.address = %address, %error, "A TLS handshake failed.");
                    return;
                }
                Err(_) => {
                    tracing::info!(peer.address = %address, "A peer did not finish its TLS handshake in time.");
                    return;
                }
            };
            let peer = stream
                .get_ref()
                .1
                .peer_certificates()
                .and_then(|chain| chain.first())
                .and_then(|certificate| Peer::from_certificate(certificate).ok());
            serve_connection(stream, router, peer, stop).await;
        }
    })
    .await;
}

/// Serves operators until `stop`, then lets open requests finish.
pub async fn serve_plain(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve(listener, stop, move |stream, _, stop| {
        let router = router.clone();
        async move { serve_connection(stream, router, None, stop).await }
    })
    .await;
}

async fn serve<F, T>(listener: TcpListener, stop: CancellationToken, handle: F)
where
    F: Fn(TcpStream, SocketAddr, CancellationToken) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, address, permit)) = accepted else { continue };
        let connection = handle(stream, address, stop.clone());
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

async fn serve_connection<S>(stream: S, router: Router, peer: Option<Peer>, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |request: Request<_>| {
        let mut request = request.map(Body::new);
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        request
    });
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
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
