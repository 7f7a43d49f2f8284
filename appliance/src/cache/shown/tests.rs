//! What a phone shows: which of it is believed, how it is dated, and what of it opens.

use super::*;
use ed25519_dalek::SigningKey;
use hall_domain::LicenceGrade;
use hall_domain::Policy;
use hall_domain::{Capacity, Catalogue, FieldKey, LicenceId, LicenceKindCode};
use hall_ledger::phone::{CodeKey, Said, SealNonce, seal_subject};
use std::sync::Arc;

/// 2026-11-21, about noon in the hall.
const NOW: Timestamp = Timestamp(1_795_226_400_000);
const HOUSEHOLD: &str = "居民户口簿";

fn centre() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn keys() -> CentreKeys {
    CentreKeys::new([centre().verifying_key()]).unwrap()
}

fn code_key(number: u32) -> CodeKey {
    let (first, last) = ("2026-11-01".parse().unwrap(), "2026-12-20".parse().unwrap());
    CodeKey { number, key: [number as u8; 32], first, last }
}

fn code_keys() -> CodeKeys {
    CodeKeys::new([code_key(7)]).unwrap()
}

fn catalogue() -> Catalogue {
    toml::from_str(include_str!("../../../../sync/centre/data/catalogue.toml")).unwrap()
}

/// An item with a material that 居民户口簿 replaces, that material, and the kind.
fn item() -> (ServiceItem, Material, LicenceKind) {
    let catalogue = catalogue();
    let kind = catalogue.kinds().iter().find(|kind| kind.name == HOUSEHOLD).unwrap();
    let replaces = |material: &&Material| material.replaced_by.as_ref() == Some(&kind.code);
    let fits = |item: &&ServiceItem| {
        item.materials.iter().any(|material| replaces(&material) && material.fields.len() > 1)
    };
    let item = catalogue.items().iter().find(fits).unwrap();
    (item.clone(), item.materials.iter().find(replaces).unwrap().clone(), kind.clone())
}

/// The province's own policy for the item's tier.
fn windows() -> Windows {
    let kinds = catalogue().kinds().iter().map(|kind| (kind.code.to_string(), kind.clone())).collect();
    Windows { policy: Arc::new(Policy::default()), tier: item().0.tier, kinds: Arc::new(kinds) }
}

fn wang_fang() -> HolderId {
    "111:519900198805160241".parse().unwrap()
}

fn subject() -> Subject {
    let HolderId::Person(document) = wang_fang() else { unreachable!() };
    Subject { document, name: "王芳".into(), capacity: Capacity::Own }
}

fn stated() -> StatedLicence {
    let (_, material, kind) = item();
    let issuer = "11519900MBTE5T0968".parse().unwrap();
    StatedLicence {
        material: material.id.clone(),
        licence: LicenceId::compose(&kind.code, &issuer, "TE5T00000000040", 2).unwrap(),
        status: LicenceStatus::Valid,
        valid_until: None,
        fields: material.fields.iter().map(|key| (key.clone(), format!("{key} 的内容"))).collect(),
    }
}

/// The centre's answer of noon.
fn answer(all: &[StatedLicence]) -> Vec<u8> {
    let seal = |(n, one): (u8, &StatedLicence)| one.seal(&code_key(7), SealNonce([n; 12]));
    let said = Said::Licences((1..).zip(all).map(seal).collect());
    let subject = seal_subject(&subject(), &code_key(7), SealNonce([0; 12]));
    let nonce = ChallengeNonce([9; 16]);
    Assertion { issued: NOW, expires: NOW.plus_seconds(600), nonce, subject, said }.sign(&centre())
}

fn shown(stated: &StatedLicence) -> Shown {
    Shown::verify(&answer(std::slice::from_ref(stated)), &keys(), &code_keys(), NOW).unwrap()
}

