//! Published samples, all negative samples, and what check characters promise.

use proptest::prelude::*;

use super::*;
use crate::person::Sex;

/// Numbers under the county 99, which was never assigned.
const RESIDENTS: [&str; 5] = [
    "519900199003070011",
    "519900200002291029",
    "239900195805120038",
    "449900201512312041",
    "51990019880808001X",
];

const ORGANISATIONS: [&str; 9] = [
    "91239900MATE5T017W",
    "92239900MATE5T025L",
    "93239900MATE5T076R",
    "51239900MJTE5T036G",
    "52239900MJTE5T087M",
    "11239900MBTE5T0454",
    "12239900MBTE5T053U",
    "N2239900MFTE5T066Q",
    "11519900MBTE5T0968",
];

/// One of our own, and two from public documents.
const LICENCES: [&str; 3] = [
    "1.2.156.3005.2.11100000000013127D001.11519900MBTE5T0968.000000000000001.001.3",
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
];

fn resident(text: &str) -> Result<ResidentNumber, IdentifierError> {
    text.parse()
}

#[test]
fn samples_of_residents_are_read() {
    for sample in RESIDENTS {
        assert_eq!(resident(sample).unwrap().to_string(), sample);
    }
    let number = resident("519900200002291029").unwrap();
    assert_eq!(
        (number.area(), number.birth().to_string().as_str(), number.sex()),
        ("519900", "2000-02-29", Sex::Female)
    );
    assert_eq!(resident("51990019880808001X").unwrap().sex(), Sex::Male);
}

#[test]
fn wrong_residents_are_refused_each_for_its_reason() {
    let what = Kind::Resident;
    for (text, error) in [
        ("", IdentifierError::Empty { what }),
        ("512000000000000046", IdentifierError::BirthDate { what }),
        ("51990019880808001x", IdentifierError::LowerCaseX { what }),
        ("999900199003070017", IdentifierError::Prefix { what }),
        ("169900199003070017", IdentifierError::Prefix { what }),
        ("519900199003070012", IdentifierError::CheckCharacter { what }),
        ("519900199002300011", IdentifierError::BirthDate { what }),
        ("519900179903070011", IdentifierError::BirthDate { what }),
        ("519900900307001", IdentifierError::FifteenDigits { what }),
        ("51990019900307001", IdentifierError::Length { what, found: 17, expected: "18" }),
        ("5199001990030700111", IdentifierError::Length { what, found: 19, expected: "18" }),
        ("5199O0199003070011", IdentifierError::Character { what, position: 5, found: 'O' }),
        ("51990019900307001Y", IdentifierError::Character { what, position: 18, found: 'Y' }),
        ("５19900199003070011", IdentifierError::Character { what, position: 1, found: '５' }),
        ("810000199506159011", IdentifierError::OtherDocument { what, found: Kind::ResidencePermit }),
        ("951840198001019015", IdentifierError::OtherDocument { what, found: Kind::ForeignResident }),
    ] {
        assert_eq!(resident(text), Err(error), "{text}");
    }
}

#[test]
fn a_person_not_yet_born_is_told_by_the_day_passed_in() {
    let number = resident("449900201512312041").unwrap();
    assert_eq!(number.born_by("2015-12-31".parse().unwrap()), Ok(()));
    let before = number.born_by("2015-12-30".parse().unwrap());
    assert_eq!(before, Err(IdentifierError::BirthInFuture { what: Kind::Resident }));
}

