//! Every situation that the rules can tell apart, judged once.

use std::sync::LazyLock;

use super::*;

/// Which axis two neighbours differ on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// Code form, mandate or relation.
    Right,
    Tier,
    Line,
    Identity,
    Consent,
    Licence,
    Cached,
    SecondClerk,
    Supervisor,
    Permission,
    Trouble,
}

impl Sort {
    pub(super) const ALL: [Self; 11] = [
        Self::Right,
        Self::Tier,
        Self::Line,
        Self::Identity,
        Self::Consent,
        Self::Licence,
        Self::Cached,
        Self::SecondClerk,
        Self::Supervisor,
        Self::Permission,
        Self::Trouble,
    ];
}

/// Who comes: way, form of the code, mandate, applicant, relation.
type Comer = (Way, CodeForm, MandateGrade, ApplicantKind, Relation);

fn comers() -> Vec<Comer> {
    use {ApplicantKind::Organisation, ApplicantKind::Person};
    let represents = |hours| Relation::LegalRepresentative { hours };
    let acts = |hours, grant| Relation::Agent { hours, grant };
    let (plain, none) = (CodeForm::Plain, MandateGrade::M0);
    let mut all = Vec::new();
    let own = [
        (Way::IdentityCard, plain),
        (Way::Face, plain),
        (Way::ExOfficio, plain),
        (Way::ServiceCode, CodeForm::Plain),
        (Way::ServiceCode, CodeForm::Weak),
        (Way::ServiceCode, CodeForm::Challenge),
    ];
    for (way, code) in own {
        all.push((way, code, none, Person, Relation::None));
        all.push((way, code, none, Organisation, Relation::None));
        all.push((way, code, none, Organisation, represents(24)));
    }
    all.push((Way::IdentityCard, plain, none, Organisation, represents(25)));
    for way in [Way::IdentityCard, Way::ExOfficio] {
        all.push((way, plain, none, Organisation, acts(12, GrantState::Valid)));
    }
    for mandate in MandateGrade::ALL {
        all.push((Way::Delegate, plain, mandate, Person, Relation::None));
    }
    all.push((Way::Delegate, plain, MandateGrade::M3, Organisation, Relation::None));
    let agents = [
        represents(24),
        acts(1, GrantState::Revoked),
        acts(1, GrantState::Ended),
        acts(13, GrantState::Valid),
        acts(12, GrantState::Valid),
    ];
    all.extend(agents.map(|relation| (Way::Agent, plain, none, Organisation, relation)));
    all
}

/// Consent, legal basis, notice. Nothing tells C1 from C0.
const CONSENTS: [(ConsentGrade, bool, bool); 6] = [
    (ConsentGrade::C1, true, true),
    (ConsentGrade::C2, false, false),
    (ConsentGrade::C3, false, false),
    (ConsentGrade::CX, true, true),
    (ConsentGrade::CX, true, false),
    (ConsentGrade::CX, false, true),
];

const LICENCES: [Option<LicenceGrade>; 6] = [
    None,
    Some(LicenceGrade::L0),
    Some(LicenceGrade::L1),
    Some(LicenceGrade::L2),
    Some(LicenceGrade::L3),
    Some(LicenceGrade::L4),
];

/// Nothing wrong, a limit, the clock, the trust bundle.
const TROUBLES: [(Option<LimitHit>, ClockState, TrustState); 4] = [
    (None, ClockState::Trusted, TrustState::Valid),
    (Some(FULL), ClockState::Trusted, TrustState::Valid),
    (None, ClockState::Doubtful, TrustState::Valid),
    (None, ClockState::Trusted, TrustState::Expired),
];

pub(super) const FULL: LimitHit = LimitHit { limit: Limit::Principal, count: 3, most: 3 };

