//! 扫码: what a code brings into a case.

use super::Refusal;
use super::desk::{Clerk, Desk};
use crate::book::Fault;
use hall_domain::Carrier;
use hall_domain::case::CaseId;

impl Desk {
    /// Takes what was scanned for a case. Nothing of it is known yet.
    pub async fn scanned(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        text: String,
        carrier: Carrier,
    ) -> Result<(), Fault> {
        let case = self.mine(clerk, id).await?;
        tracing::debug!(case.id = %case.id, ?carrier, length = text.len(), "a scan is no code of the province");
        Err(Refusal::NotACode.into())
    }
}
