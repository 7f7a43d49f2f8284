//! How long to wait before trying the line again.
//!
//! The first retry comes after about 1 s, each further one after twice as long, never more than
//! 30 s. Every wait is drawn from its upper half, at the cap as well, so that halls which lost
//! the line together do not come back together. There is no last attempt.

use std::time::Duration;

/// The first wait.
pub const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);

/// Counts failed attempts in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { failures: 0, longest: LONGEST }
    }
}

impl Backoff {
    /// One that never waits longer than `longest`.
    pub fn up_to(longest: Duration) -> Self {
        Self { longest, ..Self::default() }
    }

    /// The wait after one more failure. `random` is any number; equal numbers give equal waits.
    pub fn after_failure(&mut self, random: u32) -> Duration {
        let full = FIRST.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let half = full / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// The line works: the next failure starts from the first wait again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_one_second_to_thirty_and_stay_there() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8).map(|_| backoff.after_failure(u32::MAX).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn the_wait_is_spread_over_its_upper_half_at_the_cap_as_well() {
        for failures in [0, 3, 1000, u32::MAX] {
            let shortest = Backoff { failures, ..Backoff::default() }.after_failure(0);
            let longest = Backoff { failures, ..Backoff::default() }.after_failure(u32::MAX);
            assert_eq!(shortest * 2, longest);
            assert!(longest <= LONGEST);
        }
    }

    #[test]
    fn a_working_line_starts_over() {
        let mut backoff = Backoff { failures: 9, ..Backoff::default() };
        backoff.reset();
        assert!(backoff.after_failure(u32::MAX) <= FIRST);
    }
}
