//! What an entry records.

use std::fmt;
use std::str::FromStr;

use minicbor::decode::{Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $zh:literal;)*) => {
        /// What an entry records. In the header as a number, in text as for example `consent.given`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EntryKind {
            $($(#[$doc])* $name,)*
            /// A kind of a newer version: kept, forwarded, receipted, judged later.
            Other(u16),
        }

        impl EntryKind {
            /// Every kind that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number in the header.
            pub fn code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The kind of this number.
            pub fn from_code(code: u16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    code => Self::Other(code),
                }
            }

            /// What a clerk reads in a list of entries.
            pub fn zh(self) -> &'static str {
                match self {
                    $(Self::$name => $zh,)*
                    Self::Other(_) => "未知类型",
                }
            }
        }

        impl fmt::Display for EntryKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Other(code) => write!(f, "kind.{code}"),
                }
            }
        }

        impl FromStr for EntryKind {
            type Err = UnknownKind;

            fn from_str(text: &str) -> Result<Self, UnknownKind> {
                match text {
                    $($text => Ok(Self::$name),)*
                    _ => {
                        let kind = text.strip_prefix("kind.").and_then(|code| code.parse().ok());
                        let kind = kind.map(Self::from_code).ok_or(UnknownKind)?;
                        if kind.to_string() == text { Ok(kind) } else { Err(UnknownKind) }
                    }
                }
            }
        }
    };
}

kinds! {
    /// 开启办件: a case was opened at a window.
    CaseOpened = 1, "case.opened", "开启办件";
    /// 身份核验: identity evidence for a case (card, code, face).
    IdentityVerified = 2, "identity.verified", "身份核验";
    /// 用证授权请求: what was put before the citizen.
    ConsentAsked = 3, "consent.asked", "请求授权";
    /// 用证授权: the citizen agreed, to all or some licences.
    ConsentGiven = 4, "consent.given", "同意用证";
    /// 拒绝授权: the citizen refused everything.
    ConsentRefused = 5, "consent.refused", "拒绝用证";
    /// 授权超时: nobody answered, or the request was called off.
    ConsentLapsed = 6, "consent.lapsed", "授权失效";
    /// 撤回授权: the citizen took consent back.
    ConsentWithdrawn = 7, "consent.withdrawn", "撤回授权";
    /// 用证: a licence was opened for a case.
    LicenceUsed = 8, "licence.used", "使用证照";
    /// 填表: values of the form, each with its source.
    FormFilled = 9, "form.filled", "填写表单";
    /// 补充材料: an attachment was added or removed.
    MaterialAttached = 10, "material.attached", "材料变动";
    /// 提交: the case was submitted, with the policy's judgement.
    CaseSubmitted = 11, "case.submitted", "提交办件";
    /// 预归档: the archive package was sealed (manifest and blob ids).
    PackageSealed = 12, "package.sealed", "封存归档包";
    /// 好差评: the citizen rated the service.
    CaseRated = 13, "case.rated", "服务评价";
    /// 终止办件: the case ended without submission.
    CaseClosed = 14, "case.closed", "终止办件";
    /// 操作: anything else that a person at the hall did and that must be traceable.
    ClerkAction = 15, "clerk.action", "人员操作";
    /// 时钟事件: the clock stepped, or was found wrong.
    ClockEvent = 16, "clock.event", "时钟事件";
    /// 密钥轮换: signed by old and new key.
    KeyRotate = 17, "key.rotate", "密钥轮换";
    /// 策略生效: a policy or catalogue version came into force on the box.
    PolicySeen = 18, "policy.seen", "策略生效";
    /// 离线导出: entries left on a medium.
    ExportUsb = 19, "export.usb", "介质导出";
    /// 分叉: two histories of this box are known.
    ForkNotice = 20, "fork.notice", "分叉告警";
    /// 处置已阅: the hall saw, and did something about, a disposition.
    DispositionSeen = 21, "disposition.seen", "处置已阅";
    /// 设备配对: a device was paired with or removed from a window.
    DevicePaired = 22, "device.paired", "设备配对";
    /// 清理证照缓存: cached licences were deleted; the body proves how many and which, and names none.
    CachePurged = 30, "cache.purged", "清理证照缓存";
}

/// Text that names no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of entry")]
pub struct UnknownKind;

impl<C> Encode<C> for EntryKind {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.u16(self.code())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for EntryKind {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.u16().map(Self::from_code)
    }
}

impl Serialize for EntryKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_number_and_name() {
        for kind in EntryKind::ALL {
            assert_eq!(EntryKind::from_code(kind.code()), *kind);
            assert_eq!(kind.to_string().parse(), Ok(*kind));
        }
        assert_eq!("kind.999".parse(), Ok(EntryKind::Other(999)));
        assert_eq!("kind.4".parse::<EntryKind>(), Err(UnknownKind));
        assert_eq!("kind.0999".parse::<EntryKind>(), Err(UnknownKind));
    }
}
