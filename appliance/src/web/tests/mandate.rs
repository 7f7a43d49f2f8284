//! 纸质委托书: typed off the paper, checked, explained, and on the receipt with both names.

use super::hall::{Browser, Hall, catalogue};
use crate::reception::Clerk;
use crate::verify::verify;
use axum::http::StatusCode;
use hall_domain::case::{Case, CaseId, PaperMandate};
use hall_domain::{FieldKind, HolderId, Outcome, Tier};
use std::collections::BTreeMap;

const PRINCIPAL: &str = "519900199003070011";

struct Window<'h> {
    hall: &'h Hall,
    browser: Browser<'h>,
    id: CaseId,
}

impl<'h> Window<'h> {
    /// A case of a person for an item of this name.
    async fn open(hall: &'h Hall, item: &str) -> Self {
        let mut browser = hall.at_window("li.qiang", "W01").await;
        browser.get("/cases/new").await;
        let item = catalogue().search(item).first().map(|item| item.code.to_string()).unwrap();
        let opened = browser.post("/cases", &[("item", &item), ("kind", "person")]).await;
        let id = opened.to().strip_prefix("/cases/").unwrap().parse().unwrap();
        Self { hall, browser, id }
    }

    async fn page(&mut self, step: &str) -> String {
        self.browser.get(&format!("/cases/{}?step={step}", self.id)).await.text
    }

    async fn case(&self) -> Case {
        self.hall.app.desk.case(&self.id).await.unwrap()
    }

    async fn state(&mut self, name: &str, number: &str) -> (StatusCode, String) {
        self.page("identify").await;
        let form = [("name", name), ("document", "resident_id"), ("number", number)];
        let answer = self.browser.post(&format!("/cases/{}/paper-mandate", self.id), &form).await;
        (answer.status, answer.text)
    }

    /// From the delegate's card to a form that is complete but for the paper.
    async fn complete(&mut self) {
        self.hall.identified(&self.id, "li.qiang", "wang-fang").await;
        self.page("identify").await;
        self.browser.post(&format!("/cases/{}/refresh-list", self.id), &[]).await;
        let list = self.page("list").await;
        assert!(
            list.contains("凭纸质委托书不查、不用委托人的证照") && list.contains("请收委托书原件并扫描上传"),
            "{list}"
        );
        let gone_on = self.browser.post(&format!("/cases/{}/paper", self.id), &[]).await;
        assert_eq!(gone_on.status, StatusCode::SEE_OTHER, "{}", gone_on.text);
        let (desk, id) = (&self.hall.app.desk, &self.id);
        let clerk = Clerk { account: "li.qiang".parse().unwrap(), window: "W01".parse().unwrap() };
        let case = self.case().await;
        for row in case.list.iter().filter(|row| row.material != PaperMandate::material()) {
            let original = hall_domain::case::PaperChoice::Original;
            desk.choose_paper(&clerk, id, row.material.clone(), original).await.unwrap();
        }
        let item = desk.item_of(&case).await.unwrap();
        let gaps = item.form.iter().filter(|field| {
            field.required && case.form.get(&field.key).is_none_or(|state| state.value.is_empty())
        });
        let values = gaps.map(|field| {
            let value = match &field.kind {
                FieldKind::Choice(choices) => choices[0].clone(),
                FieldKind::Date => "2026-01-31".to_owned(),
                FieldKind::Phone => "18000000001".to_owned(),
                _ => "1".to_owned(),
            };
            (field.key.clone(), value)
        });
        let values: BTreeMap<_, _> = values.collect();
        desk.save_form(&clerk, id, values, u32::MAX).await.unwrap();
        desk.commit(&clerk, id, true, u32::MAX).await.unwrap();
    }

    async fn scan_paper(&mut self) {
        self.page("form").await;
        let csrf = self.browser.csrf.clone();
        let fields = [("csrf", csrf.as_str()), ("material", PaperMandate::MATERIAL)];
        let file: &[(&str, &[u8])] = &[("委托书.pdf", b"%PDF-1.7 1")];
        let path = format!("/cases/{}/attachments", self.id);
        assert_eq!(self.browser.post_files(&path, &fields, file).await.status, StatusCode::SEE_OTHER);
    }

    async fn submit(&mut self) -> (StatusCode, String) {
        self.page("submit").await;
        let answer = self.browser.post(&format!("/cases/{}/submit", self.id), &[]).await;
        (answer.status, answer.text)
    }
}

