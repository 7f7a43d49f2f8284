//! What became of cached licences elsewhere, and must not happen here.

use super::*;
use ed25519_dalek::SigningKey;
use hall_domain::case::{Established, Open};
use hall_domain::{Issuer, Licence, LicenceId, LicenceKindCode, Uscc};
use hall_ledger::envelope::{Envelope, Issue, IssuedEnvelope, StatusRef};
use hall_ledger::status::{StatusClaims, StatusError, StatusList};
use hall_ledger::{Salt, Signed};
use std::convert::Infallible;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const HALL: &str = "990001";

/// The province's own policy for a low-risk item; the kind of these tests counts for 24 hours.
fn windows() -> Windows {
    let kind = LicenceKind {
        code: licence().kind,
        name: "营业执照".to_owned(),
        department: "市场监督管理局".to_owned(),
        holder: hall_domain::ApplicantKind::Organisation,
        window_hours: 24,
        fields: Vec::new(),
    };
    let kinds = BTreeMap::from([(kind.code.to_string(), kind)]);
    Windows { policy: Arc::new(Policy::default()), tier: Tier::T1, kinds: Arc::new(kinds) }
}

fn centre() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn keys() -> CentreKeys {
    CentreKeys::new([centre().verifying_key()]).unwrap()
}

fn licence() -> Licence {
    let (kind, uscc): (LicenceKindCode, Uscc) =
        ("11100000000013338W011".parse().unwrap(), "91519900MATE5T1132".parse().unwrap());
    Licence {
        id: LicenceId::compose(&kind, &uscc, "000000001", 1).unwrap(),
        kind,
        name: "营业执照".to_owned(),
        holder: HolderId::Organisation(uscc.clone()),
        number: uscc.to_string(),
        issuer: Issuer { name: "安澜市市场监督管理局".to_owned(), uscc },
        issued: NOW.local_date(),
        valid_from: NOW.local_date(),
        valid_until: None,
        version: 1,
        fields: BTreeMap::from([
            ("name".parse().unwrap(), "安澜测试有限公司".to_owned()),
            ("address".parse().unwrap(), "安澜市临江街道2号".to_owned()),
        ]),
    }
}

fn issue(licence: &Licence, representative: Option<&HolderId>, expires_at: Timestamp) -> IssuedEnvelope {
    let issue = Issue {
        status: StatusRef { list: 1, index: 7 },
        checked_at: NOW,
        expires_at,
        halls: [HALL.to_owned()].into(),
        relation: representative.cloned(),
        file: None,
    };
    let mut n = 0;
    let salts = || {
        n += 1;
        Ok::<_, Infallible>(Salt([n; 16]))
    };
    Envelope::issue(licence, &issue, &centre(), salts).unwrap()
}

fn cached() -> Cached {
    let issued = issue(&licence(), None, NOW.plus_hours(72));
    Cached { issued, status: LicenceStatus::Valid, status_at: NOW }
}

fn judged(cached: Cached, list: Option<&VerifiedStatusList>, now: Timestamp) -> Option<Candidate> {
    let (keys, signatures) = (keys(), Signatures::default());
    let proof = Proof { keys: &keys, signatures: &signatures };
    let lists = list.into_iter().map(|list| (list.list(), list)).collect();
    candidate(cached, &licence().holder, proof, HALL, &Freshness { token_at: None, lists }, now)
}

fn list(status: LicenceStatus, at: Timestamp, life_hours: i64, key: &SigningKey) -> Signed<StatusClaims> {
    let mut list = StatusList::new(100).unwrap();
    list.set(7, status).unwrap();
    Signed::sign(&list.claims(1, at, 300, at.plus_hours(life_hours)), key)
}

fn verified(signed: &Signed<StatusClaims>) -> VerifiedStatusList {
    StatusClaims::verify(signed.as_bytes(), &keys()).unwrap()
}

/// The row of a list, and its agreed counterpart.
fn row(candidate: &Candidate, now: Timestamp) -> (ConsentRow, ListedLicence) {
    let facts = candidate.envelope.facts();
    let material = Material {
        id: "m1".parse().unwrap(),
        name: "营业执照".to_owned(),
        required: true,
        replaced_by: Some(facts.kind.clone()),
        holder: MaterialHolder::Applicant,
        fields: vec!["name".parse().unwrap(), "address".parse().unwrap()],
    };
    let listed = listed(candidate, &material, windows().of(&facts.kind), now);
    let agreed = ConsentRow {
        alias: None,
        material: material.id,
        licence: facts.licence.clone(),
        kind: facts.kind.clone(),
        name: facts.name.clone(),
        holder: candidate.holder.clone(),
        fields: listed.fields.clone(),
        labels: Vec::new(),
        required: true,
    };
    (agreed, listed)
}

