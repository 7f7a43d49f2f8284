//! What the citizen is asked and answers: authorisation, rating, and the card laid on the reader.
//! Only here does a consent come into being, and only from a signed answer of the evaluator.

use super::desk::{Clerk, Desk, Reading, new_command};
use super::{Refusal, decide, pages};
use crate::book::{Book, Fault};
use crate::live::Change;
use crate::store::devices::{self as rows, Command, Device};
use crate::store::{accounts, cases};
use hall_bus::acceptance::{
    self, CommandState, DeviceAnswer, DeviceRecord, Earlier, Rejection, Standing, Verdict, Verified,
};
use hall_bus::evaluator::{Answer, Outcome, Page, Place, Show};
use hall_bus::reader::{ReadOutcome, ReaderAnswer};
use hall_bus::{DeviceId, DeviceKey, DeviceKind, Digest, Jws, MessageId, Receipt, ReceiptResult};
use hall_domain::case::{AccountName, Case, CaseId, CommandId, Consent, ConsentEnd, RatingState, WindowId};
use hall_domain::{MaterialId, Timestamp};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// A page that no evaluator has confirmed to show is given up after this long.
const UNSHOWN_MS: i64 = 8_000;

impl Desk {
    /// 推送: puts the authorisation page on the window's evaluator.
    pub async fn push(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        let item = self.item_of(&case)?;
        let kinds = self.book.knowledge.kinds();
        let (book, clerk, case_id) = (self.book.clone(), clerk.clone(), id.clone());
        let now = book.clock.now();
        let device = self
            .book
            .db
            .write(move |tx| {
                let device = evaluator_at(tx, &clerk.window)?;
                free_evaluator(tx, &book, &device.id, now)?;
                let (command, message) = new_command(now)?;
                let mut show = None;
                book.change_case(tx, &case_id, &clerk.account, now, |case| {
                    let request = decide::consent_request(case, &item, &kinds, now)?;
                    let page = pages::authorize(&request, &window_name(tx, &clerk.window)?);
                    let made = page_for(tx, &device, message, page, &clerk.window, now, decide::CONSENT_MS)?;
                    let event =
                        decide::ask(request, made.digest.to_string(), command.clone(), device.id.to_string());
                    show = Some(made);
                    Ok(vec![event])
                })?;
                let show = show.ok_or(Refusal::AlreadyAsking)?;
                store(
                    tx,
                    &book,
                    &show,
                    "authorize",
                    &device,
                    Some(&case_id),
                    now.plus_ms(decide::CONSENT_MS),
                )?;
                Ok::<_, Fault>(device.id)
            })
            .await?;
        self.changed(id);
        self.hub.deliver(&device).await?;
        Ok(())
    }

    /// 撤回: takes the authorisation page back.
    pub async fn cancel_push(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.mine(clerk, id).await?;
        let Consent::Waiting { asked } = &case.consent else { return Ok(()) };
        self.end_consent(&asked.command, id, &case.clerk, ConsentEnd::Cancelled).await
    }

    /// Invites the citizen to rate.
    pub async fn invite_rating(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.mine(clerk, id).await?;
        if matches!(case.rating, RatingState::Waiting { .. } | RatingState::Rated { .. }) {
            return Ok(());
        }
        let (book, clerk, case_id) = (self.book.clone(), clerk.clone(), id.clone());
        let now = book.clock.now();
        let device = self
            .book
            .db
            .write(move |tx| {
                let device = evaluator_at(tx, &case.window)?;
                free_evaluator(tx, &book, &device.id, now)?;
                let (command, message) = new_command(now)?;
                let case = book.change_case(tx, &case_id, &clerk.account, now, |case| {
                    Ok(decide::invite_rating(case, command.clone(), now)?)
                })?;
                let page = pages::rating(&case);
                let show = page_for(tx, &device, message, page, &case.window, now, decide::RATING_MS)?;
                store(tx, &book, &show, "rating", &device, Some(&case_id), now.plus_ms(decide::RATING_MS))?;
                Ok::<_, Fault>(device.id)
            })
            .await?;
        self.changed(id);
        self.hub.deliver(&device).await?;
        Ok(())
    }

