//! The desks: cases, findings, devices, the line, and what open pages are told.

use super::findings::finding;
use super::hall::{Hall, catalogue, item, open_case};
use crate::book::Fault;
use crate::devices::notice;
use crate::live::Change;
use crate::reception::decide;
use crate::store::{accounts, ledger};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use ed25519_dalek::SigningKey;
use futures_util::StreamExt;
use hall_bus::encode;
use hall_bus::jws::{Jws, PAIRING_TYPE};
use hall_bus::pairing::{Begin, Begun};
use hall_bus::{DeviceKind, PairingCode};
use hall_domain::{ApplicantKind, Timestamp};
use hall_sync::{LineStatus, Trouble};
use std::time::Duration;

#[tokio::test]
async fn a_case_is_opened_and_found_without_its_person_in_an_address() {
    let hall = Hall::new().await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let early = browser.get("/cases/new").await.text;
    assert!(early.contains("还没有收到省级中心的事项目录") && early.contains("没有找到事项"), "{early}");

    let hall = hall.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let all = catalogue().items().len();
    let shown = browser.get("/cases/new").await.text.matches("action=\"/cases\"").count();
    assert_eq!(shown, all.min(40));
    let found = browser.get(&format!("/cases/new?q={}&kind=person", item())).await.text;
    assert_eq!(found.matches("action=\"/cases\"").count(), 1);
    let none = browser.get("/cases/new?q=%E9%A3%9E%E8%88%B9").await.text;
    assert!(none.contains("没有找到事项"));

    let id = open_case(&mut browser).await;
    let case = hall.identified(&id, "li.qiang", "wang-fang").await;
    let page = browser.get("/cases").await.text;
    assert!(page.contains(case.no.as_str()) && page.contains("王*") && page.contains("待核验"), "{page}");
    assert!(!page.contains("519900198805160241") && !page.contains("王芳"), "a list shows nobody in full");

    for (typed, address) in [
        ("王芳", "/cases?show=all&q=*"),
        ("519900198805160241", "/cases?show=all&q=*"),
        ("00001", "/cases?show=all&q=00001"),
    ] {
        let answer = browser.post("/cases/search", &[("q", typed)]).await;
        assert_eq!(answer.to(), address);
        let page = browser.get(address).await.text;
        assert!(page.contains("找到 1 件") && page.contains(case.no.as_str()), "{typed}: {page}");
        assert!(
            page.contains(&format!("name=\"q\" value=\"{typed}\"")),
            "the clerk sees what was searched for"
        );
    }
    browser.post("/cases/search", &[("q", "王小芳")]).await;
    assert!(browser.get("/cases?show=all&q=*").await.text.contains("没有找到办件"));
    assert_eq!(browser.post("/cases/search", &[("q", "  ")]).await.to(), "/cases");

    let mut colleague = hall.at_window("zhao.min", "W02").await;
    assert!(!colleague.get("/cases").await.text.contains(case.no.as_str()), "not one of hers");
    for show in ["today", "open", "all"] {
        let page = colleague.get(&format!("/cases?show={show}")).await.text;
        assert!(page.contains(case.no.as_str()), "{show}");
    }
    for show in ["submitted", "review", "following"] {
        let page = colleague.get(&format!("/cases?show={show}")).await.text;
        assert!(!page.contains(case.no.as_str()), "{show}");
    }
    assert_eq!(colleague.get("/cases?page=99&show=all").await.status, StatusCode::OK);
    assert_eq!(colleague.get("/cases?page=x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_window_no_case_is_opened() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.signed_in("li.qiang").await;
    browser.get("/cases/new").await;
    let answer = browser.post("/cases", &[("item", &item()), ("kind", "person")]).await;
    assert_eq!(answer.to(), "/cases");
    assert_eq!(hall.entries("case.opened").await, 0);
    let wrong = hall.at_window("li.qiang", "W01").await;
    let organisations = catalogue();
    let only =
        organisations.items().iter().find(|item| !item.applicants.contains(&ApplicantKind::Person)).unwrap();
    let mut browser = wrong;
    browser.get("/cases/new").await;
    let answer = browser.post("/cases", &[("item", only.code.as_str()), ("kind", "person")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text.contains("R103") && answer.text.contains("不适用于所选的申请人主体"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_case_goes_with_the_clerk_who_takes_it_over() {
    let hall = Hall::new().await.with_catalogue();
    let mut first = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut first).await;
    let mut second = hall.at_window("zhao.min", "W02").await;
    second.get("/cases").await;
    let early = second.post(&format!("/cases/{id}/take-over"), &[]).await;
    assert_ne!(early.status, StatusCode::SEE_OTHER, "its clerk is still at it");
    assert!(first.get("/cases").await.text.contains(id.as_str()));
    // Ten minutes later nobody has touched it.
    let (book, case) = (hall.app.book.clone(), id.clone());
    let (by, window, now) =
        ("zhao.min".parse().unwrap(), "W02".parse().unwrap(), book.clock.now().plus_ms(600_000));
    let taken = hall.app.book.db.write(move |tx| {
        book.change_case(tx, &case, &by, now, |case| Ok(decide::take_over(case, &by, window, now)?))
    });
    taken.await.unwrap();
    let page = second.get("/cases").await.text;
    assert!(page.contains(id.as_str()) && page.contains("2 号窗口"), "in her own list: {page}");
    assert!(!first.get("/cases").await.text.contains(id.as_str()), "no longer in his");
}

#[tokio::test]
async fn a_case_that_was_given_up_shows_what_happened_in_it() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut browser).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    browser.get("/cases").await;
    browser.post(&format!("/cases/{id}/abandon"), &[("reason", "left")]).await;
    let list = browser.get("/cases?show=all").await.text;
    assert!(list.contains("已终止") && list.contains("/reopen\""), "{list}");
    assert!(!browser.get("/cases?show=all").await.text.contains("/reopen\""), "a notice is shown once");
    let page = browser.get(&format!("/cases/{id}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for told in ["开办件", "读取居民身份证", "人证一致", "终止办件：办事人离开", "恢复办理", "王*"]
    {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    assert!(!page.text.contains("519900198805160241") && page.text.contains("519***********0241"));
    let recorded = hall.entries("clerk.action").await;
    browser.post(&format!("/cases/{id}/unmask"), &[("what", "applicant")]).await;
    assert_eq!(hall.entries("clerk.action").await, recorded + 1, "looking is an entry");
    assert!(browser.get(&format!("/cases/{id}")).await.text.contains("519900198805160241"));
    let mut colleague = hall.at_window("zhao.min", "W02").await;
    let page = colleague.get(&format!("/cases/{id}")).await.text;
    assert!(!page.contains(&format!("/cases/{id}/reopen")), "only its clerk takes it up again");
    assert!(!page.contains("519900198805160241"), "what one clerk has opened stays closed for others");
    let mut technician = hall.signed_in("tech").await;
    for path in [format!("/cases/{id}"), format!("/cases/{id}/attachments/1"), format!("/cases/{id}/receipt")]
    {
        assert_eq!(technician.get(&path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn who_only_looks_at_cases_sees_nobody_in_full_and_changes_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut clerk = hall.at_window("li.qiang", "W01").await;
    let id = open_case(&mut clerk).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    finding(&hall, "营业执照在使用前已注销。").await;
    let number = "519900198805160241";
    let (recorded, opened) = (hall.entries("clerk.action").await, hall.entries("case.opened").await);
    for account in ["review", "audit"] {
        let mut browser = hall.signed_in(account).await;
        let list = browser.get("/cases").await.text;
        assert!(list.contains(id.as_str()) && list.contains("王*") && !list.contains("/cases/new"), "{list}");
        assert!(!list.contains("我的在办"), "who has no cases has no list of them");
        let page = browser.get(&format!("/cases/{id}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert!(page.text.contains("人证一致") && page.text.contains("519***********0241"), "{}", page.text);
        assert!(!page.text.contains(number) && !page.text.contains("王芳"), "{account}: {}", page.text);
        let offered: Vec<&str> =
            page.text.split(" action=\"").skip(1).filter_map(|it| it.split('"').next()).collect();
        assert_eq!(offered, ["/cases/search", "/language", "/sign-out"], "{account}");
        let findings = browser.get("/findings").await.text;
        assert!(findings.contains("营业执照在使用前已注销。"), "{findings}");
        assert_eq!(findings.contains("/acknowledge"), account == "review", "{account}: {findings}");
        for path in ["unmask", "take-over", "abandon", "form", "submit"] {
            let answer = browser.post(&format!("/cases/{id}/{path}"), &[]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{account} {path}");
        }
        if account == "audit" {
            for act in ["acknowledge", "give-back", "handled"] {
                let answer = browser.post(&format!("/findings/f-1/{act}"), &[("note", "已告知办事人")]).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{act}");
            }
        }
        let scan = browser.get(&format!("/cases/{id}/attachments/1")).await.status;
        let expected = if account == "audit" { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
        assert_eq!(scan, expected, "{account}: an auditor needs no scan, a reviewer decides on them");
    }
    assert_eq!(hall.entries("case.opened").await, opened);
    assert_eq!(hall.entries("clerk.action").await, recorded + 2, "two signed in, and nothing else");
}

#[tokio::test]
async fn a_notice_is_hung_up_by_who_looks_after_the_devices_and_taken_down_again() {
    let hall = Hall::new().await;
    let mut technician = hall.signed_in("tech").await;
    technician.get("/devices").await;
    let long = "长".repeat(61);
    let refused = technician.post("/devices/notice", &[("text", &long)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("最多 60 个字") && refused.text.contains(&long), "{}", refused.text);
    for text in ["今日 17:00 后只收件", "今日 17:00 后只收件", ""] {
        let recorded = hall.entries("clerk.action").await;
        let before = hall.read(notice::hangs).await;
        assert_eq!(technician.post("/devices/notice", &[("text", text)]).await.to(), "/devices");
        let (hanging, changes) = hall.read(notice::hangs).await;
        assert_eq!(hanging.as_deref().unwrap_or_default(), text);
        let changed = before.0.unwrap_or_default() != text;
        assert_eq!(changes - before.1, u64::from(changed), "what hangs already is hung up once");
        assert_eq!(hall.entries("clerk.action").await - recorded, u32::from(changed));
        assert!(technician.get("/devices").await.text.contains(&format!("value=\"{text}\"")));
    }
    let mut clerk = hall.at_window("li.qiang", "W01").await;
    clerk.get("/devices").await;
    assert_eq!(clerk.post("/devices/notice", &[("text", "休息")]).await.status, StatusCode::FORBIDDEN);
}

fn begin(hall: &Hall) -> Begun {
    let key = SigningKey::from_bytes(&[9; 32]);
    let begin = Begin {
        kind: DeviceKind::Evaluator,
        key: key.verifying_key().into(),
        model: "<img src=x>平板".to_owned(),
        serial: String::new(),
        sw: "0.1.0".to_owned(),
        nonce: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    };
    let name = begin.key.thumbprint().to_string();
    let body = Jws::sign(&key, &name, PAIRING_TYPE, &encode(&begin).unwrap()).to_bytes();
    hall.app.pairing.begin(&body).unwrap().unwrap()
}

#[tokio::test]
async fn a_device_is_paired_with_the_code_it_shows() {
    let hall = Hall::new().await;
    let mut browser = hall.signed_in("tech").await;
    assert!(browser.get("/devices").await.text.contains("没有设备在等待配对"));
    let begun = begin(&hall);
    let page = browser.get("/devices").await.text;
    assert!(page.contains("&#60;img src=x&#62;平板") && !page.contains("<img src=x>"), "{page}");
    assert!(!page.contains(&begun.code.to_string()), "the code is on the device alone");

    let other =
        PairingCode::from_bits(if begun.code == PairingCode::from_bits(1) { 2 } else { 1 }).to_string();
    for (code, error) in [("<b>", "六位字母或数字"), (other.as_str(), "配对码不对或已失效")] {
        let wrong = browser.post("/devices/pair", &[("code", code), ("window", "W02")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            wrong.text.contains(error) && wrong.text.contains("<option value=\"W02\" selected>"),
            "{}",
            wrong.text
        );
        assert!(!wrong.text.contains("value=\"<b>\""));
    }
    let code = begun.code.to_string();
    let nowhere = browser.post("/devices/pair", &[("code", &code), ("window", "W09")]).await;
    assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY, "no such window");
    let bound = browser.post("/devices/pair", &[("code", &code), ("window", "W02")]).await;
    assert_eq!(bound.to(), "/devices", "{}", bound.text);
    let page = browser.get("/devices").await.text;
    assert!(page.contains("评价器 已绑定到 2 号窗口。"), "{page}");
    let id = page.split("/devices/ev-").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let (red, calm) = (page.find(">2 号窗口</b>").unwrap(), page.find(">1 号窗口</b>").unwrap());
    assert!(red < calm, "a device that has not come yet needs a person: its window stands first");
    assert_eq!(hall.entries("device.paired").await, 1);

    let unbound = browser.post(&format!("/devices/ev-{id}/unbind"), &[]).await;
    assert_eq!(unbound.to(), "/devices");
    assert!(!browser.get("/devices").await.text.contains(&id));
    for gone in [format!("/devices/ev-{id}/unbind"), "/devices/x/unbind".to_owned()] {
        assert_eq!(browser.post(&gone, &[]).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(hall.entries("device.paired").await, 2);
}

#[tokio::test]
async fn too_many_wrong_codes_make_a_pause() {
    let hall = Hall::new().await;
    let mut browser = hall.signed_in("tech").await;
    browser.get("/devices").await;
    let mut last = String::new();
    for _ in 0..=hall_bus::pairing::CODE_TRIES {
        last = browser.post("/devices/pair", &[("code", "7K4M29"), ("window", "W01")]).await.text;
    }
    assert!(last.contains("请一分钟后再试"), "{last}");
}

#[tokio::test]
async fn the_line_is_told_as_it_is() {
    let hall = Hall::new().await;
    let mut browser = hall.signed_in("tech").await;
    let now = hall.app.book.clock.now();
    let page = browser.get("/sync").await.text;
    for told in ["离线", "还没有收据", "尚无", "box-07070707"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let knowledge = &hall.app.book.knowledge;
    let down = LineStatus {
        trouble: Some(Trouble::Unreachable("refused".to_owned())),
        ..LineStatus::unknown(now.plus_ms(-600_000))
    };
    knowledge.set_line(down.clone());
    let page = browser.get("/sync").await.text;
    for told in ["连不上省级中心", "窗口照常办理", "线路已断 10 分钟", "hallbox health --data", "线路中断"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains("<span class=\"n\">1</span>"), "the rail counts what waits: {page}");
    hall.write(|tx| {
        let bytes = b"not a receipt".to_vec();
        let receipt =
            ledger::KeptReceipt { size: 1, epoch: 3, received_at: Timestamp(1_795_000_000_000), bytes };
        ledger::note_receipt(tx, &receipt, false)
    })
    .await;
    knowledge.set_line(LineStatus { up: true, since: now, trouble: None, last_contact: Some(now), ..down });
    let page = browser.get("/sync").await.text;
    for told in ["与省级中心连接正常", "线路接通", "收存到第 1 条", "全部已送达"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("线路缓慢"));
    hall.app.line.looked(Duration::from_millis(2_400));
    let page = browser.get("/sync").await.text;
    assert!(page.contains("线路缓慢") && page.contains("应答缓慢"), "{page}");
    hall.app.line.looked(Duration::from_millis(80));
    assert!(!browser.get("/sync").await.text.contains("线路缓慢"), "quick again");
}

#[tokio::test]
async fn what_comes_from_outside_is_never_markup() {
    const BAD: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let hall = Hall::named(BAD).await;
    hall.account("mallory", BAD, accounts::Role::HallAdmin).await;
    hall.write(|tx| accounts::put_window(tx, &"W03".parse().unwrap(), BAD)).await;
    finding(&hall, BAD).await;
    let mut browser = hall.at_window("mallory", "W03").await;
    browser.post("/cases/search", &[("q", BAD)]).await;
    browser.get("/findings").await;
    browser.post("/findings/f-1/acknowledge", &[]).await;
    let refused = browser.post("/findings/f-1/handled", &[("note", "<i>")]).await;
    assert!(refused.text.contains("&#60;i&#62;") && !refused.text.contains("<i>"));
    for path in [
        "/cases",
        "/cases?show=all&q=*",
        "/cases/new?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/findings?show=all",
        "/devices",
        "/sync",
        "/nowhere",
    ] {
        let page = browser.get(path).await.text;
        assert!(page.contains("&#60;script&#62;"), "{path} shows it as text");
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}: {page}");
        assert!(!page.contains("\"'>"), "{path}: no attribute is left");
    }
    let mut door = hall.browser();
    door.get("/sign-in").await;
    let page = door.post("/sign-in", &[("account", BAD), ("password", "x"), ("next", BAD)]).await.text;
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
}

#[tokio::test]
async fn open_pages_are_told_what_changed() {
    let hall = Hall::new().await;
    let browser = hall.signed_in("li.qiang").await;
    let response = browser.open(Request::get("/live?case=01jd8z"), Body::empty()).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut next = async || {
        let piece = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap();
        piece.map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap())
    };
    assert!(next().await.unwrap().contains("event: ping"));
    hall.app.live.tell(Change::Case("01jd8z".parse().unwrap()));
    assert_eq!(next().await.unwrap(), "event: case\ndata: 1\n\n");
    assert_eq!(next().await.unwrap(), "event: cases\ndata: 1\n\n");
    hall.app.live.tell(Change::Case("01other".parse().unwrap()));
    assert!(next().await.unwrap().contains("event: cases"), "of another case only that lists changed");
    for change in [Change::Findings, Change::Findings, Change::Line] {
        hall.app.live.tell(change);
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(next().await.unwrap());
    }
    assert_eq!(
        told.iter().filter(|event| event.contains("findings")).count(),
        1,
        "a burst is one look: {told:?}"
    );
    // A page that fell behind looks at everything.
    for _ in 0..400 {
        hall.app.live.tell(Change::Devices);
    }
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(next().await.unwrap());
    }
    assert!(told.iter().any(|event| event.contains("event: findings")), "{told:?}");
    hall.app.stop.cancel();
    assert_eq!(next().await, None, "the stream ends with the box");
}

#[tokio::test]
async fn only_scripts_ask_for_the_parts_of_the_frame() {
    let hall = Hall::new().await;
    let mut browser = hall.signed_in("li.qiang").await;
    assert_eq!(browser.get("/fragments/frame?at=cases").await.status, StatusCode::NOT_FOUND);
    let request = Request::get("/fragments/frame?at=sync").header("HX-Request", "true");
    let response = browser.open(request, Body::empty()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(
        text.contains("id=\"rail\"") && text.contains("id=\"line\"") && !text.contains("<html"),
        "{text}"
    );
    let response = hall.browser().open(Request::get("/live"), Body::empty()).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "strangers follow nothing");
}

#[tokio::test]
async fn a_full_disk_is_told_as_one() {
    let failure = super::super::failure::Failure::from(Fault::DiskFull);
    let response = axum::response::IntoResponse::into_response(failure);
    assert_eq!(response.status(), StatusCode::INSUFFICIENT_STORAGE);
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains("磁盘已满") && text.contains("H507"), "{text}");
}
