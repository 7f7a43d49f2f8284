//! Ratification (复核): the centre's judgement on a case as a pure function of what the signed entries say
//! and what the centre knows, so that any replica comes to the same result (invariant I11).

use std::collections::{BTreeMap, BTreeSet};

use hall_domain::case::Mode;
use hall_domain::{AliasId, LicenceId, LicenceStatus, Tier, Timestamp};

use crate::disposition::{Disposition, LicenceFinding, Outcome};
use crate::entry::ClockReading;
use crate::log::LogId;

/// 用证: one licence opened for the case, as the entries say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceUse {
    /// Which licence.
    pub licence: LicenceId,
    /// Its name, for the findings.
    pub name: String,
    /// Version of the envelope that was opened.
    pub version: u16,
    /// Wall clock of the box at the time.
    pub used_at: Timestamp,
    /// How good that clock was.
    pub clock: ClockReading,
    /// Last hot-list item that the box had applied.
    pub known_hot: u64,
    /// 曾用证件号, when it was issued under an earlier identifier.
    pub alias: Option<AliasClaim>,
}

/// On what a case used a licence of an earlier identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AliasClaim {
    /// By which fact.
    pub id: AliasId,
    /// Whether the clerk had confirmed 同一人 when it was used.
    pub confirmed: bool,
}

/// What the entries of one submitted case say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFacts {
    /// The ledger.
    pub log: LogId,
    /// The entry that submitted the case.
    pub seq: u64,
    /// 办件编号.
    pub case_no: String,
    /// Online or offline.
    pub mode: Mode,
    /// Each licence used.
    pub uses: Vec<LicenceUse>,
    /// 容缺: until when material has to be brought that was promised for later and is still missing.
    pub outstanding_until: Option<Timestamp>,
    /// 纸质委托书: the tier of the item, when the case rests on a mandate on paper; [`Tier::T3`] for an item that the
    /// centre does not know.
    pub on_paper_mandate: Option<Tier>,
    /// When the centre issued the oldest of the freshness tokens that the entries of the case name; nothing in it is
    /// older. None if the box held no token yet.
    pub not_before: Option<Timestamp>,
    /// When the centre received the case; nothing in it is younger.
    pub received_at: Timestamp,
}

/// One change of a licence's status, as the centre recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedChange {
    /// The status from `at` on.
    pub status: LicenceStatus,
    /// Since when.
    pub at: Timestamp,
    /// Its number in the hot list of the hall's feed, if it was announced there.
    pub hot: Option<u64>,
}

/// What the centre knows about one licence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LicenceHistory {
    /// Changes in the order of their times; before the first the licence was valid.
    pub changes: Vec<RecordedChange>,
    /// Each version and since when it is current.
    pub versions: Vec<(u16, Timestamp)>,
}

/// What the centre knows about the case beyond its entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Knowledge {
    /// Every licence that the case used and the centre knows.
    pub licences: BTreeMap<LicenceId, LicenceHistory>,
    /// The same matter, handled earlier elsewhere.
    pub duplicate_of: Option<String>,
    /// The case was changed at the centre.
    pub changed_as: Option<String>,
    /// When consent, delegation or representation ended.
    pub mandate_ended: Option<Timestamp>,
    /// 曾用证件号 that stand: this fact is about who stood at the window, and this licence was issued under its earlier
    /// identifier.
    pub aliases: BTreeSet<(AliasId, LicenceId)>,
}

/// How long a hall has to meet a condition (补正期限).
const CONDITION_DAYS: i64 = 15;

