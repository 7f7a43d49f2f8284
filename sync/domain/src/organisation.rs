//! Organisations as the register of legal entities knows them.

use serde::{Deserialize, Serialize};

use crate::identifier::{IdentityDocument, Uscc};
use crate::time::Date;

/// 机构类别: what an organisation is, as the first two characters of its code tell (GB 32100).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationKind {
    /// 机关 (11).
    GovernmentOrgan,
    /// 事业单位 (12).
    PublicInstitution,
    /// 编办直接管理机构编制的群众团体 (13).
    MassOrganisation,
    /// 律师执业机构 (31).
    LawFirm,
    /// 公证、司法鉴定、仲裁等司法行政机构 (32–35, 39).
    LegalService,
    /// 社会团体 (51).
    SocialOrganisation,
    /// 民办非企业单位 (52).
    PrivateNonEnterprise,
    /// 基金会 (53).
    Foundation,
    /// 宗教活动场所、宗教院校 (71, 72, 79).
    Religious,
    /// 工会 (81, 89).
    TradeUnion,
    /// 企业 (91).
    Enterprise,
    /// 个体工商户 (92).
    IndividualBusiness,
    /// 农民专业合作社 (93).
    FarmersCooperative,
    /// 农村集体经济组织 (N1–N3, N9).
    RuralCollective,
    /// Other pairs of the standard: 19, 21, 29, 41, 49, 59, 61, 62, 69, A1, A9, Y1.
    Other,
}

impl OrganisationKind {
    /// The kind for the first two characters of a code; `None` for a pair that the standard does not have.
    #[must_use]
    pub fn of_pair(pair: &str) -> Option<Self> {
        Some(match pair {
            "11" => Self::GovernmentOrgan,
            "12" => Self::PublicInstitution,
            "13" => Self::MassOrganisation,
            "31" => Self::LawFirm,
            "32" | "33" | "34" | "35" | "39" => Self::LegalService,
            "51" => Self::SocialOrganisation,
            "52" => Self::PrivateNonEnterprise,
            "53" => Self::Foundation,
            "71" | "72" | "79" => Self::Religious,
            "81" | "89" => Self::TradeUnion,
            "91" => Self::Enterprise,
            "92" => Self::IndividualBusiness,
            "93" => Self::FarmersCooperative,
            "N1" | "N2" | "N3" | "N9" => Self::RuralCollective,
            "19" | "21" | "29" | "41" | "49" | "59" | "61" | "62" | "69" | "A1" | "A9" | "Y1" => Self::Other,
            _ => return None,
        })
    }

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::GovernmentOrgan => "机关",
            Self::PublicInstitution => "事业单位",
            Self::MassOrganisation => "群众团体",
            Self::LawFirm => "律师执业机构",
            Self::LegalService => "司法行政机构",
            Self::SocialOrganisation => "社会团体",
            Self::PrivateNonEnterprise => "民办非企业单位",
            Self::Foundation => "基金会",
            Self::Religious => "宗教活动场所",
            Self::TradeUnion => "工会",
            Self::Enterprise => "企业",
            Self::IndividualBusiness => "个体工商户",
            Self::FarmersCooperative => "农民专业合作社",
            Self::RuralCollective => "农村集体经济组织",
            Self::Other => "其他组织",
        }
    }
}

/// 法人和其他组织: one entry of the register of organisations (法人库).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// 统一社会信用代码.
    pub uscc: Uscc,
    /// 名称, as registered.
    pub name: String,
    /// 机构类别.
    pub kind: OrganisationKind,
    /// 法定代表人 (负责人, 经营者).
    pub legal_representative: LegalRepresentative,
    /// 住所.
    pub address: String,
    /// 成立日期.
    pub registered: Date,
    /// 备案号码.
    pub phone: String,
}

/// 法定代表人: the person who acts for an organisation by law. `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalRepresentative {
    /// Name as registered.
    pub name: String,
    /// Document as registered.
    pub document: IdentityDocument,
}

impl std::fmt::Debug for LegalRepresentative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = crate::masking::mask_name(&self.name);
        f.debug_struct("LegalRepresentative").field("name", &name).field("document", &self.document).finish()
    }
}

impl Organisation {
    /// Whether the person with this document and name is the registered legal representative.
    ///
    /// The document decides; the name must agree as well, so that a misread or recycled number opens nothing.
    #[must_use]
    pub fn is_represented_by(&self, document: &IdentityDocument, name: &str) -> bool {
        self.legal_representative.document == *document
            && crate::name::same_person(&self.legal_representative.name, name)
    }
}
