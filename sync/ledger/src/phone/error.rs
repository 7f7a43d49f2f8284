//! Why a phone's message is not taken.

use crate::cose::{CoseError, KeyId};

use super::MessageKind;
use super::text::QrError;

/// Why a code, a challenge or an assertion is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not a message of this province: another QR code, damaged, or of a later form.
    #[error("not a code of this province")]
    NotACode,
    /// A message of this province, but not the kind that was asked for.
    #[error("another kind of message: {}", .0.typ())]
    OtherKind(MessageKind),
    /// Signed with a key that is not trusted (any more).
    #[error("signed with key {0}, which is not trusted")]
    UnknownKey(KeyId),
    /// The signature of centre, phone or box does not fit.
    #[error("signature does not verify")]
    Signature,
    /// The signed bytes are not what they should be.
    #[error("signed content is not of the expected form")]
    Content,
    /// Past its expiry.
    #[error("expired")]
    Expired,
    /// 授权或委托已到期: the grant or mandate that the person acts by has ended.
    #[error("the grant or mandate has ended")]
    CapacityEnded,
    /// A code of one QR that is too old: by so many seconds.
    #[error("code is {0} s old")]
    TooOld(i64),
    /// A code of one QR from a phone whose clock is so many seconds ahead.
    #[error("code is {0} s ahead of the clock")]
    Ahead(i64),
    /// Answers another challenge than the one that stands, or none.
    #[error("not an answer to this challenge")]
    OtherChallenge,
    /// Sealed with a code key that the box does not have, or that was not in use on that day.
    #[error("sealed with code key {0}, which is not known")]
    UnknownCodeKey(u32),
    /// Sealed with a known key, and yet it does not open, or holds something else.
    #[error("sealed content cannot be opened")]
    Sealed,
}

impl CodeError {
    /// A short word for each reason, for records and metrics. Never changes its meaning.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotACode => "not_a_code",
            Self::OtherKind(_) => "other_kind",
            Self::UnknownKey(_) => "unknown_key",
            Self::Signature => "signature",
            Self::Content => "content",
            Self::Expired => "expired",
            Self::CapacityEnded => "capacity_ended",
            Self::TooOld(_) => "too_old",
            Self::Ahead(_) => "ahead",
            Self::OtherChallenge => "other_challenge",
            Self::UnknownCodeKey(_) => "unknown_code_key",
            Self::Sealed => "sealed",
        }
    }
}

impl From<CoseError> for CodeError {
    fn from(error: CoseError) -> Self {
        match error {
            CoseError::Shape | CoseError::Purpose => Self::NotACode,
            CoseError::UnknownKey(kid) => Self::UnknownKey(kid),
            CoseError::Signature => Self::Signature,
            CoseError::Payload(_) => Self::Content,
        }
    }
}

impl From<QrError> for CodeError {
    fn from(_: QrError) -> Self {
        Self::NotACode
    }
}
