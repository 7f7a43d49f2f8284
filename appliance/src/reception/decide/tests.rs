mod aliases;
mod mandate;
mod phone;
mod shown;
mod submission;

use super::*;
use hall_domain::case::{
    CaseId, CaseNo, CaseRecord, Consent, ConsentEnd, LicenceUse, ListedLicence, MaterialState, Outstanding,
    Secondary,
};
use hall_domain::form::FieldState;
use hall_domain::policy::LineState;
use hall_domain::register::Register;
use hall_domain::{Catalogue, FieldKey, LicenceGrade, LicenceKind, LicenceStatus, Outcome, Tier};
use std::collections::{BTreeMap, BTreeSet};

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn catalogue() -> Catalogue {
    toml::from_str(include_str!("../../../../sync/centre/data/catalogue.toml")).unwrap()
}

fn kinds() -> BTreeMap<String, LicenceKind> {
    catalogue().kinds().iter().map(|kind| (kind.code.to_string(), kind.clone())).collect()
}

fn register() -> Register {
    let people: Register = toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap();
    let organisations: Register =
        toml::from_str(include_str!("../../../../tests/cast/organisations.toml")).unwrap();
    people.merged(organisations)
}

fn card(slug: &str) -> IdentityCard {
    register().person(slug).unwrap().card.clone()
}

/// A case at a desk, driven by the same decisions as the box's.
struct Desk {
    case: Case,
    item: ServiceItem,
    now: Timestamp,
}

impl Desk {
    fn open(item: &str, applicant: ApplicantKind) -> Self {
        let item = catalogue().search(item).first().map(|item| (*item).clone()).unwrap();
        let event = open(&item, applicant, "W01".parse().unwrap(), "安澜市政务服务大厅").unwrap();
        let case = Case::opened(&record(event, NOW)).unwrap();
        Self { case, item, now: NOW }
    }

    fn take(&mut self, events: Events) -> Result<usize, Refusal> {
        let events = events?;
        let count = events.len();
        for event in events {
            self.case.apply(record(event, self.now));
        }
        Ok(count)
    }

    fn read(&mut self, slug: &str) -> Result<usize, Refusal> {
        let proof = ReadProof {
            command: "01READ".parse().unwrap(),
            reader: "rd-1".to_owned(),
            sam: None,
            answer: "00".to_owned(),
        };
        let events = identify(&self.case, card(slug), proof, self.now);
        self.take(events)
    }

    /// 人证一致 for the card that was read last.
    fn confirm(&mut self, note: Option<&str>) -> Result<usize, Refusal> {
        let seen = self.case.identity.as_ref().unwrap().at;
        self.take(confirm_person(&self.case, seen, note.map(str::to_owned)))
    }

    fn confirmed(mut self, slug: &str) -> Self {
        self.read(slug).unwrap();
        self.confirm(None).unwrap();
        let rows = self.rows();
        self.take(list(&self.case, rows, Mode::Offline)).unwrap();
        self
    }

    /// Every material that a licence can replace has one.
    fn rows(&self) -> Vec<ListRow> {
        let holder = self.case.principal().unwrap();
        let licence = |material: &hall_domain::Material| {
            let kind = material.replaced_by.clone()?;
            Some(ListedLicence {
                alias: None,
                id: register().licences().next().unwrap().1.id.clone(),
                kind,
                name: material.name.clone(),
                holder: holder.clone(),
                issuer: "安澜市".to_owned(),
                valid_until: None,
                version: 1,
                status: LicenceStatus::Valid,
                checked_at: NOW,
                status_at: NOW,
                mode: Mode::Offline,
                grade: LicenceGrade::L3,
                envelope: "00".to_owned(),
                fields: material.fields.clone(),
                statement: None,
            })
        };
        let row = |material: &hall_domain::Material| ListRow {
            material: material.id.clone(),
            name: material.name.clone(),
            required: material.required,
            licence: licence(material),
        };
        self.item.materials.iter().map(row).collect()
    }

    fn asked(mut self) -> Self {
        let request = consent_request(&self.case, &self.item, &BTreeMap::new(), self.now).unwrap();
        let event = ask(request, "sha-256:00".to_owned(), command(), "ev-1".to_owned());
        self.take(Ok(vec![event])).unwrap();
        self
    }

