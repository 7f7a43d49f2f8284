//! People, their accounts and sessions, one-time codes, text messages, face checks.

use super::super::citizens::{
    AccountState, NewOtp, NewSession, Otp, OtpPurpose, OtpSent, OtpTried, Person, Session, Text,
};
use super::{Fail, licences, parsed, present, uint};
use crate::citizen::id::Id;
use hall_domain::{HolderId, IdentityDocument, MobileNumber, Timestamp};
use hall_ledger::{Hash, VerifyingKey};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Tries at one code.
const TRIES: u8 = 5;
/// Seconds between two messages to one number.
const PAUSE_SECONDS: i64 = 60;
/// Messages to one number, and starts for one document, in an hour.
const HOURLY: [(&str, u32); 2] = [("phone", 5), ("document", 10)];
const HOUR_MS: i64 = 3_600_000;

/// A person's name in every table.
pub(crate) fn key(document: &IdentityDocument) -> String {
    HolderId::Person(document.clone()).key()
}

/// Back from [`key`]; what is wrong is told without the text.
pub(crate) fn document(text: &str) -> Result<IdentityDocument, Fail> {
    match text.parse() {
        Ok(HolderId::Person(document)) => Ok(document),
        _ => present("person", None),
    }
}

fn phone(text: &str) -> Result<MobileNumber, Fail> {
    present("phone", text.parse().ok())
}

pub(crate) fn put(tx: &Connection, document: &IdentityDocument, name: &str) -> Result<(), Fail> {
    tx.execute(
        "INSERT INTO person (document, name) VALUES (?1, ?2)
         ON CONFLICT (document) DO UPDATE SET name = excluded.name",
        params![key(document), name],
    )?;
    Ok(())
}

const PERSON: &str = "SELECT person.document, person.name, phone, state, place, face FROM person
    LEFT JOIN status_place ON status_place.name = 'person:' || person.document";

fn read(row: &Row<'_>) -> Result<(Person, bool), Fail> {
    let text: String = row.get(2)?;
    let person = Person {
        document: document(&row.get::<_, String>(0)?)?,
        name: row.get(1)?,
        phone: if text.is_empty() { None } else { Some(phone(&text)?) },
        state: AccountState::from_code(row.get(3)?),
        place: row.get(4)?,
    };
    Ok((person, row.get(5)?))
}

pub(crate) fn person(db: &Connection, document: &IdentityDocument) -> Result<Option<Person>, Fail> {
    let mut query = db.prepare_cached(&format!("{PERSON} WHERE person.document = ?1"))?;
    let mut rows = query.query([key(document)])?;
    Ok(rows.next()?.map(read).transpose()?.map(|(person, _)| person))
}

pub(crate) fn place(tx: &Connection, document: &IdentityDocument) -> Result<u32, Fail> {
    licences::place_of(tx, &format!("person:{}", key(document)))
}

pub(crate) fn set_account(
    tx: &Connection,
    document: &IdentityDocument,
    state: AccountState,
    at: Timestamp,
) -> Result<Option<bool>, Fail> {
    let key = key(document);
    let before: Option<u8> =
        tx.query_row("SELECT state FROM person WHERE document = ?1", [&key], |row| row.get(0)).optional()?;
    match before {
        None => return Ok(None),
        Some(before) if before == state.code() => return Ok(Some(false)),
        Some(_) => {}
    }
    tx.execute(
        "UPDATE person SET state = ?2, state_at = ?3 WHERE document = ?1",
        params![key, state.code(), at.0],
    )?;
    if state != AccountState::Open {
        tx.execute("DELETE FROM token WHERE document = ?1", [&key])?;
    }
    licences::set_place(tx, &format!("person:{key}"), state.status(), at)?;
    Ok(Some(true))
}

pub(crate) fn send_otp(tx: &Connection, new: &NewOtp) -> Result<OtpSent, Fail> {
    let (key, number) = (key(&new.document), new.phone.to_string());
    let last: Option<i64> =
        tx.query_row("SELECT MAX(at) FROM otp WHERE phone = ?1", [&number], |row| row.get(0))?;
    if let Some(wait) = last.map(|last| last + PAUSE_SECONDS * 1000 - new.at.0).filter(|wait| *wait > 0) {
        return Ok(OtpSent::TooOften(seconds(wait)));
    }
    for ((column, most), value) in HOURLY.into_iter().zip([&number, &key]) {
        let since = new.at.0 - HOUR_MS;
        let (count, first): (u32, Option<i64>) = tx.query_row(
            &format!("SELECT COUNT(*), MIN(at) FROM otp WHERE {column} = ?1 AND at > ?2"),
            params![value, since],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if count >= most {
            return Ok(OtpSent::TooOften(seconds(first.unwrap_or(new.at.0) - since)));
        }
    }
    tx.execute("DELETE FROM otp WHERE expires_at < ?1", [new.at.0 - 24 * HOUR_MS])?;
    tx.execute(
        "INSERT INTO otp (id, purpose, document, phone, digest, at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            new.id.to_string(),
            new.purpose.word(),
            key,
            number,
            new.digest.0,
            new.at.0,
            new.expires_at.0
        ],
    )?;
    tx.execute(
        "INSERT INTO text_message (at, phone, body) VALUES (?1, ?2, ?3)",
        params![new.at.0, number, new.text],
    )?;
    Ok(OtpSent::Done)
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms.div_euclid(1000) + 1).unwrap_or(1)
}

