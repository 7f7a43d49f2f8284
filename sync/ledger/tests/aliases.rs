//! Facts about earlier numbers on the wire: sealed, signed, and nobody's without the key.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use hall_domain::{AliasId, AliasKind, HolderAlias, Timestamp};
use hall_ledger::alias::StatedAlias;
use hall_ledger::feed::{Change, FeedItem, FeedPage, Lane};
use hall_ledger::phone::{CodeError, CodeKey, CodeKeys, SealNonce};
use hall_ledger::{CentreKeys, Signed, SigningKey, cbor};

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const NUMBERS: [&str; 2] = ["519900199003070011", "519900900307001"];

fn fact(id: u8) -> HolderAlias {
    let [holder, other] = NUMBERS.map(|number| format!("111:{number}").parse().unwrap());
    let since = "2001-06-01".parse().unwrap();
    HolderAlias::new(AliasId([id; 16]), holder, other, AliasKind::FifteenDigits, since, "安澜市公安局")
        .unwrap()
}

fn key(number: u32) -> CodeKey {
    let day = NOW.local_date();
    CodeKey { number, key: [number as u8; 32], first: day.plus_days(-1), last: day.plus_days(1) }
}

fn keys(key: CodeKey) -> CodeKeys {
    CodeKeys::new([key]).unwrap()
}

fn stated(id: u8) -> StatedAlias {
    StatedAlias::seal(&fact(id), NOW, &key(1), SealNonce([5; 12])).unwrap()
}

fn page(stated: StatedAlias) -> FeedPage {
    let item = FeedItem { seq: 1, at: NOW, hot: None, change: Change::HolderAlias(stated) };
    let scope = "hall:990001".to_owned();
    FeedPage { scope, lane: Lane::Main, after: 0, items: vec![item], head: 1, issued_at: NOW }
}

#[test]
fn a_page_of_the_feed_holds_the_fact_and_no_number() {
    let bytes = cbor::pack(&page(stated(7)));
    for number in NUMBERS {
        assert!(!bytes.windows(number.len()).any(|part| part == number.as_bytes()), "{number}");
    }
    let read: FeedPage = cbor::unpack(&bytes).unwrap();
    let Change::HolderAlias(stated) = &read.items[0].change else { panic!("{read:?}") };
    assert_eq!(stated.open(&keys(key(1))), Ok(Some(fact(7))));
    assert!(!format!("{read:?}").contains(NUMBERS[1]));
}

#[test]
fn without_its_key_or_under_another_name_a_fact_does_not_open() {
    let good = stated(7);
    assert_eq!(good.open(&CodeKeys::default()), Err(CodeError::UnknownCodeKey(1)));
    let other = CodeKey { key: [9; 32], ..key(1) };
    assert_eq!(good.open(&keys(other)), Err(CodeError::Sealed));
    let renamed = StatedAlias { id: AliasId([8; 16]), ..good.clone() };
    assert_eq!(renamed.open(&keys(key(1))), Err(CodeError::Sealed));
    let late = StatedAlias { at: NOW.plus_hours(24 * 9), ..good };
    assert_eq!(late.open(&keys(key(1))), Err(CodeError::UnknownCodeKey(1)), "the key was over by then");
    let ended = StatedAlias::withdrawn(AliasId([7; 16]), NOW);
    assert_eq!(ended.open(&CodeKeys::default()), Ok(None), "that nothing stands needs no key");
}

#[test]
fn the_answer_to_a_look_up_states_a_fact_under_the_centres_signature() {
    let (centre, stranger) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[9; 32]));
    let trusted = CentreKeys::new([centre.verifying_key()]).unwrap();
    let signed = Signed::sign(&stated(7), &centre);
    assert_eq!(signed.verify_by(&trusted).unwrap(), stated(7));
    assert!(Signed::sign(&stated(7), &stranger).verify_by(&trusted).is_err());
}
