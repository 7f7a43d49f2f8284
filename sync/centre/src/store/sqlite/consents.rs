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
        CaseEvent::IdentityCleared { .. } => {
            party("person", "")?;
            party("principal", "")?;
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
mod tests {
    use super::*;
    use crate::testing::Bench;
    use hall_domain::case::{CaseRecord, LicenceUse, Mode, OfficeGround, Secondary};
    use hall_domain::consent::ConsentRow;
    use hall_domain::{LicenceGrade, LicenceId};
    use hall_ledger::entry::{ClockReading, Known};

    const NO: &str = "H1-20261121-000001";
    const LICENCE: &str = "1.2.156.3005.2.11100000000013127D001.11519900MBTE5T0968.TE5T00000000001.001.R";

    fn entry(bench: &Bench, seq: u64, event: CaseEvent) -> CaseEntry {
        let at = bench.app.now();
        CaseEntry {
            seq,
            wall: at,
            clock: ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: Some(1), error_ms: 20 },
            known: Known { scope: String::new(), feed: 0, hot: 0, token_at: None, policy: 1, keys: 1 },
            received_at: at,
            record: CaseRecord {
                case: "000001".parse().unwrap(),
                no: NO.parse().unwrap(),
                at,
                clerk: "li.qiang".parse().unwrap(),
                event,
            },
        }
    }

    fn request(bench: &Bench) -> ConsentRequest {
        let person: HolderId = "111:519900199003070011".parse().unwrap();
        let row = ConsentRow {
            material: "m1".parse().unwrap(),
            licence: LICENCE.parse().unwrap(),
            kind: "11100000000013127D001".parse().unwrap(),
            name: "居民身份证".into(),
            holder: person.clone(),
            fields: vec!["name".parse().unwrap()],
            labels: vec!["姓名".into()],
            required: true,
        };
        ConsentRequest {
            case_no: NO.parse().unwrap(),
            item: "11519900MBTE5T27252000100002001".parse().unwrap(),
            item_name: "婚姻登记预约".into(),
            department: "安澜市民政局".into(),
            hall: "安澜市政务服务大厅".into(),
            window: "W01".parse().unwrap(),
            person,
            person_name: "王芳".into(),
            on_behalf_of: None,
            rows: vec![row],
            text_version: "auth-2026-11".into(),
            offline: true,
            asked_at: bench.app.now(),
        }
    }

    fn asked(bench: &Bench, digest: Hash) -> CaseEvent {
        CaseEvent::ConsentAsked {
            request: Box::new(request(bench)),
            digest: format!("sha-256:{digest}"),
            command: "c1".parse().unwrap(),
            device: "evaluator-1".into(),
            deadline: bench.app.now(),
            phone: None,
            office: None,
        }
    }

    #[tokio::test]
    async fn what_was_agreed_on_an_evaluator_is_known_by_its_entry_and_its_withdrawal_goes_to_the_hall() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let db = bench.database();
        let digest = Hash::of(b"shown");
        fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, digest))).unwrap();
        let given = CaseEvent::ConsentGiven {
            command: "c1".parse().unwrap(),
            refused: BTreeSet::new(),
            answer: String::new(),
        };
        fold(&db, log, "990001", &entry(&bench, 2, given)).unwrap();
        let used = LicenceUse {
            material: "m1".parse().unwrap(),
            licence: LICENCE.parse::<LicenceId>().unwrap(),
            kind: "11100000000013127D001".parse().unwrap(),
            version: 1,
            use_code: "LX-A-1-7".into(),
            envelope: String::new(),
            opened: std::collections::BTreeMap::new(),
            grade: LicenceGrade::L3,
            status_at: bench.app.now(),
            mode: Mode::Offline,
            statement: None,
        };
        fold(&db, log, "990001", &entry(&bench, 3, CaseEvent::LicencesUsed { uses: vec![used] })).unwrap();

        let id = Id::of_entry(log, 2);
        let kept = bench.app.store.consent(id).await.unwrap().unwrap();
        assert_eq!((kept.digest, kept.via, kept.case_no.as_deref()), (digest, Via::Evaluator, Some(NO)));
        assert_eq!(kept.rows[0].use_code.as_deref(), Some("LX-A-1-7"));

        let at = bench.app.now();
        let notice = Notice::new(at, crate::citizen::notice::NoticeKind::Withdrawal, "授权已撤回", "");
        assert!(bench.app.store.withdraw(id, WithdrawnAt::Phone, notice.clone(), at).await.unwrap());
        assert!(!bench.app.store.withdraw(id, WithdrawnAt::Phone, notice, at).await.unwrap());
        let last = bench.feed("990001").await.pop().unwrap();
        let told = ConsentWithdrawn { case_no: NO.into(), at, by: WithdrawnBy::Citizen };
        assert_eq!((last.change, last.hot), (Change::ConsentWithdrawn(told), Some(1)));
        let knows = bench.app.store.case_knowledge(log, NO).await.unwrap();
        assert_eq!(knows.mandate_ended, Some(at));
    }

    #[tokio::test]
    async fn what_was_withdrawn_at_a_window_is_withdrawn_for_the_citizen_and_told_once() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let db = bench.database();
        fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, Hash::of(b"shown")))).unwrap();
        let given = CaseEvent::ConsentGiven {
            command: "c1".parse().unwrap(),
            refused: BTreeSet::new(),
            answer: String::new(),
        };
        fold(&db, log, "990001", &entry(&bench, 2, given)).unwrap();
        let since = bench.app.now();
        let withdrawn = CaseEvent::ConsentWithdrawn { at: WithdrawnAt::Window, since };
        for seq in [3, 4] {
            fold(&db, log, "990001", &entry(&bench, seq, withdrawn.clone())).unwrap();
        }
        let kept = consent(&db, Id::of_entry(log, 2)).unwrap().unwrap();
        assert_eq!(kept.withdrawn_at, Some(since));
        let told = notices(&db, &kept.by, 0, 10).unwrap();
        assert_eq!(told.len(), 1, "told once");
        assert!(told[0].2.text.contains("大厅窗口"), "{}", told[0].2.text);
        let hall = bench.feed("990001").await;
        assert!(hall.iter().all(|item| item.hot.is_none()), "the hall knows it already");
    }

    #[tokio::test]
    async fn a_look_by_office_is_told_to_the_citizen_with_its_ground_and_cannot_be_taken_back() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let db = bench.database();
        let CaseEvent::ConsentAsked { request, digest, command, device, deadline, phone, .. } =
            asked(&bench, Hash::of(b"shown"))
        else {
            panic!("another event")
        };
        let supervisor = Secondary { account: "zhou.ning".parse().unwrap(), at: bench.app.now() };
        let office = Some(OfficeGround { basis: "《社会保险法》第七十四条".into(), supervisor });
        let told = CaseEvent::ConsentAsked {
            request,
            digest,
            command: command.clone(),
            device,
            deadline,
            phone,
            office,
        };
        fold(&db, log, "990001", &entry(&bench, 1, told)).unwrap();
        for _ in 0..2 {
            let noticed = CaseEvent::OfficeNoticed { command: command.clone(), answer: String::new() };
            fold(&db, log, "990001", &entry(&bench, 2, noticed)).unwrap();
        }
        let kept = consent(&db, Id::of_entry(log, 2)).unwrap().unwrap();
        assert_eq!((kept.via, kept.basis.as_deref()), (Via::Office, Some("《社会保险法》第七十四条")));
        let seen = notices(&db, &kept.by, 0, 10).unwrap();
        assert_eq!(seen.len(), 1, "told once");
        let notice = &seen[0].2;
        assert_eq!((notice.kind, notice.consent), (NoticeKind::LegalBasis, Some(kept.id)));
        for said in ["安澜市民政局", "《社会保险法》第七十四条", "居民身份证", "不需要您授权"]
        {
            assert!(notice.text.contains(said), "{said}: {}", notice.text);
        }
        let gone = CaseEvent::ConsentWithdrawn { at: WithdrawnAt::Window, since: bench.app.now() };
        fold(&db, log, "990001", &entry(&bench, 3, gone)).unwrap();
        assert_eq!(consent(&db, kept.id).unwrap().unwrap().withdrawn_at, None);
    }

    #[tokio::test]
    async fn what_was_agreed_to_ends_with_a_case_that_is_given_up_and_holds_again_when_it_is_taken_up() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let db = bench.database();
        fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, Hash::of(b"shown")))).unwrap();
        let (command, answer) = ("c1".parse().unwrap(), String::new());
        let given = CaseEvent::ConsentGiven { command, refused: BTreeSet::new(), answer };
        fold(&db, log, "990001", &entry(&bench, 2, given)).unwrap();
        let ended = || consent(&db, Id::of_entry(log, 2)).unwrap().unwrap().ended_at;
        assert_eq!(ended(), None);
        fold(&db, log, "990001", &entry(&bench, 3, CaseEvent::Abandoned { reason: "left".into() })).unwrap();
        assert_eq!(ended(), Some(bench.app.now()));
        fold(&db, log, "990001", &entry(&bench, 4, CaseEvent::Reopened)).unwrap();
        assert_eq!(ended(), None);
    }

    #[tokio::test]
    async fn a_withdrawal_that_was_quicker_than_the_entry_reaches_the_hall_with_it() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let db = bench.database();
        let digest = Hash::of(b"shown");
        let request = request(&bench);
        let seen =
            Consent::from_evaluator((log, 9), "990001", &request, digest, &BTreeSet::new(), bench.app.now());
        let phone =
            Consent { case_no: None, via: Via::Phone, nonce: Some(ChallengeNonce([3; 16])), ..seen.unwrap() };
        add(&db, phone.clone()).unwrap();
        let at = bench.app.now();
        let notice = Notice::new(at, crate::citizen::notice::NoticeKind::Withdrawal, "授权已撤回", "");
        assert!(withdraw(&db, phone.id, WithdrawnAt::Centre, &notice, at).unwrap());
        assert!(bench.feed("990001").await.iter().all(|item| item.hot.is_none()));
        fold(&db, log, "990001", &entry(&bench, 1, asked(&bench, digest))).unwrap();
        let last = bench.feed("990001").await.pop().unwrap();
        let Change::ConsentWithdrawn(told) = last.change else { panic!("another change") };
        assert_eq!((told.case_no.as_str(), told.by), (NO, WithdrawnBy::Centre));
        assert_eq!(consent(&db, phone.id).unwrap().unwrap().case_no.as_deref(), Some(NO));
    }
}