pub(crate) fn try_otp(
    tx: &Connection,
    id: Id,
    purpose: &OtpPurpose,
    digest: Hash,
    now: Timestamp,
) -> Result<OtpTried, Fail> {
    let found: Option<(String, String, Vec<u8>, u8)> = tx
        .query_row(
            "SELECT document, phone, digest, tries FROM otp
             WHERE id = ?1 AND purpose = ?2 AND used = 0 AND expires_at > ?3 AND tries < ?4",
            params![id.to_string(), purpose.word(), now.0, TRIES],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    let Some((owner, number, kept, tries)) = found else { return Ok(OtpTried::Over) };
    if kept != digest.0 {
        tx.execute("UPDATE otp SET tries = tries + 1 WHERE id = ?1", [id.to_string()])?;
        return Ok(OtpTried::Wrong { left: TRIES - 1 - tries });
    }
    Ok(OtpTried::Right(Box::new(Otp { id, document: document(&owner)?, phone: phone(&number)? })))
}

pub(crate) fn use_otp(
    tx: &Connection,
    document: &IdentityDocument,
    purpose: &OtpPurpose,
    digest: Hash,
    now: Timestamp,
) -> Result<OtpTried, Fail> {
    let newest: Option<String> = tx
        .query_row(
            "SELECT id FROM otp WHERE document = ?1 AND purpose = ?2 ORDER BY at DESC LIMIT 1",
            params![key(document), purpose.word()],
            |row| row.get(0),
        )
        .optional()?;
    let Some(id) = newest else { return Ok(OtpTried::Over) };
    let tried = try_otp(tx, parsed("one-time code", id.parse())?, purpose, digest, now)?;
    if let OtpTried::Right(_) = &tried {
        tx.execute("UPDATE otp SET used = 1 WHERE id = ?1", [&id])?;
    }
    Ok(tried)
}

pub(crate) fn open_session(tx: &Connection, new: &NewSession) -> Result<bool, Fail> {
    let used: Option<(String, String)> = tx
        .query_row(
            "UPDATE otp SET used = 1 WHERE id = ?1 AND used = 0 RETURNING document, phone",
            [new.otp.to_string()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((key, number)) = used else { return Ok(false) };
    // A number belongs to one account: whoever has it now took it over with a code and a face.
    tx.execute("UPDATE person SET phone = '' WHERE phone = ?1 AND document <> ?2", [&number, &key])?;
    tx.execute(
        "UPDATE person SET phone = ?2, face = MAX(face, ?3) WHERE document = ?1",
        params![key, number, new.face_checked],
    )?;
    tx.execute("DELETE FROM token WHERE expires_at < ?1", [new.at.0])?;
    tx.execute(
        "INSERT INTO token (digest, document, device_key, device_name, at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![new.token.0, key, new.device_key.as_bytes(), new.device_name, new.at.0, new.expires_at.0],
    )?;
    Ok(true)
}

pub(crate) fn session(db: &Connection, token: Hash, now: Timestamp) -> Result<Option<Session>, Fail> {
    let found: Option<(String, Vec<u8>)> = db
        .query_row(
            "SELECT document, device_key FROM token WHERE digest = ?1 AND expires_at > ?2",
            params![token.0, now.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((owner, device_key)) = found else { return Ok(None) };
    let mut query = db.prepare_cached(&format!("{PERSON} WHERE person.document = ?1"))?;
    let mut rows = query.query([&owner])?;
    let Some((person, face_checked)) = rows.next()?.map(read).transpose()? else { return Ok(None) };
    let device_key = device_key.as_slice().try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    Ok(Some(Session { person, device_key: present("device key", device_key)?, token, face_checked }))
}

pub(crate) fn end_session(tx: &Connection, token: Hash) -> Result<(), Fail> {
    tx.execute("DELETE FROM token WHERE digest = ?1", [token.0])?;
    Ok(())
}

pub(crate) fn texts_waiting(db: &Connection, limit: u32) -> Result<Vec<Text>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT no, phone, body, at FROM text_message WHERE sent_at = 0 ORDER BY no LIMIT ?1",
    )?;
    let mut rows = query.query([limit])?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next()? {
        texts.push(Text {
            no: uint(row.get(0)?),
            phone: phone(&row.get::<_, String>(1)?)?,
            text: row.get(2)?,
            at: Timestamp(row.get(3)?),
        });
    }
    Ok(texts)
}

pub(crate) fn text_sent(tx: &Connection, no: u64, at: Timestamp) -> Result<(), Fail> {
    // What was sent is not kept: there may be a code in it.
    tx.execute(
        "UPDATE text_message SET sent_at = ?2, body = '' WHERE no = ?1",
        params![super::int(no), at.0],
    )?;
    Ok(())
}

pub(crate) fn note_face(
    tx: &Connection,
    document: &IdentityDocument,
    ticket: Option<Hash>,
    at: Timestamp,
    since: Timestamp,
    most: u32,
) -> Result<bool, Fail> {
    let key = key(document);
    let tries: u32 = tx.query_row(
        "SELECT COUNT(*) FROM face WHERE document = ?1 AND at > ?2",
        params![key, since.0],
        |row| row.get(0),
    )?;
    if tries >= most {
        return Ok(false);
    }
    let ticket: &[u8] = ticket.as_ref().map_or(&[], |ticket| &ticket.0);
    tx.execute("INSERT INTO face (document, at, ticket) VALUES (?1, ?2, ?3)", params![key, at.0, ticket])?;
    Ok(true)
}

pub(crate) fn use_ticket(
    tx: &Connection,
    document: &IdentityDocument,
    ticket: Hash,
    since: Timestamp,
) -> Result<bool, Fail> {
    let used = tx.execute(
        "UPDATE face SET used = 1 WHERE document = ?1 AND ticket = ?2 AND used = 0 AND at >= ?3",
        params![key(document), ticket.0, since.0],
    )?;
    Ok(used > 0)
}
