//! The case page from a case: what each step shows, and what stands around it. Reads, never acts.

use super::App;
use super::failure::Failure;
use super::frame;
use super::pages::case::{
    CaseHead, CasePage, CitizenScreen, HeldBy, Mode, OrganisationCard, Policy, SidePanel, StepLine, StepName,
    StepPanel, StepState, Who,
};
use super::pages::cases::{Applicant, CaseState};
use super::pages::frame::Desk;
use super::pages::steps::{
    ConsentState, ConsentStep, Identified, IdentifyStep, ListStep, OrganisationEntry, Person, ReadFailure,
    Reader, Reading,
};
use super::session::SignedIn;
use super::{case_form, case_list};
use crate::book::Fault;
use crate::reception::{Reading as DeskReading, Refusal, decide};
use crate::store::devices::{self as rows, Device};
use hall_bus::{DeviceKind, ReadFailure as BusFailure};
use hall_domain::case::{Case, CaseId, Consent, ConsentEnd, Decision, RatingState, Step};
use hall_domain::{ApplicantKind, ServiceItem, Timestamp, mask_name, mask_number};

/// Milliseconds that a reader waits for a card, as shown on the countdown.
const READ_MS: u64 = 30_000;

/// What a POST could not do and the page has to say.
#[derive(Debug, Default)]
pub struct Trouble {
    /// The refusal.
    pub refusal: Option<Refusal>,
    /// What was typed into the field concerned.
    pub typed: String,
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
    /// Whether the numbers are open on this screen.
    pub open: bool,
    /// Whether the evaluator says that it shows this case's page.
    pub shown: bool,
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
    let item = app.desk.item_of(&case)?;
    let (window, numbers_open) = (case.window.clone(), app.desk.numbers_open(id, &signed.session.account));
    let wanted = id.clone();
    let (evaluator, reader, shown_now) = app
        .book
        .db
        .read(move |db| {
            Ok((
                rows::at_window(db, &window, DeviceKind::Evaluator)?,
                rows::at_window(db, &window, DeviceKind::CardReader)?,
                rows::open_commands_of_case(db, &wanted)?.iter().any(|command| command.shown_at.0 > 0),
            ))
        })
        .await
        .map_err(Fault::from)?;
    let now = app.book.clock.now();
    let scene = Scene {
        app,
        case: &case,
        item: &item,
        now,
        trouble,
        evaluator,
        reader,
        open: numbers_open,
        shown: shown_now,
    };
    let shown = looking.filter(|step| reachable(&case, *step)).unwrap_or_else(|| current(&case));
    let path = format!("/cases/{id}");
    let frame = frame::frame(app, signed, Desk::Cases, &path, Some(id)).await?;
    let mine = decide::belongs_to(&case, &signed.session.account) && signed.session.role.serves();
    Ok(CasePage {
        case: head(&scene),
        steps: StepName::ALL.map(|name| step_line(&scene, name, shown)),
        step: panel(&scene, shown).await?,
        side: side(&scene)?,
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
        state: state(case),
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

fn state(case: &Case) -> CaseState {
    super::cases::state_of(case)
}

fn mode(scene: &Scene<'_>) -> Mode {
    use hall_domain::case::Mode as CaseMode;
    let line = scene.app.book.knowledge.line();
    match scene.case.mode {
        Some(CaseMode::Online) => Mode::Online,
        Some(CaseMode::Offline) if line.up && !scene.case.closed() && !scene.case.filled => Mode::Upgrading,
        None if line.up => Mode::Online,
        _ => {
            let since = line.last_contact.unwrap_or(line.since);
            Mode::Offline { down_for: span(scene.now.ms_since(since)) }
        }
    }
}

/// A span in words, to the minute.
pub fn span(ms: i64) -> String {
    let minutes = (ms.max(0) / 60_000).unsigned_abs();
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} 分"),
        (0, hours, minutes) => format!("{hours} 小时 {minutes} 分"),
        (days, hours, _) => format!("{days} 天 {hours} 小时"),
    }
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
    let here = current(case);
    let state = match order(name).cmp(&order(here)) {
        std::cmp::Ordering::Greater => StepState::Ahead,
        std::cmp::Ordering::Less => match (name, &case.consent) {
            (StepName::Consent, Consent::Given { refused, .. }) if refused.is_empty() => StepState::Done,
            (StepName::Consent, _) => StepState::Partly,
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
            Some(who) => {
                (Some(who.at), format!("{} {}", mask_name(&who.card.name), who.card.document.kind().zh()))
            }
            None => (None, String::new()),
        },
        StepName::List if case.mode.is_some() => {
            let found = case.list.iter().filter(|row| row.licence.is_some()).count();
            (None, format!("{found}/{} 项有证照", case.list.len()))
        }
        StepName::Consent => match &case.consent {
            Consent::Given { at, .. } => (Some(*at), "已授权".to_owned()),
            Consent::Refused { at } => (Some(*at), "不同意".to_owned()),
            Consent::Ended { at, .. } => (Some(*at), "未授权".to_owned()),
            Consent::Waiting { .. } => (None, "等待办事人".to_owned()),
            Consent::NotAsked if case.filled => (None, "用纸质材料".to_owned()),
            Consent::NotAsked => (None, String::new()),
        },
        StepName::Submit => (case.submission.as_ref().map(|done| done.at), String::new()),
        _ => (None, String::new()),
    };
    StepLine { name, state, time: time.map(Timestamp::hm).unwrap_or_default(), note, shown: name == shown }
}

async fn panel(scene: &Scene<'_>, shown: StepName) -> Result<StepPanel, Failure> {
    Ok(match shown {
        StepName::Item => StepPanel::Item(case_list::item_step(scene)),
        StepName::Identify => StepPanel::Identify(identify_step(scene)),
        StepName::List => StepPanel::List(list_step(scene)),
        StepName::Consent => StepPanel::Consent(consent_step(scene)),
        StepName::Form => StepPanel::Form(case_form::form_step(scene)),
        StepName::Submit if scene.case.submission.is_some() => {
            StepPanel::Done(case_form::done_step(scene).await?)
        }
        StepName::Submit => StepPanel::Submit(case_form::submit_step(scene)?),
    })
}

fn identify_step(scene: &Scene<'_>) -> IdentifyStep {
    IdentifyStep {
        organisation: (scene.case.applicant == ApplicantKind::Organisation)
            .then(|| organisation_entry(scene)),
        reader: reader(scene),
        reading: reading(scene),
    }
}

fn organisation_entry(scene: &Scene<'_>) -> OrganisationEntry {
    let known = scene.case.organisation.as_ref();
    let register = known.and_then(|known| known.register.as_ref());
    let error = match &scene.trouble.refusal {
        Some(refusal @ (Refusal::OrganisationCode(_) | Refusal::OrganisationMissing)) => Some(refusal.zh()),
        _ => None,
    };
    let uscc = match (&error, known) {
        (Some(_), _) => scene.trouble.typed.clone(),
        (None, Some(known)) => known.uscc.to_string(),
        (None, None) => String::new(),
    };
    let caution = known.and_then(|known| {
        let doubtful = known.uscc.warning_zh();
        match &known.register {
            None => Some(format!(
                "{}没有查到该单位的登记信息，只能收件；请核对代码，或等线路恢复后再查。",
                doubtful.unwrap_or_default()
            )),
            Some(_) => doubtful,
        }
    });
    OrganisationEntry {
        uscc,
        error,
        caution,
        name: register.map(|entry| entry.name.clone()).unwrap_or_default(),
        representative: register.map(|entry| mask_name(&entry.legal_representative.name)).unwrap_or_default(),
        age_s: known.and_then(|known| known.checked_at).map(|at| age_s(scene.now, at)),
    }
}

fn reader(scene: &Scene<'_>) -> Reader {
    match &scene.reader {
        None => Reader::None,
        Some(device) if device.state == "ready" => Reader::Ready,
        Some(device) if device.state == "lost" => Reader::Silent { since: device.seen_at.hm() },
        Some(device) if device.detail.contains("no-licence") => Reader::Refused,
        Some(device) => Reader::Unplugged { since: device.seen_at.hm() },
    }
}

fn reading(scene: &Scene<'_>) -> Reading {
    let failed = |why, number: &str| Reading::Failed { why, number: number.to_owned() };
    let live = scene.app.desk.reading(&scene.case.id);
    if let Some(who) = scene.case.identity.as_ref().filter(|who| who.confirmed) {
        return match live {
            Some(DeskReading::Refused { got, .. }) => Reading::OtherPerson {
                wanted: mask_name(&who.card.name),
                got,
                representative: scene.case.applicant == ApplicantKind::Organisation,
            },
            _ => Reading::Confirmed(Identified {
                name: mask_name(&who.card.name),
                document: who.card.document.kind().zh().to_owned(),
                number: mask_number(who.card.document.number()),
                at: who.at.hm(),
                grade: grade_words(scene.case),
                caution: who.expired.then(|| "身份证已过有效期，按容缺办理。".to_owned()),
            }),
        };
    }
    match live {
        Some(DeskReading::Waiting { deadline }) if deadline > scene.now => {
            Reading::Waiting { left_ms: left_ms(deadline, scene.now), total_ms: READ_MS }
        }
        Some(DeskReading::Failed(why)) => match why {
            BusFailure::Timeout => failed(ReadFailure::TimedOut, "D201"),
            BusFailure::CardLifted => failed(ReadFailure::Lifted, "D202"),
            BusFailure::Unreadable | BusFailure::Unsupported => failed(ReadFailure::Unreadable, "D203"),
            BusFailure::ReaderFault => failed(ReadFailure::Garbled, "D204"),
            BusFailure::Unplugged => failed(ReadFailure::Unplugged, "D205"),
            BusFailure::Stopped => Reading::Idle,
        },
        Some(DeskReading::Refused { why: Refusal::NotLegalRepresentative, got }) => {
            let register = scene.case.organisation.as_ref().and_then(|known| known.register.as_ref());
            Reading::OtherPerson {
                wanted: register.map(|entry| mask_name(&entry.legal_representative.name)).unwrap_or_default(),
                got,
                representative: true,
            }
        }
        Some(DeskReading::Refused { why, got }) => Reading::OtherPerson {
            wanted: scene.case.identity.as_ref().map(|who| mask_name(&who.card.name)).unwrap_or_default(),
            got,
            representative: why == Refusal::NotLegalRepresentative,
        },
        _ => match &scene.case.identity {
            None => Reading::Idle,
            Some(who) if who.expired => Reading::Expired {
                person: Box::new(person(scene)),
                on: who.card.valid_until.map(|day| day.to_string()).unwrap_or_default(),
                note: scene.trouble.typed.clone(),
                error: scene
                    .trouble
                    .refusal
                    .as_ref()
                    .filter(|why| **why == Refusal::NoteMissing)
                    .map(Refusal::zh),
            },
            Some(_) => Reading::Read(Box::new(person(scene))),
        },
    }
}

fn person(scene: &Scene<'_>) -> Person {
    let Some(card) = scene.case.identity.as_ref().map(|who| &who.card) else {
        return Person {
            reading: String::new(),
            name: String::new(),
            english_name: String::new(),
            document: String::new(),
            number: String::new(),
            sex: String::new(),
            nation: String::new(),
            birth: String::new(),
            address: String::new(),
            authority: String::new(),
            validity: String::new(),
            photo: None,
        };
    };
    Person {
        reading: scene.case.identity.as_ref().map(|who| who.at.0.to_string()).unwrap_or_default(),
        name: card.name.clone(),
        english_name: card.english_name.clone().unwrap_or_default(),
        document: card.document.kind().zh().to_owned(),
        number: shown_number(scene, card.document.number()),
        sex: card.sex.zh().to_owned(),
        nation: card.nation_zh().or_else(|| card.nationality.clone()).unwrap_or_default(),
        birth: card.birth.to_string(),
        address: card.address.clone().unwrap_or_default(),
        authority: card.authority.clone().unwrap_or_default(),
        validity: card.validity_zh(),
        photo: None,
    }
}

fn list_step(scene: &Scene<'_>) -> ListStep {
    let rows = case_list::rows(scene);
    let asked = case_list::asked(scene);
    ListStep {
        rows,
        loading: false,
        loading_ms: 0,
        can_refresh: scene.app.book.knowledge.line().up,
        push_blocked: push_blocked(scene, asked),
        asked,
    }
}

fn consent_step(scene: &Scene<'_>) -> ConsentStep {
    let rows = case_list::rows(scene);
    let on_paper =
        rows.iter().filter(|row| row.required && row.how == super::pages::steps::How::Original).count();
    ConsentStep {
        state: consent_state(scene),
        on_paper: u32::try_from(on_paper).unwrap_or_default(),
        rows,
        push_blocked: push_blocked(scene, case_list::asked(scene)),
    }
}

fn push_blocked(scene: &Scene<'_>, asked: u32) -> Option<String> {
    if asked == 0 {
        return Some(Refusal::NothingToAsk.zh());
    }
    let ready = scene.evaluator.as_ref().is_some_and(|device| device.state == "ready");
    (!ready).then(|| Refusal::NoEvaluator.zh())
}

fn consent_state(scene: &Scene<'_>) -> ConsentState {
    let case = scene.case;
    match &case.consent {
        Consent::Waiting { asked } => {
            let left = left_ms(asked.deadline, scene.now);
            let total = u64::try_from(decide::CONSENT_MS).unwrap_or_default();
            if scene.shown {
                let stretched = asked.deadline.ms_since(asked.at) - decide::CONSENT_MS;
                let extended = u32::from(stretched > 0);
                ConsentState::Shown { left_ms: left, total_ms: total, extended }
            } else {
                let for_ms = u64::try_from(scene.now.ms_since(asked.at)).unwrap_or_default();
                ConsentState::Sent { for_ms, left_ms: left, total_ms: total }
            }
        }
        Consent::Given { asked, refused, at, .. } => {
            let refused = u32::try_from(refused.len()).unwrap_or_default();
            let all = u32::try_from(asked.request.rows.len()).unwrap_or_default();
            ConsentState::Agreed { at: at.hm(), agreed: all.saturating_sub(refused), refused }
        }
        Consent::Refused { at } => ConsentState::Refused { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::TimedOut, at } => ConsentState::TimedOut { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::Cancelled, at } => ConsentState::Cancelled { at: at.hm() },
        Consent::Ended { reason: ConsentEnd::Unreachable, at } => ConsentState::Offline { since: at.hm() },
        Consent::NotAsked if case.filled => ConsentState::Paper { at: case.updated_at.hm() },
        Consent::NotAsked => match &scene.evaluator {
            None => ConsentState::NoEvaluator,
            Some(device) if device.state == "lost" => ConsentState::Offline { since: device.seen_at.hm() },
            Some(_) => ConsentState::NotAsked,
        },
    }
}

fn side(scene: &Scene<'_>) -> Result<SidePanel, Failure> {
    let case = scene.case;
    let who = case.identity.as_ref().map(|who| Who {
        name: if scene.open { who.card.name.clone() } else { mask_name(&who.card.name) },
        document: who.card.document.kind().zh().to_owned(),
        number: shown_number(scene, who.card.document.number()),
        open: scene.open,
        grade: grade_words(case),
        grade_code: format!("{:?}", case.identity_grade()),
        source: format!("{} 读卡器 {}", case.window, who.at.hm()),
        caution: who.expired.then(|| "身份证已过有效期".to_owned()),
    });
    let organisation = case.organisation.as_ref().map(|known| {
        let register = known.register.as_ref();
        OrganisationCard {
            name: register.map_or_else(|| "未查到登记信息".to_owned(), |entry| entry.name.clone()),
            uscc: known.uscc.to_string(),
            representative: register
                .map(|entry| mask_name(&entry.legal_representative.name))
                .unwrap_or_default(),
            matches: match (&case.identity, register) {
                (Some(who), Some(_)) => Some(decide::represents(known, &who.card)),
                _ => None,
            },
            relation_age_s: known.checked_at.map(|at| age_s(scene.now, at)),
        }
    });
    let policy = match (&case.identity, &case.submission) {
        (_, Some(done)) => Some(done.judgement.clone()),
        (Some(who), None) if who.confirmed => Some(scene.app.desk.judge(case, false)?),
        _ => None,
    };
    let policy = policy.map(|judgement| Policy {
        outcome: case_list::outcome(judgement.outcome),
        sentence: judgement.sentence,
        raise: judgement.raise,
    });
    Ok(SidePanel { who, organisation, screen: screen(scene), policy })
}

fn screen(scene: &Scene<'_>) -> CitizenScreen {
    let case = scene.case;
    let Some(device) = &scene.evaluator else { return CitizenScreen::None };
    if device.state == "lost" {
        return CitizenScreen::Offline { since: device.seen_at.hm() };
    }
    match (&case.consent, &case.rating) {
        (Consent::Waiting { asked }, _) if scene.shown => CitizenScreen::Authorise {
            item: case.item_name.clone(),
            licences: asked.request.rows.iter().map(|row| (row.name.clone(), true)).collect(),
            left_ms: left_ms(asked.deadline, scene.now),
        },
        (Consent::Waiting { .. }, _) => CitizenScreen::Sending,
        (_, RatingState::Waiting { .. }) => CitizenScreen::Rating,
        (Consent::Given { at, .. }, _) if scene.now.ms_since(*at) < 8_000 => {
            CitizenScreen::Result { text: "授权成功".to_owned(), agreed: true }
        }
        (Consent::Refused { at }, _) if scene.now.ms_since(*at) < 8_000 => {
            CitizenScreen::Result { text: "已拒绝授权".to_owned(), agreed: false }
        }
        _ => CitizenScreen::Idle,
    }
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

fn grade_words(case: &Case) -> String {
    match case.identity.as_ref() {
        Some(who) if who.confirmed && case.consent_grade() != hall_domain::ConsentGrade::C0 => {
            "读卡 + 人证一致 + 本人授权".to_owned()
        }
        Some(who) if who.confirmed => "读卡 + 人证一致".to_owned(),
        _ => "读卡".to_owned(),
    }
}

fn shown_number(scene: &Scene<'_>, number: &str) -> String {
    if scene.open { number.to_owned() } else { mask_number(number) }
}

/// Age in whole seconds, never negative.
pub fn age_s(now: Timestamp, then: Timestamp) -> u64 {
    u64::try_from(now.ms_since(then)).unwrap_or_default() / 1000
}

fn left_ms(deadline: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(deadline.ms_since(now)).unwrap_or_default()
}

/// What the citizen said about a row, for the row.
pub fn decision(case: &Case, row: &hall_domain::case::ListRow) -> super::pages::steps::Decision {
    use super::pages::steps::Decision as Shown;
    match case.decision(&row.material) {
        Decision::Agreed => Shown::Agreed,
        Decision::Refused if row.licence.is_some() => Shown::Refused,
        _ if case.filled || row.licence.is_none() => Shown::NotAsked,
        _ => Shown::Pending,
    }
}
