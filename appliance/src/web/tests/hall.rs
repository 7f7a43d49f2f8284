//! A box without network for tests of its screens, and a browser that keeps cookies.

use crate::book::Book;
use crate::clock::Clock;
use crate::devices::broker::Broker;
use crate::devices::door::Door;
use crate::devices::hub::Hub;
use crate::devices::pairing::Pairing;
use crate::keys::Keys;
use crate::knowledge::Knowledge;
use crate::line::Line;
use crate::live::Live;
use crate::reception::{Desk, decide};
use crate::signin::hash_password;
use crate::store::accounts::{self, Account, Role};
use crate::store::blobs::BlobFolder;
use crate::store::{MIGRATIONS, ledger};
use crate::web::session::Peer;
use crate::web::{App, router};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use hall_domain::case::{AccountName, Case, CaseId};
use hall_domain::register::Register;
use hall_domain::{ApplicantKind, Catalogue};
use hall_ledger::log::{BoxId, LogId};
use hall_ledger::trust::CentreKeys;
use hall_sqlite::{Database, Options};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub const PASSWORD: &str = "Mian-Zheng-1";

/// Hashing takes long by intent; one hash serves all accounts of all tests.
static HASH: LazyLock<String> = LazyLock::new(|| hash_password(PASSWORD).unwrap());

/// A box with windows W01 and W02 and an account for each role.
pub struct Hall {
    _dir: TempDir,
    pub app: App,
    pub folder: BlobFolder,
    router: Router,
}

impl Hall {
    pub async fn new() -> Self {
        Self::named("安澜市政务服务大厅").await
    }

    pub async fn named(name: &str) -> Self {
        Self::with(name, Clock::start()).await
    }

    /// A box whose clock is moved by hand.
    pub async fn on(clock: Clock) -> Self {
        Self::with("安澜市政务服务大厅", clock).await
    }

    async fn with(name: &str, clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::load_or_make(&dir.path().join("keys"), &["localhost".to_owned()]).unwrap();
        let db = Database::open(&dir.path().join("box.db"), MIGRATIONS, Options::default()).unwrap();
        let (hall, scope) = ("990100".to_owned(), "hall:990100".to_owned());
        let trust = CentreKeys::default();
        let knowledge = Arc::new(Knowledge::new(name.to_owned(), hall, scope, trust, clock.now()));
        let book = Book::new(db, &keys, clock, knowledge);
        let (live, line, stop) = (Live::default(), Line::new(None), CancellationToken::new());
        let (heard, _) = mpsc::channel(1);
        let hub = Hub::new(book.clone(), live.clone(), heard).unwrap();
        let blobs = BlobFolder::open(&dir.path().join("blobs"), keys.vault.clone()).unwrap();
        let desk = Desk::new(book.clone(), hub.clone(), live.clone(), line.clone(), blobs.clone());
        let broker = Broker::prepare(&dir.path().join("broker"), &[]).unwrap();
        let door = Door::new(broker.address(), Arc::new(|_| false));
        let (url, ca) = ("mqtts://127.0.0.1:1".to_owned(), keys.ca_pem.clone());
        let pairing = Pairing::new(book.clone(), hub.clone(), broker, live.clone(), url, ca);
        let app = App::new(book, desk, pairing, door, line, live, stop);
        let hall = Self { _dir: dir, router: router(app.clone()), app, folder: blobs };
        hall.write(|tx| {
            ledger::start(tx, LogId::new(BoxId([7; 16]), 1))?;
            accounts::put_window(tx, &"W01".parse().unwrap(), "1 号窗口")?;
            accounts::put_window(tx, &"W02".parse().unwrap(), "2 号窗口")
        })
        .await;
        for (account, display, role) in [
            ("li.qiang", "李强", Role::Clerk),
            ("zhao.min", "赵敏", Role::Clerk),
            ("admin", "孙洁", Role::HallAdmin),
            ("tech", "周工", Role::Technician),
            ("audit", "吴审", Role::Auditor),
            ("review", "何复", Role::Reviewer),
        ] {
            hall.account(account, display, role).await;
        }
        hall
    }

    pub fn with_catalogue(self) -> Self {
        self.app.book.knowledge.set_catalogue(catalogue());
        self
    }

