//! 页框 of every desk, filled: windows and who sits there, the line, the clock, counts of the rail, notices.

use super::App;
use super::assets::Desk as Assets;
use super::devices;
use super::failure::{Failure, read};
use super::pages::frame::{Alarm, Clock, Desk, Line, LineState, RailEntry, Tone, WindowOption};
use super::pages::{Bare, Frame, Lang, Notice};
use super::session::SignedIn;
use crate::book::Fault;
use crate::clock::{ClockState, Doubt};
use crate::store::accounts::{self, Role, Sitting};
use crate::store::{cases, devices as device_rows, findings, ledger};
use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use hall_domain::Timestamp;
use hall_domain::case::{CaseId, WindowId};
use hall_ledger::trust::TrustAge;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

/// Knowledge older than this is shown as old: ten of the centre's tokens have not come.
const FRESH_S: u64 = 600;
/// Sessions that may have something to be remembered at a time.
const REMEMBERED: usize = 1_024;

/// Our own files, from our own address, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a page may use of the machine: the camera, for a clerk's scan of a code, and nothing else.
const PERMISSIONS: &str =
    "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=()";
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The frame of a page. Takes the session's notice, which is shown once.
pub async fn frame(
    app: &App,
    signed: &SignedIn,
    here: Desk,
    path: &str,
    follow: Option<&CaseId>,
) -> Result<Frame, Failure> {
    let mut frame = quiet_frame(app, signed, here, path, follow).await?;
    frame.notice = app.memory.take_notice(signed);
    Ok(frame)
}

/// The frame without taking the notice: for the parts that change by themselves.
pub async fn quiet_frame(
    app: &App,
    signed: &SignedIn,
    here: Desk,
    path: &str,
    follow: Option<&CaseId>,
) -> Result<Frame, Failure> {
    let now = app.book.clock.now();
    let (account, role) = (signed.session.account.clone(), signed.session.role);
    let (windows, sitting, counts) = read(app, move |db| {
        let windows = if role.serves() { accounts::windows(db)? } else { Vec::new() };
        let counts = Counts {
            cases: if role.serves() { cases::open_count(db, &account)? } else { 0 },
            findings: findings::due_count(db, now)?,
            harm: findings::open_harm(db)? || findings::overdue_count(db, now)? > 0,
            devices: device_rows::all(db)?,
            backlog: ledger::backlog(db)?,
        };
        Ok::<_, Fault>((windows, accounts::sitting(db, now)?, counts))
    })
    .await?;
    Ok(Frame {
        lang: lang(signed),
        csrf: signed.session.csrf.clone(),
        assets: version().to_owned(),
        hall: app.book.knowledge.hall.clone(),
        serves: role.serves(),
        windows: options(signed, windows, &sitting),
        clerk: signed.session.display.clone(),
        session_left_ms: u64::try_from(signed.session.expires.ms_since(now)).unwrap_or_default(),
        line: line(app, now),
        clock: clock(app, now),
        here,
        rail: rail(app, role, &counts),
        search: String::new(),
        path: path.to_owned(),
        follow: follow.map(CaseId::to_string).unwrap_or_default(),
        notice: None,
        alarms: alarms(app, now, lang(signed)),
    })
}

/// What pages outside the desks need.
pub fn bare(app: &App, lang: Lang) -> Bare {
    Bare { lang, csrf: String::new(), assets: version().to_owned(), hall: app.book.knowledge.hall.clone() }
}

/// The language of a session.
pub fn lang(signed: &SignedIn) -> Lang {
    Lang::from_code(&signed.session.lang)
}

/// Leaves one sentence for the session's next page.
pub fn leave_notice(app: &App, signed: &SignedIn, notice: Notice) {
    app.memory.change(signed, |kept| kept.notice = Some(notice));
}

/// A page that succeeded.
pub fn render(page: &impl Template) -> Result<Response, Failure> {
    render_as(StatusCode::OK, page)
}

/// A page with a status.
pub fn render_as(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    let mut response = (status, Html(page.render()?)).into_response();
    guard(response.headers_mut());
    Ok(response)
}

/// What every page tells the browser: keep nothing, load nothing from elsewhere, tell nobody.
pub fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (PERMISSIONS_POLICY, PERMISSIONS),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The desks that a role may open, in the order of the rail.
pub fn desks(role: Role) -> impl Iterator<Item = Desk> {
    Desk::ALL.into_iter().filter(move |desk| match desk {
        Desk::Cases | Desk::Findings => role.reads(),
        Desk::Security => role.watches(),
        Desk::Devices | Desk::Sync => true,
    })
}

/// Day and time for lists: "14:03" today, "11-20 16:40" before.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    let day = at.local_date();
    if day == now.local_date() {
        at.hm()
    } else if day.year() == now.local_date().year() {
        format!("{:02}-{:02} {}", day.month(), day.day(), at.hm())
    } else {
        format!("{day} {}", at.hm())
    }
}

/// Whole seconds since a moment, never negative.
pub fn seconds_since(at: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.ms_since(at) / 1000).unwrap_or_default()
}

/// The line and the age of what the box knows.
pub fn line(app: &App, now: Timestamp) -> LineState {
    let knowledge = &app.book.knowledge;
    let status = knowledge.line();
    let age = knowledge.token_age_ms(now).map(|ms| ms / 1000);
    LineState {
        line: match status.up {
            true if app.line.slow() => Line::Slow,
            true => Line::Up,
            false => Line::Down,
        },
        since: moment(status.since, now),
        knowledge_age_s: age,
        stale: !status.up || age.is_none_or(|age| age > FRESH_S),
    }
}

