//! 移动网络: what leads from a phone to the centre, as long as it is switched on.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use reqwest::{Certificate, Client};
use tokio::sync::watch;
use tokio_stream::StreamExt;

use super::{PhoneError, Phones};

/// In the answers that the centre did not give: `off` for a phone without network, `lost` for a centre out of reach.
const TROUBLE: HeaderName = HeaderName::from_static("x-phone-network");
const CONNECT: Duration = Duration::from_secs(5);
/// Longer than the centre lets anything wait.
const ANSWER: Duration = Duration::from_secs(90);
const CARRIED_UP: [HeaderName; 4] =
    [header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT, HeaderName::from_static("idempotency-key")];
const CARRIED_DOWN: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_DISPOSITION,
    header::CACHE_CONTROL,
    header::RETRY_AFTER,
    header::DATE,
];

/// The way to the centre.
#[derive(Debug)]
pub(super) struct Uplink {
    client: Client,
    centre: Mutex<Option<SocketAddr>>,
}

impl Uplink {
    pub(super) fn new(authority: &[u8]) -> Result<Self, PhoneError> {
        // Another part of the process may have chosen one before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificates = Certificate::from_pem_bundle(authority).map_err(PhoneError::Authority)?;
        let client = Client::builder()
            .tls_certs_only(certificates)
            .no_proxy()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .build()
            .map_err(PhoneError::Client)?;
        Ok(Self { client, centre: Mutex::new(None) })
    }

    pub(super) fn lead_to(&self, centre: SocketAddr) {
        *self.centre.lock().unwrap_or_else(PoisonError::into_inner) = Some(centre);
    }

    fn centre(&self) -> Option<SocketAddr> {
        *self.centre.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries a call of the app to the centre and its answer back. A switch in between cuts it.
pub(super) async fn forward(
    State(phones): State<Phones>,
    Path((slug, path)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(phone) = phones.phone(&slug) else { return StatusCode::NOT_FOUND.into_response() };
    let network = phone.network.subscribe();
    let uplink = &phones.0.uplink;
    let Some(centre) = uplink.centre() else { return no_network("lost") };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut request =
        uplink.client.request(method, format!("https://{centre}/citizen/{path}{query}")).body(body);
    for name in CARRIED_UP {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let answer = tokio::select! {
        biased;
        () = switched_off(network.clone()) => return no_network("off"),
        answer = request.send() => answer,
    };
    match answer {
        Ok(answer) => carried_down(answer, network),
        Err(_) => no_network("lost"),
    }
}

fn carried_down(answer: reqwest::Response, network: watch::Receiver<bool>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for name in CARRIED_DOWN {
        if let Some(value) = answer.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    // A body that is cut in the middle ends in an error, as a lost connection does.
    let pieces = answer.bytes_stream().map(move |piece| {
        if *network.borrow() {
            piece.map_err(std::io::Error::other)
        } else {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    });
    *response.body_mut() = Body::from_stream(pieces);
    response
}

async fn switched_off(mut network: watch::Receiver<bool>) {
    if network.wait_for(|on| !on).await.is_err() {
        std::future::pending().await
    }
}

fn no_network(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(TROUBLE, why)]).into_response()
}
