//! The box's ledger: entries with their head, written in the transaction of what they record.

use crate::vault::Vault;
use ed25519_dalek::SigningKey;
use hall_domain::Timestamp;
use hall_domain::case::{CaseEvent, CaseId};
use hall_ledger::entry::{Body, ClockReading, Entry, EntryKind, Known, RequestId};
use hall_ledger::hash::{Hash, Salt};
use hall_ledger::head::{Draft, LedgerHead};
use hall_ledger::log::LogId;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

const SEALED: &str = "entry";

/// A ledger row that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database.
    #[error("ledger table")]
    Sql(#[from] rusqlite::Error),
    /// A row that does not open or parse: damage.
    #[error("ledger row {0} is damaged")]
    Damaged(u64),
    /// The head row is damaged.
    #[error("ledger head is damaged")]
    Head,
    /// What was to be recorded has no form.
    #[error("entry cannot be formed: {0}")]
    Form(String),
}

/// What signs and seals, and what the box knows when it does.
pub struct Recorder<'a> {
    /// The ledger key.
    pub key: &'a SigningKey,
    /// Seals bodies at rest.
    pub vault: &'a Vault,
    /// How good the clock is.
    pub clock: ClockReading,
    /// What the box knows.
    pub known: Known,
}

/// Starts the ledger that the centre named at enrolment.
pub fn start(tx: &Connection, log: LogId) -> rusqlite::Result<()> {
    tx.execute("INSERT INTO head (id, bytes) VALUES (1, ?1)", [LedgerHead::new(log).to_bytes()])?;
    Ok(())
}

/// The end of the ledger; none before enrolment.
pub fn head(db: &Connection) -> Result<Option<LedgerHead>, LedgerError> {
    let bytes: Option<Vec<u8>> = db
        .prepare_cached("SELECT bytes FROM head WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    bytes.map(|bytes| LedgerHead::from_bytes(&bytes).map_err(|_| LedgerError::Head)).transpose()
}

/// Records something: signs it as the next entry and stores it with the new head.
/// The caller's transaction holds what it changes, so that neither exists without the other.
pub fn append<T: Serialize>(
    tx: &Connection,
    recorder: &Recorder<'_>,
    kind: EntryKind,
    case: Option<&CaseId>,
    body: &T,
    now: Timestamp,
) -> Result<u64, LedgerError> {
    let mut head = head(tx)?.ok_or(LedgerError::Head)?;
    let body = hall_ledger::cbor::encode(body).map_err(|error| LedgerError::Form(error.to_string()))?;
    let salt = Salt::random().map_err(|error| LedgerError::Form(error.to_string()))?;
    let mut request = [0u8; 16];
    crate::keys::fill_random(&mut request);
    let draft = Draft {
        kind,
        wall: now,
        clock: recorder.clock,
        known: recorder.known.clone(),
        request: RequestId(request),
        body,
        salt,
    };
    let entry = head.seal(recorder.key, draft).map_err(|error| LedgerError::Form(error.to_string()))?;
    tx.prepare_cached(
        "INSERT INTO entry (seq, kind, case_id, leaf, cose, salt, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        i64::try_from(entry.seq).unwrap_or(i64::MAX),
        kind.to_string(),
        case.map(CaseId::as_str).unwrap_or_default(),
        entry.leaf.as_bytes(),
        entry.cose,
        entry.salt.as_bytes(),
        recorder.vault.seal(SEALED, &entry.body)
    ])?;
    tx.prepare_cached("UPDATE head SET bytes = ?1 WHERE id = 1")?.execute([head.to_bytes()])?;
    Ok(entry.seq)
}

/// Entries from a position on, as they travel to the centre.
pub fn entries(db: &Connection, vault: &Vault, from: u64, most: u64) -> Result<Vec<Entry>, LedgerError> {
    let mut statement =
        db.prepare_cached("SELECT seq, cose, salt, body FROM entry WHERE seq >= ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = statement
        .query(params![i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(most).unwrap_or(i64::MAX)])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row, vault)?);
    }
    Ok(entries)
}

