//! What can be done. Each answers with the hall's new state.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use hall_domain::LicenceStatus;
use hall_sim::ScanFault;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::MutexGuard;

use super::state::{HallState, seen};
use super::{Control, Refusal};
use crate::hall::{LineState, ReaderFault, Window};

type Done = Result<Json<HallState>, Refusal>;
type Asked<T> = Result<Json<T>, JsonRejection>;

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/api/windows/{id}/card", post(place_card).delete(lift_card))
        .route("/api/windows/{id}/reader", post(plug_reader))
        .route("/api/windows/{id}/fault", post(break_reader))
        .route("/api/windows/{id}/scan", post(scan))
        .route("/api/line", post(set_line))
        .route("/api/box", post(act_on_box))
        .route("/api/broker", post(act_on_broker))
        .route("/api/centre", post(act_on_centre))
        .route("/api/centre/licences", post(set_licence))
        .route("/api/phones/{slug}/network", post(switch_network))
        .route("/api/pair", post(pair))
}

fn body<T>(asked: Asked<T>) -> Result<T, Refusal> {
    asked
        .map(|Json(asked)| asked)
        .map_err(|error| Refusal::new(error.status(), format!("请求格式不对：{}", error.body_text())))
}

async fn done(control: &Control) -> Done {
    Ok(Json(seen(&control.hall, &control.memory).await))
}

async fn window<'a>(control: &'a Control, id: &str) -> Result<MutexGuard<'a, Window>, Refusal> {
    let window = control.hall.window(id).await.ok_or_else(|| Refusal::unknown("窗口"))?;
    Ok(window.lock().await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    card: String,
}

async fn place_card(State(control): State<Control>, Path(id): Path<String>, asked: Asked<Card>) -> Done {
    let slug = body(asked)?.card;
    let card = control.hall.cast().card(&slug).ok_or_else(|| Refusal::unknown("演员"))?;
    window(&control, &id).await?.place_card(&slug, card).await?;
    done(&control).await
}

async fn lift_card(State(control): State<Control>, Path(id): Path<String>) -> Done {
    window(&control, &id).await?.lift_card().await;
    done(&control).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plugged {
    plugged: bool,
}

async fn plug_reader(State(control): State<Control>, Path(id): Path<String>, asked: Asked<Plugged>) -> Done {
    let plugged = body(asked)?.plugged;
    window(&control, &id).await?.plug(plugged)?;
    done(&control).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broken {
    fault: Option<ReaderFault>,
}

async fn break_reader(State(control): State<Control>, Path(id): Path<String>, asked: Asked<Broken>) -> Done {
    let fault = body(asked)?.fault;
    window(&control, &id).await?.break_reader(fault).await?;
    done(&control).await
}

/// A code held before the window's scanner, and what is wrong with how it comes out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scanned {
    text: String,
    #[serde(default)]
    fault: Option<BadScan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BadScan {
    /// In small pieces, slowly.
    Slow,
    /// With bytes before it that are no text.
    Garbage,
    /// Three times, one right behind the other.
    Repeated,
    /// Its first half.
    Half,
}

async fn scan(State(control): State<Control>, Path(id): Path<String>, asked: Asked<Scanned>) -> Done {
    let Scanned { text, fault } = body(asked)?;
    if text.chars().any(char::is_control) {
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "码里不能有控制字符。"));
    }
    let fault = fault.map(|fault| match fault {
        BadScan::Slow => ScanFault::Split { bytes: 16, gap: Duration::from_millis(30) },
        BadScan::Garbage => ScanFault::Garbage(vec![0xFF, 0xFE, 0x00, b'~']),
        BadScan::Repeated => ScanFault::Repeated(3),
        BadScan::Half => ScanFault::Half(text.len() / 2),
    });
    window(&control, &id).await?.scan(&text, fault.as_slice()).await?;
    done(&control).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineAct {
    state: LineState,
}

async fn set_line(State(control): State<Control>, asked: Asked<LineAct>) -> Done {
    control.hall.line().set(body(asked)?.state);
    done(&control).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acted {
    action: Action,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Action {
    Start,
    Stop,
    Restart,
    /// `kill -9`, and what a service manager does then: start again.
    Kill,
    /// `kill -9`, and nobody starts it again.
    Crash,
}

async fn act_on_box(State(control): State<Control>, asked: Asked<Acted>) -> Done {
    let action = body(asked)?.action;
    let mut hall_box = control.hall.hall_box().write().await;
    match action {
        Action::Stop | Action::Restart => hall_box.stop().await,
        Action::Kill | Action::Crash => hall_box.kill().await,
        Action::Start => {}
    }
    if !matches!(action, Action::Stop | Action::Crash) {
        hall_box.start().await?;
    }
    drop(hall_box);
    done(&control).await
}

async fn act_on_broker(State(control): State<Control>, asked: Asked<Acted>) -> Done {
    if body(asked)?.action != Action::Kill {
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "消息中间件由一体机看管，只能 kill。"));
    }
    control.hall.hall_box().read().await.kill_broker()?;
    done(&control).await
}

async fn act_on_centre(State(control): State<Control>, asked: Asked<Acted>) -> Done {
    match body(asked)?.action {
        Action::Start => control.hall.start_centre().await?,
        Action::Stop => control.hall.stop_centre().await,
        Action::Restart => {
            control.hall.stop_centre().await;
            control.hall.start_centre().await?;
        }
        Action::Kill | Action::Crash => {
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "省级中心只能启动、停止和重启。"));
        }
    }
    done(&control).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Licence {
    id: String,
    status: LicenceStatus,
}

async fn set_licence(State(control): State<Control>, asked: Asked<Licence>) -> Done {
    let Licence { id, status } = body(asked)?;
    let held = |licence: &crate::cast::HeldLicence| licence.id == id;
    // Only the cast's, so that what is asked can stand in the centre's address as it is.
    if !control.hall.cast().people().iter().any(|member| member.licences.iter().any(held)) {
        return Err(Refusal::unknown("证照"));
    }
    control.hall.operator().await?.set_status(&id, status).await?;
    control.memory.keep(&id, status)?;
    done(&control).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    on: bool,
}

async fn switch_network(
    State(control): State<Control>,
    Path(slug): Path<String>,
    asked: Asked<Network>,
) -> Done {
    if !control.hall.phones().set_network(&slug, body(asked)?.on) {
        return Err(Refusal::unknown("演员"));
    }
    done(&control).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    code: String,
    window: String,
}

#[derive(Serialize)]
struct Paired {
    /// What the box said.
    sentence: String,
}

async fn pair(State(control): State<Control>, asked: Asked<Pair>) -> Result<Json<Paired>, Refusal> {
    let Pair { code, window } = body(asked)?;
    let code: String = code.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    if control.hall.window(&window).await.is_none() {
        return Err(Refusal::unknown("窗口"));
    }
    if code.is_empty() {
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "请输入平板上显示的六位配对码。"));
    }
    let sentence = control.hall.hall_box().read().await.pair(&code.to_uppercase(), &window).await?;
    Ok(Json(Paired { sentence }))
}
