//! 演示用手机: a phone for each of the cast. One server on loopback serves the app, is the phones' *mobile network*, which
//! leads to the centre's citizen interface and can be cut for each phone, and receives their text messages (短信).
//!
//! Each phone is a folder of its own, `/<slug>/`. A browser takes loopback for a secure context, so camera and keys work
//! there. The app's own key never leaves the browser: this server sees only what the app says to the centre.

mod assets;
mod network;
mod sms;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use hall_domain::{HolderId, IdentityDocument};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use network::Uplink;
use sms::Sms;

/// Largest body that a phone sends: a picture's text at most.
const MAX_BODY: usize = 64 << 10;

/// Who carries a phone.
#[derive(Debug, Clone, Serialize)]
pub struct Carrier {
    /// Short name, such as `wang-fang`; the phone's address.
    pub slug: String,
    /// 姓名.
    pub name: String,
    /// What is special, one Chinese line.
    pub note: String,
    /// 持证主体 in its text form, which a face sample is made of.
    pub holder: HolderId,
    /// 证件, filled in at sign-in. Synthetic, so it may be shown.
    pub document: IdentityDocument,
    /// 手机号码 of the person.
    pub mobile: String,
    /// 备案号码 of the organisations that the person represents: their text messages arrive here too.
    #[serde(skip)]
    pub also: Vec<String>,
}

impl Carrier {
    fn has(&self, number: &str) -> bool {
        self.mobile == number || self.also.iter().any(|also| also == number)
    }
}

/// Why the phones cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The authority of the centre's certificate cannot be read.
    #[error("the centre's authority is no certificate")]
    Authority(#[source] reqwest::Error),
    /// No client.
    #[error("no HTTP client for the mobile network")]
    Client(#[source] reqwest::Error),
    /// The server failed.
    #[error("serve the phones")]
    Serve(#[source] std::io::Error),
}

/// The cast's phones and their network.
#[derive(Debug, Clone)]
pub struct Phones(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    phones: BTreeMap<String, Phone>,
    order: Vec<String>,
    uplink: Uplink,
}

#[derive(Debug)]
struct Phone {
    carrier: Carrier,
    network: watch::Sender<bool>,
    inbox: Mutex<Vec<Sms>>,
}

impl Phones {
    /// Phones whose network leads nowhere yet, and will believe a centre by this authority (PEM) alone.
    ///
    /// # Errors
    /// If the authority is no certificate.
    pub fn new(carriers: Vec<Carrier>, authority: &[u8]) -> Result<Self, PhoneError> {
        let uplink = Uplink::new(authority)?;
        let order = carriers.iter().map(|carrier| carrier.slug.clone()).collect();
        let phones = carriers.into_iter().map(|carrier| {
            let (network, inbox) = (watch::Sender::new(true), Mutex::default());
            (carrier.slug.clone(), Phone { carrier, network, inbox })
        });
        Ok(Self(Arc::new(Inner { phones: phones.collect(), order, uplink })))
    }

    /// Leads the network to the centre's citizen interface at this address.
    pub fn lead_to(&self, centre: SocketAddr) {
        self.0.uplink.lead_to(centre);
    }

    /// Switches the network of one phone; open requests are cut with it. False if nobody carries such a phone.
    pub fn set_network(&self, slug: &str, on: bool) -> bool {
        let Some(phone) = self.phone(slug) else { return false };
        phone.network.send_replace(on);
        true
    }

    /// Whose phones have no network.
    #[must_use]
    pub fn without_network(&self) -> Vec<String> {
        let cut = self.0.phones.iter().filter(|(_, phone)| !*phone.network.borrow());
        cut.map(|(slug, _)| slug.clone()).collect()
    }

    /// Serves app and network until `stop`.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), PhoneError> {
        let own = listener.local_addr().map_err(PhoneError::Serve)?;
        let router = Router::new()
            .route("/", get(assets::page))
            .route("/people", get(people))
            .route("/messages", post(sms::receive))
            .route("/{slug}", get(into_folder))
            .route("/{slug}/", get(own_page))
            .route("/{slug}/phone", get(state))
            .route("/{slug}/phone/network", post(switch))
            .route("/{slug}/citizen/{*path}", any(network::forward))
            .route("/app/{file}", get(assets::file))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::from_fn_with_state(own, only_from_here))
            .with_state(self);
        axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
            .map_err(PhoneError::Serve)
    }

    fn phone(&self, slug: &str) -> Option<&Phone> {
        self.0.phones.get(slug)
    }
}

/// A page from elsewhere in the same browser must not use the phones, under whatever name leads to loopback.
async fn only_from_here(State(own): State<SocketAddr>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let ours = [own.to_string(), format!("localhost:{}", own.port())];
    if !ours.iter().any(|ours| ours == host) {
        return (StatusCode::FORBIDDEN, "只能从本机访问。").into_response();
    }
    next.run(request).await
}

async fn people(State(phones): State<Phones>) -> Json<Vec<Carrier>> {
    let all = phones.0.order.iter().filter_map(|slug| phones.phone(slug));
    Json(all.map(|phone| phone.carrier.clone()).collect())
}

async fn into_folder(State(phones): State<Phones>, Path(slug): Path<String>) -> Response {
    match phones.phone(&slug) {
        Some(_) => Redirect::permanent(&format!("/{slug}/")).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn own_page(State(phones): State<Phones>, Path(slug): Path<String>) -> Response {
    match phones.phone(&slug) {
        Some(_) => assets::page().await.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

/// What the phone's own system tells the app.
#[derive(Serialize)]
struct PhoneState {
    carrier: Carrier,
    network: bool,
    messages: Vec<Sms>,
}

/// A phone without network gets its messages later.
async fn state(
    State(phones): State<Phones>,
    Path(slug): Path<String>,
    Query(After { after }): Query<After>,
) -> Result<Json<PhoneState>, StatusCode> {
    let phone = phones.phone(&slug).ok_or(StatusCode::NOT_FOUND)?;
    let network = *phone.network.borrow();
    let inbox = phone.inbox.lock().unwrap_or_else(PoisonError::into_inner);
    let messages = inbox.iter().filter(|sms| network && sms.number > after).cloned().collect();
    Ok(Json(PhoneState { carrier: phone.carrier.clone(), network, messages }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switched {
    on: bool,
}

async fn switch(
    State(phones): State<Phones>,
    Path(slug): Path<String>,
    Json(Switched { on }): Json<Switched>,
) -> StatusCode {
    if phones.set_network(&slug, on) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
