//! 核验: whose card lies on the reader, for which organisation, and the clerk who compared face and card.

use super::desk::{Clerk, Desk, Reading};
use super::{Refusal, decide};
use crate::book::Fault;
use crate::devices::hub::ReadStage;
use crate::store::{licences, meta};
use hall_bus::messages::CardAsk;
use hall_bus::{DeviceId, DeviceKind};
use hall_domain::case::{Case, CaseId, CommandId, Organised};
use hall_domain::{HolderId, Timestamp, Uscc};

impl Desk {
    /// Names the organisation of a case: the code is checked, the register asked.
    pub async fn name_organisation(&self, clerk: &Clerk, id: &CaseId, code: &str) -> Result<Case, Fault> {
        let uscc: Uscc = code.parse().map_err(|error: hall_domain::IdentifierError| {
            Fault::Refused(Refusal::OrganisationCode(error.zh()))
        })?;
        let case = self.case(id).await?;
        let item = self.item_of(&case).await?;
        let holder = HolderId::Organisation(uscc.clone());
        // On a paper mandate nobody is asked for what the organisation holds.
        if case.paper_mandate.is_none() {
            self.ask_centre(&holder, &item, &case).await;
        }
        let organisation = self.organised(uscc).await?;
        self.change(clerk, id, move |case| Ok(decide::name_organisation(case, organisation)?)).await
    }

    /// What the box knows of an organisation.
    pub(super) async fn organised(&self, uscc: Uscc) -> Result<Organised, Fault> {
        let (vault, code) = (self.book.vault.clone(), uscc.clone());
        let (known, due) = self
            .book
            .db
            .read_with(move |db| {
                let due = meta::document_due(db, "organisations")?;
                Ok::<_, Fault>((licences::organisation(db, &vault, &code)?, due))
            })
            .await?;
        // The document says nothing again while nothing changes; the token says that nothing has.
        let confirmed = self.book.knowledge.fresh_at().filter(|_| !due);
        let checked_at = known.as_ref().map(|known| {
            confirmed.filter(|_| known.listed).map_or(known.checked_at, |at| at.max(known.checked_at))
        });
        let register = known.map(|known| known.organisation);
        Ok(Organised { uscc, register, checked_at })
    }

    /// 读卡: asks the window's reader to read a card for this case.
    pub async fn read_card(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        decide::may_read(&case)?;
        let device = self.device_at(&clerk.window, DeviceKind::CardReader).await?;
        let now = self.book.clock.now();
        let device = device.filter(|device| self.hub.can_ask(device, now)).ok_or(Refusal::NoReader)?;
        let deadline = self.hub.read_card(&device, &clerk.window, id).await?;
        let stage = ReadStage::Waiting(CardAsk::Place);
        self.set_reading(id, Some(Reading::Asked { deadline, stage }));
        Ok(())
    }

    /// The window's reader says how far it is.
    pub async fn read_goes_on(
        &self,
        device: &DeviceId,
        command: &CommandId,
        stage: ReadStage,
    ) -> Result<(), Fault> {
        if let Some(open) = self.open_command(device, command).await?
            && let Some(case) = &open.case
        {
            self.set_reading(case, Some(Reading::Asked { deadline: open.deadline, stage }));
        }
        Ok(())
    }

    /// Stops reading.
    pub async fn stop_reading(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        self.mine(clerk, id).await?;
        self.hub.stop_reading(id).await?;
        self.set_reading(id, None);
        Ok(())
    }

    /// 人证一致 for the reading of `seen`, and with it the 免证清单.
    pub async fn confirm_person(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        seen: Timestamp,
        note: Option<String>,
    ) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::confirm_person(case, seen, note)?)).await?;
        self.make_list(clerk, id).await
    }

    /// 重新核验.
    pub async fn clear_identity(&self, clerk: &Clerk, id: &CaseId, reason: &str) -> Result<Case, Fault> {
        let reason = reason.to_owned();
        self.set_reading(id, None);
        self.change(clerk, id, move |case| Ok(decide::clear_identity(case, &reason)?)).await
    }
}
