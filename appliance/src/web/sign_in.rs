//! 登录: signing in and out, choosing window and language, and the way from `/` to the first desk.

use super::App;
use super::entrance::Checked;
use super::failure::Failure;
use super::frame;
use super::pages::sign_in::{SignInPage, SignInProblem};
use super::pages::{Lang, Notice};
use super::session::{self, Nothing, OwnForm, Peer, SignedIn};
use crate::book::Fault;
use crate::keys::random_hex;
use crate::live::Change;
use crate::signin;
use crate::store::accounts::{self, Account, Role};
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, http};
use hall_domain::Timestamp;
use hall_domain::case::WindowId;
use hall_ledger::entry::EntryKind;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// Ties the sign-in form to the browser that it was shown in: nobody is signed in as somebody else unawares.
const DOOR: &str = "__Host-hall-door";
/// Hexadecimal digits of that cookie.
const DOOR_DIGITS: usize = 32;
const FORM_BYTES: usize = 8 * 1024;
type Answer = Result<Response, Failure>;

/// Routes around the desks.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(show).post(sign_in).layer(DefaultBodyLimit::max(FORM_BYTES)))
        .route("/sign-out", post(sign_out))
        .route("/window", post(choose_window))
        .route("/language", post(choose_language))
}

fn wait(until: Timestamp, now: Timestamp) -> SignInProblem {
    let ms = u64::try_from(until.ms_since(now)).unwrap_or_default();
    SignInProblem::Wait { seconds: ms.div_ceil(1000) }
}

/// The first desk that a role may open.
async fn home(signed: SignedIn) -> Redirect {
    Redirect::to(start(signed.session.role))
}

fn start(role: Role) -> &'static str {
    frame::desks(role).next().map_or("/sync", |desk| desk.path())
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

async fn show(State(app): State<App>, Query(wanted): Query<Wanted>, headers: HeaderMap) -> Answer {
    if let Some(signed) = SignedIn::find(&app, &headers).await {
        return Ok(Redirect::to(after(&wanted.next, signed.session.role)).into_response());
    }
    let problem = session::session_cookie(&headers).map(|_| SignInProblem::Ended);
    door(&app, &headers, StatusCode::OK, String::new(), wanted.next, problem)
}

