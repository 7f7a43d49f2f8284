//! For whom cases are: what the centre knows of them beyond their entries.

use super::consents::of_case;
use super::people::document;
use super::{Fail, cases, licences, parsed, standing};
use crate::citizen::consent::Consent;
use crate::store::citizens::{AccountState, CaseKnowledge};
use hall_domain::{HolderId, Timestamp};
use hall_ledger::LogId;
use rusqlite::{Connection, OptionalExtension, params};

/// What the centre knows about a case beyond its entries.
pub(crate) fn knowledge(db: &Connection, log: LogId, case_no: &str) -> Result<CaseKnowledge, Fail> {
    let party: Option<Party> = db
        .query_row(
            "SELECT hall, item, person, uscc, submitted_at, changed_as, principal, place FROM case_party
             WHERE log = ?1 AND case_no = ?2",
            params![log.to_string(), case_no],
            |row| {
                Ok(Party {
                    hall: row.get(0)?,
                    item: row.get(1)?,
                    person: row.get(2)?,
                    uscc: row.get(3)?,
                    submitted_at: Timestamp(row.get(4)?),
                    changed_as: row.get(5)?,
                    principal: row.get(6)?,
                    place: row.get(7)?,
                })
            },
        )
        .optional()?;
    let consent = of_case(db, log, case_no)?.pop();
    let mut ended: Vec<Timestamp> = Vec::new();
    ended.extend(consent.as_ref().and_then(|consent| consent.withdrawn_at));
    ended.extend(consent.as_ref().map(|consent| mandate_ended(db, consent)).transpose()?.flatten());
    let mut duplicate_of = used_elsewhere(db, log, case_no)?;
    let mut changed_as = None;
    if let Some(party) = party {
        ended.extend(party_ended(db, &party)?);
        ended.extend(shown_mandate_ended(db, &party)?);
        if duplicate_of.is_none() {
            duplicate_of = handled_elsewhere(db, &party)?;
        }
        changed_as = Some(party.changed_as).filter(|changed| !changed.is_empty());
    }
    Ok(CaseKnowledge {
        mandate_ended: ended.into_iter().min(),
        duplicate_of,
        changed_as,
        by: consent.map(|consent| consent.by),
    })
}

/// For whom a case is.
struct Party {
    hall: String,
    item: String,
    /// Who stood at the window.
    person: String,
    /// 委托人, when that was a delegate.
    principal: String,
    /// Where the mandate stands in the status list; -1 without one.
    place: i64,
    uscc: String,
    submitted_at: Timestamp,
    changed_as: String,
}

/// When the mandate ended by which a principal's consent came.
fn mandate_ended(db: &Connection, consent: &Consent) -> Result<Option<Timestamp>, Fail> {
    let Some(nonce) = consent.nonce else { return Ok(None) };
    let by: Option<String> = db
        .query_row("SELECT mandate FROM challenge WHERE nonce = ?1 AND mandate <> ''", [nonce.0], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(id) = by else { return Ok(None) };
    let mandate = standing::mandate(db, parsed("identifier", id.parse())?)?;
    Ok(mandate.map(|mandate| mandate.ended_at.unwrap_or(mandate.until)))
}

/// When the mandate ended that a delegate's phone showed at the window.
fn shown_mandate_ended(db: &Connection, party: &Party) -> Result<Option<Timestamp>, Fail> {
    let (Ok(place), Ok(principal)) = (u32::try_from(party.place), party.principal.parse::<HolderId>()) else {
        return Ok(None);
    };
    let shown = standing::mandates_by(db, &principal)?.into_iter().find(|mandate| mandate.place == place);
    Ok(shown.map(|mandate| mandate.ended_at.unwrap_or(mandate.until)))
}

/// When the person died, or could not act for the organisation any more.
fn party_ended(db: &Connection, party: &Party) -> Result<Option<Timestamp>, Fail> {
    if party.person.is_empty() {
        return Ok(None);
    }
    let died: Option<Timestamp> = db
        .query_row(
            "SELECT min(state_at) FROM person WHERE document IN (?1, ?3) AND state = ?2 HAVING count(*) > 0",
            params![party.person, AccountState::Deceased.code(), party.principal],
            |row| row.get(0).map(Timestamp),
        )
        .optional()?;
    if died.is_some() || party.uscc.is_empty() || party.place >= 0 {
        return Ok(died);
    }
    if let Some(until) = licences::represented_until(db, &party.uscc, &party.person)? {
        return Ok(Some(until));
    }
    let represents: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM organisation WHERE uscc = ?1 AND representative = ?2)",
        params![party.uscc, party.person],
        |row| row.get(0),
    )?;
    if represents {
        return Ok(None);
    }
    let grants = standing::grants_to(db, &document(&party.person)?)?;
    let of_organisation = grants.iter().filter(|grant| grant.uscc.as_str() == party.uscc);
    Ok(of_organisation.map(|grant| grant.revoked_at.unwrap_or(grant.until)).max())
}

