//! What the hub makes of what devices say and do not say.

use super::presence::SILENCE_MS;
use crate::devices::broker::{Broker, Credential, hash_password};
use crate::devices::fixture::Window;
use crate::live::Change;
use crate::store::devices::{self as rows, CommandKind, Presence};
use hall_bus::evaluator::{MessageLevel, MessagePage, Page, Place, Show};
use hall_bus::messages::{About, Ack, AckStatus, Birth, CardAsk, DeviceState, EvaluatorStatus, Heartbeat};
use hall_bus::reader::{ReaderCondition, ReaderSource, ReaderStatus};
use hall_bus::{DeviceId, DeviceKind, Digest, MessageId, Topic, Up, UpMessage, encode};
use hall_domain::case::CommandId;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::{AsyncClient, MqttOptions};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

fn birth(bseq: u64, state: ReaderCondition) -> UpMessage {
    let reader =
        ReaderStatus { kind: ReaderSource::Virtual, port: "/dev/ttyS0".to_owned(), sam: None, state };
    UpMessage::State(DeviceState::Ready(Birth {
        bseq,
        boot: MessageId::from_parts(hall_domain::Timestamp(1), 1),
        proto: vec![1],
        sw: "0.1.0".to_owned(),
        bind_epoch: 1,
        last_counter: 0,
        about: About::Reader(reader),
    }))
}

fn evaluator_birth(bseq: u64, generation: u64, cmd: Option<&CommandId>) -> UpMessage {
    let cmd = cmd.map(|id| id.as_str().parse().unwrap());
    let status = EvaluatorStatus { pages: Vec::new(), screen: [1280, 800], webview: None, generation, cmd };
    let UpMessage::State(DeviceState::Ready(birth)) = birth(bseq, ReaderCondition::Ready) else {
        unreachable!()
    };
    UpMessage::State(DeviceState::Ready(Birth { about: About::Evaluator(status), ..birth }))
}

impl Window {
    async fn hears(&self, device: &DeviceId, message: UpMessage) {
        self.hub.hear(device.clone(), message).await;
    }

    async fn beats(&self, device: &DeviceId) {
        let t0 = self.book.clock.now();
        self.hears(device, UpMessage::Heartbeat(Heartbeat { bseq: 1, generation: None, up_s: 1, t0, q: 0 }))
            .await;
    }

    async fn state(&self, device: &DeviceId) -> Presence {
        self.found(device).await.state
    }

