//! The record of a case that was taken in on a mandate on paper: who signed what for whom, and that no licence was used.

use super::{
    AtHall, ConsentRecord, Event, EventState, EventType, HOTLINE, Header, LegalBasis, Party, PartyType,
    Processing, Purpose, RETENTION, RecordFacts, SCHEMA_VERSION, VALIDITY,
};
use crate::case::{Case, Mode, PaperMandate};
use crate::consent::TEXT_VERSION;
use crate::{ConsentGrade, HolderId, mask_name};
use std::collections::BTreeSet;

/// How a mandate on paper is taken back.
pub(super) const WITHDRAWAL: &str = "委托人凭本人身份证件到任一大厅窗口，或以书面方式通知办理部门撤销委托";

/// The record, once the paper is scanned and names whom the delegate acts for.
pub(super) fn record(case: &Case, facts: &RecordFacts<'_>) -> Option<ConsentRecord> {
    let mandate = case.paper_mandate.as_ref().filter(|_| case.paper_mandate_scanned())?;
    let delegate = case.identity.as_ref().filter(|who| who.confirmed())?;
    let its = |file: &&crate::case::Attachment| file.material == Some(PaperMandate::material());
    let scan = case.attachments.iter().find(its)?;
    let digest = |holder: &HolderId| (facts.principal)(holder);
    let principal = digest(&mandate.principal);
    let mode = case.mode.unwrap_or(Mode::Offline);
    let at_hall = format!("经由{}", case.hall);
    let party = |party_type, id: String, name: &str, address: &str, contact: &str| Party {
        party_id: id,
        party_name: name.to_owned(),
        party_address: address.to_owned(),
        party_contact: contact.to_owned(),
        party_type,
    };
    let name = match &mandate.principal {
        HolderId::Person(_) => mask_name(&mandate.principal_name),
        HolderId::Organisation(_) => mandate.principal_name.clone(),
    };
    let person = digest(&HolderId::Person(delegate.document.clone()));
    Some(ConsentRecord {
        header: Header {
            schema_version: SCHEMA_VERSION.to_owned(),
            record_id: format!("{}-paper", case.no),
            pii_principal_id: principal.clone(),
        },
        pii_processing: Processing {
            privacy_notice: TEXT_VERSION.to_owned(),
            language: "zh-CN".to_owned(),
            purposes: vec![Purpose {
                purpose: format!("办理“{}”", case.item_name),
                lawful_basis: LegalBasis::PaperMandate,
                lawful_basis_text: None,
                pii_information: Vec::new(),
                pii_controllers: vec![facts.department.to_owned()],
                storage_locations: vec![case.hall.clone(), "省级中心".to_owned()],
                retention_period: RETENTION.to_owned(),
                jurisdiction: "CN".to_owned(),
                recipient_third_parties: vec!["省级中心".to_owned()],
                withdrawal_method: WITHDRAWAL.to_owned(),
            }],
        },
        parties: vec![
            party(PartyType::PiiPrincipal, principal.clone(), &name, &at_hall, &at_hall),
            party(PartyType::ConsentingPerson, person, &mask_name(&delegate.name), &at_hall, &at_hall),
            party(
                PartyType::PiiController,
                case.item.to_string(),
                facts.department,
                facts.department,
                HOTLINE,
            ),
            party(PartyType::PiiProcessor, facts.hall_code.to_owned(), &case.hall, &case.hall, HOTLINE),
            party(PartyType::Centre, "centre".to_owned(), "省级中心", "省级中心", HOTLINE),
        ],
        events: vec![Event {
            event_time: case.submission.as_ref().map_or(case.updated_at, |done| done.at),
            validity_duration: VALIDITY.to_owned(),
            entity_id: principal,
            event_type: EventType::Signature,
            event_state: EventState::ConsentGiven,
            evidence_grade: ConsentGrade::C1,
            screen_digest: format!("sha-256:{}", scan.sha256),
            use_codes: Vec::new(),
            mode,
            list_age_s: None,
            place: None,
        }],
        hall: AtHall {
            case_no: case.no.to_string(),
            item: case.item.clone(),
            item_name: case.item_name.clone(),
            hall: case.hall.clone(),
            window: case.window.clone(),
            clerk: case.clerk.clone(),
            mode,
            refused: BTreeSet::new(),
        },
    })
}
