//! 受理表单: filling a form from a card, opened licences and the register, and what an edit
//! does to the mark that says where a value came from.

use crate::{
    CardField, FieldKey, FieldSource, HolderId, IdentityCard, LicenceId, LicenceKindCode, Organisation,
    ServiceItem,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who vouches for a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum AttestedBy {
    /// 身份证: the card that was read.
    Card,
    /// 证照: an opened licence.
    Licence {
        /// Which.
        id: LicenceId,
        /// Its name.
        name: String,
    },
    /// 法人库: the register of organisations.
    Registry,
}

/// A value with who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attested {
    /// The value as the source has it.
    pub value: String,
    /// The source.
    pub by: AttestedBy,
}

/// One field of a form: what stands in it, and what a source said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldState {
    /// What stands in the field.
    pub value: String,
    /// What a source said, if any did.
    pub attested: Option<Attested>,
    /// 修改: the clerk has given the source's word up, whatever the field holds.
    #[serde(default)]
    pub released: bool,
    /// The change of the form (`Case::form_rev`) that last touched this field; 0 when it was only filled.
    #[serde(default)]
    pub rev: u32,
}

impl FieldState {
    /// The source mark: present only while the field holds exactly what the source said, and nobody gave that up.
    pub fn mark(&self) -> Option<&AttestedBy> {
        self.attested
            .as_ref()
            .filter(|attested| !self.released && attested.value == self.value)
            .map(|attested| &attested.by)
    }
}

/// The fields of one opened licence.
#[derive(Debug, Clone)]
pub struct OpenedFields {
    /// Which licence.
    pub id: LicenceId,
    /// Its kind's name.
    pub name: String,
    /// The fields that were opened.
    pub fields: BTreeMap<FieldKey, String>,
}

/// What a form can be filled from.
#[derive(Debug, Clone, Default)]
pub struct Sources<'a> {
    /// The card that was read.
    pub card: Option<&'a IdentityCard>,
    /// Opened licences by kind.
    pub licences: BTreeMap<LicenceKindCode, OpenedFields>,
    /// The organisation's register entry.
    pub organisation: Option<&'a Organisation>,
    /// What was only stated of the applicant, by a mandate on paper.
    pub stated: Option<Stated<'a>>,
}

/// 自述: name and number as somebody stated them. They fill fields, and nobody vouches for them.
#[derive(Debug, Clone, Copy)]
pub struct Stated<'a> {
    /// 姓名 or 名称.
    pub name: &'a str,
    /// Whose, by number.
    pub holder: &'a HolderId,
}

/// Fills each field of the item's form from the first of its sources that knows it.
pub fn autofill(item: &ServiceItem, sources: &Sources<'_>) -> BTreeMap<FieldKey, FieldState> {
    item.form
        .iter()
        .map(|field| {
            let attested = field.sources.iter().find_map(|source| attest(source, sources));
            let stated = || field.sources.iter().find_map(|source| state(source, sources.stated?));
            let attested_value = attested.as_ref().map(|attested| attested.value.clone());
            let value = attested_value.or_else(stated).unwrap_or_default();
            (field.key.clone(), FieldState { value, attested, released: false, rev: 0 })
        })
        .collect()
}

/// A text as a record may hold it: without characters that nobody sees or that turn what is read around.
pub fn visible(text: &str) -> String {
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{00ad}');
    text.chars().filter(|c| !hidden(*c)).collect()
}

/// Something wrong with one field, in a sentence for the clerk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormProblem {
    /// Which field.
    pub field: FieldKey,
    /// What is wrong and what to do, in Chinese.
    pub zh: String,
}

/// What keeps a form from being submitted, in the order of the form.
pub fn problems(item: &ServiceItem, form: &BTreeMap<FieldKey, FieldState>) -> Vec<FormProblem> {
    item.form
        .iter()
        .filter_map(|field| {
            let value = form.get(&field.key).map(|state| state.value.trim()).unwrap_or_default();
            let zh = match value {
                "" if field.required => format!("请填写“{}”", field.label),
                "" => return None,
                value => field.check(value).err()?.zh(),
            };
            Some(FormProblem { field: field.key.clone(), zh })
        })
        .collect()
}

