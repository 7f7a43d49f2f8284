//! 授权回执: what stands behind the paper that a citizen carried home from a window.

use crate::app::App;
use crate::citizen::Refusal;
use hall_domain::Timestamp;
use hall_domain::case::{CaseEvent, CaseRecord};
use hall_ledger::phone::{ConsentReceipt, from_qr};
use hall_ledger::{EntryKind, cbor};

/// What stands behind a receipt. Nothing of it says about whom or what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Agreed to then, and it holds.
    InForce(Timestamp),
    /// Agreed to then, and taken back later.
    Withdrawn(Timestamp, Timestamp),
    /// 依职能查验: the citizen was told then.
    LegalBasis(Timestamp),
    /// 一体机已登记，尚未传到省级中心: the box signed it, and its entry has not come yet.
    AtBox,
    /// The entry is here, and what it said was erased.
    Erased,
    /// Not signed by the box, or its ledger says something else there.
    Forged,
}

/// Looks a printed receipt up: the signature by that ledger's key, then the entry that it names.
///
/// # Errors
/// When it is no receipt by its form, or of a box that is not known here.
pub async fn verify(app: &App, text: &str) -> Result<Standing, Refusal> {
    let not_one = || Refusal::Because("not-a-receipt");
    let read = ConsentReceipt::parse(&from_qr(text).map_err(|_| not_one())?).map_err(|_| not_one())?;
    // What a box signed before it was replaced or revoked stays true.
    let log = app.store.log(read.log()).await?.ok_or(Refusal::Because("unknown-box"))?;
    let Ok(receipt) = read.verify(&log.ledger_key) else { return Ok(Standing::Forged) };
    let found = app.store.entries(receipt.log, receipt.seq, 1).await?;
    let Some(entry) = found.into_iter().next().filter(|entry| entry.seq == receipt.seq) else {
        return Ok(Standing::AtBox);
    };
    if entry.leaf != receipt.leaf || entry.kind != EntryKind::ConsentGiven.to_string() {
        return Ok(Standing::Forged);
    }
    let Some(body) = entry.entry.body else { return Ok(Standing::Erased) };
    let record: Result<CaseRecord, _> = cbor::decode(&body.bytes);
    let Some(record) = record.ok().filter(|record| record.no == receipt.case_no) else {
        return Ok(Standing::Forged);
    };
    if matches!(record.event, CaseEvent::OfficeNoticed { .. }) {
        return Ok(Standing::LegalBasis(record.at));
    }
    let consents = app.store.consents_for(receipt.log, receipt.case_no.as_str()).await?;
    let Some(consent) = consents.into_iter().rfind(|consent| consent.agreed_at <= record.at) else {
        return Ok(Standing::Erased);
    };
    Ok(match consent.withdrawn_at {
        Some(since) => Standing::Withdrawn(record.at, since),
        None => Standing::InForce(record.at),
    })
}