    /// Waits until a device is called so.
    async fn until(&self, device: &DeviceId, state: Presence) {
        let mut live = self.live.listen();
        let waiting = async {
            while self.state(device).await != state {
                live.recv().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    }

    async fn shown(&self, command: &CommandId) -> i64 {
        let id = command.clone();
        self.write(move |tx| rows::command(tx, &id)).await.unwrap().shown_at.0
    }
}

#[tokio::test]
async fn a_new_link_knows_of_no_device_until_it_is_born() {
    let window = Window::new().await;
    let (one, other) =
        (window.device(DeviceKind::CardReader).await, window.device(DeviceKind::Evaluator).await);
    window.hears(&one, birth(4, ReaderCondition::Ready)).await;
    assert_eq!(window.state(&one).await, Presence::Ready);
    let mut live = window.live.listen();
    window.hub.greet().await.unwrap();
    assert_eq!(window.state(&one).await, Presence::Lost);
    assert_eq!(live.try_recv().unwrap(), Change::Devices);
    // Whether it is there after all, only its birth tells: the retained one, with the same number.
    window.beats(&one).await;
    assert_eq!(window.state(&one).await, Presence::Lost);
    window.hears(&one, birth(4, ReaderCondition::Ready)).await;
    assert_eq!(window.state(&one).await, Presence::Ready);
    assert_eq!(window.state(&other).await, Presence::Lost);
}

#[tokio::test]
async fn a_silent_device_is_lost_until_it_is_heard_again() {
    let window = Window::new().await;
    let reader = window.device(DeviceKind::CardReader).await;
    for (condition, word) in
        [(ReaderCondition::Ready, Presence::Ready), (ReaderCondition::Unplugged, Presence::Fault)]
    {
        window.hears(&reader, birth(4, condition)).await;
        let seen = window.found(&reader).await.seen_at;
        window.hub.lose_silent(seen.plus_ms(SILENCE_MS)).await.unwrap();
        assert_eq!(window.state(&reader).await, word, "not yet");
        let mut live = window.live.listen();
        window.hub.lose_silent(seen.plus_ms(SILENCE_MS + 1)).await.unwrap();
        assert_eq!(window.state(&reader).await, Presence::Lost);
        assert_eq!(live.try_recv().unwrap(), Change::Devices);
        window.beats(&reader).await;
        assert_eq!(window.state(&reader).await, word);
        assert_eq!(live.try_recv().unwrap(), Change::Devices);
    }

    // One that died while it was silent stays lost.
    let seen = window.found(&reader).await.seen_at;
    window.hub.lose_silent(seen.plus_ms(SILENCE_MS + 1)).await.unwrap();
    window.hears(&reader, UpMessage::State(DeviceState::Lost { bseq: 4 })).await;
    window.beats(&reader).await;
    assert_eq!(window.state(&reader).await, Presence::Lost);
}

#[tokio::test]
async fn a_device_speaks_for_its_own_commands_alone() {
    let window = Window::new().await;
    let reader = window.device(DeviceKind::CardReader).await;
    let other = window.device(DeviceKind::Evaluator).await;
    let case = "01case".parse().unwrap();
    let command = window.command(&reader, rows::CommandKind::Read, Some(case)).await;
    let ack = |id: &CommandId| {
        let cmd = id.as_str().parse().unwrap();
        UpMessage::Ack(Ack {
            cmd,
            generation: None,
            status: AckStatus::Waiting { ask: CardAsk::Place },
            at: None,
        })
    };
    let mut live = window.live.listen();
    window.hears(&other, ack(&command)).await;
    assert_eq!(window.shown(&command).await, 0);
    assert!(live.try_recv().is_err(), "nothing has changed");
    window.hears(&reader, ack(&command)).await;
    assert!(window.shown(&command).await > 0);
    assert!(matches!(live.try_recv(), Ok(Change::Case(_))));
}

#[tokio::test]
async fn a_broker_that_starts_anew_remembers_no_device() {
    let window = Window::new().await;
    let reader = window.device(DeviceKind::CardReader).await;
    let dir = tempfile::tempdir().unwrap();
    let credential = Credential { device: reader.to_string(), hash: hash_password("secret") };
    let broker = Broker::prepare(dir.path(), &[credential]).unwrap();
    let (mut stands, stop) = (broker.stands(), CancellationToken::new());
    let password = broker.password().to_owned();
    let tasks = [
        tokio::spawn(window.hub.clone().run(broker.stands(), password, stop.clone())),
        tokio::spawn(broker.supervise(stop.clone())),
    ];
    let address = stands.wait_for(Option::is_some).await.unwrap().unwrap();
    let mut options = MqttOptions::new(reader.to_string(), address.ip().to_string(), address.port());
    options.set_credentials(reader.to_string(), "secret");
    let (client, mut events) = AsyncClient::new(options, 8);
    let UpMessage::State(state) = birth(4, ReaderCondition::Ready) else { unreachable!() };
    let topic = Topic::Up(reader.clone(), Up::State).to_string();
    client.try_publish(topic, QoS::AtLeastOnce, true, encode(&state).unwrap()).unwrap();
    let device = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    window.until(&reader, Presence::Ready).await;

    // The device does not come back; the broker does, without its birth.
    let pid: i32 = std::fs::read_to_string(dir.path().join("mosquitto.pid")).unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    device.await.unwrap();
    window.until(&reader, Presence::Lost).await;
    stop.cancel();
    for task in tasks {
        tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_device_that_is_not_there_has_a_while_to_come_back_to_a_new_link() {
    let window = Window::new().await;
    let reader = window.device(DeviceKind::CardReader).await;
    window.hub.greet().await.unwrap();
    let until = window.hub.returns_until();
    assert!(until > window.book.clock.now());
    let can_ask = async |at| window.hub.can_ask(&window.found(&reader).await, at);
    assert!(can_ask(until.plus_ms(-1)).await);
    assert!(!can_ask(until).await);
    window.hears(&reader, birth(1, ReaderCondition::Unplugged)).await;
    assert!(!can_ask(until.plus_ms(-1)).await, "it is there, and says that it cannot");
    window.hears(&reader, birth(2, ReaderCondition::Ready)).await;
    assert!(can_ask(until).await);
}

impl Window {
    /// A page that waits on an evaluator, as it is stored.
    async fn page(&self, evaluator: &DeviceId, generation: u64) -> CommandId {
        let id = self.command(evaluator, CommandKind::Authorize, None).await;
        let place = Place { window: "W01".to_owned(), bind_epoch: 1 };
        let now = self.book.clock.now();
        let page = Page::Message(MessagePage {
            level: MessageLevel::Done,
            title: "感谢您的评价".to_owned(),
            text: String::new(),
        });
        let show = Show::new(id.as_str().parse().unwrap(), place, generation, now, 1_000, page).unwrap();
        let sealed = self.book.vault.seal("command", &serde_json::to_vec(&show).unwrap());
        let command = id.clone();
        self.write(move |tx| rows::renew_command(tx, &command, generation, &sealed)).await;
        id
    }

    /// The generation of a page: as the row and as the request have it.
    async fn generation(&self, command: &CommandId) -> u64 {
        let id = command.clone();
        let stored = self.write(move |tx| rows::command(tx, &id)).await.unwrap();
        let json = self.book.vault.open("command", &stored.request).unwrap();
        let show: Show = serde_json::from_slice(&json).unwrap();
        assert_eq!(show.generation, stored.gen_);
        stored.gen_
    }
}

#[tokio::test]
async fn a_page_that_the_device_has_overtaken_gets_a_generation_beyond() {
    let window = Window::new().await;
    let evaluator = window.device(DeviceKind::Evaluator).await;
    let (shown, waiting) = (window.page(&evaluator, 3).await, window.page(&evaluator, 4).await);
    let ack = |id: &CommandId| {
        let (cmd, digest) = (id.as_str().parse().unwrap(), Digest([0; 32]));
        UpMessage::Ack(Ack { cmd, generation: None, status: AckStatus::Shown { digest }, at: None })
    };
    window.hears(&evaluator, ack(&shown)).await;

    // It has taken that very page, and will show it.
    window.hears(&evaluator, evaluator_birth(1, 4, Some(&waiting))).await;
    assert_eq!(window.generation(&waiting).await, 4);
    // It has gone on to something else.
    window.hears(&evaluator, evaluator_birth(2, 70, None)).await;
    assert_eq!(window.generation(&waiting).await, 71);
    assert_eq!(window.generation(&shown).await, 3, "an answer to it may be on its way");
    window.hears(&evaluator, evaluator_birth(3, 70, None)).await;
    assert_eq!(window.generation(&waiting).await, 71, "it is beyond already");
}
