//! The catalogue of the reference centre and the cast of the tests: what the product is shown and tested with must
//! itself be right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hall_domain::form::{OpenedFields, Sources, autofill};
use hall_domain::identifier::ForeignResidentNumber;
use hall_domain::{
    ApplicantKind, CardLayout, Catalogue, Date, DocumentKind, FieldKind, HolderId, IdentityCard, Licence,
    LicenceKindCode, MaterialHolder, OrganisationKind, Promise, Register, ServiceItem, Tier,
};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn catalogue() -> Catalogue {
    toml::from_str(&read("../centre/data/catalogue.toml")).expect("the catalogue is right")
}

fn cast() -> Register {
    let people: Register =
        toml::from_str(&read("../../tests/cast/people.toml")).expect("the people are well-formed");
    let organisations: Register = toml::from_str(&read("../../tests/cast/organisations.toml"))
        .expect("the organisations are well-formed");
    people.merged(organisations).checked(&catalogue()).expect("the cast is right")
}

/// The day on which the cast is looked at; expiry and age are meant as of this day.
fn today() -> Date {
    "2026-11-21".parse().expect("a day of the calendar")
}

#[test]
fn the_catalogue_covers_the_departments_and_tiers() {
    let catalogue = catalogue();
    assert!(catalogue.kinds().len() >= 42, "{}", catalogue.kinds().len());
    assert!(catalogue.items().len() >= 16, "{}", catalogue.items().len());
    let departments: BTreeSet<_> = catalogue.kinds().iter().map(|kind| &kind.department).collect();
    assert!(departments.len() >= 18, "{departments:?}");
    for tier in Tier::ALL {
        assert!(catalogue.items().iter().filter(|item| item.tier == tier).count() >= 2, "{tier:?}");
    }
    for applicant in [ApplicantKind::Person, ApplicantKind::Organisation] {
        assert!(catalogue.items().iter().filter(|item| item.applicants.contains(&applicant)).count() >= 8);
    }
    for name in
        ["居民身份证", "营业执照", "不动产权证书", "排污许可证", "食盐定点批发企业证书", "实验动物生产许可证"]
    {
        assert!(catalogue.kinds().iter().any(|kind| kind.name == name), "{name}");
    }
}

#[test]
fn items_are_handled_like_real_ones() {
    for item in catalogue().items() {
        let place = &item.name;
        assert!((8..=18).contains(&item.form.len()), "{place}: {} fields", item.form.len());
        assert!(item.form.iter().any(|field| field.kind == FieldKind::Phone), "{place} asks for no phone");
        assert!(item.licence_materials().count() >= 1, "{place} saves no paper");
        assert!(of_test_authority(item), "{place}");
        if item.promise == Promise::Immediate {
            assert_ne!(item.tier, Tier::T1, "{place}: a result at the counter is not a low risk");
        }
        assert!(item.tier == Tier::T2 || !item.offline_t2, "{place}");
        for (material, _) in item.licence_materials() {
            assert!(!material.fields.is_empty(), "{place} {}: opens nothing", material.name);
            let legal = material.holder == MaterialHolder::LegalRepresentative;
            assert!(!legal || item.applicants.contains(&ApplicantKind::Organisation), "{place}");
        }
    }
}

fn of_test_authority(item: &ServiceItem) -> bool {
    let authority = item.code.authority();
    authority.division().ends_with("9900") && authority.subject_code().contains("TE5T")
}

#[test]
fn a_catalogue_that_points_nowhere_is_refused() {
    let text = read("../centre/data/catalogue.toml");
    let refused = |text: String| {
        let error = toml::from_str::<Catalogue>(&text).unwrap_err().to_string();
        error.contains("catalogue:").then_some(()).ok_or(error).unwrap();
    };
    let spoiled = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    refused(spoiled("field = \"endorsed_until\"", "field = \"no_such_field\""));
    refused(spoiled("from = \"registry\", field = \"phone\"", "from = \"registry\", field = \"fax\""));
    refused(spoiled("label = \"居住证编号\"", "label = \" \""));
    refused(spoiled("applicants = [\"person\"]", "applicants = []"));
    refused(spoiled("id = \"m2\"", "id = \"m1\""));
    refused(spoiled("key = \"phone\"", "key = \"name\""));
    let kind = &text[text.find("[[kinds]]").unwrap()..text.find("[[items]]").unwrap()];
    refused(text.replacen(kind, &format!("{kind}{kind}"), 1));
    let unopened = catalogue().items()[2].clone();
    let mut item = unopened.clone();
    item.materials[1].fields.retain(|key| key.as_str() != "endorsed_until");
    let error = Catalogue::checked(1, catalogue().kinds().to_vec(), vec![item]).unwrap_err();
    assert_eq!(error.rule, "no material of the item allows this field to be opened");
    assert!(Catalogue::checked(1, Vec::new(), vec![unopened]).is_err());
}

