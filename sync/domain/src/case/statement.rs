//! 核验说明: what a verification established, by whose word, how fresh that is, and what it did not establish. There is
//! no bare yes.

use super::Mode;
use crate::{Date, LicenceStatus, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// 核验说明 of one licence at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// When it was made; every age in it is counted from then.
    pub at: Timestamp,
    /// What was established.
    pub established: BTreeSet<Established>,
    /// What was not.
    pub open: BTreeSet<Open>,
    /// By whose word: the name of the centre's key that signed, hexadecimal.
    pub by: String,
    /// 在线 or 离线.
    pub mode: Mode,
    /// 证照状态, as far as known.
    pub status: LicenceStatus,
    /// When that was known to be true.
    pub status_at: Timestamp,
    /// Who said so.
    pub status_from: StatusSource,
    /// When the status list that was looked at was made; none if there was none, or it had expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_at: Option<Timestamp>,
    /// 时限: how many hours such a status counts as fresh; 0 when only an answer of the centre does.
    pub window_hours: u32,
    /// The first day of validity, when that is still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
}

/// Something that a verification establishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Established {
    /// The centre signed the envelope.
    Signature,
    /// It was signed for this holder.
    Holder,
    /// It was signed for this hall.
    Hall,
    /// It was signed in answer to this case's own request.
    Case,
    /// The day lies within 有效期.
    Dates,
    /// The status is within its 时限.
    Status,
    /// Every value that was opened is the one that the centre signed.
    Values,
}

/// Something that a verification leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Open {
    /// 有效期: the day lies outside.
    Dates,
    /// 状态: older than its 时限.
    Status,
    /// The envelope is past the day until which a cache may use it.
    Cached,
    /// The content: nothing was opened yet.
    Values,
    /// 印章: the issuer's seal on the licence file.
    Seal,
}

/// Who said what the status is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusSource {
    /// The centre, asked just now.
    Centre,
    /// 状态列表.
    List,
    /// A change that the centre sent.
    Feed,
    /// 新鲜度凭证: the centre signed that it has sent every change until then, and they are applied.
    Token,
    /// Nobody since the envelope was made.
    Envelope,
    /// 手机出示: the centre, in an answer that the citizen's phone carried here.
    Phone,
}

impl Established {
    fn zh(self) -> &'static str {
        match self {
            Self::Signature => "中心签名有效",
            Self::Holder => "持证主体相符",
            Self::Hall => "本厅可用",
            Self::Case => "为本次办件签发",
            Self::Dates => "在有效期内",
            // Said with its age.
            Self::Status => "",
            Self::Values => "所用内容与签名一致",
        }
    }
}

impl Open {
    fn zh(self) -> &'static str {
        match self {
            Self::Dates => "有效期（不在有效期内）",
            Self::Status => "当前状态（超过时限）",
            Self::Cached => "缓存期限（已过期，须联网重新获取）",
            Self::Values => "证照内容（尚未打开）",
            Self::Seal => "印章",
        }
    }
}

impl StatusSource {
    fn zh(self) -> &'static str {
        match self {
            Self::Centre => "省级中心",
            Self::List => "状态列表",
            Self::Feed => "中心下发的变更",
            Self::Token => "中心新鲜度凭证",
            Self::Envelope => "签发时的信息",
            Self::Phone => "省级中心（经办事人手机出示）",
        }
    }
}

impl Statement {
    /// What a person reads, for example `中心签名有效；状态“有效”于10分钟前由状态列表核验（时限24小时）；未核验：印章。`
    #[must_use]
    pub fn zh(&self) -> String {
        let mut text = String::new();
        for established in self.established.iter().map(|what| what.zh()).filter(|words| !words.is_empty()) {
            text.push_str(established);
            text.push('；');
        }
        let limit = match self.window_hours {
            0 => "须在线核验".to_owned(),
            hours => format!("时限{hours}小时"),
        };
        // Writing into a text does not fail.
        let _ = write!(
            text,
            "状态“{}”于{}由{}核验（{limit}）",
            self.status.zh(),
            ago(self.at, self.status_at),
            self.status_from.zh()
        );
        // What a phone carried is the centre's own word; no list was needed for it.
        if self.mode == Mode::Offline && self.status_from != StatusSource::Phone {
            match self.list_at {
                Some(list) => {
                    let _ = write!(text, "；状态列表：{}", ago(self.at, list));
                }
                None => text.push_str("；没有可用的状态列表"),
            }
        }
        if let Some(day) = self.valid_from {
            let _ = write!(text, "；自{day}起有效");
        }
        let open: Vec<&str> = self.open.iter().map(|what| what.zh()).collect();
        if !open.is_empty() {
            let _ = write!(text, "；未核验：{}", open.join("、"));
        }
        text.push('。');
        text
    }

    /// Whether the licence is valid only from a later day than `today`.
    #[must_use]
    pub fn not_yet(&self, today: Date) -> bool {
        self.valid_from.is_some_and(|first| today < first)
    }
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.ms_since(then) / 60_000;
    match minutes {
        ..1 => "刚刚".to_owned(),
        1..120 => format!("{minutes}分钟前"),
        120..2_880 => format!("{}小时前", minutes / 60),
        _ => format!("{}天前", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn statement() -> Statement {
        Statement {
            at: NOW,
            established: BTreeSet::from([Established::Signature, Established::Holder, Established::Status]),
            open: BTreeSet::from([Open::Seal]),
            by: "0011223344556677".to_owned(),
            mode: Mode::Offline,
            status: LicenceStatus::Valid,
            status_at: NOW.plus_ms(-10 * 60_000),
            status_from: StatusSource::List,
            list_at: Some(NOW.plus_ms(-10 * 60_000)),
            window_hours: 24,
            valid_from: None,
        }
    }

    #[test]
    fn a_statement_says_what_holds_how_old_that_is_and_what_nobody_looked_at() {
        assert_eq!(
            statement().zh(),
            "中心签名有效；持证主体相符；状态“有效”于10分钟前由状态列表核验（时限24小时）；状态列表：10分钟前；未核验：印章。"
        );
        let stale = Statement {
            established: BTreeSet::from([Established::Signature]),
            open: BTreeSet::from([Open::Status, Open::Cached, Open::Seal]),
            status_at: NOW.plus_hours(-72),
            status_from: StatusSource::Envelope,
            list_at: None,
            window_hours: 0,
            ..statement()
        };
        assert_eq!(
            stale.zh(),
            "中心签名有效；状态“有效”于3天前由签发时的信息核验（须在线核验）；没有可用的状态列表；\
             未核验：当前状态（超过时限）、缓存期限（已过期，须联网重新获取）、印章。"
        );
    }

    #[test]
    fn a_statement_is_kept_as_it_was_made() {
        let json = serde_json::to_string(&statement()).unwrap();
        assert_eq!(serde_json::from_str::<Statement>(&json).unwrap(), statement());
    }
}
