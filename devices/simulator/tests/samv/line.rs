//! Lines that split, garble, swallow and delay.

use std::time::Duration;

use hall_readers::ReadError;
use hall_readers::samv::codec::{Command, Status};
use hall_readers::samv::dialogue::ReadProgress;
use hall_readers::samv::{ReaderState, Timing};
use hall_sim::{Fault, Pace};

use super::desk::{Desk, READY, TIMING, assert_card, li, wang};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_in_pieces_and_behind_garbage_are_put_together() {
    // Hundreds of pieces: a busy machine needs the patience that a real line is given.
    let desk = Desk::with(Pace::Unpaced, Timing::default()).await;
    for (bytes, garbage) in
        [(5, vec![]), (7, vec![0xAA]), (64, vec![0x00, 0xAA, 0xAA, 0x96, 0x69, 0xFF, 0x13])]
    {
        desk.sim.fault(Fault::Split { bytes, gap: Duration::from_micros(50) });
        desk.sim.fault(Fault::Garbage(garbage));
        desk.sim.lift();
        desk.sim.place(wang()).unwrap();
        assert_card(desk.read().result().await, &wang());
        desk.sim.clear_faults();
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_that_looks_like_the_start_of_a_frame_costs_time_only() {
    let desk = Desk::open().await;
    // Announces 1,288 bytes that never come; the real answer hides behind it.
    let start = vec![0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x05, 0x08];
    desk.sim.fault_times(Fault::Garbage(start), Some(Command::FindCard), 2);
    desk.sim.place(wang()).unwrap();
    assert_card(desk.read().result().await, &wang());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_checksums_before_the_read_are_said_again() {
    let desk = Desk::open().await;
    desk.sim.fault_times(Fault::WrongChecksum, Some(Command::FindCard), 2);
    desk.sim.fault_times(Fault::WrongChecksum, Some(Command::SelectCard), 1);
    desk.sim.place(wang()).unwrap();
    assert_card(desk.read().result().await, &wang());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_whose_answer_was_damaged_must_be_laid_down_anew() {
    let desk = Desk::open().await;
    desk.sim.fault_times(Fault::WrongChecksum, Some(Command::ReadTextPhoto), 1);
    desk.sim.place(wang()).unwrap();
    let mut read = desk.read();
    // For the module the card is read; it shows it only after it was lifted.
    read.until(ReadProgress::PlaceAgain).await;
    desk.sim.lift();
    desk.sim.place(wang()).unwrap();
    assert_card(read.result().await, &wang());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_only_garbles_is_reported() {
    let desk = Desk::open().await;
    desk.sim.fault(Fault::WrongChecksum);
    desk.sim.place(wang()).unwrap();
    assert_eq!(desk.read().result().await.unwrap_err(), ReadError::Garbled);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_commands_are_said_again_and_strange_answers_reported() {
    let desk = Desk::open().await;
    for status in [Status::CHECKSUM, Status::LENGTH] {
        desk.sim.fault_times(Fault::Status(status), Some(Command::SelectCard), 2);
        desk.sim.lift();
        desk.sim.place(wang()).unwrap();
        assert_card(desk.read().result().await, &wang());
    }
    for status in [Status::COMMAND, Status(0x24), Status(0xEE)] {
        desk.sim.fault(Fault::Status(status));
        desk.sim.lift();
        desk.sim.place(wang()).unwrap();
        assert_eq!(desk.read().result().await.unwrap_err(), ReadError::Protocol(status));
        desk.sim.clear_faults();
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_moment_is_bridged_by_opening_the_port_anew() {
    let desk = Desk::open().await;
    desk.sim.fault_times(Fault::Silent, Some(Command::FindCard), 3);
    desk.sim.place(wang()).unwrap();
    assert_card(desk.read().result().await, &wang());
    assert!(desk.sim.seen(Command::SamNumber) >= 2, "the port was opened anew");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stays_silent_is_detached_and_comes_back_when_it_speaks() {
    let desk = Desk::open().await;
    let mut read = desk.read();
    read.until(ReadProgress::WaitingForCard).await;
    desk.sim.fault(Fault::Silent);
    assert_eq!(read.result().await.unwrap_err(), ReadError::Silent);
    desk.until_state(ReaderState::Detached).await;
    desk.sim.clear_faults();
    desk.until_state(READY).await;
    desk.sim.place(wang()).unwrap();
    assert_card(desk.read().result().await, &wang());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_reader_that_falls_silent_is_noticed() {
    let desk = Desk::open().await;
    desk.sim.fault(Fault::Silent);
    desk.until_state(ReaderState::Detached).await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_module_is_waited_for_and_its_late_answer_is_not_taken_for_the_next_one() {
    let timing = Timing { quiet: TIMING.command, ..TIMING };
    let desk = Desk::with(Pace::Unpaced, timing).await;
    desk.sim.fault_times(Fault::Slow(timing.command / 2), Some(Command::ReadTextPhoto), 1);
    desk.sim.place(wang()).unwrap();
    assert_card(desk.read().result().await, &wang());

    // The answer to a find comes when the driver has already given it up. Taken for the answer to the next command, it
    // would spoil a whole attempt.
    let selects = desk.sim.seen(Command::SelectCard);
    let late = timing.command + timing.command / 8;
    desk.sim.fault_times(Fault::Slow(late), Some(Command::FindCard), 1);
    desk.sim.place(li()).unwrap();
    assert_card(desk.read().result().await, &li());
    assert_eq!(desk.sim.seen(Command::SelectCard), selects + 1);
    desk.close().await;
}
