//! Prints what sealing, verifying and chaining an entry costs: `cargo run -p hall-ledger --release
//! --example sealing_cost`.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use hall_domain::Timestamp;
use hall_ledger::entry::{ClockReading, EntryKind, Known, RequestId};
use hall_ledger::head::Draft;
use hall_ledger::{BoxId, LedgerHead, LogId, Salt, SigningKey, cbor};

const ENTRIES: u32 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut head = LedgerHead::new(LogId::new(BoxId([1; 16]), 1));
    let body = serde_json::json!({ "case": "990001202611210001", "text": "同意用证".repeat(35) });
    println!("body {} bytes, head {} bytes", cbor::encode(&body)?.len(), head.to_bytes().len());

    let started = Instant::now();
    for _ in 0..ENTRIES {
        black_box(cbor::encode(black_box(&body))?);
    }
    println!("encode the body   {:>6.1} µs", each(started));

    let started = Instant::now();
    let mut sealed = Vec::new();
    for n in 0..ENTRIES {
        sealed.push(head.seal(&key, draft(n, cbor::encode(&body)?))?);
        black_box(head.to_bytes());
    }
    println!("encode and seal   {:>6.1} µs", each(started));

    let mut follower = LedgerHead::new(head.log());
    let public = key.verifying_key();
    let started = Instant::now();
    for entry in sealed {
        follower.accept(&entry.into_entry().verify(&public)?)?;
    }
    println!("verify and accept {:>6.1} µs", each(started));
    if follower == head { Ok(()) } else { Err("the follower came to another head".into()) }
}

fn each(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(ENTRIES)
}

fn draft(n: u32, body: Vec<u8>) -> Draft {
    Draft {
        kind: EntryKind::ConsentGiven,
        wall: Timestamp(i64::from(n)),
        clock: ClockReading { boot: [2; 16], monotonic_ms: n.into(), token_age_ms: Some(1), error_ms: 50 },
        known: Known {
            scope: "hall:990001".into(),
            feed: 1,
            hot: 1,
            token_at: Some(Timestamp(0)),
            policy: 1,
            keys: 1,
        },
        request: RequestId([3; 16]),
        body,
        salt: Salt([4; 16]),
    }
}
