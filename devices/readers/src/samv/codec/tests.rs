use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn decode_all(decoder: &mut Decoder) -> Vec<Result<Vec<u8>, FrameFault>> {
    std::iter::from_fn(|| decoder.frame().map(|frame| frame.map(|body| body.to_vec()))).collect()
}

#[test]
fn requests_are_the_published_frames() {
    for (command, frame) in [
        (Command::Status, "AAAAAA96690003 11FF ED"),
        (Command::ResetSam, "AAAAAA96690003 10FF EC"),
        (Command::SamNumber, "AAAAAA96690003 12FF EE"),
        (Command::FindCard, "AAAAAA96690003 2001 22"),
        (Command::SelectCard, "AAAAAA96690003 2002 21"),
        (Command::ReadTextPhoto, "AAAAAA96690003 3001 32"),
        (Command::ReadTextPhotoFingerprint, "AAAAAA96690003 3010 23"),
        (Command::ReadNewestAddress, "AAAAAA96690003 3003 30"),
        (Command::SetMaxRfFrame(0x50), "AAAAAA96690004 61FF50 CA"),
    ] {
        assert_eq!(command.frame(), hex(frame), "{command:?}");
        let mut decoder = Decoder::default();
        decoder.push(&hex(frame));
        let body = decoder.frame().unwrap().unwrap();
        assert_eq!(Command::parse(&body), Some(command));
    }
}

#[test]
fn answers_are_the_published_frames() {
    for (response, frame) in [
        (Response::of(Status::OK), "AAAAAA96690004 000090 94"),
        (Response::with(Status::FOUND, vec![0; 4]), "AAAAAA96690008 00009F 00000000 97"),
        (Response::of(Status::NO_CARD), "AAAAAA96690004 000080 84"),
        (Response::with(Status::OK, vec![0; 8]), "AAAAAA9669000C 000090 0000000000000000 9C"),
        (Response::of(Status::SELECT_FAILED), "AAAAAA96690004 000081 85"),
        (Response::of(Status::READ_FAILED), "AAAAAA96690004 000041 45"),
    ] {
        assert_eq!(response.frame(), hex(frame), "{response:?}");
        let mut decoder = Decoder::default();
        decoder.push(&hex(frame));
        assert_eq!(Response::parse(&decoder.frame().unwrap().unwrap()), Some(response));
    }
}

#[test]
fn a_read_answer_is_1295_bytes_with_length_0508() {
    let card =
        CardData { text: Zeroizing::new([0x20; TEXT_BYTES]), photo: Zeroizing::new(vec![7; PHOTO_BYTES]) };
    let frame = Response::with(Status::OK, card.bytes()).frame();
    assert_eq!(frame.len(), 1295);
    assert_eq!(frame[5..14], [0x05, 0x08, 0, 0, 0x90, 0x01, 0x00, 0x04, 0x00]);
    let mut decoder = Decoder::default();
    decoder.push(&frame);
    let answer = Response::parse(&decoder.frame().unwrap().unwrap()).unwrap();
    assert_eq!(CardData::parse(&answer.data), Some(card));
}

#[test]
fn card_data_with_lengths_that_do_not_add_up_is_refused() {
    let good = CardData { text: Zeroizing::new([0; TEXT_BYTES]), photo: Zeroizing::new(vec![1; 16]) }.bytes();
    assert!(CardData::parse(&good).is_some());
    assert!(CardData::parse(&good[..good.len() - 1]).is_none());
    assert!(CardData::parse(&[good.as_slice(), &[0]].concat()).is_none());
    assert!(CardData::parse(&[0x00, 0x02, 0x00, 0x00, 1, 2]).is_none());
    assert!(CardData::parse(&[]).is_none());
}

#[test]
fn a_sam_number_is_shown_as_the_register_prints_it() {
    let number = SamNumber { class: 5, version: 3, date: 20_231_201, serial: 1, check: 42 };
    assert_eq!(number.to_string(), "05.03-20231201-0000000001-0000000042");
    assert_eq!(SamNumber::parse(&number.bytes()), Some(number));
    assert_eq!(number.bytes()[..4], [5, 0, 3, 0]);
    assert_eq!(SamNumber::parse(&[0; 15]), None);
}

