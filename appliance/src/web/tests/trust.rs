//! Trust and clock, as the desks and the ledger tell of them.

use super::hall::{Hall, open_case};
use crate::clock::{Clock, ClockState, Doubt, Source};
use crate::live::Live;
use crate::store::{findings, ledger, meta};
use crate::trust;
use crate::vault::Vault;
use hall_domain::Timestamp;
use hall_domain::policy::{self, LineState, TrustState};
use hall_ledger::phone::{CodeKey, CodeKeys};
use hall_ledger::trust::{BundleKey, LIFE_DAYS, Roles, SUITE, SignedBundle, Suite, TrustBundle};
use hall_ledger::{CentreKeys, SigningKey, Trust};
use hall_sync::{CentreTime, LineStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use zeroize::Zeroizing;

const NOON: i64 = 1_790_000_000_000;
const DAY_MS: i64 = 24 * 3_600_000;
pub(super) const CODE_KEY: [u8; 32] = [0x5c; 32];

/// Clocks that are moved by hand.
#[derive(Clone)]
struct Hand(Arc<(AtomicI64, AtomicU64)>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new((AtomicI64::new(NOON), AtomicU64::new(1_000))))
    }

    /// Time passes.
    fn pass(&self, ms: i64) {
        self.set(ms);
        self.0.1.fetch_add(ms.unsigned_abs(), Ordering::SeqCst);
    }

    /// Somebody moves the wall clock.
    fn set(&self, ms: i64) {
        self.0.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Source for Hand {
    fn wall(&self) -> Timestamp {
        Timestamp(self.0.0.load(Ordering::SeqCst))
    }

    fn boot(&self) -> [u8; 16] {
        [1; 16]
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.1.load(Ordering::SeqCst)
    }
}

/// The centre answers: its clock shows `centre`.
fn hear(hall: &Hall, centre: Timestamp) {
    let here = hall.app.book.clock.now();
    let heard = Some(CentreTime { centre, here, within_ms: 20 });
    let line = LineStatus { up: true, last_contact: Some(centre), heard, ..LineStatus::unknown(here) };
    hall.app.book.knowledge.set_line(line);
}

async fn look(hall: &Hall) {
    trust::look(&hall.app.book, &Live::default(), true).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_told_on_every_desk_and_written_down_and_stops_no_case() {
    let hand = Hand::new();
    let hall = Hall::on(Clock::of(hand.clone())).await.with_catalogue();
    hear(&hall, hand.wall());
    look(&hall).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    assert!(!browser.get("/cases").await.text.contains("时钟可疑"));

    let truth = hand.wall();
    hand.set(-DAY_MS);
    let knowledge = &hall.app.book.knowledge;
    let since_the_last_look = knowledge.clock_state(hand.wall());
    assert!(matches!(since_the_last_look, ClockState::Doubtful { reason: Doubt::WentBack, .. }));
    hand.pass(1_000);
    look(&hall).await;
    look(&hall).await;
    assert_eq!(hall.entries("clock.event").await, 1, "once, however often it is looked at");
    assert!(knowledge.latest(hand.wall()) >= truth, "nothing becomes fresh");
    let mut browser = hall.at_window("zhao.min", "W02").await;
    for desk in ["/cases", "/findings", "/devices", "/sync"] {
        assert!(browser.get(desk).await.text.contains("时钟可疑（时钟倒退，最多差"), "{desk}");
    }
    let id = open_case(&mut browser).await;
    let case = hall.app.desk.case(&id).await.unwrap();
    let conditions = hall.app.desk.conditions(&case).await.unwrap();
    assert_eq!((conditions.clock, conditions.trust), (policy::ClockState::Doubtful, TrustState::Valid));
    let book = hall.app.book.clone();
    let opened = hall
        .app
        .book
        .db
        .read_with(move |db| {
            let size = ledger::head(db)?.unwrap().size();
            let last = ledger::entries(db, &book.vault, size - 1, 1)?.remove(0);
            let verified = last.verify(&book.key().verifying_key()).unwrap();
            Ok::<_, crate::book::Fault>(verified.header().unwrap().clock)
        })
        .await
        .unwrap();
    assert!(opened.error_ms >= DAY_MS.unsigned_abs(), "the entry says how wrong it may be: {opened:?}");

    hand.set(DAY_MS);
    hand.pass(1_000);
    hear(&hall, hand.wall());
    look(&hall).await;
    look(&hall).await;
    assert_eq!(hall.entries("clock.event").await, 2, "and once when it is good again");
    let mut browser = hall.at_window("li.qiang", "W01").await;
    assert!(!browser.get("/cases").await.text.contains("时钟可疑"));
}

fn root() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub(super) fn pinned() -> Trust {
    let keys = CentreKeys::new([SigningKey::from_bytes(&[2; 32]).verifying_key()]).unwrap();
    Trust::pinned(keys, Some(root().verifying_key()), Timestamp(NOON))
}

pub(super) fn bundle(version: u32, issued_at: Timestamp) -> SignedBundle {
    let key = |seed: u8, from: Timestamp, until: Option<Timestamp>| BundleKey {
        suite: SUITE.to_owned(),
        key: SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes().to_vec(),
        roles: Roles::ALL,
        not_before: from,
        not_after: until,
        retired: false,
    };
    let switch = issued_at.plus_hours(24 * 20);
    let bundle = TrustBundle {
        version,
        issued_at,
        expires_at: issued_at.plus_hours(24 * LIFE_DAYS),
        roots: vec![root().verifying_key().to_bytes().into()],
        keys: vec![key(2, Timestamp(0), Some(switch)), key(3, switch, None)],
        suites: Suite::named(),
        documents: Vec::new(),
        code_keys: CodeKeys::new([CodeKey {
            number: 1,
            key: CODE_KEY,
            first: issued_at.local_date(),
            last: issued_at.local_date().plus_days(30),
        }])
        .unwrap(),
    };
    SignedBundle::sign(&bundle, &[&root()])
}

#[tokio::test]
async fn a_trust_bundle_lies_sealed_and_is_there_again_after_a_restart() {
    let hall = Hall::new().await;
    let signed = bundle(4, Timestamp(NOON));
    let (vault, kept) = (hall.app.book.vault.clone(), signed.clone());
    let now = hall.app.book.clock.now();
    hall.write(move |tx| trust::keep(tx, &vault, &kept, now)).await;
    let stored = hall.read(|db| meta::get(db, meta::key::TRUST)).await.unwrap();
    assert!(!stored.windows(32).any(|window| window == CODE_KEY), "a code key lies open");
    let vault = hall.app.book.vault.clone();
    let recalled = hall.read(move |db| trust::recall(db, &vault, pinned())).await;
    assert_eq!(recalled, pinned().accept(&signed).unwrap());
    let stolen = Vault::new(Zeroizing::new([9; 32]));
    let recalled = hall.read(move |db| trust::recall(db, &stolen, pinned())).await;
    assert_eq!(recalled, pinned(), "elsewhere it does not open");
}

#[tokio::test]
async fn trust_that_ends_is_told_thirty_days_before_and_then_only_receives() {
    let hand = Hand::new();
    let hall = Hall::on(Clock::of(hand.clone())).await.with_catalogue();
    let knowledge = hall.app.book.knowledge.clone();
    let id = open_case(&mut hall.at_window("li.qiang", "W01").await).await;
    let case = hall.app.desk.case(&id).await.unwrap();
    let conditions = async || {
        let conditions = hall.app.desk.conditions(&case).await.unwrap();
        (conditions.clock, conditions.trust)
    };
    knowledge.set_trust(pinned().accept(&bundle(1, hand.wall())).unwrap());
    let open = async || hall.read(findings::open_count).await;
    let told = async || {
        look(&hall).await;
        hall.signed_in("tech").await.get("/sync").await.text
    };
    hear(&hall, hand.wall());
    let page = told().await;
    assert!(page.contains("第 1 版") && page.contains("现用") && page.contains("下一把"), "{page}");
    assert!(!page.contains("天到期") && open().await == 0);
    assert_eq!(knowledge.line_state(hand.wall()), LineState::Up);
    assert_eq!(conditions().await, (policy::ClockState::Trusted, TrustState::Valid));

    hand.pass(61 * DAY_MS);
    hear(&hall, hand.wall());
    let page = told().await;
    assert!(
        page.contains("信任包还有 28 天到期，已有 61 天没有更新")
            || page.contains("信任包还有 29 天到期，已有 61 天没有更新"),
        "{page}"
    );
    assert_eq!((open().await, knowledge.trust_expired(hand.wall())), (1, false));
    assert_eq!(knowledge.code_keys(hand.wall()).keys().len(), 1);

    hand.pass(30 * DAY_MS);
    hear(&hall, hand.wall());
    let page = told().await;
    assert!(page.contains("信任包已过期：只能收件"), "{page}");
    assert_eq!(open().await, 1, "the finding takes the place of the warning");
    assert!(knowledge.trust_expired(hand.wall()) && knowledge.code_keys(hand.wall()).keys().is_empty());
    assert_eq!(knowledge.line_state(hand.wall()), LineState::Up, "the line itself is as it is");
    assert_eq!(conditions().await.1, TrustState::Expired);

    let renewed = bundle(2, hand.wall());
    knowledge.set_trust(knowledge.trust().accept(&renewed).unwrap());
    let page = told().await;
    assert!(!page.contains("天到期") && !page.contains("信任包已过期"), "{page}");
    assert_eq!((open().await, conditions().await.1), (0, TrustState::Valid));
}
