//! The parts that run as processes of their own: started in a group each, watched, and ended with all that they
//! started themselves. A hall that was killed leaves a note behind, by which the next one cleans up.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a part may take to end when asked to.
const GRACE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Lines of a log shown when a part has died.
const LAST_LINES: usize = 15;

/// The built program of that name: beside the running one, or above it for a test.
///
/// # Errors
/// If it is not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().context("find this program")?;
    let candidates = here.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    for candidate in candidates {
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    bail!("程序 {name} 还没有编译，请先运行 cargo build --workspace（{} 旁没有它）", here.display())
}

/// Where the notes and logs of a hall's processes are kept.
#[derive(Debug, Clone)]
pub struct Place {
    data: PathBuf,
}

impl Place {
    /// The place of a hall's data folder, with its folders made.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn open(data: &Path) -> Result<Self> {
        for folder in ["logs", "pids"] {
            let folder = data.join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        }
        Ok(Self { data: data.canonicalize()? })
    }

    /// The log of a part.
    pub fn log(&self, name: &str) -> PathBuf {
        self.data.join("logs").join(format!("{name}.log"))
    }

    /// Ends what a killed hall of this folder left running. Returns how many processes that were.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn clean(&self) -> Result<usize> {
        let mut ended = 0;
        for note in fs::read_dir(self.data.join("pids"))? {
            let note = note?.path();
            let group = fs::read_to_string(&note).ok().and_then(|text| text.trim().parse().ok());
            if let Some(group) = group {
                // A number may have been given out anew: only processes that name this folder are ours.
                let ours = |one: &Process| one.command.contains(&*self.data.to_string_lossy());
                let left: Vec<Process> = members(Pid::from_raw(group)).into_iter().filter(ours).collect();
                ended += left.len();
                end(&left, GRACE);
            }
            fs::remove_file(&note).with_context(|| format!("remove {}", note.display()))?;
        }
        Ok(ended)
    }

    fn note(&self, name: &str) -> PathBuf {
        self.data.join("pids").join(name)
    }
}

/// A running part.
#[derive(Debug)]
pub struct Part {
    name: String,
    group: Pid,
    place: Place,
    printed: watch::Receiver<Vec<String>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Part {
    /// Starts a program. What it prints goes into its log.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(name: &str, mut command: Command, place: &Place) -> Result<Self> {
        let path = place.log(name);
        let log = OpenOptions::new().create(true).append(true).open(&path);
        let log = Arc::new(Mutex::new(log.with_context(|| format!("open {}", path.display()))?));
        command
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().with_context(|| format!("start {name}"))?;
        let pid =
            child.id().and_then(|pid| i32::try_from(pid).ok()).context("a started process has a number")?;
        fs::write(place.note(name), pid.to_string()).with_context(|| format!("note the start of {name}"))?;

        let (lines, printed) = watch::channel(Vec::new());
        let out = child.stdout.take().map(|out| tokio::spawn(keep(out, log.clone(), Some(lines))));
        let err = child.stderr.take().map(|err| tokio::spawn(keep(err, log, None)));
        let (ended, exit) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await;
            for reader in [out, err].into_iter().flatten() {
                // A grandchild may hold the pipe open; what the part itself wrote is there at once.
                let _ = timeout(Duration::from_millis(200), reader).await;
            }
            ended.send_replace(status.ok());
        });
        Ok(Self { name: name.to_owned(), group: Pid::from_raw(pid), place: place.clone(), printed, exit })
    }

    /// Runs a program to its end and returns what it printed.
    ///
    /// # Errors
    /// If it fails; the error tells its last lines.
    pub async fn run(name: &str, command: Command, place: &Place, within: Duration) -> Result<String> {
        let part = Self::start(name, command, place)?;
        if timeout(within, part.until_ended()).await.is_err() {
            return Err(part.story("没有在限定时间内完成"));
        }
        let printed = part.printed.borrow().join("\n");
        match part.ended() {
            Some(status) if status.success() => Ok(printed),
            Some(status) => Err(part.story(&format!("失败：{status}"))),
            None => Err(part.story("失败")),
        }
    }

    /// Waits for a line that `pick` takes.
    ///
    /// # Errors
    /// If the part ends first, or the time is up; the error tells its last lines.
    pub async fn line<T>(&self, within: Duration, pick: impl Fn(&str) -> Option<T>) -> Result<T> {
        let mut printed = self.printed.clone();
        let found = |lines: &Vec<String>| lines.iter().find_map(|line| pick(line));
        let waited = timeout(within, printed.wait_for(|lines| found(lines).is_some())).await;
        let waited = waited.map(|lines| lines.ok().and_then(|lines| found(&lines)));
        match waited {
            Ok(Some(taken)) => Ok(taken),
            // The pipe is closed: it has ended, or is about to.
            Ok(None) => {
                let _ = timeout(Duration::from_secs(1), self.until_ended()).await;
                Err(self
                    .story(&self.ended().map_or("已退出".to_owned(), |status| format!("已退出：{status}"))))
            }
            Err(_) => Err(self.story("没有就绪")),
        }
    }

    /// Its name, also that of its log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of its process.
    pub fn pid(&self) -> i32 {
        self.group.as_raw()
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Resolves when it has ended by itself.
    pub async fn until_ended(&self) {
        // The sender goes only after the end was told.
        let _ = self.exit.clone().wait_for(Option::is_some).await;
    }

    /// What a person needs to know about a part that is not as it should be: its last lines, and where the rest is.
    pub fn story(&self, what: &str) -> anyhow::Error {
        let path = self.place.log(&self.name);
        let lines = last_lines(&path).unwrap_or_default();
        let lines: String = lines.iter().map(|line| format!("\n    {line}")).collect();
        anyhow!("{} {what}。最后的日志：{lines}\n  完整日志：{}", self.name, path.display())
    }

    /// Ends it as the system does when it stops a service.
    pub async fn stop(self) {
        self.signal(Signal::SIGTERM);
        let _ = timeout(GRACE, self.until_ended()).await;
        self.finish().await;
    }

    /// Kills it without warning, and what it had started, as a service manager does after a crash.
    pub async fn kill(self) {
        self.signal(Signal::SIGKILL);
        let _ = timeout(GRACE, self.until_ended()).await;
        self.finish().await;
    }

    async fn finish(&self) {
        let group = self.group;
        let _ = tokio::task::spawn_blocking(move || end(&members(group), Duration::ZERO)).await;
        let _ = fs::remove_file(self.place.note(&self.name));
    }

    fn signal(&self, signal: Signal) {
        if self.ended().is_none() {
            // It may end in this very moment.
            let _ = kill(self.group, signal);
        }
    }
}

