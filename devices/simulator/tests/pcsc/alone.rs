//! A test in a process of its own.

use std::ffi::OsStr;
use std::future::Future;
use std::process::{Command, Stdio};

use hall_sim::pcsc::Daemon;
use tokio::runtime::Builder;

/// Says to the inner process that it is one, and where its folder is.
const FOLDER: &str = "HALL_PCSC_TEST_FOLDER";

/// Declares tests that run in a process of their own, each with a folder for its pcscd.
macro_rules! alone {
    ($(async fn $name:ident($folder:ident) $body:block)*) => {
        $(#[test]
        fn $name() {
            crate::alone::run(concat!(module_path!(), "::", stringify!($name)), |$folder| async move $body);
        })*
    };
}
pub(crate) use alone;

/// Runs the body in the inner process, or starts the inner process and expects it to succeed.
pub fn run<F: Future<Output = ()>>(name: &str, body: impl FnOnce(std::path::PathBuf) -> F) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(body(folder.into()));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // The harness names tests without the crate.
    let name = name.split_once("::").unwrap().1;
    let inner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder.path())
        .env(OsStr::new("PCSCLITE_CSOCK_NAME"), Daemon::socket_in(folder.path()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inner.stdout);
    assert!(
        inner.status.success() && said.contains("1 passed"),
        "{said}\n{}\npcscd said:\n{}",
        String::from_utf8_lossy(&inner.stderr),
        std::fs::read_to_string(folder.path().join("pcscd.log")).unwrap_or_default()
    );
}
