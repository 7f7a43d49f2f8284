//! What a reader gets out of an identity card.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identifier::{DocumentKind, ForeignResidentNumber, IdentityDocument};
use crate::masking::mask_name;
use crate::person::{Sex, nation_name};
use crate::time::Date;

/// 证件版式: which of the four text blocks the card holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardLayout {
    /// 居民身份证 (no mark).
    Resident,
    /// 港澳台居民居住证 (mark J).
    HkMoTw,
    /// 外国人永久居留证, 2017 (mark I).
    Foreigner2017,
    /// 外国人永久居留身份证, 2023 (mark Y).
    Foreigner2023,
}

impl CardLayout {
    /// The Chinese name of the card.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Resident => "居民身份证",
            Self::HkMoTw => "港澳台居民居住证",
            Self::Foreigner2017 => "外国人永久居留身份证（2017版）",
            Self::Foreigner2023 => "外国人永久居留身份证（2023版）",
        }
    }

    /// The kind of document whose number such a card carries.
    #[must_use]
    pub fn document_kind(self) -> DocumentKind {
        match self {
            Self::Resident => DocumentKind::ResidentId,
            Self::HkMoTw => DocumentKind::ResidencePermit,
            Self::Foreigner2017 | Self::Foreigner2023 => DocumentKind::ForeignPermanentResident,
        }
    }
}

/// 身份证件信息: all that a card holds. Personal data; `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityCard {
    /// Which text block.
    pub layout: CardLayout,
    /// 姓名; of a foreigner the Chinese name, or the English one when there is none.
    pub name: String,
    /// 英文姓名.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub english_name: Option<String>,
    /// 性别.
    pub sex: Sex,
    /// 民族, as a code of GB/T 3304.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nation: Option<String>,
    /// 出生日期.
    pub birth: Date,
    /// 住址.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// 证件号码.
    pub document: IdentityDocument,
    /// 签发机关; a 2017 card of a foreigner holds its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// 有效期起始.
    pub valid_from: Date,
    /// 有效期截止, the last valid day; `None` is 长期.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
    /// 通行证号码 of a resident of Hong Kong, Macao or Taiwan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub travel_permit: Option<String>,
    /// 国籍 of a foreigner, three letters of ISO 3166.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nationality: Option<String>,
    /// 照片: the raw block in the closed WLT format, empty when the card gave none. Hexadecimal text in serde.
    #[serde(default, with = "hex_text", skip_serializing_if = "Vec::is_empty")]
    pub photo: Vec<u8>,
}

/// 证件信息不一致: a card whose parts contradict each other, as no genuine card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// No name at all.
    #[error("card holds no name")]
    Name,
    /// The number is not of the kind that the layout carries.
    #[error("card layout and number do not belong together")]
    Layout,
    /// The birth date printed differs from the one in the number.
    #[error("birth date on the card differs from the number")]
    Birth,
    /// The sex printed differs from the one in the number.
    #[error("sex on the card differs from the number")]
    Sex,
    /// It ends before it begins.
    #[error("card is valid until a day before it begins")]
    Validity,
}

impl CardError {
    /// One Chinese sentence for the desk.
    #[must_use]
    pub fn zh(self) -> String {
        let what = match self {
            Self::Name => "没有姓名",
            Self::Layout => "版式与号码不符",
            Self::Birth => "出生日期与号码不符",
            Self::Sex => "性别与号码不符",
            Self::Validity => "有效期起止颠倒",
        };
        format!("读到的证件信息{what}，请重新放卡再读；仍不符的，请按证件存疑处理。")
    }
}

impl IdentityCard {
    /// Checks what no genuine card contradicts. Call it on every card that comes from outside.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), CardError> {
        if self.name.trim().is_empty() {
            return Err(CardError::Name);
        }
        let is_2023 = self.document.number().parse().is_ok_and(|n: ForeignResidentNumber| n.is_2023());
        let fits = match self.layout {
            CardLayout::Foreigner2017 => !is_2023,
            CardLayout::Foreigner2023 => is_2023,
            CardLayout::Resident | CardLayout::HkMoTw => true,
        };
        if self.document.kind() != self.layout.document_kind() || !fits {
            return Err(CardError::Layout);
        }
        if self.document.birth().is_some_and(|birth| birth != self.birth) {
            return Err(CardError::Birth);
        }
        if self.document.sex().is_some_and(|sex| sex != self.sex) {
            return Err(CardError::Sex);
        }
        if self.valid_until.is_some_and(|until| until < self.valid_from) {
            return Err(CardError::Validity);
        }
        Ok(())
    }

    /// Whether the last valid day lies before `today`; a 长期 card never expires.
    #[must_use]
    pub fn expired(&self, today: Date) -> bool {
        self.valid_until.is_some_and(|until| until < today)
    }

    /// 民族 by name; an unknown code is shown as it is.
    #[must_use]
    pub fn nation_zh(&self) -> Option<String> {
        let code = self.nation.as_deref()?;
        Some(nation_name(code).map_or_else(|| code.to_owned(), str::to_owned))
    }

    /// 有效期, as the back of the card prints it: `2015.01.01-2035.01.01` or `2015.01.01-长期`.
    #[must_use]
    pub fn validity_zh(&self) -> String {
        let dotted = |d: Date| d.to_string().replace('-', ".");
        let until = self.valid_until.map_or_else(|| "长期".to_owned(), dotted);
        format!("{}-{until}", dotted(self.valid_from))
    }
}