    fn agreed(self) -> Self {
        let mut desk = self.asked();
        let yes = Answer::Agreed { refused: BTreeSet::new() };
        desk.take(answer(&desk.case, &command(), yes, "{}".to_owned())).unwrap();
        desk
    }
}

fn record(event: CaseEvent, at: Timestamp) -> CaseRecord {
    CaseRecord {
        case: "c1".parse::<CaseId>().unwrap(),
        no: "H1-20261121-00001".parse::<CaseNo>().unwrap(),
        at,
        clerk: "liqiang".parse().unwrap(),
        event,
    }
}

fn command() -> CommandId {
    "01ASK".parse().unwrap()
}

fn personal() -> Desk {
    Desk::open("居住证签注", ApplicantKind::Person)
}

#[test]
fn another_persons_card_in_the_middle_of_a_case_changes_nothing() {
    let mut desk = personal().confirmed("wang-fang");
    let before = desk.case.clone();
    assert_eq!(desk.read("zhang-wei"), Err(Refusal::AnotherPerson));
    assert_eq!(desk.case, before);
    assert_eq!(desk.read("wang-fang"), Ok(0), "the same person again is nothing new");
}

#[test]
fn until_card_and_person_were_compared_another_card_takes_the_place_of_the_first() {
    let mut desk = personal();
    desk.read("zhou-ming").unwrap();
    let expired = desk.case.identity.clone().unwrap();
    assert!(expired.expired);
    assert_eq!(desk.read("zhou-ming"), Ok(0), "the same card again is nothing new");
    desk.now = desk.now.plus_ms(5_000);
    assert_eq!(desk.read("wang-fang"), Ok(2), "the first reading is given up and the second taken");
    let now = desk.case.identity.clone().unwrap();
    assert_eq!((now.card, now.expired), (Some(card("wang-fang")), false));
    let seen = confirm_person(&desk.case, expired.at, Some("看过".to_owned()));
    assert_eq!(seen, Err(Refusal::AnotherReading), "the clerk saw the first card");
    assert_eq!(desk.confirm(None), Ok(1));
    let mut renewed = card("wang-fang");
    renewed.valid_until = None;
    let proof = ReadProof {
        command: "01READ".parse().unwrap(),
        reader: "rd-1".to_owned(),
        sam: None,
        answer: "00".to_owned(),
    };
    let again = identify(&desk.case, renewed, proof, desk.now);
    assert_eq!(again, Ok(Vec::new()), "afterwards the person stands");
}

#[test]
fn a_person_who_was_compared_gives_way_only_to_a_new_verification() {
    let mut desk = personal().confirmed("wang-fang");
    assert_eq!(desk.read("zhang-wei"), Err(Refusal::AnotherPerson));
    desk.take(clear_identity(&desk.case, "换人")).unwrap();
    assert_eq!(desk.read("zhang-wei"), Ok(1));
    let mut asked = personal().confirmed("wang-fang").asked();
    assert_eq!(asked.take(clear_identity(&asked.case, "换人")), Err(Refusal::AlreadyAsking));
}

#[test]
fn an_organisations_case_wants_its_legal_representative() {
    let register = register();
    let organisation = register.organisations.iter().find(|entry| entry.slug == "qinghe-canyin").unwrap();
    let mut desk = Desk::open("食品经营许可延续", ApplicantKind::Organisation);
    assert_eq!(desk.read("zhang-wei"), Err(Refusal::OrganisationMissing));
    let organised = Organised {
        uscc: organisation.organisation.uscc.clone(),
        register: Some(organisation.organisation.clone()),
        checked_at: Some(NOW),
    };
    desk.take(name_organisation(&desk.case, organised)).unwrap();
    assert_eq!(desk.read("wang-fang"), Err(Refusal::NotLegalRepresentative));
    assert_eq!(desk.read("zhang-wei"), Ok(1));
}

