use super::*;
use crate::case::{
    CaseEvent, CaseRecord, LicenceUse, ListRow, OfficeGround, Secondary, Statement, StatusSource,
};
use crate::consent::{ConsentRequest, TEXT_VERSION};
use crate::{ApplicantKind, Judgement, LicenceGrade, LicenceStatus, Outcome, Register, Way};
use serde_json::Value;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const DIGEST: &str = "sha-256:5f1c";

fn register() -> Register {
    toml::from_str(include_str!("../../../../../tests/cast/people.toml")).unwrap()
}

fn take(case: &mut Case, after_ms: i64, event: CaseEvent) {
    case.apply(CaseRecord {
        case: case.id.clone(),
        no: case.no.clone(),
        at: NOW.plus_ms(after_ms),
        clerk: case.clerk.clone(),
        event,
    });
}

fn statement() -> Statement {
    Statement {
        at: NOW,
        established: BTreeSet::new(),
        open: BTreeSet::new(),
        by: "00".to_owned(),
        mode: Mode::Offline,
        status: LicenceStatus::Valid,
        status_at: NOW.plus_ms(-7_200_000),
        status_from: StatusSource::List,
        list_at: Some(NOW.plus_ms(-7_200_000)),
        window_hours: 24,
        valid_from: None,
    }
}

/// A case of 王芳 in which two licences were asked for.
fn asked(office: Option<OfficeGround>) -> Case {
    let people = register();
    let person = people.person("wang-fang").unwrap();
    let holder = HolderId::Person(person.card.document.clone());
    let opened = CaseRecord {
        case: "c1".parse().unwrap(),
        no: "990100-20261121-00001".parse().unwrap(),
        at: NOW,
        clerk: "li.qiang".parse().unwrap(),
        event: CaseEvent::Opened {
            item: "11519900MBTE5T27252000100002001".parse().unwrap(),
            item_version: 1,
            item_name: "居住证签注".to_owned(),
            applicant: ApplicantKind::Person,
            window: "W01".parse().unwrap(),
            hall: "安澜市政务服务大厅".to_owned(),
        },
    };
    let mut case = Case::opened(&opened).unwrap();
    let identified = CaseEvent::Identified {
        way: Way::IdentityCard,
        card: Box::new(person.card.clone()),
        read: "01READ".parse().unwrap(),
        reader: "rd-1".to_owned(),
        sam: None,
        expired: false,
        answer: "00".to_owned(),
    };
    take(&mut case, 0, identified);
    take(&mut case, 0, CaseEvent::PersonConfirmed { note: None });
    let licence = |material: &str, name: &str| {
        let known = &person.licences[0];
        let (id, kind, mode) = (known.id.clone(), known.kind.clone(), Mode::Offline);
        ListRow {
            material: material.parse().unwrap(),
            name: name.to_owned(),
            required: true,
            licence: Some(ListedLicence {
                alias: None,
                id,
                kind,
                name: name.to_owned(),
                holder: holder.clone(),
                issuer: "安澜市".to_owned(),
                valid_until: None,
                version: 1,
                status: LicenceStatus::Valid,
                checked_at: NOW,
                status_at: NOW.plus_ms(-7_200_000),
                mode,
                grade: LicenceGrade::L3,
                envelope: "00".to_owned(),
                fields: vec!["name".parse().unwrap()],
                statement: Some(statement()),
            }),
        }
    };
    let rows = vec![licence("m1", "居民身份证"), licence("m2", "居住证")];
    let asked_rows = rows.iter().map(|row| {
        let licence = row.licence.as_ref().unwrap();
        ConsentRow {
            alias: None,
            material: row.material.clone(),
            licence: licence.id.clone(),
            kind: licence.kind.clone(),
            name: licence.name.clone(),
            holder: licence.holder.clone(),
            fields: licence.fields.clone(),
            labels: vec!["姓名".to_owned()],
            required: true,
        }
    });
    let request = ConsentRequest {
        case_no: case.no.clone(),
        item: case.item.clone(),
        item_name: case.item_name.clone(),
        department: "安澜市公安局".to_owned(),
        hall: case.hall.clone(),
        window: case.window.clone(),
        person: holder.clone(),
        person_name: person.card.name.clone(),
        on_behalf_of: None,
        rows: asked_rows.collect(),
        text_version: TEXT_VERSION.to_owned(),
        offline: true,
        asked_at: NOW,
    };
    take(&mut case, 0, CaseEvent::Listed { mode: Mode::Offline, rows, aliased: Vec::new() });
    let event = CaseEvent::ConsentAsked {
        request: Box::new(request),
        digest: DIGEST.to_owned(),
        command: "01ASK".parse().unwrap(),
        device: "ev-1".to_owned(),
        deadline: NOW.plus_ms(120_000),
        phone: None,
        office,
    };
    take(&mut case, 1_000, event);
    case
}

