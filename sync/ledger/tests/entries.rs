//! Sealing, verifying and chaining entries; receipts; and that a changed bit is always noticed.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod cast;

use cast::{NOON, box_key, box_public, centre_key, centre_keys, draft, ledger, log, stranger_key};
use hall_ledger::cose::{self, CoseError, Sign1};
use hall_ledger::entry::{DOMAIN, EntryError, EntryKind, MAX_BODY};
use hall_ledger::head::{ChainError, SealError};
use hall_ledger::proof::{self, EvidenceError, InclusionProof};
use hall_ledger::receipt::{self, Custody, Expected, Receipt, ReceiptError};
use hall_ledger::{BoxId, CentreKeys, Entry, Hash, LedgerHead, LogId, Signed, cbor, merkle};
use proptest::prelude::*;

fn sealed() -> Entry {
    LedgerHead::new(log()).seal(&box_key(), draft(EntryKind::ConsentGiven, 1)).unwrap().into_entry()
}

fn receipt_for(head: &LedgerHead) -> Receipt {
    Receipt {
        log: head.log(),
        size: head.size(),
        root: head.root(),
        epoch: 5,
        received_at: NOON,
        index: 9,
        ledger_key: *box_public().as_bytes(),
        branch: None,
    }
}

fn expected(key: &hall_ledger::VerifyingKey) -> Expected<'_> {
    Expected { log: log(), epoch: 5, ledger_key: key }
}

#[test]
fn a_sealed_entry_says_what_was_drafted() {
    let mut head = LedgerHead::new(log());
    for n in 0..3 {
        let given = draft(EntryKind::LicenceUsed, n);
        let sealed = head.seal(&box_key(), given.clone()).unwrap();
        assert_eq!((sealed.seq, head.size()), (u64::from(n), u64::from(n) + 1));
        let entry = sealed.into_entry().verify(&box_public()).unwrap();
        let header = entry.header().unwrap();
        assert_eq!((header.kind, header.wall, header.clock), (given.kind, given.wall, given.clock));
        assert_eq!((&header.known, header.request), (&given.known, given.request));
        assert_eq!(entry.body::<serde_json::Value>().unwrap()["n"], n);
    }
}

#[test]
fn the_centre_follows_what_the_box_seals() {
    let (head, entries) = ledger(40);
    let mut follower = LedgerHead::new(log());
    for entry in &entries {
        follower.accept(entry).unwrap();
    }
    assert_eq!(follower, head);
    let leaves: Vec<Hash> = entries.iter().map(|entry| entry.leaf()).collect();
    assert_eq!(merkle::root(&leaves), head.root());
    assert_eq!(LedgerHead::from_leaves(log(), leaves), head);
    assert_eq!(LedgerHead::from_bytes(&head.to_bytes()).unwrap(), head);
}

#[test]
fn only_the_next_entry_of_the_same_history_is_accepted() {
    let (_, entries) = ledger(3);
    let mut head = LedgerHead::new(log());
    head.accept(&entries[0]).unwrap();
    let untouched = head.clone();
    assert_eq!(head.accept(&entries[0]), Err(ChainError::Position { expected: 1, found: 0 }));
    assert_eq!(head.accept(&entries[2]), Err(ChainError::Position { expected: 1, found: 2 }));

    let mut clone = LedgerHead::new(log());
    clone.seal(&box_key(), draft(EntryKind::CaseOpened, 77)).unwrap();
    let branch = clone.seal(&box_key(), draft(EntryKind::CaseOpened, 78)).unwrap();
    let branch = branch.into_entry().verify(&box_public()).unwrap();
    assert_eq!(head.accept(&branch), Err(ChainError::Fork(1)));

    let mut other = LedgerHead::new(LogId::new(BoxId([0x11; 16]), 2));
    assert_eq!(other.accept(&entries[0]), Err(ChainError::OtherLog));
    assert_eq!(head, untouched);
    head.accept(&entries[1]).unwrap();
}

#[test]
fn a_draft_that_is_too_large_changes_nothing() {
    let mut head = LedgerHead::new(log());
    let mut large = draft(EntryKind::ClerkAction, 1);
    large.body = vec![0; MAX_BODY + 1];
    assert_eq!(head.seal(&box_key(), large), Err(SealError::BodyTooLarge(MAX_BODY + 1)));
    let mut wordy = draft(EntryKind::ClerkAction, 1);
    wordy.known.scope = "x".repeat(5000);
    assert!(matches!(head.seal(&box_key(), wordy), Err(SealError::HeaderTooLarge(_))));
    assert_eq!(head, LedgerHead::new(log()));
}

#[test]
fn every_flipped_bit_of_a_signed_entry_is_noticed() {
    let entry = sealed();
    let key = box_public();
    entry.clone().verify(&key).unwrap();
    for at in 0..entry.cose.len() * 8 {
        let mut bent = entry.clone();
        bent.cose[at / 8] ^= 1 << (at % 8);
        assert!(bent.verify(&key).is_err(), "bit {at}");
    }
    for cut in 0..entry.cose.len() {
        let mut bent = entry.clone();
        bent.cose.truncate(cut);
        assert!(bent.verify(&key).is_err(), "cut at {cut}");
    }
    let mut longer = entry.clone();
    longer.cose.push(0);
    assert!(longer.verify(&key).is_err());
}

