//! 入网: introduces the box to the centre once, with a code that the province gave out.

use crate::keys::{Keys, write_private};
use crate::setup::DataDir;
use crate::store::ledger;
use crate::store::meta::{self, key};
use anyhow::{Context, Result, anyhow, bail};
use hall_domain::Timestamp;
use hall_ledger::link::EnrolAnswer;
use hall_ledger::log::LogId;
use hall_ledger::trust::{CentreKeys, Trust, verifying_key};
use hall_sync::{ClientIdentity, Credentials, Enrolment};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

/// What enrolment gave, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// Address of the centre.
    pub centre: String,
    /// The box's ledger.
    pub log: LogId,
    /// The hall's code.
    pub hall_code: String,
    /// 大厅名称.
    pub hall_name: String,
    /// The link's authority.
    pub ca_pem: String,
    /// The box's certificate for the link.
    pub certificate_pem: String,
    /// The centre's keys, pinned.
    pub centre_keys: Vec<String>,
    /// The province's root, pinned: it signs every trust bundle. Absent on boxes that enrolled before there were bundles.
    #[serde(default)]
    pub root_key: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Enrolled {
    /// What is trusted before the first bundle.
    pub fn trust(&self) -> Result<Trust> {
        let keys = CentreKeys::from_hex(&self.centre_keys).context("the centre's pinned keys")?;
        let root = self.root_key.as_deref().map(verifying_key).transpose().context("the pinned root")?;
        Ok(Trust::pinned(keys, root, self.at))
    }

    /// What the link's TLS needs.
    pub fn credentials(&self, data: &DataDir) -> Result<Credentials> {
        let key_pem = fs::read_to_string(data.join("keys/link.key")).context("the link's key")?;
        let client = ClientIdentity { certificate_pem: self.certificate_pem.clone(), key_pem };
        Ok(Credentials { ca_pem: self.ca_pem.clone(), client: Some(client), not_before: self.at })
    }

    /// What was kept at enrolment.
    pub fn load(data: &DataDir) -> Result<Self> {
        let db = data.database()?;
        let bytes = db.read_blocking(|db| meta::get(db, key::ENROLMENT))?;
        let bytes = bytes.ok_or_else(|| anyhow!("this box is not enrolled yet; run `hallbox enrol`"))?;
        serde_json::from_slice(&bytes).context("what was kept at enrolment")
    }
}

/// Enrols the box. A box that is enrolled already keeps its ledger.
pub async fn enrol(dir: &Path, centre: &str, ca: &Path, code: &str, now: Timestamp) -> Result<()> {
    let data = DataDir::open(dir)?;
    let _lock = data.lock()?;
    let addresses = data.addresses()?;
    let keys = Keys::load_or_make(&data.join("keys"), &addresses.names)?;
    let db = data.database()?;
    if db.read(|db| meta::get(db, key::ENROLMENT)).await?.is_some() {
        bail!("this box is enrolled already");
    }
    let ca_pem = fs::read_to_string(ca).with_context(|| format!("read {}", ca.display()))?;
    let link_key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "hall box");
    let csr_pem = params.serialize_request(&link_key)?.pem()?;
    write_private(&data.join("keys/link.key"), Zeroizing::new(link_key.serialize_pem()).as_bytes())?;
    let ledger_key = keys.ledger.verifying_key();
    let enrolment =
        Enrolment { centre, ca_pem: &ca_pem, code, csr_pem: &csr_pem, ledger_key: &ledger_key, now };
    let answer = hall_sync::enrol(enrolment).await.map_err(|error| anyhow!("{} ({error})", error.zh()))?;
    keep(&data, centre, answer, now).await
}

async fn keep(data: &DataDir, centre: &str, answer: EnrolAnswer, now: Timestamp) -> Result<()> {
    let log = answer.log();
    let enrolled = Enrolled {
        centre: centre.to_owned(),
        log,
        hall_code: answer.hall.code.clone(),
        hall_name: answer.hall.name.clone(),
        ca_pem: answer.ca_pem,
        certificate_pem: answer.certificate_pem,
        centre_keys: answer.centre_keys,
        root_key: answer.root_key,
        at: now,
    };
    let bytes = serde_json::to_vec(&enrolled)?;
    let db = data.database()?;
    db.write(move |tx| {
        ledger::start(tx, log)?;
        meta::put(tx, key::ENROLMENT, &bytes)
    })
    .await?;
    db.close().await;
    println!("已入网：{}（{}）", enrolled.hall_name, enrolled.hall_code);
    Ok(())
}
