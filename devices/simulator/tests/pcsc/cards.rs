//! Cards of each kind, laid down, taken away, unknown.

use std::time::Duration;

use hall_domain::{CardLayout, Date, DocumentKind, IdentityCard, IdentityDocument};
use hall_readers::ReadError;
use hall_readers::pcsc::Timing;
use hall_readers::profiles::{Laid, Profile};
use hall_readers::samv::dialogue::ReadProgress;
use hall_sim::pcsc::cards::{Foreign, Ssc};
use hall_sim::pcsc::faults::{CardFault, Faulty};
use tokio::time::Instant;

use super::alone::alone;
use super::bench::{Desk, READY, TIMING, assert_card, assert_error, card, daemon, li, wang};

const A: &str = "Hall Virtual Reader A";

alone! {
    async fn an_identity_card_laid_down_after_the_request_is_read(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        let mut read = desk.read();
        read.until(ReadProgress::WaitingForCard).await;
        desk.insert(&wang()).await;
        read.until(ReadProgress::Reading).await;
        assert_card(read.result().await, &wang());
        assert!(desk.reader.is_virtual());
        desk.close().await;
    }

    async fn the_cards_of_all_four_layouts_are_read(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        let document = |kind, number| IdentityDocument::new(kind, number).unwrap();
        let hong_kong = document(DocumentKind::ResidencePermit, "810000199408230021");
        let foreign = document(DocumentKind::ForeignPermanentResident, "911124198108030024");
        let older = document(DocumentKind::ForeignPermanentResident, "DEU310083080310");
        let base = IdentityCard { nation: None, ..wang() };
        let cards = [
            wang(),
            IdentityCard {
                layout: CardLayout::HkMoTw,
                birth: hong_kong.birth().unwrap(),
                sex: hong_kong.sex().unwrap(),
                document: hong_kong,
                travel_permit: Some("H12345678".to_owned()),
                ..base.clone()
            },
            IdentityCard {
                layout: CardLayout::Foreigner2023,
                name: "TEST, ERIKA".to_owned(),
                english_name: Some("TEST, ERIKA".to_owned()),
                birth: foreign.birth().unwrap(),
                sex: foreign.sex().unwrap(),
                document: foreign,
                address: None,
                authority: None,
                nationality: Some("DEU".to_owned()),
                ..base.clone()
            },
            IdentityCard {
                layout: CardLayout::Foreigner2017,
                name: "TEST, ERIKA".to_owned(),
                english_name: Some("TEST, ERIKA".to_owned()),
                birth: older.birth().unwrap_or_else(|| Date::new(1983, 8, 3).unwrap()),
                document: older,
                address: None,
                authority: Some("1500".to_owned()),
                nationality: Some("DEU".to_owned()),
                ..base
            },
        ];
        for card in cards {
            desk.insert(&card).await;
            assert_card(desk.read().result().await, &card);
            desk.slot.remove().await;
        }
        desk.close().await;
    }

    async fn the_next_citizens_card_is_read_after_the_first_is_taken_away(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.insert(&wang()).await;
        assert_card(desk.read().result().await, &wang());
        let mut next = desk.read();
        next.until(ReadProgress::TakeCardAway).await;
        desk.slot.remove().await;
        next.until(ReadProgress::WaitingForCard).await;
        desk.insert(&li()).await;
        assert_card(next.result().await, &li());
        desk.close().await;
    }

    async fn without_a_card_the_read_ends_at_its_deadline(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        let read = desk.read_until(Instant::now() + Duration::from_millis(60));
        assert_error(read.result().await, ReadError::NoCard);
        desk.close().await;
    }

    async fn a_stopped_read_gives_no_card_even_if_one_is_laid_down_later(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        let mut read = desk.read();
        read.until(ReadProgress::WaitingForCard).await;
        read.cancel.cancel();
        assert_error(read.result().await, ReadError::Cancelled);
        desk.insert(&wang()).await;
        assert_card(desk.read().result().await, &wang());
        desk.close().await;
    }

    async fn an_old_social_security_card_gives_name_and_number_without_any_pin(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.slot.insert(Ssc::old("李强·测试", "519900200002291029")).await;
        match desk.read().result().await {
            Ok(Laid::Social(card)) => {
                assert!(card.name == "李强·测试" && card.number.number() == "519900200002291029");
                assert!(!format!("{card:?}").contains("李强·测试"));
            }
            other => panic!("no social security card was read: {other:?}"),
        }
        assert_only_reads(&desk);
        desk.close().await;
    }

    async fn a_newer_social_security_card_ends_with_its_own_sentence_and_no_pin_is_tried(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.slot.insert(Ssc::third_generation("王芳", "519900199003070011")).await;
        assert_error(desk.read().result().await, ReadError::SocialSecurity);
        assert!(ReadError::SocialSecurity.zh().starts_with("这是社会保障卡"));
        assert_only_reads(&desk);
        desk.close().await;
    }

    async fn an_unknown_card_is_refused_at_once_and_the_next_one_is_read(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.slot.insert(Foreign).await;
        assert_error(desk.read().result().await, ReadError::Unsupported);
        desk.insert(&wang()).await;
        assert_card(desk.read().result().await, &wang());
        desk.close().await;
    }

    async fn an_identity_card_is_not_believed_by_a_reader_that_has_no_module(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::at(&daemon, A, TIMING, &[Profile::Ssc], true);
        desk.until_state(READY).await;
        desk.insert(&wang()).await;
        assert_error(desk.read().result().await, ReadError::Unsupported);
        desk.close().await;
    }

    async fn a_card_that_contradicts_itself_is_refused(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        desk.insert(&IdentityCard { birth: Date::new(1991, 1, 1).unwrap(), ..wang() }).await;
        assert_error(desk.read().result().await, ReadError::Content);
        desk.close().await;
    }

    async fn a_slow_card_is_waited_for_and_a_flaky_one_is_to_be_laid_down_anew(folder) {
        let daemon = daemon(&folder, &[A]);
        let desk = Desk::open(&daemon, A).await;
        let card = || hall_sim::pcsc::cards::IdEscape::new(&card("王芳", "519900199003070011")).unwrap();
        desk.slot.insert(Faulty::new(card(), CardFault::Slow(Duration::from_millis(50)))).await;
        assert_card(desk.read().result().await, &wang());

        desk.slot.insert(Faulty::new(card(), CardFault::Flaky { every: 3 })).await;
        let mut read = desk.read();
        read.until(ReadProgress::ReplaceCard).await;
        desk.insert(&wang()).await;
        assert_card(read.result().await, &wang());
        desk.close().await;
    }

    async fn a_card_that_failed_once_and_stays_is_read_all_the_same(folder) {
        let daemon = daemon(&folder, &[A]);
        let timing = Timing { again: Duration::from_millis(50), ..TIMING };
        let desk = Desk::with(&daemon, A, timing).await;
        let card = hall_sim::pcsc::cards::IdEscape::new(&wang()).unwrap();
        desk.slot.insert(Faulty::new(card, CardFault::Hiccup { at: 4 })).await;
        let mut read = desk.read();
        read.until(ReadProgress::ReplaceCard).await;
        assert_card(read.result().await, &wang());
        desk.close().await;
    }
}

/// SELECT, READ BINARY, READ RECORD, GET RESPONSE: nothing that counts or changes anything.
fn assert_only_reads(desk: &Desk) {
    let asked = desk.slot.happened().instructions;
    assert!(
        !asked.is_empty() && asked.iter().all(|one| [0xA4, 0xB0, 0xB2, 0xC0].contains(one)),
        "{asked:02X?}"
    );
}
