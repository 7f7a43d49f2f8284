//! Taking in a whole district: what a new hall does once its licences have been transferred.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ed25519_dalek::SigningKey;
use hall_ledger::cbor;
use hall_ledger::envelope::{Envelope, IssuedEnvelope};
use hall_ledger::hash::Hash;
use hall_ledger::trust::CentreKeys;
use hall_sqlite::{Database, Options};
use hallbox::cache::install;
use hallbox::store::MIGRATIONS;
use hallbox::store::licences::{self, Reason};
use hallbox::vault::Vault;
use zeroize::Zeroizing;

use super::super::{Row, Target};
use super::synthetic;

/// Licences of one transaction.
const PART: usize = 4_096;

/// Measures. Making the licences is not part of it.
pub fn run(folder: &Path, size: usize) -> Result<Vec<Row>> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let keys = CentreKeys::new([key.verifying_key()])?;
    let vault = Vault::new(Zeroizing::new([3; 32]));
    let db = Database::open(&folder.join("box.db"), MIGRATIONS, Options::default())?;
    let (mut took, mut signatures) = (Duration::ZERO, Duration::ZERO);
    let mut verified = 0;
    for (number, start) in (0..size).step_by(PART).enumerate() {
        let made: Vec<Vec<u8>> = (start..size.min(start + PART))
            .map(|n| Ok(cbor::pack(&synthetic::issue(n, &key)?)))
            .collect::<Result<_>>()?;
        let begun = Instant::now();
        // The digest of a part, as a signed list of parts would name it.
        for bytes in &made {
            std::hint::black_box(Hash::of(bytes));
        }
        let issued: Vec<IssuedEnvelope> =
            made.iter().map(|bytes| cbor::unpack(bytes)).collect::<Result<_, _>>()?;
        let facts: Vec<Envelope> =
            issued.iter().map(|issued| issued.envelope.peek()).collect::<Result<_, _>>()?;
        let sealed = install::seal(&vault, &issued.iter().zip(&facts).collect::<Vec<_>>());
        db.write_blocking(move |tx| {
            sealed.iter().try_for_each(|sealed| licences::put(tx, sealed, Reason::Scope))
        })
        .map_err(|error| anyhow::anyhow!("install: {error}"))?;
        took += begun.elapsed();
        if number % 16 == 0 {
            let begun = Instant::now();
            for issued in &issued {
                Envelope::verify(issued.envelope.as_bytes(), &keys)?;
            }
            signatures += begun.elapsed();
            verified += issued.len();
        }
    }
    let count = db.read_blocking(licences::count)?;
    ensure!(count == size as u64, "{count} licences were installed");
    let name = |what: &str| format!("install {} licences: {what}", super::words(size));
    let each = signatures.as_secs_f64() / verified as f64;
    let rows = vec![
        Row::new(name("read, seal, write, on disk"), took.as_secs_f64(), "s", 1).target(Target::AtMost(10.0)),
        Row::new(
            name("every signature as well, one processor"),
            took.as_secs_f64() + each * size as f64,
            "s",
            1,
        ),
    ];
    Ok(rows)
}