/// The case of another box that took the same one-QR code, or used one of this case's use codes, first.
fn used_elsewhere(db: &Connection, log: LogId, case_no: &str) -> Result<Option<String>, Fail> {
    let shown: Option<String> = db
        .query_row(
            "SELECT seen.case_no FROM case_party JOIN use_seen AS seen ON seen.code = 'nonce:' || nonce
             WHERE case_party.log = ?1 AND case_party.case_no = ?2 AND nonce <> '' AND seen.log <> ?1",
            params![log.to_string(), case_no],
            |row| row.get(0),
        )
        .optional()?;
    if shown.is_some() {
        return Ok(shown);
    }
    let body: Option<String> = db
        .query_row(
            "SELECT casefile.body FROM casefile JOIN log ON log.no = casefile.log
             WHERE log.name = ?1 AND case_no = ?2",
            params![log.to_string(), case_no],
            |row| row.get(0),
        )
        .optional()?;
    let Some(body) = body else { return Ok(None) };
    for used in cases::read(&body)?.uses {
        let first: Option<String> = db
            .query_row(
                "SELECT case_no FROM use_seen WHERE code = ?1 AND log <> ?2",
                params![used.use_code, log.to_string()],
                |row| row.get(0),
            )
            .optional()?;
        if first.is_some() {
            return Ok(first);
        }
    }
    Ok(None)
}