fn rows(shown: &Shown, now: Timestamp) -> Result<BTreeMap<MaterialId, ListedLicence>, NotAskedFor> {
    shown.rows(&item().0, &windows(), &wang_fang(), &wang_fang(), now)
}

fn listed(shown: &Shown, now: Timestamp) -> ListedLicence {
    rows(shown, now).unwrap().remove(&item().1.id).unwrap()
}

/// The row of the request that the citizen agreed to.
fn agreed(listed: &ListedLicence) -> ConsentRow {
    ConsentRow {
        material: item().1.id,
        licence: listed.id.clone(),
        kind: listed.kind.clone(),
        name: listed.name.clone(),
        holder: listed.holder.clone(),
        fields: listed.fields.clone(),
        labels: Vec::new(),
        required: true,
        alias: None,
    }
}

#[test]
fn what_was_shown_is_listed_with_the_centres_word_of_that_moment_and_opens_exactly_what_was_agreed() {
    let (_, material, kind) = item();
    let shown = shown(&stated());
    let listed = listed(&shown, NOW);
    assert_eq!((&listed.kind, &listed.name, listed.version), (&kind.code, &kind.name, 2));
    assert_eq!((&listed.holder, listed.status_at, &listed.fields), (&wang_fang(), NOW, &material.fields));
    assert_eq!((listed.grade, listed.mode), (LicenceGrade::L4, Mode::Offline));
    let words = listed.statement.as_ref().unwrap().zh();
    assert!(words.contains("为本次办件签发") && words.contains("经办事人手机出示"), "{words}");
    assert!(words.contains("未核验：证照内容（尚未打开）、印章"), "{words}");

    let row = ConsentRow { fields: material.fields[..1].to_vec(), ..agreed(&listed) };
    let (used, fields) = shown.open(&row, &listed, &windows(), "LX-1".to_owned(), NOW).unwrap();
    assert_eq!(used.opened, fields.fields);
    let first = material.fields[0].clone();
    assert_eq!(used.opened, BTreeMap::from([(first.clone(), format!("{first} 的内容"))]));
    assert_eq!((used.grade, used.version, used.use_code.as_str()), (LicenceGrade::L4, 2, "LX-1"));
    let statement = used.statement.unwrap();
    assert!(statement.established.contains(&Established::Values) && !statement.open.contains(&Open::Values));
    assert_eq!(used.envelope, hall_ledger::Hash::of(&answer(&[stated()])).to_string());
}

#[test]
fn it_is_fresh_for_ten_minutes_and_then_as_good_as_a_cached_licence_of_that_age() {
    let shown = shown(&stated());
    let window = i64::from(item().2.window_hours);
    assert!(window > 1);
    for (now, grade, in_time) in [
        (NOW.plus_seconds(600), LicenceGrade::L4, true),
        (NOW.plus_seconds(600).plus_ms(1), LicenceGrade::L3, true),
        (NOW.plus_hours(window).plus_ms(-1), LicenceGrade::L3, true),
        (NOW.plus_hours(window), LicenceGrade::L2, false),
    ] {
        let listed = listed(&shown, now);
        let said = listed.statement.as_ref().unwrap().established.contains(&Established::Status);
        assert_eq!((listed.grade, said), (grade, in_time), "{now:?}");
        let opened = shown.open(&agreed(&listed), &listed, &windows(), String::new(), now).unwrap().0;
        assert_eq!((opened.grade, opened.status_at), (grade, NOW));
    }
    // What a consent on the phone told later is the newer word.
    let later =
        ListedLicence { status_at: NOW.plus_hours(1), grade: LicenceGrade::L4, ..listed(&shown, NOW) };
    let (opened, _) =
        shown.open(&agreed(&later), &later, &windows(), String::new(), NOW.plus_hours(1)).unwrap();
    assert_eq!((opened.grade, opened.status_at), (LicenceGrade::L4, NOW.plus_hours(1)));
    let revoked = ListedLicence { status: LicenceStatus::Revoked, ..later };
    assert!(shown.open(&agreed(&revoked), &revoked, &windows(), String::new(), NOW.plus_hours(1)).is_none());
}

