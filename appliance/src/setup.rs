//! First set-up of a box from one file: hall, addresses, windows, accounts.

use crate::keys::{Keys, write_private};
use crate::signin::hash_password;
use crate::store::accounts::{self, Account, Role};
use crate::store::{MIGRATIONS, meta};
use anyhow::{Context, Result, ensure};
use hall_domain::case::{AccountName, WindowId};
use hall_sqlite::{Database, Options};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a technician writes once for a hall.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HallFile {
    /// Addresses of this box.
    #[serde(flatten)]
    pub addresses: Addresses,
    /// Windows of the hall.
    pub window: Vec<WindowLine>,
    /// Accounts; their passwords are kept as Argon2id only.
    pub user: Vec<UserLine>,
}

/// Where the box listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Addresses {
    /// Clerks' browsers, evaluators and pairing.
    pub web: SocketAddr,
    /// Drivers, MQTT over TLS.
    pub mqtts: SocketAddr,
    /// Names and addresses that the box's certificate is for.
    pub names: Vec<String>,
}

/// One window.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowLine {
    /// Such as `W01`.
    pub id: WindowId,
    /// What stands above it.
    pub name: String,
}

/// One account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserLine {
    /// Sign-in name.
    pub account: AccountName,
    /// 姓名.
    pub name: String,
    /// clerk, reviewer, hall-admin, technician or auditor.
    pub role: String,
    /// First password.
    #[serde(deserialize_with = "secret")]
    pub password: Zeroizing<String>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// The paths of a data folder.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The folder at `dir`, made if missing.
    pub fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir.join("run")).with_context(|| format!("make {}", dir.display()))?;
        Ok(Self(std::path::absolute(dir)?))
    }

    /// The folder at `dir`, if a box has been set up in it.
    pub fn existing(dir: &Path) -> Result<Self> {
        if !dir.join("run").is_dir() {
            anyhow::bail!("{} 不是 hallbox 的数据文件夹，请核对 --data。", dir.display());
        }
        Ok(Self(std::path::absolute(dir)?))
    }

    /// A path in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The local command socket.
    pub fn socket(&self) -> PathBuf {
        self.join("run/admin.sock")
    }

    /// Takes the box for this process. A second one is refused: only one may write.
    pub fn lock(&self) -> Result<File> {
        let file = File::create(self.join("run/lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                anyhow::bail!("another hallbox already runs on {}; stop it first", self.0.display())
            }
            Err(TryLockError::Error(error)) => Err(error).context("lock the data folder"),
        }
    }

    /// Opens the database, bringing its schema up to date.
    pub fn database(&self) -> Result<Database> {
        let path = self.join("box.db");
        Database::open(&path, MIGRATIONS, Options::default())
            .with_context(|| format!("open {}", path.display()))
    }

    /// The box's addresses, once set up.
    pub fn addresses(&self) -> Result<Addresses> {
        let path = self.join("box.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("read {}; has `hallbox setup` been run?", path.display()))?;
        toml::from_str(&text).with_context(|| format!("understand {}", path.display()))
    }
}

/// Sets the box up. Running it again changes names, windows and accounts, and loses nothing.
pub fn setup(dir: &Path, file: &Path) -> Result<()> {
    let data = DataDir::open(dir)?;
    let _lock = data.lock()?;
    let text = Zeroizing::new(fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?);
    let hall: HallFile = toml::from_str(&text).with_context(|| format!("understand {}", file.display()))?;
    ensure!(!hall.window.is_empty(), "{} names no window", file.display());
    ensure!(
        hall.addresses.web.port() != hall.addresses.mqtts.port() || hall.addresses.web.port() == 0,
        "web and mqtts need different ports"
    );
    Keys::load_or_make(&data.join("keys"), &hall.addresses.names)?;
    let mut users = Vec::new();
    for user in &hall.user {
        let role: Role = user.role.parse()?;
        let password = hash_password(&user.password)?;
        let account = Account { name: user.account.clone(), display: user.name.clone(), role, password };
        users.push(account);
    }
    let windows: Vec<(WindowId, String)> =
        hall.window.into_iter().map(|window| (window.id, window.name)).collect();
    let db = data.database()?;
    db.write_blocking(move |tx| {
        for (id, name) in &windows {
            accounts::put_window(tx, id, name)?;
        }
        for user in &users {
            accounts::put(tx, user)?;
        }
        meta::put(tx, "set-up", b"1")
    })?;
    write_private(&data.join("box.toml"), toml::to_string(&hall.addresses)?.as_bytes())
}