#[test]
fn an_agent_speaks_for_the_organisation_and_not_for_its_legal_representatives_person() {
    let register = register();
    let mut company =
        register.organisations.iter().find(|one| one.slug == "qinghe-canyin").unwrap().organisation.clone();
    let card = |slug: &str| register.people.iter().find(|one| one.slug == slug).unwrap().card.clone();
    let agent = card("wang-fang");
    company.agents = vec![hall_domain::AgentGrant {
        document: agent.document.clone(),
        name: agent.name.clone(),
        from: NOW.plus_hours(-1),
        until: NOW.plus_hours(1),
        place: 7,
    }];
    let served = |slug: &str| {
        let mut desk = Desk::open("食品经营许可延续", ApplicantKind::Organisation);
        let (uscc, register) = (company.uscc.clone(), Some(company.clone()));
        let organised = Organised { uscc, register, checked_at: Some(NOW) };
        desk.take(name_organisation(&desk.case, organised)).unwrap();
        desk.read(slug).unwrap();
        desk.case
    };
    assert_eq!(served("wang-fang").legal_representative(), None);
    let wei = hall_domain::HolderId::Person(card("zhang-wei").document);
    assert_eq!(served("zhang-wei").legal_representative(), Some(wei));
}

#[test]
fn an_expired_card_needs_a_note() {
    let mut desk = personal();
    desk.read("zhou-ming").unwrap();
    assert_eq!(desk.confirm(Some("  ")), Err(Refusal::NoteMissing));
    assert_eq!(desk.confirm(Some("户口簿核对一致")), Ok(1));
}

#[test]
fn nothing_is_asked_before_card_and_person_were_compared() {
    let mut desk = personal();
    desk.read("wang-fang").unwrap();
    assert_eq!(desk.take(list(&desk.case, Vec::new(), Mode::Online)), Err(Refusal::NotConfirmed));
    assert_eq!(fill(&desk.case, Vec::new(), BTreeMap::new()), Err(Refusal::NotConfirmed));
}

#[test]
fn the_same_answer_twice_counts_once_and_a_late_one_not_at_all() {
    let mut desk = personal().confirmed("wang-fang").asked();
    let yes = || Answer::Agreed { refused: BTreeSet::new() };
    assert_eq!(desk.take(answer(&desk.case, &command(), yes(), "{}".to_owned())), Ok(1));
    assert_eq!(desk.take(answer(&desk.case, &command(), yes(), "{}".to_owned())), Err(Refusal::OutOfStep));
    let mut desk = personal().confirmed("wang-fang").asked();
    desk.take(end_consent(&desk.case, &command(), ConsentEnd::Cancelled)).unwrap();
    assert_eq!(desk.take(answer(&desk.case, &command(), yes(), "{}".to_owned())), Err(Refusal::OutOfStep));
}

#[test]
fn refusing_every_row_is_refusing() {
    let mut desk = personal().confirmed("wang-fang").asked();
    let all: BTreeSet<_> = desk.case.list.iter().map(|row| row.material.clone()).collect();
    desk.take(answer(&desk.case, &command(), Answer::Agreed { refused: all }, "{}".to_owned())).unwrap();
    assert!(matches!(desk.case.consent, Consent::Refused { .. }));
    assert!(agreed_rows(&desk.case).is_empty());
}

#[test]
fn a_refused_row_is_never_opened() {
    let mut desk = personal().confirmed("wang-fang").asked();
    let row = desk.case.list.iter().find(|row| row.licence.is_some()).unwrap().clone();
    let refused: BTreeSet<_> = [row.material.clone()].into();
    let more = desk.case.list.iter().filter(|row| row.licence.is_some()).count() > 1;
    assert!(more, "the item asks for more than one licence");
    desk.take(answer(&desk.case, &command(), Answer::Agreed { refused }, "{}".to_owned())).unwrap();
    let used = used(&row).unwrap();
    assert_eq!(fill(&desk.case, vec![used], BTreeMap::new()), Err(Refusal::OutOfStep));
}

