//! 表单, 提交 and what follows on the case page.

use super::case_list::{self, outcome};
use super::case_page::Scene;
use super::failure::Failure;
use super::pages::steps::{
    Answer, Attachment, AttachmentKind, Blocker, Commitment, DoneStep, Field, FormStep, Input, Mark, Mistake,
    Rating, SecondClerk, Sent, SubmitStep, Upload,
};
use crate::book::Fault;
use crate::reception::Refusal;
use crate::store::{cases, ledger};
use hall_domain::case::{Attachment as Kept, Case, MaterialState, PaperChoice, RatingState};
use hall_domain::form::{self, AttestedBy, FieldState};
use hall_domain::{FieldKind, FormField, Grade, Outcome, ServiceItem};

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
            shown_field(field, case.form.get(&field.key), error)
        })
        .collect();
    let mut mistakes: Vec<Mistake> = problems
        .iter()
        .map(|problem| Mistake { anchor: format!("f.{}", problem.field), text: problem.zh.clone() })
        .collect();
    let uncommitted = asked && scene.item.commitment.is_some() && !case.committed;
    if uncommitted {
        mistakes.push(Mistake { anchor: "commitment".to_owned(), text: Refusal::Commitment.zh() });
    }
    if asked {
        mistakes.extend(missing(case).into_iter().map(|(material, name)| Mistake {
            anchor: format!("u.{material}"),
            text: format!("还缺“{name}”：请上传扫描件、确认收到原件，或选择容缺"),
        }));
    }
    FormStep {
        fields,
        mistakes,
        uploads: uploads(scene),
        commitment: scene.item.commitment.as_ref().map(|text| Commitment {
            text: text.clone(),
            taken: case.committed,
            error: uncommitted.then(|| Refusal::Commitment.zh()),
        }),
        rev: case.form_rev,
        saved: case.updated_at.hm(),
        closed: case.closed(),
    }
}

/// 提交.
pub fn submit_step(scene: &Scene<'_>) -> Result<SubmitStep, Failure> {
    let case = scene.case;
    let alone = scene.app.desk.judge(case, false)?;
    let together = scene.app.desk.judge(case, true)?;
    let wanted = together.outcome > alone.outcome;
    Ok(SubmitStep {
        answers: answers(scene),
        materials: case_list::rows(scene),
        attachments: case.attachments.iter().map(attachment).collect(),
        outcome: outcome(alone.outcome),
        sentence: alone.sentence,
        raise: alone.raise,
        blockers: blockers(scene, alone.outcome == Outcome::No && together.outcome == Outcome::No),
        second: wanted.then(|| SecondClerk {
            reason: format!("第二名窗口人员复核后：{}", together.sentence),
            account: scene.trouble.typed.clone(),
            error: scene
                .trouble
                .refusal
                .as_ref()
                .filter(|why| **why == Refusal::SecondClerk)
                .map(Refusal::zh),
        }),
    })
}

/// The form's answers in the order of the item's form.
pub fn answers(scene: &Scene<'_>) -> Vec<Answer> {
    let answer = |field: &FormField| {
        let state = scene.case.form.get(&field.key);
        Answer {
            label: field.label.clone(),
            value: state.map(|state| state.value.clone()).unwrap_or_default(),
            mark: mark(state),
        }
    };
    scene.item.form.iter().map(answer).collect()
}

/// The page after submission.
pub async fn done_step(scene: &Scene<'_>) -> Result<DoneStep, Failure> {
    let case = scene.case;
    let Some(done) = &case.submission else { return Err(Fault::NotFound.into()) };
    let (vault, id) = (scene.app.book.vault.clone(), case.id.clone());
    let (entry, receipt, disposition) = scene
        .app
        .book
        .db
        .read_with(move |db| {
            let entries = ledger::entries_of_case(db, &vault, &id)?;
            let submitted = entries
                .iter()
                .find(|(_, kind, _)| *kind == hall_ledger::entry::EntryKind::CaseSubmitted)
                .map(|(seq, _, _)| *seq);
            let receipt = match submitted {
                Some(seq) => ledger::receipt_covering(db, seq)?,
                None => None,
            };
            Ok::<_, Fault>((submitted, receipt, cases::disposition(db, &id)?))
        })
        .await?;
    let to_follow: Vec<String> = case
        .list
        .iter()
        .filter(|row| case.material_state(row) == MaterialState::ToFollow)
        .map(|row| row.name.clone())
        .collect();
    Ok(DoneStep {
        outcome: outcome(done.judgement.outcome),
        sentence: done.judgement.sentence.clone(),
        at: done.at.to_display(),
        entry: entry.map(|seq| format!("台账第 {} 号", seq + 1)).unwrap_or_default(),
        sent: match receipt {
            Some(receipt) => Sent::Kept { at: receipt.received_at.hm() },
            None if scene.app.book.knowledge.line().up => Sent::Sending,
            None => Sent::Waiting,
        },
        next: next_steps(scene.item, done.judgement.outcome, to_follow.is_empty(), &disposition),
        to_follow,
        rating: rating(scene),
    })
}

