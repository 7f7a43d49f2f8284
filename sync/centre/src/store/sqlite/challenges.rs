//! What windows ask and citizens answer.

use super::super::citizens::{AnswerKept, KeptChallenge, NewAnswer};
use super::people::{document, key};
use super::{Fail, consents, from_json, parsed, present, to_json};
use crate::citizen::challenge::{Asked, ChallengeState};
use crate::citizen::id::Id;
use crate::citizen::notice::Notice;
use hall_domain::{IdentityDocument, Timestamp};
use hall_ledger::phone::ChallengeNonce;
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(crate) fn keep(tx: &Connection, asked: &Asked, reader: &IdentityDocument) -> Result<(), Fail> {
    tx.execute(
        "INSERT INTO challenge (nonce, log, state, window_until, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (nonce) DO NOTHING",
        params![
            asked.nonce.0,
            asked.log.to_string(),
            ChallengeState::Open.word(),
            asked.expires_at.0,
            to_json("challenge", asked)?
        ],
    )?;
    tx.execute(
        "INSERT INTO challenge_reader (nonce, document) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![asked.nonce.0, key(reader)],
    )?;
    Ok(())
}

const KEPT: &str = "SELECT body, state, answered_by, capacity, mandate, assertion, expires_at, consent, delivered_at FROM challenge";

fn read(row: &Row<'_>) -> Result<KeptChallenge, Fail> {
    let name = |at: usize| -> Result<Option<Id>, Fail> {
        let text: String = row.get(at)?;
        if text.is_empty() { Ok(None) } else { Ok(Some(parsed("identifier", text.parse())?)) }
    };
    let by: String = row.get(2)?;
    let (assertion, expires_at): (Vec<u8>, i64) = (row.get(5)?, row.get(6)?);
    Ok(KeptChallenge {
        asked: from_json("challenge", &row.get::<_, String>(0)?)?,
        state: present("challenge", ChallengeState::from_word(&row.get::<_, String>(1)?))?,
        by: if by.is_empty() { None } else { Some(document(&by)?) },
        capacity: parsed("capacity", row.get::<_, String>(3)?.parse())?,
        mandate: name(4)?,
        assertion: Some(assertion).filter(|bytes| !bytes.is_empty()),
        expires_at: Some(Timestamp(expires_at)).filter(|at| at.0 > 0),
        consent: name(7)?,
        delivered_at: Some(Timestamp(row.get(8)?)).filter(|at| at.0 > 0),
    })
}

pub(crate) fn challenge(db: &Connection, nonce: ChallengeNonce) -> Result<Option<KeptChallenge>, Fail> {
    let mut query = db.prepare_cached(&format!("{KEPT} WHERE nonce = ?1"))?;
    let mut rows = query.query([nonce.0])?;
    rows.next()?.map(read).transpose()
}

pub(crate) fn delivered(tx: &Connection, nonce: ChallengeNonce, at: Timestamp) -> Result<(), Fail> {
    tx.execute(
        "UPDATE challenge SET delivered_at = ?2 WHERE nonce = ?1 AND delivered_at = 0",
        params![nonce.0, at.0],
    )?;
    Ok(())
}

pub(crate) fn has_read(
    db: &Connection,
    nonce: ChallengeNonce,
    reader: &IdentityDocument,
) -> Result<bool, Fail> {
    let read = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM challenge_reader WHERE nonce = ?1 AND document = ?2)",
        params![nonce.0, key(reader)],
        |row| row.get(0),
    )?;
    Ok(read)
}

pub(crate) fn pass_on(
    tx: &Connection,
    nonce: ChallengeNonce,
    agent: &IdentityDocument,
    mandate: Id,
    told: &(IdentityDocument, Notice),
) -> Result<bool, Fail> {
    let passed: Option<String> = tx
        .query_row("SELECT mandate FROM challenge WHERE nonce = ?1", [nonce.0], |row| row.get(0))
        .optional()?;
    match passed.as_deref() {
        Some("") => {}
        Some(passed) => return Ok(passed == mandate.to_string()),
        None => return Ok(false),
    }
    let changed = tx.execute(
        "UPDATE challenge SET state = ?2, answered_by = ?3, capacity = ?4, mandate = ?5 WHERE nonce = ?1 AND state = ?6",
        params![
            nonce.0,
            ChallengeState::Waiting.word(),
            key(agent),
            format!("mandate:{mandate}"),
            mandate.to_string(),
            ChallengeState::Open.word()
        ],
    )?;
    if changed > 0 {
        consents::notify(tx, &told.0, &told.1)?;
    }
    Ok(changed > 0)
}

pub(crate) fn passed_on(
    db: &Connection,
    mandates: &[Id],
    since: Timestamp,
) -> Result<Vec<KeptChallenge>, Fail> {
    let mut query = db.prepare_cached(&format!(
        "{KEPT} WHERE mandate = ?1 AND window_until > ?2 AND mandate <> '' ORDER BY window_until DESC LIMIT 50"
    ))?;
    let mut found = Vec::new();
    for mandate in mandates {
        let mut rows = query.query(params![mandate.to_string(), since.0])?;
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
    }
    Ok(found)
}

/// Answer, consent and notices are one transaction; only the first answer counts.
pub(crate) fn answer(tx: &Connection, new: &NewAnswer) -> Result<AnswerKept, Fail> {
    let consent = new.consent.as_ref().map_or_else(String::new, |consent| consent.id.to_string());
    let changed = tx.execute(
        "UPDATE challenge SET state = ?2, answered_by = ?3, capacity = ?4, assertion = ?5, expires_at = ?6, consent = ?7
         WHERE nonce = ?1 AND state IN ('open', 'waiting')",
        params![
            new.nonce.0,
            new.state.word(),
            key(&new.by),
            new.capacity.to_string(),
            new.assertion.as_deref().unwrap_or_default(),
            new.expires_at.0,
            consent
        ],
    )?;
    if changed == 0 {
        return Ok(AnswerKept::Already);
    }
    if let Some(consent) = &new.consent {
        consents::add(tx, consent.clone())?;
    }
    for (person, notice) in &new.notices {
        consents::notify(tx, person, notice)?;
    }
    Ok(AnswerKept::First)
}
