//! One case over time: its item, what follows after submission, who signs, and who sees its numbers.

use super::hall::{Answer, Browser, Hall, PASSWORD, catalogue, item, open_case};
use crate::store::blobs;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use hall_domain::case::{CaseEvent, CaseId, Follow, ListRow, Mode};
use hall_domain::{Catalogue, Judgement, Outcome, ServiceItem};

/// A case of li.qiang that was submitted with its first material to follow.
async fn with_a_material_to_follow(hall: &Hall, browser: &mut Browser<'_>) -> (CaseId, ListRow) {
    let id = open_case(browser).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    let catalogue = catalogue();
    let item: &ServiceItem = catalogue.item(&item().parse().unwrap()).unwrap();
    let row = |material: &hall_domain::Material| ListRow {
        material: material.id.clone(),
        name: material.name.clone(),
        required: material.required,
        licence: None,
    };
    let rows: Vec<ListRow> = item.materials.iter().map(row).collect();
    let first = rows[0].clone();
    let now = hall.app.book.clock.now();
    let follow = Follow {
        materials: [first.material.clone()].into(),
        identity: false,
        by: now.local_date().plus_days(7),
    };
    let outcome = Outcome::MaterialsToFollow;
    let events = vec![
        CaseEvent::Listed { mode: Mode::Offline, rows, aliased: Vec::new() },
        CaseEvent::FormFilled { fields: [].into() },
        CaseEvent::Submitted {
            judgement: Judgement { outcome, sentence: "有材料容缺后补".to_owned(), raise: None },
            mode: Mode::Offline,
            second: None,
            hours_offline: 1,
            supervisor: None,
            follow: Some(follow),
        },
    ];
    let (book, case) = (hall.app.book.clone(), id.clone());
    let by = "li.qiang".parse().unwrap();
    let done = hall.app.book.db.write(move |tx| book.change_case(tx, &case, &by, now, |_| Ok(events)));
    done.await.unwrap();
    (id, first)
}

async fn supply(browser: &Browser<'_>, id: &CaseId, material: &str, content: &str) -> Answer {
    let part = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"补交.pdf\"\r\n\r\n{content}\r\n--edge--\r\n"
    );
    let body = format!("{}{}{file}", part("csrf", &browser.csrf), part("material", material));
    let request = Request::post(format!("/cases/{id}/supply"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
    let response = browser.open(request, Body::from(body)).await;
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 4 << 20).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

#[tokio::test]
async fn what_follows_is_taken_in_by_whichever_clerk_it_is_brought_to() {
    let hall = Hall::new().await.with_catalogue();
    let mut first = hall.at_window("li.qiang", "W01").await;
    let (id, row) = with_a_material_to_follow(&hall, &mut first).await;
    let page = first.get(&format!("/cases/{id}")).await.text;
    assert!(page.contains("未补交") && page.contains(&row.name), "{page}");
    let receipt = first.get(&format!("/cases/{id}/receipt")).await.text;
    assert!(receipt.contains("待补材料") && receipt.contains("前补交"), "{receipt}");

    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let list = colleague.get("/cases?show=following").await.text;
    assert!(list.contains(id.as_str()), "{list}");
    assert!(colleague.get(&format!("/cases/{id}")).await.text.contains("未补交"));
    let empty = supply(&colleague, &id, row.material.as_ref(), "").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.text.contains("这个文件是空的"), "{}", empty.text);
    let other = supply(&colleague, &id, "", "%PDF-1.7").await;
    assert!(other.text.contains("R129") || other.text.contains("没有这项待补材料"), "{}", other.text);
    assert_eq!(hall.entries("material.attached").await, 0, "nothing was recorded so far");

    let taken = supply(&colleague, &id, row.material.as_ref(), "%PDF-1.7 scan").await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text);
    assert_eq!(hall.entries("material.attached").await, 1);
    let (waiting, _) = hall.read(blobs::backlog).await;
    assert_eq!(waiting, 1, "the scan is on its way to the centre");
    let page = colleague.get(&format!("/cases/{id}")).await.text;
    assert!(page.contains("已全部补交") && page.contains("补交材料") && page.contains("赵敏"), "{page}");
    assert!(!colleague.get("/cases?show=following").await.text.contains(id.as_str()));
    let receipt = first.get(&format!("/cases/{id}/receipt")).await.text;
    assert!(receipt.contains("待补材料已全部补交"), "{receipt}");
}

#[tokio::test]
async fn a_case_keeps_the_item_that_it_was_opened_for() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let (done, _) = with_a_material_to_follow(&hall, &mut browser).await;
    let open = open_case(&mut browser).await;
    let before = browser.get(&format!("/cases/{open}?step=item")).await.text;

    let all = catalogue();
    let mut changed: Vec<ServiceItem> = all.items().to_vec();
    let this = changed.iter_mut().find(|one| one.code.to_string() == item()).unwrap();
    let name = this.materials[0].name.clone();
    (this.version, this.materials[0].name) = (this.version + 1, "改了名的材料".to_owned());
    let newer = Catalogue::checked(all.version() + 1, all.kinds().to_vec(), changed.clone()).unwrap();
    hall.app.book.knowledge.set_catalogue(newer);
    let page = browser.get(&format!("/cases/{open}?step=item")).await.text;
    assert!(before.contains(&name) && page.contains(&name) && !page.contains("改了名的材料"), "{page}");

    changed.retain(|one| one.code.to_string() != item());
    let gone = Catalogue::checked(all.version() + 2, all.kinds().to_vec(), changed).unwrap();
    hall.app.book.knowledge.set_catalogue(gone);
    for path in [format!("/cases/{open}"), format!("/cases/{done}"), format!("/cases/{done}/receipt")] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn a_number_is_open_only_in_the_session_that_asked_for_it() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    let path = format!("/cases/{id}");
    browser.get(&path).await;
    browser.post(&format!("{path}/unmask"), &[("what", "applicant")]).await;
    let number = "519900198805160241";
    assert!(browser.get(&path).await.text.contains(number));
    let mut elsewhere = hall.at_window("li.qiang", "W01").await;
    assert!(!elsewhere.get(&path).await.text.contains(number), "another browser of the same clerk");
    browser.get(&path).await;
    browser.post(&format!("{path}/mask"), &[]).await;
    assert!(!browser.get(&path).await.text.contains(number), "hidden again before its time");
    browser.post(&format!("{path}/unmask"), &[("what", "applicant")]).await;
    browser.post("/sign-out", &[]).await;
    let mut again = hall.at_window("li.qiang", "W01").await;
    assert!(!again.get(&path).await.text.contains(number), "signing out closes it");
}

#[tokio::test]
async fn only_a_supervisor_signs_as_one() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    browser.get(&format!("/cases/{id}")).await;
    for (account, password) in [("zhao.min", PASSWORD), ("admin", "not it"), ("nobody", PASSWORD)] {
        let fields = [("supervisor_account", account), ("supervisor_password", password)];
        let answer = browser.post(&format!("/cases/{id}/submit"), &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{account}");
        assert!(!answer.text.contains("R102"), "{account} was taken for a supervisor: {}", answer.text);
    }
    let fields = [("supervisor_account", "admin"), ("supervisor_password", PASSWORD)];
    let answer = browser.post(&format!("/cases/{id}/submit"), &fields).await;
    assert!(answer.text.contains("R102"), "the signature holds, the case is not ready: {}", answer.text);
}
