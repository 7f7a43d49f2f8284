//! Organisations as the register of legal entities knows them.

use serde::{Deserialize, Serialize};

use crate::identifier::{IdentityDocument, Uscc};
use crate::time::{Date, Timestamp};

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
    /// 经办授权人 whose grants have not been revoked, as of this entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentGrant>,
}

/// 经办授权: a person who may act for an organisation for a time. `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentGrant {
    /// Name of the agent.
    pub name: String,
    /// Document of the agent.
    pub document: IdentityDocument,
    /// 授权有效期 begins.
    pub from: Timestamp,
    /// 授权有效期 ends; at this moment it is over.
    pub until: Timestamp,
    /// Where its status stands in the province's status list.
    pub place: u32,
}

impl AgentGrant {
    /// Whether the time of the grant covers `at`.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

impl std::fmt::Debug for AgentGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = crate::masking::mask_name(&self.name);
        f.debug_struct("AgentGrant")
            .field("name", &name)
            .field("document", &self.document)
            .field("from", &self.from)
            .field("until", &self.until)
            .field("place", &self.place)
            .finish()
    }
}

/// 代表关系: in which capacity a person may act for an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActsFor {
    /// 法定代表人.
    LegalRepresentative,
    /// 经办授权人, by this grant; its status in the list is for the caller to look up.
    Agent(AgentGrant),
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

    /// In which capacity the person with this document and name may act for the organisation at `at`; `None` for
    /// everybody else. Of several grants the one that lasts longest counts.
    #[must_use]
    pub fn acts_for(&self, document: &IdentityDocument, name: &str, at: Timestamp) -> Option<ActsFor> {
        if self.is_represented_by(document, name) {
            return Some(ActsFor::LegalRepresentative);
        }
        let is_person = |grant: &&AgentGrant| {
            grant.document == *document && crate::name::same_person(&grant.name, name) && grant.covers(at)
        };
        let grant = self.agents.iter().filter(is_person).max_by_key(|grant| grant.until)?;
        Some(ActsFor::Agent(grant.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DocumentKind;

    fn document(number: &str) -> IdentityDocument {
        IdentityDocument::new(DocumentKind::ResidentId, number).unwrap()
    }

    fn company(agents: Vec<AgentGrant>) -> Organisation {
        let uscc: Uscc = "91239900MATE5T017W".parse().unwrap();
        let representative = document("519900199003070011");
        Organisation {
            kind: uscc.organisation_kind(),
            uscc,
            name: "安澜测试有限公司".into(),
            legal_representative: LegalRepresentative { name: "王芳".into(), document: representative },
            address: "安澜市临江街道2号".into(),
            registered: "2020-01-01".parse().unwrap(),
            phone: "18000000001".into(),
            agents,
        }
    }

    #[test]
    fn an_agent_acts_only_within_the_time_of_the_grant_and_only_under_the_own_name() {
        let agent = document("519900200002291029");
        let grant = |from, until, place| AgentGrant {
            name: "李强".into(),
            document: agent.clone(),
            from: Timestamp(from),
            until: Timestamp(until),
            place,
        };
        let company = company(vec![grant(100, 200, 1), grant(150, 300, 2)]);
        let acts = |name, at| company.acts_for(&agent, name, Timestamp(at));
        assert_eq!(acts("李强", 99), None);
        assert_eq!(acts("李强", 100), Some(ActsFor::Agent(grant(100, 200, 1))));
        assert_eq!(acts("李强", 150), Some(ActsFor::Agent(grant(150, 300, 2))));
        assert_eq!(acts("李强", 300), None);
        assert_eq!(acts("李刚", 150), None);
        let representative = document("519900199003070011");
        assert_eq!(
            company.acts_for(&representative, "王芳", Timestamp(0)),
            Some(ActsFor::LegalRepresentative)
        );
    }

    #[test]
    fn an_entry_without_agents_is_written_as_before_there_were_any() {
        let text = serde_json::to_value(company(Vec::new())).unwrap();
        assert!(text.get("agents").is_none());
        assert_eq!(serde_json::from_value::<Organisation>(text).unwrap(), company(Vec::new()));
        let shown = format!(
            "{:?}",
            company(vec![AgentGrant {
                name: "李强".into(),
                document: document("519900200002291029"),
                from: Timestamp(0),
                until: Timestamp(1),
                place: 0,
            }])
        );
        assert!(!shown.contains("李强") && !shown.contains("519900200002291029"), "{shown}");
    }
}
