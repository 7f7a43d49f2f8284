//! `hallbox run`: puts the parts together and keeps them running until told to stop.

use crate::admin;
use crate::book::Book;
use crate::clock::Clock;
use crate::devices::broker::Broker;
use crate::devices::door::Door;
use crate::devices::hub::{Heard, Hub};
use crate::devices::pairing::Pairing;
use crate::enrol::Enrolled;
use crate::keys::Keys;
use crate::knowledge::Knowledge;
use crate::line::Line;
use crate::live::{Change, Live};
use crate::reception::Desk;
use crate::retention;
use crate::setup::DataDir;
use crate::store::blobs::BlobFolder;
use crate::store::devices as rows;
use crate::sync_store::SyncStore;
use crate::tls;
use crate::trust;
use crate::web;
use crate::web::session::Peer;
use anyhow::{Context, Result};
use axum::extract::{ConnectInfo, Request};
use hall_sync::{Agent, HttpLink, Identity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const TICK: Duration = Duration::from_millis(500);
/// Connections to the web at a time: 60 windows, each with a clerk's browser and an evaluator, and as much again.
const WEB_CONNECTIONS: usize = 1024;
/// Connections of drivers at a time; the door has room for fewer.
const MQTTS_CONNECTIONS: usize = 1024;
/// How long a browser may take for a request's header, and how long a request's body may pause.
const WEB_PATIENCE: Duration = Duration::from_secs(30);
const DRAIN: Duration = Duration::from_secs(5);
/// Commands and answers are forgotten after a day; the ledger keeps what counts.
const PURGE_MS: i64 = 24 * 3_600_000;

/// Runs the box until `stop`.
pub async fn run(dir: &Path, stop: CancellationToken) -> Result<()> {
    let data = DataDir::open(dir)?;
    let _lock = data.lock()?;
    let addresses = data.addresses()?;
    let keys = Keys::load_or_make(&data.join("keys"), &addresses.names)?;
    let enrolled = Enrolled::load(&data)?;
    let clock = Clock::start();
    let db = data.database()?;
    let (vault, pinned) = (keys.vault.clone(), enrolled.trust()?);
    let trust =
        db.read(move |db| trust::recall(db, &vault, pinned)).await.context("bring back the trust bundle")?;
    let identity = Identity {
        log: enrolled.log,
        hall: enrolled.hall_code.clone(),
        ledger_key: keys.ledger.verifying_key(),
        trust: trust.clone(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let knowledge = Arc::new(Knowledge::new(
        enrolled.hall_name.clone(),
        enrolled.hall_code.clone(),
        identity.scope(),
        trust,
        clock.now(),
    ));
    if let Some(watch) = db.read(trust::recall_clock).await? {
        knowledge.set_clock_watch(watch);
    }
    let book = Book::new(db, &keys, clock, knowledge);
    let live = Live::default();
    let blobs = BlobFolder::open(&data.join("blobs"), keys.vault.clone()).context("the blob folder")?;
    let sync = SyncStore::new(book.clone(), live.clone(), blobs.clone(), data.path().to_owned());
    sync.recall().await.context("bring back what the box knows")?;
    trust::look(&book, &live, true).await.context("look at the clocks")?;
    let link = HttpLink::new(&enrolled.centre, &enrolled.credentials(&data)?)?;
    let told = book.clock.clone();
    let agent = Arc::new(Agent::new(identity, sync, link, Arc::new(move || told.now())));
    let line = Line::new(Some(agent.clone()));

    raise_descriptors();
    let acceptor = tls::acceptor(&keys)?;
    let (web_listener, web_address) = tls::listen(addresses.web).await?;
    let (mqtts_listener, mqtts_address) = tls::listen(addresses.mqtts).await?;

    let credentials = book.db.read(rows::credentials).await?;
    let broker = Broker::prepare(&data.join("run/broker"), &credentials)?;
    let (heard_in, heard) = mpsc::channel(256);
    let hub = Hub::new(book.clone(), live.clone(), heard_in)?;
    let desk = Desk::new(book.clone(), hub.clone(), live.clone(), line.clone(), blobs.clone());
    let mqtts_url = format!("mqtts://{}:{}", first_name(&addresses.names), mqtts_address.port());
    let pairing =
        Pairing::new(book.clone(), hub.clone(), broker.clone(), live.clone(), mqtts_url, keys.ca_pem.clone());
    let door = Door::following(broker.stands(), known_devices(&book));

    let tasks = TaskTracker::new();
    tasks.spawn(broker.clone().supervise(stop.clone()));
    tasks.spawn(hub.clone().run(broker.stands(), broker.password().to_owned(), stop.clone()));
    tasks.spawn(follow_line(agent.clone(), book.clone(), live.clone(), stop.clone()));
    let (running, stopping) = (agent.clone(), stop.clone());
    tasks.spawn(async move { running.run(stopping).await });
    tasks.spawn(decide(desk.clone(), heard, stop.clone()));
    tasks.spawn(keep_time(desk.clone(), stop.clone()));
    tasks.spawn(trust::run(book.clone(), live.clone(), stop.clone()));
    tasks.spawn(retention::run(book.clone(), blobs, desk.clone(), stop.clone()));
    tasks.spawn(serve_mqtts(mqtts_listener, acceptor.clone(), door.clone(), stop.clone()));
    let state = web::App::new(book.clone(), desk.clone(), pairing.clone(), door, line, live, stop.clone());
    tasks.spawn(serve_web(web_listener, acceptor, state, stop.clone()));
    tasks.spawn(admin::serve(data.socket(), book.clone(), pairing, desk, stop.clone()));

    println!("ready https://{web_address} mqtts {mqtts_address}");
    tracing::info!(web = %web_address, mqtts = %mqtts_address, hall = %enrolled.hall_code, "the box is ready");
    stop.cancelled().await;
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!("some tasks did not end in time");
    }
    book.db.close().await;
    Ok(())
}

/// As many descriptors as the system lets this process have: each device takes two.
fn raise_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the number of open files stays as it is");
    }
}