/// Entries of one case with their position and kind, oldest first.
pub fn entries_of_case(
    db: &Connection,
    vault: &Vault,
    case: &CaseId,
) -> Result<Vec<(u64, EntryKind, Entry)>, LedgerError> {
    let mut statement = db.prepare_cached(
        "SELECT seq, cose, salt, body, kind FROM entry WHERE case_id = ?1 AND case_id <> '' ORDER BY seq",
    )?;
    let mut rows = statement.query([case.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = position(row)?;
        let kind: String = row.get(4)?;
        let kind = kind.parse().map_err(|_| LedgerError::Damaged(seq))?;
        entries.push((seq, kind, entry(row, vault)?));
    }
    Ok(entries)
}

/// Every case that an entry tells of.
pub fn cases(db: &Connection) -> Result<Vec<CaseId>, LedgerError> {
    let mut statement =
        db.prepare("SELECT case_id, min(seq) FROM entry WHERE case_id <> '' GROUP BY case_id")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let seq: i64 = row.get(1)?;
        found.push(id.parse().map_err(|_| LedgerError::Damaged(seq.unsigned_abs()))?);
    }
    Ok(found)
}

/// Leaves of the tree up to a size, for proofs.
pub fn leaves(db: &Connection, size: u64) -> Result<Vec<Hash>, LedgerError> {
    let mut statement = db.prepare_cached("SELECT seq, leaf FROM entry WHERE seq < ?1 ORDER BY seq")?;
    let mut rows = statement.query([i64::try_from(size).unwrap_or(i64::MAX)])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        let leaf: Vec<u8> = row.get(1)?;
        leaves.push(Hash::from_slice(&leaf).ok_or(LedgerError::Damaged(position(row)?))?);
    }
    Ok(leaves)
}

/// A receipt as it is kept.
#[derive(Debug, Clone)]
pub struct KeptReceipt {
    /// Entries that it covers.
    pub size: u64,
    /// Epoch of the centre that gave it.
    pub epoch: u64,
    /// When the centre had the entries.
    pub received_at: Timestamp,
    /// The signed bytes.
    pub bytes: Vec<u8>,
}

/// Keeps the centre's receipt. One of an earlier epoch than is held for this size changes nothing.
pub fn note_receipt(tx: &Connection, receipt: &KeptReceipt, quarantine: bool) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO receipt (size, epoch, received_at, quarantine, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (size) DO UPDATE SET epoch = ?2, received_at = ?3, quarantine = ?4, bytes = ?5
         WHERE epoch <= ?2",
        params![
            i64::try_from(receipt.size).unwrap_or(i64::MAX),
            i64::try_from(receipt.epoch).unwrap_or(i64::MAX),
            receipt.received_at.0,
            quarantine,
            receipt.bytes
        ],
    )?;
    Ok(())
}

const RECEIPT: &str = "size, epoch, received_at, bytes";

/// The newest receipt that counts.
pub fn last_receipt(db: &Connection) -> rusqlite::Result<Option<KeptReceipt>> {
    db.query_row(
        &format!("SELECT {RECEIPT} FROM receipt WHERE quarantine = 0 ORDER BY epoch DESC, size DESC LIMIT 1"),
        [],
        receipt,
    )
    .optional()
}

/// The oldest receipt that covers an entry.
pub fn receipt_covering(db: &Connection, seq: u64) -> rusqlite::Result<Option<KeptReceipt>> {
    db.query_row(
        &format!("SELECT {RECEIPT} FROM receipt WHERE quarantine = 0 AND size > ?1 ORDER BY size LIMIT 1"),
        [i64::try_from(seq).unwrap_or(i64::MAX)],
        receipt,
    )
    .optional()
}

/// The newest receipts that count, newest first.
pub fn receipts(db: &Connection, most: u32) -> rusqlite::Result<Vec<KeptReceipt>> {
    db.prepare_cached(&format!(
        "SELECT {RECEIPT} FROM receipt WHERE quarantine = 0 ORDER BY epoch DESC, size DESC LIMIT ?1"
    ))?
    .query_map([most], receipt)?
    .collect()
}

/// How many entries the centre has not confirmed.
pub fn backlog(db: &Connection) -> Result<u64, LedgerError> {
    let size = head(db)?.map_or(0, |head| head.size());
    Ok(size.saturating_sub(last_receipt(db)?.map_or(0, |receipt| receipt.size)))
}

/// What entries from a position on amount to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waiting {
    /// Cases that they tell of.
    pub cases: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What has not reached the centre when it holds the first `from` entries.
pub fn waiting(db: &Connection, from: u64) -> rusqlite::Result<Waiting> {
    db.prepare_cached(
        "SELECT count(DISTINCT nullif(case_id, '')), coalesce(sum(length(cose) + length(body)), 0)
         FROM entry WHERE seq >= ?1",
    )?
    .query_row([i64::try_from(from).unwrap_or(i64::MAX)], |row| {
        Ok(Waiting {
            cases: row.get::<_, i64>(0)?.unsigned_abs(),
            bytes: row.get::<_, i64>(1)?.unsigned_abs(),
        })
    })
}

