//! Consents, from phones and from what boxes' entries say; what citizens are told.

use super::people::key;
use super::{Fail, feeds, from_json, int, to_json, uint};
use crate::casefile::CaseEntry;
use crate::citizen::consent::{Consent, Via};
use crate::citizen::id::Id;
use crate::citizen::notice::{Notice, NoticeKind};
use hall_domain::case::{CaseEvent, WithdrawnAt};
use hall_domain::consent::ConsentRequest;
use hall_domain::{Capacity, HolderId, IdentityDocument, Timestamp};
use hall_ledger::feed::{Change, ConsentWithdrawn, WithdrawnBy};
use hall_ledger::phone::ChallengeNonce;
use hall_ledger::{Hash, LogId};
use rusqlite::{Connection, OptionalExtension, Params, params};
use std::collections::BTreeSet;

/// Most consents of one holder in a list.
const MOST: u32 = 200;

/// Keeps a consent. One whose request an entry has told of already gets its case number from there.
pub(crate) fn add(tx: &Connection, mut consent: Consent) -> Result<(), Fail> {
    if consent.case_no.is_none() {
        consent.case_no = tx
            .query_row(
                "SELECT case_no FROM consent_asked WHERE log = ?1 AND digest = ?2",
                params![consent.log.to_string(), consent.digest.0],
                |row| row.get(0),
            )
            .optional()?;
    }
    let nonce: &[u8] = consent.nonce.as_ref().map_or(&[], |nonce| &nonce.0);
    tx.execute(
        "INSERT INTO consent (id, given_by, holder, log, case_no, digest, nonce, agreed_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            consent.id.to_string(),
            key(&consent.by),
            consent.holder.key(),
            consent.log.to_string(),
            consent.case_no.as_deref().unwrap_or_default(),
            consent.digest.0,
            nonce,
            consent.agreed_at.0,
            to_json("consent", &consent)?
        ],
    )?;
    for code in consent.rows.iter().filter_map(|row| row.use_code.as_ref()) {
        tx.execute(
            "INSERT INTO use_code (code, consent) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![code, consent.id.to_string()],
        )?;
    }
    Ok(())
}

fn update(tx: &Connection, consent: &Consent) -> Result<(), Fail> {
    tx.execute(
        "UPDATE consent SET case_no = ?2, withdrawn_at = ?3, body = ?4 WHERE id = ?1",
        params![
            consent.id.to_string(),
            consent.case_no.as_deref().unwrap_or_default(),
            consent.withdrawn_at.map_or(0, |at| at.0),
            to_json("consent", consent)?
        ],
    )?;
    Ok(())
}

fn read(db: &Connection, filter: &str, params: impl Params) -> Result<Vec<Consent>, Fail> {
    let mut query = db.prepare_cached(&format!("SELECT body FROM consent WHERE {filter}"))?;
    let rows = query.query_map(params, |row| row.get::<_, String>(0))?;
    rows.map(|body| from_json("consent", &body?)).collect()
}

pub(crate) fn of_holder(db: &Connection, holder: &HolderId) -> Result<Vec<Consent>, Fail> {
    let filter = "given_by = ?1 OR holder = ?1 ORDER BY agreed_at DESC LIMIT ?2";
    read(db, filter, params![holder.key(), MOST])
}

pub(crate) fn consent(db: &Connection, id: Id) -> Result<Option<Consent>, Fail> {
    Ok(read(db, "id = ?1", [id.to_string()])?.pop())
}

/// Consents of a case, the newest last.
pub(crate) fn of_case(db: &Connection, log: LogId, case_no: &str) -> Result<Vec<Consent>, Fail> {
    let filter = "log = ?1 AND case_no = ?2 AND case_no <> '' ORDER BY agreed_at, rowid";
    read(db, filter, params![log.to_string(), case_no])
}

pub(crate) fn to_challenge(db: &Connection, nonce: ChallengeNonce) -> Result<Option<Consent>, Fail> {
    Ok(read(db, "nonce = ?1", [nonce.0])?.pop())
}

