//! The cases in which something breaks: a receipt, a connection, the box, the binding.

use super::cases::{Check, Found, LONG, PROMPT, QUIET, SHORT_VIEW, said_to};
use super::report::Report;
use super::wire::Heard;
use super::{pages, yes};
use hall_bus::messages::{About, AckRefusal, Control, ControlAction};
use hall_bus::{DeviceState, Down, MessageId, UpMessage};
use std::time::Duration;

/// How long a device may take to come back, once it is let in again.
const BACK: Duration = Duration::from_secs(60);
/// A will comes 5 s after the connection broke, or when the session ends.
const WILL: Duration = Duration::from_secs(20);
/// An answer comes again after 1, 2, 4 s.
const AGAIN: Duration = Duration::from_secs(8);

impl Check<'_> {
    /// What breaks, one thing after the other.
    pub async fn troubles(&mut self, report: &mut Report) {
        report.note("6", "没有回执就用同样的字节再发，有了就停", self.receipt_lost().await);
        report.note("10", "看页途中断线：重新上线，页还在，答复一次", self.cut_while_shown().await);
        report.note("1", "断线后由遗嘱报 lost，bseq 是断掉的那次", self.will().await);
        report.note("5", "重新上线的 bseq 更大，last_counter 是最后的计数", self.back().await);
        report.note("5", "收到 rebirth 后再发上线消息，同一 id 只执行一次", self.rebirth().await);
        report.note("10", "一体机重启（新 boot）后再发上线消息", self.box_restarts().await);
        report.note("5", "改绑后原来的页撤下，旧 bind_epoch 的命令应答 bind-epoch", self.bound_anew().await);
    }

    async fn receipt_lost(&mut self) -> Found {
        let mark = self.wire.mark();
        let show = self.put(pages::authorize("请点“同意授权”", 0, LONG, 1), LONG).await?;
        self.shown(mark, &show).await?;
        let first = self.answered(mark, show.id).await?;
        let mut again = Ok(());
        for _ in 0..2 {
            let mark = self.wire.mark();
            match self.wire.until(mark, AGAIN, said_to(show.id)).await {
                None => again = Err("没有再发".to_owned()),
                Some(said) if said.jws.to_bytes() != first.jws.to_bytes() => {
                    again = Err("再发的不是同样的字节".to_owned());
                    break;
                }
                Some(_) => {}
            }
        }
        self.receipt(&first.answer).await;
        again?;
        self.wire.listen(QUIET).await;
        let mark = self.wire.mark();
        let more = self.wire.until(mark, AGAIN, said_to(show.id)).await;
        yes(more.is_none(), "有了回执还在发")
    }

    async fn cut_while_shown(&mut self) -> Found {
        let before = self.birth.clone().ok_or("没有上线过")?;
        let mark = self.wire.mark();
        let page = pages::authorize("请等页面重新出现，再点“同意授权”", 10_000, LONG, 2);
        let mut show = self.put(page, LONG).await?;
        self.shown(mark, &show).await?;
        let cut = self.wire.mark();
        self.host.cut();
        let birth = self.birth_after(cut, BACK).await?;
        yes(birth.bseq > before.bseq, "重新上线的 bseq 没有增大")?;
        yes(birth.boot == before.boot, "程序没有重启，boot 却变了")?;
        let About::Evaluator(status) = &birth.about else { return Err("不是评价器".to_owned()) };
        yes(status.cmd == Some(show.id), "上线消息的 cmd 不是屏幕上的那一页")?;
        show.ttl_ms -= 5_000;
        let again = self.wire.mark();
        self.send(&show).await;
        self.shown(again, &show).await?;
        let said = self.answered(mark, show.id).await?;
        self.receipt(&said.answer).await;
        self.wire.listen(QUIET).await;
        yes(self.answers_to(mark, show.id) == 1, "同一命令答复了不止一次")
    }

    /// Leaves the device outside; [`Self::back`] lets it in again.
    async fn will(&mut self) -> Found {
        let bseq = self.birth.as_ref().map(|birth| birth.bseq);
        let mark = self.wire.mark();
        self.host.set_open(false);
        self.host.cut();
        // The will of an earlier connection may come late, and is old news.
        let own = |heard: &Heard| lost(heard).filter(|told| Some(*told) == bseq).map(|_| heard.retained);
        match self.wire.until(mark, WILL, own).await {
            Some(retained) => yes(retained, "遗嘱没有保留（retain）"),
            None if self.wire.since(mark).iter().any(|heard| lost(heard).is_some()) => {
                Err("遗嘱的 bseq 不是断掉的那次连接的".to_owned())
            }
            None => Err("没有遗嘱".to_owned()),
        }
    }

    async fn back(&mut self) -> Found {
        let before = self.birth.as_ref().map_or(0, |birth| birth.bseq);
        let mark = self.wire.mark();
        self.host.set_open(true);
        let birth = self.birth_after(mark, BACK).await?;
        yes(birth.bseq > before, "bseq 没有增大")?;
        let highest = self.highest_counter();
        yes(birth.last_counter == highest, &format!("last_counter 是 {}，不是 {highest}", birth.last_counter))
    }

    async fn rebirth(&mut self) -> Found {
        let mark = self.wire.mark();
        let control = Control { id: self.fresh()?, action: ControlAction::Rebirth };
        for _ in 0..2 {
            self.wire.tell(&self.device.id, Down::Control, &control).await;
        }
        self.birth_after(mark, PROMPT).await?;
        self.wire.listen(QUIET).await;
        let again = self.wire.since(mark).iter().filter(|heard| born(heard)).count();
        yes(again == 1, "同一 id 执行了不止一次")
    }

    async fn box_restarts(&mut self) -> Found {
        let mark = self.wire.mark();
        self.boot = self.fresh()?;
        self.announce().await;
        self.birth_after(mark, PROMPT).await.map(drop)
    }

    async fn bound_anew(&mut self) -> Found {
        let mark = self.wire.mark();
        let shown = self.put(pages::authorize("请不要操作", SHORT_VIEW, LONG, 1), LONG).await?;
        self.shown(mark, &shown).await?;
        // A page of the binding that ends now, to be sent after it has ended.
        let late = self.next(pages::authorize("请不要操作", LONG, LONG, 1), LONG)?;
        self.device.bind_epoch += 1;
        self.configure().await;
        self.wire.listen(QUIET + Duration::from_millis(SHORT_VIEW.into())).await;
        let answer = self.last_answer(mark, shown.id);
        if let Some(said) = &answer {
            self.receipt(&said.answer).await;
        }
        let mark = self.wire.mark();
        self.send(&late).await;
        let refused = self.refused(mark, late.id, AckRefusal::BindEpoch).await;
        let mark = self.wire.mark();
        let show = self.put(pages::authorize("请点“同意授权”", 0, LONG, 1), LONG).await?;
        self.shown(mark, &show).await?;
        let said = self.answered(mark, show.id).await?;
        self.receipt(&said.answer).await;
        yes(answer.is_none(), "改绑以后还答复了原来的页")?;
        refused
    }

    /// The last case: the device forgets the check.
    pub async fn unpair(&mut self) -> Found {
        let key = self.device.keys.get(&1).cloned().ok_or("没有密钥")?;
        let control = Control { id: self.fresh()?, action: ControlAction::Unpair };
        let told = self.wire.tell(&self.device.id, Down::Control, &control);
        let (anew, ()) = tokio::join!(self.host.begins_anew(&key, BACK), told);
        anew
    }

    fn fresh(&self) -> Result<MessageId, String> {
        MessageId::generate(self.clock.now()).map_err(|error| error.to_string())
    }
}

fn born(heard: &Heard) -> bool {
    matches!(&heard.message, Ok(UpMessage::State(DeviceState::Ready(_))))
}

/// The connection that a will speaks of.
fn lost(heard: &Heard) -> Option<u64> {
    match &heard.message {
        Ok(UpMessage::State(DeviceState::Lost { bseq })) => Some(*bseq),
        _ => None,
    }
}
