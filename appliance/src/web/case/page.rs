//! The case page from a case: what each step shows, and what stands around it. Reads, never acts.

use super::{consent, form, identify, list, side, submit};
use crate::book::Fault;
use crate::reception::decide::Conditions;
use crate::reception::{Refusal, decide};
use crate::store::devices::{self as rows, Device, Presence};
use crate::store::lapsed;
use crate::web::failure::Failure;
use crate::web::pages::Lang;
use crate::web::pages::case::{CaseHead, CasePage, HeldBy, Mode, StepLine, StepName, StepPanel, StepState};
use crate::web::pages::cases::Applicant;
use crate::web::pages::frame::{Desk, Notice};
use crate::web::pages::steps::Decision as Shown;
use crate::web::refusals::said;
use crate::web::session::SignedIn;
use crate::web::{App, cases, frame};
use hall_bus::DeviceKind;
use hall_domain::case::{Asked, Case, CaseId, Consent, Decision, ListRow, Step};
use hall_domain::{
    ApplicantKind, ConsentGrade, IdentityGrade, ServiceItem, Timestamp, mask_name, mask_number,
};
use hall_ledger::disposition::{LicenceFinding, Outcome as Judged};

/// What a POST could not do and the page has to say.
#[derive(Debug, Default)]
pub struct Trouble {
    /// The refusal.
    pub refusal: Option<Refusal>,
    /// What was typed into the field concerned.
    pub typed: String,
}

impl Trouble {
    /// The reason on top of the page. What has a place of its own on the page is said there.
    pub fn notice(&self, lang: Lang) -> Option<Notice> {
        let refusal = self.refusal.as_ref().filter(|refusal| !refusal.has_place())?;
        let text = format!("{}（{}）", said(refusal, lang), refusal.code());
        Some(Notice { text, undo: None, refused: true })
    }
}

/// What the builders of the page share.
pub struct Scene<'a> {
    /// The state of the web.
    pub app: &'a App,
    /// The case.
    pub case: &'a Case,
    /// Its item.
    pub item: &'a ServiceItem,
    /// Now.
    pub now: Timestamp,
    /// What a POST could not do.
    pub trouble: &'a Trouble,
    /// The window's evaluator.
    pub evaluator: Option<Device>,
    /// The window's reader.
    pub reader: Option<Device>,
    /// What the policy is asked with, beside the case.
    pub conditions: Conditions,
    /// Whether the numbers are open on this screen.
    pub open: bool,
    /// The language of who looks.
    pub lang: Lang,
    /// Whether the evaluator says that it shows this case's page.
    pub shown: bool,
    /// Whether a reader has been told to read for this case.
    pub reads: bool,
    /// 复核结果: what the centre decided; none before it is known.
    pub disposition: Option<Judged>,
    /// What the centre found about licences of this case that were or are no longer good.
    pub lapsed: Vec<LicenceFinding>,
}

impl Scene<'_> {
    /// Whether a device has only not come back yet.
    pub fn returning(&self, device: &Device) -> bool {
        device.state == Presence::Lost && self.app.desk.can_ask(device, self.now)
    }
}

/// Builds the page. `looking` is the step that the clerk looks back at.
pub async fn build(
    app: &App,
    signed: &SignedIn,
    id: &CaseId,
    looking: Option<StepName>,
    trouble: &Trouble,
) -> Result<CasePage, Failure> {
    let case = app.desk.case(id).await?;
    let item = app.desk.item_of(&case).await?;
    let (window, numbers_open) = (case.window.clone(), app.desk.numbers_open(id, &signed.token));
    let wanted = id.clone();
    let vault = app.book.vault.clone();
    let (evaluator, reader, commands, disposition, lapsed) = app
        .book
        .db
        .read_with(move |db| {
            Ok::<_, Fault>((
                rows::at_window(db, &window, DeviceKind::Evaluator)?,
                rows::at_window(db, &window, DeviceKind::CardReader)?,
                rows::open_commands_of_case(db, &wanted)?,
                crate::store::cases::disposition(db, &wanted)?,
                lapsed::of_case(db, &vault, &wanted)?,
            ))
        })
        .await?;
    let now = app.book.clock.now();
    let scene = Scene {
        app,
        case: &case,
        item: &item,
        now,
        trouble,
        evaluator,
        reader,
        conditions: app.desk.conditions(&case).await?,
        open: numbers_open,
        lang: frame::lang(signed),
        shown: commands.iter().any(|command| command.shown_at.0 > 0),
        reads: commands.iter().any(|command| command.kind == rows::CommandKind::Read),
        disposition,
        lapsed,
    };
    let shown = looking.filter(|step| reachable(&case, *step)).unwrap_or_else(|| current(&case));
    let path = format!("/cases/{id}");
    let frame = frame::frame(app, signed, Desk::Cases, &path, Some(id)).await?;
    let mine = decide::belongs_to(&case, &signed.session.account) && signed.session.role.serves();
    Ok(CasePage {
        case: head(&scene),
        steps: StepName::ALL.map(|name| step_line(&scene, name, shown)),
        step: panel(&scene, shown).await?,
        side: side::side(&scene),
        scan_said: app
            .desk
            .scan_said(id)
            .map(|refusal| format!("{}（{}）", said(&refusal, scene.lang), refusal.code())),
        scan_got: app.desk.gathered(&case).map(|progress| (progress.have, progress.of)),
        held_by: if mine { None } else { Some(held_by(&scene, signed).await?) },
        frame,
    })
}

