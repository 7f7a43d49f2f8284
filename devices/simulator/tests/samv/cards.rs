//! Cards that are laid down, lifted, swapped, unreadable.

use std::time::Duration;

use hall_domain::{Date, IdentityCard};
use hall_readers::ReadError;
use hall_readers::samv::Timing;
use hall_readers::samv::codec::{Command, Status};
use hall_readers::samv::dialogue::ReadProgress;
use hall_sim::{Fault, Pace};
use tokio::time::Instant;

use super::desk::{Desk, assert_card, li, wang, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_laid_down_after_the_request_is_read() {
    let desk = Desk::open().await;
    let mut read = desk.read();
    read.until(ReadProgress::WaitingForCard).await;
    desk.sim.place(wang()).unwrap();
    read.until(ReadProgress::Reading).await;
    assert_card(read.result().await, &wang());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_takes_as_long_as_on_a_real_line_when_paced() {
    let desk = Desk::with(Pace::Baud115200, Timing::default()).await;
    desk.sim.place(wang()).unwrap();
    let start = Instant::now();
    assert_card(desk.read().result().await, &wang());
    assert!(start.elapsed() >= Duration::from_millis(112), "{:?}", start.elapsed());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_citizens_card_is_read_after_the_first_is_taken_away() {
    let desk = Desk::open().await;
    desk.sim.place(wang()).unwrap();
    assert_card(desk.read().result().await, &wang());

    // The first card still lies there: the module does not show it again, and the next read asks to take it away.
    let mut next = desk.read();
    next.until(ReadProgress::TakeCardAway).await;
    let finds = desk.sim.seen(Command::FindCard);
    within(desk.sim.until_seen(Command::FindCard, finds + 3)).await;
    assert!(!next.task.is_finished());

    desk.sim.lift();
    desk.sim.place(li()).unwrap();
    assert_card(next.result().await, &li());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_card_the_read_ends_at_its_deadline() {
    let desk = Desk::open().await;
    let read = desk.read_until(Instant::now() + Duration::from_millis(60));
    assert_eq!(read.result().await.unwrap_err(), ReadError::NoCard);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_read_gives_no_card_even_if_one_is_laid_down_later() {
    let desk = Desk::open().await;
    let mut read = desk.read();
    read.until(ReadProgress::WaitingForCard).await;
    read.cancel.cancel();
    assert_eq!(read.result().await.unwrap_err(), ReadError::Cancelled);
    desk.sim.place(wang()).unwrap();
    // The card was not touched by the stopped read: the next one gets it.
    assert_card(desk.read().result().await, &wang());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_lifted_at_any_byte_of_the_read_is_noticed_and_read_when_it_returns() {
    let desk = Desk::open().await;
    for bytes in [0, 1, 6, 7, 300, 1294] {
        desk.sim.fault_times(Fault::LiftAfter { bytes }, None, 1);
        desk.sim.place(wang()).unwrap();
        let mut read = desk.read();
        read.until(ReadProgress::PlaceAgain).await;
        assert!(!desk.sim.has_card());
        desk.sim.place(wang()).unwrap();
        assert_card(read.result().await, &wang());
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_citizens_card_after_a_lifted_one_is_read_whole() {
    let desk = Desk::open().await;
    desk.sim.fault_times(Fault::LiftAfter { bytes: 700 }, None, 1);
    desk.sim.place(wang()).unwrap();
    let mut read = desk.read();
    read.until(ReadProgress::PlaceAgain).await;
    desk.sim.place(li()).unwrap();
    assert_card(read.result().await, &li());
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_lifted_for_good_is_reported_as_removed() {
    let desk = Desk::open().await;
    desk.sim.fault_times(Fault::LiftAfter { bytes: 700 }, None, 1);
    desk.sim.place(wang()).unwrap();
    let mut read = desk.read_until(Instant::now() + Duration::from_secs(2));
    read.until(ReadProgress::PlaceAgain).await;
    assert_eq!(read.result().await.unwrap_err(), ReadError::Removed);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_status_that_concerns_the_card_leads_to_another_attempt() {
    let desk = Desk::open().await;
    for status in [0x31, 0x32, 0x33, 0x40, 0x41, 0x47, 0x81, 0x91] {
        for on in [Command::SelectCard, Command::ReadTextPhoto] {
            desk.sim.fault_times(Fault::Status(Status(status)), Some(on), 2);
            desk.sim.lift();
            desk.sim.place(wang()).unwrap();
            let finds = desk.sim.seen(Command::FindCard);
            assert_card(desk.read().result().await, &wang());
            assert!(desk.sim.seen(Command::FindCard) >= finds + 3, "the whole triple is said again");
        }
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_three_failed_attempts_the_citizen_is_asked_to_lay_the_card_down_anew() {
    let desk = Desk::open().await;
    desk.sim.fault_times(Fault::READ_FAILED, Some(Command::ReadTextPhoto), 5);
    desk.sim.place(wang()).unwrap();
    let mut read = desk.read();
    read.until(ReadProgress::ReplaceCard).await;
    assert_card(read.result().await, &wang());

    desk.sim.fault(Fault::READ_FAILED);
    desk.sim.place(li()).unwrap();
    let read = desk.read_until(Instant::now() + Duration::from_secs(1));
    assert_eq!(read.result().await.unwrap_err(), ReadError::ReplaceCard);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_or_contradicting_card_is_refused_at_once() {
    let desk = Desk::open().await;
    let other_birth = IdentityCard { birth: Date::new(1991, 1, 1).unwrap(), ..wang() };
    desk.sim.place(other_birth).unwrap();
    assert_eq!(desk.read().result().await.unwrap_err(), ReadError::Content);
    desk.close().await;
}
