//! The centre's certificate authority: its own server certificate and one client certificate
//! for each box.
//!
//! Boxes pin the authority's certificate, never the server's, so that the server's may be
//! renewed at each start. A box's certificate names its log; the log's row names the
//! certificate, so an older certificate of the same box stops working when a new one is issued.

use crate::files;
use hall_domain::Timestamp;
use hall_ledger::LogId;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::path::Path;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "keys/ca.key.pem";
const CA_YEARS: i64 = 20;
const SERVER_DAYS: i64 = 800;
const BOX_DAYS: i64 = 3 * 366;

/// Why a certificate could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Certificate software refused.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The authority's files cannot be read or written.
    #[error("keep the authority's files")]
    File(#[from] std::io::Error),
    /// A time outside what a certificate can say.
    #[error("the clock shows a time that no certificate can carry")]
    Clock,
    /// A peer's certificate does not name a log.
    #[error("certificate does not name a box")]
    NotABox,
}

/// What is kept of a certificate to recognise it again: SHA-256 over its DER bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }
}

/// The box behind a connection, as its certificate says. Whether that certificate is still the
/// current one of the log is asked of the store, for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The log that the certificate was issued for.
    pub log: LogId,
    /// Which certificate it is.
    pub fingerprint: Fingerprint,
}

impl Peer {
    /// Reads the certificate that a TLS peer has proved to own.
    pub fn from_certificate(der: &[u8]) -> Result<Self, AuthorityError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| AuthorityError::NotABox)?;
        let name = certificate
            .subject()
            .iter_common_name()
            .next()
            .and_then(|name| name.as_str().ok())
            .ok_or(AuthorityError::NotABox)?;
        let log = name.parse().map_err(|_| AuthorityError::NotABox)?;
        Ok(Self { log, fingerprint: Fingerprint::of(der) })
    }
}

/// A certificate issued to a box.
pub struct Issued {
    /// For the box.
    pub pem: String,
    /// For the log's row.
    pub fingerprint: Fingerprint,
}

/// The certificate authority.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority in `folder`. Refuses to overwrite one.
    pub fn create(folder: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        let now = time_of(now)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name("hall centre authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - Duration::hours(24);
        params.not_after = now + Duration::days(CA_YEARS * 365);
        let certificate = params.self_signed(&key)?;
        files::create_secret(&folder.join(CA_KEY), key.serialize_pem().as_bytes())?;
        files::create(&folder.join(CA_CERTIFICATE), certificate.pem().as_bytes())?;
        Ok(Self { pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    /// Reads the authority in `folder`.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let pem = std::fs::read_to_string(folder.join(CA_CERTIFICATE))?;
        let key = KeyPair::from_pem(&std::fs::read_to_string(folder.join(CA_KEY))?)?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key)?;
        Ok(Self { pem, issuer })
    }

    /// The authority's own certificate, which boxes pin.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A fresh certificate and key for this server, under `names` (DNS names or addresses).
    pub fn server_certificate(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), AuthorityError> {
        let now = time_of(now)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        params.distinguished_name = name("hall centre");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = now - Duration::hours(24);
        params.not_after = now + Duration::days(SERVER_DAYS);
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((certificate.der().clone(), key))
    }

    /// Signs a box's request. Of the request only the key is taken: the centre says what the
    /// certificate is for.
    pub fn box_certificate(
        &self,
        request_pem: &str,
        log: &LogId,
        now: Timestamp,
    ) -> Result<Issued, AuthorityError> {
        let now = time_of(now)?;
        let request = CertificateSigningRequestParams::from_pem(request_pem)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&log.to_string());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = now - Duration::hours(24);
        params.not_after = now + Duration::days(BOX_DAYS);
        let certificate = params.signed_by(&request.public_key, &self.issuer)?;
        Ok(Issued { pem: certificate.pem(), fingerprint: Fingerprint::of(certificate.der()) })
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn time_of(now: Timestamp) -> Result<OffsetDateTime, AuthorityError> {
    OffsetDateTime::from_unix_timestamp(now.0.div_euclid(1000)).map_err(|_| AuthorityError::Clock)
}
