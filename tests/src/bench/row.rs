//! One figure with its baseline and its target, and the table of all.

use serde::{Serialize, Serializer};

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure: the median of the runs, unless the name says otherwise.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same figure of the baseline, from the same runs.
    pub baseline: Option<f64>,
    /// What the baseline is.
    pub baseline_of: Option<&'static str>,
    /// Value divided by baseline.
    pub ratio: Option<f64>,
    /// What is to be reached.
    pub target: Option<Target>,
    /// Whether it is reached.
    pub met: Option<bool>,
    /// How many runs, or single measurements for latencies of screens.
    pub runs: usize,
}

/// What is to be reached. In JSON a short text such as `<= 20` or `ratio >= 0.8`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// The value is at least this.
    AtLeast(f64),
    /// The value is at most this.
    AtMost(f64),
    /// The value is at least this part of the baseline.
    RatioAtLeast(f64),
    /// The value is at most so many times the baseline.
    RatioAtMost(f64),
}

impl Target {
    fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!(">= {bound}"),
            Self::AtMost(bound) => format!("<= {bound}"),
            Self::RatioAtLeast(bound) => format!("ratio >= {bound}"),
            Self::RatioAtMost(bound) => format!("ratio <= {bound}"),
        }
    }

    fn met(self, value: f64, ratio: Option<f64>) -> Option<bool> {
        match self {
            Self::AtLeast(bound) => Some(value >= bound),
            Self::AtMost(bound) => Some(value <= bound),
            Self::RatioAtLeast(bound) => ratio.map(|ratio| ratio >= bound),
            Self::RatioAtMost(bound) => ratio.map(|ratio| ratio <= bound),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl Row {
    /// A figure by itself.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str, runs: usize) -> Self {
        Self {
            name: name.into(),
            value: rounded(value),
            unit,
            baseline: None,
            baseline_of: None,
            ratio: None,
            target: None,
            met: None,
            runs,
        }
    }

    /// Beside a baseline of the same unit.
    #[must_use]
    pub fn beside(mut self, baseline_of: &'static str, baseline: f64) -> Self {
        self.baseline = Some(rounded(baseline));
        self.baseline_of = Some(baseline_of);
        self.ratio = (baseline > 0.0).then(|| rounded(self.value / baseline));
        self.judged()
    }

    /// With what is to be reached.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self.judged()
    }

    fn judged(mut self) -> Self {
        self.met = self.target.and_then(|target| target.met(self.value, self.ratio));
        self
    }
}

/// Four significant digits: more would only be noise.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3.0 - value.abs().log10().floor();
    let factor = 10f64.powf(digits);
    (value * factor).round() / factor
}

/// The rows for a person to read.
pub fn table(rows: &[Row]) -> String {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let head =
        ["", "value", "unit", "baseline", "ratio", "target", "", "runs", "baseline is"].map(str::to_owned);
    let lines: Vec<[String; 9]> = std::iter::once(head)
        .chain(rows.iter().map(|row| {
            [
                row.name.clone(),
                number(Some(row.value)),
                row.unit.to_owned(),
                number(row.baseline),
                number(row.ratio),
                row.target.map(Target::text).unwrap_or_default(),
                row.met.map(|met| if met { "met" } else { "MISSED" }).unwrap_or_default().to_owned(),
                row.runs.to_string(),
                row.baseline_of.unwrap_or_default().to_owned(),
            ]
        }))
        .collect();
    let wide =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..9).map(wide).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            1 | 3 | 4 | 7 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_was_reached() {
        let row = Row::new("commit", 14_000.0, "entries/s", 7);
        let row = row.beside("bare", 20_000.0).target(Target::RatioAtLeast(0.8));
        assert_eq!((row.ratio, row.met), (Some(0.7), Some(false)));
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!(json["target"], "ratio >= 0.8");
        assert_eq!(Row::new("p99", 19.0, "ms", 7).target(Target::AtMost(20.0)).met, Some(true));
        assert_eq!(Row::new("p99", 21.0, "ms", 7).target(Target::AtMost(20.0)).met, Some(false));
        assert_eq!(Row::new("alone", 1.0, "ms", 7).target(Target::RatioAtMost(1.5)).met, None);
    }

    #[test]
    fn figures_keep_four_digits() {
        assert_eq!(rounded(15_234.56), 15_230.0);
        assert_eq!(rounded(0.123_456), 0.1235);
        assert_eq!(rounded(0.0), 0.0);
    }

    #[test]
    fn the_table_marks_what_was_missed() {
        let missed = Row::new("p99", 21.0, "ms", 7).target(Target::AtMost(20.0));
        let text = table(&[missed, Row::new("p50", 2.0, "ms", 7)]);
        assert_eq!(text.matches("MISSED").count(), 1, "{text}");
    }
}