pub(crate) fn withdraw(
    tx: &Connection,
    id: Id,
    place: WithdrawnAt,
    notice: &Notice,
    at: Timestamp,
) -> Result<bool, Fail> {
    let Some(mut consent) = consent(tx, id)?.filter(|consent| consent.withdrawn_at.is_none()) else {
        return Ok(false);
    };
    (consent.withdrawn_at, consent.withdrawn_place) = (Some(at), Some(place));
    update(tx, &consent)?;
    tell_hall(tx, &consent, at)?;
    notify(tx, &consent.by, notice)?;
    Ok(true)
}

/// A hall hears of it once the centre knows which case it is.
fn tell_hall(tx: &Connection, consent: &Consent, at: Timestamp) -> Result<(), Fail> {
    let (Some(case_no), Some(withdrawn_at)) = (consent.case_no.clone(), consent.withdrawn_at) else {
        return Ok(());
    };
    let by = match (consent.withdrawn_place, consent.via) {
        (Some(WithdrawnAt::Centre), _) => WithdrawnBy::Centre,
        (_, Via::Principal) => WithdrawnBy::Principal,
        (_, Via::Phone | Via::Evaluator | Via::Office) => WithdrawnBy::Citizen,
    };
    let change = Change::ConsentWithdrawn(ConsentWithdrawn { case_no, at: withdrawn_at, by });
    feeds::add(tx, &feeds::Addition { hall: consent.hall.clone(), at, change })?;
    Ok(())
}

