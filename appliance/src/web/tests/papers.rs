//! What stands on papers that people carry home, and what their codes are good for.

use super::hall::{Browser, Hall, open_case};
use super::receipts::{ADDRESS, LOCAL};
use axum::http::StatusCode;
use ed25519_dalek::SigningKey;
use hall_domain::case::{
    Attachment, CaseEvent, CaseId, CaseNo, Consent, Mode, Organised, PaperChoice, PhoneProof, WithdrawnAt,
};
use hall_domain::{
    Capacity, Carrier, HolderId, IdentityGrade, LicenceStatus, Outcome, Register, Subject, Timestamp, Way,
};
use hall_ledger::Hash;
use hall_ledger::disposition::{Disposition, LicenceFinding, Outcome as Judged};
use hall_ledger::feed::{ConsentWithdrawn, WithdrawnBy};
use hall_ledger::log::{BoxId, LogId};
use hall_ledger::phone::{PaperReceipt, to_qr};
use hall_sync::VerifiedChange;

fn code(case_no: CaseNo, key: &SigningKey) -> String {
    let issued = hall_domain::Timestamp(1_795_000_000_000);
    let log = LogId::new(BoxId([7; 16]), 1);
    to_qr(&PaperReceipt { issued, log, seq: 3, leaf: Hash::of(b"entry"), case_no }.sign(key))
}

#[tokio::test]
async fn a_printed_receipt_scanned_into_the_search_opens_its_case_and_a_forged_one_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Online).await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let no = hall.app.desk.case(&id).await.unwrap().no.clone();
    browser.get("/cases").await;
    let scanned = code(no.clone(), hall.app.book.key());
    let found = browser.post("/cases/search", &[("q", &scanned.to_lowercase())]).await;
    assert_eq!((found.status, found.to()), (StatusCode::SEE_OTHER, &*format!("/cases/{id}")));
    let forged = code(no, &SigningKey::from_bytes(&[9; 32]));
    let refused = browser.post("/cases/search", &[("q", &forged)]).await;
    assert_eq!(refused.to(), "/cases");
    let page = browser.get("/cases").await.text;
    assert!(page.contains("不是本厅一体机打印的回执"), "{page}");
}

/// 王芳 with her phone, in this capacity.
fn proven(capacity: Capacity) -> CaseEvent {
    let people: Register = toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap();
    let card = people.person("wang-fang").unwrap().card.clone();
    CaseEvent::Proven {
        way: Way::ServiceCode,
        grade: IdentityGrade::I3,
        subject: Box::new(Subject { document: card.document, name: card.name, capacity }),
        attested_at: Timestamp(1_795_000_000_000),
        proof: PhoneProof { message: "00".into(), nonce: "01".into(), carrier: Carrier::Line },
    }
}

async fn papers(browser: &mut Browser<'_>, id: &CaseId) -> String {
    let a4 = browser.get(&format!("/cases/{id}/receipt?size=a4")).await;
    let slip = browser.get(&format!("/cases/{id}/receipt?size=slip")).await;
    assert_eq!((a4.status, slip.status), (StatusCode::OK, StatusCode::OK), "{}", a4.text);
    let facts = |page: &str| {
        let facts = page.split("<dl class=\"facts\">").nth(1).unwrap();
        facts.split("</dl>").next().unwrap().to_owned()
    };
    assert_eq!(facts(&a4.text), facts(&slip.text));
    facts(&a4.text)
}

