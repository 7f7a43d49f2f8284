//! Enrolments, ledgers and their entries.

use super::super::{
    Appended, Batch, Branch, BranchRow, Enrolment, Hall, Log, NewEnrolment, NewLog, Registration, StoredEntry,
};
use super::{Fail, cases, feeds, int, parsed, present, scopes, uint};
use crate::authority::Fingerprint;
use hall_domain::Timestamp;
use hall_ledger::entry::Body;
use hall_ledger::feed::Change;
use hall_ledger::{BoxId, Entry, Hash, LedgerHead, LogId, Salt, VerifyingKey};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(crate) fn epoch(db: &Connection) -> Result<u64, Fail> {
    Ok(uint(db.query_row("SELECT epoch FROM centre", [], |row| row.get(0))?))
}

pub(crate) fn raise_epoch(tx: &Connection) -> Result<u64, Fail> {
    Ok(uint(tx.query_row("UPDATE centre SET epoch = epoch + 1 RETURNING epoch", [], |row| row.get(0))?))
}

/// A new box gets a random id; a box that enrols again gets its next incarnation. Both are decided when
/// the code is made, so that using the code twice cannot make two logs.
pub(crate) fn add_enrolment(tx: &Connection, new: &NewEnrolment) -> Result<(), Fail> {
    let log = match new.box_id {
        Some(box_id) => {
            let latest: u32 = tx.query_row(
                "SELECT COALESCE(MAX(incarnation), 0) FROM log WHERE box_id = ?1",
                [box_id.to_string()],
                |row| row.get(0),
            )?;
            LogId::new(box_id, latest + 1)
        }
        None => LogId::new(random_box_id()?, 1),
    };
    tx.execute(
        "INSERT INTO enrolment (code, hall, hall_name, log, made_at, expires_at, used_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, x'')",
        params![new.code.0, new.hall.code, new.hall.name, log.to_string(), new.made_at.0, new.expires_at.0],
    )?;
    Ok(())
}

fn random_box_id() -> Result<BoxId, Fail> {
    let mut id = [0; 16];
    parsed("randomness", getrandom::fill(&mut id))?;
    Ok(BoxId(id))
}

