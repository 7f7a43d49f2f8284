//! What the box knows of the province, and how old that is: catalogue, trust, freshness, line.

use crate::clock::{ClockState, Sample, Watch};
use hall_domain::policy::{LineState, Policy};
use hall_domain::{Catalogue, LicenceKind, Timestamp};
use hall_ledger::entry::Known;
use hall_ledger::envelope::Signatures;
use hall_ledger::phone::CodeKeys;
use hall_ledger::status::VerifiedStatusList;
use hall_ledger::token::FreshnessToken;
use hall_ledger::trust::{Trust, TrustAge};
use hall_sync::{CentreTime, Finding, LineStatus};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, RwLock};

/// Changes of the line that are remembered for the screen.
const LINE_EVENTS: usize = 50;

/// Something that happened on the line since the box was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: LineChange,
}

/// What happened on the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineChange {
    /// The centre answers.
    Up,
    /// The centre does not answer; why, in Chinese.
    Down(String),
    /// Something that a person has to look at.
    Found(Finding),
}

/// A status list may be renewed so much later than it says, before somebody has to look.
const LIST_LATE_MS: i64 = 3_600_000;

/// A clock may be this far behind the centre's before it counts as wrong.
const CLOCK_BEHIND_MS: i64 = 2_000;

/// Everything here can be loaded again from the database.
pub struct Knowledge {
    /// 大厅名称.
    pub hall: String,
    /// The hall's code, part of case numbers.
    pub hall_code: String,
    /// The feed that the box follows.
    pub scope: String,
    /// Signatures of envelopes that were found good.
    pub signatures: Signatures,
    now: RwLock<Now>,
}

#[derive(Clone)]
struct Now {
    catalogue: Option<Arc<Catalogue>>,
    kinds: Arc<BTreeMap<String, LicenceKind>>,
    token: Option<FreshnessToken>,
    lists: BTreeMap<u32, Arc<VerifiedStatusList>>,
    policy: Arc<Policy>,
    feed: u64,
    hot: u64,
    line: LineStatus,
    events: VecDeque<LineEvent>,
    trust: Arc<Trust>,
    clock: Watch,
    /// What the centre's clock said, as far as it was compared.
    heard: Option<CentreTime>,
    /// Whether the ledger says that the clock is doubtful.
    clock_doubted: bool,
}

impl Knowledge {
    /// Knows nothing yet.
    pub fn new(
        hall: String,
        hall_code: String,
        scope: String,
        trust: impl Into<Trust>,
        now: Timestamp,
    ) -> Self {
        let line = LineStatus::unknown(now);
        let now = Now {
            catalogue: None,
            kinds: Arc::default(),
            token: None,
            lists: BTreeMap::new(),
            policy: Arc::new(Policy::default()),
            feed: 0,
            hot: 0,
            line,
            events: VecDeque::new(),
            trust: Arc::new(trust.into()),
            clock: Watch::default(),
            heard: None,
            clock_doubted: false,
        };
        Self { hall, hall_code, scope, signatures: Signatures::default(), now: RwLock::new(now) }
    }

    /// Whose signatures count now.
    pub fn trust(&self) -> Arc<Trust> {
        self.read(|now| now.trust.clone())
    }

    /// Takes the trust of a newer bundle.
    pub fn set_trust(&self, trust: Trust) {
        self.write(|now| now.trust = Arc::new(trust));
    }

    /// How long trust still lasts, by the latest that it may be.
    pub fn trust_age(&self, now: Timestamp) -> TrustAge {
        self.trust().age(self.latest(now))
    }

    /// 信任过期: only what needs no trust may be done (T0).
    pub fn trust_expired(&self, now: Timestamp) -> bool {
        self.trust_age(now) == TrustAge::Expired
    }

    /// 码密钥, under which service codes say whom they stand for, as the trust bundle brought them. None while trust is
    /// expired: a box that has lost touch opens no codes.
    pub fn code_keys(&self, now: Timestamp) -> CodeKeys {
        if self.trust_expired(now) {
            CodeKeys::default()
        } else {
            self.trust().code_keys().cloned().unwrap_or_default()
        }
    }

