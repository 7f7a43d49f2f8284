//! Look up, unseal, verify and open one licence, beside the bare read of its row.

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use hall_domain::{FieldKey, HolderId};
use hall_ledger::envelope::Signatures;
use hall_ledger::status::VerifiedStatusList;
use hall_ledger::trust::CentreKeys;
use hall_sqlite::{Database, Options};
use hallbox::book::Fault;
use hallbox::cache::{self, Freshness, Proof};
use hallbox::store::{MIGRATIONS, licences};
use hallbox::vault::Vault;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use rusqlite::{Connection, OpenFlags};
use zeroize::Zeroizing;

use super::super::spread::Spread;
use super::super::{Row, Target};
use super::synthetic::{self, HALL, Random, TIME};

const BARE: &str = "rusqlite, a prepared SELECT of the same row by the same key, nothing opened";
/// Licences that open; the rest only fills.
const REAL: usize = 4_096;

/// One cache of this size.
pub fn run(folder: &Path, size: usize, list: &VerifiedStatusList, short: bool) -> Result<Vec<Row>> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let vault = Vault::new(Zeroizing::new([3; 32]));
    let path = folder.join("box.db");
    let real = REAL.min(size / 4);
    let holders = synthetic::fill(&path, &vault, size, real, &key)?;
    let bench = Opening {
        db: Database::open(&path, MIGRATIONS, Options::default())?,
        bare: Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        keys: CentreKeys::new([key.verifying_key()])?,
        signatures: Signatures::default(),
        fields: synthetic::wanted()?,
        vault,
        list,
    };
    let rounds = if short { 1 } else { 10 };
    let mut random = Random(size as u64);

    // Straight from the disk, each row once: ours and the bare read get every other one.
    forget_pages(&path)?;
    let (ours, bare): (Vec<_>, Vec<_>) = holders.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).unzip();
    let cold = bench.take_turns(&ours, &bare)?;

    // Each licence for the first time since the start: its signature is computed.
    let first = Opening { signatures: Signatures::default(), ..bench };
    let all: Vec<_> = holders.iter().collect();
    let first_time = first.take_turns(&all, &shuffled(&all, &mut random))?;

    // Again: what a desk does, which lists a licence and opens it minutes later.
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (one, other) = first.take_turns(&shuffled(&all, &mut random), &shuffled(&all, &mut random))?;
        ours.extend(one);
        bare.extend(other);
    }
    let (ours, bare) = (Spread::new(ours), Spread::new(bare));
    let name = |what: &str| format!("open and verify one licence of {}: {what}", super::words(size));
    let us = |spread: &Spread, part: f64| spread.ms(part) * 1_000.0;
    let runs = ours.count();
    let mut rows = vec![
        Row::new(name("p50"), us(&ours, 0.5), "µs", runs)
            .beside(BARE, us(&bare, 0.5))
            .target(Target::RatioAtMost(3.0)),
        Row::new(name("p99"), us(&ours, 0.99), "µs", runs)
            .beside(BARE, us(&bare, 0.99))
            .target(Target::AtMost(1_000.0)),
    ];
    for (what, (ours, bare)) in [("first time since the start", first_time), ("cold disk cache", cold)] {
        let (ours, bare) = (Spread::new(ours), Spread::new(bare));
        rows.push(
            Row::new(name(&format!("{what}, p50")), us(&ours, 0.5), "µs", ours.count())
                .beside(BARE, us(&bare, 0.5)),
        );
        rows.push(
            Row::new(name(&format!("{what}, p99")), us(&ours, 0.99), "µs", ours.count())
                .beside(BARE, us(&bare, 0.99))
                .target(Target::AtMost(1_000.0)),
        );
    }
    Ok(rows)
}

struct Opening<'a> {
    db: Database,
    bare: Connection,
    vault: Vault,
    keys: CentreKeys,
    signatures: Signatures,
    fields: Vec<FieldKey>,
    list: &'a VerifiedStatusList,
}

impl Opening<'_> {
    fn take_turns(&self, ours: &[&HolderId], bare: &[&HolderId]) -> Result<(Vec<Duration>, Vec<Duration>)> {
        let mut select = self.bare.prepare("SELECT sealed FROM licence WHERE holder = ?1")?;
        let (mut of_ours, mut of_bare) = (Vec::new(), Vec::new());
        for (holder, other) in ours.iter().zip(bare) {
            let begun = Instant::now();
            let opened = self.open(holder)?;
            of_ours.push(begun.elapsed());
            ensure!(black_box(opened).len() == self.fields.len(), "not all fields were opened");

            let index = self.vault.index("holder", &other.key());
            let begun = Instant::now();
            let row: Vec<u8> = select.query_row([&index[..16]], |row| row.get(0))?;
            of_bare.push(begun.elapsed());
            black_box(row);
        }
        Ok((of_ours, of_bare))
    }

    /// What a case does with one licence: look up, unseal, verify, ask the status list, compare and open the fields.
    fn open(&self, holder: &HolderId) -> Result<BTreeMap<FieldKey, String>> {
        let cached = self
            .db
            .read_with_blocking(|db| Ok::<_, Fault>(licences::of_holder(db, &self.vault, holder)?))?
            .pop()
            .context("the licence is in the cache")?;
        let freshness = Freshness { token_at: None, lists: BTreeMap::from([(1, self.list)]) };
        let proof = Proof { keys: &self.keys, signatures: &self.signatures };
        let candidate = cache::candidate(cached, holder, proof, HALL, &freshness, TIME.plus_hours(1))
            .context("the licence verifies")?;
        Ok(candidate.envelope.open(&self.fields, &candidate.beside)?)
    }
}

fn shuffled<'a>(all: &[&'a HolderId], random: &mut Random) -> Vec<&'a HolderId> {
    let mut all = all.to_vec();
    for at in (1..all.len()).rev() {
        all.swap(at, random.next() as usize % (at + 1));
    }
    all
}

/// Asks the system to drop the file's pages from memory.
fn forget_pages(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    file.sync_all()?;
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).context("drop the file's pages")
}
