//! The text block of a card: 256 bytes of UTF-16LE in one of four layouts, chosen by the mark at offset 248.

use hall_domain::{CardLayout, Date, IdentityCard, IdentityDocument, Sex};
use zeroize::Zeroizing;

use super::codec::{CardData, PHOTO_BYTES, TEXT_BYTES};

/// What a card of long-term validity holds instead of its last day.
const LONG_TERM: &str = "长期";

/// A run of the block: first byte and number of bytes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    at: usize,
    bytes: usize,
}

const fn slot(at: usize, bytes: usize) -> Slot {
    Slot { at, bytes }
}

const MARK: Slot = slot(248, 2);

/// The places that resident cards, residence permits and the 2023 card of foreigners share.
mod common {
    use super::{Slot, slot};

    pub const NAME: Slot = slot(0, 30);
    pub const SEX: Slot = slot(30, 2);
    pub const NATION: Slot = slot(32, 4);
    pub const BIRTH: Slot = slot(36, 16);
    pub const ADDRESS: Slot = slot(52, 70);
    pub const NUMBER: Slot = slot(122, 36);
    pub const AUTHORITY: Slot = slot(158, 30);
    pub const FROM: Slot = slot(188, 16);
    pub const UNTIL: Slot = slot(204, 16);
    /// Residence permits only.
    pub const TRAVEL_PERMIT: Slot = slot(220, 18);
    /// 2023 card only; its 35 units stand where others have the address.
    pub const ENGLISH_NAME: Slot = ADDRESS;
    /// 2023 card only.
    pub const ENGLISH_NAME_REST: Slot = slot(220, 22);
    /// 2023 card only.
    pub const COUNTRY: Slot = slot(242, 6);
}

/// The places of the 2017 card of foreigners.
mod card_2017 {
    use super::{Slot, slot};

    pub const ENGLISH_NAME: Slot = slot(0, 120);
    pub const SEX: Slot = slot(120, 2);
    pub const NUMBER: Slot = slot(122, 30);
    pub const COUNTRY: Slot = slot(152, 6);
    pub const NAME: Slot = slot(158, 30);
    pub const FROM: Slot = slot(188, 16);
    pub const UNTIL: Slot = slot(204, 16);
    pub const BIRTH: Slot = slot(220, 16);
    pub const AUTHORITY: Slot = slot(240, 8);
}

