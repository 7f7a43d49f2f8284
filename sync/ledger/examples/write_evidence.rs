//! Writes the three files that prove a consent entry to a stranger, and the centre's public key, into the
//! folder given: `cargo run -p hall-ledger --example write_evidence -- FOLDER`. Keys, salts and times are
//! fixed, so that the files are the same in every run; `docs/protocol/vectors` holds them.

use std::error::Error;
use std::path::Path;

use hall_domain::Timestamp;
use hall_ledger::entry::{ClockReading, EntryKind, Known, RequestId};
use hall_ledger::head::Draft;
use hall_ledger::proof::InclusionProof;
use hall_ledger::receipt::Receipt;
use hall_ledger::{BoxId, Entry, Hash, LedgerHead, LogId, Salt, Signed, SigningKey, cbor};

/// Name and content.
type File = (&'static str, Vec<u8>);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    for (name, bytes) in evidence()? {
        std::fs::write(Path::new(&folder).join(name), bytes)?;
    }
    Ok(())
}

/// The three files and the key.
fn evidence() -> Result<[File; 4], Box<dyn Error>> {
    let (box_key, centre_key) = (SigningKey::from_bytes(&[0xb0; 32]), SigningKey::from_bytes(&[0xc0; 32]));
    let mut head = LedgerHead::new(LogId::new(BoxId([0x11; 16]), 1));
    let mut entries: Vec<Entry> = Vec::new();
    for seq in 0..11 {
        entries.push(head.seal(&box_key, draft(seq)?)?.into_entry());
    }
    let leaves: Vec<Hash> = entries.iter().map(Entry::leaf).collect();
    let consent = 6;
    let proof = InclusionProof::make(head.log(), &leaves, consent)?;
    let receipt = Receipt {
        log: head.log(),
        size: head.size(),
        root: head.root(),
        epoch: 1,
        received_at: Timestamp(1_795_230_000_000),
        index: 4,
        ledger_key: *box_key.verifying_key().as_bytes(),
        branch: None,
    };
    Ok([
        ("entry.cbor", cbor::pack(&entries[consent as usize])),
        ("proof.cbor", cbor::pack(&proof)),
        ("receipt.cbor", Signed::sign(&receipt, &centre_key).into_bytes()),
        ("centre-key.hex", format!("{}\n", hex::encode(centre_key.verifying_key().as_bytes())).into()),
    ])
}

fn draft(seq: u8) -> Result<Draft, Box<dyn Error>> {
    let body = serde_json::json!({
        "case": "990001202611210001",
        "item": "新生儿出生登记",
        "licences": [{ "name": "居民户口簿", "fields": ["name", "address"], "agreed": true }],
        "shown_sha256": Hash::of(b"what the evaluator showed"),
    });
    Ok(Draft {
        kind: if seq == 6 { EntryKind::ConsentGiven } else { EntryKind::ClerkAction },
        wall: Timestamp(1_795_226_400_000 + i64::from(seq) * 1000),
        clock: ClockReading {
            boot: [0xbb; 16],
            monotonic_ms: 86_400_000 + u64::from(seq) * 1000,
            token_age_ms: Some(30_000),
            error_ms: 50,
        },
        known: Known {
            scope: "hall:990001".into(),
            feed: 42,
            hot: 7,
            token_at: Some(Timestamp(1_795_226_370_000)),
            policy: 3,
            keys: 1,
        },
        request: RequestId([seq; 16]),
        body: cbor::encode(&body)?,
        salt: Salt([seq ^ 0x5a; 16]),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    fn protocol() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol"))
    }

    #[test]
    fn the_files_in_the_documentation_are_these() {
        for (name, bytes) in super::evidence().unwrap() {
            let stored = std::fs::read(protocol().join("vectors").join(name)).unwrap();
            assert!(stored == bytes, "{name} has changed: files that left a box must stay readable");
        }
    }

    /// Only where Python has the two libraries that the script names.
    #[test]
    fn a_script_that_knows_only_the_documentation_verifies_them() {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let able = Command::new(&python).args(["-c", "import cbor2, cryptography"]).output();
        if !able.is_ok_and(|output| output.status.success()) {
            eprintln!("not run: {python} has no cbor2 and cryptography");
            return;
        }
        let folder = scratch_folder();
        for (name, bytes) in super::evidence().unwrap() {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        let verify = || {
            let mut command = Command::new(&python);
            command.arg(protocol().join("verify-entry.py")).current_dir(&folder);
            command.args(["entry.cbor", "proof.cbor", "receipt.cbor", "centre-key.hex"]).output().unwrap()
        };
        let good = verify();
        assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
        assert!(String::from_utf8_lossy(&good.stdout).contains("verified: entry 6 of ledger"));
        // One letter of the consent, and it is no longer what was signed.
        let mut bytes = std::fs::read(folder.join("entry.cbor")).unwrap();
        let at = bytes.windows(7).position(|part| part == b"address").unwrap();
        bytes[at] = b'A';
        std::fs::write(folder.join("entry.cbor"), bytes).unwrap();
        assert_eq!(verify().status.code(), Some(1));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    fn scratch_folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("hall-evidence-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}
