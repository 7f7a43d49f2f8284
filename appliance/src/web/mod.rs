//! The box's web: clerks' screens, the evaluator's page, pairing and the device door.

mod assets;
mod case;
mod cases;
mod device_routes;
mod devices;
mod entrance;
pub mod failure;
mod findings;
pub mod frame;
mod judged;
mod live;
pub mod pages;
mod refusals;
mod security;
pub mod session;
mod sign_in;
mod sync;
#[cfg(test)]
mod tests;

use crate::book::Book;
use crate::devices::door::Door;
use crate::devices::pairing::Pairing;
use crate::line::Line;
use crate::live::Live;
use crate::reception::Desk;
use axum::{Router, middleware};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What handlers use; each takes the part that it needs.
#[derive(Clone)]
pub struct App {
    pub(crate) book: Book,
    pub(crate) desk: Desk,
    pub(crate) pairing: Arc<Pairing>,
    pub(crate) door: Door,
    pub(crate) line: Line,
    pub(crate) live: Live,
    pub(crate) stop: CancellationToken,
    pub(crate) memory: frame::Memory,
    pub(crate) entrance: entrance::Entrance,
    pub(crate) seats: live::Seats,
}

impl App {
    /// The state of the web.
    pub fn new(
        book: Book,
        desk: Desk,
        pairing: Arc<Pairing>,
        door: Door,
        line: Line,
        live: Live,
        stop: CancellationToken,
    ) -> Self {
        let memory = frame::Memory::default();
        let (entrance, seats) = (entrance::Entrance::default(), live::Seats::default());
        Self { book, desk, pairing, door, line, live, stop, memory, entrance, seats }
    }
}

/// Everything that the box serves.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(device_routes::router())
        .merge(assets::router())
        .merge(desks(app.clone()))
        .with_state(app)
}

/// The screens behind sign-in. Whatever fails there is answered with a page.
fn desks(app: App) -> Router<App> {
    Router::new()
        .merge(sign_in::router())
        .merge(cases::router())
        .merge(case::router())
        .merge(findings::router())
        .merge(devices::router())
        .merge(sync::router())
        .merge(security::router())
        .merge(live::router())
        .fallback(failure::nowhere)
        .layer(middleware::from_fn_with_state(app, failure::dress))
}
