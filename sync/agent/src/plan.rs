//! What to do after the centre's hello answer. Pure: the agent reads both sides, this decides,
//! the agent acts.
//!
//! The rule behind every case: entries are offered only on top of a prefix that both sides hold
//! bit for bit, and knowledge from the centre is always taken, because a box with an
//! identity trouble still has to know what was revoked.

use hall_ledger::Hash;
use hall_ledger::document::DocumentKind;
use hall_ledger::trust::TrustRefusal;

/// What the box knows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Entries in its log.
    pub size: u64,
    /// What the last receipt covers; none before the first.
    pub receipted: Option<Receipted>,
    /// Highest centre epoch ever seen; 0 before the first hello.
    pub epoch: u64,
    /// Last feed item applied; 0 before the first.
    pub feed: u64,
    /// Last hot item applied; 0 before the first.
    pub hot: u64,
    /// Whether a newer status list is due by its own `ttl`, or none is held.
    pub status_due: bool,
    /// Catalogue version held; 0 for none.
    pub catalogue: u32,
    /// Documents that the feed announced and that are not held yet.
    pub documents_due: Vec<DocumentKind>,
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipted {
    /// Entries covered.
    pub size: u64,
    /// Epoch of the centre that gave it.
    pub epoch: u64,
}

/// What the centre told in its hello answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The centre's epoch. It rises when a centre is restored from a backup.
    pub epoch: u64,
    /// Entries of this log that it holds.
    pub size: u64,
    /// Its tree root at that size.
    pub root: Hash,
    /// Last item of this hall's feed.
    pub feed: u64,
    /// Last item of its hot list.
    pub hot: u64,
    /// Catalogue version in force.
    pub catalogue: u32,
}

/// One thing to do, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Believe the freshness token that came with the answer.
    Token,
    /// Fetch hot items (what was revoked) from this position on, before anything else.
    Hot {
        /// Last hot item applied.
        after: u64,
    },
    /// Fetch the status list.
    Status,
    /// Offer entries from this sequence number on.
    Entries {
        /// The first entry that the centre lacks.
        from: u64,
    },
    /// Fetch feed pages from this position on.
    Feed {
        /// Last item applied.
        after: u64,
    },
    /// Fetch a document.
    Document(DocumentKind),
    /// Send blobs that the centre lacks.
    Blobs,
}

/// 待处理: something that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// 设备身份冲突: the centre holds other entries under this log's name (a clone, or a restored backup).
    Fork {
        /// Entries at the centre.
        centre_size: u64,
        /// Entries here.
        local_size: u64,
    },
    /// 本机数据回退: the centre holds entries of this log that the box no longer has.
    BoxRolledBack {
        /// Entries at the centre.
        centre_size: u64,
        /// Entries here.
        local_size: u64,
    },
    /// 中心恢复自备份: the centre was restored and asks for entries again.
    CentreRestored {
        /// Its new epoch.
        epoch: u64,
        /// First entry sent again.
        from: u64,
    },
    /// 中心数据回退: the centre lacks entries that it had receipted, without saying that it was restored.
    CentreLostEntries {
        /// Entries at the centre.
        centre_size: u64,
        /// Entries receipted earlier.
        receipted: u64,
    },
    /// 中心纪元倒退: the answer is of an earlier epoch than one seen before. Nothing is done with it.
    CentreEpochBack {
        /// What it said.
        epoch: u64,
        /// What was seen before.
        seen: u64,
    },
    /// 信任包被拒收: what the centre offers as trust bundle is not believed; what was believed before stays.
    TrustRefused {
        /// Why.
        why: TrustRefusal,
    },
    /// 中心数据回退: the feed at the centre is shorter than what the box has applied.
    CentreFeedBack {
        /// Last item at the centre.
        centre: u64,
        /// Last item applied here.
        local: u64,
    },
}

impl Finding {
    /// Whether polling the feed makes no sense while this stands.
    pub fn stops_the_feed(&self) -> bool {
        matches!(self, Self::CentreFeedBack { .. } | Self::CentreEpochBack { .. })
    }

    /// One Chinese sentence: what happened and what to do.
    pub fn zh(&self) -> String {
        match self {
            Self::Fork { centre_size, local_size } => format!(
                "设备身份冲突：中心与本机的登记记录不一致（中心 {centre_size} 条，本机 {local_size} 条）。可以继续登记，请运维人员重新入网。"
            ),
            Self::BoxRolledBack { centre_size, local_size } => format!(
                "本机数据曾回退：中心有 {centre_size} 条登记，本机只有 {local_size} 条。可以继续登记，请运维人员重新入网并取回缺失记录。"
            ),
            Self::CentreRestored { epoch, from } => {
                format!("省级中心已从备份恢复（第 {epoch} 纪元），本机自第 {from} 条起自动补传，无需处理。")
            }
            Self::CentreLostEntries { centre_size, receipted } => format!(
                "省级中心缺少已签收的登记（签收 {receipted} 条，现有 {centre_size} 条），本机自动补传，请通知中心值班。"
            ),
            Self::CentreEpochBack { epoch, seen } => {
                format!("省级中心的纪元由 {seen} 倒退为 {epoch}，已停止同步，请通知中心值班核对。")
            }
            Self::TrustRefused { why } => trust_zh(*why),
            Self::CentreFeedBack { centre, local } => format!(
                "省级中心下发的消息少于本机已收到的（中心 {centre} 条，本机 {local} 条），请通知中心值班。"
            ),
        }
    }
}

