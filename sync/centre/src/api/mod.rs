//! HTTP: the link for boxes, and the operators' side. The only place of the centre that knows axum.

mod admin;
mod blobs;
mod enrol;
mod error;
mod link;
mod scope;
pub mod serve;

pub use admin::router as admin_router;
pub use link::router as link_router;
