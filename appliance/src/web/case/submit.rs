//! 提交 and what follows on the case page.

use super::act::{Act, Actor, Answered};
use super::following::following;
use super::form::{attachment, mark, missing};
use super::list::{self, outcome};
use super::masked;
use super::page::Scene;
use super::view::advice;
use crate::book::Fault;
use crate::reception::Refusal;
use crate::reception::decide::{self, Signed};
use crate::store::accounts::Role;
use crate::store::{findings, ledger};
use crate::web::cases::promise;
use crate::web::failure::Failure;
use crate::web::pages::case::{Outcome as Called, StepName};
use crate::web::pages::steps::{Answer, Blocker, DoneStep, Rating, Sent, Signature, Signatures, SubmitStep};
use crate::web::refusals::said;
use crate::web::{App, judged};
use axum::Router;
use axum::routing::post;
use hall_domain::case::{AccountName, Mode, RatingState};
use hall_domain::{FormField, Grade, Judgement, Outcome, form};
use serde::Deserialize;
use zeroize::Zeroizing;

/// Routes of the step.
pub fn router() -> Router<App> {
    Router::new().route("/cases/{id}/submit", post(submit)).route("/cases/{id}/rate", post(rate))
}

#[derive(Deserialize)]
struct Signing {
    #[serde(default)]
    second_account: String,
    #[serde(default)]
    second_password: String,
    #[serde(default)]
    supervisor_account: String,
    #[serde(default)]
    supervisor_password: String,
    /// Submits without the signatures, to the lesser outcome.
    #[serde(default)]
    alone: bool,
}

async fn submit(Act { by, form }: Act<Signing>) -> Answered {
    let done = match signatures(&by, &form).await? {
        Ok((second, supervisor)) => by.app.desk.submit(&by.clerk, &by.id, second, supervisor).await,
        Err(refusal) => Err(Fault::Refused(refusal)),
    };
    let (shown, typed) = match &done {
        Err(Fault::Refused(Refusal::Form(_) | Refusal::Materials(_) | Refusal::Commitment)) => {
            (StepName::Form, String::new())
        }
        Err(Fault::Refused(Refusal::Supervisor)) => (StepName::Submit, form.supervisor_account),
        _ => (StepName::Submit, form.second_account),
    };
    by.answer_typed(done, shown, typed).await
}

type Signers = (Option<AccountName>, Option<AccountName>);

/// The second clerk and the supervisor, as far as they signed.
async fn signatures(by: &Actor, form: &Signing) -> Result<Result<Signers, Refusal>, Failure> {
    let (mut second, mut supervisor) = (None, None);
    let account = form.second_account.trim();
    if !form.alone && !account.is_empty() {
        let password = Zeroizing::new(form.second_password.clone());
        second = by.signature(account, password, Role::serves).await?;
        if second.is_none() {
            return Ok(Err(Refusal::SecondClerk));
        }
    }
    let account = form.supervisor_account.trim();
    if !form.alone && !account.is_empty() {
        let password = Zeroizing::new(form.supervisor_password.clone());
        supervisor = by.signature(account, password, Role::supervises).await?;
        if supervisor.is_none() {
            return Ok(Err(Refusal::Supervisor));
        }
    }
    Ok(Ok((second, supervisor)))
}

async fn rate(Act { by, .. }: Act) -> Answered {
    let done = by.app.desk.invite_rating(&by.clerk, &by.id).await;
    by.answer(done, StepName::Submit).await
}

/// 提交.
pub fn submit_step(scene: &Scene<'_>) -> SubmitStep {
    let case = scene.case;
    let judge = |signed| decide::judge(case, scene.item, &scene.conditions, signed, scene.now);
    let alone = judge(Signed::default());
    let (signed, together) = signatures_wanted(judge);
    let wanted = together.outcome > alone.outcome;
    let error = |which: Refusal| {
        scene.trouble.refusal.as_ref().filter(|why| **why == which).map(|why| said(why, scene.lang))
    };
    let signature = |refusal| {
        let error = error(refusal);
        let account = error.as_ref().map(|_| scene.trouble.typed.clone()).unwrap_or_default();
        Signature { account, error }
    };
    SubmitStep {
        answers: match scene.open {
            true => answers(scene),
            false => masked::without_numbers(answers(scene), scene.case),
        },
        materials: list::rows(scene),
        attachments: case.attachments.iter().map(attachment).collect(),
        outcome: outcome(alone.outcome),
        sentence: alone.sentence,
        raise: alone.raise,
        blockers: blockers(scene, alone.outcome == Outcome::No && together.outcome == Outcome::No),
        signatures: wanted.then(|| Signatures {
            reason: scene.lang.fill("签名后：{}", &[&together.sentence]),
            second: signed.second.then(|| signature(Refusal::SecondClerk)),
            supervisor: signed.supervisor.then(|| signature(Refusal::Supervisor)),
            optional: alone.outcome != Outcome::No,
        }),
    }
}

