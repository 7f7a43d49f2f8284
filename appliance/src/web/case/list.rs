//! 事项 and 免证清单 on the case page.

use super::alias;
use super::page::{Scene, age_s, decision};
use crate::web::cases::promise;
use crate::web::judged;
use crate::web::pages::Lang;
use crate::web::pages::case::Outcome as ShownOutcome;
use crate::web::pages::steps::{
    Checked, GuideMaterial, How, ItemStep, LicenceCell, LicenceState, MaterialRow, Source,
};
use hall_domain::case::{
    Consent, ListRow, ListedLicence, MaterialState, Mode, Open, PaperMandate, Statement, StatusSource,
};
use hall_domain::{LicenceGrade, LicenceStatus, MaterialHolder, Outcome, Tier};
use hall_ledger::disposition::LicenceFinding;

/// 事项, as the guide has it.
pub fn item_step(scene: &Scene<'_>) -> ItemStep {
    let item = scene.item;
    let kinds = scene.app.book.knowledge.kinds();
    let catalogue = scene.app.book.knowledge.catalogue().map_or(0, |catalogue| catalogue.version());
    ItemStep {
        code: item.code.to_string(),
        department: item.department.clone(),
        promise: promise(item.promise, scene.lang),
        tier: item.tier.zh().to_owned(),
        catalogue,
        materials: item
            .materials
            .iter()
            .map(|material| GuideMaterial {
                name: material.name.clone(),
                required: material.required,
                replaced_by: material
                    .replaced_by
                    .as_ref()
                    .and_then(|kind| kinds.get(kind.as_str()))
                    .map(|kind| kind.name.clone()),
            })
            .collect(),
        offline: offline_words(item.tier, item.offline_t2).to_owned(),
    }
}

fn offline_words(tier: Tier, offline_t2: bool) -> &'static str {
    match tier {
        Tier::T0 => "断网时照常收件。",
        Tier::T1 => "断网时可登记，联网复核后生效。",
        Tier::T2 if offline_t2 => "断网时按容缺受理登记，需第二名窗口人员复核，联网后生效。",
        Tier::T2 => "断网时只收件，联网后再受理。",
        Tier::T3 => "断网时只收件，不作受理。",
    }
}

/// One row for each material.
pub fn rows(scene: &Scene<'_>) -> Vec<MaterialRow> {
    scene.case.list.iter().map(|row| material_row(scene, row)).collect()
}

/// How many licences the citizen will be asked for.
pub fn asked(scene: &Scene<'_>) -> u32 {
    let today = scene.now.local_date();
    let usable =
        scene.case.list.iter().filter(|row| row.licence.as_ref().is_some_and(|found| found.usable(today)));
    u32::try_from(usable.count()).unwrap_or(u32::MAX)
}

/// The policy's outcome for a page.
pub fn outcome(outcome: Outcome) -> ShownOutcome {
    match outcome {
        Outcome::Accept => ShownOutcome::Accept,
        Outcome::AcceptForReview => ShownOutcome::Review,
        Outcome::MaterialsToFollow => ShownOutcome::Following,
        Outcome::ReceiptOnly => ShownOutcome::ReceiptOnly,
        Outcome::No => ShownOutcome::No,
    }
}

fn material_row(scene: &Scene<'_>, row: &ListRow) -> MaterialRow {
    let state = scene.case.material_state(row);
    let how = match state {
        MaterialState::Waived | MaterialState::Waivable => How::Waived,
        MaterialState::ToFollow => How::Following,
        MaterialState::Brought => How::Brought,
        MaterialState::Missing => How::Original,
        MaterialState::Absent => How::Optional,
    };
    MaterialRow {
        id: row.material.to_string(),
        name: row.name.clone(),
        required: row.required,
        how,
        licence: row.licence.as_ref().map(|licence| cell(scene, licence)),
        reason: match row.licence.as_ref().and_then(|licence| lapse(scene, licence)) {
            Some(found) => judged::lapsed(found, scene.lang),
            None => reason(scene, row, state),
        },
        decision: decision(scene.case, row),
        opened: !matches!(scene.case.consent, Consent::Withdrawn { .. })
            && scene.case.uses.iter().any(|used| used.material == row.material),
    }
}

