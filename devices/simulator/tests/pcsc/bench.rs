//! A pcscd with virtual readers, the driver's side of some of them, and two citizens.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use hall_domain::{CardLayout, Date, IdentityCard, IdentityDocument};
use hall_readers::pcsc::{PcscReader, Settings, Timing};
use hall_readers::profiles::{Laid, Profile};
use hall_readers::samv::dialogue::ReadProgress;
use hall_readers::{ReadError, ReaderState};
use hall_sim::pcsc::cards::IdEscape;
use hall_sim::pcsc::{CardSlot, Daemon, driver_file};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Longer than anything may take on a busy machine; nothing waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const READY: ReaderState = ReaderState::Ready { sam: None };

/// Real timing, shortened where a test would only wait. A card has as long as the test is patient.
pub const TIMING: Timing = Timing {
    card: PATIENCE,
    busy: PATIENCE,
    busy_every: Duration::from_millis(10),
    again: PATIENCE,
    reconnect_after: Duration::from_millis(10),
    reconnect_at_most: Duration::from_millis(50),
};

/// Given up soon: for cards that say nothing.
pub const HASTY: Timing =
    Timing { card: Duration::from_millis(1500), busy: Duration::from_millis(300), ..TIMING };

/// pcscd, running, with these readers.
pub fn daemon(folder: &Path, readers: &[&str]) -> Daemon {
    let driver = driver_file().expect("the virtual reader is built with this test");
    let mut daemon = Daemon::prepare(folder, readers, &driver).unwrap();
    daemon.start().unwrap();
    daemon
}

/// One reader of a pcscd: the place for its card, and the driver's side.
pub struct Desk {
    pub slot: CardSlot,
    pub reader: PcscReader,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Desk {
    /// With the reader ready.
    pub async fn open(daemon: &Daemon, name: &str) -> Self {
        Self::with(daemon, name, TIMING).await
    }

    pub async fn with(daemon: &Daemon, name: &str, timing: Timing) -> Self {
        let desk = Self::at(daemon, name, timing, &[Profile::IdEscape, Profile::Ssc], true);
        desk.until_state(READY).await;
        desk
    }

    /// Whatever the reader's state.
    pub fn at(
        daemon: &Daemon,
        name: &str,
        timing: Timing,
        profiles: &[Profile],
        virtual_allowed: bool,
    ) -> Self {
        let stop = CancellationToken::new();
        let settings =
            Settings { reader: name.parse().unwrap(), profiles: profiles.to_vec(), virtual_allowed };
        let (reader, task) = PcscReader::start(settings, timing, stop.clone()).unwrap();
        Self { slot: CardSlot::new(daemon.slot(name)), reader, stop, task }
    }

    pub async fn until_state(&self, wanted: ReaderState) {
        let mut state = self.reader.state();
        let seen = within(state.wait_for(|state| *state == wanted)).await;
        assert!(seen.is_ok(), "the driver has ended");
    }

    /// Starts a read that may take as long as the test is patient.
    pub fn read(&self) -> Read {
        self.read_until(Instant::now() + PATIENCE)
    }

    pub fn read_until(&self, deadline: Instant) -> Read {
        let (progress_tx, progress) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let (reader, token) = (self.reader.clone(), cancel.clone());
        let task = tokio::spawn(async move { reader.read(deadline, token, progress_tx).await });
        Read { task, progress, cancel }
    }

    pub async fn insert(&self, card: &IdentityCard) {
        self.slot.insert(IdEscape::new(card).unwrap()).await;
    }

    pub async fn close(self) {
        self.slot.remove().await;
        self.stop.cancel();
        within(self.task).await.unwrap();
    }
}

pub struct Read {
    pub task: JoinHandle<Result<Laid, ReadError>>,
    pub progress: mpsc::Receiver<ReadProgress>,
    pub cancel: CancellationToken,
}

impl Read {
    pub async fn result(self) -> Result<Laid, ReadError> {
        within(self.task).await.unwrap()
    }

    pub async fn until(&mut self, wanted: ReadProgress) {
        within(async { while self.progress.recv().await.expect("the read has ended") != wanted {} }).await;
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("took longer than any test waits")
}

pub fn card(name: &str, number: &str) -> IdentityCard {
    let document = IdentityDocument::new(CardLayout::Resident.document_kind(), number).unwrap();
    IdentityCard {
        layout: CardLayout::Resident,
        name: name.to_owned(),
        english_name: None,
        sex: document.sex().unwrap(),
        nation: Some("01".to_owned()),
        birth: document.birth().unwrap(),
        address: Some("测试省测试市测试路1号".to_owned()),
        document,
        authority: Some("测试市公安局".to_owned()),
        valid_from: Date::new(2015, 1, 1).unwrap(),
        valid_until: None,
        travel_permit: None,
        nationality: None,
        photo: (0..1024).map(|at| (at % 253) as u8).collect(),
    }
}

pub fn wang() -> IdentityCard {
    card("王芳", "519900199003070011")
}

pub fn li() -> IdentityCard {
    card("李强·测试", "519900200002291029")
}

/// Compares without ever printing a card.
pub fn assert_card(read: Result<Laid, ReadError>, wanted: &IdentityCard) {
    match read {
        Ok(Laid::Identity(card)) => assert!(*card == *wanted, "another card was read"),
        Ok(Laid::Social(_)) => panic!("a social security card was read"),
        Err(error) => panic!("no card was read: {error}"),
    }
}

pub fn assert_error(read: Result<Laid, ReadError>, wanted: ReadError) {
    match read {
        Ok(_) => panic!("a card was read"),
        Err(error) => assert_eq!(error, wanted),
    }
}
