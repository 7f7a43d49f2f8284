//! The link: what boxes call. `docs/protocol/link.md` describes it for strangers.

use super::error::Refused;
use super::{blobs, enrol};
use crate::alias;
use crate::app::App;
use crate::authority::Peer;
use crate::citizen::challenge::ChallengeState;
use crate::citizen::codes;
use crate::citizen::news::Event;
use crate::custody::{self, Taken};
use crate::feeds::{self, LONGEST_WAIT};
use crate::register;
use crate::status;
use crate::store::Log;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use hall_domain::{HolderId, LicenceKindCode, Timestamp};
use hall_ledger::blob::CHUNK;
use hall_ledger::bundle::MAX_COMPRESSED;
use hall_ledger::document::DocumentKind;
use hall_ledger::envelope::IssuedEnvelope;
use hall_ledger::feed::{Lane, StatusChange};
use hall_ledger::link::{
    AliasedLicences, HeadIs, Hello, HelloAnswer, Lookup, LookupAnswer, MEDIA_TYPE, Resolve, Resolved,
};
use hall_ledger::{Hash, cbor, entry};
use minicbor::Encode;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Largest small request.
const SMALL: usize = 64 << 10;
/// Whole requests, a long poll's own waiting added.
const REQUEST: Duration = Duration::from_secs(60);
/// 用证事由: most characters.
const MAX_CAUSE: usize = 200;

/// Everything that boxes may call.
pub fn router(app: Arc<App>) -> Router {
    let bulk = Router::new()
        .route("/v1/link/entries", post(entries).layer(DefaultBodyLimit::max(MAX_COMPRESSED)))
        .route("/v1/link/blobs/{id}/{n}", put(blobs::put_chunk).layer(DefaultBodyLimit::max(CHUNK)));
    Router::new()
        .route("/v1/enrol", post(enrol::enrol))
        .route("/v1/link/hello", post(hello))
        .route("/v1/link/feed", get(feed))
        .route("/v1/link/token", get(token))
        .route("/v1/link/status/{list}", get(status_list))
        .route("/v1/link/catalogue", get(catalogue))
        .route("/v1/link/documents/{kind}", get(document))
        .route("/v1/link/lookup", post(lookup))
        .route("/v1/link/assertions/{nonce}", get(assertion))
        .route("/v1/link/resolve", post(resolve))
        .route("/v1/link/blobs/{id}", put(blobs::offer))
        .route("/v1/link/blobs/{id}/missing", get(blobs::missing))
        .route("/v1/link/blobs/{id}/seal", post(blobs::seal))
        .layer(DefaultBodyLimit::max(SMALL))
        .merge(bulk)
        .fallback(async || Refused::unknown_call())
        .method_not_allowed_fallback(async || Refused::wrong_method())
        .layer(middleware::from_fn(in_time))
        .with_state(app)
}

/// No request holds its connection for ever.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST + LONGEST_WAIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            Refused::new(StatusCode::REQUEST_TIMEOUT, "slow", "the request took too long").into_response()
        }
    }
}

/// The box that calls: it has proved to own the certificate that its log names, and no later incarnation has
/// replaced it.
pub struct Caller(pub Log);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let peer = parts.extensions.get::<Peer>().ok_or_else(|| {
            Refused::new(StatusCode::UNAUTHORIZED, "no-certificate", "the link needs a client certificate")
        })?;
        let log = app
            .store
            .log(peer.log)
            .await?
            .ok_or_else(|| Refused::forbidden("unknown-log", "the centre knows no such log"))?;
        if log.certificate != peer.fingerprint {
            return Err(Refused::forbidden("old-certificate", "a newer certificate was issued for this log"));
        }
        if log.superseded {
            return Err(Refused::forbidden("superseded", "a later incarnation of this box is enrolled"));
        }
        Ok(Self(log))
    }
}

/// A body of CBOR, read strictly.
pub(super) fn read<T>(body: &Result<Bytes, BytesRejection>) -> Result<T, Refused>
where
    T: for<'b> minicbor::Decode<'b, ()> + Encode<()>,
{
    cbor::unpack(whole(body)?).map_err(|error| Refused::bad("malformed", error.to_string()))
}

/// A body that arrived within its limits.
pub(super) fn whole(body: &Result<Bytes, BytesRejection>) -> Result<&Bytes, Refused> {
    body.as_ref().map_err(|error| Refused::new(error.status(), "body", error.body_text()))
}

