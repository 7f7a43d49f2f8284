//! The box's clock: wall time for people, time since the machine was started for evidence, and how far to trust the
//! first by the second.

use hall_domain::Timestamp;
use hall_ledger::entry::ClockReading;
use nix::time::{ClockId, clock_gettime};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

mod watch;

pub use watch::{ClockState, Doubt, Watch};

/// A freshness token is at most this long on its way.
const TOKEN_WAY_MS: u64 = 1_000;
/// Granted to a clock that no token has vouched for.
const UNVOUCHED_MS: u64 = 120_000;

/// Where time comes from.
pub trait Source: Send + Sync + 'static {
    /// Wall time. A clock before 1970 reads as 1970.
    fn wall(&self) -> Timestamp;
    /// The machine's start that [`Source::monotonic_ms`] counts from.
    fn boot(&self) -> [u8; 16];
    /// Milliseconds since then; goes on while the machine sleeps, and never back.
    fn monotonic_ms(&self) -> u64;
}

/// One look at both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// Wall time.
    pub wall: Timestamp,
    /// The start of the machine.
    pub boot: [u8; 16],
    /// Milliseconds since then.
    pub monotonic_ms: u64,
}

/// Reads the clocks. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Source>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.0.wall())
    }
}

impl Clock {
    /// The machine's clocks.
    pub fn start() -> Self {
        Self(Arc::new(Machine::look()))
    }

    /// Clocks of another kind.
    pub fn of(source: impl Source) -> Self {
        Self(Arc::new(source))
    }

    /// Wall time. A clock before 1970 reads as 1970.
    pub fn now(&self) -> Timestamp {
        self.0.wall()
    }

    /// Both clocks at this moment.
    pub fn sample(&self) -> Sample {
        Sample { wall: self.0.wall(), boot: self.0.boot(), monotonic_ms: self.0.monotonic_ms() }
    }

    /// What an entry says about the clock. The age of the last time token bounds the error from both sides; a doubtful
    /// clock is granted all that it may be wrong by.
    pub fn reading(&self, token_age_ms: Option<u64>, state: ClockState) -> ClockReading {
        // A token in hand bounds the clock to its way here and a cheap quartz's drift of 100 ppm since;
        // without one nothing vouches for the clock that the machine woke up with.
        let vouched = match token_age_ms {
            Some(age) => TOKEN_WAY_MS + age / 10_000,
            None => UNVOUCHED_MS,
        };
        let error_ms = match state {
            ClockState::Good => vouched,
            ClockState::Doubtful { bound_ms, .. } => vouched.max(bound_ms),
        };
        ClockReading { boot: self.0.boot(), monotonic_ms: self.0.monotonic_ms(), token_age_ms, error_ms }
    }
}

/// The machine's own clocks.
struct Machine {
    boot: [u8; 16],
    /// Stands in for a system that does not say which start this is: then each start of the program counts as one.
    started: Option<Instant>,
}

impl Machine {
    fn look() -> Self {
        let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = told.chars().filter(char::is_ascii_hexdigit).collect();
        let mut boot = [0; 16];
        if hex::decode_to_slice(digits, &mut boot).is_ok() && clock_gettime(ClockId::CLOCK_BOOTTIME).is_ok() {
            return Self { boot, started: None };
        }
        crate::keys::fill_random(&mut boot);
        Self { boot, started: Some(Instant::now()) }
    }
}

impl Source for Machine {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn boot(&self) -> [u8; 16] {
        self.boot
    }

    fn monotonic_ms(&self) -> u64 {
        let since = match self.started {
            Some(started) => started.elapsed(),
            None => clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from),
        };
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
