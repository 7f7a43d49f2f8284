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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn card(layout: CardLayout, number: &str) -> IdentityCard {
        let document = IdentityDocument::new(layout.document_kind(), number).unwrap();
        IdentityCard {
            layout,
            name: "王芳".to_owned(),
            english_name: None,
            sex: document.sex().unwrap_or(Sex::Female),
            nation: (layout == CardLayout::Resident).then(|| "01".to_owned()),
            birth: document.birth().unwrap_or_else(|| Date::new(1980, 1, 1).unwrap()),
            address: Some("某省某市某区 某路1号".to_owned()),
            document,
            authority: Some("某市公安局".to_owned()),
            valid_from: Date::new(2015, 1, 1).unwrap(),
            valid_until: Date::new(2035, 1, 1),
            travel_permit: None,
            nationality: None,
            photo: (0..PHOTO_BYTES).map(|at| (at % 251) as u8).collect(),
        }
    }

    fn foreigner(layout: CardLayout, number: &str) -> IdentityCard {
        IdentityCard {
            english_name: Some("SMITH, JANE MARY".to_owned()),
            nationality: Some("USA".to_owned()),
            address: None,
            authority: (layout == CardLayout::Foreigner2017).then(|| "1500".to_owned()),
            ..card(layout, number)
        }
    }

    fn cast() -> Vec<IdentityCard> {
        let resident = card(CardLayout::Resident, "519900199003070011");
        vec![
            IdentityCard { name: "阿卜杜·热合曼𬱖䶮".to_owned(), ..resident.clone() },
            IdentityCard { valid_until: None, address: None, authority: None, ..resident.clone() },
            IdentityCard { nation: Some("99".to_owned()), photo: Vec::new(), ..resident.clone() },
            IdentityCard { name: "\u{e863}\u{e864}".to_owned(), ..resident },
            card(CardLayout::Resident, "51990019880808001X"),
            IdentityCard {
                travel_permit: Some("H12345678".to_owned()),
                ..card(CardLayout::HkMoTw, "810000199506159011")
            },
            card(CardLayout::HkMoTw, "830000199506159015"),
            foreigner(CardLayout::Foreigner2017, "USA519900800101"),
            foreigner(CardLayout::Foreigner2023, "951840198001019015"),
            IdentityCard {
                name: "VAN DER LONGLASTNAME, MAXIMILIANA ALEXANDRA X".to_owned(),
                english_name: Some("VAN DER LONGLASTNAME, MAXIMILIANA ALEXANDRA X".to_owned()),
                ..foreigner(CardLayout::Foreigner2023, "951840198001019015")
            },
        ]
    }

    #[test]
    fn every_layout_reads_back_as_written() {
        for card in cast() {
            let data = build(&card).unwrap();
            // `assert!` because the Debug form of a card hides what differs, and must.
            assert!(parse(&data).unwrap() == card, "{:?}", card.layout);
            let carried = CardData::parse(&data.bytes()).unwrap();
            assert!(parse(&carried).unwrap() == card, "{:?}", card.layout);
        }
    }

    #[test]
    fn fields_lie_where_the_published_tables_put_them() {
        let text = build(&card(CardLayout::Resident, "519900199003070011")).unwrap().text;
        let at = |from: usize, bytes: usize| {
            let units: Vec<u16> = text[from..from + bytes]
                .chunks(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16(&units).unwrap()
        };
        assert_eq!(at(0, 4), "王芳");
        assert_eq!(at(30, 2), "1");
        assert_eq!(at(32, 4), "01");
        assert_eq!(at(36, 16), "19900307");
        assert_eq!(at(122, 36), "519900199003070011");
        assert_eq!(at(188, 16), "20150101");
        assert_eq!(at(204, 16), "20350101");
        assert_eq!(at(248, 8), "    ");
        let text = build(&foreigner(CardLayout::Foreigner2017, "USA519900800101")).unwrap().text;
        assert_eq!(
            text[122..152].to_vec(),
            "USA519900800101".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()
        );
        assert_eq!(text[152..158], *b"U\0S\0A\0");
        assert_eq!(text[248..250], *b"I\0");
    }

    #[test]
    fn an_address_cut_inside_a_character_is_still_read() {
        let card = card(CardLayout::Resident, "519900199003070011");
        let mut data = build(&card).unwrap();
        let half = "𬱖".encode_utf16().next().unwrap().to_le_bytes();
        data.text[120..122].copy_from_slice(&half);
        assert!(parse(&data).unwrap().address.unwrap().ends_with('\u{fffd}'));
        data.text[28..30].copy_from_slice(&half);
        assert_eq!(parse(&data), Err(TextError::Field("name")));
    }

    #[test]
    fn blocks_that_are_no_card_are_refused_by_field() {
        let good = build(&card(CardLayout::Resident, "519900199003070011")).unwrap();
        let spoiled = |at: usize, bytes: &[u8]| {
            let mut data = good.clone();
            data.text[at..at + bytes.len()].copy_from_slice(bytes);
            parse(&data).unwrap_err()
        };
        assert_eq!(spoiled(248, b"Q\0"), TextError::Layout(0x51));
        assert_eq!(spoiled(0, &[0x20, 0, 0x20, 0]), TextError::Field("name"));
        assert_eq!(spoiled(36, b"x\0"), TextError::Field("birth date"));
        assert_eq!(spoiled(156, b"2\0"), TextError::Field("number"));
        assert_eq!(spoiled(204, b"x\0"), TextError::Field("last valid day"));
        assert!(matches!(spoiled(30, b"2\0"), TextError::Contradiction(_)));
        let empty = CardData { text: Zeroizing::new([0; TEXT_BYTES]), photo: Zeroizing::new(Vec::new()) };
        assert_eq!(parse(&empty), Err(TextError::Field("name")));
    }

    #[test]
    fn what_does_not_fit_on_a_card_is_refused() {
        let good = card(CardLayout::Resident, "519900199003070011");
        let long = IdentityCard { name: "长".repeat(16), ..good.clone() };
        assert_eq!(build(&long), Err(TextError::TooLong("name")));
        let photo = IdentityCard { photo: vec![1; PHOTO_BYTES + 1], ..good };
        assert_eq!(build(&photo), Err(TextError::TooLong("photo")));
    }

    #[test]
    fn errors_name_the_field_and_nothing_that_it_held() {
        let mut data = build(&card(CardLayout::Resident, "519900199003070011")).unwrap();
        data.text[156..158].copy_from_slice(b"2\0");
        let error = parse(&data).unwrap_err();
        assert_eq!(format!("{error} {error:?}"), "the card's number is not understood Field(\"number\")");
    }

    proptest! {
        #[test]
        fn no_block_makes_reading_panic(
            text in prop::collection::vec(any::<u8>(), TEXT_BYTES),
            mark in prop::sample::select(vec![0x20u8, b'I', b'J', b'Y', b'Z']),
        ) {
            let mut text: [u8; TEXT_BYTES] = text.try_into().unwrap();
            text[248..250].copy_from_slice(&[mark, 0]);
            let _ = parse(&CardData { text: Zeroizing::new(text), photo: Zeroizing::new(Vec::new()) });
        }

        #[test]
        fn names_and_addresses_of_any_characters_round_trip(
            name in "[\u{4e00}-\u{9fff}·\u{e000}-\u{e0ff}]{1,15}",
            address in "[\u{4e00}-\u{9fff}0-9a-zA-Z]([\u{4e00}-\u{9fff}0-9 ]{0,33}[\u{4e00}-\u{9fff}0-9])?",
        ) {
            let card = IdentityCard {
                name, address: Some(address), ..card(CardLayout::Resident, "519900199003070011")
            };
            prop_assert!(parse(&build(&card).unwrap()).unwrap() == card);
        }
    }
}