/// An answer of CBOR.
pub(super) fn answer<T: Encode<()>>(status: StatusCode, value: &T) -> Response {
    bytes(status, cbor::pack(value))
}

fn bytes(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], body).into_response()
}

async fn hello(
    State(app): State<Arc<App>>,
    Caller(log): Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let hello: Hello = read(&body)?;
    if hello.log != log.id {
        return Err(Refused::forbidden("other-log", "the certificate is for another log"));
    }
    app.store.touch(log.id, app.now()).await?;
    custody::compare(&app, &log, &hello).await?;
    let catalogue = app.store.document(DocumentKind::Catalogue).await?.map_or(0, |(version, _)| version);
    let answered = HelloAnswer {
        epoch: app.epoch,
        head: HeadIs { size: log.head.size(), root: log.head.root() },
        // No restored backup has been verified yet, so nothing may be pruned.
        anchor: 0,
        token: feeds::token(&app, &log.hall.code).await?,
        min_schema: entry::SCHEMA,
        catalogue,
        trust: app.keys.look(|ring| ring.version),
    };
    Ok(answer(StatusCode::OK, &answered))
}

#[derive(Deserialize)]
struct Since {
    from: u64,
}

async fn entries(
    State(app): State<Arc<App>>,
    Caller(log): Caller,
    query: Result<Query<Since>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let Query(Since { from }) = query?;
    let Ok(_permit) = app.uploads.try_acquire() else { return Err(Refused::busy()) };
    let upload = whole(&body)?.as_ref().into();
    Ok(match custody::take(&app, log, from, upload).await? {
        Taken::Receipt(receipt) => bytes(StatusCode::OK, receipt.into_bytes()),
        Taken::Progress(progress) => answer(StatusCode::ACCEPTED, &progress),
        Taken::Elsewhere(head) => answer(StatusCode::CONFLICT, &head),
        Taken::Fork(fork) => answer(StatusCode::UNPROCESSABLE_ENTITY, &fork),
    })
}