fn head(scene: &Scene<'_>) -> CaseHead {
    let case = scene.case;
    CaseHead {
        id: case.id.to_string(),
        number: case.no.to_string(),
        item: case.item_name.clone(),
        applicant: applicant(case.applicant),
        opened: case.opened_at.hm(),
        state: cases::state_of(case, scene.item.tier, scene.disposition),
        mode: mode(scene),
    }
}

/// 个人 or 法人 for a page.
pub fn applicant(kind: ApplicantKind) -> Applicant {
    match kind {
        ApplicantKind::Person => Applicant::Person,
        ApplicantKind::Organisation => Applicant::Organisation,
    }
}

fn mode(scene: &Scene<'_>) -> Mode {
    use hall_domain::case::Mode as CaseMode;
    let line = scene.app.book.knowledge.line();
    match scene.case.mode {
        Some(CaseMode::Online) => Mode::Online,
        Some(CaseMode::Offline) if line.up && !scene.case.closed() && !scene.case.filled => Mode::Upgrading,
        None if line.up => Mode::Online,
        // It was handled while the line was down; how long it was is not what counts any more.
        _ if line.up => Mode::Offline { down_for: String::new() },
        _ => {
            let since = line.last_contact.unwrap_or(line.since);
            Mode::Offline { down_for: span(scene.now.ms_since(since), scene.lang) }
        }
    }
}

/// A span in words.
pub fn span(ms: i64, lang: Lang) -> String {
    lang.span(u64::try_from(ms / 1000).unwrap_or_default())
}

fn current(case: &Case) -> StepName {
    match case.step() {
        Step::Identify => StepName::Identify,
        Step::List if matches!(case.consent, Consent::NotAsked) => StepName::List,
        Step::List | Step::Consent => StepName::Consent,
        Step::Form => StepName::Form,
        Step::Submitted | Step::Abandoned => StepName::Submit,
    }
}

fn reachable(case: &Case, step: StepName) -> bool {
    let last = if case.filled { StepName::Submit } else { current(case) };
    order(step) <= order(last)
}

fn order(step: StepName) -> usize {
    StepName::ALL.iter().position(|name| *name == step).unwrap_or_default()
}

fn step_line(scene: &Scene<'_>, name: StepName, shown: StepName) -> StepLine {
    let case = scene.case;
    // 提交前检查 belongs to the last step, although the form may still be changed.
    let checking = shown == StepName::Submit && case.step() == Step::Form;
    let here = if checking { StepName::Submit } else { current(case) };
    let state = match order(name).cmp(&order(here)) {
        std::cmp::Ordering::Greater => StepState::Ahead,
        std::cmp::Ordering::Less => match (name, &case.consent) {
            (StepName::Consent, Consent::Given { refused, .. }) if refused.is_empty() => StepState::Done,
            (StepName::Consent, _) => StepState::Partly,
            (StepName::Form, _) if checking && decide::complete(case, scene.item).is_err() => {
                StepState::Partly
            }
            (StepName::Identify, _) if case.identity.as_ref().is_some_and(|who| who.expired) => {
                StepState::Partly
            }
            _ => StepState::Done,
        },
        std::cmp::Ordering::Equal if case.submission.is_some() => StepState::Done,
        std::cmp::Ordering::Equal => match &case.consent {
            Consent::Refused { .. } | Consent::Ended { .. } if name == StepName::Consent => StepState::Stuck,
            _ => StepState::Now,
        },
    };
    let (time, note) = match name {
        StepName::Item => (Some(case.opened_at), case.item_name.clone()),
        StepName::Identify => match &case.identity {
            Some(who) => (Some(who.at), format!("{} {}", mask_name(&who.name), who.document.kind().zh())),
            None => (None, String::new()),
        },
        StepName::List if case.mode.is_some() => {
            let found = case.list.iter().filter(|row| row.licence.is_some()).count();
            (None, scene.lang.fill("{}/{} 项有证照", &[&found, &case.list.len()]))
        }
        StepName::Consent => match &case.consent {
            Consent::Given { at, .. } => (Some(*at), scene.lang.t("已授权").to_owned()),
            Consent::Office { at, .. } => (Some(*at), scene.lang.t("依职能查验").to_owned()),
            Consent::Withdrawn { since, .. } => (Some(*since), scene.lang.t("已撤回").to_owned()),
            Consent::Refused { at } => (Some(*at), scene.lang.t("不同意").to_owned()),
            Consent::Ended { at, .. } => (Some(*at), scene.lang.t("未授权").to_owned()),
            Consent::Waiting { .. } => (None, scene.lang.t("等待办事人").to_owned()),
            Consent::NotAsked if case.filled => (None, scene.lang.t("用纸质材料").to_owned()),
            Consent::NotAsked => (None, String::new()),
        },
        StepName::Submit => (case.submission.as_ref().map(|done| done.at), String::new()),
        _ => (None, String::new()),
    };
    StepLine { name, state, time: time.map(Timestamp::hm).unwrap_or_default(), note, shown: name == shown }
}

