//! Who may come in, and where they get to.

use super::hall::{Hall, PASSWORD};
use crate::store::accounts::Role;
use axum::http::StatusCode;
use std::net::Ipv4Addr;

#[tokio::test]
async fn a_clerk_signs_in_and_out() {
    let hall = Hall::new().await;
    let mut browser = hall.browser();
    let turned = browser.get("/cases/01jd8z").await;
    assert_eq!((turned.status, turned.to()), (StatusCode::SEE_OTHER, "/sign-in?next=%2Fcases%2F01jd8z"));
    let door = browser.get(turned.to()).await;
    assert_eq!(door.status, StatusCode::OK);
    assert!(
        door.text.contains("name=\"next\" value=\"/cases/01jd8z\"") && !door.text.contains("role=\"alert\"")
    );
    let fields = [("account", "li.qiang"), ("password", PASSWORD), ("next", "/cases")];
    let inside = browser.post("/sign-in", &fields).await;
    assert_eq!((inside.status, inside.to()), (StatusCode::SEE_OTHER, "/cases"));
    let list = browser.get("/cases").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.text.contains("李强"));
    assert_eq!(browser.get("/sign-in").await.to(), "/cases", "nobody signs in twice");
    assert_eq!(hall.entries("clerk.action").await, 1);

    let before = browser.cookies.clone();
    assert_eq!(browser.post("/sign-out", &[]).await.to(), "/sign-in");
    assert!(!browser.cookies.contains_key("__Host-hall"), "the cookie is taken away");
    browser.cookies = before;
    assert!(browser.get("/cases").await.to().starts_with("/sign-in"), "the session itself has ended");
    assert!(browser.get("/sign-in").await.text.contains("登录已到期"));
}

