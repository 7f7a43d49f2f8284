//! 差评回访: whoever rated the service poorly is called back by somebody else than the clerk who was rated.

use crate::store::findings::{self, NewFinding, Severity};
use hall_domain::case::Case;
use hall_domain::{Grade, Timestamp};
use rusqlite::Connection;

/// Kind of a finding: a poor rating that nobody has followed up yet.
pub const POOR_RATING: &str = "poor-rating";
/// 办结期限, in working days: what the halls of one province promise (GB/T 39735 leaves the time to them).
const WORKING_DAYS: u32 = 15;

/// Puts a poor rating before the hall. What the citizen chose and wrote stays in the signed answer: it may name somebody.
pub(crate) fn note(tx: &Connection, case: &Case, level: u8, now: Timestamp) -> rusqlite::Result<()> {
    let Some(grade) = Grade::try_from(level).ok().filter(|grade| grade.needs_call_back()) else {
        return Ok(());
    };
    findings::add_due(
        tx,
        &NewFinding {
            key: &format!("{POOR_RATING}:{}", case.id),
            at: now,
            kind: POOR_RATING,
            case_no: case.no.as_str(),
            case_id: case.id.as_str(),
            what: &format!("办事人评价“{}”。", grade.zh()),
            todo: "请大厅管理员或另一名同事在 1 个工作日内回访，核实原因并整改，期限前在这里写明结果。被评价的窗口人员不能自己处理。",
            severity: Severity::Harm,
        },
        Some(now.local_date().plus_working_days(WORKING_DAYS).end()),
    )
}
