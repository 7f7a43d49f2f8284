//! Uploads: what a box packs is what the centre unpacks, and nothing else gets in.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod cast;

use cast::{NOON, box_key, centre_key, centre_keys, date, draft, ledger, licence_id};
use hall_domain::{LicenceStatus, Timestamp};
use hall_ledger::blob::{Bitmap, BlobError, CHUNK, MAX_CHUNKS, Manifest, ManifestBuilder};
use hall_ledger::bundle::{BUNDLE, Bundle, BundleError, MAX_BUNDLES, MAX_UPLOAD, Upload};
use hall_ledger::checkpoint::Checkpoint;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::entry::{Body, EntryKind, MAX_BODY, MAX_COSE};
use hall_ledger::feed::{Change, FeedError, FeedItem, FeedPage, Lane, StatusChange};
use hall_ledger::{Entry, Hash, LedgerHead, Salt, Signed, cbor};
use proptest::prelude::*;

fn entries(count: usize) -> (Vec<Entry>, Signed<Checkpoint>) {
    let (head, entries) = ledger(count);
    let checkpoint = Signed::sign(&head.checkpoint(1, NOON), &box_key());
    (entries.into_iter().map(|entry| entry.into_entry()).collect(), checkpoint)
}

fn plain(count: usize, body: usize) -> Vec<Entry> {
    let body = Some(Body { salt: Salt([0; 16]), bytes: vec![7; body] });
    vec![Entry { cose: vec![1; 300], body }; count]
}

fn checkpoint() -> Signed<Checkpoint> {
    Signed::from_bytes(vec![0; 150])
}

#[test]
fn bundles_are_cut_at_the_alignment() {
    let (all, checkpoint) = entries(600);
    let cuts = |from: u64| -> Vec<(u64, usize)> {
        let upload = Upload::collect(from, all[from as usize..].to_vec(), checkpoint.clone());
        assert_eq!((upload.from(), upload.next()), (Some(from), Some(600)));
        assert_eq!(Upload::decode(&upload.encode(1).unwrap()).unwrap(), upload);
        upload.bundles.iter().map(|bundle| (bundle.from, bundle.entries.len())).collect()
    };
    assert_eq!(cuts(0), [(0, 256), (256, 256), (512, 88)]);
    assert_eq!(cuts(255), [(255, 1), (256, 256), (512, 88)]);
    assert_eq!(cuts(599), [(599, 1)]);

    let many = Upload::collect(10, plain(6000, 10), checkpoint);
    assert_eq!(many.bundles.len(), MAX_BUNDLES);
    assert_eq!(many.next(), Some(MAX_BUNDLES as u64 * BUNDLE));
    assert!(many.encode(1).is_ok());
}

/// Entries that compression cannot make any smaller.
fn noise(count: usize, cose: usize, body: usize) -> Vec<Entry> {
    let bytes = |length: usize, of: usize| -> Vec<u8> {
        let blocks = (0..length.div_ceil(32)).flat_map(|n| Hash::of(format!("{of} {n}").as_bytes()).0);
        blocks.take(length).collect()
    };
    let body = |n| Some(Body { salt: Salt([n as u8; 16]), bytes: bytes(body, n) });
    (0..count).map(|n| Entry { cose: bytes(cose, count + n), body: body(n) }).collect()
}

#[test]
fn an_upload_of_the_largest_bodies_stays_within_the_limits() {
    let upload = Upload::collect(0, noise(40, MAX_COSE, MAX_BODY), checkpoint());
    let taken = upload.next().unwrap();
    assert!((20..32).contains(&taken), "{taken}");
    assert_eq!(Upload::decode(&upload.encode(1).unwrap()).unwrap().next(), Some(taken));
    assert_eq!(Upload::collect(0, [], checkpoint()).next(), None);

    // Many small entries: their signatures and hashes are noise as well.
    let upload = Upload::collect(0, noise(4096, 400, 2000), checkpoint());
    let sent = upload.encode(1).unwrap();
    assert!(sent.len() > 6 << 20, "{} bytes: not the noise that it should be", sent.len());
    assert_eq!(Upload::decode(&sent).unwrap(), upload);
}

