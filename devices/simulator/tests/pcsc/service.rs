//! pcscd itself: not there, killed, started again; readers that come and go with it.

use hall_readers::ReadError;
use hall_readers::ReaderState;
use hall_readers::pcsc::readers;
use hall_readers::profiles::Profile;
use hall_readers::samv::dialogue::ReadProgress;
use hall_sim::pcsc::cards::IdEscape;
use hall_sim::pcsc::driver_file;
use hall_sim::pcsc::faults::{CardFault, Faulty};

use super::alone::alone;
use super::bench::{Desk, READY, TIMING, assert_card, assert_error, daemon, li, wang, within};

const A: &str = "Hall Virtual Reader A";
const B: &str = "Hall Virtual Reader B";
const BOTH: [Profile; 2] = [Profile::IdEscape, Profile::Ssc];

alone! {
    async fn without_pcscd_reads_end_at_once_and_work_as_soon_as_it_runs(folder) {
        let mut daemon = daemon(&folder, &[A]);
        daemon.kill();
        let desk = Desk::at(&daemon, A, TIMING, &BOTH, true);
        desk.until_state(ReaderState::ServiceDown).await;
        assert_error(desk.read().result().await, ReadError::Service);
        assert_eq!(readers(), Err(ReadError::Service));
        daemon.start().unwrap();
        desk.until_state(READY).await;
        assert_eq!(readers().unwrap(), [A]);
        desk.insert(&wang()).await;
        assert_card(desk.read().result().await, &wang());
        desk.close().await;
    }

    async fn pcscd_killed_in_the_middle_of_a_read_ends_it_and_the_card_is_read_after_the_restart(folder) {
        let mut daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        for round in 0..3 {
            let card = IdEscape::new(&wang()).unwrap();
            desk.slot.insert(Faulty::new(card, CardFault::Mute { from: round })).await;
            let asked = desk.slot.happened().apdus;
            let read = desk.read();
            within(desk.slot.until(|happened| happened.apdus > asked + u64::from(round))).await;
            daemon.kill();
            assert_error(read.result().await, ReadError::Service);
            desk.until_state(ReaderState::ServiceDown).await;
            daemon.start().unwrap();
            desk.until_state(READY).await;
            desk.insert(&li()).await;
            assert_card(desk.read().result().await, &li());
            desk.slot.remove().await;
        }
        desk.close().await;
    }

    async fn pcscd_killed_while_a_read_waits_for_a_card_ends_it(folder) {
        let mut daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        let mut read = desk.read();
        read.until(ReadProgress::WaitingForCard).await;
        daemon.kill();
        assert_error(read.result().await, ReadError::Service);
        desk.close().await;
    }

    async fn a_card_that_lies_there_through_a_restart_is_read(folder) {
        let mut daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.insert(&wang()).await;
        assert_card(desk.read().result().await, &wang());
        daemon.kill();
        desk.until_state(ReaderState::ServiceDown).await;
        daemon.start().unwrap();
        desk.until_state(READY).await;
        assert_card(desk.read().result().await, &wang());
        desk.close().await;
    }

    async fn a_reader_that_is_not_there_is_shown_as_unplugged(folder) {
        let mut daemon = daemon(&folder, &[B]);
        let desk = Desk::at(&daemon, A, TIMING, &BOTH, true);
        until_gone(&desk).await;
        desk.until_state(ReaderState::Detached).await;
        daemon.kill();
        daemon.configure(&[A, B], &driver_file().unwrap()).unwrap();
        daemon.start().unwrap();
        desk.until_state(READY).await;
        daemon.kill();
        daemon.configure(&[B], &driver_file().unwrap()).unwrap();
        daemon.start().unwrap();
        desk.until_state(ReaderState::Detached).await;
        desk.close().await;
    }

    async fn a_name_that_fits_two_readers_uses_neither(folder) {
        let daemon = daemon(&folder, &[A, B]);
        let desk = Desk::at(&daemon, "Hall Virtual Reader *", TIMING, &BOTH, true);
        until_gone(&desk).await;
        desk.until_state(ReaderState::Detached).await;
        desk.close().await;
    }

    async fn a_virtual_reader_reads_nothing_where_only_real_ones_are_allowed(folder) {
        // Its name does not give it away; its vendor does.
        let harmless = "Hall Desk Reader A";
        let daemon = daemon(&folder, &[harmless]);
        let desk = Desk::at(&daemon, harmless, TIMING, &BOTH, false);
        desk.until_state(READY).await;
        assert!(!desk.reader.is_virtual());
        desk.insert(&wang()).await;
        assert_error(desk.read().result().await, ReadError::VirtualReader);
        assert!(desk.reader.is_virtual());
        assert_eq!(desk.slot.happened().apdus, 0);
        desk.close().await;
    }
}

/// Waits until pcscd runs and the driver knows that the reader is not there.
pub async fn until_gone(desk: &Desk) {
    within(async {
        loop {
            match desk.read().result().await {
                Err(ReadError::ReaderGone) => return,
                // pcscd is on its way.
                Err(ReadError::Service) => tokio::task::yield_now().await,
                _ => panic!("a reader was found"),
            }
        }
    })
    .await;
}