/// One licence agreed to and opened, one refused.
fn agreed() -> Case {
    let mut case = asked(None);
    let given = CaseEvent::ConsentGiven {
        command: "01ASK".parse().unwrap(),
        refused: ["m2".parse().unwrap()].into(),
        answer: "{}".to_owned(),
    };
    take(&mut case, 21_000, given);
    let known = case.list[0].licence.clone().unwrap();
    let used = LicenceUse {
        alias: None,
        material: "m1".parse().unwrap(),
        licence: known.id,
        kind: known.kind,
        version: 1,
        use_code: "LX-990100-00000001".to_owned(),
        envelope: "00".to_owned(),
        opened: [("name".parse().unwrap(), "王芳".to_owned())].into(),
        grade: LicenceGrade::L3,
        status_at: known.status_at,
        mode: Mode::Offline,
        statement: Some(statement()),
    };
    take(&mut case, 21_000, CaseEvent::LicencesUsed { uses: vec![used] });
    case
}

fn of(case: &Case) -> Option<ConsentRecord> {
    let principal = |holder: &HolderId| format!("digest-{}", holder.key().len());
    record(case, &RecordFacts { principal: &principal, hall_code: "990100", department: "安澜市公安局" })
}

/// Every value that stands under a key anywhere.
fn under<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if name == key {
                    found.push(value);
                }
                under(value, key, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| under(value, key, found)),
        _ => {}
    }
}

fn filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        _ => true,
    }
}

#[test]
fn every_mandatory_field_of_the_standard_is_there_and_says_something() {
    let withdrawn = {
        let mut case = agreed();
        let gone = CaseEvent::ConsentWithdrawn { at: WithdrawnAt::Window, since: NOW.plus_ms(60_000) };
        take(&mut case, 60_000, gone);
        case
    };
    for case in [agreed(), withdrawn] {
        let json = serde_json::to_value(of(&case).unwrap()).unwrap();
        // ISO/IEC TS 27560:2023, header, processing, parties, events.
        for (section, fields) in [
            ("header", &["schema_version", "record_id", "pii_principal_id"][..]),
            (
                "pii_processing",
                &[
                    "privacy_notice",
                    "language",
                    "purpose",
                    "lawful_basis",
                    "pii_information",
                    "pii_type",
                    "pii_controllers",
                    "storage_locations",
                    "retention_period",
                    "jurisdiction",
                    "recipient_third_parties",
                    "withdrawal_method",
                ],
            ),
            ("parties", &["party_id", "party_name", "party_address", "party_contact", "party_type"]),
            ("events", &["event_time", "validity_duration", "entity_id", "event_type", "event_state"]),
        ] {
            for field in fields {
                let mut found = Vec::new();
                under(&json[section], field, &mut found);
                assert!(!found.is_empty(), "{section} lacks {field}");
                assert!(found.into_iter().all(filled), "{section} has an empty {field}");
            }
        }
    }
}

#[test]
fn a_record_tells_what_was_agreed_to_and_how_well_that_is_known() {
    let record = of(&agreed()).unwrap();
    let purpose = &record.pii_processing.purposes[0];
    assert_eq!(purpose.lawful_basis, LegalBasis::Holder);
    let [one, two] = &purpose.pii_information[..] else { panic!("two rows") };
    assert!(one.agreed && !two.agreed);
    assert_eq!(one.fields, ["姓名"]);
    assert_eq!((one.use_code.as_deref(), two.use_code.as_deref()), (Some("LX-990100-00000001"), None));
    assert_eq!(record.hall.refused, ["m2".parse().unwrap()].into());
    let [asked, given] = &record.events[..] else { panic!("{:?}", record.events) };
    assert_eq!(asked.event_state, EventState::ConsentRequested);
    assert_eq!(given.event_state, EventState::ConsentGiven);
    assert_eq!(given.event_time, NOW.plus_ms(21_000));
    assert_eq!((given.evidence_grade, given.screen_digest.as_str()), (ConsentGrade::C2, DIGEST));
    assert_eq!((given.mode, given.list_age_s), (Mode::Offline, Some(7_200)));
    assert_eq!(given.use_codes, ["LX-990100-00000001"]);
}

#[test]
fn a_record_names_nobody_in_full_and_comes_back_from_the_archive() {
    let case = agreed();
    let record = of(&case).unwrap();
    let json = serde_json::to_string(&record).unwrap();
    let who = case.identity.as_ref().unwrap();
    for personal in [who.name.as_str(), who.document.number()] {
        assert!(!json.contains(personal), "{json}");
    }
    assert!(json.contains("王*"), "{json}");
    assert_eq!(serde_json::from_str::<ConsentRecord>(&json).unwrap(), record);
}

