//! A process that is killed, and one whose disk refuses its commits. The test binary runs itself as that process.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use hall_sqlite::{Database, Options, WriteError};

use crate::{DEADLINE, NOTES, all_notes, note};

/// Tells the child where its database is.
const CHILD: &str = "HALL_SQLITE_TEST_CHILD";

/// What the child says, line by line.
#[derive(Debug)]
enum Said {
    /// A note it was told is kept.
    Kept(String),
    /// A write that was refused, and how.
    Refused(String),
}

/// Eight writers, until killed or refused. Every line is one write call: a kill can not leave half of it.
fn child(path: &Path) {
    let db = Database::open(path, NOTES, Options::default()).unwrap();
    let run = RandomState::new().hash_one(0);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let db = &db;
            scope.spawn(move || {
                for n in 0.. {
                    let text = format!("{run:x}-{writer}-{n}-{}", "x".repeat(300));
                    let (line, go_on) = match note(db, text.clone()) {
                        Ok(()) => (format!("\nkept {text}\n"), true),
                        Err(error) => (format!("\nrefused {error:?}\n"), false),
                    };
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                    if !go_on {
                        return;
                    }
                }
            });
        }
    });
}

/// Runs `command` as the child and reads what it says on a thread, so that a child that hangs is noticed.
fn start(mut command: Command, path: &Path) -> (Child, mpsc::Receiver<Said>) {
    let mut child = command
        .args(["--exact", "kill::a_killed_process_loses_no_row_that_was_acknowledged", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines {
            let line = line.unwrap();
            if let Some(text) = line.strip_prefix("kept ") {
                say.send(Said::Kept(text.to_owned())).unwrap();
            } else if let Some(text) = line.strip_prefix("refused ") {
                say.send(Said::Refused(text.to_owned())).unwrap();
            }
        }
    });
    (child, said)
}

fn assert_sound(path: &Path, kept: &[String]) {
    let plain = rusqlite::Connection::open(path).unwrap();
    let sound: String = plain.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    drop(plain);
    let db = Database::open(path, NOTES, Options::default()).unwrap();
    let found: std::collections::HashSet<String> = db.read_blocking(all_notes).unwrap().into_iter().collect();
    let lost = kept.iter().filter(|text| !found.contains(*text)).count();
    assert_eq!(lost, 0, "of {} acknowledged rows", kept.len());
    note(&db, format!("after {}", kept.len())).unwrap();
}

#[test]
fn a_killed_process_loses_no_row_that_was_acknowledged() {
    if let Some(path) = std::env::var_os(CHILD) {
        return child(&PathBuf::from(path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hall.db");
    let mut kept = Vec::new();
    for round in 0..8 {
        let (mut child, said) = start(Command::new(std::env::current_exe().unwrap()), &path);
        let acknowledged = 1 + RandomState::new().hash_one(round) as usize % 600;
        let before = kept.len();
        while kept.len() < before + acknowledged {
            match said.recv_timeout(DEADLINE) {
                Ok(Said::Kept(text)) => kept.push(text),
                other => panic!("round {round}: {other:?}"),
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it still managed to say counts as well.
        for late in said {
            match late {
                Said::Kept(text) => kept.push(text),
                Said::Refused(why) => panic!("round {round}: {why}"),
            }
        }
        assert_sound(&path, &kept);
    }
}

/// A limit on the size of files makes the system refuse what a commit writes, as a failing disk does.
#[cfg(unix)]
#[test]
fn a_commit_that_the_disk_refuses_is_told_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hall.db");
    Database::open(&path, NOTES, Options::default()).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 1500; exec \"$0\" \"$@\""]);
    command.arg(std::env::current_exe().unwrap());
    let (mut child, said) = start(command, &path);
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    while let Ok(line) = said.recv_timeout(DEADLINE) {
        match line {
            Said::Kept(text) => kept.push(text),
            Said::Refused(why) => refused.push(why),
        }
        if kept.len() > 20_000 {
            child.kill().unwrap();
            panic!("the limit was never felt");
        }
    }
    assert!(child.wait().unwrap().success());
    assert!(kept.len() > 8, "{} rows", kept.len());
    assert_eq!(refused.len(), 8, "every writer was told");
    let expected: WriteError<()> = WriteError::Storage("disk I/O error".to_owned());
    assert!(refused.iter().all(|why| *why == format!("{expected:?}")), "{refused:?}");
    assert_sound(&path, &kept);
}
