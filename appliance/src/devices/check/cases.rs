//! The cases of pages and their answers, and what all of them rest on.

use super::host::Host;
use super::report::Report;
use super::wire::{Heard, Wire};
use super::{pages, yes};
use crate::clock::Clock;
use hall_bus::acceptance::{DeviceAnswer, DeviceRecord, Rejection, verify};
use hall_bus::evaluator::{Page, Place};
use hall_bus::messages::{About, AckRefusal, AckStatus, Birth, Config, PROTOCOL, WindowName};
use hall_bus::payload::MAX_PAYLOAD;
use hall_bus::{
    Answer, DeviceState, Down, HallState, Jws, MessageId, Outcome, Receipt, ReceiptResult, Show, Topic,
    UpMessage, decode, encode,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a device may take to say something that waits for nobody.
pub(super) const PROMPT: Duration = Duration::from_secs(8);
/// How long a page is that nobody is meant to answer, in milliseconds.
pub(super) const LONG: u32 = 60_000;
/// How long what must not happen is waited for, beyond the time in which it would have been allowed.
pub(super) const QUIET: Duration = Duration::from_millis(2_500);
/// A page that is taken back can be agreed to after this long.
pub(super) const SHORT_VIEW: u32 = 2_500;
const WINDOW: &str = "W01";
/// Every character of a QR code's alphanumeric mode; and letters that it lacks.
const FIT: &str = "HB1:0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const UNFIT: &str = "hb1:小写";
const HEARTBEAT_S: u16 = 2;
const FIRST_BEAT: Duration = Duration::from_secs(20);

/// What a case comes to: fine, or what was wrong in a sentence.
pub(super) type Found = Result<(), String>;

/// A check under way.
pub(super) struct Check<'a> {
    pub host: &'a mut Host,
    pub wire: Wire,
    pub device: DeviceRecord,
    pub clock: Clock,
    pub patience: Duration,
    pub boot: MessageId,
    /// The birth that was heard last.
    pub birth: Option<Birth>,
    generation: u64,
    version: u64,
    shows: BTreeMap<MessageId, Show>,
}

/// An answer as it came, believed in nothing yet.
pub(super) struct Said {
    pub jws: Jws,
    pub answer: Answer,
}

impl<'a> Check<'a> {
    pub fn new(
        host: &'a mut Host,
        wire: Wire,
        device: DeviceRecord,
        clock: Clock,
        patience: Duration,
    ) -> Self {
        let boot = MessageId::from_parts(clock.now(), 1);
        let (generation, version, shows) = (0, 0, BTreeMap::new());
        Self { host, wire, device, clock, patience, boot, birth: None, generation, version, shows }
    }

    /// The device connects and says its birth.
    pub async fn born(&mut self) -> Found {
        self.announce().await;
        self.configure().await;
        let told = self.birth_after(0, self.patience).await;
        let birth = self.birth.as_ref().ok_or("没有上线消息")?;
        self.generation = match &birth.about {
            About::Evaluator(status) => status.generation,
            _ => return Err("上线消息不是评价器的".to_owned()),
        };
        yes(birth.proto.contains(&PROTOCOL), "proto 里没有 1")?;
        told.map(drop)
    }

    /// Pages, one after the other.
    pub async fn pages(&mut self, report: &mut Report) {
        report.note("5", "按配置的 hb_s 发心跳", self.heartbeat().await);
        report.note("6", "显示空闲页，shown 的摘要是自己算的", self.idle_shown().await);
        report.note("6", "显示授权页，同意后发出答复", self.agreed().await);
        report.note("6", "同一命令再来一次：再应答，不另作答复", self.repeated().await);
        report.note("6", "gen 不更高的页不显示，应答 generation", self.old_generation().await);
        report.note("6", "data 与 digest 不符的页不显示，应答 digest", self.wrong_digest().await);
        report.note("6", "不认识的页不显示，应答 unsupported", self.unknown_page().await);
        report.note("6", "二维码内容超出字符集，应答 malformed", self.unfit_code().await);
        report.note("5", "不认识的字段忽略", self.unknown_fields().await);
        report.note("6", "页被收回后立即撤下，不再答复", self.taken_back().await);
        report.note("6", "到时无人答复：撤页，答复 timeout", self.run_out().await);
        report.note("6", "评价页：答复给出的是页上的等级", self.rated().await);
        report.note("6", "告知页：整页确认，refused_rows 为空", self.noticed().await);
        report.note("6", "扫码页照常显示，收回后撤下", self.code().await);
        report.note("5", "一体机时钟与设备不同，仍按 ttl_ms 计时", self.other_clock().await);
        report.note("1", "接近 64 KiB 的消息照常显示", self.large().await);
    }

