//! 复核结果: what the centre decided on a case, as every screen says it.

use super::pages::Lang;
use super::pages::case::Outcome as Called;
use super::pages::cases::CaseState;
use super::pages::frame::Tone;
use hall_domain::case::{Case, Mode};
use hall_domain::{Date, LicenceStatus, Outcome as Policy, Tier};
use hall_ledger::disposition::{LicenceFinding, Outcome};

/// Its name.
pub fn name(outcome: Outcome, lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => outcome.zh(),
        Lang::En => outcome.en(),
    }
}

/// Its tone.
pub fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Ratified | Outcome::PassedRevokedLater => Tone::Good,
        returned if returned.is_returned() => Tone::Harm,
        _ => Tone::Old,
    }
}

/// Where a case stands with it; none when it stands where it stood before.
pub fn state(outcome: Outcome) -> Option<CaseState> {
    match outcome {
        Outcome::Ratified | Outcome::PassedRevokedLater => Some(CaseState::Passed),
        Outcome::Conditional => Some(CaseState::PassedWithConditions),
        returned if returned.is_returned() => Some(CaseState::Returned),
        _ => None,
    }
}

/// What it means for the clerk, in a sentence.
pub fn sentence(outcome: Outcome, lang: Lang) -> &'static str {
    match outcome {
        Outcome::Ratified => lang.t("省级中心已复核通过，办件生效。"),
        Outcome::PassedRevokedLater => lang.t("省级中心复核通过；所用证照此后失效，见待处理。"),
        Outcome::Conditional => lang.t("省级中心有条件通过，需补正，见待处理。"),
        _ => lang.t("省级中心退回或存疑，请在待处理中查看原因和处理办法。"),
    }
}

/// What it means for the citizen, on paper: what to bring, to whom, until when. 待处理 is a word of the hall.
pub fn on_paper(outcome: Outcome, case: &Case, deadline: Option<Date>, lang: Lang) -> String {
    let hall = &case.hall;
    match (outcome, deadline) {
        (Outcome::Ratified | Outcome::PassedRevokedLater, _) => {
            lang.t("省级中心已复核通过，办件生效。").to_owned()
        }
        // Everything has come, and the centre has only to look again.
        (Outcome::Conditional, _) if met(case) => {
            lang.t("待补材料已收到，等待省级中心再次复核。").to_owned()
        }
        (Outcome::Conditional, Some(by)) => lang.fill(
            "省级中心有条件通过：请在 {} 前，带上还要补交的材料和本回执，到{}任一窗口补交。",
            &[&by, hall],
        ),
        (Outcome::Conditional, None) => lang.fill(
            "省级中心有条件通过：请带上还要补交的材料和本回执，到{}任一窗口补交。",
            &[hall],
        ),
        (Outcome::ReturnedRevoked, _) => lang.fill(
            "用到的证照在办理前已失效，未予受理。请带上现行有效的证照或纸质原件和本回执，到{}任一窗口重新办理。",
            &[hall],
        ),
        (Outcome::ReturnedDuplicate, _) => {
            lang.t("同一事项已经受理，这一件不再办理，以先受理的为准。").to_owned()
        }
        (Outcome::ReturnedMandate, _) => lang.fill(
            "办理时授权、委托或代表关系已不成立，未予受理。请带上身份证件和本回执，到{}任一窗口重新授权后办理。",
            &[hall],
        ),
        (Outcome::ReturnedHolder, _) => lang.fill(
            "未能确认用到的证照是您本人的，未予受理。请带上证照原件、身份证件和本回执，到{}任一窗口重新办理。",
            &[hall],
        ),
        (Outcome::DoubtfulClock | Outcome::Conflict, _) => {
            lang.t("省级中心正在核对，大厅会与您联系，也可以拨打 12345 查询。").to_owned()
        }
    }
}

/// Whether what was to follow has all come.
fn met(case: &Case) -> bool {
    let follow = case.submission.as_ref().and_then(|done| done.follow.as_ref());
    follow.is_some() && case.outstanding().is_empty()
}

/// 失效: that a copy of a licence must not be used any more, and since when. What was good when it was used stays good
/// for its own case.
pub fn lapsed(found: &LicenceFinding, lang: Lang) -> String {
    let since = found.since.local_date();
    let what = match found.status {
        LicenceStatus::Valid => lang.fill("该证照已于 {} 换发新版本，不得再使用", &[&since]),
        LicenceStatus::Revoked => lang.fill("该证照已于 {} 失效，不得再使用", &[&since]),
        LicenceStatus::Suspended => lang.fill("该证照已于 {} 暂停使用，不得再使用", &[&since]),
        LicenceStatus::Changing => lang.fill("该证照自 {} 起正在变更，不得再使用", &[&since]),
    };
    match found.since > found.used_at {
        true => lang.fill("{}（本次用证在此之前）。", &[&what]),
        false => format!("{what}。"),
    }
}

/// What a paper, or a clerk who reads it out, may call a submitted case. 已受理 is said only once it is true: when the
/// centre has ratified the case, or when it was accepted online and the item's tier leaves nothing to ratify.
pub fn called(outcome: Policy, mode: Mode, tier: Tier, judged: Option<Outcome>) -> Called {
    match (outcome, judged) {
        (Policy::No, _) => Called::No,
        (_, Some(judged)) if judged.is_returned() => Called::Returned,
        (Policy::ReceiptOnly, _) => Called::ReceiptOnly,
        (_, Some(Outcome::Ratified | Outcome::PassedRevokedLater)) => Called::Accept,
        (_, Some(Outcome::Conditional)) | (Policy::MaterialsToFollow, _) => Called::Following,
        (Policy::Accept, None) if mode == Mode::Online && tier <= Tier::T1 => Called::Accept,
        (Policy::Accept | Policy::AcceptForReview, _) => Called::Review,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_called_accepted_only_when_it_is() {
        for tier in Tier::ALL {
            for mode in [Mode::Online, Mode::Offline] {
                for outcome in Policy::ALL {
                    for judged in [None].into_iter().chain(Outcome::ALL.map(Some)) {
                        let passed = matches!(judged, Some(Outcome::Ratified | Outcome::PassedRevokedLater));
                        let at_once = judged.is_none()
                            && (outcome, mode) == (Policy::Accept, Mode::Online)
                            && matches!(tier, Tier::T0 | Tier::T1);
                        let may = !matches!(outcome, Policy::No | Policy::ReceiptOnly);
                        let called = called(outcome, mode, tier, judged);
                        let accepted = (passed || at_once) && may;
                        assert_eq!(
                            called == Called::Accept,
                            accepted,
                            "{tier:?} {mode:?} {outcome:?} {judged:?}"
                        );
                        assert_eq!(called.done_zh().contains("已受理"), called == Called::Accept);
                    }
                }
            }
        }
    }
}
