//! 待处理: what is found, taken on, given back and handled.

use super::hall::{Hall, open_case};
use crate::store::findings::{self, NewFinding, Severity};
use axum::http::StatusCode;
use hall_domain::Timestamp;

/// Something waits for somebody.
pub(super) async fn finding(hall: &Hall, what: &'static str) {
    hall.write(move |tx| {
        findings::add(
            tx,
            &NewFinding {
                key: what,
                at: Timestamp(1_795_000_000_000),
                kind: "returned-revoked",
                case_no: "990100-20261121-00001",
                case_id: "",
                what,
                todo: "请通知办事人补交。",
                severity: Severity::Harm,
            },
        )
    })
    .await;
}

#[tokio::test]
async fn a_poor_rating_is_followed_up_by_anybody_but_the_clerk_who_was_rated() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    let case = hall.app.desk.case(&id).await.unwrap();
    for level in [5, 3, 2] {
        let (case, now) = (case.clone(), hall.app.book.clock.now());
        hall.write(move |tx| crate::reception::call_back::note(tx, &case, level, now)).await;
    }
    assert_eq!(hall.read(findings::open_count).await, 1, "only what is poor");
    let page = browser.get("/findings").await.text;
    assert!(page.contains("差评回访") && page.contains("“不满意”") && page.contains("期限"), "{page}");
    for act in ["acknowledge", "handled"] {
        let own = browser.post(&format!("/findings/f-1/{act}"), &[("note", "已自行回访。")]).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{act}");
        assert!(own.text.contains("不能由您自己处理"), "{}", own.text);
        browser.get("/findings").await;
    }
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    colleague.get("/findings").await;
    assert_eq!(colleague.post("/findings/f-1/acknowledge", &[]).await.to(), "/findings?show=taken#f-1");
    let done = colleague.post("/findings/f-1/handled", &[("note", "已电话回访，排队时间过长。")]).await;
    assert_eq!(done.to(), "/findings");
    assert_eq!(hall.entries("disposition.seen").await, 1);
}