    /// What holds of everything that was said.
    pub fn answers(&self, report: &mut Report) {
        let unread = self.wire.since(0).iter().find_map(|heard| heard.message.as_ref().err().cloned());
        report.note("2", "每条消息都符合格式", unread.map_or(Ok(()), Err));
        let said = self.said(0);
        let first = |wrong: &dyn Fn(&Said) -> Option<String>| said.iter().find_map(wrong).map_or(Ok(()), Err);
        let signed = first(&|said| {
            let verified = verify::<Answer>(&said.jws, &self.device.id, &self.device);
            verified.err().map(|why| why.to_string())
        });
        report.note("4", "答复的签名、alg、kid、typ 都对", signed);
        let digest = first(&|said| {
            let show = self.shows.get(&said.answer.cmd)?;
            (said.answer.digest != show.digest).then(|| Rejection::Digest.to_string())
        });
        report.note("6", "答复的 digest 是所显示内容的摘要", digest);
        let fits = first(&|said| {
            let Some(show) = self.shows.get(&said.answer.cmd) else {
                return Some(Rejection::UnknownCommand.to_string());
            };
            if said.answer.bind_epoch != show.bind_epoch {
                return Some(Rejection::BindEpoch.to_string());
            }
            // The digest has a line of its own.
            let same = Answer { digest: show.digest, ..said.answer.clone() };
            same.fits(show).err().map(|why| why.to_string())
        });
        report.note("9", "答复的 gen、bind_epoch、page、outcome、shown_ms 与命令相符", fits);
        report.note("9", "counter 逐个答复增大，重新连接后也是", growing(&said));
    }

    async fn heartbeat(&mut self) -> Found {
        let bseq = self.birth.as_ref().map(|birth| birth.bseq);
        let beat = |heard: &Heard| match &heard.message {
            Ok(UpMessage::Heartbeat(beat)) => Some(beat.bseq),
            _ => None,
        };
        // The one that was due before the configuration came may be late; from then on they are regular.
        for within in [FIRST_BEAT, Duration::from_secs(3 * u64::from(HEARTBEAT_S))] {
            let mark = self.wire.mark();
            let told = self.wire.until(mark, within, beat).await.ok_or("没有按时发心跳")?;
            yes(Some(told) == bseq, "心跳的 bseq 不是本次连接的")?;
        }
        Ok(())
    }

    async fn idle_shown(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.put(pages::idle(), LONG).await?;
        self.shown(mark, &show).await
    }

    async fn agreed(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.put(pages::authorize("请点“同意授权”", 1_500, LONG, 2), LONG).await?;
        self.shown(mark, &show).await?;
        let said = self.answered(mark, show.id).await?;
        self.receipt(&said.answer).await;
        yes(matches!(said.answer.outcome, Outcome::Confirmed { .. }), "没有答复 confirmed")
    }

    async fn repeated(&mut self) -> Found {
        let mark = self.wire.mark();
        let page = pages::authorize("请点“同意授权”", SHORT_VIEW, LONG, 2);
        let mut show = self.put(page, LONG).await?;
        self.shown(mark, &show).await?;
        let again = self.wire.mark();
        show.ttl_ms -= 1_000;
        self.send(&show).await;
        self.shown(again, &show).await?;
        let said = self.answered(mark, show.id).await?;
        self.receipt(&said.answer).await;
        self.wire.listen(QUIET).await;
        yes(self.answers_to(mark, show.id) == 1, "同一命令答复了不止一次")
    }