#[test]
fn a_good_frame_behind_a_broken_one_is_found() {
    let good = Response::of(Status::OK).frame();
    let mut broken = Response::with(Status::FOUND, vec![0; 4]).frame();
    broken[9] ^= 1;
    let mut decoder = Decoder::default();
    decoder.push(&[broken, good.clone(), vec![0xAA, 0xAA, 0xAA, 0x96, 0x69, 0xFF, 0xFF], good].concat());
    assert_eq!(
        decode_all(&mut decoder),
        [
            Err(FrameFault::Checksum),
            Ok(vec![0, 0, 0x90]),
            Err(FrameFault::Length(0xFFFF)),
            Ok(vec![0, 0, 0x90]),
        ]
    );
    assert!(decoder.is_empty());
}

#[test]
fn a_frame_hidden_behind_a_start_that_is_never_completed_is_found_when_the_line_goes_quiet() {
    let mut decoder = Decoder::default();
    decoder.push(&[0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x05, 0x08]);
    decoder.push(&Response::of(Status::NO_CARD).frame());
    assert_eq!(decode_all(&mut decoder), []);
    decoder.give_up_frame();
    assert_eq!(decode_all(&mut decoder), [Ok(vec![0, 0, 0x80])]);
}

#[test]
fn debug_texts_show_no_content() {
    let card = CardData { text: Zeroizing::new([b'K'; TEXT_BYTES]), photo: Zeroizing::new(vec![b'K'; 8]) };
    let response = Response::with(Status::OK, card.bytes());
    assert_eq!(format!("{response:?}"), "Response(90, 268 bytes)");
    assert!(!format!("{card:?}").contains("75"));
}

#[test]
fn one_flipped_bit_is_always_noticed() {
    let card =
        CardData { text: Zeroizing::new([1; TEXT_BYTES]), photo: Zeroizing::new(vec![2; PHOTO_BYTES]) };
    let frame = Response::with(Status::OK, card.bytes()).frame();
    for flipped in PREAMBLE.len() * 8..frame.len() * 8 {
        let mut frame = frame.clone();
        frame[flipped / 8] ^= 1 << (flipped % 8);
        let mut decoder = Decoder::default();
        decoder.push(&frame);
        assert!(decode_all(&mut decoder).iter().all(Result::is_err), "bit {flipped}");
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_never_panic_and_keep_little(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40)
    ) {
        let mut decoder = Decoder::default();
        for piece in pieces {
            decoder.push(&piece);
            decode_all(&mut decoder);
            prop_assert!(decoder.kept.len() <= MAX_LEN + HEADER_BYTES);
        }
    }

    #[test]
    fn noise_that_looks_like_frames_never_panics(
        pieces in prop::collection::vec(prop::collection::vec(
            prop::sample::select(vec![0xAAu8, 0x96, 0x69, 0x00, 0x03, 0x05, 0xFF]), 0..200), 0..20)
    ) {
        let mut decoder = Decoder::default();
        for piece in pieces {
            decoder.push(&piece);
            decode_all(&mut decoder);
        }
    }

    #[test]
    fn a_frame_is_found_after_any_garbage_however_it_is_split(
        garbage in prop::collection::vec(any::<u8>(), 0..600),
        data in prop::collection::vec(any::<u8>(), 0..1300),
        split in 1usize..97,
    ) {
        let wanted = Response::with(Status::OK, data);
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in [garbage, wanted.frame()].concat().chunks(split) {
            decoder.push(piece);
            found.extend(decode_all(&mut decoder));
        }
        // Garbage may end in what looks like a start and swallow the frame until the line goes quiet.
        while !decoder.is_empty() {
            decoder.give_up_frame();
            found.extend(decode_all(&mut decoder));
            if !decoder.kept.starts_with(&PREAMBLE) { break; }
        }
        let mut body = vec![0, 0, 0x90];
        body.extend_from_slice(&wanted.data);
        prop_assert!(found.contains(&Ok(body)));
    }

    #[test]
    fn frames_between_garbage_all_arrive_in_order(
        parts in prop::collection::vec((prop::collection::vec(0x70u8..0x90, 0..40), 0u8..=255), 1..20)
    ) {
        // Garbage without preamble bytes: nothing may be lost and nothing invented.
        let mut line = Vec::new();
        for (garbage, status) in &parts {
            line.extend_from_slice(garbage);
            line.extend(Response::of(Status(*status)).frame());
        }
        let mut decoder = Decoder::default();
        decoder.push(&line);
        let found: Vec<u8> = decode_all(&mut decoder).into_iter().map(|body| body.unwrap()[2]).collect();
        let sent: Vec<u8> = parts.iter().map(|part| part.1).collect();
        prop_assert_eq!(found, sent);
    }
}