    /// 时钟状态. While it is doubtful, weak service codes do not count.
    pub fn clock_state(&self, now: Timestamp) -> ClockState {
        self.read(|known| known.clock.state_at(now, known.token.as_ref().map(|token| token.issued_at)))
    }

    /// The latest that it may be when the wall clock shows `at`: what windows of time are measured with. Never before
    /// what the centre has signed.
    pub fn latest(&self, at: Timestamp) -> Timestamp {
        let passed = self.not_before(at);
        self.read(|now| now.clock.latest(at, passed))
    }

    /// Looks at both clocks; says how the clock is when that is not what the ledger says.
    pub fn look_at_clock(&self, sample: Sample) -> Option<ClockState> {
        let mut turned = None;
        self.write(|now| {
            let signed = now.token.as_ref().map(|token| token.issued_at);
            let heard = now.line.heard.filter(|heard| now.heard != Some(*heard));
            now.heard = now.line.heard;
            now.clock.look(sample, signed, heard);
            let state = now.clock.state();
            let doubted = state != ClockState::Good;
            if doubted != now.clock_doubted {
                now.clock_doubted = doubted;
                turned = Some(state);
            }
        });
        turned
    }

    /// What [`Knowledge::look_at_clock`] said could not be written: it says so again.
    pub fn clock_untold(&self) {
        self.write(|now| now.clock_doubted = !now.clock_doubted);
    }

    /// What is known of the clocks, to be kept over a restart.
    pub fn clock_watch(&self) -> Watch {
        self.read(|now| now.clock.clone())
    }

    /// Takes up what was known of the clocks before a restart.
    pub fn set_clock_watch(&self, watch: Watch) {
        self.write(|now| {
            now.clock_doubted = watch.state() != ClockState::Good;
            now.clock = watch;
        });
    }

    /// The newest catalogue; none before the first contact with the centre.
    pub fn catalogue(&self) -> Option<Arc<Catalogue>> {
        self.read(|now| now.catalogue.clone())
    }

    /// Licence kinds by code.
    pub fn kinds(&self) -> Arc<BTreeMap<String, LicenceKind>> {
        self.read(|now| now.kinds.clone())
    }

    /// The line as it is now.
    pub fn line(&self) -> LineStatus {
        self.read(|now| now.line.clone())
    }

    /// The line as the policy sees it. A line that was never up counts from the last contact on record.
    pub fn line_state(&self, now: Timestamp) -> LineState {
        let line = self.line();
        if line.up {
            return LineState::Up;
        }
        let now = self.latest(now);
        let hours = now.hours_since(line.last_contact.or(line.token_issued_at).unwrap_or(Timestamp(0)));
        LineState::Down { hours }
    }

    /// When everything that is cached was last known to be true: the token's time, if all that it covers is here.
    pub fn fresh_at(&self) -> Option<Timestamp> {
        self.read(|now| {
            now.token.as_ref().filter(|token| token.covers(now.feed, now.hot)).map(|token| token.issued_at)
        })
    }

    /// Age of the newest token.
    pub fn token_age_ms(&self, at: Timestamp) -> Option<u64> {
        let issued = self.read(|now| now.token.as_ref().map(|token| token.issued_at))?;
        let age = at.ms_since(issued);
        // A clock behind the token's is wrong: the token vouches for nothing then.
        if age < -CLOCK_BEHIND_MS { None } else { Some(u64::try_from(age).unwrap_or_default()) }
    }

    /// The clock's time, but never before what the centre has signed: a clock that went back makes nothing fresh.
    pub fn not_before(&self, at: Timestamp) -> Timestamp {
        self.read(|now| {
            let signed = now.token.as_ref().map(|token| token.issued_at);
            signed.into_iter().chain(now.line.last_contact).fold(at, Timestamp::max)
        })
    }

