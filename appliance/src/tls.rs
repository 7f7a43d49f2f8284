//! TLS for the box's own listeners. Handshakes run beside each other and within a time limit, so
//! that a silent peer delays nobody.

use crate::keys::Keys;
use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls_listener::TlsListener;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const HANDSHAKE: Duration = Duration::from_secs(10);

/// A listener that yields finished handshakes.
pub type Listener = TlsListener<TcpListener, TlsAcceptor>;

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
    let listener =
        tls_listener::builder(TlsAcceptor::from(config)).handshake_timeout(HANDSHAKE).listen(listener);
    Ok((listener, bound))
}
