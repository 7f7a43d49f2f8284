//! Where a scan goes that nobody's page has asked for: to the case that is in hand at the scanner's window, and what was said of the
//! last one. In memory alone: nothing of a scan is kept.

use crate::reception::Refusal;
use hall_domain::Timestamp;
use hall_domain::case::{AccountName, CaseId, WindowId};
use hall_ledger::phone::{Gathered, Gathering, Part, Progress};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a page says what was wrong with a scan.
const SAID_MS: i64 = 60_000;

/// How long the codes of an answer wait for the others: as long as a request stands.
const GATHERED_MS: i64 = 300_000;

/// What windows have in hand, and what was said of scans. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Scans(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// Pages of cases that are open, by window, the newest last.
    open: BTreeMap<WindowId, Vec<Open>>,
    said: BTreeMap<CaseId, (Refusal, Timestamp)>,
    /// Answers that come in several codes, and when the last one came.
    gathering: BTreeMap<CaseId, (Gathering, Timestamp)>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    account: AccountName,
    case: CaseId,
}

/// Kept as long as the page of a case is open.
#[derive(Debug)]
pub struct InHand {
    scans: Scans,
    window: WindowId,
    number: u64,
}

impl Scans {
    /// A clerk has opened the page of a case at a window.
    pub fn in_hand(&self, window: WindowId, account: AccountName, case: CaseId) -> InHand {
        let mut inner = self.lock();
        inner.next += 1;
        let number = inner.next;
        inner.open.entry(window.clone()).or_default().push(Open { number, account, case });
        drop(inner);
        InHand { scans: self.clone(), window, number }
    }

    /// The case that was opened last at a window and is still open there, and by whom.
    pub fn at(&self, window: &WindowId) -> Option<(AccountName, CaseId)> {
        let inner = self.lock();
        let open = inner.open.get(window)?.last()?;
        Some((open.account.clone(), open.case.clone()))
    }

    /// A scan for a case was not taken, or (`None`) it was.
    pub fn say(&self, case: &CaseId, refusal: Option<Refusal>, now: Timestamp) {
        let mut inner = self.lock();
        inner.said.retain(|_, (_, at)| now.ms_since(*at) < SAID_MS);
        match refusal {
            Some(refusal) => inner.said.insert(case.clone(), (refusal, now)),
            None => inner.said.remove(case),
        };
    }

    /// What was wrong with the last scan for a case, for a while.
    pub fn said(&self, case: &CaseId, now: Timestamp) -> Option<Refusal> {
        let inner = self.lock();
        inner.said.get(case).filter(|(_, at)| now.ms_since(*at) < SAID_MS).map(|(refusal, _)| refusal.clone())
    }

    /// Takes one of the several codes of an answer to a case's request.
    pub fn gather(&self, case: &CaseId, part: Part, now: Timestamp) -> Gathered {
        let mut inner = self.lock();
        inner.gathering.retain(|_, (_, at)| now.ms_since(*at) < GATHERED_MS);
        let (gathering, at) = inner.gathering.entry(case.clone()).or_insert((Gathering::default(), now));
        *at = now;
        gathering.take(part)
    }

    /// How many of the codes of an answer have come; none when none has, or the last one came long ago.
    pub fn gathered(&self, case: &CaseId, now: Timestamp) -> Option<Progress> {
        let inner = self.lock();
        let (gathering, at) = inner.gathering.get(case)?;
        gathering.progress().filter(|_| now.ms_since(*at) < GATHERED_MS)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut inner = self.scans.lock();
        if let Some(open) = inner.open.get_mut(&self.window) {
            open.retain(|page| page.number != self.number);
            if open.is_empty() {
                inner.open.remove(&self.window);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_224_600_000);

    fn parts() -> (WindowId, AccountName, CaseId, CaseId) {
        (
            "W01".parse().unwrap(),
            "li.qiang".parse().unwrap(),
            "01jd8z".parse().unwrap(),
            "01jd9a".parse().unwrap(),
        )
    }

    #[test]
    fn a_scan_goes_to_the_page_opened_last_that_is_still_open() {
        let (window, clerk, first, second) = parts();
        let scans = Scans::default();
        assert_eq!(scans.at(&window), None);
        let older = scans.in_hand(window.clone(), clerk.clone(), first.clone());
        let newer = scans.in_hand(window.clone(), clerk.clone(), second.clone());
        assert_eq!(scans.at(&window), Some((clerk.clone(), second)));
        drop(newer);
        assert_eq!(scans.at(&window), Some((clerk, first)));
        assert_eq!(scans.at(&"W02".parse().unwrap()), None);
        drop(older);
        assert_eq!(scans.at(&window), None);
    }

    #[test]
    fn what_was_wrong_is_said_for_a_minute_or_until_a_scan_is_taken() {
        let (_, _, case, other) = parts();
        let scans = Scans::default();
        scans.say(&case, Some(Refusal::NotACode), NOW);
        assert_eq!(scans.said(&case, NOW.plus_ms(SAID_MS - 1)), Some(Refusal::NotACode));
        assert_eq!(scans.said(&other, NOW), None);
        assert_eq!(scans.said(&case, NOW.plus_ms(SAID_MS)), None);
        scans.say(&case, None, NOW);
        assert_eq!(scans.said(&case, NOW), None);
    }
}
