//! The box's own listeners: TLS under the hall's certificate.

use crate::keys::Keys;
use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// The TLS side of the box's certificate.
pub fn acceptor(keys: &Keys) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_slice_iter(keys.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .context("the web certificate")?;
    let key = PrivateKeyDer::from_pem_slice(keys.key_pem.as_bytes()).context("the web certificate's key")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Listens at an address.
pub async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Serves each peer that finishes its handshake, at most `room` at a time, until `stop`.
pub async fn serve<F, T>(
    listener: TcpListener,
    tls: TlsAcceptor,
    room: usize,
    stop: CancellationToken,
    handle: F,
) where
    F: Fn(TlsStream<TcpStream>, SocketAddr) -> T + Clone + Send + 'static,
    T: Future<Output = ()> + Send,
{
    hall_serve::accept_each(listener, room, stop, move |stream, from| {
        let (tls, handle) = (tls.clone(), handle.clone());
        async move {
            match hall_serve::handshake(&tls, stream).await {
                Ok(stream) => handle(stream, from).await,
                // Each browser without the hall's authority does it, again and again: the peer's affair.
                Err(error) => tracing::debug!(%error, "a peer did not come in"),
            }
        }
    })
    .await;
}