    async fn old_generation(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.page(pages::authorize("请不要操作", LONG, LONG, 1), LONG)?;
        self.send(&show).await;
        self.refused(mark, show.id, AckRefusal::Generation).await
    }

    async fn wrong_digest(&mut self) -> Found {
        let mark = self.wire.mark();
        let mut show = self.next(pages::authorize("请不要操作", LONG, LONG, 1), LONG)?;
        show.digest = pages::idle().digest().map_err(|error| error.to_string())?;
        self.send(&show).await;
        self.refused(mark, show.id, AckRefusal::Digest).await
    }

    async fn unknown_page(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.next(pages::idle(), LONG)?;
        let mut message = serde_json::to_value(&show).map_err(|error| error.to_string())?;
        message["page"] = json!("of-a-later-version");
        self.wire.tell(&self.device.id, Down::Show, &message).await;
        self.refused(mark, show.id, AckRefusal::Unsupported).await
    }

    async fn unfit_code(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.next(pages::challenge(UNFIT), LONG)?;
        self.send(&show).await;
        self.refused(mark, show.id, AckRefusal::Malformed).await
    }

    async fn unknown_fields(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.next(pages::idle(), LONG)?;
        let mut message = serde_json::to_value(&show).map_err(|error| error.to_string())?;
        message["of_a_later_version"] = json!({"x": [1]});
        self.wire.tell(&self.device.id, Down::Show, &message).await;
        self.shown(mark, &show).await
    }

    async fn taken_back(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.put(pages::authorize("请不要操作", SHORT_VIEW, LONG, 1), LONG).await?;
        self.shown(mark, &show).await?;
        let idle = self.put(pages::idle(), LONG).await?;
        self.shown(mark, &idle).await?;
        self.wire.listen(QUIET + Duration::from_millis(SHORT_VIEW.into())).await;
        let late = self.last_answer(mark, show.id);
        if let Some(said) = &late {
            self.receipt(&said.answer).await;
        }
        yes(late.is_none(), "页收回以后还作了答复")
    }

    async fn run_out(&mut self) -> Found {
        let mark = self.wire.mark();
        let ttl_ms = 2_500;
        let show = self.put(pages::authorize("请不要操作", LONG, ttl_ms, 1), ttl_ms).await?;
        self.shown(mark, &show).await?;
        let within = PROMPT + Duration::from_millis(ttl_ms.into());
        let said = self.wire.until(mark, within, said_to(show.id)).await;
        let said = said.ok_or("到时没有答复")?;
        self.receipt(&said.answer).await;
        yes(matches!(said.answer.outcome, Outcome::Timeout {}), "到时的答复不是 timeout")
    }

    async fn rated(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.put(pages::rating(), LONG).await?;
        self.shown(mark, &show).await?;
        let said = self.answered(mark, show.id).await?;
        self.receipt(&said.answer).await;
        yes(matches!(said.answer.outcome, Outcome::Rated { .. }), "没有答复 rated")
    }

    async fn noticed(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.put(pages::notice(), LONG).await?;
        self.shown(mark, &show).await?;
        let said = self.answered(mark, show.id).await?;
        self.receipt(&said.answer).await;
        match said.answer.outcome {
            Outcome::Confirmed { refused_rows } => yes(refused_rows.is_empty(), "refused_rows 不为空"),
            _ => Err("没有答复 confirmed".to_owned()),
        }
    }

    async fn code(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.put(pages::challenge(FIT), LONG).await?;
        self.shown(mark, &show).await?;
        let idle = self.put(pages::idle(), LONG).await?;
        self.shown(mark, &idle).await
    }

