//! The English beside each Chinese text.

/// The English of a text, if the table has it.
pub(super) fn of(_zh: &str) -> Option<&'static str> {
    None
}
