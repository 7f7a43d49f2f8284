//! 免证清单 from cached or fresh licences, and opening them. Nothing here opens a licence without
//! comparing each value with the digest that the centre signed.

pub mod install;
pub mod purge;
pub mod shown;
mod statement;
#[cfg(test)]
mod tests;

use crate::store::licences::Cached;
use hall_domain::case::{AliasedRow, LicenceUse, ListRow, ListedLicence, Mode, StatusSource};
use hall_domain::consent::ConsentRow;
use hall_domain::form::OpenedFields;
use hall_domain::policy::StatusWindow;
use hall_domain::{
    FieldKey, HolderAlias, HolderId, LicenceGrade, LicenceKind, LicenceKindCode, LicenceStatus, Material,
    MaterialHolder, Policy, ServiceItem, Tier, Timestamp,
};
use hall_ledger::cose::{KeyId, Sign1};
use hall_ledger::envelope::{CacheState, Disclosures, OpenError, Signatures, VerifiedEnvelope};
use hall_ledger::hash::Hash;
use hall_ledger::status::VerifiedStatusList;
use hall_ledger::trust::CentreKeys;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A licence whose envelope was verified, with what is known of its status.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What the centre signed.
    pub envelope: VerifiedEnvelope,
    /// What lies beside it.
    pub beside: Disclosures,
    /// SHA-256 of the signed bytes.
    pub digest: Hash,
    /// Whose it is.
    pub holder: HolderId,
    /// Its status.
    pub status: LicenceStatus,
    /// When that was known to be true.
    pub status_at: Timestamp,
    /// Who said so, as long as the centre was not asked just now.
    pub status_from: StatusSource,
    /// When the status list was made, if there is one that still counts.
    pub list_at: Option<Timestamp>,
    /// Which of the centre's keys signed the envelope.
    pub by: KeyId,
    /// Whether the centre answered for it, or the hall's own knowledge speaks.
    pub mode: Mode,
    /// When the centre told the status for this very case: over the line, or in what a phone carried.
    pub told_at: Option<Timestamp>,
}

/// What dates the cache.
#[derive(Debug, Clone, Default)]
pub struct Freshness<'a> {
    /// When the newest token was issued, if everything that it covers has been applied.
    pub token_at: Option<Timestamp>,
    /// Status lists by number.
    pub lists: BTreeMap<u32, &'a VerifiedStatusList>,
}

/// 时限 by which the licences of one case are graded: the policy in force, the tier of its item, and each kind's own.
#[derive(Debug, Clone)]
pub struct Windows {
    /// 离线策略.
    pub policy: Arc<Policy>,
    /// 风险等级 of the item.
    pub tier: Tier,
    /// Licence kinds by code. A kind that is not there has no hours.
    pub kinds: Arc<BTreeMap<String, LicenceKind>>,
}

impl Windows {
    /// The window of one kind.
    pub fn of(&self, kind: &LicenceKindCode) -> StatusWindow {
        let hours = self.kinds.get(kind.as_str()).map_or(0, |kind| kind.window_hours);
        self.policy.window(self.tier, hours)
    }
}

/// Who may have signed, and which signatures were found good before.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// The centre's keys.
    pub keys: &'a CentreKeys,
    /// Remembers good signatures.
    pub signatures: &'a Signatures,
}