#[test]
fn a_changed_body_or_salt_is_noticed_and_an_erased_one_is_not_missed() {
    let entry = sealed();
    let key = box_public();
    let length = entry.body.as_ref().unwrap().bytes.len();
    for at in 0..length {
        let mut bent = entry.clone();
        bent.body.as_mut().unwrap().bytes[at] ^= 1;
        assert_eq!(bent.verify(&key), Err(EntryError::Commit), "byte {at}");
    }
    for at in 0..16 {
        let mut bent = entry.clone();
        bent.body.as_mut().unwrap().salt.0[at] ^= 1;
        assert_eq!(bent.verify(&key), Err(EntryError::Commit), "salt byte {at}");
    }
    let leaf = entry.leaf();
    let erased = Entry { body: None, ..entry }.verify(&key).unwrap();
    assert_eq!(erased.leaf(), leaf);
    assert_eq!(erased.body::<serde_json::Value>(), Err(EntryError::Erased));
}

#[test]
fn a_signature_is_good_for_one_key_and_one_purpose() {
    let entry = sealed();
    let wrong_key = entry.clone().verify(&stranger_key().verifying_key());
    assert!(matches!(wrong_key, Err(EntryError::Cose(CoseError::UnknownKey(_)))));

    let parsed = Sign1::parse(&entry.cose).unwrap();
    assert!(parsed.verify(&box_public(), DOMAIN).is_ok());
    for other in ["hallbox/entry/2", "hallbox/entry/", "hallbox/receipt/1", ""] {
        assert_eq!(parsed.verify(&box_public(), other), Err(CoseError::Signature), "{other}");
    }
    // The same payload, properly signed, but as a statement of another kind.
    let elsewhere = cose::sign(&box_key(), "hallbox/checkpoint/1", parsed.unverified_payload());
    let disguised = Entry { cose: elsewhere, body: entry.body };
    assert_eq!(disguised.verify(&box_public()), Err(EntryError::Cose(CoseError::Signature)));
}

#[test]
fn a_signed_payload_that_is_no_header_is_refused() {
    let valid = sealed();
    let header = Sign1::parse(&valid.cose).unwrap().unverified_payload().to_vec();
    let sign = |payload: &[u8]| Entry { cose: cose::sign(&box_key(), DOMAIN, payload), body: None };
    assert!(sign(&header).verify(&box_public()).is_ok());
    for payload in [&header[..header.len() - 1], b"", b"\xa0", b"\xf6"] {
        assert!(matches!(sign(payload).verify(&box_public()), Err(EntryError::Header(_))), "{payload:?}");
    }
    // Schema 1 with one key more than schema 1 has: signed, deterministic, and still not schema 1.
    let mut more = header.clone();
    more[0] += 1;
    more.extend_from_slice(&[0x0a, 0x00]);
    assert!(cbor::check_deterministic(&more).is_ok());
    assert!(matches!(sign(&more).verify(&box_public()), Err(EntryError::Header(_))));
    // The same as schema 2 is an entry of a newer box: kept, in its place, without a header to read.
    assert_eq!(&more[..3], [0xab, 0x00, 0x01]);
    more[2] = 2;
    let newer = sign(&more).verify(&box_public()).unwrap();
    assert_eq!((newer.header(), newer.seq(), newer.frame().schema), (None, 0, 2));
    LedgerHead::new(log()).accept(&newer).unwrap();
    more[2] = 0;
    assert!(matches!(sign(&more).verify(&box_public()), Err(EntryError::Header(_))));
}

#[test]
fn an_entry_of_an_unknown_kind_is_kept() {
    let mut head = LedgerHead::new(log());
    let entry = head.seal(&box_key(), draft(EntryKind::Other(4711), 1)).unwrap();
    let entry = entry.into_entry().verify(&box_public()).unwrap();
    assert_eq!(entry.kind(), EntryKind::Other(4711));
}

#[test]
fn a_receipt_is_believed_when_it_covers_the_own_ledger() {
    let (head, _) = ledger(20);
    let signed = Signed::sign(&receipt_for(&head), &centre_key());
    let key = box_public();
    let root_at = |size| (size == 20).then(|| head.root());
    assert!(matches!(
        receipt::accept(&signed, &centre_keys(), expected(&key), root_at).unwrap(),
        Custody::Main(receipt) if receipt.size == 20
    ));
    for at in 0..signed.as_bytes().len() * 8 {
        let mut bent = signed.as_bytes().to_vec();
        bent[at / 8] ^= 1 << (at % 8);
        let bent = Signed::from_bytes(bent);
        assert!(receipt::accept(&bent, &centre_keys(), expected(&key), root_at).is_err(), "bit {at}");
    }
}

