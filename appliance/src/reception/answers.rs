//! What a device answered: judged, recorded and applied in one transaction. Only here does a consent come into
//! being, and only from a signed answer of the evaluator.

use super::citizen::clerk_of;
use super::desk::{Desk, Reading};
use super::{call_back, decide, pages};
use crate::book::{Book, Fault};
use crate::live::Change;
use crate::store::devices::{self as rows, Command, Device};
use hall_bus::acceptance::{
    self, CommandState, DeviceAnswer, DeviceRecord, Earlier, Rejection, Standing, Verdict, Verified,
};
use hall_bus::evaluator::{Answer, Outcome};
use hall_bus::reader::{ReadOutcome, ReaderAnswer};
use hall_bus::{DeviceId, DeviceKey, DeviceKind, Digest, Jws, MessageId, Receipt, ReceiptResult};
use hall_domain::case::{AccountName, Case, CaseId, CommandId, Consent, ConsentEnd, RatingState};
use hall_domain::{MaterialId, Timestamp};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long the citizen's answer waits for the form, to be shown together with it.
const FILL_FIRST: Duration = Duration::from_millis(30);

impl Desk {
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
                // A scanner is asked nothing.
                DeviceKind::Scanner => Ok(None),
            })
            .await?;
        let Some(judged) = judged else { return Ok(()) };
        self.hub.receipt(&device, &judged.receipt).await?;
        if let Some(reading) = judged.reading {
            self.set_reading(&reading.0, reading.1);
        }
        if let Some(case) = judged.case {
            self.show_and_fill(&case).await?;
            if judged.rated {
                self.live.tell(Change::Findings);
                self.hub.show_once(&device, pages::thanks(), pages::MESSAGE_MS.into()).await?;
            } else if device.kind() == DeviceKind::Evaluator {
                self.hub.idle_later(&device, pages::RESULT_MS.into());
            }
            self.line.nudge();
        }
        Ok(())
    }

    /// Fills the form, and tells open pages of the answer: with the form when that is quick, before it otherwise.
    async fn show_and_fill(&self, case: &CaseId) -> Result<(), Fault> {
        let mut filling = std::pin::pin!(self.fill(case));
        let filled = match tokio::time::timeout(FILL_FIRST, &mut filling).await {
            Ok(filled) => filled,
            Err(_) => {
                self.changed(case);
                return filling.await.map(drop);
            }
        };
        if !matches!(filled, Ok(true)) {
            self.changed(case);
        }
        filled.map(drop)
    }

    fn judge_answer<A: Applies>(
        &self,
        tx: &Connection,
        from: &DeviceId,
        jws: &Jws,
        now: Timestamp,
    ) -> Result<Option<Judged>, Fault> {
        let Some(device) = rows::find(tx, from)? else {
            rows::note_security(tx, now, from.as_str(), rows::UNKNOWN_DEVICE)?;
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
            tracing::warn!(device.id = %from, reason = %what, "what a device sent was not taken");
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
        rows::close_command(tx, &command_id, rows::CommandState::Answered)?;
        let Some((Some(case), kind)) = stored.map(|stored| (stored.case, stored.kind)) else {
            return Ok(Some(judged));
        };
        let clerk = clerk_of(tx, &case)?;
        A::apply(
            self,
            tx,
            &verified,
            &Target { case: &case, command: &command_id, kind, clerk: &clerk, now },
            &mut judged,
        )?;
        judged.case = Some(case);
        Ok(Some(judged))
    }

    /// Notes that what a device sent is not taken.
    pub(super) fn note_rejection(
        &self,
        tx: &Connection,
        from: &DeviceId,
        rejection: &Rejection,
        now: Timestamp,
    ) -> Result<(), Fault> {
        tracing::warn!(device.id = %from, reason = %rejection, "what a device sent was not taken");
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
    kind: rows::CommandKind,
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
        let acknowledges = target.kind == rows::CommandKind::Notice;
        let challenges = target.kind == rows::CommandKind::Challenge;
        let change = |case: &Case| -> Result<_, Fault> {
            let by_office = matches!(&case.consent, Consent::Waiting { asked } if asked.office.is_some());
            Ok(match (&verified.answer().outcome, &case.rating) {
                (Outcome::Confirmed { .. }, _) if acknowledges => decide::acknowledge(case, command, signed)?,
                (Outcome::Refused {}, _) if acknowledges => {
                    decide::end_acknowledgement(case, command, ConsentEnd::Declined)?
                }
                (Outcome::Timeout {} | Outcome::Dismissed {}, _) if acknowledges => {
                    decide::end_acknowledgement(case, command, ConsentEnd::TimedOut)?
                }
                (Outcome::Confirmed { .. }, _) if by_office => decide::noticed(case, command, signed)?,
                (Outcome::Dismissed {}, _) if challenges => {
                    decide::end_asked(case, command, ConsentEnd::Declined)?
                }
                (Outcome::Timeout {}, _) if challenges => {
                    decide::end_asked(case, command, ConsentEnd::TimedOut)?
                }
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
        let case = desk.book.change_case(tx, target.case, target.clerk, target.now, change)?;
        if let Outcome::Rated { level, .. } = verified.answer().outcome {
            judged.rated = true;
            call_back::note(tx, &case, level, target.now)?;
        }
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

pub(super) fn record_of(device: &Device) -> Result<DeviceRecord, Fault> {
    let key: DeviceKey =
        serde_json::from_str(&device.key).map_err(|_| Fault::Storage("device key".to_owned()))?;
    Ok(DeviceRecord {
        id: device.id.clone(),
        standing: match device.state {
            rows::Presence::Quarantined => Standing::Quarantined,
            _ => Standing::Active,
        },
        keys: [(device.key_gen, key)].into(),
        counter: device.counter.unwrap_or_default(),
        bind_epoch: device.bind_epoch,
    })
}

pub(super) fn earlier(tx: &Connection, id: MessageId) -> Result<Option<Earlier>, Fault> {
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
    let state = match stored.state {
        rows::CommandState::Open => CommandState::Open,
        rows::CommandState::Answered => CommandState::Answered,
        rows::CommandState::Closed => CommandState::Cancelled,
    };
    Some(acceptance::Command { device: stored.device.clone(), request, deadline: stored.deadline, state })
}
