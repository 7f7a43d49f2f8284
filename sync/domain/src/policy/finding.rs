//! The rules that can decide a situation, each with its outcome and its sentence.

use std::borrow::Cow;

use super::{LimitHit, Outcome, Policy, Relation, Situation};

/// 判断依据: the rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Everything is as it should be, with the line up.
    Accepted,
    /// A receipt without legal effect, which is all that the item is.
    Received,
    /// The centre's own word, brought by a phone.
    AcceptedOnTheCentresWord,
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
    /// The principal has to confirm later.
    PrincipalToFollow,
    /// A copy where only an original counts.
    CopyOnly,
    /// Nothing to go by.
    OriginalMissing,
    /// Nobody knows who this is.
    IdentityUnknown,
    /// The card was read, but nobody compared the face.
    FaceNotCompared,
    /// A code that could be somebody else's photograph of it, for the third tier.
    CodeWithoutChallenge,
    /// Nobody knows for sure that the person represents the organisation today.
    RelationUnknown,
    /// No grant for the person is known.
    GrantMissing,
    /// The grant was looked up too long ago.
    GrantOld,
    /// The grant ended.
    GrantEnded,
    /// The grant was revoked.
    GrantRevoked,
    /// The second tier wants more of an agent than a card.
    AgentTooWeak,
    /// A second clerk must look.
    SecondClerkMissing,
    /// A supervisor must allow it.
    SupervisorMissing,
    /// The third tier waits for the line.
    HighTierOffline,
    /// The third tier was approved beforehand, but for the best evidence only.
    HighTierEvidence,
    /// A result depends on the time, and the time is not known.
    ClockDoubtful,
    /// The line has been down too long for this tier.
    OfflineTooLong,
    /// A limit was reached.
    LimitReached(LimitHit),
    /// The keys that the box knows are too old to be believed.
    TrustExpired,
    /// The province has not allowed the item with the line down.
    ItemNotAllowedOffline,
    /// The third tier needs the centre's answer of this minute.
    StatusNotFresh,
    /// A licence is to be opened for nobody.
    LicenceWithoutIdentity,
    /// A licence is to be opened without a yes.
    LicenceWithoutConsent,
    /// A principal's licence is to be opened for somebody without a mandate of the centre.
    LicenceWithoutMandate,
    /// A principal's licence is to be opened, and the principal was not asked.
    LicenceWithoutPrincipal,
    /// A licence is too old for this tier.
    LicenceStale,
    /// An office may not look at a licence whose status is too old.
    OfficeStale,
    /// Use by office without a law that allows it.
    OfficeWithoutBasis,
    /// Use by office of which nobody was told.
    OfficeWithoutNotice,
    /// Use by office at the third tier waits for the line.
    OfficeNeedsLine,
    /// Use by office at the second tier needs a supervisor.
    OfficeNeedsSupervisor,
    /// A code that says nothing without the centre.
    PlainCode,
    /// A code that could be a photograph, above the first tier.
    WeakCode,
    /// A code that is good for a minute, and no clock to tell it.
    CodeTimeDoubtful,
    /// Nobody gave the delegate a mandate.
    MandateMissing,
    /// A mandate on paper, which only the centre could check.
    MandateOnPaper,
    /// A mandate without the principal's word for this case, above the first tier.
    PrincipalMissing,
    /// A way that the policy does not offer now.
    WayNotOffered,
}

