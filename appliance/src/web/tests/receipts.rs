//! Consent receipts, withdrawal on the record page, what papers may say, and the codes that the centre exchanges.

use super::hall::{Browser, Hall, open_case};
use crate::store::{cases, findings};
use crate::sync_store::SyncStore;
use crate::web::cases::state_of;
use crate::web::pages::cases::CaseState;
use axum::http::StatusCode;
use ed25519_dalek::SigningKey;
use hall_domain::case::{
    Case, CaseEvent, CaseId, LicenceUse, ListRow, ListedLicence, Mode, OfficeGround, Secondary,
};
use hall_domain::consent::record::ConsentRecord;
use hall_domain::consent::{ConsentRequest, ConsentRow};
use hall_domain::{HolderId, Judgement, LicenceGrade, LicenceStatus, Outcome, Tier, Timestamp};
use hall_ledger::cose::Signed;
use hall_ledger::disposition::{Disposition, ExchangedCode, Outcome as Judged};
use hall_ledger::feed::Lane;
use hall_ledger::log::{BoxId, LogId};
use hall_ledger::phone::UseCode;
use hall_sync::{Store, VerifiedChange, VerifiedItem, VerifiedPage};

pub(super) const ADDRESS: &str = "四川省安澜市桐花街道听雨路18号3栋502室";
pub(super) const LOCAL: &str = "LX-990100-00000001";
const KINDS: [(&str, &str); 2] = [("m1", "居民身份证"), ("m2", "居民户口簿")];

impl Hall {
    pub(super) async fn happens(&self, id: &CaseId, events: Vec<CaseEvent>) {
        let (book, id, now) = (self.app.book.clone(), id.clone(), self.app.book.clock.now());
        let by = "li.qiang".parse().unwrap();
        let change = move |tx: &_| book.change_case(tx, &id, &by, now, |_| Ok(events));
        self.app.book.db.write(move |tx| change(tx)).await.unwrap();
    }

    /// Two licences of whoever stands there.
    pub(super) fn listed(&self, case: &Case, mode: Mode) -> Vec<ListRow> {
        let holder = case.principal().unwrap();
        KINDS.iter().map(|(id, name)| listed(id, name, &holder, mode)).collect()
    }

    /// The page that asks for them, or tells of them by this law.
    pub(super) fn asked(&self, case: &Case, rows: &[ListRow], basis: Option<&str>) -> CaseEvent {
        let mode = rows[0].licence.as_ref().unwrap().mode;
        let now = self.app.book.clock.now();
        let supervisor = || Secondary { account: "zhou.ning".parse().unwrap(), at: now };
        CaseEvent::ConsentAsked {
            request: Box::new(request(case, rows, mode)),
            digest: "sha-256:5f1c".to_owned(),
            command: "01ASK".parse().unwrap(),
            device: "ev-1".to_owned(),
            deadline: now,
            phone: None,
            office: basis.map(|basis| OfficeGround { basis: basis.to_owned(), supervisor: supervisor() }),
        }
    }

    /// A case of 王芳 in which one licence was agreed to and opened, and one refused.
    pub(super) async fn consented(&self, browser: &mut Browser<'_>, mode: Mode) -> CaseId {
        let id = open_case(browser).await;
        let case = self.identified(&id, "li.qiang", "wang-fang").await;
        let rows = self.listed(&case, mode);
        let asked = self.asked(&case, &rows, None);
        let used = LicenceUse {
            alias: None,
            material: "m1".parse().unwrap(),
            licence: rows[0].licence.as_ref().unwrap().id.clone(),
            kind: rows[0].licence.as_ref().unwrap().kind.clone(),
            version: 1,
            use_code: LOCAL.to_owned(),
            envelope: "7c1e90af33d28b64".repeat(4),
            opened: [("address".parse().unwrap(), ADDRESS.to_owned())].into(),
            grade: LicenceGrade::L3,
            status_at: self.app.book.clock.now(),
            mode,
            statement: None,
        };
        let given = CaseEvent::ConsentGiven {
            command: "01ASK".parse().unwrap(),
            refused: ["m2".parse().unwrap()].into(),
            answer: "{}".to_owned(),
        };
        let filled = CaseEvent::FormFilled { fields: Default::default() };
        let opened = CaseEvent::LicencesUsed { uses: vec![used] };
        self.happens(
            &id,
            vec![CaseEvent::Listed { mode, rows, aliased: Vec::new() }, asked, given, opened, filled],
        )
        .await;
        id
    }

