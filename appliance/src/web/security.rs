//! 安全事件: what devices and people did at the box's doors that is not in order, the newest first.

use super::App;
use super::entrance::TRIED_TOO_OFTEN;
use super::failure::{Failure, read};
use super::frame::{self, moment};
use super::pages::Lang;
use super::pages::frame::{Desk, Tone};
use super::pages::security::{SecurityPage, SecurityRow};
use super::session::Watcher;
use crate::book::Fault;
use crate::store::accounts;
use crate::store::devices::{self as rows, SecurityEvent};
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use hall_bus::acceptance::{Rejection, Stale};
use hall_bus::{DeviceId, DeviceKind};
use hall_domain::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

const ROWS: u32 = 30;

/// Routes of the security events.
pub fn router() -> Router<App> {
    Router::new().route("/security", get(list))
}

#[derive(Deserialize)]
struct Look {
    #[serde(default)]
    page: String,
}

async fn list(
    State(app): State<App>,
    Watcher(signed): Watcher,
    Query(look): Query<Look>,
) -> Result<Response, Failure> {
    let wanted = look.page.parse::<u32>().unwrap_or(1).max(1);
    let (page, pages, total, found, windows) = read(&app, move |db| {
        let total = rows::count_security(db)?;
        let pages = total.div_ceil(ROWS).max(1);
        let page = wanted.min(pages);
        let windows: BTreeMap<_, _> = accounts::windows(db)?.into_iter().collect();
        Ok::<_, Fault>((page, pages, total, rows::security_events(db, (page - 1) * ROWS, ROWS)?, windows))
    })
    .await?;
    let (now, lang) = (app.book.clock.now(), frame::lang(&signed));
    let place = |event: &SecurityEvent| {
        event.window.as_ref().and_then(|window| windows.get(window).cloned()).unwrap_or_default()
    };
    frame::render(&SecurityPage {
        frame: frame::frame(&app, &signed, Desk::Security, "/security", None).await?,
        rows: found.iter().map(|event| row(event, place(event), now, lang)).collect(),
        page,
        pages,
        total,
    })
}

fn row(event: &SecurityEvent, window: String, now: Timestamp, lang: Lang) -> SecurityRow {
    let (sentence, tone) = told(&event.kind, lang);
    let kind = match event.source.parse::<DeviceId>().map(|device| device.kind()) {
        Ok(DeviceKind::Evaluator) => lang.t("评价器"),
        Ok(DeviceKind::CardReader) => lang.t("读卡器"),
        Ok(DeviceKind::Scanner) => lang.t("扫码器"),
        Err(_) => lang.t("登录"),
    };
    SecurityRow {
        at: moment(event.at, now),
        kind: kind.to_owned(),
        window,
        source: event.source.clone(),
        sentence,
        tone,
    }
}

/// What a stored kind of event means.
fn told(kind: &str, lang: Lang) -> (String, Tone) {
    if kind == TRIED_TOO_OFTEN {
        return (lang.t("从这个地址多次输错账号或密码，已要求等待。").to_owned(), Tone::Old);
    }
    if kind == rows::UNKNOWN_DEVICE {
        return (lang.t("没有配对的设备发来应答，没有采用。").to_owned(), Tone::Harm);
    }
    if let Some(stale) =
        [Stale::Rebound, Stale::Late, Stale::Closed].into_iter().find(|it| it.to_string() == kind)
    {
        return (late(stale, lang).to_owned(), Tone::Old);
    }
    let rejected = kind.strip_prefix(rows::REJECTED).unwrap_or(kind);
    let known = REJECTIONS.into_iter().find(|(rejection, _)| rejection.to_string() == rejected);
    let sentence = known.map_or("应答的签名无法核实，没有采用。", |(_, sentence)| sentence);
    (lang.t(sentence).to_owned(), Tone::Harm)
}

fn late(stale: Stale, lang: Lang) -> &'static str {
    match stale {
        Stale::Rebound => lang.t("设备重新绑定之前的应答，没有采用。"),
        Stale::Late => lang.t("过了时限才到的应答，没有采用。"),
        Stale::Closed => lang.t("已结束的操作又来了应答，没有采用。"),
    }
}

/// Why an answer was not taken, in words. One that is not listed is one whose signature does not verify.
const REJECTIONS: [(Rejection, &str); 13] = [
    (Rejection::Standing, "已隔离或已解除的设备发来应答，没有采用。"),
    (Rejection::UnknownKey, "应答不是用这台设备的密钥签的，没有采用。"),
    (Rejection::Payload, "签名的内容不是应答，没有采用。"),
    (Rejection::OtherDevice, "应答冒用了另一台设备的名义，没有采用。"),
    (Rejection::IdReused, "应答的编号已用于别的内容，没有采用。"),
    (Rejection::Replay, "应答是以前用过的，疑似重放，没有采用。"),
    (Rejection::UnknownCommand, "没有向这台设备发过这个操作，应答没有采用。"),
    (Rejection::BindEpoch, "应答的绑定与操作不符，没有采用。"),
    (Rejection::Generation, "应答的页面不是推送的那一页，没有采用。"),
    (Rejection::Digest, "设备显示的内容与推送的不一致，应答没有采用。"),
    (Rejection::OtherCase, "应答属于另一个办件，没有采用。"),
    (Rejection::Outcome, "应答与显示的内容对不上，没有采用。"),
    (Rejection::TooQuick, "页面还来不及看就确认了，没有采用。"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_has_a_sentence_of_its_own() {
        let mut told: Vec<String> = REJECTIONS
            .iter()
            .map(|(rejection, _)| super::told(&format!("{}{rejection}", rows::REJECTED), Lang::Zh).0)
            .collect();
        for kind in [TRIED_TOO_OFTEN.to_owned(), rows::UNKNOWN_DEVICE.to_owned(), Stale::Late.to_string()] {
            told.push(super::told(&kind, Lang::Zh).0);
        }
        told.push(super::told("rejected: answer is not validly signed: anything", Lang::Zh).0);
        let all = told.len();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), all, "{told:?}");
    }
}