#[derive(Deserialize)]
struct Attempt {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    account: String,
    #[serde(default, deserialize_with = "secret")]
    password: Zeroizing<String>,
    #[serde(default)]
    next: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

async fn sign_in(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    Form(attempt): Form<Attempt>,
) -> Answer {
    let refuse = |account: String, next: String, problem| {
        door(&app, &headers, StatusCode::UNPROCESSABLE_ENTITY, account, next, Some(problem))
    };
    let Attempt { csrf, account, password, next } = attempt;
    let shown = session::cookie(&headers, DOOR).unwrap_or_default();
    if shown.len() != DOOR_DIGITS || !session::same_token(&csrf, &shown) {
        return refuse(account, next, SignInProblem::Stale);
    }
    if account.trim().is_empty() || password.is_empty() {
        return refuse(account, next, SignInProblem::Empty);
    }
    let checked = app.entrance.check(&app.book, peer, &account, password).await;
    match checked.map_err(|failure| failure.back_to("/sign-in"))? {
        Checked::Right(known) => welcome(&app, &known, &next).await,
        Checked::Wrong { left } => refuse(account, next, SignInProblem::Wrong { left }),
        Checked::Wait { until } => refuse(account, next, wait(until, app.book.clock.now())),
    }
}

async fn welcome(app: &App, known: &Account, next: &str) -> Answer {
    let token = signin::start(&app.book, &known.name).await?;
    let mut response = Redirect::to(after(next, known.role)).into_response();
    response.headers_mut().insert(header::SET_COOKIE, session::set_cookie(&token));
    Ok(response)
}

async fn sign_out(State(app): State<App>, signed: SignedIn, _: OwnForm<Nothing>) -> Answer {
    let (book, token) = (app.book.clone(), signed.token.clone());
    let (account, now) = (signed.session.account.clone(), app.book.clock.now());
    app.book
        .db
        .write(move |tx| {
            accounts::end_session(tx, &token)?;
            let body = serde_json::json!({ "action": "signed-out", "clerk": account, "at": now });
            book.append(tx, EntryKind::ClerkAction, &body, now)
        })
        .await
        .map_err(Fault::from)?;
    app.memory.forget(&signed);
    app.live.tell(Change::Devices);
    let mut response = Redirect::to("/sign-in").into_response();
    response.headers_mut().insert(header::SET_COOKIE, session::clear_cookie());
    Ok(response)
}

#[derive(Deserialize)]
struct Seat {
    #[serde(default)]
    window: String,
    #[serde(default)]
    next: String,
}

/// A window where somebody else sits may be chosen too: colleagues stand in for each other, and both are shown.
async fn choose_window(State(app): State<App>, signed: SignedIn, OwnForm(seat): OwnForm<Seat>) -> Answer {
    if !signed.session.role.serves() {
        return Err(Failure::forbidden());
    }
    if !seat.window.is_empty() {
        let window: WindowId = seat.window.parse().map_err(|_| Failure::malformed())?;
        let (token, me, now) = (signed.token.clone(), signed.session.account.clone(), app.book.clock.now());
        let others: Vec<String> = app
            .book
            .db
            .write(move |tx| {
                if !accounts::windows(tx)?.iter().any(|(known, _)| *known == window) {
                    return Err(Fault::NotFound);
                }
                accounts::set_window(tx, &token, &window)?;
                let there = accounts::sitting(tx, now)?.into_iter();
                let others = there.filter(|sits| sits.window == window && sits.account != me);
                Ok(others.map(|sits| sits.display).collect())
            })
            .await
            .map_err(Fault::from)?;
        if !others.is_empty() {
            frame::leave_notice(&app, &signed, shared_seat(&others, frame::lang(&signed)));
        }
        app.live.tell(Change::Devices);
    }
    Ok(Redirect::to(after(&seat.next, signed.session.role)).into_response())
}

/// Reader and evaluator of a window serve whoever sits there: two people get in each other's way.
fn shared_seat(others: &[String], lang: Lang) -> Notice {
    let mut names = others.to_vec();
    names.dedup();
    let names = names.join("、");
    let text = lang.fill("{} 也登录在这个窗口，设备共用。请与对方确认，或换一个窗口。", &[&names]);
    Notice { text, undo: None, refused: false }
}

#[derive(Deserialize)]
struct Speech {
    #[serde(default)]
    lang: String,
    #[serde(default)]
    next: String,
}

async fn choose_language(
    State(app): State<App>,
    signed: SignedIn,
    OwnForm(speech): OwnForm<Speech>,
) -> Answer {
    let (token, lang) = (signed.token.clone(), Lang::from_code(&speech.lang).code());
    app.book
        .db
        .write(move |tx| accounts::set_lang(tx, &token, lang).map_err(Fault::from))
        .await
        .map_err(Fault::from)?;
    Ok(Redirect::to(after(&speech.next, signed.session.role)).into_response())
}

fn door(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    account: String,
    next: String,
    problem: Option<SignInProblem>,
) -> Answer {
    let kept = session::cookie(headers, DOOR)
        .filter(|kept| kept.len() == DOOR_DIGITS && kept.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let token = kept.unwrap_or_else(|| random_hex(DOOR_DIGITS / 2));
    let cookie = format!("{DOOR}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    let next = own_path(&next).unwrap_or_default().to_owned();
    let bare = super::pages::Bare { csrf: token, ..frame::bare(app, Lang::Zh) };
    let mut response = frame::render_as(status, &SignInPage { frame: bare, account, next, problem })?;
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(http::header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where to go from here: a page of ours that the role may open, or its first desk.
fn after(next: &str, role: Role) -> &str {
    let of_cases = next.starts_with("/cases") || next.starts_with("/findings");
    match own_path(next) {
        Some(path) if role.reads() || !of_cases => path,
        _ => start(role),
    }
}

/// The text if it is the address of one of our own pages, and of nothing else.
pub fn own_path(text: &str) -> Option<&str> {
    let inside = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    let plain = text.len() <= 512 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let elsewhere =
        ["/sign-in", "/sign-out", "/live", "/fragments", "/assets", "/evaluator", "/mqtt", "/pair/"];
    let page = !elsewhere.iter().any(|other| text.starts_with(other));
    (inside && plain && page).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_to() {
        for own in ["/cases", "/cases/01jd8z?step=form", "/findings?show=all"] {
            assert_eq!(own_path(own), Some(own));
        }
        for other in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil",
            "/cases\r\nX: y",
            "cases",
            "/ /evil",
            "/sign-out",
            "/live",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(other), None, "{other:?}");
        }
        assert_eq!(after("//evil.example", Role::Clerk), "/cases");
        assert_eq!(after("/cases/01jd8z", Role::Technician), "/devices");
    }
}
