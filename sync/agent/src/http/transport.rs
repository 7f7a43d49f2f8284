//! One HTTPS exchange with the centre: pinned authority, own certificate, limits on time and
//! size, and every failure turned into a [`Trouble`].

use crate::status::Trouble;
use hall_domain::Timestamp;
use hall_ledger::cbor;
use hall_ledger::link::Problem;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection to the centre may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a request is sent before a connection that ends at once counts as unreachable.
const SENDS: u32 = 12;
/// Longest refusal that is read.
const REASON: usize = 1000;
/// The longest that a centre may ask to be left alone.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// What the link's TLS needs. The key never leaves the process.
pub struct Credentials {
    /// The centre's authority, PEM. Nothing else is trusted.
    pub ca_pem: String,
    /// This box's certificate and its key, PEM; none for enrolment.
    pub client: Option<ClientIdentity>,
    /// A time that has certainly passed (enrolment, last freshness token), so that a clock
    /// that woke up in 1970 does not make the centre's certificate look not yet valid.
    pub not_before: Timestamp,
}

/// A client certificate and its key.
pub struct ClientIdentity {
    /// Certificate chain, PEM.
    pub certificate_pem: String,
    /// Private key, PEM (PKCS#8 or SEC1).
    pub key_pem: String,
}

/// Why a connection to the centre cannot be set up on this box.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A certificate or key that cannot be read or does not fit.
    #[error("read the link's certificates: {0}")]
    Credentials(String),
    /// Not `https://host[:port]`.
    #[error("the centre's address is not of the form https://host:port")]
    Address,
    /// The HTTP client refused its settings.
    #[error("set up the link's client")]
    Client(#[from] reqwest::Error),
}

/// An answer with a status that means something to the caller.
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Its body, at most as long as asked for.
    pub body: Vec<u8>,
}

/// One request, put together by the caller.
pub struct Ask {
    /// What to call it in messages.
    pub name: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Body with its media type.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Media type that a good answer must have.
    pub expect: &'static str,
    /// Whole exchange.
    pub limit: Duration,
    /// Longest good answer in bytes.
    pub longest: usize,
    /// Statuses beside 200 that the caller can read.
    pub also: &'static [u16],
}

/// The connection pool to one centre.
#[derive(Clone)]
pub struct Transport {
    client: Client,
    base: String,
}

impl Transport {
    /// Sets up a client for `https://host:port`. Nothing is sent yet.
    pub fn new(address: &str, credentials: &Credentials) -> Result<Self, SetupError> {
        let base = address.trim_end_matches('/').to_owned();
        let parsed = reqwest::Url::parse(&base).map_err(|_| SetupError::Address)?;
        if parsed.scheme() != "https" || parsed.host().is_none() || parsed.path() != "/" {
            return Err(SetupError::Address);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls_config(credentials)?)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_keepalive(Duration::from_secs(20))
            .user_agent(concat!("hallbox/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, base })
    }

    /// Sends a request and reads its answer whole.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, Trouble> {
        let limit = ask.limit;
        match tokio::time::timeout(limit, self.exchange(ask)).await {
            Ok(answer) => answer,
            Err(_) => Err(Trouble::Slow(limit)),
        }
    }

    async fn exchange(&self, mut ask: Ask) -> Result<Answer, Trouble> {
        let mut request = self.client.request(ask.method.clone(), format!("{}{}", self.base, ask.path));
        if let Some((media_type, body)) = ask.body.take() {
            request = request.header(CONTENT_TYPE, media_type).body(body);
        }
        let response =
            self.send(request.build().map_err(|error| trouble(&error, ask.limit))?, ask.limit).await?;
        let status = response.status();
        if status != StatusCode::OK && !ask.also.contains(&status.as_u16()) {
            return Err(refusal(ask.name, response, ask.limit).await);
        }
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if media_type != Some(ask.expect) {
            let reason = format!("media type {:?} instead of {}", media_type.unwrap_or(""), ask.expect);
            return Err(Trouble::Garbage { request: ask.name, reason });
        }
        let body = read(response, ask.longest, ask.limit).await?.ok_or_else(|| Trouble::Garbage {
            request: ask.name,
            reason: format!("longer than {} bytes", ask.longest),
        })?;
        Ok(Answer { status, body })
    }

    /// Sends a request, and again if the connection ended before it was handed over. A centre
    /// that refuses this box's certificate ends the connection after the handshake (RFC 8446
    /// §4.4.2.4 leaves no earlier moment), and only a request that is waiting hears the reason.
    async fn send(&self, request: reqwest::Request, limit: Duration) -> Result<Response, Trouble> {
        for _ in 1..SENDS {
            let Some(again) = request.try_clone() else { break };
            match self.client.execute(again).await {
                Err(error) if was_not_sent(&error) => {}
                answer => return answer.map_err(|error| trouble(&error, limit)),
            }
        }
        self.client.execute(request).await.map_err(|error| trouble(&error, limit))
    }
}

/// A connection that ended before the request was handed to it: nothing was sent.
fn was_not_sent(error: &reqwest::Error) -> bool {
    std::iter::successors(error.source(), |cause| (*cause).source())
        .any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled))
}

