//! What holds for every message: its kind, its bytes, its way through a QR code.

use super::*;

#[test]
fn a_message_of_one_kind_is_never_taken_for_another() {
    let all = [
        (MessageKind::Attestation, attestation(Capacity::Own).sign(&centre_key())),
        (MessageKind::ServiceCode, code(Capacity::Own, WEAK)),
        (MessageKind::Challenge, challenge(Asked::Face).sign(&box_key())),
        (MessageKind::Assertion, assertion(Said::Face).sign(&centre_key())),
        (MessageKind::Receipt, receipt().sign(&box_key())),
    ];
    for (kind, bytes) in &all {
        assert_eq!(kind_of(bytes), Some(*kind));
        let other = |wanted| if wanted == *kind { None } else { Some(CodeError::OtherKind(*kind)) };
        assert_eq!(Attestation::verify(bytes, &centre_keys()).err(), other(MessageKind::Attestation));
        assert_eq!(ServiceCode::parse(bytes).err(), other(MessageKind::ServiceCode));
        assert_eq!(Challenge::parse(bytes).err(), other(MessageKind::Challenge));
        assert_eq!(verify_said(bytes, NOON).err(), other(MessageKind::Assertion));
        assert_eq!(PaperReceipt::parse(bytes).err(), other(MessageKind::Receipt));
    }
    // The same payload under another typ is signed again, and still not what it says.
    let payload = typed::TypedSign1::parse(&all[3].1).unwrap().unverified_payload();
    let kid = Some(KeyId::of(&centre_key().verifying_key()));
    let disguised = typed::sign(&centre_key(), MessageKind::Attestation.typ(), kid, payload);
    assert_eq!(Attestation::verify(&disguised, &centre_keys()), Err(CodeError::Content));
    let nameless = typed::sign(&centre_key(), MessageKind::Assertion.typ(), None, payload);
    assert_eq!(verify_said(&nameless, NOON), Err(CodeError::NotACode));
    let unknown = typed::sign(&centre_key(), "other+cwt", kid, payload);
    assert_eq!((kind_of(&unknown), verify_said(&unknown, NOON)), (None, Err(CodeError::NotACode)));
}

#[test]
fn a_signed_message_with_something_more_in_it_is_refused() {
    let bytes = assertion(Said::Face).sign(&centre_key());
    let payload = typed::TypedSign1::parse(&bytes).unwrap().unverified_payload();
    let kid = Some(KeyId::of(&centre_key().verifying_key()));
    let resigned = |payload: &[u8]| {
        verify_said(&typed::sign(&centre_key(), MessageKind::Assertion.typ(), kid, payload), NOON)
    };
    assert!(resigned(payload).is_ok());
    let more = [&[payload[0] + 1], &payload[1..], &[0x39, 0xff, 0xff, 0x00]].concat();
    assert_eq!(resigned(&more), Err(CodeError::Content));
    // A longer head for the same number.
    let at = payload.iter().position(|byte| *byte == 0x04).unwrap();
    let longer = [&payload[..at], &[0x18, 0x04], &payload[at + 1..]].concat();
    assert_eq!(resigned(&longer), Err(CodeError::Content));
    let trailing = [payload, &[0xf6]].concat();
    assert_eq!(resigned(&trailing), Err(CodeError::Content));
}

