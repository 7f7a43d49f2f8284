//! Many measured durations, and what is said about them.

use std::time::Duration;

/// Durations of one run.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    sorted: Vec<Duration>,
}

impl Spread {
    /// Of these.
    pub fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self { sorted: durations }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The duration, in milliseconds, within which this part of all lies (nearest rank); 0 for none.
    pub fn ms(&self, part: f64) -> f64 {
        let rank = (part * self.sorted.len() as f64).ceil() as usize;
        let at = rank.clamp(1, self.sorted.len().max(1)) - 1;
        self.sorted.get(at).map_or(0.0, |found| found.as_secs_f64() * 1_000.0)
    }
}

/// The middle of some figures; 0 for none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_unstable_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => 0.0,
        count if count % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let spread = Spread::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!((spread.ms(0.5), spread.ms(0.99), spread.ms(1.0)), (50.0, 99.0, 100.0));
        assert_eq!(Spread::default().ms(0.5), 0.0);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([]), 0.0);
    }
}