#[test]
fn what_a_box_would_not_send_is_refused() {
    let (all, checkpoint) = entries(4);
    let send = |bundles: Vec<(u64, Vec<Entry>)>| {
        let bundles = bundles.into_iter().map(|(from, entries)| Bundle { from, entries }).collect();
        let upload = Upload { bundles, checkpoint: checkpoint.clone() };
        let refused_here = upload.encode(1);
        let forced = zstd::bulk::compress(&cbor::pack(&upload), 1).unwrap();
        let refused_there = Upload::decode(&forced);
        assert_eq!(refused_here.is_ok(), refused_there.is_ok());
        refused_there.map(drop)
    };
    let two = all[..2].to_vec();
    assert_eq!(send(vec![]), Ok(()));
    assert_eq!(send(vec![(0, two.clone())]), Ok(()));
    assert_eq!(send(vec![(254, two.clone()), (256, two.clone())]), Ok(()));
    assert_eq!(send(vec![(0, vec![])]), Err(BundleError::Alignment(0)));
    assert_eq!(send(vec![(255, two.clone())]), Err(BundleError::Alignment(255)));
    assert_eq!(send(vec![(0, plain(257, 1))]), Err(BundleError::Alignment(0)));
    assert_eq!(send(vec![(0, two.clone()), (3, two.clone())]), Err(BundleError::Alignment(3)));
    assert_eq!(send(vec![(0, two.clone()), (1, two.clone())]), Err(BundleError::Alignment(1)));
    assert_eq!(send(vec![(u64::MAX, two.clone())]), Err(BundleError::Alignment(u64::MAX)));
    assert_eq!(send(vec![(0, plain(1, MAX_BODY + 1))]), Err(BundleError::TooLarge));
    let long = Entry { cose: vec![0; MAX_COSE + 1], body: None };
    assert_eq!(send(vec![(0, vec![long])]), Err(BundleError::TooLarge));
    let many = (0..=MAX_BUNDLES as u64).map(|n| (n, plain(1, 1))).collect();
    assert_eq!(send(many), Err(BundleError::TooLarge));
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let bomb = zstd::bulk::compress(&vec![0; 512 << 20], 3).unwrap();
    assert!(bomb.len() < 100_000);
    assert_eq!(Upload::decode(&bomb), Err(BundleError::TooLarge));
    let at_limit = zstd::bulk::compress(&vec![0; MAX_UPLOAD], 3).unwrap();
    assert!(matches!(Upload::decode(&at_limit), Err(BundleError::Shape(_))));
    assert_eq!(Upload::decode(&vec![0; (8 << 20) + 1]), Err(BundleError::TooLarge));
}

#[test]
fn a_damaged_upload_is_refused() {
    let (all, checkpoint) = entries(30);
    let sent = Upload::collect(0, all, checkpoint).encode(3).unwrap();
    for cut in 0..sent.len() {
        assert!(Upload::decode(&sent[..cut]).is_err(), "cut at {cut}");
    }
    assert!(Upload::decode(b"").is_err() && Upload::decode(b"not zstd at all").is_err());
}

#[test]
fn a_blob_is_known_by_its_chunks() {
    let bytes: Vec<u8> = (0..CHUNK * 2 + 5).map(|n| (n % 251) as u8).collect();
    let manifest = Manifest::of(&bytes).unwrap();
    assert_eq!((manifest.length(), manifest.chunk_count()), (bytes.len() as u64, 3));
    for (n, chunk) in bytes.chunks(CHUNK).enumerate() {
        manifest.check_chunk(n, chunk).unwrap();
        assert_eq!(manifest.chunk_length(n), Some(chunk.len()));
        let mut bent = chunk.to_vec();
        bent[chunk.len() / 2] ^= 1;
        assert_eq!(manifest.check_chunk(n, &bent), Err(BlobError::Chunk(n)));
        assert_eq!(manifest.check_chunk(n, &chunk[1..]), Err(BlobError::Chunk(n)));
    }
    assert_eq!(manifest.check_chunk(3, b""), Err(BlobError::NoSuchChunk(3)));
    assert_eq!(manifest.chunk_length(3), None);

    let stored = manifest.to_bytes();
    assert_eq!(Manifest::read(&stored, manifest.id()).unwrap(), manifest);
    let other = Manifest::of(b"other").unwrap();
    assert_eq!(Manifest::read(&stored, other.id()), Err(BlobError::Name(other.id())));

    let empty = Manifest::of(b"").unwrap();
    assert_eq!((empty.length(), empty.chunk_count()), (0, 0));
    assert!(Bitmap::empty(0).is_full());
    let exact = Manifest::of(&vec![1; CHUNK]).unwrap();
    assert_eq!((exact.chunk_count(), exact.chunk_length(0)), (1, Some(CHUNK)));
}

