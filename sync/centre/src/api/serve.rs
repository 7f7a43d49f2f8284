//! The centre's listeners: TLS with optional client certificate for boxes, TLS for phones, plain loopback for operators.

use crate::authority::Peer;
use axum::Router;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How long a request's header may take to arrive, and how long its body may pause.
const PATIENCE: Duration = Duration::from_secs(15);
/// Connections at a time: 3000 halls with a lane each and room for their long polls.
const CONNECTIONS: usize = 8192;

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

/// The TLS settings for citizens' phones: TLS 1.3, nobody is asked for a certificate.
pub fn public_tls_config(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves boxes, or phones, until `stop`, then lets open requests finish.
pub async fn serve_link(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    let ending = stop.clone();
    hall_serve::accept_each(listener, CONNECTIONS, stop, move |stream, address| {
        let (acceptor, router, stop) = (acceptor.clone(), router.clone(), ending.clone());
        async move {
            let stream = match hall_serve::handshake(&acceptor, stream).await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::info!(peer.address = %address, %error, "A peer did not come in.");
                    return;
                }
            };
            let peer = stream
                .get_ref()
                .1
                .peer_certificates()
                .and_then(|chain| chain.first())
                .and_then(|certificate| Peer::from_certificate(certificate).ok());
            let mark = move |request: &mut axum::extract::Request| {
                if let Some(peer) = &peer {
                    request.extensions_mut().insert(peer.clone());
                }
            };
            hall_serve::serve_http(stream, router, PATIENCE, mark, stop).await;
        }
    })
    .await;
}

/// Serves operators until `stop`, then lets open requests finish.
pub async fn serve_plain(listener: TcpListener, router: Router, stop: CancellationToken) {
    let ending = stop.clone();
    hall_serve::accept_each(listener, CONNECTIONS, stop, move |stream, _| {
        hall_serve::serve_http(stream, router.clone(), PATIENCE, |_| {}, ending.clone())
    })
    .await;
}
