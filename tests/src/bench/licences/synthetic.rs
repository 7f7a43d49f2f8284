//! A cache as large as one likes: rows that nobody can open, and among them some that open.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use ed25519_dalek::SigningKey;
use hall_domain::{FieldKey, HolderId, Issuer, Licence, LicenceId, LicenceKindCode, Timestamp, Uscc};
use hall_ledger::Salt;
use hall_ledger::envelope::{Envelope, Filing, Issue, IssuedEnvelope, StatusRef};
use hall_sqlite::{Database, Options};
use hallbox::store::MIGRATIONS;
use hallbox::store::licences::Sealed;
use hallbox::vault::Vault;
use rusqlite::{Connection, params};

/// The hall.
pub const HALL: &str = "SC5199000001";
/// 居住证: its fields are those of a common licence.
const KIND: &str = "11100000000013127D002";
const FIELDS: [(&str, &str); 7] = [
    ("name", "王芳"),
    ("sex", "女"),
    ("nation", "汉"),
    ("address", "安澜市临江街道学府路21号3单元502室"),
    ("residence", "安澜市"),
    ("authority", "安澜市公安局"),
    ("issued_on", "2024-01-01"),
];
/// Rows of one transaction.
const COMMIT: usize = 50_000;
/// Bytes that filling rows are cut from.
const POOL: usize = 4 << 20;
/// When everything was issued.
pub const TIME: Timestamp = Timestamp(1_795_000_000_000);

/// The synthetic holder of this number.
pub fn holder(n: usize) -> Result<HolderId> {
    let (day, serial) = (n / 999, n % 999 + 1);
    let (year, month, date) = (1950 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
    let body = format!("519900{year:04}{month:02}{date:02}{serial:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = b"10X98765432"[sum as usize % 11] as char;
    format!("111:{body}{check}").parse().map_err(|error| anyhow!("synthetic holder {n}: {error:?}"))
}

/// The fields that are opened.
pub fn wanted() -> Result<Vec<FieldKey>> {
    FIELDS.iter().take(5).map(|(key, _)| Ok(key.parse()?)).collect()
}

/// The licence of the holder of this number, signed.
pub fn issue(n: usize, key: &SigningKey) -> Result<IssuedEnvelope> {
    let kind: LicenceKindCode = KIND.parse()?;
    let uscc: Uscc = "11519900MBTE5T0968".parse()?;
    let holder = holder(n)?;
    let mut fields = BTreeMap::new();
    for (field, value) in FIELDS {
        fields.insert(field.parse()?, value.to_owned());
    }
    let licence = Licence {
        id: LicenceId::compose(&kind, &uscc, &format!("{n:015}"), 1)?,
        kind,
        name: "居住证".to_owned(),
        number: holder.key(),
        holder,
        issuer: Issuer { name: "安澜市公安局".to_owned(), uscc },
        issued: TIME.local_date(),
        valid_from: TIME.local_date(),
        valid_until: None,
        version: 1,
        fields,
    };
    let issue = Issue {
        status: StatusRef { list: 1, index: u32::try_from(n)? },
        checked_at: TIME,
        expires_at: TIME.plus_hours(24 * 90),
        halls: BTreeSet::from([HALL.to_owned()]),
        relation: None,
        file: None,
    };
    let mut count = 0_u64;
    let issued = Envelope::issue(&licence, &issue, key, || {
        count += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&(n as u64).to_be_bytes());
        salt[8..].copy_from_slice(&count.to_be_bytes());
        Ok::<_, Infallible>(Salt(salt))
    });
    issued.map_err(|never| match never {})
}

/// Makes a box's database with so many cached licences. Those of the holders `0..real` open and lie evenly among the
/// others, whose seal nobody can open.
pub fn fill(path: &Path, vault: &Vault, rows: usize, real: usize, key: &SigningKey) -> Result<Vec<HolderId>> {
    drop(Database::open(path, MIGRATIONS, Options::default())?);
    let db = Connection::open(path)?;
    // Nothing here needs to survive a power cut.
    db.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA wal_autocheckpoint = 20000;",
    )?;
    let indexes = indexes(&db)?;
    for (name, _) in &indexes {
        db.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let like = {
        let issued = issue(0, key)?;
        let facts = Filing::from(&issued.envelope.verify(&key.verifying_key())?);
        Sealed::new(vault, &issued, &facts).into_columns().2.len()
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let pool: Vec<u8> = (0..POOL / 8).flat_map(|_| random.next().to_ne_bytes()).collect();
    let every = (rows / real).max(1);
    let mut holders = Vec::new();
    db.execute_batch("BEGIN")?;
    {
        let mut insert = db.prepare(
            "INSERT INTO licence (licence, holder, version, status, status_at, checked_at, expires_at, scope, sealed)
             VALUES (?1, ?2, 1, 0, ?3, ?3, ?4, 1, ?5)",
        )?;
        for row in 0..rows {
            // Committed now and then, so that the log does not grow as large as the file.
            if row % COMMIT == COMMIT - 1 {
                db.execute_batch("COMMIT; BEGIN")?;
            }
            if row % every == 0 && holders.len() < real {
                let n = holders.len();
                let issued = issue(n, key)?;
                let facts = Filing::from(&issued.envelope.verify(&key.verifying_key())?);
                let (licence, holder, sealed) = Sealed::new(vault, &issued, &facts).into_columns();
                insert.execute(params![licence, holder, TIME.0, facts.expires_at.0, sealed])?;
                holders.push(issued.holder);
                continue;
            }
            let start = random.next() as usize % (POOL - like - 64);
            let index: [u64; 4] = std::array::from_fn(|_| random.next());
            let bytes: Vec<u8> = index.iter().flat_map(|word| word.to_ne_bytes()).collect();
            insert.execute(params![
                &bytes[..16],
                &bytes[16..],
                TIME.0,
                TIME.plus_hours(24 * 90).0,
                &pool[start..start + like]
            ])?;
        }
    }
    db.execute_batch("COMMIT")?;
    for (_, sql) in &indexes {
        db.execute_batch(sql)?;
    }
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    db.close().map_err(|(_, error)| error).context("close the filled cache")?;
    Ok(holders)
}

fn indexes(db: &Connection) -> Result<Vec<(String, String)>> {
    let mut query =
        db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'licence'")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Not for anything secret: SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