#[tokio::test]
async fn a_receipt_names_the_principal_first_and_then_who_stood_there_and_as_what() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let until = Timestamp(1_895_000_000_000);
    let principal: HolderId = "111:51990019720211003X".parse().unwrap();
    let name = "徐浩".to_owned();
    let delegate =
        Capacity::Delegate { principal, principal_name: name.clone(), item: None, until, place: 5 };
    let id = open_case(&mut browser).await;
    hall.happens(&id, vec![proven(delegate)]).await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let facts = papers(&mut browser, &id).await;
    let (first, second) = (facts.find("申请人（委托人）").unwrap(), facts.find("代办人").unwrap());
    assert!(first < second && facts.find("徐*").unwrap() < second, "{facts}");
    assert!(facts[second..].contains("王*") && facts[second..].contains("519***********0241"), "{facts}");
    assert!(!facts.contains("徐浩") && !facts.contains("51990019720211003X"), "{facts}");
    assert!(facts.contains("519***********003X") && !facts.contains("<dt>办事人"), "{facts}");
    // The record shows the number of the person whose name stands beside it.
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let record = colleague.get(&format!("/cases/{id}")).await.text;
    let applicant = record.split("<dd class=\"num-line\">").nth(1).unwrap().split("</dd>").next().unwrap();
    assert!(applicant.contains("徐*") && applicant.contains("003X"), "{applicant}");

    let uscc: hall_domain::Uscc = "91519900MATE5T1132".parse().unwrap();
    let company = "示例县清源餐饮服务有限公司".to_owned();
    let id = open_case(&mut browser).await;
    let named = Organised { uscc: uscc.clone(), register: None, checked_at: None };
    let agent = Capacity::Agent { uscc: uscc.clone(), name: company, until, place: 6 };
    hall.happens(&id, vec![CaseEvent::OrganisationNamed { organisation: named }, proven(agent)]).await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let facts = papers(&mut browser, &id).await;
    for said in ["申请单位", "示例县清源餐饮服务有限公司", uscc.as_str(), "经办授权人", "王*"]
    {
        assert!(facts.contains(said), "{said}: {facts}");
    }
    assert!(!facts.contains("代办人") && !facts.contains("<dt>办事人"), "{facts}");

    let id = hall.consented(&mut browser, Mode::Online).await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let facts = papers(&mut browser, &id).await;
    assert!(facts.contains("<dt>办事人</dt><dd>王*"), "{facts}");
}

#[tokio::test]
async fn the_record_of_a_case_that_was_given_up_offers_no_receipt() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    browser.post(&format!("/cases/{id}/abandon"), &[("reason", "left")]).await;
    let page = browser.get(&format!("/cases/{id}")).await.text;
    assert!(page.contains("已终止") && page.contains("恢复办理"), "{page}");
    assert!(!page.contains("/receipt?size="), "{page}");
    let submitted = hall.consented(&mut browser, Mode::Online).await;
    hall.submits(&submitted, Outcome::Accept, Mode::Online).await;
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let page = colleague.get(&format!("/cases/{submitted}")).await.text;
    for size in ["slip", "a4"] {
        assert!(page.contains(&format!("/cases/{submitted}/receipt?size={size}")), "{page}");
    }
}

/// The centre sends a case back: its 居民身份证 had been revoked.
async fn revoked(hall: &Hall, id: &CaseId, outcome: Judged, ms_after_use: i64) -> Disposition {
    let used = hall.app.desk.case(id).await.unwrap().uses[0].clone();
    let used_at = hall.app.book.clock.now();
    let found = LicenceFinding {
        licence: used.licence,
        name: "居民身份证".to_owned(),
        status: LicenceStatus::Revoked,
        since: used_at.plus_ms(ms_after_use),
        used_at,
        box_knew: false,
    };
    Disposition { findings: vec![found], ..hall.disposition(id, outcome).await }
}

#[tokio::test]
async fn the_page_of_a_returned_case_says_why_and_leads_to_the_finding() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Offline).await;
    hall.submits(&id, Outcome::ReceiptOnly, Mode::Offline).await;
    let before = browser.get(&format!("/cases/{id}")).await.text;
    assert!(before.contains("窗口的话。") && before.contains("下一位"), "{before}");
    let returned = revoked(&hall, &id, Judged::ReturnedRevoked, -1).await;
    let why = returned.sentence();
    hall.judged(1, returned).await;
    let page = browser.get(&format!("/cases/{id}")).await.text;
    assert!(page.contains("下一位"), "this is the clerk's own page: {page}");
    assert!(page.contains(&why) && page.contains("/findings?show=all#"), "{page}");
    assert!(page.contains("已退回") && !page.contains("窗口的话。"), "{page}");
}

