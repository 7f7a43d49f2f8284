//! Believing a look-up's answer, or not.

use crate::agent::Identity;
use crate::round::garbage;
use crate::status::Trouble;
use hall_domain::{HolderId, Organisation};
use hall_ledger::CentreKeys;
use hall_ledger::document::DocumentKind;
use hall_ledger::envelope::{Envelope, IssuedEnvelope, VerifiedEnvelope};
use hall_ledger::feed::StatusChange;
use hall_ledger::link::{Lookup, LookupAnswer, Resolved};
use hall_ledger::token::FreshnessToken;
use hall_ledger::{Hash, Signed};

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
    /// 法人库: the register entry, for an organisation that is in it.
    pub organisation: Option<Organisation>,
    /// When the centre answered.
    pub token: FreshnessToken,
}

/// Checks that an answer is the centre's, and to this question.
pub(crate) fn check(
    identity: &Identity,
    keys: &CentreKeys,
    asked: &Lookup,
    answer: LookupAnswer,
) -> Result<Found, Trouble> {
    let token = answer.token.verify_by(keys).map_err(|e| garbage("lookup", &e))?;
    if token.scope != identity.scope() {
        return Err(garbage("lookup", "token of another hall"));
    }
    let mut licences = Vec::with_capacity(answer.envelopes.len());
    for issued in answer.envelopes {
        let facts = Envelope::verify(issued.envelope.as_bytes(), keys).map_err(|e| garbage("lookup", &e))?;
        let fits = issued.holder == asked.holder
            && facts.held_by(&asked.holder, &issued.disclosures)
            && facts.allows_hall(&identity.hall)
            && asked.kinds.contains(&facts.facts().kind);
        if !fits {
            return Err(garbage("lookup", "a licence that was not asked for"));
        }
        let status = answer.statuses.iter().find(|status| status.licence == facts.facts().licence);
        let status = status.cloned().ok_or_else(|| garbage("lookup", "a licence without a status"))?;
        licences.push(FreshLicence { facts, issued, status });
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
    Ok(Found { licences, organisation, token })
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
