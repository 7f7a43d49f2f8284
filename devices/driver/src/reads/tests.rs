use hall_bus::messages::{ReceiptResult, WindowName};
use hall_bus::reader::Want;
use hall_domain::{CardLayout, Date, IdentityDocument, Timestamp};

use super::*;

fn id(number: u128) -> MessageId {
    MessageId::from_parts(Timestamp(1), number)
}

fn read(number: u128) -> Read {
    Read {
        id: id(number),
        bind_epoch: 4,
        window: "W01".to_owned(),
        case: format!("case-{number}"),
        want: Want::IdentityCard,
        ttl_ms: 60_000,
    }
}

fn config(epoch: u32, window: Option<&str>) -> Config {
    let window = window.map(|code| WindowName { code: code.to_owned(), name: "1号窗口".to_owned() });
    Config { ver: 1, hall: "测试大厅".to_owned(), window, bind_epoch: epoch, hb_s: 15, notice: None }
}

fn card() -> IdentityCard {
    let document = IdentityDocument::new(CardLayout::Resident.document_kind(), "519900199003070011").unwrap();
    IdentityCard {
        layout: CardLayout::Resident,
        name: "王芳".to_owned(),
        english_name: None,
        sex: document.sex().unwrap(),
        nation: None,
        birth: document.birth().unwrap(),
        address: None,
        document,
        authority: None,
        valid_from: Date::new(2015, 1, 1).unwrap(),
        valid_until: None,
        travel_permit: None,
        nationality: None,
        photo: Vec::new(),
    }
}

/// A driver that is bound to window W01 under epoch 4, its reader ready.
fn bound(now: Instant) -> Reads {
    let mut reads = Reads::default();
    assert_eq!(reads.apply(Event::Configured(config(4, Some("W01"))), now), [Action::Announce]);
    assert_eq!(reads.apply(Event::Reader(ReaderCondition::Ready), now), [Action::Announce]);
    reads
}

fn sealed_failure(number: u128, reason: ReadFailure) -> Action {
    Action::Seal(Box::new(Unsigned {
        cmd: id(number),
        bind_epoch: 4,
        case: format!("case-{number}"),
        outcome: ReadOutcome::Failed { reason },
    }))
}

fn seal(reads: &mut Reads, cmd: u128, answer: u128, now: Instant) -> Vec<u8> {
    let bytes = vec![u8::try_from(answer).unwrap(); 3];
    let sealed = Event::Sealed { cmd: id(cmd), answer: id(answer), bytes: bytes.clone() };
    assert_eq!(reads.apply(sealed, now), [Action::Send(bytes.clone())]);
    bytes
}

#[test]
fn a_request_is_acknowledged_read_and_answered_for_its_case() {
    let now = Instant::now();
    let mut reads = bound(now);
    let deadline = now + Duration::from_secs(60);
    assert_eq!(
        reads.apply(Event::Asked(read(1)), now),
        [Action::Acknowledge(id(1), AckStatus::Received), Action::Begin { cmd: id(1), deadline }]
    );
    assert_eq!(
        reads.apply(Event::Progress(id(1), ReadProgress::WaitingForCard), now),
        [Action::Acknowledge(id(1), AckStatus::Waiting { ask: CardAsk::Place })]
    );
    assert_eq!(
        reads.apply(Event::Progress(id(1), ReadProgress::Reading), now),
        [Action::Acknowledge(id(1), AckStatus::Reading)]
    );
    for (progress, ask) in [
        (ReadProgress::PlaceAgain, CardAsk::PlaceAgain),
        (ReadProgress::ReplaceCard, CardAsk::PlaceAlone),
        (ReadProgress::TakeCardAway, CardAsk::TakeAway),
    ] {
        assert_eq!(
            reads.apply(Event::Progress(id(1), progress), now),
            [Action::Acknowledge(id(1), AckStatus::Waiting { ask })]
        );
    }
    let actions = reads.apply(Event::Finished(id(1), Ok(Box::new(card()))), now);
    let outcome = ReadOutcome::Read { card: Box::new(card()) };
    let unsigned = Unsigned { cmd: id(1), bind_epoch: 4, case: "case-1".to_owned(), outcome };
    assert!(actions == [Action::Seal(Box::new(unsigned))]);
}

