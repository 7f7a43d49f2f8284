//! Pages of nobody: what the device under test is given to show.

use hall_bus::evaluator::{
    AuthorizePage, ChallengePage, IdlePage, LicenceRow, NoticePage, NoticeRow, Page, RatingLevel, RatingPage,
};
use hall_domain::PhoneAsk;

const HALL: &str = "设备检查";
const WINDOW: &str = "1号窗口";
const CASE: &str = "990000-20260101-00001";

/// 空闲页.
pub fn idle() -> Page {
    Page::Idle(IdlePage { hall: HALL.to_owned(), window: WINDOW.to_owned(), notice: None })
}

/// 授权页 with so many licences; `say` tells whoever stands at the device what to do.
pub fn authorize(say: &str, min_view_ms: u32, deadline_ms: u32, licences: usize) -> Page {
    let row = |number: usize| LicenceRow {
        row: format!("m{number}"),
        name: format!("检查用证照{number}"),
        holder: "测*".to_owned(),
        fields: vec!["名称".to_owned(), "号码".to_owned(), "住所\u{2028}\u{1f4c4}".to_owned()],
        required: number == 1,
        note: (number == 2).then(|| "带引号的\"说明\"".to_owned()),
    };
    Page::Authorize(Box::new(AuthorizePage {
        case_no: CASE.to_owned(),
        item: say.to_owned(),
        department: HALL.to_owned(),
        hall: HALL.to_owned(),
        window: WINDOW.to_owned(),
        applicant: "测*".to_owned(),
        on_behalf_of: None,
        purpose: "检查设备，不办理任何事项".to_owned(),
        offline_notice: Some("当前为离线办理，联网后复核".to_owned()),
        valid_until_text: "检查结束".to_owned(),
        licences: (1..=licences).map(row).collect(),
        text_version: "check-1".to_owned(),
        min_view_ms,
        deadline_ms,
        confirm_label: "同意授权".to_owned(),
    }))
}

/// 告知页, to be confirmed as a whole.
pub fn notice() -> Page {
    Page::Notice(Box::new(NoticePage {
        title: "请点“已知晓”".to_owned(),
        text: vec!["检查设备，不查看任何证照。".to_owned()],
        case_no: CASE.to_owned(),
        hall: HALL.to_owned(),
        window: WINDOW.to_owned(),
        rows: vec![NoticeRow { label: "检查内容".to_owned(), value: "告知页".to_owned() }],
        offline_notice: None,
        text_version: "check-1".to_owned(),
        min_view_ms: 1_500,
        deadline_ms: 60_000,
        confirm_label: "已知晓".to_owned(),
        refuse_label: None,
    }))
}

/// 手机扫码页 with a code that says so.
pub fn challenge(qr: &str) -> Page {
    Page::Challenge(Box::new(ChallengePage {
        kind: PhoneAsk::Face,
        title: "请不要操作".to_owned(),
        text: Vec::new(),
        case_no: CASE.to_owned(),
        item: HALL.to_owned(),
        department: HALL.to_owned(),
        hall: HALL.to_owned(),
        window: WINDOW.to_owned(),
        purpose: String::new(),
        offline_notice: None,
        qr: qr.to_owned(),
        fallback: "请告诉窗口人员".to_owned(),
        deadline_ms: 60_000,
    }))
}

/// 好差评.
pub fn rating() -> Page {
    let level = |level: u8, label: &str| RatingLevel {
        level,
        label: label.to_owned(),
        reasons: if level < 3 { vec!["等候时间长".to_owned()] } else { Vec::new() },
    };
    Page::Rating(RatingPage {
        service: "请给出任一评价".to_owned(),
        case_no: CASE.to_owned(),
        rubric: "check-1".to_owned(),
        levels: vec![
            level(5, "非常满意"),
            level(4, "满意"),
            level(3, "基本满意"),
            level(2, "不满意"),
            level(1, "非常不满意"),
        ],
        reason_required_below: 3,
    })
}