/// Part of all situations: those without trouble in full, and those with trouble for fewer hours and signatures.
struct Part {
    lines: &'static [LineState],
    /// Cached, second clerk, supervisor, as bits.
    flags: &'static [u8],
    permissions: &'static [Permission],
    troubles: &'static [(Option<LimitHit>, ClockState, TrustState)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Permission {
    None,
    T2,
    Approved,
}

const fn down(hours: u32) -> LineState {
    LineState::Down { hours }
}

static PARTS: [Part; 2] = [
    Part {
        lines: &[LineState::Up, down(24), down(25), down(73), down(169)],
        flags: &[0, 1, 2, 4, 6, 7],
        permissions: &[Permission::None, Permission::Approved],
        troubles: TROUBLES.split_at(1).0,
    },
    Part {
        lines: &[LineState::Up, down(1)],
        flags: &[0, 7],
        permissions: &[Permission::T2, Permission::Approved],
        troubles: &TROUBLES,
    },
];

pub(super) struct Grid {
    comers: Vec<Comer>,
    outcomes: Vec<Outcome>,
}

pub(super) static GRID: LazyLock<Grid> = LazyLock::new(Grid::new);

/// Positions on the axes, the last running fastest.
type Place = [usize; 9];

impl Grid {
    fn new() -> Self {
        let mut grid = Self { outcomes: Vec::new(), comers: comers() };
        let outcomes = PARTS.iter().flat_map(|part| grid.walk(part));
        grid.outcomes = outcomes.map(|s| super::super::outcome(policy(), &s)).collect();
        grid
    }

    fn sizes(&self, part: &Part) -> Place {
        let (tiers, identities) = (Tier::ALL.len(), IdentityGrade::ALL.len());
        let (consents, licences) = (CONSENTS.len(), LICENCES.len());
        let (lines, flags) = (part.lines.len(), part.flags.len());
        let (permissions, troubles) = (part.permissions.len(), part.troubles.len());
        [self.comers.len(), tiers, lines, identities, consents, licences, flags, permissions, troubles]
    }

    pub(super) fn outcome(&self, index: usize) -> Outcome {
        self.outcomes[index]
    }

    /// The situation at an index; slow, for messages.
    pub(super) fn situation(&self, index: usize) -> Situation {
        PARTS.iter().flat_map(|part| self.walk(part)).nth(index).expect("an index of the grid")
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Situation, Outcome)> {
        PARTS.iter().flat_map(|part| self.walk(part)).zip(self.outcomes.iter().copied())
    }

    fn walk<'a>(&'a self, part: &'a Part) -> Walk<'a> {
        let start = Situation::new(Tier::T0, Way::IdentityCard, ApplicantKind::Person, LineState::Up);
        let mut walk =
            Walk { comers: &self.comers, part, sizes: self.sizes(part), at: [0; 9], next: Some(start) };
        let mut first = start;
        for axis in 0..walk.at.len() {
            walk.set(&mut first, axis);
        }
        walk.next = Some(first);
        walk
    }

    /// Calls with each two situations of which one is worse in exactly one thing.
    pub(super) fn each_neighbour(&self, mut call: impl FnMut(Sort, usize, usize)) {
        let mut from = 0;
        for part in &PARTS {
            let sizes = self.sizes(part);
            for axis in 0..sizes.len() {
                let stride: usize = sizes[axis + 1..].iter().product();
                let blocks: usize = sizes[..axis].iter().product();
                for (sort, worse, better) in self.ladder(part, axis) {
                    for block in 0..blocks {
                        let base = from + block * sizes[axis] * stride;
                        for offset in 0..stride {
                            call(sort, base + worse * stride + offset, base + better * stride + offset);
                        }
                    }
                }
            }
            from += sizes.iter().product::<usize>();
        }
    }