    async fn other_clock(&mut self) -> Found {
        for hours in [-24, 24] {
            let mark = self.wire.mark();
            let mut show = self.next(pages::authorize("请点“同意授权”", 0, LONG, 1), LONG)?;
            show.issued = show.issued.plus_seconds(hours * 3_600);
            self.send(&show).await;
            self.shown(mark, &show).await?;
            let said = self.answered(mark, show.id).await?;
            self.receipt(&said.answer).await;
            yes(matches!(said.answer.outcome, Outcome::Confirmed { .. }), "页提前到时了")?;
        }
        Ok(())
    }

    async fn large(&mut self) -> Found {
        let mark = self.wire.mark();
        let page = |licences| pages::authorize("请不要操作", LONG, LONG, licences);
        let mut licences = 1;
        loop {
            let show = self.page(page(licences + 8), LONG)?;
            if encode(&show).map_or(MAX_PAYLOAD, |bytes| bytes.len()) > MAX_PAYLOAD - 1_024 {
                break;
            }
            licences += 8;
        }
        let show = self.put(page(licences), LONG).await?;
        let shown = self.shown(mark, &show).await;
        let mark = self.wire.mark();
        let idle = self.put(pages::idle(), LONG).await?;
        shown.and(self.shown(mark, &idle).await)
    }

    // ---- what the cases rest on ------------------------------------------------------------------------------------

    /// The box is there, since a boot.
    pub async fn announce(&self) {
        let state = HallState::online(self.boot, self.clock.now());
        self.wire.say(&Topic::HallState, &state, None).await;
    }

    /// Tells the device its hall, window and binding.
    pub async fn configure(&mut self) {
        self.version += 1;
        let config = Config {
            ver: self.version,
            hall: "设备检查".to_owned(),
            window: Some(WindowName { code: WINDOW.to_owned(), name: "1号窗口".to_owned() }),
            bind_epoch: self.device.bind_epoch,
            hb_s: HEARTBEAT_S,
            notice: None,
        };
        self.wire.tell(&self.device.id, Down::Config, &config).await;
    }

    /// A command for a page under the present binding; its generation is that of the page before.
    fn page(&self, page: Page, ttl_ms: u32) -> Result<Show, String> {
        let now = self.clock.now();
        let id = MessageId::generate(now).map_err(|error| error.to_string())?;
        let place = Place { window: WINDOW.to_owned(), bind_epoch: self.device.bind_epoch };
        let show = Show::new(id, place, self.generation, now, ttl_ms, page);
        show.map_err(|error| error.to_string())
    }

    /// Has the device show its next page.
    pub async fn put(&mut self, page: Page, ttl_ms: u32) -> Result<Show, String> {
        let show = self.next(page, ttl_ms)?;
        self.send(&show).await;
        Ok(show)
    }

    /// The next page of the device, not sent yet. A device that refuses it finds the one after it no less acceptable.
    pub fn next(&mut self, page: Page, ttl_ms: u32) -> Result<Show, String> {
        self.generation += 1;
        self.page(page, ttl_ms)
    }

    /// Sends a command, and remembers it for what is said of it later.
    pub async fn send(&mut self, show: &Show) {
        self.shows.insert(show.id, show.clone());
        let topic = Topic::Down(self.device.id.clone(), Down::Show);
        self.wire.say(&topic, show, Some(show.ttl_ms)).await;
    }

    /// The device says that a page is on the glass, with the digest of what is there.
    pub async fn shown(&mut self, mark: usize, show: &Show) -> Found {
        let acked = self.wire.until(mark, PROMPT, |heard| match &heard.message {
            Ok(UpMessage::Ack(ack)) if ack.cmd == show.id => match ack.status {
                AckStatus::Shown { digest } => Some(Ok(digest)),
                AckStatus::Rejected { reason } => Some(Err(format!("设备不接受这一页：{reason:?}"))),
                _ => None,
            },
            _ => None,
        });
        match acked.await {
            Some(Ok(digest)) => yes(digest == show.digest, "shown 的 digest 不是这一页的"),
            Some(Err(why)) => Err(why),
            None => Err("没有应答 shown".to_owned()),
        }
    }

