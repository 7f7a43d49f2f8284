//! 离线策略 as data: what the centre publishes and every box obeys.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::LineState;
use crate::evidence::Way;
use crate::identifier::ItemCode;
use crate::item::Tier;
use crate::person::ApplicantKind;

/// 离线策略: all numbers and switches of the policy. What it decides with them is [`super::judge`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Raised with every change.
    pub version: u32,
    /// How many in a hundred passed cases of the second tier a person looks at again.
    pub sample_percent: u8,
    /// Items of the third tier that the centre approved beforehand (预先核准): a result may be given with the line
    /// down, on the best evidence. Whether an item of the second tier may be taken offline stands in the catalogue.
    pub pre_approved: BTreeSet<ItemCode>,
    /// What narrows while the line is down.
    pub hours: Hours,
    /// How old knowledge may be.
    pub windows: Windows,
    /// How much may be taken while the line is down.
    pub limits: Limits,
    /// What the desk offers.
    pub ways: Ways,
}

/// 离线时长: from more than how many hours of outage on something narrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The second tier needs a supervisor.
    pub t2_supervisor: u32,
    /// The second tier is only received.
    pub t2_receipt_only: u32,
    /// The first tier needs a supervisor.
    pub t1_supervisor: u32,
    /// Everything is only received.
    pub receipt_only: u32,
}

/// 时限: how old knowledge may be to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// That a person legally represents an organisation.
    pub relation_hours: u32,
    /// That a person may act for an organisation by grant.
    pub grant_hours: u32,
    /// A status that counts as one of this moment, where a phone brought it.
    pub fresh_minutes: u32,
    /// Until how many hours after the line is back a principal has to confirm what was taken without it.
    pub principal_confirms_hours: u32,
    /// A licence's status, by tier; its kind may set a narrower window.
    pub status_hours: StatusHours,
}

/// 证照状态时限 by tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusHours {
    /// 收件.
    pub t0: u32,
    /// 低风险.
    pub t1: u32,
    /// 中风险.
    pub t2: u32,
    /// 高风险.
    pub t3: u32,
}

/// 限额 while the line is down; each is the most that may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Cases a day for one person or organisation.
    pub principal_per_day: u32,
    /// Cases a day for one person or organisation and one item.
    pub item_per_day: u32,
    /// Cases a day brought by one 经办授权人 or 代办人.
    pub agent_per_day: u32,
    /// Cases a day at one window.
    pub window_per_day: u32,
    /// Cases of the hall that the centre does not have yet.
    pub outbox_cases: u32,
    /// How full the disk may be.
    pub disk_percent: u8,
}

/// 核验方式 that the desk offers, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ways {
    /// To a person.
    pub person: Vec<Way>,
    /// To an organisation.
    pub organisation: Vec<Way>,
    /// Those of them that are left with the line down.
    pub offline: Vec<Way>,
}

/// Why a policy is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A number would allow more after a longer outage, or more to a higher tier.
    #[error("{wider} must not be beyond {narrower}: it would relax what is stricter before it")]
    Relaxes {
        /// The number that is too small.
        narrower: &'static str,
        /// The number that is too large.
        wider: &'static str,
    },
    /// A number that means nothing.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// A way that is listed twice.
    #[error("{way:?} is listed twice in ways.{list}")]
    WayTwice {
        /// The way.
        way: Way,
        /// The list.
        list: &'static str,
    },
    /// Nobody may be sent away for having no phone.
    #[error("ways.{0} lacks identity_card, the way that needs neither phone nor face check")]
    NoPlainWay(&'static str),
    /// A grant belongs to an organisation.
    #[error("ways.person lists agent, which only an organisation has")]
    AgentOfPerson,
}

impl Default for Policy {
    /// The province's own.
    fn default() -> Self {
        use Way::{Agent, Delegate, ExOfficio, Face, IdentityCard, ServiceCode};
        Self {
            version: 1,
            sample_percent: 5,
            pre_approved: BTreeSet::new(),
            hours: Hours { t2_supervisor: 24, t2_receipt_only: 72, t1_supervisor: 72, receipt_only: 168 },
            windows: Windows {
                relation_hours: 24,
                grant_hours: 12,
                fresh_minutes: 10,
                principal_confirms_hours: 24,
                status_hours: StatusHours { t0: 168, t1: 72, t2: 72, t3: 0 },
            },
            limits: Limits {
                principal_per_day: 3,
                item_per_day: 1,
                agent_per_day: 5,
                window_per_day: 60,
                outbox_cases: 2_000,
                disk_percent: 80,
            },
            ways: Ways {
                person: vec![IdentityCard, ServiceCode, Face, Delegate, ExOfficio],
                organisation: vec![IdentityCard, ServiceCode, Face, Agent, Delegate, ExOfficio],
                offline: Way::ALL.to_vec(),
            },
        }
    }
}