#[test]
fn nothing_is_taken_of_an_answer_with_a_licence_or_a_field_that_the_item_does_not_ask_for() {
    let good = stated();
    let refused = |change: &dyn Fn(&mut StatedLicence)| {
        let mut one = good.clone();
        change(&mut one);
        rows(&shown(&one), NOW).err()
    };
    assert_eq!(refused(&|_| {}), None);
    assert_eq!(refused(&|one| one.material = "m99".parse().unwrap()), Some(NotAskedFor));
    let other: LicenceKindCode = "11100000000013338W011".parse().unwrap();
    let issuer = "11519900MBTE5T0968".parse().unwrap();
    let other = LicenceId::compose(&other, &issuer, "1", 1).unwrap();
    assert_eq!(refused(&|one| one.licence = other.clone()), Some(NotAskedFor), "another kind");
    let more: FieldKey = "blood_group".parse().unwrap();
    assert_eq!(refused(&|one| _ = one.fields.insert(more.clone(), "A".into())), Some(NotAskedFor));
}

#[test]
fn a_licence_that_is_not_valid_or_past_its_last_day_is_shown_as_that_and_does_not_open() {
    for status in [LicenceStatus::Revoked, LicenceStatus::Suspended, LicenceStatus::Changing] {
        let shown = shown(&StatedLicence { status, ..stated() });
        let listed = listed(&shown, NOW);
        assert!(listed.status == status && !listed.usable(NOW.local_date()));
        assert!(shown.open(&agreed(&listed), &listed, &windows(), String::new(), NOW).is_none());
    }
    let past = StatedLicence { valid_until: Some(NOW.local_date().plus_days(-1)), ..stated() };
    let listed = listed(&shown(&past), NOW);
    assert!(!listed.usable(NOW.local_date()));
    assert!(listed.statement.unwrap().open.contains(&Open::Dates));
}

#[test]
fn an_answer_opens_only_the_rows_that_were_listed_from_it() {
    let (first, second) =
        (shown(&stated()), shown(&StatedLicence { valid_until: Some(NOW.local_date()), ..stated() }));
    let listed = listed(&first, NOW);
    assert!(first.open(&agreed(&listed), &listed, &windows(), String::new(), NOW).is_some());
    assert!(
        second.open(&agreed(&listed), &listed, &windows(), String::new(), NOW).is_none(),
        "another answer"
    );
    let mut more = agreed(&listed);
    more.fields.push("blood_group".parse().unwrap());
    assert!(
        first.open(&more, &listed, &windows(), String::new(), NOW).is_none(),
        "a field that was not stated"
    );
    let elsewhere = ConsentRow { material: "m99".parse().unwrap(), ..agreed(&listed) };
    assert!(first.open(&elsewhere, &listed, &windows(), String::new(), NOW).is_none());
}

#[test]
fn no_byte_of_an_answer_can_be_changed_and_no_other_key_counts() {
    let good = answer(&[stated()]);
    for at in 0..good.len() {
        let mut bent = good.clone();
        bent[at] ^= 1;
        assert!(Shown::verify(&bent, &keys(), &code_keys(), NOW).is_err(), "byte {at}");
    }
    let stranger = CentreKeys::new([SigningKey::from_bytes(&[8; 32]).verifying_key()]).unwrap();
    assert!(matches!(Shown::verify(&good, &stranger, &code_keys(), NOW), Err(CodeError::UnknownKey(_))));
    let other = CodeKeys::new([code_key(8)]).unwrap();
    assert!(matches!(Shown::verify(&good, &keys(), &other, NOW), Err(CodeError::UnknownCodeKey(_))));
    let late = Shown::verify(&good, &keys(), &code_keys(), NOW.plus_seconds(600));
    assert!(matches!(late, Err(CodeError::Expired)));
}