#[tokio::test]
async fn a_copy_of_a_licence_that_was_revoked_says_so_in_print_and_on_the_record() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    for (n, outcome, after, past) in
        [(1, Judged::ReturnedRevoked, -1, false), (2, Judged::PassedRevokedLater, 1, true)]
    {
        let id = hall.consented(&mut browser, Mode::Offline).await;
        hall.submits(&id, Outcome::AcceptForReview, Mode::Offline).await;
        let mut colleague = hall.at_window("zhao.min", "W02").await;
        colleague.get(&format!("/cases/{id}")).await;
        let before = colleague.post(&format!("/cases/{id}/licences/m1"), &[]).await.text;
        assert!(
            before.contains(ADDRESS) && before.contains(LOCAL) && !before.contains("不得再使用"),
            "{before}"
        );
        let judged = revoked(&hall, &id, outcome, after).await;
        let since = judged.findings[0].since.local_date();
        hall.judged(n, judged).await;
        let copy = colleague.post(&format!("/cases/{id}/licences/m1"), &[]).await.text;
        let said = format!("该证照已于 {since} 失效，不得再使用");
        assert!(copy.contains(&said) && copy.contains("已失效 不得再使用</text>"), "{copy}");
        assert_eq!(copy.contains("本次用证在此之前"), past, "{copy}");
        let record = colleague.get(&format!("/cases/{id}")).await.text;
        let rows = record.split("<table class=\"rows materials\">").nth(1).unwrap();
        let row = rows.split("</tr>").find(|row| row.contains("<td>居民身份证")).unwrap();
        assert!(row.contains(&said) && !row.contains("有效</span>"), "{row}");
    }
}

#[tokio::test]
async fn a_withdrawal_is_explained_and_confirmed_on_the_step_as_on_the_record() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Online).await;
    let explained = |page: &str| {
        let form = page.split("<summary>办事人撤回授权</summary>").nth(1).expect("it opens first");
        let form = form.split("</details>").next().unwrap().to_owned();
        assert_eq!(page.matches(&format!("/cases/{id}/withdraw")).count(), 1, "nothing else withdraws");
        form
    };
    let step = explained(&browser.get(&format!("/cases/{id}?step=consent")).await.text);
    assert!(step.contains("撤回即时生效，不能恢复") && step.contains("确认撤回授权"), "{step}");
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let record = explained(&colleague.get(&format!("/cases/{id}")).await.text);
    let words = |form: &str| form.split("<p>").nth(1).unwrap().to_owned();
    assert_eq!(words(&step), words(&record));
}

fn scan(id: u32, material: Option<&str>) -> CaseEvent {
    CaseEvent::AttachmentAdded {
        attachment: Attachment {
            id,
            material: material.map(|id| id.parse().unwrap()),
            name: "王芳的材料.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size: 9,
            sha256: "00".repeat(32),
            blob: "00".repeat(32),
        },
    }
}

#[tokio::test]
async fn a_receipt_lists_what_was_handed_over_and_masks_use_codes_like_the_other_paper() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Online).await;
    let m2 = "m2".parse().unwrap();
    let original = CaseEvent::PaperChosen { material: m2, choice: PaperChoice::Original };
    hall.happens(&id, vec![original, scan(1, Some("m2")), scan(2, Some("m2")), scan(3, None)]).await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    for size in ["a4", "slip"] {
        let paper = browser.get(&format!("/cases/{id}/receipt?size={size}")).await.text;
        for said in
            ["已收的材料", "居民户口簿</td><td>已收原件，已收扫描件 2 份", "其他附件</td><td>已收扫描件 1 份"]
        {
            assert!(paper.contains(said), "{said}: {paper}");
        }
        assert!(!paper.contains(LOCAL) && !paper.contains("王芳"), "{paper}");
        assert!(paper.contains(&hall_domain::mask_number(LOCAL)), "{paper}");
    }
    let without = hall.consented(&mut browser, Mode::Online).await;
    hall.submits(&without, Outcome::Accept, Mode::Online).await;
    let paper = browser.get(&format!("/cases/{without}/receipt")).await.text;
    assert!(!paper.contains("已收的材料"), "{paper}");
}