/// The newest entries that seal packages, newest first: their bodies.
pub fn sealings(db: &Connection, vault: &Vault, most: u32) -> Result<Vec<Vec<u8>>, LedgerError> {
    let mut statement =
        db.prepare_cached("SELECT seq, body FROM entry WHERE kind = ?1 ORDER BY seq DESC LIMIT ?2")?;
    let mut rows = statement.query(params![EntryKind::PackageSealed.to_string(), most])?;
    let mut bodies = Vec::new();
    while let Some(row) = rows.next()? {
        let sealed: Vec<u8> = row.get(1)?;
        bodies
            .push(vault.open(SEALED, &sealed).map_err(|_| LedgerError::Damaged(position(row).unwrap_or(0)))?);
    }
    Ok(bodies)
}

/// The kind of entry that records an event of a case.
pub fn kind_of(event: &CaseEvent) -> EntryKind {
    match event {
        CaseEvent::Opened { .. } => EntryKind::CaseOpened,
        CaseEvent::Identified { .. }
        | CaseEvent::PhoneAsked { .. }
        | CaseEvent::PhoneAskEnded { .. }
        | CaseEvent::Proven { .. }
        | CaseEvent::PersonConfirmed { .. }
        | CaseEvent::PaperMandateStated { .. }
        | CaseEvent::PaperMandateDropped
        | CaseEvent::AliasConfirmed { .. }
        | CaseEvent::AliasReverted { .. }
        | CaseEvent::IdentityCleared { .. } => EntryKind::IdentityVerified,
        CaseEvent::ConsentAsked { .. }
        | CaseEvent::ConsentExtended { .. }
        | CaseEvent::AcknowledgeAsked { .. } => EntryKind::ConsentAsked,
        CaseEvent::ConsentGiven { .. }
        | CaseEvent::ConsentCarried { .. }
        | CaseEvent::Acknowledged { .. }
        | CaseEvent::OfficeNoticed { .. } => EntryKind::ConsentGiven,
        CaseEvent::ConsentWithdrawn { .. } => EntryKind::ConsentWithdrawn,
        CaseEvent::ConsentRefused { .. } => EntryKind::ConsentRefused,
        CaseEvent::ConsentEnded { .. } | CaseEvent::AcknowledgeEnded { .. } => EntryKind::ConsentLapsed,
        CaseEvent::LicencesUsed { .. } => EntryKind::LicenceUsed,
        CaseEvent::FormFilled { .. }
        | CaseEvent::FormSaved { .. }
        | CaseEvent::FieldReleased { .. }
        | CaseEvent::FieldRestored { .. }
        | CaseEvent::Committed { .. } => EntryKind::FormFilled,
        CaseEvent::PaperChosen { .. }
        | CaseEvent::AttachmentAdded { .. }
        | CaseEvent::AttachmentRemoved { .. }
        | CaseEvent::AttachmentRestored { .. }
        | CaseEvent::MaterialSupplied { .. } => EntryKind::MaterialAttached,
        CaseEvent::Submitted { .. } => EntryKind::CaseSubmitted,
        CaseEvent::PackageSealed { .. } => EntryKind::PackageSealed,
        CaseEvent::Rated { .. } => EntryKind::CaseRated,
        CaseEvent::Abandoned { .. } => EntryKind::CaseClosed,
        CaseEvent::OrganisationNamed { .. }
        | CaseEvent::Listed { .. }
        | CaseEvent::LicencesShown { .. }
        | CaseEvent::Rechecked { .. }
        | CaseEvent::Reopened
        | CaseEvent::TakenOver { .. }
        | CaseEvent::RatingAsked { .. }
        | CaseEvent::RatingEnded => EntryKind::ClerkAction,
    }
}

fn receipt(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeptReceipt> {
    Ok(KeptReceipt {
        size: row.get::<_, i64>(0)?.unsigned_abs(),
        epoch: row.get::<_, i64>(1)?.unsigned_abs(),
        received_at: Timestamp(row.get(2)?),
        bytes: row.get(3)?,
    })
}

fn position(row: &rusqlite::Row<'_>) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default())
}

fn entry(row: &rusqlite::Row<'_>, vault: &Vault) -> Result<Entry, LedgerError> {
    let seq = position(row)?;
    let salt: Vec<u8> = row.get(2)?;
    let sealed: Vec<u8> = row.get(3)?;
    let salt = Salt::from_slice(&salt).ok_or(LedgerError::Damaged(seq))?;
    let bytes = vault.open(SEALED, &sealed).map_err(|_| LedgerError::Damaged(seq))?;
    Ok(Entry { cose: row.get(1)?, body: Some(Body { salt, bytes }) })
}
