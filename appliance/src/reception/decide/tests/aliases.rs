//! Licences under an earlier number: candidates, until the clerk has said that it is the same person.

use super::*;
use hall_domain::case::ConfirmedAlias;
use hall_domain::{AliasId, HolderAlias, HolderId, MaterialId};

const ALIAS: AliasId = AliasId([0xa7; 16]);
const ITEM: &str = "城乡居民基本养老保险参保登记";

fn alias() -> HolderAlias {
    register().person("liu-yang").unwrap().facts(|_| ALIAS).remove(0)
}

fn material(name: &str) -> MaterialId {
    let item = catalogue().search(ITEM)[0].clone();
    item.materials.iter().find(|material| material.name == name).unwrap().id.clone()
}

/// What was found for 刘洋: all but the 居民户口簿, which lies under the number of 15 digits.
fn found(desk: &Desk) -> Listing {
    let household = material("居民户口簿");
    let mut rows = desk.rows();
    let row = rows.iter_mut().find(|row| row.material == household).unwrap();
    let licence = row.licence.take().unwrap();
    let licence = ListedLicence { holder: alias().other().clone(), alias: Some(ALIAS), ..licence };
    Listing { rows, aliased: vec![AliasedRow { material: household, alias: alias(), licence }] }
}

fn at_list() -> Desk {
    let mut desk = Desk::open(ITEM, ApplicantKind::Person);
    desk.read("liu-yang").unwrap();
    desk.confirm(None).unwrap();
    let found = found(&desk);
    desk.take(list(&desk.case, found, Mode::Offline)).unwrap();
    desk
}

fn state(desk: &Desk) -> MaterialState {
    let household = material("居民户口簿");
    desk.case.material_state(desk.case.list.iter().find(|row| row.material == household).unwrap())
}

/// The rows that the citizen would be asked for, those under an earlier number by that.
fn asked(desk: &Desk) -> Vec<(String, Option<AliasId>, bool)> {
    let request = consent_request(&desk.case, &desk.item, &BTreeMap::new(), desk.now).unwrap();
    let earlier = alias().other().clone();
    request.rows.into_iter().map(|row| (row.name, row.alias, row.holder == earlier)).collect()
}

#[test]
fn a_candidate_stands_for_nothing_until_the_clerk_confirms_and_no_longer_than_that() {
    let mut desk = at_list();
    assert_eq!(state(&desk), MaterialState::Missing);
    let own = asked(&desk);
    assert!(own.len() == 2 && own.iter().all(|(_, alias, earlier)| alias.is_none() && !earlier), "{own:?}");

    assert_eq!(desk.take(confirm_alias(&desk.case, ALIAS)), Ok(1));
    assert_eq!(state(&desk), MaterialState::Waivable);
    let by = ConfirmedAlias { by: "liqiang".parse().unwrap(), at: NOW };
    assert_eq!(desk.case.confirmed, BTreeMap::from([(ALIAS, by)]), "who said so, and when");
    let household = asked(&desk).into_iter().find(|(name, _, _)| name == "居民户口簿");
    assert_eq!(household, Some(("居民户口簿".to_owned(), Some(ALIAS), true)));
    assert_eq!(desk.take(confirm_alias(&desk.case, ALIAS)), Ok(0), "said once is said");

    assert_eq!(desk.take(revert_alias(&desk.case, ALIAS)), Ok(1));
    assert_eq!((state(&desk), asked(&desk)), (MaterialState::Missing, own));
    assert_eq!(desk.take(revert_alias(&desk.case, ALIAS)), Ok(0));
}

#[test]
fn what_was_confirmed_is_taken_back_until_the_citizen_is_asked_and_not_after() {
    let mut desk = at_list();
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    let mut desk = desk.asked();
    assert_eq!(desk.take(revert_alias(&desk.case, ALIAS)), Err(Refusal::AlreadyAsking));
    assert_eq!(desk.take(confirm_alias(&desk.case, ALIAS)), Err(Refusal::AlreadyAsking));
    // The citizen says at the window that it is not theirs: nobody is asked any more.
    desk.take(end_consent(&desk.case, &command(), ConsentEnd::Cancelled)).unwrap();
    assert_eq!(desk.take(revert_alias(&desk.case, ALIAS)), Ok(1));
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    let mut desk = desk.agreed();
    assert_eq!(desk.take(revert_alias(&desk.case, ALIAS)), Err(Refusal::OutOfStep));
}