impl Policy {
    /// The province's own, for a box that has not heard another yet.
    #[must_use]
    pub fn standard() -> &'static Self {
        static STANDARD: LazyLock<Policy> = LazyLock::new(Policy::default);
        &STANDARD
    }

    /// Whether the numbers fit together: nothing relaxes with time or with the tier, and nobody is left without a way.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), PolicyError> {
        let (hours, status, limits) = (&self.hours, &self.windows.status_hours, &self.limits);
        let ordered = [
            (("hours.t2_supervisor", hours.t2_supervisor), ("hours.t2_receipt_only", hours.t2_receipt_only)),
            (("hours.t2_supervisor", hours.t2_supervisor), ("hours.t1_supervisor", hours.t1_supervisor)),
            (("hours.t2_receipt_only", hours.t2_receipt_only), ("hours.receipt_only", hours.receipt_only)),
            (("hours.t1_supervisor", hours.t1_supervisor), ("hours.receipt_only", hours.receipt_only)),
            (("windows.status_hours.t3", status.t3), ("windows.status_hours.t2", status.t2)),
            (("windows.status_hours.t2", status.t2), ("windows.status_hours.t1", status.t1)),
            (("windows.status_hours.t1", status.t1), ("windows.status_hours.t0", status.t0)),
            (
                ("limits.item_per_day", limits.item_per_day),
                ("limits.principal_per_day", limits.principal_per_day),
            ),
        ];
        for ((wider, large), (narrower, small)) in ordered {
            if large > small {
                return Err(PolicyError::Relaxes { narrower, wider });
            }
        }
        let ranges = [
            ("version", self.version > 0),
            ("sample_percent", self.sample_percent <= 100),
            ("windows.fresh_minutes", (1..=60).contains(&self.windows.fresh_minutes)),
            ("limits.item_per_day", limits.item_per_day > 0),
            ("limits.disk_percent", (1..=100).contains(&limits.disk_percent)),
        ];
        if let Some((name, _)) = ranges.into_iter().find(|(_, fits)| !fits) {
            return Err(PolicyError::Range(name));
        }
        let Ways { person, organisation, offline } = &self.ways;
        for (list, ways) in [("person", person), ("organisation", organisation), ("offline", offline)] {
            let twice = ways.iter().enumerate().find(|(at, way)| ways[..*at].contains(way));
            if let Some((_, way)) = twice {
                return Err(PolicyError::WayTwice { way: *way, list });
            }
            if !ways.contains(&Way::IdentityCard) {
                return Err(PolicyError::NoPlainWay(list));
            }
        }
        if person.contains(&Way::Agent) { Err(PolicyError::AgentOfPerson) } else { Ok(()) }
    }

    /// 可用方式: what the desk offers now, in order. The identity card, which needs neither phone nor face check, is
    /// always among them, whatever the lists say.
    #[must_use]
    pub fn offered(&self, applicant: ApplicantKind, line: LineState) -> Vec<Way> {
        let listed = self.listed(applicant).iter().copied().filter(|way| self.offers(*way, applicant, line));
        let mut ways: Vec<Way> = listed.collect();
        if !ways.contains(&Way::IdentityCard) {
            ways.push(Way::IdentityCard);
        }
        ways
    }

    /// Whether the desk offers this way now.
    #[must_use]
    pub fn offers(&self, way: Way, applicant: ApplicantKind, line: LineState) -> bool {
        let left = line == LineState::Up || self.ways.offline.contains(&way);
        way == Way::IdentityCard || left && self.listed(applicant).contains(&way)
    }

    fn listed(&self, applicant: ApplicantKind) -> &[Way] {
        match applicant {
            ApplicantKind::Person => &self.ways.person,
            ApplicantKind::Organisation => &self.ways.organisation,
        }
    }

    /// Whether the centre approved this item of the third tier beforehand.
    #[must_use]
    pub fn approves(&self, item: &ItemCode) -> bool {
        self.pre_approved.contains(item)
    }

    /// For how many hours a licence's status counts at this tier, when its kind says `kind_hours`.
    #[must_use]
    pub fn status_window(&self, tier: Tier, kind_hours: u32) -> u32 {
        let hours = &self.windows.status_hours;
        let most = match tier {
            Tier::T0 => hours.t0,
            Tier::T1 => hours.t1,
            Tier::T2 => hours.t2,
            Tier::T3 => hours.t3,
        };
        kind_hours.min(most)
    }
}