#[tokio::test]
async fn wrong_passwords_make_wait_and_tell_nothing_about_accounts() {
    let hall = Hall::new().await;
    let mut told = Vec::new();
    for (account, host) in [("li.qiang", 1), ("nobody.here", 2), ("<b>nobody</b>", 3)] {
        let mut browser = hall.browser();
        browser.from = Ipv4Addr::new(10, 0, 0, host).into();
        browser.get("/sign-in").await;
        let mut answers = Vec::new();
        for _ in 0..6 {
            let answer = browser.post("/sign-in", &[("account", account), ("password", "wrong")]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            let said = answer.text.split("class=\"summary\"").nth(1).unwrap().split("</div>").next().unwrap();
            answers.push(said.to_owned());
        }
        assert!(answers[0].contains("再错 4 次") && answers[3].contains("再错 1 次"), "{answers:?}");
        assert!(answers[4].contains("输错次数过多") && answers[5].contains("输错次数过多"), "{answers:?}");
        // The countdown moves between two attempts.
        answers.truncate(4);
        told.push(answers);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    let right = [("account", "li.qiang"), ("password", PASSWORD)];
    let mut browser = hall.browser();
    browser.from = Ipv4Addr::new(10, 0, 0, 1).into();
    browser.get("/sign-in").await;
    let refused = browser.post("/sign-in", &right).await;
    assert!(refused.text.contains("输错次数过多"), "who tried too often waits, with the right password too");
    assert!(!browser.cookies.contains_key("__Host-hall"));
    browser.from = Ipv4Addr::new(10, 0, 0, 9).into();
    let welcome = browser.post("/sign-in", &right).await;
    assert_eq!(welcome.to(), "/cases", "nobody locks a clerk out from another computer");

    let page = hall.signed_in("audit").await.get("/security").await.text;
    assert!(page.contains("10.0.0.1") && page.contains("已要求等待"), "{page}");
    assert!(!page.contains("nobody"), "what was typed as a name may be anything");
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    let hall = Hall::new().await;
    let (mut window, mut other) = (hall.signed_in("li.qiang").await, hall.signed_in("li.qiang").await);
    let mut colleague = hall.signed_in("zhao.min").await;
    hall.account("li.qiang", "李强", Role::Clerk).await;
    for browser in [&mut window, &mut other] {
        assert!(browser.get("/cases").await.to().starts_with("/sign-in"));
    }
    assert_eq!(colleague.get("/cases").await.status, StatusCode::OK);
    assert_eq!(hall.signed_in("li.qiang").await.get("/cases").await.status, StatusCode::OK);
}

#[tokio::test]
async fn after_signing_in_again_one_is_back_where_one_was() {
    let hall = Hall::new().await;
    let mut before = hall.at_window("li.qiang", "W02").await;
    hall.write(|tx| {
        let ended = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap() - 60_000;
        tx.execute("UPDATE session SET expires = ?1", [ended])
    })
    .await;
    assert!(before.get("/cases").await.to().starts_with("/sign-in"), "the session has ended");
    let again = hall.signed_in("li.qiang").await.get("/cases").await.text;
    assert!(again.contains("<option value=\"W02\" selected>"), "at the same window: {again}");
    let mut browser = hall.browser();
    for (path, next) in [
        ("/cases/01jd8z?step=form", "%2Fcases%2F01jd8z%3Fstep%3Dform"),
        ("/findings?show=taken", "%2Ffindings%3Fshow%3Dtaken"),
    ] {
        assert_eq!(browser.get(path).await.to(), format!("/sign-in?next={next}"));
    }
    for (path, next) in [("/cases/01jd8z/form", "%2Fcases%2F01jd8z"), ("/devices/pair", "%2Fcases")] {
        assert_eq!(browser.post(path, &[]).await.to(), format!("/sign-in?next={next}"));
    }
}

#[tokio::test]
async fn a_sign_in_form_counts_only_in_its_own_browser() {
    let hall = Hall::new().await;
    let fields = [("account", "li.qiang"), ("password", PASSWORD)];
    let mut browser = hall.browser();
    let foreign = browser.post_raw("/sign-in", &fields).await;
    assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(foreign.text.contains("页面停留太久"));
    assert!(!browser.cookies.contains_key("__Host-hall"));
    let mut other = hall.browser();
    other.get("/sign-in").await;
    browser.csrf = other.csrf.clone();
    let stolen = browser.post("/sign-in", &fields).await;
    assert!(stolen.text.contains("页面停留太久"), "another browser's token is no token");
    let empty = other.post("/sign-in", &[("account", " "), ("password", "")]).await;
    assert!(empty.text.contains("请填写账号和密码"));
}

#[tokio::test]
async fn signing_in_leads_to_our_own_pages_only() {
    let hall = Hall::new().await;
    for (next, to) in [
        ("https://evil.example/", "/cases"),
        ("//evil.example", "/cases"),
        ("/\\evil.example", "/cases"),
        ("/cases\r\nSet-Cookie: a=b", "/cases"),
        ("/findings?show=all", "/findings?show=all"),
    ] {
        let mut browser = hall.browser();
        browser.get("/sign-in").await;
        let fields = [("account", "li.qiang"), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/sign-in", &fields).await.to(), to, "{next:?}");
        for path in ["/window", "/language"] {
            browser.get("/cases").await;
            assert_eq!(browser.post(path, &[("next", next)]).await.to(), to, "{path} {next:?}");
        }
    }
}

#[tokio::test]
async fn a_form_without_our_token_does_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    for path in ["/window", "/language", "/cases", "/cases/search", "/sign-out", "/findings/f-1/acknowledge"]
    {
        for fields in
            [vec![("window", "W02")], vec![("window", "W02"), ("csrf", "00000000000000000000000000000000")]]
        {
            let answer = browser.post_raw(path, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert!(answer.text.contains("页面已过期") && answer.text.contains("H419"), "{}", answer.text);
        }
    }
    let page = browser.get("/cases").await;
    assert!(page.text.contains("<option value=\"W01\" selected>"), "the clerk still sits where they sat");
}

#[tokio::test]
async fn each_role_opens_its_own_desks() {
    let hall = Hall::new().await;
    let all = ["/cases", "/cases/new", "/findings", "/devices", "/sync", "/security"];
    for (account, home, closed) in [
        ("li.qiang", "/cases", vec!["/security"]),
        ("admin", "/cases", vec![]),
        ("tech", "/devices", vec!["/cases", "/cases/new", "/findings"]),
        ("audit", "/cases", vec!["/cases/new"]),
        ("review", "/cases", vec!["/cases/new", "/security"]),
    ] {
        let mut browser = hall.signed_in(account).await;
        assert_eq!(browser.get("/").await.to(), home, "{account}");
        let page = browser.get("/devices").await;
        let rail = page.text.split("<nav id=\"rail\"").nth(1).unwrap().split("</nav>").next().unwrap();
        for path in all {
            let answer = browser.get(path).await;
            let open = !closed.contains(&path);
            let expected = if open { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, expected, "{account} {path}");
            assert!(open || answer.text.contains("没有这项权限") && answer.text.contains("H403"));
            let offered = rail.contains(&format!("href=\"{path}\""));
            assert_eq!(offered, open && path != "/cases/new", "{account} {path}: {rail}");
        }
        let binds = account == "admin" || account == "tech";
        assert_eq!(page.text.contains("action=\"/devices/pair\""), binds, "{account}");
        browser.get("/devices").await;
        let pair = browser.post("/devices/pair", &[("code", "7K4M29"), ("window", "W01")]).await;
        let expected = if binds { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::FORBIDDEN };
        assert_eq!(pair.status, expected, "{account}");
    }
}

#[tokio::test]
async fn a_window_is_chosen_and_shown_to_colleagues() {
    let hall = Hall::new().await;
    let mut first = hall.signed_in("li.qiang").await;
    assert!(first.get("/cases").await.text.contains("请先在上方选择窗口"));
    let chosen = first.post("/window", &[("window", "W01"), ("next", "/cases?show=open")]).await;
    assert_eq!(chosen.to(), "/cases?show=open");
    let mut second = hall.signed_in("zhao.min").await;
    let page = second.get("/cases").await.text;
    assert!(page.contains("<option value=\"W01\">1 号窗口 · 李强</option>"), "{page}");
    second.post("/window", &[("window", "W01"), ("next", "/cases")]).await;
    let page = second.get("/cases").await.text;
    assert!(page.contains("<option value=\"W01\" selected>1 号窗口 · 李强</option>"), "{page}");
    for (window, status) in [
        ("W09", StatusCode::NOT_FOUND),
        ("../x", StatusCode::UNPROCESSABLE_ENTITY),
        ("", StatusCode::SEE_OTHER),
    ] {
        second.get("/cases").await;
        assert_eq!(second.post("/window", &[("window", window)]).await.status, status, "{window:?}");
    }
    let mut technician = hall.signed_in("tech").await;
    technician.get("/devices").await;
    let answer = technician.post("/window", &[("window", "W01")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "who serves nobody sits nowhere");
}

#[tokio::test]
async fn a_session_speaks_its_own_language() {
    let hall = Hall::new().await;
    let mut browser = hall.signed_in("tech").await;
    browser.get("/devices").await;
    assert_eq!(browser.post("/language", &[("lang", "en"), ("next", "/devices")]).await.to(), "/devices");
    let page = browser.get("/devices").await.text;
    assert!(page.contains("<html lang=\"en\"") && page.contains("Pair an evaluator."), "{page}");
    let missing = browser.get("/nowhere").await.text;
    assert!(missing.contains("<html lang=\"en\""), "{missing}");
    assert!(hall.signed_in("tech").await.get("/devices").await.text.contains("<html lang=\"zh-CN\""));
}

#[tokio::test]
async fn every_failure_is_a_page_with_a_number() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    for (path, status, number) in [
        ("/nowhere", StatusCode::NOT_FOUND, "H404"),
        ("/cases/UPPER..x", StatusCode::NOT_FOUND, "H404"),
        ("/cases/01jd8z", StatusCode::NOT_FOUND, "H404"),
        ("/window", StatusCode::METHOD_NOT_ALLOWED, "H422"),
        ("/fragments/frame?at=cases", StatusCode::NOT_FOUND, "H404"),
        ("/live?case=../x", StatusCode::UNPROCESSABLE_ENTITY, "H422"),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(
            answer.text.contains(number) && answer.text.contains("安澜市政务服务大厅"),
            "{path}: {}",
            answer.text
        );
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
    browser.get("/cases").await;
    for (item, kind) in [("x", "person"), ("11519900MBTE5T117Q2000100026001", "ghost")] {
        let answer = browser.post("/cases", &[("item", item), ("kind", kind)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{item} {kind}");
    }
    let long = "长".repeat(100_000);
    let answer = browser.post("/cases/search", &[("q", &long)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text.contains("H413"));
}

#[tokio::test]
async fn a_page_is_kept_by_nobody() {
    let hall = Hall::new().await;
    let mut browser = hall.signed_in("li.qiang").await;
    for path in ["/cases", "/sync", "/devices", "/findings", "/sign-in?x", "/nowhere"] {
        let answer = browser.get(path).await;
        if answer.status == StatusCode::SEE_OTHER {
            continue;
        }
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("permissions-policy").split(',').next(), Some("camera=(self)"), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
}
