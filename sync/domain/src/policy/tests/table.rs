//! The rules written a second time, as rows of least evidence.

use super::*;

/// What is accepted at least on which evidence. A situation gets the best outcome of all rows that it satisfies, and
/// `No` when there is none.
///
/// - line: `any`, `up`, `down`; `low` is down for at most 72 hours, or 168 with a supervisor, and no limit reached;
///   `mid` the same with 24 and 72, for an item that may be taken offline
/// - way: any of `card face agent office`; `plain weak chal` are forms of a code, `m0` to `m3` mandates
/// - who: `any`; `person`; `org` and `rel` want somebody known to act for the organisation, `rel` takes persons too
/// - id: this grade or better
/// - consent: any of these, `all` or `yes` (C2, C3, CX); CX opens e-licences only with basis and notice
/// - licence: any of these; `-` is none used
/// - needs: all of these; `.` is nothing
///
/// Beyond a receipt everything wants a trust bundle that has not expired.
const TABLE: &str = "
line tier     way                                     who    id  consent licence  needs          outcome
any  T0       card,face,agent,office,weak,chal        any    I0  all     -,L0,L1  .              Accept
up   T0       plain                                   any    I0  all     -,L0,L1  .              Accept
any  T0       m0,m1,m2,m3                             any    I0  all     -,L0,L1  .              Accept
any  T0       card,face,agent,office,weak,chal,m2,m3  any    I1  yes     L2,L3,L4 .              Accept
up   T0       plain                                   any    I1  yes     L2,L3,L4 .              Accept

any  T1,T2,T3 card,face,agent,office,m3               any    I0  all     -,L0,L1  .              ReceiptOnly
up   T1,T2,T3 plain,weak,chal                         any    I0  all     -,L0,L1  .              ReceiptOnly
down T1       weak                                    any    I3w all     -,L0,L1  clock          ReceiptOnly
down T1       chal                                    any    I3w all     -,L0,L1  .              ReceiptOnly
down T2,T3    chal                                    any    I3  all     -,L0,L1  .              ReceiptOnly
any  T1       m2                                      any    I0  all     -,L0,L1  .              ReceiptOnly

any  T1       card,face,agent,office,m3               any    I1  C2,C3   L2       .              ReceiptOnly
any  T1       card,face,agent,office,m3               any    I1  yes     L3,L4    .              ReceiptOnly
any  T2,T3    card,face,agent,office,m3               any    I1  C2,C3   L2,L3,L4 .              ReceiptOnly
down T2       card,face,agent,office,m3               any    I1  CX      L3,L4    supervisor     ReceiptOnly
up   T1       card,face,agent,office,m3               any    I1  CX      L2       .              ReceiptOnly
up   T2,T3    card,face,agent,office,m3               any    I1  CX      L3,L4    .              ReceiptOnly
up   T1       plain,weak,chal                         any    I1  yes     L2       .              ReceiptOnly
up   T1,T2,T3 plain,weak,chal                         any    I1  yes     L3,L4    .              ReceiptOnly
down T1       weak                                    any    I3w C2,C3   L2       clock          ReceiptOnly
down T1       weak                                    any    I3w yes     L3,L4    clock          ReceiptOnly
down T1       chal                                    any    I3w C2,C3   L2       .              ReceiptOnly
down T1       chal                                    any    I3w yes     L3,L4    .              ReceiptOnly
down T2,T3    chal                                    any    I3  C2,C3   L2,L3,L4 .              ReceiptOnly
up   T2,T3    plain,weak,chal                         any    I1  C2,C3   L2       .              ReceiptOnly
down T2       chal                                    any    I3  CX      L3,L4    supervisor     ReceiptOnly

up   T1,T2    card,face,agent,office,plain,weak,chal,m3 rel  I1  all     -,L1     .              Accept
up   T1,T2    card,face,agent,office,plain,weak,chal,m3 rel  I1  all     L0       .              MaterialsToFollow
up   T1       card,face,agent,office,plain,weak,chal,m3 rel  I1  yes     L2       .              MaterialsToFollow
up   T1       card,face,agent,office,plain,weak,chal,m3 rel  I1  yes     L3,L4    .              Accept
up   T2       card,face,agent,office,plain,weak,chal,m3 rel  I2  yes     L3,L4    .              Accept
up   T3       card,face,agent,office,m3               rel    I2  all     -,L1     .              Accept
up   T3       card,face,agent,office,m3               rel    I2  yes     L4       .              Accept
up   T3       plain,weak,chal                         rel    I3  all     -,L1     .              Accept
up   T3       plain,weak,chal                         rel    I3  yes     L4       .              Accept
up   T1       m2                                      any    I1  all     -,L0,L1  .              MaterialsToFollow