pub(crate) fn enrolment(db: &Connection, code: Hash, now: Timestamp) -> Result<Option<Enrolment>, Fail> {
    let row: Option<(String, String, String, Vec<u8>)> = db
        .query_row(
            "SELECT hall, hall_name, log, used_by FROM enrolment WHERE code = ?1 AND expires_at > ?2",
            params![code.0, now.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    let Some((code, name, log, used_by)) = row else { return Ok(None) };
    let used_by = if used_by.is_empty() { None } else { Some(key(&used_by)?) };
    Ok(Some(Enrolment { hall: Hall { code, name }, log: parsed("log id", log.parse())?, used_by }))
}

pub(crate) fn register(tx: &Connection, new: NewLog) -> Result<Registration, Fail> {
    let Some(enrolment) = enrolment(tx, new.code, new.at)? else {
        return Ok(Registration::WrongCode);
    };
    if enrolment.used_by.is_some_and(|user| user != new.ledger_key) || enrolment.log != new.id {
        return Ok(Registration::WrongCode);
    }
    if log(tx, new.id)?.is_some_and(|log| log.ledger_key != new.ledger_key) {
        return Ok(Registration::Overtaken);
    }
    tx.execute(
        "UPDATE enrolment SET used_by = ?2 WHERE code = ?1",
        params![new.code.0, new.ledger_key.as_bytes()],
    )?;
    let hall = enrolment.hall.code;
    let is_new = tx.execute(
        "INSERT INTO hall (code, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        [&hall, &enrolment.hall.name],
    )?;
    if is_new > 0 {
        for change in new.first_items {
            if let Change::LicenceUpsert(issued) = &change {
                let envelope = parsed("envelope", issued.envelope.peek())?;
                scopes::note_told(tx, &hall, &envelope.licence)?;
            }
            feeds::add(tx, &feeds::Addition { hall: hall.clone(), at: new.at, change })?;
        }
    } else {
        tx.execute("UPDATE hall SET name = ?2 WHERE code = ?1", [&hall, &enrolment.hall.name])?;
    }
    tx.execute(
        "INSERT INTO log (name, box_id, incarnation, hall, ledger_key, certificate, enrolled_at, size, head, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?7)
         ON CONFLICT (name) DO UPDATE SET certificate = excluded.certificate",
        params![
            new.id.to_string(),
            new.id.box_id.to_string(),
            new.id.incarnation,
            hall,
            new.ledger_key.as_bytes(),
            new.certificate.0,
            new.at.0,
            LedgerHead::new(new.id).to_bytes(),
        ],
    )?;
    Ok(Registration::Done)
}

const LOG: &str = "SELECT log.name, hall.code, hall.name, ledger_key, certificate, enrolled_at, head, received_at,
        last_contact,
        (SELECT COUNT(*) FROM branch WHERE branch.log = log.no),
        EXISTS (SELECT 1 FROM log AS later WHERE later.box_id = log.box_id AND later.incarnation > log.incarnation),
        (SELECT COUNT(*) FROM entry WHERE entry.log = log.no AND read = 0)
    FROM log JOIN hall ON hall.code = log.hall";

pub(crate) fn log(db: &Connection, id: LogId) -> Result<Option<Log>, Fail> {
    let mut query = db.prepare_cached(&format!("{LOG} WHERE log.name = ?1"))?;
    let mut rows = query.query([id.to_string()])?;
    rows.next()?.map(read_log).transpose()
}

pub(crate) fn logs(db: &Connection) -> Result<Vec<Log>, Fail> {
    let mut query = db.prepare_cached(&format!("{LOG} ORDER BY log.no"))?;
    let mut rows = query.query([])?;
    let mut logs = Vec::new();
    while let Some(row) = rows.next()? {
        logs.push(read_log(row)?);
    }
    Ok(logs)
}

fn read_log(row: &Row<'_>) -> Result<Log, Fail> {
    let name: String = row.get(0)?;
    let certificate: [u8; 32] = row.get(4)?;
    let last_contact: i64 = row.get(8)?;
    Ok(Log {
        id: parsed("log id", name.parse())?,
        hall: Hall { code: row.get(1)?, name: row.get(2)? },
        ledger_key: key(&row.get::<_, Vec<u8>>(3)?)?,
        certificate: Fingerprint(certificate),
        enrolled_at: Timestamp(row.get(5)?),
        head: parsed("head", LedgerHead::from_bytes(&row.get::<_, Vec<u8>>(6)?))?,
        received_at: Timestamp(row.get(7)?),
        last_contact: (last_contact != 0).then_some(Timestamp(last_contact)),
        forks: row.get(9)?,
        superseded: row.get(10)?,
        unread: uint(row.get(11)?),
    })
}

fn key(bytes: &[u8]) -> Result<VerifyingKey, Fail> {
    let bytes: [u8; 32] = present("ledger key", bytes.try_into().ok())?;
    parsed("ledger key", VerifyingKey::from_bytes(&bytes))
}

/// No certificate has the fingerprint of zeros.
pub(crate) fn revoke(tx: &Connection, id: LogId) -> Result<bool, Fail> {
    let name = id.to_string();
    tx.execute("UPDATE enrolment SET expires_at = 0 WHERE log = ?1", [&name])?;
    Ok(tx.execute("UPDATE log SET certificate = zeroblob(32) WHERE name = ?1", [&name])? > 0)
}

pub(crate) fn touch(tx: &Connection, id: LogId, at: Timestamp) -> Result<(), Fail> {
    tx.execute("UPDATE log SET last_contact = ?2 WHERE name = ?1", params![id.to_string(), at.0])?;
    Ok(())
}

pub(crate) fn leaves(db: &Connection, id: LogId, from: u64, to: u64) -> Result<Vec<Hash>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT leaf FROM entry JOIN log ON log.no = entry.log
         WHERE log.name = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq",
    )?;
    let rows = query.query_map(params![id.to_string(), int(from), int(to)], |row| row.get(0).map(Hash))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn append(tx: &Connection, id: LogId, batch: Batch) -> Result<Appended, Fail> {
    let (log, size, hall): (i64, i64, String) =
        tx.query_row("SELECT no, size, hall FROM log WHERE name = ?1", [id.to_string()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    if uint(size) != batch.expected_size {
        return Ok(Appended::Moved);
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO entry (log, seq, kind, leaf, cose, salt, body, received_at, read)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for new in &batch.entries {
        let (salt, body): (&[u8], &[u8]) =
            new.entry.body.as_ref().map_or((&[], &[]), |body| (&body.salt.0, &body.bytes));
        insert.execute(params![
            log,
            int(new.seq),
            new.kind,
            new.leaf.0,
            new.entry.cose,
            salt,
            body,
            batch.received_at.0,
            new.read
        ])?;
    }
    tx.execute(
        "UPDATE log SET size = ?2, head = ?3, received_at = ?4 WHERE no = ?1",
        params![log, int(batch.head.size()), batch.head.to_bytes(), batch.received_at.0],
    )?;
    for entry in batch.cases {
        cases::apply(tx, log, id, &hall, entry)?;
    }
    Ok(Appended::Stored { receipt_index: next_receipt(tx)? })
}

pub(crate) fn next_receipt(tx: &Connection) -> Result<u64, Fail> {
    let index =
        tx.query_row("UPDATE centre SET receipts = receipts + 1 RETURNING receipts", [], |row| row.get(0))?;
    Ok(uint(index))
}

pub(crate) fn add_branch(tx: &Connection, branch: &Branch) -> Result<(), Fail> {
    tx.execute(
        "INSERT INTO branch (log, size, root, checkpoint, upload, at)
         SELECT no, ?2, ?3, ?4, ?5, ?6 FROM log WHERE name = ?1
         ON CONFLICT (log, size, root) DO UPDATE SET checkpoint = excluded.checkpoint, upload = excluded.upload
             WHERE branch.upload = x''",
        params![
            branch.log.to_string(),
            int(branch.size),
            branch.root.0,
            branch.checkpoint,
            branch.upload,
            branch.at.0
        ],
    )?;
    Ok(())
}

pub(crate) fn branch(db: &Connection, id: LogId, size: u64, root: Hash) -> Result<Option<Branch>, Fail> {
    let branch = db.query_row(
        "SELECT checkpoint, upload, at FROM branch JOIN log ON log.no = branch.log
         WHERE log.name = ?1 AND branch.size = ?2 AND root = ?3",
        params![id.to_string(), int(size), root.0],
        |row| {
            let (checkpoint, upload, at) = (row.get(0)?, row.get(1)?, Timestamp(row.get(2)?));
            Ok(Branch { log: id, size, root, checkpoint, upload, at })
        },
    );
    Ok(branch.optional()?)
}

pub(crate) fn branches(db: &Connection, id: LogId) -> Result<Vec<BranchRow>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT branch.size, root, at FROM branch JOIN log ON log.no = branch.log
         WHERE log.name = ?1 ORDER BY at, branch.size",
    )?;
    let rows = query.query_map([id.to_string()], |row| {
        Ok(BranchRow { size: uint(row.get(0)?), root: Hash(row.get(1)?), at: Timestamp(row.get(2)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn entries(db: &Connection, id: LogId, from: u64, limit: u32) -> Result<Vec<StoredEntry>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT seq, kind, leaf, cose, salt, body, entry.received_at, read
         FROM entry JOIN log ON log.no = entry.log
         WHERE log.name = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = query.query(params![id.to_string(), int(from), limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let salt: Vec<u8> = row.get(4)?;
        let body = match salt.as_slice() {
            [] => None,
            salt => Some(Body { salt: present("salt", Salt::from_slice(salt))?, bytes: row.get(5)? }),
        };
        entries.push(StoredEntry {
            seq: uint(row.get(0)?),
            kind: row.get(1)?,
            leaf: Hash(row.get(2)?),
            entry: Entry { cose: row.get(3)?, body },
            received_at: Timestamp(row.get(6)?),
            read: row.get(7)?,
        });
    }
    Ok(entries)
}
