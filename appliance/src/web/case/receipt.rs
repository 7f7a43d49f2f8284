//! 回执: what the applicant takes home.

use crate::book::Fault;
use crate::store::findings::{self, State as FindingState};
use crate::store::{accounts, cases, ledger};
use crate::web::failure::Failure;
use crate::web::pages::Lang;
use crate::web::pages::receipt::{Brought, Paper, Party, ReceiptPage, Role, UsedLicence};
use crate::web::session::Reader;
use crate::web::{App, frame, judged};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use hall_domain::case::{Case, CaseId, Consent, LicenceUse, Mode, PaperChoice};
use hall_domain::{
    Capacity, HolderId, IdentityDocument, MaterialId, Timestamp, Uscc, mask_name, mask_number,
};
use hall_ledger::Hash;
use hall_ledger::entry::EntryKind;
use hall_ledger::log::LogId;
use hall_ledger::phone::{PaperReceipt, to_qr};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;

/// Which paper is asked for.
#[derive(Deserialize)]
pub struct Size {
    /// `a4` or `slip`.
    #[serde(default)]
    pub size: String,
}

/// The receipt, to be printed by the browser.
pub async fn show(
    State(app): State<App>,
    Reader(signed): Reader,
    Path(id): Path<CaseId>,
    Query(size): Query<Size>,
) -> Result<Response, Failure> {
    let case = app.desk.case(&id).await?;
    let item = app.desk.item_of(&case).await?;
    let Some(done) = &case.submission else { return Err(Fault::NotFound.into()) };
    let (vault, wanted, clerk) = (app.book.vault.clone(), id.clone(), case.clerk.clone());
    let no = case.no.to_string();
    let (place, clerk, windows, decided, findings) = app
        .book
        .db
        .read_with(move |db| {
            let entries = ledger::entries_of_case(db, &vault, &wanted)?;
            let submitted = entries.into_iter().find(|(_, kind, _)| *kind == EntryKind::CaseSubmitted);
            let head = ledger::head(db)?;
            let place = submitted.zip(head).map(|((seq, _, entry), head)| (seq, entry.leaf(), head));
            let judged = cases::disposition(db, &wanted)?;
            let findings = findings::of_case(db, &vault, &no)?;
            Ok::<_, Fault>((place, accounts::find(db, &clerk)?, accounts::windows(db)?, judged, findings))
        })
        .await?;
    let (seq, leaf, head) = place.ok_or(Fault::NotFound)?;
    let code = signed_code(&app, &case, head.log(), seq, leaf);
    let leaf = leaf.to_string();
    // Until when a condition can be met, as the centre set it; the window's own date before that.
    let set = findings.iter().rfind(|finding| finding.state != FindingState::Handled);
    let deadline = set.and_then(|finding| finding.deadline).map(Timestamp::local_date);
    let deadline = deadline.or(done.follow.as_ref().map(|follow| follow.by));
    let window = windows.into_iter().find(|(window, _)| *window == case.window).map(|(_, name)| name);
    let page = ReceiptPage {
        frame: frame::bare(&app, frame::lang(&signed)),
        id: id.to_string(),
        paper: Paper::from_code(&size.size),
        number: case.no.to_string(),
        item: case.item_name.clone(),
        department: item.department.clone(),
        people: people(&case),
        window: format!(
            "{} {}",
            window.unwrap_or_else(|| case.window.to_string()),
            clerk.map(|account| account.display).unwrap_or_default()
        ),
        at: done.at.to_display(),
        outcome: judged::called(done.judgement.outcome, done.mode, item.tier, decided),
        sentence: match decided {
            // Once the province has spoken, the window's own sentence is history.
            Some(outcome) => judged::on_paper(outcome, &case, deadline, frame::lang(&signed)),
            None => done.judgement.sentence.clone(),
        },
        offline: done.mode == Mode::Offline,
        licences: licences(&case),
        brought: brought(&case, frame::lang(&signed)),
        about_use: about_use(&case, frame::lang(&signed)),
        to_follow: to_follow(&case),
        follow_by: done.follow.as_ref().map(|follow| follow.by.to_string()).unwrap_or_default(),
        all_here: done.follow.is_some() && case.outstanding().is_empty(),
        promise: item.promise.zh(),
        qr: qr(&code)?,
        entry: format!("台账 {} 第 {} 号", head.log().to_string().get(..8).unwrap_or_default(), seq + 1),
        digest: leaf.get(..16).unwrap_or_default().to_owned(),
    };
    frame::render(&page)
}

