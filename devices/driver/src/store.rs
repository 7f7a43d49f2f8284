//! The driver's folder: settings, credentials, key and counters. Never anything of a card.
//!
//! `driver.toml` is for technicians to read and edit; the rest is the driver's own. Every file is readable by its
//! owner only and replaced as a whole, so a power cut leaves the old one or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use hall_bus::pairing::Grant;
use hall_readers::pcsc::NamePattern;
use hall_readers::profiles::Profile;
use serde::{Deserialize, Serialize};

const SETTINGS: &str = "driver.toml";
const CREDENTIALS: &str = "credentials.json";
const KEY: &str = "device.key";
const COUNTERS: &str = "counters.json";
const LOCK: &str = "lock";

/// What went wrong with the folder.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("cannot {what} {path}")]
    Io {
        /// "read", "write" and so on.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should. What it holds is not repeated: it may be secret.
    #[error("{path} is damaged; pair the reader again")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The technician's settings cannot be read.
    #[error("{path} is not understood: {reason}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// Nothing was paired here.
    #[error("no reader is paired in {path}; run `hall-driver pair` first")]
    NotPaired {
        /// The folder.
        path: PathBuf,
    },
    /// Another driver uses the folder.
    #[error("another driver is running on {path}")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

/// 配置: what a technician decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OnDisk", into = "OnDisk")]
pub enum Settings {
    /// A device on a serial line.
    Serial {
        /// Path of its port, preferably one that names the socket (`/dev/serial/by-path/…`).
        port: PathBuf,
        /// Line speed.
        baud: u32,
    },
    /// A reader behind the terminal's smart card service.
    Pcsc {
        /// Its name.
        reader: NamePattern,
        /// What may be read with it.
        profiles: Vec<CardProfile>,
    },
}

/// 读卡方式: how cards are read with a reader behind PC/SC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CardProfile {
    /// 居民身份证 behind pseudo-storage commands: only for a reader whose maker says that it has a SAM_V module
    IdEscape,
    /// 社会保障卡, what is free on it: told apart, not taken for an identity card
    Ssc,
}

impl From<CardProfile> for Profile {
    fn from(profile: CardProfile) -> Self {
        match profile {
            CardProfile::IdEscape => Self::IdEscape,
            CardProfile::Ssc => Self::Ssc,
        }
    }
}

/// `driver.toml`: either a port, or a name and what may be read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDisk {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baud: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pcsc: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<CardProfile>,
}

impl TryFrom<OnDisk> for Settings {
    type Error = String;

    fn try_from(disk: OnDisk) -> Result<Self, String> {
        match disk {
            OnDisk { port: Some(port), baud, pcsc: None, profiles } if profiles.is_empty() => {
                Ok(Self::Serial { port, baud: baud.unwrap_or_else(Self::usual_baud) })
            }
            OnDisk { port: None, baud: None, pcsc: Some(name), profiles } if !profiles.is_empty() => {
                let reader = name.parse().map_err(|error| format!("pcsc: {error}"))?;
                Ok(Self::Pcsc { reader, profiles })
            }
            _ => Err("either `port` (and `baud`) or `pcsc` and `profiles` must be there".to_owned()),
        }
    }
}

impl From<Settings> for OnDisk {
    fn from(settings: Settings) -> Self {
        match settings {
            Settings::Serial { port, baud } => {
                Self { port: Some(port), baud: Some(baud), pcsc: None, profiles: Vec::new() }
            }
            Settings::Pcsc { reader, profiles } => {
                Self { port: None, baud: None, pcsc: Some(reader.to_string()), profiles }
            }
        }
    }
}

impl Settings {
    /// The line speed with which modules leave the factory.
    pub fn usual_baud() -> u32 {
        115_200
    }
}

/// 凭据: what pairing gave. Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Device, key generation, and how to connect.
    pub grant: Grant,
    /// CA of the box in PEM.
    pub ca: String,
    /// Where the box was found when pairing, for people.
    pub box_url: String,
}

/// Numbers that never go back, over restarts too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Number of the latest connection.
    pub bseq: u64,
    /// Counter of the latest answer.
    pub answer: u64,
}

/// All that a paired driver needs to run.
pub struct Paired {
    /// The technician's part.
    pub settings: Settings,
    /// The box's part.
    pub credentials: Credentials,
    /// The device's own key, made here and never sent anywhere.
    pub key: SigningKey,
}

/// The driver's folder.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