#[test]
fn items_are_found_by_any_words_of_their_name_and_department() {
    let catalogue = catalogue();
    let found = |text: &str| catalogue.search(text).iter().map(|item| item.name.as_str()).collect::<Vec<_>>();
    assert_eq!(found("食品 延续"), ["食品经营许可延续"]);
    assert_eq!(found("公安局 居住证"), ["居住证签注"]);
    assert_eq!(found("").len(), catalogue.items().len());
    assert!(found("没有这个事项").is_empty());
    let code = catalogue.items()[0].code.as_str();
    assert_eq!(catalogue.search(&code.to_lowercase()).len(), 1);
}

#[test]
fn the_catalogue_survives_its_own_encoding() {
    let catalogue = catalogue();
    let json = serde_json::to_string(&catalogue).unwrap();
    assert_eq!(serde_json::from_str::<Catalogue>(&json).unwrap(), catalogue);
}

#[test]
fn the_cast_has_its_difficult_members() {
    let cast = cast();
    assert!(cast.people.len() >= 26 && cast.organisations.len() >= 16);
    let has = |what: &str, rule: &dyn Fn(&IdentityCard) -> bool| {
        assert!(cast.people.iter().any(|person| rule(&person.card)), "nobody with {what}");
    };
    for rare in ['㛃', '䶮', '𬱖', '·'] {
        has("a rare character", &|card| card.name.contains(rare));
    }
    has("one character for a name", &|card| card.name.chars().count() == 1);
    has("the longest name of a card", &|card| card.name.encode_utf16().count() == 15);
    has("a card for ever", &|card| card.valid_until.is_none());
    has("an expired card", &|card| card.expired(today()));
    has("less than 14 years", &|card| card.birth.years_until(today()) < 14);
    has("more than 80 years", &|card| card.birth.years_until(today()) > 80);
    has("an X", &|card| card.layout == CardLayout::Resident && card.document.number().ends_with('X'));
    has("a leap day", &|card| (card.birth.month(), card.birth.day()) == (2, 29));
    has("an I card", &|card| card.layout == CardLayout::Foreigner2017);
    has("a Y card", &|card| card.layout == CardLayout::Foreigner2023);
    has("a long English name", &|card| card.english_name.as_ref().is_some_and(|name| name.len() > 35));
    for region in ["810000", "820000", "830000"] {
        let here = |card: &IdentityCard| {
            card.document.kind() == DocumentKind::ResidencePermit
                && card.document.number().starts_with(region)
        };
        has("a J card of each region", &|card| here(card) && card.travel_permit.is_some());
    }
    let earlier = |person: &hall_domain::RegisterPerson| {
        person.licences.iter().any(|licence| licence.holder != person.holder()) && !person.aliases.is_empty()
    };
    assert!(cast.people.iter().any(earlier), "nobody has licences under an earlier number");
    assert!(cast.people.iter().any(|person| person.licences.is_empty()), "everybody has licences");
    assert!(cast.person("wang-fang").unwrap().licences.len() >= 10);
}

#[test]
fn every_organisation_is_represented_by_one_of_the_cast_and_one_person_by_three() {
    let cast = cast();
    let mut companies = BTreeMap::new();
    for entry in &cast.organisations {
        let legal = &entry.organisation.legal_representative;
        let person = cast.people.iter().find(|person| person.card.document == legal.document);
        let person = person.unwrap_or_else(|| panic!("nobody represents {}", entry.slug));
        assert!(
            entry.organisation.is_represented_by(&person.card.document, &person.card.name),
            "{}",
            entry.slug
        );
        if entry.organisation.kind == OrganisationKind::Enterprise {
            *companies.entry(&person.slug).or_insert(0) += 1;
        }
    }
    assert!(companies.values().any(|count| *count == 3), "{companies:?}");
    let pilots: Vec<_> =
        cast.organisations.iter().filter(|o| !o.organisation.uscc.check_digit_ok()).collect();
    assert_eq!(pilots.len(), 1, "one code of the pilot years");
    let kinds: BTreeSet<_> = cast.organisations.iter().map(|entry| entry.organisation.kind).collect();
    assert!(kinds.len() >= 9, "{kinds:?}");
    assert!(cast.organisations.iter().any(|entry| entry.licences.is_empty()), "everybody has licences");
}

