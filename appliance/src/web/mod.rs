//! The box's web: clerks' screens, the evaluator's page, pairing and the device door.

mod assets;
mod device_routes;
mod devices;
pub mod failure;
pub mod frame;
pub mod pages;
pub mod session;

use crate::book::Book;
use crate::devices::door::Door;
use crate::devices::hub::Hub;
use crate::devices::pairing::Pairing;
use crate::line::Line;
use crate::live::Live;
use crate::reception::Desk;
use axum::Router;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What handlers use; each takes the part that it needs.
#[derive(Clone)]
pub struct App {
    pub(crate) book: Book,
    pub(crate) desk: Desk,
    pub(crate) pairing: Arc<Pairing>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) door: Door,
    pub(crate) line: Line,
    pub(crate) live: Live,
    pub(crate) stop: CancellationToken,
    pub(crate) memory: frame::Memory,
}

impl App {
    /// The state of the web.
    #[expect(clippy::too_many_arguments, reason = "wiring, called once")]
    pub fn new(
        book: Book,
        desk: Desk,
        pairing: Arc<Pairing>,
        hub: Arc<Hub>,
        door: Door,
        line: Line,
        live: Live,
        stop: CancellationToken,
    ) -> Self {
        Self { book, desk, pairing, hub, door, line, live, stop, memory: frame::Memory::default() }
    }
}

/// Everything that the box serves.
pub fn router(app: App) -> Router {
    Router::new().merge(device_routes::router()).merge(assets::router()).with_state(app)
}
