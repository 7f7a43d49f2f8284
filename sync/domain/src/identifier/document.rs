//! The documents by which a natural person proves who they are.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    ForeignResidentNumber, FormerResidentNumber, HkMoPermitNumber, IdentifierError, Kind, PassportNumber,
    ResidencePermitNumber, ResidenceRegion, ResidentNumber, TaiwanPermitNumber,
};
use crate::masking::mask_number;
use crate::person::Sex;
use crate::time::Date;

/// 证件类型: which document a person shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// 居民身份证.
    ResidentId,
    /// 15 位号码的居民身份证: nobody proves anything with it any more, but licences were issued under it.
    FormerResidentId,
    /// 港澳台居民居住证.
    ResidencePermit,
    /// 外国人永久居留身份证.
    ForeignPermanentResident,
    /// 普通护照, issued by China.
    Passport,
    /// 港澳居民来往内地通行证.
    HkMoTravelPermit,
    /// 台湾居民来往大陆通行证.
    TaiwanTravelPermit,
}

impl DocumentKind {
    /// All kinds, in the order that a list on the screen shows them.
    pub const ALL: [Self; 7] = [
        Self::ResidentId,
        Self::FormerResidentId,
        Self::ResidencePermit,
        Self::ForeignPermanentResident,
        Self::Passport,
        Self::HkMoTravelPermit,
        Self::TaiwanTravelPermit,
    ];

    /// 持证主体代码类型代码 of GB/T 36903 annex A; for a residence permit that of Hong Kong and Macao (551),
    /// because only the number tells a resident of Taiwan (552): ask [`IdentityDocument::holder_type_code`].
    #[must_use]
    pub fn holder_type_code(self) -> &'static str {
        match self {
            Self::ResidentId | Self::FormerResidentId => "111",
            Self::ResidencePermit => "551",
            Self::ForeignPermanentResident => "553",
            Self::Passport => "414",
            Self::HkMoTravelPermit => "516",
            Self::TaiwanTravelPermit => "511",
        }
    }

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::ResidentId => "居民身份证",
            Self::FormerResidentId => "居民身份证（15 位号码）",
            Self::ResidencePermit => "港澳台居民居住证",
            Self::ForeignPermanentResident => "外国人永久居留身份证",
            Self::Passport => "普通护照",
            Self::HkMoTravelPermit => "港澳居民来往内地通行证",
            Self::TaiwanTravelPermit => "台湾居民来往大陆通行证",
        }
    }
}

/// 证件类型与号码: a document of a person by kind and checked number. `Debug` is masked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "DocumentText")]
pub struct IdentityDocument {
    kind: DocumentKind,
    number: String,
}

#[derive(Deserialize)]
struct DocumentText {
    kind: DocumentKind,
    number: String,
}

impl TryFrom<DocumentText> for IdentityDocument {
    type Error = IdentifierError;

    fn try_from(text: DocumentText) -> Result<Self, IdentifierError> {
        Self::new(text.kind, &text.number)
    }
}

impl IdentityDocument {
    /// Checks the number by the rules of its kind.
    ///
    /// # Errors
    /// What is wrong with the number.
    pub fn new(kind: DocumentKind, number: &str) -> Result<Self, IdentifierError> {
        let number = match kind {
            DocumentKind::ResidentId => number.parse::<ResidentNumber>()?.into(),
            DocumentKind::FormerResidentId => number.parse::<FormerResidentNumber>()?.into(),
            DocumentKind::ResidencePermit => number.parse::<ResidencePermitNumber>()?.into(),
            DocumentKind::ForeignPermanentResident => number.parse::<ForeignResidentNumber>()?.into(),
            DocumentKind::Passport => number.parse::<PassportNumber>()?.into(),
            DocumentKind::HkMoTravelPermit => number.parse::<HkMoPermitNumber>()?.into(),
            DocumentKind::TaiwanTravelPermit => number.parse::<TaiwanPermitNumber>()?.into(),
        };
        Ok(Self { kind, number })
    }

    /// The document behind 111:… and its like.
    pub(super) fn from_holder_code(code: &str, number: &str) -> Result<Self, IdentifierError> {
        let kind = match code {
            "111" if number.len() == 15 => DocumentKind::FormerResidentId,
            "111" => DocumentKind::ResidentId,
            "551" | "552" => DocumentKind::ResidencePermit,
            "553" => DocumentKind::ForeignPermanentResident,
            "414" => DocumentKind::Passport,
            "516" => DocumentKind::HkMoTravelPermit,
            "511" => DocumentKind::TaiwanTravelPermit,
            _ => return Err(IdentifierError::Prefix { what: Kind::Holder }),
        };
        let document = Self::new(kind, number)?;
        if document.holder_type_code() != code {
            return Err(IdentifierError::Prefix { what: Kind::Holder });
        }
        Ok(document)
    }

    /// The kind of document.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The whole number; personal data.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The number with its middle starred.
    #[must_use]
    pub fn masked(&self) -> String {
        mask_number(&self.number)
    }

    /// 持证主体代码类型代码, telling residents of Taiwan (552) from those of Hong Kong and Macao (551).
    #[must_use]
    pub fn holder_type_code(&self) -> &'static str {
        let of_taiwan = |n: ResidencePermitNumber| n.region() == ResidenceRegion::Taiwan;
        if self.kind == DocumentKind::ResidencePermit && self.number.parse().is_ok_and(of_taiwan) {
            return "552";
        }
        self.kind.holder_type_code()
    }

    /// The day of birth, where the number tells it.
    #[must_use]
    pub fn birth(&self) -> Option<Date> {
        match self.kind {
            DocumentKind::ResidentId => self.number.parse().ok().map(|n: ResidentNumber| n.birth()),
            DocumentKind::ResidencePermit => {
                self.number.parse().ok().map(|n: ResidencePermitNumber| n.birth())
            }
            DocumentKind::ForeignPermanentResident => {
                self.number.parse().ok().and_then(|n: ForeignResidentNumber| n.birth())
            }
            _ => None,
        }
    }

    /// The sex, where the number tells it.
    #[must_use]
    pub fn sex(&self) -> Option<Sex> {
        match self.kind {
            DocumentKind::ResidentId => self.number.parse().ok().map(|n: ResidentNumber| n.sex()),
            DocumentKind::ResidencePermit => self.number.parse().ok().map(|n: ResidencePermitNumber| n.sex()),
            DocumentKind::ForeignPermanentResident => {
                self.number.parse().ok().and_then(|n: ForeignResidentNumber| n.sex())
            }
            _ => None,
        }
    }
}

impl fmt::Debug for IdentityDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind, self.masked())
    }
}