fn attest(source: &FieldSource, sources: &Sources<'_>) -> Option<Attested> {
    let (value, by) = match source {
        FieldSource::Card { field } => (field.value(sources.card?)?, AttestedBy::Card),
        FieldSource::Licence { kind, field } => {
            let licence = sources.licences.get(kind)?;
            let by = AttestedBy::Licence { id: licence.id.clone(), name: licence.name.clone() };
            (licence.fields.get(field)?.clone(), by)
        }
        FieldSource::Registry { field } => {
            (from_register(sources.organisation?, field)?, AttestedBy::Registry)
        }
    };
    (!value.is_empty()).then_some(Attested { value, by })
}

/// What was stated, for the fields that a card or the register would fill with a name or a number.
fn state(source: &FieldSource, stated: Stated<'_>) -> Option<String> {
    let name = || stated.name.to_owned();
    match (source, stated.holder) {
        (FieldSource::Card { field: CardField::Name }, HolderId::Person(_)) => Some(name()),
        (FieldSource::Card { field: CardField::Number }, HolderId::Person(document)) => {
            Some(document.number().to_owned())
        }
        (FieldSource::Registry { field }, HolderId::Organisation(uscc)) => match field.as_str() {
            "name" => Some(name()),
            "uscc" => Some(uscc.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn from_register(organisation: &Organisation, field: &FieldKey) -> Option<String> {
    match field.as_str() {
        "name" => Some(organisation.name.clone()),
        "uscc" => Some(organisation.uscc.to_string()),
        "address" => Some(organisation.address.clone()),
        "legal_representative" => Some(organisation.legal_representative.name.clone()),
        "phone" => Some(organisation.phone.clone()),
        "registered" => Some(organisation.registered.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_field_loses_its_mark_and_gets_it_back_with_the_attested_value() {
        let attested = Attested { value: "青石路1号".to_owned(), by: AttestedBy::Card };
        let mut field =
            FieldState { value: attested.value.clone(), attested: Some(attested), ..FieldState::default() };
        assert_eq!(field.mark(), Some(&AttestedBy::Card));
        field.value = "青石路2号".to_owned();
        assert_eq!(field.mark(), None);
        field.value = "青石路1号".to_owned();
        assert_eq!(field.mark(), Some(&AttestedBy::Card));
        field.released = true;
        assert_eq!(field.mark(), None, "a value given up is typed, even when it reads the same");
    }

    #[test]
    fn characters_that_nobody_sees_are_not_kept() {
        assert_eq!(visible("甲\u{202e}乙\u{200b} ·丙"), "甲乙 ·丙");
    }

    #[test]
    fn what_was_only_stated_fills_name_and_number_and_nobody_vouches_for_it() {
        let catalogue: crate::Catalogue =
            toml::from_str(include_str!("../../centre/data/catalogue.toml")).unwrap();
        let holder: HolderId = "111:519900199003070011".parse().unwrap();
        let stated = Some(Stated { name: "王芳", holder: &holder });
        let mut seen = 0;
        for item in catalogue.items() {
            let form = autofill(item, &Sources { stated, ..Sources::default() });
            assert!(form.values().all(|field| field.mark().is_none() && field.attested.is_none()));
            for field in form.values().filter(|field| !field.value.is_empty()) {
                assert!(["王芳", "519900199003070011"].contains(&field.value.as_str()), "{}", field.value);
                seen += 1;
            }
        }
        assert!(seen > 1);
        let nobody = autofill(&catalogue.items()[0], &Sources::default());
        assert!(nobody.values().all(|field| field.value.is_empty()));
    }

    #[test]
    fn a_typed_field_never_has_a_mark() {
        assert_eq!(FieldState { value: "x".to_owned(), ..FieldState::default() }.mark(), None);
    }
}