#[test]
fn a_manifest_whose_chunks_do_not_fit_its_length_is_refused() {
    // {0: length, 1: [chunks]}
    let manifest = |length: u64, chunks: usize| {
        let mut e = minicbor::Encoder::new(Vec::new());
        e.map(2).unwrap().u8(0).unwrap().u64(length).unwrap().u8(1).unwrap().array(chunks as u64).unwrap();
        for _ in 0..chunks {
            e.bytes(&[9; 32]).unwrap();
        }
        cbor::unpack::<Manifest>(&e.into_writer())
    };
    assert!(manifest(CHUNK as u64, 1).is_ok() && manifest(CHUNK as u64 + 1, 2).is_ok());
    assert!(manifest(CHUNK as u64, 2).is_err() && manifest(CHUNK as u64 + 1, 1).is_err());
    assert!(manifest(0, 1).is_err() && manifest(u64::MAX, 1).is_err());
    let most = MAX_CHUNKS * CHUNK;
    assert!(manifest(most as u64, MAX_CHUNKS).is_ok() && manifest(most as u64 + 1, MAX_CHUNKS + 1).is_err());
}

#[test]
fn a_feed_page_applies_only_where_it_fits() {
    let item = |seq: u64, hot: Option<u64>| {
        let licence = licence_id("20260001", 1);
        let change = StatusChange { licence, status: LicenceStatus::Revoked, at: NOON };
        FeedItem { seq, at: NOON, hot, change: Change::LicenceStatus(change) }
    };
    let page = FeedPage {
        scope: "hall:990001".into(),
        lane: Lane::Main,
        after: 3,
        items: vec![item(4, None), item(5, Some(2))],
        head: 5,
        issued_at: NOON,
    };
    let check = |page: &FeedPage, applied| page.check("hall:990001", Lane::Main, applied);
    assert_eq!((check(&page, 3), page.last()), (Ok(()), 5));
    assert_eq!(check(&page, 2), Err(FeedError::Gap { applied: 2, found: 3 }));
    assert_eq!(check(&page, 5), Err(FeedError::Gap { applied: 5, found: 3 }));
    assert_eq!(page.check("hall:990002", Lane::Main, 3), Err(FeedError::OtherFeed));
    assert_eq!(page.check("hall:990001", Lane::Hot, 3), Err(FeedError::OtherFeed));
    let gap = FeedPage { items: vec![item(4, None), item(6, None)], head: 6, ..page.clone() };
    assert_eq!(check(&gap, 3), Err(FeedError::Numbering));
    let beyond = FeedPage { head: 4, ..page.clone() };
    assert_eq!(check(&beyond, 3), Err(FeedError::Numbering));

    let hot = FeedPage { lane: Lane::Hot, after: 0, items: vec![item(4, Some(1)), item(9, Some(2))], ..page };
    assert_eq!(hot.check("hall:990001", Lane::Hot, 0), Ok(()));
    let cold = FeedPage { items: vec![item(4, Some(1)), item(5, None)], ..hot };
    assert_eq!(cold.check("hall:990001", Lane::Hot, 0), Err(FeedError::Numbering));
}

