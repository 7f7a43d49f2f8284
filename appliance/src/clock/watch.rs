//! 时钟可信: compares the wall clock with the monotonic one and with what the centre said, and says how far it may be
//! wrong. Nothing here reads a clock.

use super::Sample;
use hall_domain::Timestamp;
use hall_sync::CentreTime;
use serde::{Deserialize, Serialize};

/// A clock that may be further off than this is doubtful.
const LIMIT_MS: u64 = 120_000;
/// A step back that no steering of a clock explains.
const BACK_MS: i64 = 2_000;
/// What a cheap quartz may drift: 100 ppm.
const DRIFT: u64 = 10_000;
/// Granted to a clock that ran on its battery while the machine was off.
const POWER_OFF_MS: u64 = 5_000;
/// The way of the centre's time to here, beyond what was measured.
const WAY_MS: u64 = 1_000;
/// Assumed when nothing bounds a clock: beyond the window of every licence kind.
const UNKNOWN_MS: u64 = 72 * 3_600_000;

/// 时钟状态.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Within two minutes of the truth, as far as the box can know.
    Good,
    /// 时钟可疑.
    Doubtful {
        /// Why.
        reason: Doubt,
        /// How far from the truth it may be.
        bound_ms: u64,
    },
}

/// Why a clock is doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// 时钟倒退: it was set back, or woke up in the past.
    WentBack,
    /// 时钟跳变: it was set forward.
    JumpedAhead,
    /// 与省级中心不一致: it differs from what the centre says.
    OffCentre,
    /// 长期未校准: the centre has not been heard for so long that drift alone may be too much.
    Drifted,
}

/// A moment at which the true time was known, on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Anchor {
    truth: Timestamp,
    monotonic_ms: u64,
    error_ms: u64,
}

impl Anchor {
    fn at(&self, sample: &Sample) -> (Timestamp, u64) {
        let since = sample.monotonic_ms.saturating_sub(self.monotonic_ms);
        let truth = self.truth.plus_ms(i64::try_from(since).unwrap_or(i64::MAX));
        (truth, self.error_ms.saturating_add(since / DRIFT))
    }
}

/// What is remembered of the clocks, over restarts too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    last: Option<Sample>,
    anchor: Option<Anchor>,
    /// Stands until the centre vouches for the clock again.
    fault: Option<Doubt>,
}

impl Watch {
    /// Looks at both clocks. `signed` is the newest time that the centre has signed; `heard` is what its clock was, if it
    /// was heard since the last look.
    pub fn look(&mut self, sample: Sample, signed: Option<Timestamp>, heard: Option<CentreTime>) {
        let Some(heard) = heard else { return self.observe(sample, signed) };
        // The clock may have been set before or after it was compared: the look that is nearer shows the same clock.
        let from = |look: &Sample| look.wall.ms_since(heard.here).unsigned_abs();
        match self.last.filter(|last| last.boot == sample.boot && from(last) < from(&sample)) {
            Some(last) => {
                self.hear(heard, last);
                self.observe(sample, signed);
            }
            None => {
                self.observe(sample, signed);
                self.hear(heard, sample);
            }
        }
    }

    fn observe(&mut self, sample: Sample, signed: Option<Timestamp>) {
        match self.last {
            Some(last) if last.boot == sample.boot => {
                let passed = sample.monotonic_ms.saturating_sub(last.monotonic_ms);
                let jump = sample.wall.ms_since(last.wall) - i64::try_from(passed).unwrap_or(i64::MAX);
                if jump < -BACK_MS {
                    self.fault = Some(Doubt::WentBack);
                } else if jump.unsigned_abs() > LIMIT_MS {
                    self.fault = Some(Doubt::JumpedAhead);
                }
            }
            Some(last) if sample.wall.ms_since(last.wall) < -BACK_MS => {
                // Nobody knows how long the machine was off.
                self.anchor = None;
                self.fault = Some(Doubt::WentBack);
            }
            Some(last) => {
                let off = sample.wall.ms_since(last.wall).max(0).unsigned_abs();
                self.anchor = self.anchor.map(|anchor| {
                    let (truth, error_ms) = anchor.at(&last);
                    Anchor {
                        truth: truth.plus_ms(i64::try_from(off).unwrap_or(i64::MAX)),
                        monotonic_ms: sample.monotonic_ms,
                        error_ms: error_ms.saturating_add(off / DRIFT + POWER_OFF_MS),
                    }
                });
            }
            None => {}
        }
        let limit = i64::try_from(LIMIT_MS).unwrap_or(i64::MAX);
        if self.fault.is_none() && signed.is_some_and(|signed| sample.wall.ms_since(signed) < -limit) {
            self.fault = Some(Doubt::WentBack);
        }
        self.last = Some(sample);
    }

