//! 办事码: what it takes to verify one that was scanned.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use ed25519_dalek::SigningKey;
use hall_domain::{Capacity, HolderId, Subject};
use hall_ledger::phone::{
    Attestation, CodeKey, CodeKeys, Nonce, SealNonce, ServiceCode, WeakNonce, seal_subject,
};
use hall_ledger::trust::CentreKeys;

use super::super::spread::Spread;
use super::super::{Row, Target};
use super::synthetic::{TIME, holder};

/// Measures.
pub fn run(short: bool) -> Result<Vec<Row>> {
    let runs = if short { 20 } else { 2_000 };
    let (centre, device) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
    let trust = CentreKeys::new([centre.verifying_key()])?;
    let (first, last) = (TIME.local_date(), TIME.plus_hours(24).local_date());
    let key = CodeKey { number: 1, key: [5; 32], first, last };
    let keys = CodeKeys::new([key.clone()])?;
    let HolderId::Person(document) = holder(0)? else { anyhow::bail!("the synthetic holder is a person") };
    let subject = Subject { document, name: "王芳".to_owned(), capacity: Capacity::Own };
    let attestation = Attestation {
        key: device.verifying_key(),
        issued: TIME,
        expires: TIME.plus_hours(24),
        subject: seal_subject(&subject, &key, SealNonce([1; 12])),
        place: Some(7),
    };
    let attestation = attestation.sign(&centre);
    let mut took = Vec::new();
    let mut bytes = 0;
    for run in 0..runs {
        let nonce = Nonce::Weak(WeakNonce(u64::try_from(run)?.to_be_bytes()));
        let code = ServiceCode::present(&attestation, nonce, TIME, &device);
        bytes = code.len();
        let begun = Instant::now();
        let verified = ServiceCode::parse(&code)
            .and_then(|code| code.verify(&trust, &keys, TIME))
            .context("the code verifies")?;
        black_box(verified.weak(TIME)?);
        took.push(begun.elapsed());
    }
    let took = Spread::new(took);
    let name = |what: &str| format!("verify a service code: {what}");
    Ok(vec![
        Row::new(name("p50"), took.ms(0.5) * 1_000.0, "µs", runs),
        Row::new(name("p99"), took.ms(0.99) * 1_000.0, "µs", runs).target(Target::AtMost(1_000.0)),
        Row::new(name("size"), bytes as f64, "bytes", 1),
    ])
}
