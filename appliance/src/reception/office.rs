//! 代办人确认, 依职能查验 and 撤回授权: what is put before people beside the authorisation itself.

use super::citizen::{Screen, clerk_of, window_name};
use super::desk::{Clerk, Desk};
use super::{Refusal, decide, pages};
use crate::book::Fault;
use crate::store::devices as rows;
use hall_domain::case::{AccountName, Case, CaseId, OfficeGround, Secondary, WithdrawnAt};

impl Desk {
    /// 代办人确认: asks the delegate, on the evaluator, to acknowledge what the principal agreed to.
    pub async fn ask_acknowledgement(&self, id: &CaseId) -> Result<(), Fault> {
        let (book, hub, case_id) = (self.book.clone(), self.hub.clone(), id.clone());
        let now = book.clock.now();
        let device = self
            .book
            .db
            .write(move |tx| {
                let clerk = clerk_of(tx, &case_id)?;
                let mut screen = None;
                let mut show = None;
                book.change_case(tx, &case_id, &clerk, now, |case| {
                    let free = Screen::free(tx, &book, &hub, &case.window, now)?;
                    let deadline = now.plus_ms(decide::CONSENT_MS);
                    let events = decide::ask_acknowledgement(case, free.command.clone(), deadline)?;
                    let page = pages::acknowledge(case, &window_name(tx, &case.window)?);
                    show = Some(free.page(tx, page, decide::CONSENT_MS)?);
                    screen = Some(free);
                    Ok(events)
                })?;
                let (Some(screen), Some(show)) = (screen, show) else {
                    return Err(Refusal::AlreadyAsking.into());
                };
                screen.put(tx, &book, &show, rows::CommandKind::Notice, &case_id, decide::CONSENT_MS)
            })
            .await?;
        self.changed(id);
        self.hub.deliver(&device).await
    }

    /// 依职能查验: tells the citizen, on the evaluator, on which legal basis licences are looked at. They are opened once
    /// the notice has been read.
    pub async fn look_by_office(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        basis: &str,
        supervisor: AccountName,
    ) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        let item = self.item_of(&case).await?;
        let kinds = self.book.knowledge.kinds();
        let (book, hub, clerk, case_id) = (self.book.clone(), self.hub.clone(), clerk.clone(), id.clone());
        let now = book.clock.now();
        let ground =
            OfficeGround { basis: basis.to_owned(), supervisor: Secondary { account: supervisor, at: now } };
        let device = self
            .book
            .db
            .write(move |tx| {
                let screen = Screen::free(tx, &book, &hub, &clerk.window, now)?;
                let mut show = None;
                book.change_case(tx, &case_id, &clerk.account, now, |case| {
                    let request = decide::consent_request(case, &item, &kinds, now)?;
                    let page = pages::by_office(&request, &ground, &window_name(tx, &clerk.window)?);
                    let made = screen.page(tx, page, decide::CONSENT_MS)?;
                    let (digest, device) = (made.digest.to_string(), screen.device.id.to_string());
                    show = Some(made);
                    let command = screen.command.clone();
                    Ok(decide::ask_by_office(case, &item, ground, request, digest, command, device)?)
                })?;
                let show = show.ok_or(Refusal::AlreadyAsking)?;
                screen.put(tx, &book, &show, rows::CommandKind::Authorize, &case_id, decide::CONSENT_MS)
            })
            .await?;
        self.changed(id);
        self.hub.deliver(&device).await
    }

    /// 撤回授权 at the window. What was opened leaves the case at once; the centre hears of it like of anything else.
    pub async fn withdraw_consent(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let now = self.book.clock.now();
        // Whoever serves at a window takes a withdrawal in: the citizen need not wait for the clerk of the case.
        let withdraw = move |case: &Case| Ok(decide::withdraw(case, WithdrawnAt::Window, now)?);
        let case = self.record(&clerk.account, id, withdraw).await?;
        self.line.nudge();
        Ok(case)
    }
}
