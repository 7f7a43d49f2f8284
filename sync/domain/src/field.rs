//! The keys of licence and form fields.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::identifier::text_form;

/// 信息项: the key of a licence field or form field, `[a-z0-9_]+`, at most 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldKey(String);

text_form!(FieldKey, FieldKeyError);

/// A text that cannot be a field key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field key is 1 to 40 of a-z, 0-9 and _")]
pub struct FieldKeyError;

impl FromStr for FieldKey {
    type Err = FieldKeyError;

    fn from_str(text: &str) -> Result<Self, FieldKeyError> {
        let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !(1..=40).contains(&text.len()) || !text.bytes().all(right) {
            return Err(FieldKeyError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// 填写错误: why a value was not taken for a form field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("form field value refused: {zh}")]
pub struct FieldError {
    zh: String,
}

impl FieldError {
    pub(crate) fn new(zh: String) -> Self {
        Self { zh }
    }

    /// One Chinese sentence: what is wrong and what to do. It names the field, never repeats the value.
    #[must_use]
    pub fn zh(&self) -> String {
        self.zh.clone()
    }
}
