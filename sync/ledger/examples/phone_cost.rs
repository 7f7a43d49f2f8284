//! Prints what reading and verifying a service code costs: `cargo run -p hall-ledger --release --example phone_cost`.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use hall_domain::{Capacity, DocumentKind, IdentityDocument, Subject, Timestamp};
use hall_ledger::phone::{
    Attestation, CodeKey, CodeKeys, Nonce, SealNonce, ServiceCode, WeakNonce, from_qr, seal_subject, to_qr,
};
use hall_ledger::{CentreKeys, SigningKey};

const CODES: u32 = 5_000;
const NOW: Timestamp = Timestamp(1_795_226_400_000);

fn main() -> Result<(), Box<dyn Error>> {
    let (centre, device) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
    let key = CodeKey { number: 1, key: [9; 32], first: "2026-11-01".parse()?, last: "2026-12-15".parse()? };
    let document = IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011")?;
    let subject = Subject { document, name: "王芳".into(), capacity: Capacity::Own };
    let attestation = Attestation {
        key: device.verifying_key(),
        issued: NOW,
        expires: NOW.plus_hours(24),
        subject: seal_subject(&subject, &key, SealNonce([1; 12])),
        place: Some(1),
    };
    let (centre_keys, keys) = (CentreKeys::new([centre.verifying_key()])?, CodeKeys::new([key])?);
    let attestation = attestation.sign(&centre);
    let text = to_qr(&ServiceCode::present(&attestation, Nonce::Weak(WeakNonce([1; 8])), NOW, &device));
    println!("text of the QR code {} characters", text.len());

    let started = Instant::now();
    for _ in 0..CODES {
        black_box(ServiceCode::parse(&from_qr(black_box(&text))?)?);
    }
    println!("read a scanned code   {:>6.1} µs", each(started));

    let code = ServiceCode::parse(&from_qr(&text)?)?;
    let started = Instant::now();
    for _ in 0..CODES {
        black_box(&code).verify(&centre_keys, &keys, NOW)?.weak(NOW)?;
    }
    println!("verify a service code {:>6.1} µs", each(started));
    Ok(())
}

fn each(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(CODES)
}
