//! What can be seen: the hall's parts, the cast, and what the centre holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use hall_domain::LicenceStatus;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Control, Refusal};
use crate::demo::Endpoints;
use crate::hall::{Hall, LineState, ReaderFault};

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/api/state", get(state))
        .route("/api/endpoints", get(endpoints))
        .route("/api/cast", get(cast))
        .route("/api/centre/summary", get(summary))
}

/// Licence statuses that were changed here: the centre tells them to halls, not to operators.
pub(super) struct Memory {
    path: PathBuf,
    changed: Mutex<BTreeMap<String, LicenceStatus>>,
}

impl Memory {
    pub(super) fn load(data: &Path) -> Self {
        let path = data.join("licences.json");
        let changed = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { path, changed: Mutex::new(changed.unwrap_or_default()) }
    }

    pub(super) fn keep(&self, licence: &str, status: LicenceStatus) -> Result<()> {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        match status {
            LicenceStatus::Valid => changed.remove(licence),
            _ => changed.insert(licence.to_owned(), status),
        };
        fs::write(&self.path, serde_json::to_vec(&*changed)?)
            .with_context(|| format!("write {}", self.path.display()))
    }

    fn changed(&self) -> BTreeMap<String, LicenceStatus> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The state of the hall. Also the answer to everything that changes it.
#[derive(Debug, Serialize)]
pub(super) struct HallState {
    hall: String,
    windows: Vec<WindowState>,
    line: LineState,
    #[serde(rename = "box")]
    hall_box: BoxState,
    centre: CentreState,
    phones: PhonesState,
    licences: BTreeMap<String, LicenceStatus>,
}

#[derive(Debug, Serialize)]
struct WindowState {
    id: String,
    name: String,
    card: Option<String>,
    plugged: bool,
    fault: Option<ReaderFault>,
    /// How often a fault has shown since the start.
    struck: u64,
    driver: Running,
}

#[derive(Debug, Serialize)]
struct BoxState {
    state: Running,
    pid: Option<i32>,
    broker: Option<i32>,
}

#[derive(Debug, Serialize)]
struct CentreState {
    state: Running,
}

#[derive(Debug, Serialize)]
struct PhonesState {
    /// Whose phones have no network.
    without_network: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Running {
    Running,
    Stopped,
}

impl From<bool> for Running {
    fn from(runs: bool) -> Self {
        if runs { Self::Running } else { Self::Stopped }
    }
}

pub(super) async fn seen(hall: &Hall, memory: &Memory) -> HallState {
    let mut windows = Vec::new();
    for window in hall.windows() {
        let window = window.lock().await;
        windows.push(WindowState {
            id: window.plan().id.clone(),
            name: window.plan().name.clone(),
            card: window.card().map(str::to_owned),
            plugged: window.is_plugged(),
            fault: window.fault(),
            struck: window.struck(),
            driver: window.driver().is_some_and(|driver| driver.ended().is_none()).into(),
        });
    }
    let hall_box = hall.hall_box().read().await;
    let runs = hall_box.is_running();
    let centre = hall.centre().read().await.as_ref().is_some_and(|centre| centre.part().ended().is_none());
    HallState {
        hall: hall.plan().name.clone(),
        windows,
        line: hall.line().state(),
        hall_box: BoxState {
            state: runs.into(),
            pid: hall_box.part().filter(|_| runs).map(|part| part.pid()),
            broker: hall_box.broker().filter(|_| runs),
        },
        centre: CentreState { state: centre.into() },
        phones: PhonesState { without_network: hall.phones().without_network() },
        licences: memory.changed(),
    }
}

async fn state(State(control): State<Control>) -> Json<HallState> {
    Json(seen(&control.hall, &control.memory).await)
}

async fn endpoints(State(control): State<Control>) -> Json<Endpoints> {
    Json((*control.endpoints).clone())
}

async fn cast(State(control): State<Control>) -> Json<Value> {
    Json(json!(control.hall.cast().people()))
}

/// What the centre holds: its counts, and how many cases stand at each outcome.
async fn summary(State(control): State<Control>) -> Result<Json<Value>, Refusal> {
    let operator = control.hall.operator().await?;
    let (health, cases) = tokio::try_join!(operator.health(), operator.cases())?;
    let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
    for case in cases.as_array().into_iter().flatten() {
        *outcomes.entry(case["outcome"].as_str().unwrap_or("awaiting")).or_default() += 1;
    }
    Ok(Json(json!({ "counts": health["counts"], "outcomes": outcomes, "cases": cases })))
}
