//! 办事码 and its like stand for somebody: who carries the phone, and for whom they act.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identifier::{HolderId, IdentityDocument, ItemCode, Uscc};
use crate::masking::mask_name;
use crate::time::Timestamp;

/// 主体: the person who carries a phone, as the centre attests it. Personal data; `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// 证件 of the person.
    pub document: IdentityDocument,
    /// 姓名.
    pub name: String,
    /// For whom the person acts.
    pub capacity: Capacity,
}

/// 身份: in which capacity a person comes to the window.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Capacity {
    /// 本人.
    Own,
    /// 法定代表人 of an organisation.
    LegalRepresentative {
        /// The organisation.
        uscc: Uscc,
        /// Its name.
        name: String,
    },
    /// 经办授权人 of an organisation.
    Agent {
        /// The organisation.
        uscc: Uscc,
        /// Its name.
        name: String,
        /// 授权有效期.
        until: Timestamp,
        /// Where the grant's status stands in the province's status list.
        place: u32,
    },
    /// 代办人, who acts for another person or organisation by a mandate (委托).
    Delegate {
        /// 委托人.
        principal: HolderId,
        /// The principal's name.
        principal_name: String,
        /// The item that the mandate is limited to; none for every item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<ItemCode>,
        /// 委托有效期.
        until: Timestamp,
        /// Where the mandate's status stands in the province's status list.
        place: u32,
    },
}

impl Capacity {
    /// The organisation acted for, if it is one by right of office or grant.
    #[must_use]
    pub fn organisation(&self) -> Option<(&Uscc, &str)> {
        match self {
            Self::LegalRepresentative { uscc, name } | Self::Agent { uscc, name, .. } => Some((uscc, name)),
            Self::Own | Self::Delegate { .. } => None,
        }
    }

    /// The Chinese name.
    #[must_use]
    pub fn zh(&self) -> &'static str {
        match self {
            Self::Own => "本人",
            Self::LegalRepresentative { .. } => "法定代表人",
            Self::Agent { .. } => "经办授权人",
            Self::Delegate { .. } => "代办人",
        }
    }

    /// When this capacity ends by itself, and where its status stands, for one that can be revoked.
    #[must_use]
    pub fn revocable(&self) -> Option<(Timestamp, u32)> {
        match self {
            Self::Agent { until, place, .. } | Self::Delegate { until, place, .. } => Some((*until, *place)),
            Self::Own | Self::LegalRepresentative { .. } => None,
        }
    }
}

impl Subject {
    /// For whom the person acts: the person, the organisation, or the principal.
    #[must_use]
    pub fn principal(&self) -> HolderId {
        match &self.capacity {
            Capacity::Own => HolderId::Person(self.document.clone()),
            Capacity::LegalRepresentative { uscc, .. } | Capacity::Agent { uscc, .. } => {
                HolderId::Organisation(uscc.clone())
            }
            Capacity::Delegate { principal, .. } => principal.clone(),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("document", &self.document)
            .field("name", &mask_name(&self.name))
            .field("capacity", &self.capacity)
            .finish()
    }
}

impl fmt::Debug for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("Own"),
            Self::LegalRepresentative { uscc, .. } => write!(f, "LegalRepresentative({uscc})"),
            Self::Agent { uscc, .. } => write!(f, "Agent({uscc})"),
            Self::Delegate { principal, .. } => write!(f, "Delegate({principal:?})"),
        }
    }
}

/// 手机请求: what the box asks a citizen's phone for with a challenge on the evaluator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneAsk {
    /// 办事码, answered by the phone itself with its key: no network needed.
    Code,
    /// 窗口刷脸: the centre compares the face.
    Face,
    /// 用证授权: the citizen agrees on the phone, and the centre records it.
    Consent,
    /// 委托人确认: the principal confirms this very case from elsewhere.
    Principal,
    /// 证照出示: the centre states licences of the citizen, with their status of this moment.
    Licences,
}

impl PhoneAsk {
    /// All, in the order of their numbers on the wire.
    pub const ALL: [Self; 5] = [Self::Code, Self::Face, Self::Consent, Self::Principal, Self::Licences];

    /// The number on the wire, from 1.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Code => 1,
            Self::Face => 2,
            Self::Consent => 3,
            Self::Principal => 4,
            Self::Licences => 5,
        }
    }

    /// The request with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|ask| ask.number() == number)
    }

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Code => "出示办事码",
            Self::Face => "窗口刷脸",
            Self::Consent => "手机授权",
            Self::Principal => "委托人确认",
            Self::Licences => "出示证照",
        }
    }
}

/// How a phone's message reached the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// 线路: the centre handed it over.
    Line,
    /// 扫码器, typing like a keyboard.
    Keyboard,
    /// 扫码器 on a serial port.
    Serial,
    /// 摄像头 of the clerk's machine.
    Camera,
    /// Typed or pasted by hand.
    Typed,
}

impl Carrier {
    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Line => "线路",
            Self::Keyboard | Self::Serial => "扫码器",
            Self::Camera => "摄像头",
            Self::Typed => "手工录入",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DocumentKind;

    fn person() -> IdentityDocument {
        IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011").unwrap()
    }

    #[test]
    fn whoever_acts_for_another_opens_the_others_licences() {
        let uscc: Uscc = "91239900MATE5T017W".parse().unwrap();
        let other = "111:519900200002291029".parse::<HolderId>().unwrap();
        let until = Timestamp(1);
        let subject = |capacity| Subject { document: person(), name: "王芳".into(), capacity };
        let of = |capacity| subject(capacity).principal();
        assert_eq!(of(Capacity::Own), HolderId::Person(person()));
        let agent = Capacity::Agent { uscc: uscc.clone(), name: "甲".into(), until, place: 3 };
        assert_eq!(agent.revocable(), Some((until, 3)));
        assert_eq!(of(agent), HolderId::Organisation(uscc));
        let principal_name = "李强".to_owned();
        let delegate =
            Capacity::Delegate { principal: other.clone(), principal_name, item: None, until, place: 4 };
        assert_eq!(of(delegate), other);
    }

    #[test]
    fn debug_shows_no_name_and_no_number() {
        let subject = Subject { document: person(), name: "王芳".into(), capacity: Capacity::Own };
        let shown = format!("{subject:?}");
        assert!(!shown.contains("王芳") && !shown.contains("519900199003070011"), "{shown}");
    }

    #[test]
    fn every_request_has_its_own_number() {
        for ask in PhoneAsk::ALL {
            assert_eq!(PhoneAsk::from_number(ask.number()), Some(ask));
        }
        assert_eq!(PhoneAsk::from_number(0), None);
    }
}
