//! The box's clock: wall time for people, monotonic time and a boot number for evidence.

use hall_domain::Timestamp;
use hall_ledger::entry::ClockReading;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A freshness token is at most this long on its way.
const TOKEN_WAY_MS: u64 = 1_000;
/// Granted to a clock that no token has vouched for.
const UNVOUCHED_MS: u64 = 120_000;

/// Reads the clocks of this process.
#[derive(Debug, Clone)]
pub struct Clock {
    boot: [u8; 16],
    started: Instant,
}

impl Clock {
    /// A clock with a fresh boot number.
    pub fn start() -> Self {
        let mut boot = [0u8; 16];
        crate::keys::fill_random(&mut boot);
        Self { boot, started: Instant::now() }
    }

    /// Wall time. A clock before 1970 reads as 1970.
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// What an entry says about the clock. The age of the last time token bounds the error from both sides.
    pub fn reading(&self, token_age_ms: Option<u64>) -> ClockReading {
        let monotonic_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A token in hand bounds the clock to its way here and a cheap quartz's drift of 100 ppm since;
        // without one nothing vouches for the clock that the machine woke up with.
        let error_ms = match token_age_ms {
            Some(age) => TOKEN_WAY_MS + age / 10_000,
            None => UNVOUCHED_MS,
        };
        ClockReading { boot: self.boot, monotonic_ms, token_age_ms, error_ms }
    }
}
