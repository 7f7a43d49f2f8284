//! 免证清单: what the centre or the cache has for the people of a case.

use super::Refusal;
use super::decide::{self, Listing};
use super::desk::{Clerk, Desk};
use crate::book::{Book, Fault};
use crate::cache::{self, Candidate, Freshness, Proof, Windows};
use crate::store::aliases;
use crate::store::licences::{self, Reason, Sealed};
use hall_domain::case::{Case, CaseId, Mode};
use hall_domain::{AliasId, HolderAlias, HolderId, LicenceId, ServiceItem, Timestamp};
use hall_ledger::envelope::Filing;
use hall_ledger::link::Lookup;
use std::collections::BTreeSet;

impl Desk {
    /// Makes the 免证清单, from the centre when the line is up, from the cache otherwise.
    pub async fn make_list(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let case = self.mine(clerk, id).await?;
        let (found, mode) = self.found_for(&case).await?;
        self.change(clerk, id, move |case| Ok(decide::list(case, found, mode)?)).await
    }

    /// 核对为同一人, for an earlier identifier of the list.
    pub async fn confirm_alias(&self, clerk: &Clerk, id: &CaseId, alias: AliasId) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::confirm_alias(case, alias)?)).await
    }

    /// Takes 核对为同一人 back.
    pub async fn revert_alias(&self, clerk: &Clerk, id: &CaseId, alias: AliasId) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::revert_alias(case, alias)?)).await
    }

    /// Makes the list of a case that was stopped between 人证一致 and its list.
    pub async fn list_if_missing(&self, clerk: &Clerk, case: &Case) -> Result<(), Fault> {
        let confirmed = case.identity.as_ref().is_some_and(|who| who.confirmed());
        if confirmed && case.mode.is_none() && !case.closed() {
            self.make_list(clerk, &case.id).await?;
        }
        Ok(())
    }

    /// What is known now for a case's list, and from whom.
    async fn found_for(&self, case: &Case) -> Result<(Listing, Mode), Fault> {
        let item = self.item_of(case).await?;
        let (principal, person) = parties(case).ok_or(Refusal::NotConfirmed)?;
        // On paper alone nobody is asked about the principal, and the cache stays closed.
        if case.paper_mandate.is_some() {
            let mode = if self.book.knowledge.line().up { Mode::Online } else { Mode::Offline };
            return Ok((decide::rows_on_paper(&item).into(), mode));
        }
        let mut told = self.ask_centre(&principal, &item, case).await;
        if person != principal {
            let more = self.ask_centre(&person, &item, case).await;
            told = told.zip(more).map(|(all, more)| all.and(more));
        }
        let mode = if told.is_some() { Mode::Online } else { Mode::Offline };
        // The clerk compares with who stands there: an absent principal's earlier identifiers are not offered.
        let aliases = match &told {
            Some(told) => told.aliases.iter().filter(|alias| *alias.holder() == person).cloned().collect(),
            None => self.aliases_of(&person).await?,
        };
        let mut holders = vec![principal.clone(), person.clone()];
        holders.extend(aliases.iter().map(|alias| alias.other().clone()));
        let mut candidates = self.candidates(&holders, mode).await?;
        // What the centre was asked for and did not give is not there, whatever the cache holds.
        if let Some(told) = &told {
            candidates.retain(|candidate| told.licences.contains(&candidate.envelope.facts().licence));
        }
        // Without a register entry only the issuer's own word says whose company it is.
        if case.organisation.as_ref().is_some_and(|known| known.register.is_none()) {
            candidates.retain(|candidate| cache::speaks_for(&person, candidate, &principal));
        }
        let now = self.book.knowledge.latest(self.book.clock.now());
        if mode == Mode::Online {
            candidates.iter_mut().for_each(|candidate| candidate.told_at = Some(now));
        }
        let windows = windows(&self.book, &item);
        let mut rows = cache::list(&item, &windows, &principal, &person, &candidates, now);
        if mode == Mode::Offline {
            self.keep_shown(&mut rows, case, &item);
        }
        let whose = cache::Whose { principal: &principal, person: &person, aliases: &aliases };
        let aliased = cache::aliased(&item, &windows, whose, &rows, &candidates, now);
        Ok((Listing { rows, aliased }, mode))
    }

    /// What the hall itself knows of a person's earlier identifiers.
    async fn aliases_of(&self, holder: &HolderId) -> Result<Vec<HolderAlias>, Fault> {
        let (vault, holder) = (self.book.vault.clone(), holder.clone());
        self.book.db.read_with(move |db| Ok::<_, Fault>(aliases::of_holder(db, &vault, &holder)?)).await
    }

    /// Asks the centre once more for a case that was worked on without it. A licence that was revoked
    /// meanwhile then no longer stands for its paper, before anything is submitted on it.
    pub async fn recheck(&self, clerk: &Clerk, case: Case) -> Result<Case, Fault> {
        let now = self.book.clock.now();
        let old = |at: Option<Timestamp>| at.is_none_or(|at| now.ms_since(at) > decide::RECHECK_MS);
        let unsure = case.organisation.as_ref().is_some_and(|known| old(known.checked_at));
        let open = case.filled && case.mode.is_some() && !case.closed();
        let wanted = open && (unsure || old(case.listed_at) || case.mode == Some(Mode::Offline));
        if !wanted || !self.book.knowledge.line().up {
            return Ok(case);
        }
        match self.found_for(&case).await? {
            (found, Mode::Online) => {
                let organisation = match &case.organisation {
                    Some(known) => Some(self.organised(known.uscc.clone()).await?),
                    None => None,
                };
                let recheck = move |case: &Case| Ok(decide::recheck(case, found, organisation)?);
                self.change(clerk, &case.id, recheck).await
            }
            (_, Mode::Offline) => Ok(case),
        }
    }

    /// Asks the centre for a holder's licences and keeps the answer in the cache. Gives what the centre named; none when
    /// it did not answer.
    pub(super) async fn ask_centre(
        &self,
        holder: &HolderId,
        item: &ServiceItem,
        case: &Case,
    ) -> Option<Told> {
        let lookup = Lookup {
            holder: holder.clone(),
            kinds: item.licence_materials().map(|(_, kind)| kind.clone()).collect(),
            use_cause: item.name.chars().take(200).collect(),
            item: item.code.clone(),
            case_no: case.no.to_string(),
        };
        let answer = self.line.lookup(lookup).await?;
        let mut told = Told::default();
        let mut fresh = answer.licences;
        for found in answer.aliased {
            told.aliases.push(found.alias);
            fresh.extend(found.licences);
        }
        told.licences.extend(fresh.iter().map(|fresh| fresh.facts.facts().licence.clone()));
        let (book, case) = (self.book.clone(), case.id.clone());
        let (organisation, answered_at) = (answer.organisation, answer.token.issued_at);
        let stored = self
            .book
            .db
            .write(move |tx| {
                for fresh in &fresh {
                    let (status, at) = (fresh.status.status, fresh.status.at);
                    let sealed = Sealed::new(&book.vault, &fresh.issued, &Filing::from(&fresh.facts));
                    licences::put(tx, &sealed, Reason::Asked { case: &case, status, at })?;
                }
                if let Some(organisation) = &organisation {
                    licences::put_organisation(tx, &book.vault, organisation, answered_at)?;
                }
                Ok::<_, Fault>(())
            })
            .await;
        if let Err(error) = &stored {
            tracing::warn!(%error, "a fresh answer of the centre could not be kept");
        }
        stored.is_ok().then_some(told)
    }

    pub(super) async fn candidates(&self, holders: &[HolderId], mode: Mode) -> Result<Vec<Candidate>, Fault> {
        let mut candidates = Vec::new();
        let lists = self.book.knowledge.lists();
        // Windows are measured by the latest that it may be.
        let now = self.book.knowledge.latest(self.book.clock.now());
        let trust = self.book.knowledge.trust();
        let mut seen: Vec<&HolderId> = Vec::new();
        for holder in holders {
            if seen.contains(&holder) {
                continue;
            }
            seen.push(holder);
            let (vault, wanted) = (self.book.vault.clone(), holder.clone());
            let cached = self
                .book
                .db
                .read_with(move |db| Ok::<_, Fault>(licences::of_holder(db, &vault, &wanted)?))
                .await?;
            let freshness = Freshness {
                token_at: self.book.knowledge.fresh_at(),
                lists: lists.iter().map(|(number, list)| (*number, list.as_ref())).collect(),
            };
            let knowledge = &self.book.knowledge;
            let proof = Proof { keys: trust.keys(), signatures: &knowledge.signatures };
            candidates.extend(cached.into_iter().filter_map(|cached| {
                cache::candidate(cached, holder, proof, &knowledge.hall_code, &freshness, now)
            }));
        }
        for candidate in &mut candidates {
            candidate.mode = mode;
        }
        Ok(candidates)
    }
}

/// 时限 by the policy in force.
pub(super) fn windows(book: &Book, item: &ServiceItem) -> Windows {
    let knowledge = &book.knowledge;
    Windows { policy: knowledge.policy(), tier: item.tier, kinds: knowledge.kinds() }
}

/// What the centre named in answer to look-ups.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Licences, those under earlier identifiers too.
    licences: BTreeSet<LicenceId>,
    /// Earlier identifiers.
    aliases: Vec<HolderAlias>,
}

impl Told {
    fn and(mut self, more: Self) -> Self {
        self.licences.extend(more.licences);
        self.aliases.extend(more.aliases);
        self
    }
}

/// For whom the case is and who stands at the window, once that is confirmed.
pub(super) fn parties(case: &Case) -> Option<(HolderId, HolderId)> {
    let identity = case.identity.as_ref().filter(|identity| identity.confirmed())?;
    Some((case.principal()?, HolderId::Person(identity.document.clone())))
}
