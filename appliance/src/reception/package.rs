//! 预归档: everything of a submitted case in one sealed package, listed in a manifest.

use super::desk::Desk;
use crate::book::Fault;
use crate::store::blobs::{self, Kept};
use crate::store::cases;
use hall_domain::HolderId;
use hall_domain::archive::{Manifest, ManifestItem, ManifestSource};
use hall_domain::case::{Case, CaseEvent, CaseId, Consent, Mode};
use hall_domain::consent::record::{self, ConsentRecord, RecordFacts};
use serde_json::json;
use sha2::{Digest, Sha256};

/// One file of the package before it has an address.
struct Part {
    path: String,
    media_type: &'static str,
    source: ManifestSource,
    content: Vec<u8>,
}

impl Desk {
    /// Seals the package of a submitted case. Safe to call again: content has one address, and the
    /// sealing is recorded once.
    pub async fn seal(&self, id: &CaseId) -> Result<(), Fault> {
        let case = self.case(id).await?;
        let Some(submitted) = case.submission.as_ref().map(|done| done.at).filter(|_| case.package.is_none())
        else {
            return Ok(());
        };
        let mut entries: Vec<ManifestItem> = Vec::new();
        let mut kept: Vec<Kept> = Vec::new();
        for part in parts(&case, self.consent_record(&case).as_ref())? {
            entries.push(ManifestItem {
                path: part.path,
                media_type: part.media_type.to_owned(),
                size: part.content.len() as u64,
                sha256: hex::encode(Sha256::digest(&part.content)),
                source: part.source,
            });
            kept.push(self.keep(part.content).await?);
        }
        let mut scans = Vec::new();
        for file in &case.attachments {
            entries.push(ManifestItem {
                path: format!("scans/{:02}-{}", file.id, file.sha256.get(..12).unwrap_or_default()),
                media_type: file.media_type.clone(),
                size: file.size,
                sha256: file.sha256.clone(),
                source: ManifestSource::Scan,
            });
            scans.push(file.blob.clone());
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let manifest = Manifest {
            case_no: case.no.to_string(),
            item: case.item.clone(),
            item_name: case.item_name.clone(),
            item_version: case.item_version,
            // The same whoever seals first: two rounds make one package.
            created: submitted,
            offline: case.mode != Some(Mode::Online),
            entries,
        };
        manifest.check().map_err(|error| Fault::Storage(error.to_string()))?;
        let manifest = self.keep(to_json(&manifest)?).await?;
        self.record_seal(&case, manifest, kept, scans).await
    }

    /// What is in the sealed package of a case; none before it was sealed.
    pub async fn package(&self, case: &Case) -> Result<Option<Manifest>, Fault> {
        let Some(address) = &case.package else { return Ok(None) };
        let bytes = self.blob(address).await?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| Fault::Storage("package manifest".to_owned()))
    }

    /// 授权记录 of a case, as it stands; none where nobody agreed or was told.
    pub fn consent_record(&self, case: &Case) -> Option<ConsentRecord> {
        // Keyed with the box's own secret and the case: whoever has the number of somebody cannot look for them.
        let principal = |holder: &HolderId| {
            hex::encode(self.book.vault.index("consent principal", &format!("{} {}", case.id, holder.key())))
        };
        let hall_code = &self.book.knowledge.hall_code;
        let department = self.item(&case.item).map(|item| item.department).unwrap_or_default();
        record::record(case, &RecordFacts { principal: &principal, hall_code, department: &department })
    }

    /// Seals what a crash or a full disk left unsealed.
    pub async fn seal_rest(&self) -> Result<(), Fault> {
        for id in self.book.db.read(cases::unsealed).await? {
            if let Err(error) = self.seal(&id).await {
                tracing::error!(%error, case.id = %id, "a package could not be sealed");
            }
        }
        Ok(())
    }

    async fn record_seal(
        &self,
        case: &Case,
        manifest: Kept,
        parts: Vec<Kept>,
        scans: Vec<String>,
    ) -> Result<(), Fault> {
        let (book, id, clerk) = (self.book.clone(), case.id.clone(), case.clerk.clone());
        let now = book.clock.now();
        let case_id = id.clone();
        self.book
            .db
            .write(move |tx| {
                let mut addresses: Vec<String> = parts.iter().map(|part| part.id.to_string()).collect();
                addresses.extend(scans.iter().cloned());
                addresses.sort();
                addresses.dedup();
                blobs::put(tx, &manifest, true, now)?;
                for part in &parts {
                    blobs::put(tx, part, true, now)?;
                    blobs::belongs(tx, &part.id.to_string(), &case_id)?;
                }
                for scan in &scans {
                    blobs::set_sending(tx, scan)?;
                }
                let manifest = manifest.id.to_string();
                book.change_case(tx, &case_id, &clerk, now, |case| {
                    Ok(if case.package.is_some() {
                        Vec::new()
                    } else {
                        vec![CaseEvent::PackageSealed { manifest, blobs: addresses }]
                    })
                })
            })
            .await?;
        self.changed(&id);
        Ok(())
    }
}

fn parts(case: &Case, record: Option<&ConsentRecord>) -> Result<Vec<Part>, Fault> {
    let part = |path: &str, source, content| Part {
        path: path.to_owned(),
        media_type: "application/json",
        source,
        content,
    };
    let mut parts = vec![part("form.json", ManifestSource::Form, to_json(&case.form)?)];
    let identity = json!({
        "organisation": case.organisation, "identity": case.identity, "paper_mandate": case.paper_mandate,
        "list": case.list, "mode": case.mode, "papers": case.papers,
    });
    parts.push(part("evidence/identity.json", ManifestSource::Evidence, to_json(&identity)?));
    if let Consent::Given { .. } | Consent::Office { .. } | Consent::Withdrawn { .. } = &case.consent {
        let consent = json!({ "consent": case.consent, "acknowledgement": case.acknowledgement });
        parts.push(part("consent/authorisation.json", ManifestSource::Consent, to_json(&consent)?));
    }
    if let Some(record) = record {
        parts.push(part("consent/record.json", ManifestSource::Consent, to_json(record)?));
    }
    for used in &case.uses {
        let path = format!("licences/{}.json", used.material);
        parts.push(part(&path, ManifestSource::Licence, to_json(used)?));
    }
    let receipt = json!({ "no": case.no, "submission": case.submission });
    parts.push(part("receipt.json", ManifestSource::Receipt, to_json(&receipt)?));
    Ok(parts)
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec_pretty(value).map_err(|error| Fault::Storage(error.to_string()))
}
