//! What a check found, as a table for the maker.

use std::fmt;

/// What became of each case, in the order in which they were tried.
#[derive(Debug, Default)]
pub struct Report(Vec<Line>);

#[derive(Debug)]
struct Line {
    section: &'static str,
    what: &'static str,
    found: Result<(), String>,
}

impl Report {
    /// One case; a section of `docs/protocol/devices.md` says what was expected.
    pub fn note(&mut self, section: &'static str, what: &'static str, found: Result<(), String>) {
        let mark = if found.is_ok() { "通过" } else { "不通过" };
        println!("{mark} §{section} {what}");
        self.0.push(Line { section, what, found });
    }

    /// Whether nothing failed.
    pub fn passed(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|line| line.found.is_ok())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n结果    章节  检查")?;
        for line in &self.0 {
            let mark = if line.found.is_ok() { "通过  " } else { "不通过" };
            writeln!(f, "{mark}  §{:<3}  {}", line.section, line.what)?;
            if let Err(why) = &line.found {
                writeln!(f, "              {why}")?;
            }
        }
        let failed = self.0.iter().filter(|line| line.found.is_err()).count();
        match failed {
            0 => writeln!(f, "共 {} 项，全部通过。章节见 docs/protocol/devices.md。", self.0.len()),
            _ => {
                writeln!(f, "共 {} 项，{failed} 项不通过。章节见 docs/protocol/devices.md。", self.0.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_passes_only_when_something_was_tried_and_nothing_failed() {
        let mut report = Report::default();
        assert!(!report.passed());
        report.note("6", "甲", Ok(()));
        assert!(report.passed());
        report.note("4", "乙", Err("因为".to_owned()));
        assert!(!report.passed());
        let text = report.to_string();
        assert!(text.contains("不通过  §4    乙\n") && text.contains("因为") && text.contains("1 项不通过"));
    }
}
