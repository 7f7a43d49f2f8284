//! One read on a thread of its own, with a context of its own: it blocks for as long as reader, card and other programs like.

use std::ffi::CString;

use ::pcsc::{Attribute, Card, Context, Disposition, Protocols, Scope, ShareMode};

use super::channel::{CardChannel, broken};
use super::name::names_a_virtual_reader;
use crate::ReadError;
use crate::apdu::Broken;
use crate::profiles::{self, Laid, Profile};

/// Times a read starts over because another program has reset the card.
const ATTEMPTS: u8 = 5;

/// What to read.
pub(super) struct Job {
    pub(super) reader: CString,
    pub(super) profiles: Vec<Profile>,
    pub(super) virtual_allowed: bool,
}

/// What came of it.
pub(super) struct Done {
    pub(super) result: Result<Laid, ReadError>,
    /// The reader's vendor says that a program plays it.
    pub(super) simulated: bool,
}

impl Job {
    /// Reads the card that lies there now.
    pub(super) fn carry_out(&self) -> Done {
        let mut simulated = names_a_virtual_reader(&self.reader.to_string_lossy());
        let result = self.read(&mut simulated).map_err(|why| match why {
            Broken::Reset => ReadError::Busy,
            Broken::Ended(error) => error,
        });
        Done { result, simulated }
    }

    fn read(&self, simulated: &mut bool) -> Result<Laid, Broken> {
        let context = Context::establish(Scope::User).map_err(broken)?;
        let mut card = context.connect(&self.reader, ShareMode::Shared, Protocols::ANY).map_err(broken)?;
        let result = self.read_connected(&mut card, simulated);
        // Whatever was selected is forgotten, and with it any security state.
        let _ = card.disconnect(Disposition::ResetCard);
        result
    }

    fn read_connected(&self, card: &mut Card, simulated: &mut bool) -> Result<Laid, Broken> {
        *simulated |= vendor(card).is_some_and(|vendor| names_a_virtual_reader(&vendor));
        if *simulated && !self.virtual_allowed {
            return Err(ReadError::VirtualReader.into());
        }
        let mut result = self.read_alone(card);
        for _ in 1..ATTEMPTS {
            if result != Err(Broken::Reset) {
                break;
            }
            result = card
                .reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)
                .map_err(broken)
                .and_then(|()| self.read_alone(card));
        }
        result
    }

    /// Reads while no other program may speak to the card.
    fn read_alone(&self, card: &mut Card) -> Result<Laid, Broken> {
        let transaction = card.transaction().map_err(broken)?;
        let atr = transaction.status2_owned().map_err(broken)?.atr().to_vec();
        profiles::read(&mut CardChannel::new(&transaction), &atr, &self.profiles)
    }
}

/// Who made the reader, if its driver tells.
fn vendor(card: &Card) -> Option<String> {
    let name = card.get_attribute_owned(Attribute::VendorName).ok()?;
    Some(String::from_utf8_lossy(&name).into_owned())
}
