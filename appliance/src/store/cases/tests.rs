use super::recent::REMEMBERED;
use super::*;
use hall_domain::IdentityCard;
use hall_domain::case::{Attachment, CaseEvent, CaseRecord, Follow, Identity, Mode, Submission};
use std::collections::BTreeSet;

fn database() -> (Connection, Vault) {
    let db = Connection::open_in_memory().unwrap();
    for migration in super::super::MIGRATIONS {
        db.execute_batch(migration.sql).unwrap();
    }
    (db, Vault::new(zeroize::Zeroizing::new([3; 32])))
}

fn opened_case() -> Stored {
    let record = CaseRecord {
        case: "c1".parse().unwrap(),
        no: "H1-20261121-00001".parse().unwrap(),
        at: Timestamp(1_795_000_000_000),
        clerk: "li.qiang".parse().unwrap(),
        event: CaseEvent::Opened {
            item: "11519900MBTE5T20572000100001001".parse().unwrap(),
            item_version: 1,
            item_name: "居住证签注".to_owned(),
            applicant: ApplicantKind::Person,
            window: "W01".parse().unwrap(),
            hall: "安澜市政务服务大厅".to_owned(),
        },
    };
    Stored { case: Arc::new(Case::opened(&record).unwrap()), rev: 1 }
}

#[test]
fn a_remembered_case_counts_only_while_its_row_is_the_same() {
    let (db, vault) = database();
    let recent = Recent::default();
    let mut stored = opened_case();
    let id = stored.case.id.clone();
    recent.put(&db, &vault, &stored).unwrap();

    db.execute_batch("SAVEPOINT one").unwrap();
    Arc::make_mut(&mut stored.case).hall = "taken back".to_owned();
    stored.rev = 2;
    recent.put(&db, &vault, &stored).unwrap();
    assert_eq!(recent.find(&db, &vault, &id).unwrap().unwrap().case.hall, "taken back");
    recent.put(&db, &vault, &stored).unwrap();
    db.execute_batch("ROLLBACK TO one; RELEASE one").unwrap();
    let found = recent.find(&db, &vault, &id).unwrap().unwrap();
    assert_eq!((found.case, found.rev), (opened_case().case, 1));

    recent.put(&db, &vault, &opened_case()).unwrap();
    Arc::make_mut(&mut stored.case).hall = "by another way".to_owned();
    put(&db, &vault, &stored).unwrap();
    assert_eq!(recent.find(&db, &vault, &id).unwrap().unwrap().case.hall, "by another way");
    assert!(recent.find(&db, &vault, &"c2".parse().unwrap()).unwrap().is_none());
}

#[test]
fn only_so_many_cases_are_remembered_and_none_that_is_closed() {
    let (db, vault) = database();
    let recent = Recent::default();
    for number in 0..REMEMBERED + 5 {
        let mut stored = opened_case();
        let case = Arc::make_mut(&mut stored.case);
        case.id = format!("c{number}").parse().unwrap();
        case.no = format!("H1-20261121-{number:05}").parse().unwrap();
        case.updated_at = Timestamp(i64::try_from(number).unwrap());
        recent.put(&db, &vault, &stored).unwrap();
    }
    assert_eq!(recent.lock().len(), REMEMBERED);
    assert!(!recent.lock().contains_key(&"c0".parse().unwrap()), "the one left alone longest went");
    let mut closed = recent.find(&db, &vault, &"c100".parse().unwrap()).unwrap().unwrap();
    Arc::make_mut(&mut closed.case).abandoned = Some("走了".to_owned());
    recent.put(&db, &vault, &closed).unwrap();
    assert!(!recent.lock().contains_key(&closed.case.id));
    assert_eq!(clerk(&db, &closed.case.id).unwrap(), Some(closed.case.clerk.clone()));
}

#[test]
fn a_written_case_is_found_by_what_it_now_says() {
    let (db, vault) = database();
    let mut stored = opened_case();
    let count =
        |search: &str| count(&db, &vault, &Filter { show: Show::Open, search: search.to_owned() }).unwrap();
    put(&db, &vault, &stored).unwrap();
    assert_eq!((count("居住证"), count("王芳")), (1, 0));
    Arc::make_mut(&mut stored.case).identity = Some(Identity {
        name: wang_fang().name,
        document: wang_fang().document,
        card: Some(wang_fang()),
        phone: None,
        expired: false,
        compared: false,
        note: None,
        at: stored.case.opened_at,
    });
    put(&db, &vault, &stored).unwrap();
    assert_eq!((count("王芳"), count(wang_fang().document.number())), (1, 1));
    Arc::make_mut(&mut stored.case).identity = None;
    put(&db, &vault, &stored).unwrap();
    assert_eq!((count("王芳"), count("")), (0, 1));
}

#[test]
fn a_case_is_listed_as_following_until_the_last_thing_came_whatever_the_centre_says() {
    let (db, vault) = database();
    let mut stored = opened_case();
    let no = stored.case.no.to_string();
    let listed = || {
        let count = |show| count(&db, &vault, &Filter { show, search: String::new() }).unwrap();
        (count(Show::Following), count(Show::Review))
    };
    let outcome = hall_domain::Outcome::MaterialsToFollow;
    let opened_at = stored.case.opened_at;
    Arc::make_mut(&mut stored.case).submission = Some(Submission {
        judgement: hall_domain::Judgement { outcome, sentence: String::new(), raise: None },
        mode: Mode::Online,
        second: None,
        supervisor: None,
        follow: Some(Follow { materials: BTreeSet::new(), identity: true, by: opened_at.local_date() }),
        at: opened_at,
    });
    put(&db, &vault, &stored).unwrap();
    assert_eq!(listed(), (1, 0));
    set_disposition(&db, &no, Judged::Conditional).unwrap();
    assert_eq!(listed(), (1, 0), "passed on condition is not forgotten");
    Arc::make_mut(&mut stored.case).supplied.insert(1);
    Arc::make_mut(&mut stored.case).attachments.push(Attachment {
        id: 1,
        material: None,
        name: "身份证.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        size: 1,
        sha256: "00".to_owned(),
        blob: "00".to_owned(),
    });
    put(&db, &vault, &stored).unwrap();
    assert_eq!(listed().0, 0);
}

fn wang_fang() -> IdentityCard {
    let people = include_str!("../../../../tests/cast/people.toml");
    let people: hall_domain::Register = toml::from_str(people).unwrap();
    people.person("wang-fang").unwrap().card.clone()
}

#[test]
fn lists_and_counts_read_indexes_alone() {
    let (db, vault) = database();
    let clerk: AccountName = "li.qiang".parse().unwrap();
    let every = [
        Show::Mine(clerk),
        Show::Since(Timestamp(1)),
        Show::Open,
        Show::Submitted,
        Show::Review,
        Show::Following,
        Show::All,
    ];
    for show in every {
        for search in ["", "00042"] {
            let filter = Filter { show: show.clone(), search: search.to_owned() };
            let (condition, values) = filter.condition(&vault);
            let sql = format!("EXPLAIN QUERY PLAN SELECT count(*) FROM cases WHERE {condition}");
            let mut statement = db.prepare(&sql).unwrap();
            let steps: Vec<String> = statement
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(steps.iter().all(|step| step.contains("INDEX")), "{show:?} {search:?}: {steps:?}");
            assert_eq!(count(&db, &vault, &filter).unwrap(), 0);
            assert!(list(&db, &vault, &filter, 0, 20).unwrap().is_empty());
        }
    }
}
