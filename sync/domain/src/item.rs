//! Service items: what is applied for, with which materials and on which form.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{FieldError, FieldKey};
use crate::identifier::mobile::is_landline;
use crate::identifier::{ItemCode, LicenceKindCode, MobileNumber, text_form};
use crate::person::ApplicantKind;
use crate::time::Date;

/// 事项风险等级: what may happen to a case of this item while the line is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    /// 收件: no legal effect, anything may be taken in.
    T0,
    /// 低: reversible, no third party, no sensitive output.
    T1,
    /// 中: permits decided later, changes that are reviewed.
    T2,
    /// 高: results at the counter with third-party rights, status or money.
    T3,
}

impl Tier {
    /// All tiers, lowest first.
    pub const ALL: [Self; 4] = [Self::T0, Self::T1, Self::T2, Self::T3];

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::T0 => "预约收件",
            Self::T1 => "低风险",
            Self::T2 => "中风险",
            Self::T3 => "高风险",
        }
    }
}

/// 办理时限: when the applicant hears the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// 即办件: at the counter.
    Immediate,
    /// 承诺件: within so many working days.
    Committed {
        /// Working days.
        days: u16,
    },
}

impl Promise {
    /// `即办件` or `承诺件，5个工作日`.
    #[must_use]
    pub fn zh(self) -> String {
        match self {
            Self::Immediate => "即办件".to_owned(),
            Self::Committed { days } => format!("承诺件，{days}个工作日"),
        }
    }
}

/// 政务服务事项: what can be applied for at a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceItem {
    /// 实施编码.
    pub code: ItemCode,
    /// 事项名称.
    pub name: String,
    /// 实施主体.
    pub department: String,
    /// Raised with every change of materials or form.
    pub version: u32,
    /// Who may apply.
    pub applicants: BTreeSet<ApplicantKind>,
    /// 风险等级.
    pub tier: Tier,
    /// 办理时限.
    pub promise: Promise,
    /// Whether the province has allowed this item of tier 2 to be taken while the line is down.
    #[serde(default)]
    pub offline_t2: bool,
    /// 依职能查验的法定依据: on which legal bases licences may be looked up without consent; usually none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub office_bases: Vec<String>,
    /// 告知承诺 text, where the item can be handled on the applicant's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<String>,
    /// 申请材料.
    pub materials: Vec<Material>,
    /// 申请表.
    pub form: Vec<FormField>,
}

impl ServiceItem {
    /// The material with this id.
    #[must_use]
    pub fn material(&self, id: &MaterialId) -> Option<&Material> {
        self.materials.iter().find(|material| material.id == *id)
    }

    /// The form field with this key.
    #[must_use]
    pub fn field(&self, key: &FieldKey) -> Option<&FormField> {
        self.form.iter().find(|field| field.key == *key)
    }

    /// 免证材料: the materials that a licence can stand for, with the kind of that licence.
    pub fn licence_materials(&self) -> impl Iterator<Item = (&Material, &LicenceKindCode)> {
        self.materials.iter().filter_map(|m| m.replaced_by.as_ref().map(|kind| (m, kind)))
    }
}

/// 材料编号: the id of a material within its item, such as `m1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MaterialId(String);

text_form!(MaterialId, MaterialIdError);

/// A text that cannot be a material id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a material id is m and one to three digits")]
pub struct MaterialIdError;

impl FromStr for MaterialId {
    type Err = MaterialIdError;

    fn from_str(text: &str) -> Result<Self, MaterialIdError> {
        let digits = text.strip_prefix('m').ok_or(MaterialIdError)?;
        if !(1..=3).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(MaterialIdError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// 申请材料: one paper that an item asks for, and the licence that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Id within the item.
    pub id: MaterialId,
    /// 材料名称.
    pub name: String,
    /// 必要 or 非必要.
    pub required: bool,
    /// The licence that makes the paper unnecessary; `None` when it must be scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<LicenceKindCode>,
    /// Whose licence it is.
    #[serde(default)]
    pub holder: MaterialHolder,
    /// The fields of the licence that the item is registered to open, and no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldKey>,
}

/// 材料主体: whose licence a material is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaterialHolder {
    /// 申请人.
    #[default]
    Applicant,
    /// 法定代表人 of the applying organisation.
    LegalRepresentative,
}

impl MaterialHolder {
    fn is_applicant(&self) -> bool {
        *self == Self::Applicant
    }
}

/// 表单项: one field of the application form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// The key in the case's form values.
    pub key: FieldKey,
    /// The Chinese label.
    pub label: String,
    /// What may be entered.
    pub kind: FieldKind,
    /// Whether it must be filled before the case is submitted.
    pub required: bool,
    /// Where it is filled from, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<FieldSource>,
    /// A sentence under the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// 表单项类型: what a form field takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line, at most 200 characters.
    Text,
    /// Several lines, at most 2000 characters.
    LongText,
    /// `YYYY-MM-DD`.
    Date,
    /// A mobile number, or a landline with area code.
    Phone,
    /// A decimal number, at most 15 digits and 4 decimals.
    Number,
    /// One of these.
    Choice(Vec<String>),
}

