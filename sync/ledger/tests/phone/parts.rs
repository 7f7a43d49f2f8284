//! Messages that one QR code does not hold.

use super::*;
use hall_ledger::phone::parts::{MAX_PARTS, PART_BYTES, WHOLE_BYTES};
use hall_ledger::phone::{Gathered, Gathering, MAX_BYTES, Part, Progress, to_qrs};

/// An answer with so many licences, as the centre signs it.
fn shown(count: usize) -> Vec<u8> {
    let statement = |n: usize| {
        let material = format!("m{n}").parse().unwrap();
        StatedLicence { material, ..licence() }.seal(&sealing_key(), SealNonce([n as u8; 12]))
    };
    assertion(Said::Licences((1..=count).map(statement).collect())).sign(&centre_key())
}

fn parts(message: &[u8]) -> Vec<Vec<u8>> {
    to_qrs(message).iter().map(|text| from_qr(text).unwrap()).collect()
}

fn part(bytes: &[u8]) -> Part {
    assert!(Part::claims(bytes));
    Part::parse(bytes).unwrap()
}

#[test]
fn what_one_code_holds_goes_through_one_and_more_goes_through_several() {
    let small = shown(0);
    assert_eq!(to_qrs(&small), [to_qr(&small)]);
    assert!(!Part::claims(&small), "a message is no part");
    for (bytes, codes) in [(WHOLE_BYTES, 1), (WHOLE_BYTES + 1, 2), (MAX_BYTES, usize::from(MAX_PARTS))] {
        let texts = to_qrs(&vec![0xd2; bytes]);
        assert_eq!(texts.len(), codes, "{bytes}");
        // Version 20 at level M holds 970 letters in alphanumeric mode.
        assert!(texts.iter().all(|text| text.len() <= 970), "{bytes}");
    }
    let large = shown(4);
    assert!(large.len() > WHOLE_BYTES);
    for bytes in parts(&large) {
        assert_eq!((kind_of(&bytes), verify_said(&bytes, NOON).err()), (None, Some(CodeError::NotACode)));
    }
}

#[test]
fn missing_parts_are_waited_for_and_the_parts_of_two_answers_never_mix() {
    let (first, second) = (shown(4), shown(5));
    let (of_first, of_second) = (parts(&first), parts(&second));
    let mut gathering = Gathering::default();
    assert_eq!(gathering.progress(), None);
    let of = of_first.len() as u8;
    for bytes in of_first.iter().skip(1) {
        assert!(matches!(gathering.take(part(bytes)), Gathered::Waiting(_)));
    }
    assert_eq!(gathering.progress(), Some(Progress { have: of - 1, of }));
    // Another answer stands on the phone now.
    let of = of_second.len() as u8;
    assert_eq!(gathering.take(part(&of_second[0])), Gathered::Waiting(Progress { have: 1, of }));
    // What came of the first is forgotten: its last part alone is a beginning.
    let of = of_first.len() as u8;
    assert_eq!(gathering.take(part(&of_first[0])), Gathered::Waiting(Progress { have: 1, of }));
}

#[test]
fn parts_that_are_not_of_one_message_are_forgotten_and_can_be_scanned_again() {
    let message = shown(4);
    let good = parts(&message);
    let mut bent = good[0].clone();
    *bent.last_mut().unwrap() ^= 1;
    let mut gathering = Gathering::default();
    gathering.take(part(&bent));
    let last = good.iter().skip(1).map(|bytes| gathering.take(part(bytes))).last();
    assert_eq!(last, Some(Gathered::Damaged));
    assert_eq!(gathering.progress(), None);
    let last = good.iter().map(|bytes| gathering.take(part(bytes))).last();
    assert_eq!(last, Some(Gathered::Whole(message)));
}

#[test]
fn what_is_no_part_is_refused() {
    let part = |number: u8, of: u8, name: usize, bytes: usize| {
        let mut e = minicbor::Encoder::new(Vec::new());
        e.array(4).unwrap().u8(number).unwrap().u8(of).unwrap();
        e.bytes(&vec![1; name]).unwrap().bytes(&vec![2; bytes]).unwrap();
        Part::parse(&e.into_writer())
    };
    assert!(part(1, 2, 8, PART_BYTES).is_ok() && part(2, 2, 8, 1).is_ok());
    for (number, of, name, bytes) in [
        (0, 2, 8, PART_BYTES),
        (3, 2, 8, PART_BYTES),
        (1, 1, 8, PART_BYTES),
        (1, MAX_PARTS + 1, 8, PART_BYTES),
        (1, 2, 7, PART_BYTES),
        (1, 2, 8, PART_BYTES - 1),
        (1, 2, 8, PART_BYTES + 1),
        (2, 2, 8, 0),
    ] {
        assert_eq!(part(number, of, name, bytes), Err(CodeError::NotACode), "{number} {of} {name} {bytes}");
    }
    let good = &parts(&shown(4))[0];
    let longer = [&good[..1], &[0x18, 0x01], &good[2..]].concat();
    for bytes in [&[][..], &[0x84], &longer, &[good.as_slice(), &[0]].concat(), &vec![0x84; 10_000]] {
        assert_eq!(Part::parse(bytes), Err(CodeError::NotACode));
    }
}

proptest! {
    #[test]
    fn the_parts_of_a_message_make_it_again_in_any_order_and_however_often_each_comes(
        count in 3..9usize, order in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let message = shown(count);
        prop_assume!(message.len() <= MAX_BYTES);
        let parts = parts(&message);
        let mut gathering = Gathering::default();
        let mut whole = None;
        let rest = (0..parts.len()).rev();
        for at in order.iter().map(|index| index.index(parts.len())).chain(rest) {
            if let Gathered::Whole(made) = gathering.take(part(&parts[at])) {
                whole.get_or_insert(made);
            }
        }
        prop_assert_eq!(whole, Some(message));
    }

    #[test]
    fn no_bytes_make_reading_a_part_fail_badly(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        let _ = Part::parse(&bytes);
        let _ = Part::parse(&[&[0x84], bytes.as_slice()].concat());
    }
}