#[test]
fn a_value_changed_under_a_good_signature_is_not_opened() {
    let good = judged(cached(), None, NOW).unwrap();
    let (agreed, listed) = row(&good, NOW);
    assert!(open(&agreed, &listed, &[good], &windows(), "LX-1".to_owned(), NOW).is_ok());
    for at in 0..3 {
        let mut changed = cached();
        let field = &mut changed.issued.disclosures.fields[at];
        let key = field.field.clone();
        field.value = field.value.replace(['安', '9'], "王");
        // The envelope itself is untouched, so it is still a licence; only the value stays closed.
        let candidate = judged(changed, None, NOW).unwrap();
        let opened = open(&agreed, &listed, &[candidate], &windows(), "LX-1".to_owned(), NOW);
        match agreed.fields.contains(&key) {
            true => assert_eq!(opened.map(drop), Err(OpenError::Digest(key))),
            false => assert!(opened.is_ok(), "a field that is not asked for is not looked at"),
        }
    }
}

#[test]
fn an_envelope_with_one_changed_byte_is_no_licence() {
    let bytes = cached().issued.envelope.into_bytes();
    for at in 0..bytes.len() {
        let mut changed = cached();
        let mut signed = bytes.clone();
        signed[at] ^= 1;
        changed.issued.envelope = Signed::from_bytes(signed);
        assert!(judged(changed, None, NOW).is_none(), "byte {at}");
    }
}

#[test]
fn an_envelope_past_its_time_is_shown_as_that_and_counts_less() {
    let old = Cached { issued: issue(&licence(), None, NOW), ..cached() };
    let candidate = judged(old, None, NOW.plus_hours(1)).unwrap();
    let (_, listed) = row(&candidate, NOW.plus_hours(1));
    assert_eq!(listed.grade, LicenceGrade::L2);
    let statement = listed.statement.unwrap();
    assert!(statement.open.contains(&Open::Cached));
    assert!(statement.zh().contains("缓存期限（已过期，须联网重新获取）"), "{}", statement.zh());
}

#[test]
fn a_licence_outside_of_its_dates_does_not_stand_for_its_paper_and_says_why() {
    let past = Licence { valid_until: Some(NOW.plus_hours(-48).local_date()), ..licence() };
    let next_week = NOW.plus_hours(24 * 7).local_date();
    let early = Licence { valid_from: next_week, ..licence() };
    for (licence, words) in [(past, "有效期（不在有效期内）"), (early, "起有效")] {
        let issued = issue(&licence, None, NOW.plus_hours(72));
        let candidate = judged(Cached { issued, ..cached() }, None, NOW).unwrap();
        let (_, listed) = row(&candidate, NOW);
        assert!(!listed.usable(NOW.local_date()), "{words}");
        let statement = listed.statement.unwrap();
        assert!(!statement.established.contains(&Established::Dates));
        assert!(statement.zh().contains(words), "{}", statement.zh());
    }
}

#[test]
fn a_status_list_of_another_authority_is_not_taken() {
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let forged = list(LicenceStatus::Valid, NOW, 72, &stranger);
    assert!(matches!(StatusClaims::verify(forged.as_bytes(), &keys()), Err(StatusError::Cose(_))));
}

#[test]
fn a_list_that_has_expired_beats_no_knowledge_and_makes_nothing_fresh() {
    let old = verified(&list(LicenceStatus::Valid, NOW, 24, &centre()));
    let later = NOW.plus_hours(25);
    let candidate = judged(cached(), Some(&old), later).unwrap();
    assert_eq!((candidate.list_at, candidate.status_at), (None, NOW));
    let (_, listed) = row(&candidate, later);
    assert_eq!(listed.grade, LicenceGrade::L2);
    assert!(listed.statement.unwrap().zh().contains("没有可用的状态列表"));
}

