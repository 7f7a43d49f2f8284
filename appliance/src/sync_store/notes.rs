//! What the sync puts before a person, in 待处理.

use crate::book::{Book, Fault};
use crate::reception::decide;
use crate::store::findings::{self, NewFinding, Severity};
use crate::store::{blobs, cases, lapsed, use_codes};
use crate::vault::Vault;
use hall_domain::Timestamp;
use hall_domain::case::{CaseId, WithdrawnAt};
use hall_ledger::blob::BlobId;
use hall_ledger::disposition::{Disposition, Outcome};
use hall_ledger::feed::{ConsentWithdrawn, WithdrawnBy};
use hall_sync::BlobFailure;
use rusqlite::Connection;

/// Begins the key of a finding about an old status list.
pub(super) const LIST_OLD: &str = "status-list:";
/// Kind of a finding: the status list is not renewed.
pub const LIST_OVERDUE: &str = "status-list-overdue";
/// Kind of a finding: a consent was taken back elsewhere.
pub const CONSENT_WITHDRAWN: &str = "consent-withdrawn";
/// Kind of a finding: the centre will not have a content.
pub const BLOB_REFUSED: &str = "blob-refused";
/// Kind of a finding: a content cannot be read here.
pub const BLOB_UNREADABLE: &str = "blob-unreadable";

/// Kind of a finding: the case has passed, and somebody is to look at it once more.
pub const RECHECK: &str = "recheck";

/// What the centre decided on a case.
pub(super) fn note_disposition(
    tx: &Connection,
    vault: &Vault,
    disposition: &Disposition,
    at: Timestamp,
) -> Result<(), Fault> {
    let outcome = disposition.outcome.word();
    cases::set_disposition(tx, &disposition.case_no, disposition.outcome)?;
    let case = cases::id_of(tx, &disposition.case_no)?;
    if let (Some(case), Some(codes)) = (&case, &disposition.use_codes) {
        use_codes::exchange(tx, case, codes, disposition.decided_at)?;
    }
    if let Some(case) = &case {
        // 持证主体不符 is about whose a licence is, not about whether it holds.
        let of_holders = disposition.outcome == Outcome::ReturnedHolder;
        let found = if of_holders { &[][..] } else { &disposition.findings };
        lapsed::set(tx, vault, case, found)?;
    }
    // A later judgement about the same entry replaces the earlier one.
    let keys = format!("disposition:{}:{}:", disposition.log, disposition.seq);
    if let Some(until) = disposition.recheck_until {
        note_recheck(tx, disposition, case.as_ref(), until, at)?;
    }
    if !disposition.outcome.needs_action() {
        return Ok(findings::settle(tx, vault, &keys, "省级中心已复核通过", at)?);
    }
    let severity = if disposition.outcome.is_returned() { Severity::Harm } else { Severity::Attention };
    findings::add_due(
        tx,
        &NewFinding {
            key: &format!("{keys}{outcome}"),
            at,
            kind: outcome,
            case_no: &disposition.case_no,
            case_id: case.as_ref().map(|id| id.as_str()).unwrap_or_default(),
            what: &disposition.sentence(),
            todo: &disposition.what_to_do(),
            severity,
        },
        disposition.deadline,
    )?;
    Ok(())
}

/// 抽查: a person of the hall looks again at a case that has passed.
fn note_recheck(
    tx: &Connection,
    disposition: &Disposition,
    case: Option<&CaseId>,
    until: Timestamp,
    at: Timestamp,
) -> Result<(), Fault> {
    findings::add_due(
        tx,
        &NewFinding {
            key: &format!("recheck:{}:{}", disposition.log, disposition.seq),
            at,
            kind: RECHECK,
            case_no: &disposition.case_no,
            case_id: case.map(CaseId::as_str).unwrap_or_default(),
            what: "本件断线时办理，省级中心复核通过，被抽中由人工再看一遍；办件照常生效。",
            todo: "请部门审批人员对照证照核验情况、材料和表单看一遍，在待处理中写明结论；发现问题的，通知办事人补正。",
            severity: Severity::Attention,
        },
        Some(until),
    )?;
    Ok(())
}

