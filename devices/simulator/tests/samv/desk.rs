//! A window terminal with a virtual reader, the real driver at its port, and two citizens.

use std::future::Future;
use std::time::Duration;

use hall_domain::{CardLayout, Date, IdentityCard, IdentityDocument};
use hall_readers::ReadError;
use hall_readers::samv::dialogue::ReadProgress;
use hall_readers::samv::{ReaderState, SamvReader, SerialPath, Timing};
use hall_sim::samv::VIRTUAL_SAM;
use hall_sim::{Emulator, EmulatorHandle, Pace};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Longer than anything may take on a busy machine; nothing waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Real timing, shortened where a test would only wait.
pub const TIMING: Timing = Timing {
    command: Duration::from_millis(600),
    quiet: Duration::from_millis(150),
    find_every: Duration::from_millis(10),
    status_every: Duration::from_millis(50),
    reopen_after: Duration::from_millis(10),
    reopen_at_most: Duration::from_millis(50),
};

/// A window terminal: one virtual reader, and the driver at its port.
pub struct Desk {
    pub sim: EmulatorHandle,
    pub reader: SamvReader,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
    _dir: TempDir,
}

impl Desk {
    pub async fn open() -> Self {
        Self::with(Pace::Unpaced, TIMING).await
    }

    pub async fn with(pace: Pace, timing: Timing) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Emulator::start_paced(dir.path().join("reader"), pace).unwrap();
        let desk = Self::at(sim, dir, timing);
        desk.until_state(READY).await;
        desk
    }

    pub fn at(sim: EmulatorHandle, dir: TempDir, timing: Timing) -> Self {
        let stop = CancellationToken::new();
        let (reader, task) = SamvReader::start(SerialPath::new(sim.path()), timing, stop.clone());
        Self { sim, reader, stop, task, _dir: dir }
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
        let (progress_tx, progress) = mpsc::channel(32);
        let cancel = CancellationToken::new();
        let (reader, token) = (self.reader.clone(), cancel.clone());
        let task = tokio::spawn(async move { reader.read(deadline, token, progress_tx).await });
        Read { task, progress, cancel }
    }

    pub async fn close(self) {
        self.stop.cancel();
        within(self.task).await.unwrap();
    }
}

pub struct Read {
    pub task: JoinHandle<Result<IdentityCard, ReadError>>,
    pub progress: mpsc::Receiver<ReadProgress>,
    pub cancel: CancellationToken,
}

impl Read {
    pub async fn result(self) -> Result<IdentityCard, ReadError> {
        within(self.task).await.unwrap()
    }

    pub async fn until(&mut self, wanted: ReadProgress) {
        within(async { while self.progress.recv().await.expect("the read has ended") != wanted {} }).await;
    }
}

pub const READY: ReaderState = ReaderState::Ready { sam: Some(VIRTUAL_SAM) };

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
pub fn assert_card(read: Result<IdentityCard, ReadError>, wanted: &IdentityCard) {
    match read {
        Ok(card) => assert!(card == *wanted, "another card was read"),
        Err(error) => panic!("no card was read: {error}"),
    }
}
