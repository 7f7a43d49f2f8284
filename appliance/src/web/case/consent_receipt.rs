//! 授权回执: what the citizen takes home about the use of their licences, with a code that anybody can verify.

use super::receipt::{Size, qr, signed_code};
use crate::book::Fault;
use crate::store::{accounts, ledger};
use crate::web::failure::Failure;
use crate::web::pages::consent_receipt::{AgreedLicence, ConsentReceiptPage};
use crate::web::pages::receipt::Paper;
use crate::web::session::Reader;
use crate::web::{App, frame};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use hall_domain::case::{CaseEvent, CaseId, CaseRecord, Mode};
use hall_domain::consent::record::{ConsentRecord, EventState, Information, PartyType};
use hall_domain::mask_number;
use hall_ledger::Hash;
use hall_ledger::entry::EntryKind;
use hall_ledger::log::LogId;
use rusqlite::Connection;

/// The receipt, to be printed by the browser.
pub async fn show(
    State(app): State<App>,
    Reader(signed): Reader,
    Path(id): Path<CaseId>,
    Query(size): Query<Size>,
) -> Result<Response, Failure> {
    let case = app.desk.case(&id).await?;
    let record = app.desk.consent_record(&case).ok_or(Fault::NotFound)?;
    let (vault, wanted) = (app.book.vault.clone(), id.clone());
    let (place, windows) = app
        .book
        .db
        .read_with(move |db| Ok::<_, Fault>((place(db, &vault, &wanted)?, accounts::windows(db)?)))
        .await?;
    let (log, seq, leaf) = place.ok_or(Fault::NotFound)?;
    let code = signed_code(&app, &case, log, seq, leaf);
    let window = windows.into_iter().find(|(window, _)| *window == record.hall.window).map(|(_, name)| name);
    let leaf = leaf.to_string();
    frame::render(&ConsentReceiptPage {
        paper: Paper::from_code(&size.size),
        window: window.unwrap_or_else(|| record.hall.window.to_string()),
        qr: qr(&code)?,
        entry: format!("台账 {} 第 {} 号", log.to_string().get(..8).unwrap_or_default(), seq + 1),
        digest: leaf.get(..16).unwrap_or_default().to_owned(),
        ..page(&record, frame::bare(&app, frame::lang(&signed)), id.to_string())
    })
}

/// What the record says, without what only the box can add.
fn page(record: &ConsentRecord, frame: crate::web::pages::Bare, id: String) -> ConsentReceiptPage {
    let party = |kind| record.parties.iter().find(|party| party.party_type == kind);
    let name = |kind| party(kind).map(|party| party.party_name.clone()).unwrap_or_default();
    let (person, principal) = (name(PartyType::ConsentingPerson), name(PartyType::PiiPrincipal));
    let purpose = record.pii_processing.purposes.first();
    let when = |wanted: &[EventState]| {
        let found = record.events.iter().find(|event| wanted.contains(&event.event_state));
        found.map(|event| event.event_time.to_display()).unwrap_or_default()
    };
    let rows = || purpose.map(|purpose| purpose.pii_information.as_slice()).unwrap_or_default().iter();
    ConsentReceiptPage {
        frame,
        id,
        paper: Paper::default(),
        by_office: record.events.iter().any(|event| event.event_state == EventState::LegalBasisNoticed),
        number: record.hall.case_no.clone(),
        item: record.hall.item_name.clone(),
        department: name(PartyType::PiiController),
        on_behalf_of: if principal == person { String::new() } else { principal },
        person,
        window: String::new(),
        at: when(&[EventState::ConsentGiven, EventState::LegalBasisNoticed]),
        basis: purpose.map(|purpose| purpose.lawful_basis.zh().to_owned()).unwrap_or_default(),
        basis_text: purpose.and_then(|purpose| purpose.lawful_basis_text.clone()).unwrap_or_default(),
        agreed: rows().filter(|row| row.agreed).map(agreed).collect(),
        refused: rows().filter(|row| !row.agreed).map(|row| row.pii_type.clone()).collect(),
        valid: hall_domain::consent::record::VALIDITY.to_owned(),
        withdrawal: purpose.map(|purpose| purpose.withdrawal_method.clone()).unwrap_or_default(),
        withdrawn: when(&[EventState::ConsentWithdrawn]),
        offline: record.hall.mode == Mode::Offline,
        qr: String::new(),
        entry: String::new(),
        digest: String::new(),
    }
}

fn agreed(row: &Information) -> AgreedLicence {
    AgreedLicence {
        kind: row.pii_type.clone(),
        fields: row.fields.join("、"),
        use_code: row.use_code.as_deref().map(mask_number).unwrap_or_default(),
    }
}

/// Where the newest consent of a case, or the notice in its place, stands in the ledger.
fn place(
    db: &Connection,
    vault: &crate::vault::Vault,
    case: &CaseId,
) -> Result<Option<(LogId, u64, Hash)>, Fault> {
    let Some(head) = ledger::head(db)? else { return Ok(None) };
    let entries = ledger::entries_of_case(db, vault, case)?;
    let given = entries.into_iter().rev().find(|(_, kind, entry)| {
        let body = entry.body.as_ref().filter(|_| *kind == EntryKind::ConsentGiven);
        let record: Option<CaseRecord> = body.and_then(|body| hall_ledger::cbor::decode(&body.bytes).ok());
        record.is_some_and(|record| !matches!(record.event, CaseEvent::Acknowledged { .. }))
    });
    Ok(given.map(|(seq, _, entry)| (head.log(), seq, entry.leaf())))
}
