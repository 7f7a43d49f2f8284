//! 公告: one line of the hall's on every evaluator that nobody uses just now.

use super::hub::Hub;
use crate::book::{Book, Fault};
use crate::store::devices as rows;
use crate::store::meta::{self, key};
use hall_bus::DeviceKind;
use hall_domain::case::AccountName;
use hall_ledger::entry::EntryKind;
use rusqlite::Connection;

/// What fits in two lines of a ten-inch tablet.
pub const MAX_CHARS: usize = 60;

/// 公告, one line of visible characters. Empty: none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice(String);

/// A text that no evaluator can show as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("公告最多 60 个字，只能有一行，不能有控制字符。")]
pub struct NoticeError;

impl Notice {
    /// A text as it was typed, without what surrounds it.
    ///
    /// # Errors
    /// When it is longer than [`MAX_CHARS`] or holds control characters.
    pub fn typed(text: &str) -> Result<Self, NoticeError> {
        let text = text.trim();
        let fits = text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(NoticeError)
    }

    /// The line; empty when there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The notice that hangs now and how often it was changed.
pub fn hangs(db: &Connection) -> rusqlite::Result<(Option<String>, u64)> {
    let text = meta::get(db, key::NOTICE)?.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok((text.filter(|text| !text.is_empty()), meta::number(db, key::NOTICE_REV)?))
}

/// Hangs a notice up, or takes it down, and tells every evaluator. Who did so is an entry.
pub async fn hang(book: &Book, hub: &Hub, by: &AccountName, notice: &Notice) -> Result<(), Fault> {
    let (recorder, by, text, now) = (book.clone(), by.clone(), notice.0.clone(), book.clock.now());
    let devices = book
        .db
        .write(move |tx| {
            let (hanging, changes) = hangs(tx)?;
            if hanging.unwrap_or_default() == text {
                return Ok(Vec::new());
            }
            meta::put(tx, key::NOTICE, text.as_bytes())?;
            meta::put_number(tx, key::NOTICE_REV, changes + 1)?;
            let body = serde_json::json!({ "action": "notice hung", "text": text, "account": by, "at": now });
            recorder.append(tx, EntryKind::ClerkAction, &body, now)?;
            Ok::<_, Fault>(rows::all(tx)?)
        })
        .await?;
    for device in devices.into_iter().filter(|device| device.id.kind() == DeviceKind::Evaluator) {
        hub.configure(&device.id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_line_that_fits() {
        assert_eq!(Notice::typed("  今日 17:00 后只收件  ").unwrap().as_str(), "今日 17:00 后只收件");
        assert_eq!(Notice::typed(" \n ").unwrap().as_str(), "");
        assert_eq!(Notice::typed("上午\n下午"), Err(NoticeError));
        assert!(Notice::typed(&"字".repeat(MAX_CHARS)).is_ok());
        assert_eq!(Notice::typed(&"字".repeat(MAX_CHARS + 1)), Err(NoticeError));
    }
}
