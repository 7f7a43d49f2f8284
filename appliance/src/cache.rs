//! 免证清单 from cached or fresh licences, and opening them. Nothing here opens a licence without
//! comparing each value with the digest that the centre signed.

use crate::store::licences::Cached;
use hall_domain::case::{LicenceUse, ListRow, ListedLicence, Mode};
use hall_domain::consent::ConsentRow;
use hall_domain::form::OpenedFields;
use hall_domain::{
    FieldKey, HolderId, LicenceGrade, LicenceKind, LicenceStatus, Material, MaterialHolder, ServiceItem,
    Timestamp,
};
use hall_ledger::envelope::{CacheState, Disclosures, OpenError, Signatures, VerifiedEnvelope};
use hall_ledger::hash::Hash;
use hall_ledger::status::VerifiedStatusList;
use hall_ledger::trust::CentreKeys;
use std::collections::BTreeMap;

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
    /// Whether the centre answered for it just now.
    pub mode: Mode,
}

/// What dates the cache.
#[derive(Debug, Clone, Default)]
pub struct Freshness<'a> {
    /// When the newest token was issued, if everything that it covers has been applied.
    pub token_at: Option<Timestamp>,
    /// Status lists by number.
    pub lists: BTreeMap<u32, &'a VerifiedStatusList>,
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
    let place = envelope.facts().status;
    let listed = freshness.lists.get(&place.list).and_then(|list| list.look_up(place.index, now).ok());
    let (status, status_at) = match listed.filter(|answer| !answer.expired) {
        // The list is a whole picture at its time; a later change from the feed beats it.
        Some(answer) if answer.issued_at >= cached.status_at => (answer.status, answer.issued_at),
        _ => (cached.status, cached.status_at),
    };
    let status_at = freshness.token_at.map_or(status_at, |token| status_at.max(token));
    Some(Candidate {
        envelope,
        beside,
        digest,
        holder: holder.clone(),
        status,
        status_at,
        mode: Mode::Offline,
    })
}

/// Makes the list: one row for each material, with the best licence for it.
pub fn list(
    item: &ServiceItem,
    kinds: &BTreeMap<String, LicenceKind>,
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
                let window = kinds.get(kind.as_str()).map_or(0, |kind| kind.window_hours);
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

/// Whether `person` may have a licence looked at: any that is not the principal's, and the principal's when the
/// issuer signed that this person is its legal representative (法定代表人).
pub fn speaks_for(person: &HolderId, candidate: &Candidate, principal: &HolderId) -> bool {
    &candidate.holder != principal || candidate.envelope.represented_by(person, &candidate.beside)
}

/// Opens an agreed row: exactly the fields that the item may ask for.
pub fn open(
    row: &ConsentRow,
    listed: &ListedLicence,
    candidates: &[Candidate],
    use_code: String,
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
    let used = LicenceUse {
        material: row.material.clone(),
        licence: row.licence.clone(),
        kind: row.kind.clone(),
        version: listed.version,
        use_code,
        envelope: candidate.digest.to_string(),
        opened: fields.clone(),
        grade: listed.grade,
        status_at: listed.status_at,
        mode: listed.mode,
    };
    Ok((used, OpenedFields { id: row.licence.clone(), name: row.name.clone(), fields }))
}

fn listed(candidate: &Candidate, material: &Material, window_hours: u32, now: Timestamp) -> ListedLicence {
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
        grade: grade(candidate, window_hours, now),
        envelope: candidate.digest.to_string(),
        fields,
    }
}

fn grade(candidate: &Candidate, window_hours: u32, now: Timestamp) -> LicenceGrade {
    let usable = matches!(candidate.envelope.cache(now), CacheState::Usable { .. });
    match candidate.mode {
        Mode::Online => LicenceGrade::L4,
        Mode::Offline if usable && now.hours_since(candidate.status_at) < window_hours.max(1) => {
            LicenceGrade::L3
        }
        Mode::Offline => LicenceGrade::L2,
    }
}

fn number_field() -> FieldKey {
    #[expect(clippy::expect_used, reason = "a constant that is a field key")]
    hall_ledger::envelope::NUMBER_FIELD.parse().expect("the number field is a field key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use hall_domain::{Issuer, Licence, LicenceId, LicenceKindCode, Uscc};
    use hall_ledger::Salt;
    use hall_ledger::envelope::{Issue, StatusRef};

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn business_licence(representative: Option<&HolderId>) -> Candidate {
        let (kind, uscc): (LicenceKindCode, Uscc) =
            ("11100000000013338W011".parse().unwrap(), "91519900MATE5T1132".parse().unwrap());
        let licence = Licence {
            id: LicenceId::compose(&kind, &uscc, "000000001", 1).unwrap(),
            kind,
            name: "营业执照".to_owned(),
            holder: HolderId::Organisation(uscc.clone()),
            number: uscc.to_string(),
            issuer: Issuer { name: "安澜市市场监督管理局".to_owned(), uscc },
            issued: NOW.local_date(),
            valid_from: NOW.local_date(),
            valid_until: None,
            version: 1,
            fields: BTreeMap::new(),
        };
        let issue = Issue {
            status: StatusRef { list: 1, index: 7 },
            checked_at: NOW,
            expires_at: NOW.plus_hours(72),
            halls: ["990001".to_owned()].into(),
            relation: representative.cloned(),
            file: None,
        };
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut n = 0;
        let salts = || {
            n += 1;
            Ok::<_, std::convert::Infallible>(Salt([n; 16]))
        };
        let issued = hall_ledger::envelope::Envelope::issue(&licence, &issue, &key, salts).unwrap();
        let keys = CentreKeys::new([key.verifying_key()]).unwrap();
        let cached = Cached { issued, status: LicenceStatus::Valid, status_at: NOW };
        let proof = Proof { keys: &keys, signatures: &Signatures::default() };
        candidate(cached, &licence.holder, proof, "990001", &Freshness::default(), NOW).unwrap()
    }

    #[test]
    fn without_a_register_only_the_person_whom_the_issuer_named_opens_a_companys_licence() {
        let person = |number: &str| number.parse::<HolderId>().unwrap();
        let (representative, stranger) = (person("111:519900199003070011"), person("111:519900198805160241"));
        let named = business_licence(Some(&representative));
        let company = named.holder.clone();
        assert!(speaks_for(&representative, &named, &company));
        assert!(!speaks_for(&stranger, &named, &company));
        assert!(!speaks_for(&representative, &business_licence(None), &company), "nobody is named");
        assert!(speaks_for(&stranger, &named, &stranger), "the person's own papers are another matter");
    }
}