/// 数据来源: where the value of a form field comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum FieldSource {
    /// 身份证件 that was read.
    Card {
        /// Which part of the card.
        field: CardField,
        /// Whose card: of whoever applies, or of the legal representative alone.
        #[serde(default, skip_serializing_if = "MaterialHolder::is_applicant")]
        of: MaterialHolder,
    },
    /// 电子证照.
    Licence {
        /// Of this kind.
        kind: LicenceKindCode,
        /// Which field of the licence.
        field: FieldKey,
    },
    /// 主题库: the register entry of the organisation; one of [`FieldSource::REGISTRY_KEYS`].
    Registry {
        /// Which field of the entry.
        field: FieldKey,
    },
}

impl FieldSource {
    /// The fields that a register entry offers.
    pub const REGISTRY_KEYS: [&str; 6] =
        ["name", "uscc", "address", "legal_representative", "phone", "registered"];
}

/// 证件信息项: the parts of a card that can fill a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardField {
    /// 姓名.
    Name,
    /// 性别.
    Sex,
    /// 民族.
    Nation,
    /// 出生日期.
    Birth,
    /// 住址.
    Address,
    /// 证件号码.
    Number,
    /// 签发机关.
    Authority,
    /// 有效期限.
    Validity,
}

impl CardField {
    /// The value on a card, as a form writes it; `None` when this card does not hold it.
    #[must_use]
    pub fn value(self, card: &crate::card::IdentityCard) -> Option<String> {
        match self {
            Self::Name => Some(card.name.clone()),
            Self::Sex => Some(card.sex.zh().to_owned()),
            Self::Nation => card.nation_zh(),
            Self::Birth => Some(card.birth.to_string()),
            Self::Address => card.address.clone(),
            Self::Number => Some(card.document.number().to_owned()),
            Self::Authority => card.authority.clone(),
            Self::Validity => Some(card.validity_zh()),
        }
    }
}

impl FormField {
    /// Checks one value as typed. An empty value is right for a field that is not required.
    ///
    /// # Errors
    /// One Chinese sentence that names the field.
    pub fn check(&self, value: &str) -> Result<(), FieldError> {
        let label = &self.label;
        let refuse = |why: String| Err(FieldError::new(why));
        if value.trim().is_empty() {
            return if self.required { refuse(format!("请填写“{label}”。")) } else { Ok(()) };
        }
        let lines = self.kind == FieldKind::LongText;
        if value.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'))) {
            return refuse(format!("“{label}”中有看不见的控制字符，请重新填写。"));
        }
        let long = |most: usize| value.chars().count() > most;
        match &self.kind {
            FieldKind::Text if long(200) => refuse(format!("“{label}”超过200个字，请精简。")),
            FieldKind::LongText if long(2000) => {
                refuse(format!("“{label}”超过2000个字，请精简或作为附件上传。"))
            }
            FieldKind::Date if value.parse::<Date>().is_err() => {
                refuse(format!("“{label}”不是有效日期，请按“2026-01-31”的格式填写。"))
            }
            FieldKind::Phone if value.parse::<MobileNumber>().is_err() && !is_landline(value) => {
                refuse(format!("“{label}”不是有效的电话，请填写11位手机号码，或带区号的座机。"))
            }
            FieldKind::Number if !is_decimal(value) => {
                refuse(format!("“{label}”应为数字，最多四位小数，不要带单位和逗号。"))
            }
            FieldKind::Choice(options) if !options.iter().any(|option| option == value) => {
                refuse(format!("“{label}”请从列出的选项中选择。"))
            }
            _ => Ok(()),
        }
    }
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    (1..=15).contains(&whole.len())
        && digits(whole)
        && fraction.is_none_or(|f| (1..=4).contains(&f.len()) && digits(f))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldKind, required: bool) -> FormField {
        FormField {
            key: "x".parse().unwrap(),
            label: "联系电话".into(),
            kind,
            required,
            sources: Vec::new(),
            hint: None,
        }
    }

    #[test]
    fn values_are_checked_by_the_kind_of_their_field() {
        let choice = FieldKind::Choice(vec!["是".into(), "否".into()]);
        let cases: [(FieldKind, &[&str], &[&str]); 6] = [
            (FieldKind::Text, &["王芳", "𬱖"], &["a\u{0}b", "两\n行"]),
            (FieldKind::LongText, &["两\n行"], &["a\u{7}"]),
            (FieldKind::Date, &["2024-02-29"], &["2023-02-29", "2024/02/29"]),
            (
                FieldKind::Phone,
                &["18000000001", "028-12345678", "02812345678"],
                &["12345", "12000000001", "1800000000a"],
            ),
            (FieldKind::Number, &["0", "-1.5", "12.3456"], &["1,000", "1.", "12.34567", "１", "3个", "--1"]),
            (choice, &["是"], &["不", "是 "]),
        ];
        for (kind, right, wrong) in cases {
            let field = field(kind, true);
            for value in right {
                assert_eq!(field.check(value), Ok(()), "{value:?}");
            }
            for value in wrong {
                let error = field.check(value).unwrap_err();
                assert!(error.zh().contains("联系电话") && !error.zh().contains(value), "{value:?}");
            }
        }
        assert!(field(FieldKind::Text, true).check(&"长".repeat(201)).is_err());
    }

    #[test]
    fn only_a_required_field_must_be_filled() {
        assert_eq!(field(FieldKind::Date, false).check("  "), Ok(()));
        assert!(field(FieldKind::Date, true).check("").is_err());
    }
}
