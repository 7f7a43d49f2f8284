//! 表单: the fields with where each came from, and the scans of what must be on paper.

use crate::web::pages::frame::Tone;
use hall_domain::case::PaperChoice;

/// 表单.
#[derive(Debug, Clone)]
pub struct FormStep {
    /// The fields in the order of the form.
    pub fields: Vec<Field>,
    /// What must be put right before going on, in the order of the fields.
    pub mistakes: Vec<Mistake>,
    /// The materials that are not waived, with what has been attached.
    pub uploads: Vec<Upload>,
    /// 告知承诺 of this item, if it has one.
    pub commitment: Option<Commitment>,
    /// How often it was changed; comes back with the form, so that an old page overwrites nothing.
    pub rev: u32,
    /// When it was last kept, "10:51:08"; empty before the first time.
    pub saved: String,
    /// Whether the form cannot be changed any more.
    pub closed: bool,
}

impl FormStep {
    /// The first required field that is still empty: where the clerk begins.
    pub fn first_gap(&self) -> Option<&Field> {
        let open = self.mistakes.is_empty() && !self.closed;
        self.fields.iter().find(|field| open && field.required && field.value.is_empty() && !field.locked())
    }

    /// Whether the clerk begins at this field.
    pub fn begins_at(&self, key: &str) -> bool {
        self.first_gap().is_some_and(|field| field.key == key)
    }

    /// How many fields carry a proven source.
    pub fn attested(&self) -> usize {
        self.fields.iter().filter(|field| field.mark.attested()).count()
    }
}

/// 字段.
#[derive(Debug, Clone)]
pub struct Field {
    /// Key; the form field is `f.{key}`.
    pub key: String,
    /// Label.
    pub label: String,
    /// How it is entered.
    pub input: Input,
    /// Value now.
    pub value: String,
    /// Whether it must be filled.
    pub required: bool,
    /// Advice under the label; may be empty.
    pub hint: String,
    /// Where the value came from.
    pub mark: Mark,
    /// What was attested before the clerk changed it.
    pub was: Option<String>,
    /// What is wrong with the value, ready sentence.
    pub error: Option<String>,
}

impl Field {
    /// Whether the value is attested and stands as it was attested.
    pub fn locked(&self) -> bool {
        self.mark.attested()
    }

    /// The choices, empty for other inputs.
    pub fn choices(&self) -> &[String] {
        match &self.input {
            Input::Choice(choices) => choices,
            _ => &[],
        }
    }

    /// Whether it needs the whole width.
    pub fn wide(&self) -> bool {
        self.input == Input::LongText || self.value.chars().count() > 24
    }
}

/// How a field is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// A date.
    Date,
    /// A mobile number.
    Phone,
    /// A number.
    Number,
    /// One of these.
    Choice(Vec<String>),
}

/// 来源标记: where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// 电子证照.
    Licence {
        /// Kind of the licence.
        kind: String,
    },
    /// 身份证.
    Card,
    /// 法人库 or 自然人库.
    Registry,
    /// 人工.
    Manual,
    /// 人工, after an attested value was changed.
    Changed,
    /// Nothing there yet.
    Empty,
}

impl Mark {
    /// The word shown.
    pub fn zh(&self) -> &'static str {
        match self {
            Self::Licence { .. } => "证照",
            Self::Card => "身份证",
            Self::Registry => "法人库",
            Self::Manual => "人工",
            Self::Changed => "人工修改",
            Self::Empty => "待填",
        }
    }

    /// Its tone.
    pub fn tone(&self) -> Tone {
        match self {
            Self::Licence { .. } | Self::Card | Self::Registry => Tone::Good,
            Self::Changed => Tone::Old,
            Self::Manual | Self::Empty => Tone::Plain,
        }
    }

    /// Whether the value is proven by its source.
    pub fn attested(&self) -> bool {
        matches!(self, Self::Licence { .. } | Self::Card | Self::Registry)
    }
}

/// 错误: one line of the summary at the top.
#[derive(Debug, Clone)]
pub struct Mistake {
    /// Element it leads to: `f.{key}`, `u.{material}`, or `commitment`.
    pub anchor: String,
    /// Ready sentence.
    pub text: String,
}

/// 附件: one material with its scans.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Identifier of the material, "m2".
    pub material: String,
    /// Name.
    pub name: String,
    /// Whether the case cannot be accepted without it.
    pub required: bool,
    /// Why paper is needed, ready sentence; may be empty.
    pub reason: String,
    /// What has been attached.
    pub files: Vec<Attachment>,
    /// Whether nothing but a scan will do.
    pub scan_only: bool,
    /// How the clerk said that it is brought, if not as a scan.
    pub choice: Option<PaperChoice>,
    /// What is wrong with the last upload, ready sentence.
    pub error: Option<String>,
}

impl Upload {
    /// Whether the clerk said that the original was sighted.
    pub fn original(&self) -> bool {
        self.choice == Some(PaperChoice::Original)
    }

    /// Whether the clerk said that it follows.
    pub fn follows(&self) -> bool {
        self.choice == Some(PaperChoice::ToFollow)
    }
}

/// 扫描件: one file.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Number in the case, for addresses.
    pub n: u32,
    /// File name.
    pub name: String,
    /// What it is.
    pub kind: AttachmentKind,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether it is small enough to be shown as a thumbnail.
    pub thumbnail: bool,
    /// When, "10:50".
    pub at: String,
}

/// What a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentKind {
    /// 图片.
    Image,
    /// PDF.
    Pdf,
}

impl AttachmentKind {
    /// The word shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Image => "图片",
            Self::Pdf => "PDF",
        }
    }
}

/// 告知承诺.
#[derive(Debug, Clone)]
pub struct Commitment {
    /// The text.
    pub text: String,
    /// Whether the applicant has taken it on.
    pub taken: bool,
    /// What is wrong, ready sentence.
    pub error: Option<String>,
}
