//! 限额: how much may be taken while the line is down.

use serde::{Deserialize, Serialize};

use super::Policy;

/// 计数: what was taken already, without the case that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Cases today for this person or organisation.
    pub principal_today: u32,
    /// Of these, cases of the same item.
    pub item_today: u32,
    /// Cases today brought by the same 经办授权人 or 代办人; 0 for who comes in their own name.
    pub agent_today: u32,
    /// Cases today at this window.
    pub window_today: u32,
    /// Cases of the hall that the centre does not have yet.
    pub outbox_cases: u32,
    /// How full the disk is, in percent.
    pub disk_percent: u8,
    /// Whole hours since the centre was last heard.
    pub hours_offline: u32,
}

/// 限额种类, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// 磁盘.
    Disk,
    /// 待传办件.
    Outbox,
    /// 离线时长.
    Hours,
    /// 同一主体同一事项.
    Item,
    /// 同一主体.
    Principal,
    /// 同一经办人.
    Agent,
    /// 同一窗口.
    Window,
}

/// 超限: a limit that one more case would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LimitHit {
    /// Which.
    pub limit: Limit,
    /// How much there is.
    pub count: u32,
    /// The most that there may be.
    pub most: u32,
}

impl LimitHit {
    /// What was reached, a Chinese clause without its full stop.
    #[must_use]
    pub fn clause(&self) -> String {
        let Self { limit, count, most } = self;
        match limit {
            Limit::Disk => format!("本机存储已用{count}%，达到离线限额{most}%"),
            Limit::Outbox => format!("本厅待传办件已有{count}件，达到离线限额{most}件"),
            Limit::Hours => format!("线路已中断{count}小时，超过离线办理时限{most}小时"),
            Limit::Item => format!("该主体今日离线办理本事项已有{count}件，达到限额{most}件"),
            Limit::Principal => format!("该主体今日离线办件已有{count}件，达到限额{most}件"),
            Limit::Agent => format!("该经办人今日离线代办已有{count}件，达到限额{most}件"),
            Limit::Window => format!("本窗口今日离线办件已有{count}件，达到限额{most}件"),
        }
    }

    /// One Chinese sentence: what was reached, and what remains possible.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}，线路恢复前只能收件。", self.clause())
    }
}

/// The limits that one more case would break, the gravest first. They count only while the line is down.
#[must_use]
pub fn check(policy: &Policy, counts: &Counts) -> Vec<LimitHit> {
    let limits = &policy.limits;
    let below = [
        (Limit::Disk, counts.disk_percent.into(), limits.disk_percent.into()),
        (Limit::Outbox, counts.outbox_cases, limits.outbox_cases),
        // The last allowed hour is still allowed; it is more that is too long.
        (Limit::Hours, counts.hours_offline, policy.hours.receipt_only.saturating_add(1)),
        (Limit::Item, counts.item_today, limits.item_per_day),
        (Limit::Principal, counts.principal_today, limits.principal_per_day),
        (Limit::Agent, counts.agent_today, limits.agent_per_day),
        (Limit::Window, counts.window_today, limits.window_per_day),
    ];
    let hits = below.into_iter().filter(|(_, count, most)| count >= most);
    hits.map(|(limit, count, most)| {
        let most = if limit == Limit::Hours { policy.hours.receipt_only } else { most };
        LimitHit { limit, count, most }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_case_below_each_limit_is_taken_and_the_next_is_not() {
        let policy = Policy::default();
        let last = Counts {
            principal_today: 2,
            item_today: 0,
            agent_today: 4,
            window_today: 59,
            outbox_cases: 1_999,
            disk_percent: 79,
            hours_offline: 168,
        };
        assert_eq!(check(&policy, &last), []);
        let full = [
            (Counts { principal_today: 3, ..last }, Limit::Principal, "3件"),
            (Counts { item_today: 1, ..last }, Limit::Item, "1件"),
            (Counts { agent_today: 5, ..last }, Limit::Agent, "5件"),
            (Counts { window_today: 60, ..last }, Limit::Window, "60件"),
            (Counts { outbox_cases: 2_000, ..last }, Limit::Outbox, "2000件"),
            (Counts { disk_percent: 80, ..last }, Limit::Disk, "80%"),
            (Counts { hours_offline: 169, ..last }, Limit::Hours, "169小时"),
        ];
        for (counts, limit, said) in full {
            let [hit] = check(&policy, &counts)[..] else { panic!("one limit: {counts:?}") };
            assert_eq!(hit.limit, limit);
            assert!(hit.sentence().contains(said) && hit.sentence().ends_with('。'), "{}", hit.sentence());
        }
    }

    #[test]
    fn the_gravest_limit_comes_first() {
        let everything = Counts {
            principal_today: 9,
            item_today: 9,
            agent_today: 9,
            window_today: 99,
            outbox_cases: 9_999,
            disk_percent: 99,
            hours_offline: 999,
        };
        let hits = check(&Policy::default(), &everything);
        assert_eq!((hits.len(), hits[0].limit), (7, Limit::Disk));
        assert!(hits.is_sorted_by_key(|hit| hit.limit));
    }
}
