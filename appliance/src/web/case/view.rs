//! 办件查看 of a finished case: what happened in it, what was put away, and what became of it.

use super::following;
use super::form::attachment;
use super::list::rows;
use super::masked;
use super::page::{Scene, Trouble, applicant, span};
use super::story::{self, Told};
use super::submit::answers;
use crate::book::Fault;
use crate::reception::decide;
use crate::store::findings::{self, Finding, State};
use crate::store::ledger::{self, KeptReceipt};
use crate::store::{accounts, cases, lapsed, use_codes};
use crate::web::cases::{applicant_name, state_of};
use crate::web::failure::{Failure, read};
use crate::web::findings::anchor;
use crate::web::pages::Lang;
use crate::web::pages::case::{CaseHead, Mode};
use crate::web::pages::case_view::{
    Advice, Authorised, CaseViewPage, Code, Fate, Package, PackagePart, TimelineEntry,
};
use crate::web::pages::frame::{Desk, Tone};
use crate::web::pages::steps::{MaterialRow, Rating};
use crate::web::session::SignedIn;
use crate::web::{App, frame, judged};
use axum::response::Response;
use hall_domain::archive::{Manifest, ManifestSource};
use hall_domain::case::{Case, CaseEvent, CaseRecord, Consent, Mode as CaseMode, RatingState, Step};
use hall_domain::consent::record::EventState;
use hall_domain::{ApplicantKind, Grade, HolderId, MaterialId, Tier, Timestamp, mask_number};
use hall_ledger::disposition::{LicenceFinding, Outcome as Judged};
use hall_ledger::entry::EntryKind;
use std::collections::BTreeMap;

/// The page of a finished case.
pub async fn page(app: &App, signed: &SignedIn, case: Case, trouble: &Trouble) -> Result<Response, Failure> {
    let kept = kept(app, &case).await?;
    let package = app.desk.package(&case).await?;
    let item = app.desk.item_of(&case).await?;
    let now = app.book.clock.now();
    let open = app.desk.numbers_open(&case.id, &signed.token);
    let scene = Scene {
        app,
        case: &case,
        item: &item,
        now,
        trouble,
        evaluator: None,
        reader: None,
        conditions: app.desk.conditions(&case).await?,
        open,
        lang: frame::lang(signed),
        shown: false,
        reads: false,
        disposition: kept.disposition,
        lapsed: kept.lapsed.clone(),
    };
    let path = format!("/cases/{}", case.id);
    let mine = decide::belongs_to(&case, &signed.session.account) && signed.session.role.serves();
    let may_supply = signed.session.role.serves() && signed.session.window.is_some();
    let mut frame = frame::frame(app, signed, Desk::Cases, &path, Some(&case.id)).await?;
    frame.notice = trouble.notice(frame.lang).or(frame.notice);
    frame::render(&CaseViewPage {
        frame,
        case: head(&case, &kept, item.tier, now, scene.lang),
        applicant: applicant_name(&case),
        applicant_number: applicant_number(&case, open),
        open,
        may_open: signed.session.role.serves(),
        sees_scans: signed.session.role.sees_scans(),
        handled_by: handled_by(&case, &kept, scene.lang),
        fate: fate(app, &case, &kept, now, scene.lang),
        advice: advice(&kept.findings),
        timeline: timeline(&kept, scene.lang),
        answers: if open { answers(&scene) } else { masked::without_people(answers(&scene), &case) },
        materials: rows(&scene)
            .into_iter()
            .map(|row| MaterialRow { opened: row.opened && signed.session.role.sees_scans(), ..row })
            .collect(),
        attachments: case.attachments.iter().map(attachment).collect(),
        authorised: authorised(app, &case, &kept, may_supply, now, scene.lang),
        package: package.map(|manifest| shown_package(&case, &manifest, &kept)),
        rating: rating(&case),
        following: following::following(&scene, may_supply, signed.session.role.sees_scans()),
        has_receipt: case.submission.is_some(),
        can_reopen: mine && decide::reopen(&case, now).is_ok(),
    })
}

/// What to do about a case: the newest of its findings that nobody has handled.
pub fn advice(findings: &[Finding]) -> Option<Advice> {
    findings.iter().rfind(|finding| finding.state != State::Handled).map(|finding| Advice {
        what: finding.what.clone(),
        todo: finding.todo.clone(),
        finding: Some(anchor(finding.id)),
    })
}

/// What the database says about a case besides the case itself.
struct Kept {
    records: Vec<(u64, EntryKind, CaseRecord)>,
    receipt: Option<KeptReceipt>,
    disposition: Option<Judged>,
    findings: Vec<Finding>,
    lapsed: Vec<LicenceFinding>,
    codes: BTreeMap<String, String>,
    windows: BTreeMap<String, String>,
    clerks: BTreeMap<String, String>,
}