/// The fewest signatures that lead to the best outcome, and what it then comes to.
fn signatures_wanted(judge: impl Fn(Signed) -> Judgement) -> (Signed, Judgement) {
    let tries = [(true, false), (false, true), (true, true)];
    let none = Signed::default();
    tries.into_iter().fold((none, judge(none)), |best, (second, supervisor)| {
        let signed = Signed { second, supervisor };
        let judged = judge(signed);
        if judged.outcome > best.1.outcome { (signed, judged) } else { best }
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
    let (vault, id, no) = (scene.app.book.vault.clone(), case.id.clone(), case.no.to_string());
    let (entry, receipt, findings) = scene
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
            Ok::<_, Fault>((submitted, receipt, findings::of_case(db, &vault, &no)?))
        })
        .await?;
    let disposition = scene.disposition;
    let called = judged::called(done.judgement.outcome, done.mode, scene.item.tier, disposition);
    Ok(DoneStep {
        advice: advice(&findings),
        consent_receipt: scene.app.desk.consent_record(case).is_some(),
        outcome: called,
        sentence: match disposition {
            // Once the province has spoken, the window's own sentence is history.
            Some(judged) => judged::sentence(judged, scene.lang).to_owned(),
            None => done.judgement.sentence.clone(),
        },
        at: done.at.to_display(),
        entry: entry.map(|seq| scene.lang.fill("台账第 {} 号", &[&(seq + 1)])).unwrap_or_default(),
        sent: match receipt {
            Some(receipt) => Sent::Kept { at: receipt.received_at.hm() },
            None if scene.app.book.knowledge.line().up => Sent::Sending,
            None => Sent::Waiting,
        },
        next: next_steps(scene, called, done.mode),
        following: following(scene, true, true),
        rating: rating(scene),
    })
}

fn next_steps(scene: &Scene<'_>, called: Called, mode: Mode) -> Vec<String> {
    let lang = scene.lang;
    let all_here = scene.case.outstanding().is_empty();
    let first = match called {
        Called::Accept => lang.fill("已受理，{}。", &[&promise(scene.item.promise, lang)]),
        Called::Following if !all_here => lang.t("材料补齐并经复核后生效。").to_owned(),
        Called::Review | Called::Following if mode == Mode::Online => {
            lang.t("由省级中心复核，复核通过后生效。").to_owned()
        }
        Called::Review | Called::Following => lang.t("线路恢复后由省级中心复核，复核通过后生效。").to_owned(),
        Called::ReceiptOnly | Called::No => lang.t("仅收件，线路恢复后再决定是否受理。").to_owned(),
        Called::Returned => lang.t("未予受理：请告诉办事人原因，并按待处理中的办法办理。").to_owned(),
    };
    vec![first, lang.t("请把回执交给办事人。").to_owned()]
}

fn rating(scene: &Scene<'_>) -> Rating {
    match &scene.case.rating {
        RatingState::Waiting { .. } => Rating::Asked,
        RatingState::Rated { level, at, .. } => Rating::Given {
            grade: Grade::try_from(*level).map(|grade| grade.zh().to_owned()).unwrap_or_default(),
            at: at.hm(),
        },
        RatingState::Ended => Rating::Declined,
        RatingState::NotAsked
            if scene.evaluator.as_ref().is_some_and(|device| scene.app.desk.can_ask(device, scene.now)) =>
        {
            Rating::NotAsked
        }
        RatingState::NotAsked => Rating::Unavailable,
    }
}

/// What is in the way of submitting, for the clerk; `refused` when the policy is too.
pub(super) fn blockers(scene: &Scene<'_>, refused: bool) -> Vec<Blocker> {
    let href = format!("/cases/{}?step=form", scene.case.id);
    let mut blockers: Vec<Blocker> = form::problems(scene.item, &scene.case.form)
        .into_iter()
        .map(|problem| Blocker { text: problem.zh, href: format!("{href}#f.{}", problem.field) })
        .collect();
    if scene.item.commitment.is_some() && !scene.case.committed {
        blockers.push(Blocker {
            text: said(&Refusal::Commitment, scene.lang),
            href: format!("{href}#commitment"),
        });
    }
    blockers.extend(missing(scene.case).into_iter().map(|(material, name)| Blocker {
        text: scene.lang.fill("还缺必需材料“{}”", &[&name]),
        href: format!("{href}#u.{material}"),
    }));
    if refused {
        blockers.push(Blocker {
            text: scene.lang.t("按现有依据不能提交，见右侧说明").to_owned(), href
        });
    }
    blockers
}