    pub(super) async fn submits(&self, id: &CaseId, outcome: Outcome, mode: Mode) {
        let judgement = Judgement { outcome, sentence: "窗口的话。".to_owned(), raise: None };
        let event = CaseEvent::Submitted {
            judgement,
            mode,
            second: None,
            supervisor: None,
            follow: None,
            hours_offline: 1,
        };
        self.happens(id, vec![event]).await;
        self.app.desk.seal(id).await.unwrap();
    }

    pub(super) fn view(&self) -> SyncStore {
        let (book, live) = (self.app.book.clone(), self.app.live.clone());
        SyncStore::new(book, live, self.folder.clone(), std::env::temp_dir())
    }

    /// The centre's judgement comes down the feed.
    pub(super) async fn judged(&self, seq: u64, disposition: Disposition) {
        let signed = Signed::sign(&disposition, &SigningKey::from_bytes(&[7; 32]));
        let at = disposition.decided_at;
        self.fed(seq, at, VerifiedChange::Disposition { disposition: Box::new(disposition), signed }).await;
    }

    /// Something else comes down the feed.
    pub(super) async fn fed(&self, seq: u64, at: Timestamp, change: VerifiedChange) {
        let items = vec![VerifiedItem { seq, at, hot: None, change }];
        let page = VerifiedPage { lane: Lane::Main, after: seq - 1, last: seq, items, hot: None };
        self.view().apply(page).await.unwrap();
    }

    pub(super) async fn disposition(&self, id: &CaseId, outcome: Judged) -> Disposition {
        let case = self.app.desk.case(id).await.unwrap();
        Disposition {
            log: LogId::new(BoxId([7; 16]), 1),
            seq: 9,
            case_no: case.no.to_string(),
            outcome,
            findings: Vec::new(),
            other_case: None,
            deadline: None,
            decided_at: self.app.book.clock.now(),
            use_codes: None,
            recheck_until: None,
        }
    }
}

fn listed(material: &str, name: &str, holder: &HolderId, mode: Mode) -> ListRow {
    let licence = "1.2.156.3005.2.11100000000013127D001.11519900MBTE5T0968.000000000000001.001.3";
    ListRow {
        material: material.parse().unwrap(),
        name: name.to_owned(),
        required: true,
        licence: Some(ListedLicence {
            alias: None,
            id: licence.parse().unwrap(),
            kind: "11100000000013127D001".parse().unwrap(),
            name: name.to_owned(),
            holder: holder.clone(),
            issuer: "安澜市公安局".to_owned(),
            valid_until: None,
            version: 1,
            status: LicenceStatus::Valid,
            checked_at: Timestamp(1),
            status_at: Timestamp(1),
            mode,
            grade: LicenceGrade::L3,
            envelope: "00".to_owned(),
            fields: vec!["address".parse().unwrap()],
            statement: None,
        }),
    }
}