/// Verifies a cached licence and combines what the feed and the status list say about it.
/// An envelope that does not verify, or is another holder's, is no candidate.
pub fn candidate(
    cached: Cached,
    holder: &HolderId,
    proof: Proof<'_>,
    hall: &str,
    freshness: &Freshness<'_>,
    now: Timestamp,
) -> Option<Candidate> {
    let (envelope, digest) = proof.signatures.verify(cached.issued.envelope.as_bytes(), proof.keys).ok()?;
    let beside = cached.issued.disclosures;
    if !envelope.held_by(holder, &beside) || !envelope.allows_hall(hall) {
        return None;
    }
    let by = Sign1::parse(cached.issued.envelope.as_bytes()).ok()?.kid();
    let place = envelope.facts().status;
    let listed = freshness.lists.get(&place.list).and_then(|list| list.look_up(place.index, now).ok());
    // An expired list says nothing any more, however well it is signed.
    let listed = listed.filter(|answer| !answer.expired);
    let (status, mut status_at, mut status_from) = match listed {
        // The list is a whole picture at its time; a later change from the feed beats it.
        Some(answer) if answer.issued_at >= cached.status_at => {
            (answer.status, answer.issued_at, StatusSource::List)
        }
        _ if cached.status_at > envelope.facts().checked_at => {
            (cached.status, cached.status_at, StatusSource::Feed)
        }
        _ => (cached.status, cached.status_at, StatusSource::Envelope),
    };
    if let Some(token) = freshness.token_at.filter(|token| *token > status_at) {
        (status_at, status_from) = (token, StatusSource::Token);
    }
    Some(Candidate {
        envelope,
        beside,
        digest,
        holder: holder.clone(),
        status,
        status_at,
        status_from,
        list_at: listed.map(|answer| answer.issued_at),
        by,
        mode: Mode::Offline,
        told_at: None,
    })
}

/// Makes the list: one row for each material, with the best licence for it. `now` is the latest that it may be.
pub fn list(
    item: &ServiceItem,
    windows: &Windows,
    principal: &HolderId,
    person: &HolderId,
    candidates: &[Candidate],
    now: Timestamp,
) -> Vec<ListRow> {
    item.materials
        .iter()
        .map(|material| {
            let holder = match material.holder {
                MaterialHolder::Applicant => principal,
                MaterialHolder::LegalRepresentative => person,
            };
            let licence = material.replaced_by.as_ref().and_then(|kind| {
                let window = windows.of(kind);
                candidates
                    .iter()
                    .filter(|candidate| {
                        &candidate.holder == holder && &candidate.envelope.facts().kind == kind
                    })
                    .map(|candidate| listed(candidate, material, window, now))
                    .max_by_key(|licence| {
                        (licence.usable(now.local_date()), licence.checked_at, licence.version)
                    })
            });
            ListRow {
                material: material.id.clone(),
                name: material.name.clone(),
                required: material.required,
                licence,
            }
        })
        .collect()
}

/// Whose licences are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// For whom the case is.
    pub principal: &'a HolderId,
    /// Who stands at the window.
    pub person: &'a HolderId,
    /// What the authority says of earlier identifiers of that person.
    pub aliases: &'a [HolderAlias],
}

/// 曾用证件号下的证照: for each material of the person for which no row has a usable licence, the best one of each earlier
/// identifier. Candidates alone: whether it is the same person is for the clerk to say.
pub fn aliased(
    item: &ServiceItem,
    windows: &Windows,
    whose: Whose<'_>,
    rows: &[ListRow],
    candidates: &[Candidate],
    now: Timestamp,
) -> Vec<AliasedRow> {
    let today = now.local_date();
    let lacking = |material: &&Material| {
        let holder = match material.holder {
            MaterialHolder::Applicant => whose.principal,
            MaterialHolder::LegalRepresentative => whose.person,
        };
        let row = rows.iter().find(|row| row.material == material.id);
        let has = row.and_then(|row| row.licence.as_ref()).is_some_and(|licence| licence.usable(today));
        holder == whose.person && !has
    };
    let mut found = Vec::new();
    for material in item.materials.iter().filter(lacking) {
        let Some(kind) = &material.replaced_by else { continue };
        for alias in whose.aliases {
            let under = |candidate: &&Candidate| {
                candidate.holder == *alias.other() && candidate.envelope.facts().kind == *kind
            };
            let licences = candidates.iter().filter(under);
            let licences = licences.map(|candidate| listed(candidate, material, windows.of(kind), now));
            let best =
                licences.max_by_key(|licence| (licence.usable(today), licence.checked_at, licence.version));
            found.extend(best.map(|licence| AliasedRow {
                material: material.id.clone(),
                alias: alias.clone(),
                licence: ListedLicence { alias: Some(alias.id()), ..licence },
            }));
        }
    }
    found
}

