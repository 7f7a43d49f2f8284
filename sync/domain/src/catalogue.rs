//! The catalogue that the centre publishes: all kinds of licences and all items of its halls.

use std::collections::BTreeSet;

use pinyin::ToPinyinMulti;
use serde::{Deserialize, Serialize};

use crate::case::PaperMandate;
use crate::identifier::{ItemCode, LicenceKindCode};
use crate::item::{FieldSource, ServiceItem};
use crate::licence::LicenceKind;

/// 目录: kinds and items whose references have been checked, so that nothing in it points nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CatalogueText")]
pub struct Catalogue {
    version: u32,
    kinds: Vec<LicenceKind>,
    items: Vec<ServiceItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueText {
    version: u32,
    kinds: Vec<LicenceKind>,
    items: Vec<ServiceItem>,
}

impl TryFrom<CatalogueText> for Catalogue {
    type Error = CatalogueError;

    fn try_from(text: CatalogueText) -> Result<Self, CatalogueError> {
        Self::checked(text.version, text.kinds, text.items)
    }
}

/// What is wrong with a catalogue: the place, and the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("catalogue: {place}: {rule}")]
pub struct CatalogueError {
    /// Code of the kind or item, and the material or field in it.
    pub place: String,
    /// The rule in words.
    pub rule: &'static str,
}

impl Catalogue {
    /// Checks every reference and puts the catalogue together.
    ///
    /// # Errors
    /// The first broken rule: a code twice, an empty name, a kind or field that does not exist, an item that opens a
    /// field of a licence that none of its materials allows.
    pub fn checked(
        version: u32,
        kinds: Vec<LicenceKind>,
        items: Vec<ServiceItem>,
    ) -> Result<Self, CatalogueError> {
        let catalogue = Self { version, kinds, items };
        let mut codes = BTreeSet::new();
        for kind in &catalogue.kinds {
            check_kind(kind)?;
            require(codes.insert(kind.code.as_str()), kind.code.as_str(), "this kind is listed twice")?;
        }
        for item in &catalogue.items {
            catalogue.check_item(item)?;
            require(codes.insert(item.code.as_str()), item.code.as_str(), "this item is listed twice")?;
        }
        Ok(catalogue)
    }

    /// Raised by the centre with each change.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// All kinds, in the order of the catalogue (by department).
    #[must_use]
    pub fn kinds(&self) -> &[LicenceKind] {
        &self.kinds
    }

    /// All items, in the order of the catalogue.
    #[must_use]
    pub fn items(&self) -> &[ServiceItem] {
        &self.items
    }

    /// The kind with this code.
    #[must_use]
    pub fn kind(&self, code: &LicenceKindCode) -> Option<&LicenceKind> {
        self.kinds.iter().find(|kind| kind.code == *code)
    }

    /// The item with this code.
    #[must_use]
    pub fn item(&self, code: &ItemCode) -> Option<&ServiceItem> {
        self.items.iter().find(|item| item.code == *code)
    }

    /// Items for which each word of the text stands in name, department or code, or is the beginning letters of some of
    /// the name's syllables in a row (拼音首字母, `sydj` for 失业登记); all of them for an empty text.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<&ServiceItem> {
        let words: Vec<String> = text.split_whitespace().map(str::to_uppercase).collect();
        let holds = |item: &ServiceItem, word: &String| {
            item.name.to_uppercase().contains(word)
                || item.department.to_uppercase().contains(word)
                || item.code.as_str().contains(word.as_str())
                || holds_initials(&item.name, word)
        };
        self.items.iter().filter(|item| words.iter().all(|word| holds(item, word))).collect()
    }

    fn check_item(&self, item: &ServiceItem) -> Result<(), CatalogueError> {
        let place = |inner: &str| format!("{} {inner}", item.code);
        require(
            !item.name.trim().is_empty() && !item.department.trim().is_empty(),
            item.code.as_str(),
            "no name",
        )?;
        require(!item.applicants.is_empty(), item.code.as_str(), "nobody may apply")?;
        require(!item.form.is_empty(), item.code.as_str(), "the form is empty")?;
        let mut ids = BTreeSet::new();
        for material in &item.materials {
            let here = place(material.id.as_str());
            require(ids.insert(&material.id), &here, "this material is listed twice")?;
            require(!material.name.trim().is_empty(), &here, "no name")?;
            let kept = material.id.as_str() == PaperMandate::MATERIAL;
            require(!kept, &here, "this number is kept for a mandate on paper")?;
            let Some(code) = &material.replaced_by else {
                require(material.fields.is_empty(), &here, "fields are opened, but no licence is named")?;
                continue;
            };
            let kind = self.kind(code);
            require(kind.is_some(), &here, "the licence kind is not in the catalogue")?;
            let known = material.fields.iter().all(|key| kind.is_some_and(|k| k.field(key).is_some()));
            require(known, &here, "the licence kind has no such field")?;
        }
        let mut keys = BTreeSet::new();
        for field in &item.form {
            let here = place(field.key.as_str());
            require(keys.insert(&field.key), &here, "this form field is listed twice")?;
            require(!field.label.trim().is_empty(), &here, "no label")?;
            for source in &field.sources {
                check_source(item, source, &here)?;
            }
        }
        Ok(())
    }
}

/// Whether the letters are the first ones of the syllables of characters that stand in a row in the text. A character
/// that is read in several ways counts with each of them. One letter says too little.
fn holds_initials(text: &str, letters: &str) -> bool {
    let letters = letters.to_ascii_lowercase();
    if letters.len() < 2 || !letters.bytes().all(|letter| letter.is_ascii_lowercase()) {
        return false;
    }
    let characters: Vec<char> = text.chars().collect();
    let begins = |character: char, letter: char| {
        let readings = character.to_pinyin_multi();
        readings
            .is_some_and(|readings| readings.into_iter().any(|one| one.first_letter().starts_with(letter)))
    };
    characters
        .windows(letters.len())
        .any(|row| row.iter().zip(letters.chars()).all(|(&character, letter)| begins(character, letter)))
}

fn check_kind(kind: &LicenceKind) -> Result<(), CatalogueError> {
    let code = kind.code.as_str();
    require(!kind.name.trim().is_empty() && !kind.department.trim().is_empty(), code, "no name")?;
    require(!kind.fields.is_empty(), code, "no fields")?;
    let mut keys = BTreeSet::new();
    for field in &kind.fields {
        let here = format!("{code} {}", field.key);
        require(keys.insert(&field.key), &here, "this field is listed twice")?;
        require(!field.label.trim().is_empty(), &here, "no label")?;
    }
    Ok(())
}

/// A form may be filled only from what the item is registered to open.
fn check_source(item: &ServiceItem, source: &FieldSource, here: &str) -> Result<(), CatalogueError> {
    match source {
        FieldSource::Card { .. } => Ok(()),
        FieldSource::Registry { field } => {
            let known = FieldSource::REGISTRY_KEYS.contains(&field.as_str());
            require(known, here, "the register has no such field")
        }
        FieldSource::Licence { kind, field } => {
            let opened = |code: &LicenceKindCode, keys: &[_]| code == kind && keys.contains(field);
            let allowed = item.licence_materials().any(|(material, code)| opened(code, &material.fields));
            require(allowed, here, "no material of the item allows this field to be opened")
        }
    }
}

fn require(holds: bool, place: &str, rule: &'static str) -> Result<(), CatalogueError> {
    if holds { Ok(()) } else { Err(CatalogueError { place: place.to_owned(), rule }) }
}