#[test]
fn a_box_keeps_its_place_across_changes_that_it_does_not_know() {
    // Variant 99 with a content of its own.
    let content = hex::decode("a2000101820203").unwrap();
    let change = Change::Other { code: 99, content };
    let item = FeedItem { seq: 1, at: NOON, hot: None, change };
    let page = FeedPage {
        scope: "hall:990001".into(),
        lane: Lane::Main,
        after: 0,
        items: vec![item],
        head: 1,
        issued_at: NOON,
    };
    let signed = Signed::sign(&page, &centre_key());
    let read = signed.verify_by(&centre_keys()).unwrap();
    assert_eq!(read, page);
    assert_eq!(read.check("hall:990001", Lane::Main, 0), Ok(()));
}

#[test]
fn a_document_is_read_as_what_it_is() {
    let content = serde_json::json!({"version": 4, "items": [{"name": "新生儿出生登记"}]});
    let document = Document::new(DocumentKind::Catalogue, "*", 4, NOON, &content).unwrap();
    let signed = Signed::sign(&document, &centre_key());
    let read = signed.verify_by(&centre_keys()).unwrap();
    assert_eq!(read.read::<serde_json::Value>(DocumentKind::Catalogue).unwrap(), content);
    assert!(read.read::<serde_json::Value>(DocumentKind::Policy).is_err());
    assert!(Document::new(DocumentKind::Policy, "*", 1, NOON, &0.5).is_err());
    assert_eq!(date("2026-11-21").to_string(), Timestamp(NOON.0).local_date().to_string());
}

proptest! {
    #[test]
    fn pieces_of_any_size_make_the_same_manifest(length in 0_usize..3_000_000, pieces in proptest::collection::vec(1_usize..2_000_000, 1..5)) {
        let bytes = vec![0x5a; length];
        let mut builder = ManifestBuilder::new();
        let mut rest = bytes.as_slice();
        for piece in pieces.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*piece));
            builder.update(now);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(builder.finish().unwrap(), Manifest::of(&bytes).unwrap());
    }

    #[test]
    fn a_bitmap_remembers(count in 0_usize..70, set in proptest::collection::btree_set(0_usize..80, 0..70)) {
        let mut bitmap = Bitmap::empty(count);
        set.iter().for_each(|n| bitmap.set(*n));
        let stored = Bitmap::from_bytes(count, bitmap.as_bytes().to_vec());
        prop_assert_eq!(stored.as_ref(), Some(&bitmap));
        let missing: Vec<usize> = (0..count).filter(|n| !set.contains(n)).collect();
        prop_assert_eq!(bitmap.missing().collect::<Vec<_>>(), missing.clone());
        prop_assert_eq!(bitmap.is_full(), missing.is_empty());
        prop_assert!(Bitmap::from_bytes(count + 8, bitmap.as_bytes().to_vec()).is_none());
        if !count.is_multiple_of(8) {
            let mut stray = bitmap.as_bytes().to_vec();
            stray[count / 8] |= 0x80;
            prop_assert!(Bitmap::from_bytes(count, stray).is_none());
        }
    }

    #[test]
    fn any_damage_to_an_upload_is_refused_or_harmless(at: usize, byte: u8) {
        let mut head = LedgerHead::new(cast::log());
        let entry = head.seal(&box_key(), draft(EntryKind::CaseOpened, 1)).unwrap().into_entry();
        let signed = Signed::sign(&head.checkpoint(1, NOON), &box_key());
        let mut sent = Upload::collect(0, [entry], signed).encode(1).unwrap();
        let at = at % sent.len();
        sent[at] = byte;
        // zstd may not notice; then the signatures do. It must only never harm.
        if let Ok(upload) = Upload::decode(&sent) {
            prop_assert!(upload.bundles.len() <= MAX_BUNDLES);
            prop_assert_eq!(cbor::unpack::<Upload>(&cbor::pack(&upload)).unwrap(), upload);
        }
    }

    #[test]
    fn a_leaf_names_its_bytes(a in proptest::collection::vec(any::<u8>(), 0..64), b in proptest::collection::vec(any::<u8>(), 0..64)) {
        let leaf = |cose: &[u8]| Entry { cose: cose.to_vec(), body: None }.leaf();
        prop_assert_eq!(leaf(&a) == leaf(&b), a == b);
        prop_assert_ne!(leaf(&a), Hash::of(&a));
    }
}