fn request(case: &Case, rows: &[ListRow], mode: Mode) -> ConsentRequest {
    let asked = rows.iter().map(|row| {
        let licence = row.licence.as_ref().unwrap();
        ConsentRow {
            alias: None,
            material: row.material.clone(),
            licence: licence.id.clone(),
            kind: licence.kind.clone(),
            name: licence.name.clone(),
            holder: licence.holder.clone(),
            fields: licence.fields.clone(),
            labels: vec!["住址".to_owned()],
            required: true,
        }
    });
    ConsentRequest {
        case_no: case.no.clone(),
        item: case.item.clone(),
        item_name: case.item_name.clone(),
        department: "安澜市公安局".to_owned(),
        hall: case.hall.clone(),
        window: case.window.clone(),
        person: case.principal().unwrap(),
        person_name: case.identity.as_ref().unwrap().name.clone(),
        on_behalf_of: None,
        rows: asked.collect(),
        text_version: "auth-2026-11".to_owned(),
        offline: mode == Mode::Offline,
        asked_at: case.updated_at,
    }
}

#[tokio::test]
async fn a_consent_receipt_says_what_was_agreed_to_and_nobodys_number() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let bare = open_case(&mut browser).await;
    let none = browser.get(&format!("/cases/{bare}/consent-receipt")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "nobody has agreed to anything");
    let id = hall.consented(&mut browser, Mode::Offline).await;
    for size in ["a4", "slip"] {
        let page = browser.get(&format!("/cases/{id}/consent-receipt?size={size}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        for said in [
            "用证授权回执",
            "同意使用证照 1 项，不同意 1 项",
            "离线核验，联网后复核",
            "居民身份证",
            "住址",
            "居民户口簿",
            "1 号窗口",
            "持证人授权",
            "仅本次办件有效",
            "省级中心撤回",
            "王*",
            "<svg",
        ] {
            assert!(page.text.contains(said), "{said}: {}", page.text);
        }
        for kept in ["王芳", "519900198805160241", LOCAL, ADDRESS] {
            assert!(!page.text.contains(kept), "{kept} stands on a paper that anybody may find");
        }
    }
    let online = hall.consented(&mut browser, Mode::Online).await;
    let page = browser.get(&format!("/cases/{online}/consent-receipt")).await.text;
    assert!(!page.contains("离线核验"), "{page}");
    assert!(
        browser.get(&format!("/cases/{id}?step=consent")).await.text.contains("/consent-receipt?size=slip")
    );
}

#[tokio::test]
async fn the_package_holds_the_consent_record_and_it_names_nobody() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Offline).await;
    hall.submits(&id, Outcome::AcceptForReview, Mode::Offline).await;
    let case = hall.app.desk.case(&id).await.unwrap();
    let package = hall.app.desk.package(&case).await.unwrap().unwrap();
    let part = package.entries.iter().find(|part| part.path == "consent/record.json").unwrap();
    let record = hall.app.desk.consent_record(&case).unwrap();
    let bytes = serde_json::to_vec_pretty(&record).unwrap();
    assert_eq!(part.size, bytes.len() as u64, "the record of the case is the one in the package");
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("王芳") && !text.contains("519900198805160241"), "{text}");
    let again: ConsentRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(again.header.pii_principal_id.len(), 64);
    let other = hall.consented(&mut browser, Mode::Offline).await;
    let other = hall.app.desk.consent_record(&hall.app.desk.case(&other).await.unwrap()).unwrap();
    assert_ne!(
        other.header.pii_principal_id, again.header.pii_principal_id,
        "two cases of one person cannot be told to be of one"
    );
}