/// Held while a driver runs; a second one would take the connection from the first for ever.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl DataDir {
    /// The folder at `path`; nothing is read or made yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(&self) -> Result<(), StoreError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|source| io_error("make", &self.0, source))
    }

    /// Keeps what a pairing gave. The numbers go on where they were, so that they never repeat; numbers that cannot
    /// be read any more start anew, as a pairing makes another device.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, paired: &Paired) -> Result<(), StoreError> {
        let settings = toml::to_string(&paired.settings).map_err(|error| StoreError::Settings {
            path: self.0.join(SETTINGS),
            reason: error.to_string(),
        })?;
        // A power cut from here on leaves a reader that is not paired, never a new key under an old name.
        self.forget()?;
        if let Err(StoreError::Damaged { .. }) = self.counters() {
            self.replace_json(COUNTERS, &Counters::default())?;
        }
        self.replace(KEY, paired.key.as_bytes())?;
        self.replace(SETTINGS, settings.as_bytes())?;
        // Last: with the credentials there, all is there.
        self.replace_json(CREDENTIALS, &paired.credentials)
    }

    /// Reads what a pairing gave.
    ///
    /// # Errors
    /// If nothing is paired, or a file is not what it should be.
    pub fn load(&self) -> Result<Paired, StoreError> {
        let not_paired = || StoreError::NotPaired { path: self.0.clone() };
        let credentials = self.read_json(CREDENTIALS)?.ok_or_else(not_paired)?;
        let key = self.read(KEY)?.ok_or_else(not_paired)?;
        let key: [u8; 32] = key.try_into().map_err(|_| self.damaged(KEY))?;
        let path = self.0.join(SETTINGS);
        let settings = self.read(SETTINGS)?.ok_or_else(not_paired)?;
        let settings = String::from_utf8(settings)
            .map_err(|error| error.to_string())
            .and_then(|text| toml::from_str(&text).map_err(|error| error.to_string()))
            .map_err(|reason| StoreError::Settings { path, reason })?;
        Ok(Paired { settings, credentials, key: SigningKey::from_bytes(&key) })
    }

    /// Forgets credentials and key, when the box has ended the pairing.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn forget(&self) -> Result<(), StoreError> {
        for name in [CREDENTIALS, KEY] {
            let path = self.0.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error("remove", &path, source));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The numbers as they were last kept.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged: starting again from 0 would make every answer a replay.
    pub fn counters(&self) -> Result<Counters, StoreError> {
        Ok(self.read_json(COUNTERS)?.unwrap_or_default())
    }

    /// Keeps the numbers; they are on disk when this returns.
    ///
    /// # Errors
    /// If the file cannot be written. Then the new numbers must not be used.
    pub fn keep_counters(&self, counters: Counters) -> Result<(), StoreError> {
        self.replace_json(COUNTERS, &counters)
    }

    /// Claims the folder for a running driver.
    ///
    /// # Errors
    /// If another driver has it.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        let path = self.0.join(LOCK);
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = opened.map_err(|source| io_error("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: self.0.clone() }),
            Err(TryLockError::Error(source)) => Err(io_error("lock", &path, source)),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error("read", &path, source)),
        }
    }

    fn read_json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| self.damaged(name))
    }

    fn replace_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        let path = self.0.join(name);
        let bytes = serde_json::to_vec(value).map_err(|error| io_error("write", &path, error.into()))?;
        self.replace(name, &bytes)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.0.join(name);
        replace(&self.0, &path, bytes).map_err(|source| io_error("write", &path, source))
    }

    fn damaged(&self, name: &str) -> StoreError {
        StoreError::Damaged { path: self.0.join(name) }
    }
}

fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
    // A file left over by a cut may have been made by someone with another idea of its rights.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(dir)?.sync_all()
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use hall_bus::pairing::MqttGrant;

    use super::*;

    fn paired() -> Paired {
        let grant = Grant {
            device: "rd-01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
            key_gen: 1,
            mqtt: MqttGrant { url: "mqtts://127.0.0.1:8883".to_owned(), secret: "geheim".to_owned() },
            ca: None,
        };
        Paired {
            settings: Settings::Serial { port: "/dev/serial/by-path/x".into(), baud: 115_200 },
            credentials: Credentials {
                grant,
                ca: "PEM".to_owned(),
                box_url: "https://127.0.0.1:8443".to_owned(),
            },
            key: SigningKey::from_bytes(&[7; 32]),
        }
    }

    fn folder() -> (tempfile::TempDir, DataDir) {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::new(dir.path().join("driver"));
        data.create().unwrap();
        (dir, data)
    }

    #[test]
    fn what_pairing_gave_is_read_back_and_readable_by_its_owner_only() {
        let (_dir, data) = folder();
        assert!(matches!(data.load(), Err(StoreError::NotPaired { .. })));
        data.save(&paired()).unwrap();
        let read = data.load().unwrap();
        assert_eq!(read.credentials, paired().credentials);
        assert_eq!(read.settings, paired().settings);
        assert_eq!(read.key.to_bytes(), paired().key.to_bytes());
        for entry in fs::read_dir(data.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
        assert_eq!(fs::metadata(data.path()).unwrap().permissions().mode() & 0o777, 0o700);
        data.forget().unwrap();
        assert!(matches!(data.load(), Err(StoreError::NotPaired { .. })));
    }

    #[test]
    fn counters_outlive_a_pairing_and_never_start_again_by_accident() {
        let (_dir, data) = folder();
        assert_eq!(data.counters().unwrap(), Counters::default());
        let counters = Counters { bseq: 3, answer: 9 };
        data.keep_counters(counters).unwrap();
        data.save(&paired()).unwrap();
        assert_eq!(data.counters().unwrap(), counters);
        fs::write(data.path().join(COUNTERS), b"{").unwrap();
        assert!(matches!(data.counters(), Err(StoreError::Damaged { .. })));
        data.save(&paired()).unwrap();
        assert_eq!(data.counters().unwrap(), Counters::default(), "pairing again helps, as the error says");
    }

    #[test]
    fn a_cut_while_pairing_again_leaves_no_new_key_under_the_old_name() {
        let (_dir, data) = folder();
        data.save(&paired()).unwrap();
        // What stands where the credentials are to be written makes the saving fail after the key.
        fs::create_dir(data.path().join("credentials.new")).unwrap();
        assert!(data.save(&paired()).is_err());
        assert!(matches!(data.load(), Err(StoreError::NotPaired { .. })));
    }

    #[test]
    fn settings_with_a_slip_are_refused_with_its_place() {
        let (_dir, data) = folder();
        data.save(&paired()).unwrap();
        fs::write(data.path().join(SETTINGS), "port = \"/dev/ttyS0\"\nbuad = 9600\n").unwrap();
        let Err(StoreError::Settings { reason, .. }) = data.load() else { panic!("a slip was taken") };
        assert!(reason.contains("buad"), "{reason}");
    }

    #[test]
    fn settings_are_a_port_or_a_name_and_old_ones_are_still_read() {
        let (_dir, data) = folder();
        let profiles = vec![CardProfile::IdEscape, CardProfile::Ssc];
        let pcsc = Settings::Pcsc { reader: "Desk Reader 5".parse().unwrap(), profiles };
        data.save(&Paired { settings: pcsc.clone(), ..paired() }).unwrap();
        assert_eq!(data.load().unwrap().settings, pcsc);
        let read = |text: &str| {
            fs::write(data.path().join(SETTINGS), text).unwrap();
            data.load().map(|paired| paired.settings)
        };
        let serial = Settings::Serial { port: "/dev/ttyS0".into(), baud: 115_200 };
        assert_eq!(
            read("port = \"/dev/ttyS0\"\n").unwrap(),
            serial,
            "as drivers wrote it before there were names"
        );
        for neither in [
            "",
            "baud = 9600\n",
            "port = \"/dev/ttyS0\"\npcsc = \"Desk Reader\"\nprofiles = [\"ssc\"]\n",
            "pcsc = \"Desk Reader\"\n",
            "pcsc = \"*\"\nprofiles = [\"ssc\"]\n",
            "pcsc = \"Desk Reader\"\nprofiles = [\"bank\"]\n",
        ] {
            assert!(matches!(read(neither), Err(StoreError::Settings { .. })), "{neither}");
        }
    }

    #[test]
    fn one_folder_runs_one_driver() {
        let (_dir, data) = folder();
        let lock = data.lock().unwrap();
        assert!(matches!(data.lock(), Err(StoreError::InUse { .. })));
        drop(lock);
        assert!(data.lock().is_ok());
    }

    #[test]
    fn secrets_are_not_in_debug_texts() {
        assert!(!format!("{:?}", paired().credentials).contains("geheim"));
    }
}
