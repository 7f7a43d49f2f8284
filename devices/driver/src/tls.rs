//! TLS towards the box: only the box's own CA is trusted, whatever the terminal's system trusts.

use std::sync::Arc;

use anyhow::{Context, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A client configuration that trusts the certificates of `ca_pem` and nothing else.
pub(crate) fn trusting(ca_pem: &str) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        let certificate = certificate.context("cannot read a certificate of the box's CA")?;
        roots.add(certificate).context("a certificate of the box's CA is not usable")?;
    }
    ensure!(!roots.is_empty(), "the box's CA holds no certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
