//! Believing a look-up's answer, or not.

use crate::agent::Identity;
use crate::round::garbage;
use crate::status::Trouble;
use hall_domain::{HolderAlias, HolderId, Organisation};
use hall_ledger::CentreKeys;
use hall_ledger::document::DocumentKind;
use hall_ledger::envelope::{Envelope, IssuedEnvelope, VerifiedEnvelope};
use hall_ledger::feed::StatusChange;
use hall_ledger::link::{Lookup, LookupAnswer, Resolved};
use hall_ledger::token::FreshnessToken;
use hall_ledger::{Hash, Signed, Trust};

/// A licence that the centre confirmed just now.
#[derive(Debug, Clone)]
pub struct FreshLicence {
    /// What the centre signed, readable.
    pub facts: VerifiedEnvelope,
    /// The exact bytes and what lies beside them, to be sealed to the holder.
    pub issued: IssuedEnvelope,
    /// Its status as of the answer.
    pub status: StatusChange,
}

/// What a look-up found.
#[derive(Debug, Clone)]
pub struct Found {
    /// One per licence. A kind that is not there is one that the holder does not have.
    pub licences: Vec<FreshLicence>,
    /// 曾用证件号: what was found under earlier identifiers of the holder.
    pub aliased: Vec<FoundAlias>,
    /// 法人库: the register entry, for an organisation that is in it.
    pub organisation: Option<Organisation>,
    /// When the centre answered.
    pub token: FreshnessToken,
}

/// What a look-up found under one earlier identifier.
#[derive(Debug, Clone)]
pub struct FoundAlias {
    /// That it is the holder's, by the centre's signature.
    pub alias: HolderAlias,
    /// Its licences: candidates, not the holder's own.
    pub licences: Vec<FreshLicence>,
}

/// Checks that an answer is the centre's, and to this question.
pub(crate) fn check(
    identity: &Identity,
    trust: &Trust,
    asked: &Lookup,
    answer: LookupAnswer,
) -> Result<Found, Trouble> {
    let keys = trust.keys();
    let token = answer.token.verify_by(keys).map_err(|e| garbage("lookup", &e))?;
    if token.scope != identity.scope() {
        return Err(garbage("lookup", "token of another hall"));
    }
    let asker = Asker { identity, keys, asked };
    let licences = asker.fresh(&asked.holder, answer.envelopes, &answer.statuses)?;
    let mut aliased = Vec::new();
    for found in answer.aliased.unwrap_or_default() {
        let stated = found.alias.verify_by(keys).map_err(|e| garbage("lookup", &e))?;
        let Ok(Some(alias)) = stated.open(&trust.code_keys().cloned().unwrap_or_default()) else {
            tracing::warn!(alias.id = %stated.id, "a fact about an earlier identifier does not open");
            continue;
        };
        if *alias.holder() != asked.holder {
            return Err(garbage("lookup", "an earlier identifier of somebody else"));
        }
        let licences = asker.fresh(alias.other(), found.envelopes, &found.statuses)?;
        aliased.push(FoundAlias { alias, licences });
    }
    let organisation = match answer.organisation {
        None => None,
        Some(signed) => {
            let document = signed.verify_by(keys).map_err(|e| garbage("lookup", &e))?;
            let entry: Organisation =
                document.read(DocumentKind::Organisation).map_err(|e| garbage("lookup", &e))?;
            if HolderId::Organisation(entry.uscc.clone()) != asked.holder {
                return Err(garbage("lookup", "an organisation that was not asked for"));
            }
            Some(entry)
        }
    };
    Ok(Found { licences, aliased, organisation, token })
}

/// Who asked for what.
struct Asker<'a> {
    identity: &'a Identity,
    keys: &'a CentreKeys,
    asked: &'a Lookup,
}

impl Asker<'_> {
    /// Licences of one identifier, of the kinds that were asked for, each with its status.
    fn fresh(
        &self,
        holder: &HolderId,
        envelopes: Vec<IssuedEnvelope>,
        statuses: &[StatusChange],
    ) -> Result<Vec<FreshLicence>, Trouble> {
        let mut licences = Vec::with_capacity(envelopes.len());
        for issued in envelopes {
            let facts =
                Envelope::verify(issued.envelope.as_bytes(), self.keys).map_err(|e| garbage("lookup", &e))?;
            let fits = issued.holder == *holder
                && facts.held_by(holder, &issued.disclosures)
                && facts.allows_hall(&self.identity.hall)
                && self.asked.kinds.contains(&facts.facts().kind);
            if !fits {
                return Err(garbage("lookup", "a licence that was not asked for"));
            }
            let status = statuses.iter().find(|status| status.licence == facts.facts().licence);
            let status = status.cloned().ok_or_else(|| garbage("lookup", "a licence without a status"))?;
            licences.push(FreshLicence { facts, issued, status });
        }
        Ok(licences)
    }
}

/// Checks that an answer is the centre's, to this question of this hall.
pub(crate) fn check_resolved(
    identity: &Identity,
    keys: &CentreKeys,
    asked: &str,
    signed: &Signed<Resolved>,
) -> Result<Resolved, Trouble> {
    let resolved = signed.verify_by(keys).map_err(|e| garbage("resolve", &e))?;
    if resolved.code != Hash::of(asked.as_bytes()) || resolved.scope != identity.scope() {
        return Err(garbage("resolve", "a code that was not asked about"));
    }
    Ok(resolved)
}