/// Folds an entry of a case into consents, and into who the case is for.
pub(crate) fn fold(tx: &Connection, log: LogId, hall: &str, entry: &CaseEntry) -> Result<(), Fail> {
    let no = entry.record.no.as_str();
    let party = |column: &str, value: &str| -> Result<(), Fail> {
        tx.execute(
            &format!(
                "INSERT INTO case_party (log, case_no, hall, {column}) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (log, case_no) DO UPDATE SET {column} = excluded.{column}"
            ),
            params![log.to_string(), no, hall, value],
        )?;
        Ok(())
    };
    match &entry.record.event {
        CaseEvent::Opened { item, .. } => party("item", item.as_str()),
        CaseEvent::OrganisationNamed { organisation } => party("uscc", organisation.uscc.as_str()),
        CaseEvent::Identified { card, .. } => party("person", &key(&card.document)),
        CaseEvent::Proven { subject, proof, .. } => {
            party("person", &key(&subject.document))?;
            if let Capacity::Delegate { principal, place, .. } = &subject.capacity {
                party("principal", &principal.key())?;
                party("place", &place.to_string())?;
            }
            // A code of one QR is made once: at a second box it was shown twice.
            party("nonce", &proof.nonce)?;
            tx.execute(
                "INSERT INTO use_seen (code, log, case_no) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![format!("nonce:{}", proof.nonce), log.to_string(), no],
            )?;
            Ok(())
        }
        CaseEvent::PaperMandateStated { mandate } => party("principal", &mandate.principal.key()),
        CaseEvent::PaperMandateDropped => party("principal", ""),
        CaseEvent::IdentityCleared { .. } => {
            party("person", "")?;
            // What a phone showed goes with the person; what a paper says stays with the case.
            tx.execute(
                "UPDATE case_party SET principal = '' WHERE log = ?1 AND case_no = ?2 AND place >= 0",
                params![log.to_string(), no],
            )?;
            party("place", "-1")?;
            party("nonce", "")
        }
        CaseEvent::Submitted { .. } => {
            tx.execute(
                "UPDATE case_party SET submitted_at = ?3 WHERE log = ?1 AND case_no = ?2",
                params![log.to_string(), no, entry.received_at.0],
            )?;
            Ok(())
        }
        CaseEvent::ConsentAsked { request, digest, command, office, .. } => {
            let digest = digest.strip_prefix("sha-256:").and_then(|hex| hex.parse::<Hash>().ok());
            let Some(digest) = digest else { return Ok(()) };
            let basis = office.as_ref().map_or("", |ground| ground.basis.as_str());
            asked(tx, log, command.as_str(), request, digest, basis, entry.received_at)
        }
        CaseEvent::ConsentGiven { command, refused, .. } => {
            let Some((request, digest, _)) = was_asked(tx, log, command.as_str())? else { return Ok(()) };
            let place = (log, entry.seq);
            let given = Consent::from_evaluator(place, hall, &request, digest, refused, entry.record.at);
            given.map_or(Ok(()), |given| add(tx, given))
        }
        CaseEvent::OfficeNoticed { command, .. } => {
            let Some((request, digest, basis)) = was_asked(tx, log, command.as_str())? else { return Ok(()) };
            let (place, none) = ((log, entry.seq), BTreeSet::new());
            let told = Consent::from_evaluator(place, hall, &request, digest, &none, entry.record.at);
            let Some(told) = told.map(|told| told.by_office(basis)) else { return Ok(()) };
            let known = consent(tx, told.id)?.is_some();
            add(tx, told.clone())?;
            if known { Ok(()) } else { notify(tx, &told.by, &notice_by_office(&told, entry.received_at)) }
        }
        // 终止: what was agreed to for a case that is given up holds no more; taken up again, it does.
        CaseEvent::Abandoned { .. } => ended(tx, log, no, Some(entry.record.at)),
        CaseEvent::Reopened => ended(tx, log, no, None),
        CaseEvent::ConsentWithdrawn { at: place, since } => {
            // What was withdrawn at the centre stands here already.
            let holds = |known: &Consent| known.via != Via::Office && known.withdrawn_at.is_none();
            let Some(mut consent) = of_case(tx, log, no)?.pop().filter(holds) else {
                return Ok(());
            };
            (consent.withdrawn_at, consent.withdrawn_place) = (Some(*since), Some(*place));
            update(tx, &consent)?;
            let where_it_was = match place {
                WithdrawnAt::Window => "大厅窗口",
                WithdrawnAt::Phone => "手机上",
                WithdrawnAt::Centre => "省级中心",
            };
            let text = format!(
                "您已在{where_it_was}撤回对“{}”的用证授权。撤回前的办理仍然有效。",
                consent.item_name
            );
            let mut notice = Notice::new(entry.received_at, NoticeKind::Withdrawal, "授权已撤回", text);
            (notice.consent, notice.case_no) = (Some(consent.id), consent.case_no.clone());
            notify(tx, &consent.by, &notice)
        }
        CaseEvent::LicencesUsed { uses } => {
            for used in uses {
                tx.execute(
                    "INSERT INTO use_seen (code, log, case_no) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    params![used.use_code, log.to_string(), no],
                )?;
            }
            let Some(mut consent) = of_case(tx, log, no)?.pop() else { return Ok(()) };
            for row in consent.rows.iter_mut().filter(|row| row.agreed && row.use_code.is_none()) {
                let used = uses.iter().find(|used| used.material == row.material);
                row.use_code = used.map(|used| used.use_code.clone());
            }
            update(tx, &consent)
        }
        _ => Ok(()),
    }
}