#[test]
fn all_numbers_of_the_cast_are_synthetic() {
    let cast = cast();
    for person in &cast.people {
        let card = &person.card;
        let number = card.document.number();
        match card.layout {
            CardLayout::Resident => assert_eq!(&number[2..6], "9900", "{}", person.slug),
            CardLayout::HkMoTw => assert!(number[14..17].starts_with("90"), "{}", person.slug),
            CardLayout::Foreigner2017 | CardLayout::Foreigner2023 => {
                assert!(number.parse::<ForeignResidentNumber>().unwrap().check_digit_ok(), "{}", person.slug);
            }
        }
        for alias in &person.aliases {
            let (_, number) =
                alias.other.key().split_once(':').map(|(c, n)| (c.to_owned(), n.to_owned())).unwrap();
            assert_eq!(&number[2..6], "9900", "{}", person.slug);
        }
        assert!(card.name.encode_utf16().count() <= 15, "{}: the card holds 15 units of name", person.slug);
        assert!(card.address.iter().all(|a| a.encode_utf16().count() <= 35), "{}", person.slug);
        assert!(card.english_name.iter().all(|name| name.len() <= 46), "{}", person.slug);
        assert!(card.authority.iter().all(|name| name.encode_utf16().count() <= 15), "{}", person.slug);
    }
    for entry in &cast.organisations {
        let uscc = &entry.organisation.uscc;
        assert!(uscc.division().ends_with("9900") && uscc.subject_code().contains("TE5T"), "{uscc}");
        assert!(entry.organisation.phone.starts_with("1800000"), "{uscc}");
    }
    for (_, licence) in cast.licences() {
        assert!(licence.issuer.uscc.as_str().contains("TE5T") && licence.issuer.uscc.check_digit_ok());
        assert!(licence.id.serial().starts_with("TE5T"), "{:?}", licence.id);
    }
}

#[test]
fn every_licence_kind_is_held_by_someone_and_some_have_run_out() {
    let cast = cast();
    let held: BTreeSet<LicenceKindCode> = cast.licences().map(|(_, licence)| licence.kind.clone()).collect();
    for kind in catalogue().kinds() {
        assert!(held.contains(&kind.code), "nobody holds {}", kind.name);
    }
    assert!(cast.licences().any(|(_, licence)| licence.expired(today())));
}

/// What a clerk would see: whatever fills itself in is right for its field, for everybody and every item.
#[test]
fn what_fills_itself_in_is_never_refused_by_the_form() {
    let (catalogue, cast) = (catalogue(), cast());
    let mut filled = 0;
    for item in catalogue.items() {
        for person in
            item.applicants.contains(&ApplicantKind::Person).then_some(&cast.people).into_iter().flatten()
        {
            filled +=
                fill(item, &opened(item, &[(&person.holder(), &person.licences)]), Some(&person.card), None);
        }
        let organisations =
            item.applicants.contains(&ApplicantKind::Organisation).then_some(&cast.organisations);
        for entry in organisations.into_iter().flatten() {
            let legal = &entry.organisation.legal_representative.document;
            let person = cast.people.iter().find(|person| person.card.document == *legal).unwrap();
            let licences =
                opened(item, &[(&entry.holder(), &entry.licences), (&person.holder(), &person.licences)]);
            filled += fill(item, &licences, Some(&person.card), Some(&entry.organisation));
        }
    }
    assert!(filled > 2000, "{filled} fields filled themselves in");
}

/// The licences that the item may open, as the centre would answer for these holders.
fn opened(
    item: &ServiceItem,
    owners: &[(&HolderId, &Vec<Licence>)],
) -> BTreeMap<LicenceKindCode, OpenedFields> {
    let mut licences = BTreeMap::new();
    for (material, kind) in item.licence_materials() {
        for licence in owners.iter().flat_map(|(_, list)| list.iter()).filter(|licence| licence.kind == *kind)
        {
            let fields = licence.fields.iter().filter(|(key, _)| material.fields.contains(key));
            let fields = fields.map(|(key, value)| (key.clone(), value.clone())).collect();
            let opened = OpenedFields { id: licence.id.clone(), name: licence.name.clone(), fields };
            licences.entry(kind.clone()).or_insert(opened);
        }
    }
    licences
}

fn fill(
    item: &ServiceItem,
    licences: &BTreeMap<LicenceKindCode, OpenedFields>,
    card: Option<&IdentityCard>,
    organisation: Option<&hall_domain::Organisation>,
) -> usize {
    let form = autofill(item, &Sources { card, licences: licences.clone(), organisation, stated: None });
    let mut filled = 0;
    for field in item.form.iter().filter(|field| !field.sources.is_empty()) {
        let value = &form[&field.key].value;
        if !value.is_empty() {
            field.check(value).unwrap_or_else(|error| panic!("{}: {}", item.name, error.zh()));
            filled += 1;
        }
    }
    filled
}