low  T1       card,face,office,agent,m3               rel    I2  yes     L3,L4    .              AcceptForReview
low  T1       card,face,office,agent,m3               rel    I2  C2,C3   L2       .              MaterialsToFollow
low  T1       card,face,office,m3                     rel    I1  all     L1       .              AcceptForReview
low  T1       card,face,office,m3                     rel    I1  all     -,L0     .              MaterialsToFollow
low  T1       card,face,office                        rel    I2  all     -        cached         AcceptForReview
low  T1       card,face,office                        rel    I3w all     -        .              AcceptForReview
low  T1       weak                                    rel    I3w yes     L3,L4    clock          AcceptForReview
low  T1       weak                                    rel    I3w C2,C3   L2       clock          MaterialsToFollow
low  T1       weak                                    rel    I3w all     -,L1     clock          AcceptForReview
low  T1       weak                                    rel    I3w all     L0       clock          MaterialsToFollow
low  T1       chal                                    rel    I3w yes     L3,L4    .              AcceptForReview
low  T1       chal                                    rel    I3w C2,C3   L2       .              MaterialsToFollow
low  T1       chal                                    rel    I3w all     -,L1     .              AcceptForReview
low  T1       chal                                    rel    I3w all     L0       .              MaterialsToFollow
low  T1       card,face,office,agent,chal             rel    I4  C3      L3,L4    clock          Accept
low  T1       card,face,office,agent,chal             rel    I4  all     -        clock          Accept
low  T1       agent                                   rel    I2  all     L1       .              AcceptForReview
low  T1       agent                                   rel    I2  all     -,L0     .              MaterialsToFollow
low  T1       agent                                   rel    I2  all     -        cached         AcceptForReview
low  T1       agent                                   rel    I3w all     -        .              AcceptForReview
low  T1       m2                                      any    I1  all     -,L0,L1  .              MaterialsToFollow
low  T1       m3                                      any    I2  all     -        .              AcceptForReview
low  T1       m3                                      any    I2  all     -        clock          Accept
low  T1       m3                                      any    I2  C3      L3,L4    clock          Accept

mid  T2       card,face,office                        rel    I2  C2,C3   L3,L4    second         MaterialsToFollow
mid  T2       card,face,office                        rel    I2  CX      L3,L4    second,supervisor MaterialsToFollow
mid  T2       card,face,office                        rel    I2  all     -        second,cached  MaterialsToFollow
mid  T2       card,face,office                        rel    I3w all     -        second         MaterialsToFollow
mid  T2       card,face,office                        person I1  all     L1       .              MaterialsToFollow
mid  T2       card,face,office                        org    I1  all     L1       second         MaterialsToFollow
mid  T2       card,face,office,agent,chal             rel    I3  all     L1       .              MaterialsToFollow
mid  T2       card,face,office,agent,chal             rel    I3  C2,C3   L3,L4    .              AcceptForReview
mid  T2       card,face,office,agent,chal             rel    I3  CX      L3,L4    supervisor     AcceptForReview
mid  T2       card,face,office,agent,chal             rel    I3  all     -        .              AcceptForReview
mid  T2       card,face,office,agent,chal             rel    I4  C3      L3,L4    clock          Accept
mid  T2       card,face,office,agent,chal             rel    I4  all     -        clock          Accept
mid  T2       m3                                      any    I2  C2,C3   L3,L4    .              AcceptForReview
mid  T2       m3                                      any    I2  CX      L3,L4    supervisor     AcceptForReview
mid  T2       m3                                      any    I2  all     -        .              AcceptForReview
mid  T2       m3                                      any    I1  all     L1       .              MaterialsToFollow

mid  T3       card,face,chal                          rel    I4  C3      L4       clock,approved Accept
";

const WAYS: [&str; 11] = ["card", "face", "agent", "office", "plain", "weak", "chal", "m0", "m1", "m2", "m3"];
const NEEDS: [&str; 5] = ["cached", "second", "supervisor", "clock", "approved"];

#[derive(Clone, Copy)]
struct Row {
    line: &'static str,
    who: &'static str,
    identity: IdentityGrade,
    consents: u8,
    licences: u8,
    needs: u8,
    outcome: Outcome,
}

/// The rows by tier and way.
pub(super) struct Table(Vec<Vec<Row>>);

