//! Taking in a whole district: what a new hall does once the pages of its feed have been transferred, beside the bare
//! writing of the same rows.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use ed25519_dalek::SigningKey;
use hall_ledger::Signed;
use hall_ledger::envelope::{Envelope, Filing, IssuedEnvelope};
use hall_ledger::feed::{Change, FeedItem, FeedPage, Lane, MAX_PAGE};
use hall_ledger::trust::CentreKeys;
use hall_sqlite::{Database, Options};
use hallbox::cache::install;
use hallbox::store::MIGRATIONS;
use hallbox::store::licences;
use hallbox::vault::Vault;
use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::super::{Row, Target, processor_time};
use super::synthetic::{self, Random, TIME};

/// Pages of one transaction, as the agent groups them.
const GROUP: usize = 16;
/// Groups that are made at once: what is measured begins once they lie in memory.
const GROUPS: usize = 16;
const SCOPE: &str = "hall:990001";
const BARE: &str = "rusqlite, rows of the same size put into the same table in the same transactions";

/// Measures, in turns with the baseline. Making the licences is not part of it.
pub fn run(folder: &Path, size: usize) -> Result<Vec<Row>> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let keys = CentreKeys::new([key.verifying_key()])?;
    let vault = Vault::new(Zeroizing::new([3; 32]));
    let db = Database::open(&folder.join("box.db"), MIGRATIONS, Options::default())?;
    let mut bare = Bare::open(&folder.join("bare.db"))?;
    let (mut took, mut busy, mut signatures, mut written) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut after, mut verified) = (0, 0);
    while after < size {
        let pages = pages(after, size, &key)?;
        let many = pages.len() * MAX_PAGE;
        let (begun, used) = (Instant::now(), processor_time()?);
        let sample = take(&db, &vault, &keys, pages)?;
        took += begun.elapsed();
        busy += processor_time()?.saturating_sub(used);

        let begun = Instant::now();
        for issued in &sample {
            Envelope::verify(issued.envelope.as_bytes(), &keys)?;
        }
        signatures += begun.elapsed();
        verified += sample.len();

        let end = size.min(after + many);
        written += bare.write(
            end - after,
            vault.seal_to(&sample[0].holder, &hall_ledger::cbor::pack(&sample[0])).len(),
        )?;
        after = end;
    }
    let count = db.read_blocking(licences::count)?;
    ensure!(count == size as u64, "{count} licences were installed");
    let name = |what: &str| format!("install {} licences: {what}", super::words(size));
    let each = signatures.as_secs_f64() / verified as f64;
    let seconds = took.as_secs_f64();
    let rows = vec![
        Row::new(name("verify pages, seal, write, on disk"), seconds, "s", 1)
            .beside(BARE, written.as_secs_f64())
            .target(Target::AtMost(10.0)),
        Row::new(name("processor time of both cores"), busy.as_secs_f64(), "s", 1),
        Row::new(
            name("every envelope's signature as well, one processor"),
            seconds + each * size as f64,
            "s",
            1,
        ),
    ];
    Ok(rows)
}

/// Signed pages of so many groups, from this licence on.
fn pages(from: usize, size: usize, key: &SigningKey) -> Result<Vec<Signed<FeedPage>>> {
    let end = size.min(from + GROUPS * GROUP * MAX_PAGE);
    (from..end)
        .step_by(MAX_PAGE)
        .map(|after| {
            let items = (after..end.min(after + MAX_PAGE)).map(|n| {
                let change = Change::LicenceUpsert(synthetic::issue(n, key)?);
                Ok(FeedItem { seq: n as u64 + 1, at: TIME, hot: None, change })
            });
            let page = FeedPage {
                scope: SCOPE.to_owned(),
                lane: Lane::Main,
                after: after as u64,
                items: items.collect::<Result<_>>()?,
                head: size as u64,
                issued_at: TIME,
            };
            Ok(Signed::sign(&page, key))
        })
        .collect()
}

type Filed = Vec<(IssuedEnvelope, Filing)>;

/// What agent and store do with pages: one group is verified while the one before is sealed and written. Gives the last
/// group back.
fn take(
    db: &Database,
    vault: &Vault,
    keys: &CentreKeys,
    pages: Vec<Signed<FeedPage>>,
) -> Result<Vec<IssuedEnvelope>> {
    thread::scope(|scope| {
        let (hand, handed) = sync_channel::<Filed>(1);
        let verifier = scope.spawn(move || {
            for group in pages.chunks(GROUP) {
                let mut filed = Vec::new();
                for page in group {
                    filed.extend(verify(page, keys)?);
                }
                hand.send(filed).map_err(|_| anyhow!("nobody writes any more"))?;
            }
            Ok::<_, anyhow::Error>(())
        });
        let mut last = Vec::new();
        for filed in handed {
            let sealed = install::seal(
                vault,
                &filed.iter().map(|(issued, filing)| (issued, filing)).collect::<Vec<_>>(),
            );
            db.write_blocking(move |tx| licences::put_all(tx, sealed))
                .map_err(|error| anyhow!("install: {error}"))?;
            last = filed;
        }
        verifier.join().map_err(|_| anyhow!("the verifier panicked"))??;
        Ok(last.into_iter().map(|(issued, _)| issued).collect())
    })
}

fn verify(page: &Signed<FeedPage>, keys: &CentreKeys) -> Result<Filed> {
    let page = page.verify_by(keys)?;
    page.check(SCOPE, Lane::Main, page.after)?;
    let filed = page.items.into_iter().map(|item| match item.change {
        Change::LicenceUpsert(issued) => {
            Filing::read(&issued, keys).map(|filing| (issued, filing)).map_err(Into::into)
        }
        _ => Err(anyhow!("only licences were made")),
    });
    filed.collect()
}

/// The same table with the same settings, filled with ready rows by nothing but SQLite.
struct Bare {
    db: Connection,
    random: Random,
}

impl Bare {
    fn open(path: &Path) -> Result<Self> {
        drop(Database::open(path, MIGRATIONS, Options::default())?);
        let db = Connection::open(path).context("open the bare cache")?;
        db.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA secure_delete = TRUE; PRAGMA cache_size = -65536;",
        )?;
        Ok(Self { db, random: Random(7) })
    }

    /// Writes so many rows with sealed values of this length.
    fn write(&mut self, count: usize, length: usize) -> Result<Duration> {
        let mut took = Duration::ZERO;
        for start in (0..count).step_by(GROUP * MAX_PAGE) {
            let rows: Vec<([u8; 32], Vec<u8>)> = (start..count.min(start + GROUP * MAX_PAGE))
                .map(|_| {
                    let mut index = [0; 32];
                    index
                        .chunks_exact_mut(8)
                        .for_each(|word| word.copy_from_slice(&self.random.next().to_ne_bytes()));
                    let sealed = (0..length.div_ceil(8)).flat_map(|_| self.random.next().to_ne_bytes());
                    (index, sealed.take(length).collect())
                })
                .collect();
            let begun = Instant::now();
            let tx = self.db.transaction()?;
            {
                let mut insert = tx.prepare_cached(
                    "INSERT INTO licence (licence, holder, version, status, status_at, checked_at, expires_at, scope, sealed)
                     VALUES (?1, ?2, 1, 0, ?3, ?3, ?4, 1, ?5)",
                )?;
                for (index, sealed) in &rows {
                    insert.execute(params![
                        &index[..16],
                        &index[16..],
                        TIME.0,
                        TIME.plus_hours(24 * 90).0,
                        sealed
                    ])?;
                }
            }
            tx.commit()?;
            took += begun.elapsed();
        }
        Ok(took)
    }
}