    /// 延长时间, asked for on the evaluator.
    pub async fn extend(&self, device: &DeviceId, command: &CommandId) -> Result<(), Fault> {
        let (book, id, from) = (self.book.clone(), command.clone(), device.clone());
        let now = book.clock.now();
        let extended = self
            .book
            .db
            .write(move |tx| {
                let Some(stored) = rows::command(tx, &id)?.filter(|stored| stored.device == from) else {
                    return Ok(None);
                };
                let Some(case) = stored.case else { return Ok(None) };
                let clerk = clerk_of(tx, &case)?;
                let mut deadline = None;
                book.change_case(tx, &case, &clerk, now, |case| {
                    let events = decide::extend(case, &id, now)?;
                    if let Some(hall_domain::case::CaseEvent::ConsentExtended { deadline: new, .. }) =
                        events.first()
                    {
                        deadline = Some(*new);
                    }
                    Ok(events)
                })?;
                if let Some(deadline) = deadline {
                    rows::set_deadline(tx, &id, deadline)?;
                }
                Ok::<_, Fault>(deadline.map(|deadline| (case, deadline)))
            })
            .await?;
        if let Some((case, deadline)) = extended {
            self.changed(&case);
            self.hub.extended(device, command, deadline).await?;
        }
        Ok(())
    }

    /// Takes a signed answer of a device: judged, recorded and applied in one transaction, then receipted.
    pub async fn answer(&self, device: DeviceId, jws: Jws) -> Result<(), Fault> {
        let (desk, from) = (self.clone(), device.clone());
        let now = self.book.clock.now();
        let judged = self
            .book
            .db
            .write(move |tx| match from.kind() {
                DeviceKind::Evaluator => desk.judge_answer::<Answer>(tx, &from, &jws, now),
                DeviceKind::CardReader => desk.judge_answer::<ReaderAnswer>(tx, &from, &jws, now),
            })
            .await?;
        let Some(judged) = judged else { return Ok(()) };
        self.hub.receipt(&device, &judged.receipt).await?;
        if let Some(reading) = judged.reading {
            self.set_reading(&reading.0, reading.1);
        }
        if let Some(case) = judged.case {
            self.fill(&case).await?;
            self.changed(&case);
            if judged.rated {
                self.hub.show_once(&device, pages::thanks(), 4_000).await?;
            } else if device.kind() == DeviceKind::Evaluator {
                self.hub.idle_later(&device, 8_000);
            }
            self.line.nudge();
        }
        Ok(())
    }

    /// Ends what has lasted too long. Called every half second.
    pub async fn tick(&self) -> Result<(), Fault> {
        let now = self.book.clock.now();
        let open = self.book.db.read(|db| rows::open_commands(db, None)).await?;
        for command in open {
            let late = now.0 > command.deadline.0 + acceptance::GRACE_MS;
            let unshown = command.kind == "authorize"
                && command.shown_at.0 == 0
                && now.ms_since(command.issued) > UNSHOWN_MS;
            if !late && !unshown {
                if command.shown_at.0 == 0 && now.ms_since(command.issued) > 2_000 {
                    self.hub.deliver(&command.device).await?;
                }
                continue;
            }
            let reason = if unshown { ConsentEnd::Unreachable } else { ConsentEnd::TimedOut };
            if let Err(error) = self.expire(&command, reason).await {
                tracing::error!(%error, command.id = %command.id, "a command could not be ended");
            }
        }
        Ok(())
    }

    /// Finishes what a crash or a full disk left half done, and forgets what is old. Called every ten seconds.
    pub async fn settle(&self, purge_ms: i64) -> Result<(), Fault> {
        for id in self.book.db.read(cases::at_list).await? {
            // One case that cannot go on keeps no other from doing so.
            if let Err(error) = self.fill(&id).await {
                tracing::error!(%error, case.id = %id, "a form could not be filled");
            }
        }
        self.seal_rest().await?;
        let before = self.book.clock.now().plus_ms(-purge_ms);
        self.book.db.write(move |tx| rows::purge(tx, before).map_err(Fault::from)).await?;
        Ok(())
    }

    async fn expire(&self, command: &Command, reason: ConsentEnd) -> Result<(), Fault> {
        let Some(case) = command.case.clone() else { return self.hub.close(command).await };
        match command.kind.as_str() {
            "authorize" => {
                let clerk = self.case(&case).await?.clerk;
                self.end_consent(&command.id, &case, &clerk, reason).await
            }
            "rating" => {
                let (book, id, case_id) = (self.book.clone(), command.id.clone(), case.clone());
                let now = book.clock.now();
                self.book
                    .db
                    .write(move |tx| {
                        let clerk = clerk_of(tx, &case_id)?;
                        rows::close_command(tx, &id, "closed")?;
                        let ended = book.change_case(tx, &case_id, &clerk, now, |case| {
                            Ok(decide::end_rating(case, &id)?)
                        });
                        tolerate(ended)
                    })
                    .await?;
                self.changed(&case);
                self.hub.deliver(&command.device).await
            }
            _ => {
                self.hub.close(command).await?;
                self.set_reading(&case, Some(Reading::Failed(hall_bus::ReadFailure::Timeout)));
                Ok(())
            }
        }
    }