#[tokio::test]
async fn a_withdrawal_after_submission_takes_effect_at_once_and_any_clerk_takes_it_in() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Online).await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let page = colleague.get(&format!("/cases/{id}")).await.text;
    assert!(page.contains("确认撤回授权") && page.contains("撤回即时生效，不能恢复"), "{page}");
    let seen = colleague.post(&format!("/cases/{id}/licences/m1"), &[]).await;
    assert!(seen.text.contains(ADDRESS), "{}", seen.text);
    colleague.get(&format!("/cases/{id}")).await;

    let done = colleague.post(&format!("/cases/{id}/withdraw"), &[]).await;
    assert_eq!(done.to(), format!("/cases/{id}"));
    assert_eq!(hall.entries("consent.withdrawn").await, 1);
    let page = colleague.get(&format!("/cases/{id}")).await.text;
    for said in ["办事人撤回授权，证照内容已移除", "授权已撤回，证照内容不再显示", "已撤回"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains(ADDRESS) && !page.contains("确认撤回授权"), "{page}");
    assert!(!page.contains(&format!("/cases/{id}/licences/")), "there is nothing left to look at");
    let before = hall.entries("clerk.action").await;
    for who in [&mut colleague, &mut browser] {
        who.get("/cases").await;
        let refused = who.post(&format!("/cases/{id}/licences/m1"), &[]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert!(refused.text.contains("R151") && !refused.text.contains(ADDRESS), "{}", refused.text);
    }
    assert_eq!(hall.entries("clerk.action").await, before, "nothing was seen");
    let again = colleague.post(&format!("/cases/{id}/withdraw"), &[]).await;
    assert_eq!((again.status, hall.entries("consent.withdrawn").await), (StatusCode::SEE_OTHER, 1));
    let paper = colleague.get(&format!("/cases/{id}/consent-receipt")).await.text;
    assert!(paper.contains("授权已于") && paper.contains("撤回"), "{paper}");
    let mut reviewer = hall.signed_in("review").await;
    reviewer.get("/cases").await;
    let refused = reviewer.post(&format!("/cases/{id}/withdraw"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_record_without_consent_has_none_to_withdraw() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    hall.happens(&id, vec![CaseEvent::Listed { mode: Mode::Online, rows: Vec::new(), aliased: Vec::new() }])
        .await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    assert!(!colleague.get(&format!("/cases/{id}")).await.text.contains("/withdraw"));
    let refused = colleague.post(&format!("/cases/{id}/withdraw"), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("R149") || refused.text.contains("没有可撤回的授权"), "{}", refused.text);
}

/// OpenCRVS: a certificate was printed and the record was still not registered.
#[tokio::test]
async fn nothing_printed_says_accepted_before_the_centre_ratified_it() {
    const WORDS: [&str; 4] = ["已受理", "已登记完成", "办理完成", "受理回执"];
    let outcomes =
        [Outcome::ReceiptOnly, Outcome::MaterialsToFollow, Outcome::AcceptForReview, Outcome::Accept];
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    for outcome in outcomes {
        let id = hall.consented(&mut browser, Mode::Offline).await;
        hall.submits(&id, outcome, Mode::Offline).await;
        let no = hall.app.desk.case(&id).await.unwrap().no.to_string();
        let judgements = [None].into_iter().chain(Judged::ALL.map(Some));
        for judged in judgements {
            if let Some(judged) = judged {
                let no = no.clone();
                hall.write(move |tx| cases::set_disposition(tx, &no, judged)).await;
            }
            let passed = matches!(judged, Some(Judged::Ratified | Judged::PassedRevokedLater));
            let printed = [
                format!("/cases/{id}/receipt?size=a4"),
                format!("/cases/{id}/receipt?size=slip"),
                format!("/cases/{id}/consent-receipt?size=a4"),
                format!("/cases/{id}/consent-receipt?size=slip"),
                format!("/cases/{id}"),
            ];
            for path in printed {
                let page = colleague.get(&path).await;
                assert_eq!(page.status, StatusCode::OK, "{path}");
                let said = page.text.split("<main").nth(1).unwrap();
                // 容缺受理回执 is a receipt of another kind.
                let said = said.replace("容缺受理回执", "");
                for word in WORDS {
                    assert!(
                        passed || !said.contains(word),
                        "{outcome:?} {judged:?} {path} says {word}: {said}"
                    );
                }
            }
            let receipt = colleague.get(&format!("/cases/{id}/receipt")).await.text;
            let accepted = passed && outcome != Outcome::ReceiptOnly;
            assert_eq!(receipt.contains("已受理"), accepted, "{outcome:?} {judged:?}: {receipt}");
        }
    }
}

/// A list says of a case what its paper says.
#[tokio::test]
async fn the_list_calls_a_case_accepted_only_when_its_tier_leaves_nothing_to_review() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Online).await;
    hall.submits(&id, Outcome::Accept, Mode::Online).await;
    let case = hall.app.desk.case(&id).await.unwrap();
    let states = Tier::ALL.map(|tier| state_of(&case, tier, None));
    assert_eq!(
        states,
        [CaseState::Accepted, CaseState::Accepted, CaseState::Review, CaseState::Review],
        "by tier, lowest first"
    );
    assert_eq!(state_of(&case, Tier::T3, Some(Judged::Ratified)), CaseState::Passed);
    let item = hall.app.book.knowledge.catalogue().unwrap().item(&case.item).unwrap().tier;
    let shown = state_of(&case, item, None).zh();
    let list = browser.get("/cases?show=all").await.text;
    assert!(list.contains(shown), "{shown}: {list}");
}

