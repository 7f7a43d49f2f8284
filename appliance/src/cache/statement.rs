//! 核验说明 of a cached or fresh licence.

use super::{Candidate, told_now, usable};
use hall_domain::Timestamp;
use hall_domain::case::{Established, Mode, Open, Statement, StatusSource};
use hall_domain::policy::StatusWindow;
use hall_ledger::envelope::Validity;
use std::collections::BTreeSet;

/// What is established before anything is opened.
pub fn of_listing(candidate: &Candidate, window: StatusWindow, now: Timestamp) -> Statement {
    statement(candidate, window, now, false)
}

/// What is established once the agreed values were opened, each compared with its signed digest.
pub fn of_use(candidate: &Candidate, window: StatusWindow, now: Timestamp) -> Statement {
    statement(candidate, window, now, true)
}

fn statement(candidate: &Candidate, window: StatusWindow, now: Timestamp, values: bool) -> Statement {
    // A candidate exists only with a good signature, the right holder and this hall: see `super::candidate`.
    let mut established = BTreeSet::from([Established::Signature, Established::Holder, Established::Hall]);
    // The centre looked at the source; the seal on the issuer's own file is not looked at here.
    let mut open = BTreeSet::from([Open::Seal]);
    let mut sort = |holds: bool, established_as, open_as| {
        if holds { established.insert(established_as) } else { open.insert(open_as) }
    };
    let validity = candidate.envelope.validity(now);
    sort(validity == Validity::Current, Established::Dates, Open::Dates);
    let told = told_now(candidate, window, now);
    let in_time = told || window.holds(now.ms_since(candidate.status_at));
    sort(in_time, Established::Status, Open::Status);
    sort(values, Established::Values, Open::Values);
    if !told && !usable(candidate, now) {
        open.insert(Open::Cached);
    }
    Statement {
        at: now,
        established,
        open,
        by: candidate.by.to_string(),
        mode: candidate.mode,
        status: candidate.status,
        status_at: candidate.status_at,
        status_from: match candidate.mode {
            Mode::Online => StatusSource::Centre,
            Mode::Offline => candidate.status_from,
        },
        list_at: candidate.list_at,
        window_hours: window.hours(),
        valid_from: match validity {
            Validity::NotYet(first) => Some(first),
            Validity::Current | Validity::Past(_) => None,
        },
    }
}
