//! Making a centre and running it.

use crate::api;
use crate::app::{App, Clock};
use crate::authority::Authority;
use crate::blobs::BlobStore;
use crate::catalogue;
use crate::citizen::face::BySample;
use crate::citizen::news::News;
use crate::citizen::texts::{self, Gateway};
use crate::code_keys::CodeKeyring;
use crate::feeds::Waiters;
use crate::keys::{KeyRing, OperatorToken};
use crate::policy;
use crate::ratifier;
use crate::register;
use crate::renewal;
use crate::scope;
use crate::status::StatusCache;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::trust;
use anyhow::{Context, bail};
use hall_domain::{Catalogue, Timestamp};
use hall_ledger::Signed;
use hall_ledger::document::{Document, DocumentKind};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) const DATABASE: &str = "centre.sqlite";
const BLOBS: &str = "blobs";
/// Uploads being verified at a time; each may take 16 MiB and a core.
const UPLOADS: usize = 8;
const ENROLMENTS: usize = 4;
/// How long tasks may take to end after the stop signal.
const DRAIN: Duration = Duration::from_secs(8);

/// What a new centre is made of.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// Its folder; must not hold a centre yet.
    pub data: PathBuf,
    /// Catalogue, a TOML file or folder; none for the one built in.
    pub catalogue: Option<PathBuf>,
    /// Register to load, a folder of TOML files.
    pub cast: Option<PathBuf>,
}

/// How a centre is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Its folder.
    pub data: PathBuf,
    /// Address for boxes; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address for operators; port 0 takes a free one.
    pub admin: SocketAddr,
    /// Address for citizens' phones; port 0 takes a free one.
    pub citizen: SocketAddr,
    /// Where text messages go, an HTTP endpoint on this machine; none keeps them only.
    pub messages: Option<String>,
    /// Names or addresses in its certificate, beside loopback and the address listened on.
    pub names: Vec<String>,
}

/// What `init` made.
#[derive(Debug)]
pub struct Made {
    kinds: usize,
    items: usize,
    loaded: register::Loaded,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kinds, items, loaded } = self;
        write!(
            f,
            "已建立省级中心：证照类型 {kinds} 种，事项 {items} 项，自然人 {} 人，法人 {} 家，证照 {} 件",
            loaded.people, loaded.organisations, loaded.added
        )
    }
}

/// Makes a new centre: keys, authority, operator token, database, catalogue and register.
///
/// # Errors
/// When the folder holds one already, or catalogue or register are not consistent. Nothing is made then.
pub async fn init(options: InitOptions) -> anyhow::Result<Made> {
    let data = &options.data;
    if data.join(DATABASE).exists() || data.join("keys").exists() {
        bail!("{} holds a centre already", data.display());
    }
    let catalogue = catalogue::catalogue(options.catalogue.as_deref())?;
    let cast = options.cast.as_deref().map(|cast| catalogue::register(cast, &catalogue)).transpose()?;
    std::fs::create_dir_all(data).with_context(|| format!("make {}", data.display()))?;
    let clock = system_clock();
    let keys = KeyRing::create(data)?;
    let authority = Authority::create(data, clock()).context("make the certificate authority")?;
    OperatorToken::create(data)?;
    let store = SqliteStore::open(&data.join(DATABASE)).context("make the database")?;
    let document = Document::new(DocumentKind::Catalogue, "*", catalogue.version(), clock(), &catalogue)
        .context("encode the catalogue")?;
    let signed = Signed::sign(&document, &keys.signer(document.issued_at));
    store.publish(document, signed).await.context("keep the catalogue")?;
    let app = app(data, &store, catalogue, authority, keys, clock, CancellationToken::new()).await?;
    let loaded = match cast {
        Some(cast) => register::load(&app, cast).await.context("load the register")?,
        None => register::Loaded::default(),
    };
    store.close().await;
    Ok(Made { kinds: app.catalogue.kinds().len(), items: app.catalogue.items().len(), loaded })
}

/// Says that the centre in this folder was restored from a backup: boxes then send again what it lacks, and renew their
/// receipts. Returns the new epoch.
///
/// # Errors
/// When the folder holds no centre.
pub async fn restored(data: &Path) -> anyhow::Result<u64> {
    let database = data.join(DATABASE);
    anyhow::ensure!(database.exists(), "{} holds no centre", data.display());
    let store = SqliteStore::open(&database).context("open the database")?;
    KeyRing::open(data)?.restored()?;
    let epoch = store.raise_epoch().await?;
    store.close().await;
    Ok(epoch)
}

/// A running centre.
pub struct Centre {
    link: SocketAddr,
    admin: SocketAddr,
    citizen: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    store: SqliteStore,
}

impl Centre {
    /// Starts serving. Returns once all addresses accept connections.
    ///
    /// # Errors
    /// When the folder holds no centre, or an address is taken.
    pub async fn start(options: RunOptions, stop: CancellationToken) -> anyhow::Result<Self> {
        Self::start_with(options, stop, system_clock()).await
    }