/// Each item has someone for whom every paper that a licence can replace is there.
#[test]
fn every_item_has_somebody_who_needs_no_paper_that_a_licence_replaces() {
    let (catalogue, cast) = (catalogue(), cast());
    for item in catalogue.items() {
        let complete = |licences: &[&Licence]| {
            let required = item.licence_materials().filter(|(material, _)| material.required);
            required.into_iter().all(|(_, kind)| licences.iter().any(|licence| licence.kind == *kind))
        };
        let someone = cast.people.iter().any(|p| complete(&p.licences.iter().collect::<Vec<_>>()));
        let some_organisation = cast.organisations.iter().any(|entry| {
            let legal = &entry.organisation.legal_representative.document;
            let person = cast.people.iter().find(|person| person.card.document == *legal);
            complete(
                &entry.licences.iter().chain(person.iter().flat_map(|p| &p.licences)).collect::<Vec<_>>(),
            )
        });
        let organisations = item.applicants.contains(&ApplicantKind::Organisation);
        assert!(if organisations { some_organisation } else { someone }, "nobody for {}", item.name);
    }
}

#[test]
fn a_register_that_contradicts_itself_is_refused() {
    let catalogue = catalogue();
    let refused = |change: &dyn Fn(&mut Register)| {
        let mut cast = cast();
        change(&mut cast);
        cast.checked(&catalogue).unwrap_err().rule
    };
    assert_eq!(refused(&|c| c.people[1].slug = c.people[0].slug.clone()), "this slug stands twice");
    assert_eq!(refused(&|c| c.people[0].slug = "Wang Fang".into()), "a slug is a-z, 0-9 and hyphens");
    assert_eq!(refused(&|c| c.people[1].card = c.people[0].card.clone()), "this holder stands twice");
    assert_eq!(refused(&|c| c.people[0].card.name.clear()), "the card contradicts itself");
    assert_eq!(
        refused(&|c| c.organisations[0].organisation.kind = OrganisationKind::LawFirm),
        "the kind differs from the one in the code"
    );
    assert_eq!(
        refused(&|c| c.people[0].licences[0].holder = c.people[1].holder()),
        "the holder is not the one under whom it is listed"
    );
    let aliased = |c: &Register| c.people.iter().position(|person| !person.aliases.is_empty()).unwrap();
    assert_eq!(
        refused(&|c| {
            let at = aliased(c);
            c.people[at].aliases[0].kind = hall_domain::AliasKind::Passport;
        }),
        "an earlier identifier does not fit the person or its kind"
    );
    assert_eq!(
        refused(&|c| {
            let at = aliased(c);
            c.people[at].aliases.clear();
        }),
        "the holder is not the one under whom it is listed",
        "a number of 15 digits is nobody's by arithmetic"
    );
    assert_eq!(
        refused(&|c| {
            let at = aliased(c);
            let twice = c.people[at].aliases[0].clone();
            c.people[at].aliases.push(twice);
        }),
        "this holder stands twice"
    );
    assert_eq!(refused(&|c| c.people[0].licences[0].version = 2), "the version differs from the identifier");
    assert_eq!(
        refused(&|c| c.people[0].licences[0].name = "驾照".into()),
        "the name differs from the catalogue"
    );
    assert_eq!(
        refused(&|c| drop(c.people[0].licences[0].fields.pop_first())),
        "the fields are not those of the kind"
    );
    assert_eq!(
        refused(&|c| {
            let twice = c.people[0].licences[0].clone();
            c.people[0].licences.push(twice);
        }),
        "this licence stands twice"
    );
    assert_eq!(
        refused(&|c| c.people[0].licences[0].kind = c.people[0].licences[1].kind.clone()),
        "the kind differs from the identifier"
    );
}

#[test]
fn an_item_is_found_by_the_first_letters_of_its_syllables() {
    let catalogue = catalogue();
    let found = |text: &str| -> Vec<String> {
        catalogue.search(text).into_iter().map(|item| item.name.clone()).collect()
    };
    assert_eq!(found("sydj"), ["失业登记", "生育登记"]);
    assert_eq!(found("SYDJ 人力"), ["失业登记"], "other words narrow it");
    assert_eq!(found("bdczy"), ["不动产转移登记（存量房买卖）"], "from the beginning");
    assert_eq!(found("clfmm"), ["不动产转移登记（存量房买卖）"], "or from the middle");
    assert!(found("jdcjsz").iter().any(|name| name.contains("机动车驾驶证")));
    assert_eq!(found("zzzz"), [""; 0]);
    assert!(found("s").len() < catalogue.items().len(), "one letter is not a syllable of everything");
}
