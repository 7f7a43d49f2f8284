//! A centre in a temporary folder with a clock that is moved by hand, for unit tests.

use crate::app::App;
use crate::authority::{Authority, Fingerprint};
use crate::catalogue;
use crate::centre;
use crate::code::Code;
use crate::keys::KeyRing;
use crate::store::sqlite::SqliteStore;
use crate::store::{Hall, NewEnrolment, NewLog, Registration};
use hall_domain::{
    DocumentKind, HolderId, IdentityDocument, Issuer, LegalRepresentative, Licence, LicenceId,
    LicenceKindCode, Organisation, Timestamp, Uscc,
};
use hall_ledger::feed::{FeedItem, Lane};
use hall_ledger::{BoxId, Hash, LogId, SigningKey, VerifyingKey};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// 居民身份证.
const CARD_KIND: &str = "11100000000013127D001";

/// A centre without its listeners.
pub struct Bench {
    pub app: Arc<App>,
    folder: TempDir,
    clock: Arc<AtomicI64>,
}

impl Bench {
    /// A new centre with the built-in catalogue, at midday of some day.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(1_790_000_000_000));
        let ticking = clock.clone();
        let tell = Arc::new(move || Timestamp(ticking.load(Ordering::SeqCst)));
        let keys = KeyRing::create(folder.path()).unwrap();
        let authority = Authority::create(folder.path(), tell()).unwrap();
        let store = SqliteStore::open(&folder.path().join(centre::DATABASE)).unwrap();
        let catalogue = catalogue::catalogue(None).unwrap();
        let stop = CancellationToken::new();
        let app = centre::app(folder.path(), &store, catalogue, authority, keys, tell, stop).await.unwrap();
        Self { app: Arc::new(app), folder, clock }
    }

    /// Lets time pass.
    pub fn pass_hours(&self, hours: i64) {
        self.clock.fetch_add(hours * 3_600_000, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn pass_seconds(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// A second connection to the database, for doing what the store would never do.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path(centre::DATABASE)).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a one-time code for a new box, or for one that is known.
    pub async fn code(&self, hall: &str, box_id: Option<BoxId>) -> Hash {
        let code = Code::random().unwrap().digest();
        let hall = Hall { code: hall.to_owned(), name: "安澜市政务服务大厅".to_owned() };
        let (made_at, expires_at) = (self.app.now(), self.app.now().plus_hours(72));
        let new = NewEnrolment { code, hall, box_id, made_at, expires_at };
        self.app.store.add_enrolment(new).await.unwrap();
        code
    }

    /// Uses a code up.
    pub async fn register(&self, code: Hash, key: &SigningKey) -> (LogId, Registration) {
        let at = self.app.now();
        let enrolment = self.app.store.enrolment(code, at).await.unwrap().unwrap();
        let registered = self.app.store.register_log(NewLog {
            code,
            id: enrolment.log,
            ledger_key: key.verifying_key(),
            certificate: Fingerprint([enrolment.log.incarnation as u8; 32]),
            at,
            first_items: Vec::new(),
        });
        (enrolment.log, registered.await.unwrap())
    }

    /// A hall with one enrolled box.
    pub async fn hall(&self, hall: &str) -> (LogId, SigningKey) {
        let key = SigningKey::from_bytes(&[7; 32]);
        let (log, registered) = self.register(self.code(hall, None).await, &key).await;
        assert_eq!(registered, Registration::Done);
        (log, key)
    }

    /// The whole feed of a hall.
    pub async fn feed(&self, hall: &str) -> Vec<FeedItem> {
        self.app.store.feed(hall, Lane::Main, 0, 10_000).await.unwrap()
    }

    pub fn key(&self) -> VerifyingKey {
        self.app.keys.signer(self.app.now()).verifying_key()
    }
}

/// A licence of a synthetic person.
pub fn licence(serial: &str, version: u16) -> Licence {
    let kind: LicenceKindCode = CARD_KIND.parse().unwrap();
    let uscc: Uscc = "11519900MBTE5T0968".parse().unwrap();
    let holder: HolderId = "111:519900199003070011".parse().unwrap();
    Licence {
        id: LicenceId::compose(&kind, &uscc, serial, version).unwrap(),
        kind,
        name: "居民身份证".into(),
        holder,
        number: "519900199003070011".into(),
        issuer: Issuer { name: "安澜市公安局".into(), uscc },
        issued: "2020-01-01".parse().unwrap(),
        valid_from: "2020-01-01".parse().unwrap(),
        valid_until: None,
        version,
        fields: [("name".parse().unwrap(), "王芳".to_owned())].into(),
    }
}

/// A synthetic organisation with this legal representative.
pub fn organisation(representative: &str) -> Organisation {
    let uscc: Uscc = "91239900MATE5T017W".parse().unwrap();
    let document = IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011").unwrap();
    Organisation {
        kind: uscc.organisation_kind(),
        uscc,
        name: "安澜测试有限公司".into(),
        legal_representative: LegalRepresentative { name: representative.into(), document },
        address: "安澜市临江街道2号".into(),
        registered: "2020-01-01".parse().unwrap(),
        phone: "18000000001".into(),
        agents: Vec::new(),
    }
}