/// What was asked with this command, its digest, and the law that was named instead of asking.
fn was_asked(
    tx: &Connection,
    log: LogId,
    command: &str,
) -> Result<Option<(ConsentRequest, Hash, String)>, Fail> {
    let found: Option<(Vec<u8>, String, String)> = tx
        .query_row(
            "SELECT digest, body, basis FROM consent_asked WHERE log = ?1 AND command = ?2",
            params![log.to_string(), command],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((digest, body, basis)) = found else { return Ok(None) };
    let digest = Hash(super::present("digest", digest.as_slice().try_into().ok())?);
    Ok(Some((from_json("consent request", &body)?, digest, basis)))
}

/// What a citizen reads of a look at their licences that needed no consent.
fn notice_by_office(told: &Consent, at: Timestamp) -> Notice {
    let names: Vec<&str> = told.rows.iter().map(|row| row.name.as_str()).collect();
    let text = format!(
        "{}办理“{}”时，依职能查验了您的{}。依据：{}。不需要您授权；有异议的，可向{}提出，或拨打 12345。",
        told.department,
        told.item_name,
        names.join("、"),
        told.basis.as_deref().unwrap_or_default(),
        told.department,
    );
    let mut notice = Notice::new(at, NoticeKind::LegalBasis, "依职能查验告知", text);
    (notice.consent, notice.case_no) = (Some(told.id), told.case_no.clone());
    notice
}

fn ended(tx: &Connection, log: LogId, no: &str, at: Option<Timestamp>) -> Result<(), Fail> {
    for mut consent in of_case(tx, log, no)? {
        consent.ended_at = at;
        update(tx, &consent)?;
    }
    Ok(())
}

fn asked(
    tx: &Connection,
    log: LogId,
    command: &str,
    request: &ConsentRequest,
    digest: Hash,
    basis: &str,
    now: Timestamp,
) -> Result<(), Fail> {
    let no = request.case_no.as_str();
    tx.execute(
        "INSERT INTO consent_asked (log, command, case_no, digest, body, basis) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
        params![log.to_string(), command, no, digest.0, to_json("consent request", request)?, basis],
    )?;
    // A phone was quicker than the entry.
    let filter = "log = ?1 AND digest = ?2 AND case_no = ''";
    for mut consent in read(tx, filter, params![log.to_string(), digest.0])? {
        consent.case_no = Some(no.to_owned());
        update(tx, &consent)?;
        tell_hall(tx, &consent, now)?;
    }
    Ok(())
}

pub(crate) fn notify(tx: &Connection, to: &IdentityDocument, notice: &Notice) -> Result<(), Fail> {
    tx.execute(
        "INSERT INTO notice (document, body) VALUES (?1, ?2)",
        params![key(to), to_json("notice", notice)?],
    )?;
    Ok(())
}

pub(crate) fn notices(
    db: &Connection,
    of: &IdentityDocument,
    after: u64,
    limit: u32,
) -> Result<Vec<(u64, bool, Notice)>, Fail> {
    let mut query = db.prepare_cached(
        "SELECT no, read, body FROM notice WHERE document = ?1 AND no > ?2 ORDER BY no DESC LIMIT ?3",
    )?;
    let mut rows = query.query(params![key(of), int(after), limit])?;
    let mut notices = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(2)?;
        notices.push((uint(row.get(0)?), row.get(1)?, from_json("notice", &body)?));
    }
    Ok(notices)
}

pub(crate) fn notices_unread(db: &Connection, of: &IdentityDocument) -> Result<u64, Fail> {
    let sql = "SELECT COUNT(*) FROM notice WHERE document = ?1 AND read = 0";
    Ok(uint(db.query_row(sql, [key(of)], |row| row.get(0))?))
}

pub(crate) fn notices_read(tx: &Connection, of: &IdentityDocument, up_to: u64) -> Result<(), Fail> {
    tx.execute(
        "UPDATE notice SET read = 1 WHERE document = ?1 AND no <= ?2 AND read = 0",
        params![key(of), int(up_to)],
    )?;
    Ok(())
}

pub(crate) fn change_case(tx: &Connection, case_no: &str, as_what: &str) -> Result<bool, Fail> {
    let changed = tx.execute(
        "INSERT INTO case_party (log, case_no, hall, changed_as)
         SELECT log.name, casefile.case_no, log.hall, ?2 FROM casefile JOIN log ON log.no = casefile.log
         WHERE casefile.case_no = ?1
         ON CONFLICT (log, case_no) DO UPDATE SET changed_as = excluded.changed_as",
        params![case_no, as_what],
    )?;
    Ok(changed > 0)
}

#[cfg(test)]
mod tests;
