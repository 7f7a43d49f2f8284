//! Moments and days, as everything that leaves the box writes them.
//!
//! No clock is read here: the caller passes the present in.

use std::fmt;
use std::str::FromStr;

use ::time::{Month, OffsetDateTime, UtcOffset};
use serde::{Deserialize, Serialize};

/// The clock that halls are run by: China standard time, eight hours ahead of UTC.
const EAST_EIGHT_MS: i64 = 8 * 3_600_000;

/// The widest range that can be shown with a four-digit year, in milliseconds.
const FIRST_SHOWN: i64 = -62_135_596_800_000;
const LAST_SHOWN: i64 = 253_402_300_799_999 - EAST_EIGHT_MS;

/// 时刻: milliseconds since 1970-01-01T00:00:00Z, shown in +08:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `ms` milliseconds later (earlier when negative); stays at the ends of the range.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The moment so many whole seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_ms(seconds.saturating_mul(1000))
    }

    /// The moment so many whole hours later.
    #[must_use]
    pub fn plus_hours(self, hours: i64) -> Self {
        self.plus_ms(hours.saturating_mul(3_600_000))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole hours from `earlier` to this moment, never negative: a clock that went back ages nothing.
    #[must_use]
    pub fn hours_since(self, earlier: Self) -> u32 {
        u32::try_from(self.ms_since(earlier).max(0) / 3_600_000).unwrap_or(u32::MAX)
    }

    /// `2026-11-21T14:03:05.120+08:00`, with milliseconds, in the time of the hall.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let t = self.local();
        format!(
            "{}T{:02}:{:02}:{:02}.{:03}+08:00",
            self.local_date(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }

    /// The day in the hall.
    #[must_use]
    pub fn local_date(self) -> Date {
        Date(self.local().date())
    }

    /// The time of day in the hall, `14:03`.
    #[must_use]
    pub fn hm(self) -> String {
        let t = self.local();
        format!("{:02}:{:02}", t.hour(), t.minute())
    }

    /// Day and time in the hall for screens and paper, `2026-11-21 14:03:05`.
    #[must_use]
    pub fn to_display(self) -> String {
        let t = self.local();
        format!("{} {:02}:{:02}:{:02}", self.local_date(), t.hour(), t.minute(), t.second())
    }

    fn local(self) -> OffsetDateTime {
        let shown = self.0.clamp(FIRST_SHOWN, LAST_SHOWN);
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(shown) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .to_offset(UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC))
    }
}

/// 日期: a day of the calendar, in every format written `YYYY-MM-DD`.
///
/// A type of its own, because the serde form of [`::time::Date`] differs between text and binary formats.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(::time::Date);

/// A text that is not a day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a day of the calendar in the form YYYY-MM-DD")]
pub struct DateError;

