//! 扫码器 on a serial port: a signed scan, judged and recorded like an answer, and carried to the case in hand at its window.

use super::Refusal;
use super::answers::{earlier, record_of};
use super::desk::{Clerk, Desk};
use crate::book::Fault;
use crate::devices::scans::Scans;
use crate::live::Change;
use crate::store::devices as rows;
use hall_bus::acceptance::Verdict;
use hall_bus::scanner::{self, ScanText};
use hall_bus::{DeviceId, Jws, Receipt, Scan};
use hall_domain::case::{CaseId, WindowId};
use hall_domain::{Carrier, Timestamp};
use rusqlite::Connection;

impl Desk {
    /// Where scans go.
    pub fn scans(&self) -> &Scans {
        self.hub.scans()
    }

    /// What was wrong with the last scan of the window's scanner for a case.
    pub fn scan_said(&self, case: &CaseId) -> Option<Refusal> {
        self.scans().said(case, self.book.clock.now())
    }

    /// Another code is on its way into a case: what was wrong with the last one is old.
    pub fn forget_scan_said(&self, case: &CaseId) {
        self.scans().say(case, None, self.book.clock.now());
    }

    /// Takes a signed scan of a device: judged and recorded in one transaction, receipted, and given to the case in hand.
    pub async fn scan_heard(&self, device: DeviceId, jws: Jws) -> Result<(), Fault> {
        let (desk, from) = (self.clone(), device.clone());
        let now = self.book.clock.now();
        let judged = self.book.db.write(move |tx| desk.judge_scan(tx, &from, &jws, now)).await?;
        let Some(judged) = judged else { return Ok(()) };
        self.hub.receipt(&device, &judged.receipt).await?;
        match judged.scanned {
            Some((window, text)) => self.scanned_at(&window, &text).await,
            None => Ok(()),
        }
    }

    /// Gives a scan to the case in hand at a window; with none, its clerk is told.
    async fn scanned_at(&self, window: &WindowId, text: &ScanText) -> Result<(), Fault> {
        let nowhere = || self.live.tell(Change::Scanned(window.clone()));
        let Some((account, case)) = self.scans().at(window) else {
            nowhere();
            return Ok(());
        };
        let clerk = Clerk { account, window: window.clone() };
        let done = self.scanned(&clerk, &case, text.as_str().to_owned(), Carrier::Serial).await;
        let now = self.book.clock.now();
        match done {
            Ok(()) => self.scans().say(&case, None, now),
            Err(Fault::Refused(refusal)) => self.scans().say(&case, Some(refusal), now),
            // The page only looks on at a colleague's case, or the case is gone.
            Err(Fault::NotYours | Fault::NotFound) => {
                nowhere();
                return Ok(());
            }
            Err(fault) => return Err(fault),
        }
        self.changed(&case);
        Ok(())
    }

    fn judge_scan(
        &self,
        tx: &Connection,
        from: &DeviceId,
        jws: &Jws,
        now: Timestamp,
    ) -> Result<Option<Judged>, Fault> {
        let Some(device) = rows::find(tx, from)? else {
            rows::note_security(tx, now, from.as_str(), rows::UNKNOWN_DEVICE)?;
            return Ok(None);
        };
        rows::note_seen(tx, from, now)?;
        let record = record_of(&device)?;
        let verified = match scanner::verify(jws, from, &record) {
            Ok(verified) => verified,
            Err(rejection) => {
                self.note_rejection(tx, from, &rejection, now)?;
                // The device is told, so that it does not send the same again.
                let scan = hall_bus::decode::<Scan>(jws.unverified_payload()).ok();
                return Ok(scan.map(|scan| Judged {
                    receipt: Verdict::Rejected(rejection).receipt(scan.id, scan.id),
                    scanned: None,
                }));
            }
        };
        let scan = verified.answer();
        let verdict = scanner::judge(&verified, &record, earlier(tx, scan.id)?);
        if let Verdict::Rejected(rejection) = verdict {
            self.note_rejection(tx, from, &rejection, now)?;
        }
        if verdict.advances_counter() {
            rows::note_counter(tx, from, scan.counter)?;
            let result = if verdict == Verdict::Accepted { "accepted" } else { "stale" };
            rows::note_answer(tx, &scan.id.to_string(), &verified.digest().0, result, now)?;
        }
        let scanned = match (verdict, device.window) {
            (Verdict::Accepted, Some(window)) => Some((window, scan.text.clone())),
            _ => None,
        };
        Ok(Some(Judged { receipt: verdict.receipt(scan.id, scan.id), scanned }))
    }
}

/// What came of judging a scan.
struct Judged {
    receipt: Receipt,
    scanned: Option<(WindowId, ScanText)>,
}
