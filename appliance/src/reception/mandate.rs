//! 纸质委托书 at the desk: whom it names, as the clerk typed it and the checks accepted it.

use super::desk::{Clerk, Desk};
use super::{Refusal, decide};
use crate::book::Fault;
use hall_domain::case::{Case, CaseId, PaperMandate};
use hall_domain::{ApplicantKind, DocumentKind, HolderId, IdentifierError, IdentityDocument, Uscc};

/// How 主体标识码 of the early pilots begin.
const PILOT: &str = "M000";

/// What the clerk typed off the paper.
#[derive(Debug, Default)]
pub struct TypedMandate {
    /// 委托人姓名 or 名称.
    pub name: String,
    /// Which document the number is of, for a person.
    pub document: Option<DocumentKind>,
    /// 证件号码 or 统一社会信用代码.
    pub number: String,
}

impl Desk {
    /// 按纸质委托书办理. Asks nobody about the principal: on paper alone nobody may look at what is theirs.
    pub async fn state_mandate(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        typed: &TypedMandate,
    ) -> Result<Case, Fault> {
        let case = self.mine(clerk, id).await?;
        let mandate = mandate(case.applicant, typed)?;
        let organisation = match &mandate.principal {
            HolderId::Organisation(uscc) => Some(self.organised(uscc.clone()).await?),
            HolderId::Person(_) => None,
        };
        let state = move |case: &Case| Ok(decide::state_mandate(case, mandate, organisation)?);
        let case = self.change(clerk, id, state).await?;
        self.list_if_missing(clerk, &case).await?;
        self.case(id).await
    }

    /// 不用纸质委托书.
    pub async fn drop_mandate(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let case = self.change(clerk, id, |case| Ok(decide::drop_mandate(case)?)).await?;
        self.list_if_missing(clerk, &case).await?;
        self.case(id).await
    }
}

/// The mandate that was typed, if name and number can be right.
fn mandate(applicant: ApplicantKind, typed: &TypedMandate) -> Result<PaperMandate, Refusal> {
    let principal_name = PaperMandate::name(&typed.name).ok_or(Refusal::MandateName)?;
    let number = typed.number.trim().to_uppercase();
    let wrong = |error: IdentifierError| Refusal::MandateNumber(error.zh());
    let principal = match applicant {
        ApplicantKind::Organisation => {
            let uscc = number.parse::<Uscc>().map_err(wrong)?;
            // Nothing but the paper says what the code is. Pilot codes have no check character that fits.
            match uscc.warning_zh().filter(|_| !uscc.subject_code().starts_with(PILOT)) {
                Some(warning) => return Err(Refusal::MandateNumber(warning)),
                None => HolderId::Organisation(uscc),
            }
        }
        ApplicantKind::Person => {
            let kind = typed.document.unwrap_or(DocumentKind::ResidentId);
            HolderId::Person(IdentityDocument::new(kind, &number).map_err(wrong)?)
        }
    };
    Ok(PaperMandate { principal, principal_name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(name: &str, number: &str) -> TypedMandate {
        TypedMandate { name: name.into(), document: None, number: number.into() }
    }

    #[test]
    fn a_number_that_fails_its_check_digit_is_refused_in_words_of_its_own() {
        let person = |number: &str| mandate(ApplicantKind::Person, &typed("王芳", number));
        assert!(person(" 519900199003070011 ").is_ok());
        assert!(person("51990019880808001x").is_ok(), "a small x is one");
        for number in ["", "519900199003070012", "5199001990030700", "519900199013070011", "王"] {
            let Err(Refusal::MandateNumber(why)) = person(number) else { panic!("{number}") };
            assert!(!why.is_empty() && (number.is_empty() || !why.contains(number)), "{why}");
        }
        let company = |number: &str| mandate(ApplicantKind::Organisation, &typed("测试有限公司", number));
        assert!(company("91239900MATE5T017W").is_ok());
        assert!(company("91239900M000TE5T10").is_ok(), "a pilot code");
        assert!(matches!(company("91239900MATE5T0170"), Err(Refusal::MandateNumber(_))));
        assert!(matches!(company("519900199003070011"), Err(Refusal::MandateNumber(_))));
    }

    #[test]
    fn a_name_is_some_characters_and_none_that_nobody_sees() {
        let name = |name: &str| mandate(ApplicantKind::Person, &typed(name, "519900199003070011"));
        assert_eq!(name(" 王\u{200b}芳 ").unwrap().principal_name, "王芳");
        for wrong in ["", "  ", "\u{202e}", "王\n芳", &"王".repeat(121)] {
            assert_eq!(name(wrong), Err(Refusal::MandateName), "{wrong:?}");
        }
    }
}