/// Judges one case. The first of these that applies decides: conflict, duplicate, revoked before use,
/// mandate, another holder's licence, doubtful clock, condition, revoked later, ratified.
pub fn ratify(facts: &CaseFacts, knowledge: &Knowledge, now: Timestamp) -> Disposition {
    let judged: Vec<Judged> = facts.uses.iter().map(|used| judge_use(facts, used, knowledge)).collect();
    let findings = |wanted: Standing| -> Vec<LicenceFinding> {
        judged.iter().filter(|j| j.standing == wanted).filter_map(|j| j.finding.clone()).collect()
    };
    let stands = |wanted: Standing| judged.iter().any(|j| j.standing == wanted);
    let mandate = match facts.on_paper_mandate {
        Some(tier) if !paper_suffices(tier, facts) => Standing::Revoked,
        _ => mandate_standing(facts, knowledge.mandate_ended),
    };

    let (outcome, findings, other_case) = if let Some(other) = &knowledge.changed_as {
        (Outcome::Conflict, Vec::new(), Some(other.clone()))
    } else if let Some(other) = &knowledge.duplicate_of {
        (Outcome::ReturnedDuplicate, Vec::new(), Some(other.clone()))
    } else if stands(Standing::Revoked) {
        (Outcome::ReturnedRevoked, findings(Standing::Revoked), None)
    } else if mandate == Standing::Revoked {
        (Outcome::ReturnedMandate, Vec::new(), None)
    } else if let Some(strange) = anothers(facts, knowledge) {
        (Outcome::ReturnedHolder, strange, None)
    } else if stands(Standing::Doubtful) || mandate == Standing::Doubtful {
        (Outcome::DoubtfulClock, findings(Standing::Doubtful), None)
    } else if stands(Standing::Conditional) || facts.outstanding_until.is_some() {
        (Outcome::Conditional, findings(Standing::Conditional), None)
    } else if stands(Standing::RevokedLater) {
        (Outcome::PassedRevokedLater, findings(Standing::RevokedLater), None)
    } else {
        (Outcome::Ratified, Vec::new(), None)
    };
    // What the applicant was told at the window holds, unless a licence sets a condition of its own.
    let told = facts.outstanding_until.filter(|_| !stands(Standing::Conditional));
    let within = told.unwrap_or(Timestamp(now.0.saturating_add(CONDITION_DAYS * 24 * 3_600_000)));
    let deadline = (outcome == Outcome::Conditional).then_some(within);
    Disposition {
        log: facts.log,
        seq: facts.seq,
        case_no: facts.case_no.clone(),
        outcome,
        findings,
        other_case,
        deadline,
        decided_at: now,
        use_codes: None,
        recheck_until: None,
    }
}

/// Licences of an earlier identifier that the centre does not hold to be of who stood there, or that nobody confirmed.
fn anothers(facts: &CaseFacts, knowledge: &Knowledge) -> Option<Vec<LicenceFinding>> {
    let stands = |claim: &AliasClaim, used: &LicenceUse| {
        claim.confirmed && knowledge.aliases.contains(&(claim.id, used.licence.clone()))
    };
    let strange = |used: &&LicenceUse| used.alias.is_some_and(|claim| !stands(&claim, used));
    let finding = |used: &LicenceUse| LicenceFinding {
        licence: used.licence.clone(),
        name: used.name.clone(),
        status: LicenceStatus::Valid,
        since: used.used_at,
        used_at: used.used_at,
        box_knew: false,
    };
    let found: Vec<_> = facts.uses.iter().filter(strange).map(finding).collect();
    Some(found).filter(|found| !found.is_empty())
}

/// The earliest and latest time at which something can have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeBounds {
    /// Not before.
    pub earliest: Timestamp,
    /// Not after.
    pub latest: Timestamp,
}

