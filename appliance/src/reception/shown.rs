//! 出示证照: asks the citizen's phone for licences that the hall does not hold, and takes what it shows. They stay in the
//! case, sealed as the centre sent them, until the citizen agrees to their use.

use super::citizen::{Screen, clerk_of};
use super::desk::{Clerk, Desk};
use super::list::{parties, windows};
use super::phone::{challenge, close_answered};
use super::{Refusal, decide};
use crate::book::{Book, Fault};
use crate::cache::shown::Shown;
use crate::store::devices as rows;
use hall_domain::case::{Case, CaseId, ListRow, PhoneProof};
use hall_domain::{PhoneAsk, ServiceItem, Timestamp};
use hall_ledger::phone::{Asked, VerifiedAssertion};
use rusqlite::Connection;

impl Desk {
    /// 请办事人出示证照: puts a challenge for the licences that the hall lacks on the window's evaluator.
    pub async fn ask_licences(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        let item = self.item_of(&case).await?;
        let (book, kinds) = (self.book.clone(), self.book.knowledge.kinds());
        let put = move |tx: &Connection, screen: &Screen, case: &Case| {
            let materials = decide::may_ask_shown(case, &item, &kinds, screen.now.local_date())?;
            let asked = Asked::Licences { item: item.code.clone(), materials: materials.clone() };
            let (mut challenge, show) = challenge(tx, &book, screen, case, PhoneAsk::Licences, asked)?;
            challenge.materials = materials;
            let (command, device) = (screen.command.clone(), screen.device.id.to_string());
            Ok((show, vec![decide::ask_phone(challenge, command, device, screen.now)]))
        };
        self.put_page(clerk, id, rows::CommandKind::Challenge, decide::PHONE_MS, put).await?;
        self.await_line(id);
        Ok(())
    }

    /// Takes licences that the centre stated in answer to this case's challenge.
    pub(super) async fn take_shown(
        &self,
        case: &Case,
        said: VerifiedAssertion,
        bytes: &[u8],
        message: PhoneProof,
    ) -> Result<(), Fault> {
        let shown = Shown::of(said, bytes).map_err(|_| Refusal::NotACode)?;
        let item = self.item_of(case).await?;
        let (book, id, now) = (self.book.clone(), case.id.clone(), self.book.clock.now());
        let device = self
            .book
            .db
            .write(move |tx| {
                let clerk = clerk_of(tx, &id)?;
                let mut answered = None;
                book.change_case(tx, &id, &clerk, now, |case| {
                    answered = case.phone.as_ref().map(|wait| wait.command.clone());
                    let shown = decide::Shown {
                        subject: shown.subject().clone(),
                        rows: listed(&book, &shown, case, &item, now)?,
                        stated_at: shown.stated_at(),
                        message,
                    };
                    Ok(decide::show(case, shown, now)?)
                })?;
                close_answered(tx, answered)
            })
            .await?;
        self.answered(&case.id, device, "已出示证照").await
    }

    /// Puts what phones showed for this case into a list that was made anew without the centre.
    pub(super) fn keep_shown(&self, rows: &mut [ListRow], case: &Case, item: &ServiceItem) {
        for shown in self.shown_of(case) {
            let Ok(known) = listed(&self.book, &shown, case, item, self.book.clock.now()) else { continue };
            for row in &mut *rows {
                if let Some(licence) = known.get(&row.material) {
                    row.licence = Some(licence.clone());
                }
            }
        }
    }

    /// What phones showed for this case, believed as it was then; the newest last. What can no longer be opened, because
    /// its code key is gone, is left out: its material is then asked for on paper.
    pub(super) fn shown_of(&self, case: &Case) -> Vec<Shown> {
        if case.shown.is_empty() {
            return Vec::new();
        }
        let knowledge = &self.book.knowledge;
        let (trust, keys) = (knowledge.trust(), knowledge.code_keys(self.book.clock.now()));
        let believed = |known: &hall_domain::case::ShownLicences| {
            let message = hex::decode(&known.proof.message).ok()?;
            Shown::verify(&message, trust.keys(), &keys, known.stated_at)
                .inspect_err(
                    |error| tracing::error!(%error, case.no = %case.no, "what a phone showed does not open"),
                )
                .ok()
        };
        case.shown.iter().filter_map(believed).collect()
    }
}

/// The rows of an answer for this case. Ages are measured by the latest that it may be.
fn listed(
    book: &Book,
    shown: &Shown,
    case: &Case,
    item: &ServiceItem,
    now: Timestamp,
) -> Result<std::collections::BTreeMap<hall_domain::MaterialId, hall_domain::case::ListedLicence>, Refusal> {
    let whose = parties(case).ok_or(Refusal::NotConfirmed)?;
    let latest = book.knowledge.latest(now);
    let rows =
        shown.rows(item, &windows(book, item), &whose.principal, whose.representative.as_ref(), latest);
    rows.map_err(|_| Refusal::OtherChallenge)
}