#[test]
fn more_time_has_an_end() {
    let mut desk = personal().confirmed("wang-fang").asked();
    let mut asked = 0;
    desk.now = desk.now.plus_ms(CONSENT_MS - 1_000);
    while let Ok(1) = desk.take(extend(&desk.case, &command(), desk.now)) {
        asked += 1;
        desk.now = desk.now.plus_ms(CONSENT_MS - 1_000);
        assert!(asked < 20, "extensions never end");
    }
    let Consent::Waiting { asked } = &desk.case.consent else { panic!("still waiting") };
    assert_eq!(asked.deadline, asked.at.plus_ms(CONSENT_LONGEST_MS));
}

#[test]
fn a_field_that_the_form_does_not_have_is_refused_and_an_overtaken_one_too() {
    let mut desk = personal().confirmed("wang-fang");
    let key = desk.item.form[0].key.clone();
    let fields = desk.item.form.iter().map(|field| (field.key.clone(), FieldState::default())).collect();
    desk.take(fill(&desk.case, Vec::new(), fields)).unwrap();
    let strange: BTreeMap<FieldKey, String> = [("no_such_field".parse().unwrap(), "x".to_owned())].into();
    assert!(matches!(
        save_form(&desk.case, &desk.item, &strange, desk.case.form_rev),
        Err(Refusal::UnknownField(_))
    ));
    let seen = desk.case.form_rev;
    let mine: BTreeMap<_, _> = [(key.clone(), "甲".to_owned())].into();
    let theirs: BTreeMap<_, _> = [(key, "乙".to_owned())].into();
    desk.take(save_form(&desk.case, &desk.item, &theirs, seen)).unwrap();
    assert_eq!(save_form(&desk.case, &desk.item, &mine, seen), Err(Refusal::FormChanged));
    assert_eq!(
        save_form(&desk.case, &desk.item, &theirs, seen),
        Ok(Vec::new()),
        "the same again is nothing new"
    );
    let other: BTreeMap<_, _> = [(desk.item.form[1].key.clone(), "丙".to_owned())].into();
    assert!(save_form(&desk.case, &desk.item, &other, seen).is_ok(), "another field is nobody's loss");
}

#[test]
fn an_organisation_found_later_is_compared_with_the_person_who_is_here() {
    let register = register();
    let entry = register.organisations.iter().find(|entry| entry.slug == "qinghe-canyin").unwrap();
    let unknown = Organised { uscc: entry.organisation.uscc.clone(), register: None, checked_at: None };
    let known =
        Organised { register: Some(entry.organisation.clone()), checked_at: Some(NOW), ..unknown.clone() };
    let mut desk = Desk::open("食品经营许可延续", ApplicantKind::Organisation);
    desk.take(name_organisation(&desk.case, unknown)).unwrap();
    desk.read("wang-fang").unwrap();
    desk.take(name_organisation(&desk.case, known)).unwrap();
    assert!(desk.case.identity.is_none(), "she does not represent it");
}

#[test]
fn a_new_person_inherits_nothing() {
    let mut desk = personal().confirmed("wang-fang");
    let material = desk.case.list[0].material.clone();
    desk.take(choose_paper(&desk.case, &material, PaperChoice::ToFollow)).unwrap();
    desk.take(clear_identity(&desk.case, "换人")).unwrap();
    assert!(desk.case.papers.is_empty() && desk.case.attachments.is_empty() && !desk.case.committed);
}

#[test]
fn more_time_is_offered_as_long_as_there_is_some() {
    let mut desk = personal().confirmed("wang-fang").asked();
    let left = |desk: &Desk| match &desk.case.consent {
        Consent::Waiting { asked } => extensions_left(asked),
        _ => panic!("still waiting"),
    };
    assert_eq!(left(&desk), 4);
    let mut seen = Vec::new();
    desk.now = desk.now.plus_ms(CONSENT_MS);
    while let Ok(1) = desk.take(extend(&desk.case, &command(), desk.now)) {
        seen.push(left(&desk));
        desk.now = desk.now.plus_ms(CONSENT_MS);
    }
    assert_eq!(seen, [3, 2, 1, 0]);
}

#[test]
fn a_closed_case_takes_nothing() {
    let mut desk = personal().confirmed("wang-fang");
    desk.take(abandon(&desk.case, "")).unwrap();
    assert_eq!(desk.read("wang-fang"), Err(Refusal::Closed));
    assert_eq!(desk.take(reopen(&desk.case, desk.now)), Ok(1));
    assert_eq!(desk.case.step(), Step::List, "it goes on where it was");
}