    /// The centre was heard. A clock that agrees with it is good again.
    fn hear(&mut self, heard: CentreTime, sample: Sample) {
        self.anchor = Some(Anchor {
            truth: heard.centre.plus_ms(sample.wall.ms_since(heard.here)),
            monotonic_ms: sample.monotonic_ms,
            error_ms: heard.within_ms.saturating_add(WAY_MS),
        });
        let off = heard.here.ms_since(heard.centre).unsigned_abs();
        self.fault = (off > LIMIT_MS.saturating_add(heard.within_ms)).then_some(Doubt::OffCentre);
    }

    /// The clock as of the last look.
    pub fn state(&self) -> ClockState {
        let Some((off, error_ms)) = self.off() else {
            return self.fault.map_or(ClockState::Good, |reason| doubtful(reason, UNKNOWN_MS));
        };
        let bound_ms = off.unsigned_abs().saturating_add(error_ms);
        let reason = match self.fault {
            Some(reason) => reason,
            // Many small steps make a large one.
            None if off.unsigned_abs() > LIMIT_MS.saturating_add(error_ms) && off < 0 => Doubt::WentBack,
            None if off.unsigned_abs() > LIMIT_MS.saturating_add(error_ms) => Doubt::JumpedAhead,
            None if error_ms > LIMIT_MS => Doubt::Drifted,
            None => return ClockState::Good,
        };
        doubtful(reason, bound_ms)
    }

    /// The clock when it shows `wall` now: it may have been set since the last look.
    pub fn state_at(&self, wall: Timestamp, signed: Option<Timestamp>) -> ClockState {
        let Some(last) = self.last else {
            let mut watch = self.clone();
            watch.observe(Sample { wall, boot: [0; 16], monotonic_ms: 0 }, signed);
            return watch.state();
        };
        match self.state() {
            ClockState::Good if wall.ms_since(last.wall) < -BACK_MS => {
                let back = last.wall.ms_since(wall).unsigned_abs();
                doubtful(
                    Doubt::WentBack,
                    back.saturating_add(self.off().map_or(UNKNOWN_MS, |(_, error)| error)),
                )
            }
            state => state,
        }
    }

    /// The latest that it may be when the wall clock shows `at`: what windows of time are measured with. It is known
    /// that `passed` is over.
    pub fn latest(&self, at: Timestamp, passed: Timestamp) -> Timestamp {
        let ClockState::Doubtful { bound_ms, .. } = self.state() else { return at.max(passed) };
        match self.off() {
            // Wrong by a known amount: the truth is behind or ahead of the wall clock, give or take the error.
            Some((off, error_ms)) => {
                let ahead = i64::try_from(error_ms).unwrap_or(i64::MAX).saturating_sub(off);
                at.plus_ms(ahead.max(0)).max(passed)
            }
            None => at.max(passed).plus_ms(i64::try_from(bound_ms).unwrap_or(i64::MAX)),
        }
    }

    /// How far the wall clock is ahead of the truth, and the error of that.
    fn off(&self) -> Option<(i64, u64)> {
        let (anchor, last) = (self.anchor.as_ref()?, self.last.as_ref()?);
        let (truth, error_ms) = anchor.at(last);
        Some((last.wall.ms_since(truth), error_ms))
    }
}

