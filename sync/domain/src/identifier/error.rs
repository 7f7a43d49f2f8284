//! Why a number was not taken: English for the developer, one Chinese sentence for the person at the desk.
//!
//! No error repeats the number itself, so any of them may be logged.

use std::fmt;

/// 号码种类: which number was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 公民身份号码.
    Resident,
    /// 15 位旧身份证号码.
    FormerResident,
    /// 港澳台居民居住证号码.
    ResidencePermit,
    /// 外国人永久居留身份证号码.
    ForeignResident,
    /// 护照号码.
    Passport,
    /// 港澳居民来往内地通行证号码.
    HkMoPermit,
    /// 台湾居民来往大陆通行证号码.
    TaiwanPermit,
    /// 统一社会信用代码.
    Uscc,
    /// 组织机构代码.
    OrganisationCode,
    /// 证照标识.
    LicenceId,
    /// 证照类型代码.
    LicenceKind,
    /// 事项实施编码.
    Item,
    /// 手机号码.
    Mobile,
    /// 持证主体代码.
    Holder,
}

impl Kind {
    /// The Chinese name, as forms print it.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Resident => "公民身份号码",
            Self::FormerResident => "15 位旧身份证号码",
            Self::ResidencePermit => "港澳台居民居住证号码",
            Self::ForeignResident => "外国人永久居留身份证号码",
            Self::Passport => "护照号码",
            Self::HkMoPermit => "港澳居民来往内地通行证号码",
            Self::TaiwanPermit => "台湾居民来往大陆通行证号码",
            Self::Uscc => "统一社会信用代码",
            Self::OrganisationCode => "组织机构代码",
            Self::LicenceId => "证照标识",
            Self::LicenceKind => "证照类型代码",
            Self::Item => "事项实施编码",
            Self::Mobile => "手机号码",
            Self::Holder => "持证主体代码",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resident => "resident number",
            Self::FormerResident => "former resident number",
            Self::ResidencePermit => "residence permit number",
            Self::ForeignResident => "foreign permanent resident number",
            Self::Passport => "passport number",
            Self::HkMoPermit => "Hong Kong and Macao travel permit number",
            Self::TaiwanPermit => "Taiwan travel permit number",
            Self::Uscc => "unified social credit code",
            Self::OrganisationCode => "organisation code",
            Self::LicenceId => "licence identifier",
            Self::LicenceKind => "licence kind code",
            Self::Item => "item code",
            Self::Mobile => "mobile number",
            Self::Holder => "holder key",
        })
    }
}

/// 号码错误: why a number was refused. Asking again with the same text never helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Nothing was given.
    #[error("{what} is empty")]
    Empty {
        /// The number in question.
        what: Kind,
    },
    /// Too short or too long.
    #[error("{what} has {found} characters, not {expected}")]
    Length {
        /// The number in question.
        what: Kind,
        /// Characters found.
        found: usize,
        /// Lengths that are right, as text.
        expected: &'static str,
    },
    /// A character that this number never holds, counted from 1.
    #[error("{what} holds {found:?} at position {position}, which is never used there")]
    Character {
        /// The number in question.
        what: Kind,
        /// Position of the character, from 1.
        position: usize,
        /// The character.
        found: char,
    },
    /// The last letter is a lower-case x.
    #[error("{what} ends in a lower-case x")]
    LowerCaseX {
        /// The number in question.
        what: Kind,
    },
    /// The number has 15 digits, the form issued before 1999.
    #[error("{what} has the 15 digits issued before 1999")]
    FifteenDigits {
        /// The number in question.
        what: Kind,
    },
    /// The first characters name no place or authority that issues it.
    #[error("{what} begins with characters that no authority uses")]
    Prefix {
        /// The number in question.
        what: Kind,
    },
    /// The birth date inside does not exist.
    #[error("{what} holds a birth date that does not exist")]
    BirthDate {
        /// The number in question.
        what: Kind,
    },
    /// The birth date inside lies after today.
    #[error("{what} holds a birth date in the future")]
    BirthInFuture {
        /// The number in question.
        what: Kind,
    },
    /// The check character disagrees: one character was misread or mistyped.
    #[error("{what} has a wrong check character")]
    CheckCharacter {
        /// The number in question.
        what: Kind,
    },
    /// The text has none of the forms of this document.
    #[error("{what} has none of the forms of this document")]
    Form {
        /// The number in question.
        what: Kind,
        /// The forms that are right, in Chinese.
        expected: &'static str,
    },
    /// It is the number of another document, which is chosen elsewhere.
    #[error("{what} expected, but this is a {found}")]
    OtherDocument {
        /// The number in question.
        what: Kind,
        /// The document that it is.
        found: Kind,
    },
    /// 往来港澳通行证, which mainland residents carry: the opposite of the permit that is asked for.
    #[error("this is the permit of a mainland resident to Hong Kong and Macao, not the reverse")]
    OppositePermit,
    /// A landline where a mobile number is needed.
    #[error("mobile number expected, but this is a landline")]
    Landline,
}

impl IdentifierError {
    /// One Chinese sentence for the desk: what is wrong and what to do.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Empty { what } => format!("请填写{}。", what.zh()),
            Self::Length { what, found, expected } => {
                format!("{}应为{expected}位，现为{found}位，请核对是否漏填或多填。", what.zh())
            }
            Self::Character { what: Kind::Uscc, position, found } => format!(
                "统一社会信用代码第{position}位的“{found}”不会出现（不使用字母I、O、S、V、Z），请对照营业执照核对，常见的是把数字1、0、5、2看成了字母。"
            ),
            Self::Character { what, position, found } => {
                format!("{}第{position}位不应为“{found}”，请对照证件改正。", what.zh())
            }
            Self::LowerCaseX { what } => format!("{}末位的字母X应为大写，请改为大写X。", what.zh()),
            Self::FifteenDigits { what } => {
                format!("{}为15位旧号码，请改填18位号码；备案仍为15位的，请先到登记机关变更。", what.zh())
            }
            Self::Prefix { what: Kind::Uscc } => {
                "统一社会信用代码前两位不是任何登记管理部门的代码，请对照营业执照或登记证书核对。".to_owned()
            }
            Self::Prefix { what } => format!("{}开头的地区代码不存在，请对照证件核对。", what.zh()),
            Self::BirthDate { what } => format!("{}中的出生日期不存在，请对照证件核对第7至14位。", what.zh()),
            Self::BirthInFuture { what } => format!("{}中的出生日期晚于今天，请对照证件核对。", what.zh()),
            Self::CheckCharacter { what } => {
                format!("{}校验位不符，很可能有一位填错，请逐位核对。", what.zh())
            }
            Self::Form { what, expected } => {
                format!("{}格式不对，应为{expected}，请对照证件核对。", what.zh())
            }
            Self::OtherDocument { what: Kind::Uscc, .. } => {
                "这是公民身份号码，请填写营业执照或登记证书上的统一社会信用代码。".to_owned()
            }
            Self::OtherDocument { found, .. } => {
                format!("这是{}，请把证件类型改为对应的证件后再填。", found.zh())
            }
            Self::OppositePermit => {
                "这是内地居民前往港澳用的往来港澳通行证，请出示港澳居民来往内地通行证（回乡证）。".to_owned()
            }
            Self::Landline => {
                "这是座机号码，请改填11位手机号码；备案为座机的，请先到登记机关变更。".to_owned()
            }
        }
    }
}