    pub async fn account(&self, name: &str, display: &str, role: Role) {
        let account = Account {
            name: name.parse().unwrap(),
            display: display.to_owned(),
            role,
            password: HASH.clone(),
        };
        self.write(move |tx| accounts::put(tx, &account)).await;
    }

    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.app.book.db.write(move |tx| change(tx)).await.unwrap()
    }

    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.app.book.db.read(look).await.unwrap()
    }

    /// How many entries of a kind the ledger has.
    pub async fn entries(&self, kind: &'static str) -> u32 {
        self.read(move |db| {
            db.query_row("SELECT count(*) FROM entry WHERE kind = ?1", [kind], |row| row.get(0))
        })
        .await
    }

    /// A case of the clerk with a person of the cast before the window.
    pub async fn identified(&self, id: &CaseId, by: &str, slug: &str) -> Case {
        let people: Register = toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap();
        let card = people.person(slug).unwrap().card.clone();
        let proof = decide::ReadProof {
            command: "01READ".parse().unwrap(),
            reader: "rd-1".to_owned(),
            sam: None,
            answer: "00".to_owned(),
        };
        let (book, id, by) = (self.app.book.clone(), id.clone(), by.parse::<AccountName>().unwrap());
        let now = book.clock.now();
        self.app
            .book
            .db
            .write(move |tx| {
                let read = |case: &Case| Ok(decide::identify(case, card, proof, now)?);
                book.change_case(tx, &id, &by, now, read)?;
                book.change_case(tx, &id, &by, now, |case| Ok(decide::confirm_person(case, now, None)?))
            })
            .await
            .map(Arc::unwrap_or_clone)
            .unwrap()
    }

    /// A browser in which nobody has signed in.
    pub fn browser(&self) -> Browser<'_> {
        Browser {
            hall: self,
            cookies: BTreeMap::new(),
            csrf: String::new(),
            from: Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// A browser in which somebody has signed in.
    pub async fn signed_in(&self, account: &str) -> Browser<'_> {
        let mut browser = self.browser();
        browser.get("/sign-in").await;
        let answer = browser.post("/sign-in", &[("account", account), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    /// A clerk at a window.
    pub async fn at_window(&self, account: &str, window: &str) -> Browser<'_> {
        let mut browser = self.signed_in(account).await;
        browser.get("/cases").await;
        browser.post("/window", &[("window", window), ("next", "/cases")]).await;
        browser
    }
}

pub fn catalogue() -> Catalogue {
    toml::from_str(include_str!("../../../../sync/centre/data/catalogue.toml")).unwrap()
}

/// What was answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn to(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Keeps cookies and the token of the last page, as a browser does.
pub struct Browser<'h> {
    hall: &'h Hall,
    pub cookies: BTreeMap<String, String>,
    pub csrf: String,
    /// The address that it stands at.
    pub from: IpAddr,
}

impl Browser<'_> {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// Posts a form with the token of the last page.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone();
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.post_raw(path, &fields).await
    }

    /// Posts exactly these fields.
    pub async fn post_raw(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body)).await
    }

    /// Posts exactly these fields and then these files, as a form with files does.
    pub async fn post_files(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Answer {
        const EDGE: &str = "----edge7MA4YWxkTrZu0gW";
        let mut body = Vec::new();
        for (name, value) in fields {
            let part =
                format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        for (name, content) in files {
            let head = format!(
                "--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{EDGE}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={EDGE}");
        self.send(Request::post(path).header(header::CONTENT_TYPE, kind), Body::from(body)).await
    }

    pub async fn open(&self, request: axum::http::request::Builder, body: Body) -> axum::response::Response {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header(header::COOKIE, cookies.join("; ")).body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(Peer(self.from)));
        self.hall.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let response = self.open(request, body).await;
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.contains("Secure; HttpOnly; SameSite=Strict"), "{set}");
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            match set.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let bytes: Bytes = axum::body::to_bytes(body, 4 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if let Some(token) =
            text.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next())
        {
            self.csrf = token.to_owned();
        }
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

/// A person's item of the catalogue.
pub fn item() -> String {
    let catalogue = catalogue();
    let item =
        catalogue.items().iter().find(|item| item.applicants.contains(&ApplicantKind::Person)).unwrap();
    item.code.to_string()
}

/// Opens a case of that item for a person.
pub async fn open_case(browser: &mut Browser<'_>) -> CaseId {
    browser.get("/cases/new").await;
    let answer = browser.post("/cases", &[("item", &item()), ("kind", "person")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.to().strip_prefix("/cases/").unwrap().parse().unwrap()
}
