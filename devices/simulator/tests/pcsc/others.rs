//! Other programs on the same machine that use the same reader.

use std::ffi::CString;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use hall_readers::ReadError;
use hall_readers::ReaderState;
use hall_readers::pcsc::Timing;
use hall_readers::samv::dialogue::ReadProgress;
use pcsc::{Context, Disposition, Protocols, Scope, ShareMode};

use super::alone::alone;
use super::bench::{Desk, HASTY, READY, TIMING, assert_card, assert_error, daemon, wang, within};

const A: &str = "Hall Virtual Reader A";

type Act = Box<dyn FnOnce(&mut pcsc::Card) + Send>;

/// Another program: does what it is told on a thread of its own, and says when that is done.
struct Other {
    tell: mpsc::Sender<Act>,
    thread: thread::JoinHandle<()>,
}

impl Other {
    fn connect(share: ShareMode) -> Self {
        let (tell, told) = mpsc::channel::<Act>();
        let (up, is_up) = mpsc::channel();
        let thread = thread::spawn(move || {
            let context = Context::establish(Scope::User).unwrap();
            let name = CString::new(format!("{A} 00 00")).unwrap();
            let mut card = context.connect(&name, share, Protocols::ANY).unwrap();
            up.send(()).unwrap();
            for act in told {
                act(&mut card);
            }
            card.disconnect(Disposition::LeaveCard).map_err(|(_, error)| error).unwrap();
        });
        is_up.recv().unwrap();
        Self { tell, thread }
    }

    /// Holds a transaction until the sender is dropped, and ends it so.
    fn hold(&self, end: Disposition) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (held, is_held) = mpsc::channel();
        let act = move |card: &mut pcsc::Card| {
            let transaction = card.transaction().unwrap();
            held.send(()).unwrap();
            let _ = released.recv();
            transaction.end(end).map_err(|(_, error)| error).unwrap();
        };
        self.tell.send(Box::new(act)).unwrap();
        is_held.recv().unwrap();
        release
    }

    fn leave(self) {
        drop(self.tell);
        self.thread.join().unwrap();
    }
}

alone! {
    async fn a_transaction_of_another_program_is_waited_for(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.insert(&wang()).await;
        let mut read = desk.read_card_seen().await;
        let other = Other::connect(ShareMode::Shared);
        let release = other.hold(Disposition::LeaveCard);
        let asked = desk.slot.happened().apdus;
        read.go().await;
        assert_eq!(desk.slot.happened().apdus, asked);
        drop(release);
        assert_card(read.result().await, &wang());
        other.leave();
        desk.close().await;
    }

    async fn a_card_that_another_program_resets_is_read_from_the_start(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.insert(&wang()).await;
        let mut read = desk.read_card_seen().await;
        let other = Other::connect(ShareMode::Shared);
        let release = other.hold(Disposition::ResetCard);
        let resets = desk.slot.happened().resets;
        read.go().await;
        drop(release);
        assert_card(read.result().await, &wang());
        assert!(desk.slot.happened().resets > resets);
        other.leave();
        desk.close().await;
    }

    async fn another_program_that_resets_the_card_again_and_again_stops_no_read(folder) {
        let daemon = daemon(&folder, &[A]);
        // Between power off and on the card may look as if it said nothing; then it is tried again.
        let timing = Timing { again: Duration::from_millis(20), ..TIMING };
        let desk = Desk::with(&daemon, A, timing).await;
        let (stop, stopped) = mpsc::channel::<()>();
        let name = CString::new(format!("{A} 00 00")).unwrap();
        let nuisance = thread::spawn(move || {
            let context = Context::establish(Scope::User).unwrap();
            let mut resets = 0;
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                // Without a card, or in the middle of a change, it is refused; it tries again.
                if let Ok(card) = context.connect(&name, ShareMode::Shared, Protocols::ANY)
                    && card.disconnect(Disposition::ResetCard).is_ok()
                {
                    resets += 1;
                }
            }
            resets
        });
        for _ in 0..30 {
            desk.insert(&wang()).await;
            assert_card(desk.read().result().await, &wang());
            desk.slot.remove().await;
        }
        drop(stop);
        assert!(nuisance.join().unwrap() > 0);
        desk.close().await;
    }

    async fn a_reader_that_another_program_holds_for_itself_is_waited_for_and_then_read(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.insert(&wang()).await;
        let mut read = desk.read_card_seen().await;
        let other = Other::connect(ShareMode::Exclusive);
        read.go().await;
        other.leave();
        assert_card(read.result().await, &wang());
        desk.close().await;
    }

    async fn a_reader_that_another_program_holds_for_itself_for_long_is_busy(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::with(&daemon, A, HASTY).await;
        desk.insert(&wang()).await;
        let mut read = desk.read_card_seen().await;
        let other = Other::connect(ShareMode::Exclusive);
        read.go().await;
        assert_error(read.result().await, ReadError::Busy);
        desk.until_state(READY).await;
        other.leave();
        assert_card(desk.read().result().await, &wang());
        desk.close().await;
    }

    async fn a_transaction_that_does_not_end_makes_the_reader_busy_until_it_does(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::with(&daemon, A, HASTY).await;
        desk.insert(&wang()).await;
        let mut read = desk.read_card_seen().await;
        let other = Other::connect(ShareMode::Shared);
        let release = other.hold(Disposition::LeaveCard);
        read.go().await;
        assert_error(read.result().await, ReadError::CardSilent);
        desk.until_state(ReaderState::Stuck).await;
        assert_error(desk.read().result().await, ReadError::Busy);
        drop(release);
        desk.until_state(READY).await;
        assert_card(desk.read().result().await, &wang());
        other.leave();
        desk.close().await;
    }
}

/// A read of a card that is surely seen, but not touched before the test says so.
struct Waiting<'a> {
    desk: &'a Desk,
    read: Option<super::bench::Read>,
}

impl Desk {
    async fn read_card_seen(&self) -> Waiting<'_> {
        within(self.slot.until(|happened| happened.connections > 0)).await;
        // pcscd knows of the card when another program can connect to it.
        let name = CString::new(format!("{A} 00 00")).unwrap();
        let context = Context::establish(Scope::User).unwrap();
        within(async {
            while context.connect(&name, ShareMode::Shared, Protocols::ANY).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        Waiting { desk: self, read: None }
    }
}

impl Waiting<'_> {
    /// Begins, and returns when the reader is being spoken to.
    async fn go(&mut self) {
        let mut read = self.desk.read();
        read.until(ReadProgress::Reading).await;
        self.read = Some(read);
    }

    async fn result(self) -> Result<hall_readers::profiles::Laid, ReadError> {
        self.read.unwrap().result().await
    }
}