#[test]
fn only_a_fact_that_the_list_names_is_confirmed_and_only_for_somebody_who_was_confirmed() {
    let mut desk = at_list();
    assert_eq!(desk.take(confirm_alias(&desk.case, AliasId([1; 16]))), Err(Refusal::UnknownAlias));
    let mut early = Desk::open(ITEM, ApplicantKind::Person);
    assert_eq!(early.take(confirm_alias(&early.case, ALIAS)), Err(Refusal::OutOfStep));
    // Another person in the same case: what was confirmed of the first does not hold.
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    desk.take(clear_identity(&desk.case, "换人")).unwrap();
    assert!(desk.case.confirmed.is_empty() && desk.case.aliased.is_empty());
}

#[test]
fn a_new_list_keeps_what_was_confirmed_only_while_the_authority_says_so() {
    let mut desk = at_list();
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    let again = found(&desk);
    desk.take(list(&desk.case, again.clone(), Mode::Online)).unwrap();
    assert_eq!(state(&desk), MaterialState::Waivable);
    let withdrawn = Listing { aliased: Vec::new(), ..again };
    desk.take(list(&desk.case, withdrawn, Mode::Online)).unwrap();
    assert_eq!(state(&desk), MaterialState::Missing);
    assert!(!desk.case.confirms(ALIAS));
}

#[test]
fn a_licence_under_the_present_number_keeps_its_row_and_a_revoked_candidate_takes_none() {
    let mut desk = at_list();
    let mut both = found(&desk);
    both.rows = desk.rows();
    desk.take(list(&desk.case, both, Mode::Offline)).unwrap();
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    assert!(asked(&desk).iter().all(|(_, alias, _)| alias.is_none()), "nobody needs the earlier number");
    let mut revoked = found(&desk);
    revoked.aliased[0].licence.status = LicenceStatus::Revoked;
    desk.take(list(&desk.case, revoked, Mode::Offline)).unwrap();
    assert!(desk.case.confirms(ALIAS));
    assert_eq!(state(&desk), MaterialState::Missing);
}

#[test]
fn a_phone_is_not_asked_for_what_it_does_not_show() {
    let mut desk = at_list();
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    let request = phone_request(&desk.case, &desk.item, &BTreeMap::new(), desk.now).unwrap();
    assert_eq!(request.rows.len(), asked(&desk).len() - 1);
    assert!(request.rows.iter().all(|row| row.alias.is_none()));
    for row in &mut desk.case.list {
        row.licence = row.licence.take().filter(|licence| licence.alias.is_some());
    }
    let none = phone_request(&desk.case, &desk.item, &BTreeMap::new(), desk.now);
    assert_eq!(none.unwrap_err(), Refusal::NothingToAsk);
}

#[test]
fn the_line_that_comes_back_before_submission_confirms_the_earlier_number_or_ends_the_use() {
    let mut desk = at_list();
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    let mut desk = desk.agreed();
    let uses = |desk: &Desk| -> Vec<LicenceUse> {
        let rows = desk.case.list.iter();
        rows.filter_map(used).map(|one| LicenceUse { alias: None, ..one }).collect()
    };
    let opened = uses(&desk);
    desk.take(fill(&desk.case, opened, BTreeMap::new())).unwrap();
    assert_eq!(state(&desk), MaterialState::Waived);
    let known = found(&desk);
    desk.take(recheck(&desk.case, known.clone(), None)).unwrap();
    assert_eq!(state(&desk), MaterialState::Waived);
    desk.take(recheck(&desk.case, Listing { aliased: Vec::new(), ..known }, None)).unwrap();
    assert_eq!(state(&desk), MaterialState::Missing, "the centre does not know of the number any more");
}

#[test]
fn what_is_recorded_of_a_case_with_an_earlier_number_is_read_back_as_it_was() {
    let mut desk = at_list();
    desk.take(confirm_alias(&desk.case, ALIAS)).unwrap();
    let json = serde_json::to_string(&desk.case).unwrap();
    assert_eq!(serde_json::from_str::<Case>(&json).unwrap(), desk.case);
    let holder: &HolderId = &desk.case.principal().unwrap();
    assert_ne!(holder, alias().other());
}
