//! Why a read ended without a card, for the log and for the clerk.

use crate::samv::codec::Status;
use crate::samv::text::TextError;

/// Why a read ended without a card. Holds nothing of a card's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nobody laid a card down in time.
    #[error("no card was laid down in time")]
    NoCard,
    /// The card was taken away before it was read, and did not come back in time.
    #[error("the card was taken away during the read")]
    Removed,
    /// The module could not read the card at three attempts, and it was not laid down anew in time.
    #[error("the card could not be read at repeated attempts")]
    ReplaceCard,
    /// The read was stopped from outside.
    #[error("the read was stopped")]
    Cancelled,
    /// The reader is unplugged, or was during the read.
    #[error("the reader is not plugged in")]
    ReaderGone,
    /// The reader is there and says nothing, even after its port was opened anew.
    #[error("the reader does not answer")]
    Silent,
    /// Bytes come from the reader, but no good frame, however often it is asked.
    #[error("the reader's answers arrive damaged")]
    Garbled,
    /// The module in the reader has no licence (status 66): no card can be read with it.
    #[error("the reader's module is not licensed")]
    NotLicensed,
    /// The module's self-test failed (status 60).
    #[error("the reader's module failed its self-test")]
    SelfTest,
    /// The card was read, but it is of a layout that nobody has taught this reader.
    #[error("the card is of an unknown layout")]
    Unsupported,
    /// The card was read, but what it says is incomplete or contradicts itself.
    #[error("the card's content is not understood")]
    Content,
    /// The module answers with a status that has no place here.
    #[error("the reader answered with status {0}")]
    Protocol(Status),
    /// A social security card: its free files prove nobody's identity, and on newer cards they hold no name.
    #[error("the card is a social security card")]
    SocialSecurity,
    /// The card is there and does not answer.
    #[error("the card does not answer")]
    CardSilent,
    /// Another program holds the reader, or an earlier read of it has not come back.
    #[error("the reader is held by another program or by an earlier read")]
    Busy,
    /// The service that owns PC/SC readers (pcscd) is not running.
    #[error("the smart card service is not running")]
    Service,
    /// A program plays the reader, and only real ones are allowed here.
    #[error("the reader is a virtual one")]
    VirtualReader,
}

impl From<TextError> for ReadError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Layout(_) => Self::Unsupported,
            _ => Self::Content,
        }
    }
}

impl ReadError {
    /// Short name for messages between machines; stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoCard => "no-card",
            Self::Removed => "removed",
            Self::ReplaceCard => "replace-card",
            Self::Cancelled => "cancelled",
            Self::ReaderGone => "reader-gone",
            Self::Silent => "reader-silent",
            Self::Garbled => "reader-garbled",
            Self::NotLicensed => "not-licensed",
            Self::SelfTest => "self-test",
            Self::Unsupported => "unsupported-card",
            Self::Content => "card-content",
            Self::Protocol(_) => "protocol",
            Self::SocialSecurity => "social-security-card",
            Self::CardSilent => "card-silent",
            Self::Busy => "reader-busy",
            Self::Service => "service-down",
            Self::VirtualReader => "virtual-reader",
        }
    }

    /// What happened, and what to do next, for the clerk.
    pub fn zh(self) -> &'static str {
        match self {
            Self::NoCard => "没有检测到证件。请办事人把身份证平放在读卡器上，再点“读卡”。",
            Self::Removed => "证件在读取完成前被拿开。请重新放好证件并保持不动，再点“读卡”。",
            Self::ReplaceCard => {
                "证件多次读取失败。请拿开手机、卡包等物品，把证件单独放好再试；仍然失败请改用其他核验方式。"
            }
            Self::Cancelled => "读卡已取消。需要时请再点“读卡”。",
            Self::ReaderGone => "读卡器没有连接。请检查读卡器的数据线，插好后会自动恢复。",
            Self::Silent => "读卡器没有响应。请拔下读卡器，等待五秒后重新插上；仍无响应请联系运维人员。",
            Self::Garbled => "读卡器传来的数据有误。请把数据线插紧后再点“读卡”；仍然出现请联系运维人员换线。",
            Self::NotLicensed => "读卡器的安全模块未获授权，不能读取证件。请联系运维人员更换读卡器。",
            Self::SelfTest => "读卡器自检未通过。请拔下读卡器，等待五秒后重新插上；仍不通过请联系运维人员。",
            Self::Unsupported => {
                "这种证件暂不能识别。请改用居民身份证、居住证或永久居留身份证，并把证件类型告知运维人员。"
            }
            Self::Content => "证件已读出，但内容不完整或前后矛盾。请重新读一次；仍然出现请按证件存疑处理。",
            Self::Protocol(_) => "读卡器返回了异常结果。请再试一次；仍然出现请联系运维人员。",
            Self::SocialSecurity => {
                "这是社会保障卡，不能代替身份证核验身份。请办事人出示居民身份证再读卡；没有带的，请改用其他核验方式。"
            }
            Self::CardSilent => {
                "卡片没有应答。请拿走卡片，单独放好后再点“读卡”；仍然没有应答请改用其他核验方式。"
            }
            Self::Busy => {
                "读卡器被其他程序占用，或上一张卡没有应答。请拿走卡片，稍等片刻再点“读卡”；仍不行请联系运维人员。"
            }
            Self::Service => {
                "读卡服务没有运行，恢复后会自动接上。请稍候再点“读卡”；一直不恢复请联系运维人员。"
            }
            Self::VirtualReader => "接入的是模拟读卡器，只能用于演示。请联系运维人员换成真实的读卡器。",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_own_code_and_tells_what_to_do() {
        let all = [
            ReadError::NoCard,
            ReadError::Removed,
            ReadError::ReplaceCard,
            ReadError::Cancelled,
            ReadError::ReaderGone,
            ReadError::Silent,
            ReadError::Garbled,
            ReadError::NotLicensed,
            ReadError::SelfTest,
            ReadError::Unsupported,
            ReadError::Content,
            ReadError::Protocol(Status(0x24)),
            ReadError::SocialSecurity,
            ReadError::CardSilent,
            ReadError::Busy,
            ReadError::Service,
            ReadError::VirtualReader,
        ];
        let codes: std::collections::BTreeSet<_> = all.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), all.len());
        for error in all {
            assert!(error.zh().ends_with('。') && error.zh().contains('请'), "{error}");
        }
    }
}
