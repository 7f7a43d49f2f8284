//! 表单 on the case page.

use super::act::{Act, Actor, Answered};
use super::list;
use super::masked;
use super::page::Scene;
use crate::book::Fault;
use crate::reception::{Refusal, decide};
use crate::web::App;
use crate::web::failure::Failure;
use crate::web::pages::case::StepName;
use crate::web::pages::steps::{
    Attachment, AttachmentKind, Commitment, Field, FormStep, Input, Mark, Mistake, Upload,
};
use crate::web::refusals::said;
use crate::web::session::Pairs;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use hall_domain::case::{Attachment as Kept, Case, MaterialState, PaperChoice, PaperMandate};
use hall_domain::form::{self, AttestedBy, FieldState};
use hall_domain::{FieldKey, FieldKind, FormField};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Routes of the step.
pub fn router() -> Router<App> {
    Router::new().route("/cases/{id}/form", post(save)).route("/cases/{id}/papers", post(choose_paper))
}

#[derive(Deserialize)]
struct Paper {
    material: String,
    choice: String,
}

async fn choose_paper(Act { by, form }: Act<Paper>) -> Answered {
    let material = form.material.parse().map_err(|_| Failure::malformed())?;
    let choice = paper_choice(&form.choice).ok_or_else(Failure::malformed)?;
    let done = by.app.desk.choose_paper(&by.clerk, &by.id, material, choice).await;
    by.answer(done, StepName::Form).await
}

/// What stood in the form of the page.
struct Typed {
    values: BTreeMap<FieldKey, String>,
    committed: bool,
    /// The changes that the page knew of.
    seen: u32,
    /// `save`, `next`, `edit:{key}` or `restore:{key}`.
    wanted: String,
}

impl Typed {
    /// The form of a case has one field for each key; a key that comes twice is an attempt at something.
    fn of(pairs: Pairs) -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        let (mut wanted, mut committed, mut seen) = (String::new(), false, None);
        for (name, value) in pairs {
            match (name.strip_prefix("f."), name.as_str()) {
                (Some(key), _) => {
                    let key: FieldKey = key.parse().map_err(|_| Failure::malformed())?;
                    if values.insert(key, value).is_some() {
                        return Err(Failure::malformed());
                    }
                }
                (None, "do") => wanted = value,
                (None, "rev") => seen = value.parse().ok(),
                (None, "commitment") => committed = value == "yes",
                _ => {}
            }
        }
        Ok(Self { values, committed, seen: seen.ok_or_else(Failure::malformed)?, wanted })
    }
}

async fn save(headers: HeaderMap, Act { by, form }: Act<Pairs>) -> Answered {
    let typed = Typed::of(form)?;
    let wanted = typed.wanted.clone();
    let done = keep(&by, typed).await;
    match (wanted.as_str(), done) {
        ("save", Ok(rev)) if headers.contains_key("hx-request") => {
            Ok((StatusCode::NO_CONTENT, [("form-rev", rev.to_string())]).into_response())
        }
        ("next", Ok(_)) => Ok(Redirect::to(&format!("{}?step=submit", by.path())).into_response()),
        (_, done) => by.answer(done, StepName::Form).await,
    }
}

/// Keeps the form; gives how often it has been changed by then.
async fn keep(by: &Actor, typed: Typed) -> Result<u32, Fault> {
    let (desk, clerk, id) = (&by.app.desk, &by.clerk, &by.id);
    desk.save_form(clerk, id, typed.values, typed.seen).await?;
    let mut case = desk.commit(clerk, id, typed.committed, typed.seen).await?;
    if let Some((what, key)) = typed.wanted.split_once(':') {
        let key = key.parse().map_err(|_| Fault::NotFound)?;
        case = desk.mark_field(clerk, id, key, what == "restore").await?;
    }
    if typed.wanted == "next" {
        // 提交前检查 says what would really come of it.
        case = desk.recheck(clerk, case).await?;
        decide::complete(&case, &desk.item_of(&case).await?)?;
    }
    Ok(case.form_rev)
}

/// Pictures up to this size are shown as thumbnails.
const THUMBNAIL_BYTES: u64 = 6 * 1024 * 1024;