impl Finding {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Accepted | Self::Received | Self::AcceptedOnTheCentresWord => Outcome::Accept,
            Self::AcceptedOffline | Self::AcceptedOnPaper => Outcome::AcceptForReview,
            Self::AcceptedToFollow
            | Self::PaperAcceptedToFollow
            | Self::OriginalToFollow
            | Self::StatusToFollow
            | Self::PrincipalToFollow => Outcome::MaterialsToFollow,
            Self::CopyOnly
            | Self::OriginalMissing
            | Self::IdentityUnknown
            | Self::FaceNotCompared
            | Self::CodeWithoutChallenge
            | Self::RelationUnknown
            | Self::GrantMissing
            | Self::GrantOld
            | Self::GrantEnded
            | Self::GrantRevoked
            | Self::AgentTooWeak
            | Self::SecondClerkMissing
            | Self::SupervisorMissing
            | Self::HighTierOffline
            | Self::HighTierEvidence
            | Self::ClockDoubtful
            | Self::OfflineTooLong
            | Self::LimitReached(_)
            | Self::TrustExpired
            | Self::ItemNotAllowedOffline
            | Self::LicenceStale
            | Self::StatusNotFresh => Outcome::ReceiptOnly,
            Self::LicenceWithoutIdentity
            | Self::LicenceWithoutConsent
            | Self::LicenceWithoutMandate
            | Self::LicenceWithoutPrincipal
            | Self::OfficeStale
            | Self::OfficeWithoutBasis
            | Self::OfficeWithoutNotice
            | Self::OfficeNeedsLine
            | Self::OfficeNeedsSupervisor
            | Self::PlainCode
            | Self::WeakCode
            | Self::CodeTimeDoubtful
            | Self::MandateMissing
            | Self::MandateOnPaper
            | Self::PrincipalMissing
            | Self::WayNotOffered => Outcome::No,
        }
    }

    /// One Chinese sentence for the clerk.
    pub(super) fn sentence(self, p: &Policy, s: &Situation) -> Cow<'static, str> {
        let hours = s.line.hours();
        let confirms = p.windows.principal_confirms_hours;
        Cow::Borrowed(match self {
            Self::Accepted => "核验齐全，可以受理。",
            Self::Received => "本事项只登记收件，可以办理并出具收件凭证。",
            Self::AcceptedOnTheCentresWord => "离线办理：省级中心已通过手机确认本人和授权，可以受理。",
            Self::AcceptedOffline => "离线办理：身份、授权和证照符合要求，可以受理，联网后复核生效。",
            Self::AcceptedOnPaper => "离线办理：凭纸质原件和告知承诺可以受理，联网后复核生效。",
            Self::AcceptedToFollow => "离线办理：本事项可容缺受理，证照联网复核后生效。",
            Self::PaperAcceptedToFollow => "离线办理：凭纸质原件可容缺受理，联网复核后生效。",
            Self::OriginalToFollow => "未见纸质原件，可容缺受理，须按期补交原件。",
            Self::StatusToFollow => "缓存证照的状态已超过时限，只能容缺受理，须待状态更新后补核。",
            Self::PrincipalToFollow if s.down() => {
                return format!("委托人尚未确认本次办理，可容缺受理，委托人须在联网后{confirms}小时内确认。")
                    .into();
            }
            Self::PrincipalToFollow => {
                return format!("委托人尚未确认本次办理，可容缺受理，委托人须在{confirms}小时内确认。")
                    .into();
            }
            Self::CopyOnly => "只有复印件，本事项须见原件，先收件。",
            Self::OriginalMissing => "本厅没有办事人的缓存证照，也未见纸质原件，先收件。",
            Self::IdentityUnknown => "尚未核验办事人身份，先收件。",
            Self::FaceNotCompared => "已读卡但未完成人证比对和本人确认，先收件。",
            Self::CodeWithoutChallenge => "本事项须当场应答评价器上的二维码，只扫办事码不够，先收件。",
            Self::RelationUnknown => match s.relation {
                Relation::Agent { .. } => "来人是经办授权人，不是法定代表人，请按经办授权人核验，先收件。",
                _ => "不能确认来人目前是该单位的法定代表人，先收件。",
            },
            Self::GrantMissing => "未查到该单位对来人的经办授权，先收件。",
            Self::GrantOld => "经办授权超过时限未核对，不能确认目前仍然有效，先收件。",
            Self::GrantEnded => "来人的经办授权已到期，先收件。",
            Self::GrantRevoked => "该单位已撤销来人的经办授权，先收件。",
            Self::AgentTooWeak => "经办授权人离线办理本事项须应答办事码或刷脸，先收件。",
            Self::SecondClerkMissing => "离线办理本事项须有第二名窗口人员复核，先收件。",
            Self::SupervisorMissing => {
                return format!("线路已中断{hours}小时，本事项须值班主管授权，先收件。").into();
            }
            Self::HighTierOffline => "本事项涉及他人权利或资金，离线时只能先收件，不出结果。",
            Self::HighTierEvidence => {
                "本事项离线出结果须本人刷脸、在手机上授权并出示即时核验的证照，先收件。"
            }
            Self::ClockDoubtful => "本机时钟不可信，本事项不能离线出结果，先收件。",
            Self::OfflineTooLong => {
                return format!("线路已中断{hours}小时，超过本事项离线办理的时限，先收件。").into();
            }
            Self::LimitReached(hit) => return format!("{}，先收件。", hit.clause()).into(),
            Self::TrustExpired => "本机的信任包已过期，无法验证证照和授权，先收件。",
            Self::ItemNotAllowedOffline => "本事项未开通离线办理，先收件。",
            Self::StatusNotFresh => "本事项须有省级中心当场核验的证照状态，先收件。",
            Self::LicenceWithoutIdentity => "尚未核验办事人身份，不能调用证照。",
            Self::LicenceWithoutConsent => "办事人尚未授权，不能调用证照。",
            Self::LicenceWithoutMandate => "没有可核验的电子委托，不能调用委托人的证照。",
            Self::LicenceWithoutPrincipal => "委托人尚未确认本次办理，不能调用委托人的证照。",
            Self::LicenceStale => "证照状态已超过时限，不能据此受理本事项，先收件。",
            Self::OfficeStale => "证照状态已超过时限，不能依职能用于本事项。",
            Self::OfficeWithoutBasis => "本事项没有登记依职能查验的法定依据，不能调用证照。",
            Self::OfficeWithoutNotice => "尚未告知办事人依职能查验，不能调用证照。",
            Self::OfficeNeedsLine => "离线时不能依职能为本事项查验证照。",
            Self::OfficeNeedsSupervisor => "离线时依职能查验证照须值班主管授权。",
            Self::PlainCode => "离线时不能识别普通办事码是谁的，不能凭它办理本事项。",
            Self::WeakCode => "只扫办事码不能确认是本人当场出示，离线时不能凭它办理本事项。",
            Self::CodeTimeDoubtful => "本机时钟不可信，无法确认办事码是否当场生成，不能凭它办理本事项。",
            Self::MandateMissing => "来人没有有效的委托，不能代办本事项。",
            Self::MandateOnPaper => "纸质委托书无法当场核验，不能凭它代办本事项。",
            Self::PrincipalMissing => "委托人尚未确认本次办理，不能代办本事项。",
            Self::WayNotOffered if s.down() => {
                return format!("离线时未开通“{}”核验，请改用实体身份证核验。", s.way.zh()).into();
            }
            Self::WayNotOffered => {
                return format!("本窗口未开通“{}”核验，请改用实体身份证核验。", s.way.zh()).into();
            }
        })
    }
}