#[tokio::test]
async fn form_and_check_show_the_number_of_who_is_here_masked_until_somebody_asks_and_the_name_always() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Offline).await;
    let (number, name) = ("519900198805160241", "王芳");
    let case = hall.app.desk.case(&id).await.unwrap();
    let item = hall.app.desk.item_of(&case).await.unwrap();
    let from =
        |wanted: &str| item.form.iter().find(|field| field.key.as_str() == wanted).unwrap().key.clone();
    let attested = |value: &str| hall_domain::form::FieldState {
        value: value.to_owned(),
        attested: Some(hall_domain::form::Attested {
            value: value.to_owned(),
            by: hall_domain::form::AttestedBy::Card,
        }),
        ..Default::default()
    };
    let fields = [(from("number"), attested(number)), (from("name"), attested(name))].into();
    hall.happens(&id, vec![CaseEvent::FormFilled { fields }]).await;
    for step in ["form", "submit"] {
        let page = browser.get(&format!("/cases/{id}?step={step}")).await.text;
        assert!(page.contains(name) && page.contains("519***********0241"), "{step}: {page}");
        assert!(!page.contains(number), "{step}");
    }
    browser.post(&format!("/cases/{id}/unmask"), &[("what", "applicant")]).await;
    for step in ["form", "submit"] {
        assert!(browser.get(&format!("/cases/{id}?step={step}")).await.text.contains(number), "{step}");
    }
}

#[tokio::test]
async fn the_provinces_use_code_stands_beside_the_boxs_and_never_over_it() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Offline).await;
    hall.submits(&id, Outcome::AcceptForReview, Mode::Offline).await;
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let before = colleague.get(&format!("/cases/{id}")).await.text;
    assert!(before.contains(LOCAL) && before.contains("复核通过后兑换"), "{before}");
    let code = UseCode::new(17);
    let exchanged = ExchangedCode { local: LOCAL.to_owned(), code };
    let judged =
        Disposition { use_codes: Some(vec![exchanged]), ..hall.disposition(&id, Judged::Ratified).await };
    hall.judged(1, judged.clone()).await;
    hall.judged(2, judged).await;
    let after = colleague.get(&format!("/cases/{id}")).await.text;
    assert!(after.contains(LOCAL) && after.contains(code.as_str()), "{after}");
    assert!(!after.contains("复核通过后兑换"), "{after}");
    let case = hall.app.desk.case(&id).await.unwrap();
    assert_eq!(case.uses[0].use_code, LOCAL, "what the ledger says stays");
}

