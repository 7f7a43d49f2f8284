//! 设备: the windows with their devices, pairing a new one, taking one away.

use super::App;
use super::failure::{Failure, read};
use super::frame::{self, leave_notice, seconds_since};
use super::pages::Lang;
use super::pages::devices::{
    Asking, Device as ShownDevice, DeviceState, DevicesPage, NoticeForm, Pairing as PairingForm, Slot,
    WindowRow,
};
use super::pages::frame::{Desk, Notice, Tone};
use super::session::{Nothing, OwnForm, SignedIn, Technician};
use crate::book::Fault;
use crate::devices::notice::{self, Notice as Typed};
use crate::devices::pairing::CodeRefused;
use crate::store::accounts::{self, Sitting};
use crate::store::devices::{self as rows, Device, Presence};
use crate::store::meta;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hall_bus::messages::About;
use hall_bus::reader::ReaderCondition;
use hall_bus::{DeviceId, DeviceKind, PairingCode};
use hall_domain::Timestamp;
use hall_domain::case::WindowId;
use serde::Deserialize;
use std::collections::BTreeSet;

/// More characters than a code has are not shown again.
const CODE_CHARS: usize = 7;

type Answer = Result<Response, Failure>;

/// Routes of the devices.
pub fn router() -> Router<App> {
    Router::new()
        .route("/devices", get(list))
        .route("/devices/pair", post(pair))
        .route("/devices/notice", post(hang_notice))
        .route("/devices/{id}/unbind", post(unbind))
}

async fn list(State(app): State<App>, signed: SignedIn) -> Answer {
    page(&app, &signed, PairingForm::default(), None, StatusCode::OK).await
}

async fn page(
    app: &App,
    signed: &SignedIn,
    pairing: PairingForm,
    refused: Option<NoticeForm>,
    status: StatusCode,
) -> Answer {
    let now = app.book.clock.now();
    let hall = read(app, move |db| {
        Ok::<_, Fault>(Hall {
            windows: accounts::windows(db)?,
            sitting: accounts::sitting(db, now)?,
            devices: rows::all(db)?,
            busy: rows::open_commands(db, None)?.into_iter().map(|command| command.device).collect(),
            folder: meta::folder(db),
            notice: notice::hangs(db)?.0.unwrap_or_default(),
        })
    })
    .await?;
    let lang = frame::lang(signed);
    let mut windows: Vec<WindowRow> =
        hall.windows.iter().map(|(id, name)| hall.window(id, name, now, lang)).collect();
    // Red things first; the rest stays in the order of the windows.
    windows.sort_by_key(|window| !window.troubled());
    let asking = app.pairing.asking().into_iter().map(|asking| Asking {
        kind: kind_words(asking.kind, lang).to_owned(),
        model: asking.model,
        fingerprint: asking.fingerprint,
        left_s: asking.left_s,
    });
    frame::render_as(
        status,
        &DevicesPage {
            frame: frame::frame(app, signed, Desk::Devices, "/devices", None).await?,
            windows,
            asking: asking.collect(),
            pairing,
            notice: refused.unwrap_or(NoticeForm { text: hall.notice, error: None }),
            may_change: signed.session.role.installs(),
            folder: hall.folder.unwrap_or_default().display().to_string(),
        },
    )
}

#[derive(Deserialize)]
struct PairForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    window: String,
}

