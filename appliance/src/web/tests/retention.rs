//! What is still on the disk once it is no longer needed.

use super::hall::{Browser, Hall, open_case};
use crate::reception::{Clerk, Refusal, Upload};
use crate::retention::{Swept, sweep};
use crate::store::findings::{self, NewFinding, Severity};
use crate::store::{blobs, cases, devices};
use crate::sync_store::SyncStore;
use hall_domain::case::{CaseEvent, CaseId, Mode};
use hall_domain::{Judgement, Outcome, Timestamp};
use hall_ledger::disposition::Outcome as Judged;
use hall_ledger::token::FreshnessToken;
use hall_sync::{BlobFailure, Store};

const DAY_MS: i64 = 86_400_000;

impl Hall {
    /// The centre has just said what time it is.
    fn dated(&self) -> Timestamp {
        let now = self.app.book.clock.now();
        let knowledge = &self.app.book.knowledge;
        let scope = knowledge.scope.clone();
        let next_update = now.plus_ms(60_000);
        knowledge.set_token(FreshnessToken { scope, feed: 0, hot: 0, issued_at: now, next_update, epoch: 1 });
        now
    }

    async fn swept(&self) -> Swept {
        let (book, folder) = (self.app.book.clone(), self.folder.clone());
        tokio::task::spawn_blocking(move || sweep(&book, &folder)).await.unwrap().unwrap()
    }

    async fn scan(&self, id: &CaseId, text: &str) -> String {
        let upload = Upload { name: "a.pdf".to_owned(), content: format!("%PDF-1.7 {text}").into_bytes() };
        let scan = self.app.desk.look_at(upload).await.unwrap();
        self.app.desk.attach(&clerk(), id, None, vec![scan]).await.unwrap();
        let case = self.app.desk.case(id).await.unwrap();
        case.attachments.last().unwrap().blob.clone()
    }

    /// Lets so many days pass, for everything that is on the disk.
    async fn pass(&self, days: i64) {
        self.write(move |tx| {
            let ms = days * DAY_MS;
            tx.execute("UPDATE blob SET made_at = made_at - ?1", [ms])?;
            tx.execute("UPDATE cases SET updated_at = updated_at - ?1", [ms])?;
            tx.execute("UPDATE security_event SET at = at - ?1", [ms])
        })
        .await;
    }

    fn contents(&self) -> Vec<String> {
        self.folder.all().unwrap().iter().map(ToString::to_string).collect()
    }

    async fn happen(&self, id: &CaseId, events: Vec<CaseEvent>) {
        let (book, id, now) = (self.app.book.clone(), id.clone(), self.app.book.clock.now());
        let change = move |tx: &_| book.change_case(tx, &id, &clerk().account, now, |_| Ok(events));
        self.app.book.db.write(move |tx| change(tx)).await.unwrap();
    }

    async fn submit(&self, id: &CaseId) {
        let judgement = Judgement { outcome: Outcome::Accept, sentence: "受理。".to_owned(), raise: None };
        let submitted = CaseEvent::Submitted {
            judgement,
            mode: Mode::Online,
            second: None,
            supervisor: None,
            follow: None,
            hours_offline: 0,
        };
        self.happen(id, vec![submitted]).await;
        self.app.desk.seal(id).await.unwrap();
    }
}

fn clerk() -> Clerk {
    Clerk { account: "li.qiang".parse().unwrap(), window: "W01".parse().unwrap() }
}

async fn case(browser: &mut Browser<'_>, hall: &Hall) -> CaseId {
    let id = open_case(browser).await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    let listed = CaseEvent::Listed { mode: Mode::Online, rows: Vec::new(), aliased: Vec::new() };
    hall.happen(&id, vec![listed, CaseEvent::FormFilled { fields: Default::default() }]).await;
    id
}

#[tokio::test]
async fn the_scans_of_a_case_that_was_given_up_go_when_it_can_no_longer_be_taken_up() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let (given_up, open) = (case(&mut browser, &hall).await, case(&mut browser, &hall).await);
    let (gone, shared) = (hall.scan(&given_up, "one").await, hall.scan(&given_up, "both").await);
    assert_eq!(hall.scan(&open, "both").await, shared);
    hall.app.desk.abandon(&clerk(), &given_up, "").await.unwrap();
    hall.pass(6).await;
    hall.dated();
    assert_eq!(hall.swept().await, Swept::default(), "it can still be taken up");

    hall.pass(2).await;
    assert_eq!(hall.swept().await, Swept { unused: 1, ..Swept::default() });
    assert_eq!(hall.contents(), [shared], "another case needs it");
    assert!(hall.read(move |db| blobs::manifest(db, &gone)).await.is_none());
    assert_eq!(hall.swept().await, Swept::default());
}

