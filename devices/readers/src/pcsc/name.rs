//! Which reader is meant: by its name, never by its place in a list, which changes with every plug.

use std::ffi::{CStr, CString};
use std::fmt;
use std::str::FromStr;

use ::pcsc::{Context, Scope};

use crate::ReadError;

/// 读卡器名称: a reader's name as pcscd tells it, without the two numbers at its end. `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(String);

/// Why a text names no reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reader's name must hold more than `*`")]
pub struct NamePatternError;

impl FromStr for NamePattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = without_numbers(text.trim());
        if name.chars().all(|character| character == '*' || character == ' ') {
            return Err(NamePatternError);
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NamePattern {
    /// Whether this names the reader that pcscd calls `name`.
    pub fn fits(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| without_numbers(name).strip_prefix(first)) else {
            return false;
        };
        let mut last = None;
        for part in parts {
            if let Some(part) = last.replace(part) {
                let Some(at) = rest.find(part) else { return false };
                rest = rest.get(at + part.len()..).unwrap_or_default();
            }
        }
        last.map_or(rest.is_empty(), |end| rest.ends_with(end))
    }
}

/// Whether a reader's name or vendor says that a program plays it: this project's own, or vsmartcard's.
pub fn names_a_virtual_reader(name: &str) -> bool {
    name.to_ascii_lowercase().contains("virtual")
}

/// The names of all readers that pcscd has now, without the numbers at their ends. May block while pcscd starts.
///
/// # Errors
/// [`ReadError::Service`] if pcscd is not running.
pub fn readers() -> Result<Vec<String>, ReadError> {
    let names = Context::establish(Scope::User).and_then(|context| listed(&context));
    let names = names.map_err(|_| ReadError::Service)?;
    Ok(names.iter().map(|name| without_numbers(&name.to_string_lossy()).to_owned()).collect())
}

/// All readers; none is no error.
pub(super) fn listed(context: &Context) -> Result<Vec<CString>, ::pcsc::Error> {
    match context.list_readers_owned() {
        Err(::pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
        names => names,
    }
}

/// The name of a reader as text.
pub(super) fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

/// pcscd adds ` NN NN`: its own number for the reader, and the slot.
fn without_numbers(name: &str) -> &str {
    let cut = |name: &str| {
        let (rest, number) = name.rsplit_once(' ')?;
        (number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(rest.len())
    };
    let twice = cut(name).and_then(|at| cut(name.get(..at)?));
    twice.and_then(|at| name.get(..at)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_named_without_the_numbers_that_pcscd_adds() {
        let pattern: NamePattern = "Desk Reader 5 [CCID] 00 00".parse().unwrap();
        assert_eq!(pattern.to_string(), "Desk Reader 5 [CCID]");
        assert!(pattern.fits("Desk Reader 5 [CCID] 03 00") && pattern.fits("Desk Reader 5 [CCID]"));
        assert!(
            !pattern.fits("Desk Reader 5 [CCID] (0042) 03 00")
                && !pattern.fits("A Desk Reader 5 [CCID] 00 00")
        );
        assert_eq!(without_numbers("Reader 00"), "Reader 00");
        assert_eq!(without_numbers("Reader 0A 01"), "Reader");
        assert_eq!(without_numbers("读卡器 00 00"), "读卡器");
    }

    #[test]
    fn a_star_stands_for_what_changes() {
        let pattern: NamePattern = "Desk * [CCID]*0042*".parse().unwrap();
        assert!(pattern.fits("Desk Reader 5 [CCID] (0042) 00 00"));
        assert!(!pattern.fits("Desk Reader 5 [CCID] (0043) 00 00"));
        assert!("D*k".parse::<NamePattern>().unwrap().fits("Desk 00 00"));
        assert!(!"De*esk".parse::<NamePattern>().unwrap().fits("Desk 00 00"), "no character is used twice");
        for nothing in ["", "*", " * * ", "**"] {
            assert_eq!(nothing.parse::<NamePattern>(), Err(NamePatternError));
        }
    }

    #[test]
    fn readers_that_programs_play_are_known_by_name() {
        assert!(
            names_a_virtual_reader("Virtual PCD 00 00") && names_a_virtual_reader("Hall Box virtual reader")
        );
        assert!(!names_a_virtual_reader("Desk Reader 5 [CCID] 00 00"));
    }
}