/// Reads a body; none if it is longer than `longest`.
async fn read(mut response: Response, longest: usize, limit: Duration) -> Result<Option<Vec<u8>>, Trouble> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| trouble(&error, limit))? {
        if body.len() + part.len() > longest {
            return Ok(None);
        }
        body.extend_from_slice(&part);
    }
    Ok(Some(body))
}

async fn refusal(request: &'static str, response: Response, limit: Duration) -> Trouble {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|seconds| seconds.parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    match status {
        429 => Trouble::Busy { retry_after },
        400..=499 => {
            let body = read(response, REASON, limit).await.ok().flatten().unwrap_or_default();
            let problem: Option<Problem> = cbor::unpack(&body).ok();
            let reason = problem.map_or_else(|| "no reason given".to_owned(), |problem| problem.message);
            Trouble::Refused { status, reason }
        }
        500..=599 => Trouble::Failing { status, retry_after },
        _ => Trouble::Garbage { request, reason: format!("status {status}") },
    }
}

/// Sorts a failed exchange by its innermost cause. URLs are left out of the text.
fn trouble(error: &reqwest::Error, limit: Duration) -> Trouble {
    if error.is_timeout() {
        return Trouble::Slow(limit);
    }
    let mut text = String::new();
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(tls) = tls_error(current) {
            return match tls {
                rustls::Error::InvalidCertificate(_)
                | rustls::Error::AlertReceived(_)
                | rustls::Error::NoCertificatesPresented => Trouble::Untrusted(tls.to_string()),
                other => Trouble::Unreachable(other.to_string()),
            };
        }
        // The kind is enough, and the text of some kinds is an advertisement.
        text = match current.downcast_ref::<std::io::Error>() {
            Some(io) => io.kind().to_string(),
            None => current.to_string(),
        };
        cause = current.source();
    }
    Trouble::Unreachable(text)
}

fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    // An I/O error's source is its inner error's source, not the inner error itself.
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    inner.downcast_ref().or_else(|| inner.downcast_ref::<std::io::Error>().and_then(|inner| tls_error(inner)))
}

fn tls_config(credentials: &Credentials) -> Result<rustls::ClientConfig, SetupError> {
    let bad = |error: &dyn std::fmt::Display| SetupError::Credentials(error.to_string());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(credentials.ca_pem.as_bytes()) {
        roots.add(certificate.map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
    }
    if roots.is_empty() {
        return Err(SetupError::Credentials("no certificate of the centre's authority".to_owned()));
    }
    let builder = rustls::ClientConfig::builder_with_details(
        Arc::new(rustls::crypto::ring::default_provider()),
        Arc::new(NotBefore(credentials.not_before)),
    )
    .with_protocol_versions(&[&rustls::version::TLS13])
    .map_err(|e| bad(&e))?
    .with_root_certificates(roots);
    match &credentials.client {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let chain = CertificateDer::pem_slice_iter(identity.certificate_pem.as_bytes())
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| bad(&e))?;
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|e| bad(&e))?;
            builder.with_client_auth_cert(chain, key).map_err(|e| bad(&e))
        }
    }
}

/// The system's time, but never before a time that has certainly passed.
#[derive(Debug)]
struct NotBefore(Timestamp);

impl TimeProvider for NotBefore {
    fn current_time(&self) -> Option<UnixTime> {
        let floor = Duration::from_millis(u64::try_from(self.0.0).unwrap_or(0));
        Some(UnixTime::since_unix_epoch(floor.max(Duration::from_secs(UnixTime::now().as_secs()))))
    }
}
