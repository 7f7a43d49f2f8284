//! 免证清单: one row for each material, and what stands behind it.

use super::OfficeForm;
use crate::web::pages::frame::Tone;

/// 清单.
#[derive(Debug, Clone)]
pub struct ListStep {
    /// One row for each material of the item.
    pub rows: Vec<MaterialRow>,
    /// Whether it may be asked for again (the line is up).
    pub can_refresh: bool,
    /// Whether a principal has to be asked, not the person at the window.
    pub by_principal: bool,
    /// Why nothing can be pushed, ready sentence.
    pub push_blocked: Option<String>,
    /// How many licences the citizen will be asked for.
    pub asked: u32,
    /// 曾用证件号下的证照, which stand for nothing until the clerk has confirmed them.
    pub aliased: Vec<AliasRow>,
    /// 依职能查验, where the item has a legal basis for it.
    pub office: Option<OfficeForm>,
    /// How many licences the hall lacks that the citizen's phone could show.
    pub to_show: u32,
    /// 等待手机出示: the code for it stands on the evaluator.
    pub showing: Option<Showing>,
    /// 未采用: what came from the phone over the line was not taken; why, and the number to quote.
    pub not_taken: Option<(String, String)>,
}

/// 等待手机出示证照.
#[derive(Debug, Clone)]
pub struct Showing {
    /// Whether the phone's answer has to be scanned; otherwise the line brings it.
    pub scan: bool,
    /// Milliseconds left.
    pub left_ms: u64,
    /// Milliseconds in all.
    pub total_ms: u64,
}

impl ListStep {
    /// How many materials need no paper.
    pub fn waived(&self) -> usize {
        self.rows.iter().filter(|row| row.how == How::Waived).count()
    }
}

/// 材料: one row.
#[derive(Debug, Clone)]
pub struct MaterialRow {
    /// Identifier of the material, "m1".
    pub id: String,
    /// Name.
    pub name: String,
    /// Whether the case cannot be accepted without it.
    pub required: bool,
    /// How it is provided.
    pub how: How,
    /// The licence that stands for it.
    pub licence: Option<LicenceCell>,
    /// Why it is not 免提交, or a condition on it; ready sentence, may be empty.
    pub reason: String,
    /// What the citizen decided.
    pub decision: Decision,
    /// Whether the licence was opened for this case and can be looked at.
    pub opened: bool,
}

/// 提供方式: how a material is provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// 免提交.
    Waived,
    /// 需原件.
    Original,
    /// 已收材料: on paper, scanned or sighted.
    Brought,
    /// 容缺: may follow later.
    Following,
    /// 非必需.
    Optional,
}

impl How {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Waived => "免提交",
            Self::Original => "需原件",
            Self::Brought => "已收材料",
            Self::Following => "容缺",
            Self::Optional => "非必需",
        }
    }

    /// Its tone.
    pub fn tone(self) -> Tone {
        match self {
            Self::Waived | Self::Brought => Tone::Good,
            Self::Original | Self::Optional => Tone::Plain,
            Self::Following => Tone::Old,
        }
    }
}

/// 电子证照 of a row.
#[derive(Debug, Clone)]
pub struct LicenceCell {
    /// Kind, such as 居民身份证.
    pub kind: String,
    /// 证照编号, masked.
    pub number: String,
    /// 持证主体, masked.
    pub holder: String,
    /// Under which earlier identifier it was issued, ready words; empty for the present one.
    pub under: String,
    /// Status.
    pub status: LicenceState,
    /// What is known and how fresh it is.
    pub checked: Checked,
}

/// 曾用证件号下的证照: one candidate.
#[derive(Debug, Clone)]
pub struct AliasRow {
    /// 关联标识, which tells nobody.
    pub alias: String,
    /// Name of the material that it could stand for.
    pub material: String,
    /// The earlier number, masked unless numbers are open here.
    pub number: String,
    /// Of which kind that is, such as 旧护照号码.
    pub kind: String,
    /// Which authority says that it was the person's.
    pub source: String,
    /// Since which day the authority says so.
    pub since: String,
    /// The licence.
    pub licence: LicenceCell,
    /// When the clerk confirmed that it is the same person, "15:36".
    pub confirmed: Option<String>,
}

impl AliasRow {
    /// The tone of a confirmed one.
    pub fn tone(&self) -> Tone {
        Tone::Good
    }
}

/// 证照状态.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenceState {
    /// 有效.
    Valid,
    /// 已过有效期.
    Expired,
    /// 已吊销或注销.
    Revoked,
    /// 已暂停.
    Suspended,
    /// 变更中.
    Changing,
}

impl LicenceState {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Valid => "有效",
            Self::Expired => "已过期",
            Self::Revoked => "已注销",
            Self::Suspended => "已暂停",
            Self::Changing => "变更中",
        }
    }

    /// Its tone.
    pub fn tone(self) -> Tone {
        match self {
            Self::Valid => Tone::Good,
            Self::Expired | Self::Changing => Tone::Old,
            Self::Revoked | Self::Suspended => Tone::Harm,
        }
    }
}

/// 核验: a verification is a statement, never a bare yes.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Seconds since it was established.
    pub age_s: u64,
    /// Whether that is older than the freshness window of the item and licence kind.
    pub stale: bool,
    /// What that age means: within which 时限, or past it; ready words.
    pub limit: String,
    /// Where from.
    pub source: Source,
    /// 证照等级, such as "L3".
    pub grade: String,
    /// 核验说明: what was established and what was not; the grade in words where there is none.
    pub grade_words: String,
}

/// 来源: where a licence was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// 省级中心.
    Centre,
    /// 本机缓存.
    Cache,
    /// 手机出示: from the centre, over the citizen's phone.
    Phone,
}

impl Source {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Centre => "省级中心",
            Self::Cache => "本机缓存",
            Self::Phone => "手机出示",
        }
    }
}

/// 办事人意见: what the citizen decided about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is asked for in this row.
    NotAsked,
    /// 待授权.
    Pending,
    /// 同意.
    Agreed,
    /// 不同意.
    Refused,
    /// 已撤回: agreed to, and taken back.
    Withdrawn,
    /// 依职能查验: the citizen was told, not asked.
    Office,
}

impl Decision {
    /// The word shown; empty when nothing is asked for.
    pub fn zh(self) -> &'static str {
        match self {
            Self::NotAsked => "",
            Self::Pending => "待授权",
            Self::Agreed => "已同意",
            Self::Refused => "不同意",
            Self::Withdrawn => "已撤回",
            Self::Office => "依职能",
        }
    }

    /// Its tone.
    pub fn tone(self) -> Tone {
        match self {
            Self::NotAsked => Tone::Plain,
            Self::Pending => Tone::Busy,
            Self::Agreed => Tone::Good,
            Self::Refused | Self::Withdrawn | Self::Office => Tone::Old,
        }
    }
}