    /// As [`Centre::start`], with another clock.
    ///
    /// # Errors
    /// As [`Centre::start`].
    pub async fn start_with(
        options: RunOptions,
        stop: CancellationToken,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let data = &options.data;
        let authority = Authority::open(data).context("read the certificate authority (was `init` run?)")?;
        let keys = KeyRing::open(data)?;
        let token = OperatorToken::open(data)?;
        let store = SqliteStore::open(&data.join(DATABASE)).context("open the database")?;
        let (_, signed) =
            store.document(DocumentKind::Catalogue).await?.context("the database holds no catalogue")?;
        let own = keys.verifying().iter().find_map(|key| signed.verify(key).ok());
        let document = own.context("believe the stored catalogue")?;
        let catalogue = document.read(DocumentKind::Catalogue).context("read the stored catalogue")?;

        let link = TcpListener::bind(options.listen).await.context("listen for boxes")?;
        let admin = TcpListener::bind(options.admin).await.context("listen for operators")?;
        let citizen = TcpListener::bind(options.citizen).await.context("listen for phones")?;
        let (link_address, admin_address) = (link.local_addr()?, admin.local_addr()?);
        let citizen_address = citizen.local_addr()?;
        let gateway = options.messages.as_deref().map(Gateway::new).transpose()?;
        let names = certificate_names(options.names, [link_address.ip(), citizen_address.ip()]);
        let (certificate, server_key) = authority.server_certificate(&names, clock())?;
        let public_tls = api::serve::public_tls_config(certificate.clone(), server_key.clone_key())?;
        let tls = api::serve::tls_config(authority.pem(), certificate, server_key)?;

        let app = Arc::new(app(data, &store, catalogue, authority, keys, clock, stop.clone()).await?);
        register::publish_organisations(&app).await.context("publish the register of organisations")?;
        policy::publish_default(&app).await.context("publish the policy")?;
        trust::keep(&app).await.context("publish the trust bundle")?;
        let tasks = TaskTracker::new();
        tasks.spawn(api::serve::serve_link(link, tls, api::link_router(app.clone()), stop.clone()));
        tasks.spawn(api::serve::serve_plain(admin, api::admin_router(app.clone(), token), stop.clone()));
        let phones = api::citizen_router(app.clone());
        tasks.spawn(api::serve::serve_link(citizen, public_tls, phones, stop.clone()));
        if let Some(gateway) = gateway {
            let sending = app.clone();
            tasks.spawn(async move { texts::run(&sending, gateway).await });
        }
        let (renewing, scoping, trusting) = (app.clone(), app.clone(), app.clone());
        tasks.spawn(async move { trust::run(&trusting).await });
        tasks.spawn(async move { ratifier::run(&app).await });
        tasks.spawn(async move { renewal::run(&renewing).await });
        tasks.spawn(async move { scope::run(&scoping).await });
        tasks.close();
        Ok(Self { link: link_address, admin: admin_address, citizen: citizen_address, stop, tasks, store })
    }

    /// Where boxes connect.
    pub fn link_address(&self) -> SocketAddr {
        self.link
    }

    /// Where operators connect.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Where citizens' phones connect.
    pub fn citizen_address(&self) -> SocketAddr {
        self.citizen
    }

    /// Waits for the stop signal, lets requests finish, and closes the database.
    ///
    /// # Errors
    /// When something does not end in time.
    pub async fn finished(self) -> anyhow::Result<()> {
        self.stop.cancelled().await;
        let ended = tokio::time::timeout(DRAIN, self.tasks.wait()).await;
        self.store.close().await;
        ended.context("not everything ended in time")
    }
}

/// The parts of a centre, put together.
pub(crate) async fn app(
    data: &Path,
    store: &SqliteStore,
    catalogue: Catalogue,
    authority: Authority,
    keys: KeyRing,
    clock: Clock,
    stop: CancellationToken,
) -> anyhow::Result<App> {
    Ok(App {
        epoch: store.epoch().await?,
        store: Arc::new(store.clone()),
        blobs: BlobStore::open(data.join(BLOBS)).context("open the folder of attachments")?,
        code_keys: CodeKeyring::open(data, clock()).context("read the code keys")?,
        face: Box::new(BySample),
        news: News::default(),
        texts: Notify::new(),
        authority,
        keys,
        catalogue,
        waiters: Waiters::default(),
        status: StatusCache::default(),
        register: Mutex::new(()),
        ratify: Notify::new(),
        uploads: Semaphore::new(UPLOADS),
        enrolments: Semaphore::new(ENROLMENTS),
        stop,
        clock,
    })
}

/// Names for the server's certificate: loopback always, what the operator named, and the address itself.
fn certificate_names(named: Vec<String>, addresses: [IpAddr; 2]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(addresses.into_iter().filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string()));
    names.extend(named);
    names.sort();
    names.dedup();
    names
}

pub(crate) fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}
