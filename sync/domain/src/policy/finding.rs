//! The rules that can decide a situation, each with its outcome and its sentence.

use super::{LineState, Outcome, Situation};

/// 判断依据: the rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Everything is as it should be, with the line up.
    Accepted,
    /// A receipt without legal effect, which is all that the item is.
    Received,
    /// Cached licences within their window, to be reviewed.
    AcceptedOffline,
    /// Paper originals and the applicant's word, to be reviewed.
    AcceptedOnPaper,
    /// Cached licences for the second tier.
    AcceptedToFollow,
    /// Paper originals for the second tier.
    PaperAcceptedToFollow,
    /// A copy or nothing, where an original is needed.
    OriginalToFollow,
    /// A stale status, where a newer one is needed.
    StatusToFollow,
    /// A copy where only an original counts.
    CopyOnly,
    /// Nothing to go by.
    OriginalMissing,
    /// Nobody knows who this is.
    IdentityUnknown,
    /// The card was read, but nobody compared the face.
    FaceNotCompared,
    /// Nobody knows for sure that the person represents the organisation today.
    RelationUnknown,
    /// A second clerk must look.
    SecondClerkMissing,
    /// A supervisor must allow it.
    SupervisorMissing,
    /// The third tier waits for the line.
    HighTierOffline,
    /// The line has been down too long for this tier.
    OfflineTooLong,
    /// The province has not allowed the item with the line down.
    ItemNotAllowedOffline,
    /// The third tier needs the centre's answer of this minute.
    StatusNotFresh,
    /// A licence is to be opened for nobody.
    LicenceWithoutIdentity,
    /// A licence is to be opened without a yes.
    LicenceWithoutConsent,
    /// A licence is too old for this tier.
    LicenceStale,
    /// Use by office at the third tier waits for the line.
    OfficeNeedsLine,
    /// Use by office at the second tier needs a supervisor.
    OfficeNeedsSupervisor,
    /// Another way than the identity card.
    WayNotOffered,
}

impl Finding {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Accepted | Self::Received => Outcome::Accept,
            Self::AcceptedOffline | Self::AcceptedOnPaper => Outcome::AcceptForReview,
            Self::AcceptedToFollow
            | Self::PaperAcceptedToFollow
            | Self::OriginalToFollow
            | Self::StatusToFollow => Outcome::MaterialsToFollow,
            Self::CopyOnly
            | Self::OriginalMissing
            | Self::IdentityUnknown
            | Self::FaceNotCompared
            | Self::RelationUnknown
            | Self::SecondClerkMissing
            | Self::SupervisorMissing
            | Self::HighTierOffline
            | Self::OfflineTooLong
            | Self::ItemNotAllowedOffline
            | Self::StatusNotFresh => Outcome::ReceiptOnly,
            Self::LicenceWithoutIdentity
            | Self::LicenceWithoutConsent
            | Self::LicenceStale
            | Self::OfficeNeedsLine
            | Self::OfficeNeedsSupervisor
            | Self::WayNotOffered => Outcome::No,
        }
    }

    /// One Chinese sentence for the clerk.
    pub(super) fn sentence(self, s: &Situation) -> String {
        let hours = match s.line {
            LineState::Up => 0,
            LineState::Down { hours } => hours,
        };
        let fixed = match self {
            Self::Accepted => "核验齐全，可以受理。",
            Self::Received => "本事项只登记收件，可以办理并出具收件凭证。",
            Self::AcceptedOffline => "离线办理：身份、授权和缓存证照符合要求，可以受理，联网后复核生效。",
            Self::AcceptedOnPaper => "离线办理：凭纸质原件和告知承诺可以受理，联网后复核生效。",
            Self::AcceptedToFollow => "离线办理：本事项可容缺受理，证照联网复核后生效。",
            Self::PaperAcceptedToFollow => "离线办理：凭纸质原件可容缺受理，联网复核后生效。",
            Self::OriginalToFollow => "未见纸质原件，可容缺受理，须按期补交原件。",
            Self::StatusToFollow => "缓存证照的状态已超过时限，只能容缺受理，须待状态更新后补核。",
            Self::CopyOnly => "只有复印件，本事项须见原件，先收件。",
            Self::OriginalMissing => "本厅没有办事人的缓存证照，也未见纸质原件，先收件。",
            Self::IdentityUnknown => "尚未核验办事人身份，先收件。",
            Self::FaceNotCompared => "已读卡但未完成人证比对和本人确认，先收件。",
            Self::RelationUnknown => "不能确认来人目前是该单位的法定代表人，先收件。",
            Self::SecondClerkMissing => "离线办理本事项须有第二名窗口人员复核，先收件。",
            Self::SupervisorMissing => {
                return format!("线路已中断{hours}小时，本事项须值班主管授权，先收件。");
            }
            Self::HighTierOffline => "本事项涉及他人权利或资金，离线时只能先收件，不出结果。",
            Self::OfflineTooLong => {
                return format!("线路已中断{hours}小时，超过本事项离线办理的时限，先收件。");
            }
            Self::ItemNotAllowedOffline => "本事项未开通离线办理，先收件。",
            Self::StatusNotFresh => "本事项须有省级中心当场核验的证照状态，先收件。",
            Self::LicenceWithoutIdentity => "尚未核验办事人身份，不能调用证照。",
            Self::LicenceWithoutConsent => "办事人尚未授权，不能调用证照。",
            Self::LicenceStale => "缓存证照的状态已超过时限，不能用于本事项。",
            Self::OfficeNeedsLine => "离线时不能依职能为本事项查验证照。",
            Self::OfficeNeedsSupervisor => "离线时依职能查验证照须值班主管授权。",
            Self::WayNotOffered => {
                return format!("本窗口尚未开通“{}”核验，请改用实体身份证核验。", s.way.zh());
            }
        };
        fixed.to_owned()
    }
}