    /// The device says that it does not carry a command out, and why.
    pub async fn refused(&mut self, mark: usize, cmd: MessageId, wanted: AckRefusal) -> Found {
        let acked = self.wire.until(mark, PROMPT, |heard| match &heard.message {
            Ok(UpMessage::Ack(ack)) if ack.cmd == cmd => match ack.status {
                AckStatus::Rejected { reason } => Some(Ok(reason)),
                AckStatus::Shown { .. } => Some(Err("却显示了这一页".to_owned())),
                _ => None,
            },
            _ => None,
        });
        match acked.await {
            Some(Ok(reason)) => yes(reason == wanted, &format!("应答的原因是 {reason:?}")),
            Some(Err(why)) => Err(why),
            None => Err("没有应答 rejected".to_owned()),
        }
    }

    /// The first answer to a command.
    pub async fn answered(&mut self, mark: usize, cmd: MessageId) -> Result<Said, String> {
        let said = self.wire.until(mark, self.patience, said_to(cmd)).await;
        said.ok_or_else(|| "没有答复".to_owned())
    }

    /// Tells the device that an answer arrived. What was wrong with it stands in the report.
    pub async fn receipt(&self, answer: &Answer) {
        let (answer, cmd) = (answer.id, answer.cmd);
        let receipt = Receipt { answer, cmd, result: ReceiptResult::Accepted, reason: None };
        self.wire.tell(&self.device.id, Down::Receipt, &receipt).await;
    }

    /// The next birth, kept by the broker.
    pub async fn birth_after(&mut self, mark: usize, within: Duration) -> Result<Birth, String> {
        let born = |heard: &Heard| match &heard.message {
            Ok(UpMessage::State(DeviceState::Ready(birth))) => Some((birth.clone(), heard.retained)),
            _ => None,
        };
        let (birth, retained) = self.wire.until(mark, within, born).await.ok_or("没有上线消息")?;
        self.birth = Some(birth.clone());
        if retained { Ok(birth) } else { Err("上线消息没有保留（retain）".to_owned()) }
    }

    /// Every answer since a mark, in the order in which they came.
    pub fn said(&self, mark: usize) -> Vec<Said> {
        self.wire.since(mark).iter().filter_map(said_in).collect()
    }

    /// The last answer to a command since a mark.
    pub fn last_answer(&self, mark: usize, cmd: MessageId) -> Option<Said> {
        self.said(mark).into_iter().rfind(|said| said.answer.cmd == cmd)
    }

    /// How many different answers a command got since a mark.
    pub fn answers_to(&self, mark: usize, cmd: MessageId) -> usize {
        let mut ids: Vec<_> = self.said(mark).into_iter().map(|said| said.answer).collect();
        ids.retain(|answer| answer.cmd == cmd);
        ids.sort_by_key(|answer| answer.id);
        ids.dedup_by_key(|answer| answer.id);
        ids.len()
    }

    /// The highest counter that was heard.
    pub fn highest_counter(&self) -> u64 {
        self.said(0).iter().map(|said| said.answer.counter).max().unwrap_or_default()
    }
}

fn said_in(heard: &Heard) -> Option<Said> {
    let Ok(UpMessage::Answer(jws)) = &heard.message else { return None };
    let answer = decode(jws.unverified_payload()).ok()?;
    Some(Said { jws: (**jws).clone(), answer })
}

/// Picks the answers to one command.
pub(super) fn said_to(cmd: MessageId) -> impl Fn(&Heard) -> Option<Said> {
    move |heard| said_in(heard).filter(|said| said.answer.cmd == cmd)
}

/// Whether each new answer has a higher counter than the ones before.
fn growing(said: &[Said]) -> Found {
    let mut known: BTreeMap<MessageId, u64> = BTreeMap::new();
    for Said { answer, .. } in said {
        if known.contains_key(&answer.id) {
            continue;
        }
        if let Some(highest) = known.values().max().filter(|highest| answer.counter <= **highest) {
            return Err(format!("counter 从 {highest} 到了 {}", answer.counter));
        }
        known.insert(answer.id, answer.counter);
    }
    yes(!known.is_empty(), "没有任何答复")
}
