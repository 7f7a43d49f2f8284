//! How each kind of card is read: plain functions over an [`ApduChannel`], which know neither reader nor thread.

pub mod id_escape;
pub mod ssc;

use hall_domain::IdentityCard;

use crate::ReadError;
use crate::apdu::{ApduChannel, Broken};
use ssc::SocialCard;

/// A way to read a card. Which ones a reader may use is the technician's word: see [`Profile::IdEscape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// 居民身份证 behind pseudo-storage commands. Only for a reader that has a SAM_V module and answers these commands itself: any
    /// other reader hands them to the card, and a programmed card can claim to be anybody.
    IdEscape,
    /// 社会保障卡: its free files.
    Ssc,
}

/// What lay on the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Laid {
    /// 身份证件.
    Identity(Box<IdentityCard>),
    /// 社会保障卡 that gave its name and number. Nothing on it is signed: it proves no identity.
    Social(SocialCard),
}

/// Reads the card by the first of `profiles` that knows it.
///
/// # Errors
/// [`ReadError::Unsupported`] if none does, and everything that the profile or the channel ends with.
pub fn read(channel: &mut dyn ApduChannel, atr: &[u8], profiles: &[Profile]) -> Result<Laid, Broken> {
    if profiles.contains(&Profile::IdEscape) && id_escape::recognises(atr) {
        return id_escape::read(channel).map(|card| Laid::Identity(Box::new(card)));
    }
    if profiles.contains(&Profile::Ssc) {
        return ssc::read(channel).map(Laid::Social);
    }
    Err(ReadError::Unsupported.into())
}

#[cfg(test)]
mod tests;