    async fn end_consent(
        &self,
        command: &CommandId,
        case: &CaseId,
        by: &AccountName,
        reason: ConsentEnd,
    ) -> Result<(), Fault> {
        let (book, id, case_id, by) = (self.book.clone(), command.clone(), case.clone(), by.clone());
        let now = book.clock.now();
        let device = self
            .book
            .db
            .write(move |tx| {
                rows::close_command(tx, &id, "closed")?;
                let ended = book
                    .change_case(tx, &case_id, &by, now, |case| Ok(decide::end_consent(case, &id, reason)?));
                tolerate(ended)?;
                Ok::<_, Fault>(rows::command(tx, &id)?.map(|command| command.device))
            })
            .await?;
        self.changed(case);
        if let Some(device) = device {
            self.hub.deliver(&device).await?;
        }
        Ok(())
    }

    fn judge_answer<A: Applies>(
        &self,
        tx: &Connection,
        from: &DeviceId,
        jws: &Jws,
        now: Timestamp,
    ) -> Result<Option<Judged>, Fault> {
        let Some(device) = rows::find(tx, from)? else {
            rows::note_security(tx, now, from.as_str(), "answer of an unknown device")?;
            return Ok(None);
        };
        rows::note_seen(tx, from, now)?;
        let verified: Verified<A> = match acceptance::verify(jws, from, &record_of(&device)?) {
            Ok(verified) => verified,
            Err(rejection) => {
                self.note_rejection(tx, from, &rejection, now)?;
                // The device is told, so that it does not send the same for a day.
                let answer = hall_bus::decode::<A>(jws.unverified_payload()).ok();
                return Ok(answer.map(|answer| {
                    let head = answer.head();
                    let receipt = Verdict::Rejected(rejection).receipt(head.id, head.cmd);
                    Judged { receipt, case: None, reading: None, rated: false }
                }));
            }
        };
        let head = verified.answer().head();
        let (answer_id, cmd) = (head.id, head.cmd);
        let counter = head.counter;
        let earlier = earlier(tx, answer_id)?;
        let command_id: CommandId =
            cmd.to_string().parse().map_err(|_| Fault::Storage("command id".to_owned()))?;
        let stored = rows::command(tx, &command_id)?;
        let command = stored.as_ref().and_then(|stored| command_of::<A>(&self.book, stored));
        let verdict = acceptance::judge(&verified, &record_of(&device)?, earlier, command.as_ref(), now);
        if verdict.is_security_event() {
            let what = verdict.receipt(answer_id, cmd).reason.unwrap_or_default();
            match verdict {
                Verdict::Rejected(_) => rows::note_rejected(tx, from, &what, now)?,
                _ => rows::note_security(tx, now, from.as_str(), &what)?,
            }
            tracing::warn!(device.id = %from, reason = %what, "an answer was not taken");
        }
        if verdict.advances_counter() {
            rows::note_counter(tx, from, counter)?;
            let result = if verdict == Verdict::Accepted { "accepted" } else { "stale" };
            rows::note_answer(tx, &answer_id.to_string(), &verified.digest().0, result, now)?;
        }
        let mut judged =
            Judged { receipt: verdict.receipt(answer_id, cmd), case: None, reading: None, rated: false };
        if verdict != Verdict::Accepted {
            return Ok(Some(judged));
        }
        rows::close_command(tx, &command_id, "answered")?;
        let Some(case) = stored.and_then(|stored| stored.case) else { return Ok(Some(judged)) };
        let clerk = clerk_of(tx, &case)?;
        A::apply(
            self,
            tx,
            &verified,
            &Target { case: &case, command: &command_id, clerk: &clerk, now },
            &mut judged,
        )?;
        judged.case = Some(case);
        Ok(Some(judged))
    }