    /// The newest token.
    pub fn token(&self) -> Option<FreshnessToken> {
        self.read(|now| now.token.clone())
    }

    /// Status lists by number.
    pub fn lists(&self) -> BTreeMap<u32, Arc<VerifiedStatusList>> {
        self.read(|now| now.lists.clone())
    }

    /// 离线策略 in force: the centre's, or the province's default before the first contact.
    pub fn policy(&self) -> Arc<Policy> {
        self.read(|now| now.policy.clone())
    }

    /// A newer policy.
    pub fn set_policy(&self, policy: Policy) {
        self.write(|now| now.policy = Arc::new(policy));
    }

    /// As of when the status of what is in no envelope (grants, mandates, people) is known: the list's time, or the
    /// token's when everything that it covers is here.
    pub fn list_at(&self) -> Option<Timestamp> {
        let listed = self.read(|now| now.lists.values().map(|list| list.issued_at()).max());
        listed.max(self.fresh_at())
    }

    /// What an entry says about what was known.
    pub fn known(&self) -> Known {
        self.read(|now| Known {
            scope: self.scope.clone(),
            feed: now.feed,
            hot: now.hot,
            token_at: now.token.as_ref().map(|token| token.issued_at),
            policy: now.catalogue.as_ref().map_or(0, |catalogue| catalogue.version()),
            keys: now.trust.version(),
        })
    }