fn doubtful(reason: Doubt, bound_ms: u64) -> ClockState {
    ClockState::Doubtful { reason, bound_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_790_000_000_000;
    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    /// A box whose true time and wall clock can be moved apart.
    struct Desk {
        watch: Watch,
        boot: u8,
        true_ms: i64,
        started_ms: i64,
        off_ms: i64,
    }

    impl Desk {
        /// Just heard the centre.
        fn new() -> Self {
            let mut desk =
                Self { watch: Watch::default(), boot: 1, true_ms: NOON, started_ms: NOON - 1_000, off_ms: 0 };
            desk.look();
            desk.hear();
            desk
        }

        fn sample(&self) -> Sample {
            let monotonic_ms = (self.true_ms - self.started_ms).unsigned_abs();
            Sample { wall: Timestamp(self.true_ms + self.off_ms), boot: [self.boot; 16], monotonic_ms }
        }

        fn look(&mut self) {
            self.watch.observe(self.sample(), None);
        }

        fn pass(&mut self, ms: i64) {
            self.true_ms += ms;
            self.look();
        }

        fn hear(&mut self) {
            let here = self.sample().wall;
            self.watch
                .hear(CentreTime { centre: Timestamp(self.true_ms), here, within_ms: 50 }, self.sample());
        }

        fn power_off(&mut self, ms: i64) {
            self.true_ms += ms;
            self.started_ms = self.true_ms;
            self.boot += 1;
            self.look();
        }

        fn doubt(&self) -> Option<(Doubt, u64)> {
            match self.watch.state() {
                ClockState::Good => None,
                ClockState::Doubtful { reason, bound_ms } => Some((reason, bound_ms)),
            }
        }

        fn latest(&self) -> i64 {
            self.watch.latest(self.sample().wall, Timestamp(NOON)).0
        }
    }

    #[test]
    fn a_clock_that_was_set_back_is_doubtful_until_the_centre_vouches_for_it() {
        let mut desk = Desk::new();
        desk.pass(MINUTE);
        assert_eq!(desk.doubt(), None);
        desk.off_ms = -DAY;
        desk.pass(1_000);
        let (reason, bound) = desk.doubt().unwrap();
        assert_eq!(reason, Doubt::WentBack);
        assert!(bound >= DAY.unsigned_abs() && bound < DAY.unsigned_abs() + 120_000, "{bound}");
        // The monotonic clock still knows: nothing becomes fresh, and little becomes older than it is.
        assert!((desk.true_ms..desk.true_ms + MINUTE).contains(&desk.latest()));
        desk.hear();
        assert_eq!(desk.doubt().unwrap().0, Doubt::OffCentre, "hearing the centre does not make it right");
        desk.off_ms = 0;
        desk.pass(1_000);
        desk.hear();
        assert_eq!(desk.doubt(), None);
    }

    #[test]
    fn a_clock_that_is_steered_is_no_jump_and_one_that_is_set_forward_is() {
        let mut desk = Desk::new();
        for _ in 0..10 {
            desk.off_ms -= 500;
            desk.pass(1_000);
        }
        assert_eq!(desk.doubt(), None);
        desk.off_ms += 3 * MINUTE;
        desk.pass(1_000);
        assert_eq!(desk.doubt().unwrap().0, Doubt::JumpedAhead);
        assert!(desk.latest() >= desk.true_ms);
    }

    #[test]
    fn a_clock_that_is_set_right_before_or_after_it_is_compared_is_judged_as_it_was_then() {
        let mut desk = Desk::new();
        desk.off_ms = -DAY;
        desk.pass(1_000);
        let wrong = CentreTime { centre: Timestamp(desk.true_ms), here: desk.sample().wall, within_ms: 50 };
        desk.off_ms = 0;
        desk.true_ms += 1_000;
        let mut before = desk.watch.clone();
        before.look(desk.sample(), None, Some(wrong));
        assert!(matches!(before.state(), ClockState::Doubtful { .. }), "compared, then set");
        let right = CentreTime { centre: Timestamp(desk.true_ms), here: desk.sample().wall, within_ms: 50 };
        desk.watch.look(desk.sample(), None, Some(right));
        assert_eq!(desk.doubt(), None, "set, then compared");
    }

    #[test]
    fn many_small_steps_make_a_large_one() {
        let mut desk = Desk::new();
        for _ in 0..100 {
            desk.off_ms -= 1_500;
            desk.pass(1_000);
        }
        assert_eq!(desk.doubt().unwrap().0, Doubt::WentBack);
    }

    #[test]
    fn without_the_centre_drift_alone_becomes_too_much_after_two_weeks() {
        let mut desk = Desk::new();
        desk.pass(13 * DAY);
        assert_eq!(desk.doubt(), None);
        desk.pass(DAY);
        let (reason, bound) = desk.doubt().unwrap();
        assert_eq!(reason, Doubt::Drifted);
        assert!((120_000..180_000).contains(&bound), "{bound}");
        assert!(desk.latest() > desk.true_ms, "windows are measured by the latest that it may be");
        desk.hear();
        assert_eq!(desk.doubt(), None);
    }

    #[test]
    fn a_night_without_power_is_bridged_by_the_battery_and_a_dead_battery_is_noticed() {
        let mut desk = Desk::new();
        desk.power_off(DAY / 2);
        assert_eq!(desk.doubt(), None);
        desk.off_ms = -30 * 365 * DAY;
        desk.power_off(DAY);
        assert_eq!(desk.doubt(), Some((Doubt::WentBack, UNKNOWN_MS)), "nobody knows how long it was off");
        assert_eq!(desk.latest(), NOON + 3 * DAY, "from the last time that the centre has signed");
        desk.off_ms = 0;
        desk.pass(1_000);
        desk.hear();
        assert_eq!(desk.doubt(), None);
    }

    #[test]
    fn what_was_known_is_known_after_a_restart() {
        let mut desk = Desk::new();
        desk.pass(MINUTE);
        let kept = serde_json::to_vec(&desk.watch).unwrap();
        desk.watch = serde_json::from_slice(&kept).unwrap();
        desk.off_ms = -DAY;
        desk.pass(5 * MINUTE);
        assert_eq!(desk.doubt().unwrap().0, Doubt::WentBack, "set back while the program did not run");
        desk.watch = serde_json::from_slice(&serde_json::to_vec(&desk.watch).unwrap()).unwrap();
        desk.pass(1_000);
        assert_eq!(desk.doubt().unwrap().0, Doubt::WentBack, "and a restart forgives nothing");
    }

    #[test]
    fn a_clock_before_what_the_centre_has_signed_is_wrong_at_the_first_look() {
        let mut watch = Watch::default();
        let sample = Sample { wall: Timestamp(0), boot: [1; 16], monotonic_ms: 5 };
        watch.observe(sample, None);
        assert_eq!(watch.state(), ClockState::Good, "a new box knows nothing better");
        let mut watch = Watch::default();
        watch.observe(sample, Some(Timestamp(NOON)));
        assert!(matches!(watch.state(), ClockState::Doubtful { reason: Doubt::WentBack, .. }));
    }
}