/// Licences that were revoked meanwhile are not marked as such: somebody has to look.
pub(super) fn note_old_list(tx: &Connection, since: Timestamp, at: Timestamp) -> Result<(), Fault> {
    findings::add(
        tx,
        &NewFinding {
            key: &format!("{LIST_OLD}{}", since.0),
            at,
            kind: LIST_OVERDUE,
            case_no: "",
            case_id: "",
            what: &format!(
                "证照状态列表自 {} 起没有更新，线路却是通的：其间注销、暂扣的证照可能没有标出。",
                since.to_display()
            ),
            todo: "请通知省级中心检查状态列表服务；恢复以前，证照请在线核验或查看原件。",
            severity: Severity::Attention,
        },
    )?;
    Ok(())
}

/// 撤回授权 on a phone or at the centre: what was opened leaves the case at once, and somebody reads of it.
pub(super) fn note_withdrawal(
    tx: &Connection,
    book: &Book,
    withdrawn: &ConsentWithdrawn,
    at: Timestamp,
) -> Result<Option<CaseId>, Fault> {
    let Some(case) = cases::id_of(tx, &withdrawn.case_no)? else { return Ok(None) };
    let Some(clerk) = cases::clerk(tx, &case)? else { return Ok(None) };
    let since = withdrawn.at;
    let (place, what) = match withdrawn.by {
        WithdrawnBy::Citizen => {
            (WithdrawnAt::Phone, "办事人已在手机上撤回用证授权，本机已移除由此得到的证照内容。")
        }
        WithdrawnBy::Principal => {
            (WithdrawnAt::Phone, "委托人已在手机上撤回用证授权，本机已移除由此得到的证照内容。")
        }
        WithdrawnBy::Centre => {
            (WithdrawnAt::Centre, "办事人已请省级中心撤回用证授权，本机已移除由此得到的证照内容。")
        }
    };
    let done = book
        .change_case(tx, &case, &clerk, book.clock.now(), |case| Ok(decide::withdraw(case, place, since)?));
    match done {
        Ok(_) => {}
        // There is nothing left to take back.
        Err(Fault::Refused(_)) => return Ok(None),
        Err(fault) => return Err(fault),
    }
    findings::add(
        tx,
        &NewFinding {
            key: &format!("withdrawn:{case}"),
            at,
            kind: CONSENT_WITHDRAWN,
            case_no: &withdrawn.case_no,
            case_id: case.as_str(),
            what,
            todo: "未提交的请改收纸质材料；已提交的请告知审批部门，由其决定是否补正，然后在待处理中登记。",
            severity: Severity::Attention,
        },
    )?;
    Ok(Some(case))
}

/// The key of the finding about a content that does not go up by itself.
pub fn blob_finding(id: &impl std::fmt::Display) -> String {
    format!("blob:{id}")
}

/// A content that does not go up by itself, for a person to look at.
pub(super) fn note_unsent(
    tx: &Connection,
    id: &BlobId,
    why: BlobFailure,
    at: Timestamp,
) -> Result<(), Fault> {
    let short: String = id.to_string().chars().take(8).collect();
    let (kind, what, todo) = match why {
        BlobFailure::Line => return Ok(()),
        BlobFailure::Refused { status } => (
            BLOB_REFUSED,
            format!("省级中心没有接收这个办件的一份材料（编号 {short}，代码 {status}），其他材料照常上传。"),
            "请把办件编号和材料编号告诉省级中心；中心处理后本机会自动再传。",
        ),
        BlobFailure::Unreadable => (
            BLOB_UNREADABLE,
            format!("本机读不出这个办件的一份材料（编号 {short}），不能上传，其他材料照常上传。"),
            "请打开办件查看是哪份材料，请办事人补交，并请运维人员检查磁盘。",
        ),
    };
    let case = blobs::case_of(tx, &id.to_string())?;
    let (case_id, case_no) = case.map(|(id, no)| (id.to_string(), no)).unwrap_or_default();
    findings::add(
        tx,
        &NewFinding {
            key: &blob_finding(id),
            at,
            kind,
            case_no: &case_no,
            case_id: &case_id,
            what: &what,
            todo,
            severity: Severity::Attention,
        },
    )?;
    Ok(())
}