    /// Takes a newer catalogue.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        let kinds = catalogue.kinds().iter().map(|kind| (kind.code.to_string(), kind.clone())).collect();
        self.write(|now| {
            now.kinds = Arc::new(kinds);
            now.catalogue = Some(Arc::new(catalogue));
        });
    }

    /// Takes a newer token; an older one changes nothing.
    pub fn set_token(&self, token: FreshnessToken) {
        self.write(|now| {
            if now.token.as_ref().is_none_or(|old| token.supersedes(old)) {
                now.token = Some(token);
            }
        });
    }

    /// Takes a status list, unless it was made before the one that is held: it would undo revocations.
    pub fn set_list(&self, list: VerifiedStatusList) {
        self.write(|now| {
            if now.lists.get(&list.list()).is_none_or(|held| list.supersedes(held)) {
                now.lists.insert(list.list(), Arc::new(list));
            }
        });
    }

    /// Since when the status list has not been renewed, if that is too long by what the centre itself signed: the
    /// token tells the time then, whatever the clock says and however well the line seems to work.
    pub fn list_overdue(&self, token: &FreshnessToken) -> Option<Timestamp> {
        let lists = self.lists();
        let oldest = lists.values().min_by_key(|list| list.issued_at())?;
        let due = oldest.issued_at().plus_seconds(i64::from(oldest.ttl_s())).plus_ms(LIST_LATE_MS);
        (token.issued_at > due).then(|| oldest.issued_at())
    }

    /// Notes how far the feed was applied.
    pub fn set_position(&self, feed: u64, hot: u64) {
        self.write(|now| {
            now.feed = now.feed.max(feed);
            now.hot = now.hot.max(hot);
        });
    }

    /// Notes how the line is.
    pub fn set_line(&self, line: LineStatus) {
        self.write(|now| {
            for event in changes(&now.line, &line) {
                if now.events.len() >= LINE_EVENTS {
                    now.events.pop_front();
                }
                now.events.push_back(event);
            }
            now.line = line;
        });
    }

    /// What happened on the line since the start, oldest first.
    pub fn line_events(&self) -> Vec<LineEvent> {
        self.read(|now| now.events.iter().cloned().collect())
    }

    fn read<T>(&self, look: impl FnOnce(&Now) -> T) -> T {
        look(&self.now.read().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn write(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now.write().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }
}

fn changes(before: &LineStatus, after: &LineStatus) -> Vec<LineEvent> {
    let mut events = Vec::new();
    let at = after.since;
    match (&after.trouble, after.up) {
        (_, true) if !before.up => events.push(LineEvent { at, what: LineChange::Up }),
        (Some(trouble), false) if before.up || before.trouble.is_none() => {
            events.push(LineEvent { at, what: LineChange::Down(trouble.zh()) });
        }
        _ => {}
    }
    let at = after.last_contact.unwrap_or(at);
    let fresh = after.findings.iter().filter(|finding| !before.findings.contains(finding));
    events.extend(fresh.map(|finding| LineEvent { at, what: LineChange::Found(finding.clone()) }));
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use hall_domain::LicenceStatus;
    use hall_ledger::status::{StatusClaims, StatusList};
    use hall_ledger::{CentreKeys, Signed};
    use hall_sync::Trouble;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn knowledge() -> Knowledge {
        Knowledge::new(String::new(), String::new(), String::new(), CentreKeys::default(), Timestamp(0))
    }

    /// A list in which the first licence has this status.
    fn list(at: Timestamp, status: LicenceStatus) -> VerifiedStatusList {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut list = StatusList::new(4).unwrap();
        list.set(0, status).unwrap();
        let signed = Signed::sign(&list.claims(1, at, 300, at.plus_hours(72)), &key);
        StatusClaims::verify(signed.as_bytes(), &CentreKeys::new([key.verifying_key()]).unwrap()).unwrap()
    }

    fn token(issued_at: Timestamp) -> FreshnessToken {
        let next_update = issued_at.plus_ms(60_000);
        FreshnessToken { scope: String::new(), feed: 0, hot: 0, issued_at, next_update, epoch: 1 }
    }

    #[test]
    fn a_list_from_before_the_held_one_undoes_no_revocation() {
        let knowledge = knowledge();
        knowledge.set_list(list(NOW, LicenceStatus::Revoked));
        knowledge.set_list(list(NOW.plus_hours(-1), LicenceStatus::Valid));
        let status = || knowledge.lists()[&1].look_up(0, NOW).unwrap().status;
        assert_eq!(status(), LicenceStatus::Revoked);
        knowledge.set_list(list(NOW.plus_hours(1), LicenceStatus::Valid));
        assert_eq!(status(), LicenceStatus::Valid);
    }

    #[test]
    fn a_list_that_is_not_renewed_while_tokens_still_come_is_noticed() {
        let knowledge = knowledge();
        assert_eq!(knowledge.list_overdue(&token(NOW)), None, "there is none yet");
        knowledge.set_list(list(NOW, LicenceStatus::Valid));
        assert_eq!(knowledge.list_overdue(&token(NOW.plus_hours(1))), None);
        assert_eq!(knowledge.list_overdue(&token(NOW.plus_hours(2))), Some(NOW));
        knowledge.set_list(list(NOW.plus_hours(2), LicenceStatus::Valid));
        assert_eq!(knowledge.list_overdue(&token(NOW.plus_hours(2))), None);
    }

    #[test]
    fn only_changes_of_the_line_are_remembered() {
        let trust = CentreKeys::default();
        let knowledge = Knowledge::new(String::new(), String::new(), String::new(), trust, Timestamp(0));
        let down = LineStatus {
            trouble: Some(Trouble::Unreachable("refused".to_owned())),
            ..LineStatus::unknown(Timestamp(1))
        };
        let up = LineStatus { up: true, since: Timestamp(2), trouble: None, ..down.clone() };
        let restored = Finding::CentreRestored { epoch: 2, from: 7 };
        let found =
            LineStatus { findings: vec![restored.clone()], last_contact: Some(Timestamp(3)), ..up.clone() };
        for line in [&down, &down, &up, &up, &found, &found] {
            knowledge.set_line(line.clone());
        }
        let told: Vec<_> =
            knowledge.line_events().into_iter().map(|event| (event.at.0, event.what)).collect();
        let reason = Trouble::Unreachable(String::new()).zh();
        assert_eq!(
            told,
            [(1, LineChange::Down(reason)), (2, LineChange::Up), (3, LineChange::Found(restored))]
        );
    }
}