impl Table {
    pub(super) fn new() -> Self {
        let mut rows = vec![Vec::new(); Tier::ALL.len() * WAYS.len()];
        for line in TABLE.trim().lines().skip(1).filter(|line| !line.is_empty()) {
            let cells: Vec<&'static str> = line.split_whitespace().collect();
            let [line, tiers, ways, who, identity, consents, licences, needs, outcome] = cells[..] else {
                panic!("nine columns, not {line:?}");
            };
            assert!(["any", "up", "down", "low", "mid"].contains(&line), "{line}");
            assert!(["any", "person", "org", "rel"].contains(&who), "{who}");
            let consents = match consents {
                "all" => "C0,C1,C2,C3,CX",
                "yes" => "C2,C3,CX",
                some => some,
            };
            let consent = |name: &str| position(&ConsentGrade::ALL, name);
            let licence = |name: &str| {
                if name == "-" { 0 } else { position(&LicenceGrade::ALL, name) + 1 }
            };
            let need = |name: &str| word(&NEEDS, name);
            let row = Row {
                line,
                who,
                identity: IdentityGrade::ALL[position(&IdentityGrade::ALL, identity)],
                consents: bits(consents, consent),
                licences: bits(licences, licence),
                needs: if needs == "." { 0 } else { bits(needs, need) },
                outcome: Outcome::ALL[position(&Outcome::ALL, outcome)],
            };
            for tier in tiers.split(',').map(|name| position(&Tier::ALL, name)) {
                for way in ways.split(',').map(|name| word(&WAYS, name)) {
                    rows[tier * WAYS.len() + way].push(row);
                }
            }
        }
        Self(rows)
    }

    pub(super) fn outcome(&self, s: &Situation) -> Outcome {
        let way = match (s.way, s.code, s.mandate) {
            (Way::IdentityCard, ..) => 0,
            (Way::Face, ..) => 1,
            (Way::Agent, ..) => 2,
            (Way::ExOfficio, ..) => 3,
            (Way::ServiceCode, code, _) => 4 + code as usize,
            (Way::Delegate, _, mandate) => 7 + mandate as usize,
        };
        let rows = &self.0[s.tier as usize * WAYS.len() + way];
        rows.iter().filter(|row| row.met_by(s)).map(|row| row.outcome).max().unwrap_or(Outcome::No)
    }
}

impl Row {
    fn met_by(&self, s: &Situation) -> bool {
        let licence = s.licence.map_or(0, |grade| grade as usize + 1);
        let told = s.licence < Some(LicenceGrade::L2) || s.legal_basis && s.notice_given;
        let flags =
            [s.holder_cached, s.second_clerk, s.supervisor, s.clock == ClockState::Trusted, s.pre_approved];
        s.identity >= self.identity
            && self.consents >> s.consent as usize & 1 == 1
            && self.licences >> licence & 1 == 1
            && (s.consent != ConsentGrade::CX || told)
            && (0..flags.len()).all(|need| self.needs >> need & 1 == 0 || flags[need])
            && self.line_fits(s)
            && self.who_fits(s)
            && (s.tier == Tier::T0 || self.outcome == Outcome::ReceiptOnly || s.trust == TrustState::Valid)
    }

    fn line_fits(&self, s: &Situation) -> bool {
        let within = |hours, alone, supervised| hours <= if s.supervisor { supervised } else { alone };
        match (self.line.as_bytes()[0], s.line) {
            (b'a', _) | (b'u', LineState::Up) | (b'd', LineState::Down { .. }) => true,
            (b'l', LineState::Down { hours }) => s.limit.is_none() && within(hours, 72, 168),
            (b'm', LineState::Down { hours }) => {
                s.limit.is_none() && (s.t2_offline || s.pre_approved) && within(hours, 24, 72)
            }
            _ => false,
        }
    }

    fn who_fits(&self, s: &Situation) -> bool {
        let acts = match s.relation {
            Relation::None => s.way == Way::Delegate,
            Relation::LegalRepresentative { hours } => s.way != Way::Agent && hours <= 24,
            Relation::Agent { hours, grant } => {
                matches!(s.way, Way::Agent | Way::ExOfficio) && hours <= 12 && grant == GrantState::Valid
            }
        };
        let person = s.applicant == ApplicantKind::Person;
        match self.who.as_bytes()[0] {
            b'a' => true,
            b'p' => person,
            b'o' => !person && acts,
            _ => person || acts,
        }
    }
}

fn position<T: std::fmt::Debug>(all: &[T], name: &str) -> usize {
    let found = all.iter().position(|value| format!("{value:?}") == name);
    found.unwrap_or_else(|| panic!("unknown name {name}"))
}

fn word(all: &[&str], name: &str) -> usize {
    all.iter().position(|word| *word == name).unwrap_or_else(|| panic!("unknown word {name}"))
}

fn bits(names: &str, position: impl Fn(&str) -> usize) -> u8 {
    names.split(',').fold(0, |bits, name| bits | 1 << position(name))
}
