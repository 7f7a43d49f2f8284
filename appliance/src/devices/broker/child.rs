//! What the system says of a broker's process: whether it is ours, and whether it holds its port.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const END: Duration = Duration::from_secs(2);
const END_LOOK: Duration = Duration::from_millis(20);

/// Ends the broker that a killed box left behind, if the process of the pid file is one that runs on
/// this very configuration. Returns once it is gone.
pub(super) fn end_leftover(pid_file: &Path, configuration: &Path) {
    let Ok(text) = fs::read_to_string(pid_file) else { return };
    if let Ok(pid) = text.trim().parse::<i32>()
        && pid > 1
        && runs(pid, configuration)
    {
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            if let Err(error) = kill(Pid::from_raw(pid), signal) {
                tracing::warn!(%error, "a message broker that was left behind could not be told to end");
            }
            let started = Instant::now();
            while runs(pid, configuration) && started.elapsed() < END {
                std::thread::sleep(END_LOOK);
            }
            if !runs(pid, configuration) {
                tracing::info!("a message broker that a killed box left behind was ended");
                break;
            }
        }
    }
    if let Err(error) = fs::remove_file(pid_file) {
        tracing::debug!(%error, "the old pid file of the message broker stays");
    }
}

/// Whether the process is a Mosquitto on this configuration. A number that somebody else has by now is not.
fn runs(pid: i32, configuration: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().map(|word| Path::new(OsStr::from_bytes(word)));
    program.and_then(Path::file_name) == Some(OsStr::new("mosquitto"))
        && words.any(|word| word == configuration.as_os_str().as_bytes())
}

/// Whether the process itself listens on a loopback port.
pub(super) fn listens(pid: u32, port: u16) -> bool {
    let Ok(table) = fs::read_to_string("/proc/net/tcp") else { return false };
    let Some(inode) = listener(&table, port) else { return false };
    let socket = PathBuf::from(format!("socket:[{inode}]"));
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == socket))
}

/// The inode of what listens on 127.0.0.1 at a port, from the system's table of sockets.
fn listener(table: &str, port: u16) -> Option<&str> {
    let wanted = format!("{:08X}:{port:04X}", u32::from_ne_bytes([127, 0, 0, 1]));
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (local, state) = (words.next()?, words.nth(1)?);
        // 0A: listening.
        if local == wanted && state == "0A" { words.nth(5) } else { None }
    })
}
