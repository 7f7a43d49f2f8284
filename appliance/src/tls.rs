//! TLS for the box's own listeners. Handshakes run beside each other and within a time limit, so
//! that a silent peer delays nobody.

use crate::keys::Keys;
use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tls_listener::{AsyncAccept, AsyncListener, TlsListener};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const HANDSHAKE: Duration = Duration::from_secs(10);

/// A listener that yields finished handshakes.
pub type Listener = TlsListener<Prompt, TlsAcceptor>;

/// Accepts connections that send at once what they have. Otherwise a message right behind another would wait for the
/// peer's delayed acknowledgement, 40 ms on Linux, in the middle of what a clerk or a citizen waits for.
pub struct Prompt(TcpListener);

impl AsyncAccept for Prompt {
    type Connection = TcpStream;
    type Address = SocketAddr;
    type Error = io::Error;

    fn poll_accept(
        self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.0.poll_accept(task).map_ok(|(stream, peer)| {
            // A connection that is already gone shows that when it is read.
            let _ = stream.set_nodelay(true);
            (stream, peer)
        })
    }
}

impl AsyncListener for Prompt {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// The TLS side of the box's certificate.
pub fn config(keys: &Keys) -> Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_slice_iter(keys.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .context("the web certificate")?;
    let key = PrivateKeyDer::from_pem_slice(keys.key_pem.as_bytes()).context("the web certificate's key")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// Listens at an address.
pub async fn listen(address: SocketAddr, config: Arc<ServerConfig>) -> Result<(Listener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
    let bound = listener.local_addr()?;
    let listener = tls_listener::builder(TlsAcceptor::from(config))
        .handshake_timeout(HANDSHAKE)
        .listen(Prompt(listener));
    Ok((listener, bound))
}
