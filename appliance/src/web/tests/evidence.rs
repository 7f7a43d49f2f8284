//! Evidence: what was opened of a licence can be looked at, and looking leaves a trace; a ledger that holds is
//! found whole, and each kind of damage is found.

use super::hall::{Hall, open_case};
use crate::store::accounts::Role;
use crate::verify::{Report, verify};
use axum::http::StatusCode;
use hall_domain::case::{CaseEvent, CaseId, LicenceUse, Mode};
use hall_domain::{FieldKey, LicenceGrade};
use rusqlite::Connection;

const ADDRESS: &str = "四川省安澜市桐花街道听雨路18号3栋502室";

/// A case in which the address of the identity card was opened.
async fn case_with_licence(hall: &Hall) -> CaseId {
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    let used = LicenceUse {
        alias: None,
        material: "m1".parse().unwrap(),
        licence: "1.2.156.3005.2.11100000000013127D001.11519900MBTE5T0968.000000000000001.001.3"
            .parse()
            .unwrap(),
        kind: "11100000000013127D001".parse().unwrap(),
        version: 1,
        use_code: "LX-990100-00000001".to_owned(),
        envelope: "7c1e90af33d28b64".repeat(4),
        opened: [("address".parse::<FieldKey>().unwrap(), ADDRESS.to_owned())].into(),
        grade: LicenceGrade::L3,
        status_at: hall.app.book.clock.now(),
        mode: Mode::Offline,
        statement: None,
    };
    let (book, case) = (hall.app.book.clone(), id.clone());
    let now = book.clock.now();
    let by = "li.qiang".parse().unwrap();
    let events = vec![CaseEvent::LicencesUsed { uses: vec![used] }];
    let written = hall.app.book.db.write(move |tx| book.change_case(tx, &case, &by, now, |_| Ok(events)));
    written.await.unwrap();
    id
}

#[tokio::test]
async fn looking_at_a_licence_shows_what_was_opened_and_leaves_an_entry() {
    let hall = Hall::new().await.with_catalogue();
    let id = case_with_licence(&hall).await;
    let mut browser = hall.at_window("zhao.min", "W02").await;
    browser.get("/cases").await;
    let before = hall.entries("clerk.action").await;
    let page = browser.post(&format!("/cases/{id}/licences/m1"), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for said in [ADDRESS, "离线核验 待复核", "仅用于办理", "LX-990100-00000001", "赵敏"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(hall.entries("clerk.action").await, before + 1);

    let other = open_case(&mut browser).await;
    hall.account("shen.pi", "审批", Role::Reviewer).await;
    let mut reviewer = hall.signed_in("shen.pi").await;
    reviewer.get("/cases").await;
    assert_eq!(reviewer.post(&format!("/cases/{id}/licences/m1"), &[]).await.status, StatusCode::OK);
    let mut technician = hall.signed_in("tech").await;
    technician.get("/devices").await;
    let mut auditor = hall.signed_in("audit").await;
    auditor.get("/cases").await;
    let before = hall.entries("clerk.action").await;
    for address in [format!("/cases/{id}/licences/m9"), format!("/cases/{other}/licences/m1")] {
        assert_eq!(browser.post(&address, &[]).await.status, StatusCode::NOT_FOUND);
    }
    for browser in [&mut technician, &mut auditor] {
        let refused = browser.post(&format!("/cases/{id}/licences/m1"), &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(hall.entries("clerk.action").await, before, "who was refused has seen nothing");
}

async fn hall_with_cases() -> Hall {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    for slug in ["wang-fang", "zhang-wei"] {
        let id = open_case(&mut browser).await;
        hall.identified(&id, "li.qiang", slug).await;
    }
    hall
}

#[tokio::test]
async fn a_ledger_that_holds_is_read_to_its_end() {
    let hall = hall_with_cases().await;
    let size =
        hall.read(|db| db.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, u32>(0))).await;
    let Report { entries, cases, damaged, damages, .. } = verify(&hall.app.book).await.unwrap();
    assert_eq!((entries, cases, damaged), (u64::from(size), 2, 0), "{damages:?}");
}

#[tokio::test]
async fn every_kind_of_damage_is_found_and_said() {
    type Harm = fn(&Connection) -> rusqlite::Result<usize>;
    let harms: [(&str, Harm); 7] = [
        ("第 1 条", |tx| {
            tx.execute("UPDATE entry SET cose = CAST(substr(cose, 1, length(cose) - 1) || x'FF' AS BLOB) WHERE seq = 1", [])
        }),
        ("第 1 条", |tx| tx.execute("UPDATE entry SET salt = zeroblob(length(salt)) WHERE seq = 1", [])),
        ("第 2 条无法解封", |tx| {
            tx.execute("UPDATE entry SET body = zeroblob(length(body)) WHERE seq = 2", [])
        }),
        ("账本应有", |tx| tx.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)", [])),
        ("叶子摘要与条目不符", |tx| {
            tx.execute("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 0", [])
        }),
        ("与账本不一致", |tx| tx.execute("UPDATE cases SET rev = rev + 1 WHERE rowid = 1", [])),
        ("只在账本里", |tx| tx.execute("DELETE FROM cases WHERE rowid = 1", [])),
    ];
    for (said, harm) in harms {
        let hall = hall_with_cases().await;
        assert_eq!(hall.write(harm).await, 1, "{said}");
        let report = verify(&hall.app.book).await.unwrap();
        assert!(report.damaged > 0 && report.text().contains(said), "{said}: {}", report.text());
    }
}
