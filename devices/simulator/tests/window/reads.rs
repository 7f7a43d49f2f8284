//! Reads, and all that can come between a request and its receipt.

use hall_bus::messages::{AckRefusal, CardAsk, Control, ControlAction, PROTOCOL};
use hall_bus::reader::{ReaderCondition, ReaderSource};
use hall_bus::{AckStatus, DeviceState, Down, ReadFailure, ReadOutcome, Stop, UpMessage};
use hall_driver::Ended;
use hall_sim::Fault;
use hall_sim::samv::VIRTUAL_SAM;

use super::hall::{Hall, id, read, wang};
use super::terminal::Terminal;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_is_read_for_the_case_that_asked_and_signed() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    hall.bind("W01", 4).await;
    let mut driver = terminal.start();
    driver.is_ready().await;
    let (birth, reader) = hall.born(ReaderCondition::Ready, 4).await;
    assert_eq!((birth.bseq, birth.last_counter, birth.proto), (1, 0, vec![PROTOCOL]));
    assert_eq!(reader.kind, ReaderSource::Virtual);
    assert_eq!(reader.sam, Some(VIRTUAL_SAM.to_string()));

    hall.ask(id(1)).await;
    hall.acknowledged(id(1), AckStatus::Received).await;
    hall.acknowledged(id(1), AckStatus::Waiting { ask: CardAsk::Place }).await;
    terminal.sim.place(wang()).unwrap();
    hall.acknowledged(id(1), AckStatus::Reading).await;
    let (answer, payload) = hall.answer(&terminal.key()).await;
    assert!(answer.outcome == ReadOutcome::Read { card: Box::new(wang()) }, "another card");
    assert_eq!((answer.cmd, answer.bind_epoch, answer.case), (id(1), 4, read(id(1)).case));
    assert_eq!((answer.dev.clone(), answer.counter, answer.boot), (hall.device.clone(), 1, birth.boot));
    assert_eq!((answer.source, answer.sam), (ReaderSource::Virtual, reader.sam));

    // No receipt: the same bytes come again.
    let (_, again) = hall.answer(&terminal.key()).await;
    assert!(payload == again, "an answer was signed anew");
    let answer = hall_bus::decode(&payload).unwrap();
    hall.receipt(&answer).await;
    let idle = |message| match message {
        UpMessage::Heartbeat(beat) if beat.q == 0 => Some(beat.bseq),
        _ => None,
    };
    assert_eq!(hall.hear(idle).await, 1);
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_card_is_on_the_terminals_disk() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    terminal.sim.place(wang()).unwrap();
    hall.ask(id(1)).await;
    hall.answer(&terminal.key()).await;
    let disk = terminal.on_disk();
    for secret in ["王芳", "519900199003070011", "测试市公安局"] {
        assert!(!disk.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_request_takes_the_reader_over() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    hall.ask(id(1)).await;
    hall.acknowledged(id(1), AckStatus::Waiting { ask: CardAsk::Place }).await;
    hall.ask(id(2)).await;
    let (first, _) = hall.answer(&terminal.key()).await;
    assert_eq!((first.cmd, first.outcome), (id(1), ReadOutcome::Failed { reason: ReadFailure::Stopped }));
    hall.receipt(&hall_bus::ReaderAnswer {
        outcome: ReadOutcome::Failed { reason: ReadFailure::Stopped },
        ..first
    })
    .await;
    hall.acknowledged(id(2), AckStatus::Waiting { ask: CardAsk::Place }).await;
    terminal.sim.place(wang()).unwrap();
    let (second, _) = hall.answer_to(id(2), &terminal.key()).await;
    assert_eq!(second.case, read(id(2)).case);
    assert!(matches!(second.outcome, ReadOutcome::Read { .. }));
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_read_is_answered_and_gives_no_card() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    hall.ask(id(1)).await;
    hall.acknowledged(id(1), AckStatus::Waiting { ask: CardAsk::Place }).await;
    hall.say(Down::Stop, &Stop { id: id(1) }).await;
    let (answer, _) = hall.answer(&terminal.key()).await;
    assert_eq!(answer.outcome, ReadOutcome::Failed { reason: ReadFailure::Stopped });
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_cannot_be_carried_out_are_refused_with_their_reason() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    let other_window = hall_bus::Read { window: "W02".to_owned(), ..read(id(1)) };
    hall.say(Down::Read, &other_window).await;
    hall.acknowledged(id(1), AckStatus::Rejected { reason: AckRefusal::BindEpoch }).await;

    hall.say_bytes(Down::Read, format!(r#"{{"v":1,"id":"{}","want":"passport"}}"#, id(2)).into_bytes()).await;
    hall.acknowledged(id(2), AckStatus::Rejected { reason: AckRefusal::Malformed }).await;
    hall.say_bytes(Down::Read, b"\xff\xff".to_vec()).await;

    terminal.sim.unplug();
    hall.born(ReaderCondition::Unplugged, 4).await;
    hall.ask(id(3)).await;
    hall.acknowledged(id(3), AckStatus::Rejected { reason: AckRefusal::NotReady }).await;
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_box_sees_the_reader_pulled_plugged_and_unlicensed() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    hall.ask(id(1)).await;
    hall.acknowledged(id(1), AckStatus::Waiting { ask: CardAsk::Place }).await;
    terminal.sim.unplug();
    let (answer, _) = hall.answer(&terminal.key()).await;
    assert_eq!(answer.outcome, ReadOutcome::Failed { reason: ReadFailure::Unplugged });
    terminal.sim.plug().unwrap();
    hall.born(ReaderCondition::Ready, 4).await;
    terminal.sim.fault(Fault::NOT_LICENSED);
    hall.born(ReaderCondition::NoLicence, 4).await;
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_outlives_the_broker() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    terminal.sim.place(wang()).unwrap();
    hall.ask(id(1)).await;
    let (_, before) = hall.answer(&terminal.key()).await;
    hall.restart_broker().await;
    hall.bind("W01", 4).await;
    let (birth, _) = hall.born(ReaderCondition::Ready, 4).await;
    assert_eq!(birth.bseq, 2, "each connection has its own number");
    let (_, after) = hall.answer(&terminal.key()).await;
    assert!(before == after, "an answer was signed anew");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_go_on_after_the_driver_was_killed() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    terminal.sim.place(wang()).unwrap();
    let driver = terminal.start_bound(&mut hall).await;
    hall.ask(id(1)).await;
    let (first, _) = hall.answer(&terminal.key()).await;
    driver.kill().await;

    let driver = terminal.start();
    let (birth, _) = hall.born(ReaderCondition::Ready, 4).await;
    assert_eq!((birth.bseq, birth.last_counter), (2, 1));
    assert_ne!(birth.boot, first.boot);
    // The card went with the process; the box asks again, and the citizen lays it down again.
    terminal.sim.lift();
    terminal.sim.place(wang()).unwrap();
    hall.ask(id(2)).await;
    let (second, _) = hall.answer(&terminal.key()).await;
    assert_eq!((second.cmd, second.counter), (id(2), 2));
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_stops_says_so_and_one_that_dies_is_missed() {
    let lost = |message| match message {
        UpMessage::State(DeviceState::Lost { bseq }) => Some(bseq),
        _ => None,
    };
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    terminal.start_bound(&mut hall).await.stop().await;
    assert_eq!(hall.hear(lost).await, 1);
    terminal.start_bound(&mut hall).await.kill().await;
    assert_eq!(hall.hear(lost).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_birth_is_said_again_when_the_box_asks() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    hall.say(Down::Control, &Control { id: id(1), action: ControlAction::Rebirth }).await;
    let (birth, _) = hall.born(ReaderCondition::Ready, 4).await;
    assert_eq!(birth.bseq, 1);
    driver.stop().await;
}

/// Its broker may have stayed up, so the connection tells nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_birth_is_said_again_to_a_box_that_was_started_anew() {
    let beat = |message| matches!(message, UpMessage::Heartbeat(_)).then_some(());
    let mut hall = Hall::open().await;
    hall.stands(id(7)).await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    hall.hear(beat).await;
    hall.stands(id(8)).await;
    let (birth, _) = hall.born(ReaderCondition::Ready, 4).await;
    assert_eq!(birth.bseq, 1);
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpaired_driver_forgets_its_credentials_and_ends() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    hall.say(Down::Control, &Control { id: id(1), action: ControlAction::Unpair }).await;
    assert_eq!(driver.ended().await, Ok(Ended::Unpaired));
    assert!(terminal.data.load().is_err());
    let error = terminal.start().ended().await.unwrap_err();
    assert!(error.contains("hall-driver pair"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_driver_on_the_same_folder_is_refused() {
    let mut hall = Hall::open().await;
    let terminal = Terminal::paired(&hall);
    let driver = terminal.start_bound(&mut hall).await;
    let error = terminal.start().ended().await.unwrap_err();
    assert!(error.contains("another driver is running"), "{error}");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_with_another_certificate_authority_is_not_spoken_to() {
    let mut hall = Hall::open().await;
    let stranger = Hall::open().await;
    let terminal = Terminal::paired(&stranger);
    let mut paired = terminal.data.load().unwrap();
    paired.credentials.grant = hall.grant();
    terminal.data.save(&paired).unwrap();
    let driver = terminal.start();
    // Several attempts are made, none of which gets as far as a birth.
    super::hall::within(async {
        while terminal.data.counters().unwrap().bseq < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(hall.heard_nothing());
    driver.stop().await;
}