/// Why a text block is not understood, or a card does not fit into one. Names fields, never what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A mark that no known layout has.
    #[error("the card's layout has the unknown mark {0:04X}")]
    Layout(u16),
    /// A field that must be there is not, or is not what the field holds.
    #[error("the card's {0} is not understood")]
    Field(&'static str),
    /// The parts contradict each other.
    #[error("the card contradicts itself")]
    Contradiction(#[from] hall_domain::CardError),
    /// A text that is longer than its place on the card.
    #[error("the {0} does not fit on a card")]
    TooLong(&'static str),
}

/// Reads a card from what the module gave: the text by its layout, the photo as it is (all zero = none).
///
/// # Errors
/// If the layout is unknown, a field that every card has is missing or not of its form, or fields contradict each
/// other ([`IdentityCard::check`]).
pub fn parse(data: &CardData) -> Result<IdentityCard, TextError> {
    let block = Block(&data.text);
    let layout = match block.unit(MARK) {
        0x0020 | 0x0000 => CardLayout::Resident,
        mark if mark == u16::from(b'J') => CardLayout::HkMoTw,
        mark if mark == u16::from(b'I') => CardLayout::Foreigner2017,
        mark if mark == u16::from(b'Y') => CardLayout::Foreigner2023,
        mark => return Err(TextError::Layout(mark)),
    };
    let mut card = match layout {
        CardLayout::Resident | CardLayout::HkMoTw => domestic(&block, layout)?,
        CardLayout::Foreigner2017 => foreigner_2017(&block)?,
        CardLayout::Foreigner2023 => foreigner_2023(&block)?,
    };
    if data.photo.iter().any(|byte| *byte != 0) {
        card.photo = data.photo.to_vec();
    }
    card.check()?;
    Ok(card)
}

/// Writes a card as a module gives it out: the inverse of [`parse`], for virtual cards.
///
/// # Errors
/// If a text is longer than its place on the card; the photo may have at most 1,024 bytes.
pub fn build(card: &IdentityCard) -> Result<CardData, TextError> {
    let mut block = Zeroizing::new([0u8; TEXT_BYTES]);
    for unit in block.chunks_exact_mut(2) {
        unit.copy_from_slice(&0x0020u16.to_le_bytes());
    }
    let mut pen = Pen(&mut block);
    match card.layout {
        CardLayout::Resident => pen.domestic(card, " ")?,
        CardLayout::HkMoTw => pen.domestic(card, "J")?,
        CardLayout::Foreigner2017 => pen.foreigner_2017(card)?,
        CardLayout::Foreigner2023 => pen.foreigner_2023(card)?,
    }
    let mut photo = card.photo.clone();
    if photo.len() > PHOTO_BYTES {
        return Err(TextError::TooLong("photo"));
    }
    photo.resize(PHOTO_BYTES, 0);
    Ok(CardData { text: block, photo: Zeroizing::new(photo) })
}

fn domestic(block: &Block<'_>, layout: CardLayout) -> Result<IdentityCard, TextError> {
    let resident = layout == CardLayout::Resident;
    Ok(IdentityCard {
        layout,
        name: block.required(common::NAME, "name")?,
        english_name: None,
        sex: block.sex(common::SEX),
        nation: if resident { block.optional(common::NATION) } else { None },
        birth: block.date(common::BIRTH, "birth date")?,
        address: block.optional(common::ADDRESS),
        document: block.document(common::NUMBER, layout)?,
        authority: block.optional(common::AUTHORITY),
        valid_from: block.date(common::FROM, "first valid day")?,
        valid_until: block.last_day(common::UNTIL)?,
        travel_permit: if resident { None } else { block.optional(common::TRAVEL_PERMIT) },
        nationality: None,
        photo: Vec::new(),
    })
}

fn foreigner_2017(block: &Block<'_>) -> Result<IdentityCard, TextError> {
    let layout = CardLayout::Foreigner2017;
    let english_name = block.optional(card_2017::ENGLISH_NAME);
    Ok(IdentityCard {
        layout,
        name: block.name_or_english(card_2017::NAME, english_name.as_deref())?,
        english_name,
        sex: block.sex(card_2017::SEX),
        nation: None,
        birth: block.date(card_2017::BIRTH, "birth date")?,
        address: None,
        document: block.document(card_2017::NUMBER, layout)?,
        authority: block.optional(card_2017::AUTHORITY),
        valid_from: block.date(card_2017::FROM, "first valid day")?,
        valid_until: block.last_day(card_2017::UNTIL)?,
        travel_permit: None,
        nationality: block.optional(card_2017::COUNTRY),
        photo: Vec::new(),
    })
}

fn foreigner_2023(block: &Block<'_>) -> Result<IdentityCard, TextError> {
    let layout = CardLayout::Foreigner2023;
    // One text in two places: a space at the seam belongs to the name, so only the whole is trimmed.
    let mut english = block.untrimmed(common::ENGLISH_NAME);
    english.push_str(&block.untrimmed(common::ENGLISH_NAME_REST));
    let english_name = some_text(&english);
    Ok(IdentityCard {
        layout,
        name: block.name_or_english(common::NAME, english_name.as_deref())?,
        english_name,
        sex: block.sex(common::SEX),
        nation: None,
        birth: block.date(common::BIRTH, "birth date")?,
        address: None,
        document: block.document(common::NUMBER, layout)?,
        authority: None,
        valid_from: block.date(common::FROM, "first valid day")?,
        valid_until: block.last_day(common::UNTIL)?,
        travel_permit: None,
        nationality: block.optional(common::COUNTRY),
        photo: Vec::new(),
    })
}

/// A block to read from.
struct Block<'a>(&'a [u8; TEXT_BYTES]);

impl Block<'_> {
    fn units(&self, slot: Slot) -> Vec<u16> {
        let bytes = self.0.get(slot.at..slot.at + slot.bytes).unwrap_or_default();
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    fn unit(&self, slot: Slot) -> u16 {
        self.units(slot).first().copied().unwrap_or_default()
    }

    /// A character of which the card holds only half (an address cut at its 35th unit) becomes U+FFFD.
    fn untrimmed(&self, slot: Slot) -> String {
        String::from_utf16_lossy(&self.units(slot))
    }

    fn optional(&self, slot: Slot) -> Option<String> {
        some_text(&self.untrimmed(slot))
    }

    fn required(&self, slot: Slot, field: &'static str) -> Result<String, TextError> {
        let text = String::from_utf16(&self.units(slot)).map_err(|_| TextError::Field(field))?;
        some_text(&text).ok_or(TextError::Field(field))
    }

    fn name_or_english(&self, slot: Slot, english: Option<&str>) -> Result<String, TextError> {
        match (self.optional(slot), english) {
            (None, Some(english)) => Ok(english.to_owned()),
            _ => self.required(slot, "name"),
        }
    }

    fn sex(&self, slot: Slot) -> Sex {
        Sex::from_code(self.untrimmed(slot).trim())
    }

    fn date(&self, slot: Slot, field: &'static str) -> Result<Date, TextError> {
        Date::from_compact(&self.required(slot, field)?).map_err(|_| TextError::Field(field))
    }

    fn last_day(&self, slot: Slot) -> Result<Option<Date>, TextError> {
        let text = self.required(slot, "last valid day")?;
        if text == LONG_TERM {
            return Ok(None);
        }
        Date::from_compact(&text).map(Some).map_err(|_| TextError::Field("last valid day"))
    }

    fn document(&self, slot: Slot, layout: CardLayout) -> Result<IdentityDocument, TextError> {
        let number = self.required(slot, "number")?;
        IdentityDocument::new(layout.document_kind(), &number).map_err(|_| TextError::Field("number"))
    }
}

/// Padding stands only at the end; inner spaces belong to addresses and English names.
fn some_text(text: &str) -> Option<String> {
    let text = text.trim_end_matches(['\u{20}', '\u{3000}', '\0']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// A block to write into.
struct Pen<'a>(&'a mut [u8; TEXT_BYTES]);

impl Pen<'_> {
    fn put(&mut self, slot: Slot, text: &str, field: &'static str) -> Result<(), TextError> {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        if bytes.len() > slot.bytes {
            return Err(TextError::TooLong(field));
        }
        self.0[slot.at..slot.at + bytes.len()].copy_from_slice(&bytes);
        Ok(())
    }

    fn put_some(&mut self, slot: Slot, text: Option<&str>, field: &'static str) -> Result<(), TextError> {
        text.map_or(Ok(()), |text| self.put(slot, text, field))
    }

    fn put_validity(&mut self, from: Slot, until: Slot, card: &IdentityCard) -> Result<(), TextError> {
        self.put(from, &card.valid_from.to_compact(), "first valid day")?;
        let last = card.valid_until.map_or_else(|| LONG_TERM.to_owned(), Date::to_compact);
        self.put(until, &last, "last valid day")
    }

    /// What the layouts with the common places share.
    fn common(&mut self, card: &IdentityCard, mark: &str) -> Result<(), TextError> {
        self.put(common::SEX, card.sex.code(), "sex")?;
        self.put(common::BIRTH, &card.birth.to_compact(), "birth date")?;
        self.put(common::NUMBER, card.document.number(), "number")?;
        self.put_validity(common::FROM, common::UNTIL, card)?;
        self.put(MARK, mark, "mark")
    }

    fn domestic(&mut self, card: &IdentityCard, mark: &str) -> Result<(), TextError> {
        self.common(card, mark)?;
        self.put(common::NAME, &card.name, "name")?;
        self.put_some(common::NATION, card.nation.as_deref(), "nation")?;
        self.put_some(common::ADDRESS, card.address.as_deref(), "address")?;
        self.put_some(common::AUTHORITY, card.authority.as_deref(), "authority")?;
        self.put_some(common::TRAVEL_PERMIT, card.travel_permit.as_deref(), "travel permit")
    }

    fn foreigner_2017(&mut self, card: &IdentityCard) -> Result<(), TextError> {
        self.put_some(card_2017::ENGLISH_NAME, card.english_name.as_deref(), "English name")?;
        self.put(card_2017::SEX, card.sex.code(), "sex")?;
        self.put(card_2017::NUMBER, card.document.number(), "number")?;
        self.put_some(card_2017::COUNTRY, card.nationality.as_deref(), "nationality")?;
        self.put_some(card_2017::NAME, chinese_name(card), "name")?;
        self.put_validity(card_2017::FROM, card_2017::UNTIL, card)?;
        self.put(card_2017::BIRTH, &card.birth.to_compact(), "birth date")?;
        self.put_some(card_2017::AUTHORITY, card.authority.as_deref(), "authority")?;
        self.put(MARK, "I", "mark")
    }

    fn foreigner_2023(&mut self, card: &IdentityCard) -> Result<(), TextError> {
        self.common(card, "Y")?;
        self.put_some(common::NAME, chinese_name(card), "name")?;
        self.put_some(common::COUNTRY, card.nationality.as_deref(), "nationality")?;
        let english = card.english_name.as_deref().unwrap_or_default();
        let first_units = common::ENGLISH_NAME.bytes / 2;
        let cut = english.char_indices().nth(first_units).map_or(english.len(), |(at, _)| at);
        let (first, rest) = english.split_at(cut);
        self.put(common::ENGLISH_NAME, first, "English name")?;
        self.put(common::ENGLISH_NAME_REST, rest, "English name")
    }
}

/// The Chinese name of a foreigner who has one: without it, the card's name is the English one.
fn chinese_name(card: &IdentityCard) -> Option<&str> {
    (card.english_name.as_deref() != Some(card.name.as_str())).then_some(card.name.as_str())
}

#[cfg(test)]
mod tests;
