use hall_domain::{CardLayout, Date, IdentityDocument};

use super::*;
use crate::apdu::tests::Script;
use crate::samv::text;

const BOTH: [Profile; 2] = [Profile::IdEscape, Profile::Ssc];
const NUMBER: &str = "519900199003070011";

fn wang() -> IdentityCard {
    let document = IdentityDocument::new(CardLayout::Resident.document_kind(), NUMBER).unwrap();
    IdentityCard {
        layout: CardLayout::Resident,
        name: "王芳".to_owned(),
        english_name: None,
        sex: document.sex().unwrap(),
        nation: Some("01".to_owned()),
        birth: document.birth().unwrap(),
        address: None,
        document,
        authority: None,
        valid_from: Date::new(2015, 1, 1).unwrap(),
        valid_until: None,
        travel_permit: None,
        nationality: None,
        photo: vec![7; 1024],
    }
}

fn ok(data: &[u8]) -> Vec<u8> {
    [data, &[0x90, 0x00]].concat()
}

fn record(tag: u8, value: &[u8]) -> Vec<u8> {
    ok(&[&[tag, value.len() as u8], value].concat())
}

/// A reader's made-up ATR, and what the blocks of the card are.
fn identity() -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut atr = vec![0x3B; 18];
    (atr[13], atr[14]) = (0x90, 0x00);
    let data = text::build(&wang()).unwrap().bytes();
    (atr, data.chunks(256).map(ok).collect())
}

/// An old social security card's answers, with the name as it is.
fn social(version: &[u8; 4], number: &str, name: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let answers = vec![
        vec![0x61, 0x02],
        ok(&[0x6F, 0x00]),
        ok(&[]),
        record(ssc::VERSION, version),
        ok(&[]),
        record(ssc::NUMBER, number.as_bytes()),
        record(ssc::NAME, name),
    ];
    (vec![0x3B, 0x60, 0x00, 0x00], answers)
}

fn old() -> (Vec<u8>, Vec<Vec<u8>>) {
    social(b"1.00", NUMBER, b"\xCD\xF5\xB7\xBC                          ")
}

fn played((atr, answers): (Vec<u8>, Vec<Vec<u8>>)) -> (Result<Laid, Broken>, Vec<Vec<u8>>) {
    let mut script = Script { answers: answers.into_iter().map(Ok).collect(), asked: Vec::new() };
    (read(&mut script, &atr, &BOTH), script.asked)
}

#[test]
fn each_card_is_read_by_the_profile_that_knows_it() {
    let (card, asked) = played(identity());
    assert!(card.unwrap() == Laid::Identity(Box::new(wang())));
    assert_eq!(asked.len(), 6);
    assert_eq!(asked[5], [0xFF, 0xB0, 0x05, 0x00, 0x00]);

    let Laid::Social(card) = played(old()).0.unwrap() else { panic!("an identity card was read") };
    assert!(card.name == "王芳" && card.number.number() == NUMBER);
    assert!(!format!("{card:?}").contains(NUMBER));
}

#[test]
fn an_error_at_any_command_ends_the_read_with_it() {
    for (atr, answers) in [identity(), old()] {
        for broken in [Broken::Reset, Broken::Ended(ReadError::Removed), Broken::Ended(ReadError::Service)] {
            for at in 0..answers.len() {
                let mut script: Vec<Result<Vec<u8>, Broken>> = answers.iter().cloned().map(Ok).collect();
                script[at] = Err(broken);
                let mut script = Script { answers: script, asked: Vec::new() };
                assert_eq!(read(&mut script, &atr, &BOTH), Err(broken));
                assert_eq!(script.asked.len(), at + 1, "nothing is asked after it");
            }
        }
    }
}

#[test]
fn a_block_that_is_refused_or_short_asks_for_the_card_anew() {
    let (atr, answers) = identity();
    for at in 0..answers.len() {
        for wrong in [vec![0x6F, 0x00], ok(&[0; 3])] {
            let mut answers = answers.clone();
            answers[at] = wrong;
            assert_eq!(played((atr.clone(), answers)).0, Err(ReadError::ReplaceCard.into()));
        }
    }
}

#[test]
fn of_a_card_whose_name_is_not_free_nothing_more_is_asked() {
    let (result, asked) = played(social(b"3.00", NUMBER, b""));
    assert_eq!(result, Err(ReadError::SocialSecurity.into()));
    assert_eq!(asked.len(), 4, "the holder's file is not even selected");

    let (atr, mut answers) = old();
    answers[5] = vec![0x69, 0x82];
    assert_eq!(played((atr, answers)).0, Err(ReadError::SocialSecurity.into()));
}

#[test]
fn what_is_not_a_name_or_a_number_is_refused() {
    let content = Err(ReadError::Content.into());
    assert_eq!(played(social(b"1.00", "519900199003070012", b"\xCD\xF5")).0, content);
    assert_eq!(played(social(b"1.00", NUMBER, b"      ")).0, content);
    assert_eq!(played(social(b"1.00", NUMBER, b"\xFF\xFF")).0, content);
}

#[test]
fn a_card_of_no_profile_is_unsupported() {
    let (atr, _) = identity();
    let mut script = Script::default();
    assert_eq!(read(&mut script, &atr, &[]), Err(ReadError::Unsupported.into()));
    let mut script = Script { answers: vec![Ok(vec![0x6A, 0x82])], asked: Vec::new() };
    assert_eq!(read(&mut script, &atr, &[Profile::Ssc]), Err(ReadError::Unsupported.into()));
}
