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
        let units: Vec<u16> =
            text[from..from + bytes].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
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
