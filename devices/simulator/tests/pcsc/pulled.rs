//! Cards pulled at every command of each profile, in every way in which a reader tells it.

use std::time::Duration;

use hall_readers::ReadError;
use hall_readers::profiles::Laid;
use hall_readers::samv::dialogue::ReadProgress;
use hall_sim::pcsc::VirtualCard;
use hall_sim::pcsc::cards::{IdEscape, Ssc};
use hall_sim::pcsc::faults::{CardFault, Faulty, Pull};
use tokio::time::Instant;

use super::alone::alone;
use super::bench::{Desk, assert_card, assert_error, daemon, li, wang, within};

const A: &str = "Hall Virtual Reader A";
/// Commands of a whole read, as [`the_profiles_are_as_long_as_the_tests_believe`] sees to.
const ID_COMMANDS: u32 = 6;
const SSC_COMMANDS: u32 = 7;
const WAYS: [Pull; 3] = [Pull::Unanswered, Pull::Empty, Pull::OneByte];

fn identity() -> IdEscape {
    IdEscape::new(&wang()).unwrap()
}

fn social() -> Ssc {
    Ssc::old("王芳", "519900199003070011")
}

/// Pulls a card at one command; the read asks for it again, and reads what is laid down then.
async fn pull(desk: &Desk, card: impl VirtualCard + 'static, at: u32, how: Pull) {
    desk.slot.insert(Faulty::new(card, CardFault::Pulled { at, how })).await;
    let mut read = desk.read();
    read.until(ReadProgress::PlaceAgain).await;
    within(async {
        while desk.slot.has_card() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    desk.insert(&li()).await;
    assert_card(read.result().await, &li());
    desk.slot.remove().await;
}

alone! {
    async fn the_profiles_are_as_long_as_the_tests_believe(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.slot.insert(identity()).await;
        assert_card(desk.read().result().await, &wang());
        assert_eq!(desk.slot.happened().apdus, u64::from(ID_COMMANDS));
        desk.slot.insert(social()).await;
        assert!(matches!(desk.read().result().await, Ok(Laid::Social(_))));
        assert_eq!(desk.slot.happened().apdus, u64::from(ID_COMMANDS + SSC_COMMANDS));
        desk.close().await;
    }

    async fn an_identity_card_pulled_at_any_command_is_asked_for_again_and_the_next_card_is_read_whole(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        for at in 0..ID_COMMANDS {
            for how in WAYS {
                pull(&desk, identity(), at, how).await;
            }
        }
        desk.close().await;
    }

    async fn a_social_security_card_pulled_at_any_command_is_asked_for_again(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        for at in 0..SSC_COMMANDS {
            for how in WAYS {
                pull(&desk, social(), at, how).await;
            }
        }
        desk.close().await;
    }

    async fn a_card_pulled_between_two_commands_is_asked_for_again(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        for at in 0..ID_COMMANDS - 1 {
            pull(&desk, identity(), at, Pull::Answered).await;
        }
        for at in 0..SSC_COMMANDS - 1 {
            pull(&desk, social(), at, Pull::Answered).await;
        }
        desk.close().await;
    }

    async fn a_card_pulled_for_good_is_reported_as_removed(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.slot.insert(Faulty::new(identity(), CardFault::Pulled { at: 3, how: Pull::Empty })).await;
        let mut read = desk.read_until(Instant::now() + Duration::from_secs(2));
        read.until(ReadProgress::PlaceAgain).await;
        assert_error(read.result().await, ReadError::Removed);
        desk.close().await;
    }
}