#[test]
fn a_receipt_that_does_not_fit_is_not_believed() {
    let (head, _) = ledger(20);
    let key = box_public();
    let judge = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = receipt_for(&head);
        change(&mut receipt);
        let signed = Signed::sign(&receipt, &centre_key());
        receipt::accept(&signed, &centre_keys(), expected(&key), |size| (size == 20).then(|| head.root()))
    };
    assert!(judge(&|_| {}).is_ok());
    assert_eq!(judge(&|r| r.root = Hash::of(b"other")), Err(ReceiptError::Root(20)));
    assert_eq!(judge(&|r| r.size = 21), Err(ReceiptError::Size(21)));
    assert_eq!(judge(&|r| r.epoch = 4), Err(ReceiptError::Epoch { expected: 5, found: 4 }));
    assert_eq!(judge(&|r| r.log.incarnation = 2), Err(ReceiptError::OtherLog));
    assert_eq!(judge(&|r| r.ledger_key[0] ^= 1), Err(ReceiptError::OtherLog));
    // Quarantine: custody of exactly the own branch, never of somebody else's.
    let own = head.root();
    let main = Hash::of(b"the history that the centre follows");
    let quarantine = judge(&|r| (r.root, r.branch) = (main, Some(own)));
    assert!(matches!(quarantine, Ok(Custody::Quarantine(_))));
    assert_eq!(judge(&|r| r.branch = Some(Hash::of(b"another branch"))), Err(ReceiptError::Root(20)));

    let forged = Signed::sign(&receipt_for(&head), &stranger_key());
    let refused = receipt::accept(&forged, &centre_keys(), expected(&key), |_| Some(head.root()));
    assert!(matches!(refused, Err(ReceiptError::Cose(CoseError::UnknownKey(_)))));
    // A key that was rotated in is as good as the old one, and one rotated out is not.
    let both = CentreKeys::new([centre_key().verifying_key(), stranger_key().verifying_key()]).unwrap();
    assert!(receipt::accept(&forged, &both, expected(&key), |_| Some(head.root())).is_ok());
}

#[test]
fn a_checkpoint_is_signed_by_the_box_for_that_purpose() {
    let (head, _) = ledger(5);
    let checkpoint = head.checkpoint(5, NOON);
    let signed = Signed::sign(&checkpoint, &box_key());
    assert_eq!(signed.verify(&box_public()).unwrap(), checkpoint);
    assert_eq!(
        signed.verify_by(&centre_keys()).unwrap_err(),
        CoseError::UnknownKey(hall_ledger::KeyId::of(&box_public()))
    );
    let as_receipt = Signed::<Receipt>::from_bytes(signed.into_bytes());
    assert!(as_receipt.verify(&box_public()).is_err());
}

#[test]
fn three_files_prove_an_entry_to_a_stranger() {
    let (head, entries) = ledger(300);
    let leaves: Vec<Hash> = entries.iter().map(|entry| entry.leaf()).collect();
    let receipt = Signed::sign(&receipt_for(&head), &centre_key());
    let verify =
        |entry: &Entry, proof: &InclusionProof| proof::verify(entry.clone(), proof, &receipt, &centre_keys());
    for seq in [0, 1, 128, 255, 256, 299] {
        let made = InclusionProof::make(log(), &leaves, seq).unwrap();
        let entry = entries[seq as usize].entry();
        assert_eq!(verify(entry, &made).unwrap().seq(), seq);

        let neighbour = entries[(seq as usize + 1) % 300].entry();
        assert_eq!(verify(neighbour, &made), Err(EvidenceError::Mismatch));
        let mut moved = made.clone();
        moved.path.reverse();
        assert!(matches!(verify(entry, &moved), Err(EvidenceError::Proof(_))));
        let shorter = InclusionProof { size: 299, ..made };
        assert_eq!(verify(entry, &shorter), Err(EvidenceError::Mismatch));
    }
    assert!(InclusionProof::make(log(), &leaves, 300).is_err());
}

proptest! {
    #[test]
    fn any_body_is_sealed_and_comes_back(body in proptest::collection::vec(any::<u8>(), 0..2000), salt: [u8; 16]) {
        let mut given = draft(EntryKind::FormFilled, 3);
        given.body = body.clone();
        given.salt.0 = salt;
        let sealed = LedgerHead::new(log()).seal(&box_key(), given).unwrap();
        let entry = sealed.into_entry();
        let again: Entry = cbor::unpack(&cbor::pack(&entry)).unwrap();
        prop_assert_eq!(&again, &entry);
        let verified = again.verify(&box_public()).unwrap();
        prop_assert_eq!(&verified.entry().body.as_ref().unwrap().bytes, &body);
    }

    #[test]
    fn a_head_comes_back_at_any_size(size in 0_usize..200) {
        let leaves = (0..size).map(|n| merkle::leaf_hash(&n.to_be_bytes()));
        let head = LedgerHead::from_leaves(log(), leaves);
        prop_assert_eq!(LedgerHead::from_bytes(&head.to_bytes()).unwrap(), head);
    }
}