    fn note_rejection(
        &self,
        tx: &Connection,
        from: &DeviceId,
        rejection: &Rejection,
        now: Timestamp,
    ) -> Result<(), Fault> {
        tracing::warn!(device.id = %from, reason = %rejection, "an answer was not taken");
        rows::note_rejected(tx, from, &rejection.to_string(), now)?;
        self.live.tell(Change::Devices);
        Ok(())
    }
}

/// What came of judging an answer.
struct Judged {
    receipt: Receipt,
    case: Option<CaseId>,
    reading: Option<(CaseId, Option<Reading>)>,
    rated: bool,
}

/// What an accepted answer is about.
struct Target<'a> {
    case: &'a CaseId,
    command: &'a CommandId,
    clerk: &'a AccountName,
    now: Timestamp,
}

/// An answer that changes a case.
trait Applies: DeviceAnswer<Request: serde::de::DeserializeOwned> {
    fn apply(
        desk: &Desk,
        tx: &Connection,
        verified: &Verified<Self>,
        target: &Target<'_>,
        judged: &mut Judged,
    ) -> Result<(), Fault>
    where
        Self: Sized;
}

impl Applies for Answer {
    fn apply(
        desk: &Desk,
        tx: &Connection,
        verified: &Verified<Self>,
        target: &Target<'_>,
        judged: &mut Judged,
    ) -> Result<(), Fault> {
        let signed = String::from_utf8(verified.raw()).map_err(|_| Fault::Storage("answer".to_owned()))?;
        let command = target.command;
        let change = |case: &Case| -> Result<_, Fault> {
            Ok(match (&verified.answer().outcome, &case.rating) {
                (Outcome::Confirmed { refused_rows }, _) => {
                    let refused: BTreeSet<MaterialId> =
                        refused_rows.iter().filter_map(|row| row.parse().ok()).collect();
                    decide::answer(case, command, decide::Answer::Agreed { refused }, signed)?
                }
                (Outcome::Refused {}, _) => decide::answer(case, command, decide::Answer::Refused, signed)?,
                (Outcome::Rated { level, reasons, .. }, _) => {
                    decide::rate(case, command, *level, reasons.clone(), signed)?
                }
                (Outcome::Timeout {} | Outcome::Dismissed {}, RatingState::Waiting { command: open, .. })
                    if open == command =>
                {
                    decide::end_rating(case, command)?
                }
                (Outcome::Timeout {} | Outcome::Dismissed {}, _) => {
                    decide::end_consent(case, command, ConsentEnd::TimedOut)?
                }
            })
        };
        judged.rated = matches!(verified.answer().outcome, Outcome::Rated { .. });
        desk.book.change_case(tx, target.case, target.clerk, target.now, change)?;
        Ok(())
    }
}