fn trust_zh(why: TrustRefusal) -> String {
    let reason = match why {
        TrustRefusal::NoRoot => {
            return "本机入网时没有取得省级根密钥，不能接收信任包。可以继续办理，请运维人员重新入网。"
                .to_owned();
        }
        TrustRefusal::NotNewer { held, found } => {
            return format!(
                "省级中心的信任包由第 {held} 版倒退为第 {found} 版，已拒收，仍用原有的。请通知中心值班核对。"
            );
        }
        TrustRefusal::Signature => "签名不是省级根密钥的",
        TrustRefusal::RootDropped => "不再含有本机入网时的根密钥",
        TrustRefusal::Suite => "没有本机支持的算法套件",
        TrustRefusal::Content => "内容不合规定",
    };
    format!("省级中心下发的信任包{reason}，已拒收，仍用原有的。请通知中心值班核对，不要重新入网。")
}

/// What to do, and what to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// For the technician.
    pub findings: Vec<Finding>,
}

/// Decides from both sides. `root_at_centre_size` is the box's own root at the centre's size, or
/// none if the box holds fewer entries.
pub fn plan(local: &Local, told: &Told, root_at_centre_size: Option<Hash>) -> Plan {
    if told.epoch < local.epoch {
        let finding = Finding::CentreEpochBack { epoch: told.epoch, seen: local.epoch };
        return Plan { steps: Vec::new(), findings: vec![finding] };
    }
    let mut plan = Plan { steps: vec![Step::Token], findings: Vec::new() };
    let feed_back = told.feed < local.feed || told.hot < local.hot;
    if feed_back {
        plan.findings.push(Finding::CentreFeedBack { centre: told.feed, local: local.feed });
    } else if told.hot > local.hot {
        plan.steps.push(Step::Hot { after: local.hot });
    }
    if local.status_due || told.hot != local.hot {
        plan.steps.push(Step::Status);
    }
    let agreed = entries(local, told, root_at_centre_size, &mut plan);
    if !feed_back && told.feed > local.feed {
        plan.steps.push(Step::Feed { after: local.feed });
    }
    if told.catalogue > local.catalogue {
        plan.steps.push(Step::Document(DocumentKind::Catalogue));
    }
    // The trust bundle came before the plan: nothing can be believed without it.
    let own_way = [DocumentKind::Catalogue, DocumentKind::Trust];
    let others = local.documents_due.iter().filter(|kind| !own_way.contains(kind));
    plan.steps.extend(others.map(|kind| Step::Document(*kind)));
    if agreed {
        plan.steps.push(Step::Blobs);
    }
    plan
}

