//! Every form of the box: only from our own pages, never too large, never half.

use super::hall::{Browser, Hall};
use crate::store::findings::{self, NewFinding, Severity};
use axum::http::StatusCode;
use hall_domain::Timestamp;
use hall_domain::case::CaseId;
use std::collections::BTreeSet;
use std::path::Path;

/// Forms that anybody may send: before sign-in, and from devices that have no session.
const OPEN: [&str; 2] = ["/sign-in", "/pair/v1/begin"];

/// Forms that come with files, and as nothing else.
const WITH_FILES: [&str; 1] = ["/cases/{id}/attachments"];

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
