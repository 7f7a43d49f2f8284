//! What people type, brought into the form that numbers are checked in, and said so.

use super::{IdentifierError, ResidentNumber};

/// What was changed in a typed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Spaces were taken out.
    Spaces,
    /// Full-width characters of a Chinese keyboard were narrowed.
    FullWidth,
    /// Letters were raised to capitals.
    Capitals,
}

impl Change {
    /// What the clerk is told.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Spaces => "已去掉号码中的空格。",
            Self::FullWidth => "已把全角字符改为半角。",
            Self::Capitals => "已把小写字母改为大写（身份证末位X须大写）。",
        }
    }
}

/// A typed number in the form to check, and what was changed to get there.
#[derive(Clone, PartialEq, Eq)]
pub struct Tidied {
    /// The number to check next.
    pub text: String,
    /// What the person should be told, in the order of the enum.
    pub changes: Vec<Change>,
}

/// Takes out spaces, narrows full-width characters and raises letters; never changes a digit.
#[must_use]
pub fn tidy(typed: &str) -> Tidied {
    let without: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect();
    let narrow: String = without
        .chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            _ => c,
        })
        .collect();
    let text = narrow.to_ascii_uppercase();
    let mut changes = Vec::new();
    if without != typed {
        changes.push(Change::Spaces);
    }
    if narrow != without {
        changes.push(Change::FullWidth);
    }
    if text != narrow {
        changes.push(Change::Capitals);
    }
    Tidied { text, changes }
}

impl Tidied {
    /// Reads a citizen's number as typed.
    ///
    /// # Errors
    /// What is wrong with the number after tidying.
    pub fn resident(&self) -> Result<ResidentNumber, IdentifierError> {
        self.text.parse()
    }
}
