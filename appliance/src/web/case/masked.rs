//! 号码脱敏: what a page shows of the people in a case until somebody asks for their numbers.

use crate::web::pages::steps::Answer;
use hall_domain::case::Case;
use hall_domain::{HolderId, IdentityDocument, mask_name, mask_number};

/// The answers without the names and document numbers of the people in them.
pub fn without_people(mut answers: Vec<Answer>, case: &Case) -> Vec<Answer> {
    let people = people(case);
    for answer in &mut answers {
        let named = people.iter().find(|(name, _)| *name == answer.value);
        let hidden = named.map(|(name, _)| mask_name(name)).or_else(|| hidden_number(&answer.value, case));
        answer.value = hidden.unwrap_or_else(|| std::mem::take(&mut answer.value));
    }
    answers
}

/// The answers without the document numbers of the people in them: who works on the case goes by the names.
pub fn without_numbers(mut answers: Vec<Answer>, case: &Case) -> Vec<Answer> {
    for answer in &mut answers {
        if let Some(hidden) = hidden_number(&answer.value, case) {
            answer.value = hidden;
        }
    }
    answers
}

/// A value as it is shown while numbers are hidden, if it is the document number of somebody in the case.
pub fn hidden_number(value: &str, case: &Case) -> Option<String> {
    let theirs = |(_, document): &(String, IdentityDocument)| value.eq_ignore_ascii_case(document.number());
    people(case).iter().any(theirs).then(|| mask_number(value))
}

/// Who stands at the window, the registered legal representative, and a person who has entrusted a delegate.
fn people(case: &Case) -> Vec<(String, IdentityDocument)> {
    let here = case.identity.as_ref().map(|who| (who.name.clone(), who.document.clone()));
    let register = case.organisation.as_ref().and_then(|known| known.register.as_ref());
    let representative = register.map(|entry| &entry.legal_representative);
    let representative = representative.map(|person| (person.name.clone(), person.document.clone()));
    let principal = match case.mandator() {
        Some((HolderId::Person(document), name)) => Some((name.to_owned(), document.clone())),
        _ => None,
    };
    here.into_iter().chain(representative).chain(principal).collect()
}
