//! A card behind PC/SC as an [`ApduChannel`], and what PC/SC's errors mean for a read.

use ::pcsc::{Error, Transaction};
use zeroize::{Zeroize as _, Zeroizing};

use crate::ReadError;
use crate::apdu::{ApduChannel, Broken};

/// Room for an answer: 256 bytes and a status; a reader that gives more with one command is not asked to.
const ANSWER: usize = 1024;

/// A card while nobody else may speak to it.
pub(super) struct CardChannel<'tx, 'card> {
    transaction: &'tx Transaction<'card>,
    buffer: [u8; ANSWER],
}

impl<'tx, 'card> CardChannel<'tx, 'card> {
    pub(super) fn new(transaction: &'tx Transaction<'card>) -> Self {
        Self { transaction, buffer: [0; ANSWER] }
    }
}

impl ApduChannel for CardChannel<'_, '_> {
    fn exchange(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let answer = self.transaction.transmit(apdu, &mut self.buffer).map_err(broken)?;
        Ok(Zeroizing::new(answer.to_vec()))
    }
}

impl Drop for CardChannel<'_, '_> {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

/// What an error of PC/SC means for the read.
pub(super) fn broken(error: Error) -> Broken {
    let ended = match error {
        Error::ResetCard => return Broken::Reset,
        // The last one comes when a card is pulled in the middle of a command, or makes no contact.
        Error::RemovedCard | Error::NoSmartcard | Error::NotTransacted => ReadError::Removed,
        Error::UnresponsiveCard | Error::UnpoweredCard | Error::UnsupportedCard | Error::ProtoMismatch => {
            ReadError::ReplaceCard
        }
        Error::SharingViolation => ReadError::Busy,
        Error::UnknownReader | Error::ReaderUnavailable | Error::NoReadersAvailable => ReadError::ReaderGone,
        Error::NoService
        | Error::ServiceStopped
        | Error::CommError
        | Error::InvalidHandle
        | Error::InternalError
        | Error::Shutdown => ReadError::Service,
        _ => ReadError::Garbled,
    };
    Broken::Ended(ended)
}
