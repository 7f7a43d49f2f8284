//! A window terminal: the driver's folder, a virtual reader, and the running driver.

use ed25519_dalek::SigningKey;
use hall_bus::DeviceKey;
use hall_bus::reader::ReaderCondition;
use hall_driver::store::{Credentials, Paired, Settings};
use hall_driver::{DataDir, Ended, Readers};
use hall_sim::{Emulator, EmulatorHandle};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::hall::{Hall, within};

pub struct Terminal {
    pub sim: EmulatorHandle,
    pub data: DataDir,
    key: SigningKey,
    _dir: TempDir,
}

impl Terminal {
    /// Paired, its reader plugged in, the driver not running.
    pub fn paired(hall: &Hall) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Emulator::start(dir.path().join("reader")).unwrap();
        let data = DataDir::new(dir.path().join("driver"));
        data.create().unwrap();
        let key = SigningKey::from_bytes(&[9; 32]);
        let credentials = Credentials {
            grant: hall.grant(),
            ca: hall.identity.ca.clone(),
            box_url: "https://127.0.0.1".to_owned(),
        };
        let settings = Settings::Serial { port: sim.path().to_owned(), baud: 115_200 };
        data.save(&Paired { settings, credentials, key: key.clone() }).unwrap();
        Self { sim, data, key, _dir: dir }
    }

    pub fn key(&self) -> DeviceKey {
        self.key.verifying_key().into()
    }

    /// All that the driver keeps on disk.
    pub fn on_disk(&self) -> Vec<u8> {
        let entries = std::fs::read_dir(self.data.path()).unwrap();
        entries.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    pub fn start(&self) -> Driver {
        start(&self.data)
    }

    /// Running, connected, bound to window W01 under epoch 4, its reader ready.
    pub async fn start_bound(&self, hall: &mut Hall) -> Driver {
        hall.bind("W01", 4).await;
        let driver = self.start();
        hall.born(ReaderCondition::Ready, 4).await;
        driver
    }
}

/// The driver of a paired folder, running.
pub fn start(data: &DataDir) -> Driver {
    let (tell, ready) = oneshot::channel();
    let stop = CancellationToken::new();
    let (data, token) = (data.clone(), stop.clone());
    let task = tokio::spawn(async move {
        // Whoever does not wait for it has dropped the other end.
        let ready = || {
            let _ = tell.send(());
        };
        let ended = hall_driver::run(&data, Readers::RealOnly, token, ready).await;
        ended.map_err(|error| format!("{error:#}"))
    });
    Driver { stop, task, ready }
}

pub struct Driver {
    stop: CancellationToken,
    task: JoinHandle<Result<Ended, String>>,
    ready: oneshot::Receiver<()>,
}

impl Driver {
    pub async fn is_ready(&mut self) {
        within(&mut self.ready).await.unwrap();
    }

    pub async fn ended(self) -> Result<Ended, String> {
        within(self.task).await.unwrap()
    }

    pub async fn stop(self) {
        self.stop.cancel();
        assert_eq!(self.ended().await, Ok(Ended::Stopped));
    }

    /// As a power cut ends it: without a word.
    pub async fn kill(self) {
        self.task.abort();
        assert!(within(self.task).await.unwrap_err().is_cancelled());
    }
}
