//! The way through a QR code and whatever a scanner makes of it.

/// What every code begins with.
pub const PREFIX: &str = "HB1:";
/// Longest text that is looked at.
pub const MAX_CHARS: usize = 4000;

/// Why scanned text is not a message. Says nothing of what the text was: it may be anybody's QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// More than [`MAX_CHARS`] characters, or more than [`super::MAX_BYTES`] bytes.
    #[error("scanned text is too long")]
    TooLong,
    /// The scanner sent bytes that are not UTF-8.
    #[error("scanned bytes are not UTF-8")]
    NotUtf8,
    /// Does not begin with [`PREFIX`]: another kind of QR code.
    #[error("scanned text is not a code of this province")]
    Prefix,
    /// Damaged: not Base45 (RFC 9285).
    #[error("scanned text is damaged")]
    Base45,
}

/// The text for a QR code in alphanumeric mode: [`PREFIX`] and Base45.
pub fn to_qr(message: &[u8]) -> String {
    format!("{PREFIX}{}", base45::encode(message))
}

/// The bytes of a scanned message: in any case, in full-width letters, with white space and control characters
/// around it.
///
/// # Errors
/// See [`QrError`].
pub fn from_qr(text: &str) -> Result<Vec<u8>, QrError> {
    if text.chars().nth(MAX_CHARS).is_some() {
        return Err(QrError::TooLong);
    }
    // Base45 has a space in its alphabet, but no message ends with it: the last character stands for the
    // highest digit, which is at most 32 of 45 (the space is 36).
    let narrow: String = text.chars().map(narrow).collect();
    let around = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    let coded = narrow.trim_matches(around).strip_prefix(PREFIX).ok_or(QrError::Prefix)?;
    let bytes = base45::decode(coded).map_err(|_| QrError::Base45)?;
    if bytes.len() > super::MAX_BYTES {
        return Err(QrError::TooLong);
    }
    // One text for each message: the library lets two characters stand for more than a byte.
    if base45::encode(&bytes) == coded { Ok(bytes) } else { Err(QrError::Base45) }
}

/// As [`from_qr`], for what a serial scanner sends.
///
/// # Errors
/// See [`QrError`].
pub fn from_scanner(bytes: &[u8]) -> Result<Vec<u8>, QrError> {
    // No character has more than four bytes.
    if bytes.len() > 4 * MAX_CHARS {
        return Err(QrError::TooLong);
    }
    from_qr(std::str::from_utf8(bytes).map_err(|_| QrError::NotUtf8)?)
}

/// What a scanner that types through a Chinese keyboard may have made of a character, made undone.
fn narrow(c: char) -> char {
    let c = match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '。' => '.',
        '、' => '/',
        '￥' | '¥' => '$',
        _ => c,
    };
    c.to_ascii_uppercase()
}
