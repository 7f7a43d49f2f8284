//! 演员表: the people whose cards can be laid on a reader, and what is special about each.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use hall_domain::{HolderId, IdentityCard, Register};
use serde::Serialize;

const PEOPLE: &str = include_str!("../cast/people.toml");
const ORGANISATIONS: &str = include_str!("../cast/organisations.toml");
/// Last digits of the first person's number; organisations have those from 1000 on.
const FIRST_MOBILE: usize = 2000;

/// The cast, in the order of its files.
#[derive(Debug, Clone)]
pub struct Cast {
    people: Vec<Member>,
    cards: BTreeMap<String, IdentityCard>,
}

/// A person of the cast, as whoever runs the hall needs to know them.
#[derive(Debug, Clone, Serialize)]
pub struct Member {
    /// Short name, such as `wang-fang`.
    pub slug: String,
    /// 姓名.
    pub name: String,
    /// What is special, one Chinese line.
    pub note: String,
    /// Which card: 居民身份证 and so on.
    pub card: &'static str,
    /// 证件号码. Synthetic, so it may be shown.
    pub number: String,
    /// 手机号码 of their phone.
    pub mobile: String,
    /// 有效期截止; none is 长期.
    pub valid_until: Option<String>,
    /// Organisations whose 法定代表人 this is.
    pub represents: Vec<Represented>,
    /// Their own licences and those of the organisations.
    pub licences: Vec<HeldLicence>,
}

/// An organisation behind a person.
#[derive(Debug, Clone, Serialize)]
pub struct Represented {
    /// 名称.
    pub name: String,
    /// 统一社会信用代码.
    pub uscc: String,
    /// 备案号码.
    pub phone: String,
    /// What is special.
    pub note: String,
}

/// A licence that the centre can revoke.
#[derive(Debug, Clone, Serialize)]
pub struct HeldLicence {
    /// 证照标识.
    pub id: String,
    /// 证照名称.
    pub name: String,
    /// Whose: empty for the person, else the organisation's name.
    pub of: String,
}

impl Cast {
    /// Reads the cast that is built in.
    ///
    /// # Errors
    /// If its files are not well-formed, which a test of the domain would have found.
    pub fn load() -> Result<Self> {
        let people: Register = toml::from_str(PEOPLE).context("the cast's people")?;
        let organisations: Register = toml::from_str(ORGANISATIONS).context("the cast's organisations")?;
        let (notes, more) = (notes(PEOPLE), notes(ORGANISATIONS));
        let mut members = Vec::new();
        let mut cards = BTreeMap::new();
        for person in people.people {
            let mut licences: Vec<HeldLicence> =
                person.licences.iter().map(|licence| held(licence, "")).collect();
            let mut represents = Vec::new();
            for entry in &organisations.organisations {
                let organisation = &entry.organisation;
                if HolderId::Person(organisation.legal_representative.document.clone()) != person.holder() {
                    continue;
                }
                represents.push(Represented {
                    name: organisation.name.clone(),
                    uscc: organisation.uscc.to_string(),
                    phone: organisation.phone.clone(),
                    note: note(&more, &entry.slug, &organisation.name),
                });
                licences.extend(entry.licences.iter().map(|licence| held(licence, &organisation.name)));
            }
            members.push(Member {
                note: note(&notes, &person.slug, &person.card.name),
                name: person.card.name.clone(),
                card: person.card.layout.zh(),
                number: person.card.document.number().to_owned(),
                mobile: format!("1800000{:04}", FIRST_MOBILE + members.len()),
                valid_until: person.card.valid_until.map(|day| day.to_string()),
                represents,
                licences,
                slug: person.slug.clone(),
            });
            cards.insert(person.slug, person.card);
        }
        Ok(Self { people: members, cards })
    }

    /// Everybody.
    pub fn people(&self) -> &[Member] {
        &self.people
    }

    /// One person by the short name.
    pub fn member(&self, slug: &str) -> Option<&Member> {
        self.people.iter().find(|member| member.slug == slug)
    }

    /// What a person's card holds.
    pub fn card(&self, slug: &str) -> Option<&IdentityCard> {
        self.cards.get(slug)
    }

    /// Writes the cast's files, for a centre to load.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        for (name, text) in [("people.toml", PEOPLE), ("organisations.toml", ORGANISATIONS)] {
            std::fs::write(folder.join(name), text).with_context(|| format!("write {name}"))?;
        }
        Ok(())
    }
}

fn held(licence: &hall_domain::Licence, of: &str) -> HeldLicence {
    HeldLicence { id: licence.id.to_string(), name: licence.name.clone(), of: of.to_owned() }
}

/// The comment above each entry says what is special about it.
fn notes(text: &str) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    let (mut comment, mut entry) = (String::new(), false);
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("# ") {
            comment = words.to_owned();
        } else if line.starts_with("[[people]]") || line.starts_with("[[organisations]]") {
            entry = true;
        } else if let Some(slug) = line.strip_prefix("slug = ")
            && entry
        {
            notes.insert(slug.trim_matches('"').to_owned(), std::mem::take(&mut comment));
            entry = false;
        }
    }
    notes
}

fn note(notes: &BTreeMap<String, String>, slug: &str, name: &str) -> String {
    let text = notes.get(slug).map(String::as_str).unwrap_or_default();
    text.strip_prefix(name).and_then(|rest| rest.strip_prefix('：')).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_card_and_a_word_about_them() {
        let cast = Cast::load().unwrap();
        assert!(cast.people().len() >= 25);
        for member in cast.people() {
            assert!(cast.card(&member.slug).is_some(), "{}", member.slug);
            assert!(!member.note.is_empty(), "{} has no note", member.slug);
        }
        assert_eq!(cast.member("wang-fang").unwrap().note, "证照最全的办事人，各类个人事项都能办");
    }

    #[test]
    fn nobody_shares_a_number_with_anybody_or_with_an_organisation() {
        let cast = Cast::load().unwrap();
        let mut numbers = std::collections::BTreeSet::new();
        for member in cast.people() {
            assert_eq!(member.mobile.len(), 11);
            assert!(numbers.insert(&member.mobile), "{}", member.mobile);
        }
        let organisations = cast.people().iter().flat_map(|member| &member.represents);
        assert!(organisations.into_iter().all(|one| !numbers.contains(&one.phone)));
    }

    #[test]
    fn one_person_stands_for_three_companies() {
        let cast = Cast::load().unwrap();
        let most = cast.people().iter().map(|member| member.represents.len()).max();
        assert_eq!(most, Some(3));
    }
}