async fn serve_web(listener: TcpListener, tls: TlsAcceptor, state: web::App, stop: CancellationToken) {
    let router = web::router(state);
    let ending = stop.clone();
    tls::serve(listener, tls, WEB_CONNECTIONS, stop, move |stream, from| {
        let mark = move |request: &mut Request| {
            request.extensions_mut().insert(ConnectInfo(Peer(from.ip())));
        };
        hall_serve::serve_http(stream, router.clone(), WEB_PATIENCE, mark, ending.clone())
    })
    .await;
}

async fn serve_mqtts(listener: TcpListener, tls: TlsAcceptor, door: Door, stop: CancellationToken) {
    let ending = stop.clone();
    tls::serve(listener, tls, MQTTS_CONNECTIONS, stop, move |stream, _| {
        let (door, stop) = (door.clone(), ending.clone());
        async move {
            if let Err(turned) = door.serve_stream(stream, stop).await {
                tracing::info!(reason = %turned, "a device was turned away at the door");
            }
        }
    })
    .await;
}

async fn follow_line(
    agent: Arc<Agent<SyncStore, HttpLink>>,
    book: Book,
    live: Live,
    stop: CancellationToken,
) {
    let mut status = agent.status();
    loop {
        let now = status.borrow_and_update().clone();
        book.knowledge.set_line(now);
        live.tell(Change::Line);
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
    }
}

/// Answers of devices, one after the other.
async fn decide(desk: Desk, mut heard: mpsc::Receiver<Heard>, stop: CancellationToken) {
    loop {
        let next = tokio::select! {
            next = heard.recv() => next,
            () = stop.cancelled() => return,
        };
        let decided = match next {
            Some(Heard::Answer(device, jws)) => desk.answer(device, *jws).await,
            Some(Heard::Scan(device, jws)) => desk.scan_heard(device, *jws).await,
            Some(Heard::Extend(device, command)) => desk.extend(&device, &command).await,
            Some(Heard::Progress(device, command, stage)) => {
                desk.read_goes_on(&device, &command, stage).await
            }
            Some(Heard::Rejected(device, command, reason)) => desk.rejected(&device, &command, reason).await,
            None => return,
        };
        if let Err(error) = decided {
            // The device sends its answer again until it has a receipt.
            tracing::error!(%error, "a device's answer could not be taken yet");
        }
    }
}

/// Ends what has lasted too long, and finishes what a crash left half done.
async fn keep_time(desk: Desk, stop: CancellationToken) {
    let mut ticks: u64 = 0;
    loop {
        if let Err(error) = desk.tick().await {
            tracing::error!(%error, "the desk could not keep its time");
        }
        if ticks.is_multiple_of(20)
            && let Err(error) = desk.settle(PURGE_MS).await
        {
            tracing::error!(%error, "the desk could not finish what was left");
        }
        ticks += 1;
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn known_devices(book: &Book) -> crate::devices::door::Known {
    let db = book.db.clone();
    Arc::new(move |id: &str| {
        let Ok(id) = id.parse() else { return false };
        // One indexed read; the broker then checks the password.
        db.read_blocking(move |db| rows::find(db, &id)).is_ok_and(|device| device.is_some())
    })
}

fn first_name(names: &[String]) -> &str {
    names.first().map_or("127.0.0.1", String::as_str)
}
