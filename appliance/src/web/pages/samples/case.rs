//! The case page, step by step and state by state.

use super::steps::{consent, consent_states, done, form, identify_states, item, list_states, submit};
use super::{frame, screen};
use crate::web::pages::case::{
    CaseHead, CasePage, CitizenScreen, HeldBy, Mode, OrganisationCard, Outcome, Policy, Prospect, SidePanel,
    StepLine, StepName, StepPanel, StepState, Who,
};
use crate::web::pages::cases::{Applicant, CaseState};
use crate::web::pages::frame::{Desk, Line};
use crate::web::pages::{Lang, Notice};

/// 事项 of the sample case.
pub const ITEM: &str = "食品经营许可证核发（新办）";

/// All states of the case page.
pub fn screens(lang: Lang) -> Vec<(String, String)> {
    let mut out = vec![screen("case-item", &page(lang, StepPanel::Item(item())))];
    for (name, step) in identify_states() {
        out.push(screen(&format!("case-identify-{name}"), &page(lang, StepPanel::Identify(step))));
    }
    for (name, step) in list_states() {
        let offline = name == "offline";
        let mut page = page(lang, StepPanel::List(step));
        if offline {
            page = without_line(page);
        }
        out.push(screen(&format!("case-list-{name}"), &page));
    }
    for (name, state, shown) in consent_states() {
        let mut page = page(lang, StepPanel::Consent(consent(state)));
        page.side.screen = shown;
        out.push(screen(&format!("case-consent-{name}"), &page));
    }
    out.push(screen("case-form", &page(lang, StepPanel::Form(form(false)))));
    out.push(screen("case-form-mistakes", &page(lang, StepPanel::Form(form(true)))));
    let mut held = page(lang, StepPanel::Form(form(false)));
    held.held_by = Some(HeldBy {
        clerk: "赵敏".to_owned(),
        window: "2 号窗口".to_owned(),
        quiet_s: 340,
        can_take_over: true,
    });
    out.push(screen("case-form-held", &held));
    out.push(screen("case-submit", &page(lang, StepPanel::Submit(submit(Outcome::Accept)))));
    out.push(screen(
        "case-submit-offline",
        &without_line(page(lang, StepPanel::Submit(submit(Outcome::Following)))),
    ));
    out.push(screen("case-submit-blocked", &page(lang, StepPanel::Submit(submit(Outcome::No)))));
    out.push(screen("case-done", &page(lang, StepPanel::Done(done(Outcome::Accept)))));
    out.push(screen(
        "case-done-offline",
        &without_line(page(lang, StepPanel::Done(done(Outcome::Following)))),
    ));
    out
}

/// The head of a sample case.
pub fn head(state: CaseState, mode: Mode) -> CaseHead {
    CaseHead {
        id: "01JD3X8".to_owned(),
        number: "510199-W01-20261121-0042".to_owned(),
        item: ITEM.to_owned(),
        applicant: Applicant::Organisation,
        opened: "15:28".to_owned(),
        state,
        mode,
    }
}

fn page(lang: Lang, step: StepPanel) -> CasePage {
    let mut frame = frame(lang, Desk::Cases, Line::Up);
    frame.path = "/cases/01JD3X8".to_owned();
    frame.follow = "01JD3X8".to_owned();
    if matches!(step, StepPanel::Form(_)) {
        frame.notice = Some(Notice {
            text: lang.fill("已移除 {}。", &[&"营业场所照片.jpg"]),
            undo: Some("/cases/01JD3X8/attachments/3/restore".to_owned()),
            refused: false,
        });
    }
    let reached = match step {
        StepPanel::Item(_) | StepPanel::Identify(_) => 1,
        StepPanel::List(_) => 2,
        StepPanel::Consent(_) => 3,
        StepPanel::Form(_) => 4,
        StepPanel::Submit(_) => 5,
        StepPanel::Done(_) => 6,
    };
    let shown = if matches!(step, StepPanel::Item(_)) { 0 } else { reached.min(5) };
    let confirmed = reached > 1;
    CasePage {
        frame,
        case: head(states(reached), Mode::Online),
        steps: std::array::from_fn(|n| line(n, reached, shown)),
        step,
        side: SidePanel {
            who: confirmed.then(who),
            organisation: Some(organisation(confirmed)),
            screen: CitizenScreen::Idle,
            policy: match reached {
                ..=1 => Prospect::Unknown,
                2..=5 => Prospect::Known(Policy {
                    outcome: Outcome::Accept,
                    sentence: "在线办理，身份为读卡并人证一致，证照刚刚核验，提交后当场受理。".to_owned(),
                    raise: None,
                    lacking: (reached >= 4).then_some(if reached == 4 { 5 } else { 0 }),
                }),
                _ => Prospect::Over,
            },
        },
        scan_said: None,
        scan_got: None,
        held_by: None,
    }
}

fn states(reached: usize) -> CaseState {
    match reached {
        1 => CaseState::Identifying,
        2 => CaseState::Listing,
        3 => CaseState::Waiting,
        4 | 5 => CaseState::Filling,
        _ => CaseState::Accepted,
    }
}

fn line(n: usize, reached: usize, shown: usize) -> StepLine {
    let notes = ["", "王* 居民身份证", "5 项，3 项免提交", "同意 3 项", "", ""];
    StepLine {
        name: StepName::ALL[n],
        state: match n {
            n if n < reached => StepState::Done,
            n if n == reached => StepState::Now,
            _ => StepState::Ahead,
        },
        time: if n <= reached { format!("15:{}", 28 + 2 * n) } else { String::new() },
        note: if n < reached { notes[n].to_owned() } else { String::new() },
        shown: n == shown,
    }
}

fn without_line(mut page: CasePage) -> CasePage {
    let notice = page.frame.notice.take();
    page.frame = frame(page.frame.lang, Desk::Cases, Line::Down);
    page.frame.notice = notice;
    page.case.mode = Mode::Offline { down_for: page.frame.lang.span(8_160) };
    if let Prospect::Known(policy) = &mut page.side.policy {
        *policy = Policy {
            outcome: Outcome::Following,
            sentence:
                "断线 2 小时 16 分，证照来自本机缓存，本事项为 T2 档，须第二名窗口人员复核后按容缺受理登记。"
                    .to_owned(),
            raise: Some("线路恢复后再提交，可直接受理。".to_owned()),
            lacking: policy.lacking,
        };
    }
    if let Some(organisation) = &mut page.side.organisation {
        organisation.relation_age_s = Some(8_160);
    }
    page
}

fn who() -> Who {
    Who {
        name: "王*".to_owned(),
        document: "居民身份证".to_owned(),
        number: "519***********0011".to_owned(),
        open: false,
        grade: "读卡 + 人证一致".to_owned(),
        grade_code: "I2".to_owned(),
        source: "1 号窗口读卡器 15:30".to_owned(),
        caution: None,
        on_behalf_of: None,
    }
}

fn organisation(confirmed: bool) -> OrganisationCard {
    OrganisationCard {
        name: "示例县清源餐饮服务有限公司".to_owned(),
        uscc: "91239900MATE5T017W".to_owned(),
        representative: "王*".to_owned(),
        matches: confirmed.then_some(true),
        relation_age_s: Some(42),
    }
}