#[tokio::test]
async fn a_case_that_was_drawn_for_a_second_look_stands_and_waits_for_a_reviewer_until_one_has_looked() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Offline).await;
    hall.submits(&id, Outcome::AcceptForReview, Mode::Offline).await;
    let until = Some(hall.app.book.clock.now().plus_hours(168));
    let passed = Disposition { recheck_until: until, ..hall.disposition(&id, Judged::Ratified).await };
    hall.judged(1, passed.clone()).await;
    let mut reviewer = hall.signed_in("review").await;
    let page = reviewer.get("/findings").await.text;
    assert!(page.contains("抽查") && page.contains("期限") && page.contains("照常生效"), "{page}");
    assert!(reviewer.get(&format!("/cases/{id}")).await.text.contains("复核通过"));
    let looked = [("note", "材料与表单一致，同意。")];
    reviewer.get("/findings").await;
    reviewer.post("/findings/f-1/acknowledge", &[]).await;
    assert_eq!(reviewer.post("/findings/f-1/handled", &looked).await.to(), "/findings");
    assert_eq!(hall.entries("disposition.seen").await, 1);
    // The centre says it again, as after a restore: it has been looked at.
    hall.judged(2, passed).await;
    assert_eq!(hall.read(findings::open_count).await, 0);
}

/// OpenCRVS: a record that was unassigned at the centre was overwritten by what had been done offline.
#[tokio::test]
async fn a_case_changed_at_the_centre_while_the_hall_was_offline_is_a_conflict_and_overwrites_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut browser, Mode::Offline).await;
    hall.submits(&id, Outcome::AcceptForReview, Mode::Offline).await;
    let before = hall.app.desk.case(&id).await.unwrap();
    let conflict = Disposition {
        other_case: Some("990200-20261121-00007".to_owned()),
        deadline: Some(hall.app.book.clock.now().plus_hours(-1)),
        ..hall.disposition(&id, Judged::Conflict).await
    };
    hall.judged(1, conflict.clone()).await;
    hall.judged(2, conflict).await;
    assert_eq!(hall.app.desk.case(&id).await.unwrap(), before, "what the hall recorded stays as it was");
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let page = colleague.get("/findings").await.text;
    for said in ["冲突", "990200-20261121-00007", "以哪一份为准", "已过期限", "1 件已超期"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains(&format!("/cases/{id}")), "it leads to the case");
    let receipt = colleague.get(&format!("/cases/{id}/receipt")).await.text;
    assert!(!receipt.contains("已受理"), "{receipt}");
    let count = hall.read(findings::open_count).await;
    assert_eq!(count, 1, "told once");
}

/// OpenCRVS: one user's outbox was shown to the next user of the same computer.
#[tokio::test]
async fn what_one_clerk_has_not_sent_is_never_in_the_next_clerks_hands() {
    let hall = Hall::new().await.with_catalogue();
    let mut first = hall.at_window("li.qiang", "W01").await;
    let id = hall.consented(&mut first, Mode::Offline).await;
    let number = "519900198805160241";
    first.get("/cases").await;
    first.post(&format!("/cases/{id}/unmask"), &[("what", "applicant")]).await;
    first.post("/cases/search", &[("q", "王芳")]).await;
    first.post("/sign-out", &[]).await;
    // The same computer, the same window, another clerk.
    first.get("/sign-in").await;
    first.post("/sign-in", &[("account", "zhao.min"), ("password", super::hall::PASSWORD)]).await;
    first.get("/cases").await;
    first.post("/window", &[("window", "W01"), ("next", "/cases")]).await;
    let mine = first.get("/cases").await.text;
    assert!(!mine.contains(id.as_str()) && !mine.contains("王芳"), "{mine}");
    for path in ["/cases?show=all&q=*".to_owned(), format!("/cases/{id}?step=record"), "/sync".to_owned()] {
        let page = first.get(&path).await.text;
        assert!(!page.contains(number) && !page.contains("王芳"), "{path}: {page}");
    }
    first.get("/cases").await;
    let before = hall.app.desk.case(&id).await.unwrap();
    for act in ["submit", "form", "push", "paper", "abandon"] {
        let answer = first.post(&format!("/cases/{id}/{act}"), &[]).await;
        assert_ne!(answer.status, StatusCode::OK, "{act}");
    }
    assert_eq!(hall.app.desk.case(&id).await.unwrap(), before, "nothing of it was sent or changed");
}