impl Drop for Part {
    /// The way out of a failing test: no process stays.
    fn drop(&mut self) {
        if !members(self.group).is_empty() {
            let _ = killpg(self.group, Signal::SIGTERM);
            end(&members(self.group), Duration::from_secs(3));
        }
        let _ = fs::remove_file(self.place.note(&self.name));
    }
}

async fn keep(
    pipe: impl AsyncRead + Unpin,
    log: Arc<Mutex<File>>,
    lines: Option<watch::Sender<Vec<String>>>,
) {
    let mut reader = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        // Without room for its log the part still runs.
        let _ = writeln!(log.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        if let Some(lines) = &lines {
            lines.send_modify(|lines| lines.push(line));
        }
    }
}

fn last_lines(path: &Path) -> Result<VecDeque<String>> {
    let bytes = fs::read(path)?;
    let mut lines = VecDeque::new();
    for line in String::from_utf8_lossy(&bytes).lines() {
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }
    Ok(lines)
}

struct Process {
    pid: Pid,
    command: String,
}

/// The living processes of a group. One that ended and was not waited for does not live.
fn members(group: Pid) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold anything, so what follows is counted from its end.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let (state, _parent, its_group) = (fields.next()?, fields.next()?, fields.next()?);
        if state == "Z" || its_group.parse() != Ok(group.as_raw()) {
            return None;
        }
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        Some(Process { pid: Pid::from_raw(pid), command })
    })
    .collect()
}

/// Asks processes to end, and after `grace` makes them.
fn end(processes: &[Process], grace: Duration) {
    let all = |signal| {
        for one in processes {
            // It may end in this very moment.
            let _ = kill(one.pid, signal);
        }
    };
    let living = || processes.iter().any(|one| alive(one.pid));
    if !grace.is_zero() {
        all(Signal::SIGTERM);
        let deadline = Instant::now() + grace;
        while living() && Instant::now() < deadline {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
    if living() {
        all(Signal::SIGKILL);
    }
}

fn alive(pid: Pid) -> bool {
    let zombie = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    };
    kill(pid, None) != Err(Errno::ESRCH) && !zombie()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    fn place() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::open(folder.path()).unwrap();
        (folder, place)
    }

    #[tokio::test]
    async fn a_part_that_dies_early_tells_its_last_words() {
        let (_folder, place) = place();
        let part = Part::start("noisy", shell("echo out; echo 'no room' >&2; exit 3"), &place).unwrap();
        let error = part.line(SOON, |line| (line == "ready").then_some(())).await.unwrap_err().to_string();
        assert!(
            error.contains("no room") && error.contains("exit status: 3") && error.contains("noisy.log"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn stopping_a_part_ends_what_it_started_itself() {
        let (_folder, place) = place();
        let part = Part::start("parent", shell("sleep 1000 & echo child $!; wait"), &place).unwrap();
        let child: i32 = part.line(SOON, |line| line.strip_prefix("child ")?.parse().ok()).await.unwrap();
        assert!(alive(Pid::from_raw(child)));
        part.kill().await;
        let deadline = Instant::now() + SOON;
        while alive(Pid::from_raw(child)) {
            assert!(Instant::now() < deadline, "a grandchild lives on");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_next_hall_ends_what_a_killed_one_left() {
        let (folder, place) = place();
        let marked = format!("sleep 1000; : {}", folder.path().canonicalize().unwrap().display());
        let part = Part::start("orphan", shell(&marked), &place).unwrap();
        assert_eq!(place.clean().unwrap(), 1, "the shell names the folder, its sleep does not");
        part.until_ended().await;
        assert_eq!(place.clean().unwrap(), 0);
    }
}