#[test]
fn what_was_withdrawn_keeps_when_and_how_it_had_been_given() {
    let mut case = agreed();
    let judgement = Judgement { outcome: Outcome::AcceptForReview, sentence: String::new(), raise: None };
    let submitted = CaseEvent::Submitted {
        judgement,
        mode: Mode::Offline,
        second: None,
        supervisor: None,
        follow: None,
        hours_offline: 1,
    };
    take(&mut case, 40_000, submitted);
    let since = NOW.plus_ms(60_000);
    take(&mut case, 60_000, CaseEvent::ConsentWithdrawn { at: WithdrawnAt::Window, since });
    assert_eq!(case.consent_grade(), ConsentGrade::C0, "it holds no longer");
    assert!(case.uses.iter().all(|used| used.opened.is_empty()), "what was opened is gone");
    let record = of(&case).unwrap();
    let [_, given, taken] = &record.events[..] else { panic!("{:?}", record.events) };
    assert_eq!((given.event_time, given.evidence_grade), (NOW.plus_ms(21_000), ConsentGrade::C2));
    assert_eq!(given.use_codes, ["LX-990100-00000001"], "which codes were given out stays known");
    assert_eq!((taken.event_state, taken.event_time), (EventState::ConsentWithdrawn, since));
    assert_eq!(taken.place, Some(WithdrawnAt::Window));
    assert!(!record.pii_processing.purposes[0].pii_information[1].agreed, "and so does what was refused");
}

#[test]
fn a_legal_basis_is_named_and_is_no_consent() {
    let account = "zhao.min".parse().unwrap();
    let ground = OfficeGround {
        basis: "《居住证暂行条例》第十条".to_owned(),
        supervisor: Secondary { account, at: NOW },
    };
    let mut case = asked(Some(ground.clone()));
    assert_eq!(of(&case), None, "nobody has been told yet");
    let noticed = CaseEvent::OfficeNoticed { command: "01ASK".parse().unwrap(), answer: "{}".to_owned() };
    take(&mut case, 9_000, noticed);
    let record = of(&case).unwrap();
    let purpose = &record.pii_processing.purposes[0];
    assert_eq!(purpose.lawful_basis, LegalBasis::Office);
    assert_eq!(purpose.lawful_basis_text, Some(ground.basis));
    assert!(purpose.withdrawal_method.contains("不适用撤回"));
    assert_eq!(record.events[1].event_state, EventState::LegalBasisNoticed);
    assert_eq!(record.events[1].evidence_grade, ConsentGrade::CX);
}

/// Tells holders apart.
fn with_ends(case: &Case) -> Option<ConsentRecord> {
    let principal = |holder: &HolderId| format!("digest-{}", &holder.key()[holder.key().len() - 4..]);
    record(case, &RecordFacts { principal: &principal, hall_code: "990100", department: "安澜市公安局" })
}

#[test]
fn a_mandate_on_paper_is_a_record_once_it_is_scanned_and_names_both_and_no_licence() {
    use crate::case::{Attachment, PaperMandate};
    let mut case = asked(None);
    let principal = register().person("zhang-wei").unwrap().card.clone();
    let mandate = PaperMandate {
        principal: HolderId::Person(principal.document.clone()),
        principal_name: principal.name.clone(),
    };
    take(&mut case, 10, CaseEvent::PaperMandateStated { mandate });
    take(
        &mut case,
        11,
        CaseEvent::Listed { mode: Mode::Offline, rows: vec![PaperMandate::row()], aliased: Vec::new() },
    );
    assert!(with_ends(&case).is_none(), "nothing is kept of it yet");
    let attachment = Attachment {
        id: 1,
        material: Some(PaperMandate::material()),
        name: "scan.png".to_owned(),
        media_type: "image/png".to_owned(),
        size: 10,
        sha256: "5e".repeat(32),
        blob: "00".to_owned(),
    };
    take(&mut case, 12, CaseEvent::AttachmentAdded { attachment });
    let record = with_ends(&case).unwrap();
    let [purpose] = &record.pii_processing.purposes[..] else { panic!("{record:?}") };
    assert_eq!((purpose.lawful_basis, purpose.pii_information.len()), (LegalBasis::PaperMandate, 0));
    assert_eq!(purpose.pii_controllers, ["安澜市公安局"]);
    let party = |kind| record.parties.iter().find(|party| party.party_type == kind).unwrap();
    let (whose, who) = (party(PartyType::PiiPrincipal), party(PartyType::ConsentingPerson));
    assert_eq!((whose.party_name.as_str(), who.party_name.as_str()), ("张*", "王*"));
    assert_ne!(whose.party_id, who.party_id);
    let [event] = &record.events[..] else { panic!("{record:?}") };
    assert_eq!((event.event_type, event.evidence_grade), (EventType::Signature, ConsentGrade::C1));
    assert_eq!(event.screen_digest, format!("sha-256:{}", "5e".repeat(32)));
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains(principal.document.number()) && !text.contains(&principal.name), "{text}");
    assert_eq!(serde_json::from_str::<ConsentRecord>(&text).unwrap(), record);
}
