//! 证照状态时限: how good a licence's status is by its age. The only place where L2, L3 and L4 are told apart.

use super::Policy;
use crate::evidence::LicenceGrade;
use crate::item::Tier;

/// 证照状态时限 for one kind of licence at one tier, by the policy in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusWindow {
    hours: u32,
    fresh_minutes: u32,
}

impl Policy {
    /// The window of a licence whose kind says `kind_hours`, for an item of this tier.
    #[must_use]
    pub fn window(&self, tier: Tier, kind_hours: u32) -> StatusWindow {
        StatusWindow {
            hours: self.status_window(tier, kind_hours),
            fresh_minutes: self.windows.fresh_minutes,
        }
    }
}

impl StatusWindow {
    /// How many hours a status counts as fresh; 0 when only the centre's own word does.
    #[must_use]
    pub fn hours(self) -> u32 {
        self.hours
    }

    /// Whether a status that was true `age_ms` milliseconds ago is within its hours. What is as old as the window is
    /// outside; nothing is within a window of 0 hours.
    #[must_use]
    pub fn holds(self, age_ms: i64) -> bool {
        age_ms < i64::from(self.hours) * 3_600_000
    }

    /// Whether what the centre said about this very case `age_ms` milliseconds ago, over the line or carried by a
    /// phone, still counts as its word of this moment.
    #[must_use]
    pub fn of_this_moment(self, age_ms: i64) -> bool {
        age_ms <= i64::from(self.fresh_minutes) * 60_000
    }

    /// The grade of an e-licence. `told_ms` is how long ago the centre told its status for this very case, in
    /// milliseconds, if it did; `age_ms` is how old the newest word on it is; `cached` says whether a cache may still
    /// use the licence.
    #[must_use]
    pub fn grade(self, told_ms: Option<i64>, age_ms: i64, cached: bool) -> LicenceGrade {
        if told_ms.is_some_and(|told_ms| self.of_this_moment(told_ms)) {
            LicenceGrade::L4
        } else if cached && self.holds(age_ms) {
            LicenceGrade::L3
        } else {
            LicenceGrade::L2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::StatusHours;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn policy() -> Policy {
        let mut policy = Policy::default();
        policy.windows.status_hours = StatusHours { t0: 96, t1: 48, t2: 12, t3: 0 };
        policy.windows.fresh_minutes = 7;
        policy
    }

    #[test]
    fn a_cached_status_counts_for_the_narrower_of_the_tiers_and_the_kinds_hours_and_not_a_minute_longer() {
        for (tier, kind, hours) in [
            (Tier::T0, 24, 24),
            (Tier::T0, 240, 96),
            (Tier::T1, 72, 48),
            (Tier::T2, 24, 12),
            (Tier::T2, 6, 6),
        ] {
            let window = policy().window(tier, kind);
            assert_eq!(window.hours(), hours);
            let end = i64::from(hours) * HOUR;
            let graded = |age| window.grade(None, age, true);
            assert_eq!(graded(end - MINUTE), LicenceGrade::L3, "{tier:?} {kind}");
            assert_eq!(graded(end), LicenceGrade::L2, "{tier:?} {kind}");
            assert_eq!(graded(end + MINUTE), LicenceGrade::L2, "{tier:?} {kind}");
            assert_eq!(window.grade(None, end - MINUTE, false), LicenceGrade::L2, "the cache may not use it");
        }
    }

    #[test]
    fn a_window_of_no_hours_leaves_only_the_centres_own_word() {
        for window in [policy().window(Tier::T3, 72), policy().window(Tier::T0, 0)] {
            assert_eq!(window.grade(None, 0, true), LicenceGrade::L2);
            assert_eq!(window.grade(Some(0), 0, true), LicenceGrade::L4);
            assert_eq!(window.grade(Some(8 * MINUTE), 8 * MINUTE, true), LicenceGrade::L2);
        }
    }

    #[test]
    fn the_centres_word_is_of_this_moment_for_as_many_minutes_as_the_policy_says() {
        let window = policy().window(Tier::T1, 24);
        let graded = |minutes| window.grade(Some(minutes * MINUTE), minutes * MINUTE, true);
        assert_eq!([graded(6), graded(7), graded(8)], [LicenceGrade::L4, LicenceGrade::L4, LicenceGrade::L3]);
        // It was asked over the line: what the cache thinks of its own copy does not matter then.
        assert_eq!(window.grade(Some(7 * MINUTE), 90 * HOUR, false), LicenceGrade::L4);
    }
}
