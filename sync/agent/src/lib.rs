//! The box's side of the link: says hello, sends entries and attachments, takes what the centre publishes, and tells
//! how the line is. It deliberately does not know where any of it is stored, what a case is, or who looks at it.
//!
//! [`plan`] decides, purely; [`Agent`] acts, through [`Store`] (the box's storage) and [`Link`] (the centre;
//! [`HttpLink`] in the field). Wire and rules: `docs/protocol/link.md`.

mod agent;
mod backoff;
mod blobs;
mod enrol;
mod http;
mod line;
mod link;
mod lookup;
pub mod plan;
mod round;
mod status;
mod store;
mod tail;

pub use agent::{Agent, Identity, ROUND};
pub use backoff::Backoff;
pub use enrol::{EnrolError, Enrolment, enrol};
pub use http::{ClientIdentity, Credentials, HttpLink, LOOKUP, SetupError};
pub use line::Clock;
pub use link::{AssertionAnswer, Link, STATUS_LIST, UploadAnswer};
pub use lookup::{Found, FoundAlias, FreshLicence};
pub use plan::Finding;
pub use status::{CentreTime, LineStatus, Trouble};
pub use store::{BlobFailure, Position, Store, StoreError, VerifiedChange, VerifiedItem, VerifiedPage};
pub use tail::WAIT;