impl TimeBounds {
    /// The bounds that clock and receipts give together; `None` when they contradict each other. A clock
    /// that never saw a time token bounds nothing.
    pub fn of(
        wall: Timestamp,
        clock: &ClockReading,
        not_before: Option<Timestamp>,
        received_at: Timestamp,
    ) -> Option<Self> {
        let error = match clock.token_age_ms {
            Some(_) => i64::try_from(clock.error_ms).unwrap_or(i64::MAX),
            None => i64::MAX,
        };
        let floor = not_before.map_or(i64::MIN, |at| at.0);
        let earliest = wall.0.saturating_sub(error).max(floor);
        let latest = wall.0.saturating_add(error).min(received_at.0);
        (earliest <= latest).then_some(Self { earliest: Timestamp(earliest), latest: Timestamp(latest) })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    RevokedLater,
    Conditional,
    Doubtful,
    Revoked,
}

struct Judged {
    standing: Standing,
    finding: Option<LicenceFinding>,
}

fn judge_use(facts: &CaseFacts, used: &LicenceUse, knowledge: &Knowledge) -> Judged {
    let finding = |status, since, box_knew| LicenceFinding {
        licence: used.licence.clone(),
        name: used.name.clone(),
        status,
        since,
        used_at: used.used_at,
        box_knew,
    };
    let Some(history) = knowledge.licences.get(&used.licence) else {
        // Nothing can be said about a licence that the centre does not know.
        return Judged { standing: Standing::Conditional, finding: None };
    };
    let Some(bounds) = bounds_of_use(facts, used) else {
        return Judged { standing: Standing::Doubtful, finding: None };
    };
    let was_told = |c: &RecordedChange| c.hot.is_some_and(|hot| hot <= used.known_hot);
    let change = |c: &RecordedChange| finding(c.status, c.at, was_told(c));

    let before = history.changes.iter().rfind(|c| c.at <= bounds.earliest);
    let within: Vec<&RecordedChange> =
        history.changes.iter().filter(|c| c.at > bounds.earliest && c.at <= bounds.latest).collect();
    let revoked_before = before.is_some_and(|c| c.status == LicenceStatus::Revoked);
    // Nobody is told of what has not happened yet. The clock is wrong, or the number is of a hot list from before
    // the centre was restored: nothing to accuse anybody with, and nothing to be sure of either.
    if history.changes.iter().any(|c| was_told(c) && c.at > bounds.latest) {
        return Judged { standing: Standing::Doubtful, finding: None };
    }
    // The box itself knows the order, however vague its clock: it had applied the change.
    let told = history.changes.iter().rfind(|c| was_told(c));
    if let Some(told) = told.filter(|c| c.status == LicenceStatus::Revoked) {
        return Judged { standing: Standing::Revoked, finding: Some(change(told)) };
    }
    let ends_revoked = within.iter().find(|c| c.status == LicenceStatus::Revoked);
    match (revoked_before, within.is_empty()) {
        (true, true) => {
            return Judged { standing: Standing::Revoked, finding: before.map(change) };
        }
        (true, false) => {
            return Judged { standing: Standing::Doubtful, finding: before.map(change) };
        }
        (false, _) => {
            if let Some(revoked) = ends_revoked {
                return Judged { standing: Standing::Doubtful, finding: Some(change(revoked)) };
            }
        }
    }
    let mut around = before.into_iter().chain(within.iter().copied());
    if let Some(limited) = around.find(|c| c.status != LicenceStatus::Valid) {
        return Judged { standing: Standing::Conditional, finding: Some(change(limited)) };
    }
    let newer =
        history.versions.iter().find(|(version, at)| *version > used.version && *at <= bounds.earliest);
    if let Some((_, since)) = newer {
        return Judged {
            standing: Standing::Conditional,
            finding: Some(finding(LicenceStatus::Valid, *since, false)),
        };
    }
    match history.changes.last() {
        Some(last) if matches!(last.status, LicenceStatus::Revoked | LicenceStatus::Suspended) => {
            Judged { standing: Standing::RevokedLater, finding: Some(change(last)) }
        }
        _ => Judged { standing: Standing::Good, finding: None },
    }
}

/// Online, the centre itself dates the use: it answered a look-up between the token that the entries name and now.
fn bounds_of_use(facts: &CaseFacts, used: &LicenceUse) -> Option<TimeBounds> {
    let bounds = TimeBounds::of(used.used_at, &used.clock, facts.not_before, facts.received_at);
    match facts.mode {
        Mode::Offline => bounds,
        Mode::Online => bounds.or(Some(TimeBounds {
            earliest: facts.not_before.unwrap_or(facts.received_at),
            latest: facts.received_at,
        })),
    }
}

/// Nobody can check a mandate on paper from afar: it is good for taking a case in, and opens no licence.
fn paper_suffices(tier: Tier, facts: &CaseFacts) -> bool {
    tier == Tier::T0 && facts.uses.is_empty()
}

fn mandate_standing(facts: &CaseFacts, ended: Option<Timestamp>) -> Standing {
    let Some(ended) = ended else { return Standing::Good };
    let bounds: Option<Vec<TimeBounds>> = facts.uses.iter().map(|used| bounds_of_use(facts, used)).collect();
    match bounds {
        None => Standing::Doubtful,
        Some(bounds) if bounds.iter().any(|b| ended <= b.earliest) => Standing::Revoked,
        Some(bounds) if bounds.iter().any(|b| ended <= b.latest) => Standing::Doubtful,
        Some(_) => Standing::Good,
    }
}
