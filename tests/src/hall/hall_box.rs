//! 一体机: the box as a process, as a technician installs and runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use tokio::process::Command;

use super::plan::Plan;
use super::processes::{Part, Place, program};

const COMMAND: Duration = Duration::from_secs(60);
const READY: Duration = Duration::from_secs(30);

/// The box of a hall, running or not.
#[derive(Debug)]
pub struct HallBox {
    data: PathBuf,
    place: Place,
    url: String,
    mqtts: String,
    running: Option<Part>,
}

#[derive(Serialize)]
struct HallFile<'a> {
    web: String,
    mqtts: String,
    names: [&'a str; 2],
    window: Vec<Window<'a>>,
    user: Vec<User<'a>>,
}

#[derive(Serialize)]
struct Window<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct User<'a> {
    account: &'a str,
    name: &'a str,
    role: &'a str,
    password: &'a str,
}

impl HallBox {
    /// The box of a plan. Nothing is set up or started yet.
    pub fn new(plan: &Plan, place: &Place) -> Self {
        Self {
            data: plan.data.join("box"),
            place: place.clone(),
            url: format!("https://{}", plan.ports.web.address()),
            mqtts: plan.ports.mqtts.address().to_string(),
            running: None,
        }
    }

    /// 初始化: tells it its windows, accounts and addresses. Doing it again loses nothing.
    ///
    /// # Errors
    /// If the program refuses.
    pub async fn set_up(&self, plan: &Plan) -> Result<()> {
        let file = HallFile {
            web: plan.ports.web.address().to_string(),
            mqtts: self.mqtts.clone(),
            names: ["127.0.0.1", "localhost"],
            window: plan.windows.iter().map(|window| Window { id: &window.id, name: &window.name }).collect(),
            user: plan
                .accounts
                .iter()
                .map(|user| User {
                    account: &user.account,
                    name: &user.name,
                    role: &user.role,
                    password: &user.password,
                })
                .collect(),
        };
        let path = plan.data.join("hall.toml");
        fs::write(&path, toml::to_string(&file)?).with_context(|| format!("write {}", path.display()))?;
        let mut command = self.command("setup")?;
        command.arg("--file").arg(&path);
        Part::run("box-setup", command, &self.place, COMMAND).await.map(drop)
    }

    /// 入网.
    ///
    /// # Errors
    /// If the program or the centre refuses.
    pub async fn enrol(&self, centre: &str, ca: &Path, code: &str) -> Result<()> {
        let mut command = self.command("enrol")?;
        command.args(["--centre", centre, "--code", code]).arg("--ca").arg(ca);
        Part::run("box-enrol", command, &self.place, COMMAND).await.map(drop)
    }

    /// Starts it, if it does not run.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn start(&mut self) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let part = Part::start("box", self.command("run")?, &self.place)?;
        part.line(READY, |line| line.starts_with("ready ").then_some(())).await?;
        self.running = Some(part);
        Ok(())
    }

    /// Stops it, if it runs.
    pub async fn stop(&mut self) {
        if let Some(part) = self.running.take() {
            part.stop().await;
        }
    }

    /// `kill -9`, with what it had started: a service manager leaves nothing behind either.
    pub async fn kill(&mut self) {
        if let Some(part) = self.running.take() {
            part.kill().await;
        }
    }

    /// `kill -9` for its message broker, which it has to start again.
    ///
    /// # Errors
    /// If no broker runs.
    pub fn kill_broker(&self) -> Result<()> {
        let pid = self.broker().context("消息中间件没有在运行")?;
        kill(Pid::from_raw(pid), Signal::SIGKILL).context("kill the broker")
    }

    /// Number of the broker's process, if one runs.
    pub fn broker(&self) -> Option<i32> {
        let pid = fs::read_to_string(self.data.join("run/broker/mosquitto.pid")).ok()?.trim().parse().ok()?;
        let command = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (command.trim() == "mosquitto").then_some(pid)
    }

    /// 配对: what a technician does with the code that a device shows. Returns the box's sentence.
    ///
    /// # Errors
    /// If the box does not take the code; the error is its sentence.
    pub async fn pair(&self, code: &str, window: &str) -> Result<String> {
        let mut command = self.command("pair")?;
        command.args([code, "--window", window]);
        self.tell(command).await
    }

    /// Writes the evidence of one case's consent into a folder.
    ///
    /// # Errors
    /// If the box refuses.
    pub async fn export(&self, case: &str, out: &Path) -> Result<String> {
        let mut command = self.command("export")?;
        command.args(["--case", case]).arg("--out").arg(out);
        self.tell(command).await
    }

    /// Its own account of the line.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn health(&self) -> Result<String> {
        self.tell(self.command("health")?).await
    }

    /// Whether its process lives.
    pub fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|part| part.ended().is_none())
    }

    /// Its process, if it was started and not stopped since.
    pub fn part(&self) -> Option<&Part> {
        self.running.as_ref()
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its HTTPS address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its MQTT address.
    pub fn mqtts(&self) -> &str {
        &self.mqtts
    }

    /// The hall's certificate authority.
    pub fn ca(&self) -> PathBuf {
        self.data.join("keys/hall-ca.pem")
    }

    fn command(&self, task: &str) -> Result<Command> {
        let mut command = Command::new(program("hallbox")?);
        command.arg(task).arg("--data").arg(&self.data);
        Ok(command)
    }

    /// A command for the running box; its sentence, also when it refuses.
    async fn tell(&self, mut command: Command) -> Result<String> {
        let output = tokio::time::timeout(COMMAND, command.output()).await.context("一体机没有应答")??;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let error = String::from_utf8_lossy(&output.stderr);
        let sentence = error.lines().find_map(|line| line.strip_prefix("Error: ")).unwrap_or(&error);
        anyhow::bail!("{}", sentence.trim())
    }
}