/// 待处理 is the hall's own desk: a paper says what to bring, to whom, until when.
#[tokio::test]
async fn no_paper_sends_the_citizen_to_a_desk_that_only_the_hall_has() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    for (n, outcome) in (1..).zip(Judged::ALL) {
        let id = hall.consented(&mut browser, Mode::Offline).await;
        hall.submits(&id, Outcome::AcceptForReview, Mode::Offline).await;
        let deadline = Some("2026-12-05".parse::<hall_domain::Date>().unwrap().end());
        hall.judged(n, Disposition { deadline, ..hall.disposition(&id, outcome).await }).await;
        let paper = browser.get(&format!("/cases/{id}/receipt")).await.text;
        let paper = paper.split("<main").nth(1).unwrap();
        assert!(!paper.contains("待处理"), "{outcome:?}: {paper}");
        let where_to = match outcome {
            Judged::Conditional => "请在 2026-12-05 前，带上还要补交的材料和本回执",
            Judged::ReturnedRevoked | Judged::ReturnedMandate | Judged::ReturnedHolder => "任一窗口重新",
            Judged::ReturnedDuplicate => "以先受理的为准",
            Judged::DoubtfulClock | Judged::Conflict => "12345",
            Judged::Ratified | Judged::PassedRevokedLater => "已复核通过",
        };
        assert!(paper.contains(where_to), "{outcome:?}: {paper}");
    }
}

#[tokio::test]
async fn a_paper_about_a_look_by_office_does_not_speak_of_an_authorisation() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    let case = hall.identified(&id, "li.qiang", "wang-fang").await;
    let rows = hall.listed(&case, Mode::Online);
    let asked = hall.asked(&case, &rows, Some("《社会保险法》第七十四条"));
    let noticed = CaseEvent::OfficeNoticed { command: "01ASK".parse().unwrap(), answer: "{}".to_owned() };
    hall.happens(
        &id,
        vec![CaseEvent::Listed { mode: Mode::Online, rows, aliased: Vec::new() }, asked, noticed],
    )
    .await;
    let told = browser.get(&format!("/cases/{id}/consent-receipt")).await.text;
    assert!(told.contains("只证明已告知您依职能查验") && told.contains("《社会保险法》第七十四条"), "{told}");
    assert!(!told.contains("只证明用证授权") && !told.contains("授权是否还有效"), "{told}");
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let paper = browser.get(&format!("/cases/{id}/receipt")).await.text;
    assert!(paper.contains("对依职能查验有异议的") && !paper.contains("对用证授权有疑问"), "{paper}");
}

#[tokio::test]
async fn the_record_says_where_an_authorisation_was_taken_back() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let ways = [
        (WithdrawnBy::Citizen, WithdrawnAt::Phone, "手机", "办事人已在手机上撤回"),
        (WithdrawnBy::Principal, WithdrawnAt::Phone, "手机", "委托人已在手机上撤回"),
        (WithdrawnBy::Centre, WithdrawnAt::Centre, "省级中心", "请省级中心撤回"),
    ];
    for (seq, (by, place, shown, finding)) in (1..).zip(ways) {
        let id = hall.consented(&mut browser, Mode::Online).await;
        hall.submits(&id, Outcome::Accept, Mode::Online).await;
        let case_no = hall.app.desk.case(&id).await.unwrap().no.to_string();
        let at = hall.app.book.clock.now();
        hall.fed(seq, at, VerifiedChange::ConsentWithdrawn(ConsentWithdrawn { case_no, at, by })).await;
        let case = hall.app.desk.case(&id).await.unwrap();
        assert!(matches!(&case.consent, Consent::Withdrawn { place: kept, .. } if *kept == place), "{by:?}");
        let record = colleague.get(&format!("/cases/{id}")).await.text;
        let entry =
            record.split("<li ").find(|line| line.contains("办事人撤回授权，证照内容已移除")).unwrap();
        assert!(entry.contains(&format!("{shown} ·")), "{entry}");
        assert!(record.contains(finding), "{record}");
    }
}
