//! How well something is known: grades of identity, consent, licence and mandate.

use serde::{Deserialize, Serialize};

/// 身份证据等级: how well it is known who stands at the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IdentityGrade {
    /// Stated only.
    I0,
    /// Card read through the security module.
    I1,
    /// Card read, clerk compared the face, and a tap on the evaluator or a second clerk.
    I2,
    /// Holder-bound service code, one QR.
    #[serde(rename = "I3w")]
    I3w,
    /// Holder-bound service code with challenge and response.
    I3,
    /// Face check by the centre, online or carried by the phone with our nonce.
    I4,
}

impl IdentityGrade {
    /// All grades, weakest first.
    pub const ALL: [Self; 6] = [Self::I0, Self::I1, Self::I2, Self::I3w, Self::I3, Self::I4];

    /// One Chinese phrase: what was established.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::I0 => "仅本人自述",
            Self::I1 => "已读取实体身份证",
            Self::I2 => "已读取实体身份证并人证比对、本人点按确认",
            Self::I3w => "已扫持有人办事码",
            Self::I3 => "已扫持有人办事码并应答本次挑战",
            Self::I4 => "省级中心人脸核验通过",
        }
    }
}

/// 授权证据等级: how well the consent is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConsentGrade {
    /// None.
    C0,
    /// Paper signature, scanned.
    C1,
    /// Tap on the evaluator, signed by it over what was shown.
    C2,
    /// Recorded by the centre, online or carried by the phone.
    C3,
    /// 依职能: named legal basis with notice shown instead of consent.
    CX,
}

impl ConsentGrade {
    /// All grades, weakest first; [`Self::CX`] is another basis, not a stronger one.
    pub const ALL: [Self; 5] = [Self::C0, Self::C1, Self::C2, Self::C3, Self::CX];

    /// One Chinese phrase: what was established.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::C0 => "未授权",
            Self::C1 => "纸质签字授权",
            Self::C2 => "评价器点按授权",
            Self::C3 => "省级中心记录授权",
            Self::CX => "依职能查验（已告知）",
        }
    }
}

/// 证照证据等级: how well a licence, or the paper in its place, is known to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LicenceGrade {
    /// Paper copy.
    L0,
    /// Paper original, seen and scanned.
    L1,
    /// Cached licence, status older than its window.
    L2,
    /// Cached or phone-carried licence, status within its window.
    L3,
    /// Told by the centre for this very case, over the line or carried by a phone, at most as many minutes ago as the
    /// policy says.
    L4,
}

impl LicenceGrade {
    /// All grades, weakest first.
    pub const ALL: [Self; 5] = [Self::L0, Self::L1, Self::L2, Self::L3, Self::L4];

    /// One Chinese phrase: what was established.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::L0 => "纸质复印件",
            Self::L1 => "纸质原件已核",
            Self::L2 => "缓存证照，状态已超时限",
            Self::L3 => "缓存证照，状态在时限内",
            Self::L4 => "省级中心实时核验",
        }
    }
}

/// 委托证据等级: how well it is known that someone may act for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MandateGrade {
    /// None.
    M0,
    /// Paper 委托书.
    M1,
    /// Signed by the centre and not revoked in the list.
    M2,
    /// As before, and the principal confirmed this very session.
    M3,
}

impl MandateGrade {
    /// All grades, weakest first.
    pub const ALL: [Self; 4] = [Self::M0, Self::M1, Self::M2, Self::M3];

    /// One Chinese phrase: what was established.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::M0 => "无委托",
            Self::M1 => "纸质委托书",
            Self::M2 => "电子委托，未撤销",
            Self::M3 => "电子委托，委托人已确认本次办理",
        }
    }
}

/// 核验方式: how identity is proven at the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// 实体身份证.
    IdentityCard,
    /// 办事码.
    ServiceCode,
    /// 窗口刷脸.
    Face,
    /// 委托代办.
    Delegate,
    /// 经办授权人.
    Agent,
    /// 依职能查验.
    ExOfficio,
}

impl Way {
    /// All ways, in the order in which a screen offers them.
    pub const ALL: [Self; 6] =
        [Self::IdentityCard, Self::ServiceCode, Self::Face, Self::Delegate, Self::Agent, Self::ExOfficio];

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::IdentityCard => "实体身份证",
            Self::ServiceCode => "办事码",
            Self::Face => "窗口刷脸",
            Self::Delegate => "委托代办",
            Self::Agent => "经办授权人",
            Self::ExOfficio => "依职能查验",
        }
    }

    /// Whether the one who stands there needs a phone for it, be it only for the face check that runs on it.
    #[must_use]
    pub fn needs_phone(self) -> bool {
        matches!(self, Self::ServiceCode | Self::Face | Self::Delegate)
    }
}

/// 办事码形式: what a code that was shown can prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeForm {
    /// 普通办事码: opaque text of another system, or no code yet. Only the centre can say whose it is.
    Plain,
    /// 持有人办事码: signed by the holder's phone, one QR.
    Weak,
    /// The same, in answer to the challenge on the evaluator.
    Challenge,
}

impl CodeForm {
    /// All forms, weakest first.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Weak, Self::Challenge];

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Plain => "普通办事码",
            Self::Weak => "持有人办事码",
            Self::Challenge => "应答挑战的持有人办事码",
        }
    }
}
