//! Many readers, many reads.

use hall_readers::ReaderState;
use hall_readers::pcsc::readers;
use hall_readers::profiles::Profile;

use super::alone::alone;
use super::bench::{Desk, TIMING, assert_card, daemon, li, wang};
use super::service::until_gone;

const READS: usize = 300;

alone! {
    async fn fifteen_readers_are_told_apart_by_name(folder) {
        let names: Vec<String> = (1..=15).map(|number| format!("Hall Virtual Reader W{number:02}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let daemon = daemon(&folder, &all);
        let (first, last) = (Desk::open(&daemon, all[0]).await, Desk::open(&daemon, all[14]).await);
        let mut listed = readers().unwrap();
        listed.sort();
        assert_eq!(listed, names);
        first.insert(&wang()).await;
        last.insert(&li()).await;
        let (one, other) = (first.read(), last.read());
        assert_card(one.result().await, &wang());
        assert_card(other.result().await, &li());
        first.close().await;
        last.close().await;
    }

    async fn sixteen_readers_that_fit_one_name_do_not_break_the_watch(folder) {
        let names: Vec<String> = (1..=16).map(|number| format!("Hall Virtual Reader W{number:02}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let daemon = daemon(&folder, &all);
        let desk = Desk::at(&daemon, "Hall Virtual Reader *", TIMING, &[Profile::IdEscape], true);
        until_gone(&desk).await;
        desk.until_state(ReaderState::Detached).await;
        let one = Desk::open(&daemon, all[15]).await;
        one.insert(&li()).await;
        assert_card(one.read().result().await, &li());
        one.close().await;
        desk.close().await;
    }

    async fn hundreds_of_reads_leave_no_thread_and_no_descriptor_behind(folder) {
        let name = "Hall Virtual Reader A";
        let daemon = daemon(&folder, &[name]);
        let desk = Desk::open(&daemon, name).await;
        let read_one = async |at: usize| {
            let wanted = if at.is_multiple_of(2) { wang() } else { li() };
            desk.insert(&wanted).await;
            assert_card(desk.read().result().await, &wanted);
            desk.slot.remove().await;
        };
        for at in 0..5 {
            read_one(at).await;
        }
        let before = (count("fd"), count("task"));
        for at in 0..READS {
            read_one(at).await;
        }
        // A last thread may be on its way out.
        super::bench::within(async {
            while count("task") > before.1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(count("fd") <= before.0, "{before:?} {}", count("fd"));
        desk.close().await;
    }
}

/// Descriptors or threads of this process.
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}
