//! What a citizen's screen is told to show, made from the records and nothing else.

use super::decide::{CONSENT_MS, PHONE_MS};
use hall_bus::evaluator::{
    AuthorizePage, ChallengePage, LicenceRow, MessageLevel, MessagePage, NoticePage, NoticeRow, Page,
    RatingLevel, RatingPage,
};
use hall_domain::case::{Case, Consent, Mode, OfficeGround};
use hall_domain::consent::{ConsentRequest, ConsentRow, TEXT_VERSION};
use hall_domain::{AliasKind, Grade, HolderId, PhoneAsk, mask_name};

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
            note: issued_under(row),
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
        offline_notice: request.offline.then(|| OFFLINE.to_owned()),
        valid_until_text: "仅本次办件有效".to_owned(),
        licences,
        text_version: request.text_version.clone(),
        min_view_ms: MIN_VIEW_MS,
        deadline_ms: u32::try_from(CONSENT_MS).unwrap_or(u32::MAX),
        confirm_label: "同意授权".to_owned(),
    }))
}

/// What the citizen has to know of a licence that was issued under an earlier identifier.
fn issued_under(row: &ConsentRow) -> Option<String> {
    match (&row.holder, row.alias) {
        (HolderId::Person(earlier), Some(_)) => {
            let kind = AliasKind::of(earlier).zh();
            Some(format!("登记在旧号码下：{kind} {}。不是您的请关闭此项。", earlier.masked()))
        }
        _ => None,
    }
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

/// 扫码页: a challenge for a phone.
pub fn challenge(case: &Case, ask: PhoneAsk, window_name: &str, qr: String, line_up: bool) -> Page {
    let (title, what) = match ask {
        PhoneAsk::Code => {
            ("请用手机扫码应答", "在手机上打开“扫一扫”，扫描二维码，再把手机上的应答码给窗口扫码器。")
        }
        PhoneAsk::Face => ("请用手机扫码刷脸", "在手机上打开“扫一扫”，扫描二维码，按提示刷脸。"),
        PhoneAsk::Consent => {
            ("请在手机上授权", "在手机上打开“扫一扫”，扫描二维码，核对事项和证照后确认授权。")
        }
        PhoneAsk::Principal => {
            ("请委托人在手机上确认", "代办人在手机上打开“扫一扫”，扫描二维码，请委托人在手机上确认。")
        }
        PhoneAsk::Licences => ("请在手机上出示证照", "在手机上打开“扫一扫”，扫描二维码，出示所需证照。"),
    };
    let mut text = vec![what.to_owned()];
    if ask == PhoneAsk::Face {
        text.push("建议在刷脸过程中临时取下口罩。".to_owned());
    }
    if !line_up && ask != PhoneAsk::Code {
        text.push("完成后，请把手机上的二维码给窗口扫码器。".to_owned());
    }
    let offline = case.mode == Some(Mode::Offline) || case.mode.is_none() && !line_up;
    Page::Challenge(Box::new(ChallengePage {
        kind: ask,
        title: title.to_owned(),
        text,
        case_no: case.no.to_string(),
        item: case.item_name.clone(),
        department: String::new(),
        hall: case.hall.clone(),
        window: window_name.to_owned(),
        purpose: format!("仅用于办理“{}”", case.item_name),
        offline_notice: offline.then(|| OFFLINE.to_owned()),
        qr,
        fallback: match ask {
            PhoneAsk::Licences => "不方便使用手机？请告诉窗口人员，可以提交纸质原件。".to_owned(),
            _ => "不方便使用手机？请告诉窗口人员，可以用身份证办理。".to_owned(),
        },
        deadline_ms: u32::try_from(PHONE_MS).unwrap_or(u32::MAX),
    }))
}

/// 代办人确认: what a delegate acknowledges, after the principal has agreed.
pub fn acknowledge(case: &Case, window_name: &str) -> Page {
    let principal = case.mandator().map(|(_, name)| mask_name(name)).unwrap_or_default();
    let delegate = case.identity.as_ref().map(|who| mask_name(&who.name)).unwrap_or_default();
    let licences = match &case.consent {
        Consent::Given { asked, refused, .. } => {
            let agreed = asked.request.rows.iter().filter(|row| !refused.contains(&row.material));
            agreed.map(|row| row.name.clone()).collect::<Vec<_>>().join("、")
        }
        _ => String::new(),
    };
    let row = |label: &str, value: String| NoticeRow { label: label.to_owned(), value };
    Page::Notice(Box::new(NoticePage {
        title: "代办人确认".to_owned(),
        text: vec!["委托人已在手机上确认。请核对后确认由您代为办理，并对代办行为负责。".to_owned()],
        case_no: case.no.to_string(),
        hall: case.hall.clone(),
        window: window_name.to_owned(),
        rows: vec![
            row("办理事项", case.item_name.clone()),
            row("委托人", principal),
            row("代办人", delegate),
            row("使用证照", licences),
        ],
        offline_notice: (case.mode == Some(Mode::Offline)).then(|| OFFLINE.to_owned()),
        text_version: TEXT_VERSION.to_owned(),
        min_view_ms: MIN_VIEW_MS,
        deadline_ms: u32::try_from(CONSENT_MS).unwrap_or(u32::MAX),
        confirm_label: "确认代办".to_owned(),
        refuse_label: Some("不代办".to_owned()),
    }))
}

/// 依职能查验告知: on which legal basis licences are looked at, by whom, and whom to ask.
pub fn by_office(request: &ConsentRequest, ground: &OfficeGround, window_name: &str) -> Page {
    let named = |row: &ConsentRow| match (&row.holder, row.alias) {
        (HolderId::Person(earlier), Some(_)) => {
            format!("{}（旧号码：{} {}）", row.name, AliasKind::of(earlier).zh(), earlier.masked())
        }
        _ => row.name.clone(),
    };
    let licences: Vec<String> = request.rows.iter().map(named).collect();
    let row = |label: &str, value: String| NoticeRow { label: label.to_owned(), value };
    Page::Notice(Box::new(NoticePage {
        title: "依职能查验告知".to_owned(),
        text: vec![
            "本次依法定职责查验您的证照，不需要您授权；查验会记入台账，您可以向办理部门查询。".to_owned(),
        ],
        case_no: request.case_no.to_string(),
        hall: request.hall.clone(),
        window: window_name.to_owned(),
        rows: vec![
            row("办理事项", request.item_name.clone()),
            row("法定依据", ground.basis.clone()),
            row("查验部门", request.department.clone()),
            row("查验证照", licences.join("、")),
        ],
        offline_notice: request.offline.then(|| OFFLINE.to_owned()),
        text_version: request.text_version.clone(),
        min_view_ms: MIN_VIEW_MS,
        deadline_ms: u32::try_from(CONSENT_MS).unwrap_or(u32::MAX),
        confirm_label: "已知晓".to_owned(),
        refuse_label: None,
    }))
}

/// A few words about something that is done.
pub fn done(title: &str) -> Page {
    Page::Message(MessagePage {
        level: MessageLevel::Done,
        title: title.to_owned(),
        text: "请看窗口人员的提示。".to_owned(),
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

const OFFLINE: &str = "当前为离线办理，联网后复核";
const REASONS: [&str; 5] =
    ["服务态度不好", "办理时间太长", "一次告知不清楚", "要求提供多余材料", "设备或系统不好用"];