#[tokio::test]
async fn a_case_given_up_long_ago_is_not_taken_up_again() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = case(&mut browser, &hall).await;
    let now = hall.app.book.clock.now();
    let (book, case_id) = (hall.app.book.clone(), id.clone());
    let long_ago = now.plus_ms(-8 * DAY_MS);
    let given_up = hall.app.book.db.write(move |tx| {
        let events = |_: &_| Ok(vec![CaseEvent::Abandoned { reason: "不办了".to_owned() }]);
        book.change_case(tx, &case_id, &clerk().account, long_ago, events)
    });
    given_up.await.unwrap();
    let refused = hall.app.desk.reopen(&clerk(), &id).await.unwrap_err();
    assert_eq!(refused.to_string(), Refusal::Closed.to_string());
    assert!(!browser.get(&format!("/cases/{id}")).await.text.contains("/reopen"));
}

#[tokio::test]
async fn a_scan_that_was_taken_away_stays_until_the_case_is_done() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = case(&mut browser, &hall).await;
    let (away, kept) = (hall.scan(&id, "away").await, hall.scan(&id, "kept").await);
    hall.app.desk.detach(&clerk(), &id, 1).await.unwrap();
    hall.pass(30).await;
    hall.dated();
    assert_eq!(hall.swept().await, Swept::default(), "it can be brought back");
    hall.submit(&id).await;
    assert_eq!(hall.swept().await, Swept { unused: 1, ..Swept::default() });
    let contents = hall.contents();
    assert!(contents.contains(&kept) && !contents.contains(&away), "{contents:?}");
}

#[tokio::test]
async fn what_the_centre_has_judged_goes_after_half_a_year_and_its_list_stays() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = case(&mut browser, &hall).await;
    hall.scan(&id, "scan").await;
    hall.submit(&id).await;
    let no = hall.app.desk.case(&id).await.unwrap().no.to_string();
    let all = hall.contents().len();
    hall.write(|tx| {
        for id in blobs::sending(tx, 99)? {
            blobs::set_sent(tx, &id)?;
        }
        Ok(())
    })
    .await;
    hall.pass(200).await;
    hall.dated();
    assert_eq!(hall.swept().await, Swept::default(), "the centre has not judged it");
    hall.write(move |tx| cases::set_disposition(tx, &no, Judged::Conditional)).await;
    assert_eq!(hall.swept().await, Swept::default(), "the centre may come back to it");

    let no = hall.app.desk.case(&id).await.unwrap().no.to_string();
    hall.write(move |tx| cases::set_disposition(tx, &no, Judged::Ratified)).await;
    assert_eq!(hall.swept().await, Swept { settled: all - 1, ..Swept::default() });
    assert_eq!(hall.contents().len(), 1, "the package's own list");
    let page = browser.get(&format!("/cases/{id}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let scan = browser.get(&format!("/cases/{id}/attachments/1")).await;
    assert_eq!(scan.status, 404, "{}", scan.text);

    // The same paper comes again with another case.
    let again = case(&mut browser, &hall).await;
    hall.scan(&again, "scan").await;
    assert_eq!(browser.get(&format!("/cases/{again}/attachments/1")).await.status, 200);
    assert_eq!(hall.swept().await, Swept::default());
}

#[tokio::test]
async fn a_content_that_cannot_be_sent_goes_behind_the_others_and_somebody_is_told() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = case(&mut browser, &hall).await;
    hall.scan(&id, "refused").await;
    hall.scan(&id, "damaged").await;
    hall.submit(&id).await;
    let dir = hall.folder.path().to_owned();
    let sync = SyncStore::new(hall.app.book.clone(), hall.app.live.clone(), hall.folder.clone(), dir);
    let before = sync.pending_blobs().await.unwrap();
    let (refused, damaged, cut) = (before[0], before[1], before[2]);
    sync.blob_failed(refused, BlobFailure::Refused { status: 422 }).await.unwrap();
    sync.blob_failed(damaged, BlobFailure::Unreadable).await.unwrap();
    sync.blob_failed(cut, BlobFailure::Line).await.unwrap();
    let after = sync.pending_blobs().await.unwrap();
    assert_eq!(after.len(), before.len());
    assert_eq!(after[..after.len() - 3], before[3..]);
    assert_eq!(after[after.len() - 3], refused, "the one that was tried longest ago comes first");

    let no = hall.app.desk.case(&id).await.unwrap().no.to_string();
    let page = browser.get("/findings").await.text;
    assert!(page.contains("材料被退回") && page.contains("材料已损坏"), "{page}");
    assert_eq!(page.matches(&format!(">{no}<")).count(), 2, "{page}");
    sync.blob_failed(refused, BlobFailure::Refused { status: 422 }).await.unwrap();
    sync.blob_sealed(damaged).await.unwrap();
    let page = browser.get("/findings").await.text;
    assert!(page.contains("材料被退回") && !page.contains("材料已损坏"), "what has arrived is no finding");
    assert_eq!(page.matches("代码 422").count(), 1, "the same finding is told once");
}

