//! HTTP: the link for boxes, the operators' side, and what citizens' phones call. The only place of the centre that knows axum.

mod admin;
mod aliases;
mod blobs;
mod citizen;
mod enrol;
mod error;
mod link;
mod scope;
pub mod serve;

pub use admin::router as admin_router;
pub use citizen::router as citizen_router;
pub use link::router as link_router;
