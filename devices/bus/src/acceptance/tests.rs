use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::evaluator::{AuthorizePage, LicenceRow, NoticePage, PageKind, Place, RatingLevel, RatingPage};
use crate::ids::DeviceKind;
use crate::payload::encode;
use crate::reader::{ReadFailure, ReaderSource, Want};

const NOW: Timestamp = Timestamp(1_795_224_600_000);

fn id(number: u128) -> MessageId {
    MessageId::from_parts(NOW, number)
}

fn device_id(number: u128) -> DeviceId {
    DeviceId::new(DeviceKind::Evaluator, ulid::Ulid::from_parts(1, number))
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn device() -> DeviceRecord {
    DeviceRecord {
        id: device_id(1),
        standing: Standing::Active,
        keys: BTreeMap::from([(2, signer().verifying_key().into())]),
        counter: 10,
        bind_epoch: 4,
    }
}

fn authorize() -> Page {
    let row = |row: &str| LicenceRow {
        note: None,
        row: row.to_owned(),
        name: "居民户口簿".to_owned(),
        holder: "王*".to_owned(),
        fields: vec!["姓名".to_owned()],
        required: true,
    };
    Page::Authorize(Box::new(AuthorizePage {
        case_no: "C-1".to_owned(),
        item: "内资公司设立登记".to_owned(),
        department: "市场监督管理局".to_owned(),
        hall: "示范大厅".to_owned(),
        window: "1号窗口".to_owned(),
        applicant: "王*".to_owned(),
        on_behalf_of: None,
        purpose: "办理本事项".to_owned(),
        offline_notice: None,
        valid_until_text: "本次办件结束".to_owned(),
        licences: vec![row("m1"), row("m2")],
        text_version: "auth-2026-11".to_owned(),
        min_view_ms: 3_000,
        deadline_ms: 120_000,
        confirm_label: "同意授权".to_owned(),
    }))
}

fn rating() -> Page {
    let level = |level, label: &str, reasons: &[&str]| RatingLevel {
        level,
        label: label.to_owned(),
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    Page::Rating(RatingPage {
        service: "内资公司设立登记".to_owned(),
        case_no: "C-1".to_owned(),
        rubric: "2026-01".to_owned(),
        levels: vec![level(5, "非常满意", &[]), level(2, "不满意", &["等候时间长"])],
        reason_required_below: 3,
    })
}

fn command(page: Page) -> Command<Show> {
    let place = Place { window: "W01".to_owned(), bind_epoch: 4 };
    let show = Show::new(id(100), place, 78, NOW, 120_000, page).unwrap();
    Command { device: device_id(1), request: show, deadline: NOW.plus_ms(120_000), state: CommandState::Open }
}

fn answer(command: &Command<Show>, outcome: Outcome) -> Answer {
    Answer {
        id: id(200),
        dev: device_id(1),
        cmd: command.request.id,
        generation: command.request.generation,
        bind_epoch: command.request.bind_epoch,
        page: command.request.page.kind(),
        digest: command.request.digest,
        outcome,
        counter: 11,
        boot: id(1),
        dev_time: Timestamp(0),
        shown_ms: 9_000,
        touches: 3,
        sw: "0.1.0".to_owned(),
    }
}

fn confirmed(rows: &[&str]) -> Outcome {
    Outcome::Confirmed { refused_rows: rows.iter().map(|row| (*row).to_owned()).collect() }
}

fn signed<A: serde::Serialize>(answer: &A) -> Jws {
    Jws::sign(&signer(), &format!("{}#2", device_id(1)), ANSWER_TYPE, &encode(answer).unwrap())
}

fn decide(command: &Command<Show>, answer: &Answer, received: Timestamp) -> Verdict {
    let verified = verify::<Answer>(&signed(answer), &device_id(1), &device()).unwrap();
    judge(&verified, &device(), None, Some(command), received)
}

#[test]
fn a_signed_answer_to_an_open_page_is_accepted() {
    let command = command(authorize());
    for outcome in [
        confirmed(&[]),
        confirmed(&["m2"]),
        confirmed(&["m1", "m2"]),
        Outcome::Refused {},
        Outcome::Timeout {},
    ] {
        assert_eq!(
            decide(&command, &answer(&command, outcome.clone()), NOW),
            Verdict::Accepted,
            "{outcome:?}"
        );
    }
}

fn notice(refuse_label: Option<&str>) -> Page {
    Page::Notice(Box::new(NoticePage {
        title: "代办人确认".to_owned(),
        text: vec!["您代他人办理本事项。".to_owned()],
        case_no: "C-1".to_owned(),
        hall: "示范大厅".to_owned(),
        window: "1号窗口".to_owned(),
        rows: Vec::new(),
        offline_notice: None,
        text_version: "notice-2026-11".to_owned(),
        min_view_ms: 3_000,
        deadline_ms: 120_000,
        confirm_label: "确认".to_owned(),
        refuse_label: refuse_label.map(str::to_owned),
    }))
}

#[test]
fn a_notice_is_confirmed_as_a_whole_and_refused_only_where_it_can_be() {
    let wrong = Verdict::Rejected(Rejection::Outcome);
    let (duty, delegate) = (command(notice(None)), command(notice(Some("不是我"))));
    for (command, outcome, verdict) in [
        (&duty, confirmed(&[]), Verdict::Accepted),
        (&duty, confirmed(&["m1"]), wrong),
        (&duty, Outcome::Refused {}, wrong),
        (&duty, Outcome::Dismissed {}, wrong),
        (&duty, Outcome::Timeout {}, Verdict::Accepted),
        (&delegate, Outcome::Refused {}, Verdict::Accepted),
    ] {
        assert_eq!(decide(command, &answer(command, outcome.clone()), NOW), verdict, "{outcome:?}");
    }
    let quick = Answer { shown_ms: 2_999, ..answer(&duty, confirmed(&[])) };
    assert_eq!(decide(&duty, &quick, NOW), Verdict::Rejected(Rejection::TooQuick));
}

#[test]
fn a_code_for_the_phone_can_be_closed_and_never_agreed_to() {
    let show: Show = crate::payload::decode(include_bytes!("../../fixtures/show-challenge.json")).unwrap();
    let command = command(show.page);
    for (outcome, verdict) in [
        (Outcome::Dismissed {}, Verdict::Accepted),
        (Outcome::Timeout {}, Verdict::Accepted),
        (confirmed(&[]), Verdict::Rejected(Rejection::Outcome)),
        (Outcome::Refused {}, Verdict::Rejected(Rejection::Outcome)),
    ] {
        assert_eq!(decide(&command, &answer(&command, outcome.clone()), NOW), verdict, "{outcome:?}");
    }
}

#[test]
fn a_device_that_is_not_in_good_standing_is_not_heard() {
    let command = command(authorize());
    let jws = signed(&answer(&command, confirmed(&[])));
    for standing in [Standing::Quarantined, Standing::Revoked] {
        let device = DeviceRecord { standing, ..device() };
        assert_eq!(verify::<Answer>(&jws, &device_id(1), &device), Err(Rejection::Standing));
    }
}

#[test]
fn only_an_active_key_of_the_device_signs_for_it() {
    let command = command(authorize());
    let good = answer(&command, confirmed(&[]));
    let body = encode(&good).unwrap();
    let kid = format!("{}#2", device_id(1));
    let of = |jws: &Jws| verify::<Answer>(jws, &device_id(1), &device()).map(|_| ());
    assert_eq!(of(&signed(&good)), Ok(()));
    let old_generation = Jws::sign(&signer(), &format!("{}#1", device_id(1)), ANSWER_TYPE, &body);
    assert_eq!(of(&old_generation), Err(Rejection::UnknownKey));
    let other_key = Jws::sign(&SigningKey::from_bytes(&[8; 32]), &kid, ANSWER_TYPE, &body);
    assert_eq!(of(&other_key), Err(Rejection::Jws(JwsError::Signature)));
    let other_type = Jws::sign(&signer(), &kid, crate::jws::PAIRING_TYPE, &body);
    assert_eq!(of(&other_type), Err(Rejection::Jws(JwsError::Type)));
    let no_answer = Jws::sign(&signer(), &kid, ANSWER_TYPE, br#"{"v":1}"#);
    assert_eq!(of(&no_answer), Err(Rejection::Payload));
}

#[test]
fn a_device_speaks_only_for_itself_and_on_its_own_topic() {
    let command = command(authorize());
    let good = answer(&command, confirmed(&[]));
    assert_eq!(verify::<Answer>(&signed(&good), &device_id(2), &device()), Err(Rejection::OtherDevice));
    let other = Answer { dev: device_id(2), ..good };
    assert_eq!(verify::<Answer>(&signed(&other), &device_id(1), &device()), Err(Rejection::OtherDevice));
}

#[test]
fn the_same_bytes_again_change_nothing_and_are_told_what_became_of_them() {
    let command = command(authorize());
    let verified =
        verify::<Answer>(&signed(&answer(&command, confirmed(&[]))), &device_id(1), &device()).unwrap();
    let after = DeviceRecord { counter: 11, ..device() };
    let answered = Command { state: CommandState::Answered, ..command };
    for (result, told) in [
        (ReceiptResult::Accepted, ReceiptResult::Duplicate),
        (ReceiptResult::Stale, ReceiptResult::Stale),
        (ReceiptResult::Rejected, ReceiptResult::Rejected),
    ] {
        let earlier = Earlier { digest: verified.digest(), result };
        let verdict = judge(&verified, &after, Some(earlier), Some(&answered), NOW.plus_ms(999_999));
        assert_eq!(verdict, Verdict::Duplicate(result));
        assert_eq!(verdict.result(), told);
        assert!(!verdict.advances_counter() && !verdict.is_security_event());
    }
    let other = Earlier { digest: Digest::of_bytes(b"other"), result: ReceiptResult::Accepted };
    let verdict = judge(&verified, &after, Some(other), Some(&answered), NOW);
    assert_eq!(verdict, Verdict::Rejected(Rejection::IdReused));
}

#[test]
fn what_does_not_belong_to_the_command_is_rejected() {
    let command = command(authorize());
    let good = answer(&command, confirmed(&[]));
    let cases = [
        (Answer { counter: 10, ..good.clone() }, Rejection::Replay),
        (Answer { cmd: id(101), ..good.clone() }, Rejection::UnknownCommand),
        (Answer { bind_epoch: 3, ..good.clone() }, Rejection::BindEpoch),
        (Answer { generation: 77, ..good.clone() }, Rejection::Generation),
        (Answer { generation: 79, ..good.clone() }, Rejection::Generation),
        (Answer { digest: Digest::of_bytes(b"another page"), ..good.clone() }, Rejection::Digest),
        (Answer { page: PageKind::Rating, ..good.clone() }, Rejection::Outcome),
        (Answer { outcome: confirmed(&["m3"]), ..good.clone() }, Rejection::Outcome),
        (Answer { outcome: Outcome::Dismissed {}, ..good.clone() }, Rejection::Outcome),
        (Answer { shown_ms: 2_999, ..good.clone() }, Rejection::TooQuick),
    ];
    for (bad, why) in cases {
        let verdict = decide(&command, &bad, NOW);
        assert_eq!(verdict, Verdict::Rejected(why));
        assert!(verdict.is_security_event() && !verdict.advances_counter());
        assert_eq!(verdict.receipt(bad.id, bad.cmd).reason, Some(why.to_string()));
    }
    let verified = verify::<Answer>(&signed(&good), &device_id(1), &device()).unwrap();
    assert_eq!(judge(&verified, &device(), None, None, NOW), Verdict::Rejected(Rejection::UnknownCommand));
    let of_another = Command { device: device_id(2), ..command };
    assert_eq!(
        judge(&verified, &device(), None, Some(&of_another), NOW),
        Verdict::Rejected(Rejection::UnknownCommand)
    );
}

#[test]
fn a_refusal_needs_no_viewing_time() {
    let command = command(authorize());
    let quick = Answer { shown_ms: 0, ..answer(&command, Outcome::Refused {}) };
    assert_eq!(decide(&command, &quick, NOW), Verdict::Accepted);
}

#[test]
fn an_answer_to_a_closed_or_expired_page_is_stale_and_never_applied() {
    let open = command(authorize());
    let good = answer(&open, confirmed(&[]));
    for state in [CommandState::Answered, CommandState::Cancelled, CommandState::Expired] {
        let closed = Command { state, ..open.clone() };
        assert_eq!(decide(&closed, &good, NOW), Verdict::Stale { why: Stale::Closed, decides: true });
    }
    assert_eq!(decide(&open, &good, open.deadline.plus_ms(GRACE_MS)), Verdict::Accepted);
    let late = Verdict::Stale { why: Stale::Late, decides: true };
    assert_eq!(decide(&open, &good, open.deadline.plus_ms(GRACE_MS + 1)), late);
    assert!(late.advances_counter() && late.is_security_event());
    let verified = verify::<Answer>(&signed(&good), &device_id(1), &device()).unwrap();
    let moved = DeviceRecord { bind_epoch: 5, ..device() };
    assert_eq!(
        judge(&verified, &moved, None, Some(&open), NOW),
        Verdict::Stale { why: Stale::Rebound, decides: true }
    );
}

#[test]
fn the_end_of_a_message_that_asked_nothing_is_no_security_event_and_nothing_else_passes_so() {
    let told = Answer { page: PageKind::Message, ..answer(&command(authorize()), Outcome::Timeout {}) };
    let without_command = |answer: &Answer| {
        let verified = verify::<Answer>(&signed(answer), &device_id(1), &device()).unwrap();
        judge(&verified, &device(), None, None, NOW)
    };
    for outcome in [Outcome::Timeout {}, Outcome::Dismissed {}] {
        let verdict = without_command(&Answer { outcome, ..told.clone() });
        assert_eq!(verdict, Verdict::Stale { why: Stale::Closed, decides: false });
        assert!(verdict.advances_counter() && !verdict.is_security_event());
    }
    let unknown = Verdict::Rejected(Rejection::UnknownCommand);
    assert_eq!(without_command(&Answer { outcome: confirmed(&[]), ..told.clone() }), unknown);
    assert_eq!(without_command(&Answer { page: PageKind::Authorize, ..told.clone() }), unknown);
    let replayed = DeviceRecord { counter: told.counter, ..device() };
    let verified = verify::<Answer>(&signed(&told), &device_id(1), &device()).unwrap();
    let verdict = judge(&verified, &replayed, None, None, NOW);
    assert_eq!(verdict, Verdict::Rejected(Rejection::Replay));
}

#[test]
fn a_late_time_out_is_no_security_event() {
    let closed = Command { state: CommandState::Expired, ..command(authorize()) };
    let verdict = decide(&closed, &answer(&closed, Outcome::Timeout {}), NOW);
    assert_eq!(verdict, Verdict::Stale { why: Stale::Closed, decides: false });
    assert!(!verdict.is_security_event());
}

#[test]
fn a_rating_is_of_the_rubric_and_poor_ones_have_a_reason() {
    let command = command(rating());
    let rated = |level, reasons: &[&str], comment: &str| Outcome::Rated {
        level,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        comment: comment.to_owned(),
    };
    for good in [
        rated(5, &[], ""),
        rated(2, &["等候时间长"], ""),
        rated(2, &[], "叫号太慢"),
        Outcome::Dismissed {},
        Outcome::Timeout {},
    ] {
        assert_eq!(decide(&command, &answer(&command, good.clone()), NOW), Verdict::Accepted, "{good:?}");
    }
    for bad in
        [rated(4, &[], ""), rated(2, &[], " "), rated(2, &["别的"], ""), Outcome::Refused {}, confirmed(&[])]
    {
        let verdict = decide(&command, &answer(&command, bad.clone()), NOW);
        assert_eq!(verdict, Verdict::Rejected(Rejection::Outcome), "{bad:?}");
    }
}

#[test]
fn a_card_read_counts_only_for_the_case_it_was_asked_for() {
    let read = Read {
        id: id(100),
        bind_epoch: 4,
        window: "W01".to_owned(),
        case: "binding-1".to_owned(),
        want: Want::IdentityCard,
        ttl_ms: 30_000,
    };
    let command = Command {
        device: device_id(1),
        request: read,
        deadline: NOW.plus_ms(30_000),
        state: CommandState::Open,
    };
    let answer = ReaderAnswer {
        id: id(200),
        dev: device_id(1),
        cmd: id(100),
        bind_epoch: 4,
        case: "binding-1".to_owned(),
        outcome: ReadOutcome::Failed { reason: ReadFailure::CardLifted },
        sam: None,
        source: ReaderSource::Virtual,
        counter: 11,
        boot: id(1),
        dev_time: NOW,
    };
    let decide = |answer: &ReaderAnswer, command: &Command<Read>| {
        let verified = verify::<ReaderAnswer>(&signed(answer), &device_id(1), &device()).unwrap();
        judge(&verified, &device(), None, Some(command), NOW)
    };
    assert_eq!(decide(&answer, &command), Verdict::Accepted);
    let other = ReaderAnswer { case: "binding-2".to_owned(), ..answer.clone() };
    assert_eq!(decide(&other, &command), Verdict::Rejected(Rejection::OtherCase));
    let closed = Command { state: CommandState::Cancelled, ..command };
    assert_eq!(decide(&answer, &closed), Verdict::Stale { why: Stale::Closed, decides: false });
}

/// A box in memory: what the real one keeps in its tables.
struct World {
    device: DeviceRecord,
    commands: BTreeMap<MessageId, Command<Show>>,
    earlier: BTreeMap<MessageId, Earlier>,
    accepted: Vec<(MessageId, MessageId)>,
    sent: Vec<Jws>,
    now: Timestamp,
    next: u128,
}

impl World {
    fn new() -> Self {
        Self {
            device: DeviceRecord { counter: 0, ..device() },
            commands: BTreeMap::new(),
            earlier: BTreeMap::new(),
            accepted: Vec::new(),
            sent: Vec::new(),
            now: NOW,
            next: 1,
        }
    }

    fn fresh(&mut self) -> MessageId {
        self.next += 1;
        id(self.next)
    }

    fn receive(&mut self, jws: &Jws) -> Verdict {
        let verified = match verify::<Answer>(jws, &device_id(1), &self.device) {
            Ok(verified) => verified,
            Err(rejection) => return Verdict::Rejected(rejection),
        };
        let (id, cmd, counter) = (verified.answer().id, verified.answer().cmd, verified.answer().counter);
        let earlier = self.earlier.get(&id).copied();
        let verdict = judge(&verified, &self.device, earlier, self.commands.get(&cmd), self.now);
        if verdict.advances_counter() {
            self.device.counter = counter;
        }
        if earlier.is_none() {
            self.earlier.insert(id, Earlier { digest: verified.digest(), result: verdict.result() });
        }
        if verdict == Verdict::Accepted {
            self.accepted.push((cmd, id));
            self.commands.get_mut(&cmd).unwrap().state = CommandState::Answered;
        }
        verdict
    }
}

#[derive(Debug, Clone)]
enum Step {
    Issue,
    Cancel(prop::sample::Index),
    Answer(prop::sample::Index, bool),
    Replay(prop::sample::Index),
    Rebind,
    Wait(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Issue),
        1 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        4 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(at, lost)| Step::Answer(at, lost)),
        4 => any::<prop::sample::Index>().prop_map(Step::Replay),
        1 => Just(Step::Rebind),
        1 => (0u32..200_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn however_answers_are_lost_repeated_and_reordered_each_page_is_answered_at_most_once(steps in steps()) {
        let mut world = World::new();
        let mut counter = 0;
        for step in steps {
            match step {
                Step::Issue => {
                    let command = command(authorize());
                    let request = Show { id: world.fresh(), bind_epoch: world.device.bind_epoch, ..command.request };
                    let deadline = world.now.plus_ms(120_000);
                    world.commands.insert(request.id, Command { request, deadline, ..command });
                }
                Step::Cancel(at) if !world.commands.is_empty() => {
                    let cmd = *at.get(&world.commands.keys().copied().collect::<Vec<_>>());
                    let command = world.commands.get_mut(&cmd).unwrap();
                    if command.state == CommandState::Open {
                        command.state = CommandState::Cancelled;
                    }
                }
                Step::Answer(at, lost) if !world.commands.is_empty() => {
                    let cmd = *at.get(&world.commands.keys().copied().collect::<Vec<_>>());
                    let before = world.commands[&cmd].clone();
                    counter += 1;
                    let answer = Answer { id: world.fresh(), counter, ..answer(&before, confirmed(&["m1"])) };
                    let jws = signed(&answer);
                    world.sent.push(jws.clone());
                    if !lost {
                        let open = before.state == CommandState::Open
                            && before.request.bind_epoch == world.device.bind_epoch
                            && world.now.0 <= before.deadline.0 + GRACE_MS;
                        prop_assert_eq!(world.receive(&jws) == Verdict::Accepted, open);
                    }
                }
                Step::Replay(at) if !world.sent.is_empty() => {
                    let jws = at.get(&world.sent).clone();
                    let known = world.device.counter;
                    let count = world.accepted.len();
                    let verdict = world.receive(&jws);
                    if verdict != Verdict::Accepted {
                        prop_assert_eq!(world.accepted.len(), count);
                    }
                    prop_assert!(world.device.counter >= known);
                    prop_assert_ne!(world.receive(&jws), Verdict::Accepted);
                }
                Step::Rebind => world.device.bind_epoch += 1,
                Step::Wait(ms) => world.now = world.now.plus_ms(i64::from(ms)),
                Step::Cancel(_) | Step::Answer(..) | Step::Replay(_) => {}
            }
        }
        let answered: BTreeSet<_> = world.accepted.iter().map(|(cmd, _)| *cmd).collect();
        prop_assert_eq!(answered.len(), world.accepted.len());
        for command in world.commands.values() {
            prop_assert_eq!(command.state == CommandState::Answered, answered.contains(&command.request.id));
        }
    }
}