/// What a disposition of the centre means, in a sentence for the clerk; empty while there is none.
pub fn disposition_words(disposition: &str) -> &'static str {
    match disposition {
        "" => "",
        "ratified" => "省级中心已复核通过，办件生效。",
        "passed-revoked-later" => "省级中心复核通过；所用证照此后失效，见待处理。",
        "conditional" => "省级中心有条件通过，需补正，见待处理。",
        _ => "省级中心退回或存疑，请在待处理中查看原因和处理办法。",
    }
}

fn next_steps(item: &ServiceItem, outcome: Outcome, all_here: bool, disposition: &str) -> Vec<String> {
    let first = match outcome {
        Outcome::Accept => format!("已受理，{}。", item.promise.zh()),
        Outcome::AcceptForReview => "线路恢复后由省级中心复核，复核通过后生效。".to_owned(),
        Outcome::MaterialsToFollow if all_here => "线路恢复后由省级中心复核，复核通过后生效。".to_owned(),
        Outcome::MaterialsToFollow => "材料补齐并经复核后生效。".to_owned(),
        Outcome::ReceiptOnly | Outcome::No => "仅收件，线路恢复后再决定是否受理。".to_owned(),
    };
    let mut next = vec![first, "请把回执交给办事人。".to_owned()];
    if !disposition.is_empty() {
        next.insert(0, disposition_words(disposition).to_owned());
    }
    next
}

fn rating(scene: &Scene<'_>) -> Rating {
    match &scene.case.rating {
        RatingState::Waiting { .. } => Rating::Asked,
        RatingState::Rated { level, at, .. } => Rating::Given {
            grade: Grade::try_from(*level).map(|grade| grade.zh().to_owned()).unwrap_or_default(),
            at: at.hm(),
        },
        RatingState::Ended => Rating::Declined,
        RatingState::NotAsked if scene.evaluator.as_ref().is_some_and(|device| device.state == "ready") => {
            Rating::NotAsked
        }
        RatingState::NotAsked => Rating::Unavailable,
    }
}

fn missing(case: &Case) -> Vec<(String, String)> {
    case.list
        .iter()
        .filter(|row| row.required && case.material_state(row) == MaterialState::Missing)
        .map(|row| (row.material.to_string(), row.name.clone()))
        .collect()
}

fn blockers(scene: &Scene<'_>, refused: bool) -> Vec<Blocker> {
    let href = format!("/cases/{}?step=form", scene.case.id);
    let mut blockers: Vec<Blocker> = form::problems(scene.item, &scene.case.form)
        .into_iter()
        .map(|problem| Blocker { text: problem.zh, href: format!("{href}#f.{}", problem.field) })
        .collect();
    if scene.item.commitment.is_some() && !scene.case.committed {
        blockers.push(Blocker { text: Refusal::Commitment.zh(), href: format!("{href}#commitment") });
    }
    blockers.extend(missing(scene.case).into_iter().map(|(material, name)| Blocker {
        text: format!("还缺必需材料“{name}”"),
        href: format!("{href}#u.{material}"),
    }));
    if refused {
        blockers.push(Blocker { text: "按现有依据不能提交，见右侧说明".to_owned(), href });
    }
    blockers
}

fn uploads(scene: &Scene<'_>) -> Vec<Upload> {
    let case = scene.case;
    let rows = case_list::rows(scene);
    case.list
        .iter()
        .zip(rows)
        .filter(|(row, _)| case.material_state(row) != MaterialState::Waived)
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
            choice: case.papers.get(&row.material).copied(),
            error: match &scene.trouble.refusal {
                Some(
                    why @ (Refusal::EmptyFile
                    | Refusal::FileTooLarge
                    | Refusal::FileType
                    | Refusal::TooManyFiles),
                ) if scene.trouble.typed == row.material.to_string() => Some(why.zh()),
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

fn mark(state: Option<&FieldState>) -> Mark {
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