#[test]
fn fifteen_digits_become_eighteen() {
    assert_eq!(ResidentNumber::from_fifteen("519900900307001").unwrap().as_str(), "519900199003070011");
    let old = ResidentNumber::from_fifteen("519900900307998").unwrap();
    assert_eq!(old.birth().year(), 1890, "sequences 996 to 999 were kept for people over a hundred");
    for wrong in ["", "51990090030700", "519900901307001", "51990090030700X", "999900900307001"] {
        assert!(ResidentNumber::from_fifteen(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_number_of_fifteen_digits_is_a_holder_of_its_own_and_never_the_one_of_eighteen() {
    let old: HolderId = "111:519900900307001".parse().unwrap();
    let HolderId::Person(document) = &old else { panic!("{old:?}") };
    assert_eq!((document.kind(), document.holder_type_code()), (DocumentKind::FormerResidentId, "111"));
    assert_eq!((old.key().as_str(), old.shown().as_str()), ("111:519900900307001", "519********7001"));
    let new: HolderId = "111:519900199003070011".parse().unwrap();
    assert_ne!(old, new, "whose it is now is for the authority to say");
    assert!(IdentityDocument::new(DocumentKind::ResidentId, "519900900307001").is_err());
    assert!(IdentityDocument::new(DocumentKind::FormerResidentId, "519900199003070011").is_err());
    for wrong in ["", "51990090030700", "519900901307001", "51990090030700X", "999900900307001"] {
        let error = wrong.parse::<FormerResidentNumber>().unwrap_err();
        assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
    }
    let card = serde_json::from_str::<IdentityDocument>(
        r#"{"kind":"former_resident_id","number":"519900900307001"}"#,
    );
    assert_eq!(card.unwrap().birth(), None, "nothing is read out of it");
}

#[test]
fn residence_permits_tell_the_region() {
    for (text, region, code) in [
        ("810000199506159011", ResidenceRegion::HongKong, "551"),
        ("820000199506159013", ResidenceRegion::Macao, "551"),
        ("830000199506159015", ResidenceRegion::Taiwan, "552"),
    ] {
        assert_eq!(text.parse::<ResidencePermitNumber>().unwrap().region(), region);
        let document = IdentityDocument::new(DocumentKind::ResidencePermit, text).unwrap();
        assert_eq!(document.holder_type_code(), code);
    }
    for wrong in ["519900199003070011", "810000199506159012", "810100199506159011", "81000019950615901x"] {
        assert!(wrong.parse::<ResidencePermitNumber>().is_err(), "{wrong}");
    }
}

#[test]
fn both_forms_of_foreign_residents_are_read() {
    let new: ForeignResidentNumber = "951840198001019015".parse().unwrap();
    assert_eq!((new.nationality(), new.birth().unwrap().to_string()), ("840", "1980-01-01".to_owned()));
    let old: ForeignResidentNumber = "USA519900800101".parse().unwrap();
    assert_eq!((old.nationality(), old.birth(), old.check_digit_ok()), ("USA", None, false));
    assert!("USA519900800107".parse::<ForeignResidentNumber>().unwrap().check_digit_ok());
    for wrong in [
        "",
        "951840198001019014",
        "951840198013019015",
        "151840198001019015",
        "USA51990080010",
        "US1519900800101",
        "usa519900800101",
        "USA5199008001O1",
        "USA519900800101234",
    ] {
        assert!(wrong.parse::<ForeignResidentNumber>().is_err(), "{wrong}");
    }
}

#[test]
fn passports_and_permits_follow_their_forms() {
    let kinds = [
        (
            DocumentKind::Passport,
            &["E12345678", "EA1234567", "EZ1234567", "G12345678", "DE1234567", "SE1234567", "PE1234567"][..],
            &[
                "",
                "E1234567",
                "EI1234567",
                "EO1234567",
                "e12345678",
                "X12345678",
                "E123456789",
                "GA1234567",
                "E1234567８",
            ][..],
        ),
        (
            DocumentKind::HkMoTravelPermit,
            &["H99000012", "M99000034", "H9900001201"],
            &["", "H9900001", "H990000120", "A99000012", "h99000012", "H9900001A", "CA9900001", "C99000012"],
        ),
        (
            DocumentKind::TaiwanTravelPermit,
            &["99000123", "9900012301", "9900012301(A)", "9900012301（B）"],
            &["", "9900012", "990001230", "9900012301(AB)", "9900012301A", "T9900012", "99000123(A)"],
        ),
    ];
    for (kind, right, wrong) in kinds {
        for text in right {
            assert!(IdentityDocument::new(kind, text).is_ok(), "{kind:?} {text}");
        }
        for text in wrong {
            assert!(IdentityDocument::new(kind, text).is_err(), "{kind:?} {text}");
        }
    }
    let opposite = "C99000012".parse::<HkMoPermitNumber>();
    assert_eq!(opposite, Err(IdentifierError::OppositePermit));
    assert_eq!("9900012301（B）".parse::<TaiwanPermitNumber>().unwrap().as_str(), "9900012301(B)");
}

#[test]
fn organisations_of_all_kinds_are_read() {
    use crate::organisation::OrganisationKind as K;
    let kinds = [
        K::Enterprise,
        K::IndividualBusiness,
        K::FarmersCooperative,
        K::SocialOrganisation,
        K::PrivateNonEnterprise,
        K::GovernmentOrgan,
        K::PublicInstitution,
        K::RuralCollective,
        K::GovernmentOrgan,
    ];
    for (text, kind) in ORGANISATIONS.into_iter().zip(kinds) {
        let uscc: Uscc = text.parse().unwrap();
        assert!(uscc.check_digit_ok() && uscc.warning_zh().is_none(), "{text}");
        assert_eq!(uscc.organisation_kind(), kind, "{text}");
        assert!(uscc.subject_code().parse::<OrganisationCode>().is_ok(), "{text}");
        assert_eq!(Uscc::with_check(&text[..17]).unwrap(), uscc);
    }
}

#[test]
fn a_pilot_code_is_a_question_and_not_a_refusal() {
    let pilot: Uscc = "91449900M000TE5T1Y".parse().unwrap();
    assert!(!pilot.check_digit_ok());
    assert!(pilot.warning_zh().unwrap().contains("核对"));
}

#[test]
fn wrong_organisation_codes_are_refused_each_for_its_reason() {
    let what = Kind::Uscc;
    for (text, error) in [
        ("", IdentifierError::Empty { what }),
        ("91239900MATE5T017", IdentifierError::Length { what, found: 17, expected: "18" }),
        ("91239900MATE5T0I7W", IdentifierError::Character { what, position: 16, found: 'I' }),
        ("9123990OMATE5T017W", IdentifierError::Character { what, position: 8, found: 'O' }),
        ("9123A900MATE5T017W", IdentifierError::Character { what, position: 5, found: 'A' }),
        ("91239900mate5t017w", IdentifierError::Character { what, position: 9, found: 'm' }),
        ("519900199003070011", IdentifierError::OtherDocument { what, found: Kind::Resident }),
        ("99239900MATE5T017W", IdentifierError::Prefix { what }),
        ("B1239900MATE5T017W", IdentifierError::Prefix { what }),
    ] {
        assert_eq!(text.parse::<Uscc>(), Err(error), "{text}");
    }
    for wrong in ["", "MATE5T018", "MATE5T01-", "MATE5T0-17", "mate5t017"] {
        assert!(wrong.parse::<OrganisationCode>().is_err(), "{wrong}");
    }
    assert_eq!("MATE5T01-7".parse::<OrganisationCode>().unwrap().as_str(), "MATE5T017");
}

#[test]
fn licence_identifiers_of_different_issuers_are_read() {
    for text in LICENCES {
        assert_eq!(text.parse::<LicenceId>().unwrap().to_string(), text);
    }
    let id: LicenceId = LICENCES[0].parse().unwrap();
    assert_eq!(id.kind().as_str(), "11100000000013127D001");
    assert_eq!(
        (id.kind().serial(), id.issuer(), id.serial(), id.version()),
        ("001", "11519900MBTE5T0968", "000000000000001", 1)
    );
    let issuer = "11519900MBTE5T0968".parse().unwrap();
    assert_eq!(LicenceId::compose(&id.kind(), &issuer, "000000000000001", 1).unwrap(), id);
    for (serial, version) in
        [("", 1), ("a", 1), ("0000000000000000000000000000000000", 1), ("1", 1000), ("1.2", 1)]
    {
        assert!(LicenceId::compose(&id.kind(), &issuer, serial, version).is_err(), "{serial} {version}");
    }
}

#[test]
fn wrong_licence_identifiers_are_refused() {
    let right = LICENCES[0];
    for wrong in [
        String::new(),
        right.replace("1.2.156", "1.2.840"),
        right.replace(".001.3", ".001.4"),
        right.replace(".001.3", ".001.33"),
        right.replace(".001.3", ".001."),
        right.replace(".001.3", ".01.3"),
        right.replace(".001.3", ".3"),
        format!("{right}.3"),
        right.replace("13127D001", "13127D00"),
        right.replace("11519900MBTE5T0968", "5199001"),
        right.replace("000000000000001", "00000000000000l"),
    ] {
        assert!(wrong.parse::<LicenceId>().is_err(), "{wrong}");
    }
}

#[test]
fn item_codes_begin_with_their_authority() {
    let code: ItemCode = "11519900MBTE5T09682000100001001".parse().unwrap();
    assert_eq!(code.authority().as_str(), "11519900MBTE5T0968");
    for wrong in [
        "",
        "11519900MBTE5T0968200010000100",
        "11519900MBTE5T096820001000010011",
        "11519900MBTE5T0967200010000100１",
        "11519900MBTE5T09672000100001001",
        "11519900MBTE5T0968200010000100a",
        "99519900MBTE5T09682000100001001",
    ] {
        assert!(wrong.parse::<ItemCode>().is_err(), "{wrong}");
    }
}

#[test]
fn mobile_numbers_are_told_from_landlines() {
    assert!("18000000001".parse::<MobileNumber>().is_ok());
    for landline in ["028-12345678", "02812345678", "0818-1234567"] {
        assert_eq!(landline.parse::<MobileNumber>(), Err(IdentifierError::Landline), "{landline}");
    }
    for wrong in
        ["", "1800000000", "180000000011", "12000000001", "1800000000a", "+8618000000001", "28-12345678"]
    {
        assert!(wrong.parse::<MobileNumber>().is_err(), "{wrong}");
    }
}

#[test]
fn holders_are_known_by_type_and_number() {
    for key in [
        "111:519900199003070011",
        "551:810000199506159011",
        "552:830000199506159015",
        "553:951840198001019015",
        "414:E12345678",
        "516:H99000012",
        "511:99000123",
        "001:91239900MATE5T017W",
    ] {
        let holder: HolderId = key.parse().unwrap();
        assert_eq!(holder.key(), key);
        assert_eq!(serde_json::to_string(&holder).unwrap(), format!("\"{key}\""));
        let shown = format!("{holder:?} {}", holder.shown());
        let personal = !key.starts_with("001:");
        assert_eq!(shown.contains(&key[4..]), !personal, "{shown}");
    }
    for wrong in [
        "",
        "519900199003070011",
        "999:519900199003070011",
        "551:830000199506159015",
        "552:810000199506159011",
        "001:519900199003070011",
        "111:",
        "111:519900199003070012",
    ] {
        assert!(wrong.parse::<HolderId>().is_err(), "{wrong}");
    }
}

#[test]
fn documents_are_checked_when_they_are_read_back() {
    let text = r#"{"kind":"resident_id","number":"519900199003070011"}"#;
    let document: IdentityDocument = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&document).unwrap(), text);
    assert!(serde_json::from_str::<IdentityDocument>(&text.replace("0011", "0012")).is_err());
    assert!(!format!("{document:?}").contains("199003"));
}

#[test]
fn every_error_is_one_chinese_sentence_without_the_number() {
    let what = Kind::Resident;
    for error in [
        IdentifierError::Empty { what },
        IdentifierError::Length { what, found: 3, expected: "18" },
        IdentifierError::Character { what, position: 3, found: 'A' },
        IdentifierError::Character { what: Kind::Uscc, position: 3, found: 'I' },
        IdentifierError::LowerCaseX { what },
        IdentifierError::FifteenDigits { what },
        IdentifierError::Prefix { what },
        IdentifierError::Prefix { what: Kind::Uscc },
        IdentifierError::BirthDate { what },
        IdentifierError::BirthInFuture { what },
        IdentifierError::CheckCharacter { what },
        IdentifierError::Form { what: Kind::Passport, expected: "字母E加8位数字" },
        IdentifierError::OtherDocument { what, found: Kind::ResidencePermit },
        IdentifierError::OppositePermit,
        IdentifierError::Landline,
    ] {
        let zh = error.zh();
        assert!(zh.ends_with('。') && zh.matches('。').count() == 1 && zh.contains('请'), "{zh}");
        assert!(!error.to_string().is_empty());
    }
    for sample in RESIDENTS {
        let broken = format!("{}7", &sample[..17]);
        if let Err(error) = resident(&broken) {
            assert!(!error.zh().contains(&sample[6..14]) && !error.to_string().contains(&sample[6..14]));
        }
    }
}

fn digits(length: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[0-9]{{{length}}}")).unwrap()
}

fn a_resident() -> impl Strategy<Value = String> {
    (1900..2100_i32, 1..=12_u8, 1..=28_u8, digits(3)).prop_map(|(year, month, day, sequence)| {
        let body = format!("519900{year:04}{month:02}{day:02}{sequence}");
        let last = check::mod_11_2(&body).unwrap();
        format!("{body}{last}")
    })
}

/// The text with another character of the alphabet at one place.
fn substituted(text: &str, at: usize, alphabet: &str, pick: usize) -> Option<String> {
    let old = text.chars().nth(at)?;
    let new = alphabet.chars().nth(pick % alphabet.len())?;
    (new != old).then(|| text.chars().enumerate().map(|(i, c)| if i == at { new } else { c }).collect())
}

const ALPHANUMERIC: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

proptest! {
    #[test]
    fn a_resident_number_never_survives_a_wrong_character(text in a_resident(), at in 0..18_usize, pick in 0..11_usize) {
        prop_assert!(resident(&text).is_ok());
        if let Some(wrong) = substituted(&text, at, "0123456789X", pick) {
            prop_assert!(resident(&wrong).is_err(), "{} read as right", wrong);
        }
    }

    #[test]
    fn a_resident_number_never_survives_two_neighbours_changing_places(text in a_resident(), at in 0..16_usize) {
        let mut swapped: Vec<char> = text.chars().collect();
        swapped.swap(at, at + 1);
        let swapped: String = swapped.into_iter().collect();
        prop_assert!(swapped == text || resident(&swapped).is_err());
    }

    #[test]
    fn fifteen_digits_keep_area_birth_and_sequence(
        year in 0..100_u32, month in 1..=12_u8, day in 1..=28_u8, sequence in 0..996_u32,
    ) {
        let old = format!("519900{year:02}{month:02}{day:02}{sequence:03}");
        let new = ResidentNumber::from_fifteen(&old).unwrap();
        prop_assert_eq!(&new.as_str()[..6], "519900");
        prop_assert_eq!(&new.as_str()[6..8], "19");
        prop_assert_eq!(&new.as_str()[8..17], &old[6..]);
    }

    #[test]
    fn a_wrong_character_of_an_organisation_code_is_always_noticed(
        body in "MA[0-9A-HJ-NP-RTUWXY]{7}", at in 0..18_usize, pick in 0..31_usize,
    ) {
        let uscc = Uscc::with_check(&format!("91519900{body}")).unwrap();
        prop_assert!(uscc.check_digit_ok());
        if let Some(wrong) = substituted(uscc.as_str(), at, check::USCC_ALPHABET, pick) {
            prop_assert!(!wrong.parse::<Uscc>().is_ok_and(|u| u.check_digit_ok()), "{} unnoticed", wrong);
        }
    }

    #[test]
    fn a_licence_identifier_never_survives_a_wrong_character(
        serial in "[0-9A-Z]{1,32}", version in 1..1000_u16, at in 15..80_usize, pick in 0..36_usize,
    ) {
        let kind = "11100000000013127D001".parse().unwrap();
        let issuer = "11519900MBTE5T0968".parse().unwrap();
        let id = LicenceId::compose(&kind, &issuer, &serial, version).unwrap();
        prop_assert_eq!(id.as_str().parse::<LicenceId>().unwrap().version(), version);
        if let Some(wrong) = substituted(id.as_str(), at, ALPHANUMERIC, pick) {
            prop_assert!(wrong.parse::<LicenceId>().is_err(), "{} read as right", wrong);
        }
    }

    #[test]
    fn nothing_that_is_typed_makes_a_reader_panic(text in "\\PC{0,40}") {
        let _ = (
            resident(&text), text.parse::<Uscc>(), text.parse::<LicenceId>(), text.parse::<ItemCode>(),
            text.parse::<LicenceKindCode>(), text.parse::<OrganisationCode>(), text.parse::<MobileNumber>(),
        );
        let _ = (ResidentNumber::from_fifteen(&text), text.parse::<HolderId>());
        for kind in DocumentKind::ALL {
            let _ = IdentityDocument::new(kind, &text);
        }
    }

    #[test]
    fn what_a_reader_takes_it_gives_back(text in "[0-9A-Z:.()HM]{0,40}") {
        if let Ok(number) = resident(&text) {
            prop_assert_eq!(number.as_str(), &text);
        }
        if let Ok(uscc) = text.parse::<Uscc>() {
            prop_assert_eq!(uscc.as_str(), &text);
        }
    }
}
