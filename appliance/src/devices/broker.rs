//! The MQTT broker: Mosquitto as a supervised child on loopback, with a configuration made anew
//! at each start. Nothing relies on what it remembers; the box's database is the truth.

mod child;
#[cfg(test)]
mod tests;

use crate::keys::{fill_random, random_hex, write_private};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hall_bus::topics::device_may_read;
use hall_bus::{DeviceId, Topic, Up};
use ring::pbkdf2;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The box's own name at the broker.
pub const BOX_USER: &str = "hallbox";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(101).unwrap();
const CONF: &str = "mosquitto.conf";
const PID: &str = "mosquitto.pid";
/// How long a broker may take until it listens.
const START: Duration = Duration::from_secs(10);
const START_LOOK: Duration = Duration::from_millis(20);
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_LAST: Duration = Duration::from_secs(5);

/// Whom the broker lets in: a device id and its password in Mosquitto's hashed form.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Device id, also client id and user name.
    pub device: String,
    /// `$7$…`, see [`hash_password`].
    pub hash: String,
}

/// The running broker.
pub struct Broker {
    dir: PathBuf,
    port: Mutex<u16>,
    password: String,
    pid: Mutex<Option<u32>>,
    stands: watch::Sender<Option<SocketAddr>>,
}

impl Broker {
    /// Writes the configuration into `dir` and picks a free loopback port. A broker that a killed box
    /// left behind is ended. Nothing runs yet.
    pub fn prepare(dir: &Path, credentials: &[Credential]) -> Result<Arc<Self>> {
        std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        let dir = dir.canonicalize().with_context(|| format!("find {}", dir.display()))?;
        child::end_leftover(&dir.join(PID), &dir.join(CONF));
        let broker = Self {
            dir: dir.clone(),
            port: Mutex::new(free_port()?),
            password: random_hex(24),
            pid: Mutex::new(None),
            stands: watch::Sender::new(None),
        };
        broker.write_credentials(credentials)?;
        broker.write_configuration()?;
        Ok(Arc::new(broker))
    }

