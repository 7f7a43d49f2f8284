//! 演示: the hall that `make run` starts, and what a person needs to know of it.

mod endpoints;
mod run;

pub use endpoints::Endpoints;
pub use run::{Options, PortChoice, run};
