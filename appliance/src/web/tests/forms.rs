//! Every form of the box: only from our own pages, never too large, never half.

use super::hall::{Browser, Hall};
use crate::reception::decide;
use crate::store::findings::{self, NewFinding, Severity};
use axum::http::StatusCode;
use hall_domain::Timestamp;
use hall_domain::case::CaseId;
use std::collections::BTreeSet;
use std::path::Path;

/// Forms that anybody may send: before sign-in, and from devices that have no session.
const OPEN: [&str; 2] = ["/sign-in", "/pair/v1/begin"];

/// Forms that come with files, and as nothing else.
const WITH_FILES: [&str; 2] = ["/cases/{id}/attachments", "/cases/{id}/supply"];

/// The forms that the contract of the pages names.
fn named() -> BTreeSet<String> {
    let contract = include_str!("../pages/mod.rs");
    let forms = contract.split("//! | `POST ").skip(1).filter_map(|rest| rest.split('`').next());
    forms.map(str::to_owned).collect()
}

/// The forms that the sources serve.
fn served(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") && !path.ends_with("pages") {
            served(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            for route in source.split(".route(").skip(1) {
                let route = route.split(".route(").next().unwrap().split(';').next().unwrap();
                let address = route.split('"').nth(1).unwrap_or_default();
                if route.contains("post(") {
                    found.insert(address.to_owned());
                }
            }
        }
    }
}

async fn open_case(browser: &mut Browser<'_>) -> CaseId {
    browser.get("/cases/new").await;
    let item = super::hall::catalogue().items()[0].clone();
    let kind = match item.applicants.contains(&hall_domain::ApplicantKind::Person) {
        true => "person",
        false => "organisation",
    };
    let answer = browser.post("/cases", &[("item", item.code.as_str()), ("kind", kind)]).await;
    answer.to().strip_prefix("/cases/").unwrap().parse().unwrap()
}

#[tokio::test]
async fn no_form_counts_without_our_token() {
    let mut all = BTreeSet::new();
    served(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web"), &mut all);
    all.retain(|address| !OPEN.contains(&address.as_str()));
    let named: BTreeSet<String> = named().into_iter().filter(|address| address != "/sign-in").collect();
    assert_eq!(all, named, "the contract of the pages names every form");

    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("admin", "W01").await;
    let id = open_case(&mut browser).await;
    hall.write(|tx| {
        let (what, todo) = ("营业执照在使用前已注销。", "请通知办事人补交。");
        let (kind, case_no, case_id) = ("returned-revoked", "990100-20261121-00001", "");
        let (key, at) = ("one", Timestamp(1_795_000_000_000));
        findings::add(
            tx,
            &NewFinding { key, at, kind, case_no, case_id, what, todo, severity: Severity::Harm },
        )
    })
    .await;
    let entries =
        hall.read(|db| db.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, u32>(0))).await;
    for address in &all {
        let finding = address.starts_with("/findings");
        let path = address
            .replace("{id}", if finding { "f-1" } else { id.as_str() })
            .replace("{n}", "1")
            .replace("{material}", "m1");
        for token in [None, Some("00000000000000000000000000000000")] {
            let csrf = token.map(|token| ("csrf", token));
            let fields =
                [("reason", "left"), ("note", "已电话告知。"), ("code", "7K4M29"), ("window", "W02")];
            let fields: Vec<_> = fields.into_iter().chain(csrf).collect();
            if !WITH_FILES.contains(&address.as_str()) {
                let answer = browser.post_raw(&path, &fields).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text);
            }
            let file: &[(&str, &[u8])] = &[("一.pdf", b"%PDF-1.7")];
            let answer = browser.post_files(&path, &csrf.into_iter().collect::<Vec<_>>(), file).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}, with files: {}", answer.text);
            assert!(
                answer.text.contains("页面已过期") && answer.text.contains("H419"),
                "{path}: {}",
                answer.text
            );
        }
    }
    let now =
        hall.read(|db| db.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, u32>(0))).await;
    assert_eq!(now, entries, "nothing was recorded");
}