impl Date {
    /// The day, or `None` when the calendar has none such (years 1 to 9999).
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let month = Month::try_from(month).ok()?;
        let date = ::time::Date::from_calendar_date(year, month, day).ok()?;
        (1..=9999).contains(&year).then_some(Self(date))
    }

    /// Reads the eight digits that cards and numbers carry, `19900307`.
    ///
    /// # Errors
    /// When the text is not eight digits, or the day does not exist.
    pub fn from_compact(text: &str) -> Result<Self, DateError> {
        if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DateError);
        }
        let number = |range: std::ops::Range<usize>| text[range].parse::<u16>().map_err(|_| DateError);
        let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
        Self::new(i32::from(year), month as u8, day as u8).ok_or(DateError)
    }

    /// The eight digits of cards and numbers, `19900307`.
    #[must_use]
    pub fn to_compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year(), self.month(), self.day())
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.0.month() as u8
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.0.day()
    }

    /// The last moment of the day in the hall.
    #[must_use]
    pub fn end(self) -> Timestamp {
        let midnight = self.0.midnight().assume_utc().unix_timestamp().saturating_mul(1_000);
        Timestamp(midnight.saturating_sub(EAST_EIGHT_MS)).plus_ms(86_400_000 - 1)
    }

    /// The day so many days later (earlier when negative); stays inside the years 1 to 9999.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        let moved = self.0.checked_add(::time::Duration::days(days)).map(Self);
        moved.filter(|d| (1..=9999).contains(&d.year())).unwrap_or(self)
    }

    /// The day so many working days later: Saturdays and Sundays do not count. Public holidays and the working days that
    /// are moved for them are decided year by year and are not known here.
    #[must_use]
    pub fn plus_working_days(self, days: u32) -> Self {
        let works = |day: &Self| day.0.weekday().number_days_from_monday() < 5;
        let mut day = self;
        for _ in 0..days {
            day = (1..=3).map(|on| day.plus_days(on)).find(works).unwrap_or(day);
        }
        day
    }

    /// Full years from this day to `today`: the age of a person born on it. Never negative.
    #[must_use]
    pub fn years_until(self, today: Self) -> u32 {
        let whole = today.year() - self.year();
        let reached = (today.month(), today.day()) >= (self.month(), self.day());
        u32::try_from(whole - i32::from(!reached)).unwrap_or(0)
    }

    /// `2026年11月21日`, for screens and paper.
    #[must_use]
    pub fn zh(self) -> String {
        format!("{}年{}月{}日", self.year(), self.month(), self.day())
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(DateError);
        }
        let compact: String = text.chars().filter(|c| *c != '-').collect();
        Self::from_compact(&compact)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Date {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl From<::time::Date> for Date {
    fn from(date: ::time::Date) -> Self {
        Self(date)
    }
}

impl From<Date> for ::time::Date {
    fn from(date: Date) -> Self {
        date.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_time_of_the_hall() {
        let t = Timestamp(1_700_000_000_123);
        assert_eq!(t.to_rfc3339(), "2023-11-15T06:13:20.123+08:00");
        assert_eq!(t.hm(), "06:13");
        assert_eq!(t.local_date(), "2023-11-15".parse().unwrap());
        assert_eq!(Timestamp(0).to_display(), "1970-01-01 08:00:00");
        assert_eq!(t.local_date().end().to_rfc3339(), "2023-11-15T23:59:59.999+08:00");
    }

    #[test]
    fn a_moment_outside_the_calendar_is_shown_at_its_end() {
        assert_eq!(Timestamp(i64::MAX).to_rfc3339(), "9999-12-31T23:59:59.999+08:00");
        assert_eq!(Timestamp(i64::MIN).local_date().year(), 1);
        assert_eq!(Timestamp(i64::MAX).plus_hours(1), Timestamp(i64::MAX));
    }

    #[test]
    fn working_days_leave_out_the_ends_of_weeks() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(day("2026-11-27").plus_working_days(1), day("2026-11-30"), "Friday to Monday");
        assert_eq!(day("2026-11-28").plus_working_days(1), day("2026-11-30"), "from a Saturday");
        assert_eq!(day("2026-11-30").plus_working_days(15), day("2026-12-21"));
        assert_eq!(day("2026-11-30").plus_working_days(0), day("2026-11-30"));
        assert_eq!(day("9999-12-31").plus_working_days(3), day("9999-12-31"));
    }

    #[test]
    fn a_clock_that_went_back_ages_nothing() {
        assert_eq!(Timestamp(0).hours_since(Timestamp(3_600_000)), 0);
        assert_eq!(Timestamp(7_300_000).hours_since(Timestamp(0)), 2);
    }

    #[test]
    fn only_days_of_the_calendar_are_read() {
        assert_eq!("2000-02-29".parse::<Date>().unwrap().to_compact(), "20000229");
        for wrong in
            ["1999-02-29", "2000-2-29", "20000229", "2000-13-01", "0000-01-01", "2000-02-2九", "+200-02-02"]
        {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
        assert!(Date::from_compact("20000230").is_err());
    }

    #[test]
    fn age_counts_full_years() {
        let born: Date = "2000-02-29".parse().unwrap();
        assert_eq!(born.years_until("2018-02-28".parse().unwrap()), 17);
        assert_eq!(born.years_until("2018-03-01".parse().unwrap()), 18);
        assert_eq!(born.years_until("1999-01-01".parse().unwrap()), 0);
    }

    #[test]
    fn a_day_is_text_in_every_format() {
        let day: Date = "1990-03-07".parse().unwrap();
        assert_eq!(serde_json::to_string(&day).unwrap(), "\"1990-03-07\"");
        assert!(serde_json::from_str::<Date>("\"1990-02-30\"").is_err());
    }
}