impl Applies for ReaderAnswer {
    fn apply(
        desk: &Desk,
        tx: &Connection,
        verified: &Verified<Self>,
        target: &Target<'_>,
        judged: &mut Judged,
    ) -> Result<(), Fault> {
        let answer = verified.answer();
        let failed = |reading| Some((target.case.clone(), Some(reading)));
        match &answer.outcome {
            ReadOutcome::Failed { reason } => {
                judged.reading = failed(Reading::Failed(*reason));
            }
            ReadOutcome::Read { card } => {
                let mut card = card.as_ref().clone();
                // The photo is for the clerk's eye, not for the record.
                card.photo.clear();
                if card.check().is_err() {
                    judged.reading = failed(Reading::Failed(hall_bus::ReadFailure::Unreadable));
                    return Ok(());
                }
                let got = hall_domain::mask_name(&card.name);
                let proof = decide::ReadProof {
                    command: target.command.clone(),
                    reader: answer.dev.to_string(),
                    sam: answer.sam.clone(),
                    answer: verified.digest().to_string(),
                };
                let change = |case: &Case| Ok(decide::identify(case, card, proof, target.now)?);
                match desk.book.change_case(tx, target.case, target.clerk, target.now, change) {
                    Ok(_) => judged.reading = Some((target.case.clone(), None)),
                    Err(Fault::Refused(why)) => judged.reading = failed(Reading::Refused { why, got }),
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(())
    }
}

/// Makes room on an evaluator: an open rating page gives way, another citizen's authorisation page does not.
fn free_evaluator(tx: &Connection, book: &Book, device: &DeviceId, now: Timestamp) -> Result<(), Fault> {
    for open in rows::open_commands(tx, Some(device))? {
        if open.kind == "authorize" {
            return Err(Refusal::AlreadyAsking.into());
        }
        rows::close_command(tx, &open.id, "closed")?;
        if let Some(case) = &open.case {
            let clerk = clerk_of(tx, case)?;
            let ended =
                book.change_case(tx, case, &clerk, now, |case| Ok(decide::end_rating(case, &open.id)?));
            tolerate(ended)?;
        }
    }
    Ok(())
}

fn evaluator_at(tx: &Connection, window: &WindowId) -> Result<Device, Fault> {
    let device = rows::at_window(tx, window, DeviceKind::Evaluator)?;
    Ok(device.filter(|device| device.state == "ready").ok_or(Refusal::NoEvaluator)?)
}

fn window_name(tx: &Connection, window: &WindowId) -> Result<String, Fault> {
    let windows = accounts::windows(tx)?;
    Ok(windows.into_iter().find(|(id, _)| id == window).map_or_else(|| window.to_string(), |(_, name)| name))
}

fn page_for(
    tx: &Connection,
    device: &Device,
    message: MessageId,
    page: Page,
    window: &WindowId,
    now: Timestamp,
    ttl_ms: i64,
) -> Result<Show, Fault> {
    let generation = rows::next_gen(tx, &device.id)?;
    let place = Place { window: window.to_string(), bind_epoch: device.bind_epoch };
    let ttl_ms = u32::try_from(ttl_ms).unwrap_or(u32::MAX);
    Show::new(message, place, generation, now, ttl_ms, page)
        .map_err(|error| Fault::Storage(error.to_string()))
}

fn store(
    tx: &Connection,
    book: &Book,
    show: &Show,
    kind: &str,
    device: &Device,
    case: Option<&CaseId>,
    deadline: Timestamp,
) -> Result<(), Fault> {
    let id = show.id.to_string().parse().map_err(|_| Fault::Storage("command id".to_owned()))?;
    let window = show.window.parse().map_err(|_| Fault::Storage("window".to_owned()))?;
    let json = serde_json::to_vec(show).map_err(|error| Fault::Storage(error.to_string()))?;
    rows::add_command(
        tx,
        &Command {
            id,
            device: device.id.clone(),
            window,
            bind_epoch: show.bind_epoch,
            kind: kind.to_owned(),
            case: case.cloned(),
            gen_: show.generation,
            issued: show.issued,
            deadline,
            state: "open".to_owned(),
            shown_at: Timestamp(0),
            request: book.vault.seal("command", &json),
        },
    )?;
    Ok(())
}

fn record_of(device: &Device) -> Result<DeviceRecord, Fault> {
    let key: DeviceKey =
        serde_json::from_str(&device.key).map_err(|_| Fault::Storage("device key".to_owned()))?;
    Ok(DeviceRecord {
        id: device.id.clone(),
        standing: match device.state.as_str() {
            rows::QUARANTINED => Standing::Quarantined,
            _ => Standing::Active,
        },
        keys: [(device.key_gen, key)].into(),
        counter: device.counter.unwrap_or_default(),
        bind_epoch: device.bind_epoch,
    })
}

fn earlier(tx: &Connection, id: MessageId) -> Result<Option<Earlier>, Fault> {
    let Some((digest, result)) = rows::earlier_answer(tx, &id.to_string())? else { return Ok(None) };
    let digest: [u8; 32] = digest.try_into().map_err(|_| Fault::Storage("answer digest".to_owned()))?;
    let result = if result == "accepted" { ReceiptResult::Accepted } else { ReceiptResult::Stale };
    Ok(Some(Earlier { digest: Digest(digest), result }))
}

fn command_of<A: DeviceAnswer>(book: &Book, stored: &Command) -> Option<acceptance::Command<A::Request>>
where
    A::Request: serde::de::DeserializeOwned,
{
    let json = book.vault.open("command", &stored.request).ok()?;
    let request = serde_json::from_slice(&json).ok()?;
    let state = match stored.state.as_str() {
        "open" => CommandState::Open,
        "answered" => CommandState::Answered,
        _ => CommandState::Cancelled,
    };
    Some(acceptance::Command { device: stored.device.clone(), request, deadline: stored.deadline, state })
}

fn clerk_of(tx: &Connection, case: &CaseId) -> Result<AccountName, Fault> {
    cases::clerk(tx, case)?.ok_or(Fault::NotFound)
}

/// A step that somebody else took first is no error for a timer.
fn tolerate(result: Result<Case, Fault>) -> Result<(), Fault> {
    match result {
        Ok(_) | Err(Fault::Refused(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}