#[derive(Deserialize)]
struct Poll {
    after: u64,
    #[serde(default)]
    wait: u64,
    #[serde(default)]
    lane: LaneName,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum LaneName {
    #[default]
    Main,
    Hot,
}

async fn feed(
    State(app): State<Arc<App>>,
    Caller(log): Caller,
    query: Result<Query<Poll>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(poll) = query?;
    let lane = match poll.lane {
        LaneName::Main => Lane::Main,
        LaneName::Hot => Lane::Hot,
    };
    let wait = Duration::from_secs(poll.wait.min(LONGEST_WAIT.as_secs()));
    let page = feeds::page(&app, &log.hall.code, lane, poll.after, wait).await?;
    Ok(bytes(StatusCode::OK, page.into_bytes()))
}

async fn token(State(app): State<Arc<App>>, Caller(log): Caller) -> Result<Response, Refused> {
    Ok(bytes(StatusCode::OK, feeds::token(&app, &log.hall.code).await?.into_bytes()))
}

async fn status_list(
    State(app): State<Arc<App>>,
    Caller(_): Caller,
    Path(list): Path<String>,
) -> Result<Response, Refused> {
    if list.parse() != Ok(status::LIST) {
        return Err(Refused::missing("unknown-list", "there is no such status list"));
    }
    Ok(bytes(StatusCode::OK, status::list(&app).await?.into_bytes()))
}

async fn catalogue(app: State<Arc<App>>, caller: Caller) -> Result<Response, Refused> {
    document(app, caller, Path("catalogue".to_owned())).await
}

async fn document(
    State(app): State<Arc<App>>,
    Caller(_): Caller,
    Path(kind): Path<String>,
) -> Result<Response, Refused> {
    let kind = match kind.as_str() {
        "catalogue" => DocumentKind::Catalogue,
        "organisations" => DocumentKind::Organisations,
        "policy" => DocumentKind::Policy,
        "trust" => {
            let bundle = app.keys.look(|ring| ring.bundle.clone());
            let none = || Refused::missing("unknown-document", "no trust bundle was published yet");
            return Ok(answer(StatusCode::OK, &bundle.ok_or_else(none)?));
        }
        _ => return Err(Refused::missing("unknown-document", "there is no such document")),
    };
    let document = app.store.document(kind).await?;
    let (_, signed) =
        document.ok_or_else(|| Refused::missing("unknown-document", "no such document was published"))?;
    Ok(bytes(StatusCode::OK, signed.into_bytes()))
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

/// The centre's answer to one of the caller's challenges: 200 with the assertion, 202 while there is none, 410 when
/// the citizen said no without one.
async fn assertion(
    State(app): State<Arc<App>>,
    Caller(log): Caller,
    Path(nonce): Path<String>,
    query: Result<Query<Wait>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(Wait { wait }) = query?;
    let nonce = nonce.parse().map_err(|_| Refused::missing("unknown-call", "not a nonce"))?;
    let event = Event::Challenge(nonce);
    let deadline = Instant::now() + Duration::from_secs(wait).min(LONGEST_WAIT);
    loop {
        let mut news = app.news.listen();
        // A challenge that no phone has shown yet is nobody's.
        let kept = app.store.challenge(nonce).await?;
        if kept.as_ref().is_some_and(|kept| kept.asked.log != log.id) {
            return Err(Refused::forbidden("other-box", "the challenge is another box's"));
        }
        match kept.map(|kept| (kept.state, kept.assertion)) {
            Some((_, Some(assertion))) => {
                app.store.assertion_delivered(nonce, app.now()).await?;
                return Ok(bytes(StatusCode::OK, assertion));
            }
            Some((ChallengeState::Refused, None)) => {
                let refused = Refused::new(StatusCode::GONE, "declined", "the citizen declined");
                return Err(refused);
            }
            _ if Instant::now() >= deadline || app.stop.is_cancelled() => {
                return Ok(bytes(StatusCode::ACCEPTED, Vec::new()));
            }
            _ => {}
        }
        tokio::select! {
            () = news.until(&event) => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Who stands behind a plain code now.
async fn resolve(
    State(app): State<Arc<App>>,
    Caller(log): Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let Resolve { code } = read(&body)?;
    let found = codes::resolve(&app, &code).await?;
    let subject = found.ok_or_else(|| Refused::missing("unknown-code", "the code stands for nobody now"))?;
    let at = app.now();
    let resolved = Resolved {
        code: Hash::of(code.as_bytes()),
        scope: feeds::scope(&log.hall.code),
        place: Some(app.store.person_place(&subject.document).await?),
        subject: codes::seal(&app, &subject, at)?,
        at,
    };
    app.status.changed();
    tracing::info!(hall.code = %log.hall.code, "A hall resolved a plain code.");
    Ok(bytes(StatusCode::OK, app.sign(&resolved).into_bytes()))
}

/// Fresh envelopes of one holder, of kinds that the item is registered to ask for. What was asked is logged
/// without saying about whom.
async fn lookup(
    State(app): State<Arc<App>>,
    Caller(log): Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let lookup: Lookup = read(&body)?;
    let item = app
        .catalogue
        .item(&lookup.item)
        .ok_or_else(|| Refused::forbidden("unknown-item", "the item is not in the catalogue"))?;
    let registered = |kind| item.licence_materials().any(|(_, allowed)| allowed == kind);
    if !lookup.kinds.iter().all(registered) {
        return Err(Refused::forbidden(
            "kind-not-registered",
            "the item is not registered to ask for this kind",
        ));
    }
    let cause = lookup.use_cause.chars().count();
    if cause == 0 || cause > MAX_CAUSE {
        return Err(Refused::bad("use-cause", "a look-up names its cause in 1 to 200 characters"));
    }
    let (hall, now) = (&log.hall.code, app.now());
    let (envelopes, statuses) = fresh(&app, &lookup.holder, &lookup.kinds, hall, now).await?;
    let mut aliased = Vec::new();
    for alias in app.store.aliases_of(&lookup.holder).await? {
        let (envelopes, statuses) = fresh(&app, alias.other(), &lookup.kinds, hall, now).await?;
        if !envelopes.is_empty() {
            let alias = app.sign(&alias::seal(&app, &alias, now)?);
            aliased.push(AliasedLicences { alias, envelopes, statuses });
        }
    }
    let organisation = match &lookup.holder {
        HolderId::Person(_) => None,
        HolderId::Organisation(uscc) => match app.store.organisation(uscc).await? {
            Some(organisation) => Some(register::with_agents(&app, organisation).await?),
            None => None,
        },
    };
    let organisation = organisation
        .map(|organisation| register::organisation_document(&app, &organisation, hall))
        .transpose()
        .map_err(|error| Refused::failed(&error))?;
    tracing::info!(
        hall.code = %hall, item.code = %lookup.item, case.no = %lookup.case_no,
        licence.count = envelopes.len(), alias.count = aliased.len(), "A hall looked up licences."
    );
    let token = feeds::token(&app, hall).await?;
    let aliased = Some(aliased).filter(|aliased| !aliased.is_empty());
    Ok(answer(StatusCode::OK, &LookupAnswer { envelopes, organisation, token, statuses, aliased }))
}

/// Envelopes of one holder as of now, of these kinds, and the status of each.
async fn fresh(
    app: &App,
    holder: &HolderId,
    kinds: &[LicenceKindCode],
    hall: &str,
    now: Timestamp,
) -> Result<(Vec<IssuedEnvelope>, Vec<StatusChange>), Refused> {
    let (mut envelopes, mut statuses) = (Vec::new(), Vec::new());
    for registered in app.store.licences_of(holder).await? {
        if kinds.contains(&registered.licence.kind) {
            let place = registered.status_index;
            envelopes.push(register::issue(app, &registered.licence, place, hall, now).await?);
            let licence = registered.licence.id.clone();
            statuses.push(StatusChange { licence, status: registered.status, at: now });
        }
    }
    Ok((envelopes, statuses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Fingerprint;
    use crate::testing::Bench;
    use axum::body::{Body, to_bytes};
    use hall_ledger::link::Problem;
    use tower::ServiceExt;

    #[tokio::test]
    async fn whatever_is_wrong_with_a_request_is_told_in_cbor() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let router = router(bench.app.clone());
        for (method, path, status, code) in [
            ("GET", "/v1/link/nothing", 404, "unknown-call"),
            ("GET", "/v1/link/hello", 405, "wrong-method"),
            ("GET", "/v1/link/feed", 400, "query"),
            ("GET", "/v1/link/feed?after=x", 400, "query"),
            ("GET", "/v1/link/feed?after=0&lane=side", 400, "query"),
            ("POST", "/v1/link/entries?from=-1", 400, "query"),
            ("GET", "/v1/link/status/x", 404, "unknown-list"),
        ] {
            let peer = Peer { log, fingerprint: Fingerprint([1; 32]) };
            let request = Request::builder().method(method).uri(path).extension(peer);
            let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()[CONTENT_TYPE], MEDIA_TYPE, "{path}");
            let body = to_bytes(answer.into_body(), SMALL).await.unwrap();
            assert_eq!(cbor::unpack::<Problem>(&body).unwrap().code, code, "{path}");
        }
    }

    async fn call(
        router: &Router,
        log: hall_ledger::LogId,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> (u16, Vec<u8>) {
        let peer = Peer { log, fingerprint: Fingerprint([1; 32]) };
        let request = Request::builder().method(method).uri(path).extension(peer);
        let answer = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        assert_eq!(answer.headers()[CONTENT_TYPE], MEDIA_TYPE, "{path}");
        (status, to_bytes(answer.into_body(), SMALL).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn a_box_hears_the_answer_to_its_own_challenge_and_no_other_box_does() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let other = hall_ledger::SigningKey::from_bytes(&[8; 32]);
        let (other, _) = bench.register(bench.code("990002", None).await, &other).await;
        let router = router(bench.app.clone());
        let person: hall_domain::IdentityDocument =
            hall_domain::IdentityDocument::new(hall_domain::DocumentKind::ResidentId, "519900199003070011")
                .unwrap();
        let nonce = hall_ledger::phone::ChallengeNonce([7; 16]);
        let path = format!("/v1/link/assertions/{nonce}");
        // Nobody has shown it yet: it is nobody's.
        assert_eq!(call(&router, log, "GET", &path, Vec::new()).await, (202, Vec::new()));
        let asked = crate::citizen::challenge::Asked {
            nonce,
            log,
            hall: "990001".into(),
            hall_name: "安澜市政务服务大厅".into(),
            window: "W01".into(),
            kind: hall_domain::PhoneAsk::Face,
            item: None,
            materials: Vec::new(),
            digest: None,
            expires_at: bench.app.now().plus_seconds(300),
        };
        bench.app.store.keep_challenge(asked.clone(), &person).await.unwrap();
        let (status, body) = call(&router, other, "GET", &path, Vec::new()).await;
        assert_eq!((status, cbor::unpack::<Problem>(&body).unwrap().code.as_str()), (403, "other-box"));
        let delivered = async || bench.app.store.challenge(nonce).await.unwrap().unwrap().delivered_at;
        assert_eq!(delivered().await, None, "nothing was handed out yet");

        let answered = async {
            tokio::task::yield_now().await;
            let new = crate::store::citizens::NewAnswer {
                nonce,
                by: person.clone(),
                capacity: crate::citizen::capacity::For::Own,
                state: ChallengeState::Answered,
                assertion: Some(b"signed".to_vec()),
                expires_at: bench.app.now().plus_seconds(600),
                consent: None,
                notices: Vec::new(),
                at: bench.app.now(),
            };
            bench.app.store.answer_challenge(new).await.unwrap();
            bench.app.news.tell(Event::Challenge(nonce));
        };
        let waiting = format!("{path}?wait=60");
        let (heard, ()) = tokio::join!(call(&router, log, "GET", &waiting, Vec::new()), answered);
        assert_eq!(heard, (200, b"signed".to_vec()));
        assert_eq!(delivered().await, Some(bench.app.now()), "the citizen may put the phone away");

        let nonce = hall_ledger::phone::ChallengeNonce([8; 16]);
        bench
            .app
            .store
            .keep_challenge(crate::citizen::challenge::Asked { nonce, ..asked }, &person)
            .await
            .unwrap();
        let declined = crate::store::citizens::NewAnswer {
            nonce,
            by: person,
            capacity: crate::citizen::capacity::For::Own,
            state: ChallengeState::Refused,
            assertion: None,
            expires_at: bench.app.now(),
            consent: None,
            notices: Vec::new(),
            at: bench.app.now(),
        };
        bench.app.store.answer_challenge(declined).await.unwrap();
        let (status, body) =
            call(&router, log, "GET", &format!("/v1/link/assertions/{nonce}"), Vec::new()).await;
        assert_eq!((status, cbor::unpack::<Problem>(&body).unwrap().code.as_str()), (410, "declined"));
    }

    #[tokio::test]
    async fn a_plain_code_is_resolved_to_a_sealed_subject_that_the_box_can_open() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let router = router(bench.app.clone());
        let person =
            hall_domain::IdentityDocument::new(hall_domain::DocumentKind::ResidentId, "519900199003070011")
                .unwrap();
        bench.app.store.put_person(&person, "王芳").await.unwrap();
        let plain = crate::store::citizens::PlainCode {
            code: "ZW-00000000000000000001".into(),
            document: person.clone(),
            capacity: crate::citizen::capacity::For::Own,
            expires_at: bench.app.now().plus_seconds(300),
        };
        bench.app.store.plain_code(plain.clone(), bench.app.now()).await.unwrap();
        let ask = |code: &str| cbor::pack(&Resolve { code: code.into() });
        let (status, body) = call(&router, log, "POST", "/v1/link/resolve", ask(&plain.code)).await;
        assert_eq!(status, 200);
        let resolved = hall_ledger::Signed::<Resolved>::from_bytes(body).verify(&bench.key()).unwrap();
        assert_eq!(
            (resolved.code, resolved.scope.as_str()),
            (Hash::of(plain.code.as_bytes()), "hall:990001")
        );
        crate::trust::keep(&bench.app).await.unwrap();
        let (_, bundle) = call(&router, log, "GET", "/v1/link/documents/trust", Vec::new()).await;
        let bundle: hall_ledger::trust::SignedBundle = cbor::unpack(&bundle).unwrap();
        let keys = bundle.verify().unwrap().code_keys;
        let subject = hall_ledger::phone::open_subject(&resolved.subject, &keys, resolved.at).unwrap();
        assert_eq!((subject.document, subject.name.as_str()), (person, "王芳"));
        let (status, body) = call(&router, log, "POST", "/v1/link/resolve", ask("ZW-2")).await;
        assert_eq!((status, cbor::unpack::<Problem>(&body).unwrap().code.as_str()), (404, "unknown-code"));
    }
}