fn reason(scene: &Scene<'_>, row: &ListRow, state: MaterialState) -> String {
    let today = scene.now.local_date();
    let licensed = scene.item.material(&row.material).is_some_and(|material| material.replaced_by.is_some());
    let words = match (state, &row.licence) {
        (MaterialState::Waived, _) if scene.case.paper_brought(&row.material) => "已收到材料。",
        (MaterialState::Waived | MaterialState::Waivable, Some(licence))
            if licence.grade <= LicenceGrade::L2 =>
        {
            "证照信息已超过时限，按容缺办理，联网后复核。"
        }
        (MaterialState::Waivable, _) if scene.case.wants_acknowledgement() => "代办人确认后使用。",
        (MaterialState::Waived | MaterialState::Waivable, _) => "",
        (MaterialState::Brought, _) => "",
        (_, None) if row.material.as_str() == PaperMandate::MATERIAL => "请收委托书原件并扫描上传。",
        (MaterialState::ToFollow, _) => "容缺后补。",
        (_, Some(licence)) if licence.status != LicenceStatus::Valid => "证照状态不可用，请提供纸质原件。",
        (_, Some(licence)) if !licence.usable(today) => "证照已过有效期，请提供现行有效的原件。",
        (_, Some(_)) if matches!(scene.case.consent, Consent::NotAsked) => "没有请办事人授权使用该证照。",
        (_, Some(_)) if matches!(scene.case.consent, Consent::Withdrawn { .. }) => {
            "授权已撤回，请收纸质原件。"
        }
        (_, Some(_)) => "办事人未同意使用该证照。",
        (_, None) if licensed && scene.case.paper_mandate.is_some() => {
            "凭纸质委托书不查、不用委托人的证照，请提供纸质原件。"
        }
        (_, None) if licensed && !scene.case.shown.is_empty() => "手机也没有出示该证照，请提供纸质原件。",
        (_, None) if licensed && scene.case.mode == Some(Mode::Offline) => {
            "本厅没有缓存，可请办事人用手机出示。"
        }
        (_, None) if of_absent_representative(scene, row) => {
            "经办授权人不能授权使用法定代表人的证照，请收复印件或原件。"
        }
        (_, None) if licensed => "没有查到该证照。",
        (_, None) => "该材料没有对应的电子证照。",
    };
    words.to_owned()
}

/// Whether a row asks for a licence of a legal representative whose licences may not stand in this case.
fn of_absent_representative(scene: &Scene<'_>, row: &ListRow) -> bool {
    let holder = scene.item.material(&row.material).map(|material| material.holder);
    holder == Some(MaterialHolder::LegalRepresentative) && scene.case.legal_representative().is_none()
}

/// What the centre found since about a licence that this case used.
fn lapse<'a>(scene: &'a Scene<'_>, licence: &ListedLicence) -> Option<&'a LicenceFinding> {
    scene.lapsed.iter().find(|found| found.licence == licence.id)
}

pub fn cell(scene: &Scene<'_>, licence: &ListedLicence) -> LicenceCell {
    let today = scene.now.local_date();
    let status = match lapse(scene, licence).map_or(licence.status, |found| found.status) {
        // 换发: the one that was used is good no longer.
        LicenceStatus::Valid if lapse(scene, licence).is_some() => LicenceState::Revoked,
        LicenceStatus::Valid if !licence.usable(today) => LicenceState::Expired,
        LicenceStatus::Valid => LicenceState::Valid,
        LicenceStatus::Revoked => LicenceState::Revoked,
        LicenceStatus::Suspended => LicenceState::Suspended,
        LicenceStatus::Changing => LicenceState::Changing,
    };
    let holder = scene.case.shown_name(&licence.holder).unwrap_or_default();
    LicenceCell {
        kind: licence.name.clone(),
        number: licence.issuer.clone(),
        holder,
        under: alias::issued_under(scene, licence.alias),
        status,
        checked: Checked {
            age_s: age_s(scene.now, licence.status_at),
            stale: licence.grade <= LicenceGrade::L2,
            limit: limit(scene.lang, licence),
            source: match (licence.mode, licence.statement.as_ref().map(|statement| statement.status_from)) {
                (Mode::Online, _) => Source::Centre,
                (Mode::Offline, Some(StatusSource::Phone)) => Source::Phone,
                (Mode::Offline, _) => Source::Cache,
            },
            grade: format!("{:?}", licence.grade),
            // 核验说明; a list that was made before there were any has the grade alone.
            grade_words: licence
                .statement
                .as_ref()
                .map_or_else(|| licence.grade.zh().to_owned(), hall_domain::case::Statement::zh),
        },
    }
}

/// What the age of a licence's status means, by the policy with which it was graded.
fn limit(lang: Lang, licence: &ListedLicence) -> String {
    let hours = licence.statement.as_ref().map_or(0, |statement| statement.window_hours);
    let uncached = |statement: &Statement| statement.open.contains(&Open::Cached);
    match licence.grade {
        LicenceGrade::L4 => lang.t("省级中心为本次办理核实").to_owned(),
        LicenceGrade::L3 => lang.fill("在 {} 小时时限内", &[&hours]),
        _ if licence.statement.as_ref().is_some_and(uncached) => {
            lang.t("缓存已过期，须联网重新获取").to_owned()
        }
        _ if hours == 0 => lang.t("本事项须在线核验，离线不算有效").to_owned(),
        _ => lang.fill("已超过 {} 小时时限", &[&hours]),
    }
}
