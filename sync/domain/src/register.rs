//! What the province's registers hold about people and organisations, as the centre loads it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::alias::{AliasId, AliasKind, HolderAlias};
use crate::card::IdentityCard;
use crate::catalogue::Catalogue;
use crate::identifier::{HolderId, Uscc};
use crate::licence::Licence;
use crate::organisation::Organisation;
use crate::person::ApplicantKind;
use crate::time::Date;

/// 主题库与证照库: people (自然人库) and organisations (法人库) with their licences.
///
/// As read it is only well-formed; [`Register::checked`] says that it is also consistent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// 自然人库.
    #[serde(default)]
    pub people: Vec<RegisterPerson>,
    /// 法人库.
    #[serde(default)]
    pub organisations: Vec<RegisterOrganisation>,
}

/// 自然人: a person, what their card holds, and their licences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterPerson {
    /// Short name in Latin letters, by which tests and simulators call the person.
    pub slug: String,
    /// What the card holds.
    pub card: IdentityCard,
    /// 曾用证件号 of the person.
    #[serde(default)]
    pub aliases: Vec<RegisterAlias>,
    /// Their licences, those under an earlier identifier too.
    #[serde(default)]
    pub licences: Vec<Licence>,
}

/// 曾用证件号 as the register holds it: the centre names the fact when it takes it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterAlias {
    /// The earlier identifier, `111:…` and its like.
    pub other: HolderId,
    /// Of which kind it is.
    pub kind: AliasKind,
    /// Since when the authority has held that both are one person's.
    pub since: Date,
    /// Which authority says so.
    pub source: String,
}

/// 法人和其他组织: an organisation and its licences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterOrganisation {
    /// Short name in Latin letters.
    pub slug: String,
    /// The entry.
    pub organisation: Organisation,
    /// Its licences.
    #[serde(default)]
    pub licences: Vec<Licence>,
}

/// What is wrong with a register: the slug or licence identifier, and the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("register: {place}: {rule}")]
pub struct RegisterError {
    /// Slug, or licence identifier.
    pub place: String,
    /// The rule in words.
    pub rule: &'static str,
}

impl RegisterPerson {
    /// 持证主体 of the person's licences.
    #[must_use]
    pub fn holder(&self) -> HolderId {
        HolderId::Person(self.card.document.clone())
    }

    /// The facts about the person's earlier identifiers, as far as they are some; each by a name from `name`.
    pub fn facts(&self, mut name: impl FnMut(&RegisterAlias) -> AliasId) -> Vec<HolderAlias> {
        let fact = |alias: &RegisterAlias| {
            let RegisterAlias { other, kind, since, source } = alias;
            HolderAlias::new(name(alias), self.holder(), other.clone(), *kind, *since, source).ok()
        };
        self.aliases.iter().filter_map(fact).collect()
    }

    /// Under which identifier of the person a licence is listed: the present one, or an earlier one.
    fn listed_under(&self, licence: &Licence) -> HolderId {
        let earlier = self.aliases.iter().find(|alias| alias.other == licence.holder);
        earlier.map_or_else(|| self.holder(), |alias| alias.other.clone())
    }
}

impl RegisterOrganisation {
    /// 持证主体 of the organisation's licences.
    #[must_use]
    pub fn holder(&self) -> HolderId {
        HolderId::Organisation(self.organisation.uscc.clone())
    }
}

impl Register {
    /// Both registers together, such as those read from two files.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        self.people.extend(other.people);
        self.organisations.extend(other.organisations);
        self
    }

    /// Checks that everybody stands once, that cards do not contradict themselves, and that every licence agrees
    /// with its identifier, its kind in the catalogue and its holder.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn checked(self, catalogue: &Catalogue) -> Result<Self, RegisterError> {
        let mut slugs = BTreeSet::new();
        let mut holders = BTreeSet::new();
        let mut licences = BTreeSet::new();
        let mut once = |slug: &str, holder: HolderId| {
            require(is_slug(slug), slug, "a slug is a-z, 0-9 and hyphens")?;
            require(slugs.insert(slug.to_owned()), slug, "this slug stands twice")?;
            require(holders.insert(holder), slug, "this holder stands twice")
        };
        for entry in &self.organisations {
            once(&entry.slug, entry.holder())?;
        }
        for person in &self.people {
            once(&person.slug, person.holder())?;
            require(person.card.check().is_ok(), &person.slug, "the card contradicts itself")?;
            let facts = person.facts(|_| AliasId([0; 16])).len() == person.aliases.len();
            require(facts, &person.slug, "an earlier identifier does not fit the person or its kind")?;
        }
        for person in &self.people {
            for alias in &person.aliases {
                require(holders.insert(alias.other.clone()), &person.slug, "this holder stands twice")?;
            }
        }
        for entry in &self.organisations {
            let kind = entry.organisation.uscc.organisation_kind();
            require(
                entry.organisation.kind == kind,
                &entry.slug,
                "the kind differs from the one in the code",
            )?;
        }
        for (holder, licence) in self.licences() {
            check_licence(licence, &holder, catalogue)?;
            require(licences.insert(&licence.id), licence.id.as_str(), "this licence stands twice")?;
        }
        Ok(self)
    }

    /// All licences with the holder under whom they are listed.
    pub fn licences(&self) -> impl Iterator<Item = (HolderId, &Licence)> {
        let of_people = self.people.iter().flat_map(|p| p.licences.iter().map(|l| (p.listed_under(l), l)));
        let of_organisations =
            self.organisations.iter().flat_map(|o| o.licences.iter().map(|l| (o.holder(), l)));
        of_people.chain(of_organisations)
    }

    /// The person with this slug.
    #[must_use]
    pub fn person(&self, slug: &str) -> Option<&RegisterPerson> {
        self.people.iter().find(|person| person.slug == slug)
    }

    /// The organisation with this code.
    #[must_use]
    pub fn organisation(&self, uscc: &Uscc) -> Option<&RegisterOrganisation> {
        self.organisations.iter().find(|entry| entry.organisation.uscc == *uscc)
    }
}

fn check_licence(licence: &Licence, holder: &HolderId, catalogue: &Catalogue) -> Result<(), RegisterError> {
    let id = licence.id.as_str();
    require(licence.holder == *holder, id, "the holder is not the one under whom it is listed")?;
    require(licence.id.kind() == licence.kind, id, "the kind differs from the identifier")?;
    require(
        licence.id.issuer() == licence.issuer.uscc.as_str(),
        id,
        "the issuer differs from the identifier",
    )?;
    require(licence.id.version() == licence.version, id, "the version differs from the identifier")?;
    require(!licence.number.trim().is_empty(), id, "no number")?;
    let ordered = licence.valid_until.is_none_or(|until| licence.valid_from <= until);
    require(ordered, id, "it ends before it begins")?;
    let Some(kind) = catalogue.kind(&licence.kind) else {
        return require(false, id, "the kind is not in the catalogue");
    };
    require(kind.name == licence.name, id, "the name differs from the catalogue")?;
    let of_person = matches!(holder, HolderId::Person(_));
    require((kind.holder == ApplicantKind::Person) == of_person, id, "the kind has other holders")?;
    let complete = kind.fields.iter().all(|field| licence.fields.contains_key(&field.key));
    require(complete && licence.fields.len() == kind.fields.len(), id, "the fields are not those of the kind")
}

fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn require(holds: bool, place: &str, rule: &'static str) -> Result<(), RegisterError> {
    if holds { Ok(()) } else { Err(RegisterError { place: place.to_owned(), rule }) }
}