struct Counts {
    cases: u32,
    findings: u32,
    harm: bool,
    devices: Vec<device_rows::Device>,
    backlog: u64,
}

fn rail(app: &App, role: Role, counts: &Counts) -> Vec<RailEntry> {
    let troubled = counts.devices.iter().filter(|device| devices::troubled(device)).count();
    let status = app.book.knowledge.line();
    desks(role)
        .map(|desk| {
            let (count, urgent) = match desk {
                Desk::Cases => (counts.cases, false),
                Desk::Findings => (counts.findings, counts.harm),
                Desk::Devices => (u32::try_from(troubled).unwrap_or(u32::MAX), troubled > 0),
                // Entries pass through in a second while the line is up; only a line that is down piles them up.
                Desk::Security => (0, false),
                Desk::Sync if status.up => (0, !status.findings.is_empty()),
                Desk::Sync => {
                    (u32::try_from(counts.backlog).unwrap_or(u32::MAX), !status.findings.is_empty())
                }
            };
            RailEntry { desk, count, urgent }
        })
        .collect()
}

fn options(signed: &SignedIn, windows: Vec<(WindowId, String)>, sitting: &[Sitting]) -> Vec<WindowOption> {
    windows
        .into_iter()
        .map(|(id, label)| WindowOption {
            taken_by: sitting
                .iter()
                .find(|sitting| sitting.window == id && sitting.account != signed.session.account)
                .map(|sitting| sitting.display.clone()),
            chosen: signed.session.window.as_ref() == Some(&id),
            id: id.to_string(),
            label,
        })
        .collect()
}

fn clock(app: &App, now: Timestamp) -> Clock {
    Clock { hm: now.hm(), epoch_ms: now.0, doubtful: app.book.knowledge.clock_state(now) != ClockState::Good }
}

/// What everybody at the box has to know: a clock or a trust that is not in order.
fn alarms(app: &App, now: Timestamp, lang: Lang) -> Vec<Alarm> {
    let knowledge = &app.book.knowledge;
    let mut alarms = Vec::new();
    match knowledge.trust_age(now) {
        TrustAge::Good => {}
        TrustAge::Ending { days } => {
            let since = knowledge.trust().issued_at().map_or(0, |at| seconds_since(at, now) / 86_400);
            let ending = lang.fill("信任包还有 {} 天到期，已有 {} 天没有更新。", &[&days, &since]);
            let todo = lang.t("到期后只能收件，请运维人员恢复与省级中心的线路。");
            let text = format!("{ending} {todo}");
            alarms.push(Alarm { text, tone: Tone::Old });
        }
        TrustAge::Expired => alarms.push(Alarm {
            text: lang
                .t("信任包已过期：只能收件，不能使用证照。请运维人员恢复与省级中心的线路，接通后自动更新。")
                .to_owned(),
            tone: Tone::Harm,
        }),
    }
    if let ClockState::Doubtful { reason, bound_ms } = knowledge.clock_state(now) {
        let most = lang.span(bound_ms / 1000);
        let doubted = lang.fill("时钟可疑（{}，最多差 {}）。", &[&doubt(reason, lang), &most]);
        let todo = lang.t("静态办事码停用，证照时效从严计算，登记照常。请运维人员校准时钟。");
        let text = format!("{doubted} {todo}");
        alarms.push(Alarm { text, tone: Tone::Harm });
    }
    alarms
}

/// Why the clock is doubtful, in words.
pub fn doubt(reason: Doubt, lang: Lang) -> &'static str {
    match reason {
        Doubt::WentBack => lang.t("时钟倒退"),
        Doubt::JumpedAhead => lang.t("时钟跳变"),
        Doubt::OffCentre => lang.t("与省级中心的时间不一致"),
        Doubt::Drifted => lang.t("长期没有与省级中心对时"),
    }
}

/// Version of scripts and styles, from their content.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut digest = Sha256::new();
        for name in ["app.js", "app.css", "scan-camera.js"] {
            if let Some(file) = <Assets as rust_embed::RustEmbed>::get(name) {
                digest.update(file.metadata.sha256_hash());
            }
        }
        hex::encode(digest.finalize()).chars().take(12).collect()
    });
    &VERSION
}

/// What is remembered for each session until its next page: in memory alone, gone with a restart.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<BTreeMap<Vec<u8>, Kept>>>);

/// What is remembered for one session.
#[derive(Default)]
pub struct Kept {
    /// A sentence for the next page.
    pub notice: Option<Notice>,
    /// What was searched for last. A name or a number of a person has no place in an address.
    pub search: String,
}

impl Memory {
    /// Changes what is remembered for a session.
    pub fn change<T>(&self, signed: &SignedIn, change: impl FnOnce(&mut Kept) -> T) -> T {
        let mut sessions = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if sessions.len() >= REMEMBERED {
            sessions.clear();
        }
        change(sessions.entry(accounts::token_digest(&signed.token)).or_default())
    }

    /// Forgets a session.
    pub fn forget(&self, signed: &SignedIn) {
        let mut sessions = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sessions.remove(&accounts::token_digest(&signed.token));
    }

    fn take_notice(&self, signed: &SignedIn) -> Option<Notice> {
        self.change(signed, |kept| kept.notice.take())
    }
}