#[test]
fn no_bit_of_a_message_can_be_changed() {
    let key = box_key().verifying_key();
    let check = |bytes: &[u8], taken: &dyn Fn(&[u8]) -> bool| {
        assert!(taken(bytes));
        for at in 0..bytes.len() * 8 {
            let mut bent = bytes.to_vec();
            bent[at / 8] ^= 1 << (at % 8);
            assert!(!taken(&bent), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(!taken(&bytes[..length]), "{length} bytes");
        }
        assert!(!taken(&[bytes, &[0]].concat()));
    };
    check(&code(capacities()[4].clone(), WEAK), &|bytes| verify(bytes, NOON).is_ok());
    let asked = challenge(Asked::Consent(request(&["m1"]))).sign(&box_key());
    check(&asked, &|bytes| Challenge::parse(bytes).is_ok_and(|asked| asked.verify(&key, NOON).is_ok()));
    let said = assertion(Said::Consent(agreement(&["m1"], &["m2"]))).sign(&centre_key());
    check(&said, &|bytes| verify_said(bytes, NOON).is_ok());
}

#[test]
fn a_scanner_may_type_in_any_case_in_full_width_letters_and_with_line_ends() {
    let code = code(Capacity::Own, WEAK);
    let text = to_qr(&code);
    let wide = |text: &str| -> String {
        text.chars()
            .map(|c| if c == ' ' { '\u{3000}' } else { char::from_u32(c as u32 + 0xfee0).unwrap() })
            .collect()
    };
    let punctuation = text.replace('.', "。").replace('/', "、").replace('$', "￥");
    let spellings = [
        text.clone(),
        text.to_lowercase(),
        wide(&text),
        wide(&text.to_lowercase()),
        punctuation,
        format!("{text}\r\n"),
        format!("\u{3000} \t{text} \n"),
        format!("\u{feff}{text}"),
        format!("\u{2}{text}\u{3}"),
    ];
    for spelling in &spellings {
        assert_eq!(from_qr(spelling).as_deref(), Ok(code.as_slice()), "{spelling}");
        assert_eq!(text::from_scanner(spelling.as_bytes()).as_deref(), Ok(code.as_slice()));
    }
}

#[test]
fn other_qr_codes_are_told_from_damaged_ones() {
    for other in ["", "HB1", "https://example.com/?q=1", "王芳", "111:519900199003070011", "HC1:6BF"] {
        assert_eq!(from_qr(other), Err(QrError::Prefix), "{other}");
    }
    // One character too many or too few, a letter outside of the alphabet, numbers beyond 65535 and 255.
    for damaged in ["HB1:A", "HB1:ABCD", "HB1:AB_", "HB1:王芳王", "HB1::::", "HB1:ABC::", "HB1:AB CD"] {
        assert_eq!(from_qr(damaged), Err(QrError::Base45), "{damaged}");
    }
    assert_eq!(from_qr("HB1:"), Ok(Vec::new()));
    assert_eq!(ServiceCode::parse(&[]), Err(CodeError::NotACode));
    assert_eq!(text::from_scanner(b"HB1:\xff\xfe"), Err(QrError::NotUtf8));
    assert_eq!(CodeError::from(QrError::Base45), CodeError::NotACode);
}

#[test]
fn too_much_is_refused_before_it_is_looked_at() {
    let ten_kilobytes = format!("HB1:{}", "0".repeat(10_240));
    assert_eq!(from_qr(&ten_kilobytes), Err(QrError::TooLong));
    assert_eq!(from_qr(&"王".repeat(4001)), Err(QrError::TooLong));
    assert_eq!(text::from_scanner(&vec![0xff; 20_000]), Err(QrError::TooLong));
    assert_eq!(from_qr(&format!("HB1:{}", "0".repeat(3996))), Err(QrError::TooLong), "2664 bytes");
    assert_eq!(from_qr(&to_qr(&[0; 2500])), Ok(vec![0; 2500]));
    assert_eq!(from_qr(&to_qr(&[0; 2501])), Err(QrError::TooLong));
    let long = typed::sign(&centre_key(), MessageKind::Assertion.typ(), None, &[0; 2500]);
    assert_eq!(kind_of(&long), None);
}

#[test]
fn a_use_code_shows_every_wrong_and_every_exchanged_character() {
    let code = UseCode::new(0x1234_5678_9abc);
    let text = code.to_string();
    assert_eq!((text.len(), text.parse()), (10, Ok(code)));
    for at in 0..10 {
        for c in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().filter(|c| !text[at..].starts_with(*c)) {
            let wrong = format!("{}{c}{}", &text[..at], &text[at + 1..]);
            assert!(wrong.parse::<UseCode>().is_err(), "{wrong}");
        }
        for other in at + 1..10 {
            let mut exchanged = text.clone().into_bytes();
            exchanged.swap(at, other);
            let exchanged = String::from_utf8(exchanged).unwrap();
            assert!(exchanged == text || exchanged.parse::<UseCode>().is_err(), "{exchanged}");
        }
    }
    for wrong in ["", "000000000", "00000000000", "000000000O", "00000000王", "000000000\u{e9}"] {
        assert!(wrong.parse::<UseCode>().is_err(), "{wrong}");
    }
    assert_ne!(UseCode::random().unwrap(), UseCode::random().unwrap());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(kind_of(&bytes), None);
        prop_assert_eq!(verify(&bytes, NOON), Err(CodeError::NotACode));
        prop_assert_eq!(Challenge::parse(&bytes), Err(CodeError::NotACode));
        prop_assert_eq!(verify_said(&bytes, NOON), Err(CodeError::NotACode));
        let _ = text::from_scanner(&bytes);
    }

    #[test]
    fn any_claims_that_are_really_signed_are_read_without_harm(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0_usize..5,
    ) {
        let kind = MessageKind::ALL[kind];
        let kid = Some(KeyId::of(&centre_key().verifying_key())).filter(|_| kind != MessageKind::ServiceCode);
        let signed = typed::sign(&centre_key(), kind.typ(), kid, &bytes);
        prop_assert_eq!(kind_of(&signed), Some(kind));
        prop_assert!(verify(&signed, NOON).is_err() && verify_said(&signed, NOON).is_err());
        prop_assert!(Attestation::verify(&signed, &centre_keys()).is_err() && Challenge::parse(&signed).is_err());
        prop_assert!(PaperReceipt::parse(&signed).is_err());
    }

    #[test]
    fn bent_claims_that_are_really_signed_are_read_without_harm(
        which in 0_usize..5, at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let good = assertion(every_said()[which].clone()).sign(&centre_key());
        let mut payload = typed::TypedSign1::parse(&good).unwrap().unverified_payload().to_vec();
        let at = at.index(payload.len());
        payload[at] = byte;
        let kid = Some(KeyId::of(&centre_key().verifying_key()));
        let signed = typed::sign(&centre_key(), MessageKind::Assertion.typ(), kid, &payload);
        // Whoever takes it would sign the same bytes.
        if let Ok(read) = hall_ledger::Signed::<Assertion>::from_bytes(signed.clone()).peek() {
            prop_assert_eq!(read.sign(&centre_key()), signed.clone());
        }
        let _ = verify_said(&signed, NOON);
    }

    #[test]
    fn any_text_is_read_without_harm(text in ".{0,200}", tail in "[0-9A-Z $%*+./:-]{0,200}") {
        let _ = from_qr(&text);
        if let Ok(bytes) = from_qr(&format!("HB1:{tail}")) {
            prop_assert_eq!(to_qr(&bytes), format!("HB1:{}", tail.trim_end()));
        }
    }

    #[test]
    fn any_message_comes_back_through_a_qr_code(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(from_qr(&to_qr(&bytes)), Ok(bytes));
    }

    #[test]
    fn any_name_and_field_comes_back(
        name in "[^\\p{Cc}]{1,120}",
        fields in proptest::collection::btree_map("[a-z0-9_]{1,40}", ".{0,40}", 0..8),
        until in -100_000_000_000_i64..100_000_000_000,
    ) {
        let uscc = "91239900MATE5T017W".parse().unwrap();
        let until = Timestamp(until * 1000);
        let subject = Subject {
            name: name.clone(),
            ..subject(Capacity::Agent { uscc, name, until, place: u32::MAX })
        };
        let sealed = seal_subject(&subject, &sealing_key(), SealNonce([3; 12]));
        prop_assert_eq!(open_subject(&sealed, &code_keys(), NOON).unwrap(), subject);
        let fields = fields.into_iter().map(|(key, value)| (cast::field(&key), value)).collect();
        let stated = StatedLicence { fields, ..licence() };
        let statement = stated.seal(&sealing_key(), SealNonce([4; 12]));
        prop_assert_eq!(statement.open(&code_keys(), NOON).unwrap(), stated);
    }

    #[test]
    fn any_use_code_can_be_read_out(number in any::<u64>()) {
        let code = UseCode::new(number);
        prop_assert_eq!(code.to_string().parse(), Ok(code));
        prop_assert_eq!(UseCode::new(number & ((1 << 45) - 1)), code);
    }
}
