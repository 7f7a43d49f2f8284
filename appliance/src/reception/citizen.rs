//! What the citizen's screen is asked to show: authorisation and rating, and taking them back.

use super::desk::{Clerk, Desk, new_command};
use super::{Refusal, decide, pages};
use crate::book::{Book, Fault};
use crate::devices::hub::Hub;
use crate::devices::notice::{self, Notice};
use crate::live::Change;
use crate::store::devices::{self as rows, Command, Device};
use crate::store::{accounts, cases};
use hall_bus::evaluator::{Page, Place, Show};
use hall_bus::{DeviceId, DeviceKind, MessageId};
use hall_domain::Timestamp;
use hall_domain::case::{
    AccountName, Acknowledgement, Case, CaseEvent, CaseId, CommandId, Consent, ConsentEnd, RatingState,
    WindowId,
};
use rusqlite::Connection;

impl Desk {
    /// 推送: puts the authorisation page on the window's evaluator.
    pub async fn push(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        let item = self.item_of(&case).await?;
        let kinds = self.book.knowledge.kinds();
        let ask = move |tx: &Connection, screen: &Screen, case: &Case| {
            let request = decide::consent_request(case, &item, &kinds, screen.now)?;
            let page = pages::authorize(&request, &window_name(tx, &screen.window)?);
            let show = screen.page(tx, page, decide::CONSENT_MS)?;
            let (digest, device) = (show.digest.to_string(), screen.device.id.to_string());
            let asked = decide::ask(request, digest, screen.command.clone(), device);
            Ok((show, vec![asked]))
        };
        self.put_page(clerk, id, rows::CommandKind::Authorize, decide::CONSENT_MS, ask).await
    }

    /// Puts a page on a window's evaluator, and records what it asks, in one transaction. `make` says what is shown
    /// and what is recorded; where it records nothing, nothing is shown.
    pub(super) async fn put_page(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        kind: rows::CommandKind,
        ttl_ms: i64,
        make: impl FnOnce(&Connection, &Screen, &Case) -> Result<(Show, Vec<CaseEvent>), Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        let (book, hub, clerk, case_id) = (self.book.clone(), self.hub.clone(), clerk.clone(), id.clone());
        let now = book.clock.now();
        let device = self
            .book
            .db
            .write(move |tx| {
                let screen = Screen::free(tx, &book, &hub, &clerk.window, now)?;
                let mut show = None;
                book.change_case(tx, &case_id, &clerk.account, now, |case| {
                    let (made, events) = make(tx, &screen, case)?;
                    show = Some(made).filter(|_| !events.is_empty());
                    Ok(events)
                })?;
                show.map(|show| screen.put(tx, &book, &show, kind, &case_id, ttl_ms)).transpose()
            })
            .await?;
        self.changed(id);
        match device {
            Some(device) => self.hub.deliver(&device).await,
            None => Ok(()),
        }
    }

    /// 撤回: takes the authorisation page back.
    pub async fn cancel_push(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.mine(clerk, id).await?;
        let command = match (&case.consent, &case.acknowledgement) {
            (Consent::Waiting { asked }, _) => &asked.command,
            (_, Some(Acknowledgement::Waiting { command, .. })) => command,
            _ => return self.cancel_phone(clerk, id).await,
        };
        self.end_page(command, id, ConsentEnd::Cancelled).await
    }

    /// Invites the citizen to rate.
    pub async fn invite_rating(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.mine(clerk, id).await?;
        if matches!(case.rating, RatingState::Waiting { .. } | RatingState::Rated { .. }) {
            return Ok(());
        }
        let there = Clerk { account: clerk.account.clone(), window: case.window };
        let invite = |tx: &Connection, screen: &Screen, case: &Case| {
            let events = decide::invite_rating(case, screen.command.clone(), screen.now)?;
            Ok((screen.page(tx, pages::rating(case), decide::RATING_MS)?, events))
        };
        self.put_page(&there, id, rows::CommandKind::Rating, decide::RATING_MS, invite).await
    }

    /// 公告: hangs a line up on every evaluator, or takes it down.
    pub async fn hang(&self, by: &AccountName, notice: &Notice) -> Result<(), Fault> {
        notice::hang(&self.book, &self.hub, by, notice).await?;
        self.live.tell(Change::Devices);
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
                let changed =
                    book.change_case(tx, &case, &clerk, now, |case| Ok(decide::extend(case, &id, now)?))?;
                match &changed.consent {
                    Consent::Waiting { asked } if asked.deadline > stored.deadline => {
                        rows::set_deadline(tx, &id, asked.deadline)?;
                        Ok::<_, Fault>(Some((case, asked.clone())))
                    }
                    _ => Ok(None),
                }
            })
            .await?;
        if let Some((case, asked)) = extended {
            self.changed(&case);
            let left = decide::extensions_left(&asked);
            self.hub.extended(device, command, asked.deadline, left).await?;
        }
        Ok(())
    }

    /// What a page on the evaluator asks for ends without an answer, and the page goes.
    pub(super) async fn end_page(
        &self,
        command: &CommandId,
        case: &CaseId,
        reason: ConsentEnd,
    ) -> Result<(), Fault> {
        let (book, id, case_id) = (self.book.clone(), command.clone(), case.clone());
        let now = book.clock.now();
        let device = self
            .book
            .db
            .write(move |tx| {
                rows::close_command(tx, &id, rows::CommandState::Closed)?;
                let clerk = clerk_of(tx, &case_id)?;
                let ended = book
                    .change_case(tx, &case_id, &clerk, now, |case| Ok(decide::end_asked(case, &id, reason)?));
                tolerate(ended)?;
                Ok::<_, Fault>(rows::command(tx, &id)?.map(|command| command.device))
            })
            .await?;
        self.changed(case);
        match device {
            Some(device) => self.hub.deliver(&device).await,
            None => Ok(()),
        }
    }
}