#[test]
fn the_same_request_twice_is_carried_out_once() {
    let now = Instant::now();
    let mut reads = bound(now);
    reads.apply(Event::Asked(read(1)), now);
    reads.apply(Event::Progress(id(1), ReadProgress::WaitingForCard), now);
    assert_eq!(
        reads.apply(Event::Asked(read(1)), now),
        [Action::Acknowledge(id(1), AckStatus::Waiting { ask: CardAsk::Place })]
    );

    reads.apply(Event::Finished(id(1), Err(ReadError::NoCard)), now);
    assert_eq!(reads.apply(Event::Asked(read(1)), now), [], "its answer is being signed");
    let bytes = seal(&mut reads, 1, 9, now);
    assert_eq!(reads.apply(Event::Asked(read(1)), now), [Action::Send(bytes)]);
}

#[test]
fn a_newer_request_ends_the_older_one_and_its_late_card_is_dropped() {
    let now = Instant::now();
    let mut reads = bound(now);
    reads.apply(Event::Asked(read(1)), now);
    let actions = reads.apply(Event::Asked(read(2)), now);
    assert_eq!(actions[..2], [Action::Cancel(id(1)), sealed_failure(1, ReadFailure::Stopped)]);
    assert!(matches!(actions[3], Action::Begin { cmd, .. } if cmd == id(2)));
    assert_eq!(reads.apply(Event::Finished(id(1), Ok(Box::new(card()))), now), []);
    assert_eq!(reads.apply(Event::Progress(id(1), ReadProgress::Reading), now), []);
}

#[test]
fn a_stop_ends_only_the_read_that_it_names() {
    let now = Instant::now();
    let mut reads = bound(now);
    reads.apply(Event::Asked(read(1)), now);
    assert_eq!(reads.apply(Event::Stopped(Stop { id: id(7) }), now), []);
    assert_eq!(
        reads.apply(Event::Stopped(Stop { id: id(1) }), now),
        [Action::Cancel(id(1)), sealed_failure(1, ReadFailure::Stopped)]
    );
}

#[test]
fn requests_for_another_binding_or_before_any_are_refused() {
    let now = Instant::now();
    let refused =
        |number| [Action::Acknowledge(id(number), AckStatus::Rejected { reason: AckRefusal::BindEpoch })];
    let mut unbound = Reads::default();
    unbound.apply(Event::Reader(ReaderCondition::Ready), now);
    assert_eq!(unbound.apply(Event::Asked(read(1)), now), refused(1));

    let mut reads = bound(now);
    assert_eq!(reads.apply(Event::Asked(Read { bind_epoch: 3, ..read(2) }), now), refused(2));
    assert_eq!(reads.apply(Event::Asked(Read { window: "W02".to_owned(), ..read(3) }), now), refused(3));
    reads.apply(Event::Configured(config(5, None)), now);
    assert_eq!(reads.apply(Event::Asked(Read { bind_epoch: 5, ..read(4) }), now), refused(4));
}

#[test]
fn a_device_that_is_moved_ends_what_its_old_window_asked() {
    let now = Instant::now();
    let mut reads = bound(now);
    reads.apply(Event::Asked(read(1)), now);
    assert_eq!(reads.apply(Event::Configured(config(4, Some("W01"))), now), [], "nothing has changed");
    assert_eq!(
        reads.apply(Event::Configured(config(5, Some("W02"))), now),
        [Action::Cancel(id(1)), sealed_failure(1, ReadFailure::Stopped), Action::Announce]
    );
    assert_eq!(reads.bind_epoch(), 5);
}

