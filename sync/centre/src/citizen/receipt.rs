//! 回执: what stands behind a paper that a citizen carried home from a window.

use crate::app::App;
use crate::casefile::CaseFile;
use crate::citizen::Refusal;
use crate::citizen::consent::{Consent, Via};
use hall_domain::case::{CaseEvent, CaseRecord};
use hall_domain::{Outcome as Policy, Timestamp};
use hall_ledger::disposition::Outcome;
use hall_ledger::phone::{PaperReceipt, from_qr};
use hall_ledger::{EntryKind, cbor};

/// What stands behind a receipt. Nothing of it says about whom or what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Agreed to then, and it holds.
    InForce(Timestamp),
    /// Agreed to then, and over with the case, which was given up later.
    Ended(Timestamp),
    /// Agreed to then, and taken back later.
    Withdrawn(Timestamp, Timestamp),
    /// 依职能查验: the citizen was told then.
    LegalBasis(Timestamp),
    /// 受理回执 and its kin: submitted then, and so far the case has come.
    Case(Timestamp, Progress),
    /// 一体机已登记，尚未传到省级中心: the box signed it, and its entry has not come yet.
    AtBox,
    /// The entry is here, and what it said was erased.
    Erased,
    /// Not signed by the box, or its ledger says something else there.
    Forged,
}

/// 办理进度: how far a submitted case has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// 已收件，尚未受理: the policy of the window took it in and no more.
    TakenIn,
    /// 已登记，等待复核.
    Received,
    /// 容缺 or 有条件通过: something is to be brought until then; no time where none was named.
    Following(Option<Timestamp>),
    /// 复核通过, then.
    Passed(Timestamp),
    /// 退回, then.
    Returned(Timestamp),
    /// 存疑 or 冲突: people look into it.
    InDoubt,
}

impl Progress {
    /// How far this case has come; none before its submission.
    fn of(case: &CaseFile) -> Option<Self> {
        let submission = case.submission.as_ref()?;
        // What is to follow is over with the last of it, whatever was said before.
        let until = submission.follow.as_ref().map(|follow| follow.by.end());
        let Some(judged) = &case.disposition else {
            return Some(match (submission.judgement.outcome, until) {
                (Policy::No | Policy::ReceiptOnly, _) => Self::TakenIn,
                (_, Some(until)) => Self::Following(Some(until)),
                (_, None) => Self::Received,
            });
        };
        Some(match judged.outcome {
            Outcome::Ratified | Outcome::PassedRevokedLater => Self::Passed(judged.decided_at),
            Outcome::Conditional => Self::Following(judged.deadline.or(until)),
            Outcome::ReturnedRevoked
            | Outcome::ReturnedDuplicate
            | Outcome::ReturnedMandate
            | Outcome::ReturnedHolder => Self::Returned(judged.decided_at),
            Outcome::DoubtfulClock | Outcome::Conflict => Self::InDoubt,
        })
    }
}

/// Looks a printed receipt up: the signature by that ledger's key, then the entry that it names.
///
/// # Errors
/// When it is no receipt by its form, or of a box that is not known here.
pub async fn verify(app: &App, text: &str) -> Result<Standing, Refusal> {
    let not_one = || Refusal::Because("not-a-receipt");
    let read = PaperReceipt::parse(&from_qr(text).map_err(|_| not_one())?).map_err(|_| not_one())?;
    // What a box signed before it was replaced or revoked stays true.
    let log = app.store.log(read.log()).await?.ok_or(Refusal::Because("unknown-box"))?;
    let Ok(receipt) = read.verify(&log.ledger_key) else { return Ok(Standing::Forged) };
    let found = app.store.entries(receipt.log, receipt.seq, 1).await?;
    let Some(entry) = found.into_iter().next().filter(|entry| entry.seq == receipt.seq) else {
        return Ok(Standing::AtBox);
    };
    let about = [EntryKind::ConsentGiven, EntryKind::CaseSubmitted];
    if entry.leaf != receipt.leaf || !about.iter().any(|kind| entry.kind == kind.to_string()) {
        return Ok(Standing::Forged);
    }
    let Some(body) = entry.entry.body else { return Ok(Standing::Erased) };
    let record: Result<CaseRecord, _> = cbor::decode(&body.bytes);
    let Some(record) = record.ok().filter(|record| record.no == receipt.case_no) else {
        return Ok(Standing::Forged);
    };
    match record.event {
        CaseEvent::OfficeNoticed { .. } => Ok(Standing::LegalBasis(record.at)),
        CaseEvent::Submitted { .. } => submitted(app, &receipt, record.at).await,
        _ => consented(app, &receipt, record.at).await,
    }
}

async fn submitted(app: &App, receipt: &PaperReceipt, at: Timestamp) -> Result<Standing, Refusal> {
    let case = app.store.case(&receipt.case_no).await?.filter(|case| case.log == receipt.log);
    Ok(match case.as_ref().and_then(Progress::of) {
        Some(progress) => Standing::Case(at, progress),
        None => Standing::Erased,
    })
}

async fn consented(app: &App, receipt: &PaperReceipt, at: Timestamp) -> Result<Standing, Refusal> {
    let consents = app.store.consents_for(receipt.log, receipt.case_no.as_str()).await?;
    let meant = |consent: &Consent| consent.via != Via::Office && consent.agreed_at <= at;
    let Some(consent) = consents.into_iter().rfind(meant) else { return Ok(Standing::Erased) };
    Ok(match (consent.withdrawn_at, consent.ended_at) {
        (Some(since), _) => Standing::Withdrawn(at, since),
        (None, Some(_)) => Standing::Ended(at),
        (None, None) => Standing::InForce(at),
    })
}