async fn pair(
    State(app): State<App>,
    Technician(signed): Technician,
    OwnForm(form): OwnForm<PairForm>,
) -> Answer {
    let lang = frame::lang(&signed);
    let error = match form.code.trim().parse::<PairingCode>() {
        Err(_) => lang.t("配对码是六位字母或数字，请核对设备屏幕。"),
        Ok(code) => {
            let (window, name) = window_of(&app, &form.window).await?;
            match app.pairing.bind(code, &window, &signed.session.account).await? {
                Ok(device) => {
                    let kind = kind_words(device.kind(), lang);
                    let text = lang.fill("{} 已绑定到 {}。", &[&kind, &name]);
                    leave_notice(&app, &signed, Notice { text, ..Notice::default() });
                    return Ok(Redirect::to("/devices").into_response());
                }
                Err(CodeRefused::Unknown) => lang.t("配对码不对或已失效，请看设备屏幕上的新码。"),
                Err(CodeRefused::Paused) => lang.t("输错次数过多，请一分钟后再试。"),
            }
        }
    };
    let pairing = PairingForm {
        code: form.code.trim().chars().take(CODE_CHARS).collect(),
        window: form.window,
        error: Some(error.to_owned()),
    };
    page(&app, &signed, pairing, None, StatusCode::UNPROCESSABLE_ENTITY).await
}

#[derive(Deserialize)]
struct Hanging {
    #[serde(default)]
    text: String,
}