#[test]
fn without_a_working_reader_requests_are_refused_and_every_change_is_announced() {
    let now = Instant::now();
    let mut reads = bound(now);
    for condition in [ReaderCondition::Unplugged, ReaderCondition::NoLicence] {
        assert_eq!(reads.apply(Event::Reader(condition), now), [Action::Announce]);
        assert_eq!(reads.apply(Event::Reader(condition), now), []);
        assert_eq!(
            reads.apply(Event::Asked(read(1)), now),
            [Action::Acknowledge(id(1), AckStatus::Rejected { reason: AckRefusal::NotReady })]
        );
    }
    reads.apply(Event::Reader(ReaderCondition::Ready), now);
    assert_eq!(reads.apply(Event::Asked(read(1)), now).len(), 2, "a refused request may come again");
}

#[test]
fn an_answer_is_sent_again_ever_more_rarely_until_its_receipt() {
    let start = Instant::now();
    let mut reads = bound(start);
    reads.apply(Event::Asked(read(1)), start);
    reads.apply(Event::Finished(id(1), Err(ReadError::NoCard)), start);
    let bytes = seal(&mut reads, 1, 9, start);
    let mut pauses = Vec::new();
    let mut now = start;
    for _ in 0..7 {
        let next = reads.wakes_at().unwrap();
        pauses.push((next - now).as_secs());
        now = next;
        assert_eq!(reads.apply(Event::Tick, now), [Action::Send(bytes.clone())]);
        assert_eq!(reads.apply(Event::Tick, now), [], "not twice at one time");
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(reads.apply(Event::Connected, now), [Action::Send(bytes)]);

    let receipt = Receipt { answer: id(9), cmd: id(1), result: ReceiptResult::Stale, reason: None };
    assert_eq!(reads.apply(Event::Receipted(receipt), now), []);
    assert_eq!((reads.wakes_at(), reads.waiting_answers()), (None, 0));
}

#[test]
fn answers_do_not_stay_in_memory_for_ever() {
    let start = Instant::now();
    let mut reads = bound(start);
    for number in 0..30 {
        seal(&mut reads, number, number, start);
    }
    assert_eq!(reads.waiting_answers(), UNRECEIPTED);
    assert_eq!(reads.apply(Event::Tick, start + ANSWER_LIFE), []);
    assert_eq!((reads.wakes_at(), reads.waiting_answers()), (None, 0));
}

#[test]
fn a_request_cannot_keep_the_reader_for_ever() {
    let now = Instant::now();
    let mut reads = bound(now);
    let actions = reads.apply(Event::Asked(Read { ttl_ms: u32::MAX, ..read(1) }), now);
    assert_eq!(actions[1], Action::Begin { cmd: id(1), deadline: now + LONGEST_READ });
}

#[test]
fn every_failure_of_the_reader_reaches_the_box() {
    let now = Instant::now();
    for (error, reason) in [
        (ReadError::NoCard, ReadFailure::Timeout),
        (ReadError::Removed, ReadFailure::CardLifted),
        (ReadError::ReplaceCard, ReadFailure::Unreadable),
        (ReadError::ReaderGone, ReadFailure::Unplugged),
        (ReadError::Silent, ReadFailure::ReaderFault),
        (ReadError::Unsupported, ReadFailure::Unsupported),
    ] {
        let mut reads = bound(now);
        reads.apply(Event::Asked(read(1)), now);
        assert_eq!(reads.apply(Event::Finished(id(1), Err(error)), now), [sealed_failure(1, reason)]);
    }
}

#[test]
fn old_requests_are_forgotten_but_the_latest_are_not() {
    let now = Instant::now();
    let mut reads = bound(now);
    for number in 0..200 {
        reads.apply(Event::Asked(read(number)), now);
        reads.apply(Event::Finished(id(number), Err(ReadError::NoCard)), now);
    }
    assert_eq!(reads.finished.len(), REMEMBERED);
    assert_eq!(reads.apply(Event::Asked(read(199)), now), []);
}