#[test]
fn what_was_revoked_is_closed_and_what_is_valid_again_opens_with_the_next_list() {
    let revoked = Cached { status: LicenceStatus::Revoked, status_at: NOW.plus_hours(1), ..cached() };
    let at = NOW.plus_hours(2);
    let first = judged(cached(), None, NOW).unwrap();
    let (agreed, listed) = row(&first, NOW);
    let closed = judged(revoked.clone(), None, at).unwrap();
    assert_eq!(closed.status, LicenceStatus::Revoked);
    assert!(open(&agreed, &listed, &[closed], &windows(), "LX-1".to_owned(), at).is_err());
    // A list from before the revocation changes nothing about it.
    let before = verified(&list(LicenceStatus::Valid, NOW, 72, &centre()));
    assert_eq!(judged(revoked.clone(), Some(&before), at).unwrap().status, LicenceStatus::Revoked);
    let after = verified(&list(LicenceStatus::Valid, NOW.plus_hours(2), 72, &centre()));
    let again = judged(revoked, Some(&after), at).unwrap();
    assert_eq!(again.status, LicenceStatus::Valid);
    assert!(open(&agreed, &listed, &[again], &windows(), "LX-1".to_owned(), at).is_ok());
}

#[test]
fn a_list_revokes_what_no_message_told_of() {
    let told = verified(&list(LicenceStatus::Revoked, NOW.plus_hours(1), 72, &centre()));
    assert_eq!(judged(cached(), Some(&told), NOW.plus_hours(2)).unwrap().status, LicenceStatus::Revoked);
}

#[test]
fn the_statement_of_a_use_says_that_the_values_were_compared_and_the_seal_was_not_looked_at() {
    let list = verified(&list(LicenceStatus::Valid, NOW, 72, &centre()));
    let now = NOW.plus_ms(10 * 60_000);
    let candidate = judged(cached(), Some(&list), now).unwrap();
    let (agreed, listed) = row(&candidate, now);
    let seen = listed.statement.as_ref().unwrap();
    assert!(seen.open.contains(&Open::Values) && !seen.established.contains(&Established::Values));
    let (used, _) = open(&agreed, &listed, &[candidate], &windows(), "LX-1".to_owned(), now).unwrap();
    assert_eq!(
        used.statement.unwrap().zh(),
        "中心签名有效；持证主体相符；本厅可用；在有效期内；所用内容与签名一致；状态“有效”于10分钟前由状态列表核验\
         （时限24小时）；状态列表：10分钟前；未核验：印章。"
    );
}

/// Grades of a licence that was listed and, the same minute, opened.
fn graded(candidate: &Candidate, windows: &Windows, now: Timestamp) -> [LicenceGrade; 2] {
    let item = Material {
        id: "m1".parse().unwrap(),
        name: "营业执照".to_owned(),
        required: true,
        replaced_by: Some(candidate.envelope.facts().kind.clone()),
        holder: MaterialHolder::Applicant,
        fields: vec!["name".parse().unwrap()],
    };
    let (agreed, _) = row(candidate, now);
    let listed = listed(candidate, &item, windows.of(&agreed.kind), now);
    let opened =
        open(&agreed, &listed, std::slice::from_ref(candidate), windows, "LX-1".to_owned(), now).unwrap();
    [listed.grade, opened.0.grade]
}

#[test]
fn the_grade_follows_the_policy_in_force_to_the_minute_when_listed_and_when_opened() {
    let candidate = judged(cached(), None, NOW).unwrap();
    let minutes = |minutes: i64| NOW.plus_ms(minutes * 60_000);
    let mut narrow = windows();
    let policy = Arc::make_mut(&mut narrow.policy);
    policy.windows.status_hours.t1 = 6;
    policy.windows.fresh_minutes = 3;
    // The kind says 24 hours, the province's own policy 72 for this tier, the narrow one 6.
    for (windows, hours) in [(windows(), 24), (narrow.clone(), 6)] {
        assert_eq!(graded(&candidate, &windows, minutes(hours * 60 - 1)), [LicenceGrade::L3; 2], "{hours}");
        assert_eq!(graded(&candidate, &windows, minutes(hours * 60 + 1)), [LicenceGrade::L2; 2], "{hours}");
    }
    let told = Candidate { told_at: Some(NOW), ..candidate };
    for (windows, fresh) in [(windows(), 10), (narrow.clone(), 3)] {
        assert_eq!(graded(&told, &windows, minutes(fresh - 1)), [LicenceGrade::L4; 2], "{fresh}");
        assert_eq!(graded(&told, &windows, minutes(fresh + 1)), [LicenceGrade::L3; 2], "{fresh}");
    }
    let high = Windows { tier: Tier::T3, ..narrow };
    assert_eq!(graded(&told, &high, minutes(2)), [LicenceGrade::L4; 2]);
    assert_eq!(graded(&told, &high, minutes(4)), [LicenceGrade::L2; 2], "a high-risk item has no hours");
}

