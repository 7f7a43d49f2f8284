//! A district that comes down, and power cuts meanwhile.

use super::*;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::knowledge::Knowledge;
use crate::store::MIGRATIONS;
use crate::store::blobs::BlobFolder;
use ed25519_dalek::SigningKey;
use hall_domain::{Issuer, Licence, LicenceId, LicenceKindCode, Timestamp, Uscc};
use hall_ledger::Salt;
use hall_ledger::envelope::{Envelope, Issue, StatusRef};
use hall_ledger::feed::Lane;
use hall_ledger::trust::CentreKeys;
use hall_sqlite::{Database, Options};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// A box with its database and keys in this folder.
fn store(dir: &Path) -> SyncStore {
    let keys = Keys::load_or_make(&dir.join("keys"), &["localhost".to_owned()]).unwrap();
    let db = Database::open(&dir.join("box.db"), MIGRATIONS, Options::default()).unwrap();
    let (hall, scope) = ("990100".to_owned(), "hall:990100".to_owned());
    let clock = Clock::start();
    let knowledge = Knowledge::new("安澜".to_owned(), hall, scope, CentreKeys::default(), clock.now());
    let book = Book::new(db, &keys, clock, Arc::new(knowledge));
    let blobs = BlobFolder::open(&dir.join("blobs"), keys.vault.clone()).unwrap();
    SyncStore::new(book, Live::default(), blobs, dir.to_owned())
}

/// What the feed brings from this position to that: one licence for each.
fn page(after: u64, last: u64) -> VerifiedPage {
    let key = SigningKey::from_bytes(&[7; 32]);
    let keys = CentreKeys::new([key.verifying_key()]).unwrap();
    let items = (after + 1..=last).map(|seq| {
        let issued = issued(seq, &key);
        let filing = Box::new(Filing::read(&issued, &keys).unwrap());
        let change = VerifiedChange::LicenceUpsert { filing, issued: Box::new(issued) };
        VerifiedItem { seq, at: NOW, hot: None, change }
    });
    VerifiedPage { lane: Lane::Main, after, last, items: items.collect(), hot: None }
}

fn issued(serial: u64, key: &SigningKey) -> IssuedEnvelope {
    let kind: LicenceKindCode = "11100000000013338W011".parse().unwrap();
    let uscc: Uscc = "91519900MATE5T1132".parse().unwrap();
    let licence = Licence {
        id: LicenceId::compose(&kind, &uscc, &format!("{serial:09}"), 1).unwrap(),
        kind,
        name: "居住证".to_owned(),
        holder: "111:519900199003070011".parse().unwrap(),
        number: serial.to_string(),
        issuer: Issuer { name: "安澜市公安局".to_owned(), uscc },
        issued: NOW.local_date(),
        valid_from: NOW.local_date(),
        valid_until: None,
        version: 1,
        fields: [("name".parse().unwrap(), "王芳".to_owned())].into(),
    };
    let issue = Issue {
        status: StatusRef { list: 1, index: 7 },
        checked_at: NOW,
        expires_at: NOW.plus_hours(72),
        halls: ["990100".to_owned()].into(),
        relation: None,
        file: None,
    };
    Envelope::issue(&licence, &issue, key, || Ok::<_, Infallible>(Salt([1; 16]))).unwrap()
}

/// Cached licences, and the position of the feed that is noted beside them.
async fn stands(store: &SyncStore) -> (u64, u64) {
    store.read(|db| Ok((licences::count(db)?, meta::number(db, key::FEED)?))).await.unwrap()
}

#[tokio::test]
async fn a_power_cut_while_a_district_comes_leaves_whole_groups_and_the_position_that_fits() {
    const FIRST: u64 = 20;
    const SECOND: u64 = 620;
    let dir = tempfile::tempdir().unwrap();
    let (file, log) = (dir.path().join("box.db"), dir.path().join("box.db-wal"));
    let running = store(dir.path());
    running.apply(page(0, FIRST)).await.unwrap();
    let (main, before) = (fs::read(&file).unwrap(), fs::metadata(&log).unwrap().len() as usize);
    running.apply(page(FIRST, SECOND)).await.unwrap();
    let whole = fs::read(&log).unwrap();
    assert_eq!(fs::read(&file).unwrap(), main, "everything is still in the log");
    assert!(before < whole.len());

    // As much of the log as had reached the disk; what comes after is lost.
    let mut seen = BTreeSet::new();
    for cut in (0..=16).map(|part| before + (whole.len() - before) * part / 16) {
        let after = tempfile::tempdir().unwrap();
        fs::write(after.path().join("box.db"), &main).unwrap();
        fs::write(after.path().join("box.db-wal"), &whole[..cut]).unwrap();
        let again = store(after.path());
        let found = stands(&again).await;
        assert!([(FIRST, FIRST), (SECOND, SECOND)].contains(&found), "{found:?} after {cut} bytes");
        if seen.insert(found) && found.1 == FIRST {
            // The agent asks for what comes after the position, and has it all in the end.
            again.apply(page(FIRST, SECOND)).await.unwrap();
            assert_eq!(stands(&again).await, (SECOND, SECOND));
        }
    }
    assert_eq!(seen.len(), 2, "both sides of the commit were looked at");
}