/// 表单.
pub fn form_step(scene: &Scene<'_>) -> FormStep {
    let case = scene.case;
    // Mistakes are shown once the clerk wants to go on, not while the form is being filled.
    let asked =
        matches!(scene.trouble.refusal, Some(Refusal::Form(_) | Refusal::Materials(_) | Refusal::Commitment));
    let problems = if asked { form::problems(scene.item, &case.form) } else { Vec::new() };
    let fields: Vec<Field> = scene
        .item
        .form
        .iter()
        .map(|field| {
            let error =
                problems.iter().find(|problem| problem.field == field.key).map(|problem| problem.zh.clone());
            let shown = shown_field(field, case.form.get(&field.key), error);
            // What is locked is not sent back, so it need not stand here in full.
            let hidden = masked::hidden_number(&shown.value, case).filter(|_| shown.locked() && !scene.open);
            Field { value: hidden.unwrap_or_else(|| shown.value.clone()), ..shown }
        })
        .collect();
    let mut mistakes: Vec<Mistake> = problems
        .iter()
        .map(|problem| Mistake { anchor: format!("f.{}", problem.field), text: problem.zh.clone() })
        .collect();
    let uncommitted = asked && scene.item.commitment.is_some() && !case.committed;
    if uncommitted {
        mistakes
            .push(Mistake { anchor: "commitment".to_owned(), text: said(&Refusal::Commitment, scene.lang) });
    }
    if asked {
        mistakes.extend(missing(case).into_iter().map(|(material, name)| Mistake {
            anchor: format!("u.{material}"),
            text: scene.lang.fill("还缺“{}”：请上传扫描件、确认收到原件，或选择容缺", &[&name]),
        }));
    }
    FormStep {
        fields,
        mistakes,
        uploads: uploads(scene),
        commitment: scene.item.commitment.as_ref().map(|text| Commitment {
            text: text.clone(),
            taken: case.committed,
            error: uncommitted.then(|| said(&Refusal::Commitment, scene.lang)),
        }),
        rev: case.form_rev,
        saved: case.updated_at.hm(),
        closed: case.closed(),
    }
}

/// Required materials that nothing stands for: identifier and name.
pub fn missing(case: &Case) -> Vec<(String, String)> {
    case.list
        .iter()
        .filter(|row| row.required && case.material_state(row) == MaterialState::Missing)
        .map(|row| (row.material.to_string(), row.name.clone()))
        .collect()
}

fn uploads(scene: &Scene<'_>) -> Vec<Upload> {
    let case = scene.case;
    let rows = list::rows(scene);
    case.list
        .iter()
        .zip(rows)
        .filter(|(row, _)| {
            case.material_state(row) != MaterialState::Waived || case.rests_on_stale(&row.material)
        })
        .map(|(row, shown)| Upload {
            material: row.material.to_string(),
            name: row.name.clone(),
            required: row.required,
            reason: shown.reason,
            files: case
                .attachments
                .iter()
                .filter(|file| file.material.as_ref() == Some(&row.material))
                .map(attachment)
                .collect(),
            scan_only: row.material.as_str() == PaperMandate::MATERIAL,
            choice: case.papers.get(&row.material).copied(),
            error: match &scene.trouble.refusal {
                Some(
                    why @ (Refusal::EmptyFile
                    | Refusal::FileTooLarge
                    | Refusal::FileType
                    | Refusal::TooManyFiles),
                ) if scene.trouble.typed == row.material.to_string() => Some(said(why, scene.lang)),
                _ => None,
            },
        })
        .collect()
}

/// A scan for a page.
pub fn attachment(file: &Kept) -> Attachment {
    let kind = if file.media_type == "application/pdf" { AttachmentKind::Pdf } else { AttachmentKind::Image };
    Attachment {
        n: file.id,
        name: file.name.clone(),
        kind,
        bytes: file.size,
        thumbnail: kind == AttachmentKind::Image && file.size <= THUMBNAIL_BYTES,
        at: String::new(),
    }
}

fn shown_field(field: &FormField, state: Option<&FieldState>, error: Option<String>) -> Field {
    let attested = state.and_then(|state| state.attested.as_ref());
    let marked = state.is_some_and(|state| state.mark().is_some());
    Field {
        key: field.key.to_string(),
        label: field.label.clone(),
        input: input(&field.kind),
        value: state.map(|state| state.value.clone()).unwrap_or_default(),
        required: field.required,
        hint: field.hint.clone().unwrap_or_default(),
        mark: mark(state),
        was: attested.filter(|_| !marked).map(|attested| attested.value.clone()),
        error,
    }
}

/// Where a value came from.
pub fn mark(state: Option<&FieldState>) -> Mark {
    let Some(state) = state else { return Mark::Empty };
    match (state.mark(), &state.attested) {
        (Some(AttestedBy::Card), _) => Mark::Card,
        (Some(AttestedBy::Licence { name, .. }), _) => Mark::Licence { kind: name.clone() },
        (Some(AttestedBy::Registry), _) => Mark::Registry,
        (None, Some(_)) => Mark::Changed,
        (None, None) if state.value.is_empty() => Mark::Empty,
        (None, None) => Mark::Manual,
    }
}

fn input(kind: &FieldKind) -> Input {
    match kind {
        FieldKind::Text => Input::Text,
        FieldKind::LongText => Input::LongText,
        FieldKind::Date => Input::Date,
        FieldKind::Phone => Input::Phone,
        FieldKind::Number => Input::Number,
        FieldKind::Choice(choices) => Input::Choice(choices.clone()),
    }
}

/// What a form field of the page says about a material.
pub fn paper_choice(text: &str) -> Option<PaperChoice> {
    match text {
        "original" => Some(PaperChoice::Original),
        "follow" => Some(PaperChoice::ToFollow),
        _ => None,
    }
}
