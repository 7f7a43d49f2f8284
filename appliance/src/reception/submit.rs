//! 提交: what would come of it, and doing it.

use super::decide;
use super::desk::{Clerk, Desk};
use crate::book::Fault;
use crate::clock;
use crate::disk;
use crate::store::cases;
use hall_domain::case::{AccountName, Case, CaseId, Secondary};
use hall_domain::organisation::ActsFor;
use hall_domain::policy::{ClockState, Counts, LineState, TrustState};
use hall_domain::{Capacity, LicenceStatus, Timestamp};

impl Desk {
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
        let conditions = self.conditions(&case).await?;
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

    /// What the policy is asked with, beside the case: line, counts, clock, and how grant or mandate stand.
    pub async fn conditions(&self, case: &Case) -> Result<decide::Conditions, Fault> {
        let knowledge = &self.book.knowledge;
        let now = self.book.clock.now();
        let holder_cached = case.list.iter().any(|row| row.licence.is_some())
            || case.organisation.as_ref().is_some_and(|known| known.register.is_some());
        let line = knowledge.line_state(now);
        let standing = match place_of(case, now) {
            Some(place) => self.standing(place, now).await?,
            None => LicenceStatus::Valid,
        };
        let list_hours = knowledge.list_at().map_or(u32::MAX, |at| knowledge.latest(now).hours_since(at));
        Ok(decide::Conditions {
            policy: knowledge.policy(),
            line,
            holder_cached,
            standing: (standing, list_hours),
            counts: self.counts(case, line, now).await?,
            clock: match knowledge.clock_state(now) {
                clock::ClockState::Good => ClockState::Trusted,
                clock::ClockState::Doubtful { .. } => ClockState::Doubtful,
            },
            trust: if knowledge.trust_expired(now) { TrustState::Expired } else { TrustState::Valid },
        })
    }

    /// What was taken today while the line was down, without this case.
    async fn counts(&self, case: &Case, line: LineState, now: Timestamp) -> Result<Counts, Fault> {
        let (vault, wanted, folder) = (self.book.vault.clone(), case.clone(), self.blobs.path().to_owned());
        let mut counts = self
            .book
            .db
            .read_with(move |db| Ok::<_, Fault>(cases::taken_today(db, &vault, &wanted, now)?))
            .await?;
        counts.disk_percent = disk::used_percent(&folder);
        counts.hours_offline = line.hours();
        Ok(counts)
    }
}

/// Where the grant or mandate that the person acts by stands in the status list.
fn place_of(case: &Case, now: Timestamp) -> Option<u32> {
    if let Some((_, place)) = case.capacity().and_then(Capacity::revocable) {
        return Some(place);
    }
    let who = case.identity.as_ref()?;
    let register = case.organisation.as_ref()?.register.as_ref()?;
    match register.acts_for(&who.document, &who.name, now)? {
        ActsFor::Agent(grant) => Some(grant.place),
        ActsFor::LegalRepresentative => None,
    }
}