/// The same item for the same principal, submitted earlier on the same day at another hall, and not returned.
fn handled_elsewhere(db: &Connection, party: &Party) -> Result<Option<String>, Fail> {
    let by_person = party.uscc.is_empty();
    let person = if party.principal.is_empty() { &party.person } else { &party.principal };
    let (column, principal) =
        if by_person { ("coalesce(nullif(principal, ''), person)", person) } else { ("uscc", &party.uscc) };
    if principal.is_empty() || party.item.is_empty() || party.submitted_at.0 == 0 {
        return Ok(None);
    }
    let also = if by_person { " AND uscc = ''" } else { "" };
    let mut query = db.prepare_cached(&format!(
        "SELECT case_party.case_no, submitted_at, body FROM case_party
         JOIN log ON log.name = case_party.log
         JOIN casefile ON casefile.log = log.no AND casefile.case_no = case_party.case_no
         WHERE {column} = ?1 AND item = ?2 AND case_party.hall <> ?3 AND submitted_at > 0 AND submitted_at < ?4{also}
         ORDER BY submitted_at"
    ))?;
    let mut rows = query.query(params![principal, party.item, party.hall, party.submitted_at.0])?;
    while let Some(row) = rows.next()? {
        let at = Timestamp(row.get(1)?);
        let returned = |case: crate::casefile::CaseFile| {
            case.disposition.is_some_and(|judged| judged.outcome.is_returned())
        };
        if at.local_date() == party.submitted_at.local_date()
            && !returned(cases::read(&row.get::<_, String>(2)?)?)
        {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::consents::fold;
    use super::*;
    use crate::casefile::CaseEntry;
    use crate::testing::Bench;
    use hall_domain::case::{CaseEvent, CaseRecord, PhoneProof};
    use hall_domain::{Capacity, Carrier, IdentityGrade, Subject, Way};
    use hall_ledger::entry::{ClockReading, Known};

    /// What a box says of somebody who came with a phone.
    fn proven(bench: &Bench, no: &str, capacity: Capacity, nonce: &str) -> CaseEntry {
        let at = bench.app.now();
        let HolderId::Person(document) = "111:519900198805160241".parse().unwrap() else { unreachable!() };
        let subject = Box::new(Subject { document, name: "王芳".into(), capacity });
        let proof = PhoneProof { message: "d2".into(), nonce: nonce.into(), carrier: Carrier::Keyboard };
        let (way, grade) = (Way::ServiceCode, IdentityGrade::I3w);
        CaseEntry {
            seq: 1,
            wall: at,
            clock: ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: Some(1), error_ms: 20 },
            known: Known { scope: String::new(), feed: 0, hot: 0, token_at: None, policy: 1, keys: 1 },
            received_at: at,
            record: CaseRecord {
                case: "000001".parse().unwrap(),
                no: no.parse().unwrap(),
                at,
                clerk: "li.qiang".parse().unwrap(),
                event: CaseEvent::Proven { way, grade, subject, attested_at: at, proof },
            },
        }
    }

    #[tokio::test]
    async fn one_code_at_two_halls_counts_at_the_first() {
        let bench = Bench::new().await;
        let ((first, _), (second, _)) = (bench.hall("990001").await, bench.hall("990002").await);
        let db = bench.database();
        let (here, there) = ("H1-20261121-000001", "H2-20261121-000001");
        fold(&db, first, "990001", &proven(&bench, here, Capacity::Own, "0011223344556677")).unwrap();
        fold(&db, second, "990002", &proven(&bench, there, Capacity::Own, "0011223344556677")).unwrap();
        assert_eq!(knowledge(&db, first, here).unwrap().duplicate_of, None);
        assert_eq!(knowledge(&db, second, there).unwrap().duplicate_of.as_deref(), Some(here));
        let other = "H2-20261121-000002";
        fold(&db, second, "990002", &proven(&bench, other, Capacity::Own, "8899aabbccddeeff")).unwrap();
        assert_eq!(knowledge(&db, second, other).unwrap().duplicate_of, None, "another code");
    }

    #[tokio::test]
    async fn a_case_on_a_mandate_on_paper_is_the_principals_whoever_stands_there() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let db = bench.database();
        let no = "H1-20261121-000001";
        let entry = |event| {
            let mut entry = proven(&bench, no, Capacity::Own, "0011223344556677");
            entry.record.event = event;
            entry
        };
        let principal = || -> String {
            db.query_row("SELECT principal FROM case_party WHERE case_no = ?1", [no], |row| row.get(0))
                .unwrap()
        };
        let mandate = hall_domain::case::PaperMandate {
            principal: "111:519900199003070011".parse().unwrap(),
            principal_name: "李强".into(),
        };
        fold(&db, log, "990001", &entry(CaseEvent::PaperMandateStated { mandate: mandate.clone() })).unwrap();
        assert_eq!(principal(), mandate.principal.key());
        // Another delegate comes with the same paper.
        fold(&db, log, "990001", &entry(CaseEvent::IdentityCleared { reason: "换人".into() })).unwrap();
        assert_eq!(principal(), mandate.principal.key());
        fold(&db, log, "990001", &entry(CaseEvent::PaperMandateDropped)).unwrap();
        assert_eq!(principal(), "");
        // What a phone showed goes with the person.
        let capacity = Capacity::Delegate {
            principal: mandate.principal.clone(),
            principal_name: mandate.principal_name,
            item: None,
            until: bench.app.now(),
            place: 7,
        };
        fold(&db, log, "990001", &proven(&bench, no, capacity, "8899aabbccddeeff")).unwrap();
        assert_eq!(principal(), mandate.principal.key());
        fold(&db, log, "990001", &entry(CaseEvent::IdentityCleared { reason: "换人".into() })).unwrap();
        assert_eq!(principal(), "");
    }
}
