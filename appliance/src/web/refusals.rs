//! Refusals as the screens say them, in the session's language.

use super::pages::Lang;
use crate::reception::Refusal;

/// What happened and what to do next. Sentences that come from the rules themselves stay as they are.
pub fn said(refusal: &Refusal, lang: Lang) -> String {
    match refusal {
        Refusal::Form(problems) => lang.fill("表单有 {} 处需要处理，见下方标出的栏目。", &[&problems.len()]),
        Refusal::Materials(names) => {
            let names = names.join("、");
            lang.fill("还缺必需材料：{}。请上传扫描件、确认收到原件，或选择容缺后补。", &[&names])
        }
        Refusal::BeingRated(left_s) => {
            lang.fill("上一位办事人正在评价器上评价。请等评完再推送，最多再等 {} 秒。", &[left_s])
        }
        other => lang.t(&other.zh()).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_said_in_both_languages() {
        let names = vec!["户口簿".to_owned()];
        for refusal in [
            Refusal::Closed,
            Refusal::NoReader,
            Refusal::AnotherPerson,
            Refusal::SecondClerk,
            Refusal::FileTooLarge,
            Refusal::FormChanged,
            Refusal::Commitment,
            Refusal::BeingRated(12),
        ] {
            assert_eq!(said(&refusal, Lang::Zh), refusal.zh());
            let english = said(&refusal, Lang::En);
            assert!(english.is_ascii(), "{english}");
        }
        assert_eq!(said(&Refusal::Materials(names.clone()), Lang::Zh), Refusal::Materials(names).zh());
        assert_eq!(said(&Refusal::Form(Vec::new()), Lang::Zh), Refusal::Form(Vec::new()).zh());
    }
}