/// MOSIP and OpenCRVS: an item stuck in the outbox showed neither why nor what to do, and could not be taken out.
#[tokio::test]
async fn an_outbox_item_in_error_shows_its_reason_and_is_tried_again_or_taken_away() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = case(&mut browser, &hall).await;
    hall.scan(&id, "refused").await;
    hall.submit(&id).await;
    assert!(!browser.get("/sync").await.text.contains("/sync/retry"), "nothing is stuck");
    let dir = hall.folder.path().to_owned();
    let sync = SyncStore::new(hall.app.book.clone(), hall.app.live.clone(), hall.folder.clone(), dir);
    let first = sync.pending_blobs().await.unwrap()[0];
    sync.blob_failed(first, BlobFailure::Refused { status: 422 }).await.unwrap();
    assert_ne!(sync.pending_blobs().await.unwrap()[0], first, "it waits behind the others");
    let page = browser.get("/sync").await.text;
    assert!(page.contains("代码 422") && page.contains("/sync/retry"), "{page}");
    assert_eq!(browser.post("/sync/retry", &[]).await.to(), "/sync");
    assert_eq!(sync.pending_blobs().await.unwrap()[0], first, "and is tried again at once");

    let before = hall.entries("clerk.action").await;
    let table = browser.post("/findings/export", &[("show", "open")]).await;
    assert!(table.header("content-type").starts_with("text/csv"));
    let no = hall.app.desk.case(&id).await.unwrap().no.to_string();
    assert!(table.text.starts_with('\u{feff}') && table.text.contains("代码 422"), "{}", table.text);
    assert!(table.text.contains(&no), "{}", table.text);
    assert_eq!(hall.entries("clerk.action").await, before + 1, "taking it away is an entry");
    sync.blob_sealed(first).await.unwrap();
    let page = browser.get("/findings?show=handled").await.text;
    assert!(page.contains("代码 422") && page.contains("自行消除"), "nothing is deleted: {page}");
}

#[tokio::test]
async fn a_content_that_no_row_names_goes_and_one_in_somebodys_hands_stays() {
    let hall = Hall::new().await;
    let held = hall.folder.keep(b"about to be recorded").unwrap();
    drop(hall.folder.keep(b"refused before it was recorded").unwrap());
    assert_eq!(hall.swept().await, Swept { nameless: 1, ..Swept::default() });
    assert_eq!(hall.contents(), [held.id.to_string()]);
}

#[tokio::test]
async fn a_clock_that_runs_ahead_deletes_nothing() {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = case(&mut browser, &hall).await;
    hall.scan(&id, "scan").await;
    let then = hall.dated();
    hall.app.desk.abandon(&clerk(), &id, "").await.unwrap();
    hall.pass(400).await;
    // As the clock sees it, the centre last spoke long before.
    let knowledge = &hall.app.book.knowledge;
    let (scope, issued_at) = (knowledge.scope.clone(), then.plus_ms(-400 * DAY_MS));
    let token = FreshnessToken { scope, feed: 0, hot: 0, issued_at, next_update: issued_at, epoch: 2 };
    knowledge.set_token(token);
    assert_eq!(hall.swept().await, Swept::default());
    assert_eq!(hall.contents().len(), 1);
}

#[tokio::test]
async fn notes_about_devices_do_not_pile_up() {
    let hall = Hall::new().await;
    let now = hall.dated();
    hall.write(move |tx| devices::note_security(tx, now, "ev-1", "old")).await;
    hall.pass(200).await;
    hall.write(move |tx| devices::note_security(tx, now, "ev-1", "new")).await;
    assert_eq!(hall.swept().await, Swept { security: 1, ..Swept::default() });
    let left = hall.read(|db| devices::security_events(db, 0, 10)).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].kind, "new");
}

#[tokio::test]
async fn what_is_written_about_a_finding_is_sealed() {
    let hall = Hall::new().await;
    let vault = hall.app.book.vault.clone();
    let (note, stored) = hall
        .write(move |tx| {
            let finding = NewFinding {
                key: "a",
                at: Timestamp(1),
                kind: "conflict",
                case_no: "",
                case_id: "",
                what: "x",
                todo: "x",
                severity: Severity::Info,
            };
            findings::add(tx, &finding)?;
            findings::handle(tx, &vault, 1, &"li.qiang".parse().unwrap(), "已告知李伟。", Timestamp(2))?;
            let stored: Vec<u8> = tx.query_row("SELECT note FROM finding", [], |row| row.get(0))?;
            Ok((findings::find(tx, &vault, 1)?.unwrap().note, stored))
        })
        .await;
    assert_eq!(note, "已告知李伟。");
    assert!(!stored.windows(6).any(|part| part == "李伟".as_bytes()));
}
