//! Configuration that fits together, and what it switches.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

fn changed(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

#[test]
fn the_provinces_own_policy_fits_together() {
    assert_eq!(Policy::default().check(), Ok(()));
}

#[test]
fn a_policy_that_relaxes_with_time_or_tier_is_none() {
    let relaxing: [fn(&mut Policy); 6] = [
        |p| p.hours.t2_supervisor = 73,
        |p| p.hours.t2_receipt_only = 169,
        |p| p.hours.t1_supervisor = 23,
        |p| p.hours.receipt_only = 71,
        |p| p.windows.status_hours.t3 = 73,
        |p| p.limits.item_per_day = 4,
    ];
    for change in relaxing {
        let checked = changed(change).check();
        assert!(matches!(checked, Err(PolicyError::Relaxes { .. })), "{checked:?}");
    }
}

#[test]
fn numbers_without_meaning_and_lists_that_leave_somebody_out_are_refused() {
    let check = |change: fn(&mut Policy)| changed(change).check().unwrap_err();
    assert_eq!(check(|p| p.version = 0), PolicyError::Range("version"));
    assert_eq!(check(|p| p.sample_percent = 101), PolicyError::Range("sample_percent"));
    assert_eq!(check(|p| p.limits.disk_percent = 0), PolicyError::Range("limits.disk_percent"));
    assert_eq!(check(|p| p.windows.fresh_minutes = 0), PolicyError::Range("windows.fresh_minutes"));
    let twice = PolicyError::WayTwice { way: Way::Face, list: "person" };
    assert_eq!(check(|p| p.ways.person.push(Way::Face)), twice);
    assert_eq!(check(|p| p.ways.organisation = vec![Way::Face]), PolicyError::NoPlainWay("organisation"));
    assert_eq!(check(|p| p.ways.offline = vec![Way::Face]), PolicyError::NoPlainWay("offline"));
    assert_eq!(check(|p| p.ways.person.push(Way::Agent)), PolicyError::AgentOfPerson);
}

#[test]
fn the_desk_offers_in_order_what_the_lists_say_and_less_with_the_line_down() {
    let policy = changed(|p| {
        p.ways.person = vec![Way::Face, Way::ServiceCode, Way::IdentityCard];
        p.ways.offline = vec![Way::IdentityCard, Way::Face];
    });
    let down = LineState::Down { hours: 0 };
    assert_eq!(policy.offered(ApplicantKind::Person, LineState::Up), policy.ways.person);
    assert_eq!(policy.offered(ApplicantKind::Person, down), [Way::Face, Way::IdentityCard]);
    let s = Situation {
        identity: IdentityGrade::I3,
        code: CodeForm::Challenge,
        ..Situation::new(Tier::T1, Way::ServiceCode, ApplicantKind::Person, down)
    };
    let judged = judge(&policy, &s);
    assert_eq!(
        (judged.outcome, &*judged.sentence),
        (Outcome::No, "离线时未开通“办事码”核验，请改用实体身份证核验。",)
    );
    let raise = judged.raise.unwrap();
    assert!(raise.contains("；不用手机也可以：请办事人本人改用实体身份证核验，可提升至"), "{raise}");
    let up = judge(&policy, &Situation { way: Way::Delegate, line: LineState::Up, ..s });
    assert_eq!(up.sentence, "本窗口未开通“委托代办”核验，请改用实体身份证核验。");
}

#[test]
fn a_longer_list_of_approved_items_and_shorter_windows_take_effect() {
    let item: crate::ItemCode = catalogue_item();
    let policy = changed(|p| {
        p.pre_approved.insert(item.clone());
    });
    assert!(policy.approves(&item) && !Policy::default().approves(&item));
    assert_eq!(policy.status_window(Tier::T1, 24), 24);
    assert_eq!(policy.status_window(Tier::T1, 240), 72);
    assert_eq!(policy.status_window(Tier::T3, 24), 0);
}

fn catalogue_item() -> crate::ItemCode {
    static ITEM: LazyLock<crate::ItemCode> = LazyLock::new(|| {
        let text = include_str!("../../../../centre/data/catalogue.toml");
        let catalogue: crate::Catalogue = toml::from_str(text).expect("the catalogue is right");
        catalogue.items()[0].code.clone()
    });
    ITEM.clone()
}

fn ways() -> impl Strategy<Value = Vec<Way>> {
    subsequence(Way::ALL.to_vec(), 0..=Way::ALL.len()).prop_shuffle()
}

proptest! {
    #[test]
    fn whoever_has_no_phone_and_no_wish_for_a_face_check_is_always_offered_a_way(
        person in ways(), organisation in ways(), offline in ways(),
        applicant in select(vec![ApplicantKind::Person, ApplicantKind::Organisation]),
        hours in proptest::option::of(0_u32..500),
    ) {
        let policy = changed(|p| p.ways = Ways { person, organisation, offline });
        let line = hours.map_or(LineState::Up, |hours| LineState::Down { hours });
        let offered = policy.offered(applicant, line);
        prop_assert!(offered.contains(&Way::IdentityCard) && !Way::IdentityCard.needs_phone());
        for way in Way::ALL {
            prop_assert_eq!(offered.contains(&way), policy.offers(way, applicant, line));
        }
    }

    #[test]
    fn a_policy_reads_back_as_it_was_written(person in ways(), version in 1_u32.., hours in 0_u32..999) {
        let policy = changed(|p| {
            (p.version, p.ways.person, p.hours.receipt_only) = (version, person, hours);
            p.pre_approved.insert(catalogue_item());
        });
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Policy>(&json).unwrap(), &policy);
        let toml = toml::to_string(&policy).unwrap();
        prop_assert_eq!(toml::from_str::<Policy>(&toml).unwrap(), policy);
    }
}
