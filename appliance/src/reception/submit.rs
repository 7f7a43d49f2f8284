//! 提交: what would come of it, and doing it.

use super::decide;
use super::desk::{Clerk, Desk};
use crate::book::Fault;
use hall_domain::case::{AccountName, Case, CaseId, Secondary};
use hall_domain::{Judgement, ServiceItem};

impl Desk {
    /// What would come of submitting the case now.
    pub fn judge(&self, case: &Case, item: &ServiceItem, signed: decide::Signed) -> Judgement {
        decide::judge(case, item, &self.conditions(case), signed, self.book.clock.now())
    }

    /// Submits. Returns after the record is on disk; the package follows by itself.
    pub async fn submit(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        second: Option<AccountName>,
        supervisor: Option<AccountName>,
    ) -> Result<Case, Fault> {
        let case = self.recheck(clerk, self.mine(clerk, id).await?).await?;
        let item = self.item_of(&case).await?;
        let conditions = self.conditions(&case);
        let now = self.book.clock.now();
        let signed = |account| Secondary { account, at: now };
        let signatures =
            decide::Signatures { second: second.map(signed), supervisor: supervisor.map(signed) };
        let case = self
            .change(clerk, id, move |case| Ok(decide::submit(case, &item, &conditions, signatures, now)?))
            .await?;
        if let Err(error) = self.seal(id).await {
            // The submission stands; the package is sealed by the next round.
            tracing::warn!(%error, case.no = %case.no, "the package could not be sealed yet");
        }
        self.line.nudge();
        self.case(id).await
    }

    fn conditions(&self, case: &Case) -> decide::Conditions {
        let holder_cached = case.list.iter().any(|row| row.licence.is_some())
            || case.organisation.as_ref().is_some_and(|known| known.register.is_some());
        decide::Conditions { line: self.book.knowledge.line_state(self.book.clock.now()), holder_cached }
    }
}
