//! Who asks: the session behind a cookie, and forms that came from our own pages.

use super::App;
use super::failure::Failure;
use crate::reception::Clerk;
use crate::store::accounts::{self, Role, Session};
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use subtle::ConstantTimeEq;

const COOKIE: &str = "__Host-hall";

/// Somebody who is signed in, whatever their role.
pub struct SignedIn {
    /// Who.
    pub session: Session,
    /// The cookie itself.
    pub token: String,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// A clerk at a window: may work on cases.
pub struct AtWindow {
    /// The session.
    pub signed_in: SignedIn,
    /// Account and window.
    pub clerk: Clerk,
}

/// Somebody who works on cases, with or without a window.
pub struct Serving(pub SignedIn);

/// Somebody who may look at cases and findings.
pub struct Reader(pub SignedIn);

/// Somebody who takes on what waits on the exception desk.
pub struct Settling(pub SignedIn);

/// Somebody who may look at security events.
pub struct Watcher(pub SignedIn);

/// Somebody who may bind devices.
pub struct Technician(pub SignedIn);

/// A form from one of our own pages: its token was checked before anything in it was read.
pub struct OwnForm<T>(pub T);

impl SignedIn {
    /// Whose cookie came with a request.
    pub(super) async fn find(app: &App, headers: &HeaderMap) -> Option<Self> {
        let token = session_cookie(headers)?;
        let (wanted, now) = (token.clone(), app.book.clock.now());
        let session = app.book.db.read(move |db| accounts::session(db, &wanted, now)).await.ok()??;
        Some(Self { session, token })
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match Self::find(app, &parts.headers).await {
            Some(signed_in) => Ok(signed_in),
            None => Err(to_sign_in(parts)),
        }
    }
}

const NOWHERE: ConnectInfo<Peer> = ConnectInfo(Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    /// The connection's other end. Requests that came over none, in tests, share one place.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let ConnectInfo(peer) = parts.extensions.get().copied().unwrap_or(NOWHERE);
        Ok(peer)
    }
}

impl FromRequestParts<App> for AtWindow {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = allowed(parts, app, Role::serves).await?;
        let Some(window) = signed_in.session.window.clone() else {
            return Err(Redirect::to("/cases").into_response());
        };
        let clerk = Clerk { account: signed_in.session.account.clone(), window };
        Ok(Self { signed_in, clerk })
    }
}

impl FromRequestParts<App> for Serving {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        allowed(parts, app, Role::serves).await.map(Self)
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        allowed(parts, app, Role::reads).await.map(Self)
    }
}

impl FromRequestParts<App> for Settling {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        allowed(parts, app, Role::settles).await.map(Self)
    }
}

impl FromRequestParts<App> for Watcher {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        allowed(parts, app, Role::watches).await.map(Self)
    }
}

impl FromRequestParts<App> for Technician {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        allowed(parts, app, Role::installs).await.map(Self)
    }
}

/// Who is signed in, if the role may.
async fn allowed(parts: &mut Parts, app: &App, may: impl FnOnce(Role) -> bool) -> Result<SignedIn, Response> {
    let signed_in = SignedIn::from_request_parts(parts, app).await?;
    if may(signed_in.session.role) { Ok(signed_in) } else { Err(Failure::forbidden().into_response()) }
}

impl<T: DeserializeOwned> FromRequest<App> for OwnForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let signed = SignedIn::find(app, &parts.headers).await.ok_or_else(|| to_sign_in(&parts))?;
        own_form(&signed, body).await.map(Self).map_err(IntoResponse::into_response)
    }
}

/// Largest form; a form of twenty long texts is a few kilobytes.
const FORM_BYTES: usize = 256 * 1024;
/// No browser sends more by mistake.
const UNWANTED_BYTES: usize = 512 * 1024 * 1024;

/// What a form from one of our own pages says.
pub async fn own_form<T: DeserializeOwned>(signed: &SignedIn, body: Body) -> Result<T, Failure> {
    let bytes = taken(body).await?;
    let sent = form_urlencoded::parse(&bytes).find(|(name, _)| name == "csrf").map(|(_, value)| value);
    if !same_token(sent.as_deref().unwrap_or_default(), &signed.session.csrf) {
        return Err(Failure::stale());
    }
    serde_urlencoded::from_bytes(&bytes).map_err(|_| Failure::malformed())
}

/// The whole of a form, if it is no larger than a form may be.
async fn taken(body: Body) -> Result<Vec<u8>, Failure> {
    let (mut pieces, mut bytes) = (body.into_data_stream(), Vec::new());
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|_| Failure::malformed())?);
        if bytes.len() > FORM_BYTES {
            read_to_end(Body::from_stream(pieces)).await;
            return Err(Failure::too_large("256 KB"));
        }
    }
    Ok(bytes)
}

/// Reads what is not wanted and throws it away: a browser that is answered while it still sends sees a broken
/// connection instead of the answer.
pub async fn read_to_end(body: Body) {
    let mut pieces = body.into_data_stream();
    let mut left = UNWANTED_BYTES;
    while let Some(Ok(piece)) = pieces.next().await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            return;
        }
    }
}

/// Whether a token that came with a form is the session's.
pub fn same_token(sent: &str, expected: &str) -> bool {
    sent.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// A form that carries its token alone.
#[derive(Deserialize)]
pub struct Nothing {}

/// Name and value pairs of a form, in order, duplicates kept.
pub type Pairs = Vec<(String, String)>;

/// The cookie of a new session.
pub fn set_cookie(token: &str) -> HeaderValue {
    let text = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Takes the cookie away.
pub fn clear_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-hall=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// The cookie of a session, whether or not the session still lives.
pub(super) fn session_cookie(headers: &HeaderMap) -> Option<String> {
    cookie(headers, COOKIE)
}

/// The value of one cookie.
pub(super) fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    // HTTP/2 may send each cookie in a header of its own.
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then(|| value.to_owned())
    })
}

fn to_sign_in(parts: &Parts) -> Response {
    // Our addresses hold no personal data, so the way back may stand in this one.
    let next = way_back(&parts.method, &parts.uri);
    Redirect::to(&format!(
        "/sign-in?next={}",
        form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()
    ))
    .into_response()
}

/// The page to come back to after signing in: the one that was asked for, or the case that a form belongs to.
fn way_back(method: &Method, uri: &Uri) -> String {
    if *method == Method::GET {
        return uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    }
    let case = uri.path().strip_prefix("/cases/").and_then(|rest| rest.split_once('/'));
    case.map_or_else(|| "/cases".to_owned(), |(id, _)| format!("/cases/{id}"))
}