/// An evaluator that is free for a page, and the command that is to carry it.
pub(super) struct Screen {
    pub(super) device: Device,
    pub(super) window: WindowId,
    pub(super) command: CommandId,
    message: MessageId,
    pub(super) now: Timestamp,
}

impl Screen {
    /// The evaluator of a window, freed of a rating page that nobody uses.
    fn free(
        tx: &Connection,
        book: &Book,
        hub: &Hub,
        window: &WindowId,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let device = rows::at_window(tx, window, DeviceKind::Evaluator)?;
        let Some(device) = device.clone().filter(|device| hub.can_ask(device, now)) else {
            return Err(not_ready(device.as_ref()).into());
        };
        free_evaluator(tx, book, &device.id, now)?;
        let (command, message) = new_command(now)?;
        Ok(Self { device, window: window.clone(), command, message, now })
    }

    /// A page as it will be sent.
    pub(super) fn page(&self, tx: &Connection, page: Page, ttl_ms: i64) -> Result<Show, Fault> {
        let generation = rows::next_gen(tx, &self.device.id)?;
        let place = Place { window: self.window.to_string(), bind_epoch: self.device.bind_epoch };
        let ttl_ms = u32::try_from(ttl_ms).unwrap_or(u32::MAX);
        Show::new(self.message, place, generation, self.now, ttl_ms, page)
            .map_err(|error| Fault::Storage(error.to_string()))
    }

    /// Stores the command, so that it is sent until it is shown. Gives the device to send it to.
    fn put(
        self,
        tx: &Connection,
        book: &Book,
        show: &Show,
        kind: rows::CommandKind,
        case: &CaseId,
        ttl_ms: i64,
    ) -> Result<DeviceId, Fault> {
        let json = serde_json::to_vec(show).map_err(|error| Fault::Storage(error.to_string()))?;
        rows::add_command(
            tx,
            &Command {
                id: self.command,
                device: self.device.id.clone(),
                window: self.window,
                bind_epoch: show.bind_epoch,
                kind,
                case: Some(case.clone()),
                gen_: show.generation,
                issued: show.issued,
                deadline: self.now.plus_ms(ttl_ms),
                state: rows::CommandState::Open,
                shown_at: Timestamp(0),
                request: book.vault.seal("command", &json),
            },
        )?;
        Ok(self.device.id)
    }
}

/// Why an evaluator that cannot be asked cannot.
pub fn not_ready(device: Option<&Device>) -> Refusal {
    match device {
        Some(device) if device.state == rows::Presence::Quarantined => Refusal::EvaluatorIsolated,
        _ => Refusal::NoEvaluator,
    }
}

/// Makes room on an evaluator: a rating page that nobody uses gives way, another citizen's authorisation page does not.
fn free_evaluator(tx: &Connection, book: &Book, device: &DeviceId, now: Timestamp) -> Result<(), Fault> {
    for open in rows::open_commands(tx, Some(device))? {
        if open.kind != rows::CommandKind::Rating {
            return Err(Refusal::AlreadyAsking.into());
        }
        decide::rating_gives_way(open.issued.max(open.shown_at), now)?;
        rows::close_command(tx, &open.id, rows::CommandState::Closed)?;
        if let Some(case) = &open.case {
            let clerk = clerk_of(tx, case)?;
            let ended =
                book.change_case(tx, case, &clerk, now, |case| Ok(decide::end_rating(case, &open.id)?));
            tolerate(ended)?;
        }
    }
    Ok(())
}

pub(super) fn window_name(tx: &Connection, window: &WindowId) -> Result<String, Fault> {
    let windows = accounts::windows(tx)?;
    Ok(windows.into_iter().find(|(id, _)| id == window).map_or_else(|| window.to_string(), |(_, name)| name))
}

pub(super) fn clerk_of(tx: &Connection, case: &CaseId) -> Result<AccountName, Fault> {
    cases::clerk(tx, case)?.ok_or(Fault::NotFound)
}

/// A step that somebody else took first is no error for a timer.
pub(super) fn tolerate<T>(result: Result<T, Fault>) -> Result<(), Fault> {
    match result {
        Ok(_) | Err(Fault::Refused(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}