/// For whom the case is; then who stood at the window, where that is somebody else.
fn people(case: &Case) -> Vec<Party> {
    let person = |role, name: &str, document: &IdentityDocument| Party {
        role,
        name: mask_name(name),
        number: mask_number(document.number()),
    };
    let organisation =
        |role, name: &str, uscc: &Uscc| Party { role, name: name.to_owned(), number: uscc.to_string() };
    let for_whom = match (case.mandator(), &case.organisation) {
        (Some((HolderId::Person(document), name)), _) => Some(person(Role::Principal, name, document)),
        (Some((HolderId::Organisation(uscc), name)), _) => Some(organisation(Role::Principal, name, uscc)),
        (None, Some(known)) => {
            let registered = known.register.as_ref().map(|entry| entry.name.as_str());
            // What the phone's owner may act for names it too, where the register has no entry.
            let attested = || case.capacity().and_then(Capacity::organisation).map(|(_, name)| name);
            let name = registered.or_else(attested).unwrap_or_default();
            Some(organisation(Role::Organisation, name, &known.uscc))
        }
        (None, None) => None,
    };
    let role = match (&for_whom, case.capacity()) {
        (None, _) => Role::Own,
        // By a mandate of the centre's, or on paper.
        (Some(_), _) if case.mandator().is_some() => Role::Delegate,
        (Some(_), Some(Capacity::Agent { .. })) => Role::Agent,
        // Nobody else's card is taken for an organisation.
        (Some(_), _) => Role::LegalRepresentative,
    };
    let at_window = case.identity.as_ref().map(|who| person(role, &who.name, &who.document));
    for_whom.into_iter().chain(at_window).collect()
}

fn licences(case: &Case) -> Vec<UsedLicence> {
    case.uses
        .iter()
        .map(|used| {
            let listed = case
                .list
                .iter()
                .find(|row| row.material == used.material)
                .and_then(|row| row.licence.as_ref());
            UsedLicence {
                kind: listed.map(|licence| licence.name.clone()).unwrap_or_default(),
                issuer: listed.map(|licence| licence.issuer.clone()).unwrap_or_default(),
                use_code: mask_number(&used.use_code),
                checked: verified(used),
            }
        })
        .collect()
}

/// What was handed over, in the order of the list; what stands for no material of it, last.
fn brought(case: &Case, lang: Lang) -> Vec<Brought> {
    let scans = |material: Option<&MaterialId>| {
        case.attachments.iter().filter(|file| file.material.as_ref() == material).count()
    };
    let how = |original: bool, scans: usize| match (original, scans) {
        (true, 0) => Some(lang.t("已收原件").to_owned()),
        (true, scans) => Some(lang.fill("已收原件，已收扫描件 {} 份", &[&scans])),
        (false, 0) => None,
        (false, scans) => Some(lang.fill("已收扫描件 {} 份", &[&scans])),
    };
    let rows = case.list.iter().filter_map(|row| {
        let original = case.papers.get(&row.material) == Some(&PaperChoice::Original);
        let how = how(original, scans(Some(&row.material)))?;
        Some(Brought { name: row.name.clone(), how })
    });
    let others = how(false, scans(None)).map(|how| Brought { name: lang.t("其他附件").to_owned(), how });
    rows.chain(others).collect()
}

/// What the citizen may do about the use of their licences.
fn about_use(case: &Case, lang: Lang) -> String {
    let words = match case.consent {
        Consent::Given { .. } => lang.t("对用证授权有疑问或要撤回，请到任一窗口凭本回执办理。"),
        Consent::Office { .. } => lang.t("对依职能查验有异议的，可向办理部门提出，或拨打 12345。"),
        _ => "",
    };
    words.to_owned()
}

/// How and how freshly a licence was verified when it was opened.
pub fn verified(used: &LicenceUse) -> String {
    let how = match used.mode {
        Mode::Online => "在线核验",
        Mode::Offline => "离线核验 待复核",
    };
    format!("{how} · 状态截至 {}", used.status_at.to_display())
}

fn to_follow(case: &Case) -> Vec<String> {
    case.outstanding().into_iter().map(|what| what.name().to_owned()).collect()
}

/// The text of the code on a paper, signed by the box: anybody can have the centre say what stands behind the entry.
pub fn signed_code(app: &App, case: &Case, log: LogId, seq: u64, leaf: Hash) -> String {
    // Whole seconds, as phones and the centre have them.
    let issued = Timestamp(app.book.clock.now().0.div_euclid(1000) * 1000);
    let receipt = PaperReceipt { issued, log, seq, leaf, case_no: case.no.clone() };
    to_qr(&receipt.sign(app.book.key()))
}

/// A QR code as SVG, for a page.
pub fn qr(text: &str) -> Result<String, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|error| Fault::Storage(format!("QR code: {error}")))?;
    let drawn: String = code.render::<svg::Color<'_>>().min_dimensions(120, 120).quiet_zone(true).build();
    // An SVG inside a page has no XML declaration.
    Ok(drawn.split_once("?>").map_or(drawn.clone(), |(_, svg)| svg.to_owned()))
}
