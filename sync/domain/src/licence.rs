//! E-licences, as the centre issues them into the hall.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::FieldKey;
use crate::identifier::{HolderId, LicenceId, LicenceKindCode, Uscc};
use crate::person::ApplicantKind;
use crate::time::Date;

/// 证照类型: a kind of licence with the fields that its licences carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceKind {
    /// 证照类型代码.
    pub code: LicenceKindCode,
    /// 证照名称.
    pub name: String,
    /// The department that answers for it.
    pub department: String,
    /// Who holds such licences.
    pub holder: ApplicantKind,
    /// How many hours a status may be old and still count as within its window; 0 when it must be fresh.
    pub window_hours: u32,
    /// 证照信息项, in the order in which they are shown.
    pub fields: Vec<LicenceField>,
}

impl LicenceKind {
    /// The field with this key.
    #[must_use]
    pub fn field(&self, key: &FieldKey) -> Option<&LicenceField> {
        self.fields.iter().find(|field| field.key == *key)
    }
}

/// 证照信息项: one field of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceField {
    /// The key in [`Licence::fields`].
    pub key: FieldKey,
    /// The Chinese label.
    pub label: String,
}

/// 证照状态: the two bits of the status list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceStatus {
    /// 有效.
    Valid = 0,
    /// 注销、撤销、吊销.
    Revoked = 1,
    /// 暂扣.
    Suspended = 2,
    /// 受限使用、变更中.
    Changing = 3,
}

impl LicenceStatus {
    /// The status that two bits stand for; only the low two are looked at.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Valid,
            1 => Self::Revoked,
            2 => Self::Suspended,
            _ => Self::Changing,
        }
    }

    /// The two bits, 0 to 3.
    #[must_use]
    pub fn bits(self) -> u8 {
        self as u8
    }

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Valid => "有效",
            Self::Revoked => "已注销",
            Self::Suspended => "暂扣",
            Self::Changing => "变更中",
        }
    }
}

/// 颁发机构: who issued a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The name as printed.
    pub name: String,
    /// The code that also stands in the identifier.
    pub uscc: Uscc,
}

/// 电子证照: one licence with all its fields. Personal data; `Debug` shows only what it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// 证照标识.
    pub id: LicenceId,
    /// 证照类型代码.
    pub kind: LicenceKindCode,
    /// 证照名称.
    pub name: String,
    /// 持证主体.
    pub holder: HolderId,
    /// 证照编号, as printed.
    pub number: String,
    /// 颁发机构.
    pub issuer: Issuer,
    /// 颁发日期.
    pub issued: Date,
    /// 有效期起始.
    pub valid_from: Date,
    /// 有效期截止, the last valid day; `None` is 长期.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
    /// 版本号, as in the identifier.
    pub version: u16,
    /// 证照信息项 with their values.
    pub fields: BTreeMap<FieldKey, String>,
}

impl Licence {
    /// Whether the last valid day lies before `today`.
    #[must_use]
    pub fn expired(&self, today: Date) -> bool {
        self.valid_until.is_some_and(|until| until < today)
    }
}

impl fmt::Debug for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Licence")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_its_two_bits() {
        for bits in 0..4 {
            assert_eq!(LicenceStatus::from_bits(bits).bits(), bits);
        }
        assert_eq!(LicenceStatus::from_bits(0b101), LicenceStatus::Revoked);
    }
}