    /// Which positions on an axis are worse than which others.
    fn ladder(&self, part: &Part, axis: usize) -> Vec<(Sort, usize, usize)> {
        let rungs = |sort, pairs: &[(usize, usize)]| pairs.iter().map(|(w, b)| (sort, *w, *b)).collect();
        let falling = |sort, size: usize| (1..size).map(|at| (sort, at, at - 1)).collect();
        match axis {
            0 => self.rights(),
            1 => falling(Sort::Tier, Tier::ALL.len()),
            2 => falling(Sort::Line, part.lines.len()),
            3 => rungs(Sort::Identity, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]),
            4 => rungs(Sort::Consent, &[(0, 1), (1, 2), (4, 3), (5, 3)]),
            5 => rungs(Sort::Licence, &[(1, 2), (3, 4), (4, 5)]),
            6 => {
                let bits = [(1, Sort::Cached), (2, Sort::SecondClerk), (4, Sort::Supervisor)];
                let at = |flags| part.flags.iter().position(|other| *other == flags);
                let pairs = bits.into_iter().flat_map(|(bit, sort)| {
                    let without = part.flags.iter().filter(move |flags| *flags & bit == 0);
                    without.filter_map(move |flags| Some((sort, at(*flags)?, at(flags | bit)?)))
                });
                pairs.collect()
            }
            7 => rungs(Sort::Permission, &[(0, 1)]),
            _ => (1..part.troubles.len()).map(|at| (Sort::Trouble, at, 0)).collect(),
        }
    }

    fn rights(&self) -> Vec<(Sort, usize, usize)> {
        let mut pairs = Vec::new();
        for (worse, a) in self.comers.iter().enumerate() {
            for (better, b) in self.comers.iter().enumerate() {
                if (a.0, a.3) == (b.0, b.3) && worse != better && a.1 <= b.1 && a.2 <= b.2 && weaker(a.4, b.4)
                {
                    pairs.push((Sort::Right, worse, better));
                }
            }
        }
        pairs
    }
}

/// Goes through a part like a mileage counter: only what changes is set.
struct Walk<'a> {
    comers: &'a [Comer],
    part: &'a Part,
    sizes: Place,
    at: Place,
    next: Option<Situation>,
}

impl Iterator for Walk<'_> {
    type Item = Situation;

    fn next(&mut self) -> Option<Situation> {
        let here = self.next?;
        let mut next = here;
        for axis in (0..self.at.len()).rev() {
            let carry = self.at[axis] + 1 == self.sizes[axis];
            self.at[axis] = if carry { 0 } else { self.at[axis] + 1 };
            self.set(&mut next, axis);
            if !carry {
                self.next = Some(next);
                return Some(here);
            }
        }
        self.next = None;
        Some(here)
    }
}

impl Walk<'_> {
    fn set(&self, s: &mut Situation, axis: usize) {
        let at = self.at[axis];
        match axis {
            0 => (s.way, s.code, s.mandate, s.applicant, s.relation) = self.comers[at],
            1 => s.tier = Tier::ALL[at],
            2 => s.line = self.part.lines[at],
            3 => s.identity = IdentityGrade::ALL[at],
            4 => (s.consent, s.legal_basis, s.notice_given) = CONSENTS[at],
            5 => s.licence = LICENCES[at],
            6 => {
                let flags = self.part.flags[at];
                (s.holder_cached, s.second_clerk, s.supervisor) =
                    (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
            }
            7 => {
                let permission = self.part.permissions[at];
                (s.t2_offline, s.pre_approved) =
                    (permission == Permission::T2, permission == Permission::Approved);
            }
            _ => (s.limit, s.clock, s.trust) = self.part.troubles[at],
        }
    }
}

/// Whether the one relation is no better than the other.
fn weaker(a: Relation, b: Relation) -> bool {
    use Relation::{Agent, LegalRepresentative, None};
    match (a, b) {
        (None, _) => true,
        (LegalRepresentative { hours: a }, LegalRepresentative { hours: b }) => a >= b,
        (Agent { grant: a, .. }, Agent { grant: GrantState::Valid, .. }) if a != GrantState::Valid => true,
        (Agent { hours: a, grant: x }, Agent { hours: b, grant: y }) => x == y && a >= b,
        _ => false,
    }
}