    /// Where it is to listen, on loopback. Another port is picked when it cannot.
    pub fn address(&self) -> SocketAddr {
        let port = *self.port.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// Where it listens now: the very process that the box started holds that port. None while it does not.
    /// Passwords go nowhere else.
    pub fn stands(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.stands.subscribe()
    }

    /// The box's own password, new at each start.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Puts new credentials in force. A device that is no longer among them is disconnected.
    pub fn allow(&self, credentials: &[Credential]) -> Result<()> {
        self.write_credentials(credentials)?;
        let pid = *self.pid.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()) {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGHUP)
                .context("tell the broker to read its credentials again")?;
        }
        Ok(())
    }

    /// Keeps the broker running until `stop`: starts it again with a growing pause when it dies.
    pub async fn supervise(self: Arc<Self>, stop: CancellationToken) {
        let mut pause = BACKOFF_FIRST;
        while !stop.is_cancelled() {
            let started = Instant::now();
            match self.spawn() {
                Ok(mut child) => {
                    self.set_pid(child.id());
                    let came_up = tokio::select! {
                        came_up = self.follow(&mut child) => came_up,
                        () = stop.cancelled() => true,
                    };
                    self.stands.send_replace(None);
                    end(&mut child).await;
                    self.set_pid(None);
                    if !came_up && let Err(error) = self.move_port() {
                        tracing::error!(error = %format!("{error:#}"), "no other port for the message broker");
                    }
                }
                Err(error) => {
                    tracing::error!(error = %format!("{error:#}"), "the message broker does not start")
                }
            }
            if started.elapsed() > BACKOFF_LAST {
                pause = BACKOFF_FIRST;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACKOFF_LAST),
                () = stop.cancelled() => {}
            }
        }
    }

    /// Says where the broker stands once this very child listens there, and returns when the child has
    /// ended or does not come to listen. True if it did.
    async fn follow(&self, child: &mut Child) -> bool {
        let (address, pid) = (self.address(), child.id());
        let listening = tokio::time::timeout(START, async {
            while !pid.is_some_and(|pid| child::listens(pid, address.port())) {
                tokio::time::sleep(START_LOOK).await;
            }
        });
        tokio::select! {
            listening = listening => if listening.is_err() {
                tracing::error!(%address, "the message broker does not listen; another port is tried");
                return false;
            },
            status = child.wait() => {
                tracing::error!(?status, %address, "the message broker does not start; another port is tried");
                return false;
            }
        }
        self.stands.send_replace(Some(address));
        let status = child.wait().await;
        tracing::error!(?status, "the message broker stopped; it is started again");
        true
    }

    fn move_port(&self) -> Result<()> {
        *self.port.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = free_port()?;
        self.write_configuration()
    }

    fn spawn(&self) -> Result<Child> {
        Command::new(mosquitto())
            .arg("-c")
            .arg(self.dir.join(CONF))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start mosquitto (Debian package mosquitto)")
    }

    fn set_pid(&self, pid: Option<u32>) {
        *self.pid.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = pid;
        let path = self.dir.join(PID);
        let written = match pid {
            Some(pid) => std::fs::write(path, pid.to_string()),
            None => std::fs::remove_file(path),
        };
        if let Err(error) = written {
            tracing::debug!(%error, "the broker's pid file was not updated");
        }
    }

    fn write_credentials(&self, credentials: &[Credential]) -> Result<()> {
        let mut text = format!("{BOX_USER}:{}\n", hash_password(&self.password));
        for credential in credentials {
            text.push_str(&format!("{}:{}\n", credential.device, credential.hash));
        }
        write_private(&self.dir.join("passwords"), text.as_bytes())?;
        write_private(&self.dir.join("acl"), access(credentials).as_bytes())
    }

    fn write_configuration(&self) -> Result<()> {
        write_private(&self.dir.join(CONF), self.configuration().as_bytes())
    }

    fn configuration(&self) -> String {
        let dir = self.dir.display();
        let user = if nix::unistd::geteuid().is_root() { "user root\n" } else { "" };
        format!(
            "# Made by hallbox at each start; changes are lost.\n\
             per_listener_settings false\n\
             listener {} 127.0.0.1\n\
             {user}allow_anonymous false\n\
             password_file {dir}/passwords\n\
             acl_file {dir}/acl\n\
             persistence false\n\
             max_packet_size 131072\n\
             max_keepalive 60\n\
             max_queued_messages 200\n\
             set_tcp_nodelay true\n\
             log_dest file {dir}/mosquitto.log\n\
             log_type error\n\
             log_type warning\n",
            self.address().port()
        )
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Devices touch their own topics and nothing else; the window is not in the topic. Each topic that a device may speak
/// on is named, so that what it can make the broker retain has a bound.
fn access(credentials: &[Credential]) -> String {
    let mut text = format!("user {BOX_USER}\ntopic readwrite hw/1/#\n");
    let devices = credentials.iter().filter_map(|credential| credential.device.parse::<DeviceId>().ok());
    for device in devices {
        text.push_str(&format!("\nuser {device}\n"));
        for up in Up::ALL.into_iter().filter(|up| up.spoken_by(device.kind())) {
            text.push_str(&format!("topic write {}\n", Topic::Up(device.clone(), up)));
        }
        for readable in device_may_read(&device) {
            text.push_str(&format!("topic read {readable}\n"));
        }
    }
    text
}

/// A password as Mosquitto stores it: PBKDF2-HMAC-SHA-512 with a fresh salt. The passwords are
/// 256-bit random, so the count of rounds does not carry the security.
pub fn hash_password(password: &str) -> String {
    let mut salt = [0u8; 12];
    fill_random(&mut salt);
    let mut hash = [0u8; 64];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, ITERATIONS, &salt, password.as_bytes(), &mut hash);
    format!("$7${ITERATIONS}${}${}", STANDARD.encode(salt), STANDARD.encode(hash))
}

async fn end(child: &mut Child) {
    // Without a number it has ended already.
    let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) else { return };
    let pid = nix::unistd::Pid::from_raw(pid);
    if nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).is_ok()
        && tokio::time::timeout(Duration::from_secs(2), child.wait()).await.is_ok()
    {
        return;
    }
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "the message broker did not end");
    }
}

/// Debian puts daemons where an ordinary user's PATH does not look.
fn mosquitto() -> PathBuf {
    let daemon = PathBuf::from("/usr/sbin/mosquitto");
    if daemon.exists() { daemon } else { PathBuf::from("mosquitto") }
}