/// Whether `person` may have a licence looked at: any that is not the principal's, and the principal's when the
/// issuer signed that this person is its legal representative (法定代表人).
pub fn speaks_for(person: &HolderId, candidate: &Candidate, principal: &HolderId) -> bool {
    &candidate.holder != principal || candidate.envelope.represented_by(person, &candidate.beside)
}

/// Opens an agreed row: exactly the fields that the item may ask for. The licence is graded anew, by the policy of
/// this moment; `now` is the latest that it may be.
pub fn open(
    row: &ConsentRow,
    listed: &ListedLicence,
    candidates: &[Candidate],
    windows: &Windows,
    use_code: String,
    now: Timestamp,
) -> Result<(LicenceUse, OpenedFields), OpenError> {
    let missing = || OpenError::NotDisclosed(row.fields.first().cloned().unwrap_or_else(number_field));
    let candidate = candidates
        .iter()
        .find(|candidate| {
            let facts = candidate.envelope.facts();
            // A fresher envelope of the same version says the same; a licence that was revoked since stays closed.
            facts.licence == row.licence
                && facts.version == listed.version
                && candidate.holder == row.holder
                && candidate.status == LicenceStatus::Valid
        })
        .ok_or_else(missing)?;
    let fields = candidate.envelope.open(&row.fields, &candidate.beside)?;
    let window = windows.of(&row.kind);
    let used = LicenceUse {
        material: row.material.clone(),
        licence: row.licence.clone(),
        kind: row.kind.clone(),
        version: listed.version,
        use_code,
        envelope: candidate.digest.to_string(),
        opened: fields.clone(),
        grade: grade(candidate, window, now),
        status_at: candidate.status_at,
        mode: listed.mode,
        statement: Some(statement::of_use(candidate, window, now)),
        alias: listed.alias,
    };
    Ok((used, OpenedFields { id: row.licence.clone(), name: row.name.clone(), fields }))
}

fn listed(candidate: &Candidate, material: &Material, window: StatusWindow, now: Timestamp) -> ListedLicence {
    let facts = candidate.envelope.facts();
    // A field that this version of the licence does not have is simply not asked for.
    let fields = material.fields.iter().filter(|key| facts.fields.contains_key(*key)).cloned().collect();
    ListedLicence {
        id: facts.licence.clone(),
        kind: facts.kind.clone(),
        name: facts.name.clone(),
        holder: candidate.holder.clone(),
        issuer: facts.issuer.name.clone(),
        valid_until: facts.valid_until,
        version: facts.version,
        status: candidate.status,
        checked_at: facts.checked_at,
        status_at: candidate.status_at,
        mode: candidate.mode,
        grade: grade(candidate, window, now),
        envelope: candidate.digest.to_string(),
        fields,
        statement: Some(statement::of_listing(candidate, window, now)),
        alias: None,
    }
}

fn grade(candidate: &Candidate, window: StatusWindow, now: Timestamp) -> LicenceGrade {
    let age = |at: Timestamp| now.ms_since(at);
    window.grade(candidate.told_at.map(age), age(candidate.status_at), usable(candidate, now))
}

/// The envelope is within the time for which a cache may use it.
fn usable(candidate: &Candidate, now: Timestamp) -> bool {
    matches!(candidate.envelope.cache(now), CacheState::Usable { .. })
}

/// The centre has told the status for this case.
fn told_now(candidate: &Candidate, window: StatusWindow, now: Timestamp) -> bool {
    candidate.told_at.is_some_and(|at| window.of_this_moment(now.ms_since(at)))
}

fn number_field() -> FieldKey {
    #[expect(clippy::expect_used, reason = "a constant that is a field key")]
    hall_ledger::envelope::NUMBER_FIELD.parse().expect("the number field is a field key")
}