impl fmt::Debug for IdentityCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityCard")
            .field("layout", &self.layout)
            .field("name", &mask_name(&self.name))
            .field("document", &self.document)
            .field("photo_bytes", &self.photo.len())
            .finish_non_exhaustive()
    }
}

/// Bytes as lower-case hexadecimal text, the same in text and binary formats.
mod hex_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// A card gives 1,024 bytes of photo; nothing larger is taken in.
    const MOST_BYTES: usize = 16 * 1024;

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > 2 * MOST_BYTES || !text.len().is_multiple_of(2) || !text.is_ascii() {
            return Err(D::Error::custom("photo is not hexadecimal text of at most 16 KiB"));
        }
        let byte = |at: usize| match text.get(at..at + 2) {
            Some(two) if !two.starts_with('+') => u8::from_str_radix(two, 16).map_err(D::Error::custom),
            _ => Err(D::Error::custom("photo is not hexadecimal text")),
        };
        (0..text.len()).step_by(2).map(byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wang_fang() -> IdentityCard {
        IdentityCard {
            layout: CardLayout::Resident,
            name: "王芳".into(),
            english_name: None,
            sex: Sex::Male,
            nation: Some("01".into()),
            birth: "1990-03-07".parse().unwrap(),
            address: Some("某路1号".into()),
            document: IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011").unwrap(),
            authority: None,
            valid_from: "2015-01-01".parse().unwrap(),
            valid_until: Some("2035-01-01".parse().unwrap()),
            travel_permit: None,
            nationality: None,
            photo: vec![0, 0xff, 0x10],
        }
    }

    #[test]
    fn a_card_survives_json_with_its_photo() {
        let card = wang_fang();
        let text = serde_json::to_string(&card).unwrap();
        assert!(text.contains("\"00ff10\""));
        assert_eq!(serde_json::from_str::<IdentityCard>(&text).unwrap(), card);
        assert!(serde_json::from_str::<IdentityCard>(&text.replace("00ff10", "0+ff10")).is_err());
        assert!(serde_json::from_str::<IdentityCard>(&text.replace("00ff10", "0ff")).is_err());
    }

    #[test]
    fn contradictions_are_found() {
        let card = wang_fang();
        assert_eq!(card.check(), Ok(()));
        assert_eq!(IdentityCard { name: " ".into(), ..card.clone() }.check(), Err(CardError::Name));
        assert_eq!(
            IdentityCard { layout: CardLayout::HkMoTw, ..card.clone() }.check(),
            Err(CardError::Layout)
        );
        assert_eq!(IdentityCard { sex: Sex::Female, ..card.clone() }.check(), Err(CardError::Sex));
        let birth = "1990-03-08".parse().unwrap();
        assert_eq!(IdentityCard { birth, ..card.clone() }.check(), Err(CardError::Birth));
        let valid_until = Some("2014-12-31".parse().unwrap());
        assert_eq!(IdentityCard { valid_until, ..card }.check(), Err(CardError::Validity));
    }

    #[test]
    fn a_card_is_valid_on_its_last_day_and_a_long_term_card_for_ever() {
        let card = wang_fang();
        assert!(!card.expired("2035-01-01".parse().unwrap()));
        assert!(card.expired("2035-01-02".parse().unwrap()));
        let long = IdentityCard { valid_until: None, ..card };
        assert!(!long.expired("9999-12-31".parse().unwrap()));
        assert_eq!(long.validity_zh(), "2015.01.01-长期");
    }

    #[test]
    fn debug_shows_neither_name_nor_number() {
        let shown = format!("{:?}", wang_fang());
        assert!(!shown.contains("王芳") && !shown.contains("199003"), "{shown}");
    }
}