impl Kept {
    fn window(&self, case: &Case) -> String {
        let id = case.window.as_str();
        self.windows.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn clerk(&self, account: &str) -> String {
        self.clerks.get(account).cloned().unwrap_or_else(|| account.to_owned())
    }

    fn submitted(&self) -> Option<u64> {
        self.records.iter().find(|(_, kind, _)| *kind == EntryKind::CaseSubmitted).map(|(seq, _, _)| *seq)
    }
}

async fn kept(app: &App, case: &Case) -> Result<Kept, Failure> {
    let (vault, id, no) = (app.book.vault.clone(), case.id.clone(), case.no.to_string());
    read(app, move |db| {
        let mut records = Vec::new();
        for (seq, kind, entry) in ledger::entries_of_case(db, &vault, &id)? {
            let body = entry.body.as_ref().and_then(|body| hall_ledger::cbor::decode(&body.bytes).ok());
            if let Some(record) = body {
                records.push((seq, kind, record));
            }
        }
        let decisive = records.iter().find(|(_, kind, _)| *kind == EntryKind::CaseSubmitted);
        let last = decisive.or(records.last()).map(|(seq, _, _)| *seq);
        Ok::<_, Fault>(Kept {
            receipt: match last {
                Some(seq) => ledger::receipt_covering(db, seq)?,
                None => None,
            },
            records,
            disposition: cases::disposition(db, &id)?,
            findings: findings::of_case(db, &vault, &no)?,
            lapsed: lapsed::of_case(db, &vault, &id)?,
            codes: use_codes::of_case(db, &id)?,
            windows: accounts::windows(db)?.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
            clerks: accounts::displays(db)?,
        })
    })
    .await
}

fn head(case: &Case, kept: &Kept, tier: Tier, now: Timestamp, lang: Lang) -> CaseHead {
    let hours = kept.records.iter().find_map(|(_, _, record)| match record.event {
        CaseEvent::Submitted { hours_offline, .. } => Some(i64::from(hours_offline)),
        _ => None,
    });
    CaseHead {
        id: case.id.to_string(),
        number: case.no.to_string(),
        item: case.item_name.clone(),
        applicant: applicant(case.applicant),
        opened: frame::moment(case.opened_at, now),
        state: state_of(case, tier, kept.disposition),
        mode: match (case.mode, hours) {
            (Some(CaseMode::Offline), Some(0)) => {
                Mode::Offline { down_for: lang.t("不足 1 小时").to_owned() }
            }
            (Some(CaseMode::Offline), Some(hours)) => {
                Mode::Offline { down_for: span(hours * 3_600_000, lang) }
            }
            (Some(CaseMode::Offline), None) => Mode::Offline { down_for: String::new() },
            _ => Mode::Online,
        },
    }
}

fn applicant_number(case: &Case, open: bool) -> String {
    match case.applicant {
        ApplicantKind::Organisation => case.organisation.as_ref().map(|known| known.uscc.to_string()),
        ApplicantKind::Person => case.principal().map(|principal| match (&principal, open) {
            (HolderId::Person(document), true) => document.number().to_owned(),
            (HolderId::Person(document), false) => mask_number(document.number()),
            (HolderId::Organisation(uscc), _) => uscc.to_string(),
        }),
    }
    .unwrap_or_default()
}

fn handled_by(case: &Case, kept: &Kept, lang: Lang) -> String {
    let clerk = format!("{} {}", kept.window(case), kept.clerk(case.clerk.as_str()));
    match case.submission.as_ref().and_then(|done| done.second.as_ref()) {
        Some(second) => lang.fill("{}；复核 {}", &[&clerk, &kept.clerk(second.account.as_str())]),
        None => clerk,
    }
}

fn fate(app: &App, case: &Case, kept: &Kept, now: Timestamp, lang: Lang) -> Vec<Fate> {
    let station = |what: &str, note: String, tone| Fate { what: lang.t(what).to_owned(), note, tone };
    let mut fate = Vec::new();
    match (&case.submission, &case.abandoned) {
        (Some(done), _) => {
            let entry = kept.submitted().map(|seq| lang.fill(" 第 {} 号", &[&(seq + 1)])).unwrap_or_default();
            fate.push(station("已登记", format!("{}{entry}", done.at.to_display()), Tone::Good));
        }
        (None, Some(reason)) => {
            fate.push(station("已终止", lang.t(story::reason_words(reason)).to_owned(), Tone::Plain));
        }
        (None, None) => {}
    }
    fate.push(match &kept.receipt {
        Some(receipt) => {
            let at = frame::moment(receipt.received_at, now);
            station("已送达", lang.fill("{} 省级中心已收存", &[&at]), Tone::Good)
        }
        None if app.book.knowledge.line().up => station("送达", lang.t("正在上传").to_owned(), Tone::Busy),
        None => station("送达", lang.t("线路恢复后上传").to_owned(), Tone::Old),
    });
    if case.submission.is_some() {
        fate.push(match kept.disposition {
            None => station("复核", lang.t("等待省级中心复核").to_owned(), Tone::Busy),
            Some(outcome) => station("复核", judged::name(outcome, lang).to_owned(), judged::tone(outcome)),
        });
    }
    fate
}

fn timeline(kept: &Kept, lang: Lang) -> Vec<TimelineEntry> {
    kept.records
        .iter()
        .map(|(seq, _, record)| {
            let Told { what, by, tone } = story::tell(record, |account| kept.clerk(account), lang);
            TimelineEntry { at: clock(record.at), what, by, entry: seq + 1, tone }
        })
        .collect()
}

/// The time of day to the second.
fn clock(at: Timestamp) -> String {
    let text = at.to_display();
    text.get(11..).map_or_else(|| text.clone(), str::to_owned)
}

/// 用证授权 of a finished case, with the codes of both sides.
fn authorised(
    app: &App,
    case: &Case,
    kept: &Kept,
    serves: bool,
    now: Timestamp,
    lang: Lang,
) -> Option<Authorised> {
    let record = app.desk.consent_record(case)?;
    let purpose = record.pii_processing.purposes.first()?;
    let at = |state: &[EventState]| record.events.iter().find(|event| state.contains(&event.event_state));
    let given = at(&[EventState::ConsentGiven, EventState::LegalBasisNoticed])?;
    let withdrawn = at(&[EventState::ConsentWithdrawn]);
    let agreed = purpose.pii_information.iter().filter(|row| row.agreed).count();
    let refused = purpose.pii_information.len() - agreed;
    let name = |material: &MaterialId| {
        let row = purpose.pii_information.iter().find(|row| row.material == *material);
        row.map(|row| row.pii_type.clone()).unwrap_or_default()
    };
    Some(Authorised {
        basis: purpose.lawful_basis.zh().to_owned(),
        what: match refused {
            _ if purpose.pii_information.is_empty() => lang.t("本次没有使用电子证照。").to_owned(),
            0 => lang.fill("使用证照 {} 项。", &[&agreed]),
            some => lang.fill("使用证照 {} 项，不同意 {} 项。", &[&agreed, &some]),
        },
        proof: format!("{} · {}", frame::moment(given.event_time, now), lang.t(given.evidence_grade.zh())),
        withdrawn: withdrawn.map(|event| frame::moment(event.event_time, now)).unwrap_or_default(),
        receipt: case.paper_mandate.is_none(),
        can_withdraw: serves && matches!(case.consent, Consent::Given { .. }),
        codes: case
            .uses
            .iter()
            .map(|used| Code {
                licence: name(&used.material),
                local: used.use_code.clone(),
                exchanged: kept.codes.get(&used.use_code).cloned().unwrap_or_default(),
            })
            .collect(),
    })
}

fn shown_package(case: &Case, manifest: &Manifest, kept: &Kept) -> Package {
    let digits = |digest: &str| digest.get(..8).unwrap_or(digest).to_owned();
    let state = match kept.disposition.map(judged::tone) {
        _ if matches!(case.consent, Consent::Withdrawn { .. }) => "授权已撤回，证照内容不再显示",
        None => "待复核，未定稿",
        Some(Tone::Good) => "已定稿",
        Some(_) => "未定稿，见复核意见",
    };
    Package {
        id: case.package.as_deref().and_then(|id| id.get(..12)).unwrap_or_default().to_owned(),
        state: state.to_owned(),
        parts: manifest
            .entries
            .iter()
            .map(|part| PackagePart {
                path: part.path.clone(),
                source: source_words(part.source).to_owned(),
                bytes: part.size,
                digest: digits(&part.sha256),
            })
            .collect(),
    }
}

fn source_words(source: ManifestSource) -> &'static str {
    match source {
        ManifestSource::Licence => "电子证照",
        ManifestSource::Form => "受理表单",
        ManifestSource::Consent => "用证授权",
        ManifestSource::Scan => "窗口扫描",
        ManifestSource::Evidence => "核验证据",
        ManifestSource::Receipt => "回执",
    }
}

fn rating(case: &Case) -> Rating {
    match &case.rating {
        RatingState::Waiting { .. } => Rating::Asked,
        RatingState::Rated { level, at, .. } => Rating::Given {
            grade: Grade::try_from(*level).map(|grade| grade.zh().to_owned()).unwrap_or_default(),
            at: at.hm(),
        },
        RatingState::Ended => Rating::Declined,
        RatingState::NotAsked if case.step() == Step::Submitted => Rating::NotAsked,
        RatingState::NotAsked => Rating::Unavailable,
    }
}