/// A case of li.qiang whose form can be filled.
async fn at_form(hall: &Hall, browser: &mut Browser<'_>) -> CaseId {
    let id = open_case(browser).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    let page = browser.get(&format!("/cases/{id}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let paper = browser.post(&format!("/cases/{id}/paper"), &[]).await;
    assert_eq!(paper.status, StatusCode::SEE_OTHER, "{}", paper.text);
    id
}

async fn attached(hall: &Hall, id: &CaseId) -> Vec<String> {
    hall.app.desk.case(id).await.unwrap().attachments.into_iter().map(|file| file.name).collect()
}

#[tokio::test]
async fn of_several_scans_all_are_kept_or_none() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = at_form(&hall, &mut browser).await;
    let (path, csrf) = (format!("/cases/{id}/attachments"), browser.csrf.clone());
    let material = hall.app.desk.case(&id).await.unwrap().list[0].material.to_string();
    let token = [("csrf", csrf.as_str()), ("material", material.as_str())];
    let large =
        [b"%PDF-1.7".as_slice(), &vec![0; usize::try_from(decide::ATTACHMENT_BYTES).unwrap()]].concat();
    for (name, content, status) in [
        ("程序.pdf", b"MZ not a scan".as_slice(), StatusCode::UNPROCESSABLE_ENTITY),
        ("空.pdf", b"".as_slice(), StatusCode::UNPROCESSABLE_ENTITY),
        ("大.pdf", &large, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let files: [(&str, &[u8]); 3] =
            [("一.pdf", b"%PDF-1.7 1"), (name, content), ("三.pdf", b"%PDF-1.7 3")];
        let answer = browser.post_files(&path, &token, &files).await;
        assert_eq!(answer.status, status, "{name}");
        assert!(answer.text.contains("没有保存"), "{name}: {}", answer.text);
        assert_eq!(attached(&hall, &id).await, Vec::<String>::new(), "{name}: nothing of that form is kept");
    }
    let files: [(&str, &[u8]); 2] = [("一.pdf", b"%PDF-1.7 1"), ("二.pdf", b"%PDF-1.7 2")];
    assert_eq!(browser.post_files(&path, &token, &files).await.status, StatusCode::SEE_OTHER);
    assert_eq!(attached(&hall, &id).await, ["一.pdf", "二.pdf"]);
    // The limit of files is a limit for the whole form too.
    let many: Vec<(&str, &[u8])> = vec![("更多.pdf", b"%PDF-1.7 +"); 30];
    let answer = browser.post_files(&path, &token, &many).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(attached(&hall, &id).await.len(), 2);
}

#[tokio::test]
async fn what_is_too_large_is_read_to_its_end_and_refused() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = at_form(&hall, &mut browser).await;
    let csrf = browser.csrf.clone();
    for (path, kind, bytes, limit) in [
        ("form", "application/x-www-form-urlencoded", 3 << 20, "256 KB"),
        ("attachments", "multipart/form-data; boundary=x", 65 << 20, "60 MB"),
    ] {
        let piece = vec![b'a'; 1 << 20];
        let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = sent.clone();
        let pieces = futures_util::stream::iter((0..bytes >> 20).map(move |_| {
            counted.fetch_add(piece.len(), std::sync::atomic::Ordering::Relaxed);
            Ok::<_, std::io::Error>(piece.clone())
        }));
        let request = axum::http::Request::post(format!("/cases/{id}/{path}"))
            .header("content-type", kind)
            .header("content-length", bytes.to_string());
        let answer = browser.send(request, axum::body::Body::from_stream(pieces)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert!(answer.text.contains("H413") && answer.text.contains(limit), "{path}: {}", answer.text);
        assert_eq!(
            sent.load(std::sync::atomic::Ordering::Relaxed),
            bytes,
            "{path}: the browser could finish"
        );
    }
    assert_eq!(attached(&hall, &id).await, Vec::<String>::new());
    assert!(!csrf.is_empty());
}

#[tokio::test]
async fn of_two_browsers_on_one_form_the_later_overwrites_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut first = hall.at_window("li.qiang", "W01").await;
    let id = at_form(&hall, &mut first).await;
    let page = first.get(&format!("/cases/{id}?step=form")).await.text;
    let field = page.split("name=\"f.").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let rev = page.split("name=\"rev\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut second = hall.at_window("li.qiang", "W01").await;
    second.get(&format!("/cases/{id}?step=form")).await;
    let (path, name) = (format!("/cases/{id}/form"), format!("f.{field}"));
    let save = |value: &'static str| [("do", "save"), ("rev", rev.as_str()), (name.as_str(), value)];
    assert_eq!(first.post(&path, &save("先写的")).await.status, StatusCode::SEE_OTHER);
    let late = second.post(&path, &save("后写的")).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.text.contains("R116") && late.text.contains("先写的"), "{}", late.text);
    assert!(!late.text.contains("后写的"));
}

#[tokio::test]
async fn a_field_that_comes_twice_is_refused_and_a_locked_one_that_is_changed_loses_its_mark() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = at_form(&hall, &mut browser).await;
    let (page, path) = (format!("/cases/{id}?step=form"), format!("/cases/{id}/form"));
    let name = |text: &str| {
        text.split("<label for=\"f.name\">").nth(1).unwrap().split("</div>").next().unwrap().to_owned()
    };
    let seen = browser.get(&page).await.text;
    let rev = seen.split("name=\"rev\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(name(&seen).contains("身份证") && name(&seen).contains("readonly"), "{}", name(&seen));

    let twice = [("do", "save"), ("rev", rev.as_str()), ("f.name", "甲"), ("f.name", "乙")];
    assert_eq!(browser.post(&path, &twice).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(name(&browser.get(&page).await.text), name(&seen), "nothing of it was taken");

    let changed = [("do", "save"), ("rev", rev.as_str()), ("f.name", "甲")];
    assert_eq!(browser.post(&path, &changed).await.status, StatusCode::SEE_OTHER);
    let after = name(&browser.get(&page).await.text);
    assert!(
        after.contains("value=\"甲\"") && after.contains("人工") && !after.contains("readonly"),
        "{after}"
    );
}
