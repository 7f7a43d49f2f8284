//! 社会保障卡 (PBOC style), free files only: EF05 says which generation, EF06 of the first two holds number and name. The third
//! generation gives them only after a PIN or an authentication, and neither is ever tried: a wrong PIN locks the citizen's card.

use std::fmt;

use encoding_rs::GB18030;
use hall_domain::{DocumentKind, IdentityDocument, mask_name};
use zeroize::Zeroizing;

use crate::ReadError;
use crate::apdu::{ApduChannel, Broken, READ_RECORD, SELECT};

/// The application, "sx1.sh.社会保障" in GBK.
pub const APPLICATION: &[u8; 15] = b"sx1.sh.\xC9\xE7\xBB\xE1\xB1\xA3\xD5\xCF";
/// 卡信息 file: which card it is.
pub const CARD_FILE: u16 = 0xEF05;
/// 持卡人 file.
pub const HOLDER_FILE: u16 = 0xEF06;
/// Record of [`CARD_FILE`]: version of the rules that the card follows, four characters.
pub const VERSION: u8 = 0x03;
/// Record of [`HOLDER_FILE`]: 社会保障号码, 18 characters.
pub const NUMBER: u8 = 0x08;
/// Record of [`HOLDER_FILE`]: 姓名, 30 bytes of GB18030.
pub const NAME: u8 = 0x09;

/// What a social security card gives freely. `Debug` is masked.
#[derive(Clone, PartialEq, Eq)]
pub struct SocialCard {
    /// 姓名.
    pub name: String,
    /// 社会保障号码, which is the number of the identity card.
    pub number: IdentityDocument,
}

impl fmt::Debug for SocialCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocialCard")
            .field("name", &mask_name(&self.name))
            .field("number", &self.number)
            .finish()
    }
}

/// Reads name and number.
///
/// # Errors
/// [`ReadError::Unsupported`] for another card, [`ReadError::SocialSecurity`] for one of these that does not give them freely,
/// [`ReadError::Content`] if they are not what they should be.
pub fn read(channel: &mut dyn ApduChannel) -> Result<SocialCard, Broken> {
    let mut select = vec![0x00, SELECT, 0x04, 0x00, APPLICATION.len() as u8];
    select.extend_from_slice(APPLICATION);
    if !channel.transmit(&select)?.is_ok() {
        return Err(ReadError::Unsupported.into());
    }
    select_file(channel, CARD_FILE)?;
    let version = record(channel, VERSION, 4)?;
    // Of a generation that is not known for free files nothing is asked.
    if !matches!(version.first(), Some(b'1' | b'2')) {
        return Err(ReadError::SocialSecurity.into());
    }
    select_file(channel, HOLDER_FILE)?;
    let number = record(channel, NUMBER, 18)?;
    let name = record(channel, NAME, 30)?;
    let number = std::str::from_utf8(&number).map_err(|_| ReadError::Content)?;
    let number =
        IdentityDocument::new(DocumentKind::ResidentId, number.trim()).map_err(|_| ReadError::Content)?;
    let (name, damaged) = GB18030.decode_without_bom_handling(&name);
    let name = name.trim_end_matches([' ', '\u{3000}', '\0', '\u{FFFF}']).to_owned();
    if damaged || name.is_empty() {
        return Err(ReadError::Content.into());
    }
    Ok(SocialCard { name, number })
}

/// Cards differ in how a file below the application is named.
fn select_file(channel: &mut dyn ApduChannel, file: u16) -> Result<(), Broken> {
    let [high, low] = file.to_be_bytes();
    for by in [0x00, 0x02] {
        if channel.transmit(&[0x00, SELECT, by, 0x00, 0x02, high, low])?.is_ok() {
            return Ok(());
        }
    }
    Err(ReadError::SocialSecurity.into())
}

/// One record: tag, length, value.
fn record(channel: &mut dyn ApduChannel, tag: u8, length: u8) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let answer = channel.transmit(&[0x00, READ_RECORD, tag, 0x00, length + 2])?;
    if !answer.is_ok() {
        return Err(ReadError::SocialSecurity.into());
    }
    let Some(([got, count], value)) = answer.data.split_first_chunk::<2>() else {
        return Err(ReadError::Content.into());
    };
    match value.get(..usize::from(*count)) {
        Some(value) if *got == tag => Ok(Zeroizing::new(value.to_vec())),
        _ => Err(ReadError::Content.into()),
    }
}