/// 公告 on every evaluator.
async fn hang_notice(
    State(app): State<App>,
    Technician(signed): Technician,
    OwnForm(form): OwnForm<Hanging>,
) -> Answer {
    let lang = frame::lang(&signed);
    let Ok(typed) = Typed::typed(&form.text) else {
        let text = form.text.chars().take(2 * notice::MAX_CHARS).collect();
        let error = Some(lang.t("公告最多 60 个字，只能有一行，不能有控制字符。").to_owned());
        let refused = Some(NoticeForm { text, error });
        return page(&app, &signed, PairingForm::default(), refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    app.desk.hang(&signed.session.account, &typed).await?;
    let text = match typed.as_str() {
        "" => lang.t("公告已撤下。"),
        _ => lang.t("公告已发布到各窗口的评价器。"),
    };
    leave_notice(&app, &signed, Notice { text: text.to_owned(), ..Notice::default() });
    Ok(Redirect::to("/devices").into_response())
}

async fn window_of(app: &App, text: &str) -> Result<(WindowId, String), Failure> {
    let windows = read(app, |db| Ok::<_, Fault>(accounts::windows(db)?)).await?;
    windows.into_iter().find(|(id, _)| id.as_str() == text).ok_or_else(Failure::malformed)
}

async fn unbind(
    State(app): State<App>,
    Technician(signed): Technician,
    Path(id): Path<String>,
    _: OwnForm<Nothing>,
) -> Answer {
    let id: DeviceId = id.parse().map_err(|_| Failure::not_found())?;
    let wanted = id.clone();
    if read(&app, move |db| Ok::<_, Fault>(rows::find(db, &wanted)?)).await?.is_none() {
        return Err(Failure::not_found().back_to("/devices"));
    }
    app.pairing.revoke(&id, &signed.session.account).await?;
    let lang = frame::lang(&signed);
    let text = lang.fill("{} 已解除，需要时请重新配对。", &[&kind_words(id.kind(), lang)]);
    leave_notice(&app, &signed, Notice { text, ..Notice::default() });
    Ok(Redirect::to("/devices").into_response())
}

/// Whether a device needs a person.
pub fn troubled(device: &Device) -> bool {
    device.window.is_some() && state(device, false).tone() == Tone::Harm
}

/// How a bound device is. `busy` says that it has a page or a read on it.
pub fn state(device: &Device, busy: bool) -> DeviceState {
    match device.state {
        Presence::Ready if busy => DeviceState::Busy,
        Presence::Ready => DeviceState::Ready,
        Presence::Quarantined => DeviceState::Quarantined,
        Presence::Lost => DeviceState::Offline,
        Presence::Fault => match serde_json::from_str(&device.detail) {
            Ok(About::Reader(reader)) => match reader.state {
                ReaderCondition::Unplugged => DeviceState::Unplugged,
                ReaderCondition::ServiceDown => DeviceState::ServiceDown,
                ReaderCondition::Stuck => DeviceState::Stuck,
                ReaderCondition::Ready | ReaderCondition::NoLicence => DeviceState::Faulty,
            },
            Ok(About::Scanner(_)) => DeviceState::Unplugged,
            _ => DeviceState::Faulty,
        },
    }
}

/// The hall's windows and what stands there.
struct Hall {
    windows: Vec<(WindowId, String)>,
    sitting: Vec<Sitting>,
    devices: Vec<Device>,
    busy: BTreeSet<DeviceId>,
    folder: Option<std::path::PathBuf>,
    notice: String,
}

impl Hall {
    fn window(&self, id: &WindowId, name: &str, now: Timestamp, lang: Lang) -> WindowRow {
        let clerk = self.sitting.iter().find(|sitting| sitting.window == *id);
        WindowRow {
            id: id.to_string(),
            label: name.to_owned(),
            clerk: clerk.map(|sitting| sitting.display.clone()).unwrap_or_default(),
            evaluator: self.slot(id, DeviceKind::Evaluator, now, lang),
            reader: self.slot(id, DeviceKind::CardReader, now, lang),
            scanner: Some(self.slot(id, DeviceKind::Scanner, now, lang)).filter(|slot| slot.device.is_some()),
        }
    }

    fn slot(&self, window: &WindowId, kind: DeviceKind, now: Timestamp, lang: Lang) -> Slot {
        let device = self
            .devices
            .iter()
            .find(|device| device.window.as_ref() == Some(window) && device.id.kind() == kind);
        let state = device.map_or(DeviceState::Empty, |device| state(device, self.busy.contains(&device.id)));
        Slot {
            state,
            device: device.map(|device| ShownDevice {
                id: device.id.to_string(),
                model: device.model.clone(),
                version: device.software.clone(),
                seen_s: seconds_since(device.seen_at.max(device.paired_at), now),
            }),
            todo: todo(kind, state, lang).to_owned(),
        }
    }
}

/// The one next action.
fn todo(kind: DeviceKind, state: DeviceState, lang: Lang) -> &'static str {
    match (kind, state) {
        (_, DeviceState::Ready | DeviceState::Busy) => "",
        (DeviceKind::Evaluator, DeviceState::Empty) => lang.t("请配对评价器。"),
        (DeviceKind::Evaluator, DeviceState::Offline) => lang.t("请看平板是否开机、是否连着大厅网络。"),
        (DeviceKind::Evaluator, DeviceState::Quarantined) => {
            lang.t("应答有异常，已停用。请在“安全事件”里看原因；确认平板没有被人动过后，解除再重新配对。")
        }
        (DeviceKind::Evaluator, _) => lang.t("请重新打开平板的评价器页面；仍不行请更换平板。"),
        (DeviceKind::CardReader, DeviceState::Empty) => lang.t("请配对读卡器。"),
        (DeviceKind::CardReader, DeviceState::Offline) => {
            lang.t("请看窗口电脑是否开机、读卡驱动是否在运行。")
        }
        (DeviceKind::CardReader, DeviceState::Unplugged) => lang.t("请插好读卡器的线。"),
        (DeviceKind::CardReader, DeviceState::ServiceDown) => {
            lang.t("请在窗口电脑上启动读卡服务（pcscd）；恢复后会自动接上。")
        }
        (DeviceKind::CardReader, DeviceState::Stuck) => lang.t("请拿走读卡器上的卡；仍不行请拔插读卡器。"),
        (DeviceKind::Scanner, DeviceState::Unplugged) => lang.t("请插好扫码器的线。"),
        (DeviceKind::Scanner, DeviceState::Offline) => lang.t("请看窗口电脑是否开机、扫码驱动是否在运行。"),
        (DeviceKind::Scanner, _) => lang.t("请拔插扫码器；仍不行请更换扫码器。"),
        (DeviceKind::CardReader, _) => lang.t("请拔插读卡器；仍不行请更换读卡器。"),
    }
}

fn kind_words(kind: DeviceKind, lang: Lang) -> &'static str {
    match kind {
        DeviceKind::Evaluator => lang.t("评价器"),
        DeviceKind::CardReader => lang.t("读卡器"),
        DeviceKind::Scanner => lang.t("扫码器"),
    }
}
