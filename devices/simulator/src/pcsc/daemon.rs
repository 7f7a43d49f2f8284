//! A pcscd of one's own: the stock program in a mount namespace, where `/run/pcscd` is a folder of ours. Nothing outside it changes,
//! and any number run side by side. Clients find it through `PCSCLITE_CSOCK_NAME`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Runs in the namespace; `$1` is the folder for the socket, `$2` the configuration. Newer pcscd ask polkit, which is not there. The
/// shell stays and listens: when this process closes the line, or dies, so does pcscd.
const START: &str = r#"set -e
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind "$1" /run/pcscd
extra=
if /usr/sbin/pcscd --help 2>&1 | grep -q -- --disable-polkit; then extra=--disable-polkit; fi
/usr/sbin/pcscd --foreground --config "$2" $extra &
read -r _ || true
kill -9 $! || true
wait"#;

/// The stock pcscd with virtual readers. Killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    folder: PathBuf,
    child: Option<Child>,
}

impl Daemon {
    /// Prepares a pcscd in `folder` with readers of these names; it does not run yet. `driver` is the virtual reader's file, see
    /// [`driver_file`]. Keep the folder's path short: a socket's may have 107 bytes.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn prepare(folder: &Path, readers: &[&str], driver: &Path) -> io::Result<Self> {
        for part in ["conf", "run", "slots"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let daemon = Self { folder: folder.canonicalize()?, child: None };
        daemon.configure(readers, driver)?;
        Ok(daemon)
    }

    /// Writes the readers anew; pcscd reads them when it starts.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn configure(&self, readers: &[&str], driver: &Path) -> io::Result<()> {
        let mut text = String::new();
        for (number, name) in (1..).zip(readers) {
            let (slot, driver) = (self.slot(name), driver.display());
            let _ = write!(
                text,
                "FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:{}\nLIBPATH {driver}\nCHANNELID {number}\n\n",
                slot.display()
            );
        }
        fs::write(self.folder.join("conf/readers"), text)
    }

    /// Starts it, if it does not run. It is ready some moments later.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(&mut self) -> io::Result<()> {
        if self.child.is_some() {
            return Ok(());
        }
        // A pcscd that was killed leaves them, and the next one looks whether the old one still lives.
        for left in ["pcscd.comm", "pcscd.pid"] {
            match fs::remove_file(self.folder.join("run").join(left)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let log = File::options().create(true).append(true).open(self.folder.join("pcscd.log"))?;
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !nix::unistd::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--", "sh", "-c", START, "pcscd"]);
        command.arg(self.folder.join("run")).arg(self.folder.join("conf"));
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Kills it as a crash would, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            // An error means that it has ended already.
            let _ = child.wait();
        }
    }

    /// Where clients find it: the value of `PCSCLITE_CSOCK_NAME`.
    pub fn socket(&self) -> PathBuf {
        Self::socket_in(&self.folder)
    }

    /// Where clients will find a pcscd that is prepared in this folder.
    pub fn socket_in(folder: &Path) -> PathBuf {
        folder.join("run/pcscd.comm")
    }

    /// The socket of the slot of the reader with this name.
    pub fn slot(&self, reader: &str) -> PathBuf {
        self.folder.join("slots").join(reader.rsplit(' ').next().unwrap_or(reader))
    }

    /// What it has said so far, for whoever wants to know why it does not run.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("pcscd.log")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The virtual reader's file beside the running program, as `cargo` builds it: in the same folder, or in `deps` below it.
pub fn driver_file() -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?.parent()?.to_owned();
    let name = "libhall_virtual_reader.so";
    [here.join("deps").join(name), here.join(name)].into_iter().find(|file| file.exists())
}
