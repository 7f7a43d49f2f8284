//! What stands on papers that people carry home, and what their codes are good for.

use super::hall::Hall;
use axum::http::StatusCode;
use ed25519_dalek::SigningKey;
use hall_domain::Outcome;
use hall_domain::case::{CaseNo, Mode};
use hall_ledger::Hash;
use hall_ledger::log::{BoxId, LogId};
use hall_ledger::phone::{PaperReceipt, to_qr};

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