#[test]
fn what_was_in_time_when_it_was_listed_is_graded_anew_when_it_is_opened() {
    let candidate = judged(cached(), None, NOW).unwrap();
    let (agreed, listed) = row(&candidate, NOW.plus_hours(23));
    assert_eq!(listed.grade, LicenceGrade::L3);
    let now = NOW.plus_hours(25);
    let (used, _) = open(&agreed, &listed, &[candidate], &windows(), "LX-1".to_owned(), now).unwrap();
    assert_eq!(used.grade, LicenceGrade::L2);
    assert!(used.statement.unwrap().open.contains(&Open::Status));
}

#[test]
fn without_a_register_only_the_person_whom_the_issuer_named_opens_a_companys_licence() {
    let person = |number: &str| number.parse::<HolderId>().unwrap();
    let (representative, stranger) = (person("111:519900199003070011"), person("111:519900198805160241"));
    let of = |named: Option<&HolderId>| {
        let issued = issue(&licence(), named, NOW.plus_hours(72));
        judged(Cached { issued, ..cached() }, None, NOW).unwrap()
    };
    let named = of(Some(&representative));
    let company = named.holder.clone();
    assert!(speaks_for(&representative, &named, &company));
    assert!(!speaks_for(&stranger, &named, &company));
    assert!(!speaks_for(&representative, &of(None), &company), "nobody is named");
    assert!(speaks_for(&stranger, &named, &stranger), "the person's own papers are another matter");
}

#[test]
fn what_lies_under_an_earlier_number_is_offered_for_what_is_lacking_alone_and_only_with_the_authoritys_word()
{
    let person = |number: &str| number.parse::<HolderId>().unwrap();
    let (present, earlier) = (person("111:519900199003070011"), person("111:519900900307001"));
    let of = |holder: &HolderId, serial: &str| {
        let uscc: Uscc = "11519900MBTE5T0968".parse().unwrap();
        let kind: LicenceKindCode = "11100000000013127D001".parse().unwrap();
        let id = LicenceId::compose(&kind, &uscc, serial, 1).unwrap();
        let licence = Licence { id, kind, holder: holder.clone(), ..licence() };
        let cached = Cached { issued: issue(&licence, None, NOW.plus_hours(72)), ..cached() };
        let (keys, signatures) = (keys(), Signatures::default());
        let proof = Proof { keys: &keys, signatures: &signatures };
        candidate(cached, holder, proof, HALL, &Freshness::default(), NOW).unwrap()
    };
    let catalogue: hall_domain::Catalogue =
        toml::from_str(include_str!("../../../sync/centre/data/catalogue.toml")).unwrap();
    let item = catalogue.items().iter().find(|item| item.name == "失业登记").unwrap().clone();
    let since = "2001-06-01".parse().unwrap();
    let fact = HolderAlias::new(
        hall_domain::AliasId([7; 16]),
        present.clone(),
        earlier.clone(),
        hall_domain::AliasKind::FifteenDigits,
        since,
        "安澜市公安局",
    );
    let facts = [fact.unwrap()];
    let offered = |candidates: &[Candidate], aliases: &[HolderAlias], person: &HolderId| {
        let rows = super::list(&item, &windows(), &present, person, candidates, NOW);
        let whose = Whose { principal: &present, person, aliases };
        let own = rows.iter().filter(|row| row.licence.is_some()).count();
        (own, aliased(&item, &windows(), whose, &rows, candidates, NOW))
    };
    let (own, found) = offered(&[of(&earlier, "000000009")], &facts, &present);
    assert_eq!((own, found.len()), (0, 1));
    assert_eq!((&found[0].licence.holder, found[0].licence.alias), (&earlier, Some(facts[0].id())));
    // The numbers would map onto each other: nobody has said that they are one person's.
    assert_eq!(offered(&[of(&earlier, "000000009")], &[], &present), (0, Vec::new()));
    // The person has one under the present number.
    let both = [of(&present, "000000001"), of(&earlier, "000000009")];
    assert_eq!(offered(&both, &facts, &present), (1, Vec::new()));
    // A delegate stands there: nobody can look at the principal.
    let delegate = person("111:519900198805160241");
    assert_eq!(offered(&[of(&earlier, "000000009")], &facts, &delegate), (0, Vec::new()));
}
