//! Readers that are pulled, plugged, unlicensed, and used all day.

use std::path::Path;

use hall_readers::ReadError;
use hall_readers::samv::codec::Command;
use hall_readers::samv::dialogue::ReadProgress;
use hall_readers::samv::{ReaderState, SerialPath, Timing};
use hall_sim::{Emulator, Fault, Pace};

use super::desk::{Desk, PATIENCE, READY, TIMING, assert_card, li, wang};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlicensed_or_broken_module_is_shown_and_recovers_when_it_is_replaced() {
    let desk = Desk::open().await;
    for (fault, state, error) in [
        (Fault::NOT_LICENSED, ReaderState::NotLicensed, ReadError::NotLicensed),
        (Fault::SELF_TEST_FAILED, ReaderState::SelfTestFailed, ReadError::SelfTest),
    ] {
        desk.sim.fault(fault);
        desk.until_state(state).await;
        assert_eq!(desk.read().result().await.unwrap_err(), error);
        desk.sim.clear_faults();
        desk.until_state(READY).await;
    }
    desk.sim.fault_times(Fault::NOT_LICENSED, Some(Command::SelectCard), 1);
    desk.sim.place(wang()).unwrap();
    assert_eq!(desk.read().result().await.unwrap_err(), ReadError::NotLicensed);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pulled_reader_ends_the_read_at_once_and_works_again_when_plugged() {
    let desk = Desk::open().await;
    let mut read = desk.read();
    read.until(ReadProgress::WaitingForCard).await;
    desk.sim.unplug();
    assert_eq!(read.result().await.unwrap_err(), ReadError::ReaderGone);
    desk.until_state(ReaderState::Detached).await;
    assert_eq!(desk.read().result().await.unwrap_err(), ReadError::ReaderGone);

    desk.sim.place(wang()).unwrap();
    desk.sim.plug().unwrap();
    desk.until_state(READY).await;
    assert_card(desk.read().result().await, &wang());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_reader_that_is_pulled_a_hundred_times_is_noticed_each_time_without_any_command() {
    // Status checks far apart: only the hang-up can tell.
    let timing = Timing { status_every: PATIENCE * 10, ..TIMING };
    let desk = Desk::with(Pace::Unpaced, timing).await;
    for _ in 0..100 {
        desk.sim.unplug();
        desk.until_state(ReaderState::Detached).await;
        desk.sim.plug().unwrap();
        desk.until_state(READY).await;
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_plugged_later_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Emulator::start(dir.path().join("reader")).unwrap();
    sim.unplug();
    let desk = Desk::at(sim, dir, TIMING);
    assert_eq!(desk.read().result().await.unwrap_err(), ReadError::ReaderGone);
    desk.sim.plug().unwrap();
    desk.until_state(READY).await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pseudo_terminal_is_known_for_what_it_is() {
    let desk = Desk::open().await;
    assert!(SerialPath::new(desk.sim.path()).is_virtual());
    assert!(!SerialPath::new(Path::new("/dev/null")).is_virtual());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_reads_leave_no_descriptor_and_no_thread_behind() {
    let desk = Desk::open().await;
    let read_one = async |at: usize| {
        let wanted = if at.is_multiple_of(2) { wang() } else { li() };
        desk.sim.lift();
        desk.sim.place(wanted.clone()).unwrap();
        assert_card(desk.read().result().await, &wanted);
    };
    read_one(0).await;
    // Other tests of this file run beside this one in the same process: only descriptors of this desk's terminal count.
    let port = std::fs::canonicalize(desk.sim.path()).unwrap();
    let before = (open_at(&port), threads());
    for at in 1..=200 {
        read_one(at).await;
    }
    let after = (open_at(&port), threads());
    assert_eq!(before.0, after.0);
    assert_eq!(before.0, 2, "the driver's end and the one that the emulator holds");
    assert!(
        after.1 <= before.1 + 64,
        "threads of a runtime per test, not one per read: {before:?} {after:?}"
    );
    desk.close().await;
}

fn open_at(path: &Path) -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    descriptors
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|to| to == path)
        .count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}
