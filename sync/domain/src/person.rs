//! What forms and cards say about a natural person.

use serde::{Deserialize, Serialize};

/// 申请人主体: who applies, a person or an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicantKind {
    /// 个人.
    Person,
    /// 法人.
    Organisation,
}

impl ApplicantKind {
    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Person => "个人",
            Self::Organisation => "法人",
        }
    }
}

/// 性别, by the codes of GB/T 2261.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// 未知 (0).
    Unknown,
    /// 男 (1).
    Male,
    /// 女 (2).
    Female,
    /// 未说明 (9).
    NotStated,
}

impl Sex {
    /// Reads the code of a card; an unknown code is [`Sex::Unknown`].
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "1" => Self::Male,
            "2" => Self::Female,
            "9" => Self::NotStated,
            _ => Self::Unknown,
        }
    }

    /// The code of GB/T 2261.1.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "0",
            Self::Male => "1",
            Self::Female => "2",
            Self::NotStated => "9",
        }
    }

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Unknown => "未知",
            Self::Male => "男",
            Self::Female => "女",
            Self::NotStated => "未说明",
        }
    }
}

/// 民族: the name that belongs to a code of GB/T 3304, without 族; `None` for a code that the table lacks,
/// which is then shown as it is. 81, 97 and 98 are in use on cards beside the standard.
#[must_use]
pub fn nation_name(code: &str) -> Option<&'static str> {
    const NATIONS: [&str; 56] = [
        "汉",
        "蒙古",
        "回",
        "藏",
        "维吾尔",
        "苗",
        "彝",
        "壮",
        "布依",
        "朝鲜",
        "满",
        "侗",
        "瑶",
        "白",
        "土家",
        "哈尼",
        "哈萨克",
        "傣",
        "黎",
        "傈僳",
        "佤",
        "畲",
        "高山",
        "拉祜",
        "水",
        "东乡",
        "纳西",
        "景颇",
        "柯尔克孜",
        "土",
        "达斡尔",
        "仫佬",
        "羌",
        "布朗",
        "撒拉",
        "毛南",
        "仡佬",
        "锡伯",
        "阿昌",
        "普米",
        "塔吉克",
        "怒",
        "乌孜别克",
        "俄罗斯",
        "鄂温克",
        "德昂",
        "保安",
        "裕固",
        "京",
        "塔塔尔",
        "独龙",
        "鄂伦春",
        "赫哲",
        "门巴",
        "珞巴",
        "基诺",
    ];
    if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match code.parse::<usize>().ok()? {
        81 => Some("穿青人"),
        97 => Some("其他"),
        98 => Some("外国血统中国籍人士"),
        number => NATIONS.get(number.checked_sub(1)?).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nation_codes_follow_the_standard() {
        for (code, name) in
            [("01", "汉"), ("08", "壮"), ("22", "畲"), ("46", "德昂"), ("56", "基诺"), ("97", "其他")]
        {
            assert_eq!(nation_name(code), Some(name));
        }
        for unknown in ["00", "57", "99", "1", "x1", "001", "+1"] {
            assert_eq!(nation_name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn sex_codes_round_trip() {
        for sex in [Sex::Unknown, Sex::Male, Sex::Female, Sex::NotStated] {
            assert_eq!(Sex::from_code(sex.code()), sex);
        }
        assert_eq!(Sex::from_code(" "), Sex::Unknown);
    }
}
