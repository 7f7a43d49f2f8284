//! What a citizen's screen is told to show, made from the records and nothing else.

use super::decide::CONSENT_MS;
use hall_bus::evaluator::{
    AuthorizePage, LicenceRow, MessageLevel, MessagePage, Page, RatingLevel, RatingPage,
};
use hall_domain::case::Case;
use hall_domain::consent::ConsentRequest;
use hall_domain::{Grade, HolderId, mask_name};

/// How long the page is on the glass before 同意授权 can be pressed.
const MIN_VIEW_MS: u32 = 1_500;
/// How long an evaluator tells what came of an answer.
pub const RESULT_MS: u32 = 12_000;
/// How long thanks stay.
pub const MESSAGE_MS: u32 = 4_000;
/// Version of grades and reasons.
const RUBRIC: &str = "2026-11";

/// 服务授权页面 for a request.
pub fn authorize(request: &ConsentRequest, window_name: &str) -> Page {
    let person = mask_name(&request.person_name);
    let licences = request
        .rows
        .iter()
        .map(|row| LicenceRow {
            row: row.material.to_string(),
            name: row.name.clone(),
            holder: match (&row.holder, &request.on_behalf_of) {
                (HolderId::Organisation(_), Some(name)) => name.clone(),
                _ => person.clone(),
            },
            fields: row.labels.clone(),
            required: row.required,
        })
        .collect();
    Page::Authorize(Box::new(AuthorizePage {
        case_no: request.case_no.to_string(),
        item: request.item_name.clone(),
        department: request.department.clone(),
        hall: request.hall.clone(),
        window: window_name.to_owned(),
        applicant: person,
        on_behalf_of: request.on_behalf_of.clone(),
        purpose: format!("仅用于办理“{}”", request.item_name),
        offline_notice: request.offline.then(|| "当前为离线办理，联网后复核".to_owned()),
        valid_until_text: "仅本次办件有效".to_owned(),
        licences,
        text_version: request.text_version.clone(),
        min_view_ms: MIN_VIEW_MS,
        deadline_ms: u32::try_from(CONSENT_MS).unwrap_or(u32::MAX),
        confirm_label: "同意授权".to_owned(),
    }))
}

/// 好差评 for a case.
pub fn rating(case: &Case) -> Page {
    let levels = Grade::ALL
        .into_iter()
        .map(|grade| RatingLevel {
            level: grade.into(),
            label: grade.zh().to_owned(),
            reasons: match grade.needs_call_back() {
                true => REASONS.iter().map(|reason| (*reason).to_owned()).collect(),
                false => Vec::new(),
            },
        })
        .collect();
    Page::Rating(RatingPage {
        service: case.item_name.clone(),
        case_no: case.no.to_string(),
        rubric: RUBRIC.to_owned(),
        levels,
        reason_required_below: 3,
    })
}

/// Thanks after a rating.
pub fn thanks() -> Page {
    Page::Message(MessagePage {
        level: MessageLevel::Done,
        title: "感谢您的评价".to_owned(),
        text: "祝您生活愉快。".to_owned(),
    })
}

const REASONS: [&str; 5] =
    ["服务态度不好", "办理时间太长", "一次告知不清楚", "要求提供多余材料", "设备或系统不好用"];