#[tokio::test]
async fn who_took_a_finding_on_can_give_it_back_and_nobody_else_can() {
    let hall = Hall::new().await;
    finding(&hall, "营业执照在使用前已注销。").await;
    let mut reviewer = hall.signed_in("review").await;
    reviewer.get("/findings").await;
    reviewer.post("/findings/f-1/acknowledge", &[]).await;
    assert!(reviewer.get("/findings?show=taken").await.text.contains("/give-back"));
    let mut clerk = hall.at_window("li.qiang", "W01").await;
    let page = clerk.get("/findings?show=taken").await.text;
    assert!(page.contains("f-1") && !page.contains("/give-back"), "{page}");
    assert_eq!(clerk.post("/findings/f-1/give-back", &[]).await.status, StatusCode::CONFLICT);
    let given = reviewer.post("/findings/f-1/give-back", &[]).await;
    assert_eq!(given.to(), "/findings#f-1");
    assert!(clerk.get("/findings").await.text.contains("/findings/f-1/acknowledge"), "it waits again");
    assert_eq!(reviewer.post("/findings/f-1/give-back", &[]).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_finding_is_handled_once_and_recorded() {
    let hall = Hall::new().await;
    finding(&hall, "营业执照在使用前已注销。").await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let page = browser.get("/findings").await.text;
    assert!(page.contains("退回-证照失效") && page.contains("请通知办事人补交。"), "{page}");
    assert!(page.contains("<span class=\"n harm\">1</span>"), "the rail says that somebody is harmed");

    let taken = browser.post("/findings/f-1/acknowledge", &[]).await;
    assert_eq!(taken.to(), "/findings?show=taken#f-1");
    assert!(browser.get("/findings?show=taken").await.text.contains("李强"));
    assert!(!browser.get("/findings").await.text.contains("id=\"f-1\""));
    let again = browser.post("/findings/f-1/acknowledge", &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains("已由 李强 开始处理"), "{}", again.text);

    browser.get("/findings?show=taken").await;
    let short = browser.post("/findings/f-1/handled", &[("note", "好")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.text.contains("至少 4 个字") && short.text.contains("value=\"好\""), "{}", short.text);
    assert_eq!(hall.entries("disposition.seen").await, 0);

    let done = browser.post("/findings/f-1/handled", &[("note", "已电话告知办事人补交。")]).await;
    assert_eq!(done.to(), "/findings");
    assert_eq!(hall.entries("disposition.seen").await, 1);
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    colleague.get("/findings?show=handled").await;
    let late = colleague.post("/findings/f-1/handled", &[("note", "我也打了电话。")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("已由 李强 处理完毕"), "{}", late.text);
    assert_eq!(hall.entries("disposition.seen").await, 1, "handled once, recorded once");
    let page = colleague.get("/findings?show=handled").await.text;
    assert!(page.contains("已电话告知办事人补交。") && !page.contains("我也打了电话"));
    for path in ["/findings/f-9/handled", "/findings/x/handled"] {
        let answer = colleague.post(path, &[("note", "没有这件事。")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn findings_are_filtered_by_kind_severity_and_person_and_the_overdue_are_counted_in_red() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let case = open_case(&mut browser).await;
    let now = hall.app.book.clock.now();
    hall.write(move |tx| {
        let of = |key, kind, case_id, what, severity| NewFinding {
            key,
            at: now.plus_hours(-50),
            kind,
            case_no: "990100-20261121-00001",
            case_id,
            what,
            todo: "请处理。",
            severity,
        };
        findings::add(tx, &of("a", "returned-revoked", case.as_str(), "甲事。", Severity::Harm))?;
        let conflict = of("b", "conflict", "", "乙事。", Severity::Attention);
        findings::add_due(tx, &conflict, Some(now.plus_hours(-1)))?;
        let later = of("c", "conditional", "", "丙事。", Severity::Attention);
        findings::add_due(tx, &later, Some(now.plus_hours(24)))?;
        findings::add(tx, &of("d", "passed-revoked-later", "", "丁事。", Severity::Info))
    })
    .await;
    let mut seen = async |query: &str| -> String {
        let page = browser.get(&format!("/findings?show=all{query}")).await.text;
        ["甲事", "乙事", "丙事", "丁事"].into_iter().filter(|what| page.contains(what)).collect()
    };
    assert_eq!(seen("").await, "甲事乙事丙事丁事");
    assert_eq!(seen("&kind=conflict").await, "乙事");
    assert_eq!(seen("&severity=attention").await, "乙事丙事");
    assert_eq!(seen("&severity=info&kind=conflict").await, "");
    assert_eq!(seen("&who=mine").await, "甲事", "a case of this clerk");
    assert_eq!(seen("&kind=%22%3E%3Cscript%3E").await, "");
    let page = browser.get("/findings?show=all&kind=%22%3E%3Cscript%3E").await.text;
    assert!(!page.contains("\"><script>"), "what stands in an address is no markup");
    let page = browser.get("/findings").await.text;
    for said in
        ["已过期限", "，临近", "1 件已超期", "影响办事人", "2 天 2 小时", "<span class=\"n harm\">4</span>"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let (first, last) = (page.find("甲事").unwrap(), page.find("丁事").unwrap());
    assert!(first < last, "who is harmed comes first");

    browser.post("/findings/f-2/acknowledge", &[]).await;
    let page = browser.get("/findings?show=taken").await.text;
    assert!(
        page.contains("乙事") && page.contains("<span class=\"n harm\">4</span>"),
        "taken on, and overdue still"
    );
    browser.post("/findings/f-2/handled", &[("note", "=HYPERLINK(\"x\") 以本厅为准。")]).await;
    let table = browser.post("/findings/export", &[("show", "handled")]).await.text;
    assert!(
        table.contains("\"'=HYPERLINK(\"\"x\"\") 以本厅为准。\""),
        "no formula leaves in a note: {table}"
    );
    assert!(
        table.matches("李强").count() == 2 && !table.contains("甲事"),
        "who took it on, who handled it: {table}"
    );
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let page = colleague.get("/findings?show=handled").await.text;
    assert!(page.contains("开始处理") && page.contains("处理完毕"), "{page}");
    assert!(!colleague.get("/findings?show=all&who=mine").await.text.contains("甲事"));
}

#[tokio::test]
async fn a_finding_and_its_entry_are_one_transaction() {
    let hall = Hall::new().await;
    finding(&hall, "营业执照在使用前已注销。").await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    browser.get("/findings").await;
    // A ledger without a head takes no entry.
    hall.write(|tx| tx.execute("DELETE FROM head", [])).await;
    let answer = browser.post("/findings/f-1/handled", &[("note", "已电话告知。")]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains("E-"), "a number to quote: {}", answer.text);
    let vault = hall.app.book.vault.clone();
    let state = hall.read(move |db| findings::find(db, &vault, 1)).await.unwrap().state;
    assert_eq!(state, findings::State::Open, "nothing happened");
}
