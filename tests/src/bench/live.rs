//! A whole hall to measure on: the one of the demonstration with one window, its readers at the speed of real lines.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use hall_sim::Pace;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control;
use crate::demo::Endpoints;
use crate::hall::{Ground, Hall, Plan, Ports};

/// A running hall with its control interface.
pub struct LiveHall {
    /// The hall.
    pub hall: Arc<Hall>,
    /// Where its addresses are written.
    pub endpoints: PathBuf,
    serving: CancellationToken,
    tasks: TaskTracker,
}

impl LiveHall {
    /// Builds and starts one in an empty folder.
    pub async fn start(folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        let ground = Ground::take(&data)?;
        let mut plan = Plan::usual(data, 1, Ports::any()?);
        plan.pace = Pace::Baud115200;
        let hall = Arc::new(Hall::start(plan, ground, |_| ()).await.context("start a hall")?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let described = Arc::new(Endpoints::of(&hall, listener.local_addr()?).await?);
        let endpoints = folder.join("endpoints.json");
        described.write(&endpoints)?;
        let (serving, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(control::serve(listener, hall.clone(), described, serving.clone()));
        Ok(Self { hall, endpoints, serving, tasks })
    }

    /// Stops everything.
    pub async fn stop(self) {
        self.serving.cancel();
        self.hall.stop().await;
        self.tasks.close();
        // A browser may keep a connection to the control interface open.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), self.tasks.wait()).await;
    }
}
