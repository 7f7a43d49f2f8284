//! 复核结果: what the centre decided on a case, as every screen says it.

use super::pages::Lang;
use super::pages::cases::CaseState;
use super::pages::frame::Tone;
use hall_ledger::disposition::Outcome;

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