/// Whether both sides hold the same prefix; if so, offers what the centre lacks.
fn entries(local: &Local, told: &Told, root_at_centre_size: Option<Hash>, plan: &mut Plan) -> bool {
    let (centre_size, local_size) = (told.size, local.size);
    let Some(root) = root_at_centre_size.filter(|_| centre_size <= local_size) else {
        plan.findings.push(Finding::BoxRolledBack { centre_size, local_size });
        return false;
    };
    if root != told.root {
        plan.findings.push(Finding::Fork { centre_size, local_size });
        return false;
    }
    let receipted = local.receipted.map_or(0, |receipt| receipt.size);
    if centre_size < receipted {
        let restored = local.receipted.is_some_and(|receipt| receipt.epoch < told.epoch);
        plan.findings.push(if restored {
            Finding::CentreRestored { epoch: told.epoch, from: centre_size }
        } else {
            Finding::CentreLostEntries { centre_size, receipted }
        });
    }
    // An entry may lie at the centre without a receipt here: the answer was lost. Offering
    // nothing from the centre's size on brings the receipt.
    let receipt_of_epoch = local.receipted.is_some_and(|receipt| receipt.epoch == told.epoch);
    if centre_size < local_size || receipted < local_size || (local_size > 0 && !receipt_of_epoch) {
        plan.steps.push(Step::Entries { from: centre_size });
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY: Hash = Hash::ZERO;

    fn local() -> Local {
        Local {
            size: 10,
            receipted: Some(Receipted { size: 10, epoch: 1 }),
            epoch: 1,
            feed: 5,
            hot: 2,
            status_due: false,
            catalogue: 1,
            documents_due: Vec::new(),
        }
    }

    fn told() -> Told {
        Told { epoch: 1, size: 10, root: EMPTY, feed: 5, hot: 2, catalogue: 1 }
    }

    #[test]
    fn two_sides_that_agree_have_little_to_do() {
        let plan = plan(&local(), &told(), Some(EMPTY));
        assert_eq!(plan, Plan { steps: vec![Step::Token, Step::Blobs], findings: Vec::new() });
    }

    #[test]
    fn what_was_revoked_comes_before_everything_that_is_sent() {
        let told = Told { feed: 9, hot: 4, size: 7, catalogue: 2, ..told() };
        let plan = plan(&Local { receipted: None, ..local() }, &told, Some(EMPTY));
        assert_eq!(
            plan.steps,
            [
                Step::Token,
                Step::Hot { after: 2 },
                Step::Status,
                Step::Entries { from: 7 },
                Step::Feed { after: 5 },
                Step::Document(DocumentKind::Catalogue),
                Step::Blobs,
            ]
        );
        assert!(plan.findings.is_empty());
    }

    #[test]
    fn a_lost_receipt_is_asked_for_again() {
        let lost = Local { receipted: Some(Receipted { size: 6, epoch: 1 }), ..local() };
        assert!(plan(&lost, &told(), Some(EMPTY)).steps.contains(&Step::Entries { from: 10 }));
        let plan = plan(&local(), &Told { epoch: 2, ..told() }, Some(EMPTY));
        assert!(plan.steps.contains(&Step::Entries { from: 10 }), "receipts of an old epoch are renewed");
        assert!(plan.findings.is_empty());
    }

    #[test]
    fn a_restored_centre_gets_what_it_lost_and_says_which_kind_of_loss_it_is() {
        let restored = plan(&local(), &Told { epoch: 2, size: 4, ..told() }, Some(EMPTY));
        assert_eq!(restored.findings, [Finding::CentreRestored { epoch: 2, from: 4 }]);
        assert!(restored.steps.contains(&Step::Entries { from: 4 }));
        let silent = plan(&local(), &Told { size: 4, ..told() }, Some(EMPTY));
        assert_eq!(silent.findings, [Finding::CentreLostEntries { centre_size: 4, receipted: 10 }]);
        assert!(silent.steps.contains(&Step::Entries { from: 4 }));
    }

    #[test]
    fn a_feed_that_went_back_is_not_applied() {
        let plan = plan(&local(), &Told { feed: 3, ..told() }, Some(EMPTY));
        assert_eq!(plan.findings, [Finding::CentreFeedBack { centre: 3, local: 5 }]);
        assert!(plan.findings[0].stops_the_feed());
    }

    prop_compose! {
        fn any_local()(
            size in 0_u64..40, receipt in proptest::option::of((0_u64..40, 1_u64..4)), epoch in 0_u64..4,
            feed in 0_u64..9, hot in 0_u64..9, status_due: bool, catalogue in 0_u32..3,
        ) -> Local {
            let receipted = receipt.map(|(covers, epoch)| Receipted { size: covers.min(size), epoch });
            Local { size, receipted, epoch, feed, hot, status_due, catalogue, documents_due: Vec::new() }
        }
    }

    prop_compose! {
        fn any_told()(
            epoch in 1_u64..4, size in 0_u64..60, root in 0_u8..2, feed in 0_u64..9, hot in 0_u64..9,
            catalogue in 0_u32..3,
        ) -> Told {
            Told { epoch, size, root: Hash([root; 32]), feed, hot, catalogue }
        }
    }

    proptest! {
        #[test]
        fn every_situation_keeps_the_rules(local in any_local(), told in any_told(), own in 0_u8..2) {
            let own_root = (told.size <= local.size).then_some(Hash([own; 32]));
            let plan = plan(&local, &told, own_root);
            let agreed = own_root == Some(told.root);
            let offered = plan.steps.iter().find_map(|step| match step {
                Step::Entries { from } => Some(*from),
                _ => None,
            });
            if told.epoch < local.epoch {
                prop_assert!(plan.steps.is_empty() && plan.findings.len() == 1);
                return Ok(());
            }
            // Nothing is offered on top of a prefix that is not shared, and then a person hears of it.
            prop_assert!(agreed || (offered.is_none() && !plan.steps.contains(&Step::Blobs)));
            prop_assert!(agreed || !plan.findings.is_empty());
            // Everything that the centre lacks is offered, from exactly where it stands.
            prop_assert!(offered.is_none_or(|from| from == told.size));
            prop_assert!(!agreed || told.size == local.size || offered.is_some());
            // Afterwards there is a receipt of this epoch for everything.
            let complete = local.receipted == Some(Receipted { size: local.size, epoch: told.epoch });
            prop_assert!(!agreed || complete || local.size == 0 || offered.is_some());
            // Knowledge is always taken, never backwards.
            prop_assert!(plan.steps.contains(&Step::Token));
            let back = told.feed < local.feed || told.hot < local.hot;
            prop_assert_eq!(plan.steps.contains(&Step::Hot { after: local.hot }), told.hot > local.hot && !back);
            prop_assert_eq!(plan.steps.contains(&Step::Feed { after: local.feed }), told.feed > local.feed && !back);
            // The same again gives the same.
            prop_assert_eq!(super::plan(&local, &told, own_root), plan);
        }
    }
}
