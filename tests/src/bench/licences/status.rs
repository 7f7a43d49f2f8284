//! A status list for ten million licences: verify, decompress, look up.

use std::time::Instant;

use anyhow::Result;
use ed25519_dalek::SigningKey;
use hall_domain::LicenceStatus;
use hall_ledger::Signed;
use hall_ledger::status::{StatusClaims, StatusList, VerifiedStatusList};
use hall_ledger::trust::CentreKeys;

use super::super::spread::median;
use super::super::{Row, Target};
use super::synthetic::{Random, TIME};

/// Measures, and gives the list for other measurements.
pub fn run(short: bool, rows: &mut Vec<Row>) -> Result<VerifiedStatusList> {
    let (entries, runs) = if short { (100_000, 1) } else { (10_000_000, 9) };
    let key = SigningKey::from_bytes(&[7; 32]);
    let keys = CentreKeys::new([key.verifying_key()])?;
    let mut list = StatusList::new(entries)?;
    let mut random = Random(1);
    // One in a hundred is not valid, but none of those that the other measurements open.
    for _ in 0..entries / 100 {
        let at = u32::try_from(10_000 + random.next() as usize % (entries - 10_000))?;
        list.set(at, LicenceStatus::from_bits(1 + (random.next() % 3) as u8))?;
    }
    let signed = Signed::sign(&list.claims(1, TIME, 300, TIME.plus_hours(72)), &key);
    let (mut took, mut looked) = (Vec::new(), Vec::new());
    let mut verified = StatusClaims::verify(signed.as_bytes(), &keys)?;
    for _ in 0..runs {
        let begun = Instant::now();
        verified = StatusClaims::verify(signed.as_bytes(), &keys)?;
        let at = u32::try_from(random.next() as usize % entries)?;
        std::hint::black_box(verified.look_up(at, TIME)?);
        took.push(begun.elapsed().as_secs_f64() * 1_000.0);
        let begun = Instant::now();
        for _ in 0..1_000 {
            let at = u32::try_from(random.next() as usize % entries)?;
            std::hint::black_box(verified.look_up(at, TIME)?);
        }
        looked.push(begun.elapsed().as_secs_f64() * 1_000_000.0);
    }
    let name = |what: &str| format!("status list of {}: {what}", super::words(entries));
    rows.push(
        Row::new(name("verify, decompress, look one up"), median(took), "ms", runs)
            .target(Target::AtMost(100.0)),
    );
    rows.push(Row::new(name("size as sent"), signed.as_bytes().len() as f64 / 1_000.0, "kB", 1));
    rows.push(Row::new(name("one look-up"), median(looked), "ns", runs));
    Ok(verified)
}
