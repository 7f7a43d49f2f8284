//! 扫码: what is no code changes nothing, and says what to do.

use super::hall::{Hall, open_case};
use axum::http::StatusCode;

#[tokio::test]
async fn what_is_no_code_is_refused_at_the_step_in_hand_and_changes_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    let before = hall.entries("case.opened").await;
    let long = format!("HB1:{}", "A".repeat(10_000));
    for text in ["", "HB1:", "HB1:6BF", "https://example.com/?a=1", "办事码\u{1}\u{0}", long.as_str()] {
        for carrier in ["keyboard", "camera", "typed", "serial", ""] {
            let form = [("text", text), ("carrier", carrier)];
            let page = browser.post(&format!("/cases/{id}/scan"), &form).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{carrier}");
            assert!(
                page.text.contains("这不是可识别的办事码") && page.text.contains("R131"),
                "{}",
                page.text
            );
            assert!(page.text.contains("id=\"case-step\""), "the case stays in hand");
            assert!(text.len() < 5 || !page.text.contains(text), "what was scanned is not shown again");
        }
    }
    assert_eq!(hall.entries("case.opened").await, before);
}

#[tokio::test]
async fn nobody_scans_into_a_colleagues_case() {
    let hall = Hall::new().await.with_catalogue();
    let mut owner = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut owner).await;
    let mut other = hall.at_window("zhao.min", "W02").await;
    let page = other.get(&format!("/cases/{id}")).await;
    assert!(!page.text.contains("/scan\""), "who only looks on has nothing to scan into");
    let refused = other.post(&format!("/cases/{id}/scan"), &[("text", "HB1:6BF")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
}
