//! 代办人确认, 依职能查验 and 撤回授权: what is put before people beside the authorisation itself.

use super::citizen::{Screen, window_name};
use super::desk::{Clerk, Desk};
use super::{decide, pages};
use crate::book::Fault;
use crate::store::devices as rows;
use hall_domain::case::{AccountName, Case, CaseId, OfficeGround, Secondary, WithdrawnAt};
use rusqlite::Connection;

impl Desk {
    /// 代办人确认: asks the delegate, on the evaluator, to acknowledge what the principal agreed to.
    pub async fn ask_acknowledgement(&self, id: &CaseId) -> Result<(), Fault> {
        let case = self.case(id).await?;
        let there = Clerk { account: case.clerk, window: case.window };
        let ask = |tx: &Connection, screen: &Screen, case: &Case| {
            let deadline = screen.now.plus_ms(decide::CONSENT_MS);
            let events = decide::ask_acknowledgement(case, screen.command.clone(), deadline)?;
            let page = pages::acknowledge(case, &window_name(tx, &screen.window)?);
            Ok((screen.page(tx, page, decide::CONSENT_MS)?, events))
        };
        self.put_page(&there, id, rows::CommandKind::Notice, decide::CONSENT_MS, ask).await
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
        let basis = basis.to_owned();
        let tell = move |tx: &Connection, screen: &Screen, case: &Case| {
            let ground =
                OfficeGround { basis, supervisor: Secondary { account: supervisor, at: screen.now } };
            let request = decide::consent_request(case, &item, &kinds, screen.now)?;
            let page = pages::by_office(&request, &ground, &window_name(tx, &screen.window)?);
            let show = screen.page(tx, page, decide::CONSENT_MS)?;
            let (digest, device) = (show.digest.to_string(), screen.device.id.to_string());
            let command = screen.command.clone();
            let events = decide::ask_by_office(case, &item, ground, request, digest, command, device)?;
            Ok((show, events))
        };
        self.put_page(clerk, id, rows::CommandKind::Authorize, decide::CONSENT_MS, tell).await
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