#[test]
fn an_empty_or_large_file_is_refused() {
    let desk = personal().confirmed("wang-fang");
    assert_eq!(may_attach(&desk.case, None, 0), Err(Refusal::EmptyFile));
    assert_eq!(may_attach(&desk.case, None, 21 * 1024 * 1024), Err(Refusal::FileTooLarge));
    assert_eq!(may_attach(&desk.case, None, ATTACHMENT_BYTES), Ok(()));
}

#[test]
fn a_licence_that_the_centre_does_not_confirm_no_longer_stands_for_its_paper() {
    let mut desk = personal().confirmed("wang-fang").asked();
    let yes = Answer::Agreed { refused: BTreeSet::new() };
    desk.take(answer(&desk.case, &command(), yes, "{}".to_owned())).unwrap();
    let uses: Vec<LicenceUse> = desk.case.list.iter().filter_map(used).collect();
    let attested = hall_domain::form::Attested {
        value: "甲".to_owned(),
        by: hall_domain::form::AttestedBy::Licence { id: uses[0].licence.clone(), name: "证".to_owned() },
    };
    let field = FieldState { value: "甲".to_owned(), attested: Some(attested), ..FieldState::default() };
    let key: FieldKey = "name".parse().unwrap();
    desk.take(fill(&desk.case, uses, [(key.clone(), field)].into())).unwrap();
    let before = desk.case.uses.len();
    let mut rows = desk.case.list.clone();
    for licence in rows.iter_mut().filter_map(|row| row.licence.as_mut()) {
        licence.grade = LicenceGrade::L4;
    }
    desk.take(recheck(&desk.case, rows.clone(), None)).unwrap();
    assert_eq!(desk.case.mode, Some(Mode::Online));
    assert_eq!(desk.case.uses.len(), before);
    assert!(desk.case.uses.iter().all(|used| used.grade == LicenceGrade::L4));
    assert!(desk.case.form[&key].mark().is_some());
    for licence in rows.iter_mut().filter_map(|row| row.licence.as_mut()) {
        licence.status = LicenceStatus::Revoked;
    }
    desk.case.mode = Some(Mode::Offline);
    desk.take(recheck(&desk.case, rows, None)).unwrap();
    assert!(desk.case.uses.is_empty());
    assert!(desk.case.form[&key].mark().is_none(), "nothing vouches for the value any more");
}

#[test]
fn a_rating_page_gives_way_only_when_nobody_has_used_it_for_a_while() {
    assert_eq!(rating_gives_way(NOW, NOW), Err(Refusal::BeingRated(20)));
    assert_eq!(rating_gives_way(NOW, NOW.plus_ms(18_001)), Err(Refusal::BeingRated(2)));
    assert_eq!(rating_gives_way(NOW, NOW.plus_ms(RATING_UNDISTURBED_MS)), Ok(()));
    assert_eq!(rating_gives_way(NOW.plus_ms(3_600_000), NOW), Ok(()), "the clock was set back");
}

#[test]
fn a_colleagues_case_is_taken_over_only_after_a_quiet_while() {
    let desk = personal().confirmed("wang-fang");
    let other: AccountName = "zhoumin".parse().unwrap();
    let window: WindowId = "W02".parse().unwrap();
    assert_eq!(take_over(&desk.case, &other, window.clone(), NOW), Err(Refusal::StillWorking));
    assert!(take_over(&desk.case, &other, window, NOW.plus_ms(QUIET_MS)).is_ok());
}

fn used(row: &ListRow) -> Option<LicenceUse> {
    let licence = row.licence.clone()?;
    Some(LicenceUse {
        alias: None,
        material: row.material.clone(),
        licence: licence.id,
        kind: licence.kind,
        version: 1,
        use_code: "LX-1".to_owned(),
        envelope: licence.envelope,
        opened: BTreeMap::new(),
        grade: licence.grade,
        status_at: NOW,
        mode: Mode::Offline,
        statement: None,
    })
}
