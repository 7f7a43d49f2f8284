//! The terminal's clock. It may be wrong: nothing is decided by it, and the box treats it as evidence only.

use std::time::{SystemTime, UNIX_EPOCH};

use hall_domain::Timestamp;

/// What the terminal takes for the present; 1970 if its clock stands before that.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
