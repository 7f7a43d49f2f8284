//! Cards that say nothing: a call to one never returns, and nothing else may wait for it.

use hall_readers::{ReadError, ReaderState};
use hall_sim::pcsc::cards::IdEscape;
use hall_sim::pcsc::faults::{CardFault, Faulty};

use super::alone::alone;
use super::bench::{Desk, HASTY, READY, assert_card, assert_error, daemon, li, wang, within};

const A: &str = "Hall Virtual Reader A";
const B: &str = "Hall Virtual Reader B";

fn mute(from: u32) -> Faulty<IdEscape> {
    Faulty::new(IdEscape::new(&wang()).unwrap(), CardFault::Mute { from })
}

alone! {
    async fn a_mute_card_ends_the_read_while_another_reader_goes_on(folder) {
        let daemon = daemon(&folder, &[A, B]);
        let (silent, other) = (Desk::with(&daemon, A, HASTY).await, Desk::open(&daemon, B).await);
        silent.slot.insert(mute(2)).await;
        let read = silent.read();
        within(silent.slot.until(|happened| happened.apdus == 3)).await;
        other.insert(&li()).await;
        assert_card(other.read().result().await, &li());
        assert_error(read.result().await, ReadError::CardSilent);
        silent.until_state(ReaderState::Stuck).await;
        // The other one is not touched by that either.
        other.insert(&wang()).await;
        assert_card(other.read().result().await, &wang());
        silent.close().await;
        other.close().await;
    }

    async fn a_stuck_reader_is_busy_until_the_card_is_taken_away_and_works_again_then(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::with(&daemon, A, HASTY).await;
        desk.slot.insert(mute(0)).await;
        assert_error(desk.read().result().await, ReadError::CardSilent);
        desk.until_state(ReaderState::Stuck).await;
        let asked = desk.slot.happened().apdus;
        assert_error(desk.read().result().await, ReadError::Busy);
        assert_eq!(desk.slot.happened().apdus, asked, "no second thread is sent to a card that holds the first");
        desk.slot.remove().await;
        desk.until_state(READY).await;
        desk.insert(&li()).await;
        assert_card(desk.read().result().await, &li());
        desk.close().await;
    }

    async fn a_read_that_was_stopped_at_a_mute_card_does_not_pass_the_reader_on_to_the_next(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::with(&daemon, A, HASTY).await;
        desk.slot.insert(mute(1)).await;
        let read = desk.read();
        within(desk.slot.until(|happened| happened.apdus == 2)).await;
        read.cancel.cancel();
        assert_error(read.result().await, ReadError::Cancelled);
        assert_error(desk.read().result().await, ReadError::Busy);
        desk.until_state(ReaderState::Stuck).await;
        desk.slot.remove().await;
        desk.until_state(READY).await;
        desk.insert(&li()).await;
        assert_card(desk.read().result().await, &li());
        desk.close().await;
    }
}
