//! 文字表: the words of the clerk's screens in Chinese, with English beside them.
//!
//! Templates hold the Chinese text itself, as the hall's people read it, and pass it through [`Lang::t`]. Chinese
//! costs nothing; English is looked up in tables (`text/english.rs` of the screens, `text/told.rs` of what is told
//! about a case, `text/papers.rs` of consent receipts and of 待处理). A test reads every template and page and
//! fails when a text has no English. Text that comes from data (names of items, of licences, sentences of the
//! policy) is official wording and stays Chinese.

mod english;
mod papers;
mod told;

use std::borrow::Borrow;
use std::fmt::Display;

/// 界面语言: the language of a session's screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// 中文, the language of the hall.
    #[default]
    Zh,
    /// English, for visiting technicians.
    En,
}

impl Lang {
    /// The text in this language; Chinese when the table has no English for it.
    pub fn t(self, zh: &str) -> &str {
        match self {
            Self::Zh => zh,
            Self::En => english::of(zh).unwrap_or(zh),
        }
    }

    /// The text with each `{}` replaced by the next value.
    pub fn fill(self, zh: &str, values: &[&dyn Display]) -> String {
        let text = self.t(zh);
        let mut filled = String::with_capacity(text.len() + 16);
        let mut parts = text.split("{}");
        filled.push_str(parts.next().unwrap_or_default());
        let mut values = values.iter();
        for part in parts {
            if let Some(value) = values.next() {
                filled.push_str(&value.to_string());
            }
            filled.push_str(part);
        }
        filled
    }

    /// How long something took or has lasted, in the two largest units: "2 小时 15 分".
    pub fn span(self, seconds: impl Borrow<u64>) -> String {
        let seconds = *seconds.borrow();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        match seconds {
            0..60 => self.fill("{} 秒", &[&seconds]),
            60..3_600 => self.fill("{} 分钟", &[&minutes]),
            3_600..86_400 if minutes % 60 == 0 => self.fill("{} 小时", &[&hours]),
            3_600..86_400 => self.fill("{} 小时 {} 分", &[&hours, &(minutes % 60)]),
            _ if hours % 24 == 0 => self.fill("{} 天", &[&days]),
            _ => self.fill("{} 天 {} 小时", &[&days, &(hours % 24)]),
        }
    }

    /// How old something is: "3 分钟前", "刚刚" below five seconds.
    pub fn ago(self, seconds: impl Borrow<u64>) -> String {
        match *seconds.borrow() {
            0..5 => self.t("刚刚").to_owned(),
            seconds => self.fill("{}前", &[&self.span(seconds)]),
        }
    }

    /// When something was verified: "核验于 3 分钟前".
    pub fn checked(self, seconds: impl Borrow<u64>) -> String {
        match *seconds.borrow() {
            0..5 => self.t("刚刚核验").to_owned(),
            seconds => self.fill("核验于 {}", &[&self.ago(seconds)]),
        }
    }

    /// A file size for people: "2.1 MB".
    pub fn size(self, bytes: impl Borrow<u64>) -> String {
        match *bytes.borrow() {
            bytes @ 0..1_024 => format!("{bytes} B"),
            bytes @ 1_024..1_048_576 => format!("{} KB", bytes.div_ceil(1_024)),
            bytes => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
        }
    }

    /// The value of the `lang` attribute.
    pub fn html(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Its name in that language, short enough for the top bar.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zh => "中文",
            Self::En => "EN",
        }
    }

    /// The code that `POST /language` takes.
    pub fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The language that a code names; Chinese for anything else.
    pub fn from_code(code: &str) -> Self {
        if code == "en" { Self::En } else { Self::Zh }
    }

    /// The other language, for the switch in the top bar.
    pub fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }
}

/// Every Chinese text of each table, in its order.
#[cfg(test)]
pub(super) fn keys() -> [Vec<&'static str>; 3] {
    english::TABLES.map(|table| table.iter().map(|(zh, _)| *zh).collect())
}