async fn panel(scene: &Scene<'_>, shown: StepName) -> Result<StepPanel, Failure> {
    Ok(match shown {
        StepName::Item => StepPanel::Item(list::item_step(scene)),
        StepName::Identify => StepPanel::Identify(identify::identify_step(scene)),
        StepName::List => StepPanel::List(consent::list_step(scene)),
        StepName::Consent => StepPanel::Consent(consent::consent_step(scene)),
        StepName::Form => StepPanel::Form(form::form_step(scene)),
        StepName::Submit if scene.case.submission.is_some() => {
            StepPanel::Done(submit::done_step(scene).await?)
        }
        StepName::Submit => StepPanel::Submit(submit::submit_step(scene)),
    })
}

async fn held_by(scene: &Scene<'_>, signed: &SignedIn) -> Result<HeldBy, Failure> {
    let name = scene.case.clerk.clone();
    let account = scene
        .app
        .book
        .db
        .read(move |db| crate::store::accounts::find(db, &name))
        .await
        .map_err(Fault::from)?;
    Ok(HeldBy {
        clerk: account.map_or_else(|| scene.case.clerk.to_string(), |account| account.display),
        window: scene.case.window.to_string(),
        quiet_s: age_s(scene.now, scene.case.updated_at),
        can_take_over: !scene.case.closed()
            && scene.now.ms_since(scene.case.updated_at) >= decide::QUIET_MS
            && signed.session.role.serves()
            && signed.session.window.is_some()
            && !matches!(scene.case.consent, Consent::Waiting { .. }),
    })
}

/// 核验等级 in words.
pub fn grade_words(case: &Case) -> String {
    let mut words = Vec::new();
    if let Some(who) = case.identity.as_ref() {
        if let Some(phone) = &who.phone {
            words.push(match phone.grade {
                IdentityGrade::I4 => "刷脸通过",
                IdentityGrade::I3 => "办事码（已应答本次二维码）",
                _ => "办事码",
            });
        }
        match (&who.card, who.compared) {
            (Some(_), true) => words.extend(["读卡", "人证一致"]),
            (Some(_), false) => words.push("读卡"),
            (None, _) => {}
        }
    }
    match case.consent_grade() {
        ConsentGrade::C2 => words.push("本人授权"),
        ConsentGrade::C3 => words.push("手机授权"),
        ConsentGrade::C0 | ConsentGrade::C1 | ConsentGrade::CX => {}
    }
    words.join(" + ")
}

/// A document number, masked unless it is open here.
pub fn shown_number(scene: &Scene<'_>, number: &str) -> String {
    if scene.open { number.to_owned() } else { mask_number(number) }
}

/// Age in whole seconds, never negative.
pub fn age_s(now: Timestamp, then: Timestamp) -> u64 {
    u64::try_from(now.ms_since(then)).unwrap_or_default() / 1000
}

/// Milliseconds until a deadline.
pub fn left_ms(deadline: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(deadline.ms_since(now)).unwrap_or_default()
}

/// What the citizen said about a row, for the row.
pub fn decision(case: &Case, row: &ListRow) -> Shown {
    let among = |asked: &Asked| asked.request.rows.iter().any(|asked| asked.material == row.material);
    match &case.consent {
        Consent::Office { asked, .. } if among(asked) => return Shown::Office,
        Consent::Waiting { asked } if asked.office.is_some() && among(asked) => return Shown::Office,
        Consent::Withdrawn { asked, refused, given: Some(_), .. }
            if among(asked) && !refused.contains(&row.material) =>
        {
            return Shown::Withdrawn;
        }
        _ => {}
    }
    match case.decision(&row.material) {
        Decision::Agreed => Shown::Agreed,
        Decision::Refused if row.licence.is_some() => Shown::Refused,
        _ if case.filled || row.licence.is_none() => Shown::NotAsked,
        _ => Shown::Pending,
    }
}
