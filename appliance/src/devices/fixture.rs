//! A box with one window for tests of its devices: nothing listens, nobody is paired.

use super::broker::Broker;
use super::hub::Hub;
use super::pairing::Pairing;
use crate::book::Book;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::knowledge::Knowledge;
use crate::live::Live;
use crate::reception::new_command;
use crate::store::devices::{self as rows, Command, Device};
use crate::store::{MIGRATIONS, accounts, ledger};
use hall_bus::{DeviceId, DeviceKind};
use hall_domain::case::{CaseId, CommandId, WindowId};
use hall_ledger::log::{BoxId, LogId};
use hall_ledger::trust::CentreKeys;
use hall_sqlite::{Database, Options};
use rusqlite::Connection;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::mpsc;

pub(super) struct Window {
    _dir: TempDir,
    pub book: Book,
    pub live: Live,
    pub hub: Arc<Hub>,
    pub pairing: Arc<Pairing>,
}

impl Window {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::load_or_make(&dir.path().join("keys"), &["localhost".to_owned()]).unwrap();
        let db = Database::open(&dir.path().join("box.db"), MIGRATIONS, Options::default()).unwrap();
        let clock = Clock::start();
        let (name, hall) = ("安澜市政务服务大厅".to_owned(), "990100".to_owned());
        let (scope, trust) = ("hall:990100".to_owned(), CentreKeys::default());
        let knowledge = Arc::new(Knowledge::new(name, hall, scope, trust, clock.now()));
        let book = Book::new(db, &keys, clock, knowledge);
        let live = Live::default();
        let hub = Hub::new(book.clone(), live.clone(), mpsc::channel(8).0).unwrap();
        let broker = Broker::prepare(&dir.path().join("broker"), &[]).unwrap();
        let (url, ca) = ("mqtts://127.0.0.1:1".to_owned(), keys.ca_pem.clone());
        let pairing = Pairing::new(book.clone(), hub.clone(), broker, live.clone(), url, ca);
        let window = Self { _dir: dir, book, live, hub, pairing };
        window
            .write(|tx| {
                ledger::start(tx, LogId::new(BoxId([7; 16]), 1))?;
                accounts::put_window(tx, &w01(), "1 号窗口")
            })
            .await;
        window
    }

    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.book.db.write(move |tx| change(tx)).await.unwrap()
    }

    /// A device that stands at the window and has not been born yet.
    pub async fn device(&self, kind: DeviceKind) -> DeviceId {
        let now = self.book.clock.now();
        let id = DeviceId::generate(kind, now).unwrap();
        let device = Device {
            id: id.clone(),
            key: "{}".to_owned(),
            key_gen: 1,
            window: None,
            bind_epoch: 0,
            gen_: 0,
            counter: None,
            bseq: None,
            state: rows::Presence::Lost,
            model: String::new(),
            software: String::new(),
            detail: String::new(),
            paired_at: now,
            seen_at: now,
        };
        self.write(move |tx| {
            rows::add(tx, &device, "-", &"tech".parse().unwrap())?;
            rows::bind(tx, &device.id, &w01())
        })
        .await;
        id
    }

    /// A command that a device was given for a case.
    pub async fn command(
        &self,
        device: &DeviceId,
        kind: rows::CommandKind,
        case: Option<CaseId>,
    ) -> CommandId {
        let now = self.book.clock.now();
        let (id, _) = new_command(now).unwrap();
        let command = Command {
            id: id.clone(),
            device: device.clone(),
            window: w01(),
            bind_epoch: 1,
            kind,
            case,
            gen_: 1,
            issued: now,
            deadline: now.plus_seconds(120),
            state: rows::CommandState::Open,
            shown_at: now.plus_ms(-now.0),
            request: Vec::new(),
        };
        self.write(move |tx| rows::add_command(tx, &command)).await;
        id
    }

    /// A device as it is stored.
    pub async fn found(&self, id: &DeviceId) -> Device {
        let id = id.clone();
        self.write(move |tx| rows::find(tx, &id)).await.unwrap()
    }
}

pub(super) fn w01() -> WindowId {
    "W01".parse().unwrap()
}
