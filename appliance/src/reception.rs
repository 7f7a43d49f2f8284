//! 受理: the use case of the box. [`decide`] says purely what may happen to a case; [`Desk`]
//! carries it out.

mod answers;
pub(crate) mod call_back;
mod citizen;
pub mod decide;
mod desk;
mod files;
mod form;
mod identify;
mod list;
mod mandate;
mod office;
mod package;
mod pages;
mod phone;
mod refusal;
mod scanner;
mod shown;
mod submit;
mod upkeep;

pub use citizen::not_ready;
pub(crate) use desk::new_command;
pub use desk::{Clerk, Desk, Reading};
pub use files::{Scan, Upload};
pub use mandate::TypedMandate;
pub use pages::RESULT_MS;
pub use refusal::Refusal;