#[tokio::test]
async fn what_is_typed_is_checked_kept_in_the_form_and_recorded_only_when_it_can_be_right() {
    let hall = Hall::new().await.with_catalogue();
    let mut window = Window::open(&hall, "婚姻登记预约").await;
    assert!(window.page("identify").await.contains("委托代办：纸质委托书"));
    let before = hall.entries("identity.verified").await;
    for (name, number) in [("张三丰", "519900199003070012"), ("张三丰", "5199"), ("", PRINCIPAL)] {
        let (status, page) = window.state(name, number).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{number}");
        assert!(page.contains("id=\"mandate-error\""), "{page}");
        assert!(page.contains(&format!("value=\"{name}\"")) && page.contains(&format!("value=\"{number}\"")));
        assert_eq!(window.case().await.paper_mandate, None);
    }
    assert_eq!(hall.entries("identity.verified").await, before);
    assert_eq!(window.state("张三丰", PRINCIPAL).await.0, StatusCode::SEE_OTHER);
    assert_eq!(hall.entries("identity.verified").await, before + 1);
    let page = window.page("identify").await;
    assert!(page.contains("按纸质委托书办理：委托人 张**"), "{page}");
    assert!(!page.contains(PRINCIPAL) && !page.contains("张三丰"), "masked: {page}");
    // A markup in a name stays text.
    window.state("<b>张</b>", PRINCIPAL).await;
    assert!(!window.page("identify").await.contains("<b>张</b>"));
    window.page("identify").await;
    let dropped = window.browser.post(&format!("/cases/{}/drop-paper-mandate", window.id), &[]).await;
    assert_eq!((dropped.status, window.case().await.paper_mandate), (StatusCode::SEE_OTHER, None));
}

#[tokio::test]
async fn an_item_that_is_only_received_is_taken_in_with_the_scan_and_the_receipt_names_both() {
    let hall = Hall::new().await.with_catalogue();
    let mut window = Window::open(&hall, "婚姻登记预约").await;
    window.state("张三丰", PRINCIPAL).await;
    window.complete().await;
    let case = window.case().await;
    let item = hall.app.desk.item_of(&case).await.unwrap();
    assert_eq!(item.tier, Tier::T0);
    assert!(case.list.iter().all(|row| row.licence.is_none()) && case.list[0].name == "委托书");
    let who = case.identity.as_ref().unwrap();
    let typed: Vec<&str> = case.form.values().map(|field| field.value.as_str()).collect();
    assert!(
        typed.contains(&"张三丰") && typed.contains(&PRINCIPAL),
        "the form is the principal's: {typed:?}"
    );
    assert!(!typed.contains(&who.name.as_str()) && !typed.contains(&who.document.number()));
    assert!(case.form.values().all(|field| field.attested.is_none()));

    let (status, page) = window.submit().await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("委托书"), "{page}");
    window.scan_paper().await;
    let (status, page) = window.submit().await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let case = window.case().await;
    assert_eq!(case.submission.as_ref().unwrap().judgement.outcome, Outcome::Accept);
    assert_eq!(
        case.principal(),
        Some(HolderId::Person(
            hall_domain::IdentityDocument::new(hall_domain::DocumentKind::ResidentId, PRINCIPAL).unwrap()
        ))
    );

    let receipt = window.browser.get(&format!("/cases/{}/receipt", window.id)).await.text;
    for said in ["张**", "代办人", "王*", "本次没有使用电子证照"] {
        assert!(receipt.contains(said), "{said}: {receipt}");
    }
    assert!(!receipt.contains("张三丰") && !receipt.contains(PRINCIPAL));
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let view = colleague.get(&format!("/cases/{}", window.id)).await.text;
    assert!(view.contains("纸质委托书") && view.contains("纸质签字授权"), "{view}");
    assert!(!view.contains("张三丰") && !view.contains(PRINCIPAL), "masked in the answers too");
    let record = hall.app.desk.package(&case).await.unwrap().unwrap();
    assert!(record.entries.iter().any(|part| part.path == "consent/record.json"));
    let report = verify(&hall.app.book).await.unwrap();
    assert_eq!(report.damaged, 0, "{:?}", report.damages);
}

#[tokio::test]
async fn above_that_the_desk_says_why_not_and_what_would_help_and_nothing_is_submitted() {
    let hall = Hall::new().await.with_catalogue();
    let mut window = Window::open(&hall, "失业登记").await;
    window.state("张三丰", PRINCIPAL).await;
    let page = window.page("identify").await;
    assert!(page.contains("纸质委托书无法当场核验，不能凭它代办本事项"), "{page}");
    assert!(page.contains("怎样更好") && page.contains("请委托人在手机上办理电子委托"), "{page}");
    window.complete().await;
    window.scan_paper().await;
    let (status, page) = window.submit().await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("纸质委托书无法当场核验"), "{page}");
    assert!(window.case().await.submission.is_none());
}
