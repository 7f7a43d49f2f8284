//! 居民身份证 in a reader that hides its SAM_V module behind a storage card's commands: `FF B0 <block>`, six blocks of 256 bytes, the
//! same two lengths, text and photo that the module gives over a serial line.

use hall_domain::IdentityCard;
use zeroize::Zeroizing;

use crate::ReadError;
use crate::apdu::{ApduChannel, Broken, READ_BINARY};
use crate::samv::codec::{CardData, PHOTO_BYTES, TEXT_BYTES};
use crate::samv::text;

/// Blocks of a card; the last one holds four bytes of it.
pub const BLOCKS: u8 = 6;
/// Bytes of a card: two lengths, text, photo.
pub const CARD_BYTES: usize = 4 + TEXT_BYTES + PHOTO_BYTES;
/// Where such a reader marks the ATR that it makes up, and with what.
const MARK: (usize, [u8; 2]) = (13, [0x90, 0x00]);

/// Whether the ATR is one that such a reader makes up for an identity card.
pub fn recognises(atr: &[u8]) -> bool {
    atr.get(MARK.0..MARK.0 + MARK.1.len()) == Some(&MARK.1[..])
}

/// Reads text and photo.
///
/// # Errors
/// [`ReadError::ReplaceCard`] if a block is refused or the whole is too short, [`ReadError::Unsupported`] and
/// [`ReadError::Content`] as for a card behind a serial line.
pub fn read(channel: &mut dyn ApduChannel) -> Result<IdentityCard, Broken> {
    let mut data = Zeroizing::new(Vec::with_capacity(usize::from(BLOCKS) * 256));
    for block in 0..BLOCKS {
        let answer = channel.transmit(&[0xFF, READ_BINARY, block, 0x00, 0x00])?;
        if !answer.is_ok() {
            return Err(ReadError::ReplaceCard.into());
        }
        data.extend_from_slice(&answer.data);
    }
    let whole = data.get(..CARD_BYTES).and_then(CardData::parse).ok_or(ReadError::ReplaceCard)?;
    text::parse(&whole).map_err(|error| ReadError::from(error).into())
}
