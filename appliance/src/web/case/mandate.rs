//! 纸质委托书 on the case page: what the clerk types off the paper, and what it is good for.

use super::act::{Act, Answered};
use super::page::Scene;
use crate::reception::decide::{self, Signed};
use crate::reception::{Refusal, TypedMandate};
use crate::web::App;
use crate::web::pages::case::StepName;
use crate::web::pages::steps::{DocumentChoice, MandateEntry, StatedMandate};
use crate::web::refusals::said;
use axum::Router;
use axum::routing::post;
use hall_domain::{ApplicantKind, DocumentKind, HolderId, mask_name, mask_number};
use serde::Deserialize;

/// Routes of it.
pub fn router() -> Router<App> {
    Router::new()
        .route("/cases/{id}/paper-mandate", post(state))
        .route("/cases/{id}/drop-paper-mandate", post(drop_it))
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    document: Option<DocumentKind>,
    #[serde(default)]
    number: String,
}

async fn state(Act { by, form }: Act<Typed>) -> Answered {
    let typed = TypedMandate { name: form.name, document: form.document, number: form.number };
    let done = by.app.desk.state_mandate(&by.clerk, &by.id, &typed).await;
    // Back into the form as it was typed: neither name nor number holds a line end.
    let kind = typed.document.map_or("", code);
    let line = |text: &str| text.replace(['\n', '\r'], " ");
    let again = format!("{kind}\n{}\n{}", line(&typed.name), line(&typed.number));
    by.answer_typed(done, StepName::Identify, again).await
}

async fn drop_it(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.drop_mandate(&by.clerk, &by.id).await;
    by.answer(done, StepName::Identify).await
}

/// The part of 核验 that is about it.
pub fn entry(scene: &Scene<'_>) -> MandateEntry {
    let case = scene.case;
    let error = scene
        .trouble
        .refusal
        .as_ref()
        .filter(|why| matches!(why, Refusal::MandateName | Refusal::MandateNumber(_)));
    let typed = if error.is_some() { scene.trouble.typed.as_str() } else { "" };
    let mut typed = typed.split('\n');
    let chosen = typed.next().unwrap_or_default();
    let kinds = match case.applicant {
        ApplicantKind::Organisation => Vec::new(),
        ApplicantKind::Person => DocumentKind::ALL
            .into_iter()
            .map(|kind| DocumentChoice { code: code(kind), zh: kind.zh(), chosen: code(kind) == chosen })
            .collect(),
    };
    MandateEntry {
        can_change: decide::may_state_mandate(case).is_ok(),
        kinds,
        name: typed.next().unwrap_or_default().to_owned(),
        number: typed.next().unwrap_or_default().to_owned(),
        error: error.map(|why| said(why, scene.lang)),
        stated: case.paper_mandate.as_ref().map(|mandate| {
            let judged = decide::judge(case, scene.item, &scene.conditions, Signed::default(), scene.now);
            let (principal, number) = match &mandate.principal {
                HolderId::Person(document) => {
                    (mask_name(&mandate.principal_name), mask_number(document.number()))
                }
                HolderId::Organisation(uscc) => (mandate.principal_name.clone(), uscc.to_string()),
            };
            StatedMandate { principal, number, sentence: judged.sentence, raise: judged.raise }
        }),
    }
}

/// The name of a kind of document in forms: as it is stored.
fn code(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::ResidentId => "resident_id",
        DocumentKind::FormerResidentId => "former_resident_id",
        DocumentKind::ResidencePermit => "residence_permit",
        DocumentKind::ForeignPermanentResident => "foreign_permanent_resident",
        DocumentKind::Passport => "passport",
        DocumentKind::HkMoTravelPermit => "hk_mo_travel_permit",
        DocumentKind::TaiwanTravelPermit => "taiwan_travel_permit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_document_has_the_same_name_in_forms_and_in_records() {
        for kind in DocumentKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), code(kind));
        }
    }
}
